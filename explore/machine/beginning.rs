//! What a transition begins with and what it does: transitions that begin alike do the same. The transition cache relies on that, and
//! `effects.rs` looks whether it is so.

use stalemap_facade::{ActorId, Bound, Op, System};

use super::Machine;
use super::standing::Frame;
use crate::fingerprint::chain;
use crate::footprint::Footprint;
use crate::memory::Outcome;

/// What a transition begins with: where its actor stands, the outcome, and the memory.
pub(crate) struct Beginning {
    print: u128,
    /// By object, its share of the fingerprint.
    identities: Vec<u128>,
}

impl Beginning {
    /// The fingerprint of all but the memory.
    pub(crate) fn print(&self) -> u128 {
        self.print
    }

    /// The same with the values of some objects.
    pub(crate) fn with(&self, objects: &[u32]) -> u128 {
        objects.iter().fold(self.print, |sum, object| sum.wrapping_add(self.identities[*object as usize]))
    }
}

/// What a transition did, as far as it can be told from others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Done {
    footprint: Footprint,
    /// The objects that it wrote, each with the fingerprint of its value afterwards.
    after: Vec<(usize, u128)>,
    violated: u64,
    cut: Option<Bound>,
    /// Where the actor stands now.
    standing: u128,
    /// Its next operation.
    op: Option<Op>,
    /// The outcome to be tried after this one.
    next: Option<Outcome>,
}

impl<S: System> Machine<'_, S> {
    /// What a transition begins with, beside the values that it finds: where its actor stands, and the outcome.
    pub(super) fn beginning_print(&self, actor: ActorId, outcome: Outcome) -> u128 {
        // What is reached counts or not, and what is looked up has been counted.
        let salt = u64::from(outcome.choice()) << 1 | u64::from(self.memory.is_gathering());
        chain(salt, self.standings[actor].print, u128::from(outcome.picks()))
    }

    /// What the next transition of an actor begins with, in the present memory.
    pub(crate) fn beginning(&self, actor: ActorId, outcome: Outcome) -> Beginning {
        Beginning { print: self.beginning_print(actor, outcome), identities: self.memory.identities() }
    }

    /// What the transition did that `frame` undoes, the latest.
    pub(crate) fn done(&self, footprint: Footprint, frame: &Frame<S::State>) -> Done {
        let after: Vec<_> = self
            .memory
            .values_of(&frame.memory)
            .iter()
            .map(|(number, value)| (*number, value.identity()))
            .collect();
        let standing = &self.standings[frame.actor];
        Done {
            footprint,
            after,
            violated: self.memory.found(),
            cut: self.memory.cut(),
            standing: standing.print,
            op: standing.pending.as_ref().map(|pending| pending.op),
            next: self.next,
        }
    }
}
