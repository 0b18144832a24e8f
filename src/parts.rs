//! Runs in parts, for more than one machine: which part has what, what it writes, and how parts become one run again.
//!
//! A part is made without knowledge of the others: what it has follows from its number, the number of parts, and the list of
//! scenarios and designs. What it writes says of which run it is, so that only parts of one run are put together, and only all
//! of them.

pub mod document;
pub mod fit;
pub mod identity;
pub mod outcome;
pub mod partition;
pub mod slice;
pub mod states;
pub mod union;
