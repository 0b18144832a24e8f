//! Vector clocks: how much of every actor each step has seen, from the happens-before order of the replay.

use std::collections::BTreeMap;

use stalemap_explore::Played;
use stalemap_facade::ActorId;

/// How many steps of each actor are known; actors of which nothing is known are left out.
pub type Clock = BTreeMap<ActorId, usize>;

/// The clock of each step: it counts the steps of an actor that happened before it or are it.
pub fn clocks(played: &[Played]) -> Vec<Clock> {
    let mut clocks: Vec<Clock> = Vec::with_capacity(played.len());
    for (row, step) in played.iter().enumerate() {
        let own = played[..row].iter().rposition(|before| before.actor == step.actor);
        let mut clock = Clock::new();
        for before in own.into_iter().chain(step.depends_on.iter().copied()) {
            for (actor, count) in &clocks[before] {
                let known = clock.entry(*actor).or_default();
                *known = (*known).max(*count);
            }
        }
        *clock.entry(step.actor).or_default() += 1;
        clocks.push(clock);
    }
    clocks
}

#[cfg(test)]
mod tests {
    use stalemap_facade::Picture;

    use super::*;

    fn played(actor: ActorId, depends_on: Vec<usize>) -> Played {
        Played {
            actor,
            command: None,
            op: String::new(),
            outcome: None,
            preempts: false,
            enabled: 0,
            depends_on,
            depends_indirectly_on: Vec::new(),
            events: Vec::new(),
            gutter: Vec::new(),
            picture: Picture::default(),
            violated: Vec::new(),
        }
    }

    #[test]
    fn a_clock_counts_what_happened_before() {
        let story =
            [played(1, vec![]), played(2, vec![]), played(2, vec![0]), played(1, vec![]), played(3, vec![2])];
        let clocks = clocks(&story);
        assert_eq!(clocks[1], Clock::from([(2, 1)]));
        assert_eq!(clocks[2], Clock::from([(1, 1), (2, 2)]));
        assert_eq!(clocks[3], Clock::from([(1, 2)]), "what others do without a dependence is not known");
        assert_eq!(clocks[4], Clock::from([(1, 1), (2, 2), (3, 1)]));
    }
}
