//! From an event's name and text to what it says.
//!
//! One function for each subject, each asked in turn; the names are the kernel's, and beside those of tracepoints the names that
//! `stalemap trace record` gives to its probes.

mod call;
mod extent;
mod folio;
mod map;
mod write;

use crate::event::Event;
use crate::fields::{Fields, Missing};

/// Whose event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// An inode's.
    Inode(u64),
    /// Of the task that was last seen with an inode: the event has none.
    Task,
}

/// What an event says, and of which inode; `None` for an event that is not known.
pub(crate) fn parse(name: &str, text: &str) -> Option<Result<(Whose, Event), Missing>> {
    let fields = Fields::new(text);
    let subjects = [map::event, write::event, folio::event, extent::event, call::event];
    let event = subjects.iter().find_map(|subject| subject(name, fields))?;
    Some(event.and_then(|event| Ok((whose(name, fields)?, event))))
}

/// Events of the page cache print the number without `0x` (`include/trace/events/filemap.h`); those of writeback print it
/// in decimal digits.
fn whose(name: &str, fields: Fields<'_>) -> Result<Whose, Missing> {
    if name.starts_with("mm_filemap_") {
        return fields.hexadecimal("ino").map(Whose::Inode);
    }
    match fields.find("ino") {
        Some(_) => fields.number("ino").map(Whose::Inode),
        None => Ok(Whose::Task),
    }
}
