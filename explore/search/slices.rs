//! One state space in slices: the beginning of a search that several go on with, each from other states.
//!
//! From the initial state the system is walked through breadth first until enough states wait to be looked at. That is the
//! *cut*: everybody who cuts the same system finds the same one. Who has a slice explores depth first, with a visited set of
//! its own, what can be reached from its states of the cut. Nothing is pruned where another slice comes by: who has it is
//! not known to have come so far.
//!
//! The walk has sleep sets, under the same rule as the search, and each state of the cut is explored with the one that it has
//! by then. So of runs that differ in the order of independent transitions only one is explored, by one slice; a state is in
//! several slices only where runs that differ otherwise lead to it. Every state is in one of them: of each run from a
//! state, none of whose first transitions sleeps there, some reordering is explored, and its length is the same whether
//! it is explored by one or goes on in a slice. For the same reason each cycle is met: in the graph of the walk, or
//! on the way of a slice.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;
use stalemap_facade::{ActorId, System};

use super::Search;
use crate::actors::{ActorSet, MAX_ACTORS, actors_of};
use crate::error::EngineError;
use crate::exploration::Progress;
use crate::fingerprint::{IdentityState, chain};
use crate::footprint::Footprint;
use crate::limits::LimitHit;
use crate::machine::Snapshot;
use crate::memory::Outcome;
use crate::schedule::Choice;
use crate::slices::found::{Enough, SliceFound, SliceOf};
use crate::visited::STORED;

/// Who sleeps, and what each of them would do.
#[derive(Clone, Copy)]
struct Asleep {
    actors: ActorSet,
    would_do: [Footprint; MAX_ACTORS],
}

impl Asleep {
    const NOBODY: Asleep = Asleep { actors: 0, would_do: [Footprint { touched: 0, changed: 0 }; MAX_ACTORS] };

    fn put(&mut self, actor: ActorId, would_do: Footprint) {
        self.actors |= 1 << actor;
        self.would_do[actor] = would_do;
    }

    /// Those that still sleep after a transition.
    fn after(&self, footprint: Footprint) -> Self {
        let still = actors_of(self.actors).filter(|actor| self.would_do[*actor].independent(footprint));
        Asleep { actors: still.fold(0, |set, actor| set | 1 << actor), would_do: self.would_do }
    }
}

/// A state that the walk has met.
struct Met<State> {
    key: u128,
    /// From which state, and by which transition, it was met first.
    way: (usize, Option<Choice>),
    running: Option<ActorId>,
    preemptions: u32,
    asleep: Asleep,
    /// Who is to be looked at; nobody when it has been.
    todo: ActorSet,
    /// To put it back as long as it waits.
    snapshot: Option<Snapshot<State>>,
    /// Where the transitions lead that were looked at.
    edges: Vec<usize>,
}

/// Transitions from one question whether to stop to the next.
const STOP_INTERVAL: u64 = 1 << 13;

/// What a walk has seen, by the numbers of states.
struct Walk<State> {
    known: HashMap<u128, usize, IdentityState>,
    met: Vec<Met<State>>,
    waiting: VecDeque<usize>,
}

/// The states at which a walk ended.
pub(crate) struct Cut<State> {
    walk: Walk<State>,
}

impl<State> Walk<State> {
    /// Bytes that it takes beside the values in its states.
    fn bytes(&self) -> u64 {
        let of_met = |met: &Met<State>| {
            let snapshot = met.snapshot.as_ref().map_or(0, Snapshot::owned);
            snapshot + met.edges.capacity() * size_of::<usize>()
        };
        let met = self.met.capacity() * size_of::<Met<State>>() + self.met.iter().map(of_met).sum::<usize>();
        (met + self.known.allocation_size() + self.waiting.capacity() * size_of::<usize>()) as u64
    }

    /// The transitions that led to a state.
    fn way_to(&self, mut state: usize) -> Vec<Choice> {
        let mut way = Vec::new();
        while let (before, Some(choice)) = self.met[state].way {
            way.push(choice);
            state = before;
        }
        way.reverse();
        way
    }

    /// Whether there is a cycle in what was looked at: taking away those that lead nowhere that is left does not take all.
    fn has_cycle(&self) -> bool {
        let mut left: Vec<usize> = self.met.iter().map(|met| met.edges.len()).collect();
        let mut into: Vec<Vec<usize>> = vec![Vec::new(); self.met.len()];
        for (from, met) in self.met.iter().enumerate() {
            for to in &met.edges {
                into[*to].push(from);
            }
        }
        let mut gone: Vec<usize> = (0..left.len()).filter(|state| left[*state] == 0).collect();
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
        taken < self.met.len()
    }
}

impl<State> Cut<State> {
    /// What makes it the same as another.
    fn print(&self) -> u128 {
        let waiting = self.walk.waiting.iter().map(|state| &self.walk.met[*state]);
        waiting.fold(self.walk.met.len() as u128, |sum, met| chain(met.asleep.actors.into(), sum, met.key))
    }

    /// A slice of its states. Neighbours were met on ways that begin alike, and lead to more of the same states than others.
    fn slice(&self, SliceOf { number, of }: SliceOf) -> impl Iterator<Item = usize> {
        let count = self.walk.waiting.len();
        self.walk.waiting.range(count * number / of..count * (number + 1) / of).copied()
    }
}

impl<S: System> Search<'_, '_, S> {
    /// Walks until there is enough to be dealt out. `None`: there is not enough, and the whole is best searched by one.
    pub(crate) fn cut(&mut self, enough: Enough) -> Result<Option<Cut<S::State>>, EngineError> {
        if self.machine.halted().is_some() {
            return Ok(None);
        }
        let mut walk = Walk { known: HashMap::default(), met: Vec::new(), waiting: VecDeque::new() };
        self.meet(&mut walk, (0, None), &Asleep::NOBODY, (None, 0))?;
        while let Some(state) = walk.waiting.pop_front() {
            self.look_at(&mut walk, state)?;
            let is_enough = walk.waiting.len() >= enough.waiting || walk.met.len() >= enough.met;
            if is_enough && !walk.waiting.is_empty() {
                self.cycle_met |= walk.has_cycle();
                self.bytes_kept += walk.bytes();
                return Ok(Some(Cut { walk }));
            }
        }
        Ok(None)
    }

    /// Makes the transitions that are to be looked at in a state.
    fn look_at(&mut self, walk: &mut Walk<S::State>, state: usize) -> Result<(), EngineError> {
        let Some(snapshot) = walk.met[state].snapshot.take() else { return Ok(()) };
        self.machine.restore(&snapshot);
        self.prefix = walk.way_to(state);
        let Met { mut asleep, running, preemptions, .. } = walk.met[state];
        let todo = std::mem::take(&mut walk.met[state].todo);
        let bound = self.options.limits.preemptions;
        for actor in actors_of(todo) {
            let preempts = bound.is_some() && self.machine.preempts(running, actor);
            let preemptions = preemptions + u32::from(preempts);
            if bound.is_some_and(|bound| preemptions > bound) {
                self.limits_hit.insert(LimitHit::Preemptions);
                continue;
            }
            let all = self.all_outcomes(walk, state, &asleep, (actor, preemptions))?;
            if let Some(footprint) = all.filter(|_| self.options.sleep_sets && bound.is_none()) {
                asleep.put(actor, footprint);
            }
        }
        Ok(())
    }

    /// Makes an actor's transition in a state, with each outcome; their joint footprint. `None`: not all could be made.
    fn all_outcomes(
        &mut self,
        walk: &mut Walk<S::State>,
        state: usize,
        asleep: &Asleep,
        (actor, preemptions): (ActorId, u32),
    ) -> Result<Option<Footprint>, EngineError> {
        let mut joint = Footprint::default();
        let mut untried = Some(Outcome::FIRST);
        while let Some(outcome) = untried {
            let choice = Choice::of(self.machine.pending(actor), actor, outcome);
            let (footprint, frame) = match self.machine.fire(actor, outcome) {
                Err(EngineError::NoSuchOutcome { .. }) => {
                    self.limits_hit.insert(LimitHit::Messages);
                    return Ok(None);
                }
                fired => fired?,
            };
            self.statistics.transitions += 1;
            untried = self.machine.next_outcome();
            joint = joint.union(footprint);
            if let Some(bound) = self.machine.memory().take_cut() {
                self.note_bound(bound, Some(choice));
                self.note_violations(self.machine.violated(), Some(choice));
                self.statistics.executions += 1;
            } else {
                let after = asleep.after(footprint);
                let to = self.meet(walk, (state, Some(choice)), &after, (Some(actor), preemptions))?;
                walk.met[state].edges.push(to);
            }
            self.machine.undo(frame);
        }
        Ok(Some(joint))
    }

    /// Arrives at a state; its number. Who slept there, and does not by this way, is to be looked at.
    fn meet(
        &mut self,
        walk: &mut Walk<S::State>,
        way: (usize, Option<Choice>),
        asleep: &Asleep,
        (running, preemptions): (Option<ActorId>, u32),
    ) -> Result<usize, EngineError> {
        let key = self.key(running, preemptions);
        let enabled = self.machine.enabled();
        if let Some(&state) = walk.known.get(&key) {
            let met = &mut walk.met[state];
            met.todo |= met.asleep.actors & enabled & !asleep.actors;
            met.asleep.actors &= asleep.actors;
            if met.todo != 0 && met.snapshot.is_none() {
                met.snapshot = Some(self.machine.snapshot());
                walk.waiting.push_back(state);
            }
            return Ok(state);
        }
        let state = walk.met.len();
        walk.known.insert(key, state);
        let mut found = self.machine.violated();
        if enabled == 0 {
            found |= self.at_the_end(way.1)?;
        }
        self.note_violations(found, way.1);
        let todo = enabled & !asleep.actors;
        let snapshot = (todo != 0).then(|| self.machine.snapshot());
        if todo != 0 {
            walk.waiting.push_back(state);
        }
        let edges = Vec::new();
        walk.met.push(Met { key, way, running, preemptions, asleep: *asleep, todo, snapshot, edges });
        Ok(state)
    }

    /// Explores what can be reached from a slice of the states of a cut.
    pub(crate) fn explore_slice(
        &mut self,
        cut: &Cut<S::State>,
        slice: SliceOf,
        is_stopped: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), EngineError> {
        self.begun = true;
        let mut deepest = 0;
        for state in cut.slice(slice) {
            let Met { snapshot: Some(snapshot), asleep, running, preemptions, .. } = &cut.walk.met[state]
            else {
                continue;
            };
            self.machine.restore(snapshot);
            self.prefix = cut.walk.way_to(state);
            self.statistics.max_depth = 0;
            self.asleep.truncate(0);
            self.asleep.push(asleep.would_do);
            self.enter(None, asleep.actors, *running, *preemptions)?;
            self.go_on_unless(is_stopped, progress)?;
            deepest = deepest.max(self.prefix.len() as u64 + self.statistics.max_depth);
            if self.stopped {
                break;
            }
        }
        self.statistics.max_depth = deepest;
        Ok(())
    }

    /// Explores what lies behind where it stands, unless somebody stops it.
    fn go_on_unless(
        &mut self,
        is_stopped: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), EngineError> {
        while self.is_paused() {
            if is_stopped() {
                self.limits_hit.insert(LimitHit::Interrupted);
                self.stopped = true;
                break;
            }
            self.go_on(self.statistics.transitions.saturating_add(STOP_INTERVAL), progress)?;
        }
        Ok(())
    }

    /// Keeps what each final state shows.
    pub(crate) fn keep_contents(&mut self) {
        self.endings.contents = Some(BTreeMap::new());
    }

    /// What was found in a slice.
    pub(crate) fn into_slice(mut self, cut: &Cut<S::State>) -> SliceFound {
        let visited = self.visited.iter().map(|(state, _)| state);
        let mut states: Vec<u128> =
            visited.chain(cut.walk.known.keys().map(|state| state & STORED)).collect();
        states.sort_unstable();
        states.dedup();
        self.statistics.states = states.len() as u64;
        let (cycle_met, cut) = (self.cycle_met, cut.print());
        let contents = self.endings.contents.take().unwrap_or_default();
        SliceFound { exploration: self.into_exploration(), states, contents, cycle_met, cut }
    }
}
