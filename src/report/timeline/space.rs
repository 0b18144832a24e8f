//! How far apart things stand in a timeline, in columns of text.

/// Spaces between two columns.
pub(super) const GAP: usize = 2;
/// How far what happened is indented below its operation.
pub(super) const INDENT: usize = 1;
