//! Where actors stand, and what is kept to go back: how to undo a transition, and a complete state.

use std::rc::Rc;

use stalemap_facade::ActorId;

use crate::memory::{Answered, Pending, Saved, SavedMemory, SavedObject};
use crate::weight::Weight;

/// Where an actor stands. Never changed, only replaced: undoing is putting the old one back.
pub(crate) struct Standing<State> {
    /// The state its step began with; `None` when it has finished.
    pub(super) state: Option<Rc<State>>,
    /// The fingerprint of `state`.
    pub(super) state_print: u128,
    /// What it has observed since.
    pub(super) log: Vec<Answered>,
    pub(super) log_print: u128,
    pub(super) pending: Option<Pending>,
    /// Its share of the state's fingerprint.
    pub(super) print: u128,
    /// What all this takes of memory.
    pub(super) _weight: Weight,
}

/// What an actor's next operation waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waits {
    /// It has none: the actor has finished.
    Finished,
    Nothing,
    /// A value of this object.
    Object(usize),
}

impl<State> Standing<State> {
    /// Bytes of one with this log.
    pub(super) fn bytes(log: &Vec<Answered>) -> usize {
        size_of::<Self>() + size_of::<State>() + log.capacity() * size_of::<Answered>()
    }

    /// Its share of the state's fingerprint.
    pub(crate) fn print(&self) -> u128 {
        self.print
    }

    pub(crate) fn waits(&self) -> Waits {
        match self.pending.as_ref().map(Pending::waits_for) {
            None => Waits::Finished,
            Some(None) => Waits::Nothing,
            Some(Some(object)) => Waits::Object(object),
        }
    }
}

/// How to undo a transition.
pub(crate) struct Frame<State> {
    pub(super) actor: ActorId,
    pub(super) memory: Vec<SavedObject>,
    pub(super) violated: u64,
    pub(super) standing: Rc<Standing<State>>,
}

impl<State> Frame<State> {
    /// Bytes that it owns beside the values that it keeps.
    pub(crate) fn owned(&self) -> usize {
        self.memory.capacity() * size_of::<SavedObject>()
    }
}

/// A complete state that a machine can be put into.
pub(crate) struct Snapshot<State> {
    pub(super) memory: SavedMemory,
    pub(super) standings: Vec<Rc<Standing<State>>>,
    pub(super) standings_print: u128,
}

impl<State> Snapshot<State> {
    /// Bytes that it owns beside the values that it keeps.
    pub(crate) fn owned(&self) -> usize {
        self.memory.values.capacity() * size_of::<Saved>() + self.standings.capacity() * size_of::<Rc<()>>()
    }
}
