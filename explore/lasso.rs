//! The least livelock: the cheapest way to a cycle and once round it.
//!
//! What goes round for ever is a fair cycle (`fairness.rs`): each actor moves on it, or has to wait on it. So it may pass
//! the same state several times before it has shown that of everybody.
//!
//! The states are walked through in the order of their cost. At each that lies in a component with a fair cycle a second
//! walk, which never leaves the component, looks for the cheapest fair way back to it. Since the way round costs at least
//! one operation, the first walk may stop when it has come to what the best lasso costs in all.

use std::collections::{BTreeMap, VecDeque};
use std::hash::RandomState;
use std::time::{Duration, Instant};

use hashbrown::HashSet;
use stalemap_facade::{ActorId, Property, System};

use crate::actors::actors_of;
use crate::cost_queue::{Cost, CostQueue};
use crate::counterexample::{Counterexample, Cuts, judged};
use crate::cycles::{FairCycles, Passed, fair_cycles};
use crate::error::EngineError;
use crate::fairness::{Fairness, reads_newest};
use crate::limits::{LimitHit, Limits};
use crate::machine::{Machine, Snapshot};
use crate::memory::Outcome;
use crate::schedule::Choice;
use crate::weight::{bytes_of_vector, live, while_growing};

/// The least execution from where the machine stands that goes round a fair cycle once. `None`: the limits ended
/// the search first, or there is none.
pub(crate) fn least_lasso<S: System>(
    machine: &mut Machine<'_, S>,
    limits: &Limits,
) -> Result<Option<Counterexample>, EngineError> {
    let (start, started) = (machine.snapshot(), Instant::now());
    let cycles = fair_cycles(machine, limits)?;
    if cycles.limit.is_some() {
        return Ok(None);
    }
    machine.restore(&start);
    let limits = &limits.after(started).beside(cycles.bytes());
    let mut queue = CostQueue::at(machine, None, (0, 0));
    let mut best: Option<(Cost, Vec<Choice>)> = None;
    let mut cuts = Cuts::default();
    if limits.preemptions.is_some() {
        // With more of them a cycle may have some on it.
        cuts.note(LimitHit::Preemptions, (0, 0));
    }
    while let Some(settled) = queue.settle(machine) {
        if best.as_ref().is_some_and(|(cost, _)| *cost <= settled.cost) {
            break;
        }
        if queue.is_over(limits) {
            return Ok(None);
        }
        let at_rest = judged(machine)?;
        if at_rest.violated & Property::LIVELOCK.bit() != 0 {
            // It is the epilogue that goes round.
            best = Some((settled.cost, queue.way_to(&settled)));
            break;
        }
        if let Some(bound) = at_rest.cut {
            cuts.note(LimitHit::Bound(bound), settled.cost);
        }
        queue.expand(machine, &settled, limits, |machine, cost, _| cuts.goes_on(machine, cost))?;
        let from = Origin { running: settled.running, cost: settled.cost };
        if cycles.contain(machine, from.passed(limits)) {
            let bound = best.as_ref().map(|(cost, _)| *cost);
            let left = queue.left(limits);
            match least_round(machine, from, bound, &cycles, &left)? {
                Round::Least(cost, round) => best = Some((cost, [queue.way_to(&settled), round].concat())),
                Round::None if left.time != Some(Duration::ZERO) => {}
                Round::None | Round::Unknown(_) => return Ok(None),
            }
        }
    }
    Ok(best.map(|(cost, schedule)| {
        let within = cuts.below(cost);
        Counterexample::new(schedule, cost, queue.settled_below(cost.0), within)
    }))
}

/// Where a round begins.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// Who moved last.
    pub(crate) running: Option<ActorId>,
    /// What it cost to get there.
    pub(crate) cost: Cost,
}

impl Origin {
    fn passed(self, limits: &Limits) -> Passed {
        match limits.preemptions {
            None => Passed::Anything,
            Some(bound) => Passed::Within { bound, running: self.running, preemptions: self.cost.0 },
        }
    }
}

/// What a search for a round can say.
pub(crate) enum Round {
    /// The cheapest, with what it costs from the beginning of the run.
    Least(Cost, Vec<Choice>),
    /// There is none that is cheaper than asked for.
    None,
    /// The limit ended the search.
    Unknown(LimitHit),
}

/// A state on the way round.
struct Open<State> {
    node: usize,
    passed: Passed,
    running: Option<ActorId>,
    fairness: Fairness,
    snapshot: Snapshot<State>,
}

/// A state, who moved last, and what has been seen of the actors on the way there.
type Seen = (u128, Option<ActorId>, Fairness);

/// Ways round, in the order of their cost.
struct Ways<State> {
    /// Each transition, and where the one before stands.
    nodes: Vec<(usize, Option<Choice>)>,
    queue: BTreeMap<Cost, VecDeque<Open<State>>>,
    /// Bytes of the snapshots in the queue.
    bytes_of_queue: u64,
    settled: HashSet<Seen, RandomState>,
    /// Whether a transition could not be told by an [`Outcome`], and was left out.
    cut: bool,
    started: Instant,
}

impl<State> Ways<State> {
    fn new() -> Self {
        Ways {
            nodes: Vec::new(),
            queue: BTreeMap::new(),
            bytes_of_queue: 0,
            settled: HashSet::default(),
            cut: false,
            started: Instant::now(),
        }
    }

    /// Enters the state in which the machine stands, to which `last` leads from the node before.
    fn enter<S: System<State = State>>(
        &mut self,
        machine: &Machine<'_, S>,
        (before, last): (usize, Option<Choice>),
        (cost, passed): (Cost, Passed),
        (running, fairness): (Option<ActorId>, Fairness),
    ) {
        let (node, snapshot) = (self.nodes.len(), machine.snapshot());
        self.nodes.push((before, last));
        self.bytes_of_queue += bytes_of(&snapshot);
        let open = Open { node, passed, running, fairness, snapshot };
        self.queue.entry(cost).or_default().push_back(open);
    }

    /// Puts the machine where the cheapest way leads that has not been looked at.
    fn cheapest<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
    ) -> Option<(Cost, Open<State>)> {
        while let Some(mut first) = self.queue.first_entry() {
            let cost = *first.key();
            let Some(open) = first.get_mut().pop_front() else {
                first.remove();
                continue;
            };
            self.bytes_of_queue -= bytes_of(&open.snapshot);
            machine.restore(&open.snapshot);
            return Some((cost, open));
        }
        None
    }

    /// Goes one transition further, within the cycles.
    fn expand<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
        cost: Cost,
        from: &Open<State>,
        cycles: &FairCycles,
    ) -> Result<(), EngineError> {
        for actor in actors_of(machine.enabled()) {
            let Some(passed) = from.passed.then(machine, actor) else { continue };
            let cost = (cost.0 + u32::from(machine.preempts(from.running, actor)), cost.1 + 1);
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
                let goes_on = machine.memory().take_cut().is_none() && reads_newest(outcome);
                if goes_on && cycles.contain(machine, passed) {
                    let seen = Fairness::of_move(actor, outcome).and(Fairness::of_state(machine.enabled()));
                    let seen = (Some(actor), from.fairness.and(seen));
                    self.enter(machine, (from.node, Some(choice)), (cost, passed), seen);
                }
                machine.undo(frame);
            }
        }
        Ok(())
    }

    /// The transitions that lead to a node.
    fn way(&self, mut node: usize) -> Vec<Choice> {
        let mut way = Vec::new();
        while let (parent, Some(choice)) = self.nodes[node] {
            way.push(choice);
            node = parent;
        }
        way.reverse();
        way
    }

    /// Bytes that the search takes, and may take while it enters the successors of one state.
    fn bytes(&self) -> u64 {
        bytes_of_vector(&self.nodes)
            + while_growing(self.settled.allocation_size(), self.settled.capacity() - self.settled.len())
            + self.bytes_of_queue
            + live()
    }

    fn limit(&self, limits: &Limits) -> Option<LimitHit> {
        let settled = self.settled.len() as u64;
        if limits.states.is_some_and(|most| settled > most) {
            return Some(LimitHit::States);
        }
        if limits.memory.is_some_and(|most| self.bytes() > most) {
            return Some(LimitHit::Memory);
        }
        let is_late = |time| self.started.elapsed() >= time;
        (settled.is_multiple_of(1024) && limits.time.is_some_and(is_late)).then_some(LimitHit::Seconds)
    }
}

/// Bytes of a state in the queue.
fn bytes_of<State>(snapshot: &Snapshot<State>) -> u64 {
    (size_of::<Open<State>>() + snapshot.owned()) as u64
}

/// The cheapest fair way from where the machine stands back to the same state, if it is cheaper in all than `bound`.
/// Nothing is reduced; a state is looked at again when more, or something else, has been seen of the actors. Transitions that
/// cannot be told are left out: where there are some, the cycles are not all known, and the way is the cheapest of the others.
pub(crate) fn least_round<S: System>(
    machine: &mut Machine<'_, S>,
    from: Origin,
    bound: Option<Cost>,
    cycles: &FairCycles,
    limits: &Limits,
) -> Result<Round, EngineError> {
    let (start, passed) = (machine.fingerprint(), from.passed(limits));
    let fairness = Fairness::of_state(machine.enabled());
    let mut ways = Ways::new();
    ways.enter(machine, (0, None), (from.cost, passed), (from.running, fairness));
    while let Some((cost, open)) = ways.cheapest(machine) {
        if bound.is_some_and(|bound| bound <= cost) {
            return Ok(Round::None);
        }
        let back = cost != from.cost && machine.fingerprint() == start && open.passed == passed;
        if back && open.fairness.is_fair() {
            return Ok(Round::Least(cost, ways.way(open.node)));
        }
        if !ways.settled.insert((machine.fingerprint(), open.running, open.fairness)) {
            continue;
        }
        if let Some(limit) = ways.limit(limits) {
            return Ok(Round::Unknown(limit));
        }
        ways.expand(machine, cost, &open, cycles)?;
    }
    Ok(if ways.cut { Round::Unknown(LimitHit::Messages) } else { Round::None })
}
