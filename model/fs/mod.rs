//! Personalities: what a file system does on its own account, as a table of values.

pub mod xfs;

use crate::settings::{choices, settable};

choices! {
    /// In which order I/O completion works.
    Completion {
        /// Converts the extent, then clears the writeback bit.
        ConvertThenClear = "convert-then-clear",
        /// The other way round (a mutant).
        ClearThenConvert = "clear-then-convert",
        /// Converts when the I/O is submitted: after a crash the extent says that data are there (a mutant).
        ConvertAtSubmission = "convert-at-submission",
    }
}

choices! {
    /// When a change of the extent map moves the counter.
    Bump {
        /// Inside the ILOCK section that changes the map.
        Inside = "inside",
        /// After the section, before the next release of the same task (harmless).
        AfterIlock = "after-ilock",
        /// After the writeback bit was cleared (a mutant).
        AfterClear = "after-clear",
        /// Never (a mutant).
        Never = "none",
    }
}

choices! {
    /// Which free block of the device an allocation takes.
    Allocator {
        /// The one that is the file block's own place, so that a file that has nothing in its way is contiguous.
        Home = "home",
        /// The first free one: blocks that were freed are taken again at once.
        Lowest = "lowest",
    }
}

choices! {
    /// When a truncate writes the new last block back, for the sake of zeroing that passes over unwritten blocks
    /// whatever the page cache has.
    TruncateFlush {
        /// Before it zeroes the rest of the block.
        Before = "before",
        /// After (before 350976ae2187): the old data get on disk, and zeros only into the page cache.
        AfterZeroing = "after-zeroing",
        /// Not at all.
        Never = "none",
    }
}

choices! {
    /// What happens to the page cache of a range before fallocate takes its blocks away.
    FlushUnmap {
        /// It is written back and dropped.
        WriteAndDrop = "write-and-drop",
        /// It is dropped (a mutant): whole folios, with what lies beside the range.
        Drop = "drop",
        /// It stays (a mutant).
        Nothing = "none",
    }
}

/// A file system. Table 7 of the kernel model, as far as the actors carry it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Personality {
    /// Whether a buffered write into a hole only reserves (otherwise it allocates unwritten blocks).
    pub delalloc: bool,
    /// Whether reads take i_rwsem shared.
    pub read_takes_i_rwsem: bool,
    /// The order of completion.
    pub completion: Completion,
    /// When unwritten conversion moves the counter.
    pub bump_convert: Bump,
    /// Whether the allocation of delayed blocks moves the counter.
    pub bump_allocate: bool,
    /// Whether a mere look-up by a reader moves the counter (ext4's extent cache before a5567347b6f5).
    pub bump_lookup: bool,
    /// Whether writeback maps dirty blocks (6.6), or every uptodate block of a dirty folio (before).
    pub block_dirty: bool,
    /// Blocks of the device; `None` is enough for all files as far as the commands reach.
    pub free_blocks: Option<u16>,
    /// Which of them are taken first.
    pub allocator: Allocator,
    /// When a truncate flushes.
    pub truncate_flush: TruncateFlush,
    /// What fallocate does to the page cache.
    pub flush_unmap: FlushUnmap,
}

settable!(Personality {
    delalloc,
    read_takes_i_rwsem,
    completion,
    bump_convert,
    bump_allocate,
    bump_lookup,
    block_dirty,
    free_blocks,
    allocator,
    truncate_flush,
    flush_unmap,
});

impl Personality {
    /// The names of the built-in personalities.
    pub const BUILT_IN: &'static [&'static str] = &["xfs"];

    /// A built-in personality by name.
    pub fn built_in(name: &str) -> Option<Self> {
        match name {
            "xfs" => Some(xfs::personality()),
            _ => None,
        }
    }
}
