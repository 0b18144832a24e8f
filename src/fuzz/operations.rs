//! The operations of the model that causes are found by. A test looks for each in the model: one that is called otherwise there would turn
//! a cause off, and no compiler would say so.

/// Declares constants, and the list of them all.
macro_rules! operations {
    ($($name:ident = $text:literal,)*) => {
        $(pub(super) const $name: &str = $text;)*

        /// All of them.
        pub const ALL: &[&str] = &[$($name,)*];
    };
}

operations! {
    DEVICE_WRITE = "device_write",
    FILEMAP_READ = "filemap_read",
    FOLIO_LOCK = "folio_lock",
    FOLIO_START_WRITEBACK = "folio_start_writeback",
    FOLIO_UNLOCK = "folio_unlock",
    FSYNC_RETURN = "fsync_return",
    IOMAP_WRITEPAGE_MAP = "iomap_writepage_map",
    LOAD = "load",
    PUNCH_DELALLOC = "punch_delalloc",
    SUBMIT_BIO = "submit_bio",
    TRUNCATE_FOLIO = "truncate_folio",
    XFS_BMAPI_CONVERT_DELALLOC = "xfs_bmapi_convert_delalloc",
    XFS_LOG_FORCE = "xfs_log_force",
    XFS_MAP_BLOCKS = "xfs_map_blocks",
    XFS_REFLINK_CONVERT_COW = "xfs_reflink_convert_cow",
    XFS_SEEK_IOMAP_BEGIN = "xfs_seek_iomap_begin",
    XFS_ZONED_END_IO = "xfs_zoned_end_io",
    XFS_ZONED_MAP_BLOCKS = "xfs_zoned_map_blocks",
}
