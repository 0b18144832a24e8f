//! What a program does: one task moves, in a state that is changed.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, Counter, Role};

use super::state::{End, Locked, Outside, Place, Seen, State, Task};
use crate::common::names::properties;
use crate::common::program::{
    ATOMICS, Audited, LEAVES, LOCKS, MODULUS, Position, Program, REGISTERS, Statement, observation,
};

/// What is gathered over all transitions of the exploration, the sequential phases not included.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Gathered {
    pub(crate) reached: u64,
    pub(crate) maxima: [u32; Counter::MOST],
}

pub(super) struct Interpreter<'p> {
    pub(super) program: &'p Program,
    pub(super) gathering: bool,
    pub(super) gathered: Gathered,
    /// What the last transition told whoever counts costs.
    pub(super) spent: Vec<u32>,
}

impl Interpreter<'_> {
    pub(super) fn initial(&mut self) -> State {
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
    pub(super) fn enabled(&self, state: &State) -> Vec<(ActorId, u32)> {
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
    pub(super) fn fire(&mut self, state: &mut State, task: ActorId, outcome: u32) {
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
                    Audited::Sum(lock, atomic) => (state.locks[lock].value + state.atomics[atomic]) % MODULUS,
                };
                if value == wrong {
                    state.violated |= property.bit();
                }
            }
            Statement::Add(register, operand) => {
                r[register] = (r[register] + operand.value(r)) % MODULUS;
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
    pub(super) fn end(&mut self, mut state: State) -> End {
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
