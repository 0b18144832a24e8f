//! Small systems of several subjects, as one type to the compiler: it compiles the engines anew for each system that they are
//! called for, and that takes seconds of each.
//!
//! A system keeps its place, beside the tests that it is for, and its `impl System`, which costs nothing by itself. What is given to
//! an engine is a [`Small`] made of it.

use std::ops::ControlFlow;

use stalemap_facade::{ActorId, ActorSpec, Backend, MemoryModel, Picture, System};

use super::counting::Counting;
use super::litmus::Litmus;
use crate::breadth::{Forgetting, Meeting, Pairs, Violating, Wide};
use crate::checkpoints::Chooser;
use crate::classics::Classic;
use crate::cycles::Rounds;
use crate::effects::Copying;
use crate::fingerprints::Twins;
use crate::handovers::Handovers;
use crate::litmus::HandOver;
use crate::orders::Message;
use crate::peterson::Peterson;
use crate::trace::Mishap;

/// Declares the systems; world and state are those of the system that it is.
macro_rules! small {
    ($($name:ident),* $(,)?) => {
        pub(crate) enum Small {
            $($name($name)),*
        }

        pub(crate) enum World<B: Backend> {
            $($name(<$name as System>::World<B>)),*
        }

        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub(crate) enum State {
            $($name(<$name as System>::State)),*
        }

        $(impl From<$name> for Small {
            fn from(system: $name) -> Self {
                Small::$name(system)
            }
        })*

        impl System for Small {
            type World<B: Backend> = World<B>;
            type State = State;

            fn world<B: Backend>(&self, backend: &B) -> World<B> {
                match self {
                    $(Small::$name(system) => World::$name(system.world::<B>(backend))),*
                }
            }

            fn memory(&self) -> MemoryModel {
                match self {
                    $(Small::$name(system) => system.memory()),*
                }
            }

            fn actors(&self) -> Vec<ActorSpec> {
                match self {
                    $(Small::$name(system) => system.actors()),*
                }
            }

            fn start(&self, actor: ActorId) -> State {
                match self {
                    $(Small::$name(system) => State::$name(system.start(actor))),*
                }
            }

            fn command(&self, state: &State) -> Option<usize> {
                match (self, state) {
                    $((Small::$name(system), State::$name(state)) => system.command(state),)*
                    _ => another(),
                }
            }

            async fn step<B: Backend>(&self, world: &World<B>, actor: ActorId, state: State) -> ControlFlow<(), State> {
                match (self, world, state) {
                    $((Small::$name(system), World::$name(world), State::$name(state)) => {
                        system.step::<B>(world, actor, state).await.map_continue(State::$name)
                    })*
                    _ => another(),
                }
            }

            fn observe<B: Backend>(&self, world: &World<B>) -> Option<String> {
                match (self, world) {
                    $((Small::$name(system), World::$name(world)) => system.observe::<B>(world),)*
                    _ => another(),
                }
            }

            fn picture<B: Backend>(&self, world: &World<B>) -> Picture {
                match (self, world) {
                    $((Small::$name(system), World::$name(world)) => system.picture::<B>(world),)*
                    _ => another(),
                }
            }

            fn gutter<B: Backend>(&self, world: &World<B>) -> Vec<(String, String)> {
                match (self, world) {
                    $((Small::$name(system), World::$name(world)) => system.gutter::<B>(world),)*
                    _ => another(),
                }
            }
        }
    };
}

fn another() -> ! {
    unreachable!("a system has worlds and states of its own alone")
}

small! {
    Chooser, Classic, Copying, Counting, Forgetting, HandOver, Handovers, Litmus, Meeting, Message, Mishap, Pairs, Peterson,
    Rounds, Twins, Violating, Wide,
}
