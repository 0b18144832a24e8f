//! A task, as far as the pieces need to know what it is about.

use std::ops::Range;

use super::suspicion::Suspect;
use crate::event::MapKind;

/// What a mapping that is asked for is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum For {
    #[default]
    Nothing,
    Write,
    Store,
    Read,
    Zero,
    Direct,
    Other,
}

impl For {
    pub(super) fn of(flags: &str) -> Self {
        let has = |flag: &str| flags.split('|').any(|one| one == flag);
        if has("DIRECT") {
            For::Direct
        } else if has("ZERO") {
            For::Zero
        } else if has("UNSHARE") || has("REPORT") {
            For::Other
        } else if has("FAULT") {
            For::Store
        } else if has("WRITE") {
            For::Write
        } else {
            For::Read
        }
    }
}

/// A mapping that a write holds.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) bytes: Range<u64>,
    /// The pages that it was sampled for and that it has not come to.
    pub(super) pages: Vec<u64>,
}

/// A task.
#[derive(Debug, Default)]
pub(super) struct Doing {
    /// Its last line, and the one before.
    pub(super) line: u64,
    pub(super) before: u64,
    /// It was seen to begin something: what it does is known from then on.
    pub(super) begun_here: bool,
    /// The line before the change of the map that is under way, and that before the last one.
    pub(super) changes: Option<u64>,
    pub(super) changed: u64,
    /// That is one that writing, writeback and completion make.
    pub(super) changes_for_pages: bool,
    /// The write that is under way, in bytes, and since which line.
    pub(super) call: Option<(Range<u64>, u64)>,
    /// Its beginning was seen.
    pub(super) call_seen: bool,
    /// It is in a call that drops clean pages alone.
    pub(super) drops: bool,
    /// How far it has come.
    pub(super) position: u64,
    pub(super) asks: For,
    /// When it asked, and where, as far as that is said.
    pub(super) asked: u64,
    pub(super) asked_at: u64,
    pub(super) asked_length: u64,
    /// What it found there, exactly.
    pub(super) found: Option<(u64, u64)>,
    pub(super) found_copy: bool,
    /// Writeback has a mapping of a copy of shared blocks; not every kernel says so with the mapping.
    pub(super) writes_copy: bool,
    pub(super) held: Option<Held>,
    /// The part of a write for which a folio is taken, and since which line.
    pub(super) begins: Option<(Range<u64>, u64)>,
    /// When it was found that it can be written.
    pub(super) begun: u64,
    /// The mapping was rejected.
    pub(super) rejected: bool,
    /// When it began to compare.
    pub(super) compares: u64,
    /// How often the counter of the data fork had moved when its mapping was handed out, and when it began to compare that.
    pub(super) moved_when_sampled: Option<u64>,
    pub(super) moved_when_compared: u64,
    /// What cannot be, if it goes on so.
    pub(super) suspect: Suspect,
    /// Pages that it has added and not read, with what was found of them.
    pub(super) reading: Vec<Reading>,
    /// It reads, and has added nothing for that.
    pub(super) reads_again: bool,
    /// The folio that it has taken for writeback, in pages, and when; and the lines before which it had not.
    pub(super) cleaned: Option<(Range<u64>, u64, u64)>,
}

/// A page that is read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) page: u64,
    /// Up to where it was mapped.
    pub(super) upto: u64,
    pub(super) kinds: Vec<MapKind>,
    pub(super) first: u64,
}
