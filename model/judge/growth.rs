//! A file that grows: what was stored behind end of file, and what is found there before the data are.
//!
//! A mapping may store behind end of file, in the page that it lies in. Such a store may be seen there or not, as long as it
//! stays behind end of file; it is not written to the file, says mmap(2), and generic/363 tests that it never becomes part of
//! it. So the cells that come into the file read as zeros, but for what is stored while they do: that may be taken to come
//! after. It is judged alike whoever makes the file grow, and however large the blocks are.

use super::values::Values;
use crate::words::geometry::Cell;
use crate::words::value::{Value, WriteId};

/// What was in a cell before a direct write that is not complete, but has brought it inside end of file: whoever has seen the
/// size has to find the data.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, PartialOrd, Ord)]
pub(super) struct Outgrown {
    /// What it may have been.
    values: Values,
    /// Whether the whole page was behind end of file, so that who loads from it has seen the size.
    page: bool,
}

impl Outgrown {
    /// The cell had one of `values`; `page` says whether all of its page was behind end of file.
    pub(super) fn new(values: Values, page: bool) -> Self {
        Outgrown { page: page && !values.are_none(), values }
    }

    /// Whether a read that has seen the size returned this, in the cell `at`, before the data were there.
    pub(super) fn misleads_read(&self, value: Value, at: Cell) -> bool {
        self.values.contain(value, at)
    }

    /// Whether a load through a mapping did.
    pub(super) fn misleads_load(&self, value: Value, at: Cell) -> bool {
        self.page && self.misleads_read(value, at)
    }

    /// The same in another cell.
    #[must_use]
    pub(super) fn carried(&self, from: Cell, to: Cell) -> Self {
        Outgrown { values: self.values.carried(from, to), page: self.page }
    }
}

/// Calls under way that make the file grow over a cell that they do not write: each with the values that were stored there
/// before it began.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, PartialOrd, Ord)]
pub(super) struct Growths(Vec<(WriteId, Values)>);

impl Growths {
    /// A call begins: the cell may have the values `stored` until now.
    pub(super) fn begin(&mut self, id: WriteId, stored: Values) {
        self.0.push((id, stored.without(&Values::ZERO)));
        self.0.sort_unstable();
    }

    /// A call ends. Returns the values that were stored before it began, if it is one of these.
    pub(super) fn end(&mut self, id: WriteId) -> Option<Values> {
        let at = self.0.iter().position(|(other, _)| *other == id)?;
        Some(self.0.remove(at).1)
    }

    /// These are found again since what came over them has failed to be written: they were not stored behind end of file.
    pub(super) fn keep(&mut self, found: &Values) {
        self.0.iter_mut().for_each(|(_, stored)| stored.remove_all(found));
    }

    /// The same in another cell.
    #[must_use]
    pub(super) fn carried(&self, from: Cell, to: Cell) -> Self {
        Growths(self.0.iter().map(|(id, stored)| (*id, stored.carried(from, to))).collect())
    }

    /// Whether a call is under way.
    pub(super) fn is_under_way(&self, id: WriteId) -> bool {
        self.0.iter().any(|(other, _)| *other == id)
    }

    /// Whether any call is.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Nothing is known of the cell any more.
    pub(super) fn exempt(&mut self) {
        self.0.iter_mut().for_each(|(_, stored)| *stored = Values::NONE);
    }
}
