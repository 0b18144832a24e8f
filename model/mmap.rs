//! Page faults and what happens through mapped memory.
//!
//! A load or store first tries the page-table entry; without one, or with a read-only one for a store, it
//! faults and tries again. A write fault maps *after* it has locked an uptodate folio: it never decides
//! between zeroing and reading, so it needs no check. A design may have it ask (`mkwrite_check`).
//!
//! A device may store into mapped memory, too: a direct read(2) from elsewhere whose buffer this is. It pins the page
//! (`get_user_pages`, which faults like a store), and afterwards dirties it by the reference alone, whatever has become
//! of the page-table entry meanwhile.
//!
//! A fault is of one page, and so is the entry that it leaves, also where the folio is larger; `finish_fault` of newer
//! kernels maps the whole folio (`fault_map`). What a write fault maps and dirties is the folio in any case.
//!
//! Left out: mmap_lock, freeze protection, fault-around, stable pages where nothing has a checksum, that all pages of a buffer are pinned before the
//! first is stored to, and that bios dirty theirs under the folio lock; drivers do not. A mapping that ends in the middle of a
//! folio is taken to reach to its ends.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Leaf, Lock, Op, Returned};

use crate::fs::stuffed::{self, UnstuffState};
use crate::fs::{self, gfs2_log, glock, valid_size};
use crate::iomap::valid::valid_or_dropped;
use crate::path::{Part, Path, Stepped};
use crate::read::fill::{self, FillState};
use crate::reflink::xfs_ilock_for_write_fault;
use crate::state::event::{Checker, DataEvent, Errno, Expense, FolioEvent, Mapping, Method, What};
use crate::state::folio::{Folio, FolioId, FolioRef, Slot};
use crate::state::glock::Mode;
use crate::state::inode::Inode;
use crate::state::log::InodeDirty;
use crate::state::mapping::Iomap;
use crate::state::pte::Pte;
use crate::state::trace::{self, IomapFlags};
use crate::state::world::World;
use crate::valid_size::{self as extend, ExtendState};
use crate::words::branches;
use crate::words::check_design::MkwriteCheck;
use crate::words::command::Command;
use crate::words::design::{FaultMap, MkwriteEnd, MkwriteMap};
use crate::words::extent::{Enospc, Extent, Fork};
use crate::words::geometry::{Cell, FileBlock, FolioIndex, within};
use crate::words::personality::MkwriteUnlock;
use crate::words::valid_size::MkwriteValid;
use crate::words::value::{Value, WriteId};
use crate::writeback::io::wait_stable;

/// What is done through the mapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// A load.
    Load,
    /// A store of the given write.
    Store(WriteId),
    /// A store by a device.
    Dma(WriteId),
}

/// What is left of an access: what is done, and the rest of its range.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Rest {
    access: Access,
    cells: Range<Cell>,
}

/// A write fault on a folio that it refers to (struct vm_fault), and the access that goes on behind it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct VmFault {
    rest: Rest,
    folio: FolioRef,
    /// Blocks that are promised to it.
    promised: u16,
}

/// The store of a device into a folio that is pinned for it, and the rest of its range.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pin {
    id: WriteId,
    cells: Range<Cell>,
    folio: FolioRef,
}

/// Where an access stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MmapState {
    /// Before the instruction.
    Access(Rest),
    /// In the fault handler, before the folio is found.
    Fault(Rest),
    /// A read fault that has found its folio and refers to it, before the folio lock. gfs2 has its glock.
    LockRead(Rest, FolioRef),
    /// Bringing the folio in.
    Fill(Rest, FillState),
    /// A write fault, before invalidate_lock.
    Mkwrite(VmFault),
    /// A write fault that moves the valid size, with i_rwsem held.
    Valid(VmFault, ExtendState),
    /// A write fault in a stuffed file, which is unstuffed first.
    Unstuff(VmFault, UnstuffState),
    /// After both, before the folio lock.
    Lock(VmFault),
    /// A write fault of gfs2, before its blocks are promised to it.
    Reserve(VmFault),
    /// A mutant's write fault, before the blocks from one on are mapped; the folio is only referenced.
    MapEarly {
        /// The fault.
        vmf: VmFault,
        /// The first block that is not mapped.
        block: FileBlock,
        /// The mappings so far, where they are going to be compared.
        mapped: Vec<(FileBlock, Iomap)>,
    },
    /// The blocks were mapped before the folio is locked (a mutant).
    LockLate(VmFault, Vec<(FileBlock, Iomap)>),
    /// The folio is pinned, before the device stores into it.
    Pinned(Pin),
    /// The device has stored into it, before it is dirtied and let go.
    Unpin(Pin),
    /// A write fault with the folio locked, before the blocks are mapped.
    Map(VmFault, FileBlock),
    /// Blocks from one on are mapped; before the mapping is compared, if it is compared here.
    Mapped {
        /// The fault.
        vmf: VmFault,
        /// The first of the blocks.
        block: FileBlock,
        /// The mapping.
        mapped: Mapped,
    },
    /// Before the folio is marked dirty.
    Dirty(VmFault, AfterDirty),
    /// It is dirty and all is mapped; before its writeback is waited for, where that is done, and others are let in. With what a
    /// mutant is about to punch.
    Stable(VmFault, Option<Range<FileBlock>>),
    /// The folio is dirty; before the page-table entry is made writable.
    Install(VmFault),
    /// A mutant's end handler: punches what the fault reserved.
    MkwriteEnd(VmFault, Range<FileBlock>),
}

/// What a write fault does when its folio is dirty.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum AfterDirty {
    /// It maps on, from a block on.
    Map(FileBlock),
    /// All is mapped. With what a mutant is about to punch.
    Install(Option<Range<FileBlock>>),
}

impl Path for MmapState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let (access, range) = match part.first()? {
            Command::Mread { range } => (Access::Load, range),
            Command::Mwrite { range, .. } => (Access::Store(part.write()), range),
            Command::Dma { range, .. } => (Access::Dma(part.write()), range),
            _ => return None,
        };
        Some(MmapState::Access(Rest { access, cells: part.cells(range) }))
    }

    /// One step of a load or store of a range.
    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        ControlFlow::Continue(match self {
            MmapState::Access(rest) => return instruction(inode, me, rest).await,
            MmapState::Fault(rest) => {
                glock::acquire(inode, me, Mode::Shared).await;
                let next = fault(inode, me, rest).await;
                if !matches!(next, Some(MmapState::LockRead(..))) {
                    glock::release(inode, me);
                }
                return next.map_or(ControlFlow::Break(Returned::Error), ControlFlow::Continue);
            }
            MmapState::LockRead(rest, folio) => lock_for_read(inode, me, rest, folio).await,
            MmapState::Fill(rest, inner) => match fill::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => MmapState::Fill(rest, inner),
                ControlFlow::Break(_) => MmapState::Fault(rest),
            },
            MmapState::Mkwrite(vmf) if valid_size::moves_in_fault(inode) => {
                page_mkwrite(inode, me, vmf).await
            }
            MmapState::Mkwrite(vmf) => mkwrite(inode, me, vmf).await,
            MmapState::Valid(vmf, inner) => match extend::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => MmapState::Valid(vmf, inner),
                ControlFlow::Break(Returned::Success) => mkwrite(inode, me, vmf).await,
                ControlFlow::Break(Returned::Error) => return put_for_no_zeros(inode, me, vmf.folio),
            },
            MmapState::Unstuff(vmf, inner) => match stuffed::step(inode, me, inner).await {
                ControlFlow::Continue(inner) => MmapState::Unstuff(vmf, inner),
                ControlFlow::Break(Ok(())) => before_lock(inode, vmf),
                ControlFlow::Break(Err(Enospc)) => return put_for_no_space(inode, me, vmf.folio),
            },
            MmapState::Reserve(vmf) => return gfs2_inplace_reserve(inode, me, vmf).await,
            MmapState::Lock(vmf) => lock_for_write(inode, me, vmf).await,
            MmapState::Map(vmf, block) => return map_blocks(inode, me, vmf, block).await,
            MmapState::Mapped { vmf, block, mapped } => blocks_mapped(inode, me, vmf, block, mapped).await,
            MmapState::Dirty(vmf, next) => {
                mark_dirty(inode, me, vmf.folio).await;
                after_dirty(vmf, next)
            }
            MmapState::Stable(vmf, reserved) => {
                wait_stable(inode, vmf.folio.index).await;
                let_in(inode, me, vmf, reserved)
            }
            MmapState::MapEarly { vmf, block, mapped } => {
                return map_early(inode, me, vmf, block, mapped).await;
            }
            MmapState::LockLate(vmf, mapped) => lock_late(inode, me, vmf, &mapped).await,
            MmapState::Pinned(pin) => {
                transfer(inode, &pin).await;
                MmapState::Unpin(pin)
            }
            MmapState::Unpin(pin) => {
                let done = unpin(inode, me, &pin).await;
                MmapState::Access(Rest { access: Access::Dma(pin.id), cells: done.end..pin.cells.end })
            }
            MmapState::Install(vmf) => {
                install(inode, me, &vmf).await;
                MmapState::Access(vmf.rest)
            }
            MmapState::MkwriteEnd(vmf, blocks) => {
                let mut map = inode.lock_map(Op::new("punch_delalloc")).await;
                map.punch_delalloc(Fork::Data, &blocks);
                map.end_under_folio_lock();
                unlock_mapping(inode, me);
                MmapState::Install(vmf)
            }
        })
    }
}

/// Locks and dirties a folio whose blocks were mapped before (a mutant). If a mapping is stale by then, all are mapped anew.
async fn lock_late<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    vmf: VmFault,
    mapped: &[(FileBlock, Iomap)],
) -> MmapState {
    let FolioRef { index, id } = vmf.folio;
    if !lock_mapped(inode, me, vmf.folio).await {
        return MmapState::Fault(vmf.rest);
    }
    for (block, iomap) in mapped {
        if !passes(inode, iomap, *block).await {
            inode.folio_unlocked(index, id);
            inode.page(index).release(|slot| slot.unlock(id, me));
            return before_early(inode, vmf);
        }
    }
    mark_dirty(inode, me, vmf.folio).await;
    unlock_mapping(inode, me);
    MmapState::Install(vmf)
}

/// The part of a range that lies in its first page, with that page's folio.
fn first_page<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> (FolioIndex, Range<Cell>, Range<Cell>) {
    let index = inode.sb.geometry.folio_of(cells.start);
    let folio_cells = inode.sb.geometry.cells_of_folio(index);
    let part = cells.start..cells.end.min(inode.sb.geometry.page_end(cells.start));
    (index, folio_cells, part)
}

/// The instruction itself: the page-table entry is looked up and used at once, as the MMU does.
async fn instruction<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    rest: Rest,
) -> ControlFlow<Returned, MmapState> {
    let Rest { access, cells } = rest;
    if cells.is_empty() {
        return ControlFlow::Break(Returned::Success);
    }
    let (index, folio_cells, part) = first_page(inode, &cells);
    let inside = within(&folio_cells, &part);
    let target = u32::from(index);
    let op = match access {
        Access::Load => Op::on("load", target),
        Access::Store(_) => Op::on("store", target),
        Access::Dma(_) => Op::on("get_user_pages", target),
    };
    let mut slot = inode.page(index).lock(op).await;
    let page = inode.sb.geometry.page_in_folio(part.start);
    let entry = slot.current().map_or(Pte::Absent, |(_, folio)| folio.ptes.of(page, me));
    match (access, entry) {
        (Access::Load, Pte::ReadOnly | Pte::Writable) => {
            if let Some((_, folio)) = slot.current() {
                let values = &folio.cells[inside];
                inode.oracle.load(&inode.sb.geometry, &part, values);
                inode.emit(|| What::Data(DataEvent::Loaded(inode.given(&part, values))));
            }
        }
        (Access::Store(id), Pte::Writable) => {
            if let Some(folio) = slot.current_mut() {
                folio.cells[inside].fill(Value::written(id));
                inode.tlb(index).release();
                inode.oracle.store(&inode.sb.geometry, id, &part, inode.i_size_newest());
                inode.forget_data(&part);
                inode.emit(|| What::Data(DataEvent::Stored(inode.sb.geometry.bytes_of_cells(&part))));
            }
        }
        (Access::Dma(id), Pte::Writable) => {
            if let Some((folio, _)) = slot.current() {
                slot.folio_mut(folio).refs |= 1 << me;
                // Behind end of file it is no write of the file, as in a store.
                let size = inode.i_size_peek();
                let inside = part.end.min(size).max(part.start);
                inode.oracle.begin_write(&inode.sb.geometry, id, &(part.start..inside));
                inode.oracle.store(&inode.sb.geometry, id, &(inside..part.end), size);
                inode.emit(|| What::Folio(FolioEvent::Pinned(index)));
                let folio = FolioRef { index, id: folio };
                return ControlFlow::Continue(MmapState::Pinned(Pin { id, cells, folio }));
            }
        }
        (access, entry) => {
            if let (Access::Store(_), Pte::ReadOnly) = (access, entry) {
                inode.sb.backend.reach(branches::WP_FAULT);
            }
            drop(slot);
            return ControlFlow::Continue(MmapState::Fault(Rest { access, cells }));
        }
    }
    drop(slot);
    ControlFlow::Continue(MmapState::Access(Rest { access, cells: part.end..cells.end }))
}

/// The device stores into the first page of a range, wherever that is now.
async fn transfer<B: Backend>(inode: &Inode<B>, pin: &Pin) {
    let (index, folio_cells, part) = first_page(inode, &pin.cells);
    let mut slot = inode.page(index).lock(Op::on("dma", u32::from(index))).await;
    slot.folio_mut(pin.folio.id).cells[within(&folio_cells, &part)].fill(Value::written(pin.id));
    inode.emit(|| What::Data(DataEvent::DeviceStored(inode.sb.geometry.bytes_of_cells(&part))));
}

/// `folio_mark_dirty` with a reference and nothing else, and `folio_put`. A folio that is dirty already is left alone, whichever
/// of its blocks are (`unpin_user_pages_dirty_lock`, mm/gup.c; `bio_check_pages_dirty`, block/bio.c; 6.1 to 7.3), and what has left
/// the page cache is nobody's dirty page. Returns what is done.
async fn unpin<B: Backend>(inode: &Inode<B>, me: ActorId, pin: &Pin) -> Range<Cell> {
    let (index, _, part) = first_page(inode, &pin.cells);
    let hooks = inode.load_hooks().await;
    let mut slot = inode.page(index).lock(Op::on("folio_mark_dirty", u32::from(index))).await;
    let pinned = slot.folio_mut(pin.folio.id);
    if pinned.in_cache && !pinned.dirty {
        inode.dirty_private(index, pinned, hooks);
        pinned.dirty_by_store(hooks);
        inode.counters.dirties(inode.sb.geometry.blocks_of_folio(index));
    }
    slot.put(pin.folio.id, me);
    drop(slot);
    inode.oracle.end_write(&inode.sb.geometry, pin.id, &part, part.end);
    inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));
    part
}

/// `filemap_fault` (mm/filemap.c): finds an uptodate folio, or has it filled. A read fault installs the
/// entry; a write fault goes on to `page_mkwrite`. Beyond the page of end of file the access dies of SIGBUS, also where
/// the folio reaches further down: `None`.
async fn fault<B: Backend>(inode: &Inode<B>, me: ActorId, rest: Rest) -> Option<MmapState> {
    let index = inode.sb.geometry.folio_of(rest.cells.start);
    let target = u32::from(index);
    let mut slot = inode.page(index).lock(Op::on("filemap_fault", target)).await;
    if inode.sb.geometry.page_at(rest.cells.start) >= inode.sb.geometry.byte_at(inode.i_size_peek()) {
        inode.emit(|| What::Sigbus(None));
        return None;
    }
    slot.looked_up();
    let Some((id, true)) = slot.current().map(|(id, folio)| (id, folio.uptodate)) else {
        drop(slot);
        return Some(MmapState::Fill(rest, FillState::new(index)));
    };
    slot.folio_mut(id).refs |= 1 << me;
    drop(slot);
    if rest.access != Access::Load {
        return Some(MmapState::Mkwrite(VmFault { rest, folio: FolioRef { index, id }, promised: 0 }));
    }
    Some(MmapState::LockRead(rest, FolioRef { index, id }))
}

/// The rest of a read fault, from the folio lock on: the entry, if the folio is still in the page cache.
async fn lock_for_read<B: Backend>(inode: &Inode<B>, me: ActorId, rest: Rest, folio: FolioRef) -> MmapState {
    let FolioRef { index, id } = folio;
    let op = Op::on("folio_lock", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, is_unlocked, u64::from(id)).await;
    inode.folio_passed(index, Some(id));
    let found = slot.folio(id).is_some_and(|folio| folio.in_cache);
    if found {
        map_pages(inode, slot.folio_mut(id), rest.cells.start, me, Pte::ReadOnly);
        inode.emit(|| What::Folio(FolioEvent::Mapped { index, writable: false }));
    }
    slot.put(id, me);
    drop(slot);
    glock::release(inode, me);
    if found { MmapState::Access(rest) } else { MmapState::Fault(rest) }
}

fn is_unlocked(slot: &Slot, id: u64) -> bool {
    slot.is_unlocked(id as FolioId)
}

/// `iomap_page_mkwrite` (fs/iomap/buffered-io.c): invalidate_lock shared, then the folio lock; the folio must
/// still be there. `gfs2_page_mkwrite` has its glock, exclusive, in the place of invalidate_lock.
async fn mkwrite<B: Backend>(inode: &Inode<B>, me: ActorId, vmf: VmFault) -> MmapState {
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
fn before_lock<B: Backend>(inode: &Inode<B>, vmf: VmFault) -> MmapState {
    let early = inode.sb.config.design.mkwrite_map == MkwriteMap::BeforeLock;
    let reserves = inode.glock.is_some() && !early && inode.sb.config.fs.free_blocks.is_some();
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
async fn gfs2_inplace_reserve<B: Backend>(
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
async fn page_mkwrite<B: Backend>(inode: &Inode<B>, me: ActorId, vmf: VmFault) -> MmapState {
    let FolioRef { index, id } = vmf.folio;
    if !inode.i_rwsem.down_write_trylock(Op::new("down_write_trylock i_rwsem"), me).await {
        inode.page(index).release(|slot| slot.put(id, me));
        return MmapState::Fault(vmf.rest);
    }
    if inode.sb.config.fs.mkwrite_valid == MkwriteValid::Zeroed {
        let mut slot = inode.page(index).lock(Op::on("filemap_get_folio", u32::from(index))).await;
        if !slot.folio(id).is_some_and(|folio| folio.in_cache) {
            slot.put(id, me);
            drop(slot);
            inode.i_rwsem.up_write(me);
            inode.sb.backend.reach(branches::MKWRITE_RETRY);
            inode.emit(|| What::Folio(FolioEvent::GoneForFault(index)));
            return MmapState::Fault(vmf.rest);
        }
    }
    // What lies in the same folio before the page is zeros there already, and becomes dirty with it.
    let (geometry, size) = (&inode.sb.geometry, inode.i_size_peek());
    let start = geometry.cells_of_folio(index).start;
    let page = start.min(size)..geometry.page_end(vmf.rest.cells.start).min(size);
    MmapState::Valid(vmf, ExtendState::Look(page))
}

/// The folio lock of a write fault.
async fn lock_for_write<B: Backend>(inode: &Inode<B>, me: ActorId, vmf: VmFault) -> MmapState {
    if inode.sb.config.design.mkwrite_map == MkwriteMap::BeforeLock {
        return before_early(inode, vmf);
    }
    let first = inode.sb.geometry.blocks_of_folio(vmf.folio.index).start;
    gfs2_log::trans_begin(inode, me).await;
    if lock_mapped(inode, me, vmf.folio).await {
        MmapState::Map(vmf, first)
    } else {
        fs::return_budget(inode, vmf.promised);
        MmapState::Fault(vmf.rest)
    }
}

/// Locks the folio of a write fault. If it has left the page cache, the fault gives everything up and is retried.
async fn lock_mapped<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef) -> bool {
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
fn unlock_mapping<B: Backend>(inode: &Inode<B>, me: ActorId) {
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
async fn map_blocks<B: Backend>(
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
async fn blocks_mapped<B: Backend>(
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
    let unlocks_first = inode.sb.config.fs.mkwrite_unlock == MkwriteUnlock::BeforeDirty;
    if unlocks_first && next.is_none() {
        unlock_mapping(inode, me);
    }
    let late = unlocks_first || inode.sb.config.design.mkwrite_dirty_late;
    let punches = inode.sb.config.design.mkwrite_end == MkwriteEnd::Punch && iomap.new && !unlocks_first;
    match next {
        Some(next) if late => MmapState::Map(vmf, next),
        Some(next) => MmapState::Dirty(vmf, AfterDirty::Map(next)),
        None => {
            let reserved = punches.then_some(iomap.start..iomap.end);
            MmapState::Dirty(vmf, AfterDirty::Install(reserved))
        }
    }
}

/// Where a write fault goes on whose folio is dirty.
fn after_dirty(vmf: VmFault, next: AfterDirty) -> MmapState {
    match next {
        AfterDirty::Map(next) => MmapState::Map(vmf, next),
        AfterDirty::Install(reserved) => MmapState::Stable(vmf, reserved),
    }
}

/// Others are let in before the page-table entry is there, unless they have been already.
fn let_in<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    vmf: VmFault,
    reserved: Option<Range<FileBlock>>,
) -> MmapState {
    if let Some(reserved) = reserved {
        return MmapState::MkwriteEnd(vmf, reserved);
    }
    if inode.sb.config.fs.mkwrite_unlock != MkwriteUnlock::BeforeDirty {
        unlock_mapping(inode, me);
    }
    MmapState::Install(vmf)
}

/// Whether the fault goes on with a mapping: it is valid, or nobody asks. The folio is locked.
async fn passes<B: Backend>(inode: &Inode<B>, iomap: &Iomap, block: FileBlock) -> bool {
    if fs::mkwrite_check(&inode.sb.config) == MkwriteCheck::Never {
        return true;
    }
    inode.account(Expense::Called(Method::IomapValid));
    valid_or_dropped(inode, iomap, block, Checker::Fault).await
}

/// A mapping for a write fault, and how far the fault is with it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mapped {
    pub(crate) iomap: Iomap,
    /// The block to go on with; `None` if the mapping reaches to the end of the folio inside end of file.
    pub(crate) next: Option<FileBlock>,
}

/// A mapping for a write fault from `block` on, with what is promised to the fault.
pub(crate) async fn map_next<B: Backend>(
    inode: &Inode<B>,
    index: FolioIndex,
    block: FileBlock,
    promised: &mut u16,
) -> Result<Mapped, Enospc> {
    let (wanted, blocks) = wanted(inode, index, block);
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names.fault_begin)).await;
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

/// Before the mutant's first mapping.
fn before_early<B: Backend>(inode: &Inode<B>, vmf: VmFault) -> MmapState {
    let first = inode.sb.geometry.blocks_of_folio(vmf.folio.index).start;
    MmapState::MapEarly { vmf, block: first, mapped: Vec::new() }
}

/// A mutant: maps the blocks of a folio that anybody may take away meanwhile who needs no invalidate_lock for it.
async fn map_early<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    vmf: VmFault,
    block: FileBlock,
    mut mapped: Vec<(FileBlock, Iomap)>,
) -> ControlFlow<Returned, MmapState> {
    let Ok(Mapped { iomap, next }) = map_next(inode, vmf.folio.index, block, &mut 0).await else {
        return put_for_no_space(inode, me, vmf.folio);
    };
    report_mapped(inode, &iomap);
    if fs::mkwrite_check(&inode.sb.config) == MkwriteCheck::AfterLock {
        mapped.push((block, iomap));
    }
    ControlFlow::Continue(match next {
        None => MmapState::LockLate(vmf, mapped),
        Some(next) => MmapState::MapEarly { vmf, block: next, mapped },
    })
}

/// The blocks of a write fault are mapped: with its folio locked, unless the design is the mutant.
fn report_mapped<B: Backend>(inode: &Inode<B>, iomap: &Iomap) {
    inode.emit(|| What::MkwriteMapped {
        folio_locked: inode.sb.config.design.mkwrite_map != MkwriteMap::BeforeLock,
        mapping: Mapping::of(&inode.sb.geometry, iomap),
    });
}

/// A write fault finds no space, and the access dies of SIGBUS.
fn no_space<B: Backend>(inode: &Inode<B>, me: ActorId) {
    inode.emit(|| What::Sigbus(Some(Errno::NoSpace)));
    unlock_mapping(inode, me);
}

/// A write fault finds no space before its folio is locked.
fn put_for_no_space<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folio: FolioRef,
) -> ControlFlow<Returned, MmapState> {
    no_space(inode, me);
    inode.page(folio.index).release(|slot| slot.put(folio.id, me));
    ControlFlow::Break(Returned::Error)
}

/// A write fault cannot zero what the valid size is to be moved over.
fn put_for_no_zeros<B: Backend>(
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
async fn mark_dirty<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef) {
    let FolioRef { index, id } = folio;
    let hooks = inode.load_hooks().await;
    let mut slot = inode.page(index).lock(Op::on("folio_mark_dirty", u32::from(index))).await;
    let dirtied = slot.locked_mut(id, me);
    if !dirtied.dirty {
        inode.trace(|| trace::writeback_dirty_folio(inode, index));
    }
    inode.dirty_private(index, dirtied, hooks);
    dirtied.set_dirty(0..inode.sb.geometry.blocks_per_folio());
    inode.counters.dirties(inode.sb.geometry.blocks_of_folio(index));
}

/// `finish_mkwrite_fault`: the entry becomes writable while the folio is still locked, and only then is it
/// unlocked. invalidate_lock was dropped before.
async fn install<B: Backend>(inode: &Inode<B>, me: ActorId, vmf: &VmFault) {
    let FolioRef { index, id } = vmf.folio;
    let hooks = inode.load_hooks().await;
    let mut slot = inode.page(index).lock(Op::on("set_pte_writable", u32::from(index))).await;
    let folio = slot.locked_mut(id, me);
    map_pages(inode, folio, vmf.rest.cells.start, me, Pte::Writable);
    inode.dirty_private(index, folio, hooks);
    folio.dirty_by_store(hooks);
    inode.emit(|| What::Folio(FolioEvent::Mapped { index, writable: true }));
    inode.folio_unlocked(index, id);
    slot.unlock_dirtied(id, me);
    slot.put(id, me);
    drop(slot);
    inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));
}

/// `finish_fault` (mm/memory.c): the entry for the page that was accessed, or those for the whole folio, if it lies inside the
/// file and the actor has none for any of its pages.
fn map_pages<B: Backend>(inode: &Inode<B>, folio: &mut Folio, at: Cell, me: ActorId, pte: Pte) {
    let geometry = &inode.sb.geometry;
    let end = geometry.cells_of_folio(geometry.folio_of(at)).end;
    // The size is rounded up to pages.
    let inside = || geometry.page_at(end - 1) < geometry.byte_at(inode.i_size_peek());
    let whole = inode.sb.config.design.fault_map == FaultMap::Folio && inside() && folio.ptes.none_of(me);
    let page = geometry.page_in_folio(at);
    let pages = if whole { 0..geometry.pages_per_folio() } else { page..page + 1 };
    pages.for_each(|page| folio.ptes.set(page, me, pte));
}

/// munmap and MADV_DONTNEED drop this actor's page-table entries, folio by folio: those that are left. What was
/// stored is in the folio, which is dirty.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Zap(Range<Cell>);

impl Path for Zap {
    type Ended = ();

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        match part.first()? {
            Command::Munmap => Some(Zap(0..part.inode.sb.geometry.cells())),
            Command::MadviseDontneed { range } => Some(Zap(part.cells(range))),
            _ => None,
        }
    }

    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        let Zap(cells) = self;
        if cells.is_empty() {
            return ControlFlow::Break(());
        }
        let geometry = &inode.sb.geometry;
        let index = geometry.folio_of(cells.start);
        let here = cells.start..cells.end.min(geometry.cells_of_folio(index).end);
        let mut slot = inode.page(index).lock(Op::on("zap_pte", u32::from(index))).await;
        if let Some(folio) = slot.current_mut() {
            let pages = geometry.page_in_folio(here.start)..=geometry.page_in_folio(here.end - 1);
            pages.for_each(|page| folio.ptes.set(page, me, Pte::Absent));
        }
        drop(slot);
        ControlFlow::Continue(Zap(here.end..cells.end))
    }
}
