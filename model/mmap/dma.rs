//! What a device does with a page that is pinned for it: it stores, dirties the page, and lets it go.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Lock, Op};

use crate::mmap::state::{Pin, first_page};
use crate::state::event::{DataEvent, What};
use crate::state::inode::Inode;
use crate::words::geometry::{Cell, within};
use crate::words::value::Value;

/// The device stores into the first page of a range, wherever that is now.
pub(super) async fn transfer<B: Backend>(inode: &Inode<B>, pin: &Pin) {
    let (index, folio_cells, part) = first_page(inode, &pin.cells);
    let mut slot = inode.page(index).lock(Op::on("dma", u32::from(index))).await;
    let folio = slot.folio_mut(pin.folio.id);
    Value::fill(&mut folio.cells[within(&folio_cells, &part)], pin.id, part.clone());
    if folio.in_cache {
        // Behind what was end of file it may be found, as a store there, or not: the file may have grown over it since.
        let behind = pin.size.clamp(part.start, part.end)..part.end;
        inode.oracle.store_behind(&inode.sb.geometry, pin.id, &behind, inode.i_size_newest());
    }
    inode.emit(|| What::Data(DataEvent::DeviceStored(inode.sb.geometry.bytes_of_cells(&part))));
}

/// `folio_mark_dirty` with a reference and nothing else, and `folio_put`. A folio that is dirty already is left alone, whichever
/// of its blocks are (`unpin_user_pages_dirty_lock`, mm/gup.c; `bio_check_pages_dirty`, block/bio.c; 6.1 to 7.3), and what has left
/// the page cache is nobody's dirty page. Returns what is done.
pub(super) async fn unpin<B: Backend>(inode: &Inode<B>, me: ActorId, pin: &Pin) -> Range<Cell> {
    let (index, _, part) = first_page(inode, &pin.cells);
    let hooks = inode.load_hooks().await;
    let mut slot = inode.page(index).lock(Op::on("folio_mark_dirty", u32::from(index))).await;
    let pinned = slot.folio_mut(pin.folio.id);
    if pinned.in_cache && !pinned.dirty {
        inode.dirty_private(index, pinned, hooks);
        pinned.dirty_by_store(hooks);
        inode.dirties(inode.sb.geometry.blocks_of_folio(index));
    }
    slot.put(pin.folio.id, me);
    drop(slot);
    inode.oracle.end_write(&inode.sb.geometry, pin.id, &part, part.end);
    inode.audit_backing(inode.sb.geometry.blocks_of_folio(index));
    part
}
