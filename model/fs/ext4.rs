//! ext4 on iomap, as of the patches of February 2026: values only.
//!
//! What distinguishes it from XFS in the modelled paths: reads take no lock at all, so that they can meet a folio
//! in the middle of a write, and the counter is that of the extent status tree, a cache that look-ups fill, too
//! (`bump_lookup`). Writeback compares range and counter in a wrapper of its own, and unused reservations are
//! punched the way of the iomap core. Direct I/O is in flight beside less: a buffered write waits for all of it, and a direct write
//! that makes the file longer is in flight under i_rwsem alone, so that a truncate may read the size before it waits.
//!
//! Sizes: a truncate and fallocate log theirs over data that are not written. What was zeroed behind the old end of file in a block that
//! is written is [ordered](crate::iomap::ordered) before them, as in 7.3; the patches of February 2026 order nothing there ("ext4: only order
//! data when partially block truncating down"), which is `size_flush = "none"`.
//!
//! Left out: the journal (the handle of `->iomap_begin` is stopped before any folio is locked), the rest of ordered mode, the
//! 64 bits of the counter (XFS's 32 do not wrap here either).

use crate::fs::xfs;
use crate::words::personality::{
    CloneLock, DioLock, FsType, Names, OldSize, Personality, SizeFlush, SyncFs, TruncateDioWait,
    TruncateFlush, WriteDioWait,
};

/// ext4 with delayed allocation; `allocate = "unwritten"` is ext4 with `nodelalloc`.
pub(super) fn personality() -> Personality {
    Personality {
        read_takes_i_rwsem: false,
        seek_takes_i_rwsem: true,
        dio_zero_eof: false,
        block_dirty: true,
        clone_lock: CloneLock::Absent,
        old_size: OldSize::AfterWait,
        truncate_dio_wait: TruncateDioWait::Shrink,
        dio_lock: DioLock::ExtendingExclusive,
        write_dio_wait: WriteDioWait::Always,
        insert_flush: false,
        default_cowextsize: 1,
        sync_fs: SyncFs::Flush,
        // ext4_setattr (6.1 to 7.3) writes no data back before it logs the size; ext4_block_zero_eof (7.3) orders zeros.
        truncate_flush: TruncateFlush::Never,
        size_flush: SizeFlush::Zeroed,
        fs_type: FsType::Ext4,
        names: Names {
            read_begin: "ext4_iomap_begin",
            seek_begin: "ext4_iomap_begin_report",
            write_begin: "iomap_begin",
            fault_begin: "iomap_begin",
            imap_valid: "ext4_iomap_valid",
            map_blocks: "ext4_iomap_map_blocks",
            end_ioend: "ext4_iomap_end_ioend",
            setattr_size: "ext4_setattr",
            alloc_file_space: "ext4_alloc_file_blocks",
            truncate_extents: "ext4_ext_truncate",
            remove_extents: "ext4_ext_remove_space",
            collapse_extents: "ext4_ext_shift_extents",
            insert_extents: "ext4_ext_shift_extents",
            setfilesize: "ext4_handle_inode_extension",
            dio_end_io: "ext4_dio_write_end_io",
            log_force: "ext4_fsync_journal",
        },
        ..xfs::personality()
    }
}
