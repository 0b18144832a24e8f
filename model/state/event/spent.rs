//! What the paths spend, for whoever counts costs: what no other event tells.
//!
//! Observers of a replay are not told (`Backend::account`): these are facts about the work that a run is, not about what
//! happens to the file.

use stalemap_facade::SystemEvent;

use crate::words::command::FileId;
use crate::words::geometry::{FileBlock, FolioIndex};

/// Something spent on a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spent {
    /// Which file.
    pub file: FileId,
    /// What.
    pub what: Expense,
}

/// What is spent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expense {
    /// A method of the file system was called through a pointer.
    Called(Method),
    /// A mapping was got for a write, zeroing, unsharing, a write fault or a direct write.
    Mapped,
    /// A buffered write gave its mapping up as stale.
    Aborted {
        /// Whether a fresh one would have said the same for all that this one was still to be used for.
        needless: Needless,
        /// What it had done for it.
        folio: LookedUp,
    },
    /// A block of which the mapping that a buffered write gave up had nothing to read: a hole, unwritten, fresh.
    NothingToRead(FileBlock),
    /// A buffered write has a folio locked that is still in the page cache.
    LockedFolio,
    /// A buffered write has locked a folio that had left the page cache.
    LockedInVain,
    /// A fork's change counter has moved.
    Changed,
    /// A block was reserved for delayed allocation.
    Reserved(FileBlock),
    /// The reservation of a block was given back.
    Punched(FileBlock),
    /// A block was read from the device into the page cache.
    ReadBlock(FileBlock),
    /// A lock was taken.
    Took(LockKind),
    /// A lock was given back, by whom ever.
    Gave(LockKind),
}

/// Whether it was needless to give a mapping up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needless {
    /// It was.
    Yes,
    /// A fresh one says something else.
    No,
}

/// Whether a folio was looked up and locked for a mapping that was given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookedUp {
    /// It was, in vain.
    Yes,
    /// It was not.
    No,
}

/// A method that is called through a pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// `iomap_ops->iomap_begin` (`iomap_iter`, fs/iomap/iter.c).
    IomapBegin,
    /// `iomap_ops->iomap_end`, where there is one.
    IomapEnd,
    /// `iomap_ops->iomap_next`, which does both (7.3).
    IomapNext,
    /// `->iomap_valid` (`iomap_write_begin`, fs/iomap/buffered-io.c, 6.2), for a folio that is locked or about to be. Write faults and
    /// readers do not ask in any kernel.
    IomapValid,
    /// `->iomap_valid`, asked by direct I/O (no kernel does).
    IomapValidForDirect,
    /// `->get_folio`, or `->page_prepare` before 6.3.
    GetFolio,
    /// `->put_folio`, or `->page_done` before 6.3.
    PutFolio,
    /// `->iomap_valid`, asked by writeback (a proposal of the January 2023 thread; no kernel does).
    IomapValidForWriteback,
    /// `->map_blocks` of writeback; `->writeback_range` in 7.3. Once for each dirty range, as from 6.8 on; before, for each block.
    MapBlocks,
}

/// A lock of a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LockKind {
    /// inode->i_rwsem.
    IRwsem,
    /// mapping->invalidate_lock.
    InvalidateLock,
    /// A folio's.
    Folio(FolioIndex),
    /// ip->i_lock (the ILOCK), or what takes its place.
    Ilock,
    /// ip->i_gl of gfs2.
    Glock,
}

impl SystemEvent for Spent {}
