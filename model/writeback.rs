//! Writeback submission: `iomap_writepages`, fs/iomap/buffered-io.c and fs/xfs/xfs_aops.c, 6.2.
//!
//! One pass shares a cached mapping and an open ioend over its folios. The cached mapping may be stale when
//! the next folio is reached, so it is validated in `xfs_map_blocks`, with the folio locked and its dirty
//! flag already clear. XFS did so long before the write path was given a check (6.2).
//!
//! Left out: dirty throttling, `->writepage` from reclaim (XFS has none), the tags that keep an integrity
//! pass from chasing folios dirtied behind its back (a superset of folios is written).

pub mod batch;
pub mod completion;
pub mod flush;
pub mod gfs2_log_flush;
pub mod io;
pub mod jdata;
pub mod sync_range;

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Lock, Op};

use crate::fs;
use crate::fs::xfs::xfs_iomap_write_unwritten;
use crate::judge::properties;
use crate::state::event::{
    AfterStale, Checker, DataEvent, Dropped, FolioEvent, Mapping, Sampler, Says, Seq, Skip, Truth, Use,
    Verdict, What,
};
use crate::state::folio::{FolioId, FolioRef, Slot};
use crate::state::inode::Inode;
use crate::state::ioend::Ioend;
use crate::state::mapping::{Iomap, IomapType};
use crate::state::trace;
use crate::state::validity::CowSeen;
use crate::words::design::{IoendSize, WritebackCheck};
use crate::words::extent::{Extent, Phys};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::ordering::Link;
use crate::words::personality::{Completion, Hooks};
use crate::words::value::Value;
use crate::writeback::batch::{Batch, Next};
use crate::writeback::io::{SyncMode, audit_address, captured, misplaced, start_writeback};

/// One pass over a range of folios (struct iomap_writepage_ctx).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pass {
    mode: SyncMode,
    folios: Batch,
    /// The cached mapping; its cookie is the sequence that goes with it.
    iomap: Option<Iomap>,
    /// The COW fork's counter as it was when an extent of it was found.
    cow_seq: CowSeen,
    /// The open ioend.
    ioend: Option<Ioend>,
    /// The end of file as the folio that is locked has seen it, where completion goes by that.
    size: Option<Cell>,
}

/// Where a pass stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum WritebackState {
    /// Before anything is looked at.
    Begin(SyncMode, Range<FolioIndex>),
    /// Before the next folio.
    Next(Pass),
    /// Before a dirty folio is locked.
    Lock(Pass, FolioRef),
    /// The folio is locked and clean; before its next block is mapped.
    Map {
        /// The pass.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// Its blocks that are still to be mapped.
        blocks: Vec<FileBlock>,
        /// The ioends that the mapped ones have filled.
        full: Vec<Ioend>,
    },
    /// All blocks are mapped; before the writeback bit is set and the folio unlocked.
    Start {
        /// The pass.
        pass: Pass,
        /// The folio.
        folio: FolioRef,
        /// The ioends that its blocks have filled.
        full: Vec<Ioend>,
    },
    /// Before ioends are submitted.
    Submit(Pass, Vec<Ioend>),
    /// Data that is journalled goes another way.
    Jdata(jdata::JdataState),
}

impl WritebackState {
    /// A pass over `folios`.
    pub fn new(mode: SyncMode, folios: Range<FolioIndex>) -> Self {
        WritebackState::Begin(mode, folios)
    }
}

impl Pass {
    fn new(mode: SyncMode, folios: Range<FolioIndex>) -> Self {
        Pass {
            mode,
            folios: Batch::new(folios),
            iomap: None,
            cow_seq: CowSeen::default(),
            ioend: None,
            size: None,
        }
    }
}

/// One step of a pass.
pub async fn step<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    state: WritebackState,
) -> ControlFlow<(), WritebackState> {
    match state {
        WritebackState::Begin(mode, folios) => {
            ControlFlow::Continue(if inode.sb.config.fs.hooks == Hooks::Jdata {
                WritebackState::Jdata(jdata::JdataState::new(mode, folios))
            } else {
                WritebackState::Next(Pass::new(mode, folios))
            })
        }
        WritebackState::Jdata(inner) => match jdata::step(inode, me, inner).await {
            ControlFlow::Continue(inner) => ControlFlow::Continue(WritebackState::Jdata(inner)),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        },
        WritebackState::Next(pass) => next_folio(inode, me, pass).await,
        WritebackState::Lock(pass, folio) => {
            ControlFlow::Continue(lock_and_clean(inode, me, pass, folio).await)
        }
        WritebackState::Map { pass, folio, blocks, full } => {
            ControlFlow::Continue(map_block(inode, me, pass, folio, blocks, full).await)
        }
        WritebackState::Start { pass, folio, full } => {
            let parts = full.iter().chain(&pass.ioend).filter(|ioend| ioend.folios.contains(&folio)).count();
            start_writeback(inode, me, folio, parts).await;
            ControlFlow::Continue(WritebackState::Submit(pass, full))
        }
        WritebackState::Submit(pass, mut full) => {
            if full.is_empty() {
                return ControlFlow::Continue(WritebackState::Next(pass));
            }
            let ioend = full.remove(0);
            let out_of_place = inode.sb.config.fs.is_out_of_place();
            let early = inode.sb.config.fs.completion == Completion::ConvertAtSubmission;
            if early && (ioend.unwritten || out_of_place) {
                let bump = inode.sb.config.fs.bump_with_change();
                let mut map = inode.lock_map(Op::new("convert_early")).await;
                if out_of_place {
                    map.refer_to(&ioend.blocks, ioend.phys, bump);
                } else {
                    xfs_iomap_write_unwritten(inode, &mut map, &ioend.blocks, bump);
                }
            }
            if ioend.shared {
                // xfs_prepare_ioend
                let mut map = inode.lock_map(Op::new("xfs_reflink_convert_cow")).await;
                map.submit_copies(&ioend.blocks);
            }
            let mut in_flight = inode.sb.in_flight.lock(Op::new("submit_bio")).await;
            inode.emit(|| What::Data(DataEvent::Submitted(inode.sb.geometry.bytes_of_blocks(&ioend.blocks))));
            in_flight.push(ioend);
            inode.sb.bio.release();
            ControlFlow::Continue(WritebackState::Submit(pass, full))
        }
    }
}

/// The next folio of the pass, or the end of it.
async fn next_folio<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut pass: Pass,
) -> ControlFlow<(), WritebackState> {
    let index = match pass.folios.next(inode.sb.config.design.writeback_batch) {
        Next::LookUp(index) => index,
        Next::Write(folio) => return ControlFlow::Continue(WritebackState::Lock(pass, folio)),
        Next::End => {
            if pass.ioend.is_none() && pass.iomap.is_some() {
                inode.emit(|| What::Dropped(Dropped::Done));
            }
            let Some(last) = pass.ioend.take() else { return ControlFlow::Break(()) };
            return ControlFlow::Continue(WritebackState::Submit(pass, vec![last]));
        }
    };
    let mut slot = inode.page(index).lock(Op::on("writeback_get_folio", u32::from(index))).await;
    let Some((id, true)) = slot.current().map(|(id, folio)| (id, folio.tagged)) else {
        return ControlFlow::Continue(WritebackState::Next(pass));
    };
    slot.folio_mut(id).refs |= 1 << me;
    pass.folios.found(FolioRef { index, id });
    ControlFlow::Continue(WritebackState::Next(pass))
}

/// Locks the folio, sees that it is still there and dirty, waits for or leaves writeback in flight, and
/// clears its dirty flag (`write_cache_pages`, `folio_clear_dirty_for_io`).
async fn lock_and_clean<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut pass: Pass,
    folio: FolioRef,
) -> WritebackState {
    let FolioRef { index, id } = folio;
    let target = u32::from(index);
    let unlocked = |slot: &Slot, id: u64| slot.is_unlocked(id as FolioId);
    let mut slot = inode.page(index).lock_when(Op::on("folio_lock", target), unlocked, u64::from(id)).await;
    inode.folio_locked(index, id);
    let wanted = slot.folio(id).is_some_and(|folio| {
        folio.in_cache && folio.dirty && !(folio.writeback && pass.mode == SyncMode::Background)
    });
    if !wanted {
        inode.folio_unlocked(index, id);
        slot.put(id, me);
        return WritebackState::Next(pass);
    }
    if slot.folio_mut(id).writeback {
        slot.folio_mut(id).locked = Some(me);
        drop(slot);
        let done = |slot: &Slot, id: u64| slot.folio(id as FolioId).is_none_or(|folio| !folio.writeback);
        slot = inode.page(index).lock_when(Op::on("folio_wait_writeback", target), done, u64::from(id)).await;
        inode.writeback(index).acquire();
    }
    let cleaned = slot.folio_mut(id);
    cleaned.locked = Some(me);
    cleaned.clear_dirty_for_io();
    inode.tlb(index).acquire();
    inode.emit(|| What::Folio(FolioEvent::Cleaned(index)));

    // The size is read without a lock. That is an operation of its own only where somebody may change it.
    let size = if inode.size_changes {
        drop(slot);
        let size = inode.i_size.load(Op::new("i_size_read"), inode.order(Link::SizeLoad)).await as Cell;
        slot = inode.page(index).lock(Op::on("iomap_writepage_map", target)).await;
        size
    } else {
        inode.i_size_peek()
    };
    pass.size = (inode.sb.config.design.ioend_size == IoendSize::Submitted).then_some(size);
    inode.trace(|| trace::iomap_writepage(inode, index, size));
    let cells = inode.sb.geometry.cells_of_folio(index);
    if cells.start >= size {
        // Wholly beyond end of file: truncate owns it.
        inode.folio_unlocked(index, id);
        slot.unlock_and_put(id, me);
        return WritebackState::Next(pass);
    }
    let mut blocks = Vec::new();
    let per_block = inode.sb.config.fs.block_dirty;
    let folio_data = slot.locked_mut(id, me);
    for block in inode.sb.geometry.blocks_of_folio(index) {
        let below_eof = inode.sb.geometry.cells_of_block(block).start < size;
        if below_eof && folio_data.block_dirty(inode.sb.block_in_folio(block), per_block) {
            blocks.push(block);
        }
    }
    if cells.end > size {
        // The tail of the folio beyond end of file is zeroed.
        folio_data.cells[usize::from(size - cells.start)..].fill(Value::ZERO);
    }
    folio_data.clear_blocks_dirty();
    drop(slot);
    WritebackState::Map { pass, folio, blocks, full: Vec::new() }
}

/// `xfs_map_blocks` and `iomap_add_to_ioend` for the first of `blocks`, and for those after it that the same
/// mapping covers: the folio is locked, and nothing that could move them in between goes unnoticed by it.
async fn map_block<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut pass: Pass,
    folio: FolioRef,
    mut blocks: Vec<FileBlock>,
    mut full: Vec<Ioend>,
) -> WritebackState {
    let Some(looked_up) = blocks.first().copied() else {
        return WritebackState::Start { pass, folio, full };
    };
    let cached = match pass.iomap.take().filter(|iomap| iomap.covers(looked_up)) {
        Some(iomap) if xfs_imap_valid(inode, &iomap, looked_up, pass.cow_seq).await => Some(iomap),
        _ => None,
    };
    let iomap = if let Some(iomap) = cached {
        iomap
    } else {
        let iomap = fs::map_blocks(inode, looked_up, &mut pass.cow_seq).await;
        inode.emit(|| What::Sampled(Sampler::Writeback, Mapping::of(&inode.sb.geometry, &iomap)));
        inode.trace_xfs(|| trace::xfs_map_blocks_found(inode, looked_up, &iomap));
        iomap
    };
    let merge = inode.sb.config.design.ioend_merge;
    while let Some(block) = blocks.first().copied().filter(|block| iomap.covers(*block)) {
        blocks.remove(0);
        inode.trace(|| trace::iomap_writepage_map(inode, block, &iomap));
        let unwritten = match iomap.kind {
            IomapType::Hole | IomapType::Delalloc | IomapType::Inline => {
                audit_dropped(inode, folio, &iomap, looked_up, block);
                continue;
            }
            IomapType::Unwritten => true,
            IomapType::Mapped => false,
        };
        let Some(phys) = iomap.addr_of(block) else { continue };
        audit_address(inode, block, phys, iomap.shared);
        audit_shared(inode, folio, block, phys);
        let size = pass.size.filter(|size| inode.sb.geometry.cells_of_block(block).contains(size));
        match &mut pass.ioend {
            Some(ioend) if ioend.takes(merge, block, phys, unwritten, iomap.shared) => {
                ioend.blocks.end += 1;
                ioend.size = size;
            }
            open => {
                full.extend(open.take());
                *open = Some(Ioend {
                    file: inode.number,
                    blocks: block..block + 1,
                    phys,
                    unwritten,
                    shared: iomap.shared,
                    may_fail: inode.sb.may_fail(me),
                    folios: Vec::new(),
                    size,
                });
            }
        }
        if let Some(ioend) = pass.ioend.as_mut().filter(|ioend| ioend.folios.last() != Some(&folio)) {
            ioend.folios.push(folio);
        }
    }
    pass.iomap = Some(iomap);
    if blocks.is_empty() {
        WritebackState::Start { pass, folio, full }
    } else {
        WritebackState::Map { pass, folio, blocks, full }
    }
}

/// A block without a place is not written. Without per-block dirty state every valid block of a dirty folio comes by here.
/// Zeros over a hole are no loss: the hole reads the same.
fn audit_dropped<B: Backend>(
    inode: &Inode<B>,
    folio: FolioRef,
    iomap: &Iomap,
    looked_up: FileBlock,
    block: FileBlock,
) {
    inode.page(folio.index).audit(|slot| {
        if inode.has_data(slot, block) {
            report_skip(inode, iomap, looked_up, block);
            inode.violate(properties::DROPPED_DIRTY, || {
                let block = inode.sb.geometry.show_blocks(&(block..block + 1));
                let kind = iomap.kind;
                format!("{block} was dirty, is clean now, and is mapped to a {kind}: nothing is written")
            });
        }
    });
}

/// `xfs_imap_valid` past its test of the range, or `->iomap_valid` in its place: whether the cached mapping may
/// still be used.
async fn xfs_imap_valid<B: Backend>(
    inode: &Inode<B>,
    iomap: &Iomap,
    block: FileBlock,
    cow_seq: CowSeen,
) -> bool {
    let op = Op::new(inode.sb.config.fs.names.imap_valid);
    let (counters, used) = (&inode.counters, iomap.used_at(block));
    let mut moved = None;
    let valid = match fs::writeback_check(&inode.sb.config) {
        WritebackCheck::Always => return false,
        WritebackCheck::Range => return true,
        // The range is enough for a mapping of the COW fork: submission and completion move the counters by
        // themselves.
        WritebackCheck::RangeDataCow if iomap.shared => return true,
        WritebackCheck::RangeData => {
            moved = counters.data_moved(iomap.cookie, &used, op).await;
            moved.is_none()
        }
        WritebackCheck::RangeDataCow => {
            moved = counters.data_moved(iomap.cookie, &used, op).await;
            if moved.is_none() && inode.reflinks {
                moved = counters.cow_moved(cow_seq, &used).await;
            }
            moved.is_none()
        }
        WritebackCheck::Cookie => counters.is_current(iomap.cookie, &used, op).await,
        WritebackCheck::CookieCow => counters.both_are_current(iomap.cookie, &used, op).await,
    };
    inode.emit_use(iomap, block, || {
        let sampled = Seq::of_cookie(iomap.cookie);
        let now = moved.map(|moved| sampled.with(moved));
        let stale = Verdict::Stale { sampled, now, then: AfterStale::LookUp };
        What::Checked(Checker::Writeback, if valid { Verdict::Valid } else { stale })
    });
    if let Some(moved) = moved {
        inode.trace_xfs(|| trace::xfs_wb_iomap_invalid(inode, iomap, moved));
    }
    valid
}

/// The mapping is used as permission to write nothing: reports that to observers, and whether there is a place by now, or one
/// to be chosen.
fn report_skip<B: Backend>(inode: &Inode<B>, iomap: &Iomap, looked_up: FileBlock, block: FileBlock) {
    inode.audit_map(|map| {
        let now = map.get(block);
        let to_be_chosen = iomap.kind == IomapType::Hole && now == Extent::Delalloc;
        inode.emit_use(iomap, looked_up, || {
            let misleads = now.phys().is_some() || to_be_chosen;
            let truth = if misleads { Truth::Extent(now) } else { Truth::AsItSays };
            let at = vec![inode.sb.geometry.bytes_of_blocks(&(block..block + 1))];
            What::Used(Use { says: Says::Kind(iomap.kind), at, truth, skips: Some(Skip::Writing) })
        });
    });
}

/// What goes to a block that others refer to is what it has. Without per-block dirty state every valid
/// block of a dirty folio is written, copied or not, and the contents of those that are not have not changed.
fn audit_shared<B: Backend>(inode: &Inode<B>, folio: FolioRef, block: FileBlock, phys: Phys) {
    if !inode.reflinks {
        return;
    }
    let mut cells = Vec::new();
    inode.page(folio.index).audit(|slot| cells = captured(inode, slot, folio, block));
    let changed = cells.iter().enumerate().any(|(at, cell)| inode.sb.audit_disk(phys, at) != *cell);
    inode.sb.space.audit(|space| {
        if changed && space.references(phys) > 1 {
            misplaced(inode, block, phys);
            inode.violate(properties::WRONG_ADDRESS, || {
                let block = inode.sb.geometry.show_blocks(&(block..block + 1));
                format!("{block} is written in place to device block {phys}, which is shared")
            });
        }
    });
}
