//! Writeback of journalled data: `gfs2_jdata_writepages` (fs/gfs2/aops.c, 6.2). What is journalled and why stands with the
//! [hooks](crate::iomap::jdata).

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Lock, Op};

use crate::judge::properties;
use crate::state::buffers::{Buffers, Stored, bits};
use crate::state::event::{DataEvent, FolioEvent, What};
use crate::state::folio::{FolioId, FolioRef};
use crate::state::inode::Inode;
use crate::state::ioend::{Ioend, Outcome};
use crate::state::private::Taken;
use crate::state::slot::Slot;
use crate::words::extent::Extent;
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::ordering::Link;
use crate::words::personality::Hooks;
use crate::words::value::Value;
use crate::writeback::io::{SyncMode, audit_address, start_writeback};

/// One pass over a range of folios.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pass {
    mode: SyncMode,
    folios: Range<FolioIndex>,
    again: Again,
}

/// Where `gfs2_jdata_writepages` stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum JdataState {
    /// Before the next folio of the range.
    Next(Pass, FolioIndex),
    /// Before a dirty folio is locked.
    Folio(Pass, FolioRef),
    /// The folio is locked and clean, within a transaction; before i_size is read.
    Size(Pass, FolioRef),
    /// Before what lies behind that size is zeroed.
    Tail {
        /// The pass.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// The size.
        size: Cell,
    },
    /// The folio is locked and clean; before some of its blocks are written in place.
    Write {
        /// The pass.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// The blocks to write.
        blocks: Vec<FileBlock>,
    },
    /// Before I/O is submitted.
    Submit {
        /// The pass.
        pass: Pass,
        /// The folio that follows.
        next: FolioIndex,
        /// What is still to be submitted.
        ioends: Vec<Ioend>,
    },
    /// Nothing of the range was tagged; before it is known whether the next folio is, if it lies outside of the range.
    Tagged(Pass, FolioIndex),
    /// The log is being flushed: before the buffers of the next folio are unpinned. After that the pass begins anew.
    Unpin(Pass, FolioIndex),
}

/// What follows a pass.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Again {
    /// The log is flushed, which makes what it pinned dirty, and the range is gone over again.
    AfterFlush,
    /// Likewise if anything of the file is tagged (`mapping_tagged`).
    IfTagged,
    /// Nothing.
    No,
}

impl Pass {
    /// It has found a folio that is tagged.
    fn tagged(self) -> Self {
        let again = if self.again == Again::IfTagged { Again::AfterFlush } else { self.again };
        Pass { again, ..self }
    }
}

impl JdataState {
    /// `filemap_fdatawrite_wbc` (mm/filemap.c, 6.1 and 6.12; `filemap_writeback`, 7.3): a pass over `folios`, and one for integrity does
    /// nothing if no folio of the file is tagged.
    pub fn fdatawrite(mode: SyncMode, folios: Range<FolioIndex>) -> Self {
        let again = if mode == SyncMode::Integrity { Again::IfTagged } else { Again::No };
        let first = folios.start;
        JdataState::Next(Pass { mode, folios, again }, first)
    }

    /// A pass for integrity by who does not ask for tags.
    pub fn do_writepages(folios: Range<FolioIndex>) -> Self {
        let first = folios.start;
        JdataState::Next(Pass { mode: SyncMode::Integrity, folios, again: Again::AfterFlush }, first)
    }

    /// A flush of the log alone.
    pub fn log_flush() -> Self {
        JdataState::do_writepages(0..0)
    }
}

/// One step.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: JdataState,
) -> ControlFlow<(), JdataState> {
    ControlFlow::Continue(match state {
        JdataState::Next(pass, next) if next >= pass.folios.end => return pass_over(inode, me, pass).await,
        JdataState::Next(pass, next) => {
            let mut slot = inode.page(next).lock(Op::on("writeback_get_folio", u32::from(next))).await;
            let Some((id, true)) = slot.current().map(|(id, folio)| (id, folio.tagged)) else {
                return ControlFlow::Continue(JdataState::Next(pass, next + 1));
            };
            slot.folio_mut(id).refs |= 1 << me;
            JdataState::Folio(pass.tagged(), FolioRef { index: next, id })
        }
        JdataState::Tagged(pass, next) => return mapping_tagged(inode, pass, next).await,
        JdataState::Folio(pass, folio) => match clean(inode, me, pass.mode, folio).await {
            None => JdataState::Next(pass, folio.index + 1),
            Some(slot) if inode.size_changes => {
                drop(slot);
                JdataState::Size(pass, folio)
            }
            Some(mut slot) => {
                let blocks = gfs2_write_jdata_folio(inode, me, folio, &mut slot, inode.i_size_peek());
                JdataState::Write { pass, folio, blocks }
            }
        },
        JdataState::Size(pass, folio) => {
            let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
            JdataState::Tail { pass, folio, size }
        }
        JdataState::Tail { pass, folio, size } => {
            let op = Op::on("gfs2_write_jdata_folio", u32::from(folio.index));
            let mut slot = inode.page(folio.index).lock(op).await;
            let blocks = gfs2_write_jdata_folio(inode, me, folio, &mut slot, size);
            JdataState::Write { pass, folio, blocks }
        }
        JdataState::Write { pass, folio, blocks } => {
            let ioends = map(inode, folio, &blocks).await;
            start_writeback(inode, me, folio, ioends.len()).await;
            JdataState::Submit { pass, next: folio.index + 1, ioends }
        }
        JdataState::Submit { pass, next, mut ioends } => {
            if ioends.is_empty() {
                return ControlFlow::Continue(JdataState::Next(pass, next));
            }
            let ioend = ioends.remove(0);
            let mut in_flight = inode.sb.in_flight.lock(Op::new("submit_bh")).await;
            inode.emit(|| What::Data(DataEvent::Submitted(inode.sb.geometry.bytes_of_blocks(&ioend.blocks))));
            in_flight.push(ioend);
            inode.sb.bio.release();
            JdataState::Submit { pass, next, ioends }
        }
        JdataState::Unpin(pass, next) => {
            if next < inode.sb.geometry.folios() {
                unpin(inode, next).await;
                return ControlFlow::Continue(JdataState::Unpin(pass, next + 1));
            }
            inode.sb.log_flush_lock.up_write(me);
            let first = pass.folios.start;
            JdataState::Next(pass, first)
        }
    })
}

/// All folios of the range were looked at: what is pinned is in the log next, if anything was found.
async fn pass_over<B: Backend>(inode: &Inode<B>, me: ActorId, pass: Pass) -> ControlFlow<(), JdataState> {
    match pass.again {
        Again::AfterFlush => {
            inode.sb.log_flush_lock.down_write(Op::new("gfs2_log_flush"), me).await;
            inode.log_write();
            inode.sb.release_freed();
            ControlFlow::Continue(JdataState::Unpin(Pass { again: Again::No, ..pass }, 0))
        }
        Again::IfTagged => ControlFlow::Continue(JdataState::Tagged(pass, 0)),
        Again::No => ControlFlow::Break(()),
    }
}

/// `mapping_tagged`, which asks for the whole file, as far as the pass has not: one folio an operation.
async fn mapping_tagged<B: Backend>(
    inode: &Inode<B>,
    pass: Pass,
    next: FolioIndex,
) -> ControlFlow<(), JdataState> {
    if next >= inode.sb.geometry.folios() {
        return ControlFlow::Break(());
    }
    if pass.folios.contains(&next) {
        return ControlFlow::Continue(JdataState::Tagged(pass, next + 1));
    }
    let slot = inode.page(next).lock(Op::on("mapping_tagged", u32::from(next))).await;
    if slot.current().is_some_and(|(_, folio)| folio.tagged) {
        let end = pass.folios.end;
        return ControlFlow::Continue(JdataState::Next(pass.tagged(), end));
    }
    ControlFlow::Continue(JdataState::Tagged(pass, next + 1))
}

/// `gfs2_write_jdata_pagevec`: begins a transaction, locks the folio, and clears its dirty flag. What was stored through a
/// mapping is joined to the transaction: `folio_clear_dirty_for_io` finds the entry writable and dirties the folio once more,
/// now inside the transaction, by which `jdata_dirty_folio` sets PG_checked. Left out: that an entry may be gone by then.
async fn clean<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mode: SyncMode,
    folio: FolioRef,
) -> Option<<B::Lock<Slot> as Lock<Slot>>::Guard<'_>> {
    let FolioRef { index, id } = folio;
    let unlocked = |slot: &Slot, id: u64| slot.is_unlocked(id as FolioId);
    inode.sb.log_flush_lock.down_read(Op::new("gfs2_trans_begin"), me).await;
    let op = Op::on("folio_lock", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, unlocked, u64::from(id)).await;
    inode.folio_locked(index, id);
    let wanted = slot.folio(id).is_some_and(|folio| {
        folio.in_cache && folio.dirty && !(folio.writeback && mode == SyncMode::Background)
    });
    if !wanted {
        inode.folio_unlocked(index, id);
        slot.put(id, me);
        inode.sb.log_flush_lock.up_read(me);
        return None;
    }
    slot.folio_mut(id).locked = Some(me);
    if slot.folio_mut(id).writeback {
        drop(slot);
        let done = |slot: &Slot, id: u64| slot.folio(id as FolioId).is_none_or(|folio| !folio.writeback);
        let op = Op::on("folio_wait_writeback", u32::from(index));
        slot = inode.page(index).lock_when(op, done, u64::from(id)).await;
        inode.writeback(index).acquire();
    }
    let all = bits(0..inode.sb.geometry.blocks_per_folio());
    let data = slot.locked_mut(id, me);
    let stored = std::mem::replace(&mut data.stored, Stored::Joined);
    data.clear_dirty_for_io();
    inode.tlb(index).acquire();
    inode.emit(|| What::Folio(FolioEvent::Cleaned(index)));
    inode.take_private(index, data, Hooks::Jdata, Taken::Kept);
    let had_none = data.buffers.is_none() && inode.sets_data_mode;
    let buffers = data.buffers.get_or_insert_with(Buffers::default);
    if stored == Stored::Unjoined {
        // `block_dirty_folio`.
        buffers.dirty = all;
        buffers.logged = 0;
        buffers.pin(all);
    } else if had_none {
        // `folio_create_buffers`: all of them are dirty. What was stored in ordered mode is none of the journal's business.
        buffers.dirty = all;
        buffers.logged = all;
    }
    Some(slot)
}

/// `gfs2_write_jdata_folio` (gfs2_write_jdata_page, 6.1) up to the buffers: zeroes what lies behind end of file in the folio, each time,
/// since it may be mapped; picks the buffers to write in place, those that are dirty and lie inside of the file (`__block_write_full_folio`
/// makes the others clean); and ends the transaction.
fn gfs2_write_jdata_folio<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folio: FolioRef,
    slot: &mut Slot,
    size: Cell,
) -> Vec<FileBlock> {
    let FolioRef { index, id } = folio;
    let cells = inode.sb.geometry.cells_of_folio(index);
    let first = inode.sb.geometry.blocks_of_folio(index).start;
    let data = slot.locked_mut(id, me);
    if cells.start < size && size < cells.end {
        data.cells[usize::from(size - cells.start)..].fill(Value::ZERO);
    }
    let buffers = data.buffers.get_or_insert_with(Buffers::default);
    // With a size of 0 the number of the last block wraps around, and nothing lies behind it.
    let end = if size == 0 { FileBlock::MAX } else { inode.sb.geometry.blocks_touched(&(0..size)).end };
    let inside = bits(0..end.saturating_sub(first).min(inode.sb.geometry.blocks_per_folio()));
    let in_place = buffers.dirty & inside;
    let past_the_journal = in_place & !buffers.logged;
    buffers.dirty = 0;
    inode.sb.log_flush_lock.up_read(me);
    if past_the_journal != 0 {
        inode.violate(properties::BROKEN_TRANSACTION, || {
            format!("folio {index} is written in place before its data is in the journal")
        });
    }
    let written =
        inode.sb.geometry.blocks_of_folio(index).filter(|block| in_place & (1 << (block - first)) != 0);
    written.collect()
}

/// Where the buffers lie on the device, of those that have a place.
async fn map<B: Backend>(inode: &Inode<B>, folio: FolioRef, blocks: &[FileBlock]) -> Vec<Ioend> {
    if blocks.is_empty() {
        return Vec::new();
    }
    let map = inode.lock_map(Op::new("gfs2_get_block_noalloc")).await;
    let (mut ioends, mut without) = (Vec::new(), None);
    for block in blocks {
        let Extent::Written(phys) = map.get(*block) else {
            without.get_or_insert(*block);
            continue;
        };
        ioends.push(Ioend {
            file: inode.number,
            blocks: *block..*block + 1,
            phys,
            unwritten: false,
            shared: false,
            outcome: Outcome::of(false),
            folios: vec![folio],
            size: None,
            beyond: 0,
        });
    }
    drop(map);
    for ioend in &ioends {
        audit_address(inode, ioend.blocks.start, ioend.phys, false);
    }
    if let Some(block) = without {
        recover(inode, block);
    }
    ioends
}

/// `recover` in `__block_write_full_folio`: a buffer that is dirty and lies inside of the file has no place (`gfs2_get_block_noalloc`). The
/// others are written, and the error is kept as if the device had failed (`mapping_set_error`). A store makes all buffers of its folio
/// dirty, also those behind end of file, and the file may have grown over them since.
fn recover<B: Backend>(inode: &Inode<B>, block: FileBlock) {
    if inode.sb.config.fs.io_errors() {
        inode.mapping_set_error();
    }
    inode.judge_no_place(block);
}

/// `gfs2_unpin` after the log was written: the buffers are dirty again, and may be written in place now.
async fn unpin<B: Backend>(inode: &Inode<B>, index: FolioIndex) {
    let mut slot = inode.page(index).lock(Op::on("gfs2_unpin", u32::from(index))).await;
    let Some(folio) = slot.current_mut() else { return };
    let Some(buffers) = &mut folio.buffers else { return };
    if buffers.joined | buffers.dirty & buffers.logged != 0 {
        inode.data_written();
    }
    if buffers.joined == 0 {
        return;
    }
    buffers.dirty |= buffers.joined;
    buffers.logged |= buffers.joined;
    buffers.joined = 0;
    folio.dirty = true;
    folio.tagged = true;
    inode.mark_pages_dirty();
}
