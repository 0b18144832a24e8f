//! Sets of values that one cell may have.
//!
//! Most of them were written to the cell itself, and are a word of bits. What was written elsewhere, and has come with its block
//! (a collapse, an insertion, a clone to another offset), is not the same: a read that is given it by a mapping that is out of date
//! is wrong although one write has written both.

use crate::words::geometry::Cell;
use crate::words::value::{Value, WriteId};

/// Values of one cell, as that cell sees them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, PartialOrd, Ord)]
pub struct Values {
    /// Those written to the cell itself, by their writes. Zeros are among them: they are the same everywhere.
    here: u64,
    /// Those written to other cells, in order, each with where that was; `None` where there is none, as nearly always.
    elsewhere: Option<Box<[(WriteId, Cell)]>>,
}

/// Stands among the values that a cell may have for none of them: the cell lies outside of the file.
const OUTSIDE: u64 = 1 << 63;

/// What is the same wherever it lies.
const ANYWHERE: u64 = OUTSIDE | 1;

impl Values {
    /// None.
    pub(super) const NONE: Values = Values { here: 0, elsewhere: None };
    /// Zeros.
    pub(super) const ZERO: Values = Values { here: 1, elsewhere: None };
    /// The cell lies outside of the file.
    pub(super) const OUTSIDE: Values = Values { here: OUTSIDE, elsewhere: None };
    /// Whatever was ever written, and wherever.
    pub(super) const EVERYTHING: Values = Values { here: u64::MAX, elsewhere: None };

    /// What this write puts into the cell.
    pub(super) fn of(id: WriteId) -> Self {
        Values { here: 1 << id, elsewhere: None }
    }

    /// The value alone, in the cell `at`; nothing for garbage.
    pub(super) fn only(value: Value, at: Cell) -> Self {
        match (value.write(), value.origin()) {
            (None, _) => Values::NONE,
            (Some(id), Some(origin)) if origin != at => {
                Values { here: 0, elsewhere: Some([(id, origin)].into()) }
            }
            (Some(id), _) => Values::of(id),
        }
    }

    /// Whether the value is among them, in the cell `at`.
    pub(super) fn contain(&self, value: Value, at: Cell) -> bool {
        match (value.write(), value.origin()) {
            (None, _) => false,
            (Some(id), Some(origin)) if origin != at => {
                self.are_everything() || self.elsewhere().contains(&(id, origin))
            }
            (Some(id), _) => self.has(id),
        }
    }

    /// Whether something of the write is among them, wherever that was written.
    pub(super) fn contain_of(&self, id: WriteId) -> bool {
        self.has(id) || self.elsewhere().iter().any(|(other, _)| *other == id)
    }

    /// Whether what this write puts into the cell is among them.
    pub(super) fn has(&self, id: WriteId) -> bool {
        self.here & (1 << id) != 0
    }

    /// Whether the cell may lie outside of the file.
    pub(super) fn are_outside(&self) -> bool {
        self.here & OUTSIDE != 0
    }

    /// Whether there is none.
    pub(super) fn are_none(&self) -> bool {
        self.here == 0 && self.elsewhere.is_none()
    }

    /// Takes in what this write puts into the cell.
    pub(super) fn add(&mut self, id: WriteId) {
        self.here |= 1 << id;
    }

    /// Leaves out what this write puts into the cell.
    pub(super) fn remove(&mut self, id: WriteId) {
        self.here &= !(1 << id);
    }

    /// Takes in others.
    pub(super) fn add_all(&mut self, others: &Values) {
        self.here |= others.here;
        if !others.elsewhere().is_empty() {
            let mut all = [self.elsewhere(), others.elsewhere()].concat();
            all.sort_unstable();
            all.dedup();
            self.elsewhere = Some(all.into());
        }
        if self.are_everything() {
            self.elsewhere = None;
        }
    }

    /// Leaves out others.
    pub(super) fn remove_all(&mut self, others: &Values) {
        self.here &= !others.here;
        self.retain(|at| !others.are_everything() && !others.elsewhere().contains(at));
    }

    /// Leaves out all but others.
    pub(super) fn keep_all(&mut self, others: &Values) {
        self.here &= others.here;
        self.retain(|at| others.are_everything() || others.elsewhere().contains(at));
    }

    /// The same with others.
    #[must_use]
    pub(super) fn with(mut self, others: &Values) -> Self {
        self.add_all(others);
        self
    }

    /// The same without others.
    #[must_use]
    pub(super) fn without(mut self, others: &Values) -> Self {
        self.remove_all(others);
        self
    }

    /// What they are in another cell, into which they come with their block.
    #[must_use]
    pub(super) fn carried(&self, from: Cell, to: Cell) -> Self {
        if from == to || self.are_everything() {
            return self.clone();
        }
        let left = (1..63).filter(|id| self.has(*id)).map(|id| (id, from));
        let (back, mut others): (Vec<_>, Vec<_>) =
            self.elsewhere().iter().copied().chain(left).partition(|(_, origin)| *origin == to);
        others.sort_unstable();
        Values {
            here: back.iter().fold(self.here & ANYWHERE, |set, (id, _)| set | 1 << id),
            elsewhere: (!others.is_empty()).then(|| others.into()),
        }
    }

    fn elsewhere(&self) -> &[(WriteId, Cell)] {
        self.elsewhere.as_deref().unwrap_or_default()
    }

    fn retain(&mut self, keep: impl Fn(&(WriteId, Cell)) -> bool) {
        if self.elsewhere.is_some() {
            let kept: Vec<_> = self.elsewhere().iter().copied().filter(keep).collect();
            self.elsewhere = (!kept.is_empty()).then(|| kept.into());
        }
    }

    /// Zeros aside, which may be known not to be there where nothing else is known.
    fn are_everything(&self) -> bool {
        self.here | 1 == u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_its_block_is_not_what_was_written_where_it_comes_to() {
        let written = Values::of(1).with(&Values::ZERO);
        let moved = written.carried(3, 2);
        assert!(moved.contain(Value::written(1, 3), 2) && !moved.contain(Value::written(1, 2), 2));
        assert!(moved.contain(Value::ZERO, 2) && moved.contain_of(1) && !moved.has(1));
        assert_eq!(moved.carried(2, 3), written, "it is back");
        assert_eq!(moved.carried(2, 0).carried(0, 3), written);
        assert_eq!(written.carried(2, 2), written);
        assert_eq!(Values::OUTSIDE.carried(1, 2), Values::OUTSIDE);
    }

    #[test]
    fn both_may_be_in_one_cell() {
        let mut both = Values::of(1).carried(1, 0).with(&Values::of(1));
        let (here, there) = (Value::written(1, 0), Value::written(1, 1));
        assert!(both.contain(here, 0) && both.contain(there, 0));
        both.remove(1);
        assert_eq!(both, Values::only(there, 0));
        assert_eq!(both.clone().with(&Values::only(here, 0)).without(&both), Values::of(1));
        both.keep_all(&Values::of(1));
        assert!(both.are_none(), "no list is left behind: equal sets are equal states");
    }

    #[test]
    fn everything_has_what_was_written_elsewhere() {
        let everything = Values::EVERYTHING.with(&Values::of(1).carried(1, 0));
        assert_eq!(everything, Values::EVERYTHING);
        assert!(everything.contain(Value::written(2, 7), 0) && !everything.contain(Value::garbage(0), 0));
        assert!(Values::of(1).carried(1, 0).without(&everything).are_none());
    }
}
