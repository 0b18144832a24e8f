//! Changes of the extent map that go through the COW fork: copies of shared blocks, and blocks that are written out of
//! place. What the COW fork has is in memory alone; the log hears of it when it comes into the data fork.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::state::event::{Coverage, MapChange};
use crate::state::map_change::{MapSection, changed};
use crate::state::mapping::IomapType;
use crate::words::branches;
use crate::words::extent::{Extent, Fork, Phys};
use crate::words::geometry::FileBlock;
use crate::words::personality::Bump;

impl<B: Backend> MapSection<'_, B> {
    /// Unwritten -> Written in the COW fork: I/O to these copies is submitted, so that they are moved when it is
    /// complete.
    pub fn submit_copies(&mut self, blocks: &Range<FileBlock>) {
        if self.map.cow.convert(blocks.clone()) {
            self.count(Fork::Cow, blocks.clone());
            self.report(|geometry| {
                changed(geometry, Fork::Cow, IomapType::Unwritten, IomapType::Mapped, blocks)
            });
        }
    }

    /// Copies that are written take the place of what the data fork has, which loses its reference or reservation, in
    /// a transaction. The data fork's counter moves with it if that is when it moves. Returns whether anything changed.
    pub fn move_copies(&mut self, blocks: &Range<FileBlock>, bump: Bump) -> bool {
        self.owed.logged = true;
        let real = |block: &FileBlock| matches!(self.map.cow.get(*block), Extent::Written(_));
        let moved: Vec<FileBlock> = blocks.clone().filter(real).collect();
        for block in &moved {
            let copy = self.map.cow.take(*block);
            let old = self.map.replace(*block, copy);
            self.drop_extent(old);
        }
        if moved.is_empty() {
            return false;
        }
        self.count(Fork::Cow, moved);
        self.count_conversion(bump, blocks);
        self.owed.inode.sb.backend.reach(branches::COW_REMAP);
        self.report(|geometry| MapChange::CowToData { bytes: geometry.bytes_of_blocks(blocks) });
        true
    }

    /// Whatever was there -> Hole in the COW fork, in a transaction: copies in the making are given up.
    pub fn cancel_copies(&mut self, blocks: Range<FileBlock>) {
        self.owed.logged = true;
        let cancelled: Vec<FileBlock> =
            blocks.filter(|block| self.map.cow.get(*block) != Extent::Hole).collect();
        for block in &cancelled {
            let old = self.map.cow.take(*block);
            self.drop_extent(old);
        }
        if !cancelled.is_empty() {
            self.count(Fork::Cow, cancelled);
        }
    }

    /// Delalloc -> Hole in the COW fork: the reservation of a block becomes a place for it that nothing refers to yet.
    pub fn allocate_out_of_place(&mut self, block: FileBlock) -> Option<Phys> {
        let inode = self.owed.inode;
        self.take_reservation(block);
        inode.sb.allocate_reserved(inode.number, &(block..block + 1)).first().copied()
    }

    /// Delalloc -> Hole in the COW fork: a place is still to be chosen for the block, which stays promised.
    pub fn take_reservation(&mut self, block: FileBlock) {
        let one = block..block + 1;
        self.map.cow.take(block);
        self.count(Fork::Cow, one.clone());
        self.owed.inode.sb.backend.reach(branches::ALLOCATE);
        self.report(|geometry| changed(geometry, Fork::Cow, IomapType::Delalloc, IomapType::Hole, &one));
    }

    /// Whatever was there -> Written, in a transaction: what was written to `phys` and on is the file's from here on.
    /// The counter moves with it if that is when it moves. Returns whether anything changed.
    pub fn refer_to(&mut self, blocks: &Range<FileBlock>, phys: Phys, bump: Bump) -> bool {
        self.owed.logged = true;
        let (mut from, mut first) = (Vec::new(), phys);
        for (block, phys) in blocks.clone().zip(phys..) {
            if self.map.get(block) == Extent::Written(phys) {
                continue;
            }
            let old = self.map.replace(block, Extent::Written(phys));
            if from.is_empty() {
                first = phys;
            }
            from.push(old);
            self.drop_extent(old);
        }
        let changed = !from.is_empty();
        if changed {
            self.count_conversion(bump, blocks);
            self.owed.inode.sb.backend.reach(branches::COW_REMAP);
            self.report(|geometry| {
                let coverage = if from.len() < blocks.len() { Coverage::Parts } else { Coverage::Whole };
                let bytes = geometry.bytes_of_blocks(blocks);
                MapChange::Replaced { from, to: Extent::Written(first), bytes, coverage }
            });
        }
        changed
    }

    /// Whatever was there -> Written or Hole, in a transaction: what another file has written is shared from
    /// block `to` on, and everything else becomes a hole. What lies in the COW fork stays.
    pub fn share(&mut self, to: FileBlock, extents: &[Extent]) {
        let blocks = to..to + extents.len() as FileBlock;
        self.owed.logged = true;
        for (block, extent) in blocks.clone().zip(extents) {
            let shared = match extent {
                Extent::Written(phys) => {
                    self.owed.inode.sb.share_block(*phys);
                    *extent
                }
                Extent::Hole | Extent::Delalloc | Extent::Unwritten(_) => Extent::Hole,
            };
            let old = self.map.replace(block, shared);
            self.drop_extent(old);
        }
        self.count(Fork::Data, blocks.clone());
        self.report(|geometry| MapChange::Remapped { bytes: geometry.bytes_of_blocks(&blocks) });
    }

    /// XFS_DIFLAG2_REFLINK: blocks of the file may be shared from here on.
    pub fn set_reflink(&mut self) {
        if !self.map.reflink {
            self.map.reflink = true;
        }
    }

    /// Nobody looks for copies any more.
    pub fn clear_reflink(&mut self) {
        self.map.reflink = false;
    }

    /// XFS_DIFLAG2_COWEXTSIZE, in blocks.
    pub fn set_cow_extent_size(&mut self, blocks: u16) {
        self.map.cow_extent_size = blocks;
    }

    /// An extent of one block is gone: its reservation or its reference.
    pub(super) fn drop_extent(&self, extent: Extent) {
        let sb = &self.owed.inode.sb;
        match extent {
            Extent::Hole => {}
            Extent::Delalloc => sb.unreserve_blocks(1),
            Extent::Unwritten(phys) | Extent::Written(phys) => sb.put_block(phys),
        }
    }
}
