//! The state of a machine taken apart: values of objects, standings of actors, violated properties. The breadth-first search
//! numbers them, and puts states together again from what it has numbered.

use std::rc::Rc;

use stalemap_facade::{ActorId, System};

use super::Machine;
use super::standing::{Frame, Snapshot, Standing};
use crate::actors::ActorSet;
use crate::footprint::Footprint;
use crate::memory::{Saved, SavedMemory, SavedObject};

/// The parts of a state.
pub(crate) struct StateParts<State> {
    /// By object.
    pub(crate) values: Vec<Saved>,
    /// By actor.
    pub(crate) standings: Vec<Rc<Standing<State>>>,
    pub(crate) violated: u64,
}

impl<S: System> Machine<'_, S> {
    /// The actors of the exploration.
    pub(crate) fn movers(&self) -> ActorSet {
        self.main | self.daemons
    }

    /// The parts of the state.
    pub(crate) fn take_apart(&self) -> StateParts<S::State> {
        let SavedMemory { values, violated } = self.memory.save();
        StateParts { values, standings: self.standings.clone(), violated }
    }

    /// Puts the machine into the state that has these parts.
    pub(crate) fn put_together(&mut self, parts: StateParts<S::State>) {
        let StateParts { values, standings, violated } = parts;
        let standings_print =
            standings.iter().fold(0, |sum: u128, standing| sum.wrapping_add(standing.print));
        self.restore(&Snapshot { memory: SavedMemory { values, violated }, standings, standings_print });
    }

    /// Where an actor stands.
    pub(crate) fn standing(&self, actor: ActorId) -> &Rc<Standing<S::State>> {
        &self.standings[actor]
    }

    /// The objects that the latest transition wrote, each with its value now.
    pub(crate) fn written(&self, frame: &Frame<S::State>) -> Vec<SavedObject> {
        self.memory.values_of(&frame.memory)
    }

    /// The objects that a transition may depend on.
    pub(crate) fn touched(&self, footprint: Footprint) -> Vec<u32> {
        self.memory.objects_of(footprint.touched)
    }
}
