//! What designs differ in where a helper lets the ILOCK go and takes it again: what it knew may have changed, and what it
//! looks at again is a value. Values, as in [`design`](crate::words::design).

use crate::words::settings::choices;

choices! {
    /// In how many sections of the ILOCK writeback looks up where a block goes (`xfs_map_blocks`).
    MapLookup {
        /// Both forks in one.
        OneSection = "one-section",
        /// The COW fork, and then the data fork in another one, whose mapping ends where the COW fork has an extent by then: that
        /// may be before the block (4.9 to 4.18, before 5c665e5b5af6).
        TwoSections = "two-sections",
    }
}

choices! {
    /// What writeback makes of a fork that is not as it was looked up, when it has a transaction and the ILOCK again to allocate
    /// what was delayed there (`xfs_bmapi_convert_delalloc`).
    ConvertRecheck {
        /// What has become real is taken as it is. An extent of the COW fork that is gone is looked up once more, in both forks.
        Retry = "retry",
        /// What has become real is taken as it is. What is gone is not written.
        NoRetry = "no-retry",
        /// Nothing: what was looked up is allocated, whatever is there by now (a mutant).
        Nothing = "none",
    }
}

choices! {
    /// What a direct write over a shared block looks at again when it has a transaction and the ILOCK again to allocate a copy
    /// (`xfs_reflink_fill_cow_hole`, `xfs_reflink_fill_delalloc`).
    CowRecheck {
        /// The data fork, if its counter has moved; then the COW fork, and whether the block that the data fork has is still shared
        /// (7.3; also 6.1.192 and 6.12.117).
        DataCowAndShared = "data-cow-and-shared",
        /// The COW fork, and whether the block that the data fork had before is still shared (up to 6.19). If that is the file's
        /// no longer, it may well be found to be shared by nobody, and is overwritten.
        CowAndShared = "cow-and-shared",
        /// The COW fork alone: what was shared is copied (harmless).
        Nothing = "none",
    }
}

choices! {
    /// What the completion of I/O to copies puts into the data fork, an extent a transaction (`xfs_reflink_end_cow_extent`).
    EndCow {
        /// What it has written (6.7; 6.1.192 has it).
        IoRange = "io-range",
        /// The whole of each written extent of the COW fork that its range meets (up to 6.6): also copies beside it, which count as
        /// written from when their own I/O is submitted.
        WholeExtent = "whole-extent",
    }
}

choices! {
    /// What preallocation looks at again when it has a transaction and the ILOCK again for the next extent (`xfs_alloc_file_space`).
    AllocRecheck {
        /// The data fork, with every extent: what writeback has allocated meanwhile is left as it is (`xfs_bmapi_write`).
        DataFork = "data-fork",
        /// Nothing: what had no place when the first extent was allocated gets a new one (a mutant).
        Nothing = "none",
    }
}

choices! {
    /// What becomes of copies in the COW fork where blocks are taken out of the data fork, or a clone puts others there. A truncate
    /// always gives them up.
    UnmapCow {
        /// They stay: the next write finds them, over a hole or over what is shared anew (XFS, 6.1 to 7.3).
        Kept = "kept",
        /// They are given up (no kernel does).
        Cancelled = "cancelled",
    }
}

choices! {
    /// Whose counters the cookie of a buffered write's mapping has, of copies that lie over a hole of the data fork.
    CowHole {
        /// Those of both forks, as that of other mappings of copies (6.12).
        BothForks = "both-forks",
        /// The data fork's alone, since the mapping is not marked as SHARED (up to 6.6).
        DataFork = "data-fork",
    }
}

choices! {
    /// How far a mapping for a write reaches, where a part of the extent is shared (`xfs_reflink_trim_around_shared`).
    SharedTrim {
        /// To where blocks begin to be shared, or cease to.
        Trimmed = "trimmed",
        /// To the end of the extent, as if all of it was what its first block is (btrfs, before "btrfs: fix iomap_begin length for
        /// nocow writes").
        Untrimmed = "untrimmed",
    }
}

choices! {
    /// What the hint by which copies are allocated asks for, where there is not so much room.
    CowHint {
        /// What a buffered write needs (`xfs_bmapi_reserve_delalloc`, 6.10; 6.1.192 has it). For a direct write all of it: its
        /// transaction reserves so much (`xfs_reflink_fill_cow_hole`).
        IfRoom = "if-room",
        /// What any write needs (no kernel does).
        IfRoomDirect = "if-room-direct",
        /// All of it (before that): the write fails.
        Always = "always",
    }
}

choices! {
    /// How a direct write allocates a copy that is delayed, if the free blocks that there are make it several extents
    /// (`xfs_reflink_fill_delalloc`).
    CowFill {
        /// One after the other, from the start of what is delayed, until the block is reached.
        UntilCovered = "until-covered",
        /// The first one. If that does not reach the block, the write fails (before d62113303d69).
        Once = "once",
    }
}

choices! {
    /// What who has copied blocks to a new place looks at, with the ILOCK again, before the copies take the place of the blocks
    /// (`xfs_zoned_map_extent`).
    RelocateRecheck {
        /// Whether the file still has the old blocks there (zoned XFS). A block that was freed, and taken again for the same
        /// place with other contents, looks the same.
        Address = "address",
        /// Whether the data fork's counter has moved since they were looked up (no kernel does).
        Counter = "counter",
        /// Nothing: whatever the file has there is replaced (a mutant).
        Nothing = "none",
    }
}
