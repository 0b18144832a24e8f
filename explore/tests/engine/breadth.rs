//! The breadth-first search in numbers, where random programs are too small for it: many states, many values, limits.
//!
//! That it finds what the depth-first search finds is in `differential.rs`, and for relaxed memory here; that it can be interrupted
//! is in `checkpoints.rs`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use proptest::prelude::*;
use stalemap_explore::{Exploration, LimitHit, Limits, Options, Workers, explore};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Leaf, Lock, Op, Property, Role, System};

use crate::common::config;
use crate::common::counting::Counting;
use crate::common::names::properties;
use crate::common::random_litmus::litmus;
use crate::common::small::Small;

fn explored(system: &impl System, workers: usize, limits: Limits) -> Exploration {
    let workers = Workers::new(workers);
    let options = Options { breadth_after: Some(0), workers, limits, ..Options::default() };
    explore(system, &options, &mut |_| ()).expect("a sound system")
}

#[test]
fn the_number_of_threads_makes_no_difference() {
    let system = Small::from(Counting { actors: 4, up_to: 15, for_ever: false });
    let one = explored(&system, 1, Limits::default());
    assert_eq!(one.statistics.states, 16_u64.pow(4));
    assert_eq!(one.statistics.transitions, 4 * 15 * 16_u64.pow(3));
    assert_eq!(one.statistics.max_depth, 4 * 15);
    for workers in [2, 3, 8] {
        assert_eq!(explored(&system, workers, Limits::default()), one);
    }
}

#[test]
fn an_estimate_changes_nothing() {
    // Depth first each state is come to once: so many transitions take more states.
    for (breadth_after, up_to) in [(None, 32), (Some(0), 24)] {
        let system = Small::from(Counting { actors: 4, up_to, for_ever: false });
        let [with, without] = [true, false].map(|estimate| {
            let options = Options { estimate, breadth_after, ..Options::default() };
            let mut estimated = false;
            let found = explore(&system, &options, &mut |made| estimated |= made.estimate.is_some());
            assert_eq!(estimated, estimate);
            found.expect("a sound system")
        });
        assert_eq!(with, without);
        assert_eq!(with.statistics.states, (up_to + 1).pow(4));
    }
}

/// Actors that each count a word of their own; the first one goes round for ever at the end, the second one sees where the third is,
/// the third one holds a lock on its way.
pub(crate) struct Meeting;

const LAST_COUNT: u64 = 40;

impl System for Meeting {
    type World<B: Backend> = (B, Vec<B::Atomic>, B::Lock<u64>);
    type State = u64;

    fn world<B: Backend>(&self, backend: &B) -> Self::World<B> {
        let words = (0..3).map(|_| backend.atomic("count", 0)).collect();
        (backend.clone(), words, backend.lock("lock", 0))
    }

    fn actors(&self) -> Vec<ActorSpec> {
        (0..3).map(|actor| ActorSpec { name: format!("{actor}"), role: Role::Main }).collect()
    }

    fn start(&self, _: ActorId) -> u64 {
        1
    }

    async fn step<B: Backend>(
        &self,
        (backend, words, lock): &Self::World<B>,
        actor: ActorId,
        count: u64,
    ) -> ControlFlow<(), u64> {
        words[actor].store(Op::new("count"), count, Relaxed).await;
        match (actor, count) {
            (0, LAST_COUNT) => return ControlFlow::Continue(LAST_COUNT - 1),
            (1, 9) if words[2].load(Op::new("look"), Relaxed).await == 9 => {
                backend.violate(properties::LOST_WRITE, || "they meet".to_owned());
            }
            (1 | 2, 20..30) => *lock.lock(Op::new("lock")).await += count,
            (_, LAST_COUNT) => return ControlFlow::Break(()),
            _ => {}
        }
        ControlFlow::Continue(count + 1)
    }

    fn observe<B: Backend>(&self, _: &Self::World<B>) -> Option<String> {
        None
    }
}

#[test]
fn nor_does_it_where_actors_meet_violate_something_and_go_round() {
    let system = Small::from(Meeting);
    let one = explored(&system, 1, Limits::default());
    assert!(one.is_complete() && one.lasso.is_some(), "{:?} {:?}", one.limits_hit, one.violated);
    assert_ne!(one.violated & properties::LOST_WRITE.bit(), 0);
    assert!(one.statistics.states > 1 << 16, "several batches: {}", one.statistics.states);
    for workers in [2, 3, 8] {
        assert_eq!(explored(&system, workers, Limits::default()), one);
    }
    let depth_first = Options { breadth_after: None, sleep_sets: false, ..Options::default() };
    let other = explore(&system, &depth_first, &mut |_| ()).expect("a sound system");
    assert_eq!(
        (other.statistics.states, other.statistics.transitions),
        (one.statistics.states, one.statistics.transitions)
    );
    assert_eq!((other.violated, other.final_states), (one.violated, one.final_states));
}

/// An actor that has two numbers, forgets both, and goes round for ever, beside one that chooses: each way to the state behind that is
/// a transition of its own, so that few of them would repeat themselves without the other.
pub(crate) struct Forgetting;

const NUMBERS: u32 = 260;
const BESIDE: u32 = 12;

impl System for Forgetting {
    type World<B: Backend> = (B, [B::Leaf<u32>; 4]);
    type State = u8;

    fn world<B: Backend>(&self, backend: &B) -> Self::World<B> {
        (backend.clone(), [(); 4].map(|()| backend.leaf("number", 0)))
    }

    fn actors(&self) -> Vec<ActorSpec> {
        ["actor", "beside"].map(|name| ActorSpec { name: name.to_owned(), role: Role::Main }).into()
    }

    fn start(&self, _: ActorId) -> u8 {
        0
    }

    async fn step<B: Backend>(
        &self,
        (backend, [first, second, third, beside]): &Self::World<B>,
        actor: ActorId,
        step: u8,
    ) -> ControlFlow<(), u8> {
        if actor == 1 {
            let chosen = backend.choose(Op::new("beside"), BESIDE).await;
            beside.update(|number| *number = chosen + 1);
            return ControlFlow::Break(());
        }
        let alternatives = if step < 2 { NUMBERS } else { 1 };
        let chosen = backend.choose(Op::new("choose"), alternatives).await;
        match step {
            0 => first.update(|number| *number = chosen),
            1 => second.update(|number| *number = chosen),
            2 => {
                first.update(|number| *number = 0);
                second.update(|number| *number = 0);
            }
            _ => third.update(|number| *number = 1 - *number),
        }
        ControlFlow::Continue((step + 1).min(3))
    }

    fn observe<B: Backend>(&self, _: &Self::World<B>) -> Option<String> {
        None
    }
}

/// The state on the cycle is come to more often than can be counted: taken away when the count is at its end, it would take the
/// cycle with it.
#[test]
fn a_cycle_is_found_behind_a_state_with_more_arrivals_than_can_be_counted() {
    let found = explored(&Small::from(Forgetting), 1, Limits::default());
    assert!(u64::from(NUMBERS).pow(2) > 1 << 16);
    let numbers = u64::from(NUMBERS);
    assert_eq!(found.statistics.states, (1 + numbers + numbers * numbers + 2) * (u64::from(BESIDE) + 1));
    assert!(found.is_complete() && found.lasso.is_some());
}

#[test]
fn more_values_than_there_are_numbers_are_left_to_the_depth_first_search() {
    let system = Small::from(Counting { actors: 1, up_to: 70_000, for_ever: false });
    let found = explored(&system, 1, Limits::default());
    assert!(found.is_complete());
    assert_eq!(found.statistics.states, 70_001);
}

/// So many objects that the columns of the actors behind them cannot be told from those of the first objects.
pub(crate) struct Wide {
    objects: usize,
    rounds: u64,
}

pub(crate) struct WideWorld<B: Backend> {
    backend: B,
    seen_by_the_last: B::Atomic,
    ticket: B::Atomic,
    first: B::Atomic,
    count: B::Atomic,
    _beside: Vec<B::Atomic>,
}

impl System for Wide {
    type World<B: Backend> = WideWorld<B>;
    type State = u64;

    fn world<B: Backend>(&self, backend: &B) -> WideWorld<B> {
        let word = || backend.atomic("word", 0);
        WideWorld {
            seen_by_the_last: word(),
            ticket: word(),
            first: word(),
            count: word(),
            _beside: (4..self.objects).map(|_| word()).collect(),
            backend: backend.clone(),
        }
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let spec = |name: &str, role| ActorSpec { name: name.to_owned(), role };
        vec![spec("one", Role::Main), spec("two", Role::Main), spec("last", Role::Daemon)]
    }

    fn start(&self, _: ActorId) -> u64 {
        0
    }

    async fn step<B: Backend>(&self, w: &WideWorld<B>, actor: ActorId, round: u64) -> ControlFlow<(), u64> {
        if actor == 2 {
            if w.seen_by_the_last.load(Op::new("look"), Relaxed).await == 1 && w.first.peek() == 7 {
                w.backend.violate(properties::LOST_WRITE, || "the second was first".to_owned());
            }
            return ControlFlow::Break(());
        }
        if round == 0 {
            let ticket = w.ticket.fetch_add(Op::new("ticket"), 1, Relaxed).await;
            if actor == 0 {
                w.seen_by_the_last.store(Op::new("store"), 1, Relaxed).await;
            } else {
                w.first.store(Op::new("store"), if ticket == 0 { 7 } else { 1 }, Relaxed).await;
            }
        }
        let count = w.count.load(Op::new("load"), Relaxed).await;
        w.count.store(Op::new("store"), count + 1 + actor as u64 * 100, Relaxed).await;
        if round < self.rounds { ControlFlow::Continue(round + 1) } else { ControlFlow::Break(()) }
    }
}

#[test]
fn more_objects_than_there_are_columns_are_left_to_the_depth_first_search() {
    for objects in [1 << 4, (1 << 16) - 2] {
        let system = Small::from(Wide { objects, rounds: 2 });
        let options = Options { breadth_after: Some(300), ..Options::default() };
        let found = explore(&system, &options, &mut |_| ()).expect("a sound system");
        assert_eq!(found.violated, properties::LOST_WRITE.bit(), "{objects} objects");
        assert!(found.is_complete());
        assert_eq!(found.statistics.states, 1729, "{objects} objects");
    }
}

/// Two that choose which properties they violate.
pub(crate) struct Violating;

/// How many properties are each one's.
const PROPERTIES: [u8; 2] = [8, 9];

impl System for Violating {
    type World<B: Backend> = B;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> B {
        backend.clone()
    }

    fn actors(&self) -> Vec<ActorSpec> {
        (0..2).map(|actor| ActorSpec { name: format!("{actor}"), role: Role::Main }).collect()
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(&self, backend: &B, actor: ActorId, (): ()) -> ControlFlow<(), ()> {
        let chosen = backend.choose(Op::new("choose"), 1 << PROPERTIES[actor]).await;
        for number in (0..PROPERTIES[actor]).filter(|number| chosen >> number & 1 != 0) {
            let property = Property::new(number + actor as u8 * PROPERTIES[0], "chosen");
            backend.violate(property, || "it was chosen".to_owned());
        }
        ControlFlow::Break(())
    }
}

#[test]
fn more_sets_of_violated_properties_than_there_are_numbers_are_left_to_the_depth_first_search() {
    let found = explored(&Small::from(Violating), 1, Limits::default());
    assert!(found.is_complete());
    assert_eq!(found.final_states.len(), 1 << 17);
    assert_eq!(found.statistics.states, (1 + (1 << 8)) * (1 + (1 << 9)));
}

/// One that chooses twice, and stores what comes of both.
pub(crate) struct Pairs;

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
    let system = Small::from(Pairs);
    let found = explored(&system, 1, Limits::default());
    assert_eq!(found, explore(&system, &options, &mut |_| ()).expect("a sound system"));
    assert_eq!(found.statistics.states, 1 + 300 + 7 + 7);
}

fn states(most: u64) -> Limits {
    Limits { states: Some(most), ..Limits::default() }
}

#[test]
fn there_are_never_more_states_than_the_limit_and_hardly_fewer() {
    let system = Small::from(Counting { actors: 4, up_to: 15, for_ever: false });
    for most in [1, 2, 1_000, 30_000] {
        let found = explored(&system, 2, states(most));
        assert_eq!(found.limits_hit, BTreeSet::from([LimitHit::States]));
        let found = found.statistics.states;
        assert!(found <= most && found + 4 > most, "{found} of {most}");
    }
}

#[test]
fn a_limit_of_memory_or_time_ends_it() {
    let system = Small::from(Counting { actors: 4, up_to: 15, for_ever: false });
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
        let litmus = Small::from(litmus);
        let depth = explore(&litmus, &options, &mut |_| ()).expect("a litmus test can be explored");
        let mut breadth = explored(&litmus, 1, Limits::default());
        // Ways differ, and so do the lengths of the longest.
        breadth.witnesses.clone_from(&depth.witnesses);
        breadth.statistics.max_depth = depth.statistics.max_depth;
        prop_assert_eq!(breadth, depth);
    }
}
