//! Which states lie on a cycle that can be gone round for ever.
//!
//! R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1(2), 1972, with the
//! recursion unrolled: a component is cyclic when it has two states, or when a transition leads from its state to
//! itself, and it is judged by what all its states and transitions show (`fairness.rs`). Every transition counts here,
//! so nothing is reduced. Those that read something old in relaxed memory lead to further states, and are on no cycle.
//!
//! Under a bound of preemptions a state is only the same with the same actor running and the same preemptions behind
//! it, so that no cycle has a preemption on it.

use std::time::Instant;

use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
use stalemap_facade::{ActorId, System};

use crate::error::EngineError;
use crate::fairness::{Fairness, reads_newest};
use crate::fingerprint::IdentityState;
use crate::limits::{LimitHit, Limits};
use crate::machine::{Frame, Machine, Snapshot};
use crate::memory::Outcome;
use crate::moves::Moves;
use crate::schedule::Choice;

/// The states that lie in components with a fair cycle.
#[derive(Default)]
pub(crate) struct FairCycles {
    states: HashSet<u128, IdentityState>,
    /// The way to one of them.
    pub(crate) first: Option<Vec<Choice>>,
    /// What ended the search. What has been found by then is there.
    pub(crate) limit: Option<LimitHit>,
}

impl FairCycles {
    /// Whether the state in which the machine stands is one of them.
    pub(crate) fn contain<S: System>(&self, machine: &Machine<'_, S>, passed: Passed) -> bool {
        self.states.contains(&passed.key(machine))
    }
}

/// What makes a state the same as another, beside its fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Passed {
    /// Nothing.
    Anything,
    /// Who moved last, and the preemptions so far, because these are bounded.
    Within { bound: u32, running: Option<ActorId>, preemptions: u32 },
}

impl Passed {
    /// Before anybody has moved.
    pub(crate) fn nothing(limits: &Limits) -> Self {
        match limits.preemptions {
            None => Passed::Anything,
            Some(bound) => Passed::Within { bound, running: None, preemptions: 0 },
        }
    }

    /// After another move. `None`: it is a preemption too many.
    pub(crate) fn then<S: System>(self, machine: &Machine<'_, S>, actor: ActorId) -> Option<Self> {
        let Passed::Within { bound, running, preemptions } = self else { return Some(self) };
        let preemptions = preemptions + u32::from(machine.preempts(running, actor));
        (preemptions <= bound).then_some(Passed::Within { bound, running: Some(actor), preemptions })
    }

    fn key<S: System>(self, machine: &Machine<'_, S>) -> u128 {
        let fingerprint = machine.fingerprint();
        match self {
            Passed::Anything => fingerprint,
            Passed::Within { running, preemptions, .. } => {
                fingerprint.wrapping_add(machine.memory().print(usize::MAX - 2, &(running, preemptions)))
            }
        }
    }
}

/// Where a state stands in the search.
#[derive(Clone, Copy)]
enum Mark {
    /// Entered as the number-th, and its component is not known yet.
    Open(u32),
    /// Its component is known.
    Closed,
}

/// A state on the path.
struct Node<State> {
    key: u128,
    passed: Passed,
    number: u32,
    /// The smallest number that is known to be reachable within the component.
    low: u32,
    loops: bool,
    /// What this state shows, and those behind it that are known to belong to its component.
    fairness: Fairness,
    arrival: Option<(Frame<State>, Choice, Outcome)>,
    moves: Moves,
}

/// A state to begin with.
struct Root<State> {
    snapshot: Snapshot<State>,
    passed: Passed,
    way: Vec<Choice>,
}

struct Search<State> {
    /// Those that are left.
    roots: Vec<Root<State>>,
    /// The way to the one that was begun with.
    way: Vec<Choice>,
    marks: HashMap<u128, Mark, IdentityState>,
    open: Vec<u128>,
    path: Vec<Node<State>>,
    found: FairCycles,
}

/// The reachable states that lie in components with a fair cycle, from where the machine stands.
pub(crate) fn fair_cycles<S: System>(
    machine: &mut Machine<'_, S>,
    limits: &Limits,
) -> Result<FairCycles, EngineError> {
    let started = Instant::now();
    let beginning = Root { snapshot: machine.snapshot(), passed: Passed::nothing(limits), way: Vec::new() };
    let mut search = Search {
        roots: vec![beginning],
        way: Vec::new(),
        marks: HashMap::default(),
        open: Vec::new(),
        path: Vec::new(),
        found: FairCycles::default(),
    };
    while search.begin(machine) {
        search.run(machine, limits, started)?;
    }
    Ok(search.found)
}

impl<State> Search<State> {
    /// Goes to the next state that is not known. Whether there is one, and time for it.
    fn begin<S: System<State = State>>(&mut self, machine: &mut Machine<'_, S>) -> bool {
        while let Some(root) = self.roots.pop().filter(|_| self.found.limit.is_none()) {
            machine.restore(&root.snapshot);
            if !self.marks.contains_key(&root.passed.key(machine)) {
                self.way = root.way;
                self.enter(machine, root.passed, None);
                return true;
            }
        }
        false
    }

    /// Searches from the state that was begun with.
    fn run<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
        limits: &Limits,
        started: Instant,
    ) -> Result<(), EngineError> {
        while let Some(node) = self.path.last_mut() {
            let next = node.moves.take();
            // Where a limit has ended the search, what is known is the graph: its cycles are cycles.
            match next.filter(|_| self.found.limit.is_none()) {
                Some((actor, outcome)) => self.advance(machine, actor, outcome)?,
                None => self.close(machine),
            }
            if self.found.limit.is_none() {
                self.found.limit = self.limit(limits, started);
            }
        }
        Ok(())
    }

    /// The transitions from the initial state to the last state of the path.
    fn way(&self) -> Vec<Choice> {
        let path = self.path.iter().filter_map(|node| node.arrival.as_ref().map(|(_, choice, _)| *choice));
        self.way.iter().copied().chain(path).collect()
    }

    fn enter<S: System<State = State>>(
        &mut self,
        machine: &Machine<'_, S>,
        passed: Passed,
        arrival: Option<(Frame<State>, Choice, Outcome)>,
    ) {
        let (key, number) = (passed.key(machine), self.marks.len() as u32);
        self.marks.insert(key, Mark::Open(number));
        self.open.push(key);
        let enabled = machine.enabled();
        self.path.push(Node {
            key,
            passed,
            number,
            low: number,
            loops: false,
            fairness: Fairness::of_state(enabled),
            arrival,
            moves: Moves::of(enabled),
        });
    }

    /// Lets an actor move from the last state of the path.
    fn advance<S: System<State = State>>(
        &mut self,
        machine: &mut Machine<'_, S>,
        actor: ActorId,
        outcome: Outcome,
    ) -> Result<(), EngineError> {
        let Some(node) = self.path.last_mut() else { return Ok(()) };
        let Some(passed) = node.passed.then(machine, actor) else { return Ok(()) };
        let choice = Choice::of(machine.pending(actor), actor, outcome);
        let (_, frame) = match machine.fire(actor, outcome) {
            Err(EngineError::NoSuchOutcome { .. }) => {
                // There is more to read than can be told, and so more states than can be looked at.
                self.found.limit = Some(LimitHit::Messages);
                return Ok(());
            }
            fired => fired?,
        };
        node.moves.put_back(actor, machine.next_outcome());
        if machine.memory().take_cut().is_some() {
            machine.undo(frame);
            return Ok(());
        }
        if !reads_newest(outcome) {
            if !self.marks.contains_key(&passed.key(machine)) {
                let way = self.way().into_iter().chain([choice]).collect();
                self.roots.push(Root { snapshot: machine.snapshot(), passed, way });
            }
            machine.undo(frame);
            return Ok(());
        }
        match self.marks.entry(passed.key(machine)) {
            Entry::Vacant(_) => self.enter(machine, passed, Some((frame, choice, outcome))),
            Entry::Occupied(known) => {
                // Whatever is open can come back to the last state of the path.
                if let Mark::Open(number) = known.get() {
                    node.low = node.low.min(*number);
                    node.loops |= *number == node.number;
                    node.fairness = node.fairness.and(Fairness::of_move(actor, outcome));
                }
                machine.undo(frame);
            }
        }
        Ok(())
    }

    /// Leaves the last state of the path. If it is the first of its component, the component is complete; if not, the
    /// state before belongs to it.
    fn close<S: System<State = State>>(&mut self, machine: &mut Machine<'_, S>) {
        let Some(node) = self.path.pop() else { return };
        if node.low == node.number {
            let first = self.open.iter().rposition(|key| *key == node.key).unwrap_or(0);
            let component = self.open.split_off(first);
            let fair = (component.len() > 1 || node.loops) && node.fairness.is_fair();
            self.marks.extend(component.iter().map(|key| (*key, Mark::Closed)));
            if fair {
                self.found.states.extend(component);
                let last = node.arrival.as_ref().map(|(_, choice, _)| *choice);
                let way = self.way().into_iter().chain(last);
                self.found.first.get_or_insert_with(|| way.collect());
            }
        } else if let (Some(before), Some((_, choice, outcome))) = (self.path.last_mut(), &node.arrival) {
            before.low = before.low.min(node.low);
            let moved = Fairness::of_move(choice.actor, *outcome);
            before.fairness = before.fairness.and(moved).and(node.fairness);
        }
        if let Some((frame, ..)) = node.arrival {
            machine.undo(frame);
        }
    }

    fn limit(&self, limits: &Limits, started: Instant) -> Option<LimitHit> {
        let states = self.marks.len() as u64;
        let bytes = (self.marks.capacity() * (size_of::<(u128, Mark)>() + 1)) as u64;
        if limits.states.is_some_and(|most| states > most) {
            return Some(LimitHit::States);
        }
        if limits.memory.is_some_and(|most| bytes > most) {
            return Some(LimitHit::Memory);
        }
        let late = states.is_multiple_of(1024) && limits.time.is_some_and(|time| started.elapsed() >= time);
        late.then_some(LimitHit::Seconds)
    }
}
