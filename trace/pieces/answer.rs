//! The answers of the kernel's check, one by one: a trace may have some that no piece is about, and what is said of the pieces is
//! nothing of them.

use super::piece::Outside;
use super::task::{Doing, For};
use crate::folios::PAGE;

/// An answer of the kernel's check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Its line.
    pub line: u64,
    /// The mapping may be used.
    pub valid: bool,
    /// Where the page begins that it was given for, in bytes, if that was seen.
    pub page: Option<u64>,
    /// Why no piece can be about it, if that is known before the page's story ends.
    pub outside: Option<Outside>,
}

impl Answer {
    /// An answer to a task.
    pub(super) fn to(doing: &Doing, line: u64, valid: bool, begins_traced: bool) -> Self {
        let page = doing.begins.as_ref().map(|(bytes, _)| bytes.start / PAGE * PAGE);
        let outside = match (doing.asks, page) {
            (For::Write, Some(_)) => None,
            (For::Write, None) if !begins_traced => Some(Outside::ProbesMissing),
            (For::Zero, _) => Some(Outside::Zeroed),
            _ => Some(Outside::BeginningUnseen),
        };
        Answer { line, valid, page, outside }
    }
}
