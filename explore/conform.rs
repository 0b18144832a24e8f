//! Whether something that was observed can be a run of a system: a schedule is looked for that explains it.
//!
//! What was observed is known to an [`Observation`] alone, as a *position*: how far a run has explained it. Each transition leads
//! from a position to others, or contradicts what was observed. The search goes depth first through the pairs of a state and a
//! position, first to where more is explained; a pair is looked at once. So it ends, and it looks at every pair that can be
//! reached without a contradiction before it says that there is no such run. No reduction is used: which transitions may change
//! places depends on the observation.

use std::collections::BTreeSet;
use std::hash::{Hash, RandomState};
use std::time::Instant;

use hashbrown::HashSet;
use stalemap_facade::{ActorId, Event, Op, System};

use crate::actors::actors_of;
use crate::error::EngineError;
use crate::limits::{LimitHit, Limits};
use crate::machine::{Halted, Machine, Snapshot};
use crate::memory::Outcome;
use crate::schedule::{Choice, Step};
use crate::weight::{bytes_of_vector, live};

/// How many of the transitions are kept that contradict an observation where it was explained furthest.
const MOST_OFFERS: usize = 64;

/// What was observed of a run.
pub trait Observation {
    /// How far it is explained.
    type Position: Clone + Eq + Hash;

    /// Where a run begins.
    fn start(&self) -> Self::Position;

    /// The positions that a transition can lead to; none if it contradicts what was observed.
    fn after(&self, position: &Self::Position, moved: &Move<'_>) -> Vec<Self::Position>;

    /// How many of the things observed are explained.
    fn explained(&self, position: &Self::Position) -> usize;

    /// What a contradiction says to a reader.
    fn says(&self, events: &[Event]) -> Vec<String> {
        events.iter().map(Event::words).filter(|words| !words.is_empty()).collect()
    }

    /// Whether a run may stop here. `ended`: nobody can move, and every main actor has finished.
    fn is_complete(&self, position: &Self::Position, ended: bool) -> bool;
}

/// A transition, as an observation is told of it.
#[derive(Debug)]
pub struct Move<'m> {
    /// Who moves.
    pub actor: ActorId,
    /// The number of the command that it was in before it moved, if the system has commands ([`System::command`]).
    pub command: Option<usize>,
    /// The operation; `None` for a start.
    pub op: Option<Op>,
    /// What the system said.
    pub events: &'m [Event],
}

/// A transition that contradicts an observation.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Offer {
    /// Whose.
    pub actor: String,
    /// The operation.
    pub op: String,
    /// What the system said, in words ([`Observation::says`]).
    pub says: Vec<String>,
}

/// What came of the search.
#[derive(Clone, Debug)]
pub enum Explanation<Position> {
    /// There is such a run.
    Explained {
        /// Its schedule.
        steps: Vec<Step>,
        /// How far the observation is explained after each step.
        positions: Vec<Position>,
        /// Pairs of a state and a position that were looked at.
        pairs: u64,
    },
    /// There is none.
    Unexplained {
        /// How many of the things observed some run explains, at most.
        explained: usize,
        /// Such a run.
        steps: Vec<Step>,
        /// How far it explains them.
        position: Position,
        /// What the system could do next, wherever so many are explained, and what was not observed.
        offers: BTreeSet<Offer>,
        /// Pairs of a state and a position that were looked at.
        pairs: u64,
    },
    /// A limit was reached.
    Undecided(LimitHit),
    /// The setup does not come to its end: nobody begins.
    Halted(Halted),
}

/// Looks for a run of a system that explains what was observed.
pub fn explain<S: System, O: Observation + ?Sized>(
    system: &S,
    observation: &O,
    limits: &Limits,
) -> Result<Explanation<O::Position>, EngineError> {
    let mut machine = Machine::watched(system)?;
    machine.take_events();
    if let Some(halted) = machine.halted() {
        return Ok(Explanation::Halted(halted.clone()));
    }
    let mut search = Explainer {
        observation,
        seen: HashSet::default(),
        open: Vec::new(),
        nodes: Vec::new(),
        furthest: (0, NONE),
        furthest_at: None,
        offers: BTreeSet::new(),
        cut: None,
        started: Instant::now(),
    };
    search.run(&mut machine, limits)
}

/// No node.
const NONE: u32 = u32::MAX;

/// A pair that is still to be looked at.
struct Open<State, Position> {
    node: u32,
    running: Option<ActorId>,
    position: Position,
    snapshot: Snapshot<State>,
}

struct Explainer<'o, S: System, O: Observation + ?Sized> {
    observation: &'o O,
    seen: HashSet<(u128, O::Position), RandomState>,
    open: Vec<Open<S::State, O::Position>>,
    /// The way to each pair: the one before, the transition from there, and its position.
    nodes: Vec<(u32, Choice, O::Position)>,
    /// How many are explained at most, and where.
    furthest: (usize, u32),
    furthest_at: Option<O::Position>,
    offers: BTreeSet<Offer>,
    /// A transition had to be left out.
    cut: Option<LimitHit>,
    started: Instant,
}

impl<S: System, O: Observation + ?Sized> Explainer<'_, S, O> {
    fn run(
        &mut self,
        machine: &mut Machine<'_, S>,
        limits: &Limits,
    ) -> Result<Explanation<O::Position>, EngineError> {
        let position = self.observation.start();
        self.seen.insert((machine.fingerprint(), position.clone()));
        self.open.push(Open { node: NONE, running: None, position, snapshot: machine.snapshot() });
        while let Some(open) = self.open.pop() {
            machine.restore(&open.snapshot);
            let ended = machine.enabled() == 0 && machine.main_finished();
            if self.observation.is_complete(&open.position, ended) {
                let steps = self.way(machine, open.node);
                let positions = self.positions(open.node);
                return Ok(Explanation::Explained { steps, positions, pairs: self.seen.len() as u64 });
            }
            if let Some(hit) = self.limit(limits) {
                return Ok(Explanation::Undecided(hit));
            }
            self.expand(machine, &open)?;
        }
        if let Some(cut) = self.cut.take() {
            return Ok(Explanation::Undecided(cut));
        }
        Ok(Explanation::Unexplained {
            explained: self.furthest.0,
            steps: self.way(machine, self.furthest.1),
            position: self.furthest_at.take().unwrap_or_else(|| self.observation.start()),
            offers: std::mem::take(&mut self.offers),
            pairs: self.seen.len() as u64,
        })
    }

    /// Enters what can follow, so that the most promising comes off first: where more is explained, and then whoever moved last.
    fn expand(
        &mut self,
        machine: &mut Machine<'_, S>,
        open: &Open<S::State, O::Position>,
    ) -> Result<(), EngineError> {
        let mut next = Vec::new();
        for actor in actors_of(machine.enabled()) {
            let command = machine.command(actor);
            let mut untried = Some(Outcome::FIRST);
            while let Some(outcome) = untried {
                let op = machine.pending(actor).map(|pending| pending.op);
                let choice = Choice::of(machine.pending(actor), actor, outcome);
                let (_, frame) = match machine.fire(actor, outcome) {
                    Err(EngineError::NoSuchOutcome { .. }) => {
                        self.cut.get_or_insert(LimitHit::Messages);
                        break;
                    }
                    fired => fired?,
                };
                untried = machine.next_outcome();
                let events = machine.take_events();
                if let Some(bound) = machine.memory().take_cut() {
                    self.cut.get_or_insert(LimitHit::Bound(bound));
                    machine.undo(frame);
                    continue;
                }
                let moved = Move { actor, command, op, events: &events };
                let positions = self.observation.after(&open.position, &moved);
                if positions.is_empty() {
                    self.offer(machine, open, &choice, &events);
                }
                for position in positions {
                    if self.seen.insert((machine.fingerprint(), position.clone())) {
                        let explained = self.observation.explained(&position);
                        next.push((
                            explained,
                            Some(actor) == open.running,
                            self.enter(machine, open, choice, position),
                        ));
                    }
                }
                machine.undo(frame);
            }
        }
        next.sort_by_key(|(explained, same, _)| (*explained, *same));
        self.open.extend(next.into_iter().map(|(_, _, open)| open));
        Ok(())
    }

    fn enter(
        &mut self,
        machine: &Machine<'_, S>,
        from: &Open<S::State, O::Position>,
        choice: Choice,
        position: O::Position,
    ) -> Open<S::State, O::Position> {
        let node = self.nodes.len() as u32;
        self.nodes.push((from.node, choice, position.clone()));
        let explained = self.observation.explained(&position);
        if explained > self.furthest.0 || self.furthest.1 == NONE {
            if explained > self.furthest.0 {
                self.offers.clear();
            }
            self.furthest = (explained, node);
            self.furthest_at = Some(position.clone());
        }
        Open { node, running: Some(choice.actor), position, snapshot: machine.snapshot() }
    }

    /// A transition that contradicts: it is kept where it is the best that there is.
    fn offer(
        &mut self,
        machine: &Machine<'_, S>,
        open: &Open<S::State, O::Position>,
        choice: &Choice,
        events: &[Event],
    ) {
        if self.observation.explained(&open.position) < self.furthest.0 || self.offers.len() >= MOST_OFFERS {
            return;
        }
        let step = choice.to_step(machine.specs());
        let says = self.observation.says(events);
        self.offers.insert(Offer { actor: step.actor, op: step.op, says });
    }

    fn limit(&self, limits: &Limits) -> Option<LimitHit> {
        let pairs = self.seen.len() as u64;
        if limits.states.is_some_and(|most| pairs > most) {
            return Some(LimitHit::States);
        }
        if !pairs.is_multiple_of(64) {
            return None;
        }
        if limits.time.is_some_and(|time| self.started.elapsed() >= time) {
            return Some(LimitHit::Seconds);
        }
        limits.memory.filter(|most| self.bytes() > *most).map(|_| LimitHit::Memory)
    }

    /// Bytes that the search takes.
    fn bytes(&self) -> u64 {
        let of_snapshots = self.open.iter().map(|open| open.snapshot.owned() as u64).sum::<u64>();
        self.seen.allocation_size() as u64
            + bytes_of_vector(&self.open)
            + bytes_of_vector(&self.nodes)
            + of_snapshots
            + live()
    }

    /// The transitions that lead to a pair.
    fn way(&self, machine: &Machine<'_, S>, mut node: u32) -> Vec<Step> {
        let mut way = Vec::new();
        while let Some((before, choice, _)) = self.nodes.get(node as usize) {
            way.push(choice.to_step(machine.specs()));
            node = *before;
        }
        way.reverse();
        way
    }

    /// The positions on the way to a pair.
    fn positions(&self, mut node: u32) -> Vec<O::Position> {
        let mut positions = Vec::new();
        while let Some((before, _, position)) = self.nodes.get(node as usize) {
            positions.push(position.clone());
            node = *before;
        }
        positions.reverse();
        positions
    }
}
