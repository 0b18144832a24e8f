//! The rows: read in the sources of 6.1.192, 6.12.118 and 7.3.4 (fs/iomap, fs/xfs, fs/gfs2, fs/zonefs, mm).
//!
//! Functions that the file system is called through (`->iomap_begin`, `->map_blocks`) and exported ones are calls whatever the
//! compiler does. Others may have been made part of their caller; then the module cannot arm, and says so.

use super::Nth::{self, Last};
use super::Path::{
    self, DirectRead, DirectWrite, EndDirectIo, EndIo, Fallocate, Fault, Fsync, Other, Read, Reclaim,
    Reflink, Truncate, Write, Writeback, Zero,
};
use super::{Entry, Place, Where};
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

/// What completes direct I/O.
pub(super) const COMPLETES: &str = "iomap_dio_complete";

/// What ends a mapping of a write and begins the next one, in 7.3.
pub(super) const NEXT: &str = "xfs_buffered_write_iomap_next";

/// Which folio is an argument of the function.
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
pub(super) const BEGIN: &[&str] = &["iomap_begin", "gfs2_iomap_begin"];
/// The end of a write's mapping, where the reservation of one that failed is taken back. In 7.3 it is a part of its caller.
const END: Functions = Each("xfs_buffered_write_iomap_end", "xfs_buffered_write_iomap_end", "");

/// A buffered write, and its zeroing from the old end of the file on.
const WRITES: &[Path] = &[Write, Zero];

/// What zeroing calls before each folio that it looks up: up to 6.12 nothing (`iomap_zero_iter`).
const ZERO_LOOKS_UP: Functions = Each("", "", LOOKS_UP);

/// A buffered write. What looks up a folio has been at `LOOKS_UP` before.
#[rustfmt::skip]
const WRITE: &[Row] = &[
    row(&[Write], "filemap_get_folio", None, Before, Same(LOOKS_UP)),
    row(&[Write], "filemap_grab_folio", None, Before, Same(LOOKS_UP)),
    row(&[Zero], "filemap_get_folio", None, Before, ZERO_LOOKS_UP),
    row(&[Zero], "filemap_grab_folio", None, Before, ZERO_LOOKS_UP),
    row(&[Write], "resume", None, Before, Same(LOOKS_UP)).nth(Nth::After(LOOK_UP)),
    row(WRITES, "iomap_begin", None, Before, Same("xfs_buffered_write_iomap_begin")),
    row(WRITES, "gfs2_iomap_begin", None, Before, Same("gfs2_iomap_begin")),
    row(WRITES, "iomap_valid", None, Before, Same("xfs_iomap_valid")),
    row(WRITES, "copy", None, After, PREPARE).nth(Last(LOOK_UP)),
    row(WRITES, "punch_delalloc", None, Before, Same("xfs_bmap_punch_delalloc_range")),
    row(WRITES, "down_write invalidate_lock", Some("iomap_begin"), Before, END).nth(Last(BEGIN)),
    row(WRITES, "down_write invalidate_lock", Some("copy"), Before, END).nth(Last(BEGIN)),
    row(WRITES, "down_write invalidate_lock", Some("iomap_begin"), Before, Each("", "", NEXT)).nth(Nth::After(BEGIN)),
    row(WRITES, "down_write invalidate_lock", Some("copy"), Before, Each("", "", NEXT)).nth(Nth::After(BEGIN)),
    row(WRITES, "page_done", None, Before, Each("gfs2_iomap_page_done", "gfs2_iomap_put_folio", "gfs2_iomap_put_folio")),
    row(WRITES, "page_mkclean", None, Before, Same("pagecache_isize_extended")),
    row(WRITES, "punch_hole", None, After, Same("truncate_pagecache_range")),
    row(WRITES, "iomap_read_folio_sync", None, Before, Each("iomap_read_folio_sync", "iomap_read_folio_sync", "")),
    row(WRITES, "truncate_folio", Some("iomap_begin"), Before, Same("truncate_pagecache_range")),
];

/// Zeroing, and whatever else asks for the mapping that a write asks for.
#[rustfmt::skip]
const ZERO: &[Row] = &[
    row(&[Zero, Truncate, Fallocate, DirectWrite, Reflink], "filemap_get_folio", Some("iomap_begin"), After, Same("xfs_buffered_write_iomap_begin")).nth(Last(BEGIN)),
    row(&[Truncate, Fallocate, DirectWrite, Reflink], "iomap_valid", None, Before, Same("xfs_iomap_valid")),
    row(&[Truncate, Fallocate, Reflink], "iomap_begin", None, Before, Same("xfs_buffered_write_iomap_begin")),
];

/// A store into a page that the task may only read. Since 6.12 it is static; where the compiler has made it part of its caller, the
/// module says so.
const READ_ONLY: &[Row] = &[row(&[Fault], "set_pte_writable", None, Before, Same("finish_mkwrite_fault"))];

/// A page fault.
#[rustfmt::skip]
const FAULT: &[Row] = &[
    row(&[Fault], "iomap_begin", None, Before, Same("xfs_buffered_write_iomap_begin")),
    row(&[Fault], "gfs2_iomap_begin", None, Before, Same("gfs2_iomap_begin")),
    row(&[Fault], "folio_mark_dirty", None, Before, Same("folio_mark_dirty")).folio(OfOp),
    row(&[Fault], "set_pte_writable", None, Before, Same("finish_fault")),
    row(&[Fault], "store", Some("set_pte_writable"), After, Same("handle_mm_fault")).nth(Nth::Untried),
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
    row(&[Writeback, Fsync], "xfs_imap_valid", None, Before, Each("xfs_map_blocks", "xfs_map_blocks", "xfs_writeback_range")).nth(Nth::OfFolio),
    row(&[Writeback, Fsync], "xfs_map_blocks", None, Before, Each("xfs_map_blocks", "xfs_map_blocks", "xfs_writeback_range")).nth(Nth::OfFolio),
    row(&[Writeback, Fsync], "gfs2_map_blocks", None, Before, Each("gfs2_map_blocks", "gfs2_map_blocks", "gfs2_writeback_range")).nth(Nth::OfFolio),
    row(&[Writeback, Fsync], "xfs_bmapi_convert_delalloc", None, Before, Same("xfs_bmapi_convert_delalloc")),
    // In 7.3 what is not submitted of the folio has been taken off before that, with which its writeback may end.
    row(&[Writeback, Fsync], "folio_unlock", None, Before, Each("folio_unlock", "folio_unlock", "")).folio(OfOp),
    row(&[Writeback, Fsync], "xfs_reflink_convert_cow", None, Before, Same("xfs_reflink_convert_cow")),
    // submit_bio itself is called for the log and for metadata, too.
    row(&[Writeback, Fsync], "submit_bio", Some("xfs_reflink_convert_cow"), After, Same("xfs_reflink_convert_cow")),
    row(&[Writeback, Fsync], "submit_bio", None, Before, Each("xfs_prepare_ioend", "xfs_prepare_ioend", "xfs_writeback_submit")),
    row(&[Writeback, Fsync, Truncate, Fallocate], "folio_wait_writeback", None, Before, Same("folio_wait_writeback")).folio(OfOp),
    row(&[Fsync], "gfs2_log_flush", None, Before, Same("gfs2_log_flush")),
    row(&[Fsync], "file_check_wb_err", None, Before, Same("file_check_and_advance_wb_err")),
];

/// Reads.
#[rustfmt::skip]
const READ: &[Row] = &[
    row(&[Read, Fault, DirectRead], "xfs_read_iomap_begin", None, Before, Same("xfs_read_iomap_begin")).nth(Nth::Only),
    row(&[Read, Fault], "iomap_read_folio", Some("xfs_read_iomap_begin"), After, Same("xfs_read_iomap_begin")).nth(Nth::Only),
    row(&[Read, Fault], "iomap_read_folio", Some("gfs2_iomap_begin"), After, Same("gfs2_iomap_begin")).nth(Nth::Only),
    row(&[DirectRead], "device_read", None, After, Same("xfs_read_iomap_begin")).nth(Nth::Only),
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
    row(&[DirectWrite, EndDirectIo], "spin_lock i_flags_lock", Some("xfs_reflink_end_cow"), After, Same("xfs_reflink_end_cow")),
    row(&[DirectWrite, EndDirectIo], "spin_lock i_flags_lock", None, Before, Same("xfs_dio_write_end_io")).nth(Nth::AfterFailures),
    row(&[DirectWrite, EndDirectIo], "xfs_reflink_end_cow", None, Before, Same("xfs_reflink_end_cow")),
    row(&[EndDirectIo], "invalidate_inode_pages2", None, Before, Each("invalidate_inode_pages2_range", "kiocb_invalidate_post_direct_write", "kiocb_invalidate_post_direct_write")),
    row(&[DirectWrite], "invalidate_inode_pages2", None, Before, Same("invalidate_inode_pages2_range")),
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
    row(&[Reclaim], "__remove_mapping", None, Before, Same("__remove_mapping")).folio(OfOp),
];

/// A copy that makes the file longer: i_size has been loaded. In 6.1 a folio is made dirty between that and the store; later
/// there is no call (iomap_write_iter, a part of its caller).
#[rustfmt::skip]
const GROW: &[Row] = &[
    row(&[Write], "copy", None, Before, Each("filemap_dirty_folio", "", "")).folio(OfOp).nth(Nth::After(&["copy"])),
    row(&[Write], "copy", None, SizeStore, Each("", "iomap_file_buffered_write", "iomap_file_buffered_write")),
];

const TABLES: [&[Row]; 8] = [WRITE, ZERO, FAULT, WRITEBACK, READ, DIRECT, END_IO, CHANGES];

/// Those of which it is asked first whether they apply.
const SPECIAL: [&[Row]; 2] = [GROW, READ_ONLY];

/// Where there is no call, and why.
const NONE: &[(&[Path], &str, &str)] = &[
    (
        &[Write, Zero, Fault, Writeback, Truncate, Fallocate, Read, Fsync],
        "folio_lock",
        "between the look-up of a folio and its lock there is no call",
    ),
    (&[EndDirectIo, DirectWrite], "spin_unlock i_flags_lock", "a spinlock is held"),
    (&[EndDirectIo, DirectWrite], "i_size_read", "a spinlock is held"),
    (
        &[Write, Zero, DirectWrite, Truncate, Fallocate, Reflink, Writeback, Fsync],
        "cow_seq",
        "it is the second load of one comparison",
    ),
    (&[EndIo], "device_write", "the device does that; have it keep writes"),
    (&[EndIo], "bio_end_io", "the device does that; have it keep writes"),
];

/// Operations that the kernel performs for all folios of a range in one call.
const OF_RANGE: &[&str] = &["invalidate_inode_pages2", "mapping_seek_hole_data", "xfs_reflink_end_cow"];
/// Those with which a mapping is looked up for writeback, in one call with the comparison before it.
const MAPS: &[&str] = &["xfs_map_blocks", "gfs2_map_blocks"];

/// Why there is no place, whatever the table says.
fn refused(at: &Where) -> Option<&'static str> {
    // Whoever waits for its direct write completes it as well.
    if at.goes_on() && [EndDirectIo, DirectWrite].contains(&at.path) && at.op == "xfs_dio_write_end_io" {
        return Some("one call converts all extents");
    }
    if at.goes_on() && OF_RANGE.contains(&at.op.as_str()) {
        return Some("one call goes over all folios of the range");
    }
    if at.looks_again {
        return Some("a folio that was gone is looked up again in the same call");
    }
    let before = at.before.as_ref().map_or("", |(op, _)| op.as_str());
    if MAPS.contains(&at.op.as_str()) && ["xfs_imap_valid", "cow_seq"].contains(&before) {
        return Some("the call that compares goes on to look up");
    }
    if at.op == "set_pte_writable" && at.entry == Entry::Unknown {
        return Some(
            "it is not known whether what lies around it was mapped with what was read, and so which function is called",
        );
    }
    None
}

pub(super) fn place(at: &Where, release: Release) -> Result<Place, &'static str> {
    if let Some(why) = refused(at) {
        return Err(why);
    }
    let first: &[Row] = match at.entry {
        Entry::ReadOnly => READ_ONLY,
        _ if at.stores_size => GROW,
        Entry::None | Entry::Unknown => &[],
    };
    let mut rows = first.iter().chain(TABLES.iter().copied().flatten()).filter(|row| row.is_of(at));
    if let Some(place) = rows.find_map(|row| row.place(at, release)) {
        return Ok(place);
    }
    let none = NONE.iter().find(|(paths, op, _)| paths.contains(&at.path) && *op == at.op);
    Err(none.map_or("no function is known before which it stands there", |(_, _, why)| why))
}

/// Whether a folio is looked up by way of a function: zeroing is not, up to 6.12, by way of what a write calls first.
pub(super) fn is_look_up_by(at: &Where, function: &str, release: Release) -> bool {
    let calls = function != LOOKS_UP || at.path != Zero || ZERO_LOOKS_UP.of(release).is_some();
    LOOK_UP.contains(&at.op.as_str()) && !at.looks_again && calls
}

/// Every function of the table, for the release.
pub(super) fn functions(release: Release) -> Vec<&'static str> {
    let at = Where::new(Other, "", None);
    let rows = TABLES.iter().chain(&SPECIAL).copied().flatten();
    let places = rows.filter_map(|row| row.place(&at, release));
    let mut functions: Vec<&'static str> = places.map(|place| place.function).chain([COMPLETES]).collect();
    functions.sort_unstable();
    functions.dedup();
    functions
}
