//! Rows of numbers, and states that are still to be expanded, one behind the other.

use super::known::Number;

/// Rows for which room is made at least.
const FEWEST: usize = 16;

/// Some rows of the same width.
pub(super) struct Rows {
    width: usize,
    numbers: Vec<Number>,
}

impl Rows {
    /// None, of so many numbers each.
    pub(super) fn new(width: usize) -> Self {
        Rows { width, numbers: Vec::new() }
    }

    #[inline]
    fn row(&self, row: usize) -> &[Number] {
        &self.numbers[row * self.width..][..self.width]
    }

    /// Enters a copy of a row, to be changed.
    #[inline]
    pub(super) fn enter(&mut self, row: &[Number]) -> &mut [Number] {
        let at = self.numbers.len();
        if at + self.width > self.numbers.capacity() {
            self.numbers.reserve_exact(at / 4 + self.width * FEWEST);
        }
        self.numbers.extend_from_slice(row);
        &mut self.numbers[at..]
    }

    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &[Number]> {
        self.numbers.chunks_exact(self.width)
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        (self.numbers.capacity() * size_of::<Number>()) as u64
    }
}

/// Some states: a row and a fingerprint each.
pub(super) struct States {
    rows: Rows,
    prints: Vec<u128>,
}

impl States {
    /// None, of rows of so many numbers.
    pub(super) fn new(width: usize) -> Self {
        States { rows: Rows::new(width), prints: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.prints.len()
    }

    #[inline]
    pub(super) fn row(&self, state: usize) -> &[Number] {
        self.rows.row(state)
    }

    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &[Number]> {
        self.rows.rows()
    }

    #[inline]
    pub(super) fn print(&self, state: usize) -> u128 {
        self.prints[state]
    }

    /// Enters a state with a copy of a row, to be changed.
    #[inline]
    pub(super) fn enter(&mut self, row: &[Number], print: u128) -> &mut [Number] {
        self.prints.push(print);
        self.rows.enter(row)
    }

    /// Forgets the states, and keeps their place for others unless it is much too large.
    pub(super) fn clear(&mut self) {
        let used = self.prints.len() * 5 / 4;
        self.rows.numbers.clear();
        self.prints.clear();
        self.rows.numbers.shrink_to(used * self.rows.width);
        self.prints.shrink_to(used);
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        self.rows.bytes() + (self.prints.capacity() * size_of::<u128>()) as u64
    }
}
