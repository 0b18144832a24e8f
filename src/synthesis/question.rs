//! What can be asked: which places, what in the cookie, what compared, which locks.

use stalemap_model::words::settings::Setting;

use super::dimension::Dimension;
use super::table::locks::{
    CLONE_LOCK, DIO_CACHED, DIO_WAIT, FAULT_MAP, FILL_MAP, INVALIDATE_LOCK, LAYOUT_LOCK, PUNCH_LOCK,
    READ_LOCK, REDIRTY_LOCK, RELOCATE_LOCK, SEEK_LOCK, UNALIGNED_LOCK, WRITE_LOCK, WRITEBACK_LOOKUP,
    ZERO_LOCK,
};
use super::table::{
    ALLOC_RECHECK, CONVERT_RECHECK, COW_HOLE, COW_RECHECK, DIO_READ, DIO_WRITE, FAULT, READ, REFLINK,
    RELOCATE_RECHECK, SCOPE, SEEK, UNSHARE, WRITE, WRITE_COMPARED, WRITE_COOKIE, WRITEBACK, ZERO,
};

/// A question: the dimensions that are varied, and what stays as it is.
#[derive(Debug)]
pub struct Question {
    /// Its name on the command line.
    pub key: &'static str,
    /// What its sets are sets of: `places at which a mapping is validated`.
    pub words: &'static str,
    /// What is varied.
    pub dimensions: &'static [&'static Dimension],
    /// The fields that have the same value in all candidates.
    pub fixed: &'static [(&'static str, Setting<'static>)],
    /// What belongs to it and has no field: it is not asked about.
    pub not_modelled: &'static [&'static str],
}

/// Where mappings are validated.
pub const PLACES: Question = Question {
    key: "places",
    words: "places at which a mapping is validated",
    dimensions: &[&WRITE, &ZERO, &UNSHARE, &WRITEBACK, &FAULT, &READ, &DIO_WRITE, &DIO_READ, &REFLINK, &SEEK],
    fixed: &[],
    not_modelled: &["a test of writeback's mapping for a whole folio"],
};

/// What the validity cookie contains, where every place compares it.
pub const COOKIE: Question = Question {
    key: "cookie",
    words: "what the validity cookie contains",
    dimensions: &[&WRITE_COOKIE, &COW_HOLE, &WRITEBACK, &SCOPE],
    fixed: &[("counter", Setting::Flag(true)), ("seek_check", Setting::Text("after-probe"))],
    not_modelled: &["i_size in a cookie", "whether a mapping is NEW in a cookie"],
};

/// What is compared, or looked at again.
pub const COMPARE: Question = Question {
    key: "compare",
    words: "what is compared, or looked at again",
    dimensions: &[&WRITE_COMPARED, &RELOCATE_RECHECK, &COW_RECHECK, &CONVERT_RECHECK, &ALLOC_RECHECK],
    fixed: &[
        ("counter", Setting::Flag(true)),
        ("writeback_check", Setting::Text("cookie-cow")),
        ("seek_check", Setting::Text("after-probe")),
    ],
    not_modelled: &[],
};

/// Locks, waits and look-ups, beside the comparisons that they can stand in for.
pub const LOCKS: Question = Question {
    key: "locks",
    words: "locks, waits and look-ups, and of comparisons that they can stand in for",
    dimensions: &[
        &WRITE,
        &WRITEBACK_LOOKUP,
        &FAULT,
        &READ,
        &REFLINK,
        &SEEK,
        &SEEK_LOCK,
        &READ_LOCK,
        &FAULT_MAP,
        &FILL_MAP,
        &WRITE_LOCK,
        &INVALIDATE_LOCK,
        &PUNCH_LOCK,
        &ZERO_LOCK,
        &REDIRTY_LOCK,
        &UNALIGNED_LOCK,
        &DIO_WAIT,
        &DIO_CACHED,
        &LAYOUT_LOCK,
        &CLONE_LOCK,
        &RELOCATE_LOCK,
    ],
    fixed: &[],
    not_modelled: &[],
};

/// All questions, in the order of the help.
pub const ALL: &[&Question] = &[&PLACES, &COOKIE, &COMPARE, &LOCKS];
