//! The exhaustive search: depth first over all interleavings and choices, with a visited set and sleep sets.
//!
//! *Visited set*: a state reached again is not expanded again. *Sleep sets*: of independent transitions only
//! one order is explored; an actor sleeps at a state where exploring it could only repeat what was explored
//! from an ancestor in another order. Sleep sets drop transitions, never states, and so neither deadlocks
//! nor violations, which are states here.
//!
//! The two together need Godefroid's rule (P. Godefroid, "Partial-Order Methods for the Verification of
//! Concurrent Systems", LNCS 1032, 1996, chapter 5): the sleep set is stored with the state, and a revisit
//! explores the actors that slept then and are awake now, and stores the intersection.
//!
//! There are no ample or persistent sets and no dynamic partial-order reduction: on top of a visited set
//! they are unsound as they stand. A cycle is never cut silently: a state met again on the stack is a
//! livelock candidate and is kept with its lasso.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use stalemap_facade::{ActorId, Property, System};

use crate::ends::End;
use crate::error::EngineError;
use crate::fingerprint::IdentityState;
use crate::footprint::Footprint;
use crate::limits::{LimitHit, Limits};
use crate::machine::{ActorSet, Frame, MAX_ACTORS, Machine, actors_of};
use crate::memory::{Gathered, Outcome};
use crate::schedule::Choice;

/// How to search.
#[derive(Clone, Debug)]
pub struct Options {
    /// Do not expand a state twice. Off only to test the engine against plain enumeration.
    pub visited_set: bool,
    /// Explore one order of independent transitions. Off only to test the engine.
    pub sleep_sets: bool,
    /// Look up transitions that are known already. Off only to test the engine.
    pub transition_cache: bool,
    /// When to give up.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Options { visited_set: true, sleep_sets: true, transition_cache: true, limits: Limits::default() }
    }
}

/// How much was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Distinct states (with the visited set off: states entered).
    pub states: u64,
    /// Transitions executed.
    pub transitions: u64,
    /// Maximal paths explored: how often the search backtracked from an end or from a known state.
    pub executions: u64,
    /// Transitions on the longest path.
    pub max_depth: u64,
    /// Distinct states in which every actor has finished.
    pub final_states: u64,
}

/// A cycle of the state graph and a way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasso {
    /// From the initial state to the cycle.
    pub stem: Vec<Choice>,
    /// Round the cycle.
    pub cycle: Vec<Choice>,
    /// The fingerprints of the states on the cycle; the first is where the stem ends.
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
    /// The same final states and deadlocks, as every engine sees them.
    pub ends: BTreeSet<End>,
    /// What an observer sees at the end, and in how many final states.
    pub outcomes: BTreeMap<String, u64>,
    /// The same, of the final states that violate something.
    pub violating_outcomes: BTreeMap<String, u64>,
    /// Branches reached, as a set of `Branch::bit`.
    pub reached: u64,
    /// Greatest counter values, by `Counter`.
    pub maxima: Vec<u32>,
    /// The limits that bit, in order. Empty: the search is complete.
    pub limits_hit: BTreeSet<LimitHit>,
    /// The first cycle met.
    pub lasso: Option<Lasso>,
    /// For each property the first way met to a state that violates it (for a livelock, once round the cycle):
    /// not minimal.
    pub witnesses: BTreeMap<Property, Vec<Choice>>,
}

impl Exploration {
    /// Whether every reachable state was explored.
    pub fn is_complete(&self) -> bool {
        self.limits_hit.is_empty()
    }
}

/// Explores a system. `progress` is called now and then.
pub fn explore<S: System>(
    system: &S,
    options: &Options,
    progress: &mut dyn FnMut(&Statistics),
) -> Result<Exploration, EngineError> {
    let mut machine = Machine::new(system)?;
    if options.transition_cache {
        machine.remember_transitions();
    }
    let mut search = Search::new(machine, options);
    search.run(progress)?;
    tracing::debug!(statistics = ?search.statistics, limits = ?search.limits_hit, "search ended");
    Ok(search.into_exploration())
}

/// What is stored with a visited state.
#[derive(Clone, Copy)]
struct Visited {
    sleep: ActorSet,
    /// How often the state is on the stack.
    on_stack: u8,
}

/// A state on the search stack.
struct Node<State> {
    fingerprint: u128,
    /// What makes it the same as another state: the fingerprint and, when preemptions are bounded, more.
    key: u128,
    /// The transition that led here; `None` at the root.
    arrival: Option<(Frame<State>, Choice)>,
    /// Actors still to be explored from here.
    todo: ActorSet,
    /// Actors asleep here: exploring them could only repeat what was explored elsewhere.
    sleep: ActorSet,
    /// The actor being explored: its next outcome, if there is one, and the joint footprint of those explored.
    current: Option<(ActorId, Option<Outcome>, Footprint)>,
    /// Whether anything was explored from here.
    expanded: bool,
    /// Who moved last and how often somebody was preempted, when preemptions are bounded.
    running: Option<ActorId>,
    preemptions: u32,
}

struct Search<'s, 'o, S: System> {
    machine: Machine<'s, S>,
    options: &'o Options,
    visited: HashMap<u128, Visited, IdentityState>,
    stack: Vec<Node<S::State>>,
    /// What the actors asleep at each node of the stack would do: one row for each node, by actor.
    asleep: Vec<[Footprint; MAX_ACTORS]>,
    statistics: Statistics,
    violated: u64,
    final_states: BTreeSet<u128>,
    deadlocks: BTreeSet<u128>,
    ends: BTreeSet<End>,
    outcomes: BTreeMap<String, u64>,
    violating_outcomes: BTreeMap<String, u64>,
    limits_hit: BTreeSet<LimitHit>,
    lasso: Option<Lasso>,
    witnesses: BTreeMap<Property, Vec<Choice>>,
    started: Instant,
    stopped: bool,
}

/// Transitions between two looks at the clock.
const CLOCK_INTERVAL: u64 = 4096;

impl<'s, 'o, S: System> Search<'s, 'o, S> {
    fn new(machine: Machine<'s, S>, options: &'o Options) -> Self {
        Search {
            machine,
            options,
            visited: HashMap::default(),
            stack: Vec::new(),
            asleep: Vec::new(),
            statistics: Statistics::default(),
            violated: 0,
            final_states: BTreeSet::new(),
            deadlocks: BTreeSet::new(),
            ends: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            violating_outcomes: BTreeMap::new(),
            limits_hit: BTreeSet::new(),
            lasso: None,
            witnesses: BTreeMap::new(),
            started: Instant::now(),
            stopped: false,
        }
    }

    fn run(&mut self, progress: &mut dyn FnMut(&Statistics)) -> Result<(), EngineError> {
        if let Some(bound) = self.machine.memory().take_cut() {
            // The setup was given up.
            self.limits_hit.insert(LimitHit::Bound(bound));
            self.note_violations(self.machine.violated(), None);
            return Ok(());
        }
        self.asleep.push([Footprint::default(); MAX_ACTORS]);
        self.enter(None, 0, None, 0)?;
        while !self.stack.is_empty() {
            if self.statistics.transitions.is_multiple_of(CLOCK_INTERVAL) {
                progress(&self.statistics);
                if self.options.limits.time.is_some_and(|time| self.started.elapsed() >= time) {
                    self.limits_hit.insert(LimitHit::Seconds);
                    return Ok(());
                }
            }
            let depth = self.stack.len() - 1;
            let node = &mut self.stack[depth];
            let (actor, outcome) = match node.current {
                Some((actor, Some(next), _)) => (actor, next),
                explored => {
                    if let Some((actor, None, footprint)) = explored {
                        if self.options.sleep_sets && self.options.limits.preemptions.is_none() {
                            node.sleep |= 1 << actor;
                            self.asleep[depth][actor] = footprint;
                        }
                        node.current = None;
                    }
                    if node.todo == 0 {
                        self.leave();
                        continue;
                    }
                    let actor = node.todo.trailing_zeros() as ActorId;
                    node.todo &= !(1 << actor);
                    node.current = Some((actor, Some(Outcome::FIRST), Footprint::default()));
                    (actor, Outcome::FIRST)
                }
            };
            self.advance(actor, outcome)?;
            if self.must_stop() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Executes one outcome of one actor's operation and enters the state that it leads to.
    fn advance(&mut self, actor: ActorId, outcome: Outcome) -> Result<(), EngineError> {
        let Some(node) = self.stack.last() else { return Ok(()) };
        let bounded = self.options.limits.preemptions.is_some();
        let preempts = bounded && self.machine.preempts(node.running, actor);
        let preemptions = node.preemptions + u32::from(preempts);
        if self.options.limits.preemptions.is_some_and(|bound| preemptions > bound) {
            self.limits_hit.insert(LimitHit::Preemptions);
            if let Some(node) = self.stack.last_mut() {
                node.current = None;
            }
            return Ok(());
        }
        let choice = Choice::of(self.machine.pending(actor), actor, outcome);
        let (footprint, frame) = match self.machine.fire(actor, outcome) {
            Err(EngineError::NoSuchOutcome { .. }) => {
                self.limits_hit.insert(LimitHit::Messages);
                if let Some(node) = self.stack.last_mut() {
                    // Where it would lead is not known; its sleep would be unfounded.
                    node.current = None;
                }
                return Ok(());
            }
            fired => fired?,
        };
        self.statistics.transitions += 1;
        let Some(node) = self.stack.last_mut() else { return Ok(()) };
        node.expanded = true;
        if let Some((_, untried, joint)) = &mut node.current {
            *untried = self.machine.next_outcome();
            *joint = joint.union(footprint);
        }
        let sleep = node.sleep;
        let sleep = self.still_asleep(sleep, footprint);
        if let Some(bound) = self.machine.memory().take_cut() {
            self.limits_hit.insert(LimitHit::Bound(bound));
            self.note_violations(self.machine.violated(), Some(choice));
            self.statistics.executions += 1;
            self.machine.undo(frame);
            return Ok(());
        }
        self.enter(Some((frame, choice)), sleep, Some(actor), preemptions)
    }

    /// Which of the actors asleep at the top of the stack still are after a transition with the given
    /// footprint. Their rows of footprints are carried over to the next node.
    fn still_asleep(&mut self, sleep: ActorSet, footprint: Footprint) -> ActorSet {
        let depth = self.stack.len();
        if self.asleep.len() == depth {
            self.asleep.push([Footprint::default(); MAX_ACTORS]);
        }
        let mut still = 0;
        for actor in actors_of(sleep) {
            let would_do = self.asleep[depth - 1][actor];
            if would_do.independent(footprint) {
                self.asleep[depth][actor] = would_do;
                still |= 1 << actor;
            }
        }
        still
    }

    /// Arrives at a state.
    fn enter(
        &mut self,
        arrival: Option<(Frame<S::State>, Choice)>,
        sleep: ActorSet,
        running: Option<ActorId>,
        preemptions: u32,
    ) -> Result<(), EngineError> {
        let fingerprint = self.machine.fingerprint();
        let bounded = self.options.limits.preemptions.is_some();
        let key = if bounded {
            // Under a bound, a state is only the same with the same budget left and the same actor running.
            fingerprint.wrapping_add(self.machine.memory().print(usize::MAX - 2, &(running, preemptions)))
        } else {
            fingerprint
        };
        let enabled = self.machine.enabled();
        let mut sleep = sleep;
        let mut revisited = false;
        let mut todo = enabled & !sleep;
        if self.options.visited_set {
            match self.visited.entry(key) {
                Entry::Vacant(vacant) => {
                    if self.options.limits.states.is_some_and(|most| self.statistics.states >= most) {
                        self.limits_hit.insert(LimitHit::States);
                        self.stopped = true;
                        return Ok(());
                    }
                    vacant.insert(Visited { sleep, on_stack: 1 });
                }
                Entry::Occupied(mut occupied) => {
                    revisited = true;
                    let visited = occupied.get_mut();
                    todo = visited.sleep & enabled & !sleep;
                    sleep &= visited.sleep;
                    visited.sleep = sleep;
                    visited.on_stack += 1;
                    if visited.on_stack > 1 {
                        self.note_cycle(key, arrival.as_ref().map(|(_, choice)| *choice));
                    }
                }
            }
        } else if self.stack.iter().any(|node| node.key == key) {
            self.note_cycle(key, arrival.as_ref().map(|(_, choice)| *choice));
            revisited = true;
            todo = 0;
        }
        self.statistics.max_depth = self.statistics.max_depth.max(self.stack.len() as u64);
        if !revisited {
            self.statistics.states += 1;
            let mut found = self.machine.violated();
            if enabled == 0 {
                found |= self.at_the_end(fingerprint)?;
            }
            self.note_violations(found, arrival.as_ref().map(|(_, choice)| *choice));
        }
        let expanded = false;
        let current = None;
        self.stack.push(Node {
            fingerprint,
            key,
            arrival,
            todo,
            sleep,
            current,
            expanded,
            running,
            preemptions,
        });
        Ok(())
    }

    /// Goes back to the state before.
    fn leave(&mut self) {
        let Some(node) = self.stack.pop() else { return };
        if !node.expanded {
            self.statistics.executions += 1;
        }
        if let Some(visited) = self.visited.get_mut(&node.key) {
            visited.on_stack -= 1;
        }
        if let Some((frame, _)) = node.arrival {
            self.machine.undo(frame);
        }
    }

    /// A state in which nobody can move: final, or a deadlock. Returns what it violates.
    fn at_the_end(&mut self, fingerprint: u128) -> Result<u64, EngineError> {
        if !self.machine.main_finished() {
            self.deadlocks.insert(fingerprint);
            self.ends.insert(self.machine.deadlock());
            return Ok(Property::DEADLOCK.bit());
        }
        if !self.final_states.insert(fingerprint) {
            return Ok(0);
        }
        self.statistics.final_states += 1;
        let memory = self.machine.memory().identity();
        let (cut, violated, observed, end) = self.machine.with_epilogue(|machine, ending| {
            let stuck = if ending.stuck { Property::DEADLOCK.bit() } else { 0 };
            let end = End::Final { memory, after: machine.memory().identity(), stuck: ending.stuck };
            (ending.cut, machine.violated() | stuck, machine.observe(), end)
        })?;
        self.ends.insert(end);
        if let Some(bound) = cut {
            self.limits_hit.insert(LimitHit::Bound(bound));
        } else if let Some(observed) = observed {
            if violated != 0 {
                *self.violating_outcomes.entry(observed.clone()).or_default() += 1;
            }
            *self.outcomes.entry(observed).or_default() += 1;
        }
        Ok(violated)
    }

    /// Keeps the way to the first violation of each property; `last` leads from the top of the stack on.
    fn note_violations(&mut self, found: u64, last: Option<Choice>) {
        let new = found & !self.violated;
        if new == 0 {
            return;
        }
        self.violated |= new;
        for property in self.machine.memory().properties(new) {
            let way = self.stack.iter().filter_map(|node| node.arrival.as_ref().map(|(_, choice)| *choice));
            self.witnesses.insert(property, way.chain(last).collect());
        }
    }

    /// Keeps the first cycle: from the state on the stack with this key round to it again.
    fn note_cycle(&mut self, key: u128, last: Option<Choice>) {
        self.violated |= Property::LIVELOCK.bit();
        if self.lasso.is_some() {
            return;
        }
        let Some(start) = self.stack.iter().position(|node| node.key == key) else { return };
        let choice = |node: &Node<S::State>| node.arrival.as_ref().map(|(_, choice)| *choice);
        let lasso = Lasso {
            stem: self.stack[..=start].iter().filter_map(choice).collect(),
            cycle: self.stack[start + 1..].iter().filter_map(choice).chain(last).collect(),
            states: self.stack[start..].iter().map(|node| node.fingerprint).collect(),
        };
        self.witnesses.insert(Property::LIVELOCK, [&lasso.stem[..], &lasso.cycle].concat());
        self.lasso = Some(lasso);
    }

    /// Whether the search has to stop, for the ledger knows which reason.
    fn must_stop(&mut self) -> bool {
        let slot = size_of::<(u128, Visited)>() + 1;
        if self.options.limits.memory.is_some_and(|most| (self.visited.capacity() * slot) as u64 > most) {
            self.limits_hit.insert(LimitHit::Memory);
            self.stopped = true;
        }
        self.stopped
    }

    fn into_exploration(self) -> Exploration {
        let Gathered { reached, maxima } = self.machine.memory().gathered();
        Exploration {
            violated: self.violated,
            statistics: self.statistics,
            final_states: self.final_states,
            deadlocks: self.deadlocks,
            ends: self.ends,
            outcomes: self.outcomes,
            violating_outcomes: self.violating_outcomes,
            reached,
            maxima: maxima.to_vec(),
            limits_hit: self.limits_hit,
            lasso: self.lasso,
            witnesses: self.witnesses,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_state_is_its_slot_in_the_visited_set_and_nothing_more() {
        // Fingerprint, sleep set and stack count, and one control byte of the table. Final and deadlocked
        // states, few by comparison, are kept in sets of fingerprints beside it.
        assert!(size_of::<(u128, Visited)>() < 40);
    }
}
