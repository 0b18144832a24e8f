//! What is still to be tried in a state: each actor that can move, and of each every outcome of its operation.

use stalemap_facade::ActorId;

use crate::actors::ActorSet;
use crate::memory::Outcome;

/// The moves out of a state that have not been made.
pub(crate) struct Moves {
    todo: ActorSet,
    /// The actor being tried, and its next outcome.
    again: Option<(ActorId, Outcome)>,
}

impl Moves {
    /// All moves of these actors.
    pub(crate) fn of(enabled: ActorSet) -> Self {
        Moves { todo: enabled, again: None }
    }

    /// The next one.
    pub(crate) fn take(&mut self) -> Option<(ActorId, Outcome)> {
        if let Some(again) = self.again.take() {
            return Some(again);
        }
        if self.todo == 0 {
            return None;
        }
        let actor = self.todo.trailing_zeros() as ActorId;
        self.todo &= !(1 << actor);
        Some((actor, Outcome::FIRST))
    }

    /// The operation that the actor has just performed has another outcome, or none.
    pub(crate) fn put_back(&mut self, actor: ActorId, outcome: Option<Outcome>) {
        self.again = outcome.map(|outcome| (actor, outcome));
    }
}
