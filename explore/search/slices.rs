//! One state space in slices: the beginning of a search that several go on with, each from other states.
//!
//! From the initial state the system is walked through breadth first, without reductions, until enough states wait to be
//! looked at. That is the *cut*: everybody who cuts the same system finds the same one. Who has a slice explores depth first,
//! with visited set and sleep sets, all that can be reached from its states of the cut, and nothing is pruned where another
//! slice comes by. So the slices overlap; their union is the whole:
//!
//! * a state is before the cut, or it can be reached from a state of the cut, and then is explored by who has that;
//! * a cycle is before the cut, where the graph of the walk shows it, or all of it can be reached from a state of the cut, and
//!   then is met by who has that.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;
use stalemap_facade::{ActorId, System};

use super::Search;
use crate::actors::{MAX_ACTORS, actors_of};
use crate::error::EngineError;
use crate::exploration::Progress;
use crate::fingerprint::{IdentityState, chain};
use crate::footprint::Footprint;
use crate::limits::LimitHit;
use crate::machine::Snapshot;
use crate::memory::Outcome;
use crate::schedule::Choice;
use crate::slices::found::{Enough, SliceFound, SliceOf};

/// A state of the cut.
struct Root<State> {
    key: u128,
    snapshot: Snapshot<State>,
    /// The last transition of the way that led here, by its place.
    way: usize,
    running: Option<ActorId>,
    preemptions: u32,
}

/// The states at which a walk ended.
pub(crate) struct Cut<State> {
    roots: Vec<Root<State>>,
    walk: Walk,
}

/// What a walk has seen.
#[derive(Default)]
struct Walk {
    /// The states by their keys, numbered as they were met.
    known: HashMap<u128, usize, IdentityState>,
    /// For each state, how it was met first: from which one, and by which transition.
    ways: Vec<(usize, Option<Choice>)>,
    /// For each state that was looked at, where its transitions lead.
    edges: Vec<Vec<usize>>,
}

impl Walk {
    /// The transitions that led to a state.
    fn way_to(&self, mut state: usize) -> Vec<Choice> {
        let mut way = Vec::new();
        while let (before, Some(choice)) = self.ways[state] {
            way.push(choice);
            state = before;
        }
        way.reverse();
        way
    }

    /// Whether there is a cycle among the states that were looked at: taking away those that lead nowhere that is left does not take
    /// all.
    fn has_cycle(&self) -> bool {
        let looked_at = self.edges.len();
        let mut left: Vec<usize> = self.edges.iter().map(Vec::len).collect();
        let mut into: Vec<Vec<usize>> = vec![Vec::new(); self.ways.len()];
        for (from, edges) in self.edges.iter().enumerate() {
            for to in edges {
                into[*to].push(from);
            }
        }
        let mut gone: Vec<usize> = (looked_at..self.ways.len()).collect();
        gone.extend((0..looked_at).filter(|state| left[*state] == 0));
        let mut taken = 0;
        while let Some(state) = gone.pop() {
            taken += 1;
            for from in &into[state] {
                left[*from] -= 1;
                if left[*from] == 0 {
                    gone.push(*from);
                }
            }
        }
        taken < self.ways.len()
    }
}

impl<State> Cut<State> {
    /// What makes it the same as another.
    pub(crate) fn print(&self) -> u128 {
        self.roots.iter().fold(self.walk.known.len() as u128, |sum, root| chain(1, sum, root.key))
    }
}

impl<S: System> Search<'_, '_, S> {
    /// Walks until there is enough to be dealt out. `None`: there is not enough, and the whole is best searched by one.
    pub(crate) fn cut(&mut self, enough: Enough) -> Result<Option<Cut<S::State>>, EngineError> {
        if self.machine.halted().is_some() {
            return Ok(None);
        }
        let mut walk = Walk::default();
        let mut waiting = VecDeque::new();
        self.meet(&mut walk, &mut waiting, (0, None), (None, 0))?;
        while let Some(root) = waiting.pop_front() {
            self.look_at(&mut walk, &mut waiting, &root)?;
            let is_enough = waiting.len() >= enough.waiting || walk.known.len() >= enough.met;
            if is_enough && !waiting.is_empty() {
                self.cycle_met |= walk.has_cycle();
                return Ok(Some(Cut { roots: waiting.into(), walk }));
            }
        }
        Ok(None)
    }

    /// Makes all transitions that a state has.
    fn look_at(
        &mut self,
        walk: &mut Walk,
        waiting: &mut VecDeque<Root<S::State>>,
        root: &Root<S::State>,
    ) -> Result<(), EngineError> {
        self.machine.restore(&root.snapshot);
        self.prefix = walk.way_to(root.way);
        let bound = self.options.limits.preemptions;
        let mut edges = Vec::new();
        for actor in actors_of(self.machine.enabled()) {
            let preempts = bound.is_some() && self.machine.preempts(root.running, actor);
            let preemptions = root.preemptions + u32::from(preempts);
            if bound.is_some_and(|bound| preemptions > bound) {
                self.limits_hit.insert(LimitHit::Preemptions);
                continue;
            }
            let mut untried = Some(Outcome::FIRST);
            while let Some(outcome) = untried {
                let choice = Choice::of(self.machine.pending(actor), actor, outcome);
                let frame = match self.machine.fire(actor, outcome) {
                    Err(EngineError::NoSuchOutcome { .. }) => {
                        self.limits_hit.insert(LimitHit::Messages);
                        break;
                    }
                    fired => fired?.1,
                };
                self.statistics.transitions += 1;
                untried = self.machine.next_outcome();
                if let Some(bound) = self.machine.memory().take_cut() {
                    self.note_bound(bound, Some(choice));
                    self.note_violations(self.machine.violated(), Some(choice));
                    self.statistics.executions += 1;
                } else {
                    let arrival = (root.way, Some(choice));
                    edges.push(self.meet(walk, waiting, arrival, (Some(actor), preemptions))?);
                }
                self.machine.undo(frame);
            }
        }
        // States wait in the order in which they were met, and are looked at in that order.
        walk.edges.push(edges);
        Ok(())
    }

    /// Arrives at a state; its number.
    fn meet(
        &mut self,
        walk: &mut Walk,
        waiting: &mut VecDeque<Root<S::State>>,
        arrival: (usize, Option<Choice>),
        (running, preemptions): (Option<ActorId>, u32),
    ) -> Result<usize, EngineError> {
        let key = self.key(running, preemptions);
        let number = walk.ways.len();
        if let Some(known) = walk.known.get(&key) {
            return Ok(*known);
        }
        walk.known.insert(key, number);
        walk.ways.push(arrival);
        let mut found = self.machine.violated();
        if self.machine.enabled() == 0 {
            found |= self.at_the_end(arrival.1)?;
        }
        self.note_violations(found, arrival.1);
        let snapshot = self.machine.snapshot();
        waiting.push_back(Root { key, snapshot, way: number, running, preemptions });
        Ok(number)
    }

    /// Explores what can be reached from a slice of the states of a cut.
    pub(crate) fn explore_slice(
        &mut self,
        cut: &Cut<S::State>,
        slice: SliceOf,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), EngineError> {
        self.begun = true;
        self.asleep.push([Footprint::default(); MAX_ACTORS]);
        let mut deepest = 0;
        for root in cut.slice(slice) {
            self.machine.restore(&root.snapshot);
            self.prefix = cut.walk.way_to(root.way);
            self.statistics.max_depth = 0;
            self.enter(None, 0, root.running, root.preemptions)?;
            self.go_on(u64::MAX, progress)?;
            deepest = deepest.max(self.prefix.len() as u64 + self.statistics.max_depth);
            if self.stopped {
                break;
            }
        }
        self.statistics.max_depth = deepest;
        Ok(())
    }
}

impl<S: System> Search<'_, '_, S> {
    /// Keeps what each final state shows.
    pub(crate) fn keep_contents(&mut self) {
        self.contents = Some(BTreeMap::new());
    }

    /// What was found in a slice.
    pub(crate) fn into_slice(mut self, cut: &Cut<S::State>) -> SliceFound {
        let visited = self.visited.iter().map(|(state, _)| state);
        let mut states: Vec<u128> = visited.chain(cut.walk.known.keys().copied()).collect();
        states.sort_unstable();
        states.dedup();
        self.statistics.states = states.len() as u64;
        let (cycle_met, cut) = (self.cycle_met, cut.print());
        let contents = self.contents.take().unwrap_or_default();
        SliceFound { exploration: self.into_exploration(), states, contents, cycle_met, cut }
    }
}

impl<State> Cut<State> {
    /// A slice of its states.
    fn slice(&self, SliceOf { number, of }: SliceOf) -> Vec<&Root<State>> {
        let mode = std::env::var("DEAL").unwrap_or_default();
        let count = self.roots.len();
        match mode.as_str() {
            "chunk" => self.roots[count * number / of..count * (number + 1) / of].iter().collect(),
            "mod" => self.roots.iter().skip(number).step_by(of).collect(),
            _ => self.roots.iter().filter(|root| root.key % of as u128 == number as u128).collect(),
        }
    }
}
