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
//! they are unsound as they stand. A cycle is never cut silently: where a state was met again on the stack, the whole
//! graph is looked at once more, without reductions, for cycles that can be gone round for ever (`cycles.rs`). Sleep sets
//! drop transitions of a cycle, but not all: to every run, however long, there is an explored one of the same length that
//! ends in the same state, so the transitions that were explored have a cycle as well. That they also meet a state on the
//! stack is not proved, since a revisit adds transitions to a state when those behind it have left the stack; random programs with
//! cycles are compared with plain enumeration (`tests/engine/differential.rs`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use stalemap_facade::{ActorId, Bound, Property, System};

use crate::actors::{ActorSet, MAX_ACTORS, actors_of};
use crate::bitstate::BitState;
use crate::checkpoint::{Checkpointer, Request};
use crate::cycles::{FairCycles, fair_cycles};
use crate::endings::{Endings, Says};
use crate::error::EngineError;
use crate::exploration::{Exploration, Frontier, Lasso, Options, Progress, Statistics};
use crate::fingerprint::{IdentityState, part};
use crate::footprint::Footprint;
use crate::lasso::{Origin, Round, least_round};
use crate::limits::{LimitHit, Limits};
use crate::machine::{Frame, Halt, Machine, Snapshot};
use crate::memory::{Gathered, Outcome};
use crate::schedule::Choice;
use crate::visited::VisitedSet;
use crate::weight::{BETWEEN_LOOKS, bytes_of_vector, live, while_growing};

mod checkpoint;
pub(crate) mod slices;

/// A search with a limit of transitions.
pub(crate) struct Within {
    pub(crate) exploration: Exploration,
    /// Whether it came to its end.
    pub(crate) finished: bool,
}

/// Explores a system with at most so many transitions.
pub(crate) fn explore_within<S: System>(
    system: &S,
    options: &Options,
    transitions: u64,
    checkpointer: &mut dyn Checkpointer,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Within, EngineError> {
    let mut search = Search::new(machine(system, options)?, options)?;
    search.run_checkpointed(transitions, checkpointer, progress)?;
    let paused = search.is_paused();
    // Of a search that is paused nothing is known about cycles.
    let exploration = if paused { search.into_exploration() } else { search.finish()? };
    Ok(Within { finished: !paused && !exploration.is_stopped(), exploration })
}

pub(crate) fn machine<'s, S: System>(
    system: &'s S,
    options: &Options,
) -> Result<Machine<'s, S>, EngineError> {
    let mut machine = Machine::new(system)?;
    if let Some(most) = options.transition_cache {
        machine.remember_transitions(most);
    }
    Ok(machine)
}

/// How a state was come to.
type Arrival<State> = (Frame<State>, Choice);

/// A state on the search stack.
struct Node<State> {
    /// What makes it the same as another state: the fingerprint and, when preemptions are bounded, more.
    key: u128,
    /// The transition that led here; `None` at the root.
    arrival: Option<Arrival<State>>,
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

pub(crate) struct Search<'s, 'o, S: System> {
    machine: Machine<'s, S>,
    /// The way to the bottom of the stack: empty, but for a slice.
    prefix: Vec<Choice>,
    /// Where it began.
    start: Snapshot<S::State>,
    start_print: u128,
    options: &'o Options,
    visited: VisitedSet,
    /// In place of the visited set, if states may be left out.
    bits: Option<BitState>,
    stack: Vec<Node<S::State>>,
    /// How often each state is on the stack.
    on_stack: HashMap<u128, u32, IdentityState>,
    /// What the actors asleep at each node of the stack would do: one row for each node, by actor.
    asleep: Vec<[Footprint; MAX_ACTORS]>,
    /// Bytes of the frames on the stack, and of what is kept for the result.
    bytes_of_frames: u64,
    bytes_kept: u64,
    pub(crate) statistics: Statistics,
    pub(crate) violated: u64,
    endings: Endings,
    pub(crate) limits_hit: BTreeSet<LimitHit>,
    /// Whether a state was met again on the stack.
    cycle_met: bool,
    lasso: Option<Lasso>,
    witnesses: BTreeMap<Property, Vec<Choice>>,
    /// The way to where each bound of the system was met first.
    bounds: BTreeMap<Bound, Vec<Choice>>,
    started: Instant,
    begun: bool,
    stopped: bool,
    /// Whether a limit left no room for the state that the last transition led to. Then it was undone.
    refused: bool,
}

/// Transitions between two looks at the clock.
const CLOCK_INTERVAL: u64 = 4096;

impl<'s, 'o, S: System> Search<'s, 'o, S> {
    pub(crate) fn new(machine: Machine<'s, S>, options: &'o Options) -> Result<Self, EngineError> {
        Ok(Search {
            start: machine.snapshot(),
            start_print: machine.fingerprint(),
            machine,
            prefix: Vec::new(),
            options,
            visited: VisitedSet::new(),
            bits: options.bitstate.map(BitState::new).transpose()?,
            stack: Vec::new(),
            on_stack: HashMap::default(),
            asleep: Vec::new(),
            bytes_of_frames: 0,
            bytes_kept: 0,
            statistics: Statistics::default(),
            violated: 0,
            endings: Endings::default(),
            limits_hit: BTreeSet::new(),
            cycle_met: false,
            lasso: None,
            witnesses: BTreeMap::new(),
            bounds: BTreeMap::new(),
            started: Instant::now(),
            begun: false,
            stopped: false,
            refused: false,
        })
    }

    /// Goes on, until the search is over or has made so many transitions in all.
    fn run(&mut self, transitions: u64, progress: &mut dyn FnMut(&Progress)) -> Result<(), EngineError> {
        if self.begun {
            return self.go_on(transitions, progress);
        }
        self.begun = true;
        if let Some(halted) = self.machine.halted() {
            if let Halt::GivenUp(bound) = halted.why {
                self.limits_hit.insert(LimitHit::Bound(bound));
            }
            self.note_violations(self.machine.violated(), None);
            return Ok(());
        }
        self.asleep.push([Footprint::default(); MAX_ACTORS]);
        self.enter(None, 0, None, 0)?;
        self.go_on(transitions, progress)
    }

    /// Explores as much as it takes, or so many transitions in all; now and then whoever keeps the search is asked what it is
    /// to do.
    pub(crate) fn run_checkpointed(
        &mut self,
        transitions: u64,
        checkpointer: &mut dyn Checkpointer,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), EngineError> {
        loop {
            match checkpointer.request() {
                Request::Save if self.is_worth_keeping() => checkpointer.save(&|to| self.write(to)),
                Request::GoOn | Request::Save => {}
                Request::Stop => {
                    self.limits_hit.insert(LimitHit::Interrupted);
                    self.stopped = true;
                    return Ok(());
                }
            }
            let next =
                transitions.min(self.statistics.transitions.saturating_add(checkpointer.interval().max(1)));
            self.run(next, progress)?;
            if !self.is_paused() || self.statistics.transitions >= transitions {
                return Ok(());
            }
        }
    }

    /// Whether it has begun: not if the setup does not come to its end, or there is no room for the first state.
    pub(crate) fn is_worth_keeping(&self) -> bool {
        self.statistics.states > 0
    }

    /// Whether there is more to explore and no limit forbids it.
    pub(crate) fn is_paused(&self) -> bool {
        !self.stopped && !self.stack.is_empty()
    }

    /// Whether there is nothing left to explore.
    pub(crate) fn is_complete(&self) -> bool {
        self.stack.is_empty()
    }

    fn go_on(&mut self, transitions: u64, progress: &mut dyn FnMut(&Progress)) -> Result<(), EngineError> {
        while !self.stopped && !self.stack.is_empty() && self.statistics.transitions < transitions {
            if self.statistics.transitions.is_multiple_of(CLOCK_INTERVAL) {
                progress(&self.progress());
                if self.options.limits.time.is_some_and(|time| self.started.elapsed() >= time) {
                    self.limits_hit.insert(LimitHit::Seconds);
                    self.stopped = true;
                    return Ok(());
                }
            }
            let depth = self.stack.len() - 1;
            let node = &mut self.stack[depth];
            let (actor, outcome) = match node.current {
                Some((actor, Some(next), _)) => (actor, next),
                explored => {
                    if let Some((actor, None, footprint)) = explored {
                        if self.options.has_sleep_sets() {
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
            if self.statistics.transitions.is_multiple_of(BETWEEN_LOOKS as u64) {
                self.look_at_memory();
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
            self.note_bound(bound, Some(choice));
            self.note_violations(self.machine.violated(), Some(choice));
            self.statistics.executions += 1;
            self.machine.undo(frame);
            return Ok(());
        }
        let refused = self.enter(Some((frame, choice)), sleep, Some(actor), preemptions)?;
        if let Some((frame, _)) = refused {
            self.refused = true;
            self.machine.undo(frame);
            if let Some(Node { current: Some((_, untried, _)), .. }) = self.stack.last_mut() {
                *untried = Some(outcome);
            }
        }
        Ok(())
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

    /// What makes the state in which the machine stands the same as another.
    #[inline]
    fn key(&self, running: Option<ActorId>, preemptions: u32) -> u128 {
        let fingerprint = self.machine.fingerprint();
        if self.options.limits.preemptions.is_some() {
            // Under a bound, a state is only the same with the same budget left and the same actor running.
            fingerprint.wrapping_add(self.machine.memory().print(part::PASSED, &(running, preemptions)))
        } else {
            fingerprint
        }
    }

    /// Arrives at a state. If a limit leaves no room for it, how it was come to.
    fn enter(
        &mut self,
        arrival: Option<Arrival<S::State>>,
        sleep: ActorSet,
        running: Option<ActorId>,
        preemptions: u32,
    ) -> Result<Option<Arrival<S::State>>, EngineError> {
        let key = self.key(running, preemptions);
        let enabled = self.machine.enabled();
        let mut sleep = sleep;
        let mut revisited = false;
        let mut todo = enabled & !sleep;
        let full = self.limit_on_states();
        if let Some(bits) = &mut self.bits {
            if let Some(limit) = full {
                return Ok(self.stop(limit, arrival));
            }
            if !bits.enter(key) {
                revisited = true;
                todo = 0;
            }
        } else if self.options.visited_set {
            if let Some(place) = self.visited.find(key) {
                revisited = true;
                let slept = self.visited.sleep(place);
                todo = slept & enabled & !sleep;
                sleep &= slept;
                self.visited.set_sleep(place, sleep);
                self.cycle_met |= self.on_stack.contains_key(&key);
            } else {
                if let Some(limit) = self.limit_on_entering(key) {
                    return Ok(self.stop(limit, arrival));
                }
                self.visited.enter(key, sleep);
            }
        } else if self.on_stack.contains_key(&key) {
            self.cycle_met = true;
            revisited = true;
            todo = 0;
        }
        self.statistics.max_depth = self.statistics.max_depth.max(self.stack.len() as u64);
        if !revisited {
            self.statistics.states += 1;
            let mut found = self.machine.violated();
            let last = arrival.as_ref().map(|(_, choice)| *choice);
            if enabled == 0 {
                found |= self.at_the_end(last)?;
            }
            self.note_violations(found, last);
        }
        let expanded = false;
        let current = None;
        self.bytes_of_frames += arrival.as_ref().map_or(0, |(frame, _)| frame.owned() as u64);
        self.push(Node { key, arrival, todo, sleep, current, expanded, running, preemptions });
        Ok(None)
    }

    /// Stops at a limit that leaves no room for the state that was come to.
    fn stop(&mut self, limit: LimitHit, arrival: Option<Arrival<S::State>>) -> Option<Arrival<S::State>> {
        self.limits_hit.insert(limit);
        self.stopped = true;
        arrival
    }

    /// The limit of states, if there may be no more.
    fn limit_on_states(&self) -> Option<LimitHit> {
        let has_most = |most| self.statistics.states >= most;
        self.options.limits.states.is_some_and(has_most).then_some(LimitHit::States)
    }

    /// The limit that leaves no room for one more state, if there is one.
    fn limit_on_entering(&self, key: u128) -> Option<LimitHit> {
        if let Some(limit) = self.limit_on_states() {
            return Some(limit);
        }
        let needs = self.visited.needs(key);
        let has_room = |most: u64| needs == 0 || self.bytes() + needs <= most;
        self.options.limits.memory.is_some_and(|most| !has_room(most)).then_some(LimitHit::Memory)
    }

    fn push(&mut self, node: Node<S::State>) {
        *self.on_stack.entry(node.key).or_default() += 1;
        self.stack.push(node);
    }

    /// Goes back to the state before.
    fn leave(&mut self) {
        let Some(node) = self.stack.pop() else { return };
        if !node.expanded {
            self.statistics.executions += 1;
        }
        if let Entry::Occupied(mut times) = self.on_stack.entry(node.key) {
            *times.get_mut() -= 1;
            if *times.get() == 0 {
                times.remove();
            }
        }
        if let Some((frame, _)) = node.arrival {
            self.bytes_of_frames -= frame.owned() as u64;
            self.machine.undo(frame);
        }
    }

    /// A state in which nobody can move: final, or a deadlock. Returns what it violates. `last` led there from the top of
    /// the stack.
    fn at_the_end(&mut self, last: Option<Choice>) -> Result<u64, EngineError> {
        let Says { violated, cut } = self.endings.enter(&mut self.machine)?;
        self.statistics.final_states = self.endings.final_states.len() as u64;
        if let Some(bound) = cut {
            self.note_bound(bound, last);
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
            let way = self.way(last);
            self.witnesses.insert(property, way);
        }
    }

    /// Keeps the way to where a bound of the system is met first.
    fn note_bound(&mut self, bound: Bound, last: Option<Choice>) {
        if self.limits_hit.insert(LimitHit::Bound(bound)) {
            let way = self.way(last);
            self.bounds.insert(bound, way);
        }
    }

    /// The way to the top of the stack, and on.
    fn way(&mut self, last: Option<Choice>) -> Vec<Choice> {
        self.bytes_kept += (self.stack.len() * size_of::<Choice>()) as u64;
        let way = self.stack.iter().filter_map(|node| node.arrival.as_ref().map(|(_, choice)| *choice));
        self.prefix.iter().copied().chain(way).chain(last).collect()
    }

    /// What was found, with a verdict on the cycles that were met.
    pub(crate) fn finish(mut self) -> Result<Exploration, EngineError> {
        // Who interrupts a search does not want to wait, and where there is no memory for the states, there is none for cycles.
        if self.cycle_met && self.bits.is_none() && !self.limits_hit.contains(&LimitHit::Interrupted) {
            self.judge_cycles()?;
        }
        Ok(self.into_exploration())
    }

    /// Looks at the cycles of the whole graph, wherever this search has come.
    pub(crate) fn only_cycles(mut self) -> Result<Exploration, EngineError> {
        self.limits_hit.clear();
        self.judge_cycles()?;
        Ok(self.into_exploration())
    }

    /// Looks for a cycle that can be gone round for ever, and keeps the way to it and round it.
    pub(crate) fn judge_cycles(&mut self) -> Result<(), EngineError> {
        self.forget_states();
        self.machine.restore(&self.start);
        self.machine.memory().gather(false);
        let left = self.left();
        let cycles = fair_cycles(&mut self.machine, &left)?;
        self.note_undecided(cycles.limit);
        if let Some(stem) = &cycles.first {
            self.machine.restore(&self.start);
            self.note_lasso(stem, &cycles)?;
        }
        self.machine.memory().gather(true);
        Ok(())
    }

    /// Gives up the states, and all memory that they take.
    fn forget_states(&mut self) {
        self.visited = VisitedSet::new();
        (self.stack, self.asleep) = (Vec::new(), Vec::new());
        self.on_stack = HashMap::default();
        self.bytes_of_frames = 0;
    }

    /// What is left of the limits, beside what is kept for the result.
    fn left(&self) -> Limits {
        self.options.limits.after(self.started).beside(self.bytes().saturating_sub(live()))
    }

    /// Names the limit that leaves cycles undecided: a bound of preemptions, or of the system, does not say that.
    fn note_undecided(&mut self, limit: Option<LimitHit>) {
        if !self.limits_hit.iter().any(|hit| hit.is_of_the_search()) {
            self.limits_hit.extend(limit);
        }
    }

    /// Goes the way to a cycle and looks for the shortest way round it. A livelock is said with its way: where a limit leaves no
    /// room for that, the limit is named.
    fn note_lasso(&mut self, stem: &[Choice], cycles: &FairCycles) -> Result<(), EngineError> {
        let mut from = Origin { running: None, cost: (0, 0) };
        for choice in stem {
            from.cost.0 += u32::from(self.machine.preempts(from.running, choice.actor));
            from.running = Some(choice.actor);
            self.machine.fire(choice.actor, choice.to_outcome())?;
        }
        let beginning = self.machine.snapshot();
        // The states of the cycles are known, and no more than there may be.
        let limits = Limits { states: None, ..self.left().beside(cycles.bytes()) };
        let cycle = match least_round(&mut self.machine, from, None, cycles, &limits)? {
            Round::Least(_, cycle) => cycle,
            Round::Unknown(limit) => {
                self.note_undecided(Some(limit));
                return Ok(());
            }
            // There is one where a component is fair. Should none be found, the livelock is not passed over for that.
            Round::None => Vec::new(),
        };
        self.violated |= Property::LIVELOCK.bit();
        if cycle.is_empty() {
            return Ok(());
        }
        self.machine.restore(&beginning);
        let mut states = Vec::new();
        for choice in &cycle {
            states.push(self.machine.fingerprint());
            self.machine.fire(choice.actor, choice.to_outcome())?;
        }
        self.witnesses.insert(Property::LIVELOCK, [stem, &cycle].concat());
        self.lasso = Some(Lasso { stem: stem.to_vec(), cycle, states });
        Ok(())
    }

    /// Bytes that the search takes, and may take before the next look at them.
    pub(crate) fn bytes(&self) -> u64 {
        self.visited.bytes()
            + self.bits.as_ref().map_or(0, BitState::bytes)
            + bytes_of_vector(&self.stack)
            + bytes_of_vector(&self.asleep)
            + while_growing(self.on_stack.allocation_size(), self.on_stack.capacity() - self.on_stack.len())
            + self.bytes_of_frames
            + self.bytes_kept
            + self.endings.bytes
            + live()
    }

    /// How far it has come.
    pub(crate) fn progress(&self) -> Progress {
        let untried = self.stack.iter().map(|node| u64::from(node.todo.count_ones())).sum();
        let frontier = Frontier { depth: self.stack.len().saturating_sub(1) as u64, untried };
        Progress { statistics: self.statistics, bytes: self.bytes(), frontier, estimate: None }
    }

    /// Stops the search where it takes too much.
    fn look_at_memory(&mut self) {
        if self.options.limits.memory.is_some_and(|most| self.bytes() > most) {
            self.limits_hit.insert(LimitHit::Memory);
            self.stopped = true;
        }
    }

    pub(crate) fn into_exploration(mut self) -> Exploration {
        let coverage = self.bits.as_ref().map(BitState::coverage);
        self.limits_hit.extend(coverage.map(|_| LimitHit::Bitstate));
        let Gathered { reached, maxima, calls, operations } = self.machine.memory().gathered();
        Exploration {
            violated: self.violated,
            statistics: self.statistics,
            final_states: self.endings.final_states,
            deadlocks: self.endings.deadlocks,
            ends: self.endings.ends,
            outcomes: self.endings.outcomes,
            violating_outcomes: self.endings.violating_outcomes,
            reached,
            maxima: maxima.to_vec(),
            calls,
            operations: operations.into_iter().map(Cow::into_owned).collect(),
            limits_hit: self.limits_hit,
            lasso: self.lasso,
            halted: self.machine.halted().cloned(),
            witnesses: self.witnesses,
            coverage,
            few_preemptions: None,
        }
    }
}
