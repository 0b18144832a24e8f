//! Many states that can be counted by hand.

use std::ops::ControlFlow;

use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Op, Role, System};

/// Actors that each count a word of their own up to a number.
pub(crate) struct Counting {
    pub(crate) actors: usize,
    pub(crate) up_to: u64,
    /// Whether the first one goes on for ever from its last number to the one before.
    pub(crate) for_ever: bool,
}

impl System for Counting {
    type World<B: Backend> = Vec<B::Atomic>;
    type State = u64;

    fn world<B: Backend>(&self, backend: &B) -> Vec<B::Atomic> {
        (0..self.actors).map(|_| backend.atomic("count", 0)).collect()
    }

    fn actors(&self) -> Vec<ActorSpec> {
        (0..self.actors).map(|actor| ActorSpec { name: format!("{actor}"), role: Role::Main }).collect()
    }

    fn start(&self, _: ActorId) -> u64 {
        1
    }

    async fn step<B: Backend>(
        &self,
        words: &Vec<B::Atomic>,
        actor: ActorId,
        count: u64,
    ) -> ControlFlow<(), u64> {
        words[actor].store(Op::new("count"), count, Relaxed).await;
        if count < self.up_to {
            ControlFlow::Continue(count + 1)
        } else if self.for_ever && actor == 0 {
            ControlFlow::Continue(count - 1)
        } else {
            ControlFlow::Break(())
        }
    }
}
