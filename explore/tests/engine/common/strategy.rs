//! How random programs are drawn.
//!
//! Statements drawn one by one rarely meet: a task reads what nobody writes, and every lock is free. So
//! steps are made of *phrases*, the small idioms of concurrent code (a critical section, a lost update, a
//! try-lock with its two branches), mixed with single statements that break their shape.

use super::names::bounds;
use super::names::branches;
use super::names::counters;
use super::names::properties;
use proptest::collection::vec;
use proptest::prelude::*;
use stalemap_facade::{Bound, Property, Role};

use super::program::{
    ATOMICS, Audited, Change, Condition, LEAVES, LOCKS, MODULUS, Operand, Program, REGISTERS, Repeat,
    Statement, Task, Test,
};

type Step = Vec<Statement>;

fn value() -> impl Strategy<Value = u64> {
    0..MODULUS
}

fn lock() -> impl Strategy<Value = usize> {
    // The first lock is the popular one.
    prop_oneof![2 => Just(0), 1 => 0..LOCKS]
}

fn atomic() -> impl Strategy<Value = usize> {
    prop_oneof![2 => Just(0), 1 => 0..ATOMICS]
}

fn leaf() -> impl Strategy<Value = usize> {
    0..LEAVES
}

fn register() -> impl Strategy<Value = usize> {
    0..REGISTERS
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![value().prop_map(Operand::Constant), register().prop_map(Operand::Register)]
}

/// What is waited for: often something that is the case from the beginning.
fn argument() -> impl Strategy<Value = Operand> {
    prop_oneof![3 => Just(Operand::Constant(0)), 2 => operand()]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Add(Operand::Constant(1))),
        operand().prop_map(Change::Add),
        operand().prop_map(Change::Set),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![Just(Condition::AtLeast), Just(Condition::Equal), Just(Condition::Different)]
}

fn test() -> impl Strategy<Value = Test> {
    let number = prop_oneof![
        2 => (1..MODULUS).prop_map(Operand::Constant),
        1 => operand(),
    ];
    (register(), condition(), number).prop_map(|(register, is, operand)| Test { register, is, operand })
}

fn property() -> impl Strategy<Value = Property> {
    prop_oneof![Just(properties::LOST_WRITE), Just(properties::STALE_READ)]
}

fn audited() -> impl Strategy<Value = Audited> {
    prop_oneof![
        lock().prop_map(Audited::Lock),
        Just(Audited::Word),
        leaf().prop_map(Audited::Leaf),
        (lock(), atomic()).prop_map(|(lock, atomic)| Audited::Sum(lock, atomic)),
    ]
}

fn visible() -> impl Strategy<Value = Statement> {
    prop_oneof![
        2 => lock().prop_map(Statement::Lock),
        1 => (lock(), register()).prop_map(|(lock, register)| Statement::TryLock(lock, register)),
        1 => (lock(), condition(), argument()).prop_map(|(lock, condition, argument)| {
            Statement::LockWhen(lock, condition, argument)
        }),
        1 => (condition(), argument(), change()).prop_map(|(condition, argument, change)| {
            Statement::Region(condition, argument, change)
        }),
        2 => (atomic(), register()).prop_map(|(atomic, register)| Statement::Load(atomic, register)),
        2 => (atomic(), operand()).prop_map(|(atomic, operand)| Statement::Store(atomic, operand)),
        1 => (atomic(), operand(), register()).prop_map(|(atomic, operand, register)| {
            Statement::FetchAdd(atomic, operand, register)
        }),
        1 => (atomic(), operand(), operand(), register()).prop_map(|(atomic, current, new, register)| {
            Statement::CompareExchange { atomic, current, new, register }
        }),
        1 => (1..=3_u32, register()).prop_map(|(alternatives, register)| {
            Statement::Choose(alternatives, register)
        }),
    ]
}

fn silent() -> impl Strategy<Value = Statement> {
    prop_oneof![
        1 => lock().prop_map(Statement::Unlock),
        1 => (lock(), register()).prop_map(|(lock, register)| Statement::Read(lock, register)),
        2 => (lock(), change()).prop_map(|(lock, change)| Statement::Modify(lock, change)),
        1 => (atomic(), operand()).prop_map(|(atomic, operand)| Statement::Publish(atomic, operand)),
        1 => (atomic(), register()).prop_map(|(atomic, register)| Statement::Peek(atomic, register)),
        1 => (leaf(), any::<bool>(), register()).prop_map(|(leaf, zero, register)| {
            Statement::LeafRead { leaf, zero, register }
        }),
        2 => (leaf(), change()).prop_map(|(leaf, change)| Statement::LeafUpdate(leaf, change)),
        1 => change().prop_map(Statement::Release),
        1 => (audited(), 1..MODULUS, property()).prop_map(|(audited, wrong, property)| {
            Statement::Audit(audited, wrong, property)
        }),
        1 => (register(), operand()).prop_map(|(register, operand)| Statement::Add(register, operand)),
        1 => (test(), 1..=2_usize).prop_map(|(unless, statements)| Statement::Skip { unless, statements }),
        2 => (test(), property()).prop_map(|(test, property)| Statement::Violate(test, property)),
        1 => test().prop_map(|test| Statement::Reach(test, branches::STALE)),
        1 => register().prop_map(|register| Statement::Maximum(counters::STALE_ABORTS, register)),
        1 => test().prop_map(Statement::Finish),
        1 => (test(), bound()).prop_map(|(test, bound)| Statement::Cut(test, bound)),
    ]
}

fn is_one(register: usize) -> Test {
    Test { register, is: Condition::Equal, operand: Operand::Constant(1) }
}

/// A few statements that belong together.
fn phrase() -> impl Strategy<Value = Step> {
    let one = Operand::Constant(1);
    prop_oneof![
        4 => visible().prop_map(|statement| vec![statement]),
        3 => silent().prop_map(|statement| vec![statement]),
        // A critical section.
        2 => (lock(), silent()).prop_map(|(lock, body)| {
            vec![Statement::Lock(lock), body, Statement::Unlock(lock)]
        }),
        // A guard held across another operation, until the step ends.
        3 => (lock(), visible(), change()).prop_map(|(lock, body, change)| {
            vec![Statement::Lock(lock), body, Statement::Modify(lock, change)]
        }),
        // Two locks in either order.
        1 => (lock(), lock()).prop_map(|(first, second)| {
            vec![Statement::Lock(first), Statement::Lock(second)]
        }),
        // A lost update waiting to happen.
        1 => (atomic(), register()).prop_map(move |(atomic, register)| vec![
            Statement::Load(atomic, register),
            Statement::Add(register, one),
            Statement::Store(atomic, Operand::Register(register)),
        ]),
        // A try-lock with a branch on its outcome.
        1 => (lock(), register(), silent()).prop_map(|(lock, register, body)| vec![
            Statement::TryLock(lock, register),
            Statement::Skip { unless: is_one(register), statements: 1 },
            body,
        ]),
        // A choice of which only one outcome concerns anybody else.
        1 => (2..=3_u32, register(), test(), silent()).prop_map(|(alternatives, register, test, body)| vec![
            Statement::Choose(alternatives, register),
            Statement::Skip { unless: Test { register, ..test }, statements: 1 },
            body,
        ]),
        // One side of a handshake.
        1 => (lock(), condition(), argument(), change()).prop_map(|(lock, condition, argument, change)| vec![
            Statement::LockWhen(lock, condition, argument),
            Statement::Modify(lock, change),
            Statement::Unlock(lock),
        ]),
        // A semaphore taken in one transition and released in a later one.
        1 => (visible(), silent()).prop_map(move |(body, after)| vec![
            Statement::Region(Condition::Equal, Operand::Constant(0), Change::Set(one)),
            body,
            Statement::Release(Change::Set(Operand::Constant(0))),
            after,
        ]),
        5 => judged_phrase(),
    ]
}

/// A few statements that end in a judgement.
fn judged_phrase() -> impl Strategy<Value = Step> {
    prop_oneof![
        // A value that must not change between two looks at it.
        2 => (atomic(), property()).prop_map(|(atomic, property)| {
            let changed = Test { register: 0, is: Condition::Different, operand: Operand::Register(1) };
            vec![
                Statement::Load(atomic, 0),
                Statement::Load(atomic, 1),
                Statement::Violate(changed, property),
            ]
        }),
        // The same, once it has changed: twice interrupted.
        1 => (atomic(), property()).prop_map(|(atomic, property)| {
            let changed = Test { register: 0, is: Condition::Different, operand: Operand::Register(1) };
            vec![
                Statement::Load(atomic, 0),
                Statement::Load(atomic, 1),
                Statement::Skip { unless: changed, statements: 2 },
                Statement::Load(atomic, 0),
                Statement::Violate(changed, property),
            ]
        }),
        // A violation in the transition that gives the run up.
        1 => (visible(), test(), property(), bound()).prop_map(|(look, test, property, bound)| vec![
            look,
            Statement::Violate(test, property),
            Statement::Cut(test, bound),
        ]),
        // Something observed and judged.
        1 => (visible(), test(), property()).prop_map(|(look, test, property)| vec![
            look,
            Statement::Violate(test, property),
        ]),
    ]
}

/// A step of at most `most` statements, and a few more where it would otherwise wait for itself. Careless
/// ones may: that deadlocks at once, and then there is little left to explore.
fn bound() -> impl Strategy<Value = Bound> {
    prop_oneof![Just(bounds::RETRIES), Just(bounds::EVICTIONS)]
}

fn step(most: usize) -> impl Strategy<Value = Step> {
    (vec(phrase(), 2..=4), proptest::bool::weighted(0.05)).prop_map(move |(phrases, careless)| {
        let mut step = Step::new();
        let mut taken = [false; LOCKS];
        for statement in phrases.into_iter().flatten().take(most) {
            if let Statement::Lock(lock) | Statement::TryLock(lock, _) | Statement::LockWhen(lock, ..) =
                statement
                && std::mem::replace(&mut taken[lock], true)
                && !careless
            {
                step.push(Statement::Unlock(lock));
            }
            step.push(statement);
        }
        step
    })
}

fn steps(number: usize, most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(most), 1..=number)
}

/// A setup or epilogue that always finishes: it waits for nothing.
fn sequential(role: Role) -> impl Strategy<Value = Task> {
    let step = vec(prop_oneof![visible(), silent()], 1..=4).prop_map(|step| {
        let patient = |statement: &Statement| {
            !matches!(
                statement,
                Statement::Lock(_) | Statement::LockWhen(..) | Statement::Region(..) | Statement::Finish(_)
            )
        };
        step.into_iter().filter(patient).collect()
    });
    step.prop_map(move |step: Step| one_way(Task { role, steps: vec![step], repeat: Repeat::Never }))
}

/// What a setup or an epilogue chooses may make no difference: here it has no choice.
fn one_way(mut task: Task) -> Task {
    for statement in task.steps.iter_mut().flatten() {
        if let Statement::Choose(alternatives, _) = statement {
            *alternatives = 1;
        }
    }
    task
}

/// An epilogue that may wait for ever, for a daemon or for a condition.
fn impatient() -> impl Strategy<Value = Task> {
    steps(1, 3).prop_map(|steps| one_way(Task { role: Role::Epilogue, steps, repeat: Repeat::Never }))
}

/// A daemon that serves whenever a counter allows it, for ever.
fn daemon() -> impl Strategy<Value = Task> {
    let served = (lock(), value(), change(), step(3)).prop_map(|(lock, value, change, work)| {
        let wait = Statement::LockWhen(lock, Condition::Equal, Operand::Constant(value));
        let mut step = vec![wait, Statement::Modify(lock, change)];
        step.extend(work);
        vec![step]
    });
    (served, prop_oneof![Just(Repeat::Never), Just(Repeat::Forever)])
        .prop_map(|(steps, repeat)| finite(Task { role: Role::Daemon, steps, repeat }))
}

/// The last epilogue of every program: notes the values under all locks that are free.
fn recorder() -> Task {
    let record = |lock| vec![Statement::TryLock(lock, 0), Statement::Record(lock)];
    Task { role: Role::Epilogue, steps: (0..LOCKS).map(record).collect(), repeat: Repeat::Never }
}

/// Frames concurrent tasks with the sequential ones.
fn framed(concurrent: impl Strategy<Value = Vec<Task>>) -> impl Strategy<Value = Program> {
    let setup = prop_oneof![3 => Just(None), 1 => sequential(Role::Setup).prop_map(Some)];
    let epilogue = prop_oneof![
        3 => Just(None),
        1 => sequential(Role::Epilogue).prop_map(Some),
        1 => impatient().prop_map(Some),
    ];
    // A footprint has 128 bits.
    let unused = prop_oneof![7 => Just(0), 1 => 122..128_usize];
    (setup, concurrent, epilogue, unused).prop_map(|(setup, concurrent, epilogue, unused)| {
        // The setup need not come first.
        let mut tasks = concurrent;
        tasks.extend(setup);
        tasks.extend(epilogue);
        tasks.push(recorder());
        Program { tasks, unused }
    })
}

/// Programs whose main tasks end, if nothing keeps them waiting.
pub(crate) fn straight_line() -> impl Strategy<Value = Program> {
    let main = |number: usize, most: usize| {
        steps(number, most).prop_map(|steps| Task { role: Role::Main, steps, repeat: Repeat::Never })
    };
    let concurrent = prop_oneof![
        4 => vec(main(3, 6), 2),
        3 => vec(main(2, 5), 3),
        2 => (vec(main(2, 5), 1..=2), daemon()).prop_map(|(mut tasks, daemon)| {
            tasks.push(daemon);
            tasks
        }),
        2 => vec(main(1, 5), 4),
    ];
    framed(concurrent)
}

/// Keeps a task's values within [`MODULUS`], so that going round adds no states for ever.
fn finite(mut task: Task) -> Task {
    for statement in task.steps.iter_mut().flatten() {
        if let Statement::FetchAdd(atomic, _, register) = *statement {
            *statement = Statement::Load(atomic, register);
        }
    }
    task
}

/// A task that repeats itself, perhaps.
fn repeating() -> impl Strategy<Value = Task> {
    let repeat = prop_oneof![
        2 => Just(Repeat::Never),
        1 => Just(Repeat::Forever),
        3 => test().prop_map(Repeat::Until),
    ];
    // Whatever a step skips, it goes through its first statement: no task repeats itself unseen.
    let body = (visible(), step(3)).prop_map(|(first, rest)| [vec![first], rest].concat());
    (vec(body, 1..=2), repeat).prop_map(|(steps, repeat)| finite(Task { role: Role::Main, steps, repeat }))
}

/// Programs in which tasks repeat themselves, so that the state graph may have cycles.
pub(crate) fn looping() -> impl Strategy<Value = Program> {
    let concurrent = prop_oneof![
        4 => vec(repeating(), 2),
        2 => vec(repeating(), 3),
        2 => (vec(repeating(), 1..=2), daemon()).prop_map(|(mut tasks, daemon)| {
            tasks.push(daemon);
            tasks
        }),
    ];
    framed(concurrent)
}

/// The same programs, which tell whoever counts costs of something here and there.
pub(crate) fn spending(programs: impl Strategy<Value = Program>) -> impl Strategy<Value = Program> {
    let spent = vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u32), 1..=6);
    (programs, spent).prop_map(|(mut program, spent)| {
        for (step, place, item) in spent {
            let concurrent = |task: &&mut Task| matches!(task.role, Role::Main | Role::Daemon);
            let mut steps: Vec<&mut Step> =
                program.tasks.iter_mut().filter(concurrent).flat_map(|task| &mut task.steps).collect();
            if steps.is_empty() {
                break;
            }
            let at = step.index(steps.len());
            let step = &mut *steps[at];
            step.insert(place.index(step.len() + 1), Statement::Spend(item));
        }
        program
    })
}
