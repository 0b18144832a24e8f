//! Allocation, truncation, fallocate, reflinks: what a file system does of its own.

use super::{
    ALL, EVERY, FROM_6_6, FROM_6_12, GFS2, NEWEST, Row, TO_6_2, TO_6_6, TO_6_12, XFS, flag, number, row, text,
};
use crate::words::kernel_version::KernelVersion::{V6_1, V6_1Y, V6_2, V6_6, V6_12, V7_3};

pub(super) const ROWS: &[Row] = &[
    row(
        "allocate",
        &["xfs"],
        &[text(
            "delalloc",
            ALL,
            "xfs_bmapi_reserve_delalloc; a file with an extent size hint gets unwritten blocks",
        )],
    ),
    row("allocate", &["xfs-zoned"], &[text("out-of-place", NEWEST, "xfs_zoned_buffered_write_iomap_begin")]),
    row("allocate", GFS2, &[text("written", ALL, "__gfs2_iomap_alloc (fs/gfs2/bmap.c)")]),
    row("allocate", &["zonefs"], &[text("static", ALL, "zonefs_write_iomap_begin: a zone is one extent")]),
    row(
        "read_takes_i_rwsem",
        &["xfs", "xfs-zoned", "zonefs"],
        &[flag(true, ALL, "xfs_file_buffered_read, zonefs_file_read_iter: shared")],
    ),
    row(
        "read_takes_i_rwsem",
        GFS2,
        &[flag(
            false,
            ALL,
            "gfs2_file_read_iter: what is cached is read without any lock, the rest under the glock",
        )],
    ),
    row(
        "seek_takes_i_rwsem",
        &["xfs", "xfs-zoned", "zonefs"],
        &[flag(false, ALL, "xfs_file_llseek takes no lock; zonefs has no SEEK_DATA of its own")],
    ),
    row(
        "seek_takes_i_rwsem",
        GFS2,
        &[flag(true, ALL, "gfs2_seek_data, gfs2_seek_hole: shared, and the glock, shared (fs/gfs2/inode.c)")],
    ),
    row(
        "seek_map",
        XFS,
        &[
            text(
                "cow-untrimmed",
                TO_6_6,
                "xfs_seek_iomap_begin (6.1.192) gives the end of a COW extent to xfs_trim_extent, which takes a length",
            ),
            text(
                "cow",
                FROM_6_12,
                "xfs_seek_iomap_begin (6.12, 7.3) gives it the length (\"xfs: fix SEEK_HOLE/DATA for regions with active COW extents\", February 2024)",
            ),
        ],
    ),
    row(
        "seek_map",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "cow",
            ALL,
            "there is no COW fork; gfs2_iomap_begin as for a read. zonefs: generic_file_llseek_size, all is data",
        )],
    ),
    row("glock", &["xfs", "xfs-zoned", "zonefs"], &[flag(false, ALL, "there is none")]),
    row(
        "glock",
        GFS2,
        &[flag(
            true,
            ALL,
            "gfs2_file_buffered_write: exclusive around iomap_file_buffered_write; faults and uncached reads take it shared",
        )],
    ),
    row(
        "clone_lock",
        &["xfs"],
        &[
            text("exclusive", &[V6_1, V6_2, V6_6], "xfs_reflink_remap_prep keeps the locks of both files"),
            text(
                "demoted",
                &[V6_1Y, V6_12, V7_3],
                "14a537983b22 (6.7; in the stable series of 6.1, too): IREMAPPING, xfs_ilock_demote",
            ),
        ],
    ),
    row(
        "insert_flush",
        XFS,
        &[
            flag(false, TO_6_12, "xfs_insert_file_space (6.1.192, 6.12.118) grows the file first"),
            flag(
                true,
                NEWEST,
                "xfs_falloc_insert_range writes the folio of end of file back before (\"xfs: flush eof folio before insert range size update\")",
            ),
        ],
    ),
    row("insert_flush", GFS2, &[flag(false, ALL, "no insertion: gfs2 has no such mode of fallocate")]),
    row("insert_flush", &["zonefs"], &[flag(false, ALL, "no fallocate")]),
    row(
        "map_pages_lock",
        XFS,
        &[
            flag(
                true,
                TO_6_2,
                "xfs_filemap_map_pages (fs/xfs/xfs_file.c, 6.1.192) takes XFS_MMAPLOCK_SHARED; do_read_fault calls it first, also for the page that was asked for. Of 6.1.0 and 6.2 no source was read for this: the wrapper is of June 2020, and went in April 2023",
            ),
            flag(
                false,
                FROM_6_6,
                "filemap_map_pages itself (6.12.118, 7.3.4); \"xfs: remove xfs_filemap_map_pages() wrapper\" is in \"MM updates for 6.4-rc1\"",
            ),
        ],
    ),
    row("map_pages_lock", GFS2, &[flag(false, ALL, "gfs2_vm_ops has filemap_map_pages itself")]),
    row(
        "map_pages_lock",
        &["zonefs"],
        &[flag(false, ALL, "zonefs_file_vm_ops has filemap_map_pages itself")],
    ),
    row(
        "default_cowextsize",
        &["xfs"],
        &[number(32, ALL, "XFS_DEFAULT_COWEXTSZ_HINT, xfs_get_cowextsz_hint (fs/xfs)")],
    ),
    row(
        "default_cowextsize",
        &["xfs-zoned", "gfs2", "gfs2-jdata", "zonefs"],
        &[number(1, ALL, "no block is shared")],
    ),
    row("clone_lock", &["gfs2", "gfs2-jdata", "zonefs"], &[text("absent", ALL, "no ->remap_file_range")]),
    row(
        "clone_lock",
        &["xfs-zoned"],
        &[text("absent", NEWEST, "xfs_fs_fill_super refuses reflinks with a zoned device")],
    ),
    row(
        "truncate_flush",
        &["xfs"],
        &[
            text(
                "before",
                TO_6_6,
                "xfs_setattr_size writes the page of the new size back, then xfs_truncate_page (so in 6.11, too)",
            ),
            text(
                "none",
                FROM_6_12,
                "gone: iomap_zero_range cares for dirty page cache, as `zero_range` says",
            ),
        ],
    ),
    row(
        "truncate_flush",
        GFS2,
        &[text("none", ALL, "trunc_start zeroes the rest of the block and writes nothing back")],
    ),
    row(
        "truncate_flush",
        &["xfs-zoned"],
        &[text("none", NEWEST, "iomap_zero_range cares for dirty page cache")],
    ),
    row(
        "truncate_flush",
        &["zonefs"],
        &[text("none", ALL, "a conventional zone's file cannot be truncated")],
    ),
    row(
        "size_flush",
        XFS,
        &[text(
            "after-size",
            ALL,
            "xfs_setattr_size (7.3: xfs_vn_setattr_size): truncate_setsize, then filemap_write_and_wait_range from i_disk_size to the new size if did_zeroing, or if the new size is beyond i_disk_size and the old one is not that. fallocate sets the size in the same way",
        )],
    ),
    row("size_flush", GFS2, &[text("none", ALL, "gfs2_setattr_size and gfs2_fallocate write nothing back")]),
    row("size_flush", &["zonefs"], &[text("none", ALL, "a conventional zone's file has one size")]),
    row(
        "old_size",
        XFS,
        &[text(
            "before-wait",
            ALL,
            "xfs_setattr_size (7.3: xfs_vn_setattr_size): oldsize is inode->i_size before inode_dio_wait, and not read again",
        )],
    ),
    row(
        "old_size",
        GFS2,
        &[text("after-wait", ALL, "gfs2_setattr_size waits first; do_grow and do_shrink look then")],
    ),
    row(
        "old_size",
        &["zonefs"],
        &[text("after-wait", ALL, "a conventional zone's file cannot be truncated")],
    ),
    row(
        "truncate_dio_wait",
        EVERY,
        &[text(
            "always",
            ALL,
            "inode_dio_wait in xfs_setattr_size (7.3: xfs_vn_setattr_size) and gfs2_setattr_size, before it is asked which way. A conventional zone's file cannot be truncated",
        )],
    ),
    row(
        "clone_unmap",
        XFS,
        &[text(
            "from-eof",
            ALL,
            "xfs_reflink_remap_prep: where the range begins behind end of file, xfs_flush_unmap_range from there on",
        )],
    ),
    row("clone_unmap", GFS2, &[text("from-eof", ALL, "no clones")]),
    row("clone_unmap", &["zonefs"], &[text("from-eof", ALL, "no clones")]),
    row(
        "delalloc_alloc",
        XFS,
        &[
            text(
                "whole",
                TO_6_6,
                "xfs_bmapi_allocate (6.1.192): where the extent was delayed, its length and its start",
            ),
            text(
                "wanted",
                FROM_6_12,
                "xfs_bmapi_write (6.12.118, 7.3.4): the length is cut to what is asked for; xfs_bmapi_convert_one_delalloc takes all of it",
            ),
        ],
    ),
    row("delalloc_alloc", GFS2, &[text("whole", ALL, "nothing is delayed")]),
    row("delalloc_alloc", &["zonefs"], &[text("whole", ALL, "nothing is delayed")]),
    row(
        "unshare_cancels",
        XFS,
        &[
            text(
                "always",
                TO_6_6,
                "xfs_reflink_unshare (6.1.192): xfs_reflink_clear_inode_flag cancels all of the COW fork if no block of the data fork is shared",
            ),
            text(
                "if-idle",
                FROM_6_12,
                "xfs_reflink_clear_inode_flag: not with xfs_can_free_cowblocks false (4390f019ad78), which I_DIRTY_PAGES makes it until the flusher has written the inode",
            ),
        ],
    ),
    row("unshare_cancels", GFS2, &[text("none", ALL, "no unsharing")]),
    row("unshare_cancels", &["zonefs"], &[text("none", ALL, "no fallocate")]),
    row(
        "invalidate_lock",
        &["xfs", "xfs-zoned", "zonefs"],
        &[flag(true, ALL, "xfs_file_fallocate, xfs_vn_setattr (730633f0b7f9); zonefs_file_truncate")],
    ),
    row(
        "invalidate_lock",
        GFS2,
        &[flag(false, ALL, "gfs2 never takes it; the glock keeps faults and uncached reads out")],
    ),
    row(
        "mkwrite_unlock",
        GFS2,
        &[text(
            "before-dirty",
            ALL,
            "gfs2_page_mkwrite (fs/gfs2/file.c): gfs2_glock_dq, then set_page_dirty (6.6: folio_mark_dirty), with the folio locked",
        )],
    ),
    row(
        "mkwrite_unlock",
        &["xfs", "xfs-zoned", "zonefs"],
        &[text(
            "after-dirty",
            ALL,
            "__xfs_filemap_fault (7.3: __xfs_write_fault), zonefs_filemap_page_mkwrite: invalidate_lock around iomap_page_mkwrite, which marks the folio dirty",
        )],
    ),
    row(
        "flush_unmap",
        EVERY,
        &[text(
            "write-and-drop",
            ALL,
            "xfs_flush_unmap_range (6.12: in xfs_free_file_space; exchange: xfs_exchrange_prep); __gfs2_punch_hole writes back and drops the range",
        )],
    ),
    row(
        "srcmap",
        EVERY,
        &[text(
            "unaligned",
            ALL,
            "out of place: xfs_zoned_buffered_write_iomap_begin by the ends of the rest of the request, always for zeroing. In place nobody asks",
        )],
    ),
    row(
        "exchange",
        XFS,
        &[
            text("absent", TO_6_6, "no XFS_IOC_EXCHANGE_RANGE (it is in 6.11, not in 6.8)"),
            text(
                "together",
                FROM_6_12,
                "xfs_exchrange_mappings (fs/xfs/xfs_exchrange.c): both ILOCKs over the whole chain of transactions. On zoned XFS it is not modelled",
            ),
        ],
    ),
    row(
        "freed",
        GFS2,
        &[text(
            "with-the-log",
            ALL,
            "rgblk_free (fs/gfs2/rgrp.c) frees a block in the bitmap and leaves it taken in the clone, from which gfs2_rbm_find allocates; maybe_release_space (lops.c) copies the bitmap there when the log has been flushed",
        )],
    ),
    row(
        "freed",
        &["xfs", "xfs-zoned", "zonefs"],
        &[text(
            "at-once",
            ALL,
            "xfs_extent_busy (fs/xfs/xfs_extent_busy.c) keeps a freed block from others until the transaction is on disk, which is modelled where a crash is judged; zonefs frees nothing",
        )],
    ),
    row(
        "fsync_log",
        GFS2,
        &[text(
            "if-dirty",
            ALL,
            "gfs2_fsync (fs/gfs2/file.c) looks at i_state first: I_DIRTY but for I_DIRTY_PAGES, and for datasync but for I_DIRTY_SYNC; without it no sync_inode_metadata, and no flush of the device. With journalled data dirty pages count, too",
        )],
    ),
    row(
        "fsync_log",
        &["xfs", "xfs-zoned", "zonefs"],
        &[text(
            "always",
            ALL,
            "xfs_file_fsync: xfs_fsync_flush_log if the inode is pinned, and blkdev_issue_flush if that flushed nothing; zonefs_file_fsync: blkdev_issue_flush",
        )],
    ),
    row(
        "sync_fs",
        XFS,
        &[text(
            "log",
            ALL,
            "xfs_fs_sync_fs (fs/xfs/xfs_super.c): xfs_log_force (fs/xfs/xfs_log.c), which writes nothing where neither the CIL nor an iclog has anything; an iclog that is written carries REQ_PREFLUSH (xlog_cil_push_work, xlog_write_iclog). sync_filesystem and ksys_sync (fs/sync.c) flush no device themselves",
        )],
    ),
    row(
        "sync_fs",
        GFS2,
        &[text(
            "flush",
            ALL,
            "gfs2_sync_fs (fs/gfs2/super.c): gfs2_log_flush, whose header goes out with REQ_PREFLUSH; that it writes none where nothing is new is not modelled",
        )],
    ),
    row(
        "sync_fs",
        &["zonefs"],
        &[text(
            "none",
            ALL,
            "zonefs_sops (fs/zonefs/super.c) has no ->sync_fs, and fs/sync.c flushes no device",
        )],
    ),
    row(
        "relocate",
        &["xfs-zoned"],
        &[text(
            "locks-cycled",
            NEWEST,
            "xfs_zone_gc_finish_chunk (fs/xfs/xfs_zone_gc.c): XFS_IOLOCK_EXCL and XFS_MMAPLOCK_EXCL, xfs_break_layouts, inode_dio_wait, both unlocked; then xfs_zoned_end_io",
        )],
    ),
    row(
        "relocate",
        &["xfs", "gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "absent",
            ALL,
            "no thread moves blocks of a file; what a program of its own does by XFS_IOC_EXCHANGE_RANGE is `exchange`",
        )],
    ),
    row(
        "relocate_recheck",
        EVERY,
        &[text(
            "address",
            ALL,
            "xfs_zoned_map_extent (fs/xfs/xfs_zone_alloc.c, 7.3): old_startblock against the data fork's br_startblock. Elsewhere nothing is moved, and nobody asks",
        )],
    ),
    row("exchange", &["gfs2", "gfs2-jdata", "zonefs"], &[text("absent", ALL, "XFS alone has it")]),
    row(
        "jdata_flip",
        GFS2,
        &[
            text(
                "keep",
                &[V6_1, V6_2, V6_6],
                "do_gfs2_set_flags writes the page cache back and leaves it (before 7c9d9223802f)",
            ),
            text(
                "truncate",
                &[V6_1Y, V6_12, V7_3],
                "7c9d9223802f (6.14; in 6.1.192 and 6.12.118, too): truncate_inode_pages, under i_rwsem and the glock",
            ),
        ],
    ),
    row(
        "jdata_flip",
        &["xfs", "xfs-zoned", "zonefs"],
        &[text("truncate", ALL, "there is no such flag: the command is refused")],
    ),
    row(
        "valid_size",
        EVERY,
        &[flag(
            false,
            ALL,
            "none of these has one: exFAT (fs/exfat) and NTFS (fs/ntfs3) have, which no kernel here is about",
        )],
    ),
    row(
        "valid_read",
        EVERY,
        &[text(
            "zeros",
            ALL,
            "of no use without a valid size. exfat_get_block, ntfs_get_block_vbo (6.12), __exfat_iomap_begin, ntfs_iomap_begin (7.3): not mapped, or IOMAP_UNWRITTEN",
        )],
    ),
    row(
        "valid_write",
        EVERY,
        &[text(
            "zeros",
            ALL,
            "of no use without a valid size. 6.12: the buffers of exfat_get_block and ntfs_get_block_vbo are new behind it. 7.3: exFAT `zero-tail`, ntfs3 `device`",
        )],
    ),
    row(
        "valid_moved",
        EVERY,
        &[text(
            "iomap-end",
            ALL,
            "of no use without a valid size. exfat_write_iomap_end, ntfs_iomap_end (7.3); in 6.12 exfat_get_block and ntfs_get_block_vbo: `get-block`",
        )],
    ),
    row(
        "mkwrite_valid",
        EVERY,
        &[text("zeroed", ALL, "of no use without a valid size. exfat_page_mkwrite (6.12, 7.3)")],
    ),
    row(
        "truncate_zero_block",
        EVERY,
        &[text(
            "written",
            ALL,
            "of no use without a valid size. In 6.12 so; exFAT and ntfs3 in 7.3: `cache`",
        )],
    ),
];
