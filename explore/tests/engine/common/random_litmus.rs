//! How random litmus tests are drawn: few words, so that threads meet, and few accesses, so that the axioms can be
//! asked.

use proptest::collection::vec;
use proptest::prelude::*;
use stalemap_facade::Ordering::{AcqRel, Acquire, Relaxed, Release};
use stalemap_facade::{MemoryModel, Ordering};

use super::litmus::Access::{Add, Exchange, Load, Lock, Peek, Publish, Store, Unlock};
use super::litmus::{Access, Litmus, Locks, REGISTERS, Value};

/// The word that a lock guards, but for those who look at it without.
const Z: usize = 2;

fn ordering(of: &'static [Ordering]) -> impl Strategy<Value = Ordering> {
    prop::sample::select(of)
}

fn word() -> impl Strategy<Value = usize> {
    0..2_usize
}

fn register() -> impl Strategy<Value = usize> {
    0..REGISTERS
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![3 => (1..3_u64).prop_map(Value::Constant), 1 => (0..2_usize).prop_map(Value::Successor)]
}

fn access() -> impl Strategy<Value = Vec<Access>> {
    prop_oneof![10 => of_its_own(), 1 => within_a_transition()]
}

/// A locked section whose accesses are part of the locking and of the unlocking.
fn within_a_transition() -> impl Strategy<Value = Vec<Access>> {
    (0..2_usize, register()).prop_map(|(lock, register)| {
        vec![Lock(lock), Peek(Z, register), Publish(Z, Value::Successor(register), Relaxed), Unlock(lock)]
    })
}

/// Accesses of which each is a transition.
fn of_its_own() -> impl Strategy<Value = Vec<Access>> {
    let any = || ordering(&[Relaxed, Acquire, Release, AcqRel]);
    let locked = (word(), value(), register()).prop_map(|(word, value, register)| {
        vec![Lock(0), Load(word, Relaxed, register), Store(1 - word, value, Relaxed), Unlock(0)]
    });
    prop_oneof![
        4 => (word(), ordering(&[Relaxed, Acquire]), register())
            .prop_map(|(word, ordering, register)| vec![Load(word, ordering, register)]),
        1 => (ordering(&[Relaxed, Acquire]), register())
            .prop_map(|(ordering, register)| vec![Load(Z, ordering, register)]),
        4 => (word(), value(), ordering(&[Relaxed, Release]))
            .prop_map(|(word, value, ordering)| vec![Store(word, value, ordering)]),
        1 => (word(), value(), any(), register())
            .prop_map(|(word, value, ordering, register)| vec![Add(word, value, ordering, register)]),
        1 => (word(), 0..2_u64, value(), any(), register()).prop_map(
            |(word, current, new, ordering, register)| {
                vec![Exchange { word, current, new, ordering, register }]
            }
        ),
        1 => locked,
    ]
}

/// Threads that are together small enough for the axioms.
fn threads(
    access: impl Strategy<Value = Vec<Access>> + Clone + 'static,
) -> impl Strategy<Value = Vec<Vec<Access>>> {
    let thread = move || vec(access.clone(), 1..=3).prop_map(|accesses| accesses.concat());
    prop_oneof![3 => vec(thread(), 2), 2 => vec(thread(), 3)].prop_filter("small enough", |threads| {
        let visible = |access: &&Access| !matches!(access, Unlock(_));
        threads.iter().flatten().filter(visible).count() <= 8
    })
}

pub(crate) fn litmus() -> impl Strategy<Value = Litmus> {
    let locks = prop_oneof![Just(Locks::Order), Just(Locks::OnlyExclude)];
    let memory = prop_oneof![Just(MemoryModel::Relaxed), Just(MemoryModel::Cumulative)];
    (threads(access().boxed()), locks, memory).prop_map(|(threads, locks, memory)| Litmus {
        threads,
        locks,
        memory,
    })
}

/// In relaxed memory, of what every library has: no access within the transition of another, and locks that order.
pub(crate) fn plain_litmus() -> impl Strategy<Value = Litmus> {
    let memory = MemoryModel::Relaxed;
    threads(of_its_own().boxed()).prop_map(move |threads| Litmus { threads, locks: Locks::Order, memory })
}
