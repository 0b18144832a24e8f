//! What happens to relaxed memory in the transition of something else: views that are handed over, and the newest
//! store, which somebody looks at. The reductions must see that a transition depends on them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::common::small::Small;
use crate::common::{caches, config};
use proptest::collection::vec;
use proptest::prelude::*;
use stalemap_explore::{EngineError, Exploration, LimitHit, Options, explore};
use stalemap_facade::Ordering::{Acquire, Relaxed, Release};
use stalemap_facade::{
    ActorId, ActorSpec, Atomic, Backend, Leaf, Lock, MemoryModel, Op, Ordering, Role, System, View,
};

const REGISTERS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Statement {
    Load(usize, Ordering, usize),
    Store(usize, u64, Ordering),
    /// Takes a lock that orders nothing, and drops it.
    Section,
    /// Takes the lock when its data have been counted up this far.
    When(u64),
    /// The same with a lock that orders.
    Await(u64),
    /// From here on in the transition of the statement before. Counts the lock's data up.
    Count,
    /// The same for the lock that orders.
    Signal,
    Newest(usize, usize),
    Publish(usize, u64),
    Peek(usize, usize),
    Join(usize),
    Observe(usize),
    HandOver(usize),
    Reset(usize),
}

use Statement::{
    Await, Count, HandOver, Join, Load, Newest, Observe, Peek, Publish, Reset, Section, Signal, Store, When,
};

#[derive(Clone, Debug)]
pub(crate) struct Handovers {
    tasks: Vec<(Role, Vec<Statement>)>,
    memory: MemoryModel,
}

pub(crate) struct World<B: Backend> {
    words: [B::Atomic; 2],
    lock: B::Lock<u64>,
    ordering: B::Lock<u64>,
    views: [B::View; 2],
    results: B::Leaf<Vec<[u64; REGISTERS]>>,
}

impl System for Handovers {
    type World<B: Backend> = World<B>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        World {
            words: std::array::from_fn(|_| backend.atomic("word", 0)),
            lock: backend.unordered("lock", 0),
            ordering: backend.lock("ordering lock", 0),
            views: std::array::from_fn(|_| backend.view("view")),
            results: backend.leaf("results", vec![[0; REGISTERS]; self.tasks.len()]),
        }
    }

    fn memory(&self) -> MemoryModel {
        self.memory
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let task = |(number, (role, _)): (usize, &(Role, Vec<Statement>))| ActorSpec {
            name: format!("task {number}"),
            role: *role,
        };
        self.tasks.iter().enumerate().map(task).collect()
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(&self, shared: &World<B>, me: ActorId, (): ()) -> ControlFlow<(), ()> {
        let mut registers = [0; REGISTERS];
        for statement in &self.tasks[me].1 {
            match *statement {
                Load(word, ordering, register) => {
                    registers[register] =
                        shared.words[word].load(Op::on("load", word as u32), ordering).await;
                }
                Store(word, value, ordering) => {
                    shared.words[word].store(Op::on("store", word as u32), value, ordering).await;
                }
                Section => drop(shared.lock.lock(Op::new("lock")).await),
                When(least) => {
                    let reached = |count: &u64, least: u64| *count >= least;
                    drop(shared.lock.lock_when(Op::new("lock_when"), reached, least).await);
                }
                Await(least) => {
                    let reached = |count: &u64, least: u64| *count >= least;
                    drop(shared.ordering.lock_when(Op::new("await"), reached, least).await);
                }
                Signal => shared.ordering.release(|count| *count = 2.min(*count + 1)),
                Count => shared.lock.release(|count| *count = 2.min(*count + 1)),
                Newest(word, register) => registers[register] = shared.words[word].newest(),
                Publish(word, value) => shared.words[word].publish(value, Relaxed),
                Peek(word, register) => registers[register] = shared.words[word].peek(),
                Join(view) => shared.views[view].acquire(),
                Observe(view) => shared.views[view].observe(),
                HandOver(view) => shared.views[view].release(),
                Reset(view) => shared.views[view].reset(),
            }
        }
        shared.results.update(|results| results[me] = registers);
        ControlFlow::Break(())
    }

    fn observe<B: Backend>(&self, world: &World<B>) -> Option<String> {
        let words = world.words.each_ref().map(Atomic::newest);
        Some(format!("{:?} {words:?}", world.results.read(Clone::clone)))
    }
}

/// Explores with every combination of the reductions; they must not be noticeable.
fn explored(system: &Handovers) -> Result<Exploration, EngineError> {
    let small = Small::from(system.clone());
    let with = |visited_set, sleep_sets, transition_cache| {
        let options = Options { visited_set, sleep_sets, transition_cache, ..Options::default() };
        explore(&small, &options, &mut |_| ())
    };
    let plain = with(false, false, None)?;
    for (visited_set, sleep_sets) in [(true, true), (true, false), (false, true), (false, false)] {
        for transition_cache in caches() {
            let reduced = with(visited_set, sleep_sets, transition_cache)?;
            assert!(reduced.is_complete());
            assert_eq!(reduced.outcomes, plain.outcomes, "{system:?}");
            assert_eq!(reduced.final_states, plain.final_states, "{system:?}");
            assert_eq!(reduced.deadlocks, plain.deadlocks, "{system:?}");
        }
    }
    Ok(plain)
}

fn two(first: Vec<Statement>, second: Vec<Statement>, memory: MemoryModel) -> Handovers {
    Handovers { tasks: vec![(Role::Main, first), (Role::Main, second)], memory }
}

#[test]
fn who_looks_at_the_newest_store_depends_on_it() {
    let looks = vec![Section, Newest(0, 0)];
    let found =
        explored(&two(vec![Store(0, 1, Relaxed)], looks, MemoryModel::Relaxed)).expect("a sound system");
    assert_eq!(found.outcomes.len(), 2, "{:?}", found.outcomes);
}

#[test]
fn what_was_handed_over_is_seen_until_it_is_taken_back() {
    let flagged = |handing: Vec<Statement>| {
        let writer = [vec![Store(0, 1, Relaxed)], handing, vec![Store(1, 1, Relaxed)]].concat();
        let reader = vec![Load(1, Relaxed, 0), Join(0), Load(0, Relaxed, 1)];
        let found = explored(&two(writer, reader, MemoryModel::Relaxed)).expect("a sound system");
        // The flag without the data.
        found.outcomes.contains_key("[[0, 0, 0], [1, 0, 0]] [1, 1]")
    };
    assert!(flagged(Vec::new()));
    assert!(!flagged(vec![HandOver(0)]));
    assert!(flagged(vec![HandOver(0), Reset(0)]));
}

#[test]
fn what_was_only_observed_is_passed_on_where_releases_are_cumulative() {
    let lost = |observing: Vec<Statement>, memory| {
        let writer = vec![Store(0, 1, Relaxed), HandOver(0), Count];
        let middle = [vec![When(1)], observing, vec![Store(1, 1, Release)]].concat();
        let reader = vec![Load(1, Acquire, 0), Load(0, Relaxed, 1)];
        let tasks = [writer, middle, reader].map(|statements| (Role::Main, statements)).into();
        let found = explored(&Handovers { tasks, memory }).expect("a sound system");
        found.outcomes.contains_key("[[0, 0, 0], [0, 0, 0], [1, 0, 0]] [1, 1]")
    };
    assert!(lost(Vec::new(), MemoryModel::Cumulative));
    assert!(!lost(vec![Observe(0)], MemoryModel::Cumulative));
    assert!(lost(vec![Observe(0)], MemoryModel::Relaxed));
}

#[test]
fn who_observes_depends_on_what_is_handed_over() {
    // The middle may have observed before there was anything; the reader does not see what is there then.
    let tasks = [
        vec![Store(0, 1, Relaxed), HandOver(0)],
        vec![Section, Observe(0), Store(1, 1, Release)],
        vec![Load(1, Acquire, 0), Load(0, Relaxed, 1), Newest(0, 2)],
    ];
    let tasks = tasks.map(|statements| (Role::Main, statements)).into();
    let found = explored(&Handovers { tasks, memory: MemoryModel::Cumulative }).expect("a sound system");
    let unseen = "[[0, 0, 0], [0, 0, 0], [1, 0, 1]] [1, 1]";
    assert!(found.outcomes.contains_key(unseen), "{:?}", found.outcomes);
}

/// What the last of some actors reads, in relaxed memory.
fn read_by_the_last<const N: usize>(tasks: [(Role, Vec<Statement>); N]) -> BTreeSet<String> {
    let system = Handovers { tasks: tasks.into(), memory: MemoryModel::Relaxed };
    let outcomes = explored(&system).expect("a sound system").outcomes;
    let last = |outcome: &String| Some(outcome.split("]]").next()?.rsplit('[').next()?.to_owned());
    outcomes.keys().filter_map(last).collect()
}

#[test]
fn who_joins_depends_on_what_is_handed_over() {
    // Who joined before there was anything may read the old value when the new one is there.
    let read = read_by_the_last([
        (Role::Main, vec![Store(0, 1, Relaxed), HandOver(0)]),
        (Role::Main, vec![Section, Join(0), Load(0, Relaxed, 0), Newest(0, 1)]),
    ]);
    assert_eq!(Vec::from_iter(read), ["0, 0, 0", "0, 1, 0", "1, 1, 0"]);
}

#[test]
fn a_view_has_what_everybody_handed_over() {
    let writer = |word| (Role::Main, vec![Store(word, 1, Relaxed), HandOver(0), Count]);
    let reader = vec![When(2), Join(0), Load(0, Relaxed, 0), Load(1, Relaxed, 1)];
    let read = read_by_the_last([writer(0), writer(1), (Role::Main, reader)]);
    assert_eq!(Vec::from_iter(read), ["1, 1, 0"]);
}

#[test]
fn who_changes_the_data_of_a_lock_that_orders_passes_on_what_it_did() {
    let read = |signal, wait| {
        read_by_the_last([
            (Role::Main, vec![Store(0, 1, Relaxed), signal]),
            (Role::Main, vec![wait, Load(0, Relaxed, 0)]),
        ])
    };
    assert_eq!(Vec::from_iter(read(Signal, Await(1))), ["1, 0, 0"]);
    assert_eq!(Vec::from_iter(read(Count, When(1))), ["0, 0, 0", "1, 0, 0"], "the other lock orders nothing");
}

#[test]
fn the_newest_store_is_the_newest() {
    let read = read_by_the_last([
        (Role::Main, vec![Store(0, 1, Relaxed), Count]),
        (Role::Main, vec![When(1), Newest(0, 0)]),
    ]);
    assert_eq!(Vec::from_iter(read), ["1, 0, 0"]);
}

#[test]
fn a_daemon_may_read_what_is_old() {
    let read = read_by_the_last([
        (Role::Main, vec![Store(0, 1, Relaxed), Count]),
        (Role::Daemon, vec![When(1), Load(0, Relaxed, 0)]),
    ]);
    assert_eq!(Vec::from_iter(read), ["0, 0, 0", "1, 0, 0"]);
}

#[test]
fn more_looks_in_a_transition_than_can_be_told_are_a_limit() {
    let looks = |number| {
        let reader = [vec![Section], vec![Peek(0, 0); number]].concat();
        let system = Small::from(two(vec![Store(0, 1, Relaxed)], reader, MemoryModel::Relaxed));
        explore(&system, &Options::default(), &mut |_| ()).expect("a sound system").limits_hit
    };
    assert_eq!(looks(8), BTreeSet::new());
    assert_eq!(looks(9), BTreeSet::from([LimitHit::Messages]));
}

#[test]
fn who_finished_in_the_setup_pins_no_message() {
    let writers =
        || vec![(Role::Main, vec![Store(0, 1, Relaxed), Store(0, 2, Relaxed)]), (Role::Main, vec![Section])];
    let alone = Handovers { tasks: writers(), memory: MemoryModel::Relaxed };
    let mut served = alone.clone();
    served.tasks.push((Role::Daemon, vec![When(1), Count]));
    served.tasks.push((Role::Setup, vec![Section, Count, When(2)]));
    let states = |system: &Handovers| explored(system).expect("a sound system").final_states.len();
    assert_eq!(states(&served), states(&alone));
}

#[test]
fn what_is_read_before_anybody_moves_is_refused() {
    // Whether the second sees the store of the first would depend on who started first.
    let system = two(vec![Publish(0, 1), Section], vec![Peek(0, 0), Section], MemoryModel::Relaxed);
    assert!(matches!(explored(&system), Err(EngineError::ReadsBeforeItMoves { actor }) if actor == "task 1"));
}

fn statement() -> impl Strategy<Value = Vec<Statement>> {
    let word = || 0..2_usize;
    let view = || 0..2_usize;
    let visible = prop_oneof![
        3 => (word(), prop::sample::select(&[Relaxed, Acquire][..]), 0..REGISTERS)
            .prop_map(|(word, ordering, register)| Load(word, ordering, register)),
        3 => (word(), 1..3_u64, prop::sample::select(&[Relaxed, Release][..]))
            .prop_map(|(word, value, ordering)| Store(word, value, ordering)),
        2 => Just(Section),
        1 => (0..2_u64).prop_map(When),
    ];
    let silent = prop_oneof![
        2 => Just(Count),
        2 => (word(), 0..REGISTERS).prop_map(|(word, register)| Newest(word, register)),
        1 => (word(), 1..3_u64).prop_map(|(word, value)| Publish(word, value)),
        1 => (word(), 0..REGISTERS).prop_map(|(word, register)| Peek(word, register)),
        2 => view().prop_map(Join),
        2 => view().prop_map(Observe),
        3 => view().prop_map(HandOver),
        1 => view().prop_map(Reset),
    ];
    (visible, vec(silent, 0..=2)).prop_map(|(first, others)| [vec![first], others].concat())
}

fn system() -> impl Strategy<Value = Handovers> {
    let task = || vec(statement(), 1..=2).prop_map(|statements| statements.concat());
    let main = || task().prop_map(|statements| (Role::Main, statements));
    let daemon = task().prop_map(|statements| (Role::Daemon, statements));
    let memory = prop_oneof![Just(MemoryModel::Relaxed), Just(MemoryModel::Cumulative)];
    (vec(main(), 2..=3), prop::option::weighted(0.3, daemon), memory).prop_map(
        |(mut tasks, daemon, memory)| {
            tasks.extend(daemon);
            Handovers { tasks, memory }
        },
    )
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_reductions_are_not_noticed(system in system()) {
        explored(&system).expect("a sound system");
    }
}
