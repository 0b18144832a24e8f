//! When a cached mapping is validated, and what follows from it.

use super::{
    ALL, EVERY, FROM_6_1Y, FROM_6_6, FROM_6_12, NEWEST, Row, TO_6_2, TO_6_6, TO_6_12, flag, row, text,
};
use crate::words::kernel_version::KernelVersion::V6_1;

pub(super) const ROWS: &[Row] = &[
    row(
        "check",
        EVERY,
        &[
            text(
                "none",
                &[V6_1],
                "iomap_write_begin (fs/iomap/buffered-io.c) goes from the look-up of the folio to its preparation; mappings have no cookie",
            ),
            text(
                "after-lock",
                FROM_6_1Y,
                "d7b64041164c (6.2; in the stable series of 6.1, too): iomap_write_begin calls ->iomap_valid with the folio locked; in 7.3 the method is the caller's (write_ops). Only XFS has one",
            ),
        ],
    ),
    row(
        "compare",
        EVERY,
        &[text(
            "counter",
            ALL,
            "xfs_iomap_inode_sequence (fs/xfs/xfs_iomap.c): if_seq of the data fork, and that of the COW fork for a SHARED mapping. A mapping of a hole has no method up to 6.12, and is valid by itself in 7.3: the model compares holes, too. In 6.1 nobody asks",
        )],
    ),
    row(
        "cookie",
        EVERY,
        &[text(
            "fork",
            ALL,
            "xfs_iext_inc_seq (fs/xfs/libxfs/xfs_iext_tree.c) counts every change of the records of a fork",
        )],
    ),
    row(
        "cookie_size",
        EVERY,
        &[flag(
            false,
            ALL,
            "xfs_iomap_inode_sequence has the counters alone; i_size is read anew wherever it counts (iomap_block_needs_zeroing, iomap_writepage_handle_eof)",
        )],
    ),
    row(
        "cookie_new",
        EVERY,
        &[flag(false, ALL, "xfs_iomap_inode_sequence: nobody counts what is dirtied in the page cache")],
    ),
    row(
        "on_stale",
        EVERY,
        &[text(
            "remap",
            ALL,
            "iomap_iter_advance (fs/iomap/iter.c; 7.3: iomap_iter_continue) goes on without progress when the mapping is STALE. In 6.1 none is",
        )],
    ),
    row(
        "clear_stale",
        EVERY,
        &[flag(
            true,
            ALL,
            "iomap_iter (fs/iomap/iter.c) clears both mappings before ->iomap_begin, and warns of STALE after it",
        )],
    ),
    row(
        "stale_cleanup",
        EVERY,
        &[
            text(
                "truncate-beyond-eof",
                TO_6_6,
                "out_unlock of iomap_write_begin (fs/iomap/buffered-io.c) calls iomap_write_failed, for a stale mapping, too (6.1: for a failure)",
            ),
            text(
                "none",
                FROM_6_12,
                "iomap_write_begin only puts the folio, and iomap_write_iter leaves its loop on STALE without iomap_write_failed (not so in 6.8, so in 6.11)",
            ),
        ],
    ),
    row(
        "hook_release",
        EVERY,
        &[
            text("core", TO_6_2, "iomap_write_begin unlocks and puts the folio, then calls ->page_done"),
            text(
                "put-folio",
                FROM_6_6,
                "__iomap_put_folio, in whose place a file system's ->put_folio steps (6.3)",
            ),
        ],
    ),
    row(
        "page_done",
        EVERY,
        &[
            text(
                "after-unlock",
                TO_6_2,
                "iomap_write_end: folio_unlock, pagecache_isize_extended, ->page_done, folio_put",
            ),
            text(
                "before-unlock",
                FROM_6_6,
                "gfs2_iomap_put_folio (fs/gfs2/bmap.c) adds the buffers to the transaction and unlocks the folio itself (6.3)",
            ),
        ],
    ),
    row(
        "page_done_on_stale",
        EVERY,
        &[
            text("no-folio", TO_6_2, "->page_done without a folio after iomap_write_begin has given one up"),
            text("folio", FROM_6_6, "->put_folio with the folio, and nothing copied (6.3)"),
        ],
    ),
    row(
        "folio_lookup",
        EVERY,
        &[
            text(
                "core",
                TO_6_2,
                "->page_prepare, then the core looks the folio up; without one ->page_done is called with none",
            ),
            text(
                "hook",
                FROM_6_6,
                "gfs2_iomap_get_folio begins the transaction, looks the folio up and ends the transaction itself if there is none (6.3)",
            ),
        ],
    ),
    row(
        "extended_eof",
        EVERY,
        &[
            text("before-hook", TO_6_2, "iomap_write_end: pagecache_isize_extended, then ->page_done"),
            text(
                "after-hook",
                FROM_6_6,
                "__iomap_put_folio, then pagecache_isize_extended (6.3; from 6.11 on in iomap_write_iter). 7.3 also zeroes a dirty folio from the old end of file on (mm/truncate.c), see `isize_extended`",
            ),
        ],
    ),
    row(
        "sample",
        EVERY,
        &[text(
            "inside",
            ALL,
            "xfs_buffered_write_iomap_begin, xfs_iomap_write_direct and xfs_bmapi_convert_one_delalloc sample before xfs_iunlock. In 6.1 the write path samples nothing",
        )],
    ),
    row(
        "zero_check",
        EVERY,
        &[text(
            "as-write",
            ALL,
            "iomap_zero_iter goes through iomap_write_begin (fs/iomap/buffered-io.c), which asks or does not ask for whoever calls it",
        )],
    ),
    row(
        "unshare_check",
        EVERY,
        &[text("as-write", ALL, "iomap_unshare_iter goes through iomap_write_begin as well")],
    ),
    row(
        "mkwrite_check",
        EVERY,
        &[text(
            "none",
            ALL,
            "iomap_folio_mkwrite_iter (fs/iomap/buffered-io.c) dirties what iomap_page_mkwrite has mapped with the folio locked, and does not ask",
        )],
    ),
    row(
        "read_check",
        EVERY,
        &[text(
            "none",
            ALL,
            "iomap_readpage_iter (fs/iomap/buffered-io.c; 7.3: iomap_read_folio_iter) does not ask: the folio was locked before it was mapped",
        )],
    ),
    row(
        "dio_write_check",
        EVERY,
        &[text(
            "none",
            ALL,
            "iomap_dio_bio_iter (fs/iomap/direct-io.c) pads by the mapping that it is given, and does not ask",
        )],
    ),
    row(
        "dio_read_check",
        EVERY,
        &[text("none", ALL, "iomap_dio_hole_iter (fs/iomap/direct-io.c) gives zeros, and does not ask")],
    ),
    row(
        "reflink_check",
        EVERY,
        &[text(
            "none",
            ALL,
            "xfs_reflink_remap_blocks (fs/xfs/xfs_reflink.c) drops the source's ILOCK and passes the extent on to xfs_reflink_remap_extent, which looks again at the destination's alone; the source's i_rwsem and invalidate_lock, and since 6.7 IREMAPPING, keep it",
        )],
    ),
    row(
        "writeback_check",
        &["xfs"],
        &[text(
            "range-data-cow",
            ALL,
            "xfs_imap_valid (fs/xfs/xfs_aops.c): the range; for a SHARED mapping nothing else; the data fork's counter; the COW fork's, if that fork has anything. The same from 6.1 to 7.3",
        )],
    ),
    row(
        "writeback_check",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "range",
            ALL,
            "gfs2_map_blocks, zonefs_write_map_blocks (7.3: gfs2_writeback_range, zonefs_writeback_range) look whether the position lies inside",
        )],
    ),
    row(
        "writeback_check",
        &["xfs-zoned"],
        &[text(
            "always",
            NEWEST,
            "xfs_zoned_map_blocks looks the COW fork up under the ILOCK each time, and takes the reservation out in that section",
        )],
    ),
    row(
        "writeback_each",
        EVERY,
        &[text(
            "range",
            ALL,
            "iomap_writepage_map calls ->map_blocks with the folio locked: up to 6.6 for each dirty block, in 6.12 (iomap_writepage_map_blocks) and 7.3 (iomap_writeback_range) for each dirty range. `block` would be as close up to 6.6; the folio lock keeps the ranges as they are, so that nobody can tell",
        )],
    ),
    row(
        "seek_check",
        EVERY,
        &[text(
            "none",
            ALL,
            "iomap_seek_data_iter, iomap_seek_hole_iter (fs/iomap/seek.c) ask mapping_seek_hole_data and nobody else",
        )],
    ),
    row(
        "iter_calls",
        EVERY,
        &[
            text(
                "begin-end",
                TO_6_12,
                "iomap_iter (fs/iomap/iter.c) calls ops->iomap_end, if there is one, and ops->iomap_begin",
            ),
            text(
                "next",
                NEWEST,
                "iomap_iter calls ops->iomap_next; DEFINE_IOMAP_ITER_NEXT_END (include/linux/iomap.h) makes it of both, called directly",
            ),
        ],
    ),
];
