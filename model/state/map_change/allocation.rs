//! Changes of the extent map that give blocks or reservations to a file, or make its blocks written.

use std::ops::Range;

use stalemap_facade::{Backend, Leaf};

use crate::state::event::{Coverage, Expense, MapChange};
use crate::state::map_change::{MapSection, changed};
use crate::state::mapping::IomapType;
use crate::words::branches;
use crate::words::extent::{Enospc, Extent, Fork, Phys};
use crate::words::geometry::FileBlock;
use crate::words::personality::{Allocate, Bump, DelallocAlloc};
use crate::words::value::Value;

impl<B: Backend> MapSection<'_, B> {
    /// Hole -> Delalloc: reserves space for `blocks` of a fork.
    pub fn reserve(&mut self, fork: Fork, blocks: &Range<FileBlock>) -> Result<(), Enospc> {
        self.owed.inode.sb.reserve_blocks(blocks.len() as u16)?;
        self.reserve_promised(fork, blocks);
        Ok(())
    }

    /// Hole -> Delalloc with space that was promised to the caller.
    pub fn reserve_promised(&mut self, fork: Fork, blocks: &Range<FileBlock>) {
        self.extents(fork).reserve(blocks);
        blocks.clone().for_each(|block| self.owed.inode.account(Expense::Reserved(block)));
        self.count(fork, blocks.clone());
        self.report(|geometry| changed(geometry, fork, IomapType::Hole, IomapType::Delalloc, blocks));
    }

    /// Hole -> Unwritten, in a fork.
    pub fn allocate(&mut self, fork: Fork, blocks: &Range<FileBlock>) -> Result<(), Enospc> {
        let inode = self.owed.inode;
        let allocated = inode.sb.allocate_blocks(inode.number, blocks)?;
        self.extents(fork).allocate(blocks, &allocated);
        self.count(fork, blocks.clone());
        self.owed.logged |= fork == Fork::Data;
        self.report(|geometry| changed(geometry, fork, IomapType::Hole, IomapType::Unwritten, blocks));
        Ok(())
    }

    /// Delalloc -> Unwritten: the whole delayed extent around a block, which is returned.
    pub fn allocate_delayed(&mut self, fork: Fork, block: FileBlock) -> Range<FileBlock> {
        let blocks = self.extents(fork).extent_around(block);
        self.allocate_promised(fork, &blocks);
        blocks
    }

    /// Delalloc -> Unwritten in the data fork, for whoever asks for `wanted`, of which the first is delayed.
    pub fn allocate_wanted(&mut self, wanted: &Range<FileBlock>) {
        let blocks = self.wanted_of(wanted);
        self.allocate_promised(Fork::Data, &blocks);
    }

    /// What `xfs_bmapi_write` allocates of the delayed extent around the first of the blocks that are asked for.
    fn wanted_of(&self, wanted: &Range<FileBlock>) -> Range<FileBlock> {
        let extent = self.map.extent_around(wanted.start);
        match self.owed.inode.sb.config.fs.delalloc_alloc() {
            DelallocAlloc::Whole => extent,
            DelallocAlloc::Wanted => wanted.start..extent.end.min(wanted.end),
        }
    }

    /// Delalloc -> Unwritten: as much of the start of the delayed extent around a block as the allocator puts into one piece.
    /// Returns that.
    pub fn allocate_delayed_once(&mut self, fork: Fork, block: FileBlock) -> Range<FileBlock> {
        let inode = self.owed.inode;
        let delayed = self.extents(fork).extent_around(block);
        let piece = delayed.start..delayed.start + inode.sb.blocks_in_one_piece(inode.number, &delayed);
        self.allocate_promised(fork, &piece);
        piece
    }

    /// Whatever was there -> Unwritten, at new places: blocks that were delayed at an earlier look (a mutant).
    pub fn allocate_again(&mut self, fork: Fork, blocks: &Range<FileBlock>) -> Result<(), Enospc> {
        let inode = self.owed.inode;
        let extents = self.extents(fork);
        let others: Vec<FileBlock> =
            blocks.clone().filter(|block| extents.get(*block) != Extent::Delalloc).collect();
        inode.sb.reserve_blocks(others.len() as u16)?;
        for block in others {
            let old = self.extents(fork).replace(block, Extent::Delalloc);
            self.drop_extent(old);
        }
        self.allocate_promised(fork, blocks);
        Ok(())
    }

    /// Delalloc -> Unwritten.
    fn allocate_promised(&mut self, fork: Fork, blocks: &Range<FileBlock>) {
        let inode = self.owed.inode;
        let allocated = inode.sb.allocate_reserved(inode.number, blocks);
        self.extents(fork).allocate(blocks, &allocated);
        if fork == Fork::Cow || inode.sb.config.fs.bump_allocate() {
            self.count(fork, blocks.clone());
        }
        self.owed.logged |= fork == Fork::Data;
        inode.sb.backend.reach(branches::ALLOCATE);
        self.report(|geometry| changed(geometry, fork, IomapType::Delalloc, IomapType::Unwritten, blocks));
    }

    /// Hole -> Written: what the blocks hold on the device is nobody's, and is not touched.
    pub fn allocate_written(&mut self, blocks: &Range<FileBlock>) -> Result<(), Enospc> {
        self.allocate_used(blocks)?;
        self.count(Fork::Data, blocks.clone());
        self.report(|geometry| changed(geometry, Fork::Data, IomapType::Hole, IomapType::Mapped, blocks));
        Ok(())
    }

    /// The same for as much of the start of a hole as the allocator puts into one piece. Returns that.
    pub fn allocate_written_once(&mut self, hole: &Range<FileBlock>) -> Result<Range<FileBlock>, Enospc> {
        let inode = self.owed.inode;
        let allocated = inode.sb.allocate_piece(inode.number, hole)?;
        let piece = hole.start..hole.start + allocated.len() as FileBlock;
        self.put_used(&piece, &allocated);
        self.count(Fork::Data, piece.clone());
        self.report(|geometry| changed(geometry, Fork::Data, IomapType::Hole, IomapType::Mapped, &piece));
        Ok(piece)
    }

    /// The same for each hole among `blocks`.
    pub fn fill_holes(&mut self, blocks: &Range<FileBlock>) -> Result<(), Enospc> {
        let mut rest = blocks.clone();
        while let Some(start) = rest.clone().find(|block| self.map.get(*block) == Extent::Hole) {
            let hole = self.map.hole_at(start, rest.end);
            self.allocate_written(&hole)?;
            rest.start = hole.end;
        }
        Ok(())
    }

    fn allocate_used(&mut self, blocks: &Range<FileBlock>) -> Result<(), Enospc> {
        let inode = self.owed.inode;
        let allocated = inode.sb.allocate_blocks(inode.number, blocks)?;
        self.put_used(blocks, &allocated);
        Ok(())
    }

    fn put_used(&mut self, blocks: &Range<FileBlock>, allocated: &[Phys]) {
        let inode = self.owed.inode;
        for phys in allocated {
            // A block that was used before keeps what it had; that it is nobody's now is all that matters.
            inode.sb.disk[usize::from(*phys)].update(|contents| *contents = None);
        }
        self.map.allocate_written(blocks, allocated);
        self.owed.logged = true;
    }

    /// Whatever has no blocks yet gets some that read as zeros, also what was only reserved. What was done
    /// before space runs out stays. Where nothing is preallocated ([`Allocate::OutOfPlace`]) a hole stays one.
    pub fn preallocate(&mut self, blocks: &Range<FileBlock>) -> Result<(), Enospc> {
        let inode = self.owed.inode;
        self.owed.logged = true;
        let (mut allocated, mut from) = (Vec::new(), Vec::new());
        let mut result = Ok(());
        for block in blocks.clone() {
            match self.map.get(block) {
                Extent::Hole if inode.sb.config.fs.is_out_of_place() => {}
                Extent::Hole => match inode.sb.allocate_blocks(inode.number, &(block..block + 1)) {
                    Ok(place) => {
                        self.put_zeros(block, &place);
                        allocated.push(block);
                        from.push(Extent::Hole);
                    }
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                },
                Extent::Delalloc => {
                    let extent = self.wanted_of(&(block..blocks.end));
                    let place = inode.sb.allocate_reserved(inode.number, &extent);
                    self.map.allocate(&extent, &place);
                    allocated.extend(extent);
                    from.push(Extent::Delalloc);
                }
                Extent::Unwritten(_) | Extent::Written(_) => {}
            }
        }
        if let Some(first) = allocated.first() {
            let to = self.map.get(*first);
            let all = blocks.clone().all(|block| allocated.contains(&block));
            let coverage = if all { Coverage::Whole } else { Coverage::Parts };
            self.count(Fork::Data, allocated);
            self.report(|geometry| {
                let bytes = geometry.bytes_of_blocks(blocks);
                MapChange::Replaced { from, to, bytes, coverage }
            });
        }
        result
    }

    /// A block at a place that reads as zeros: unwritten, or written with zeros (`sb_issue_zeroout`).
    fn put_zeros(&mut self, block: FileBlock, place: &[Phys]) {
        let one = block..block + 1;
        let sb = &self.owed.inode.sb;
        if sb.config.fs.allocate() == Allocate::Written {
            self.map.allocate_written(&one, place);
            let cells = sb.geometry.cells_of_block(block).len();
            for phys in place {
                sb.disk[usize::from(*phys)].update(|contents| *contents = Some(vec![Value::ZERO; cells]));
            }
        } else {
            self.map.allocate(&one, place);
        }
    }

    /// Unwritten -> Written, in a transaction. The counter moves with it if that is when it moves. Returns whether
    /// anything changed.
    pub fn convert(&mut self, blocks: &Range<FileBlock>, bump: Bump) -> bool {
        self.owed.logged = true;
        let changed_any = self.map.convert(blocks.clone());
        if changed_any {
            self.count_conversion(bump, blocks);
            self.owed.inode.sb.backend.reach(branches::CONVERT);
            self.report(|geometry| {
                changed(geometry, Fork::Data, IomapType::Unwritten, IomapType::Mapped, blocks)
            });
        }
        changed_any
    }

    /// A stuffed file's data leave its inode, which holds block pointers from here on; the file's first block gets a place
    /// if there are any data. The caller puts them into the page cache.
    pub fn unstuff(&mut self, has_data: bool) -> Result<(), Enospc> {
        let inode = self.owed.inode;
        let first = 0..1;
        if has_data {
            self.allocate_used(&first)?;
        }
        if let Some(dinode) = &inode.dinode {
            dinode.update(|dinode| *dinode = None);
        }
        self.owed.logged = true;
        self.count(Fork::Data, first.clone());
        inode.sb.backend.reach(branches::UNSTUFF);
        self.report(|geometry| MapChange::Unstuffed { bytes: geometry.bytes_of_blocks(&first) });
        self.took_away(inode.sb.geometry.blocks_of_folio(0));
        Ok(())
    }

    /// The data of a stuffed file change where they are.
    pub fn change_stuffed(&mut self, change: impl FnOnce(&mut Vec<Value>)) {
        self.owed.inode.change_stuffed(change);
        self.owed.logged = true;
    }
}
