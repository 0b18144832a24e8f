//! Which transition of an execution depends on which: the happens-before order of a replay.
//!
//! Two transitions are ordered if the same actor made both, or if one of them changed what the other touched
//! ([`Footprint`]), and whatever follows from two orders is one, too. Orders that follow from others are kept apart: they
//! say nothing new about what happened, but they can be turned round on their own.

use stalemap_facade::ActorId;

use crate::footprint::Footprint;

/// The happens-before order of a sequence of transitions, as it grows.
#[derive(Default)]
pub(crate) struct Causality {
    made: Vec<(ActorId, Footprint)>,
    /// For each transition the ones that happened before it, in any number of steps.
    before: Vec<Vec<bool>>,
}

/// The earlier transitions of *other* actors that one depends on.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Dependences {
    /// Those with nothing between that explains the order.
    pub(crate) direct: Vec<usize>,
    /// The rest.
    pub(crate) indirect: Vec<usize>,
}

impl Causality {
    /// Adds a transition.
    pub(crate) fn push(&mut self, actor: ActorId, footprint: Footprint) -> Dependences {
        let mut before = vec![false; self.made.len()];
        let (mut direct, mut indirect) = (Vec::new(), Vec::new());
        // The latest first: what happened before one that was found needs no arrow of its own.
        for (at, (other, theirs)) in self.made.iter().enumerate().rev() {
            let depends = *other != actor && !footprint.independent(*theirs);
            if before[at] {
                indirect.extend(depends.then_some(at));
                continue;
            }
            if *other != actor && !depends {
                continue;
            }
            direct.extend(depends.then_some(at));
            before[at] = true;
            for (earlier, is_before) in self.before[at].iter().enumerate() {
                before[earlier] |= is_before;
            }
        }
        self.made.push((actor, footprint));
        self.before.push(before);
        direct.reverse();
        indirect.reverse();
        Dependences { direct, indirect }
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
    fn orders_that_follow_from_others_are_kept_apart() {
        let mut causality = Causality::default();
        let mut push = |actor, footprint| {
            let Dependences { direct, indirect } = causality.push(actor, footprint);
            (direct, indirect)
        };
        assert_eq!(push(0, writes(1)), (vec![], vec![]));
        assert_eq!(push(1, reads(1)), (vec![0], vec![]));
        assert_eq!(push(2, reads(1)), (vec![0], vec![]), "readers do not wait for each other");
        assert_eq!(push(1, writes(2)), (vec![], vec![]), "the own order is not told");
        // Behind 3, which is behind 1 and 0; and behind 2, which read what is written here.
        let both = Footprint { touched: 0b110, changed: 0b110 };
        assert_eq!(push(0, both), (vec![2, 3], vec![1]), "1 is behind 0, which is the own one");
    }
}
