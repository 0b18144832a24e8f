//! The epilogue: what every run is judged by when all actors have finished.
//!
//! The page cache is judged, everything is written back, the cache is forgotten, and every cell is read
//! through the extent map, as an xfstest does before and after a remount. Leftovers are judged, too.

use crate::backend::{ActorId, Backend, Leaf, Lock, Op};
use crate::extent::Extent;
use crate::geometry::{Bytes, Cell};
use crate::inode::Inode;
use crate::oracle::Property;
use crate::superblock::SuperBlock;
use crate::value::Value;

/// Judges what readers of the page cache would see.
pub async fn judge_cache<B: Backend>(inode: &Inode<B>, _: ActorId) {
    for index in 0..inode.sb.geometry.folios() {
        let slot = inode.page(index).lock(Op::on("check_cached", u32::from(index))).await;
        inode.audit_folio(index, &slot);
        if !slot.is_quiet() {
            inode.sb.backend.violate(Property::LeakedLock, || {
                format!("folio {index} is locked or referenced at the end")
            });
        }
    }
    let leaked = |name: &'static str| {
        inode.sb.backend.violate(Property::LeakedLock, || format!("{name} is held at the end"));
    };
    inode.i_rwsem.audit_free(|| leaked("i_rwsem"));
    inode.invalidate_lock.audit_free(|| leaked("invalidate_lock"));
}

/// Judges the file on disk, and the reservations.
pub async fn judge_disk<B: Backend>(inode: &Inode<B>, _: ActorId) {
    drop(inode.ilock.lock(Op::new("check_disk")).await);
    let end = inode.i_size_peek();
    let cells = (0..end).map(|cell| (cell, on_disk(inode, cell)));
    inode.oracle.visible(&inode.sb.geometry, "file on disk", cells.collect::<Vec<_>>().into_iter());
    inode.ilock.audit(|map| {
        if map.disk_size != end {
            inode.sb.backend.violate(Property::SizeOrder, || {
                let bytes = |cell| Bytes(inode.sb.geometry.byte_at(cell));
                format!("the on-disk size is {}, i_size is {}", bytes(map.disk_size), bytes(end))
            });
        }
        if map.delalloc_blocks() != 0 {
            inode.sb.backend.violate(Property::LeakedReservation, || {
                let blocks = map.delalloc_blocks();
                format!("{blocks} blocks stay reserved after everything was written ({})", map.letters())
            });
        }
    });
}

/// Judges what the files have in common, when nothing is reserved any more.
pub fn judge_space<B: Backend>(sb: &SuperBlock<B>) {
    sb.space.audit(|space| {
        if space.reserved() != 0 {
            sb.backend.violate(Property::LeakedReservation, || {
                format!("{} blocks stay promised after everything was written", space.reserved())
            });
        }
    });
}

/// A cell as the extent map and the device give it.
pub fn on_disk<B: Backend>(inode: &Inode<B>, cell: Cell) -> Value {
    let block = inode.sb.geometry.block_of(cell);
    let at = usize::from(cell - inode.sb.geometry.cells_of_block(block).start);
    let mut value = Value::ZERO;
    inode.ilock.audit(|map| {
        if let Extent::Written(phys) = map.get(block) {
            value = inode.sb.audit_disk(phys, at);
        }
    });
    value
}
