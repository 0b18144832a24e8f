//! Runs with few preemptions, where not all runs can be looked at.
//!
//! A depth-first search that is stopped has seen a corner of the states: runs that differ in their last operations.
//! Most bugs need one or two preemptions (M. Musuvathi, S. Qadeer, "Iterative context bounding for systematic testing of
//! multithreaded programs", PLDI 2007), and those may all be elsewhere. So the runs without a preemption are explored,
//! then those with at most one, and so on, until something is found or the budget is used up. Of a level that came to
//! its end it is known that no run with that few preemptions violates anything.
//!
//! Each level is a search of its own with a bound on preemptions: a state is the same only with the same actor running
//! and as many preemptions so far, and there are no sleep sets. It explores the levels below again, which are small
//! beside it.

use std::collections::BTreeMap;
use std::time::Instant;

use stalemap_facade::{Property, System};

use crate::checkpoint::{Checkpointer, OnlyStops};
use crate::error::EngineError;
use crate::exploration::{Exploration, FewPreemptions, Options, Progress};
use crate::limits::Limits;
use crate::schedule::Choice;
use crate::search::explore_within;

/// The levels, one after the other.
#[derive(Default)]
pub(crate) struct Levels {
    pub(crate) known: FewPreemptions,
    /// Only levels below this one are explored.
    below: u32,
    next: u32,
    /// Whether more preemptions make no difference, or something was found.
    over: bool,
    violated: u64,
    witnesses: BTreeMap<Property, Vec<Choice>>,
    found: Vec<Exploration>,
}

impl Levels {
    /// No level yet, of those below one.
    pub(crate) fn below(below: u32) -> Self {
        Levels { below, ..Levels::default() }
    }

    /// Explores levels, with this many transitions in all. The limits hold for each level, that of time for all of them. The
    /// checkpointer is only asked whether to stop.
    pub(crate) fn explore<S: System>(
        &mut self,
        system: &S,
        options: &Options,
        budget: u64,
        checkpointer: &mut dyn Checkpointer,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), EngineError> {
        let started = Instant::now();
        let mut left = budget;
        while !self.over && left > 0 && self.next < self.below {
            let limits = Limits { preemptions: Some(self.next), ..options.limits.after(started) };
            let options = Options { limits, ..options.clone() };
            let level = explore_within(system, &options, left, &mut OnlyStops(checkpointer), progress)?;
            left -= level.exploration.statistics.transitions.min(left);
            self.enter(level.exploration, level.finished);
            if !level.finished {
                break;
            }
        }
        Ok(())
    }

    fn enter(&mut self, level: Exploration, finished: bool) {
        let preemptions = self.next;
        let states_violated = level.violated & !Property::LIVELOCK.bit();
        if finished {
            self.next += 1;
            if level.violated == 0 && self.violated == 0 {
                self.known.none_up_to = Some(preemptions);
                self.known.states = level.statistics.states;
            }
            self.over = states_violated != 0 || !level.is_bounded_by_preemptions();
        }
        if level.violated != 0 && self.violated == 0 {
            self.known.found_with = Some(preemptions);
        }
        for (property, way) in &level.witnesses {
            self.witnesses.entry(*property).or_insert_with(|| way.clone());
        }
        self.violated |= level.violated;
        self.found.push(level);
    }

    /// Adds what the levels found, if any was looked at.
    pub(crate) fn add_known_to(self, exploration: &mut Exploration) {
        if !self.found.is_empty() {
            self.add_to(exploration);
        }
    }

    /// Adds what the levels found to what the search found that was stopped.
    pub(crate) fn add_to(mut self, exploration: &mut Exploration) {
        for level in self.found.drain(..) {
            exploration.add(level);
        }
        exploration.violated |= self.violated;
        exploration.witnesses.append(&mut self.witnesses);
        exploration.few_preemptions = Some(self.known);
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Op, Ordering, Role};

    use super::*;
    use crate::checkpoint::Nobody;

    /// Three actors that store four times each.
    struct Stores;

    impl System for Stores {
        type World<B: Backend> = B::Atomic;
        type State = u64;

        fn world<B: Backend>(&self, backend: &B) -> B::Atomic {
            backend.atomic("word", 0)
        }

        fn actors(&self) -> Vec<ActorSpec> {
            ["one", "two", "three"].map(|name| ActorSpec { name: name.to_owned(), role: Role::Main }).into()
        }

        fn start(&self, _: ActorId) -> u64 {
            0
        }

        async fn step<B: Backend>(&self, word: &B::Atomic, _: ActorId, round: u64) -> ControlFlow<(), u64> {
            word.store(Op::new("store"), round, Ordering::Relaxed).await;
            if round < 3 { ControlFlow::Continue(round + 1) } else { ControlFlow::Break(()) }
        }
    }

    #[test]
    fn the_levels_share_a_budget() {
        const BUDGET: u64 = 200;
        let mut levels = Levels::below(u32::MAX);
        let explored = levels.explore(&Stores, &Options::default(), BUDGET, &mut Nobody, &mut |_| ());
        assert_eq!(explored, Ok(()));
        let made = levels.found.iter().map(|level| level.statistics.transitions);
        assert_eq!((made.sum(), levels.known.none_up_to), (BUDGET, Some(0)));
    }
}
