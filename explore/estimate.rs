//! How many states a search will have found at its end: an estimate from parts of the system.
//!
//! Random walks estimate the tree of runs (D. E. Knuth, "Estimating the efficiency of backtrack programs", 1975), and that is larger
//! than the graph of states by many orders of magnitude. So parts of the system are explored instead, in which only some of the
//! actors move: first each alone, then every two, then every three. What these come to are states of the whole system, since the
//! others may wait. If actors had nothing to do with each other, the states of all would be the product of those of each. What a pair
//! has more or less than the product of its two is what the two do to each other, and what three have beyond their pairs is what only
//! three can do. The estimate takes the product of all that is known and leaves out what only more actors can do together (the
//! superposition of J. G. Kirkwood, 1935). docs/limits.md says how far off it was where the number is known.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use stalemap_facade::{Role, System};

use crate::actors::{ActorSet, actors_of};
use crate::error::EngineError;
use crate::exploration::{Estimate, Options};
use crate::fingerprint::IdentityState;
use crate::machine::{Frame, Machine};
use crate::memory::Outcome;
use crate::search::machine;

/// By which factor an estimate may be off, from parts of two actors, and of more.
const SPREAD: [u64; 2] = [5, 2];

/// About how many transitions there are for each state.
const TRANSITIONS_OF_STATE: f64 = 2.5;

/// A better estimate than the first is worth this share of the transitions that may be made.
const BETTER_SHARE: f64 = 4.0;

/// Actors in the smallest parts from which something can be said.
const FEWEST: u32 = 2;

/// The parts of a system that were explored.
pub(crate) struct Parts<'s, S: System> {
    system: &'s S,
    options: &'s Options,
    main: Vec<usize>,
    daemons: ActorSet,
    /// The logarithm of the number of states, by the actors that move.
    sizes: BTreeMap<ActorSet, f64>,
    /// All parts of so many actors are known.
    complete: u32,
}

impl<'s, S: System> Parts<'s, S> {
    pub(crate) fn new(system: &'s S, options: &'s Options) -> Self {
        let specs = system.actors();
        let of = |role| (0..specs.len()).filter(move |actor| specs[*actor].role == role);
        Parts {
            system,
            options,
            daemons: of.clone()(Role::Daemon).fold(0, |set, actor| set | 1 << actor),
            main: of(Role::Main).collect(),
            sizes: BTreeMap::new(),
            complete: 0,
        }
    }

    /// Explores more parts, with so many transitions in all.
    pub(crate) fn explore(&mut self, transitions: u64) -> Result<(), EngineError> {
        let mut left = transitions;
        while self.is_worth_it(left) {
            let mut machine = machine(self.system, self.options)?;
            if machine.halted().is_some() {
                return Ok(());
            }
            machine.memory().gather(false);
            for part in self.of(self.complete).into_iter().chain(self.of(self.complete + 1)) {
                if self.sizes.contains_key(&part) {
                    continue;
                }
                let Some(states) = states(&mut machine, part | self.daemons, &mut left)? else {
                    return Ok(());
                };
                self.sizes.insert(part, (states as f64).ln());
            }
            self.complete += 1;
        }
        Ok(())
    }

    /// Whether larger parts are to be explored: what they would take is known from smaller ones. All actors are no part.
    fn is_worth_it(&self, transitions: u64) -> bool {
        let (larger, all) = (self.complete + 1, self.main.len() as u32);
        let states = |part| self.logarithm(part).exp();
        let fits = || {
            self.of(larger).into_iter().map(states).sum::<f64>() * TRANSITIONS_OF_STATE * BETTER_SHARE
                <= transitions as f64
        };
        larger < all && (larger <= FEWEST || fits())
    }

    /// The parts of so many actors.
    fn of(&self, actors: u32) -> Vec<ActorSet> {
        let set = |chosen: u32| {
            let of_chosen = self.main.iter().enumerate().filter(|(place, _)| chosen & 1 << place != 0);
            of_chosen.fold(0, |set, (_, actor)| set | 1 << actor)
        };
        (0..1_u32 << self.main.len()).filter(|chosen| chosen.count_ones() == actors).map(set).collect()
    }

    /// The logarithm of the number of states in which only these actors moved, without what only more of them can do together than
    /// move in a part.
    fn logarithm(&self, actors: ActorSet) -> f64 {
        let (all, known) = (actors.count_ones(), self.complete);
        // A part enters by itself and is taken off again in those around it, over and over: it remains as often as this sum says.
        let of_part = |(part, size): (&ActorSet, &f64)| {
            let outside = all - part.count_ones();
            let more = known - part.count_ones();
            size * sum_of_signed_binomials(outside, more)
        };
        let inside = |part: ActorSet| part & !actors == 0 && part.count_ones() <= known;
        self.sizes.iter().filter(|(part, _)| inside(**part)).map(of_part).sum()
    }

    /// The estimate, if there is one. Of systems of two actors, there is none before the end.
    pub(crate) fn estimate(&self) -> Option<Estimate> {
        if self.complete < FEWEST {
            return None;
        }
        let all = self.main.iter().fold(0, |set, actor| set | 1 << actor);
        // Beyond 64 bits it is as many as can be told.
        let about = self.logarithm(all).exp() as u64;
        let spread = SPREAD[usize::from(self.complete > FEWEST)];
        Some(Estimate { about, range: (about / spread, about.saturating_mul(spread)), actors: self.complete })
    }
}

/// The sum of (-1)^i (n over i), for i up to `most`.
fn sum_of_signed_binomials(n: u32, most: u32) -> f64 {
    let (mut binomial, mut sum) = (1.0, 0.0);
    for i in 0..=most.min(n) {
        sum += if i % 2 == 0 { binomial } else { -binomial };
        binomial = binomial * f64::from(n - i) / f64::from(i + 1);
    }
    sum
}

/// A state on the way.
struct Node<State> {
    arrival: Option<Frame<State>>,
    todo: ActorSet,
    current: Option<(usize, Outcome)>,
}

/// How many states there are in which only these actors moved; the transitions that it takes are taken off. None: there were too
/// few of them. The machine is where it was.
fn states<S: System>(
    machine: &mut Machine<'_, S>,
    actors: ActorSet,
    left: &mut u64,
) -> Result<Option<u64>, EngineError> {
    let mut visited: HashSet<u128, IdentityState> = HashSet::from_iter([machine.fingerprint()]);
    let mut stack = vec![Node { arrival: None, todo: machine.enabled() & actors, current: None }];
    while let Some(node) = stack.last_mut() {
        let next = node.current.take().or_else(|| {
            let actor = actors_of(node.todo).next()?;
            node.todo &= !(1 << actor);
            Some((actor, Outcome::FIRST))
        });
        let Some((actor, outcome)) = next.filter(|_| *left > 0) else {
            if let Some(frame) = stack.pop().and_then(|node| node.arrival) {
                machine.undo(frame);
            }
            continue;
        };
        let (_, frame) = match machine.fire(actor, outcome) {
            Err(EngineError::NoSuchOutcome { .. }) => continue,
            fired => fired?,
        };
        *left -= 1;
        node.current = machine.next_outcome().map(|outcome| (actor, outcome));
        if machine.memory().take_cut().is_some() || !visited.insert(machine.fingerprint()) {
            machine.undo(frame);
        } else {
            let todo = machine.enabled() & actors;
            stack.push(Node { arrival: Some(frame), todo, current: None });
        }
    }
    Ok((*left > 0).then_some(visited.len() as u64))
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Op, Ordering};

    use super::*;
    use crate::explore::explore;

    /// Actors that store to words: each to its own, or all to one.
    struct Stores {
        actors: usize,
        shared: bool,
    }

    const ROUNDS: u64 = 3;

    impl System for Stores {
        type World<B: Backend> = Vec<B::Atomic>;
        type State = u64;

        fn world<B: Backend>(&self, backend: &B) -> Vec<B::Atomic> {
            (0..self.actors).map(|_| backend.atomic("word", 0)).collect()
        }

        fn actors(&self) -> Vec<ActorSpec> {
            let spec = |number| ActorSpec { name: format!("actor {number}"), role: Role::Main };
            (0..self.actors).map(spec).collect()
        }

        fn start(&self, _: ActorId) -> u64 {
            0
        }

        async fn step<B: Backend>(
            &self,
            words: &Vec<B::Atomic>,
            actor: ActorId,
            round: u64,
        ) -> ControlFlow<(), u64> {
            let word = if self.shared { 0 } else { actor };
            words[word].store(Op::new("store"), 1 + round + 10 * actor as u64, Ordering::Relaxed).await;
            if round + 1 < ROUNDS { ControlFlow::Continue(round + 1) } else { ControlFlow::Break(()) }
        }
    }

    fn estimated(system: &Stores, transitions: u64) -> (Option<Estimate>, u64) {
        let options = Options::default();
        let mut parts = Parts::new(system, &options);
        parts.explore(transitions).expect("a sound system");
        let explored = explore(system, &options, &mut |_| ()).expect("a sound system");
        (parts.estimate(), explored.statistics.states)
    }

    #[test]
    fn of_actors_that_have_nothing_to_do_with_each_other_the_number_is_exact() {
        let (estimate, states) = estimated(&Stores { actors: 5, shared: false }, 2000);
        let estimate = estimate.expect("an estimate");
        assert_eq!(states, (ROUNDS + 1).pow(5));
        assert!(estimate.about.abs_diff(states) <= 1, "{estimate:?}, {states}");
    }

    #[test]
    fn of_actors_that_write_over_each_other_it_is_near() {
        let system = Stores { actors: 4, shared: true };
        let (estimate, states) = estimated(&system, 2000);
        let estimate = estimate.expect("an estimate");
        assert_eq!(estimate.actors, 2);
        assert!((estimate.range.0..=estimate.range.1).contains(&states), "{estimate:?}, {states}");
        // With more transitions there are larger parts, and it is nearer.
        let (better, _) = estimated(&system, 1 << 20);
        let better = better.expect("an estimate");
        assert_eq!(better.actors, 3);
        assert!((better.range.0..=better.range.1).contains(&states), "{better:?}, {states}");
        let off = |estimate: Estimate| estimate.about.abs_diff(states);
        assert!(off(better) < off(estimate), "{better:?}, {estimate:?}, {states}");
    }

    #[test]
    fn of_two_actors_or_with_few_transitions_there_is_none() {
        assert_eq!(estimated(&Stores { actors: 2, shared: false }, 1 << 20).0, None);
        assert_eq!(estimated(&Stores { actors: 5, shared: false }, 100).0, None);
    }

    #[test]
    fn what_is_explored_later_is_added() {
        let system = Stores { actors: 5, shared: true };
        let options = Options::default();
        let [mut at_once, mut bit_by_bit] = [Parts::new(&system, &options), Parts::new(&system, &options)];
        at_once.explore(1 << 20).expect("a sound system");
        let mut times = 0;
        while bit_by_bit.complete < 2 {
            bit_by_bit.explore(150).expect("a sound system");
            times += 1;
        }
        assert!(times > 2, "{times}");
        bit_by_bit.explore(1 << 20).expect("a sound system");
        assert_eq!(bit_by_bit.sizes, at_once.sizes);
        assert_eq!(bit_by_bit.estimate(), at_once.estimate());
    }
}
