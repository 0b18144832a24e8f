//! What a file system answers when the file is changed as a whole: a list of jobs in its order, and what they mean.
//!
//! It is drawn up once the locks are held, since until they are dropped nobody else changes the size; how each job is
//! done is the business of the [path](crate::fallocate).

use std::ops::Range;

use crate::words::geometry::{Cell, FileBlock};
use crate::words::personality::Hooks;

/// What becomes of the size of a file when blocks behind its end are allocated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SizeAfter {
    /// It grows over them.
    Grown,
    /// It stays (FALLOC_FL_KEEP_SIZE).
    Kept,
}

/// What fallocate is to do.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum FallocMode {
    /// FallocMode 0: blocks for the range.
    Allocate(Range<Cell>, SizeAfter),
    /// FALLOC_FL_PUNCH_HOLE.
    PunchHole(Range<Cell>),
    /// FALLOC_FL_ZERO_RANGE.
    ZeroRange(Range<Cell>, SizeAfter),
    /// FALLOC_FL_COLLAPSE_RANGE.
    CollapseRange(Range<Cell>),
    /// FALLOC_FL_INSERT_RANGE.
    InsertRange(Range<Cell>),
    /// FALLOC_FL_UNSHARE_RANGE.
    UnshareRange(Range<Cell>),
}

/// One part of a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Job {
    /// Writes the dirty folios of these cells back and waits.
    Flush(Range<Cell>),
    /// Drops these cells from the page cache.
    Drop(Range<Cell>),
    /// Drops the pages that they touch, which are clean.
    DropPages(Range<Cell>),
    /// Zeroes part of a block through the page cache.
    Zero(Range<Cell>),
    /// Dirties, through the page cache, what is shared with another file.
    Unshare(Range<Cell>),
    /// These, if the file may share blocks (`xfs_is_reflink_inode`).
    IfReflink(Vec<Job>),
    /// Flushes the log, with the data that are journalled.
    LogFlush,
    /// Moves the data of a stuffed file out of its inode.
    Unstuff,
    /// Keeps the log from being flushed, where crashes are judged.
    TransBegin,
    /// Lets it be flushed again.
    TransEnd,
    /// What is done at once.
    AtOnce(AtOnce),
}

/// A job of one ILOCK section, or of one store.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum AtOnce {
    /// Finds out whether a flush has to follow of what lies between the size on disk and the size that is going to be logged:
    /// if the file has anything there until now, a crash would find zeros in its place, and if something there was zeroed, what
    /// was there before.
    FlushUnlogged {
        /// The size until now.
        size: Cell,
        /// The size that is going to be logged.
        new_size: Cell,
    },
    /// What was zeroed of these cells, behind end of file, and has other data on the device is on the device before the next size is
    /// logged.
    OrderZeroed(Range<Cell>),
    /// Marks the inode dirty, where fsync(2) asks for it.
    MarkDirty,
    /// Zeroes data in the inode.
    ZeroStuffed(Range<Cell>),
    /// Stores i_size alone.
    SetSize(Cell),
    /// Stores a greater i_size, and sees to the folio of the old end.
    Grow(Range<Cell>),
    /// Logs the size that the file has grown to.
    LogSize(Cell),
    /// Frees what lies beyond the new size, and logs that.
    Shrink(Cell),
    /// Preallocates blocks, and raises the size in memory and on disk.
    Extend {
        /// The name of the operation.
        name: &'static str,
        /// The blocks.
        blocks: Range<FileBlock>,
        /// What neither of the two is less than afterwards.
        size: Option<Cell>,
    },
    /// Frees blocks.
    Unmap(Range<FileBlock>),
    /// Gives up copies in the making.
    CancelCow(Range<FileBlock>),
    /// Gives up all copies in the making if nothing is shared any more.
    ClearReflink,
    /// Other functions work on the file's data from here on.
    SetAops(Hooks),
    /// Moves the blocks behind a range down onto it.
    ShiftDown(Range<FileBlock>),
    /// Moves the blocks from a range on up behind it.
    ShiftUp(Range<FileBlock>),
}

/// The size of a file that is truncated, with all locks held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    /// What the file system goes by.
    pub read: Cell,
    /// What it is, not less: direct I/O in flight may have raised it since.
    pub now: Cell,
}

impl Sizes {
    /// Nothing has raised it since it was read.
    pub fn of(size: Cell) -> Self {
        Sizes { read: size, now: size }
    }
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

/// What is to be done, in this order, and what it means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// What they mean.
    pub meaning: Meaning,
}

/// EINVAL: nothing happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused;
