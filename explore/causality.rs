//! Which transition of an execution depends on which: the happens-before order of a replay.
//!
//! Two transitions are ordered if the same actor made both, or if one of them changed what the other touched
//! ([`Footprint`]), and so is everything between them. Only the direct orders are kept: what follows from two of
//! them would say nothing new.

use stalemap_model::backend::ActorId;

use crate::footprint::Footprint;

/// The happens-before order of a sequence of transitions, as it grows.
#[derive(Default)]
pub(crate) struct Causality {
    made: Vec<(ActorId, Footprint)>,
    /// For each transition the ones that happened before it, in any number of steps.
    before: Vec<Vec<bool>>,
}

impl Causality {
    /// Adds a transition. Returns the earlier ones of *other* actors that it depends on directly.
    pub(crate) fn push(&mut self, actor: ActorId, footprint: Footprint) -> Vec<usize> {
        let mut before = vec![false; self.made.len()];
        let mut direct = Vec::new();
        // The latest first: what happened before one that was found needs no arrow of its own.
        for (at, (other, theirs)) in self.made.iter().enumerate().rev() {
            if before[at] || *other != actor && footprint.independent(*theirs) {
                continue;
            }
            if *other != actor {
                direct.push(at);
            }
            before[at] = true;
            for (earlier, is_before) in self.before[at].iter().enumerate() {
                before[earlier] |= is_before;
            }
        }
        self.made.push((actor, footprint));
        self.before.push(before);
        direct.reverse();
        direct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writes(object: usize) -> Footprint {
        Footprint { touched: Footprint::bit(object), changed: Footprint::bit(object) }
    }

    fn reads(object: usize) -> Footprint {
        Footprint { touched: Footprint::bit(object), changed: 0 }
    }

    #[test]
    fn only_direct_orders_are_kept() {
        let mut causality = Causality::default();
        assert_eq!(causality.push(0, writes(1)), []);
        assert_eq!(causality.push(1, reads(1)), [0]);
        assert_eq!(causality.push(2, reads(1)), [0], "readers do not wait for each other");
        assert_eq!(causality.push(1, writes(2)), [], "the own order is not told");
        // Behind 3, which is behind 1 and 0; and behind 2, which read what is written here.
        let both = Footprint { touched: 0b110, changed: 0b110 };
        assert_eq!(causality.push(0, both), [2, 3]);
    }
}
