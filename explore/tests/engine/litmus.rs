//! Relaxed memory: the litmus tests that everybody knows, and random ones against the axioms.
//!
//! The names are those of the litmus literature (J. Alglave, L. Maranget, M. Tautschnig, "Herding cats", TOPLAS 2014;
//! the kernel's tools/memory-model/Documentation/litmus-tests.txt). Every test is also run by `common/axiomatic.rs`,
//! which knows nothing of views, and both must end in exactly the same states.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use Access::{Add, Exchange, Load, Lock, Peek, Publish, Store, Unlock};
use proptest::prelude::*;
use stalemap_explore::{
    Exploration, LimitHit, Limits, Options, ReplayError, Schedule, Step, explore, minimal_counterexample,
    replay, way_to_end,
};
use stalemap_facade::Ordering::{AcqRel, Acquire, Relaxed, Release};
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, MemoryModel, Op, Ordering, Role, System, View};

use crate::common::axiomatic;
use crate::common::litmus::{Access, Litmus, Locks, REGISTERS, Registers, Value, WORDS, observation};
use crate::common::names::properties;
use crate::common::random_litmus::litmus;
use crate::common::small::Small;
use crate::common::{caches, config};

const X: usize = 0;
const Y: usize = 1;
const Z: usize = 2;

const fn one(word: usize, ordering: Ordering) -> Access {
    Store(word, Value::Constant(1), ordering)
}

const fn two(word: usize, ordering: Ordering) -> Access {
    Store(word, Value::Constant(2), ordering)
}

/// Explores with every combination of the reductions; they must not be noticeable.
fn explored(litmus: &Litmus) -> Exploration {
    let system = Small::from(litmus.clone());
    let mut found: Option<Exploration> = None;
    for (visited_set, sleep_sets) in [(true, true), (true, false), (false, true), (false, false)] {
        for transition_cache in caches() {
            let options = Options { visited_set, sleep_sets, transition_cache, ..Options::default() };
            let other = explore(&system, &options, &mut |_| ()).expect("a litmus test can be explored");
            assert!(other.is_complete());
            if let Some(found) = &found {
                assert_eq!(found.outcomes, other.outcomes);
                assert_eq!(found.final_states, other.final_states);
                assert_eq!(found.deadlocks, other.deadlocks);
                if visited_set {
                    assert_eq!(found.statistics.states, other.statistics.states);
                }
            }
            found.get_or_insert(other);
        }
    }
    found.expect("explored at least once")
}

fn outcomes(litmus: &Litmus) -> BTreeSet<String> {
    let outcomes: BTreeSet<String> = explored(litmus).outcomes.into_keys().collect();
    assert_eq!(outcomes, axiomatic::outcomes(litmus), "{litmus:?}");
    outcomes
}

fn registers<const N: usize, const M: usize>(results: [[u64; M]; N]) -> Vec<Registers> {
    let fill = |given: &[u64; M]| {
        let mut registers = [0; REGISTERS];
        registers[..M].copy_from_slice(given);
        registers
    };
    results.iter().map(fill).collect()
}

/// Whether the threads can end with these registers.
fn ends_with<const N: usize, const M: usize, const T: usize>(
    threads: [Vec<Access>; T],
    results: [[u64; M]; N],
) -> bool {
    let text = observation(&registers(results), &[0; WORDS]);
    let wanted = text.rsplit_once('[').expect("ends with the memory").0;
    outcomes(&Litmus::relaxed(threads)).iter().any(|outcome| outcome.starts_with(wanted))
}

/// Whether the words can have these values in the end.
fn leaves<const T: usize>(threads: [Vec<Access>; T], memory: [u64; WORDS]) -> bool {
    let wanted = format!("{memory:?}");
    outcomes(&Litmus::relaxed(threads)).iter().any(|outcome| outcome.ends_with(&wanted))
}

fn message_passing(store: Ordering, load: Ordering) -> [Vec<Access>; 2] {
    [vec![one(X, Relaxed), one(Y, store)], vec![Load(Y, load, 0), Load(X, Relaxed, 1)]]
}

#[test]
fn mp_needs_both_a_release_and_an_acquire() {
    let flag_without_data = [[0, 0], [1, 0]];
    assert!(ends_with(message_passing(Relaxed, Relaxed), flag_without_data));
    assert!(ends_with(message_passing(Release, Relaxed), flag_without_data));
    assert!(ends_with(message_passing(Relaxed, Acquire), flag_without_data));
    assert!(!ends_with(message_passing(Release, Acquire), flag_without_data));
}

#[test]
fn mp_by_a_lock() {
    let reader = vec![Lock(0), Load(Y, Relaxed, 0), Load(X, Relaxed, 1), Unlock(0)];
    let locked = vec![Lock(0), one(X, Relaxed), one(Y, Relaxed), Unlock(0)];
    assert!(!ends_with([locked, reader.clone()], [[0, 0], [1, 0]]));
    // A section of each, and the accesses outside: the reader's may have been the first.
    let early = vec![one(X, Relaxed), Lock(0), Unlock(0), one(Y, Relaxed)];
    let late = vec![Lock(0), Unlock(0), Load(Y, Relaxed, 0), Load(X, Relaxed, 1)];
    assert!(ends_with([early, late], [[0, 0], [1, 0]]));
    let mut unordered = Litmus::relaxed([vec![Lock(0), one(X, Relaxed), one(Y, Relaxed), Unlock(0)], reader]);
    unordered.locks = Locks::OnlyExclude;
    let flag_without_data = observation(&registers([[0, 0], [1, 0]]), &[1, 1, 0]);
    assert!(outcomes(&unordered).contains(&flag_without_data));
}

#[test]
fn sb_is_allowed_whatever_is_released_and_acquired() {
    let thread = |mine, other, store, load| vec![one(mine, store), Load(other, load, 0)];
    let both = |store, load| [thread(X, Y, store, load), thread(Y, X, store, load)];
    assert!(ends_with(both(Relaxed, Relaxed), [[0], [0]]));
    assert!(ends_with(both(Release, Acquire), [[0], [0]]));
}

#[test]
fn sb_by_read_modify_writes_of_one_word_is_forbidden() {
    let thread = |mine, other| {
        vec![one(mine, Relaxed), Add(Z, Value::Constant(1), AcqRel, 1), Load(other, Relaxed, 0)]
    };
    for order in [[[0, 0], [0, 1]], [[0, 1], [0, 0]]] {
        assert!(!ends_with([thread(X, Y), thread(Y, X)], order));
    }
}

#[test]
fn lb_is_the_limit_of_the_model() {
    // C++20 and the kernel's model allow it: a load that reads what comes of a store behind itself.
    let thread = |mine, other| vec![Load(other, Relaxed, 0), one(mine, Relaxed)];
    assert!(!ends_with([thread(X, Y), thread(Y, X)], [[1], [1]]));
}

#[test]
fn corr_one_reader_never_goes_back() {
    let reader = || vec![Load(X, Relaxed, 0), Load(X, Relaxed, 1)];
    assert!(!ends_with([vec![one(X, Relaxed)], reader()], [[0, 0], [1, 0]]));
    // And two agree on the order.
    let writers = [vec![one(X, Relaxed)], vec![two(X, Relaxed)]];
    let [first, second] = writers;
    assert!(!ends_with([first, second, reader(), reader()], [[0, 0], [0, 0], [1, 2], [2, 1]]));
}

#[test]
fn cowr_one_does_not_read_what_is_older_than_ones_own_store() {
    let threads = || [vec![one(X, Relaxed), Load(X, Relaxed, 0)], vec![two(X, Relaxed)]];
    assert!(!ends_with(threads(), [[0], [0]]));
    assert!(ends_with(threads(), [[2], [0]]));
    // Having read 2, it is the older one that is overwritten.
    let seen = observation(&registers([[2], [0]]), &[1, 0, 0]);
    assert!(!outcomes(&Litmus::relaxed(threads())).contains(&seen));
}

#[test]
fn corw_one_does_not_overwrite_what_one_has_read() {
    let threads = || [vec![Load(X, Relaxed, 0), one(X, Relaxed)], vec![two(X, Relaxed)]];
    let before = observation(&registers([[2], [0]]), &[2, 0, 0]);
    assert!(!outcomes(&Litmus::relaxed(threads())).contains(&before));
}

#[test]
fn an_exchange_that_fails_acquires_nothing() {
    let reader = |ordering| {
        let exchange = Exchange { word: Y, current: 0, new: Value::Constant(2), ordering, register: 0 };
        vec![exchange, Load(X, Relaxed, 1)]
    };
    let writer = || vec![one(X, Relaxed), one(Y, Release)];
    assert!(ends_with([writer(), reader(AcqRel)], [[0, 0], [1, 0]]));
    assert!(ends_with([writer(), reader(Acquire)], [[0, 0], [1, 0]]));
}

#[test]
fn more_messages_than_can_be_told_apart_are_a_limit() {
    let stores =
        |number| Small::from(Litmus::relaxed([vec![one(X, Relaxed); number], vec![Load(X, Relaxed, 0)]]));
    let most = explore(&stores(15), &Options::default(), &mut |_| ()).expect("a litmus test can be explored");
    assert!(most.is_complete());
    let more = explore(&stores(16), &Options::default(), &mut |_| ()).expect("a litmus test can be explored");
    assert!(more.limits_hit.contains(&LimitHit::Messages), "{:?}", more.limits_hit);
    assert!(!more.is_complete());
    // Nor is the least way to an end known: what was left out may have been cheaper.
    for end in &more.ends {
        assert_eq!(way_to_end(&stores(16), end, &Limits::default()), Ok(None));
    }
}

#[test]
fn two_plus_two_writes_in_opposite_orders() {
    let thread = |first, second, ordering| vec![one(first, Relaxed), two(second, ordering)];
    assert!(leaves([thread(X, Y, Relaxed), thread(Y, X, Relaxed)], [1, 1, 0]));
    // Release alone does not help, in C++20: nobody acquires.
    assert!(leaves([thread(X, Y, Release), thread(Y, X, Release)], [1, 1, 0]));
}

#[test]
fn s_and_r() {
    let s = |store, load| [vec![two(X, Relaxed), one(Y, store)], vec![Load(Y, load, 0), one(X, Relaxed)]];
    let overwritten = |threads| {
        let wanted = observation(&registers([[0], [1]]), &[2, 1, 0]);
        outcomes(&Litmus::relaxed(threads)).contains(&wanted)
    };
    assert!(overwritten(s(Relaxed, Relaxed)));
    assert!(!overwritten(s(Release, Acquire)));
    let r = [vec![one(X, Release), one(Y, Release)], vec![two(Y, Release), Load(X, Acquire, 0)]];
    let wanted = observation(&registers([[0], [0]]), &[1, 2, 0]);
    assert!(outcomes(&Litmus::relaxed(r)).contains(&wanted));
}

fn write_to_read_causality(middle: Ordering, last: Ordering) -> [Vec<Access>; 3] {
    [
        vec![one(X, Relaxed)],
        vec![Load(X, Relaxed, 0), one(Y, middle)],
        vec![Load(Y, last, 0), Load(X, Relaxed, 1)],
    ]
}

#[test]
fn wrc_what_a_releasing_thread_has_read_is_released() {
    let lost = [[0, 0], [1, 0], [1, 0]];
    assert!(ends_with(write_to_read_causality(Relaxed, Relaxed), lost));
    assert!(ends_with(write_to_read_causality(Relaxed, Acquire), lost));
    assert!(!ends_with(write_to_read_causality(Release, Acquire), lost));
}

#[test]
fn wrc_a_cumulative_release_passes_on_what_was_only_read() {
    // The middle thread reads a release without acquiring it, and releases in turn.
    let threads = [
        vec![one(X, Relaxed), one(Y, Release)],
        vec![Load(Y, Relaxed, 0), one(Z, Release)],
        vec![Load(Z, Acquire, 0), Load(X, Relaxed, 1)],
    ];
    let lost = observation(&registers([[0, 0], [1, 0], [1, 0]]), &[1, 1, 1]);
    let mut litmus = Litmus::relaxed(threads);
    assert!(outcomes(&litmus).contains(&lost));
    litmus.memory = MemoryModel::Cumulative;
    assert!(!outcomes(&litmus).contains(&lost));
    // It sees no more than before itself.
    litmus.threads.truncate(1);
    litmus.threads.push(vec![Load(Y, Relaxed, 0), one(Z, Release), Load(X, Relaxed, 1)]);
    let behind = observation(&registers([[0, 0], [1, 0]]), &[1, 1, 1]);
    assert!(outcomes(&litmus).contains(&behind));
}

#[test]
fn isa2_releases_add_up() {
    let chain = |ordering| {
        [
            vec![one(X, Relaxed), one(Y, Release)],
            vec![Load(Y, ordering, 0), one(Z, Release)],
            vec![Load(Z, Acquire, 0), Load(X, Relaxed, 1)],
        ]
    };
    let lost = [[0, 0], [1, 0], [1, 0]];
    assert!(!ends_with(chain(Acquire), lost));
    assert!(ends_with(chain(Relaxed), lost));
}

#[test]
fn iriw_two_readers_need_not_agree() {
    let reader = |first, second| vec![Load(first, Acquire, 0), Load(second, Acquire, 1)];
    let threads = [vec![one(X, Release)], vec![one(Y, Release)], reader(X, Y), reader(Y, X)];
    assert!(ends_with(threads, [[0, 0], [0, 0], [1, 0], [1, 0]]));
}

#[test]
fn a_read_modify_write_continues_a_release_sequence_and_a_store_does_not() {
    let writer = || vec![one(X, Relaxed), one(Y, Release)];
    let reader = || vec![Load(Y, Acquire, 0), Load(X, Relaxed, 1)];
    // One that releases itself adds to what it has read.
    for ordering in [Relaxed, Release] {
        let by_add = vec![Add(Y, Value::Constant(1), ordering, 0)];
        assert!(!ends_with([writer(), by_add, reader()], [[0, 0], [1, 0], [2, 0]]));
    }
    let by_store = vec![Load(Y, Relaxed, 0), two(Y, Relaxed)];
    assert!(ends_with([writer(), by_store, reader()], [[0, 0], [1, 0], [2, 0]]));
    // C++11 let the releasing thread's own later stores continue it; C++20 does not.
    let own = vec![one(X, Relaxed), one(Y, Release), two(Y, Relaxed)];
    assert!(ends_with([own, reader()], [[0, 0], [2, 0]]));
}

#[test]
fn what_is_published_or_looked_at_in_passing_orders_as_it_says() {
    let unordered = |publish, look: Vec<Access>| {
        let writer = vec![one(X, Relaxed), Publish(Y, Value::Constant(1), publish)];
        let reader = [look, vec![Load(X, Relaxed, 1)]].concat();
        // The transition of the store to X publishes Y, so that nobody can come between.
        ends_with([writer, reader], [[0, 0], [1, 0]])
    };
    let acquired = || vec![Load(Y, Acquire, 0)];
    assert!(!unordered(Release, acquired()));
    assert!(unordered(Relaxed, acquired()));
    assert!(unordered(Release, vec![Lock(0), Peek(Y, 0), Unlock(0)]), "a look acquires nothing");
}

#[test]
fn no_increment_is_lost() {
    let increment = || vec![Add(X, Value::Constant(1), Relaxed, 0)];
    let ends = outcomes(&Litmus::relaxed([increment(), increment(), increment()]));
    assert!(ends.iter().all(|end| end.ends_with("[3, 0, 0]")));
    // Only one of two exchanges wins.
    let take = |new| {
        vec![Exchange { word: X, current: 0, new: Value::Constant(new), ordering: Relaxed, register: 0 }]
    };
    assert!(!ends_with([take(1), take(2)], [[0], [0]]));
    // A store may come before the exchange that has not seen it, and never between it and what it read.
    let store = vec![Store(X, Value::Constant(5), Relaxed)];
    assert!(leaves([take(1), store.clone()], [5, 0, 0]));
    assert!(!leaves([take(1), store], [1, 0, 0]));
}

#[test]
fn a_counter_under_a_lock_that_orders_nothing_loses_an_increment() {
    let increment = || vec![Lock(0), Peek(X, 0), Publish(X, Value::Successor(0), Relaxed), Unlock(0)];
    let mut litmus = Litmus::relaxed([increment(), increment()]);
    assert_eq!(outcomes(&litmus).len(), 2, "one first, or the other");
    litmus.locks = Locks::OnlyExclude;
    let lost = observation(&registers([[0], [0]]), &[1, 0, 0]);
    assert!(outcomes(&litmus).contains(&lost));
}

#[test]
fn sequentially_consistent_memory_shows_none_of_it() {
    let mut litmus = Litmus::relaxed(message_passing(Relaxed, Relaxed));
    litmus.memory = MemoryModel::Sequential;
    let found = explored(&litmus);
    assert_eq!(found.outcomes.len(), 3);
    let relaxed = explored(&Litmus::relaxed(message_passing(Relaxed, Relaxed)));
    assert_eq!(relaxed.outcomes.len(), 4);
}

/// What a history leaves that nobody can tell from another is one state.
#[test]
fn histories_that_nobody_can_tell_apart_are_one_state() {
    let store = || vec![one(X, Relaxed)];
    let found = explored(&Litmus::relaxed([store(), store()]));
    // Nobody, one, the other, both.
    assert_eq!(found.statistics.states, 4);
    assert_eq!(found.statistics.final_states, 1);
}

/// Message passing by a hand-over, with somebody who complains about a message that is lost. `kept`: whether the
/// writer releases.
pub(crate) struct HandOver {
    kept: bool,
}

pub(crate) struct Desk<B: Backend> {
    backend: B,
    data: B::Atomic,
    flag: B::Atomic,
    view: B::View,
}

impl System for HandOver {
    type World<B: Backend> = Desk<B>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Desk<B> {
        Desk {
            backend: backend.clone(),
            data: backend.atomic("data", 0),
            flag: backend.atomic("flag", 0),
            view: backend.view("desk"),
        }
    }

    fn memory(&self) -> MemoryModel {
        MemoryModel::Relaxed
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let spec = |name: &str| ActorSpec { name: name.to_owned(), role: Role::Main };
        vec![spec("writer"), spec("reader")]
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(&self, desk: &Desk<B>, me: ActorId, (): ()) -> ControlFlow<(), ()> {
        if me == 0 {
            desk.data.store(Op::new("data"), 1, Relaxed).await;
            if self.kept {
                desk.view.release();
            }
            desk.flag.store(Op::new("flag"), 1, Relaxed).await;
        } else if desk.flag.load(Op::new("flag"), Relaxed).await == 1 {
            desk.view.acquire();
            if desk.data.load(Op::new("data"), Relaxed).await == 0 {
                desk.backend.violate(properties::LOST_WRITE, || "the message is lost".to_owned());
            }
        }
        ControlFlow::Break(())
    }
}

#[test]
fn a_counterexample_says_what_was_read_and_can_be_replayed() {
    let holds =
        explore(&Small::from(HandOver { kept: true }), &Options::default(), &mut |_| ()).expect("explored");
    assert!(holds.is_complete() && holds.violated == 0);

    let broken = Small::from(HandOver { kept: false });
    let least = minimal_counterexample(&broken, properties::LOST_WRITE, &Limits::default())
        .expect("explored")
        .expect("broken");
    assert!(least.certified);
    assert_eq!((least.preemptions, least.operations), (0, 4));
    let steps: Vec<Step> = least.schedule.iter().map(|choice| choice.to_step(&broken.actors())).collect();
    let text: Vec<String> = steps.iter().map(ToString::to_string).collect();
    assert_eq!(text, ["writer: data", "writer: flag", "reader: flag", "reader: data older 1"]);
    let schedule = Schedule { steps, ..Schedule::default() };
    let read = Schedule::parse(&schedule.to_string()).expect("written by us");
    let played = replay(&broken, &read.steps).expect("a counterexample can be replayed");
    assert_eq!(played.violated, [properties::LOST_WRITE]);
    assert_eq!(played.played[3].events[0].words(), "data is still seen as 0, 1 store behind");

    let mut wrong = read.steps;
    wrong[3].older = vec![2];
    assert!(matches!(replay(&broken, &wrong), Err(ReplayError::DoesNotFit { line: Some(6), .. })));
    wrong[3].older = vec![1, 1];
    assert!(replay(&broken, &wrong).is_err());
    wrong[3].older = vec![99];
    assert!(replay(&broken, &wrong).is_err());
}

proptest! {
    #![proptest_config(config(200))]

    /// Exactly the outcomes of the axioms, whatever the reductions.
    #[test]
    fn random_litmus_tests_end_as_the_axioms_say(litmus in litmus()) {
        let found: BTreeSet<String> = explored(&litmus).outcomes.into_keys().collect();
        prop_assert_eq!(found, axiomatic::outcomes(&litmus));
    }

    /// Each memory, and each ordering less, adds outcomes and takes none away.
    #[test]
    fn weakening_takes_nothing_away(litmus in litmus()) {
        let with = |memory, locks| explored(&Litmus { locks, memory, ..litmus.clone() }).outcomes;
        let from_strong_to_weak = [
            with(MemoryModel::Sequential, Locks::Order),
            with(MemoryModel::Cumulative, Locks::Order),
            with(MemoryModel::Relaxed, Locks::Order),
            with(MemoryModel::Relaxed, Locks::OnlyExclude),
        ];
        for pair in from_strong_to_weak.windows(2) {
            for outcome in pair[0].keys() {
                prop_assert!(pair[1].contains_key(outcome), "{}", outcome);
            }
        }
        let exclusive = with(MemoryModel::Cumulative, Locks::OnlyExclude);
        for outcome in from_strong_to_weak[1].keys() {
            prop_assert!(exclusive.contains_key(outcome), "{}", outcome);
        }
    }
}
