//! Walking through the states in the order of what it costs to get there.
//!
//! A 0-1 breadth-first search over pairs of a state and the actor that moved last, with cost (preemptions,
//! operations): a *preemption* is a switch away from an actor that could have gone on. Pairs come off the
//! queue in the order of their cost, so whatever is found first is the cheapest of its kind, and everything
//! cheaper has been looked at. No reduction is used: sleep sets may drop the cheap representative.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use hashbrown::{HashMap, HashSet};
use stalemap_facade::{ActorId, Op, System};

use crate::actors::actors_of;
use crate::error::EngineError;
use crate::fingerprint::IdentityState;
use crate::limits::{LimitHit, Limits};
use crate::machine::{Machine, Snapshot};
use crate::memory::Outcome;
use crate::schedule::Choice;
use crate::weight::{bytes_of_vector, live, while_growing};

/// Preemptions, then operations.
pub(crate) type Cost = (u32, u32);

/// A pair that the walk has come to by the cheapest way.
pub(crate) struct Settled {
    pub(crate) cost: Cost,
    pub(crate) running: Option<ActorId>,
    node: usize,
}

struct Node {
    parent: usize,
    choice: Option<Choice>,
}

struct Open<State> {
    node: usize,
    running: Option<ActorId>,
    snapshot: Snapshot<State>,
}

/// What it costs to switch away from an actor that could go on: who it is, the number of the command that it is in, and the
/// operation that it would perform next.
pub type PreemptionCost<'c> = &'c dyn Fn(ActorId, Option<usize>, Op) -> u32;

/// Every preemption costs the same.
pub(crate) const ALIKE: PreemptionCost<'static> = &|_, _, _| 1;

/// Pairs of a state and the actor that moved last, in the order of their cost.
pub(crate) struct CostQueue<'c, State> {
    cost_of: PreemptionCost<'c>,
    nodes: Vec<Node>,
    best: HashMap<(u128, Option<ActorId>), Cost, IdentityState>,
    queue: BTreeMap<Cost, VecDeque<Open<State>>>,
    /// Pairs settled.
    pairs: u64,
    /// The states that they are of, and how many of these came with each number of preemptions first.
    states: HashSet<u128, IdentityState>,
    /// Bytes of the snapshots in the queue.
    bytes_of_queue: u64,
    settled: Vec<u64>,
    started: Instant,
    /// Whether a transition could not be told by an [`Outcome`], and was left out.
    cut: bool,
}

impl<'c, State> CostQueue<'c, State> {
    /// The same, with preemptions that cost what is said of each.
    #[must_use]
    pub(crate) fn costing(self, cost_of: PreemptionCost<'c>) -> Self {
        CostQueue { cost_of, ..self }
    }

    /// Begins where the machine stands, after `running` has moved, at the given cost.
    pub(crate) fn at<S: System<State = State>>(
        machine: &Machine<'_, S>,
        running: Option<ActorId>,
        cost: Cost,
    ) -> Self {
        let open = Open { node: 0, running, snapshot: machine.snapshot() };
        CostQueue {
            cost_of: ALIKE,
            nodes: vec![Node { parent: 0, choice: None }],
            // The beginning is not entered as known: a way back to it is a find.
            best: HashMap::default(),
            queue: BTreeMap::from([(cost, VecDeque::from([open]))]),
            pairs: 0,
            states: HashSet::default(),
            bytes_of_queue: 0,
            settled: Vec::new(),
            started: Instant::now(),
            cut: false,
        }
    }

    /// Puts the machine into the cheapest state that has not been looked at. `None`: there is none.
    pub(crate) fn settle<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
    ) -> Option<Settled> {
        while let Some(mut first) = self.queue.first_entry() {
            let cost = *first.key();
            let Some(Open { node, running, snapshot }) = first.get_mut().pop_front() else {
                first.remove();
                continue;
            };
            self.bytes_of_queue = self.bytes_of_queue.saturating_sub(bytes_of::<State>(&snapshot));
            machine.restore(&snapshot);
            if self.best.get(&(machine.fingerprint(), running)).is_some_and(|known| *known < cost) {
                continue;
            }
            let level = cost.0 as usize;
            self.settled.resize(self.settled.len().max(level + 1), 0);
            self.pairs += 1;
            self.settled[level] += u64::from(self.states.insert(machine.fingerprint()));
            return Some(Settled { cost, running, node });
        }
        None
    }

    /// Enters the successors that `keep` wants. It is called in each of them, with what it costs to get there and with the
    /// transition that leads there.
    pub(crate) fn expand<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
        from: &Settled,
        limits: &Limits,
        mut keep: impl FnMut(&Machine<'_, S>, Cost, &Choice) -> bool,
    ) -> Result<(), EngineError> {
        for actor in actors_of(machine.enabled()) {
            let preemption = machine
                .preempted(from.running, actor)
                .map_or(0, |(left, op)| (self.cost_of)(left, machine.command(left), op));
            let cost = (from.cost.0 + preemption, from.cost.1 + 1);
            if limits.preemptions.is_some_and(|most| cost.0 > most) {
                continue;
            }
            let mut untried = Some(Outcome::FIRST);
            while let Some(outcome) = untried {
                let choice = Choice::of(machine.pending(actor), actor, outcome);
                let (_, frame) = match machine.fire(actor, outcome) {
                    Err(EngineError::NoSuchOutcome { .. }) => {
                        self.cut = true;
                        break;
                    }
                    fired => fired?,
                };
                untried = machine.next_outcome();
                if keep(machine, cost, &choice) {
                    self.enter(machine, from.node, choice, cost);
                }
                machine.undo(frame);
            }
        }
        Ok(())
    }

    fn enter<S: System<State = State>>(
        &mut self,
        machine: &Machine<'_, S>,
        parent: usize,
        choice: Choice,
        cost: Cost,
    ) {
        let running = Some(choice.actor);
        let key = (machine.fingerprint(), running);
        if self.best.get(&key).is_some_and(|known| *known <= cost) {
            return;
        }
        self.best.insert(key, cost);
        let node = self.nodes.len();
        let snapshot = machine.snapshot();
        self.bytes_of_queue += bytes_of::<State>(&snapshot);
        self.nodes.push(Node { parent, choice: Some(choice) });
        self.queue.entry(cost).or_default().push_back(Open { node, running, snapshot });
    }

    /// The transitions of the cheapest way.
    pub(crate) fn way_to(&self, settled: &Settled) -> Vec<Choice> {
        let mut way = Vec::new();
        let mut node = settled.node;
        while let Some(choice) = self.nodes[node].choice {
            way.push(choice);
            node = self.nodes[node].parent;
        }
        way.reverse();
        way
    }

    /// States that cost fewer than `preemptions` to get to, all of which were looked at.
    pub(crate) fn settled_below(&self, preemptions: u32) -> u64 {
        self.settled.iter().take(preemptions as usize).sum()
    }

    /// Bytes that the walk takes, and may take while it enters the successors of one pair.
    fn bytes(&self) -> u64 {
        bytes_of_vector(&self.nodes)
            + while_growing(self.best.allocation_size(), self.best.capacity() - self.best.len())
            + while_growing(self.states.allocation_size(), self.states.capacity() - self.states.len())
            + self.bytes_of_queue
            + live()
    }

    /// What is left of the limits for a search beside this one, which ends before it goes on.
    pub(crate) fn left(&self, limits: &Limits) -> Limits {
        // Who searches counts the values that are alive.
        limits.after(self.started).beside(self.bytes().saturating_sub(live()))
    }

    /// Whether a transition had to be left out.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether the walk has gone on for too long, or had to leave something out.
    pub(crate) fn is_over(&self, limits: &Limits) -> bool {
        self.ended_by(limits).is_some()
    }

    /// Why it has.
    pub(crate) fn ended_by(&self, limits: &Limits) -> Option<LimitHit> {
        if self.cut {
            Some(LimitHit::Messages)
        } else if limits.states.is_some_and(|most| self.pairs > most) {
            Some(LimitHit::States)
        } else if limits.memory.is_some_and(|most| self.bytes() > most) {
            Some(LimitHit::Memory)
        } else {
            let is_late = |time| self.pairs.is_multiple_of(1024) && self.started.elapsed() >= time;
            limits.time.is_some_and(is_late).then_some(LimitHit::Seconds)
        }
    }
}

/// Bytes of a state in the queue.
fn bytes_of<State>(snapshot: &Snapshot<State>) -> u64 {
    (size_of::<Open<State>>() + snapshot.owned()) as u64
}
