//! Writeback, its completion, and reclaim.

use super::{
    ALL, EVERY, FROM_6_6, FROM_6_12, NEWEST, Row, TO_6_2, TO_6_6, TO_6_12, XFS, flag, number, row, text,
};
use crate::words::kernel_version::KernelVersion::{V6_1, V6_1Y, V6_2, V6_6, V6_12, V7_3};

pub(super) const ROWS: &[Row] = &[
    row(
        "reclaim_writeback",
        EVERY,
        &[text("skip", ALL, "shrink_folio_list (mm/vmscan.c) leaves a folio under writeback")],
    ),
    row(
        "reclaim_dirty",
        EVERY,
        &[text(
            "frozen",
            ALL,
            "__remove_mapping (mm/vmscan.c) freezes the reference count, then looks at the dirty flag",
        )],
    ),
    row(
        "ioend_merge",
        EVERY,
        &[text(
            "same-type",
            ALL,
            "iomap_can_add_to_ioend, iomap_ioend_can_merge compare SHARED and UNWRITTEN (effd120edb76; 7.3: fs/iomap/ioend.c)",
        )],
    ),
    row(
        "ioend_size",
        EVERY,
        &[
            text(
                "block",
                TO_6_6,
                "iomap_add_to_ioend adds whole blocks; xfs_setfilesize clips to i_size at completion",
            ),
            text(
                "submitted",
                FROM_6_12,
                "iomap_add_to_ioend clips to the end of file that iomap_writepage_handle_eof read (51d20d1dacbe, 6.13; 6.12.117 has it)",
            ),
        ],
    ),
    row(
        "ioend_record",
        EVERY,
        &[text(
            "written",
            ALL,
            "iomap_add_to_ioend (7.3: fs/iomap/ioend.c) adds to io_size what it adds to the bio; what lies behind end of file is left out of both (iomap_writepage_handle_eof)",
        )],
    ),
    row(
        "writeback_batch",
        EVERY,
        &[
            number(
                15,
                TO_6_6,
                "write_cache_pages (mm/page-writeback.c), PAGEVEC_SIZE 15; gfs2 with journalled data does the same in batches of its own, which is left out",
            ),
            number(31, FROM_6_12, "writeback_iter, PAGEVEC_SIZE 31 (so in 6.11; 7.3: FOLIO_BATCH_SIZE)"),
        ],
    ),
    row(
        "towrite",
        EVERY,
        &[text(
            "until-clean",
            ALL,
            "write_cache_pages, in 6.12 and 7.3 writeback_iter, calls tag_pages_for_writeback for WB_SYNC_ALL and looks up by PAGECACHE_TAG_TOWRITE; __folio_start_writeback clears it, when folio_clear_dirty_for_io is done with all of the folio. gfs2 with journalled data does so in a loop of its own (gfs2_write_cache_jdata), where that is left out",
        )],
    ),
    row(
        "map_lookup",
        EVERY,
        &[text(
            "one-section",
            ALL,
            "xfs_map_blocks (fs/xfs/xfs_aops.c) looks up the COW fork and the data fork under one XFS_ILOCK_SHARED. The others have one fork",
        )],
    ),
    row(
        "convert_recheck",
        EVERY,
        &[text(
            "retry",
            ALL,
            "xfs_map_blocks goes back to its look-up if xfs_bmapi_convert_delalloc finds nothing in the COW fork, once; what is real by then is taken (fs/xfs/libxfs/xfs_bmap.c). The others delay nothing",
        )],
    ),
    row(
        "alloc_recheck",
        EVERY,
        &[text(
            "data-fork",
            ALL,
            "xfs_alloc_file_space calls xfs_bmapi_write for the first extent of what is left, with the ILOCK held for that one transaction. gfs2 holds the glock over all, zonefs allocates nothing",
        )],
    ),
    row(
        "end_cow",
        EVERY,
        &[
            text(
                "whole-extent",
                &[V6_1, V6_2, V6_6],
                "xfs_reflink_end_cow_extent moves all of the written extent of the COW fork that it finds. The others have no such fork, or move what was written",
            ),
            text(
                "io-range",
                &[V6_1Y, V6_12, V7_3],
                "xfs_reflink_end_cow_extent trims the extent to the range of the I/O (xfs_trim_extent of del; 6.7.3 and 6.1.192 have it)",
            ),
        ],
    ),
    row(
        "unmap_cow",
        EVERY,
        &[text(
            "kept",
            ALL,
            "xfs_unmap_extent and xfs_reflink_remap_extent change the data fork alone (6.1.192, 6.12.118, 7.3.4); xfs_itruncate_extents_flags and xfs_prepare_shift cancel copies, after a punch in its own section. The others have no such fork",
        )],
    ),
    row(
        "cow_hole",
        EVERY,
        &[
            text(
                "data-fork",
                TO_6_6,
                "found_cow of xfs_buffered_write_iomap_begin: over a hole no IOMAP_F_SHARED, and xfs_iomap_inode_sequence without it",
            ),
            text(
                "both-forks",
                FROM_6_12,
                "found_cow marks every mapping as SHARED and samples its cookie after that (6.12; the change that also makes reservations of the COW fork NEW)",
            ),
        ],
    ),
    row(
        "writeback_bit",
        EVERY,
        &[
            text(
                "after-mapping",
                TO_6_6,
                "iomap_writepage_map: all blocks, then folio_start_writeback and folio_unlock (so in 6.8.8, too). With journalled data it is the same in all releases (__block_write_full_folio)",
            ),
            text(
                "before-mapping",
                FROM_6_12,
                "iomap_writepage_map (so in 6.11.0; 7.3: iomap_writeback_folio): folio_start_writeback before the first block, with a count in write_bytes_pending that is given back after the last",
            ),
        ],
    ),
    row(
        "writeback_submit",
        EVERY,
        &[
            text(
                "unlocked",
                TO_6_6,
                "iomap_add_to_ioend puts a full ioend on a list, which iomap_writepage_map submits when the folio is unlocked",
            ),
            text(
                "at-once",
                FROM_6_12,
                "iomap_add_to_ioend submits it before it makes the next one (6.12: iomap_submit_ioend; 7.3: ->writeback_submit)",
            ),
        ],
    ),
    row(
        "end_writeback",
        EVERY,
        &[text(
            "last-io",
            ALL,
            "iomap_finish_folio_write: when the bytes that are pending are none. 7.3 may clear the bit with the folio still locked, which is left out",
        )],
    ),
    row(
        "partial_clear",
        EVERY,
        &[
            text(
                "none",
                TO_6_12,
                "iomap_invalidate_folio does nothing for a part of a folio; up to 6.2 there are no dirty bits of blocks",
            ),
            text(
                "inward",
                NEWEST,
                "iomap_invalidate_folio (7.3; not in 6.19) clears those of the blocks that the part covers as a whole; an entry of the page that allows stores stays, and who takes it away sets them all (folio_mark_dirty, iomap_dirty_folio)",
            ),
        ],
    ),
    row(
        "partial_unmap",
        EVERY,
        &[
            text(
                "pages",
                &[V6_1, V6_2, V6_6],
                "truncate_inode_partial_folio splits or drops what is clean, and leaves what is dirty mapped; here nothing is split",
            ),
            text(
                "folio",
                &[V6_1Y, V6_12, V7_3],
                "try_folio_split_or_unmap (6.1.192, 6.12.118), folio_split_or_unmap (7.3.4): who cannot be split is unmapped, so that a fault beyond i_size is met",
            ),
        ],
    ),
    row(
        "fill_map",
        EVERY,
        &[text(
            "folio-locked",
            ALL,
            "iomap_readahead and iomap_read_folio map with the folio inserted and locked",
        )],
    ),
    row(
        "fill_lock",
        EVERY,
        &[text(
            "submitted",
            ALL,
            "page_cache_ra_unbounded, page_cache_ra_order: what is missing is read by readahead, which lets invalidate_lock go when it has submitted the I/O. MADV_RANDOM and a folio without readahead (filemap_create_folio) keep it",
        )],
    ),
    row(
        "read_end",
        EVERY,
        &[text(
            "last-piece",
            ALL,
            "iomap_finish_folio_read: when no bytes are pending (read_bytes_pending). 7.3 counts all of the folio as pending until iomap_read_end, so that what is zeroed in between does not make it uptodate",
        )],
    ),
    row(
        "block_dirty",
        EVERY,
        &[
            flag(false, TO_6_2, "iomap_writepage_map goes by the uptodate bits"),
            flag(
                true,
                FROM_6_6,
                "the dirty bits of iomap_folio_state (6.6); gfs2 with journalled data has those of its buffers",
            ),
        ],
    ),
    row(
        "completion",
        XFS,
        &[text(
            "convert-then-clear",
            ALL,
            "xfs_end_ioend (7.3: xfs_end_ioend_write; zoned: xfs_zoned_end_io) before iomap_finish_ioends",
        )],
    ),
    row(
        "completion",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "clear",
            ALL,
            "nothing is converted: iomap_writepage_end_bio; buffer heads with journalled data",
        )],
    ),
    row(
        "size_log",
        EVERY,
        &[text(
            "completion",
            ALL,
            "xfs_setfilesize at completion. gfs2 logs the size with the write, which the model has in its log (model/fs/gfs2_log.rs); that of zonefs is fixed",
        )],
    ),
    row(
        "error_cleanup",
        EVERY,
        &[text(
            "cow-and-delalloc",
            ALL,
            "xfs_end_ioend cancels the copies and punches what is delayed under them (5ca5916b6bc9). Zoned XFS has nothing to give back (`zoned_write_error`), and neither have gfs2 and zonefs",
        )],
    ),
    row(
        "zoned_write_error",
        &["xfs-zoned"],
        &[text(
            "shutdown",
            NEWEST,
            "xfs_end_ioend_write (fs/xfs/xfs_ioend.c): xfs_force_shutdown(SHUTDOWN_META_IO_ERROR) if the I/O of a zoned inode failed (f4f28ffe0924; 7.3.4)",
        )],
    ),
    row(
        "zoned_write_error",
        &["xfs", "gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "go-on",
            ALL,
            "the error is kept in the mapping; nothing shuts down for it. Nobody asks where blocks are written in place",
        )],
    ),
    row(
        "bump_convert",
        EVERY,
        &[text(
            "inside",
            ALL,
            "xfs_iext_inc_seq stands before the change of the records, both in one ILOCK section; `early` has it as an operation of its own",
        )],
    ),
    row(
        "bump_allocate",
        EVERY,
        &[flag(
            true,
            ALL,
            "xfs_bmap_add_extent_delay_real changes records; zoned: xfs_zoned_map_blocks takes the reservation out of the COW fork. gfs2 and zonefs count nothing",
        )],
    ),
    row(
        "bump_lookup",
        EVERY,
        &[flag(
            false,
            ALL,
            "a look-up changes no record; reading the extents from disk counts once, before any of them is used",
        )],
    ),
    row(
        "counter",
        XFS,
        &[flag(
            true,
            ALL,
            "if_seq (fs/xfs/libxfs/xfs_inode_fork.h); in 6.1 writeback alone looks at it, as `check` says",
        )],
    ),
    row(
        "counter",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[flag(false, ALL, "extents are not counted, and there is no ->iomap_valid")],
    ),
];
