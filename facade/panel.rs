//! The shared state as a picture: what a reader of a schedule wants to see whole beside one of its steps.
//!
//! What is laid out by byte offset is drawn as strips, one below the other, cut at the same offsets. Everything is words
//! and byte ranges, so that whoever draws it needs to know nothing of the system.

use std::ops::Range;

/// One part of the shared state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Panel {
    /// Its name; `None` for the only one.
    pub title: Option<String>,
    /// Single values (`i_size`, counters, who holds which lock), each with its name.
    pub facts: Vec<(String, String)>,
    /// What is laid out by byte offset.
    pub strips: Vec<Strip>,
}

/// One row of a panel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Strip {
    /// What it shows (`extents`, `folios`).
    pub name: &'static str,
    /// Its parts, in the order of their offsets, without gaps.
    pub spans: Vec<Span>,
}

/// A part of a strip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Where it lies, in bytes.
    pub bytes: Range<u64>,
    /// A few characters (`W`, `0x57`).
    pub label: String,
    /// The label in words.
    pub words: String,
    /// How it is to be painted: one of a few words that the system and the style sheet agree on.
    pub paint: &'static str,
}
