//! `filemap_fault` and `finish_fault`: the folio of a fault is found or filled, and what a read fault maps.

use std::ops::{ControlFlow, Range};

use stalemap_facade::{ActorId, Backend, Lock, Op, Returned};

use crate::fs::glock;
use crate::mmap::state::{Access, MmapState, Rest, VmFault};
use crate::read::fill::FillState;
use crate::state::event::{FolioEvent, What};
use crate::state::folio::{Folio, FolioId, FolioRef};
use crate::state::inode::Inode;
use crate::state::pte::Pte;
use crate::state::slot::Slot;
use crate::words::design::FaultMap;
use crate::words::geometry::{Cell, Geometry};

/// `filemap_fault` (mm/filemap.c): finds an uptodate folio, or has it filled. A read fault installs the
/// entry; a write fault goes on to `page_mkwrite`. Beyond the page of end of file the access dies of SIGBUS, also where
/// the folio reaches further down: `None`.
pub(super) async fn fault<B: Backend>(inode: &Inode<B>, me: ActorId, rest: Rest) -> Option<MmapState> {
    let index = inode.sb.geometry.folio_of(rest.cells.start);
    let target = u32::from(index);
    let mut slot = inode.page(index).lock(Op::on("filemap_fault", target)).await;
    let ready = slot.current().filter(|(_, folio)| folio.uptodate && folio.locked.is_none());
    let ready = ready.map(|(id, _)| id);
    if rest.access != Access::Load {
        // i_size is looked at again with the folio locked. A load has that in a step of its own.
        inode.folio_passed(index, ready);
    }
    if is_beyond_eof(inode, &rest) {
        sigbus(inode, me, &rest);
        return None;
    }
    // A load is first tried by filemap_map_pages, which leaves PG_dropbehind alone.
    if rest.access != Access::Load || ready.is_none() {
        slot.looked_up();
    }
    let Some((id, true)) = slot.current().map(|(id, folio)| (id, folio.uptodate)) else {
        drop(slot);
        return Some(MmapState::Fill(rest, FillState::new(index)));
    };
    slot.folio_mut(id).refs |= 1 << me;
    drop(slot);
    if rest.access != Access::Load {
        return Some(MmapState::Mkwrite(VmFault {
            rest,
            folio: FolioRef { index, id },
            orig_pte: Pte::Absent,
            promised: 0,
        }));
    }
    Some(MmapState::LockRead(rest, FolioRef { index, id }))
}

/// `xfs_filemap_map_pages` (fs/xfs/xfs_file.c, 6.1.192), which `do_read_fault` calls first, with invalidate_lock held shared: the page that
/// was asked for gets its entry if its folio is there, uptodate and not locked. Else the fault goes on without the lock. Left out: the
/// pages around it.
pub(super) async fn filemap_map_pages<B: Backend>(inode: &Inode<B>, me: ActorId, rest: Rest) -> MmapState {
    let index = inode.sb.geometry.folio_of(rest.cells.start);
    let mut slot = inode.page(index).lock(Op::on("filemap_map_pages", u32::from(index))).await;
    let ready = slot.current().filter(|(_, folio)| folio.uptodate && folio.locked.is_none());
    let ready = ready.map(|(id, _)| id).filter(|_| !is_beyond_eof(inode, &rest));
    if let Some(id) = ready {
        inode.folio_passed(index, Some(id));
        map_pages(inode, slot.folio_mut(id), &rest, me, Pte::ReadOnly);
        inode.emit(|| What::Folio(FolioEvent::Mapped { index, writable: false }));
    }
    drop(slot);
    inode.invalidate_lock.up_read(me);
    if ready.is_some() { MmapState::Access(rest) } else { MmapState::Fault(rest) }
}

/// Whether the page that is accessed lies behind that of end of file.
fn is_beyond_eof<B: Backend>(inode: &Inode<B>, rest: &Rest) -> bool {
    inode.sb.geometry.page_at(rest.cells.start) >= inode.sb.geometry.byte_at(inode.i_size_peek())
}

/// An access finds that all of its page lies behind end of file: nothing that it would be given may be there.
fn sigbus<B: Backend>(inode: &Inode<B>, me: ActorId, rest: &Rest) {
    let cells = &rest.cells;
    inode.found_the_end(me, cells.start..inode.sb.geometry.page_end(cells.start).min(cells.end));
    inode.emit(|| What::Sigbus(None));
}

/// The rest of a read fault, from the folio lock on: the entry, if the folio is still in the page cache, and its page in the file. A large
/// folio may stay when the page is no longer.
pub(super) async fn lock_for_read<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    rest: Rest,
    folio: FolioRef,
) -> ControlFlow<Returned, MmapState> {
    let FolioRef { index, id } = folio;
    let op = Op::on("folio_lock", u32::from(index));
    let mut slot = inode.page(index).lock_when(op, is_unlocked, u64::from(id)).await;
    inode.folio_passed(index, Some(id));
    let found = slot.folio(id).is_some_and(|folio| folio.in_cache);
    let beyond = found && is_beyond_eof(inode, &rest);
    if beyond {
        sigbus(inode, me, &rest);
    } else if found {
        map_pages(inode, slot.folio_mut(id), &rest, me, Pte::ReadOnly);
        inode.emit(|| What::Folio(FolioEvent::Mapped { index, writable: false }));
    }
    slot.put(id, me);
    drop(slot);
    glock::release(inode, me);
    if beyond {
        return ControlFlow::Break(Returned::Error);
    }
    ControlFlow::Continue(if found { MmapState::Access(rest) } else { MmapState::Fault(rest) })
}

/// `finish_fault` (mm/memory.c): the entry for the page that was accessed, or those for the whole folio, if it lies inside the
/// file and inside what is mapped, and the actor has none for any of its pages.
pub(super) fn map_pages<B: Backend>(inode: &Inode<B>, folio: &mut Folio, rest: &Rest, me: ActorId, pte: Pte) {
    let geometry = &inode.sb.geometry;
    let at = rest.cells.start;
    let Range { start, end } = geometry.cells_of_folio(geometry.folio_of(at));
    // The size is rounded up to pages.
    let inside = || geometry.page_at(end - 1) < geometry.byte_at(inode.i_size_peek());
    let covered = is_covered(geometry, &(start..end), &rest.vma);
    let whole = inode.sb.config.design.fault_map() == FaultMap::Folio
        && inside()
        && covered
        && folio.ptes.none_of(me);
    let page = geometry.page_in_folio(at);
    let pages = if whole { 0..geometry.pages_per_folio() } else { page..page + 1 };
    pages.for_each(|page| folio.ptes.set(page, me, pte));
}

/// Whether a mapping of the file has all of a folio.
fn is_covered(geometry: &Geometry, folio: &Range<Cell>, vma: &Range<u64>) -> bool {
    vma.start <= geometry.byte_at(folio.start) && geometry.byte_at(folio.end) <= vma.end
}

pub(super) fn is_unlocked(slot: &Slot, id: u64) -> bool {
    slot.is_unlocked(id as FolioId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_has_all_of_a_folio_or_its_faults_are_of_pages() {
        let geometry = Geometry::new(4096, 8192, 16384, [1024, 9216]).unwrap();
        let second = geometry.cells_of_folio(1);
        let covers = |bytes: Range<u64>| is_covered(&geometry, &second, &geometry.whole_pages(&bytes));
        assert!(covers(8192..16384) && covers(0..12289));
        assert!(!covers(8192..12288) && !covers(12288..16384) && !covers(0..8192));
    }
}
