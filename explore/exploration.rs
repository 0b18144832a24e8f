//! What a search is asked for, and what it found.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use stalemap_facade::{Calls, Property};

use crate::ends::End;
use crate::limits::{LimitHit, Limits};
use crate::machine::Halted;
use crate::schedule::Choice;
use crate::transition_cache::KEPT;
use crate::workers::Workers;

/// How to search.
#[derive(Clone, Debug)]
pub struct Options {
    /// Do not expand a state twice. Off only to test the engine against plain enumeration.
    pub visited_set: bool,
    /// Explore one order of independent transitions. Off only to test the engine.
    pub sleep_sets: bool,
    /// Look up transitions that are known already, of which so many are kept. `None` only to test the engine: none.
    pub transition_cache: Option<NonZeroUsize>,
    /// Transitions after which a search begins again, breadth first and in numbers. `None`: never. It needs the three above, and
    /// no bound of preemptions.
    pub breadth_after: Option<u64>,
    /// Threads that then work at it. What is found is the same for any number.
    pub workers: Workers,
    /// Bytes of a visited set of fixed size in place of the exact one, which leaves states out ([`LimitHit::Bitstate`]): no sleep
    /// sets, no look at cycles.
    pub bitstate: Option<u64>,
    /// Estimate how many states there are when a search takes long, for who is shown its [`Progress`]. It takes a quarter of the
    /// time at most, and mostly some hundredths.
    pub estimate: bool,
    /// When to give up.
    pub limits: Limits,
}

/// Transitions after which a search is no longer a small one.
const BREADTH_AFTER: u64 = 1 << 16;

impl Default for Options {
    fn default() -> Self {
        Options {
            visited_set: true,
            sleep_sets: true,
            transition_cache: Some(KEPT),
            breadth_after: Some(BREADTH_AFTER),
            workers: Workers::default(),
            bitstate: None,
            estimate: false,
            limits: Limits::default(),
        }
    }
}

/// How much was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Distinct states (with the visited set off: states entered).
    pub states: u64,
    /// Transitions executed; breadth first, all that there are.
    pub transitions: u64,
    /// Maximal paths explored: how often the search backtracked from an end or from a known state.
    pub executions: u64,
    /// Transitions on the longest path; breadth first, on the longest of the shortest paths to each state.
    pub max_depth: u64,
    /// Distinct states in which every actor has finished.
    pub final_states: u64,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How much was explored; of transitions, those of levels of few preemptions as well. A search that begins again, breadth first,
    /// counts from the beginning.
    pub statistics: Statistics,
    /// Bytes that the search takes.
    pub bytes: u64,
    /// What is left to be tried.
    pub frontier: Frontier,
    /// How many states there may be in all, if that was asked for and can be said.
    pub estimate: Option<Estimate>,
}

/// How many states there may be in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The most likely number.
    pub about: u64,
    /// Where nine in ten of the numbers were that are known: at least, and at most.
    pub range: (u64, u64),
    /// How many actors moved in the parts that it is made from.
    pub actors: u32,
}

/// What a search has before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    /// Transitions from the first state to the ones that it stands in.
    pub depth: u64,
    /// Depth first: actors that have not been tried yet in the states on the way there, as many branches at least. Breadth first:
    /// states that have not been expanded.
    pub untried: u64,
}

/// A cycle of the state graph that can be gone round for ever under weak fairness: each actor moves on it, or has to wait
/// on it. And a way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasso {
    /// From the initial state to the cycle.
    pub stem: Vec<Choice>,
    /// Round the cycle.
    pub cycle: Vec<Choice>,
    /// The fingerprints of the states on the cycle; the first is where the stem ends. A state may come several times.
    pub states: Vec<u128>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exploration {
    /// Properties violated in some reachable state, as a set of [`Property::bit`].
    pub violated: u64,
    /// How much was explored.
    pub statistics: Statistics,
    /// Fingerprints of the final states.
    pub final_states: BTreeSet<u128>,
    /// Fingerprints of the deadlocked states.
    pub deadlocks: BTreeSet<u128>,
    /// Final states and deadlocks, as every engine sees them.
    pub ends: BTreeSet<End>,
    /// What an observer sees at the end, and in how many final states.
    pub outcomes: BTreeMap<String, u64>,
    /// What an observer sees at the end, and in how many final states that violate something.
    pub violating_outcomes: BTreeMap<String, u64>,
    /// Branches reached, as a set of `Branch::bit`.
    pub reached: u64,
    /// Greatest counter values, by `Counter`.
    pub maxima: Vec<u32>,
    /// What calls returned, those of setup and epilogue included.
    pub calls: Calls,
    /// The names of the operations that some run performed.
    pub operations: BTreeSet<String>,
    /// The limits that were reached, in order. Empty: the search is complete.
    pub limits_hit: BTreeSet<LimitHit>,
    /// A cycle that can be gone round for ever although everybody who can always move does move.
    pub lasso: Option<Lasso>,
    /// Who did not come to the point where the exploration begins. Then there was nothing to explore.
    pub halted: Option<Halted>,
    /// For each property the first way met to a state that violates it (for a livelock, once round the cycle):
    /// not minimal.
    pub witnesses: BTreeMap<Property, Vec<Choice>>,
    /// With [`Options::bitstate`], the share of the states that were come to which was probably not left out, in millionths.
    pub coverage: Option<u32>,
    /// What is known of runs with few preemptions, if not all were explored. What was found among them is a part of
    /// the rest, except of `statistics` and the sets of ends and outcomes.
    pub few_preemptions: Option<FewPreemptions>,
}

impl Options {
    /// Transitions after which a search may begin again, breadth first.
    pub(crate) fn breadth_after(&self) -> Option<u64> {
        let is_reduced = self.visited_set && self.has_sleep_sets() && self.transition_cache.is_some();
        self.breadth_after.filter(|_| is_reduced)
    }

    /// Whether there are sleep sets: a bound and sleep sets together can drop the one representative that stays below the
    /// bound, and bits have no place for them.
    pub(crate) fn has_sleep_sets(&self) -> bool {
        self.sleep_sets && self.limits.preemptions.is_none() && self.bitstate.is_none()
    }
}

impl Exploration {
    /// Whether the search was stopped before it had been everywhere where it may go.
    pub fn is_stopped(&self) -> bool {
        self.limits_hit.iter().any(|limit| limit.is_of_the_search())
    }

    /// Adds what a search of a part of the states found, but for its ends, outcomes and statistics, which cannot be added.
    pub(crate) fn add(&mut self, part: Exploration) {
        self.violated |= part.violated;
        self.reached |= part.reached;
        for (known, maximum) in self.maxima.iter_mut().zip(part.maxima) {
            *known = maximum.max(*known);
        }
        let stays = |limit: &LimitHit| limit.is_of_the_system() || *limit == LimitHit::Interrupted;
        self.limits_hit.extend(part.limits_hit.into_iter().filter(stays));
        self.operations.extend(part.operations);
        self.lasso = self.lasso.take().or(part.lasso);
        for (property, way) in part.witnesses {
            self.witnesses.entry(property).or_insert(way);
        }
    }

    pub(crate) fn is_bounded_by_preemptions(&self) -> bool {
        self.limits_hit.contains(&LimitHit::Preemptions)
    }

    /// Whether every reachable state was explored.
    pub fn is_complete(&self) -> bool {
        self.limits_hit.is_empty() && self.halted.is_none()
    }
}

/// What is known of runs with few preemptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FewPreemptions {
    /// Every run with at most that many was explored, and none violates anything.
    pub none_up_to: Option<u32>,
    /// How many states these reach, each counted with the actor that moved last and the preemptions so far.
    pub states: u64,
    /// The least number of preemptions with which something was found.
    pub found_with: Option<u32>,
}
