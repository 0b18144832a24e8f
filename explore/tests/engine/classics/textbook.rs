//! Textbook situations: lost updates, deadlocks, orders that can be counted.

use std::ops::ControlFlow;
use std::time::Duration;

use stalemap_explore::{Exploration, FewPreemptions, LimitHit, Limits, Statistics};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, Atomic, Backend, Lock, Role};

use super::{DONE, Small, World, again, enumerated, explored, explored_with, least, op, outcomes, replayed};
use crate::common::names::properties;

system! {
    /// Two increments in two operations each. The checker at the end expects both.
    LostUpdate ["one": Main, "two": Main, "checker": Epilogue] |w, me, _| {
        let seen = w.x.load(op("load"), Relaxed).await;
        if me < 2 {
            w.x.store(op("store"), seen + 1, Relaxed).await;
        } else if seen != 2 {
            w.backend.violate(properties::LOST_WRITE, || format!("x is {seen}"));
        }
        DONE
    }
}

#[test]
fn an_update_is_lost_and_only_the_epilogue_sees_it() {
    let plain = enumerated(&LostUpdate);
    // Four operations, two of each: 4!/(2! 2!) orders, and 1 + 2 + 4 + 6 + 6 beginnings of orders.
    let expected = Statistics { states: 19, transitions: 18, executions: 6, max_depth: 4, final_states: 2 };
    assert_eq!(plain.statistics, expected);
    let with_set = explored_with(&LostUpdate, true, false, Limits::default());
    // A state is who has loaded what and who has stored: 12 of them, two of them final.
    let expected = Statistics { states: 12, transitions: 14, executions: 5, ..expected };
    assert_eq!(with_set.statistics, expected);
    for found in [plain, with_set, explored(&LostUpdate)] {
        assert_eq!(found.violated, properties::LOST_WRITE.bit());
        assert_eq!(outcomes(&found), [("x=1 y=0 log=[]", 1), ("x=2 y=0 log=[]", 1)]);
        assert!(found.deadlocks.is_empty());
    }

    let found = least(&LostUpdate, properties::LOST_WRITE).expect("it is violated");
    assert_eq!((found.preemptions, found.operations, found.certified), (1, 4, true));
    let replay = replayed(&LostUpdate, &found);
    assert!(replay.played.iter().all(|played| played.violated.is_empty()));
    let epilogue = replay.epilogue.expect("everybody has finished");
    assert_eq!(epilogue.violated, [properties::LOST_WRITE]);
    assert_eq!(epilogue.observed.as_deref(), Some("x=1 y=0 log=[]"));
    assert_eq!(epilogue.events.len(), 1);
}

#[test]
fn preemption_bounds_are_reported_when_they_bite() {
    let bounded = |preemptions| {
        let limits = Limits { preemptions: Some(preemptions), ..Limits::default() };
        let found = explored_with(&LostUpdate, true, true, limits);
        (found.violated, found.limits_hit.into_iter().collect::<Vec<_>>())
    };
    let violated = properties::LOST_WRITE.bit();
    assert_eq!(bounded(0), (0, vec![LimitHit::Preemptions]));
    assert_eq!(bounded(1), (violated, vec![LimitHit::Preemptions]));
    // Nobody can be preempted more often than between its two operations.
    assert_eq!(bounded(2), (violated, vec![]));
}

#[test]
fn limits_of_states_memory_and_time_are_reported() {
    let hit =
        |limits| explored_with(&LostUpdate, true, true, limits).limits_hit.into_iter().collect::<Vec<_>>();
    assert_eq!(hit(Limits { states: Some(12), ..Limits::default() }), []);
    assert_eq!(hit(Limits { states: Some(11), ..Limits::default() }), [LimitHit::States]);
    assert_eq!(hit(Limits { memory: Some(0), ..Limits::default() }), [LimitHit::Memory]);
    assert_eq!(hit(Limits { time: Some(Duration::ZERO), ..Limits::default() }), [LimitHit::Seconds]);
}

#[test]
fn a_limit_of_memory_holds_for_runs_with_few_preemptions() {
    let limits = Limits { memory: Some(0), ..Limits::default() };
    let found = explored_with(&LostUpdate, true, true, limits);
    assert_eq!((found.violated, found.few_preemptions), (0, Some(FewPreemptions::default())));
}

system! {
    /// Two locks taken in opposite orders.
    Philosophers ["left": Main, "right": Main] |w, me, _| {
        if me == 0 {
            let _a = w.a.lock(op("lock a")).await;
            let _b = w.b.lock(op("lock b")).await;
        } else {
            let _b = w.b.lock(op("lock b")).await;
            let _a = w.a.lock(op("lock a")).await;
        }
        DONE
    }
}

#[test]
fn opposite_orders_deadlock() {
    let plain = enumerated(&Philosophers);
    // One after the other, in two orders; or one lock each, in two orders.
    assert_eq!((plain.statistics.states, plain.statistics.executions), (11, 4));
    let found = explored(&Philosophers);
    assert_eq!(found.statistics.states, 9);
    assert_eq!((found.deadlocks.len(), found.final_states.len()), (1, 1));
    assert_eq!(found.deadlocks, plain.deadlocks);
    assert_eq!(found.violated, properties::DEADLOCK.bit());

    let found = least(&Philosophers, properties::DEADLOCK).expect("there is one");
    assert_eq!((found.preemptions, found.operations), (1, 2));
    let replay = replayed(&Philosophers, &found);
    assert_eq!(replay.deadlock, [(0, "lock b".to_owned()), (1, "lock a".to_owned())]);
    assert_eq!(replay.violated, [properties::DEADLOCK]);
}

system! {
    /// A consumer waits for a producer, and then the other way round.
    Handshake ["producer": Main, "consumer": Main] |w, me, _| {
        let turn = me as u64;
        *w.a.lock_when(op("wait"), |phase, turn| *phase == turn, turn).await += 1;
        w.note(turn);
        *w.a.lock_when(op("wait again"), |phase, turn| *phase == turn + 2, turn).await += 1;
        w.note(turn + 2);
        DONE
    }
}

#[test]
fn a_handshake_has_one_execution() {
    for found in [enumerated(&Handshake), explored(&Handshake)] {
        assert_eq!((found.statistics.executions, found.statistics.states), (1, 5));
        assert_eq!(outcomes(&found), [("x=0 y=0 log=[0, 1, 2, 3]", 1)]);
        assert_eq!(found.violated, 0);
    }
}

system! {
    /// One item and two who wait for it.
    OneItem ["producer": Main, "first": Main, "second": Main] |w, me, _| {
        match me {
            0 => *w.a.lock(op("produce")).await += 1,
            _ => *w.a.lock_when(op("consume"), |items, _| *items > 0, 0).await -= 1,
        }
        DONE
    }
}

#[test]
fn whoever_waits_for_nothing_deadlocks() {
    let found = explored(&OneItem);
    assert_eq!((found.deadlocks.len(), found.final_states.len()), (2, 0));
}

system! {
    /// A try-lock against a lock that is held across an operation.
    TryLock ["holder": Main, "trier": Main] |w, me, _| {
        if me == 0 {
            let _guard = w.a.lock(op("lock")).await;
            w.x.load(op("load"), Relaxed).await;
        } else {
            let taken = w.a.try_lock(op("try_lock")).await.is_some();
            w.note(u64::from(taken));
        }
        DONE
    }
}

#[test]
fn a_try_lock_goes_both_ways() {
    for found in [enumerated(&TryLock), explored(&TryLock)] {
        assert_eq!(outcomes(&found), [("x=0 y=0 log=[0]", 1), ("x=0 y=0 log=[1]", 1)]);
    }
}

system! {
    /// One of three, then one of two.
    Choices ["chooser": Main] |w, _, _| {
        w.backend.choose(op("three"), 3).await;
        w.backend.choose(op("two"), 2).await;
        DONE
    }
}

#[test]
fn choices_multiply() {
    let counted = |found: Exploration| {
        let Statistics { states, transitions, executions, max_depth, final_states, .. } = found.statistics;
        (states, transitions, executions, max_depth, final_states)
    };
    assert_eq!(counted(enumerated(&Choices)), (1 + 3 + 6, 9, 6, 2, 1));
    // What was chosen is forgotten when the step ends.
    assert_eq!(counted(explored(&Choices)), (1 + 3 + 1, 9, 6, 2, 1));
}

system! {
    /// Nothing.
    Nothing ["chooser": Main] |w, _, _| {
        w.backend.choose(op("which"), 0).await;
        DONE
    }
}

#[test]
#[should_panic(expected = "nothing to choose from")]
fn there_must_be_something_to_choose_from() {
    explored(&Nothing);
}

system! {
    /// Three tasks increment a shared counter three times each.
    Counter ["one": Main, "two": Main, "three": Main, "reader": Epilogue] |w, me, round| {
        let mut counter = w.a.lock(op("lock")).await;
        if me == 3 {
            w.note(*counter);
            return DONE;
        }
        *counter += 1;
        if round == 2 { DONE } else { again(round + 1) }
    }
}

#[test]
fn three_rounds_of_three_have_1680_orders() {
    // 9!/(3!)^3, with or without sleep sets: any two increments of one counter depend on each other.
    for sleep_sets in [false, true] {
        let found = explored_with(&Counter, false, sleep_sets, Limits::default());
        assert_eq!(found.statistics.executions, 1680);
        assert_eq!(outcomes(&found), [("x=0 y=0 log=[9]", 1)]);
    }
    let found = explored(&Counter);
    // A state is how far each of the three is; from 3 of its 4 places each can move.
    assert_eq!((found.statistics.states, found.statistics.transitions), (4 * 4 * 4, 3 * 3 * 4 * 4));
    assert_eq!(outcomes(&found), [("x=0 y=0 log=[9]", 1)]);
}

system! {
    /// Three tasks with nothing in common.
    Apart ["one": Main, "two": Main, "three": Main] |w, me, round| {
        match me {
            0 => *w.a.lock(op("lock")).await += 1,
            1 => *w.b.lock(op("lock")).await += 1,
            _ => w.x.store(op("store"), round + 1, Relaxed).await,
        }
        if round == 2 { DONE } else { again(round + 1) }
    }
}

#[test]
fn sleep_sets_reach_every_state_of_independent_tasks_once() {
    assert_eq!(enumerated(&Apart).statistics.executions, 1680);
    for visited_set in [false, true] {
        let found = explored_with(&Apart, visited_set, true, Limits::default());
        assert_eq!((found.statistics.states, found.statistics.transitions), (64, 63));
    }
}
