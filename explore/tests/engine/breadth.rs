//! The breadth-first search in numbers, where random programs are too small for it: many states, many values, limits.
//!
//! That it finds what the depth-first search finds is in `differential.rs`, and for relaxed memory here; that it can be interrupted
//! is in `kept.rs`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use proptest::prelude::*;
use stalemap_explore::{Exploration, LimitHit, Limits, Options, Workers, explore};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Op, Role, System};

use crate::common::config;
use crate::common::random_litmus::litmus;

/// Actors that each count a word of their own up to a number.
struct Counting {
    actors: usize,
    up_to: u64,
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
        if count < self.up_to { ControlFlow::Continue(count + 1) } else { ControlFlow::Break(()) }
    }

    fn observe<B: Backend>(&self, _: &Vec<B::Atomic>) -> Option<String> {
        None
    }
}

fn explored(system: &impl System, workers: usize, limits: Limits) -> Exploration {
    let workers = Workers::new(workers);
    let options = Options { breadth_after: Some(0), workers, limits, ..Options::default() };
    explore(system, &options, &mut |_| ()).expect("a sound system")
}

#[test]
fn the_number_of_threads_makes_no_difference() {
    let system = Counting { actors: 4, up_to: 15 };
    let one = explored(&system, 1, Limits::default());
    assert_eq!(one.statistics.states, 16_u64.pow(4));
    assert_eq!(one.statistics.transitions, 4 * 15 * 16_u64.pow(3));
    assert_eq!(one.statistics.max_depth, 4 * 15);
    for workers in [2, 3, 8] {
        assert_eq!(explored(&system, workers, Limits::default()), one);
    }
}

#[test]
fn more_values_than_there_are_numbers_are_left_to_the_depth_first_search() {
    let found = explored(&Counting { actors: 1, up_to: 70_000 }, 1, Limits::default());
    assert!(found.is_complete());
    assert_eq!(found.statistics.states, 70_001);
}

/// One that chooses twice, and stores what comes of both.
struct Pairs;

impl System for Pairs {
    type World<B: Backend> = (B, B::Atomic);
    type State = Option<u64>;

    fn world<B: Backend>(&self, backend: &B) -> (B, B::Atomic) {
        (backend.clone(), backend.atomic("word", 0))
    }

    fn actors(&self) -> Vec<ActorSpec> {
        vec![ActorSpec { name: "chooser".to_owned(), role: Role::Main }]
    }

    fn start(&self, _: ActorId) -> Option<u64> {
        None
    }

    async fn step<B: Backend>(
        &self,
        (backend, word): &(B, B::Atomic),
        _: ActorId,
        chosen: Option<u64>,
    ) -> ControlFlow<(), Option<u64>> {
        if let Some(chosen) = chosen {
            word.store(Op::new("store"), chosen, Relaxed).await;
            return ControlFlow::Break(());
        }
        let first = backend.choose(Op::new("first"), 300).await;
        let second = backend.choose(Op::new("second"), 300).await;
        ControlFlow::Continue(Some(u64::from(first + second) % 7))
    }
}

#[test]
fn transitions_that_do_not_repeat_are_left_to_the_depth_first_search() {
    let options = Options { breadth_after: None, ..Options::default() };
    let found = explored(&Pairs, 1, Limits::default());
    assert_eq!(found, explore(&Pairs, &options, &mut |_| ()).expect("a sound system"));
    assert_eq!(found.statistics.states, 1 + 300 + 7 + 7);
}

fn states(most: u64) -> Limits {
    Limits { states: Some(most), ..Limits::default() }
}

#[test]
fn there_are_never_more_states_than_the_limit_and_hardly_fewer() {
    for most in [1, 2, 1_000, 30_000] {
        let found = explored(&Counting { actors: 4, up_to: 15 }, 2, states(most));
        assert_eq!(found.limits_hit, BTreeSet::from([LimitHit::States]));
        let found = found.statistics.states;
        assert!(found <= most && found + 4 > most, "{found} of {most}");
    }
}

#[test]
fn a_limit_of_memory_or_time_ends_it() {
    let system = Counting { actors: 4, up_to: 15 };
    let memory = Limits { memory: Some(1 << 20), ..Limits::default() };
    let found = explored(&system, 1, memory.clone());
    assert_eq!(found.limits_hit, BTreeSet::from([LimitHit::Memory]));
    // A state takes 16 bytes at the least.
    assert!((1_000..1 << 16).contains(&found.statistics.states), "{} states", found.statistics.states);
    assert_eq!(explored(&system, 3, memory), found);
    let time = Limits { time: Some(Duration::ZERO), ..Limits::default() };
    assert_eq!(explored(&system, 1, time).limits_hit, BTreeSet::from([LimitHit::Seconds]));
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn in_relaxed_memory_it_finds_what_the_depth_first_search_finds(litmus in litmus()) {
        let options = Options { breadth_after: None, sleep_sets: false, ..Options::default() };
        let depth = explore(&litmus, &options, &mut |_| ()).expect("a litmus test can be explored");
        let mut breadth = explored(&litmus, 1, Limits::default());
        // Ways differ, and so do the lengths of the longest.
        breadth.witnesses.clone_from(&depth.witnesses);
        breadth.statistics.max_depth = depth.statistics.max_depth;
        prop_assert_eq!(breadth, depth);
    }
}
