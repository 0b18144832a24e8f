//! `->page_mkwrite`: a write fault, from the locks to the entry that is writable.
//!
//! The blocks of a folio are mapped with the folio locked and uptodate, one mapping after the other. What may have to wait for
//! others comes before the folio lock: invalidate_lock or the glock, room for the blocks, the valid size.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Leaf, Lock, Op, Returned};

use crate::fs::stuffed::UnstuffState;
use crate::fs::{self, gfs2_log, glock, valid_size};
use crate::iomap::valid::valid_or_dropped;
use crate::mmap::filemap_fault::{is_unlocked, map_pages};
use crate::mmap::state::{AfterDirty, Mapped, MmapState, VmFault, before_early};
use crate::reflink::xfs_ilock_for_write_fault;
use crate::state::event::{Checker, Errno, Expense, FolioEvent, Mapping, Method, What};
use crate::state::folio::FolioRef;
use crate::state::glock::Mode;
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::mapping::Iomap;
use crate::state::pte::Pte;
use crate::state::trace::{self, IomapFlags};
use crate::valid_size::ExtendState;
use crate::words::branches;
use crate::words::check_design::MkwriteCheck;
use crate::words::design::{MkwriteEnd, MkwriteMap};
use crate::words::extent::{Enospc, Extent};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::personality::MkwriteUnlock;
use crate::words::valid_size::MkwriteValid;

/// `iomap_page_mkwrite` (fs/iomap/buffered-io.c): invalidate_lock shared, then the folio lock; the folio must
/// still be there. `gfs2_page_mkwrite` has its glock, exclusive, in the place of invalidate_lock.
pub(super) async fn mkwrite<B: Backend>(inode: &Inode<B>, me: ActorId, vmf: VmFault) -> MmapState {
    if inode.glock.is_some() {
        glock::acquire(inode, me, Mode::Exclusive).await;
        // file_update_time; that blocks are allocated says nothing more.
        inode.mark_dirty(InodeDirty::Times);
    } else {
        xfs_ilock_for_write_fault(inode, me).await;
    }
    if inode.is_stuffed() {
        return MmapState::Unstuff(vmf, UnstuffState::Begin);
    }
    before_lock(inode, vmf)
}

/// What comes before the folio lock: on gfs2 the reservation of its blocks, where space is short.
pub(super) fn before_lock<B: Backend>(inode: &Inode<B>, vmf: VmFault) -> MmapState {
    let early = inode.sb.config.design.mkwrite_map() == MkwriteMap::BeforeLock;
    let reserves = inode.glock.is_some() && !early && inode.sb.config.fs.free_blocks().is_some();
    if reserves { MmapState::Reserve(vmf) } else { MmapState::Lock(vmf) }
}

/// The part of a folio inside end of file from a block on, and the blocks that it touches.
fn wanted<B: Backend>(
    inode: &Inode<B>,
    index: FolioIndex,
    block: FileBlock,
) -> (Range<Cell>, Range<FileBlock>) {
    let geometry = &inode.sb.geometry;
    let end = geometry.cells_of_folio(index).end.min(inode.i_size_peek());
    let cells = geometry.cells_of_block(block).start..end;
    let limit = geometry.blocks_touched(&cells).end;
    (cells, block..limit)
}

/// `gfs2_inplace_reserve` in `gfs2_page_mkwrite` (6.1 to 7.3): room for all of the folio, before anything of it is allocated. The
/// glock is held, and nobody else fills or makes holes.
pub(super) async fn gfs2_inplace_reserve<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut vmf: VmFault,
) -> ControlFlow<Returned, MmapState> {
    let first = inode.sb.geometry.blocks_of_folio(vmf.folio.index).start;
    let (_, blocks) = wanted(inode, vmf.folio.index, first);
    let map = inode.lock_map(Op::new("gfs2_inplace_reserve")).await;
    let holes = blocks.clone().filter(|block| map.get(*block) == Extent::Hole).count() as u16;
    drop(map);
    if holes > 0 {
        if inode.sb.reserve_blocks(holes).is_err() {
            inode.judge_no_space(&blocks);
            return put_for_no_space(inode, me, vmf.folio);
        }
        vmf.promised = holes;
    }
    ControlFlow::Continue(MmapState::Lock(vmf))
}

/// A write fault that moves the valid size: i_rwsem is tried for, and if somebody has it, the fault begins anew, as in
/// `exfat_page_mkwrite` (fs/exfat/file.c, 6.12 and 7.3). It is held until the folio is dirty, as in 7.3. Before the valid size is
/// moved it is looked whether the folio is still the file's; if it was truncated meanwhile, the fault begins anew, too. That look is
/// the model's own: in both releases the folio is looked at when it is locked, once the valid size has moved.
pub(super) async fn page_mkwrite<B: Backend>(inode: &Inode<B>, me: ActorId, vmf: VmFault) -> MmapState {
    let FolioRef { index, id } = vmf.folio;
    if !inode.i_rwsem.down_write_trylock(Op::new("down_write_trylock i_rwsem"), me).await {
        inode.page(index).release(|slot| slot.put(id, me));
        return vmf.again();
    }
    if inode.sb.config.fs.mkwrite_valid() == MkwriteValid::Zeroed {
        let mut slot = inode.page(index).lock(Op::on("filemap_get_folio", u32::from(index))).await;
        if !slot.folio(id).is_some_and(|folio| folio.in_cache) {
            slot.put(id, me);
            drop(slot);
            inode.i_rwsem.up_write(me);
            inode.sb.backend.reach(branches::MKWRITE_RETRY);
            inode.emit(|| What::Folio(FolioEvent::GoneForFault(index)));
            return vmf.again();
        }
    }
    // What lies in the same folio before the page is zeros there already, and becomes dirty with it.
    let (geometry, size) = (&inode.sb.geometry, inode.i_size_peek());
    let start = geometry.cells_of_folio(index).start;
    let page = start.min(size)..geometry.page_end(vmf.rest.cells.start).min(size);
    MmapState::Valid(vmf, ExtendState::Look(page))
}

/// The folio lock of a write fault.
pub(super) async fn lock_for_write<B: Backend>(inode: &Inode<B>, me: ActorId, vmf: VmFault) -> MmapState {
    if inode.sb.config.design.mkwrite_map() == MkwriteMap::BeforeLock {
        return before_early(inode, vmf);
    }
    let first = inode.sb.geometry.blocks_of_folio(vmf.folio.index).start;
    gfs2_log::trans_begin(inode, me).await;
    if lock_mapped(inode, me, vmf.folio).await {
        MmapState::Map(vmf, first)
    } else {
        fs::return_budget(inode, vmf.promised);
        vmf.again()
    }
}

/// Locks the folio of a write fault. If it has left the page cache, the fault gives everything up and is retried.
pub(super) async fn lock_mapped<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef) -> bool {
    let FolioRef { index, id } = folio;
    let op = Op::on("folio_lock", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, is_unlocked, u64::from(id)).await;
    inode.folio_locked(index, id);
    if !slot.folio(id).is_some_and(|folio| folio.in_cache && folio.uptodate) {
        inode.folio_unlocked(index, id);
        slot.put(id, me);
        gfs2_log::trans_end(inode, me);
        unlock_mapping(inode, me);
        inode.sb.backend.reach(branches::MKWRITE_RETRY);
        inode.emit(|| What::Folio(FolioEvent::GoneForFault(index)));
        return false;
    }
    slot.folio_mut(id).locked = Some(me);
    inode.sb.backend.reach(branches::MKWRITE);
    true
}

/// Lets truncation in again, and on gfs2 writes.
pub(super) fn unlock_mapping<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if inode.glock.is_some() {
        glock::release(inode, me);
    } else {
        inode.invalidate_lock.up_read(me);
        if valid_size::moves_in_fault(inode) {
            inode.i_rwsem.up_write(me);
        }
    }
}

/// Maps the blocks of the folio inside end of file, one mapping after the other; the folio is marked dirty as
/// soon as the first one is there (561295a32579), so that a reservation made here never lies under a clean
/// folio. `gfs2_page_mkwrite` (fs/gfs2/file.c, 6.1 to 7.3) maps all, drops its glock, and then marks the folio dirty, which
/// is locked all the time.
pub(super) async fn map_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    mut vmf: VmFault,
    block: FileBlock,
) -> ControlFlow<Returned, MmapState> {
    let FolioRef { index, id } = vmf.folio;
    let Ok(mapped) = map_next(inode, index, block, &mut vmf.promised).await else {
        gfs2_log::trans_end(inode, me);
        no_space(inode, me);
        inode.folio_unlocked(index, id);
        inode.page(index).release(|slot| {
            slot.unlock_dirtied(id, me);
            slot.put(id, me);
        });
        inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));
        return ControlFlow::Break(Returned::Error);
    };
    ControlFlow::Continue(MmapState::Mapped { vmf, block, mapped })
}

/// A mapping of the locked folio from `block` on is there: it is used, if it passes.
pub(super) async fn blocks_mapped<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    vmf: VmFault,
    block: FileBlock,
    mapped: Mapped,
) -> MmapState {
    let Mapped { iomap, next } = mapped;
    if !passes(inode, &iomap, block).await {
        return MmapState::Map(vmf, block);
    }
    if next.is_none() {
        gfs2_log::trans_end(inode, me);
    }
    report_mapped(inode, &iomap);
    let cells = inode.sb.geometry.cells_of_blocks(&(block..iomap.end));
    trace::mapped(inode, IomapFlags::Fault, &cells, &iomap);
    // Who lets go of the lock first marks the folio dirty last.
    let unlocks_first = inode.sb.config.fs.mkwrite_unlock() == MkwriteUnlock::BeforeDirty;
    if unlocks_first && next.is_none() {
        unlock_mapping(inode, me);
    }
    let late = unlocks_first || inode.sb.config.design.mkwrite_dirty_late();
    let punches = inode.sb.config.design.mkwrite_end() == MkwriteEnd::Punch && iomap.new && !unlocks_first;
    match next {
        Some(next) if late => MmapState::Map(vmf, next),
        Some(next) => MmapState::Dirty(vmf, AfterDirty::Map(next)),
        None => {
            let reserved = punches.then_some(iomap.start..iomap.end);
            MmapState::Dirty(vmf, AfterDirty::Install(reserved))
        }
    }
}

/// Others are let in before the page-table entry is there, unless they have been already.
pub(super) fn let_in<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    vmf: VmFault,
    reserved: Option<Range<FileBlock>>,
) -> MmapState {
    if let Some(reserved) = reserved {
        return MmapState::MkwriteEnd(vmf, reserved);
    }
    if inode.sb.config.fs.mkwrite_unlock() != MkwriteUnlock::BeforeDirty {
        unlock_mapping(inode, me);
    }
    MmapState::Install(vmf)
}

/// Whether the fault goes on with a mapping: it is valid, or nobody asks. The folio is locked.
pub(super) async fn passes<B: Backend>(inode: &Inode<B>, iomap: &Iomap, block: FileBlock) -> bool {
    if fs::mkwrite_check(&inode.sb.config) == MkwriteCheck::Never {
        return true;
    }
    inode.account(Expense::Called(Method::IomapValid));
    valid_or_dropped(inode, iomap, block, Checker::Fault).await
}

/// A mapping for a write fault from `block` on, with what is promised to the fault.
pub(crate) async fn map_next<B: Backend>(
    inode: &Inode<B>,
    index: FolioIndex,
    block: FileBlock,
    promised: &mut u16,
) -> Result<Mapped, Enospc> {
    let (wanted, blocks) = wanted(inode, index, block);
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().fault_begin)).await;
    // A fault has a budget of its own, of which it keeps nothing.
    let mut budget = fs::reserve_budget(inode, &wanted)?;
    fs::return_budget(inode, *promised);
    let mapped = fs::write_begin(inode, &mut map, &wanted, &mut budget);
    if let (Ok(iomap), 1..) = (&mapped, *promised) {
        let allocated = if iomap.new { iomap.end - iomap.start } else { 0 };
        *promised -= allocated;
        inode.sb.space.update(|space| space.reserve(*promised));
    }
    fs::return_budget(inode, budget);
    drop(map);
    if mapped.is_err() {
        inode.judge_no_space(&blocks);
    }
    let iomap = mapped?;
    let next = (iomap.end < blocks.end).then_some(iomap.end);
    Ok(Mapped { iomap, next })
}

/// The blocks of a write fault are mapped: with its folio locked, unless the design is the mutant.
pub(super) fn report_mapped<B: Backend>(inode: &Inode<B>, iomap: &Iomap) {
    inode.emit(|| What::MkwriteMapped {
        folio_locked: inode.sb.config.design.mkwrite_map() != MkwriteMap::BeforeLock,
        mapping: Mapping::of(&inode.sb.geometry, iomap),
    });
}

/// A write fault finds no space, and the access dies of SIGBUS.
fn no_space<B: Backend>(inode: &Inode<B>, me: ActorId) {
    inode.emit(|| What::Sigbus(Some(Errno::NoSpace)));
    unlock_mapping(inode, me);
}

/// A write fault finds no space before its folio is locked.
pub(super) fn put_for_no_space<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folio: FolioRef,
) -> ControlFlow<Returned, MmapState> {
    no_space(inode, me);
    inode.page(folio.index).release(|slot| slot.put(folio.id, me));
    ControlFlow::Break(Returned::Error)
}

/// A write fault cannot zero what the valid size is to be moved over.
pub(super) fn put_for_no_zeros<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folio: FolioRef,
) -> ControlFlow<Returned, MmapState> {
    inode.emit(|| What::Sigbus(None));
    inode.i_rwsem.up_write(me);
    inode.page(folio.index).release(|slot| slot.put(folio.id, me));
    ControlFlow::Break(Returned::Error)
}

/// `folio_mark_dirty` of the locked folio of a write fault.
pub(super) async fn mark_dirty<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef) {
    let FolioRef { index, id } = folio;
    let hooks = inode.load_hooks().await;
    let mut slot = inode.page(index).lock(Op::on("folio_mark_dirty", u32::from(index))).await;
    let dirtied = slot.locked_mut(id, me);
    if !dirtied.dirty {
        inode.trace(|| trace::writeback_dirty_folio(inode, index));
    }
    inode.dirty_private(index, dirtied, hooks);
    dirtied.set_dirty(0..inode.sb.geometry.blocks_per_folio());
    inode.dirties(inode.sb.geometry.blocks_of_folio(index));
}

/// `finish_mkwrite_fault` and `fault_dirty_shared_page`: the entry becomes writable while the folio is still locked, and only then is it
/// unlocked. invalidate_lock was dropped before. An entry for loads that is gone meanwhile stays away (`pte_same`), and the instruction
/// faults anew.
pub(super) async fn install<B: Backend>(inode: &Inode<B>, me: ActorId, vmf: &VmFault) {
    let FolioRef { index, id } = vmf.folio;
    let hooks = inode.load_hooks().await;
    let mut slot = inode.page(index).lock(Op::on("set_pte_writable", u32::from(index))).await;
    let folio = slot.locked_mut(id, me);
    let page = inode.sb.geometry.page_in_folio(vmf.rest.cells.start);
    if folio.ptes.of(page, me) == vmf.orig_pte {
        map_pages(inode, folio, &vmf.rest, me, Pte::Writable);
        inode.dirty_private(index, folio, hooks);
        folio.dirty_by_store(hooks);
        inode.emit(|| What::Folio(FolioEvent::Mapped { index, writable: true }));
    }
    inode.folio_unlocked(index, id);
    slot.unlock_dirtied(id, me);
    slot.put(id, me);
    drop(slot);
    inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));
}
