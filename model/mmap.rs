//! Page faults and what happens through mapped memory.
//!
//! A load or store first tries the page-table entry; without one, or with a read-only one for a store, it
//! faults and tries again. With a read-only one the folio is that of the entry, and is neither looked up nor looked whether it lies inside
//! the file (`wp_page_shared`). A write fault maps *after* it has locked an uptodate folio: it never decides
//! between zeroing and reading, so it needs no check. A design may have it ask (`mkwrite_check`).
//!
//! A device may store into mapped memory, too: a direct read(2) from elsewhere whose buffer this is. It pins the page
//! (`get_user_pages`, which faults like a store), and afterwards dirties it by the reference alone, whatever has become
//! of the page-table entry meanwhile.
//!
//! A fault is of one page, and so is the entry that it leaves, also where the folio is larger; `finish_fault` of newer
//! kernels maps the whole folio (`fault_map`). What a write fault maps and dirties is the folio in any case.
//!
//! A load is first tried by `->map_pages`. What that does `filemap_fault` would do as well, so it is a step of its own only where it
//! takes invalidate_lock (`map_pages_lock`).
//!
//! Left out: mmap_lock, freeze protection, fault-around, stable pages where nothing has a checksum, that all pages of a buffer are pinned before the
//! first is stored to, and that bios dirty theirs under the folio lock; drivers do not.

mod dma;
mod filemap_fault;
mod map_early;
pub(crate) mod mkwrite;
pub mod state;
pub mod zap;

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Backend, Lock, Op, Returned};

use crate::fs::{glock, stuffed, valid_size};
use crate::mmap::dma::{transfer, unpin};
use crate::mmap::filemap_fault::{fault, filemap_map_pages, lock_for_read};
use crate::mmap::map_early::{lock_late, map_early};
use crate::mmap::mkwrite::{
    before_lock, blocks_mapped, gfs2_inplace_reserve, install, let_in, lock_for_write, map_blocks,
    mark_dirty, mkwrite, page_mkwrite, put_for_no_space, put_for_no_zeros, unlock_mapping,
};
use crate::mmap::state::{Access, MmapState, Pin, Rest, VmFault, after_dirty, first_page};
use crate::path::{Part, Path, Stepped};
use crate::read::fill;
use crate::state::event::{DataEvent, FolioEvent, What};
use crate::state::folio::FolioRef;
use crate::state::glock::Mode;
use crate::state::inode::Inode;
use crate::state::pte::Pte;
use crate::state::world::World;
use crate::valid_size as extend;
use crate::words::branches;
use crate::words::command::Command;
use crate::words::extent::{Enospc, Fork};
use crate::words::geometry::within;
use crate::words::value::Value;
use crate::writeback::io::wait_stable;

impl Path for MmapState {
    type Ended = Returned;

    fn begin<B: Backend>(part: &Part<'_, B>) -> Option<Self> {
        let (access, range) = match part.first()? {
            Command::Mread { range } => (Access::Load, range),
            Command::Mwrite { range, .. } => (Access::Store(part.write()), range),
            Command::Dma { range, .. } => (Access::Dma(part.write()), range),
            _ => return None,
        };
        Some(MmapState::Access(Rest { access, cells: part.cells(range), vma: part.vma() }))
    }

    /// One step of a load or store of a range.
    async fn step<B: Backend>(self, _: &World<B>, inode: &Inode<B>, me: ActorId) -> Stepped<Self> {
        ControlFlow::Continue(match self {
            MmapState::Access(rest) => return instruction(inode, me, rest).await,
            MmapState::MapPages(rest) => {
                inode.invalidate_lock.down_read(Op::new("down_read invalidate_lock"), me).await;
                MmapState::MapPagesLocked(rest)
            }
            MmapState::MapPagesLocked(rest) => filemap_map_pages(inode, me, rest).await,
            MmapState::Fault(rest) => return fault_with_glock(inode, me, rest).await,
            MmapState::LockRead(rest, folio) => return lock_for_read(inode, me, rest, folio).await,
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
                MmapState::Access(Rest {
                    access: Access::Dma(pin.id),
                    cells: done.end..pin.cells.end,
                    vma: pin.vma,
                })
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

/// The folio of a fault is found, with the glock of gfs2, which a read fault keeps.
async fn fault_with_glock<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    rest: Rest,
) -> ControlFlow<Returned, MmapState> {
    glock::acquire(inode, me, Mode::Shared).await;
    let next = fault(inode, me, rest).await;
    if !matches!(next, Some(MmapState::LockRead(..))) {
        glock::release(inode, me);
    }
    next.map_or(ControlFlow::Break(Returned::Error), ControlFlow::Continue)
}

/// The instruction itself: the page-table entry is looked up and used at once, as the MMU does.
async fn instruction<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    rest: Rest,
) -> ControlFlow<Returned, MmapState> {
    let Rest { access, cells, vma } = rest;
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
                Value::fill(&mut folio.cells[inside], id, part.clone());
                inode.tlb(index).release();
                inode.oracle.store(&inode.sb.geometry, id, &part, inode.i_size_newest());
                inode.forget_data(&part);
                inode.emit(|| What::Data(DataEvent::Stored(inode.sb.geometry.bytes_of_cells(&part))));
            }
        }
        (Access::Dma(id), Pte::Writable) => {
            if let Some((folio, _)) = slot.current() {
                slot.folio_mut(folio).refs |= 1 << me;
                let size = inode.i_size_peek();
                let inside = part.end.min(size).max(part.start);
                inode.oracle.begin_write(&inode.sb.geometry, id, &(part.start..inside), size);
                inode.emit(|| What::Folio(FolioEvent::Pinned(index)));
                let folio = FolioRef { index, id: folio };
                return ControlFlow::Continue(MmapState::Pinned(Pin { id, cells, vma, folio, size }));
            }
        }
        (Access::Store(_) | Access::Dma(_), Pte::ReadOnly) => {
            if let Some((id, _)) = slot.current() {
                inode.sb.backend.reach(branches::WP_FAULT);
                slot.folio_mut(id).refs |= 1 << me;
                let (rest, folio) = (Rest { access, cells, vma }, FolioRef { index, id });
                let vmf = VmFault { rest, folio, orig_pte: Pte::ReadOnly, promised: 0 };
                return ControlFlow::Continue(MmapState::Mkwrite(vmf));
            }
        }
        (_, Pte::Absent) => {
            drop(slot);
            let rest = Rest { access, cells, vma };
            return ControlFlow::Continue(match access {
                Access::Load if inode.sb.config.fs.map_pages_lock() => MmapState::MapPages(rest),
                Access::Load | Access::Store(_) | Access::Dma(_) => MmapState::Fault(rest),
            });
        }
    }
    drop(slot);
    ControlFlow::Continue(MmapState::Access(Rest { access, cells: part.end..cells.end, vma }))
}
