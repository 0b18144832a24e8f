//! What can be violated, the most user-visible loss first: what the oracle, and the engines for deadlocks and cycles, can
//! find. Each is an item of [`ITEMS`]: what it says, what promises it, and where it is asked.

use stalemap_facade::Property;

stalemap_facade::names! { Property {
    /// Acknowledged data are gone: from the page cache, from where writeback would not bring them back, or from the
    /// disk at the end.
    LOST_WRITE = "lost-write",
    /// A read returned a value that it must not: replaced before the read began, or never written.
    STALE_READ = "stale-read",
    /// Contents that nobody wrote to this file became visible.
    STALE_EXPOSURE = "stale-exposure",
    /// A reader saw the new size before the data, or the on-disk size ran ahead.
    SIZE_ORDER = "size-order",
    /// Writeback cleaned a dirty block and wrote it nowhere.
    DROPPED_DIRTY = "dropped-dirty",
    /// A dirty block of an unlocked folio has neither blocks nor a reservation.
    DIRTY_OVER_HOLE = "dirty-over-hole",
    /// Something was written to a block that is not this one's, or that was freed.
    WRONG_ADDRESS = "wrong-address",
    /// What belongs to a folio was taken for what it is not.
    WRONG_PRIVATE = "wrong-private",
    /// A write returned less than it should, without an error.
    SHORT_WRITE = "short-write",
    /// A call fails, and nothing is the matter.
    SPURIOUS_ERROR = "spurious-error",
    /// Unfinished actors, and none can move.
    DEADLOCK: Property::DEADLOCK,
    /// The actors can go round for ever without getting anywhere.
    LIVELOCK: Property::LIVELOCK,
    /// A write found its mapping stale although nobody else had changed anything.
    UNBOUNDED_RETRY = "unbounded-retry",
    /// Space stays reserved that no dirty data need.
    LEAKED_RESERVATION = "leaked-reservation",
    /// A lock or reference is never released.
    LEAKED_LOCK = "leaked-lock",
    /// The STALE flag leaked into a fresh mapping.
    LEAKED_FLAG = "leaked-flag",
    /// A block was zeroed in memory although the disk has data for it. Explains a loss.
    WRONG_ZERO = "wrong-zero",
    /// The check passed a mapping that misleads. Explains a loss.
    UNSOUND_COOKIE = "unsound-cookie",
    /// A transaction is not ended, data miss it, or a crash leaves a part of it.
    BROKEN_TRANSACTION = "broken-transaction",
    /// Data that were made durable are gone after a crash.
    CRASH_LOST = "crash-lost",
    /// Contents that nobody wrote are visible after a crash.
    CRASH_EXPOSURE = "crash-exposure",
} }

/// The properties whose violation a user sees in a file: what was written is gone, or something is there that nobody wrote.
pub const LOSSES: &[Property] = &[
    LOST_WRITE,
    STALE_READ,
    STALE_EXPOSURE,
    SIZE_ORDER,
    DROPPED_DIRTY,
    DIRTY_OVER_HOLE,
    WRONG_ADDRESS,
    WRONG_PRIVATE,
    CRASH_LOST,
    CRASH_EXPOSURE,
];

/// What there is to know of a property.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    /// Which.
    pub property: Property,
    /// When it is violated.
    pub says: &'static str,
    /// What promises that it is not: a system call, or the kernel's function that relies on it.
    pub source: &'static str,
    /// Where in the model it is asked.
    pub asked: &'static str,
}

const fn item(property: Property, says: &'static str, source: &'static str, asked: &'static str) -> Item {
    Item { property, says, source, asked }
}

/// Every property, in the order of [`ALL`].
pub const ITEMS: &[Item] = &[
    item(
        LOST_WRITE,
        "acknowledged data are gone from the page cache, or from the disk at the end",
        "write(2): a read(2) that begins after it has returned returns the new data",
        "Oracle::visible, when a folio is unlocked and of the file on disk at the end",
    ),
    item(
        STALE_READ,
        "a read returned what had been replaced before it began",
        "read(2) as a regular register (L. Lamport, \"On Interprocess Communication\", Distributed Computing 1, 1986)",
        "Oracle, when a read ends, or a search that has called blocks a hole, which is to say zeros",
    ),
    item(
        STALE_EXPOSURE,
        "contents became visible that nobody wrote to this file",
        "blocks that were never written read as zeros: iomap_block_needs_zeroing (fs/iomap/buffered-io.c)",
        "Oracle::visible, when a folio is unlocked, and when a read ends",
    ),
    item(
        SIZE_ORDER,
        "the size ran ahead of the data: a reader saw it first, the file would end in zeros that nobody wrote after a crash, or \
         does so after a write that failed",
        "filemap_read loads i_size after it has found the folio uptodate (mm/filemap.c); i_size_read acquires what i_size_write \
         releases since d8f899d13d72 (6.9, include/linux/fs.h); xfs_end_ioend raises the size on disk when the data are there \
         (fs/xfs/xfs_aops.c)",
        "Oracle, when a read ends; judge_disk for the size on disk; iomap_file_buffered_write, when it fails",
    ),
    item(
        DROPPED_DIRTY,
        "writeback cleaned a dirty block and wrote it nowhere",
        "iomap_writepage_map passes over a block that maps to IOMAP_HOLE (6.1, fs/iomap/buffered-io.c), so there must be none",
        "writeback, when a dirty block maps to a hole",
    ),
    item(
        DIRTY_OVER_HOLE,
        "a dirty block has neither blocks nor a reservation",
        "xfs_map_blocks finds blocks or a reservation under each dirty block, or it is skipped (fs/xfs/xfs_aops.c)",
        "Inode::audit_backing, when a folio, the ILOCK or invalidate_lock is released",
    ),
    item(
        WRONG_ADDRESS,
        "something was written to a block that is not this one's",
        "xfs_map_blocks looks up anew what xfs_imap_valid rejects, and relies on the folio lock for the rest (fs/xfs/xfs_aops.c)",
        "writeback and direct I/O, at submission and completion; when a block is freed",
    ),
    item(
        WRONG_PRIVATE,
        "buffer heads in `folio->private` were taken for the per-block state of iomap, or the other way round: memory is overwritten",
        "ifs_alloc (fs/iomap/buffered-io.c, 6.12) and folio_buffers (include/linux/buffer_head.h): either takes whatever is there for its own",
        "Inode::take_private, where a write, a store, a read, writeback or truncation works on a folio",
    ),
    item(
        SHORT_WRITE,
        "a write returned less than it should, without an error",
        "write(2): fewer bytes only for want of space, at a limit, or after a signal",
        "iomap_file_buffered_write, when it returns",
    ),
    item(
        SPURIOUS_ERROR,
        "a call says that there is no space while the blocks are free that it needs, or that the device failed or is busy, and it is not",
        "ENOSPC in write(2): \"the device containing the file referred to by fd has no room for the data\"; EIO: \"a low-level I/O \
         error occurred\"",
        "Inode::judge_no_space and Inode::judge_collision, where a call fails; Inode::judge_no_place, where writeback does",
    ),
    item(DEADLOCK, "nobody can move", "every call returns", "the engines, in every state"),
    item(
        LIVELOCK,
        "the actors can go round for ever, although everybody who can always move does move",
        "every call returns, if the scheduler is fair",
        "the engines, of every cycle of states",
    ),
    item(
        UNBOUNDED_RETRY,
        "a mapping went stale although nobody else had changed anything: a retry that its own writer causes",
        "iomap_iter_advance maps anew where nothing was done with a stale mapping (6.2, fs/iomap/iter.c), so retries must end",
        "Oracle, when a check rejects a mapping",
    ),
    item(
        LEAKED_RESERVATION,
        "space stays reserved that no dirty data need",
        "xfs_buffered_write_iomap_end gives back what a write did not use (fs/xfs/xfs_iomap.c)",
        "the epilogue, when everything was written back",
    ),
    item(
        LEAKED_LOCK,
        "a lock or a reference is never given back",
        "each path releases what it took",
        "the epilogue, and where a stale mapping ends a step",
    ),
    item(
        LEAKED_FLAG,
        "a fresh mapping is marked stale",
        "iomap_iter_advance clears the mapping before the next ->iomap_begin, and iomap_iter_done warns of IOMAP_F_STALE (6.2, \
         fs/iomap/iter.c)",
        "the buffered write, when it samples",
    ),
    item(
        WRONG_ZERO,
        "a block was zeroed in memory although the disk has data for it",
        "iomap_block_needs_zeroing (fs/iomap/buffered-io.c)",
        "Oracle, when a block of a folio is filled",
    ),
    item(
        UNSOUND_COOKIE,
        "the check passed a mapping that misleads",
        "->iomap_valid in struct iomap_page_ops: whether the mapping still maps correctly (6.2, include/linux/iomap.h)",
        "the buffered write, when a mapping that was checked is used",
    ),
    item(
        BROKEN_TRANSACTION,
        "a transaction is not ended, data miss it, or a crash leaves a part of it",
        "gfs2_trans_begin and gfs2_trans_end (fs/gfs2/trans.c)",
        "the folio hooks, the epilogue, and the log at every state where crashes are judged",
    ),
    item(
        CRASH_LOST,
        "after a crash, data that were made durable are gone",
        "fsync(2): what it has flushed can be read after a crash",
        "Inode::audit_crash, whenever the log or the device changes",
    ),
    item(
        CRASH_EXPOSURE,
        "after a crash, contents are there that nobody wrote",
        "xfs_end_ioend converts unwritten blocks after the data were written (fs/xfs/xfs_aops.c)",
        "Inode::audit_crash, whenever the log or the device changes",
    ),
];

/// The item of a property of this list.
pub fn about(property: Property) -> Option<&'static Item> {
    ITEMS.iter().find(|item| item.property == property)
}

/// Whether the property only explains a loss that is reported beside it.
pub fn explains(property: Property) -> bool {
    matches!(property, WRONG_ZERO | UNSOUND_COOKIE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_has_its_item() {
        let of_items: Vec<Property> = ITEMS.iter().map(|item| item.property).collect();
        assert_eq!(of_items, ALL);
    }
}
