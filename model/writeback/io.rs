//! The I/O of writeback: what every submission and completion does, and how its addresses are judged.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf, Lock, Op};

use crate::judge::properties;
use crate::state::event::{DataEvent, FolioEvent, Says, Truth, Use, What};
use crate::state::folio::{Folio, FolioRef};
use crate::state::inode::Inode;
use crate::state::slot::Slot;
use crate::words::design::StablePages;
use crate::words::extent::{ExtentMap, Phys};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::ordering::Link;
use crate::words::value::Value;

/// Whether a pass may skip.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SyncMode {
    /// WB_SYNC_NONE: a folio under writeback is skipped.
    Background,
    /// WB_SYNC_ALL: a folio under writeback is waited for and written again.
    Integrity,
}

/// Whether a device block is that of a file's block. One that was mapped in the COW fork may have been put into the
/// data fork since, by another pass.
pub(crate) fn is_at(map: &ExtentMap, block: FileBlock, phys: Phys, shared: bool) -> bool {
    let in_cow = shared && map.cow.get(block).phys() == Some(phys);
    in_cow || map.get(block).phys() == Some(phys)
}

/// At submission, under the folio lock, the block is where the map has it.
pub(crate) fn audit_address<B: Backend>(inode: &Inode<B>, block: FileBlock, phys: Phys, shared: bool) {
    if inode.sb.config.fs.is_out_of_place() {
        // It was allocated for this, and the file does not refer to it yet.
        return;
    }
    inode.audit_map(|map| {
        if !is_at(map, block, phys, shared) {
            misplaced(inode, block, phys);
            inode.violate(properties::WRONG_ADDRESS, || {
                let block = inode.sb.geometry.show_blocks(&(block..block + 1));
                format!("{block} is written to device block {phys}, which is not where it is")
            });
        }
    });
}

/// Reports to observers that a mapping led to a wrong place.
pub(crate) fn misplaced<B: Backend>(inode: &Inode<B>, block: FileBlock, phys: Phys) {
    inode.emit(|| {
        let at = inode.sb.geometry.bytes_of_blocks(&(block..block + 1));
        What::Used(Use::bad(Says::Device(phys), vec![at], Truth::Elsewhere))
    });
}

/// While the device writes, the block is still this one's. Only where blocks can come to be
/// those of others is there anything to see.
pub fn audit_owner<B: Backend>(inode: &Inode<B>, block: FileBlock, phys: Phys, shared: bool) {
    if !inode.passes_blocks || inode.sb.config.fs.is_out_of_place() {
        return;
    }
    inode.audit_map(|map| {
        if !is_at(map, block, phys, shared) {
            inode.violate(properties::WRONG_ADDRESS, || {
                let block = inode.sb.geometry.show_blocks(&(block..block + 1));
                format!("device block {phys} is no longer {block}'s while it is written")
            });
        }
    });
}

/// The device writes to a block that belongs to somebody. Asked only where blocks are freed at all.
pub(crate) fn audit_owned<B: Backend>(inode: &Inode<B>, phys: Phys) {
    if !inode.sb.config.frees_blocks() {
        return;
    }
    inode.sb.space.audit(|space| {
        if space.references(phys) == 0 {
            inode.violate(properties::WRONG_ADDRESS, || {
                format!("device block {phys} is written after it was freed")
            });
        }
    });
}

/// Sets the writeback bit and unlocks the folio; without anything to write, only unlocks it. The bit stays until
/// all the ioends that took blocks of the folio are done.
pub(crate) async fn start_writeback<B: Backend>(
    inode: &Inode<B>,
    me: ActorId,
    folio: FolioRef,
    ioends: usize,
) {
    let FolioRef { index, id } = folio;
    let mut slot = inode.page(index).lock(Op::on("folio_start_writeback", u32::from(index))).await;
    let locked = slot.locked_mut(id, me);
    locked.start_writeback(ioends);
    sum(inode, index, locked);
    inode.folio_unlocked(index, id);
    slot.unlock_and_put(id, me);
}

/// Sets the writeback bit of a folio that stays locked, for one more ioend that took blocks of it.
pub(crate) async fn start_piece<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef) {
    let op = Op::on("folio_start_writeback", u32::from(folio.index));
    let mut slot = inode.page(folio.index).lock(op).await;
    let locked = slot.locked_mut(folio.id, me);
    locked.start_piece(inode.sb.config.design.towrite());
    sum(inode, folio.index, locked);
}

/// Unlocks a folio whose writeback bit was set before its blocks were mapped (`iomap_writeback_folio`). What it was expected to go
/// into and did not is `unused` ioends; the bit goes if nothing of it is in flight any more.
pub(crate) async fn end_mapping<B: Backend>(inode: &Inode<B>, me: ActorId, folio: FolioRef, unused: u8) {
    let FolioRef { index, id } = folio;
    let mut slot = inode.page(index).lock(Op::on("folio_unlock", u32::from(index))).await;
    let over = slot.locked_mut(id, me).all_mapped(u16::from(unused));
    inode.folio_unlocked(index, id);
    slot.unlock_and_put(id, me);
    if over {
        inode.xa_section(Link::XaEndWriteback);
        inode.writeback(index).release();
    }
}

/// Waits until a folio is not under writeback (`filemap_fdatawait_range`).
pub async fn wait<B: Backend>(inode: &Inode<B>, index: FolioIndex) {
    let done = |slot: &Slot, _: u64| slot.current().is_none_or(|(_, folio)| !folio.writeback);
    drop(inode.page(index).lock_when(Op::on("folio_wait_writeback", u32::from(index)), done, 0).await);
    inode.writeback(index).acquire();
}

/// The checksums of a folio that comes under writeback. It stays locked until its blocks are mapped, and nobody changes it before
/// they are submitted.
pub(crate) fn sum<B: Backend>(inode: &Inode<B>, index: FolioIndex, folio: &mut Folio) {
    if inode.sb.config.fs.data_checksum() {
        folio.summed.clone_from(&folio.cells);
        inode.emit(|| What::Folio(FolioEvent::Summed(index)));
    }
}

/// `folio_wait_stable` (mm/page-writeback.c), by who has the folio locked and is about to change it: where the mapping asks for it, its
/// writeback is waited for.
pub(crate) async fn wait_stable<B: Backend>(inode: &Inode<B>, index: FolioIndex) {
    if inode.sb.config.fs.data_checksum() && inode.sb.config.design.stable_pages() == StablePages::Wait {
        wait(inode, index).await;
    }
}

/// What the device gets of a folio's block, with the checksum that was calculated before.
pub(crate) fn summed<B: Backend>(
    inode: &Inode<B>,
    slot: &Slot,
    folio: FolioRef,
    block: FileBlock,
) -> Vec<Value> {
    let mut cells = captured(inode, slot, folio, block);
    let of_block = inode.sb.cells_in_folio(block);
    let summed = slot.folio(folio.id).and_then(|folio| folio.summed.get(of_block)).unwrap_or_default();
    inode.sb.with_checksums(&mut cells, summed);
    cells
}

/// Reports what the device has got with a checksum of something else.
pub(crate) fn report_checksum<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>, data: &[Value]) {
    if data.iter().any(|value| value.has_other_checksum()) {
        inode.emit(|| What::Data(DataEvent::OtherChecksum(inode.sb.geometry.bytes_of_cells(cells))));
    }
}

/// What the device reads of a folio's blocks while it writes them.
pub fn captured<B: Backend>(inode: &Inode<B>, slot: &Slot, folio: FolioRef, block: FileBlock) -> Vec<Value> {
    slot.folio(folio.id).map_or_else(Vec::new, |data| data.cells[inode.sb.cells_in_folio(block)].to_vec())
}

/// Puts cells onto the device.
pub fn write_disk<B: Backend>(inode: &Inode<B>, phys: Phys, cells: Vec<Value>) {
    inode.sb.supersede(phys);
    inode.sb.disk[usize::from(phys)].update(|block| *block = Some(cells));
    inode.audit_crash();
}
