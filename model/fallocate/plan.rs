//! What a change of a file is made of: a list of jobs, drawn up once the locks are held.

use std::collections::VecDeque;
use std::ops::Range;

use stalemap_facade::Backend;

use crate::fs::stuffed::UnstuffState;
use crate::iomap::write_state::WriteState;
use crate::iomap::zero::zero_range;
use crate::state::inode::Inode;
use crate::truncate::TruncateState;
use crate::words::geometry::{Cell, FileBlock};
use crate::writeback::flush::FlushState;

/// One part of a change.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Job {
    /// Writes dirty folios back and waits.
    Flush(FlushState),
    /// Writes back what lies between the size on disk and the size that is going to be logged, if the file, of the first
    /// size until now, has anything there: else a crash would find zeros in its place.
    FlushUnlogged(Cell, Cell),
    /// Drops folios from the page cache.
    Drop(TruncateState),
    /// Zeroes part of a block through the page cache.
    Zero(Box<WriteState>),
    /// Moves the data of a stuffed file out of its inode.
    Unstuff(UnstuffState),
    /// Zeroes data in the inode.
    ZeroStuffed(Range<Cell>),
    /// Stores i_size alone.
    SetSize(Cell),
    /// Frees what lies beyond the new size, and logs that.
    Shrink(Cell),
    /// Preallocates blocks, and raises the size in memory and on disk.
    Extend {
        /// The function that does it.
        name: &'static str,
        /// The blocks.
        blocks: Range<FileBlock>,
        /// The new size, if it grows.
        size: Option<Cell>,
    },
    /// Frees blocks.
    Unmap(Range<FileBlock>),
    /// Moves the blocks behind a range down onto it.
    ShiftDown(Range<FileBlock>),
    /// Moves the blocks from a range on up behind it.
    ShiftUp(Range<FileBlock>),
}

/// What a change means for the contents of the file.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Meaning {
    /// These cells read as zeros afterwards, whatever was there.
    pub zeroed: Range<Cell>,
    /// These are zeroed on the way, and are no longer there afterwards.
    pub taken_out: Range<Cell>,
    /// These have come into the file, as zeros.
    pub grown: Range<Cell>,
}

/// A change that is under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Plan {
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) meaning: Meaning,
}

impl Plan {
    /// What is to be done, and what it means.
    pub fn new(jobs: Vec<Job>, meaning: Meaning) -> Self {
        Plan { jobs: jobs.into(), meaning }
    }
}

/// The job of zeroing part of a block.
pub(crate) fn zero<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> Job {
    Job::Zero(Box::new(zero_range(inode, cells)))
}

/// The job of writing back and waiting for the folios of some cells.
pub(crate) fn flush_folios<B: Backend>(inode: &Inode<B>, cells: &Range<Cell>) -> Job {
    Job::Flush(FlushState::new(inode.sb.geometry.folios_touched(cells)))
}

/// The job of dropping some cells from the page cache.
pub(crate) fn drop_cells<B: Backend>(inode: &Inode<B>, cells: Range<Cell>) -> Job {
    Job::Drop(TruncateState::new(inode, cells))
}

/// EINVAL: nothing happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused;
