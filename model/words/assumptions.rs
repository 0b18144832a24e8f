//! Assumptions: what the model leaves out of the kernel, and the operations at which that matters.
//!
//! A verdict is about the model. Each simplification that could make it another one than the kernel's is an entry here, with
//! where the kernel does more; a run that performs one of the operations of an entry rests on it. The comments of the files
//! that leave something out say more; docs/fidelity.md has them path by path.

use crate::words::personality::Personality;

/// The file systems that an assumption is about, beside those whose operations it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Where {
    /// All that perform these.
    Everywhere,
    /// Those that write in place.
    InPlace,
    /// Those that write nothing in place.
    OutOfPlace,
    /// Those of them whose device has zones (`zone_blocks`).
    Zones,
    /// Those of them whose device has none.
    NoZones,
}

impl Where {
    /// Whether it is about this one.
    pub fn has(self, fs: &Personality) -> bool {
        match self {
            Self::Everywhere => true,
            Self::InPlace => !fs.is_out_of_place(),
            Self::OutOfPlace => fs.is_out_of_place(),
            Self::Zones => fs.is_out_of_place() && fs.zone_blocks > 0,
            Self::NoZones => fs.is_out_of_place() && fs.zone_blocks == 0,
        }
    }

    /// The same as a clause.
    pub const fn clause(self) -> Option<&'static str> {
        match self {
            Self::Everywhere => None,
            Self::InPlace => Some("where `allocate` is not `out-of-place`"),
            Self::OutOfPlace => Some("where `allocate` is `out-of-place`"),
            Self::Zones => Some("where `allocate` is `out-of-place`, with `zone_blocks`"),
            Self::NoZones => Some("where `allocate` is `out-of-place`, without `zone_blocks`"),
        }
    }
}

/// A simplification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Assumption {
    /// Its name in reports.
    pub id: &'static str,
    /// What is assumed, as a clause.
    pub sentence: &'static str,
    /// Where the kernel does more: functions, with file and release.
    pub source: &'static str,
    /// The operations that it concerns: a run that performs none of them does not rest on it.
    pub operations: &'static [&'static str],
    /// The file systems that it is about.
    pub on: Where,
}

const fn assume(
    id: &'static str,
    sentence: &'static str,
    source: &'static str,
    operations: &'static [&'static str],
) -> Assumption {
    Assumption { id, sentence, source, operations, on: Where::Everywhere }
}

const fn only(on: Where, assumption: Assumption) -> Assumption {
    Assumption { on, ..assumption }
}

/// All of them.
pub const ALL: &[Assumption] = &[
    assume(
        "one-ioend",
        "one ioend completes at a time, over all files and in any order, and neighbours are not merged",
        "xfs_end_io (fs/xfs/xfs_aops.c, 6.1 and 6.12; fs/xfs/xfs_ioend.c, 7.3), iomap_sort_ioends (fs/iomap)",
        &["bio_end_io", "xfs_end_ioend", "iomap_finish_ioends"],
    ),
    assume(
        "writeback-bit",
        "the buffers of a folio of journalled data are submitted when it is unlocked",
        "__block_write_full_page (fs/buffer.c, 6.1), __block_write_full_folio (6.12, 7.3): before that",
        &["submit_bh"],
    ),
    assume(
        "integrity-tags",
        "a pass for integrity whose folios are one batch tags each as it looks it up, and also writes what somebody dirties again before that",
        "tag_pages_for_writeback (mm/page-writeback.c): all are tagged before the first is looked up",
        &["folio_wait_writeback", "fsync_return"],
    ),
    only(
        Where::InPlace,
        assume(
            "freed-at-once",
            "a block that is freed can be allocated again at once, where no crash is judged",
            "xfs_extent_busy (fs/xfs/xfs_extent_busy.c)",
            &[
                "xfs_itruncate_extents",
                "xfs_unmap_extent",
                "xfs_bmap_collapse_extents",
                "xfs_reflink_end_cow",
                "xfs_reflink_remap_extent",
                "xfs_reflink_cancel_cow_range",
                "ext4_ext_truncate",
                "ext4_ext_remove_space",
            ],
        ),
    ),
    assume(
        "log-flush-asked",
        "the log of gfs2, with which freed blocks come back, is flushed for who asks for it, and not now and then",
        "gfs2_logd (fs/gfs2/log.c)",
        &["punch_hole"],
    ),
    assume(
        "no-preallocation",
        "a write reserves what it asks for, and nothing beyond end of file",
        "xfs_iomap_prealloc_size (fs/xfs/xfs_iomap.c)",
        &["iomap_begin"],
    ),
    assume(
        "no-readahead",
        "a read fills the folio that it needs, and no further ones",
        "page_cache_ra_unbounded (mm/readahead.c), do_fault_around (mm/memory.c)",
        &["iomap_read_folio", "filemap_fault", "filemap_map_pages"],
    ),
    assume(
        "read-copy",
        "without direct I/O on the file a read(2) looks a folio up and copies out of it in one operation, and with it folio by folio",
        "filemap_read (mm/filemap.c): it holds references to a batch in between",
        &["filemap_read"],
    ),
    assume(
        "one-folio-size",
        "all folios of a file have the size that the scenario gives, also where a release has none of that size, and none is migrated or split: what a range leaves of one stays one folio, or is dropped",
        "__filemap_get_folio (6.6), split_huge_page_to_list, folio_split (7.3), migrate_folio (mm/)",
        &["filemap_add_folio", "iomap_read_folio"],
    ),
    only(
        Where::InPlace,
        assume(
            "direct-mapped-first",
            "a direct write has all its extents mapped before any of its I/O reaches the device",
            "__iomap_dio_rw (fs/iomap/direct-io.c)",
            &["invalidate_inode_pages2", "filemap_range_has_page", "nrpages"],
        ),
    ),
    assume(
        "logs-apart",
        "flushing the log of gfs2 for one file makes only its own transactions durable",
        "gfs2_log_flush (fs/gfs2/log.c): those of all files",
        &["gfs2_log_flush"],
    ),
    assume(
        "whole-blocks",
        "a crash leaves a block as it was or as it was written, and tears none",
        "no file system promises it",
        &["device_write"],
    ),
    only(
        Where::NoZones,
        assume(
            "no-zones",
            "a block is chosen when it is mapped, and can be written again as soon as it is freed",
            "xfs_zone_alloc_and_submit (fs/xfs/xfs_zone_alloc.c, 7.3): chosen when it is submitted; xfs_zone_gc_reset_zones (fs/xfs/xfs_zone_gc.c): written again when all of its zone is free and has been erased; so a violation that needs it may be none there",
            &[
                "xfs_zoned_map_blocks",
                "xfs_zoned_end_io",
                "xfs_zoned_map_extent",
                "xfs_itruncate_extents",
                "xfs_unmap_extent",
                "xfs_bmap_collapse_extents",
            ],
        ),
    ),
    only(
        Where::Zones,
        assume(
            "one-open-zone",
            "one zone is open for all files, none is kept for the collector, and the next one is opened when the last block of it is written",
            "xfs_try_open_zone, xfs_select_zone_nowait (fs/xfs/xfs_zone_alloc.c, 7.3): as many as `max_open_zones` says, and one for the collector; so what needs two open zones is not found, and a wait for room in one may be none there",
            &["xfs_select_zone"],
        ),
    ),
    only(
        Where::Zones,
        assume(
            "erased-at-once",
            "a zone that is full is empty again as soon as its last block is freed, and what it held can be read until it is written again",
            "xfs_zone_gc_reset_zones (fs/xfs/xfs_zone_gc.c, 7.3): once the collector runs, has flushed the device, has forced the log and has had the zone erased; so a write that runs out of space or waits until then is not found, nor a read of an erased zone",
            &["xfs_zoned_end_io", "xfs_itruncate_extents", "xfs_unmap_extent", "xfs_bmap_collapse_extents"],
        ),
    ),
    only(
        Where::OutOfPlace,
        assume(
            "collector-asked",
            "blocks are moved where a command says so (`@relocate`), and nowhere else",
            "xfs_zoned_need_gc, xfs_zone_gc_handle_work (fs/xfs/xfs_zone_gc.c, 7.3): when free zones run short",
            &["xfs_zoned_map_blocks"],
        ),
    ),
    only(
        Where::OutOfPlace,
        assume(
            "zoned-direct",
            "a direct write goes through the page cache",
            "xfs_file_dio_write_zoned (fs/xfs/xfs_file.c, 7.3): one that is not aligned to blocks; others are submitted without a look at the extents, and races with those are not found",
            &["invalidate_inode_pages2", "filemap_range_has_page", "nrpages"],
        ),
    ),
    assume(
        "transaction-space",
        "a transaction reserves no more blocks than it needs for data",
        "xfs_alloc_file_space, xfs_unmap_extent, xfs_bmap_worst_indlen (fs/xfs, 6.1 to 7.3): also what is there already, and for the trees; so a call may fail with blocks free",
        &[
            "xfs_alloc_file_space",
            "xfs_unmap_extent",
            "xfs_iomap_write_direct",
            "xfs_reflink_fill_cow_hole",
            "xfs_reflink_remap_extent",
        ],
    ),
    assume(
        "no-mmap-lock",
        "nothing waits for mmap_lock, for room in a log, for a file system that is frozen, or for too many dirty pages",
        "mmap_read_lock (mm/memory.c), xfs_log_reserve (fs/xfs/xfs_log.c), sb_start_write, balance_dirty_pages: deadlocks that need them are not found",
        &["filemap_fault", "filemap_map_pages", "get_user_pages", "iomap_begin", "gfs2_trans_begin"],
    ),
    assume(
        "one-node",
        "no other node of a cluster asks for a lock of gfs2, and memory pressure takes none away, which it may in 6.1",
        "gfs2_glock_cb, gfs2_dispose_glock_lru (fs/gfs2/glock.c)",
        &["gfs2_iomap_begin", "gfs2_map_blocks"],
    ),
    assume(
        "journal-room",
        "the journal of gfs2 has room for every transaction",
        "gfs2_log_reserve (fs/gfs2/log.c)",
        &["gfs2_trans_begin"],
    ),
    assume(
        "data-mode",
        "beside a change of the data mode reclaim frees what belongs to a folio as it should, no file is open for direct I/O, and nothing crashes",
        "iomap_release_folio (fs/iomap/buffered-io.c), gfs2_release_folio (fs/gfs2/aops.c), gfs2_open_common (fs/gfs2/file.c), 6.12",
        &["gfs2_set_aops"],
    ),
    assume(
        "layout-recall",
        "a layout is handed out whole, to several clients at once, no recall crosses with LAYOUTGET, and no client reads by one",
        "nfsd4_insert_layout, nfsd4_recall_conflict, nfsd4_recall_file_layout (fs/nfsd/nfs4layouts.c)",
        &["nfsd4_insert_layout"],
    ),
    assume(
        "exchange-same",
        "an exchange is of the same offsets of both files, and is done in one transaction",
        "xfs_exchrange_mappings (fs/xfs/xfs_exchrange.c, 6.12)",
        &["xfs_exchange_mappings"],
    ),
    assume(
        "valid-size",
        "a valid size is not that of any release: i_rwsem and the invalidate_lock are taken as on XFS, who reads looks at it once, with the mapping (but for `valid_read = \"zeros-folio\"`), and a write behind end of file makes the file as long as its gap, and no longer, before it zeroes that",
        "exfat_iomap_read_end_io, ntfs_iomap_read_end_io (7.3), exfat_direct_IO (fs/exfat/inode.c, 6.12): once more, when the data have come; ntfs_set_size (fs/ntfs3/file.c): as long as the write",
        &["valid_size", "extend_valid_size"],
    ),
];

/// Those that runs rest on which perform these operations, on this file system.
pub fn of<'a>(
    fs: &'a Personality,
    performs: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = &'static Assumption> + 'a {
    let touched =
        move |assumption: &&Assumption| assumption.operations.iter().any(|operation| performs(operation));
    ALL.iter().filter(|assumption| assumption.on.has(fs)).filter(touched)
}
