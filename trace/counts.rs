//! What was understood of a trace, and what was not.

use std::collections::BTreeMap;

use serde::Serialize;

/// A line that is no event of a trace, or an event that lacks something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: String,
}

/// How many names of events and numbers of inodes are told apart: a trace of something else may have any.
const MOST_NAMES: usize = 1000;

/// How many unreadable lines are kept.
const MOST_UNREADABLE: usize = 5;

/// What was understood, skipped and missed, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Lines, empty ones and headers, too.
    pub lines: u64,
    /// Lines that are events.
    pub events: u64,
    /// Events of the inode that were understood.
    pub understood: u64,
    /// Events of other inodes that would have been understood, by inode.
    pub other_inodes: BTreeMap<u64, u64>,
    /// Events that say no inode, of tasks that had to do with another one, or with none so far.
    pub without_inode: u64,
    /// Events that this reader does not know, by name.
    pub unknown: BTreeMap<String, u64>,
    /// Lines that are no events, and events that lack something.
    pub unreadable: u64,
    /// The first of them.
    pub first_unreadable: Vec<Unreadable>,
    /// The last line has no end: what came behind it may be missing, and a number at its end may be cut.
    pub unfinished: bool,
    /// Events that the kernel threw away since its buffer was full, as far as the trace says.
    pub lost: u64,
    /// Events whose time is before that of the line before. The order of lines is taken for the order of events; so a trace in which
    /// times go back is in no order: the buffers of processors one after the other, or two traces.
    pub backwards: u64,
}

impl Counts {
    pub(crate) fn unreadable(&mut self, why: impl Into<String>) {
        self.unreadable += 1;
        if self.first_unreadable.len() < MOST_UNREADABLE {
            self.first_unreadable.push(Unreadable { line: self.lines, why: why.into() });
        }
    }

    pub(crate) fn unknown(&mut self, name: &str) {
        count(&mut self.unknown, name.to_owned());
    }

    pub(crate) fn other(&mut self, inode: u64) {
        count(&mut self.other_inodes, inode);
    }
}

/// Counts one more; what would be one name too many is not counted by name.
fn count<K: Ord>(counted: &mut BTreeMap<K, u64>, name: K) {
    if counted.len() < MOST_NAMES || counted.contains_key(&name) {
        *counted.entry(name).or_default() += 1;
    }
}
