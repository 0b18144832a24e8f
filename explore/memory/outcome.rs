//! Which way a transition goes where several are possible.
//!
//! What the model chooses is announced with the operation. What an access meets in relaxed memory is not: how many
//! messages there are to read is known when the transition gets there. So an outcome is a number for the one, and a
//! row of digits for the other, and a transition that has been tried says which outcome comes next.

use std::cell::{Cell, RefCell};
use std::num::NonZeroU32;

/// Bits of a digit.
const BITS: u32 = 4;
/// Digits in a row.
const DIGITS: usize = (u32::BITS / BITS) as usize;

/// One way that a transition can go: which of the announced alternatives, and, for each access to relaxed memory that
/// has several ways, in order, which one: 0 is the latest message, or behind it; then backwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Outcome {
    picks: u32,
    /// One more than the number of the alternative.
    choice: NonZeroU32,
}

impl Outcome {
    /// The first alternative, and the latest messages.
    pub(crate) const FIRST: Outcome = Outcome { picks: 0, choice: NonZeroU32::MIN };

    pub(crate) fn new(choice: u32, picks: u32) -> Self {
        Outcome { picks, choice: NonZeroU32::MIN.saturating_add(choice) }
    }

    pub(crate) fn choice(self) -> u32 {
        self.choice.get() - 1
    }

    pub(crate) fn picks(self) -> u32 {
        self.picks
    }
}

/// The digits of a row, without the zeros at its end.
pub(crate) fn digits(mut picks: u32) -> Vec<u32> {
    let mut digits = Vec::new();
    while picks != 0 {
        digits.push(picks & ((1 << BITS) - 1));
        picks >>= BITS;
    }
    digits
}

/// The row of some digits. `None`: they are too many, or too large.
pub(crate) fn of_digits(digits: &[u32]) -> Option<u32> {
    if digits.len() > DIGITS || digits.iter().any(|digit| *digit >= 1 << BITS) {
        return None;
    }
    Some(digits.iter().rev().fold(0, |row, digit| row << BITS | digit))
}

/// What the current transition has picked.
#[derive(Default)]
pub(super) struct Picks {
    /// The digits that are left.
    left: Cell<u32>,
    /// What was picked, and of how many.
    picked: RefCell<Vec<(u32, u32)>>,
    /// Whether anything was.
    any: Cell<bool>,
    wrong: Cell<bool>,
}

impl Picks {
    pub(super) fn begin(&self, picks: u32) {
        self.left.set(picks);
        self.wrong.set(false);
        if self.any.replace(false) {
            self.picked.borrow_mut().clear();
        }
    }

    /// Picks one of several ways.
    pub(super) fn pick(&self, ways: usize) -> usize {
        if ways <= 1 {
            return 0;
        }
        let digit = self.left.get() & ((1 << BITS) - 1);
        self.left.set(self.left.get() >> BITS);
        let mut picked = self.picked.borrow_mut();
        if ways > 1 << BITS || digit as usize >= ways || picked.len() == DIGITS {
            self.wrong.set(true);
            return 0;
        }
        picked.push((digit, ways as u32));
        self.any.set(true);
        digit as usize
    }

    /// Whether a pick was impossible, or there were too many to tell.
    pub(super) fn went_wrong(&self) -> bool {
        self.wrong.get() || self.left.get() != 0
    }

    /// The row that comes after the present one.
    pub(super) fn next(&self) -> Option<u32> {
        if !self.any.get() {
            return None;
        }
        let picked = self.picked.borrow();
        let last = picked.iter().rposition(|(digit, ways)| digit + 1 < *ways)?;
        let mut digits: Vec<u32> = picked[..=last].iter().map(|(digit, _)| *digit).collect();
        digits[last] += 1;
        of_digits(&digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_taken_once_whatever_the_earlier_ones_lead_to() {
        let picks = Picks::default();
        let mut ways = Vec::new();
        let mut row = Some(0);
        while let Some(digits) = row {
            picks.begin(digits);
            let first = picks.pick(2);
            // Only one of the ways leads to a second pick.
            let second = if first == 0 { picks.pick(3) } else { 7 };
            assert!(!picks.went_wrong());
            ways.push((first, second));
            row = picks.next();
        }
        assert_eq!(ways, [(0, 0), (0, 1), (0, 2), (1, 7)]);
    }

    #[test]
    fn what_cannot_be_picked_is_noticed() {
        let picks = Picks::default();
        picks.begin(2);
        picks.pick(2);
        assert!(picks.went_wrong());
        picks.begin(1);
        assert!(picks.went_wrong(), "nobody has asked");
    }

    #[test]
    fn digits_are_read_back() {
        assert_eq!(of_digits(&digits(0x1032)), Some(0x1032));
        assert_eq!(digits(0), Vec::<u32>::new());
        assert_eq!(of_digits(&[16]), None);
        assert_eq!(of_digits(&[1; 9]), None);
    }
}
