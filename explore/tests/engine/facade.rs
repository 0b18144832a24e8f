//! What the facade is for: programs of two tasks of which the libraries by themselves miss an outcome, say too
//! much or end the process. Each is written twice, once directly for loom or shuttle and once for the facade.
//!
//! The first half of each pair keeps a known gap as a test: when a new version of the library closes it, the test
//! fails, and the rule of the facade can be looked at again. The second half fails if the rule is dropped.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use stalemap_explore::{
    Budget, End, EngineError, LimitHit, Loom, Options, Runs, Shuttle, Strategy, explore, run_loom,
    run_shuttle,
};
use stalemap_facade::{ActorId, ActorSpec, Backend, Lock, MemoryModel, Op, Role, System};

use crate::common::directly::under_loom_directly as directly;
use crate::common::names::properties;
use crate::common::program::{Change, Condition, Operand, Program, Repeat, Statement, Task, Test};

/// Two tasks of one step each, and who records their locks.
fn program(tasks: impl IntoIterator<Item = Vec<Statement>>) -> Program {
    let task = |role, steps| Task { role, steps, repeat: Repeat::Never };
    let mut tasks: Vec<Task> = tasks.into_iter().map(|step| task(Role::Main, vec![step])).collect();
    let record = |lock| vec![Statement::TryLock(lock, 0), Statement::Record(lock)];
    tasks.push(task(Role::Epilogue, (0..3).map(record).collect()));
    Program { tasks, unused: 0 }
}

fn under_loom(program: &Program) -> Runs {
    let runs = run_loom(program, &Loom::default()).expect("a program that fits");
    assert!(runs.is_complete());
    runs
}

fn observed(runs: &Runs) -> BTreeSet<String> {
    runs.ends.values().filter_map(|end| end.observed.clone()).collect()
}

/// What really can come out, by the exhaustive engine.
fn truth(program: &Program) -> BTreeSet<String> {
    explore(program, &Options::default(), &mut |_| ())
        .expect("a sound program")
        .outcomes
        .into_keys()
        .collect()
}

fn cookie() -> Program {
    // The reader samples the cookie and looks again; the writer bumps it with a load and a store, as XFS does.
    let reader = vec![
        Statement::Load(0, 0),
        Statement::Load(0, 1),
        Statement::LeafUpdate(0, Change::Set(Operand::Register(0))),
        Statement::LeafUpdate(1, Change::Set(Operand::Register(1))),
    ];
    let writer = vec![
        Statement::Load(0, 0),
        Statement::Add(0, Operand::Constant(1)),
        Statement::Store(0, Operand::Register(0)),
    ];
    program([reader, writer])
}

#[test]
fn loom_issues_166_and_392_a_load_followed_by_a_store_is_never_seen_to_change() {
    use loom::sync::atomic::{AtomicUsize, Ordering};
    let seen = directly(None, |seen| {
        let counter = Arc::new(AtomicUsize::new(0));
        let writer = Arc::clone(&counter);
        let writer = loom::thread::spawn(move || {
            let old = writer.load(Ordering::Acquire);
            writer.store(old + 1, Ordering::Release);
        });
        let pair = (counter.load(Ordering::Acquire), counter.load(Ordering::Acquire));
        writer.join().expect("the writer returns");
        seen.lock().expect("nobody panics").insert(pair);
    });
    // (0, 0), (0, 1) and (1, 1) are possible.
    assert_eq!(seen, BTreeSet::from([(0, 0)]));
}

#[test]
fn through_the_facade_the_counter_is_seen_to_change() {
    let program = cookie();
    assert_eq!(truth(&program).len(), 3);
    assert_eq!(observed(&under_loom(&program)), truth(&program));
}

fn try_locks() -> Program {
    let task = |register| {
        vec![
            Statement::TryLock(0, register),
            Statement::Modify(0, Change::Add(Operand::Constant(1))),
            Statement::Unlock(0),
            Statement::LeafUpdate(register, Change::Set(Operand::Register(register))),
        ]
    };
    // The second holds the lock across an operation.
    let mut holder = task(1);
    holder.insert(1, Statement::Load(1, 0));
    program([task(0), holder])
}

#[test]
fn loom_issue_376_a_try_lock_waits_for_the_lock() {
    use loom::sync::atomic::{AtomicUsize, Ordering};
    let seen = directly(None, |seen| {
        let shared = Arc::new((loom::sync::Mutex::new(()), AtomicUsize::new(0)));
        let other = Arc::clone(&shared);
        let holder = loom::thread::spawn(move || {
            let guard = other.0.try_lock();
            other.1.fetch_add(0, Ordering::AcqRel);
            guard.is_ok()
        });
        let mine = shared.0.try_lock().is_ok();
        let theirs = holder.join().expect("the holder returns");
        seen.lock().expect("nobody panics").insert((mine, theirs));
    });
    // Each may also find the lock held by the other.
    assert!(!seen.contains(&(false, true)), "{seen:?}");
}

#[test]
fn through_the_facade_a_try_lock_finds_the_lock_held() {
    let program = try_locks();
    let truth = truth(&program);
    assert!(truth.len() >= 2, "{truth:?}");
    assert_eq!(observed(&under_loom(&program)), truth);
}

/// Two locks in either order, with a guard held while it happens.
fn embrace() -> Program {
    let both = |first, second| vec![Statement::Lock(first), Statement::Lock(second)];
    program([both(0, 1), both(1, 0)])
}

#[test]
fn a_deadlock_with_guards_held_is_a_verdict() {
    let program = embrace();
    let shuttle = Shuttle { strategy: Strategy::Dfs, budget: Budget::default() };
    let shuttled = run_shuttle(&program, &shuttle).expect("no panic");
    for runs in [under_loom(&program), shuttled] {
        assert_eq!(runs.violated, properties::DEADLOCK.bit());
        assert!(runs.ends.keys().any(|end| matches!(end, End::Deadlock { .. })));
        assert_eq!(runs.witnesses[&properties::DEADLOCK].len(), 2);
    }
}

#[test]
fn waiting_for_a_condition_is_not_a_spin() {
    let wait = vec![
        Statement::LockWhen(0, Condition::AtLeast, Operand::Constant(1)),
        Statement::Modify(0, Change::Add(Operand::Constant(1))),
    ];
    let wake = vec![Statement::Lock(0), Statement::Modify(0, Change::Set(Operand::Constant(1)))];
    let program = program([wait, wake]);
    let runs = under_loom(&program);
    assert_eq!(observed(&runs), truth(&program));
    assert_eq!(runs.violated, 0);
    assert_eq!(runs.executions, 1, "nobody moves who has to wait");
}

#[test]
fn choices_are_tried_under_loom_and_shuttle() {
    let choose = vec![
        Statement::Choose(3, 0),
        Statement::Choose(2, 1),
        Statement::LeafUpdate(0, Change::Set(Operand::Register(0))),
        Statement::LeafUpdate(1, Change::Set(Operand::Register(1))),
    ];
    let program = program([choose, vec![Statement::Load(0, 0)]]);
    assert_eq!(truth(&program).len(), 6);
    assert_eq!(observed(&under_loom(&program)), truth(&program));
    let shuttle = Shuttle { strategy: Strategy::Dfs, budget: Budget::default() };
    assert_eq!(observed(&run_shuttle(&program, &shuttle).expect("a sound program")), truth(&program));
    // Drawn ones, too: every outcome comes up.
    let budget = Budget { executions: Some(500), time: None };
    for strategy in [Strategy::Random { seed: 0 }, Strategy::Pct { seed: 0, depth: 2 }] {
        let drawn = run_shuttle(&program, &Shuttle { strategy, budget }).expect("a sound program");
        assert_eq!(observed(&drawn), truth(&program), "{strategy:?}");
    }
}

#[test]
fn the_clock_is_a_limit_that_is_named() {
    let program = cookie();
    let budget = Budget { executions: None, time: Some(Duration::ZERO) };
    let shuttle = Shuttle { strategy: Strategy::Dfs, budget };
    for runs in [run_loom(&program, &Loom { preemptions: None, budget }), run_shuttle(&program, &shuttle)] {
        let runs = runs.expect("a sound program");
        assert!(!runs.finished);
        assert_eq!(runs.limits_hit, BTreeSet::from([LimitHit::Seconds]));
    }
}

#[test]
fn the_first_execution_that_violates_is_counted_from_one() {
    // The second writer leaves what the first must not find.
    let stored = Test { register: 0, is: Condition::Equal, operand: Operand::Constant(1) };
    let finds = vec![Statement::Load(0, 0), Statement::Violate(stored, properties::LOST_WRITE)];
    let program = program([finds, vec![Statement::Store(0, Operand::Constant(1))]]);
    let searched = |executions| {
        let budget = Budget { executions, time: None };
        run_shuttle(&program, &Shuttle { strategy: Strategy::Dfs, budget }).expect("a sound program")
    };
    let first = searched(None).first[&properties::LOST_WRITE];
    assert_eq!(searched(Some(first)).first.get(&properties::LOST_WRITE), Some(&first));
    assert_eq!(searched(Some(first - 1)).violated, 0);
}

#[test]
fn a_limit_is_told_from_the_end() {
    let program = cookie();
    let all = under_loom(&program).executions;
    let limited = |executions| {
        let budget = Budget { executions: Some(executions), time: None };
        run_loom(&program, &Loom { preemptions: None, budget }).expect("a sound program")
    };
    let begun = all + under_loom(&program).abandoned;
    assert!(limited(begun).is_complete());
    let short = limited(begun - 1);
    assert!(!short.finished);
    assert_eq!(short.limits_hit, BTreeSet::from([LimitHit::Executions]));

    let searched = |executions| {
        let budget = Budget { executions, time: None };
        run_shuttle(&program, &Shuttle { strategy: Strategy::Dfs, budget }).expect("a sound program")
    };
    let all = searched(None).executions;
    assert!(searched(Some(all)).is_complete());
    assert_eq!(searched(Some(all - 1)).limits_hit, BTreeSet::from([LimitHit::Executions]));
}

#[test]
fn a_preemption_bound_that_was_reached_is_said() {
    let program = cookie();
    let bounded = |preemptions| {
        run_loom(&program, &Loom { preemptions: Some(preemptions), budget: Budget::default() })
            .expect("a sound program")
    };
    let none = bounded(0);
    assert!(!none.is_complete());
    assert_eq!(none.limits_hit, BTreeSet::from([LimitHit::Preemptions]));
    // loom's main thread runs an actor, and to begin with another one is a preemption to loom.
    assert_eq!(observed(&none).len(), 1);
    assert_eq!(observed(&bounded(1)), truth(&program));
}

#[test]
fn six_actors_do_not_fit_loom() {
    let program = program((0..6).map(|_| vec![Statement::Load(0, 0)]));
    let error = run_loom(&program, &Loom::default()).expect_err("six actors");
    assert_eq!(error, EngineError::DoesNotFit { engine: "loom", most: 5, actors: 6 });
}

#[test]
fn an_execution_without_end_is_cut() {
    let forever = Task {
        role: Role::Main,
        steps: vec![vec![Statement::Load(0, 0)]],
        repeat: Repeat::Until(Test { register: 0, is: Condition::AtLeast, operand: Operand::Constant(1) }),
    };
    let program = Program { tasks: vec![forever], unused: 0 };
    let shuttle = Shuttle { strategy: Strategy::Dfs, budget: Budget::default() };
    for runs in [
        run_shuttle(&program, &shuttle).expect("a sound program"),
        run_loom(&program, &Loom::default()).expect("a sound program"),
    ] {
        assert_eq!(runs.limits_hit, BTreeSet::from([LimitHit::Operations]));
        assert!(!runs.is_complete());
    }
}

/// Where a broken system panics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Broken {
    /// In a path, with a lock held by it and another by somebody else.
    Path,
    /// Where nobody expects it, on a stack of the library.
    Observer,
}

impl System for Broken {
    type World<B: Backend> = [B::Lock<()>; 2];
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Self::World<B> {
        std::array::from_fn(|_| backend.lock("lock", ()))
    }

    fn memory(&self) -> MemoryModel {
        MemoryModel::Sequential
    }

    fn actors(&self) -> Vec<ActorSpec> {
        ["holder", "broken"].map(|name| ActorSpec { name: name.to_owned(), role: Role::Main }).into()
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(&self, locks: &Self::World<B>, actor: ActorId, (): ()) -> ControlFlow<(), ()> {
        let guard = locks[actor].lock(Op::new("lock")).await;
        let other = locks[1 - actor].try_lock(Op::new("trylock")).await;
        assert!(*self != Broken::Path || actor == 0 || other.is_some(), "on purpose: the other is held");
        drop((guard, other));
        ControlFlow::Break(())
    }

    fn observe<B: Backend>(&self, _: &Self::World<B>) -> Option<String> {
        assert!(*self != Broken::Observer, "on purpose: nobody looks");
        None
    }
}

#[test]
fn a_panic_ends_as_an_error_and_says_nothing_by_itself() {
    for (broken, says) in [(Broken::Path, "the other is held"), (Broken::Observer, "nobody looks")] {
        let strategies = [Strategy::Dfs, Strategy::Random { seed: 0 }, Strategy::Pct { seed: 0, depth: 3 }];
        let budget = Budget { executions: Some(100), time: None };
        let mut ends: Vec<_> = strategies
            .into_iter()
            .map(|strategy| run_shuttle(&broken, &Shuttle { strategy, budget }))
            .collect();
        ends.push(run_loom(&broken, &Loom::default()));
        for end in ends {
            let Err(EngineError::Panicked { message, .. }) = end else { panic!("{broken:?}: {end:?}") };
            assert!(message.contains(says) && message.contains("facade.rs"), "{message}");
        }
    }
    // And what comes next is not disturbed.
    assert_eq!(observed(&under_loom(&cookie())), truth(&cookie()));
}

#[test]
fn the_panic_hook_of_the_process_is_left_alone() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static CALLED: AtomicUsize = AtomicUsize::new(0);
    // Both have run once before a hook of ours is set, and again after it.
    let run = || {
        under_loom(&cookie());
        let shuttle = Shuttle { strategy: Strategy::Dfs, budget: Budget::default() };
        run_shuttle(&embrace(), &shuttle).expect("no panic");
        under_loom(&embrace());
    };
    run();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        // Only what this test raises: other tests run beside it.
        if info.payload().downcast_ref::<&str>() == Some(&"on purpose") {
            CALLED.fetch_add(1, Ordering::Relaxed);
        }
    }));
    run();
    let raised = std::panic::catch_unwind(|| std::panic::panic_any("on purpose"));
    std::panic::set_hook(before);
    assert!(raised.is_err());
    assert_eq!(CALLED.load(Ordering::Relaxed), 1);
}
