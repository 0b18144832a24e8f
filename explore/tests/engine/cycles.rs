//! What the search for cycles takes of memory, and what is said when it is too much.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use stalemap_explore::{Exploration, LimitHit, Limits, Options, explore, minimal_counterexample};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{
    ActorId, ActorSpec, Atomic, Backend, Leaf as _, Lock, MemoryModel, Op, Property, Role, System,
};

use crate::common::small::Small;

const LOCK: Op = Op::new("lock");
const LOOK: Op = Op::new("look");
const STORE: Op = Op::new("store");
const TURN: Op = Op::new("turn");

#[derive(Clone, Copy)]
pub(crate) enum Rounds {
    /// A writer that comes to its end, two readers that read anything old, and one that goes round for ever.
    Old,
    /// Four that turn their words for ever.
    Turns,
    /// One that locks for ever, one that stores more messages than can be told apart, and one that would choose from them while it
    /// locks.
    Messages,
}

pub(crate) struct World<B: Backend> {
    words: [B::Atomic; 4],
    lock: B::Lock<u64>,
    /// Nobody touches them; a complete state has them all.
    rest: Vec<B::Leaf<u64>>,
}

const AGAIN: ControlFlow<(), u64> = ControlFlow::Continue(0);

impl System for Rounds {
    type World<B: Backend> = World<B>;
    type State = u64;

    fn memory(&self) -> MemoryModel {
        match self {
            Rounds::Turns => MemoryModel::Sequential,
            Rounds::Old | Rounds::Messages => MemoryModel::Relaxed,
        }
    }

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        World {
            words: std::array::from_fn(|_| backend.atomic("word", 0)),
            lock: backend.lock("lock", 0),
            rest: (0..64).map(|_| backend.leaf("rest", 0)).collect(),
        }
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let names: &[&str] = match self {
            Rounds::Old => &["writer", "one", "other", "spinner"],
            Rounds::Turns => &["a", "b", "c", "d"],
            Rounds::Messages => &["locks", "writer", "looks"],
        };
        names.iter().map(|name| ActorSpec { name: (*name).to_owned(), role: Role::Main }).collect()
    }

    fn start(&self, _: ActorId) -> u64 {
        0
    }

    async fn step<B: Backend>(&self, w: &World<B>, me: ActorId, round: u64) -> ControlFlow<(), u64> {
        let most = match (self, me) {
            (Rounds::Old, 3) => {
                drop(w.lock.lock(LOCK).await);
                return AGAIN;
            }
            (Rounds::Turns, _) => {
                w.words[me].store(TURN, (round + 1) % 4, Relaxed).await;
                return ControlFlow::Continue((round + 1) % 4);
            }
            (Rounds::Messages, 0) => {
                let held = w.lock.lock(LOCK).await;
                w.words[1].load(LOOK, Relaxed).await;
                drop(held);
                return AGAIN;
            }
            (Rounds::Messages, 2) => {
                let held = w.lock.lock(LOCK).await;
                w.words[0].peek();
                drop(held);
                return ControlFlow::Break(());
            }
            (Rounds::Old, 1 | 2) => {
                w.words[0].load(LOOK, Relaxed).await;
                3
            }
            (Rounds::Old, _) => {
                w.words[0].store(STORE, round + 1, Relaxed).await;
                6
            }
            (Rounds::Messages, _) => {
                w.words[0].store(STORE, round + 1, Relaxed).await;
                17
            }
        };
        if round + 1 < most { ControlFlow::Continue(round + 1) } else { ControlFlow::Break(()) }
    }

    fn observe<B: Backend>(&self, w: &World<B>) -> Option<String> {
        Some(w.rest.iter().map(|rest| rest.read(|value| *value)).sum::<u64>().to_string())
    }
}

fn explored(system: Rounds, memory: Option<u64>) -> Exploration {
    // Known transitions would count.
    let limits = Limits { memory, ..Limits::default() };
    let options = Options { transition_cache: None, limits, ..Options::default() };
    explore(&Small::from(system), &options, &mut |_| ()).expect("a sound system")
}

#[test]
fn what_waits_to_be_begun_with_counts() {
    let all = explored(Rounds::Old, None);
    assert_eq!((all.violated, all.limits_hit.len()), (Property::LIVELOCK.bit(), 0));
    // Of each state that is met by reading something old, 64 values and more are kept; of the others much less is.
    let states = all.statistics.states;
    let few = explored(Rounds::Old, Some(600 * states));
    assert_eq!(few.statistics, all.statistics, "the search itself has room");
    assert_eq!(few.limits_hit, BTreeSet::from([LimitHit::Memory]));
    assert_eq!(explored(Rounds::Old, Some(8_000 * states)), all);
    let least = |memory| {
        let limits = Limits { memory: Some(memory), ..Limits::default() };
        let found = minimal_counterexample(&Small::from(Rounds::Old), Property::LIVELOCK, &limits);
        found.expect("a sound system").is_some()
    };
    assert_eq!((least(600 * states), least(100_000 * states)), (false, true));
}

#[test]
fn a_livelock_is_said_with_its_way() {
    let all = explored(Rounds::Turns, None);
    assert_eq!((all.statistics.states, all.violated), (256, Property::LIVELOCK.bit()));
    let cycle = all.lasso.expect("a livelock has one").cycle;
    assert_eq!(cycle.len(), 4 * 4);
    // The cycles are 256 states; the ways round are many more.
    let few = explored(Rounds::Turns, Some(1 << 20));
    assert_eq!(few.limits_hit, BTreeSet::from([LimitHit::Memory]));
    assert_eq!((few.statistics, few.violated, few.lasso), (all.statistics, 0, None));
}

#[test]
fn messages_that_cannot_be_told_apart_hide_no_livelock() {
    let found = explored(Rounds::Messages, None);
    assert_eq!(found.limits_hit, BTreeSet::from([LimitHit::Messages]));
    assert_eq!(found.violated, Property::LIVELOCK.bit());
    let cycle = found.lasso.expect("a livelock has one").cycle;
    assert!(cycle.iter().all(|choice| choice.actor == 0) && cycle.len() == 2, "{cycle:?}");
}
