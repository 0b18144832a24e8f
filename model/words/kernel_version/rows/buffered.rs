//! Buffered writes, write faults, zeroing and unsharing.

use super::{ALL, EVERY, FROM_6_1Y, FROM_6_12, GFS2, NEWEST, Row, TO_6_6, TO_6_12, XFS, flag, row, text};
use crate::words::kernel_version::KernelVersion::{V6_1, V6_1Y, V6_2, V6_6, V6_12, V7_3};

pub(super) const ROWS: &[Row] = &[
    row(
        "punch",
        EVERY,
        &[
            text(
                "truncate",
                &[V6_1],
                "xfs_buffered_write_iomap_end: truncate_pagecache_range over the unused blocks, then xfs_bmap_punch_delalloc_range",
            ),
            text(
                "scan",
                FROM_6_1Y,
                "iomap_write_delalloc_release (fs/iomap/buffered-io.c): walks the page cache and keeps what lies under dirty folios; from 6.6 on it punches the clean blocks of a dirty folio, too",
            ),
        ],
    ),
    row(
        "punch_lock",
        EVERY,
        &[
            text(
                "none",
                &[V6_1],
                "xfs_buffered_write_iomap_end takes none around the truncation and the punch",
            ),
            text(
                "invalidate-lock",
                FROM_6_1Y,
                "iomap_write_delalloc_release takes it; from 6.12 on xfs_buffered_write_iomap_end does",
            ),
        ],
    ),
    row(
        "punch_owner",
        EVERY,
        &[text(
            "new",
            ALL,
            "only a delayed allocation that is IOMAP_F_NEW (6.1: xfs_buffered_write_iomap_end; 6.2: iomap_file_buffered_write_punch_delalloc; 6.12: xfs_buffered_write_iomap_end)",
        )],
    ),
    row(
        "punch_rounding",
        EVERY,
        &[text(
            "keep-partial",
            ALL,
            "up past what was written; down only if nothing was (6.12: iomap_last_written_block)",
        )],
    ),
    row(
        "punch_start",
        EVERY,
        &[text(
            "down",
            ALL,
            "the scan of iomap_write_delalloc_release ends at i_size in bytes, and xfs_bmap_punch_delalloc_range rounds a start down to its block (6.1.192, 6.2, 6.6, 6.12, 7.3). 6.1.0 has no scan and is not asked",
        )],
    ),
    row(
        "zeroed_uptodate",
        EVERY,
        &[
            text(
                "at-once",
                TO_6_6,
                "__iomap_write_begin sets a block uptodate as soon as it has zeroed what the write does not cover",
            ),
            text(
                "after-copy",
                FROM_6_12,
                "__iomap_write_end sets it (7.3 and 6.12.118; not in 6.19, 6.12.117, 6.1.192): a short copy is refused. A block that was read is uptodate at once",
            ),
        ],
    ),
    row(
        "failed_cut",
        EVERY,
        &[
            text("always", TO_6_6, "iomap_write_end calls iomap_write_failed whenever a copy is short"),
            text(
                "if-nothing-counts",
                FROM_6_12,
                "iomap_write_iter calls it if the copy counted as nothing (the same in 6.11)",
            ),
        ],
    ),
    row(
        "begin_cut",
        EVERY,
        &[
            text(
                "with-folio",
                TO_6_6,
                "out_unlock of iomap_write_begin calls iomap_write_failed, with the length that fits into the folio",
            ),
            text(
                "always",
                &[V6_12],
                "iomap_write_iter calls iomap_write_failed after any error of iomap_write_begin, with all bytes that the mapping and the largest folio have",
            ),
            text(
                "none",
                NEWEST,
                "iomap_write_iter calls it with the length that iomap_write_begin has set to 0 on its way in",
            ),
        ],
    ),
    row(
        "pass_error",
        EVERY,
        &[
            text(
                "next-pass",
                TO_6_12,
                "iomap_write_iter returns what was written if it was anything, and iomap_iter_advance goes on by that",
            ),
            text(
                "ends",
                NEWEST,
                "iomap_write_iter advances the iterator and returns the error, on which iomap_iter_continue ends (a forced run of xfs/punch-eof-block has two calls of ->iomap_next)",
            ),
        ],
    ),
    row(
        "layout_reflink",
        EVERY,
        &[text(
            "before-lock",
            ALL,
            "xfs_fs_map_blocks (fs/xfs/xfs_pnfs.c; 6.1.192, 6.12.118, 7.3.4) tests xfs_is_reflink_inode and then takes the IOLOCK; others hand nothing out",
        )],
    ),
    row(
        "layout_recall",
        EVERY,
        &[text(
            "wait",
            ALL,
            "xfs_break_leased_layouts (fs/xfs/xfs_pnfs.c) in xfs_file_write_checks, xfs_file_fallocate and xfs_vn_setattr, xfs_iolock_two_inodes_and_break_layout for clones and exchanges; not in a write fault. Other file systems hand nothing out",
        )],
    ),
    row(
        "redirty_lock",
        EVERY,
        &[text(
            "i-rwsem",
            ALL,
            "nobody in fs/iomap, fs/xfs, fs/gfs2 or fs/zonefs dirties what he does not change, but for unsharing, which holds i_rwsem; so does btrfs_defrag_file (fs/btrfs/defrag.c, 6.3)",
        )],
    ),
    row(
        "stable_pages",
        EVERY,
        &[text(
            "wait",
            ALL,
            "folio_wait_stable in iomap_page_mkwrite and, for FGP_STABLE, in the look-up of a write's folio (6.1.192, 6.12.118, 7.3.4); gfs2_page_mkwrite; where the device asks for it (SB_I_STABLE_WRITES, mapping_stable_writes)",
        )],
    ),
    row(
        "source_probe",
        GFS2,
        &[flag(
            true,
            ALL,
            "gfs2_file_buffered_write: fault_in_iov_iter_readable before the glock, on every pass; with nothing readable it fails before ->iomap_begin",
        )],
    ),
    row(
        "source_probe",
        &["xfs", "xfs-zoned", "zonefs"],
        &[flag(false, ALL, "iomap_write_iter probes the source of each piece, with the mapping sampled")],
    ),
    row(
        "punch_fork",
        EVERY,
        &[
            text(
                "data",
                TO_6_6,
                "xfs_bmap_punch_delalloc_range knows the data fork alone; no reservation of the COW fork is NEW",
            ),
            text(
                "mapping",
                FROM_6_12,
                "xfs_buffered_write_delalloc_punch takes the COW fork for a SHARED mapping (not in 6.11)",
            ),
        ],
    ),
    row(
        "held_lock",
        EVERY,
        &[text(
            "known",
            ALL,
            "xfs_buffered_write_iomap_end of 6.12 asserts the lock for IOMAP_UNSHARE and IOMAP_ZERO and does not take it. Up to 6.6 the punch would take it again, but none of their mappings is NEW and delayed",
        )],
    ),
    row(
        "cow_new",
        EVERY,
        &[
            flag(false, TO_6_6, "found_cow of xfs_buffered_write_iomap_begin returns SHARED alone"),
            flag(
                true,
                FROM_6_12,
                "xfs_buffered_write_iomap_begin flags what it has reserved in either fork (not in 6.11); xfs_zoned_buffered_write_iomap_begin",
            ),
        ],
    ),
    row(
        "unshare_read",
        EVERY,
        &[text(
            "always",
            ALL,
            "__iomap_write_begin reads what is not valid for IOMAP_UNSHARE; 35d30c9cf127 kept it so when 6.6 got a short cut for covered folios",
        )],
    ),
    row(
        "mkwrite_end",
        EVERY,
        &[text(
            "none",
            ALL,
            "6.1: the end handler is told that all was used; 6.2: xfs_page_mkwrite_iomap_ops has none; 7.3: xfs_buffered_write_iomap_end returns at once for IOMAP_FAULT",
        )],
    ),
    row(
        "mkwrite_dirty_late",
        &["xfs", "xfs-zoned", "zonefs"],
        &[flag(false, ALL, "iomap_folio_mkwrite_iter marks the folio dirty for each mapping (561295a32579)")],
    ),
    row(
        "mkwrite_dirty_late",
        GFS2,
        &[flag(
            true,
            ALL,
            "gfs2_page_mkwrite (fs/gfs2/file.c) allocates all blocks, ends the transaction, drops the glock and then marks the folio dirty, which is locked all the time",
        )],
    ),
    row(
        "mkwrite_map",
        EVERY,
        &[text(
            "folio-locked",
            ALL,
            "iomap_page_mkwrite locks the folio first; gfs2_allocate_page_backing runs with it locked",
        )],
    ),
    row(
        "short_copy",
        EVERY,
        &[text(
            "refuse",
            ALL,
            "__iomap_write_end: a short copy into a folio that is not uptodate counts as nothing",
        )],
    ),
    row(
        "zero_range",
        &["xfs"],
        &[
            text("skip", TO_6_6, "iomap_zero_iter passes over holes and unwritten blocks"),
            text(
                "flush-and-remap",
                &[V6_12],
                "iomap_zero_range looks once whether the range is dirty and flushes over the first hole or unwritten extent (not in 6.11)",
            ),
            text(
                "batch",
                NEWEST,
                "xfs_buffered_write_iomap_begin collects the dirty folios over an unwritten extent inside end of file (iomap_fill_dirty_folios), which iomap_zero_iter zeroes as they are; behind the block of end of file iomap_zero_range flushes over an unwritten extent, and over holes never (6.19 still flushes over holes, too)",
            ),
        ],
    ),
    row(
        "zero_range",
        GFS2,
        &[
            text(
                "skip",
                &[V6_1, V6_1Y, V6_2, V6_6, V7_3],
                "iomap_zero_iter passes over holes; 7.3 flushes over unwritten blocks alone, of which gfs2 has none",
            ),
            text("flush-and-remap", &[V6_12], "iomap_zero_range: over a hole"),
        ],
    ),
    row(
        "zero_range",
        &["zonefs"],
        &[text("skip", ALL, "zonefs zeroes nothing: every block of a file is written")],
    ),
    row(
        "zero_range",
        &["xfs-zoned"],
        &[text(
            "flush-in-begin",
            NEWEST,
            "xfs_zoned_buffered_write_iomap_begin: over a hole of both forks with dirty page cache it drops the ILOCK, writes back and starts over",
        )],
    ),
    row(
        "zero_lock",
        XFS,
        &[
            text("none", TO_6_6, "xfs_file_write_checks zeroes under i_rwsem (so in 6.11, too)"),
            text("invalidate-lock", FROM_6_12, "xfs_file_write_zero_eof (fs/xfs/xfs_file.c)"),
        ],
    ),
    row(
        "zero_lock",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "none",
            ALL,
            "gfs2 zeroes under its glock and never takes invalidate_lock; zonefs zeroes nothing",
        )],
    ),
    row(
        "zero_raises_size",
        EVERY,
        &[
            flag(
                true,
                TO_6_6,
                "iomap_write_end raises i_size for whatever it ends (6.1, 6.2, 6.6; 6.8 still)",
            ),
            flag(
                false,
                FROM_6_12,
                "943bc0882ceb (6.10): iomap_write_iter raises it, and iomap_zero_iter does not (6.11 has it)",
            ),
        ],
    ),
    row(
        "write_lock",
        EVERY,
        &[text(
            "exclusive",
            ALL,
            "xfs_file_buffered_write, gfs2_file_write_iter, zonefs_file_buffered_write: i_rwsem exclusive",
        )],
    ),
    row(
        "dropbehind",
        XFS,
        &[
            text("absent", TO_6_12, "no RWF_DONTCACHE (it is in 6.14): kiocb_set_rw_flags refuses it"),
            text(
                "gated",
                NEWEST,
                "filemap_end_dropbehind (mm/filemap.c) looks at dirty and writeback with the folio locked (095f627add86, 6.16); xfs_file_operations has FOP_DONTCACHE, and BIO_COMPLETE_IN_TASK has the completion run where it can lock the folio",
            ),
        ],
    ),
    row(
        "dropbehind",
        &["gfs2", "gfs2-jdata", "zonefs"],
        &[text(
            "absent",
            ALL,
            "their file_operations have no FOP_DONTCACHE (7.3): kiocb_set_rw_flags refuses it",
        )],
    ),
    row(
        "source_fault",
        &["xfs", "xfs-zoned", "zonefs"],
        &[text(
            "in-pass",
            ALL,
            "iomap_write_iter brings the source in between two folios (fault_in_iov_iter_readable)",
        )],
    ),
    row(
        "source_fault",
        GFS2,
        &[text(
            "ends-pass",
            ALL,
            "gfs2_file_buffered_write disables page faults around iomap_file_buffered_write",
        )],
    ),
    row(
        "zero_eof",
        XFS,
        &[flag(
            true,
            ALL,
            "xfs_file_write_checks (6.12: xfs_file_write_zero_eof) calls xfs_zero_range from the old size on",
        )],
    ),
    row(
        "zero_eof",
        GFS2,
        &[
            flag(
                false,
                &[V6_1, V6_1Y, V6_2, V6_6, V7_3],
                "no such call; 7.3 has gfs2_clear_beyond_eof, but gfs2_block_zero_range returns at once for what begins at end of file (read, not tried)",
            ),
            flag(
                true,
                &[V6_12],
                "gfs2_clear_beyond_eof (fs/gfs2/bmap.c, 6.12.117) before iomap_file_buffered_write, under the glock",
            ),
        ],
    ),
    row("zero_eof", &["zonefs"], &[flag(false, ALL, "the size of a conventional zone's file is fixed")]),
    row(
        "truncate_zero_eof",
        EVERY,
        &[flag(
            true,
            ALL,
            "with `zero_eof`: xfs_setattr_size zeroes from the old size on; gfs2 6.12: do_grow calls gfs2_clear_beyond_eof",
        )],
    ),
    row(
        "falloc_zero_eof",
        EVERY,
        &[flag(
            true,
            ALL,
            "with `zero_eof`: the size is set by xfs_setattr_size, which zeroes; gfs2 6.12: __gfs2_fallocate calls gfs2_clear_beyond_eof",
        )],
    ),
    row(
        "dio_zero_eof",
        EVERY,
        &[flag(
            true,
            ALL,
            "with `zero_eof`: xfs_file_write_checks is called by direct writes, too. gfs2 writes what grows the file through the page cache; on zonefs nothing does",
        )],
    ),
    row(
        "isize_extended",
        EVERY,
        &[
            text(
                "write-protect",
                TO_6_12,
                "pagecache_isize_extended (mm/truncate.c) write-protects the folio of the old end of file, where blocks are smaller than pages",
            ),
            text(
                "zero",
                NEWEST,
                "pagecache_isize_extended also zeroes it behind the old end of file, if it is dirty (in 6.13; not in 6.12.117)",
            ),
        ],
    ),
    row(
        "fault_map",
        EVERY,
        &[
            text("page", TO_6_12, "finish_fault (mm/memory.c) makes an entry for the page that was accessed"),
            text(
                "folio",
                NEWEST,
                "finish_fault makes entries for all pages of a folio that lies inside the file and has none",
            ),
        ],
    ),
    row(
        "write_end",
        XFS,
        &[text(
            "punch-delalloc",
            ALL,
            "xfs_buffered_write_iomap_end; out of place the blocks go back to the write's budget (xfs_bmap_punch_delalloc_range)",
        )],
    ),
    row(
        "write_end",
        GFS2,
        &[text("truncate-and-free", ALL, "gfs2_iomap_end: from the block behind what was written")],
    ),
    row("write_end", &["zonefs"], &[text("none", ALL, "zonefs has no ->iomap_end")]),
    row(
        "hooks",
        &["xfs", "xfs-zoned", "gfs2", "zonefs"],
        &[text(
            "none",
            ALL,
            "no page_ops but for ->iomap_valid; gfs2 has hooks for stuffed and journalled files alone",
        )],
    ),
    row(
        "hooks",
        &["gfs2-jdata"],
        &[text(
            "jdata",
            ALL,
            "gfs2_iomap_page_prepare, gfs2_iomap_page_done (6.3: gfs2_iomap_get_folio, gfs2_iomap_put_folio)",
        )],
    ),
    row(
        "shared_trim",
        EVERY,
        &[text(
            "trimmed",
            ALL,
            "xfs_reflink_trim_around_shared, in xfs_buffered_write_iomap_begin and xfs_find_trim_cow_extent. The others share nothing",
        )],
    ),
    row(
        "cow_hint",
        EVERY,
        &[
            text(
                "always",
                &[V6_1, V6_2, V6_6],
                "xfs_bmapi_reserve_delalloc aligns to the hint, and xfs_buffered_write_iomap_begin tries again without preallocation only. The others have no hint",
            ),
            text(
                "if-room",
                &[V6_1Y, V6_12, V7_3],
                "xfs_bmapi_reserve_delalloc tries once more without the hint (288e1f693f04, \"xfs: restrict when we try to align cow fork delalloc to cowextsz hints\", 6.10; in 6.6.58 and the stable series of 6.1, too)",
            ),
        ],
    ),
];
