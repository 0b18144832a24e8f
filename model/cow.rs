//! The COW fork of a file that shares blocks: where new contents of shared blocks will be.
//!
//! A write to a shared block reserves a block here, writeback allocates it and writes to it, and completion
//! moves it into the data fork, in place of the shared one (fs/xfs/xfs_reflink.c, the comment at its top). An
//! entry is [`Extent::Hole`] where there is no copy in the making, and [`Extent::Written`] once I/O to the
//! copy has been submitted, so that only such copies are moved.

use std::ops::Range;

use crate::extent::{Extent, Phys, extent_around};
use crate::geometry::FileBlock;

/// The entries, one per block (ip->i_cowfp).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CowFork {
    blocks: Vec<Extent>,
}

impl CowFork {
    /// The fork of a file of `blocks` blocks, with nothing in it.
    pub fn new(blocks: FileBlock) -> Self {
        CowFork { blocks: vec![Extent::Hole; usize::from(blocks)] }
    }

    /// The entry of a block.
    pub fn get(&self, block: FileBlock) -> Extent {
        self.blocks[usize::from(block)]
    }

    /// `xfs_inode_has_cow_data`.
    pub fn has_data(&self) -> bool {
        self.entries() != 0
    }

    /// All entries' letters, `-` for none.
    pub fn letters(&self) -> String {
        let letter = |extent: &Extent| if *extent == Extent::Hole { '-' } else { extent.letter() };
        self.blocks.iter().map(letter).collect()
    }

    /// The extent that an entry belongs to.
    pub fn extent_around(&self, block: FileBlock) -> Range<FileBlock> {
        extent_around(&self.blocks, block)
    }

    /// Where the first extent behind `block` begins; the end of the file if there is none.
    pub fn next_after(&self, block: FileBlock) -> FileBlock {
        let all = self.blocks.len() as FileBlock;
        (block + 1..all).find(|next| self.get(*next) != Extent::Hole).unwrap_or(all)
    }

    /// None -> Delalloc (E2).
    pub fn reserve(&mut self, blocks: &Range<FileBlock>) {
        for block in blocks.clone() {
            self.blocks[usize::from(block)] = Extent::Delalloc;
        }
    }

    /// Delalloc -> Unwritten (E4), at these device blocks.
    pub fn allocate(&mut self, blocks: &Range<FileBlock>, allocated: &[Phys]) {
        for (block, phys) in blocks.clone().zip(allocated) {
            self.blocks[usize::from(block)] = Extent::Unwritten(*phys);
        }
    }

    /// Unwritten -> Real (E5). Returns whether anything changed.
    pub fn convert(&mut self, blocks: Range<FileBlock>) -> bool {
        let mut changed = false;
        for block in blocks {
            if let Extent::Unwritten(phys) = self.get(block) {
                self.blocks[usize::from(block)] = Extent::Written(phys);
                changed = true;
            }
        }
        changed
    }

    /// Anything -> None. Returns what was there.
    pub fn take(&mut self, block: FileBlock) -> Extent {
        std::mem::replace(&mut self.blocks[usize::from(block)], Extent::Hole)
    }

    /// Delalloc -> None in a range (E10); other entries are left. Returns the blocks punched.
    pub fn punch_delalloc(&mut self, blocks: Range<FileBlock>) -> Vec<FileBlock> {
        let punched: Vec<FileBlock> = blocks.filter(|block| self.get(*block) == Extent::Delalloc).collect();
        for block in &punched {
            self.blocks[usize::from(*block)] = Extent::Hole;
        }
        punched
    }

    /// How many entries there are.
    pub fn entries(&self) -> u16 {
        self.blocks.iter().filter(|extent| **extent != Extent::Hole).count() as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_submitted_is_real() {
        let mut fork = CowFork::new(3);
        assert!(!fork.has_data());
        fork.reserve(&(0..3));
        fork.allocate(&(0..2), &[7, 8]);
        assert!(fork.convert(1..3) && !fork.convert(1..3));
        assert_eq!(fork.letters(), "UWD");
        assert_eq!((fork.next_after(0), fork.next_after(2)), (1, 3));
        assert_eq!(fork.take(1), Extent::Written(8));
        assert_eq!(fork.punch_delalloc(0..3), [2]);
        assert_eq!(fork.letters(), "U--");
    }
}
