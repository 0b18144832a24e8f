//! Weak fairness: an actor that can always move does move, in the end.
//!
//! A scheduler does not leave a task that could run for ever, so a run in which it does is no livelock: who waits in a
//! loop for somebody who has only not been let on goes round for that long and no longer. A run that goes round a cycle
//! for ever is fair when each actor moves somewhere on it, or has to wait somewhere on it. A strongly connected component
//! has such a cycle exactly when each actor moves within it or has to wait in one of its states: the way through all of
//! it is one.
//!
//! Stores become visible in the end, too: what goes round for ever in relaxed memory is a run in which, from some time on,
//! everybody reads the newest that there is. On the way there anything may be read.

use stalemap_facade::ActorId;

use crate::actors::ActorSet;
use crate::memory::Outcome;

/// What has been seen of the actors on a part of a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(crate) struct Fairness {
    /// Those that had to wait, or had finished.
    waited: ActorSet,
    /// Those that moved.
    moved: ActorSet,
    /// Whether somebody read something that was not the newest.
    behind: bool,
}

impl Fairness {
    /// In a state in which the actors of `enabled` can move.
    pub(crate) fn of_state(enabled: ActorSet) -> Self {
        Fairness { waited: !enabled, ..Fairness::default() }
    }

    /// On a transition.
    pub(crate) fn of_move(actor: ActorId, outcome: Outcome) -> Self {
        Fairness { waited: 0, moved: 1 << actor, behind: !reads_newest(outcome) }
    }

    /// On both parts.
    pub(crate) fn and(self, other: Self) -> Self {
        Fairness {
            waited: self.waited | other.waited,
            moved: self.moved | other.moved,
            behind: self.behind | other.behind,
        }
    }

    /// Whether a cycle of which this is all can be gone round for ever.
    pub(crate) fn is_fair(self) -> bool {
        !(self.waited | self.moved) == 0 && !self.behind
    }
}

/// Whether a transition may be on a cycle that is gone round for ever.
pub(crate) fn reads_newest(outcome: Outcome) -> bool {
    outcome.picks() == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_always_move_must() {
        let both = Fairness::of_state(0b11);
        let first = both.and(Fairness::of_move(0, Outcome::FIRST));
        assert!(!first.is_fair());
        assert!(first.and(Fairness::of_move(1, Outcome::FIRST)).is_fair());
        assert!(first.and(Fairness::of_state(0b01)).is_fair());
    }

    #[test]
    fn the_newest_is_read_in_the_end() {
        let behind = Fairness::of_state(0b1).and(Fairness::of_move(0, Outcome::new(0, 1)));
        assert!(!behind.is_fair());
        assert!(!behind.and(Fairness::of_move(0, Outcome::FIRST)).is_fair());
        assert!(Fairness::of_state(0b1).and(Fairness::of_move(0, Outcome::FIRST)).is_fair());
    }
}
