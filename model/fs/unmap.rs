//! Taking blocks out of the file, and moving those behind them.
//!
//! A block that nothing refers to any more is free at once, for any file, with its old contents: whoever still
//! has a mapping that names it must not use it.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf};

use crate::fs::xfs_reflink::xfs_reflink_cancel_cow_blocks;
use crate::judge::properties;
use crate::state::event::{Coverage, MapChange};
use crate::state::inode::Inode;
use crate::state::mapping::IomapType;
use crate::words::branches;
use crate::words::extent::{Extent, ExtentMap, Extents, Phys};
use crate::words::geometry::FileBlock;

impl Extents {
    /// Any -> Hole in a range (E9). Returns what was there.
    pub fn unmap(&mut self, blocks: Range<FileBlock>) -> Vec<Extent> {
        blocks.map(|block| self.take(block)).filter(|extent| *extent != Extent::Hole).collect()
    }

    /// Takes `blocks`, which are holes, out of the file: what lies behind them moves down.
    pub fn collapse(&mut self, blocks: &Range<FileBlock>) {
        self.0[usize::from(blocks.start)..].rotate_left(blocks.len());
    }

    /// Puts a hole of `blocks` into the file: what lies there moves up. The end of the map must be a hole.
    pub fn insert(&mut self, blocks: &Range<FileBlock>) {
        self.0[usize::from(blocks.start)..].rotate_right(blocks.len());
    }
}

impl<B: Backend> Inode<B> {
    /// P-FREE: the device writes to a block that belongs to somebody. Asked only where blocks are freed at all.
    pub fn audit_owned(&self, phys: Phys) {
        if !self.sb.config.frees_blocks() {
            return;
        }
        self.sb.space.audit(|space| {
            if space.references(phys) == 0 {
                self.violate(properties::WRONG_ADDRESS, || {
                    format!("device block {phys} is written after it was freed")
                });
            }
        });
    }
}

/// `xfs_bunmapi_range` and `xfs_itruncate_extents` (fs/xfs/libxfs/xfs_bmap.c, xfs_inode.c): frees the blocks and
/// the reservations of a range, inside the ILOCK section of the caller. The kernel takes one or two extents a
/// transaction; nobody looks at the rest in between, whose page cache is gone.
pub fn xfs_bunmapi<B: Backend>(inode: &Inode<B>, me: ActorId, map: &mut ExtentMap, blocks: Range<FileBlock>) {
    xfs_reflink_cancel_cow_blocks(inode, me, map, blocks.clone());
    let removed = map.unmap(blocks.clone());
    if removed.is_empty() {
        return;
    }
    for extent in removed {
        match extent {
            Extent::Hole => {}
            Extent::Delalloc => inode.sb.unreserve_blocks(1),
            Extent::Unwritten(phys) | Extent::Written(phys) => inode.sb.put_block(phys),
        }
    }
    inode.bump_data_seq(me, blocks.clone());
    inode.sb.backend.reach(branches::UNMAP);
    inode.map_changed(|| {
        let bytes = inode.sb.geometry.bytes_of_blocks(&blocks);
        MapChange::data_to(IomapType::Hole, bytes, Coverage::Whole)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_moves_and_a_hole_comes_in() {
        let mut map = ExtentMap::new(4);
        map.allocate(&(0..3), &[0, 1, 2]);
        assert_eq!(map.unmap(1..2), [Extent::Unwritten(1)]);
        assert_eq!(map.letters(), "UHUH");
        map.collapse(&(1..2));
        assert_eq!((map.letters().as_str(), map.get(1)), ("UUHH", Extent::Unwritten(2)));
        map.insert(&(0..2));
        assert_eq!((map.letters().as_str(), map.get(2)), ("HHUU", Extent::Unwritten(0)));
    }
}
