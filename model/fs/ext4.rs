//! ext4 on iomap, as of the patches of February 2026: values only.
//!
//! What distinguishes it from XFS in the modelled paths: reads take no lock at all, so that they can meet a folio
//! in the middle of a write, and the counter is that of the extent status tree, a cache that look-ups fill, too
//! (`bump_lookup`). Writeback compares range and counter in a wrapper of its own, and unused reservations are
//! punched the way of the iomap core.
//!
//! Left out: the journal (the handle of `->iomap_begin` is stopped before any folio is locked), ordered mode, the
//! 64 bits of the counter (XFS's 32 do not wrap here either).

use crate::fs::xfs;
use crate::words::personality::{CloneLock, FsType, Names, Personality, SyncFs};

/// ext4 with delayed allocation; `allocate = "unwritten"` is ext4 with `nodelalloc`.
pub(super) fn personality() -> Personality {
    Personality {
        read_takes_i_rwsem: false,
        seek_takes_i_rwsem: true,
        block_dirty: true,
        clone_lock: CloneLock::Absent,
        insert_flush: false,
        default_cowextsize: 1,
        sync_fs: SyncFs::Flush,
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
