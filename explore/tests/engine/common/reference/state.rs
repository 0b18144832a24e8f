//! What a state of a program is, and how one ends: plain values.

use stalemap_facade::{ActorId, Bound};

use crate::common::program::{ATOMICS, LEAVES, LOCKS, Registers};

/// A complete state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct State {
    pub(super) locks: [Locked; LOCKS],
    pub(super) word: u64,
    pub(super) atomics: [u64; ATOMICS],
    pub(super) leaves: [u64; LEAVES],
    pub(super) record: Vec<(usize, u64)>,
    pub(super) violated: u64,
    pub(super) cut: Option<Bound>,
    pub(super) tasks: Vec<Task>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Locked {
    pub(super) value: u64,
    pub(super) owner: Option<ActorId>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Task {
    Unstarted,
    /// In front of a visible statement.
    Waiting(Place),
    Finished,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Place {
    pub(super) step: usize,
    pub(super) statement: usize,
    pub(super) registers: Registers,
    /// The values under the guards held.
    pub(super) held: [Option<u64>; LOCKS],
    /// The registers with which the step began, and what it has seen since. Nothing reads them: they make
    /// exactly those states different that differ for an engine which knows a task only from outside.
    pub(super) entry: Registers,
    pub(super) seen: Vec<Seen>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Seen {
    Word(u64),
    Busy,
}

/// How a state without transitions ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    Deadlock {
        outside: Outside,
        /// Who waits, and where.
        waiting: Vec<(ActorId, usize, usize)>,
    },
    /// Unless the epilogue was given up, somebody observed it.
    Final {
        violated: u64,
        observed: Option<String>,
        cut: Option<Bound>,
        outside: Outside,
        /// The same after the epilogue, and whether that waits for ever.
        after: (Outside, bool),
    },
}

impl End {
    /// The bound at which the epilogue was given up.
    pub(super) fn cut(&self) -> Option<Bound> {
        if let End::Final { cut, .. } = self { *cut } else { None }
    }
}

/// A state as it is seen by who cannot look into the tasks.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Outside {
    pub(super) locks: [Locked; LOCKS],
    pub(super) word: u64,
    pub(super) atomics: [u64; ATOMICS],
    pub(super) leaves: [u64; LEAVES],
    pub(super) record: Vec<(usize, u64)>,
    pub(super) violated: u64,
}

impl Outside {
    pub(super) fn of(state: &State) -> Self {
        let State { locks, word, atomics, leaves, record, violated, .. } = state.clone();
        Outside { locks, word, atomics, leaves, record, violated }
    }
}
