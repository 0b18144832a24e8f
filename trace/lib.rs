//! Traces of real kernels, as text: what is printed by tracefs (`trace`, `trace_pipe`) and by `trace-cmd report`, also
//! compressed with gzip.
//!
//! One line is one event; the order of lines is the order of events, whatever the times say. A [`Reader`] gives the events of
//! one inode, each as an [`Event`] that is the same for all kernels: bytes are bytes, blocks are blocks, and numbers have
//! lost the base in which a kernel prints them. What it does not understand it counts ([`Counts`]); it keeps nothing, so that
//! a trace may be of any length.
//!
//! Formats were read in `fs/iomap/trace.h`, `fs/xfs/xfs_trace.h`, `include/trace/events/filemap.h` and
//! `include/trace/events/writeback.h` of Linux 6.1.192, 6.12.118 and 7.3.4, and in traces of 5.10.262, 6.1.192 and 6.12.117.
//! This crate knows nothing of the model.

mod counts;
mod cut;
mod event;
mod extents;
mod fields;
mod folios;
mod line;
mod parse;
mod pieces;
mod ranges;
mod reader;
mod windows;

pub use counts::{Counts, Unreadable};
pub use cut::{Act, Cut, Part, cut};
pub use event::{
    BlockChange, Call, Direct, Event, FolioChange, Fork, Lock, MapKind, Mapping, Phase, Place, Request,
    Sampled, Source,
};
pub use folios::is_block_size;
pub use line::{Head, Task};
pub use pieces::{
    Answer, Cutting, Deed, Doer, Does, Impossible, Outside, Piece, Pieces, Rule, Seen, Sight, Traces,
};
pub use reader::{ReadError, Reader, Traced, Which};
pub use windows::{
    Bytes, Change, Finder, Harm, Judgement, Moment, Purpose, Totals, Window, Windows, WrongContents,
};

/// A shell script that takes a trace of one file with the events that a [`Reader`] reads, while a command runs.
pub const RECORD: &str = include_str!("record.sh");
