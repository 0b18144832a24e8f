//! What a worker of the kernel is kept back with, and waited for; and what a writer meets.

use crate::lab::plan::Turn;

/// How a worker that comes late is kept from beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Begins {
    /// It is held.
    Held(usize),
    /// The device keeps what it waits for.
    Kept,
    /// Who submits what it waits for is held.
    Submits(usize),
}

impl Begins {
    /// The hold of the worker itself.
    pub(super) fn hold(self) -> Option<usize> {
        match self {
            Begins::Held(hold) => Some(hold),
            Begins::Kept | Begins::Submits(_) => None,
        }
    }
}

/// What a segment of a worker is waited for with.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Awaited {
    pub(super) begins: Option<Begins>,
    pub(super) stops: Option<usize>,
    pub(super) returns: Option<usize>,
}

/// What is done to a writer, and where it is held for it.
pub(super) struct Met {
    pub(super) hold: usize,
    pub(super) turn: Turn,
}
