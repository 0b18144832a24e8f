//! The epilogue: what every run is judged by when all actors have finished.
//!
//! The page cache is judged, everything is written back, the cache is forgotten, and every cell is read
//! through the extent map, as an xfstest does before and after a remount. Leftovers are judged, too.

use crate::backend::{ActorId, Backend, Leaf, Lock, Op};
use crate::extent::Extent;
use crate::geometry::Cell;
use crate::oracle::Property;
use crate::value::Value;
use crate::world::{World, contents};

/// Judges what readers of the page cache would see.
pub async fn judge_cache<B: Backend>(w: &World<B>, _: ActorId) {
    for index in 0..w.geometry.folios() {
        let slot = w.page(index).lock(Op::on("check_cached", u32::from(index))).await;
        w.audit_folio(index, &slot);
        if !slot.is_quiet() {
            w.backend.violate(Property::LeakedLock, || {
                format!("folio {index} is locked or referenced at the end")
            });
        }
    }
    let leaked = |name: &'static str| {
        w.backend.violate(Property::LeakedLock, || format!("{name} is held at the end"));
    };
    w.i_rwsem.audit_free(|| leaked("i_rwsem"));
    w.invalidate_lock.audit_free(|| leaked("invalidate_lock"));
}

/// Judges the file on disk, and the reservations.
pub async fn judge_disk<B: Backend>(w: &World<B>, _: ActorId) {
    drop(w.ilock.lock(Op::new("check_disk")).await);
    let end = w.i_size_peek();
    let cells = (0..end).map(|cell| (cell, on_disk(w, cell)));
    w.oracle.visible(&w.geometry, "file on disk", cells.collect::<Vec<_>>().into_iter());
    w.ilock.audit(|map| {
        if map.reserved != 0 || map.delalloc_blocks() != 0 {
            w.backend.violate(Property::LeakedReservation, || {
                format!(
                    "{} blocks stay reserved after everything was written ({})",
                    map.reserved,
                    map.letters()
                )
            });
        }
    });
}

/// A cell as the extent map and the device give it.
pub fn on_disk<B: Backend>(w: &World<B>, cell: Cell) -> Value {
    let block = w.geometry.block_of(cell);
    let at = usize::from(cell - w.geometry.cells_of_block(block).start);
    let mut value = Value::ZERO;
    w.ilock.audit(|map| {
        if let Extent::Written(phys) = map.get(block) {
            w.disk[usize::from(phys)].audit(|on_disk| value = contents(on_disk, phys, at));
        }
    });
    value
}
