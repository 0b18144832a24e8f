//! Relaxed memory against loom's: whatever loom can end with, the exhaustive engine ends with as well.
//!
//! Random litmus tests are written for loom's own atomics and mutexes here, each with the orderings that it has, past
//! the gate of the facade that makes everything sequentially consistent. loom misses outcomes (a store never comes
//! before what others have stored, a load that was first is never tried behind a store), so its outcomes are some of
//! ours; one that is not among them would be a behaviour that our memory forbids and an implementation of the same
//! rules that is not ours allows.
//!
//! There are such, and they are loom's: it keeps no total order of the stores to a word. A store comes between the
//! two halves of a read-modify-write (issues 254 and 389), and what a thread has stored last is not the last (282).
//! Both are kept as tests, and random tests leave them out: a word is stored into by one thread, or by
//! read-modify-writes only.

use std::collections::BTreeSet;

use crate::common::config;
use crate::common::directly::under_loom_directly;
use crate::common::litmus::{Access, LOCKS, Litmus, REGISTERS, Registers, Value, WORDS, observation};
use crate::common::random_litmus::plain_litmus;
use crate::common::small::Small;
use loom::sync::atomic::{AtomicU64, Ordering as Order};
use loom::sync::{Arc, Mutex, MutexGuard};
use proptest::prelude::*;
use stalemap_explore::{Options, explore};
use stalemap_facade::Ordering;
use stalemap_facade::Ordering::{AcqRel, Acquire, Relaxed, Release};

fn ours(litmus: &Litmus) -> BTreeSet<String> {
    let system = Small::from(litmus.clone());
    let found = explore(&system, &Options::default(), &mut |_| ()).expect("a litmus test can be explored");
    assert!(found.is_complete());
    found.outcomes.into_keys().collect()
}

/// An ordering as loom takes it, of a read-modify-write.
fn of_both(ordering: Ordering) -> Order {
    match ordering {
        Relaxed => Order::Relaxed,
        Acquire => Order::Acquire,
        Release => Order::Release,
        AcqRel => Order::AcqRel,
    }
}

fn of_load(ordering: Ordering) -> Order {
    match ordering {
        Acquire | AcqRel => Order::Acquire,
        Relaxed | Release => Order::Relaxed,
    }
}

fn of_store(ordering: Ordering) -> Order {
    match ordering {
        Release | AcqRel => Order::Release,
        Relaxed | Acquire => Order::Relaxed,
    }
}

struct Shared {
    words: [AtomicU64; WORDS],
    locks: [Mutex<()>; LOCKS],
}

/// One thread, on loom.
fn run(shared: &Shared, accesses: &[Access]) -> Registers {
    let mut registers = [0; REGISTERS];
    let mut held: [Option<MutexGuard<'_, ()>>; LOCKS] = [None, None];
    let r = &mut registers;
    for access in accesses {
        match *access {
            Access::Load(word, ordering, register) => {
                r[register] = shared.words[word].load(of_load(ordering));
            }
            Access::Store(word, value, ordering) => {
                shared.words[word].store(value.of(r), of_store(ordering));
            }
            Access::Add(word, value, ordering, register) => {
                r[register] = shared.words[word].fetch_add(value.of(r), of_both(ordering));
            }
            Access::Exchange { word, current, new, ordering, register } => {
                let new = new.of(r);
                // One that fails orders nothing.
                let result =
                    shared.words[word].compare_exchange(current, new, of_both(ordering), Order::Relaxed);
                r[register] = result.unwrap_or_else(|seen| seen);
            }
            Access::Lock(lock) => held[lock] = Some(shared.locks[lock].lock().expect("nobody panics")),
            Access::Unlock(lock) => held[lock] = None,
            Access::Publish(..) | Access::Peek(..) => unreachable!("not in a plain litmus test"),
        }
    }
    registers
}

/// Executions that loom gets for one test. Few have more, and those would take most of the time.
const MOST_EXECUTIONS: usize = 1_000;

/// What loom ends with. Its first thread runs the first thread of the test.
fn looms(litmus: &Litmus) -> BTreeSet<String> {
    let threads = litmus.threads.clone();
    under_loom_directly(Some(MOST_EXECUTIONS), move |seen| {
        let shared = Arc::new(Shared {
            words: std::array::from_fn(|_| AtomicU64::new(0)),
            locks: std::array::from_fn(|_| Mutex::new(())),
        });
        let others: Vec<_> = threads[1..]
            .iter()
            .map(|accesses| {
                let (shared, accesses) = (Arc::clone(&shared), accesses.clone());
                loom::thread::spawn(move || run(&shared, &accesses))
            })
            .collect();
        let mut results = vec![run(&shared, &threads[0])];
        results.extend(others.into_iter().map(|thread| thread.join().expect("a thread returns")));
        // Behind all threads there is nothing but the latest store to read.
        let memory = shared.words.each_ref().map(|word| word.load(Order::Acquire));
        seen.lock().expect("nobody panics").insert(observation(&results, &memory));
    })
}

#[test]
fn loom_shows_what_sequential_consistency_forbids() {
    // Otherwise its outcomes would be among ours whatever our memory does.
    let one = |word, ordering| Access::Store(word, Value::Constant(1), ordering);
    let passing = |store, load| {
        let reader = vec![Access::Load(1, load, 0), Access::Load(0, Relaxed, 1)];
        Litmus::relaxed([vec![one(0, Relaxed), one(1, store)], reader])
    };
    let flag_without_data = observation(&[[0; REGISTERS], [1, 0, 0, 0]], &[1, 1, 0]);
    let weak = passing(Relaxed, Relaxed);
    assert!(looms(&weak).contains(&flag_without_data));
    assert!(ours(&weak).contains(&flag_without_data));
    let strong = passing(Release, Acquire);
    assert!(!looms(&strong).contains(&flag_without_data));
    assert!(!ours(&strong).contains(&flag_without_data));
}

/// Who writes a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Writer {
    /// One thread, by stores.
    Thread(usize),
    /// Everybody, by read-modify-writes.
    Everybody,
}

/// The same test with accesses of other kinds where somebody writes who does not write the word.
fn with_writers(mut litmus: Litmus, writers: [Writer; WORDS]) -> Litmus {
    for (thread, accesses) in litmus.threads.iter_mut().enumerate() {
        for access in accesses {
            *access = match *access {
                Access::Store(word, value, ordering) => match writers[word] {
                    Writer::Thread(writer) if writer == thread => *access,
                    Writer::Thread(_) => Access::Load(word, Acquire, 0),
                    Writer::Everybody => Access::Add(word, value, ordering, 0),
                },
                Access::Add(word, value, ordering, register)
                | Access::Exchange { word, new: value, ordering, register, .. } => match writers[word] {
                    Writer::Everybody => *access,
                    Writer::Thread(writer) if writer == thread => Access::Store(word, value, ordering),
                    Writer::Thread(_) => Access::Load(word, ordering, register),
                },
                other => other,
            };
        }
    }
    litmus
}

fn ordered_by_loom() -> impl Strategy<Value = Litmus> {
    let writer = || prop_oneof![2 => (0..3_usize).prop_map(Writer::Thread), 1 => Just(Writer::Everybody)];
    (plain_litmus(), [writer(), writer(), writer()])
        .prop_map(|(litmus, writers)| with_writers(litmus, writers))
}

#[test]
fn loom_issues_254_and_389_a_store_comes_between_the_halves_of_a_read_modify_write() {
    let store = Access::Store(0, Value::Constant(1), Relaxed);
    let add = Access::Add(0, Value::Constant(2), Relaxed, 0);
    let litmus = Litmus::relaxed([vec![store], vec![add]]);
    let lost_store = observation(&[[0; REGISTERS], [0; REGISTERS]], &[2, 0, 0]);
    assert!(looms(&litmus).contains(&lost_store));
    assert!(!ours(&litmus).contains(&lost_store));
}

#[test]
fn loom_issue_282_what_a_thread_stored_last_is_not_the_last() {
    let store = |value| Access::Store(0, Value::Constant(value), Relaxed);
    let litmus = Litmus::relaxed([vec![store(2), store(1)], vec![store(1), Access::Load(0, Relaxed, 0)]]);
    // The last of all is the second store of the one or that of the other, and both are of 1.
    let neither = observation(&[[0; REGISTERS], [2, 0, 0, 0]], &[2, 0, 0]);
    assert!(looms(&litmus).contains(&neither));
    assert!(!ours(&litmus).contains(&neither));
}

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn what_loom_ends_with_is_among_our_outcomes(litmus in ordered_by_loom()) {
        let ours = ours(&litmus);
        let only_looms: Vec<String> = looms(&litmus).into_iter().filter(|end| !ours.contains(end)).collect();
        prop_assert_eq!(only_looms, Vec::<String>::new());
    }
}
