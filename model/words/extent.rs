//! The extent map of the file and the mappings that are sampled from it.
//!
//! The map has one entry per block; an extent is a run of entries of the same kind, physically contiguous.
//! That is how XFS's own extents look after merging, and merging matters: writeback converts a whole delayed
//! extent at once, whoever reserved its parts. What a *write* is handed when it fills a hole is only the
//! part that it reserved, though, and never the merged extent.
//!
//! A file that shares blocks has a second fork, in which copies of them are prepared.

use std::ops::{Deref, DerefMut, Range};

use crate::words::geometry::{Cell, FileBlock};

/// A block of the device.
pub type Phys = u16;

/// The state of one block of the file (struct xfs_bmbt_irec: br_startblock and br_state).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Extent {
    /// Nothing there.
    Hole,
    /// Space is reserved, no block chosen.
    Delalloc,
    /// Allocated; reads as zeros.
    Unwritten(Phys),
    /// Allocated and written.
    Written(Phys),
}

impl Extent {
    /// The letter in tables: H, D, U, W.
    pub fn letter(self) -> char {
        match self {
            Extent::Hole => 'H',
            Extent::Delalloc => 'D',
            Extent::Unwritten(_) => 'U',
            Extent::Written(_) => 'W',
        }
    }

    /// The device block, when there is one.
    pub fn phys(self) -> Option<Phys> {
        match self {
            Extent::Unwritten(phys) | Extent::Written(phys) => Some(phys),
            Extent::Hole | Extent::Delalloc => None,
        }
    }

    /// Whether `next`, `distance` blocks further, belongs to the same extent.
    fn continues(self, next: Extent, distance: u16) -> bool {
        match (self, next) {
            (Extent::Hole, Extent::Hole) | (Extent::Delalloc, Extent::Delalloc) => true,
            (Extent::Unwritten(a), Extent::Unwritten(b)) | (Extent::Written(a), Extent::Written(b)) => {
                b == a + distance
            }
            _ => false,
        }
    }
}

/// Which of a file's extent maps is meant (`whichfork`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fork {
    /// XFS_DATA_FORK: where the file's contents are.
    Data,
    /// XFS_COW_FORK: where they will be.
    Cow,
}

/// No space left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Enospc;

/// The extents of one fork of a file, block by block. Those of a file change through the door alone
/// ([`MapSection`](crate::state::map_change::MapSection)).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Extents(pub(crate) Vec<Extent>);

impl Extents {
    /// A fork of `blocks` blocks of which some are reserved and the rest are holes.
    pub fn with_reserved(blocks: FileBlock, reserved: &Range<FileBlock>) -> Self {
        let mut extents = Extents::new(blocks);
        extents.reserve(reserved);
        extents
    }

    /// Nothing but a hole of `blocks` blocks.
    pub fn new(blocks: FileBlock) -> Self {
        Extents(vec![Extent::Hole; usize::from(blocks)])
    }

    /// The state of a block.
    pub fn get(&self, block: FileBlock) -> Extent {
        self.0[usize::from(block)]
    }

    /// The extent that a block belongs to; nothing, if it is a hole.
    pub fn covering(&self, block: FileBlock) -> Range<FileBlock> {
        if self.get(block) == Extent::Hole { block..block } else { self.extent_around(block) }
    }

    /// The extent that a block belongs to.
    pub fn extent_around(&self, block: FileBlock) -> Range<FileBlock> {
        let extent = self.get(block);
        let same = |other: FileBlock| {
            if other < block {
                self.get(other).continues(extent, block - other)
            } else {
                extent.continues(self.get(other), other - block)
            }
        };
        let start = (0..block).rev().take_while(|other| same(*other)).last().unwrap_or(block);
        let end = (block..self.0.len() as FileBlock).take_while(|other| same(*other)).last().unwrap_or(block);
        start..end + 1
    }

    /// Where the first extent behind `block` begins; the end of the file if there is none.
    pub fn next_after(&self, block: FileBlock) -> FileBlock {
        let all = self.0.len() as FileBlock;
        (block + 1..all).find(|next| self.get(*next) != Extent::Hole).unwrap_or(all)
    }

    /// Hole -> Delalloc.
    pub(crate) fn reserve(&mut self, blocks: &Range<FileBlock>) {
        for block in blocks.clone() {
            self.0[usize::from(block)] = Extent::Delalloc;
        }
    }

    /// Hole or Delalloc -> Unwritten, at these device blocks.
    pub(crate) fn allocate(&mut self, blocks: &Range<FileBlock>, allocated: &[Phys]) {
        for (block, phys) in blocks.clone().zip(allocated) {
            self.0[usize::from(block)] = Extent::Unwritten(*phys);
        }
    }

    /// Hole -> Written, at these device blocks.
    pub(crate) fn allocate_written(&mut self, blocks: &Range<FileBlock>, allocated: &[Phys]) {
        for (block, phys) in blocks.clone().zip(allocated) {
            self.0[usize::from(block)] = Extent::Written(*phys);
        }
    }

    /// Written -> Hole in a range; other blocks are left. Returns the device blocks that are free now.
    pub(crate) fn free_written(&mut self, blocks: Range<FileBlock>) -> Vec<Phys> {
        let mut freed = Vec::new();
        for block in blocks {
            if let Extent::Written(phys) = self.get(block) {
                self.take(block);
                freed.push(phys);
            }
        }
        freed
    }

    /// Unwritten -> Written in a range. Returns whether anything changed.
    pub(crate) fn convert(&mut self, blocks: Range<FileBlock>) -> bool {
        let mut changed = false;
        for block in blocks {
            if let Extent::Unwritten(phys) = self.get(block) {
                self.0[usize::from(block)] = Extent::Written(phys);
                changed = true;
            }
        }
        changed
    }

    /// Delalloc -> Hole in a range; other blocks are left. Returns the blocks punched.
    pub(crate) fn punch_delalloc(&mut self, blocks: Range<FileBlock>) -> Vec<FileBlock> {
        let punched: Vec<FileBlock> = blocks.filter(|block| self.get(*block) == Extent::Delalloc).collect();
        for block in &punched {
            self.take(*block);
        }
        punched
    }

    /// Whatever was there -> Hole or Written. Returns what was there.
    pub(crate) fn replace(&mut self, block: FileBlock, extent: Extent) -> Extent {
        std::mem::replace(&mut self.0[usize::from(block)], extent)
    }

    /// Whatever was there -> Hole. Returns what was there.
    pub(crate) fn take(&mut self, block: FileBlock) -> Extent {
        self.replace(block, Extent::Hole)
    }

    /// Any -> Hole in a range. Returns what was there.
    pub(crate) fn unmap(&mut self, blocks: Range<FileBlock>) -> Vec<Extent> {
        blocks.map(|block| self.take(block)).filter(|extent| *extent != Extent::Hole).collect()
    }

    /// The first extent of a range, as far as it lies there.
    pub fn first_in(&self, blocks: &Range<FileBlock>) -> Option<Range<FileBlock>> {
        let first = blocks.clone().find(|block| self.get(*block) != Extent::Hole)?;
        Some(first..self.extent_around(first).end.min(blocks.end))
    }

    /// The last one.
    pub fn last_in(&self, blocks: &Range<FileBlock>) -> Option<Range<FileBlock>> {
        let last = blocks.clone().rev().find(|block| self.get(*block) != Extent::Hole)?;
        Some(self.extent_around(last).start.max(blocks.start)..last + 1)
    }

    /// An extent moves to where there is a hole, but for what it leaves itself.
    pub(crate) fn move_extent(&mut self, extent: &Range<FileBlock>, to: FileBlock) {
        let moved: Vec<Extent> = extent.clone().map(|block| self.take(block)).collect();
        for (block, extent) in (to..).zip(moved) {
            self.replace(block, extent);
        }
    }

    /// Whether there is anything but a hole; of the COW fork `xfs_inode_has_cow_data`.
    pub fn has_data(&self) -> bool {
        self.entries() != 0
    }

    /// How many blocks are not of a hole.
    pub fn entries(&self) -> u16 {
        self.0.iter().filter(|extent| **extent != Extent::Hole).count() as u16
    }

    /// The places of the blocks that have one.
    pub fn places(&self) -> impl Iterator<Item = Phys> {
        self.0.iter().filter_map(|extent| extent.phys())
    }

    /// How many blocks are delayed allocations.
    pub fn delalloc_blocks(&self) -> u16 {
        self.0.iter().filter(|extent| **extent == Extent::Delalloc).count() as u16
    }

    /// All blocks' letters, with this one for holes.
    fn letters(&self, hole: char) -> String {
        let letter = |extent: &Extent| if *extent == Extent::Hole { hole } else { extent.letter() };
        self.0.iter().map(letter).collect()
    }
}

/// Everything the ILOCK protects. What is asked of it without naming a fork is asked of the data fork.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ExtentMap {
    /// The data fork.
    data: Extents,
    /// The COW fork of a file that shares blocks: where new contents of shared blocks will be. A write to a shared
    /// block reserves a block here, writeback allocates it and writes to it, and completion moves it into the data
    /// fork, in place of the shared one (fs/xfs/xfs_reflink.c, the comment at its top). A block is
    /// [`Extent::Written`] here once I/O to the copy has been submitted, so that only such copies are moved.
    pub cow: Extents,
    /// XFS_DIFLAG2_REFLINK: blocks of the file may be shared with others.
    pub reflink: bool,
    /// XFS_DIFLAG2_COWEXTSIZE: copies are reserved in units of this many blocks; 0 for what the file system does.
    pub cow_extent_size: u16,
    /// The on-disk size, in cells.
    pub disk_size: Cell,
    /// The [valid size](crate::words::valid_size), in cells, where files have one.
    pub valid: Option<Cell>,
}

impl Deref for ExtentMap {
    type Target = Extents;

    fn deref(&self) -> &Extents {
        &self.data
    }
}

impl DerefMut for ExtentMap {
    fn deref_mut(&mut self) -> &mut Extents {
        &mut self.data
    }
}

impl ExtentMap {
    /// An empty file of `blocks` blocks.
    pub fn new(blocks: FileBlock) -> Self {
        ExtentMap {
            data: Extents::new(blocks),
            cow: Extents::new(blocks),
            reflink: false,
            cow_extent_size: 0,
            disk_size: 0,
            valid: None,
        }
    }

    /// A file whose blocks all have their place, one after the other from `first` on, and whose size never changes.
    pub fn placed(blocks: FileBlock, first: Phys, size: Cell) -> Self {
        ExtentMap {
            data: Extents((0..blocks).map(|block| Extent::Written(first + block)).collect()),
            disk_size: size,
            ..ExtentMap::new(blocks)
        }
    }

    /// All blocks' letters; those of the COW fork follow when it has any.
    pub fn letters(&self) -> String {
        let data = self.data.letters('H');
        if self.cow.has_data() { format!("{data}/{}", self.cow.letters('-')) } else { data }
    }

    /// Whether a cell reads as zeros, whatever its block has: it lies behind the valid size.
    pub fn is_beyond_valid(&self, cell: Cell) -> bool {
        self.valid.is_some_and(|valid| cell >= valid)
    }

    /// The hole at `block`, clipped to end before `limit`.
    pub fn hole_at(&self, block: FileBlock, limit: FileBlock) -> Range<FileBlock> {
        block..self.extent_around(block).end.min(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::validity::Cookie;

    #[test]
    fn a_reservation_merges_with_its_neighbour_and_is_converted_with_it() {
        let mut map = ExtentMap::new(4);
        map.reserve(&(2..3));
        map.reserve(&(0..2));
        assert_eq!(map.map_new(0..2, &Cookie::default()).end, 2, "the writer is handed what it reserved");
        assert_eq!(map.extent_around(0), 0..3, "the extent in memory is merged");
        map.allocate(&(0..3), &[0, 1, 2]);
        assert_eq!(map.letters(), "UUUH");
    }

    #[test]
    fn conversion_in_the_middle_splits_the_extent() {
        let mut map = ExtentMap::new(4);
        map.allocate(&(0..4), &[0, 1, 2, 3]);
        assert!(map.convert(1..2));
        assert!(!map.convert(1..2));
        assert_eq!(map.letters(), "UWUU");
        assert_eq!(map.extent_around(3), 2..4);
    }

    #[test]
    fn only_a_change_of_where_to_read_misleads() {
        let mut map = ExtentMap::new(1);
        map.reserve(&(0..1));
        let delalloc = map.map(0, &Cookie::default());
        map.allocate(&(0..1), &[0]);
        assert!(!delalloc.misleads(0, map.get(0)), "both zero");
        assert!(!delalloc.agrees_with(0, map.get(0)));
        map.convert(0..1);
        assert!(delalloc.misleads(0, map.get(0)));
    }

    #[test]
    fn what_lies_behind_moves_and_a_hole_comes_in() {
        let mut map = ExtentMap::new(4);
        map.allocate(&(0..3), &[0, 1, 2]);
        assert_eq!(map.unmap(1..2), [Extent::Unwritten(1)]);
        assert_eq!(map.letters(), "UHUH");
        assert_eq!(map.first_in(&(1..4)), Some(2..3));
        map.move_extent(&(2..3), 1);
        assert_eq!((map.letters().as_str(), map.get(1)), ("UUHH", Extent::Unwritten(2)));
        assert_eq!((map.last_in(&(0..4)), map.last_in(&(0..1))), (Some(1..2), Some(0..1)));
        map.move_extent(&(1..2), 3);
        map.move_extent(&(0..1), 2);
        assert_eq!((map.letters().as_str(), map.get(2)), ("HHUU", Extent::Unwritten(0)));
        assert_eq!(map.first_in(&(0..2)), None);
    }

    #[test]
    fn only_copies_that_were_submitted_are_real() {
        let mut map = ExtentMap::new(3);
        assert!(!map.cow.has_data());
        map.cow.reserve(&(0..3));
        map.cow.allocate(&(0..2), &[7, 8]);
        assert!(map.cow.convert(1..3) && !map.cow.convert(1..3));
        assert_eq!(map.letters(), "HHH/UWD");
        assert_eq!((map.cow.next_after(0), map.cow.next_after(2)), (1, 3));
        assert_eq!(map.cow.take(1), Extent::Written(8));
        assert_eq!(map.cow.punch_delalloc(0..3), [2]);
        assert_eq!(map.letters(), "HHH/U--");
    }
}
