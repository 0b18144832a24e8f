//! What designs differ in about direct I/O. Values, as in [`design`](crate::words::design).

use crate::words::settings::choices;

choices! {
    /// How a direct write that is not aligned to blocks is kept apart from others.
    DioUnaligned {
        /// i_rwsem shared as long as it overwrites one written extent, otherwise exclusive (5.12).
        OverwriteOnly = "overwrite-only",
        /// i_rwsem exclusive (eda77982729b).
        Exclusive = "exclusive",
        /// Not at all: shared, whatever it meets (a mutant).
        Shared = "shared",
    }
}

choices! {
    /// When an exclusive unaligned direct write waits for direct I/O in flight.
    DioDrain {
        /// Before its submission for that of others, and after it for its own.
        BeforeAndAfter = "before-and-after",
        /// Before only: it is in flight without i_rwsem itself (before 2032a8a27b5c).
        Before = "before",
        /// After only (a mutant).
        After = "after",
        /// Never (a mutant).
        Never = "none",
    }
}

choices! {
    /// When whoever changes the extents of a file as a whole waits for direct I/O in flight on it: truncate, fallocate, a
    /// reflink for both files, an exchange for both.
    DioWait {
        /// With all locks held, so that none is begun meanwhile.
        Locked = "locked",
        /// Before it takes them (a mutant): what is submitted in between is not waited for.
        BeforeLock = "before-lock",
        /// Never (a mutant; NFS did not in a truncate, up to "NFS: Serialise O_DIRECT i/o and truncate()").
        Never = "none",
    }
}

choices! {
    /// When a direct write looks whether there is page cache to write back and to drop.
    DioCached {
        /// With i_rwsem held.
        Locked = "locked",
        /// Before that (before c58cb165bd44): with nothing there it does nothing, whatever came while it waited.
        BeforeLock = "before-lock",
    }
}

choices! {
    /// When the completion of a direct write drops what the page cache has of its range.
    DioInvalidate {
        /// After the extents are converted.
        AfterEndIo = "after-end-io",
        /// Before that (before 5e25c269e17d).
        BeforeEndIo = "before-end-io",
        /// After it, but not if nothing had to be converted and nothing was cached when the data was there.
        IfCached = "if-cached",
        /// Never (before 332391a9935d).
        Never = "none",
    }
}

choices! {
    /// When the completion of a direct write raises i_size.
    DioSize {
        /// With the conversion, to the end of the write as soon as its first extent is converted.
        AfterConversion = "after-conversion",
        /// With the conversion of each extent, to the end of that (no kernel does).
        WithEachExtent = "with-each-extent",
        /// Before it (a mutant).
        BeforeConversion = "before-conversion",
    }
}

choices! {
    /// What the completion of a direct write that converts nothing compares and raises i_size under.
    DioIsize {
        /// i_flags_lock (`xfs_dio_write_end_io`, up to 7.3): one that converts does it under the ILOCK, and comes in between.
        FlagsLock = "i_flags_lock",
        /// The ILOCK (no kernel does).
        Ilock = "ilock",
    }
}

choices! {
    /// What becomes of a direct write whose range the page cache does not let go of.
    DioBusy {
        /// It is done as a buffered write (60263d5889e6).
        Fallback = "fall-back",
        /// It fails with EBUSY (zonefs).
        Refuse = "refuse",
        /// It goes on (before 60263d5889e6).
        Ignore = "ignore",
    }
}

choices! {
    /// Where blocks have checksums (`data_checksum`), what keeps a direct write's checksum that of its data, whatever others
    /// store into the user's buffer meanwhile.
    DioStable {
        /// Nothing: the checksum is calculated from the buffer when the I/O is submitted, and the device reads the buffer later.
        Nothing = "none",
        /// The buffer is copied first, and checksum and data are those of the copy (IOMAP_DIO_BOUNCE).
        Bounce = "bounce",
        /// The write goes through the page cache (btrfs, 968f19c5b1b7).
        Buffered = "buffered",
    }
}

choices! {
    /// When a direct write is acknowledged.
    DioAck {
        /// When its completion is over.
        AfterCompletion = "after-completion",
        /// When the data is on the device, before the extents are converted (before e927af90aaa7).
        BeforeEndIo = "before-end-io",
    }
}
