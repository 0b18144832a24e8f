//! Peterson's lock: correct, and in a loop while the other is inside.
//!
//! G. L. Peterson, "Myths about the mutual exclusion problem", Information Processing Letters 12(3), 1981. It spins, so
//! its state graph has cycles; whether they are livelocks is a question of fairness.

use std::ops::ControlFlow;

use stalemap_explore::{Limits, Options, explore, minimal_counterexample};
use stalemap_facade::{
    ActorId, ActorSpec, Atomic, Backend, Leaf, MemoryModel, Op, Ordering, Property, Role, System,
};

use crate::common::small::Small;

/// Two are inside at once.
const BOTH_INSIDE: Property = Property::new(0, "both-inside");

/// Which of the lock's two stores comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    /// As in the paper.
    Flag,
    /// A mistake: both may pass.
    Turn,
}

pub(crate) struct Peterson {
    memory: MemoryModel,
    first: First,
}

pub(crate) struct World<B: Backend> {
    backend: B,
    wants: [B::Atomic; 2],
    turn: B::Atomic,
    inside: B::Leaf<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum At {
    Announcing,
    Yielding,
    AskingWhoWants,
    AskingWhoseTurn,
    Entering,
    Leaving,
}

impl<B: Backend> World<B> {
    async fn announce(&self, me: ActorId) {
        self.wants[me].store(Op::on("want", me as u32), 1, Ordering::Release).await;
    }

    async fn yield_to(&self, other: ActorId) {
        self.turn.store(Op::on("yield to", other as u32), other as u64, Ordering::Release).await;
    }
}

impl System for Peterson {
    type World<B: Backend> = World<B>;
    type State = At;

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        World {
            backend: backend.clone(),
            wants: [backend.atomic("wants 0", 0), backend.atomic("wants 1", 0)],
            turn: backend.atomic("turn", 0),
            inside: backend.leaf("inside", 0),
        }
    }

    fn memory(&self) -> MemoryModel {
        self.memory
    }

    fn actors(&self) -> Vec<ActorSpec> {
        ["one", "two"].map(|name| ActorSpec { name: name.to_owned(), role: Role::Main }).into()
    }

    fn start(&self, _: ActorId) -> At {
        At::Announcing
    }

    async fn step<B: Backend>(&self, w: &World<B>, me: ActorId, at: At) -> ControlFlow<(), At> {
        let other = 1 - me;
        let next = match (at, self.first) {
            (At::Announcing, First::Flag) | (At::Yielding, First::Turn) => {
                w.announce(me).await;
                if at == At::Announcing { At::Yielding } else { At::AskingWhoWants }
            }
            (At::Yielding, First::Flag) | (At::Announcing, First::Turn) => {
                w.yield_to(other).await;
                if at == At::Announcing { At::Yielding } else { At::AskingWhoWants }
            }
            (At::AskingWhoWants, _) => {
                let wants = w.wants[other].load(Op::on("wants?", other as u32), Ordering::Acquire).await;
                if wants == 0 { At::Entering } else { At::AskingWhoseTurn }
            }
            (At::AskingWhoseTurn, _) => {
                let turn = w.turn.load(Op::new("whose turn?"), Ordering::Acquire).await;
                if turn == me as u64 { At::Entering } else { At::AskingWhoWants }
            }
            (At::Entering, _) => {
                w.backend.choose(Op::new("enter"), 1).await;
                w.inside.update(|inside| *inside += 1);
                if w.inside.read(|inside| *inside) > 1 {
                    w.backend.violate(BOTH_INSIDE, || "both are inside".to_owned());
                }
                At::Leaving
            }
            (At::Leaving, _) => {
                w.wants[me].store(Op::on("leave", me as u32), 0, Ordering::Release).await;
                w.inside.update(|inside| *inside -= 1);
                return ControlFlow::Break(());
            }
        };
        ControlFlow::Continue(next)
    }
}

#[test]
fn the_lock_holds_although_it_spins() {
    let lock = Small::from(Peterson { memory: MemoryModel::Sequential, first: First::Flag });
    for sleep_sets in [false, true] {
        let options = Options { sleep_sets, ..Options::default() };
        let found = explore(&lock, &options, &mut |_| ()).expect("a sound system");
        assert!(found.is_complete());
        assert_eq!((found.violated, found.lasso), (0, None));
        assert!(!found.final_states.is_empty() && found.deadlocks.is_empty());
    }
    let livelock = minimal_counterexample(&lock, Property::LIVELOCK, &Limits::default());
    assert_eq!(livelock.expect("a sound system"), None);
}

#[test]
fn yielding_first_lets_both_in() {
    let lock = Small::from(Peterson { memory: MemoryModel::Sequential, first: First::Turn });
    let found = explore(&lock, &Options::default(), &mut |_| ()).expect("a sound system");
    assert_eq!(found.violated, BOTH_INSIDE.bit());
}

#[test]
fn release_and_acquire_are_not_enough() {
    // Each may miss the other's announcement, which comes too late; nobody misses it for ever.
    let lock = Small::from(Peterson { memory: MemoryModel::Relaxed, first: First::Flag });
    let found = explore(&lock, &Options::default(), &mut |_| ()).expect("a sound system");
    assert!(found.is_complete());
    assert_eq!(found.violated, BOTH_INSIDE.bit());
}
