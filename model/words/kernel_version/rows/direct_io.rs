//! Direct I/O.

use super::{ALL, EVERY, FROM_6_12, GFS2, NEWEST, Row, TO_6_6, TO_6_12, XFS, flag, row, text};
use crate::words::kernel_version::KernelVersion::{V6_1, V6_1Y, V6_2, V6_6, V6_12, V7_3};

pub(super) const ROWS: &[Row] = &[
    row(
        "dio_unaligned",
        EVERY,
        &[text(
            "overwrite-only",
            ALL,
            "xfs_file_dio_write_unaligned: IOMAP_DIO_OVERWRITE_ONLY under i_rwsem shared, exclusive if that does not do. gfs2 holds i_rwsem exclusively; zonefs refuses; zoned XFS writes through the page cache",
        )],
    ),
    row(
        "dio_drain",
        EVERY,
        &[text(
            "before-and-after",
            ALL,
            "inode_dio_wait before the exclusive submission, IOMAP_DIO_FORCE_WAIT for its own",
        )],
    ),
    row(
        "dio_eof_drain",
        EVERY,
        &[flag(
            true,
            ALL,
            "xfs_file_write_checks (6.12: xfs_file_write_zero_eof) waits for direct I/O in flight, then looks again (40c63fbc55a9). gfs2 writes what grows the file through the page cache",
        )],
    ),
    row(
        "dio_wait",
        EVERY,
        &[text(
            "locked",
            ALL,
            "inode_dio_wait in xfs_setattr_size, xfs_file_fallocate, generic_remap_file_range_prep and (6.12, 7.3) xfs_exchange_range_prep, behind i_rwsem and invalidate_lock; gfs2_setattr_size, and for fallocate inode_go_held when the glock is granted",
        )],
    ),
    row(
        "dio_cached",
        EVERY,
        &[text(
            "locked",
            ALL,
            "__iomap_dio_rw writes back and drops the range with the caller's i_rwsem held (6.6: kiocb_invalidate_pages)",
        )],
    ),
    row(
        "dio_invalidate",
        &["xfs", "gfs2", "gfs2-jdata", "zonefs"],
        &[
            text(
                "after-end-io",
                TO_6_12,
                "iomap_dio_complete: ->end_io, then the invalidation, then inode_dio_end",
            ),
            text(
                "if-cached",
                NEWEST,
                "iomap_dio_done: an asynchronous write that had nothing to convert does not invalidate if nothing is cached when its last I/O is complete (not in 6.13, so in 6.18). A synchronous one always does: the model makes no difference",
            ),
        ],
    ),
    row(
        "dio_invalidate",
        &["xfs-zoned"],
        &[text(
            "if-cached",
            NEWEST,
            "__iomap_dio_bio_end_io: the completion runs in a worker; with nothing cached then, nothing is invalidated",
        )],
    ),
    row(
        "dio_size",
        EVERY,
        &[text(
            "after-conversion",
            ALL,
            "xfs_iomap_write_unwritten raises i_size with the first extent that it converts, to the end of the write; xfs_dio_write_end_io without a conversion",
        )],
    ),
    row(
        "dio_isize",
        &["xfs", "xfs-zoned"],
        &[text(
            "i_flags_lock",
            ALL,
            "xfs_dio_write_end_io (7.3: xfs_dio_endio_set_isize) under i_flags_lock; xfs_iomap_write_unwritten under the ILOCK",
        )],
    ),
    row(
        "dio_isize",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[text("i_flags_lock", ALL, "a direct write does not grow the file, or alone")],
    ),
    row(
        "dio_busy",
        &["xfs", "xfs-zoned", "gfs2", "gfs2-jdata"],
        &[text(
            "fall-back",
            ALL,
            "-ENOTBLK of __iomap_dio_rw: xfs_file_write_iter and gfs2_file_write_iter go on through the page cache",
        )],
    ),
    row(
        "dio_busy",
        &["zonefs"],
        &[
            text(
                "fall-back",
                &[V6_1, V6_2],
                "zonefs_file_write_iter calls zonefs_file_buffered_write after -ENOTBLK",
            ),
            text(
                "refuse",
                &[V6_1Y, V6_6, V6_12, V7_3],
                "zonefs_file_dio_write makes -EBUSY of -ENOTBLK (77af13ba3c7f, 6.3, and the stable series of 6.1 and 6.2)",
            ),
        ],
    ),
    row(
        "dio_ack",
        EVERY,
        &[text(
            "after-completion",
            ALL,
            "iomap_dio_complete returns, then ->ki_complete, for an asynchronous write",
        )],
    ),
    row(
        "dio_stable",
        XFS,
        &[
            text(
                "none",
                TO_6_12,
                "__iomap_dio_rw: bio_iov_iter_get_pages, whatever the device needs (6.1.192, 6.12.118)",
            ),
            text(
                "bounce",
                NEWEST,
                "xfs_file_dio_write_aligned, xfs_file_dio_write_unaligned: IOMAP_DIO_BOUNCE where mapping_stable_writes (3373503df025); iomap_dio_bio_iter_one copies (c9d114846b38)",
            ),
        ],
    ),
    row(
        "dio_stable",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "none",
            ALL,
            "nobody but XFS and btrfs asks for IOMAP_DIO_BOUNCE (7.3.4); there is no direct I/O with journalled data",
        )],
    ),
    row(
        "cow_recheck",
        EVERY,
        &[
            text(
                "cow-and-shared",
                &[V6_1, V6_2, V6_6],
                "xfs_reflink_fill_cow_hole, xfs_reflink_fill_delalloc: after the transaction xfs_find_trim_cow_extent, with the data fork's extent from before it (still so in 6.19). The others copy nothing for direct writes",
            ),
            text(
                "data-cow-and-shared",
                &[V6_1Y, V6_12, V7_3],
                "the same functions read the data fork again if its if_seq has moved (seq_before; 6.1.192 and 6.12.117 have it)",
            ),
        ],
    ),
    row(
        "cow_fill",
        EVERY,
        &[text(
            "until-covered",
            ALL,
            "xfs_reflink_fill_delalloc allocates until the block of the write is covered (d62113303d69; 6.1.192, 6.12.118, 7.3.4). The others copy nothing for direct writes",
        )],
    ),
    row(
        "dio_lock",
        XFS,
        &[text(
            "shared",
            ALL,
            "xfs_file_dio_write_aligned: i_rwsem shared (zoned: xfs_file_dio_write_zoned)",
        )],
    ),
    row(
        "dio_lock",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "exclusive",
            ALL,
            "inode_lock in gfs2_file_write_iter, zonefs_file_dio_write; there is no direct I/O with journalled data",
        )],
    ),
    row(
        "write_dio_wait",
        EVERY,
        &[text(
            "beyond-eof",
            ALL,
            "xfs_file_write_checks, before it zeroes; gfs2 when the glock is granted (inode_go_held), zonefs_file_buffered_write not at all",
        )],
    ),
    row(
        "dio_times",
        &["xfs", "xfs-zoned", "zonefs"],
        &[flag(
            true,
            ALL,
            "kiocb_modified in xfs_file_write_checks; zonefs_file_dio_write does not, and its fsync flushes the device in any case",
        )],
    ),
    row(
        "dio_times",
        GFS2,
        &[
            flag(
                true,
                TO_6_6,
                "gfs2_file_write_iter calls file_update_time before it asks for IOCB_DIRECT; 6.2 and 6.6 are taken to be as 6.1",
            ),
            flag(
                false,
                FROM_6_12,
                "gfs2_file_write_iter calls file_update_time for buffered writes alone: \"under direct I/O, we don't allow and inode timestamp updates\"",
            ),
        ],
    ),
];
