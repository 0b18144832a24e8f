//! The dimensions, a line for each value: places, what is compared there, and (`locks.rs`) what can stand in for a comparison. A new place
//! is an entry here, and its name in a question (`question.rs`).

pub mod locks;

use stalemap_model::words::personality::{CloneLock, Personality, Relocate};
use stalemap_model::words::settings::Setting;

use super::dimension::{Dimension, Kind, Shows, Value};

const fn text(value: &'static str) -> Setting<'static> {
    Setting::Text(value)
}

const fn value(
    name: &'static str,
    words: &'static str,
    weaker: &'static [usize],
    sets: &'static [(&'static str, Setting<'static>)],
) -> Value {
    Value { name, words, weaker, sets }
}

const fn flag(value: bool) -> Setting<'static> {
    Setting::Flag(value)
}

fn any(_: &Personality) -> bool {
    true
}

fn has_reflink(fs: &Personality) -> bool {
    fs.clone_lock != CloneLock::Absent
}

fn relocates(fs: &Personality) -> bool {
    fs.relocate != Relocate::Absent
}

/// A write(2), before it copies into a folio. `in-get-folio` is `after-lock` in another function.
pub const WRITE: Dimension = Dimension {
    key: "write",
    words: "a buffered write compares its mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid"),
    values: &[
        value("none", "never", &[], &[("check", text("none"))]),
        value("before-lock", "before it locks the folio", &[0], &[("check", text("before-lock"))]),
        value("once", "once it has locked its first folio", &[0], &[("check", text("once"))]),
        value(
            "after-prepare",
            "after the block was zeroed or read",
            &[0],
            &[("check", text("after-prepare"))],
        ),
        value("after-lock", "once it has locked the folio", &[0, 1, 2, 3], &[("check", text("after-lock"))]),
    ],
    on: any,
};

/// Zeroing: of a truncate, a punch, `fzero`, and before a write behind end of file.
pub const ZERO: Dimension = Dimension {
    key: "zero",
    words: "zeroing compares its mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid_zero"),
    values: &[
        value("none", "never", &[], &[("zero_check", text("none"))]),
        value("after-lock", "once it has locked the folio", &[0], &[("zero_check", text("after-lock"))]),
    ],
    on: any,
};

/// Unsharing, which reads by the address of its mapping.
pub const UNSHARE: Dimension = Dimension {
    key: "unshare",
    words: "unsharing compares its mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid_unshare"),
    values: &[
        value("none", "never", &[], &[("unshare_check", text("none"))]),
        value("after-lock", "once it has locked the folio", &[0], &[("unshare_check", text("after-lock"))]),
    ],
    on: any,
};

/// Writeback, for what of a folio it has a mapping for already.
pub const WRITEBACK: Dimension = Dimension {
    key: "writeback",
    words: "writeback compares the mapping that it has cached",
    kind: Kind::Check,
    shows: Shows::ImapValid,
    values: &[
        value("range", "by its range alone", &[], &[("writeback_check", text("range"))]),
        value("range-data", "with the data counter", &[0], &[("writeback_check", text("range-data"))]),
        value("cookie", "with the cookie of the write path", &[0, 1], &[("writeback_check", text("cookie"))]),
        value(
            "range-data-cow",
            "with the data counter, and of the data fork with the COW counter, too",
            &[0],
            &[("writeback_check", text("range-data-cow"))],
        ),
        value("cookie-cow", "with both counters", &[0, 1, 2, 3], &[("writeback_check", text("cookie-cow"))]),
    ],
    on: any,
};

/// How often in a folio writeback does that.
pub const WRITEBACK_EACH: Dimension = Dimension {
    key: "writeback-each",
    words: "writeback compares",
    kind: Kind::Check,
    shows: Shows::ImapValid,
    values: &[
        value(
            "folio",
            "once for all of a folio that one mapping covers",
            &[],
            &[("writeback_each", text("folio"))],
        ),
        value("range", "for each dirty range", &[0], &[("writeback_each", text("range"))]),
        value("block", "for each block", &[0, 1], &[("writeback_each", text("block"))]),
    ],
    on: any,
};

/// A write fault (`iomap_page_mkwrite`).
pub const FAULT: Dimension = Dimension {
    key: "fault",
    words: "a write fault compares its mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid_fault"),
    values: &[
        value("none", "never", &[], &[("mkwrite_check", text("none"))]),
        value("after-lock", "with the folio locked", &[0], &[("mkwrite_check", text("after-lock"))]),
    ],
    on: any,
};

/// A reader who fills a folio.
pub const READ: Dimension = Dimension {
    key: "read",
    words: "who fills a folio for a reader compares the mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid_read"),
    values: &[
        value("none", "never", &[], &[("read_check", text("none"))]),
        value("before-fill", "with the folio locked", &[0], &[("read_check", text("before-fill"))]),
    ],
    on: any,
};

/// A direct write that zeroes parts of blocks.
pub const DIO_WRITE: Dimension = Dimension {
    key: "dio-write",
    words: "a direct write compares its mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid_dio_write"),
    values: &[
        value("none", "never", &[], &[("dio_write_check", text("none"))]),
        value(
            "before-pad",
            "before it pads a block with zeros",
            &[0],
            &[("dio_write_check", text("before-pad"))],
        ),
    ],
    on: any,
};

/// A direct read over a hole or unwritten blocks.
pub const DIO_READ: Dimension = Dimension {
    key: "dio-read",
    words: "a direct read compares its mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid_dio_read"),
    values: &[
        value("none", "never", &[], &[("dio_read_check", text("none"))]),
        value(
            "before-zeros",
            "before it gives zeros for what has no data",
            &[0],
            &[("dio_read_check", text("before-zeros"))],
        ),
    ],
    on: any,
};

/// A reflink, for each extent of its source.
pub const REFLINK: Dimension = Dimension {
    key: "reflink",
    words: "a reflink compares what it has looked up in its source",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid_reflink"),
    values: &[
        value("none", "never", &[], &[("reflink_check", text("none"))]),
        value(
            "each-extent",
            "for each extent, with both ILOCKs held",
            &[0],
            &[("reflink_check", text("each-extent"))],
        ),
    ],
    on: has_reflink,
};

/// SEEK_DATA and SEEK_HOLE, before they call anything a hole.
pub const SEEK: Dimension = Dimension {
    key: "seek",
    words: "SEEK_DATA and SEEK_HOLE compare their mapping",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid_seek"),
    values: &[
        value("none", "never", &[], &[("seek_check", text("none"))]),
        value(
            "after-probe",
            "before they call anything a hole",
            &[0],
            &[("seek_check", text("after-probe"))],
        ),
    ],
    on: any,
};

/// What a buffered write compares, once it has locked the folio.
pub const WRITE_COMPARED: Dimension = Dimension {
    key: "write",
    words: "a buffered write compares",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid"),
    values: &[
        value("nothing", "nothing", &[], &[("check", text("none"))]),
        value(
            "type",
            "the type and the address of the extent",
            &[0],
            &[("check", text("after-lock")), ("compare", text("type"))],
        ),
        value(
            "data-counter",
            "the data counter",
            &[0],
            &[("check", text("after-lock")), ("compare", text("data-counter"))],
        ),
        value(
            "counter",
            "the data counter, and of a mapping of copies the COW counter, too",
            &[0, 1, 2],
            &[("check", text("after-lock")), ("compare", text("counter"))],
        ),
    ],
    on: any,
};

/// Which counters the cookie of a buffered write's mapping has.
pub const WRITE_COOKIE: Dimension = Dimension {
    key: "write",
    words: "the cookie of a buffered write's mapping has",
    kind: Kind::Check,
    shows: Shows::Operation("iomap_valid"),
    values: &[
        value("nothing", "nothing", &[], &[("check", text("none"))]),
        value(
            "data-counter",
            "the data counter",
            &[0],
            &[("check", text("after-lock")), ("compare", text("data-counter"))],
        ),
        value(
            "counter",
            "the data counter, and of a mapping of copies the COW counter, too",
            &[0, 1],
            &[("check", text("after-lock")), ("compare", text("counter"))],
        ),
    ],
    on: any,
};

/// Whose counters it has of copies over a hole.
pub const COW_HOLE: Dimension = Dimension {
    key: "over-hole",
    words: "the cookie of a mapping of copies over a hole has",
    kind: Kind::Check,
    shows: Shows::Nothing,
    values: &[
        value("data-fork", "the data counter", &[], &[("cow_hole", text("data-fork"))]),
        value("both-forks", "both counters", &[0], &[("cow_hole", text("both-forks"))]),
    ],
    on: any,
};

/// Whether a cookie has i_size.
pub const COOKIE_SIZE: Dimension = Dimension {
    key: "i-size",
    words: "a cookie has",
    kind: Kind::Check,
    shows: Shows::Nothing,
    values: &[
        value("absent", "no i_size", &[], &[("cookie_size", flag(false))]),
        value("present", "i_size, too", &[0], &[("cookie_size", flag(true))]),
    ],
    on: any,
};

/// Whether the cookie of a NEW mapping counts writes.
pub const COOKIE_NEW: Dimension = Dimension {
    key: "new",
    words: "the cookie of a NEW mapping counts",
    kind: Kind::Check,
    shows: Shows::Operation("dirty_seq"),
    values: &[
        value("absent", "no writes", &[], &[("cookie_new", flag(false))]),
        value("present", "blocks that are dirtied, too", &[0], &[("cookie_new", flag(true))]),
    ],
    on: any,
};

/// Which changes move a cookie.
pub const SCOPE: Dimension = Dimension {
    key: "scope",
    words: "a cookie counts changes",
    kind: Kind::Check,
    shows: Shows::Nothing,
    values: &[
        value("block", "of the block that is written alone", &[], &[("cookie", text("block"))]),
        value("range", "of the blocks of the mapping", &[0], &[("cookie", text("range"))]),
        value("fork", "of the whole fork", &[0, 1], &[("cookie", text("fork"))]),
    ],
    on: any,
};

/// What is looked at again before copies in another place take the place of blocks.
pub const RELOCATE_RECHECK: Dimension = Dimension {
    key: "relocate",
    words: "who moves blocks compares, before the copies take their place,",
    kind: Kind::Check,
    shows: Shows::Operation("xfs_zoned_map_extent"),
    values: &[
        value("none", "nothing", &[], &[("relocate_recheck", text("none"))]),
        value("address", "their address", &[0], &[("relocate_recheck", text("address"))]),
        value("counter", "the data counter", &[0, 1], &[("relocate_recheck", text("counter"))]),
    ],
    on: relocates,
};

/// What a direct write looks at again before it allocates a copy.
pub const COW_RECHECK: Dimension = Dimension {
    key: "dio-cow",
    words: "a direct write looks again, before it allocates a copy,",
    kind: Kind::Check,
    shows: Shows::Nothing,
    values: &[
        value(
            "cow-and-shared",
            "at the COW fork, and whether the block that it knows is shared",
            &[],
            &[("cow_recheck", text("cow-and-shared"))],
        ),
        value(
            "data-cow-and-shared",
            "at the data fork, too",
            &[0],
            &[("cow_recheck", text("data-cow-and-shared"))],
        ),
    ],
    on: any,
};

/// What writeback looks at again before it allocates what is delayed.
pub const CONVERT_RECHECK: Dimension = Dimension {
    key: "convert",
    words: "writeback looks again, before it allocates what is delayed,",
    kind: Kind::Check,
    shows: Shows::Nothing,
    values: &[
        value("none", "at nothing", &[], &[("convert_recheck", text("none"))]),
        value(
            "no-retry",
            "at the extent, and writes nothing if it is gone",
            &[0],
            &[("convert_recheck", text("no-retry"))],
        ),
        value(
            "retry",
            "at the extent, and looks it up once more if it is gone",
            &[0, 1],
            &[("convert_recheck", text("retry"))],
        ),
    ],
    on: any,
};

/// What preallocation looks at again before the next extent.
pub const ALLOC_RECHECK: Dimension = Dimension {
    key: "preallocate",
    words: "preallocation looks again, before each extent,",
    kind: Kind::Check,
    shows: Shows::Nothing,
    values: &[
        value("none", "at nothing", &[], &[("alloc_recheck", text("none"))]),
        value("data-fork", "at the data fork", &[0], &[("alloc_recheck", text("data-fork"))]),
    ],
    on: any,
};
