//! What a program means, without the engine: an interpreter over states that are plain values, and the whole
//! state graph in memory.
//!
//! Nothing here is rebuilt, undone, fingerprinted or reduced. A state is cloned, one task moves, and the
//! result is looked up by its full value. All questions that the engine answers during its search are then
//! answered by textbook algorithms on the graph.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Bound, Counter, Property, Role};

use super::names::properties;
use super::program::{
    ATOMICS, Audited, LEAVES, LOCKS, Position, Program, REGISTERS, Registers, Statement, observation,
};

/// A complete state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    locks: [Locked; LOCKS],
    word: u64,
    atomics: [u64; ATOMICS],
    leaves: [u64; LEAVES],
    record: Vec<(usize, u64)>,
    violated: u64,
    cut: Option<Bound>,
    tasks: Vec<Task>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Locked {
    value: u64,
    owner: Option<ActorId>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Task {
    Unstarted,
    /// In front of a visible statement.
    Waiting(Place),
    Finished,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Place {
    step: usize,
    statement: usize,
    registers: Registers,
    /// The values under the guards held.
    held: [Option<u64>; LOCKS],
    /// The registers with which the step began, and what it has seen since. Nothing reads them: they make
    /// exactly those states different that differ for an engine which knows a task only from outside.
    entry: Registers,
    seen: Vec<Seen>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Seen {
    Word(u64),
    Busy,
}

/// What is gathered over all transitions of the exploration, the sequential phases not included.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Gathered {
    pub(crate) reached: u64,
    pub(crate) maxima: [u32; Counter::MOST],
}

/// A transition of the graph.
#[derive(Clone, Copy, Debug)]
struct Edge {
    task: ActorId,
    to: usize,
}

/// A transition with what it told whoever counts costs.
#[derive(Clone, Debug)]
pub(crate) struct Priced {
    pub(crate) task: ActorId,
    pub(crate) outcome: u32,
    /// `None`: the run was given up with it.
    pub(crate) to: Option<usize>,
    pub(crate) spent: Vec<u32>,
}

/// A transition with which a run was given up: it leads nowhere, but what it violates is violated.
#[derive(Clone, Copy, Debug)]
struct GivenUp {
    task: ActorId,
    violated: u64,
    bound: Bound,
}

/// How a state without transitions ended.
#[derive(Clone, Debug)]
enum End {
    Deadlock {
        outside: Outside,
        /// Who waits, and where.
        waiting: Vec<(ActorId, usize, usize)>,
    },
    /// Unless the epilogue was given up, somebody observed it.
    Final {
        violated: u64,
        observed: Option<String>,
        cut: Option<Bound>,
        outside: Outside,
        /// The same after the epilogue, and whether that waits for ever.
        after: (Outside, bool),
    },
}

impl End {
    /// The bound at which the epilogue was given up.
    fn cut(&self) -> Option<Bound> {
        if let End::Final { cut, .. } = self { *cut } else { None }
    }
}

/// A state as it is seen by who cannot look into the tasks.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Outside {
    locks: [Locked; LOCKS],
    word: u64,
    atomics: [u64; ATOMICS],
    leaves: [u64; LEAVES],
    record: Vec<(usize, u64)>,
    violated: u64,
}

impl Outside {
    fn of(state: &State) -> Self {
        let State { locks, word, atomics, leaves, record, violated, .. } = state.clone();
        Outside { locks, word, atomics, leaves, record, violated }
    }
}

/// All reachable states.
pub(crate) struct Graph {
    edges: Vec<Vec<Edge>>,
    priced: Vec<Vec<Priced>>,
    given_up: Vec<Vec<GivenUp>>,
    violated: Vec<u64>,
    ends: BTreeMap<usize, End>,
    pub(crate) gathered: Gathered,
}

/// A state and the task that moved last.
type Pair = (usize, Option<ActorId>);
/// Preemptions, then operations.
pub(crate) type Cost = (u32, u32);

/// The least cost of reaching something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Least {
    pub(crate) preemptions: u32,
    pub(crate) operations: u32,
    /// States that are reached with fewer preemptions.
    pub(crate) below: u64,
}

/// All paths from the initial state that meet no state twice, each with the transition that ends it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Paths {
    /// Beginnings of such paths.
    pub(crate) beginnings: u64,
    pub(crate) transitions: u64,
    /// Paths that end because nobody can move or because a state is met again.
    pub(crate) maximal: u64,
    /// Transitions on the longest, the one that meets a state again included.
    pub(crate) longest: u64,
}

/// What can be reached with a limited number of preemptions.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Bounded {
    /// Triples of a state, the task that moved last and the preemptions so far.
    pub(crate) triples: u64,
    pub(crate) violated: u64,
    pub(crate) finals: usize,
    pub(crate) deadlocks: usize,
    /// Whether some transition would have been one preemption too many.
    pub(crate) cut: bool,
    /// The bounds at which some run was given up.
    pub(crate) given_up: BTreeSet<Bound>,
}

struct Interpreter<'p> {
    program: &'p Program,
    gathering: bool,
    gathered: Gathered,
    /// What the last transition told whoever counts costs.
    spent: Vec<u32>,
}

impl Interpreter<'_> {
    fn initial(&mut self) -> State {
        let mut state = State {
            locks: [Locked::default(); LOCKS],
            word: 0,
            atomics: [0; ATOMICS],
            leaves: [0; LEAVES],
            record: Vec::new(),
            violated: 0,
            cut: None,
            tasks: vec![Task::Unstarted; self.program.tasks.len()],
        };
        assert!(self.run_alone(&mut state, Role::Setup), "a setup waits for ever");
        for task in self.with_role(&[Role::Main, Role::Daemon]) {
            if state.tasks[task] == Task::Unstarted {
                self.start(&mut state, task);
            }
        }
        state
    }

    fn with_role(&self, roles: &[Role]) -> Vec<ActorId> {
        let tasks = self.program.tasks.iter().enumerate();
        tasks.filter(|(_, task)| roles.contains(&task.role)).map(|(number, _)| number).collect()
    }

    /// Runs the tasks of a sequential phase: the first that can move does; daemons serve when none can.
    /// Whether all of them finish or the run is given up.
    fn run_alone(&mut self, state: &mut State, role: Role) -> bool {
        let tasks = self.with_role(&[role]);
        let servants = self.with_role(&[Role::Daemon]);
        while state.cut.is_none() && tasks.iter().any(|task| state.tasks[*task] != Task::Finished) {
            let can_move = |task: &&ActorId| match &state.tasks[**task] {
                Task::Unstarted => true,
                Task::Waiting(place) => self.is_enabled(state, **task, place),
                Task::Finished => false,
            };
            let Some(&task) = tasks.iter().chain(&servants).find(can_move) else { return false };
            if state.tasks[task] == Task::Unstarted {
                self.start(state, task);
            } else {
                self.fire(state, task, 0);
            }
        }
        true
    }

    fn next(&self, task: ActorId, place: &Place) -> Statement {
        self.program.tasks[task].steps[place.step][place.statement]
    }

    fn is_enabled(&self, state: &State, task: ActorId, place: &Place) -> bool {
        match self.next(task, place) {
            Statement::Lock(lock) => state.locks[lock].owner.is_none(),
            Statement::LockWhen(lock, condition, argument) => {
                let Locked { value, owner } = state.locks[lock];
                owner.is_none() && condition.function()(&value, argument.value(&place.registers))
            }
            Statement::Region(condition, argument, _) => {
                condition.function()(&state.word, argument.value(&place.registers))
            }
            _ => true,
        }
    }

    /// The concurrent tasks that can move, with the number of ways in which they can.
    fn enabled(&self, state: &State) -> Vec<(ActorId, u32)> {
        let mut enabled = Vec::new();
        for task in self.with_role(&[Role::Main, Role::Daemon]) {
            if let Task::Waiting(place) = &state.tasks[task]
                && self.is_enabled(state, task, place)
            {
                let alternatives = match self.next(task, place) {
                    Statement::Choose(alternatives, _) => alternatives,
                    _ => 1,
                };
                enabled.push((task, alternatives));
            }
        }
        enabled
    }

    fn start(&mut self, state: &mut State, task: ActorId) {
        let registers = [0; REGISTERS];
        self.run(state, task, Self::begin(Position { step: 0, registers }));
    }

    fn begin(Position { step, registers }: Position) -> Place {
        Place { step, statement: 0, registers, held: [None; LOCKS], entry: registers, seen: Vec::new() }
    }

    /// Performs the visible statement in front of which a task waits, and what follows up to the next one.
    fn fire(&mut self, state: &mut State, task: ActorId, outcome: u32) {
        let Task::Waiting(mut place) = std::mem::replace(&mut state.tasks[task], Task::Finished) else {
            panic!("task {task} cannot move");
        };
        let statement = self.next(task, &place);
        place.statement += 1;
        let r = &mut place.registers;
        let mut see = |value| place.seen.push(Seen::Word(value));
        match statement {
            Statement::Lock(lock) | Statement::LockWhen(lock, ..) => {
                let Locked { value, owner } = &mut state.locks[lock];
                assert_eq!(owner.replace(task), None, "a held lock was taken");
                place.held[lock] = Some(*value);
                see(*value);
            }
            Statement::TryLock(lock, register) => {
                let Locked { value, owner } = &mut state.locks[lock];
                r[register] = u64::from(owner.is_none());
                if owner.is_none() {
                    *owner = Some(task);
                    place.held[lock] = Some(*value);
                    see(*value);
                } else {
                    place.seen.push(Seen::Busy);
                }
            }
            Statement::Region(_, _, change) => {
                see(state.word);
                state.word = change.apply(state.word, r);
            }
            Statement::Load(atomic, register) => {
                r[register] = state.atomics[atomic];
                see(state.atomics[atomic]);
            }
            Statement::Store(atomic, value) => {
                state.atomics[atomic] = value.value(r);
                see(0);
            }
            Statement::FetchAdd(atomic, value, register) => {
                let added = value.value(r);
                r[register] = state.atomics[atomic];
                see(state.atomics[atomic]);
                state.atomics[atomic] = state.atomics[atomic].wrapping_add(added);
            }
            Statement::CompareExchange { atomic, current, new, register } => {
                let (current, new) = (current.value(r), new.value(r));
                r[register] = state.atomics[atomic];
                see(state.atomics[atomic]);
                if state.atomics[atomic] == current {
                    state.atomics[atomic] = new;
                }
            }
            Statement::Choose(_, register) => {
                r[register] = u64::from(outcome);
                see(u64::from(outcome));
            }
            silent => panic!("{silent:?} is not visible"),
        }
        self.run(state, task, place);
    }

    /// Runs a task up to its next visible statement or its end.
    fn run(&mut self, state: &mut State, task: ActorId, mut place: Place) {
        let steps = &self.program.tasks[task];
        loop {
            let statement = steps.steps[place.step].get(place.statement);
            if statement.is_some_and(|statement| statement.is_visible()) {
                state.tasks[task] = Task::Waiting(place);
                return;
            }
            place.statement += 1;
            let goes_on = statement.is_some_and(|statement| self.silently(state, &mut place, *statement));
            if goes_on {
                continue;
            }
            for lock in 0..LOCKS {
                Self::unlock(state, &mut place, lock);
            }
            let after = match statement {
                Some(_) => ControlFlow::Break(()),
                None => steps.after(place.step, place.registers),
            };
            match after {
                ControlFlow::Continue(position) => place = Self::begin(position),
                ControlFlow::Break(()) => {
                    state.tasks[task] = Task::Finished;
                    return;
                }
            }
        }
    }

    fn unlock(state: &mut State, place: &mut Place, lock: usize) {
        if let Some(value) = place.held[lock].take() {
            state.locks[lock] = Locked { value, owner: None };
        }
    }

    /// Performs a statement that is not visible. Whether the task goes on.
    fn silently(&mut self, state: &mut State, place: &mut Place, statement: Statement) -> bool {
        let r = &mut place.registers;
        match statement {
            Statement::Unlock(lock) => Self::unlock(state, place, lock),
            Statement::Read(lock, register) => {
                if let Some(value) = place.held[lock] {
                    r[register] = value;
                }
            }
            Statement::Modify(lock, change) => {
                place.held[lock] = place.held[lock].map(|value| change.apply(value, r));
            }
            Statement::Record(lock) => state.record.extend(place.held[lock].map(|value| (lock, value))),
            Statement::Publish(atomic, value) => state.atomics[atomic] = value.value(r),
            Statement::Peek(atomic, register) => {
                r[register] = state.atomics[atomic];
                place.seen.push(Seen::Word(r[register]));
            }
            Statement::LeafRead { leaf, zero, register } => {
                let value = state.leaves[leaf];
                r[register] = if zero { u64::from(value == 0) } else { value };
                place.seen.push(Seen::Word(r[register]));
            }
            Statement::LeafUpdate(leaf, change) => {
                state.leaves[leaf] = change.apply(state.leaves[leaf], r);
            }
            Statement::Release(change) => state.word = change.apply(state.word, r),
            Statement::Audit(audited, wrong, property) => {
                let value = match audited {
                    Audited::Lock(lock) => state.locks[lock].value,
                    Audited::Word => state.word,
                    Audited::Leaf(leaf) => state.leaves[leaf],
                    Audited::Sum(lock, atomic) => {
                        (state.locks[lock].value + state.atomics[atomic]) % super::program::MODULUS
                    }
                };
                if value == wrong {
                    state.violated |= property.bit();
                }
            }
            Statement::Add(register, operand) => {
                r[register] = (r[register] + operand.value(r)) % super::program::MODULUS;
            }
            Statement::Skip { unless, statements } => {
                if !unless.holds(r) {
                    place.statement += statements;
                }
            }
            Statement::Violate(test, property) => {
                if test.holds(r) {
                    state.violated |= property.bit();
                }
            }
            Statement::Reach(test, branch) => {
                if self.gathering && test.holds(r) {
                    self.gathered.reached |= branch.bit();
                }
            }
            Statement::Maximum(counter, register) => {
                if self.gathering {
                    let greatest = &mut self.gathered.maxima[counter.number()];
                    *greatest = (*greatest).max(r[register] as u32);
                }
            }
            Statement::Spend(item) => self.spent.push(item),
            Statement::Cut(test, bound) => state.cut = if test.holds(r) { Some(bound) } else { state.cut },
            Statement::Finish(test) => return !test.holds(r),
            visible => panic!("{visible:?} is visible"),
        }
        true
    }

    /// What becomes of a state in which nobody can move.
    fn end(&mut self, mut state: State) -> End {
        let outside = Outside::of(&state);
        let waits = |task: &ActorId| match &state.tasks[*task] {
            Task::Waiting(place) => Some((*task, place)),
            Task::Unstarted | Task::Finished => None,
        };
        let main = self.with_role(&[Role::Main]);
        let waiting: Vec<_> = main.iter().filter_map(waits).collect();
        if !waiting.is_empty() {
            // An operation is known by its name: two places with the same one are one place.
            let waiting = waiting.into_iter().map(|(task, place)| {
                let (kind, lock) = self.next(task, place).waits_for();
                (task, kind, lock)
            });
            return End::Deadlock { outside, waiting: waiting.collect() };
        }
        self.gathering = false;
        let stuck = !self.run_alone(&mut state, Role::Epilogue);
        self.gathering = true;
        let violated = state.violated | if stuck { properties::DEADLOCK.bit() } else { 0 };
        let observed = observation(state.atomics, state.leaves, &state.record);
        let after = (Outside::of(&state), stuck);
        End::Final {
            violated,
            observed: state.cut.is_none().then_some(observed),
            cut: state.cut,
            outside,
            after,
        }
    }
}

impl Graph {
    /// All reachable states, if there are at most `most`, and any.
    pub(crate) fn of(program: &Program, most: usize) -> Option<Self> {
        let mut interpreter =
            Interpreter { program, gathering: false, gathered: Gathered::default(), spent: Vec::new() };
        let mut numbers = HashMap::new();
        let mut states = Vec::new();
        let mut edges: Vec<Vec<Edge>> = Vec::new();
        let mut priced = Vec::new();
        let mut ends = BTreeMap::new();
        let mut given_up = Vec::new();
        let initial = interpreter.initial();
        if initial.cut.is_some() {
            return None;
        }
        interpreter.gathering = true;
        numbers.insert(initial.clone(), 0);
        states.push(initial);
        while edges.len() < states.len() {
            let from = edges.len();
            let enabled = interpreter.enabled(&states[from]);
            if enabled.is_empty() {
                ends.insert(from, interpreter.end(states[from].clone()));
            }
            let mut out = Vec::new();
            let mut nowhere = Vec::new();
            let mut spent_by = Vec::new();
            for (task, alternatives) in enabled {
                for outcome in 0..alternatives {
                    let mut state = states[from].clone();
                    interpreter.spent.clear();
                    interpreter.fire(&mut state, task, outcome);
                    spent_by.push(Priced { task, outcome, to: None, spent: interpreter.spent.clone() });
                    if let Some(bound) = state.cut {
                        nowhere.push(GivenUp { task, violated: state.violated, bound });
                        continue;
                    }
                    let to = *numbers.entry(state).or_insert_with_key(|state| {
                        states.push(state.clone());
                        states.len() - 1
                    });
                    out.push(Edge { task, to });
                    spent_by.last_mut().into_iter().for_each(|price| price.to = Some(to));
                }
            }
            edges.push(out);
            priced.push(spent_by);
            given_up.push(nowhere);
            if states.len() > most {
                return None;
            }
        }
        let violated = states.iter().map(|state| state.violated).collect();
        Some(Graph { edges, priced, given_up, violated, ends, gathered: interpreter.gathered })
    }

    pub(crate) fn states(&self) -> u64 {
        self.edges.len() as u64
    }

    pub(crate) fn transitions(&self) -> u64 {
        self.edges.iter().map(|out| out.len() as u64).sum::<u64>() + self.given_up()
    }

    /// Transitions with which a run was given up.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up.iter().map(|nowhere| nowhere.len() as u64).sum()
    }

    /// The bounds at which some run was given up, in an epilogue or before.
    pub(crate) fn cut_by(&self) -> BTreeSet<Bound> {
        let runs = self.given_up.iter().flatten().map(|given_up| given_up.bound);
        runs.chain(self.ends.values().filter_map(End::cut)).collect()
    }

    /// What the cheapest run had cost that was given up at each bound.
    pub(crate) fn cuts(&self) -> BTreeMap<Bound, Cost> {
        let mut cuts: BTreeMap<Bound, Cost> = BTreeMap::new();
        let mut note = |bound, cost: Cost| {
            let least = cuts.entry(bound).or_insert(cost);
            *least = cost.min(*least);
        };
        for ((state, last), cost) in std::iter::once(((0, None), (0, 0))).chain(self.costs((0, None), (0, 0)))
        {
            for given_up in &self.given_up[state] {
                let preempts = u32::from(self.preempts(state, last, given_up.task));
                note(given_up.bound, (cost.0 + preempts, cost.1 + 1));
            }
            if let Some(bound) = self.ends.get(&state).and_then(End::cut) {
                note(bound, cost);
            }
        }
        cuts
    }

    pub(crate) fn ends(&self) -> u64 {
        self.ends.len() as u64
    }

    /// The ends that can be told apart without looking into the tasks.
    pub(crate) fn ends_from_outside(&self) -> usize {
        let mut finals = HashSet::new();
        let mut deadlocks = HashSet::new();
        for end in self.ends.values() {
            match end {
                End::Deadlock { outside, waiting } => {
                    deadlocks.insert((outside, waiting));
                }
                End::Final { outside, after, .. } => {
                    finals.insert((outside, after));
                }
            }
        }
        finals.len() + deadlocks.len()
    }

    pub(crate) fn deadlocks(&self) -> usize {
        self.ends.values().filter(|end| matches!(end, End::Deadlock { .. })).count()
    }

    pub(crate) fn finals(&self) -> usize {
        self.ends.len() - self.deadlocks()
    }

    /// What an observer sees, and in how many final states; of all of them or of those that violate something.
    pub(crate) fn outcomes(&self, only_violating: bool) -> BTreeMap<String, u64> {
        let mut outcomes = BTreeMap::new();
        for end in self.ends.values() {
            if let End::Final { observed: Some(observed), violated, .. } = end
                && (*violated != 0 || !only_violating)
            {
                *outcomes.entry(observed.clone()).or_default() += 1;
            }
        }
        outcomes
    }

    /// The properties violated in a state, its epilogue included.
    fn violated_in(&self, state: usize) -> u64 {
        self.violated[state]
            | match self.ends.get(&state) {
                None => 0,
                Some(End::Deadlock { .. }) => properties::DEADLOCK.bit(),
                Some(End::Final { violated, .. }) => *violated,
            }
    }

    /// The properties violated in some state, a fair cycle being a livelock.
    pub(crate) fn violated(&self) -> u64 {
        let states = (0..self.edges.len()).fold(0, |bits, state| bits | self.violated_in(state));
        let given_up = self.given_up.iter().flatten().fold(0, |bits, given_up| bits | given_up.violated);
        states | given_up | if self.has_fair_cycle() { properties::LIVELOCK.bit() } else { 0 }
    }

    /// Whether some run ends, is given up or goes on for ever without a violation of `property`.
    pub(crate) fn avoids(&self, property: Property) -> bool {
        let mut clean = BTreeSet::new();
        let mut open = vec![0];
        while let Some(state) = open.pop() {
            if self.violated_in(state) & property.bit() != 0 || !clean.insert(state) {
                continue;
            }
            let given_up = self.given_up[state].iter().any(|edge| edge.violated & property.bit() == 0);
            if self.ends.contains_key(&state) || given_up {
                return true;
            }
            open.extend(self.edges[state].iter().map(|edge| edge.to));
        }
        // What is left when states that lead out are removed, again and again, lies on cycles or leads to them.
        loop {
            let before = clean.len();
            let goes_on = |state: &usize| self.edges[*state].iter().any(|edge| clean.contains(&edge.to));
            clean = clean.iter().copied().filter(goes_on).collect();
            if clean.len() == before {
                return before > 0;
            }
        }
    }

    /// Whether some state can be reached from itself: whether removing states without predecessors, again
    /// and again, leaves any.
    pub(crate) fn has_cycle(&self) -> bool {
        let mut predecessors = vec![0_usize; self.edges.len()];
        for edge in self.edges.iter().flatten() {
            predecessors[edge.to] += 1;
        }
        let mut free: Vec<usize> = (0..self.edges.len()).filter(|state| predecessors[*state] == 0).collect();
        let mut removed = 0;
        while let Some(state) = free.pop() {
            removed += 1;
            for edge in &self.edges[state] {
                predecessors[edge.to] -= 1;
                if predecessors[edge.to] == 0 {
                    free.push(edge.to);
                }
            }
        }
        removed < self.edges.len()
    }

    /// The transitions from a state, with what they told whoever counts costs.
    pub(crate) fn priced(&self, state: usize) -> &[Priced] {
        &self.priced[state]
    }

    /// Whether every task has finished in a state.
    pub(crate) fn is_final(&self, state: usize) -> bool {
        matches!(self.ends.get(&state), Some(End::Final { .. }))
    }

    /// Counts paths, if they have at most `most` transitions in all.
    pub(crate) fn paths(&self, most: u64) -> Option<Paths> {
        let nowhere = |state: usize| self.given_up[state].len() as u64;
        let mut paths =
            Paths { beginnings: 1, transitions: nowhere(0), maximal: nowhere(0), ..Paths::default() };
        let mut on_path = vec![false; self.edges.len()];
        on_path[0] = true;
        let mut stack = vec![(0, 0)];
        while let Some((state, next)) = stack.last_mut() {
            let (from, number) = (*state, *next);
            *next += 1;
            let Some(edge) = self.edges[from].get(number) else {
                paths.maximal += u64::from(number == 0 && self.given_up[from].is_empty());
                on_path[from] = false;
                stack.pop();
                continue;
            };
            paths.transitions += 1;
            if paths.transitions > most {
                return None;
            }
            paths.longest = paths.longest.max(stack.len() as u64);
            if on_path[edge.to] {
                paths.maximal += 1;
            } else {
                paths.beginnings += 1;
                paths.transitions += nowhere(edge.to);
                paths.maximal += nowhere(edge.to);
                on_path[edge.to] = true;
                stack.push((edge.to, 0));
            }
        }
        Some(paths)
    }

    /// Who moves along a path that numbers lead, each by which of the ways there are it goes.
    pub(crate) fn walk(&self, numbers: &[u8]) -> Vec<ActorId> {
        let mut state = 0;
        let mut moves = Vec::new();
        for number in numbers {
            let edges = &self.edges[state];
            let Some(edge) = edges.get(usize::from(*number) % edges.len().max(1)) else { break };
            moves.push(edge.task);
            state = edge.to;
        }
        moves
    }

    /// Whether some path to a final state has just these moves of some tasks, with any of the others between them; and how many of
    /// them some path has, at most. All paths are followed at once.
    pub(crate) fn has_run(&self, tasks: u64, order: &[ActorId]) -> (bool, usize) {
        let mut here = self.with_free_moves(tasks, HashSet::from([0]));
        for (number, task) in order.iter().enumerate() {
            let edges = here.iter().flat_map(|state| &self.edges[*state]);
            let next: HashSet<usize> = edges.filter(|edge| edge.task == *task).map(|edge| edge.to).collect();
            if next.is_empty() {
                return (false, number);
            }
            here = self.with_free_moves(tasks, next);
        }
        let is_final = |state: &usize| matches!(self.ends.get(state), Some(End::Final { .. }));
        (here.iter().any(is_final), order.len())
    }

    /// The states that are reached from others without a move of these tasks.
    fn with_free_moves(&self, tasks: u64, mut states: HashSet<usize>) -> HashSet<usize> {
        let mut open: Vec<usize> = states.iter().copied().collect();
        while let Some(state) = open.pop() {
            for edge in self.edges[state].iter().filter(|edge| tasks & 1 << edge.task == 0) {
                if states.insert(edge.to) {
                    open.push(edge.to);
                }
            }
        }
        states
    }

    /// Whether moving to `task` switches away from one that could have gone on.
    fn preempts(&self, state: usize, last: Option<ActorId>, task: ActorId) -> bool {
        let is_enabled = |task: ActorId| {
            self.edges[state].iter().any(|edge| edge.task == task)
                || self.given_up[state].iter().any(|given_up| given_up.task == task)
        };
        last.is_some_and(|last| last != task && is_enabled(last))
    }

    /// The least preemptions, then operations, that reach a violation of `property`.
    pub(crate) fn least(&self, property: Property) -> Option<Least> {
        let bit = property.bit();
        self.least_way(|state| self.violated_in(state) & bit != 0, |given_up| given_up.violated & bit != 0)
    }

    /// The same for a final state with this outcome.
    pub(crate) fn least_to_outcome(&self, outcome: &str) -> Option<Least> {
        let ends = |state| {
            let end = self.ends.get(&state);
            matches!(end, Some(End::Final { observed: Some(observed), .. }) if observed == outcome)
        };
        self.least_way(ends, |_| false)
    }

    /// Dijkstra's algorithm on pairs of a state and the task that moved last.
    fn least_way(
        &self,
        is_there: impl Fn(usize) -> bool,
        is_given_up_there: impl Fn(&GivenUp) -> bool,
    ) -> Option<Least> {
        /// Where a transition leads; nowhere, if the run was given up with the violation.
        type Open = (Option<usize>, Option<ActorId>);

        let mut settled: HashSet<Open> = HashSet::new();
        let mut open: BTreeMap<(u32, u32), Vec<Open>> = BTreeMap::from([((0, 0), vec![(Some(0), None)])]);
        let mut level = 0;
        let mut below = 0;
        while let Some(((preemptions, operations), pairs)) = open.pop_first() {
            if preemptions > level {
                level = preemptions;
                below = settled.iter().map(|(state, _)| state).collect::<HashSet<_>>().len() as u64;
            }
            for pair in pairs {
                let (Some(state), last) = pair else {
                    return Some(Least { preemptions, operations, below });
                };
                if !settled.insert(pair) {
                    continue;
                }
                if is_there(state) {
                    return Some(Least { preemptions, operations, below });
                }
                let edges = self.edges[state].iter().map(|edge| (Some(edge.to), edge.task));
                let violating = self.given_up[state].iter().filter(|given_up| is_given_up_there(given_up));
                for (to, task) in edges.chain(violating.map(|given_up| (None, given_up.task))) {
                    let preemptions = preemptions + u32::from(self.preempts(state, last, task));
                    open.entry((preemptions, operations + 1)).or_default().push((to, Some(task)));
                }
            }
        }
        None
    }

    /// Which states lie in a component in which every task moves, or has to wait somewhere.
    fn fair_states(&self) -> Vec<bool> {
        let edges: Vec<Vec<(ActorId, usize)>> =
            self.edges.iter().map(|out| out.iter().map(|edge| (edge.task, edge.to)).collect()).collect();
        let able: Vec<TaskSet> = (0..self.edges.len()).map(|state| self.able(state)).collect();
        in_fair_components(&edges, &able)
    }

    /// Whether a run can go round for ever although no task that can always move is left out.
    pub(crate) fn has_fair_cycle(&self) -> bool {
        self.fair_states().contains(&true)
    }

    /// The tasks that can move.
    fn able(&self, state: usize) -> TaskSet {
        let moving = self.edges[state].iter().map(|edge| edge.task);
        let given_up = self.given_up[state].iter().map(|given_up| given_up.task);
        moving.chain(given_up).fold(0, |set, task| set | 1 << task)
    }

    /// The least preemptions, then operations, that lead to a state and back to it so that every task moves on the
    /// way back or has to wait on it: by trying, from each pair of a state and the task that moved last, every way back.
    pub(crate) fn least_round(&self) -> Option<Least> {
        let beginning = ((0, None), (0, 0));
        let pairs: Vec<(Pair, Cost)> =
            std::iter::once(beginning).chain(self.costs((0, None), (0, 0))).collect();
        let fair = self.fair_states();
        let mut best = None;
        for (pair, cost) in pairs.iter().filter(|(pair, _)| fair[pair.0]) {
            best = self.round(*pair, *cost, best).or(best);
        }
        let (preemptions, operations) = best?;
        let below = pairs.iter().filter(|(_, cost)| cost.0 < preemptions).map(|(pair, _)| pair.0);
        let below = below.collect::<HashSet<_>>().len() as u64;
        Some(Least { preemptions, operations, below })
    }

    /// What the cheapest such way costs in all from a pair that was reached at `cost`, if it is less than `bound`.
    fn round(&self, from: Pair, cost: Cost, bound: Option<Cost>) -> Option<Cost> {
        let everybody = self.edges.iter().enumerate().fold(0, |set, (state, _)| set | self.able(state));
        let waiting = |state: usize| everybody & !self.able(state);
        let mut settled = HashSet::new();
        let mut open = BTreeSet::from([(cost, from, waiting(from.0))]);
        while let Some((now, (state, last), seen)) = open.pop_first() {
            if bound.is_some_and(|bound| bound <= now) {
                return None;
            }
            if now != cost && state == from.0 && seen == everybody {
                return Some(now);
            }
            if !settled.insert((state, last, seen)) {
                continue;
            }
            for edge in &self.edges[state] {
                let preempts = u32::from(self.preempts(state, last, edge.task));
                let seen = seen | 1 << edge.task | waiting(edge.to);
                open.insert(((now.0 + preempts, now.1 + 1), (edge.to, Some(edge.task)), seen));
            }
        }
        None
    }

    /// What it costs to come from one pair, reached at `cost`, to each other by at least one operation.
    fn costs(&self, from: Pair, cost: Cost) -> BTreeMap<Pair, Cost> {
        let mut costs = BTreeMap::new();
        let mut open = vec![(from, cost)];
        while let Some(((state, last), cost)) = open.pop() {
            for edge in &self.edges[state] {
                let pair = (edge.to, Some(edge.task));
                let cost = (cost.0 + u32::from(self.preempts(state, last, edge.task)), cost.1 + 1);
                if costs.get(&pair).is_none_or(|known| cost < *known) {
                    costs.insert(pair, cost);
                    open.push((pair, cost));
                }
            }
        }
        costs
    }

    /// What can be reached with at most `most` preemptions.
    pub(crate) fn bounded(&self, most: u32) -> Bounded {
        let mut bounded = Bounded::default();
        let mut ends = HashSet::new();
        let mut numbers = HashMap::from([((0, None, 0), 0)]);
        let (mut edges, mut able) = (vec![Vec::new()], vec![self.able(0)]);
        let mut open = vec![(0, None, 0)];
        while let Some((state, last, preemptions)) = open.pop() {
            let from = numbers[&(state, last, preemptions)];
            bounded.triples += 1;
            bounded.violated |= self.violated_in(state);
            if let Some(end) = self.ends.get(&state) {
                ends.insert(state);
                bounded.given_up.extend(end.cut());
            }
            for given_up in &self.given_up[state] {
                if preemptions + u32::from(self.preempts(state, last, given_up.task)) > most {
                    bounded.cut = true;
                } else {
                    bounded.given_up.insert(given_up.bound);
                    bounded.violated |= given_up.violated;
                }
            }
            for edge in &self.edges[state] {
                let preemptions = preemptions + u32::from(self.preempts(state, last, edge.task));
                if preemptions > most {
                    bounded.cut = true;
                    continue;
                }
                let triple = (edge.to, Some(edge.task), preemptions);
                let to = *numbers.entry(triple).or_insert_with(|| {
                    open.push(triple);
                    edges.push(Vec::new());
                    able.push(self.able(edge.to));
                    edges.len() - 1
                });
                edges[from].push((edge.task, to));
            }
        }
        if in_fair_components(&edges, &able).contains(&true) {
            bounded.violated |= properties::LIVELOCK.bit();
        }
        bounded.deadlocks = ends.iter().filter(|end| matches!(self.ends[end], End::Deadlock { .. })).count();
        bounded.finals = ends.len() - bounded.deadlocks;
        bounded
    }
}

/// Tasks, by bits.
type TaskSet = u32;

/// Which nodes lie in a strongly connected component that has an edge, and in which each task moves or is not able to
/// in some node. By S. R. Kosaraju's algorithm: the last to be left by a search forwards is the first to be searched
/// from backwards.
fn in_fair_components(edges: &[Vec<(ActorId, usize)>], able: &[TaskSet]) -> Vec<bool> {
    let nodes = edges.len();
    let mut backwards = vec![Vec::new(); nodes];
    for (from, out) in edges.iter().enumerate() {
        for (_, to) in out {
            backwards[*to].push(from);
        }
    }
    let mut left = Vec::new();
    let mut met = vec![false; nodes];
    for root in 0..nodes {
        let mut stack = vec![(root, 0)];
        if std::mem::replace(&mut met[root], true) {
            continue;
        }
        while let Some((node, next)) = stack.last_mut() {
            if let Some((_, to)) = edges[*node].get(*next) {
                *next += 1;
                if !std::mem::replace(&mut met[*to], true) {
                    stack.push((*to, 0));
                }
            } else {
                left.push(*node);
                stack.pop();
            }
        }
    }
    let mut component = vec![usize::MAX; nodes];
    let mut fair = vec![false; nodes];
    for root in left.into_iter().rev() {
        let mut members = Vec::new();
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            if component[node] == usize::MAX {
                component[node] = root;
                members.push(node);
                open.extend(&backwards[node]);
            }
        }
        let mut moved: TaskSet = 0;
        let mut always = TaskSet::MAX;
        for node in &members {
            always &= able[*node];
            let inside = edges[*node].iter().filter(|(_, to)| component[*to] == root);
            moved |= inside.fold(0, |set, (task, _)| set | 1 << task);
        }
        for node in members {
            fair[node] = moved != 0 && always & !moved == 0;
        }
    }
    fair
}
