//! Page faults and what happens through mapped memory (actors A3 and A4).
//!
//! A load or store first tries the page-table entry; without one, or with a read-only one for a store, it
//! faults and tries again. A write fault maps *after* it has locked an uptodate folio: it never decides
//! between zeroing and reading, so it needs no check.
//!
//! Left out: mmap_lock, freeze protection, fault-around, stable pages.

use std::ops::{ControlFlow, Range};

use crate::backend::{ActorId, Backend, Lock, Op};
use crate::design::MkwriteEnd;
use crate::event::{Branch, MappingEvent};
use crate::extent::Fork;
use crate::fill::{self, FillState};
use crate::folio::{FolioId, FolioRef, Slot, within};
use crate::fs::xfs::xfs_bmap_punch_delalloc_range;
use crate::fs::{self, Hooks};
use crate::geometry::{Cell, FileBlock, FolioIndex};
use crate::glock::{self, Mode};
use crate::inode::Inode;
use crate::reflink::xfs_ilock_for_write_fault;
use crate::tracepoint::{self, IomapFlags};
use crate::value::{Value, WriteId};

/// What is done through the mapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// A load.
    Load,
    /// A store of the given write.
    Store(WriteId),
}

/// Where an access stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MmapState {
    /// Before the instruction, for the rest of the range.
    Access(Access, Range<Cell>),
    /// In the fault handler, before the folio is found.
    Fault(Access, Range<Cell>),
    /// Bringing the folio in.
    Fill(Access, Range<Cell>, FillState),
    /// A write fault, before invalidate_lock.
    Mkwrite(Access, Range<Cell>, FolioRef),
    /// A write fault with the folio locked, before the blocks are mapped.
    Map(Access, Range<Cell>, FolioRef, FileBlock),
    /// The folio is dirty; before the page-table entry is made writable.
    Install(Access, Range<Cell>, FolioRef),
    /// A mutant's end handler: punches what the fault reserved.
    MkwriteEnd(Access, Range<Cell>, FolioRef, Range<FileBlock>),
}

/// One step of a load or store of a range.
pub async fn step<B: Backend>(inode: &Inode<B>, me: ActorId, state: MmapState) -> ControlFlow<(), MmapState> {
    match state {
        MmapState::Access(access, cells) => instruction(inode, me, access, cells).await,
        MmapState::Fault(access, cells) => {
            glock::acquire(inode, me, Mode::Shared).await;
            let next = fault(inode, me, access, cells).await;
            glock::release(inode, me);
            ControlFlow::Continue(next)
        }
        MmapState::Fill(access, cells, inner) => {
            ControlFlow::Continue(match fill::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => MmapState::Fill(access, cells, inner),
                ControlFlow::Break(()) => MmapState::Fault(access, cells),
            })
        }
        MmapState::Mkwrite(access, cells, folio) => {
            ControlFlow::Continue(mkwrite(inode, me, access, cells, folio).await)
        }
        MmapState::Map(access, cells, folio, block) => {
            map_blocks(inode, me, access, cells, folio, block).await
        }
        MmapState::Install(access, cells, folio) => {
            install(inode, me, folio).await;
            ControlFlow::Continue(MmapState::Access(access, cells))
        }
        MmapState::MkwriteEnd(access, cells, folio, blocks) => {
            let mut map = inode.ilock.lock(Op::new("punch_delalloc")).await;
            xfs_bmap_punch_delalloc_range(inode, me, &mut map, Fork::Data, blocks);
            drop(map);
            unlock_mapping(inode, me);
            ControlFlow::Continue(MmapState::Install(access, cells, folio))
        }
    }
}

/// The part of a range that lies in its first folio.
fn first_folio<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> (FolioIndex, Range<Cell>, Range<Cell>) {
    let index = inode.sb.geometry.folio_of(cells.start);
    let folio_cells = inode.sb.geometry.cells_of_folio(index);
    let part = cells.start..cells.end.min(folio_cells.end);
    (index, folio_cells, part)
}

/// The instruction itself: the page-table entry is looked up and used at once, as the MMU does.
async fn instruction<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    access: Access,
    cells: Range<Cell>,
) -> ControlFlow<(), MmapState> {
    if cells.is_empty() {
        return ControlFlow::Break(());
    }
    let (index, folio_cells, part) = first_folio(inode, &cells);
    let inside = within(&folio_cells, &part);
    let name = if access == Access::Load { "load" } else { "store" };
    let mut slot = inode.page(index).lock(Op::on(name, u32::from(index))).await;
    let entry =
        slot.current().map(|(_, folio)| (folio.pte_read & (1 << me) != 0, folio.pte_write & (1 << me) != 0));
    match (access, entry) {
        (Access::Load, Some((true, _) | (_, true))) => {
            if let Some((_, folio)) = slot.current() {
                inode.oracle.load(&inode.sb.geometry, &part, &folio.cells[inside]);
                inode.say(|| format!("load {}", inode.sb.geometry.show_cells(&part)));
            }
        }
        (Access::Store(id), Some((_, true))) => {
            if let Some(folio) = slot.current_mut() {
                folio.cells[inside].fill(Value::written(id));
                inode.oracle.store(&inode.sb.geometry, id, &part, inode.i_size_peek());
                inode.say(|| format!("store {}", inode.sb.geometry.show_cells(&part)));
            }
        }
        (access, entry) => {
            if let (Access::Store(_), Some((true, false))) = (access, entry) {
                inode.sb.backend.reach(Branch::WpFault);
            }
            drop(slot);
            return ControlFlow::Continue(MmapState::Fault(access, cells));
        }
    }
    drop(slot);
    ControlFlow::Continue(MmapState::Access(access, part.end..cells.end))
}

/// `filemap_fault` (mm/filemap.c): finds an uptodate folio, or has it filled. A read fault installs the
/// entry; a write fault goes on to `page_mkwrite`. Beyond end of file the access dies of SIGBUS.
async fn fault<B: Backend>(inode: &Inode<B>, me: ActorId, access: Access, cells: Range<Cell>) -> MmapState {
    let (index, folio_cells, _) = first_folio(inode, &cells);
    let target = u32::from(index);
    let mut slot = inode.page(index).lock(Op::on("filemap_fault", target)).await;
    if folio_cells.start >= inode.i_size_peek() {
        inode.say(|| "SIGBUS".to_owned());
        return MmapState::Access(access, cells.end..cells.end);
    }
    let Some((id, true)) = slot.current().map(|(id, folio)| (id, folio.uptodate)) else {
        drop(slot);
        return MmapState::Fill(access, cells, FillState::Enter(index));
    };
    slot.folio_mut(id).refs |= 1 << me;
    drop(slot);
    if access != Access::Load {
        return MmapState::Mkwrite(access, cells, FolioRef { index, id });
    }
    let mut slot =
        inode.page(index).lock_when(Op::on("folio_lock", target), is_unlocked, u64::from(id)).await;
    if slot.folio(id).is_some_and(|folio| folio.in_cache) {
        slot.folio_mut(id).pte_read |= 1 << me;
        inode.say(|| format!("map folio {index} read-only"));
        slot.put(id, me);
        return MmapState::Access(access, cells);
    }
    slot.put(id, me);
    MmapState::Fault(access, cells)
}

fn is_unlocked(slot: &Slot, id: u64) -> bool {
    slot.is_unlocked(id as FolioId)
}

/// `iomap_page_mkwrite` (fs/iomap/buffered-io.c): invalidate_lock shared, then the folio lock; the folio must
/// still be there. `gfs2_page_mkwrite` has its glock, exclusive, in the place of invalidate_lock.
async fn mkwrite<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    access: Access,
    cells: Range<Cell>,
    folio: FolioRef,
) -> MmapState {
    let FolioRef { index, id } = folio;
    if inode.glock.is_some() {
        glock::acquire(inode, me, Mode::Exclusive).await;
    } else {
        xfs_ilock_for_write_fault(inode, me).await;
    }
    let op = Op::on("folio_lock", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, is_unlocked, u64::from(id)).await;
    if !slot.folio(id).is_some_and(|folio| folio.in_cache && folio.uptodate) {
        slot.put(id, me);
        unlock_mapping(inode, me);
        return MmapState::Fault(access, cells);
    }
    slot.folio_mut(id).locked = Some(me);
    inode.sb.backend.reach(Branch::Mkwrite);
    MmapState::Map(access, cells, folio, inode.sb.geometry.blocks_of_folio(index).start)
}

/// Lets truncation in again, and on gfs2 writes.
fn unlock_mapping<B: Backend>(inode: &Inode<B>, me: ActorId) {
    if inode.glock.is_some() {
        glock::release(inode, me);
    } else {
        inode.invalidate_lock.up_read(me);
    }
}

/// Maps the blocks of the folio inside end of file, one mapping after the other; the folio is marked dirty as
/// soon as the first one is there (561295a32579), so that a reservation made here never lies under a clean
/// folio.
async fn map_blocks<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    access: Access,
    cells: Range<Cell>,
    folio: FolioRef,
    block: FileBlock,
) -> ControlFlow<(), MmapState> {
    let FolioRef { index, id } = folio;
    let target = u32::from(index);
    let size = inode.i_size_peek();
    let folio_cells = inode.sb.geometry.cells_of_folio(index);
    let wanted = inode.sb.geometry.cells_of_block(block).start..folio_cells.end.min(size);
    let limit = inode.sb.geometry.blocks_touched(&wanted).end;
    let mut map = inode.ilock.lock(Op::new("iomap_begin")).await;
    // A fault has a budget of its own, of which it keeps nothing.
    let mapped = fs::reserve_budget(inode, &wanted).and_then(|mut budget| {
        let mapped = fs::write_begin(inode, me, &mut map, &wanted, &mut budget);
        fs::return_budget(inode, budget);
        mapped
    });
    drop(map);
    let Ok(iomap) = mapped else {
        inode.say(|| "ENOSPC, SIGBUS".to_owned());
        unlock_mapping(inode, me);
        inode.page(index).release(|slot| slot.unlock_and_put(id, me));
        inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));
        return ControlFlow::Break(());
    };
    inode.tell(MappingEvent::None, || format!("folio locked, then mapped: {}", inode.sb.show_iomap(&iomap)));
    tracepoint::mapped(inode, IomapFlags::Fault, &wanted, &iomap);
    let all_mapped = iomap.end >= limit;
    if inode.sb.config.design.mkwrite_dirty_late && !all_mapped {
        return ControlFlow::Continue(MmapState::Map(access, cells, folio, iomap.end));
    }
    let mut slot = inode.page(index).lock(Op::on("folio_mark_dirty", target)).await;
    let dirtied = slot.locked_mut(id, me);
    if !dirtied.dirty {
        inode.trace(|| tracepoint::writeback_dirty_folio(inode, index));
    }
    dirtied.set_dirty(0..inode.sb.geometry.blocks_per_folio());
    drop(slot);
    if !all_mapped {
        return ControlFlow::Continue(MmapState::Map(access, cells, folio, iomap.end));
    }
    if inode.sb.config.design.mkwrite_end == MkwriteEnd::Punch && iomap.new {
        let reserved = iomap.start..iomap.end;
        return ControlFlow::Continue(MmapState::MkwriteEnd(access, cells, folio, reserved));
    }
    unlock_mapping(inode, me);
    ControlFlow::Continue(MmapState::Install(access, cells, folio))
}

/// `finish_mkwrite_fault`: the entry becomes writable while the folio is still locked, and only then is it
/// unlocked. invalidate_lock was dropped before.
async fn install<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef) {
    let FolioRef { index, id } = folio;
    let mut slot = inode.page(index).lock(Op::on("set_pte_writable", u32::from(index))).await;
    let folio = slot.locked_mut(id, me);
    folio.pte_read &= !(1 << me);
    folio.pte_write |= 1 << me;
    folio.set_dirty(0..inode.sb.geometry.blocks_per_folio());
    // jdata_dirty_folio.
    folio.checked = inode.sb.config.fs.hooks == Hooks::Jdata;
    inode.say(|| format!("map folio {index} writable"));
    slot.unlock_and_put(id, me);
    drop(slot);
    inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));
}

/// Drops this actor's page-table entries for one folio (munmap, madvise). What was stored is in the folio,
/// which is dirty.
pub async fn zap<B: Backend>(inode: &Inode<B>, me: ActorId, index: FolioIndex) {
    let mut slot = inode.page(index).lock(Op::on("zap_pte", u32::from(index))).await;
    if let Some(folio) = slot.current_mut() {
        folio.pte_read &= !(1 << me);
        folio.pte_write &= !(1 << me);
    }
}
