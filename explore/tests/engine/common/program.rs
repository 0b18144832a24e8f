//! Small concurrent programs as data, and how they run on a backend.
//!
//! A program is a list of tasks, a task a list of steps, a step a list of statements on two registers, three
//! locks, a word that says itself who may go on, two atomics and two leaves. The registers are what a task carries from step to step; guards live
//! as long as the step, so most transitions of most programs begin by rebuilding a step that holds some.
//! `reference.rs` says what the same programs mean without any engine.

use std::ops::ControlFlow;

use stalemap_facade::{
    ActorId, ActorSpec, Atomic, Backend, Bound, Branch, Counter, Leaf, Lock, Op, Ordering, Property, Role,
    System, SystemEvent,
};

use super::names::branches;

pub(crate) const LOCKS: usize = 3;
pub(crate) const ATOMICS: usize = 2;
pub(crate) const LEAVES: usize = 2;
pub(crate) const REGISTERS: usize = 2;

/// Everything but [`Statement::FetchAdd`] counts modulo this, so that loops have finitely many states.
pub(crate) const MODULUS: u64 = 3;

pub(crate) type Registers = [u64; REGISTERS];

/// A number in a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operand {
    Constant(u64),
    Register(usize),
}

impl Operand {
    pub(crate) fn value(self, registers: &Registers) -> u64 {
        match self {
            Operand::Constant(value) => value,
            Operand::Register(register) => registers[register],
        }
    }
}

/// What is done to a locked or leaf value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Add(Operand),
    Set(Operand),
}

impl Change {
    pub(crate) fn apply(self, value: u64, registers: &Registers) -> u64 {
        match self {
            Change::Add(operand) => (value + operand.value(registers)) % MODULUS,
            Change::Set(operand) => operand.value(registers) % MODULUS,
        }
    }
}

/// A relation between numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Condition {
    AtLeast,
    Equal,
    Different,
}

impl Condition {
    pub(crate) fn function(self) -> fn(&u64, u64) -> bool {
        match self {
            Condition::AtLeast => |value, argument| *value >= argument,
            Condition::Equal => |value, argument| *value == argument,
            Condition::Different => |value, argument| *value != argument,
        }
    }
}

/// A register compared with a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Test {
    pub(crate) register: usize,
    pub(crate) is: Condition,
    pub(crate) operand: Operand,
}

impl Test {
    pub(crate) fn holds(self, registers: &Registers) -> bool {
        self.is.function()(&registers[self.register], self.operand.value(registers))
    }
}

/// What an audit looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Audited {
    Lock(usize),
    Word,
    Leaf(usize),
    /// The sum of a lock's value and an atomic's, which is looked at within the audit.
    Sum(usize, usize),
}

/// One statement. The first group is visible to the engine, the second belongs to the transition before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Statement {
    /// A second time by the same task, this waits for ever, as a kernel lock would.
    Lock(usize),
    /// The register receives whether it worked.
    TryLock(usize, usize),
    LockWhen(usize, Condition, Operand),
    /// A whole conditional critical region on the word.
    Region(Condition, Operand, Change),
    Load(usize, usize),
    Store(usize, Operand),
    FetchAdd(usize, Operand, usize),
    CompareExchange {
        atomic: usize,
        current: Operand,
        new: Operand,
        register: usize,
    },
    Choose(u32, usize),

    /// Nothing, without a guard; so are the three that follow.
    Unlock(usize),
    Read(usize, usize),
    Modify(usize, Change),
    /// Notes the locked value where [`System::observe`] sees it.
    Record(usize),
    Publish(usize, Operand),
    Peek(usize, usize),
    /// Looks at the value, or only at whether it is zero.
    LeafRead {
        leaf: usize,
        zero: bool,
        register: usize,
    },
    LeafUpdate(usize, Change),
    /// Changes the word.
    Release(Change),
    /// Violates the property if the object has the value.
    Audit(Audited, u64, Property),
    Add(usize, Operand),
    /// Skips as many statements of the step if the test fails.
    Skip {
        unless: Test,
        statements: usize,
    },
    Violate(Test, Property),
    Reach(Test, Branch),
    Maximum(Counter, usize),
    /// Tells this to whoever counts costs.
    Spend(u32),
    /// Gives the run up when the transition is over.
    Cut(Test, Bound),
    /// Ends the task, with whatever it holds.
    Finish(Test),
}

impl Statement {
    /// The name and the object of a statement that may have to wait, as numbers.
    pub(crate) fn waits_for(self) -> (usize, usize) {
        match self {
            Statement::Lock(lock) => (0, lock),
            Statement::LockWhen(lock, ..) => (1, lock),
            Statement::Region(..) => (2, 0),
            other => panic!("{other:?} never waits"),
        }
    }

    pub(crate) fn is_visible(self) -> bool {
        matches!(
            self,
            Statement::Lock(..)
                | Statement::TryLock(..)
                | Statement::LockWhen(..)
                | Statement::Region(..)
                | Statement::Load(..)
                | Statement::Store(..)
                | Statement::FetchAdd(..)
                | Statement::CompareExchange { .. }
                | Statement::Choose(..)
        )
    }
}

/// What a task does after its last step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Repeat {
    Never,
    Forever,
    Until(Test),
}

/// An actor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Task {
    pub(crate) role: Role,
    pub(crate) steps: Vec<Vec<Statement>>,
    pub(crate) repeat: Repeat,
}

impl Task {
    /// Where the task goes on after a step.
    pub(crate) fn after(&self, step: usize, registers: Registers) -> ControlFlow<(), Position> {
        let again = match self.repeat {
            Repeat::Never => false,
            Repeat::Forever => true,
            Repeat::Until(test) => !test.holds(&registers),
        };
        match step + 1 {
            next if next < self.steps.len() => ControlFlow::Continue(Position { step: next, registers }),
            _ if again => ControlFlow::Continue(Position { step: 0, registers }),
            _ => ControlFlow::Break(()),
        }
    }
}

/// What a task keeps between two steps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Position {
    pub(crate) step: usize,
    pub(crate) registers: Registers,
}

/// A program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Program {
    pub(crate) tasks: Vec<Task>,
    /// Objects that nobody uses, between the locks and the rest: with enough of them, objects that have nothing
    /// to do with each other share a bit of the engine's footprints.
    pub(crate) unused: usize,
}

impl Program {
    /// The same program without bounds: where it would give a run up, it does nothing.
    pub(crate) fn unbounded(&self) -> Self {
        let mut program = self.clone();
        for statement in program.tasks.iter_mut().flat_map(|task| &mut task.steps).flatten() {
            if let Statement::Cut(test, _) = *statement {
                *statement = Statement::Reach(test, branches::EVICT);
            }
        }
        program
    }
}

/// The shared memory of a program. All of it begins at zero.
pub(crate) struct World<B: Backend> {
    backend: B,
    locks: [B::Lock<u64>; LOCKS],
    word: B::Lock<u64>,
    atomics: [B::Atomic; ATOMICS],
    leaves: [B::Leaf<u64>; LEAVES],
    record: B::Leaf<Vec<(usize, u64)>>,
}

type Guard<'w, B> = <<B as Backend>::Lock<u64> as Lock<u64>>::Guard<'w>;

/// What [`Statement::Spend`] tells.
#[derive(Debug)]
pub(crate) struct Spent(pub(crate) u32);

impl SystemEvent for Spent {}

/// An operation on object number `target`.
fn on(name: &'static str, target: usize) -> Op {
    Op::on(name, target as u32)
}

impl System for Program {
    type World<B: Backend> = World<B>;
    type State = Position;

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        let locks = std::array::from_fn(|_| backend.lock("lock", 0));
        for _ in 0..self.unused {
            backend.leaf("unused", 0_u64);
        }
        World {
            backend: backend.clone(),
            locks,
            word: backend.lock("word", 0),
            atomics: std::array::from_fn(|_| backend.atomic("atomic", 0)),
            leaves: std::array::from_fn(|_| backend.leaf("leaf", 0)),
            record: backend.leaf("record", Vec::new()),
        }
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let specs = self.tasks.iter().enumerate();
        specs.map(|(number, task)| ActorSpec { name: format!("task {number}"), role: task.role }).collect()
    }

    fn start(&self, _: ActorId) -> Position {
        Position { step: 0, registers: [0; REGISTERS] }
    }

    async fn step<B: Backend>(
        &self,
        world: &World<B>,
        actor: ActorId,
        state: Position,
    ) -> ControlFlow<(), Position> {
        use Ordering::{AcqRel, Acquire, Release};

        let Position { step, mut registers } = state;
        let statements = &self.tasks[actor].steps[step];
        let mut held: [Option<Guard<'_, B>>; LOCKS] = std::array::from_fn(|_| None);
        let mut next = 0;
        while let Some(statement) = statements.get(next) {
            next += 1;
            let r = &mut registers;
            match *statement {
                Statement::Lock(lock) => held[lock] = Some(world.locks[lock].lock(on("lock", lock)).await),
                Statement::TryLock(lock, register) => {
                    let guard = world.locks[lock].try_lock(on("try_lock", lock)).await;
                    r[register] = u64::from(guard.is_some());
                    if guard.is_some() {
                        held[lock] = guard;
                    }
                }
                Statement::LockWhen(lock, condition, argument) => {
                    let argument = argument.value(r);
                    let waiting =
                        world.locks[lock].lock_when(on("lock_when", lock), condition.function(), argument);
                    held[lock] = Some(waiting.await);
                }
                Statement::Region(condition, argument, change) => {
                    let argument = argument.value(r);
                    let waiting = world.word.lock_when(Op::new("region"), condition.function(), argument);
                    let mut guard = waiting.await;
                    *guard = change.apply(*guard, &registers);
                }
                Statement::Load(atomic, register) => {
                    r[register] = world.atomics[atomic].load(on("load", atomic), Acquire).await;
                }
                Statement::Store(atomic, value) => {
                    world.atomics[atomic].store(on("store", atomic), value.value(r), Release).await;
                }
                Statement::FetchAdd(atomic, value, register) => {
                    let value = value.value(r);
                    r[register] = world.atomics[atomic].fetch_add(on("add", atomic), value, AcqRel).await;
                }
                Statement::CompareExchange { atomic, current, new, register } => {
                    let (current, new) = (current.value(r), new.value(r));
                    let object = &world.atomics[atomic];
                    r[register] = object.compare_exchange(on("cmpxchg", atomic), current, new, AcqRel).await;
                }
                Statement::Choose(alternatives, register) => {
                    r[register] = u64::from(world.backend.choose(Op::new("choose"), alternatives).await);
                }
                silent => match silently(world, silent, r, &mut held) {
                    Then::Next => {}
                    Then::Skip(statements) => next += statements,
                    Then::Finish => return ControlFlow::Break(()),
                },
            }
        }
        self.tasks[actor].after(step, registers)
    }

    fn observe<B: Backend>(&self, world: &World<B>) -> Option<String> {
        let atomics = world.atomics.each_ref().map(Atomic::peek);
        let leaves = world.leaves.each_ref().map(|leaf| leaf.read(|value| *value));
        Some(observation(atomics, leaves, &world.record.read(Clone::clone)))
    }

    fn gutter<B: Backend>(&self, world: &World<B>) -> Vec<(String, String)> {
        vec![("memory".to_owned(), self.observe(world).unwrap_or_default())]
    }
}

/// The final memory as text.
pub(crate) fn observation(atomics: [u64; ATOMICS], leaves: [u64; LEAVES], record: &[(usize, u64)]) -> String {
    format!("atomics {atomics:?}, leaves {leaves:?}, locks {record:?}")
}

/// What comes after a statement.
enum Then {
    Next,
    Skip(usize),
    Finish,
}

/// A statement that is part of the transition before it.
fn silently<B: Backend>(
    world: &World<B>,
    statement: Statement,
    r: &mut [u64; REGISTERS],
    held: &mut [Option<Guard<'_, B>>; LOCKS],
) -> Then {
    match statement {
        Statement::Unlock(lock) => held[lock] = None,
        Statement::Read(lock, register) => {
            r[register] = held[lock].as_deref().copied().unwrap_or(r[register]);
        }
        Statement::Modify(lock, change) => {
            if let Some(guard) = &mut held[lock] {
                **guard = change.apply(**guard, r);
            }
        }
        Statement::Record(lock) => {
            if let Some(guard) = &held[lock] {
                world.record.update(|record| record.push((lock, **guard)));
            }
        }
        Statement::Publish(atomic, value) => world.atomics[atomic].publish(value.value(r), Ordering::Relaxed),
        Statement::Peek(atomic, register) => r[register] = world.atomics[atomic].peek(),
        Statement::LeafRead { leaf, zero: false, register } => {
            r[register] = world.leaves[leaf].read(|value| *value);
        }
        Statement::LeafRead { leaf, zero: true, register } => {
            r[register] = u64::from(world.leaves[leaf].read(|value| *value == 0));
        }
        Statement::LeafUpdate(leaf, change) => {
            world.leaves[leaf].update(|value| *value = change.apply(*value, r));
        }
        Statement::Release(change) => world.word.release(|word| *word = change.apply(*word, r)),
        Statement::Audit(audited, wrong, property) => {
            let judge = |value: &u64| {
                if *value == wrong {
                    world.backend.violate(property, || format!("{audited:?} is {wrong}"));
                }
            };
            match audited {
                Audited::Lock(lock) => world.locks[lock].audit(judge),
                Audited::Word => world.word.audit(judge),
                Audited::Leaf(leaf) => world.leaves[leaf].audit(judge),
                Audited::Sum(lock, atomic) => world.locks[lock].audit(|value| {
                    judge(&((*value + world.atomics[atomic].newest()) % MODULUS));
                }),
            }
        }
        Statement::Add(register, operand) => {
            r[register] = (r[register] + operand.value(r)) % MODULUS;
        }
        Statement::Skip { unless, statements } if !unless.holds(r) => return Then::Skip(statements),
        Statement::Finish(test) if test.holds(r) => return Then::Finish,
        Statement::Violate(test, property) if test.holds(r) => {
            world.backend.violate(property, || format!("{test:?}"));
        }
        Statement::Reach(test, branch) if test.holds(r) => {
            world.backend.reach(branch);
        }
        Statement::Maximum(counter, register) => {
            world.backend.maximum(counter, r[register] as u32);
        }
        Statement::Spend(item) => world.backend.account(|| Some(Spent(item))),
        Statement::Cut(test, bound) if test.holds(r) => {
            world.backend.cut(bound);
        }
        // Operations, which are awaited; what does not skip or finish.
        _ => {}
    }
    Then::Next
}
