//! Changes of the extent map that take blocks or reservations away from under the page cache, and moves of blocks.
//!
//! A block that nothing refers to any more is free, with its old contents: for any file at once, on gfs2 as soon as the log
//! is flushed. Whoever still has a mapping that names it must not use it. Whether dirty data lost what they need is judged when the section is left.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::state::event::{Coverage, Expense, MapChange, Shift};
use crate::state::map_change::MapSection;
use crate::state::mapping::IomapType;
use crate::words::branches;
use crate::words::extent::{Extent, Fork};
use crate::words::geometry::FileBlock;

impl<B: Backend> MapSection<'_, B> {
    /// Any -> Hole in the data fork, in a transaction. What lies in the COW fork stays.
    pub fn unmap(&mut self, blocks: &Range<FileBlock>) {
        self.owed.logged = true;
        self.took_away(blocks.clone());
        let removed = self.map.unmap(blocks.clone());
        if removed.is_empty() {
            return;
        }
        for extent in &removed {
            self.drop_extent(*extent);
        }
        self.count(Fork::Data, blocks.clone());
        self.owed.inode.sb.backend.reach(branches::UNMAP);
        self.report(|geometry| {
            let coverage = if removed.len() < blocks.len() { Coverage::Parts } else { Coverage::Whole };
            let bytes = geometry.bytes_of_blocks(blocks);
            MapChange::Replaced { from: removed, to: Extent::Hole, bytes, coverage }
        });
    }

    /// Written -> Hole, in a transaction: blocks that were just allocated, and not written.
    pub fn free_unused(&mut self, blocks: &Range<FileBlock>) {
        let inode = self.owed.inode;
        let freed = self.map.free_written(blocks.clone());
        for phys in &freed {
            inode.sb.put_block(*phys);
        }
        self.count(Fork::Data, blocks.clone());
        self.owed.logged = true;
        inode.sb.backend.reach(branches::PUNCH);
        self.report(|geometry| {
            MapChange::data(IomapType::Mapped, IomapType::Hole, geometry.bytes_of_blocks(blocks))
        });
        self.took_away(blocks.clone());
    }

    /// Delalloc -> Hole in a range of a fork; other blocks are left. The log has nothing of it. Returns how many
    /// blocks were punched.
    pub fn punch_delalloc(&mut self, fork: Fork, blocks: &Range<FileBlock>) -> u16 {
        let punched = self.extents(fork).punch_delalloc(blocks.clone());
        let count = punched.len() as u16;
        for block in &punched {
            self.owed.inode.account(Expense::Punched(*block));
        }
        if count > 0 {
            self.owed.inode.sb.unreserve_blocks(count);
            self.count(fork, punched.iter().copied());
            self.owed.inode.sb.backend.reach(branches::PUNCH);
            self.report(|geometry| MapChange::Extents {
                fork,
                from: IomapType::Delalloc,
                to: IomapType::Hole,
                bytes: geometry.bytes_of_blocks(blocks),
                coverage: Coverage::Parts,
            });
        }
        self.took_away(punched);
        count
    }

    /// Takes `blocks`, which are holes, out of the file: what lies behind them moves down, in a transaction for each extent.
    pub fn collapse(&mut self, blocks: &Range<FileBlock>) {
        let mut next = blocks.end;
        while let Some(extent) = self.map.first_in(&(next..self.owed.inode.sb.geometry.blocks())) {
            next = extent.end;
            self.move_extent(&extent, extent.start - blocks.len() as FileBlock);
        }
        self.shifted(blocks, Shift::Down);
    }

    /// Puts a hole of `blocks` into the file: what lies there moves up, in a transaction for each extent, the last one first.
    /// The end of the map must be a hole.
    pub fn insert(&mut self, blocks: &Range<FileBlock>) {
        let mut end = self.owed.inode.sb.geometry.blocks();
        while let Some(extent) = self.map.last_in(&(blocks.start..end)) {
            end = extent.start;
            self.move_extent(&extent, extent.start + blocks.len() as FileBlock);
        }
        self.shifted(blocks, Shift::Up);
    }

    fn move_extent(&mut self, extent: &Range<FileBlock>, to: FileBlock) {
        self.map.move_extent(extent, to);
        self.owed.logged = true;
        self.roll();
    }

    fn shifted(&mut self, blocks: &Range<FileBlock>, shift: Shift) {
        self.count(Fork::Data, blocks.start..self.owed.inode.sb.geometry.blocks());
        self.owed.logged = true;
        self.report(|geometry| MapChange::Shifted { shift, bytes: geometry.bytes_of_blocks(blocks) });
        self.took_away(blocks.start..self.owed.inode.sb.geometry.blocks());
    }
}
