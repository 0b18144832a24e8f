//! Which states lie on a cycle that can be gone round for ever.
//!
//! R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1(2), 1972, with the
//! recursion unrolled: a component is cyclic when it has two states, or when a transition leads from its state to
//! itself, and it is judged by what all its states and transitions show (`fairness.rs`). Every transition counts here,
//! so nothing is reduced. Those that read something old in relaxed memory lead to further states, and are on no cycle: each of
//! these waits, once, until the search has nothing else to go on with. The ways to them share how they begin.
//!
//! Under a bound of preemptions a state is only the same with the same actor running and the same preemptions behind
//! it, so that no cycle has a preemption on it.

use std::time::Instant;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use stalemap_facade::{ActorId, System};

use crate::error::EngineError;
use crate::fairness::{Fairness, reads_newest};
use crate::fingerprint::{IdentityState, part};
use crate::limits::{LimitHit, Limits};
use crate::machine::{Frame, Machine, Snapshot};
use crate::memory::Outcome;
use crate::moves::Moves;
use crate::schedule::Choice;
use crate::weight::{bytes_of_vector, live, while_growing};

type Marks = HashMap<u128, Mark, IdentityState>;

/// The states that lie in components with a fair cycle.
pub(crate) struct FairCycles {
    marks: Marks,
    /// The way to one of them.
    pub(crate) first: Option<Vec<Choice>>,
    /// What ended the search. What has been found by then is there.
    pub(crate) limit: Option<LimitHit>,
}

impl FairCycles {
    /// Whether the state in which the machine stands is one of them.
    pub(crate) fn contain<S: System>(&self, machine: &Machine<'_, S>, passed: Passed) -> bool {
        matches!(self.marks.get(&passed.key(machine)), Some(Mark::Fair))
    }

    /// Bytes taken.
    pub(crate) fn bytes(&self) -> u64 {
        self.marks.allocation_size() as u64
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
                fingerprint.wrapping_add(machine.memory().print(part::PASSED, &(running, preemptions)))
            }
        }
    }
}

/// Where a state stands in the search.
#[derive(Clone, Copy)]
enum Mark {
    /// To be begun with.
    Waiting,
    /// Entered as the number-th, and its component is not known yet.
    Open(u64),
    /// Its component is known, and has no fair cycle.
    Closed,
    /// Its component is known, and has one.
    Fair,
}

/// A state on the path.
struct Node<State> {
    key: u128,
    passed: Passed,
    number: u64,
    /// The smallest number that is known to be reachable within the component.
    low: u64,
    loops: bool,
    /// What this state shows, and those behind it that are known to belong to its component.
    fairness: Fairness,
    arrival: Option<(Frame<State>, Choice, Outcome)>,
    /// The last step of the way to it, if that is put down.
    step: Option<usize>,
    moves: Moves,
}

/// A state to begin with.
struct Root<State> {
    key: u128,
    snapshot: Snapshot<State>,
    passed: Passed,
    step: usize,
}

/// A step of a way, and the one before; the first of all is none.
struct Step {
    before: usize,
    choice: Option<Choice>,
}

struct Search<State> {
    /// Those that wait, and perhaps have been come to since.
    roots: Vec<Root<State>>,
    /// The ways to them.
    steps: Vec<Step>,
    marks: Marks,
    entered: u64,
    /// Transitions made.
    made: u64,
    open: Vec<u128>,
    path: Vec<Node<State>>,
    /// What the frames of the path and the snapshots of the roots own.
    bytes_kept: u64,
    first: Option<Vec<Choice>>,
    limit: Option<LimitHit>,
}

/// The reachable states that lie in components with a fair cycle, from where the machine stands. It takes no more memory than
/// the limits say, all values of this thread included.
pub(crate) fn fair_cycles<S: System>(
    machine: &mut Machine<'_, S>,
    limits: &Limits,
) -> Result<FairCycles, EngineError> {
    let started = Instant::now();
    let mut search = Search {
        roots: Vec::new(),
        steps: vec![Step { before: 0, choice: None }],
        marks: HashMap::default(),
        entered: 0,
        made: 0,
        open: Vec::new(),
        path: Vec::new(),
        bytes_kept: 0,
        first: None,
        limit: None,
    };
    search.enter(machine, Passed::nothing(limits), Arrived::Begun(0));
    search.run(machine, limits, started)?;
    while search.begin(machine) {
        search.run(machine, limits, started)?;
    }
    Ok(search.finish())
}

/// How the search has come to a state.
enum Arrived<State> {
    /// By beginning with it, at the end of this step.
    Begun(usize),
    /// From the last state of the path.
    Moved(Frame<State>, Choice, Outcome),
}

impl<State> Search<State> {
    /// Goes to the next state that is not known. Whether there is one, and room for it.
    fn begin<S: System<State = State>>(&mut self, machine: &mut Machine<'_, S>) -> bool {
        while let Some(root) = self.roots.pop().filter(|_| self.limit.is_none()) {
            self.bytes_kept -= root.snapshot.owned() as u64;
            if matches!(self.marks.get(&root.key), Some(Mark::Waiting)) {
                machine.restore(&root.snapshot);
                self.enter(machine, root.passed, Arrived::Begun(root.step));
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
            match next.filter(|_| self.limit.is_none()) {
                Some((actor, outcome)) => self.advance(machine, actor, outcome)?,
                None => self.close(machine),
            }
            if self.limit.is_none() {
                self.limit = self.limit(limits, started);
            }
        }
        Ok(())
    }

    /// What was found, without what it took to find it.
    fn finish(self) -> FairCycles {
        let Search { mut marks, first, limit, .. } = self;
        marks.retain(|_, mark| matches!(mark, Mark::Fair));
        marks.shrink_to_fit();
        FairCycles { marks, first, limit }
    }

    /// The transitions of a way.
    fn way_to(&self, mut step: usize) -> Vec<Choice> {
        let mut way = Vec::new();
        while let Step { before, choice: Some(choice) } = self.steps[step] {
            way.push(choice);
            step = before;
        }
        way.reverse();
        way
    }

    /// Puts down the way to the last state of the path, as far as it is not; its last step.
    fn put_down(&mut self) -> usize {
        let known = self.path.iter().rposition(|node| node.step.is_some()).unwrap_or(0);
        let mut last = self.path.get(known).and_then(|node| node.step).unwrap_or(0);
        for node in self.path.iter_mut().skip(known + 1) {
            let choice = node.arrival.as_ref().map(|(_, choice, _)| *choice);
            self.steps.push(Step { before: last, choice });
            last = self.steps.len() - 1;
            node.step = Some(last);
        }
        last
    }

    fn enter<S: System<State = State>>(
        &mut self,
        machine: &Machine<'_, S>,
        passed: Passed,
        arrived: Arrived<State>,
    ) {
        let (key, number) = (passed.key(machine), self.entered);
        self.entered += 1;
        self.marks.insert(key, Mark::Open(number));
        self.open.push(key);
        let enabled = machine.enabled();
        let (arrival, step) = match arrived {
            Arrived::Begun(step) => (None, Some(step)),
            Arrived::Moved(frame, choice, outcome) => {
                self.bytes_kept += frame.owned() as u64;
                (Some((frame, choice, outcome)), None)
            }
        };
        self.path.push(Node {
            key,
            passed,
            number,
            low: number,
            loops: false,
            fairness: Fairness::of_state(enabled),
            arrival,
            step,
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
                self.limit = Some(LimitHit::Messages);
                return Ok(());
            }
            fired => fired?,
        };
        self.made += 1;
        node.moves.put_back(actor, machine.next_outcome());
        if machine.memory().take_cut().is_some() {
            machine.undo(frame);
            return Ok(());
        }
        let known = self.marks.entry(passed.key(machine));
        if !reads_newest(outcome) {
            if let Entry::Vacant(new) = known {
                let key = *new.key();
                new.insert(Mark::Waiting);
                self.wait(machine, key, passed, choice);
            }
            machine.undo(frame);
            return Ok(());
        }
        match known {
            Entry::Occupied(known) if !matches!(known.get(), Mark::Waiting) => {
                // Whatever is open can come back to the last state of the path.
                if let Mark::Open(number) = known.get() {
                    node.low = node.low.min(*number);
                    node.loops |= *number == node.number;
                    node.fairness = node.fairness.and(Fairness::of_move(actor, outcome));
                }
                machine.undo(frame);
            }
            _ => self.enter(machine, passed, Arrived::Moved(frame, choice, outcome)),
        }
        Ok(())
    }

    /// Keeps the state in which the machine stands, to which a choice leads from the last one of the path.
    fn wait<S: System<State = State>>(
        &mut self,
        machine: &Machine<'_, S>,
        key: u128,
        passed: Passed,
        choice: Choice,
    ) {
        let before = self.put_down();
        self.steps.push(Step { before, choice: Some(choice) });
        let snapshot = machine.snapshot();
        self.bytes_kept += snapshot.owned() as u64;
        self.roots.push(Root { key, snapshot, passed, step: self.steps.len() - 1 });
    }

    /// Leaves the last state of the path. If it is the first of its component, the component is complete; if not, the
    /// state before belongs to it.
    fn close<S: System<State = State>>(&mut self, machine: &mut Machine<'_, S>) {
        let Some(node) = self.path.last() else { return };
        if node.low == node.number {
            let begins = self.open.iter().rposition(|key| *key == node.key).unwrap_or(0);
            let fair = (self.open.len() - begins > 1 || node.loops) && node.fairness.is_fair();
            let mark = if fair { Mark::Fair } else { Mark::Closed };
            self.marks.extend(self.open.drain(begins..).map(|key| (key, mark)));
            if fair && self.first.is_none() {
                let step = self.put_down();
                self.first = Some(self.way_to(step));
            }
        }
        let Some(node) = self.path.pop() else { return };
        let Some((frame, choice, outcome)) = node.arrival else { return };
        if node.low != node.number
            && let Some(before) = self.path.last_mut()
        {
            before.low = before.low.min(node.low);
            let moved = Fairness::of_move(choice.actor, outcome);
            before.fairness = before.fairness.and(moved).and(node.fairness);
        }
        self.bytes_kept -= frame.owned() as u64;
        machine.undo(frame);
    }

    /// Bytes that the search takes, and may take until it looks at them again.
    fn bytes(&self) -> u64 {
        while_growing(self.marks.allocation_size(), self.marks.capacity() - self.marks.len())
            + bytes_of_vector(&self.open)
            + bytes_of_vector(&self.path)
            + bytes_of_vector(&self.roots)
            + bytes_of_vector(&self.steps)
            + self.bytes_kept
            + live()
    }

    fn limit(&self, limits: &Limits, started: Instant) -> Option<LimitHit> {
        if limits.states.is_some_and(|most| self.entered > most) {
            return Some(LimitHit::States);
        }
        if limits.memory.is_some_and(|most| self.bytes() > most) {
            return Some(LimitHit::Memory);
        }
        let is_time_to_look = self.made > 0 && self.made.is_multiple_of(1024);
        let late = is_time_to_look && limits.time.is_some_and(|time| started.elapsed() >= time);
        late.then_some(LimitHit::Seconds)
    }
}
