//! Cycles: which are livelocks, and which is the least.

use std::ops::ControlFlow;

use stalemap_explore::{FewPreemptions, LimitHit, Limits, Step, minimal_counterexample, replay};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, Atomic, Backend, Lock, Role, System};

use super::{DONE, Small, World, again, explored, explored_with, least, op, replayed};
use crate::common::names::properties;

system! {
    /// Each announces itself and steps back when the other has done so too.
    Polite ["one": Main, "two": Main] |w, me, round| {
        let (mine, theirs) = if me == 0 { (&w.x, &w.y) } else { (&w.y, &w.x) };
        if round == 1 {
            mine.store(op("step back"), 0, Relaxed).await;
            return again(0);
        }
        mine.store(op("announce"), 1, Relaxed).await;
        if theirs.load(op("look"), Relaxed).await == 1 { again(1) } else { DONE }
    }
}

#[test]
fn politeness_livelocks() {
    for sleep_sets in [false, true] {
        let found = explored_with(&Polite, true, sleep_sets, Limits::default());
        assert_eq!(found.violated, properties::LIVELOCK.bit());
        let lasso = found.lasso.expect("a livelock has one");
        assert_eq!(lasso.states.len(), lasso.cycle.len());

        let specs = Polite.actors();
        let path = [&lasso.stem[..], &lasso.cycle, &lasso.cycle].concat();
        let steps: Vec<Step> = path.iter().map(|choice| choice.to_step(&specs)).collect();
        let replay = replay(&Polite, &steps).expect("it goes round as often as one likes");
        let seen = |at: usize| if at == 0 { &replay.initial } else { &replay.played[at - 1].gutter };
        let (stem, round) = (lasso.stem.len(), lasso.cycle.len());
        assert_eq!(seen(stem), seen(stem + round));
        assert_eq!(seen(stem), seen(stem + 2 * round));
    }
    // No switch at the wrong moment is needed: one goes ahead without stepping back, and two is polite for ever.
    let found = least(&Polite, properties::LIVELOCK).expect("the cycle can be reached");
    let replay = replayed(&Polite, &found);
    assert_eq!(replay.violated, [properties::LIVELOCK]);
    assert_eq!(replay.played.len(), found.operations as usize);
    assert_eq!((found.preemptions, found.operations, found.certified), (0, 5, true));
}

system! {
    /// Waits for a word by looking at it again and again.
    Spin ["spinner": Main, "setter": Main] |w, me, _| {
        if me == 1 {
            w.x.store(op("set"), 1, Relaxed).await;
            return DONE;
        }
        if w.x.load(op("look"), Relaxed).await == 0 { again(0) } else { DONE }
    }
}

#[test]
fn who_waits_for_somebody_that_can_move_is_no_livelock() {
    for sleep_sets in [false, true] {
        for preemptions in [None, Some(0)] {
            let limits = Limits { preemptions, ..Limits::default() };
            let found = explored_with(&Spin, true, sleep_sets, limits);
            assert_eq!((found.violated, found.lasso), (0, None));
        }
    }
    assert_eq!(least(&Spin, properties::LIVELOCK), None);
}

system! {
    /// Waits by looking again and again for what the other does not do.
    Forgotten ["spinner": Main, "other": Main] |w, me, _| {
        if me == 1 {
            w.y.store(op("set another"), 1, Relaxed).await;
            return DONE;
        }
        if w.x.load(op("look"), Relaxed).await == 0 { again(0) } else { DONE }
    }
}

#[test]
fn who_waits_for_nobody_is_one() {
    for preemptions in [None, Some(0)] {
        let limits = Limits { preemptions, ..Limits::default() };
        assert_eq!(explored_with(&Forgotten, true, true, limits).violated, properties::LIVELOCK.bit());
    }
    let found = least(&Forgotten, properties::LIVELOCK).expect("the spinner goes round");
    assert_eq!((found.preemptions, found.operations, found.certified), (0, 2, true));
    assert!(found.within.is_empty());
}

system! {
    /// Each stores its own value until it finds it still there.
    Undoing ["one": Main, "two": Main] |w, me, _| {
        let mine = me as u64 + 1;
        w.x.store(op("store"), mine, Relaxed).await;
        if w.x.load(op("look"), Relaxed).await == mine { DONE } else { again(0) }
    }
}

#[test]
fn two_that_undo_each_others_work_livelock() {
    for sleep_sets in [false, true] {
        let found = explored_with(&Undoing, true, sleep_sets, Limits::default());
        assert_eq!(found.violated, properties::LIVELOCK.bit());
        let lasso = found.lasso.expect("a livelock has one");
        for actor in [0, 1] {
            assert!(lasso.cycle.iter().any(|choice| choice.actor == actor), "each of them moves");
        }
    }
    // Each alone comes to its end, so there is no end to the switching.
    let found = least(&Undoing, properties::LIVELOCK).expect("they go round");
    let replay = replayed(&Undoing, &found);
    assert_eq!(replay.violated, [properties::LIVELOCK]);
    assert!(found.certified && found.preemptions > 0);
    // Without preemptions nobody disturbs anybody.
    let none = Limits { preemptions: Some(0), ..Limits::default() };
    assert_eq!(explored_with(&Undoing, true, true, none).violated, 0);
}

system! {
    /// What the last does if it comes first: it is wrong if it is preempted, and else goes round for ever in the end.
    LateCorner ["writer": Main, "one": Main, "other": Main, "looks": Main] |w, me, round| {
        match (me, round) {
            (0, 20) => *w.a.lock(op("finish")).await = 1,
            (0, _) => w.x.store(op("store"), 1, Relaxed).await,
            (1, _) => w.y.store(op("store"), round, Relaxed).await,
            (2, _) => *w.b.lock(op("count")).await = round,
            (_, 0) if w.x.load(op("look"), Relaxed).await == 1 => return DONE,
            (_, 1) if w.x.load(op("look again"), Relaxed).await == 1 => {
                w.backend.violate(properties::LOST_WRITE, || "it was preempted".to_owned());
                return DONE;
            }
            (_, 2) => drop(w.a.lock_when(op("wait"), |value, _| *value == 1, 0).await),
            (_, 3) => {
                w.a.lock(op("look on")).await;
                return again(3);
            }
            _ => {}
        }
        if round < 20 { again(round + 1) } else { DONE }
    }
}

#[test]
fn after_a_livelock_runs_with_more_preemptions_are_looked_at() {
    let limits = Limits { states: Some(12_000), ..Limits::default() };
    let found = explored_with(&LateCorner, true, true, limits);
    assert_eq!(found.limits_hit.iter().copied().collect::<Vec<_>>(), [LimitHit::States]);
    assert_eq!(found.violated, properties::LIVELOCK.bit() | properties::LOST_WRITE.bit());
    let few = FewPreemptions { none_up_to: None, states: 0, found_with: Some(0) };
    assert_eq!(found.few_preemptions, Some(few));
    assert!(found.lasso.is_some(), "the search by itself has not come there");
}

system! {
    /// Goes round at once, or goes wrong in the end.
    SpinsOrWalks ["main": Main] |w, _, round| {
        match round {
            0 => return if w.backend.choose(op("choose"), 2).await == 0 { again(100) } else { again(1) },
            19 => w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned()),
            _ => {}
        }
        w.x.load(op("load"), Relaxed).await;
        match round {
            100 => again(100),
            19 => DONE,
            _ => again(round + 1),
        }
    }
}

#[test]
fn a_least_livelock_needs_all_cycles() {
    let states = explored(&SpinsOrWalks).statistics.states;
    for most in 0..=states {
        let limits = Limits { states: Some(most), ..Limits::default() };
        let found = minimal_counterexample(&SpinsOrWalks, properties::LIVELOCK, &limits);
        let found = found.expect("the system is well-behaved");
        assert_eq!(found.map(|found| found.operations), (most == states).then_some(2), "{most}");
    }
}

#[test]
fn a_limit_of_states_is_what_the_walk_may_look_at() {
    let found = least(&SpinsOrWalks, properties::LOST_WRITE).expect("it is violated");
    // Each state of the way, and the one that it does not go to.
    let states = u64::from(found.operations) + 2;
    for most in [states - 1, states] {
        let limits = Limits { states: Some(most), ..Limits::default() };
        let within = minimal_counterexample(&SpinsOrWalks, properties::LOST_WRITE, &limits);
        assert_eq!(within, Ok((most == states).then(|| found.clone())), "{most}");
    }
}

system! {
    /// Three that wait for each other. The second can go on where the first has come to the same state, and there it waits.
    Detour ["first": Main, "second": Main, "third": Main] |w, me, round| {
        let turns = match (me, round) {
            (0, 0) => 1 << 0,
            (0, _) => 1 << 2,
            (1, _) => 1 << 1 | 1 << 2,
            _ => 1 << 1 | 1 << 3,
        };
        let mut turn = w.a.lock_when(op("wait"), |turn, turns| turns >> turn & 1 == 1, turns).await;
        *turn = match (me, *turn) {
            (0, 2) => 0,
            (0, _) | (1, 2) => 1,
            (1, _) => 3,
            _ => 2,
        };
        again(if me == 0 { 1 - round } else { 0 })
    }
}

#[test]
fn under_a_bound_a_round_ends_with_who_it_began_with() {
    let operations = |preemptions| {
        let limits = Limits { preemptions, ..Limits::default() };
        let found = minimal_counterexample(&Detour, properties::LIVELOCK, &limits);
        let found = found.expect("the system is well-behaved").expect("it goes round");
        (found.preemptions, found.operations)
    };
    // After a round that ends with the second, the third would preempt it.
    assert_eq!((operations(None), operations(Some(0))), ((0, 3), (0, 4)));
}
