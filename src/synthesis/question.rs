//! What can be asked: which places, what in the cookie, what compared, which locks.

use stalemap_model::words::settings::Setting;

use super::dimension::Dimension;
use super::table::{SEEK, WRITE, WRITEBACK};

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
    dimensions: &[&WRITE, &WRITEBACK, &SEEK],
    fixed: &[],
    not_modelled: &["a test of writeback's mapping for a whole folio"],
};

/// x
pub const COOKIE: Question = Question { key: "cookie", ..PLACES };
/// x
pub const COMPARE: Question = Question { key: "compare", ..PLACES };
/// x
pub const LOCKS: Question = Question { key: "locks", ..PLACES };
/// All questions, in the order of the help.
pub const ALL: &[&Question] = &[&PLACES];
