//! The rows: read in the sources of 6.1.192, 6.12.118 and 7.3.4 (fs/iomap, fs/xfs, fs/gfs2, fs/zonefs, mm).
//!
//! Functions that the file system is called through (`->iomap_begin`, `->map_blocks`) and exported ones are calls whatever the
//! compiler does. Others may have been made part of their caller; then the module cannot arm, and says so.

use super::Nth::{self, Last};
use super::Path::{
    self, DirectRead, DirectWrite, EndDirectIo, EndIo, Fallocate, Fault, Fsync, Other, Read, Reclaim,
    Reflink, Truncate, Write, Writeback,
};
use super::{Place, Where};
use crate::lab::plan::At::{self, After, Before, SizeStore};
use crate::lab::release::Release;

/// A place before an operation.
struct Row {
    paths: &'static [Path],
    op: &'static str,
    /// The operation that was performed before, if that matters.
    before: Option<&'static str>,
    at: At,
    functions: Functions,
    folio: Folio,
    nth: Nth,
}

/// The function in each release.
pub(super) enum Functions {
    /// The same in all.
    Same(&'static str),
    /// In 6.1, 6.12 and 7.3; where it is empty, there is no call there, or the compiler has made it part of its caller.
    Each(&'static str, &'static str, &'static str),
}

impl Functions {
    pub(super) const fn of(&self, release: Release) -> Option<&'static str> {
        let name = match (self, release) {
            (Same(name), _)
            | (Each(name, _, _), Release::V6_1)
            | (Each(_, name, _), Release::V6_12)
            | (Each(_, _, name), Release::V7_3) => *name,
        };
        if name.is_empty() { None } else { Some(name) }
    }
}

/// What looks up a folio, checks the mapping and prepares the blocks: its return is before the copy. What copies cannot be hooked.
pub(super) const PREPARE: Functions = Same("iomap_write_begin");

/// What a write calls before each folio that it looks up.
pub(super) const LOOKS_UP: &str = "balance_dirty_pages_ratelimited_flags";

/// Which folio the first argument of the function is.
enum Folio {
    /// None: it is something else.
    No,
    /// That of the operation.
    OfOp,
    /// That of the operation before.
    OfBefore,
}

use Folio::{No, OfBefore, OfOp};
use Functions::{Each, Same};

const fn row(
    paths: &'static [Path],
    op: &'static str,
    before: Option<&'static str>,
    at: At,
    functions: Functions,
) -> Row {
    Row { paths, op, before, at, functions, folio: No, nth: Nth::Next }
}

impl Row {
    const fn folio(self, folio: Folio) -> Self {
        Row { folio, ..self }
    }

    const fn nth(self, nth: Nth) -> Self {
        Row { nth, ..self }
    }

    fn is_of(&self, at: &Where) -> bool {
        let before = at.before.as_ref().map(|(op, _)| op.as_str());
        self.paths.contains(&at.path)
            && self.op == at.op
            && self.before.is_none_or(|wanted| before.is_none_or(|before| before == wanted))
    }

    fn place(&self, at: &Where, release: Release) -> Option<Place> {
        let function = self.functions.of(release)?;
        let folio = match self.folio {
            No => None,
            OfOp => at.target,
            OfBefore => at.before.as_ref().and_then(|(_, target)| *target),
        };
        Some(Place { function, at: self.at, folio, nth: self.nth })
    }
}

/// The operations with which a folio is looked up.
const LOOK_UP: &[&str] = &["filemap_get_folio", "filemap_grab_folio"];
/// Those with which a mapping is asked for.
const BEGIN: &[&str] = &["iomap_begin", "gfs2_iomap_begin"];
/// The end of a write's mapping, where the reservation of one that failed is taken back. In 7.3 it is a part of its caller.
const END: Functions = Each("xfs_buffered_write_iomap_end", "xfs_buffered_write_iomap_end", "");

/// A buffered write. What looks up a folio has been at `LOOKS_UP` before.
#[rustfmt::skip]
const WRITE: &[Row] = &[
    row(&[Write], "filemap_get_folio", None, Before, Same(LOOKS_UP)),
    row(&[Write], "filemap_grab_folio", None, Before, Same(LOOKS_UP)),
    row(&[Write], "resume", None, Before, Same(LOOKS_UP)).nth(Nth::After(LOOK_UP)),
    row(&[Write], "iomap_begin", None, Before, Same("xfs_buffered_write_iomap_begin")),
    row(&[Write], "gfs2_iomap_begin", None, Before, Same("gfs2_iomap_begin")),
    row(&[Write], "iomap_valid", None, Before, Same("xfs_iomap_valid")),
    row(&[Write], "cow_seq", None, Before, Same("xfs_iomap_valid")),
    row(&[Write], "copy", None, After, PREPARE).nth(Last(LOOK_UP)),
    row(&[Write], "punch_delalloc", None, Before, Same("xfs_bmap_punch_delalloc_range")),
    row(&[Write], "down_write invalidate_lock", Some("iomap_begin"), Before, END).nth(Last(BEGIN)),
    row(&[Write], "down_write invalidate_lock", Some("copy"), Before, END).nth(Last(BEGIN)),
    row(&[Write], "down_write invalidate_lock", Some("iomap_begin"), Before, Each("", "", "xfs_buffered_write_iomap_next")).nth(Nth::After(BEGIN)),
    row(&[Write], "down_write invalidate_lock", Some("copy"), Before, Each("", "", "xfs_buffered_write_iomap_next")).nth(Nth::After(BEGIN)),
    row(&[Write], "page_done", None, Before, Each("gfs2_iomap_page_done", "gfs2_iomap_put_folio", "gfs2_iomap_put_folio")),
    row(&[Write], "page_mkclean", None, Before, Same("pagecache_isize_extended")),
    row(&[Write], "punch_hole", None, After, Same("truncate_pagecache_range")),
    row(&[Write], "iomap_read_folio_sync", None, Before, Each("iomap_read_folio_sync", "iomap_read_folio_sync", "")),
    row(&[Write], "truncate_folio", Some("iomap_begin"), Before, Same("truncate_pagecache_range")),
];

/// Zeroing, and whatever else asks for the mapping that a write asks for.
#[rustfmt::skip]
const ZERO: &[Row] = &[
    row(&[Truncate, Fallocate, DirectWrite, Reflink], "filemap_get_folio", Some("iomap_begin"), After, Same("xfs_buffered_write_iomap_begin")).nth(Last(BEGIN)),
    row(&[Truncate, Fallocate, DirectWrite, Reflink], "iomap_valid", None, Before, Same("xfs_iomap_valid")),
    row(&[Truncate, Fallocate, Reflink], "iomap_begin", None, Before, Same("xfs_buffered_write_iomap_begin")),
];

/// A page fault.
#[rustfmt::skip]
const FAULT: &[Row] = &[
    row(&[Fault], "iomap_begin", None, Before, Same("xfs_buffered_write_iomap_begin")),
    row(&[Fault], "gfs2_iomap_begin", None, Before, Same("gfs2_iomap_begin")),
    row(&[Fault], "folio_mark_dirty", None, Before, Same("folio_mark_dirty")).folio(OfOp),
    row(&[Fault], "set_pte_writable", None, Before, Same("finish_mkwrite_fault")),
    row(&[Fault], "store", Some("set_pte_writable"), After, Same("handle_mm_fault")),
    row(&[Fault], "filemap_fault", None, Before, Same("filemap_fault")),
    row(&[Fault], "gfs2_unstuff_dinode", None, Before, Same("gfs2_unstuff_dinode")),
];

/// Writeback.
#[rustfmt::skip]
const WRITEBACK: &[Row] = &[
    row(&[Writeback, Fsync], "folio_lock", Some("folio_unlock"), After, Same("folio_unlock")).folio(OfBefore),
    row(&[Writeback, Fsync], "folio_lock", Some("folio_start_writeback"), After, Same("folio_unlock")).folio(OfBefore),
    row(&[Writeback, Fsync], "writeback_get_folio", Some("folio_unlock"), After, Same("folio_unlock")).folio(OfBefore),
    row(&[Writeback, Fsync], "writeback_get_folio", Some("folio_start_writeback"), After, Same("folio_unlock")).folio(OfBefore),
    row(&[Writeback, Fsync], "folio_lock", Some("writeback_get_folio"), After, Each("pagevec_lookup_range_tag", "filemap_get_folios_tag", "filemap_get_folios_tag")),
    row(&[Writeback, Fsync], "xfs_map_blocks", None, Before, Each("xfs_map_blocks", "xfs_map_blocks", "xfs_writeback_range")),
    row(&[Writeback, Fsync], "gfs2_map_blocks", None, Before, Each("gfs2_map_blocks", "gfs2_map_blocks", "gfs2_writeback_range")),
    row(&[Writeback, Fsync], "xfs_bmapi_convert_delalloc", None, Before, Same("xfs_bmapi_convert_delalloc")),
    row(&[Writeback, Fsync], "folio_unlock", None, Before, Same("folio_unlock")).folio(OfOp),
    row(&[Writeback, Fsync], "xfs_reflink_convert_cow", None, Before, Same("xfs_reflink_convert_cow")),
    row(&[Writeback, Fsync], "submit_bio", None, Before, Same("submit_bio")),
    row(&[Writeback, Fsync, Truncate, Fallocate], "folio_wait_writeback", None, Before, Same("folio_wait_writeback")).folio(OfOp),
    row(&[Fsync], "gfs2_log_flush", None, Before, Same("gfs2_log_flush")),
    row(&[Fsync], "file_check_wb_err", None, Before, Same("file_check_and_advance_wb_err")),
];

/// Reads.
#[rustfmt::skip]
const READ: &[Row] = &[
    row(&[Read, Fault, DirectRead], "xfs_read_iomap_begin", None, Before, Same("xfs_read_iomap_begin")),
    row(&[Read, Fault], "iomap_read_folio", Some("xfs_read_iomap_begin"), After, Same("xfs_read_iomap_begin")),
    row(&[Read, Fault], "iomap_read_folio", Some("gfs2_iomap_begin"), After, Same("gfs2_iomap_begin")),
    row(&[DirectRead], "device_read", None, After, Same("xfs_read_iomap_begin")),
    row(&[Other], "mapping_seek_hole_data", None, Before, Same("mapping_seek_hole_data")),
    row(&[Other], "xfs_seek_iomap_begin", None, Before, Each("xfs_seek_iomap_begin", "xfs_seek_iomap_begin", "xfs_seek_iomap_next")),
];

/// Direct writes, and the end of one.
#[rustfmt::skip]
const DIRECT: &[Row] = &[
    row(&[DirectWrite], "iomap_begin", None, Before, Same("xfs_direct_write_iomap_begin")),
    row(&[DirectWrite], "device_write", Some("iomap_begin"), After, Same("xfs_direct_write_iomap_begin")).nth(Last(BEGIN)),
    row(&[DirectWrite], "device_write", Some("xfs_iomap_write_direct"), After, Same("xfs_direct_write_iomap_begin")).nth(Last(BEGIN)),
    row(&[DirectWrite], "xfs_reflink_fill_cow_hole", None, Before, Same("xfs_trans_alloc_inode")),
    row(&[DirectWrite], "xfs_iomap_write_direct", None, Before, Same("xfs_iomap_write_direct")),
    row(&[DirectWrite, EndDirectIo], "xfs_dio_write_end_io", None, Before, Same("xfs_dio_write_end_io")).nth(Nth::AfterFailures),
    row(&[DirectWrite, EndDirectIo], "spin_lock i_flags_lock", None, Before, Same("xfs_dio_write_end_io")).nth(Nth::AfterFailures),
    row(&[DirectWrite, EndDirectIo], "xfs_reflink_end_cow", None, Before, Same("xfs_reflink_end_cow")),
    row(&[EndDirectIo], "invalidate_inode_pages2", None, Before, Each("invalidate_inode_pages2_range", "kiocb_invalidate_post_direct_write", "kiocb_invalidate_post_direct_write")),
    row(&[DirectWrite], "invalidate_inode_pages2", None, Before, Each("invalidate_inode_pages2_range", "kiocb_invalidate_pages", "kiocb_invalidate_pages")),
];

/// The end of writeback: a worker, where the mapping has to be changed.
#[rustfmt::skip]
const END_IO: &[Row] = &[
    row(&[EndIo], "take_ioend", None, Before, Same("xfs_end_io")),
    row(&[EndIo], "which_bio", None, Before, Same("xfs_end_io")),
    row(&[EndIo], "xfs_end_ioend", None, Before, Same("xfs_end_io")),
    row(&[EndIo], "folio_end_writeback", None, Before, Same("iomap_finish_ioends")),
];

/// What changes the extents.
#[rustfmt::skip]
const CHANGES: &[Row] = &[
    row(&[Truncate], "i_size_write", None, Before, Same("truncate_setsize")),
    row(&[Truncate], "page_mkclean", None, Before, Same("pagecache_isize_extended")),
    row(&[Fallocate], "xfs_unmap_extent", None, After, Same("truncate_pagecache_range")),
    row(&[Reflink], "xfs_reflink_remap_extent", None, Before, Same("xfs_reflink_remap_extent")),
    row(&[Reflink], "xfs_reflink_remap_blocks", None, Before, Same("xfs_reflink_remap_blocks")),
    row(&[Truncate, Fallocate], "truncate_folio", Some("truncate_folio"), Before, Each("", "truncate_inode_partial_folio", "truncate_inode_partial_folio")).folio(OfOp),
    row(&[Reclaim], "__remove_mapping", None, Before, Same("__remove_mapping")),
];

/// A copy that makes the file longer: i_size has been loaded. In 6.1 a folio is made dirty between that and the store; later
/// there is no call (iomap_write_iter, a part of its caller).
#[rustfmt::skip]
const GROW: &[Row] = &[
    row(&[Write], "copy", None, Before, Each("filemap_dirty_folio", "", "")).folio(OfOp),
    row(&[Write], "copy", None, SizeStore, Each("", "iomap_file_buffered_write", "iomap_file_buffered_write")),
];

const TABLES: [&[Row]; 8] = [WRITE, ZERO, FAULT, WRITEBACK, READ, DIRECT, END_IO, CHANGES];

/// Where there is no call, and why.
const NONE: &[(&[Path], &str, &str)] = &[
    (
        &[Write, Fault, Writeback, Truncate, Fallocate, Read, Fsync],
        "folio_lock",
        "between the look-up of a folio and its lock there is no call",
    ),
    (&[EndDirectIo, DirectWrite], "spin_unlock i_flags_lock", "a spinlock is held"),
    (&[EndDirectIo, DirectWrite], "i_size_read", "a spinlock is held"),
    (&[EndIo], "device_write", "the device does that; have it keep writes"),
    (&[EndIo], "bio_end_io", "the device does that; have it keep writes"),
];

pub(super) fn place(at: &Where, release: Release) -> Result<Place, &'static str> {
    let again = at.before.as_ref().is_some_and(|(before, _)| *before == at.op);
    if again && at.path == EndDirectIo && at.op == "xfs_dio_write_end_io" {
        return Err("one call converts all extents");
    }
    let first: &[Row] = if at.stores_size { GROW } else { &[] };
    let mut rows = first.iter().chain(TABLES.iter().copied().flatten()).filter(|row| row.is_of(at));
    if let Some(place) = rows.find_map(|row| row.place(at, release)) {
        return Ok(place);
    }
    let none = NONE.iter().find(|(paths, op, _)| paths.contains(&at.path) && *op == at.op);
    Err(none.map_or("no function is known before which it stands there", |(_, _, why)| why))
}

/// Every function of the table, for the release.
pub(super) fn functions(release: Release) -> Vec<&'static str> {
    let at = Where {
        path: Other,
        op: String::new(),
        target: None,
        before: None,
        stores_size: false,
        fails: false,
    };
    let places = TABLES.iter().copied().flatten().filter_map(|row| row.place(&at, release));
    let mut functions: Vec<&'static str> = places.map(|place| place.function).collect();
    functions.sort_unstable();
    functions.dedup();
    functions
}
