//! gfs2 with journalled data: a transaction around each folio of a write, and a writeback of its own.
//!
//! The data of such a file goes to the journal first. A write dirties the folio's buffers and then joins them to a
//! transaction, which pins them: until the log is flushed they must not be written in place. If the folio is
//! unlocked between the two, writeback sees buffers that are dirty and not pinned, and writes them past the journal;
//! reclaim can free them, and the hook finds none. fs/gfs2/bmap.c, aops.c and log.c, 6.2.
//!
//! The same hooks are around each folio of a write into a [stuffed](super::stuffed) file, which has no buffers to join: what
//! it changes is the inode.
//!
//! Left out: the journal's space and its contents (only whether a block's present contents are in
//! it), the zeroing of the rest of a new buffer after a short copy.

use crate::judge::properties;
use std::ops::{ControlFlow, Range};

use super::{Hooks, Personality, gfs2};
use stalemap_facade::{ActorId, Backend, Lock, Op};
use crate::design::{Check, FolioLookup, PageDone, PageDoneOnStale};
use crate::extent::Extent;
use crate::folio::{Buffers, Folio, FolioId, FolioRef, Slot};
use crate::geometry::{Cell, FileBlock, FolioIndex};
use crate::inode::Inode;
use crate::ioend::Ioend;
use crate::truncate::pagecache_isize_extended;
use crate::write_state::{Fill, Write};
use crate::writeback::{SyncMode, audit_address, start_writeback};

/// gfs2 as of 6.2, a file with `chattr +j`.
pub(super) fn personality() -> Personality {
    Personality { hooks: Hooks::Jdata, ..gfs2::personality() }
}

fn broken<B: Backend>(inode: &Inode<B>, why: impl FnOnce() -> String) {
    inode.violate(properties::BROKEN_TRANSACTION, why);
}

/// `gfs2_iomap_page_prepare`: `gfs2_trans_begin`, before the folio is looked up. A task has one transaction; in the
/// kernel a second one is a BUG, here it is reported and the first one goes on.
pub(crate) async fn page_prepare<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write) {
    if write.transaction {
        broken(inode, || "a transaction is begun inside another one".to_owned());
        return;
    }
    inode.sb.log_flush_lock.down_read(Op::new("gfs2_trans_begin"), me).await;
    write.transaction = true;
}

/// `gfs2_trans_end`: what was joined is committed, in memory.
pub(crate) fn trans_end<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write) {
    inode.sb.log_flush_lock.up_read(me);
    write.transaction = false;
    inode.audit_crash();
}

fn bits(blocks: Range<u16>) -> u64 {
    blocks.fold(0, |set, block| set | 1 << block)
}

/// `block_write_end`: attaches buffers if there are none (`__block_write_begin` did) and marks those of `blocks` dirty.
pub(crate) fn dirty_buffers(folio: &mut Folio, blocks: Range<u16>) {
    let buffers = folio.buffers.get_or_insert_with(Buffers::default);
    buffers.dirty |= bits(blocks.clone());
    buffers.logged &= !bits(blocks);
}

/// `gfs2_page_add_databufs`: the buffers become part of the transaction, which pins them. Needs buffers; a folio
/// without any is a BUG in the kernel.
fn add_databufs<B: Backend>(inode: &Inode<B>, slot: &mut Slot, id: FolioId, blocks: u64) {
    if let Some(buffers) = &mut slot.folio_mut(id).buffers {
        buffers.dirty &= !blocks;
        buffers.joined |= blocks;
        inode.say(|| "buffers joined to the transaction".to_owned());
    } else {
        broken(inode, || "the folio has no buffers to join to the transaction".to_owned());
    }
}

/// The buffers that the hook's loop goes over for `pos..done`. Where nothing was copied the loop still takes the
/// buffer that an unaligned `pos` lies in.
fn hook_blocks<B: Backend>(inode: &Inode<B>, index: FolioIndex, pos: Cell, done: Cell) -> Range<u16> {
    let first = inode.sb.geometry.blocks_of_folio(index).start;
    let start = inode.sb.geometry.block_of(pos);
    let aligned = inode.sb.geometry.cells_of_block(start).start == pos;
    let end = if done > pos {
        inode.sb.geometry.blocks_touched(&(pos..done)).end
    } else {
        start + FileBlock::from(!aligned)
    };
    start - first..end - first
}

/// `gfs2_iomap_page_done` after a copy up to `done`, with the folio still locked: joins the buffers, unlocks, puts,
/// and ends the transaction, in the order that the design says. If the file has grown over `grown` and the design has
/// that first, the folio at the old end is taken care of as soon as this one is unlocked.
pub(crate) async fn page_done<'a, B: Backend>(
    inode: &'a Inode<B>,
    me: ActorId,
    write: &mut Write,
    folio: FolioRef,
    mut slot: <B::Lock<Slot> as Lock<Slot>>::Guard<'a>,
    done: Cell,
    grown: Option<Range<Cell>>,
) {
    let FolioRef { index, id } = folio;
    let blocks = bits(hook_blocks(inode, index, write.pos, done));
    if write.fill == Fill::Data {
        inode.log_data(write.id, &(write.pos..done));
    }
    match inode.sb.config.design.page_done {
        PageDone::BeforeUnlock => {
            if blocks != 0 && !inode.is_stuffed() {
                add_databufs(inode, &mut slot, id, blocks);
            }
            inode.folio_unlocked(index, id);
            slot.unlock_and_put(id, me);
        }
        PageDone::AfterUnlock => {
            inode.folio_unlocked(index, id);
            slot.locked_mut(id, me).locked = None;
            drop(slot);
            if let Some(grown) = grown {
                pagecache_isize_extended(inode, grown.start, grown.end).await;
            }
            slot = inode.page(index).lock(Op::on("page_done", u32::from(index))).await;
            if blocks != 0 && !inode.is_stuffed() {
                add_databufs(inode, &mut slot, id, blocks);
            }
            slot.put(id, me);
        }
    }
    drop(slot);
    trans_end(inode, me, write);
}

/// No folio was to be had: the transaction is ended by the core's call of the hook at the end, without a folio, or by the
/// hook that has looked it up.
pub(crate) fn no_folio<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write) {
    match inode.sb.config.design.folio_lookup {
        FolioLookup::Core | FolioLookup::Hook => trans_end(inode, me, write),
        FolioLookup::HookForgets => {}
    }
}

/// The hook for a folio whose mapping went stale: nothing was prepared, nothing was copied.
pub(crate) fn page_done_on_stale<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: &mut Write,
    folio: Option<FolioRef>,
) {
    match inode.sb.config.design.page_done_on_stale {
        PageDoneOnStale::NotCalled => {}
        PageDoneOnStale::NoFolio => without_folio(inode, me, write, folio),
        PageDoneOnStale::Folio => nothing_copied(inode, me, write, folio),
    }
}

/// The hook for a folio that could not be prepared: a read failed, or must not wait. A hook that finds stale mappings by
/// itself is called for this one all the same.
pub(crate) fn page_done_on_error<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    write: &mut Write,
    folio: FolioRef,
) {
    let design = &inode.sb.config.design;
    if design.page_done_on_stale == PageDoneOnStale::NoFolio && design.check != Check::InGetFolio {
        without_folio(inode, me, write, Some(folio));
    } else {
        nothing_copied(inode, me, write, Some(folio));
    }
}

/// The hook is called, but not shown the folio: it only ends the transaction.
fn without_folio<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write, folio: Option<FolioRef>) {
    if folio.is_some() && write.transaction {
        trans_end(inode, me, write);
    }
}

/// The hook is called with the folio and a length of 0, and joins the block of the position all the same.
fn nothing_copied<B: Backend>(inode: &Inode<B>, me: ActorId, write: &mut Write, folio: Option<FolioRef>) {
    let Some(FolioRef { index, id }) = folio.filter(|_| write.transaction) else { return };
    let blocks = hook_blocks(inode, index, write.pos, write.pos);
    if !blocks.is_empty() && !inode.is_stuffed() {
        inode.page(index).release(|slot| {
            add_databufs(inode, slot, id, bits(blocks.clone()));
            let folio = slot.locked_mut(id, me);
            if folio.buffers.is_some() {
                // The buffer is marked uptodate, whatever it holds.
                folio.set_uptodate(blocks);
            }
        });
        inode.page(index).audit(|slot| inode.audit_folio(index, slot));
    }
    trans_end(inode, me, write);
}

/// Where `gfs2_jdata_writepages` stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum JdataState {
    /// Before the next folio of the range; how often the range will be gone over after this time.
    Next(SyncMode, Range<FolioIndex>, FolioIndex, Again),
    /// Before a dirty folio is locked.
    Folio(SyncMode, Range<FolioIndex>, FolioRef, Again),
    /// The folio is locked and clean; before these of its blocks are written in place.
    Write(SyncMode, Range<FolioIndex>, FolioRef, Again, Vec<FileBlock>),
    /// Before these are submitted.
    Submit(SyncMode, Range<FolioIndex>, FolioIndex, Again, Vec<Ioend>),
    /// The log is being flushed: before the buffers of the next folio are unpinned.
    Unpin(SyncMode, Range<FolioIndex>, FolioIndex),
}

/// What follows a pass.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Again {
    /// The log is flushed, which makes what it pinned dirty, and the range is gone over again.
    AfterFlush,
    /// Nothing.
    No,
}

impl JdataState {
    /// A pass over `folios`.
    pub fn new(mode: SyncMode, folios: Range<FolioIndex>) -> Self {
        let again = if mode == SyncMode::Integrity { Again::AfterFlush } else { Again::No };
        JdataState::Next(mode, folios.clone(), folios.start, again)
    }

    /// A flush of the log alone.
    pub fn log_flush() -> Self {
        JdataState::Next(SyncMode::Integrity, 0..0, 0, Again::AfterFlush)
    }
}

/// One step.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: JdataState,
) -> ControlFlow<(), JdataState> {
    ControlFlow::Continue(match state {
        JdataState::Next(mode, folios, next, again) => {
            if next >= folios.end {
                if again == Again::No {
                    return ControlFlow::Break(());
                }
                inode.sb.log_flush_lock.down_write(Op::new("gfs2_log_flush"), me).await;
                inode.log_write();
                return ControlFlow::Continue(JdataState::Unpin(mode, folios, 0));
            }
            let mut slot = inode.page(next).lock(Op::on("writeback_get_folio", u32::from(next))).await;
            let Some((id, true)) = slot.current().map(|(id, folio)| (id, folio.tagged)) else {
                return ControlFlow::Continue(JdataState::Next(mode, folios, next + 1, again));
            };
            slot.folio_mut(id).refs |= 1 << me;
            JdataState::Folio(mode, folios, FolioRef { index: next, id }, again)
        }
        JdataState::Folio(mode, folios, folio, again) => match clean(inode, me, mode, folio).await {
            Some(blocks) => JdataState::Write(mode, folios, folio, again, blocks),
            None => JdataState::Next(mode, folios, folio.index + 1, again),
        },
        JdataState::Write(mode, folios, folio, again, blocks) => {
            let ioends = map(inode, folio, &blocks).await;
            start_writeback(inode, me, folio, ioends.len()).await;
            JdataState::Submit(mode, folios, folio.index + 1, again, ioends)
        }
        JdataState::Submit(mode, folios, next, again, mut ioends) => {
            if ioends.is_empty() {
                return ControlFlow::Continue(JdataState::Next(mode, folios, next, again));
            }
            let ioend = ioends.remove(0);
            let mut in_flight = inode.sb.in_flight.lock(Op::new("submit_bh")).await;
            inode.say(|| format!("write {}", inode.sb.geometry.show_blocks(&ioend.blocks)));
            in_flight.push(ioend);
            inode.sb.bio.release();
            JdataState::Submit(mode, folios, next, again, ioends)
        }
        JdataState::Unpin(mode, folios, next) => {
            if next < inode.sb.geometry.folios() {
                unpin(inode, next).await;
                return ControlFlow::Continue(JdataState::Unpin(mode, folios, next + 1));
            }
            inode.sb.log_flush_lock.up_write(me);
            JdataState::Next(mode, folios.clone(), folios.start, Again::No)
        }
    })
}

/// `gfs2_write_jdata_pagevec` and `__gfs2_jdata_writepage` up to the buffers: begins a transaction, locks the folio,
/// clears its dirty flag, and picks the buffers to write in place: those that are dirty. What was stored through a
/// mapping (PG_checked) is joined to the transaction instead.
async fn clean<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mode: SyncMode,
    folio: FolioRef,
) -> Option<Vec<FileBlock>> {
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
    let stored = std::mem::take(&mut data.checked);
    data.clear_dirty_for_io();
    inode.tlb(index).acquire();
    inode.say(|| format!("folio {index} clean"));
    let buffers = data.buffers.get_or_insert_with(Buffers::default);
    if stored {
        buffers.joined |= all;
        buffers.dirty = 0;
        buffers.logged = 0;
    }
    let in_place = buffers.dirty;
    let past_the_journal = buffers.dirty & !buffers.logged;
    buffers.dirty = 0;
    drop(slot);
    inode.sb.log_flush_lock.up_read(me);
    if past_the_journal != 0 {
        broken(inode, || format!("folio {index} is written in place before its data is in the journal"));
    }
    let first = inode.sb.geometry.blocks_of_folio(index).start;
    let written =
        inode.sb.geometry.blocks_of_folio(index).filter(|block| in_place & (1 << (block - first)) != 0);
    Some(written.collect())
}

/// Where the buffers lie on the device.
async fn map<B: Backend>(inode: &Inode<B>, folio: FolioRef, blocks: &[FileBlock]) -> Vec<Ioend> {
    if blocks.is_empty() {
        return Vec::new();
    }
    let map = inode.ilock.lock(Op::new("gfs2_get_block_noalloc")).await;
    let mut ioends = Vec::new();
    for block in blocks {
        if let Extent::Written(phys) = map.get(*block) {
            ioends.push(Ioend {
                file: inode.number,
                blocks: *block..*block + 1,
                phys,
                unwritten: false,
                shared: false,
                may_fail: false,
                folios: vec![folio],
                size: None,
            });
        }
    }
    drop(map);
    for ioend in &ioends {
        audit_address(inode, ioend.blocks.start, ioend.phys, false);
    }
    ioends
}

/// `gfs2_unpin` after the log was written: the buffers are dirty again, and may be written in place now.
async fn unpin<B: Backend>(inode: &Inode<B>, index: FolioIndex) {
    let mut slot = inode.page(index).lock(Op::on("gfs2_unpin", u32::from(index))).await;
    let Some(folio) = slot.current_mut() else { return };
    let Some(buffers) = folio.buffers.as_mut().filter(|buffers| buffers.joined != 0) else { return };
    buffers.dirty |= buffers.joined;
    buffers.logged |= buffers.joined;
    buffers.joined = 0;
    folio.dirty = true;
    folio.tagged = true;
}
