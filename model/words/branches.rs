//! The branches of the modelled paths whose reachability is reported. The names are those of `[reach]` in scenario files.

use stalemap_facade::Branch;

stalemap_facade::names! { Branch {
    /// A validity check found its mapping stale.
    STALE = "stale",
    /// A mapping that no longer described the extent map was used to fill a block.
    STALE_USE = "stale-use",
    /// A folio was evicted.
    EVICT = "evict",
    /// A folio that was not to be cached was dropped behind its writeback, or behind a read.
    DROPBEHIND = "dropbehind",
    /// An eviction failed after the per-block state had been freed.
    IFS_LOST = "ifs-lost",
    /// I/O completion converted an unwritten extent.
    CONVERT = "convert",
    /// Writeback allocated blocks for delayed allocations.
    ALLOCATE = "allocate",
    /// A reservation was punched after a short, failed or stale write.
    PUNCH = "punch",
    /// A write went back for a new mapping.
    RETRY = "retry",
    /// A block was zeroed in memory because the mapping said so.
    ZERO_FILL = "zero-fill",
    /// A block was read from disk before a partial write.
    READ_FILL = "read-fill",
    /// A copy from the user's buffer was short.
    SHORT_COPY = "short-copy",
    /// A page fault made a page writable.
    MKWRITE = "mkwrite",
    /// A write fault found that its folio had left the page cache when it had the lock.
    MKWRITE_RETRY = "mkwrite-retry",
    /// A store through a mapping hit a page that writeback had write-protected.
    WP_FAULT = "wp-fault",
    /// A reader filled a folio.
    CACHE_FILL = "cache-fill",
    /// A copy of shared blocks was reserved.
    COW_RESERVE = "cow-reserve",
    /// A write had used up the blocks that it had reserved when it began.
    BUDGET_EXHAUSTED = "budget-exhausted",
    /// I/O completion put a copy in the place of a shared block.
    COW_REMAP = "cow-remap",
    /// A reflink shared a block.
    SHARE = "share",
    /// Completion of a direct write converted an unwritten extent.
    DIO_CONVERT = "dio-convert",
    /// A direct write zeroed a part of a block on the device.
    DIO_PAD = "dio-pad",
    /// A direct write that may only overwrite met something else and took i_rwsem exclusively.
    DIO_EAGAIN = "dio-eagain",
    /// A direct write was done as a buffered one, because the page cache did not let go of its range.
    DIO_FALLBACK = "dio-fallback",
    /// The user's buffer changed between the submission of a direct write and the device's turn.
    BUFFER_CHANGED = "buffer-changed",
    /// The page cache still had dirty data in the range of a direct write when that was complete.
    DIO_INVALIDATE_FAILED = "dio-invalidate-failed",
    /// A write that must not wait met a held invalidate_lock while it gave a stale mapping back.
    NOWAIT_BLOCKED = "nowait-blocked",
    /// A direct write that must not wait would have had to.
    NOWAIT_EAGAIN = "nowait-eagain",
    /// A direct write waited for a reflink that was sharing the file's blocks.
    DIO_REMAPPING = "dio-remapping",
    /// I/O failed.
    IO_ERROR = "io-error",
    /// fsync(2) or syncfs(2) returned an error of writeback.
    SYNC_ERROR = "sync-error",
    /// What waits for writeback failed, because that has (`filemap_check_errors`).
    FLUSH_ERROR = "flush-error",
    /// The file system has shut down.
    SHUTDOWN = "shutdown",
    /// There was no memory for a folio.
    NO_MEMORY = "no-memory",
    /// A direct read met a delayed allocation and failed.
    DIO_EIO = "dio-eio",
    /// Blocks were taken out of a file.
    UNMAP = "unmap",
    /// Zeroing passed over a mapping that has nothing to zero.
    ZERO_SKIP = "zero-skip",
    /// Zeroing flushed dirty page cache over such a mapping.
    ZERO_FLUSH = "zero-flush",
    /// Zeroing zeroed a dirty folio over unwritten blocks that it had looked up with its mapping.
    ZERO_BATCH = "zero-batch",
    /// Zeroing raised i_size.
    ZERO_GROWS = "zero-grows",
    /// Copies in another place took the place of blocks of a file.
    RELOCATE = "relocate",
    /// Copies were dropped, since the blocks were not the file's any more, or it had changed.
    RELOCATE_SKIP = "relocate-skip",
    /// A stuffed file's data moved out of its inode into a block.
    UNSTUFF = "unstuff",
    /// What writeback was to allocate was gone when it could, and was looked up once more.
    CONVERT_RETRY = "convert-retry",
    /// A file's data began, or ceased, to be journalled.
    DATA_MODE = "data-mode",
} }
