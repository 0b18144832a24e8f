//! zonefs: a file is a zone of the device, so every block has its place from the start and keeps it.
//!
//! Only conventional zones take buffered and mapped writes; their files have the size of the zone, always.
//! fs/zonefs/file.c, 6.2: `zonefs_write_iomap_begin` returns the same mapping every time and gives the core nothing
//! to validate it with, and writeback looks at the range only.
//!
//! Left out: sequential zones, which are written by direct I/O alone, and with them the truncate mutex, under which
//! `->iomap_begin` samples the size that such writes move.

use crate::fs::xfs;
use crate::words::personality::{
    Allocate, Completion, DioLock, Dropbehind, FsType, Names, Personality, SyncFs, WriteEnd,
};

/// zonefs as of 6.2.
pub(super) fn personality() -> Personality {
    Personality {
        allocate: Allocate::Static,
        counter: false,
        zero_eof: false,
        write_end: WriteEnd::Nothing,
        completion: Completion::Clear,
        dio_lock: DioLock::Exclusive,
        dropbehind: Dropbehind::Absent,
        sync_fs: SyncFs::Nothing,
        fs_type: FsType::Zonefs,
        names: Names {
            read_begin: "zonefs_read_iomap_begin",
            seek_begin: "zonefs_read_iomap_begin",
            write_begin: "zonefs_write_iomap_begin",
            fault_begin: "zonefs_write_iomap_begin",
            imap_valid: "zonefs_write_map_blocks",
            map_blocks: "zonefs_write_map_blocks",
            end_ioend: "iomap_finish_ioends",
            setattr_size: "zonefs_inode_setattr",
            alloc_file_space: "vfs_fallocate",
            truncate_extents: "zonefs_file_truncate",
            remove_extents: "vfs_fallocate",
            collapse_extents: "vfs_fallocate",
            insert_extents: "vfs_fallocate",
            setfilesize: "zonefs_file_write_dio_end_io",
            dio_end_io: "zonefs_file_write_dio_end_io",
            log_force: "zonefs_file_fsync",
        },
        ..xfs::personality()
    }
}
