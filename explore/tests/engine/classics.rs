//! Systems whose state spaces can be counted by hand.
//!
//! Each test is one textbook situation with the numbers that a reader can check on paper. Where random
//! programs (`differential.rs`) say that something is wrong somewhere, these say what.

use std::ops::ControlFlow;

use stalemap_explore::{
    Counterexample, EngineError, Exploration, Limits, Options, Replay, Step, explore, minimal_counterexample,
    replay,
};
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Leaf, MemoryModel, Op, Property, Role, System};

use crate::common::small::Small;

/// The memory that all of them use some of.
pub(crate) struct World<B: Backend> {
    backend: B,
    a: B::Lock<u64>,
    b: B::Lock<u64>,
    x: B::Atomic,
    y: B::Atomic,
    log: B::Leaf<Vec<u64>>,
}

impl<B: Backend> World<B> {
    fn note(&self, value: u64) {
        self.log.update(|log| log.push(value));
    }
}

const DONE: ControlFlow<(), u64> = ControlFlow::Break(());

fn again(round: u64) -> ControlFlow<(), u64> {
    ControlFlow::Continue(round)
}

const fn op(name: &'static str) -> Op {
    Op::new(name)
}

/// Declares a system by its actors and their step.
macro_rules! system {
    ($(#[$meta:meta])* $name:ident [$($actor:literal: $role:ident),*] |$w:pat_param, $me:pat_param, $round:pat_param| $body:block) => {
        $(#[$meta])*
        #[allow(non_upper_case_globals)]
        pub(super) const $name: Small = Small::Classic(super::Classic::$name);

        #[allow(clippy::empty_enums)]
        pub(super) enum $name {}

        impl $name {
            pub(super) const ACTORS: &[(&'static str, Role)] = &[$(($actor, Role::$role)),*];

            pub(super) async fn step<B: Backend>($w: &World<B>, $me: ActorId, $round: u64) -> ControlFlow<(), u64> {
                $body
            }
        }
    };
}

mod broken;
mod given_up;
mod limits;
mod livelocks;
mod roles;
mod textbook;

use broken::{
    AnyOrder, ChoosesFirst, ChoosesLast, Confused, Distracted, Fickle, Hasty, Helped, Restive, RestiveLate,
    Restless, Stuck, StuckLate, TriesAgain, Twins,
};
use given_up::{
    GivesUp, GivesUpAtOnce, GivesUpBeside, GivesUpEarly, GivesUpFirst, GivesUpLate, GivesUpOrSpins,
    TooManyMessages,
};
use limits::{Broad, Deep, Deeper, Wide};
use livelocks::{Detour, Forgotten, LateCorner, Polite, Spin, SpinsOrWalks, Undoing};
use roles::{Eager, Served, Server, Silent, Tired};
use textbook::{Apart, Choices, Counter, Handshake, LostUpdate, Nothing, OneItem, Philosophers, TryLock};

/// All of them are one type, which is one of the small systems: the compiler would otherwise compile the engines for each.
macro_rules! classics {
    ($($name:ident),*) => {
        #[derive(Clone, Copy)]
        pub(crate) enum Classic {
            $($name),*
        }

        impl Classic {
            fn specs(self) -> &'static [(&'static str, Role)] {
                match self {
                    $(Classic::$name => $name::ACTORS),*
                }
            }

            async fn go<B: Backend>(self, w: &World<B>, me: ActorId, round: u64) -> ControlFlow<(), u64> {
                match self {
                    $(Classic::$name => $name::step(w, me, round).await),*
                }
            }
        }
    };
}

classics! {
    LostUpdate, Philosophers, Handshake, OneItem, TryLock, Choices, Nothing, Counter, Apart, Polite,
    Spin, Forgotten, Undoing, Server, Tired, Eager, Silent, GivesUp, GivesUpBeside, GivesUpLate, GivesUpAtOnce, Wide,
    GivesUpEarly, Fickle, Confused, Distracted, Hasty, Restless, Stuck, Restive, Helped,
    RestiveLate, StuckLate, GivesUpOrSpins, Deep, Served, GivesUpFirst, TooManyMessages, LateCorner, SpinsOrWalks,
    Detour, Broad, Deeper, ChoosesFirst, ChoosesLast, TriesAgain, AnyOrder, Twins
}

impl System for Classic {
    type World<B: Backend> = World<B>;
    type State = u64;

    fn memory(&self) -> MemoryModel {
        match self {
            Classic::TooManyMessages => MemoryModel::Relaxed,
            _ => MemoryModel::Sequential,
        }
    }

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        World {
            backend: backend.clone(),
            a: backend.lock("a", 0),
            b: backend.lock("b", 0),
            x: backend.atomic("x", 0),
            y: backend.atomic("y", 0),
            log: backend.leaf("log", Vec::new()),
        }
    }

    fn actors(&self) -> Vec<ActorSpec> {
        self.specs().iter().map(|(name, role)| ActorSpec { name: (*name).to_owned(), role: *role }).collect()
    }

    fn start(&self, _: ActorId) -> u64 {
        0
    }

    async fn step<B: Backend>(&self, w: &World<B>, me: ActorId, round: u64) -> ControlFlow<(), u64> {
        self.go(w, me, round).await
    }

    fn observe<B: Backend>(&self, w: &World<B>) -> Option<String> {
        Some(format!("x={} y={} log={:?}", w.x.peek(), w.y.peek(), w.log.read(Clone::clone)))
    }

    fn gutter<B: Backend>(&self, w: &World<B>) -> Vec<(String, String)> {
        vec![("all".to_owned(), self.observe(w).unwrap_or_default())]
    }
}

fn explored_with(system: &impl System, visited_set: bool, sleep_sets: bool, limits: Limits) -> Exploration {
    let options = Options { visited_set, sleep_sets, limits, ..Options::default() };
    explore(system, &options, &mut |_| ()).expect("the system is well-behaved")
}

/// Everything, with both reductions.
fn explored(system: &impl System) -> Exploration {
    explored_with(system, true, true, Limits::default())
}

/// Plain enumeration.
fn enumerated(system: &impl System) -> Exploration {
    explored_with(system, false, false, Limits::default())
}

fn error_of(system: &impl System) -> EngineError {
    explore(system, &Options::default(), &mut |_| ()).expect_err("the system is broken")
}

fn least(system: &impl System, property: Property) -> Option<Counterexample> {
    minimal_counterexample(system, property, &Limits::default()).expect("the system is well-behaved")
}

fn replayed(system: &impl System, found: &Counterexample) -> Replay {
    let specs = system.actors();
    let steps: Vec<Step> = found.schedule.iter().map(|choice| choice.to_step(&specs)).collect();
    replay(system, &steps).expect("a counterexample can be replayed")
}

fn outcomes(found: &Exploration) -> Vec<(&str, u64)> {
    found.outcomes.iter().map(|(outcome, count)| (outcome.as_str(), *count)).collect()
}
