//! A section of two inodes: one transaction, in which blocks pass from one file to the other.

use std::ops::Range;

use stalemap_facade::{Backend, Op};

use crate::state::event::MapChange;
use crate::state::inode::Inode;
use crate::state::map_change::{MapSection, Owed};
use crate::words::extent::{Extent, Fork};
use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::Exchange;

/// Sections of the ILOCKs of two files. Leaving it, by [`end`](TwoMaps::end) or by dropping it, commits what was changed in
/// both as one transaction, releases both locks, and judges then.
pub struct TwoMaps<'a, B: Backend>(Option<[MapSection<'a, B>; 2]>);

/// `xfs_lock_two_inodes` (fs/xfs/xfs_inode.c): the ILOCKs of two different files, in the order of their numbers. `op` takes
/// the second one.
pub async fn lock_two_maps<B: Backend>(inodes: [&Inode<B>; 2], op: Op) -> TwoMaps<'_, B> {
    let [a, b] = inodes;
    let (first, second) = if a.number < b.number { (a, b) } else { (b, a) };
    let first_map = first.lock_map(Op::on("xfs_lock_two_inodes", u32::from(first.number))).await;
    TwoMaps(Some([first_map, second.lock_map(op).await]))
}

impl<B: Backend> TwoMaps<'_, B> {
    /// Leaves both sections.
    pub fn end(self) {
        drop(self);
    }

    /// `cells` of both files change places, and with them the data forks' extents of all blocks that they touch
    /// (`xfs_exchange_mappings`, fs/xfs/libxfs/xfs_exchmaps.c, 6.12), in one transaction. Extents that are the same in both
    /// stay. A delayed allocation cannot change places: then nothing does.
    pub fn exchange(&mut self, cells: &Range<Cell>) -> Result<(), Delayed> {
        let Some([a, b]) = &mut self.0 else { return Ok(()) };
        let (first, second) = (a.owed.inode, b.owed.inode);
        let blocks = first.sb.geometry.blocks_touched(cells);
        if blocks.clone().any(|block| [a.get(block), b.get(block)].contains(&Extent::Delalloc)) {
            return Err(Delayed);
        }
        // xfs_exchmaps_ensure_reflink
        if a.map.reflink || b.map.reflink {
            a.set_reflink();
            b.set_reflink();
        }
        let changed: Vec<FileBlock> = blocks.clone().filter(|block| a.get(*block) != b.get(*block)).collect();
        for block in &changed {
            let extent = a.map.replace(*block, b.get(*block));
            b.map.replace(*block, extent);
        }
        first.oracle.exchange(&second.oracle, &first.sb.geometry, cells);
        for map in [a, b].into_iter().filter(|_| !changed.is_empty()) {
            map.owed.logged = true;
            if first.sb.config.fs.exchange() != Exchange::OneCounter || map.owed.inode.number == second.number
            {
                map.count(Fork::Data, changed.iter().copied());
            }
            map.report(|geometry| MapChange::Remapped { bytes: geometry.bytes_of_blocks(&blocks) });
            map.took_away(changed.iter().copied());
        }
        Ok(())
    }
}

/// There is a delayed allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delayed;

impl<B: Backend> Drop for TwoMaps<'_, B> {
    fn drop(&mut self) {
        let Some([a, b]) = self.0.take() else { return };
        let (first, second) = (a.owed.inode, b.owed.inode);
        match first.sb.config.fs.exchange() {
            _ if !a.owed.logged && !b.owed.logged => {}
            // Where there is no exchange nobody gets here: its command is refused.
            Exchange::Together | Exchange::OneCounter | Exchange::Absent => {
                let place = first.sb.next_place();
                first.commit_at(&a.map, place);
                second.commit_at(&b.map, place);
            }
            Exchange::Apart => {
                first.commit(&a.map);
                second.commit(&b.map);
            }
            Exchange::OneCommit => second.commit(&b.map),
        }
        // What a crash leaves of one file depends on the other one's log, and nobody looks while a lock is held.
        let owed: [Owed<'_, B>; 2] = [a.release(), b.release()];
        drop(owed);
    }
}
