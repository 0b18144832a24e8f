//! What is asked of a slice, and what is found in it.

use std::collections::BTreeMap;

use crate::exploration::Exploration;

/// When a system is cut: as soon as so many states wait to be looked at, or were met. Those that wait are dealt out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enough {
    /// States that wait.
    pub waiting: usize,
    /// States that were met; at least one of them waits.
    pub met: usize,
}

impl Default for Enough {
    /// Enough for some thousand slices, and found within a second. The later the cut, the less the slices overlap.
    fn default() -> Self {
        Enough { waiting: 1 << 14, met: 1 << 18 }
    }
}

/// One of several slices of a system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SliceOf {
    /// Which, from 0.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

/// What was found in a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceFound {
    /// All that was found, in this slice and before the cut. States count that others may have come to, too.
    pub exploration: Exploration,
    /// The fingerprints of the states, in order.
    pub states: Vec<u128>,
    /// What there is to say of each final state.
    pub contents: BTreeMap<u128, FinalContents>,
    /// Whether a state was met again on the way on from it, so that there is a cycle.
    pub cycle_met: bool,
    /// What makes the cut the same as another. Slices of different cuts do not go together.
    pub cut: u128,
}

/// What a final state shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalContents {
    /// What an observer sees, if it is observed, and was not given up.
    pub observed: Option<String>,
    /// Whether something is violated.
    pub violating: bool,
}
