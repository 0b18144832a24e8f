//! Runs that are given up at a bound.

use std::ops::ControlFlow;

use stalemap_explore::{LimitHit, Limits, Options, Statistics, Witness, explore, least_witness};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Lock, Role};

use super::{DONE, Small, World, again, enumerated, explored, explored_with, least, op, outcomes, replayed};
use crate::common::caches;
use crate::common::names::{bounds, branches, properties};

system! {
    /// Gives up after two rounds, with or without having done wrong.
    GivesUp ["main": Main] |w, _, round| {
        let wrong = w.backend.choose(op("go wrong"), 2).await;
        if round == 2 {
            w.backend.cut(bounds::RETRIES);
            if wrong == 1 {
                w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned());
            }
        }
        again(round + 1)
    }
}

#[test]
fn a_run_given_up_goes_no_further_but_its_violation_counts() {
    let found = explored(&GivesUp);
    assert_eq!(found.violated, properties::LOST_WRITE.bit());
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
    assert_eq!((found.final_states.len(), found.statistics.states), (0, 3));
    let found = least(&GivesUp, properties::LOST_WRITE).expect("the search has seen it");
    assert_eq!(found.operations, 3);
    assert_eq!(replayed(&GivesUp, &found).violated, [properties::LOST_WRITE]);
}

system! {
    /// One gets to the branch in two steps, while the other may give the run up.
    GivesUpBeside ["walker": Main, "giver": Main] |w, me, round| {
        if me == 1 {
            if w.backend.choose(op("choose"), 2).await == 1 {
                w.backend.cut(bounds::RETRIES);
            }
            return DONE;
        }
        w.x.store(op("step"), round, Relaxed).await;
        if round == 1 {
            w.backend.reach(branches::STALE);
            return DONE;
        }
        again(round + 1)
    }
}

#[test]
fn a_run_given_up_beside_the_way_is_no_detour() {
    let Ok(Witness::Least(found)) = least_witness(&GivesUpBeside, branches::STALE, &Limits::default()) else {
        panic!("the branch is reached")
    };
    assert_eq!((found.preemptions, found.operations), (0, 2));
    let unreached = least_witness(&GivesUpBeside, branches::EVICT, &Limits::default());
    assert!(
        matches!(unreached, Ok(Witness::Unknown(limits)) if limits.len() == 1),
        "it might have been behind the bound"
    );
}

system! {
    /// Two final states, in one of which the epilogue gives up.
    GivesUpLate ["main": Main, "other": Main, "checker": Epilogue] |w, me, _| {
        match me {
            0 => {
                let chosen = w.backend.choose(op("choose"), 2).await;
                w.note(chosen.into());
            }
            1 => w.x.store(op("store"), 1, Relaxed).await,
            _ => {
                let beyond = w.log.read(|log| log[0] == 0);
                if beyond {
                    w.backend.cut(bounds::EVICTIONS);
                }
                w.x.load(op("check"), Relaxed).await;
                if beyond {
                    w.backend.violate(properties::LOST_WRITE, || "what comes after the bound is void".to_owned());
                }
                w.note(2);
            }
        }
        DONE
    }
}

#[test]
fn giving_up_in_the_epilogue_concerns_one_final_state() {
    for found in [enumerated(&GivesUpLate), explored(&GivesUpLate)] {
        assert_eq!(
            found.limits_hit.iter().copied().collect::<Vec<_>>(),
            [LimitHit::Bound(bounds::EVICTIONS)]
        );
        assert_eq!(found.final_states.len(), 2);
        assert_eq!(outcomes(&found), [("x=1 y=0 log=[1, 2]", 1)]);
        assert_eq!(found.violated, 0);
    }
}

system! {
    /// A setup that gives up, so that there is nothing to explore.
    GivesUpEarly ["maker": Setup, "main": Main] |w, _, _| {
        w.x.load(op("load"), Relaxed).await;
        w.backend.cut(bounds::RETRIES);
        DONE
    }
}

#[test]
fn giving_up_in_the_setup_leaves_nothing_to_explore() {
    let found = explored(&GivesUpEarly);
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
    assert_eq!(found.statistics, Statistics::default());
    assert_eq!(least(&GivesUpEarly, properties::DEADLOCK), None);
}

system! {
    /// One end is given up in the epilogue; the other way has none.
    GivesUpOrSpins ["one": Main, "checker": Epilogue] |w, me, round| {
        if me == 1 {
            w.x.load(op("check"), Relaxed).await;
            w.backend.cut(bounds::RETRIES);
            return DONE;
        }
        if round == 0 {
            return if w.backend.choose(op("choose"), 2).await == 0 { DONE } else { again(1) };
        }
        w.x.load(op("look"), Relaxed).await;
        again(1)
    }
}

#[test]
fn a_livelock_is_least_among_those_whose_epilogue_is_not_given_up() {
    let found = least(&GivesUpOrSpins, properties::LIVELOCK).expect("it is violated");
    assert_eq!((found.preemptions, found.operations), (0, 2));
    assert_eq!(found.within.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
}

system! {
    /// One gives up before its first operation, and the other does wrong there.
    GivesUpAtOnce ["wrong": Main, "main": Main] |w, me, _| {
        if me == 0 {
            w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned());
        } else {
            w.backend.cut(bounds::RETRIES);
        }
        w.x.load(op("load"), Relaxed).await;
        DONE
    }
}

#[test]
fn giving_up_before_anybody_moves_leaves_nothing_to_explore() {
    for transition_cache in caches() {
        let options = Options { transition_cache, ..Options::default() };
        let found = explore(&GivesUpAtOnce, &options, &mut |_| ()).expect("the system is well-behaved");
        assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
        assert_eq!(found.statistics, Statistics::default());
        assert_eq!(found.violated, properties::LOST_WRITE.bit());
        assert_eq!(found.halted.and_then(|halted| halted.actor).as_deref(), Some("main"));
    }
}

system! {
    /// The same the other way round, and the other would give up as well.
    GivesUpFirst ["main": Main, "wrong": Main] |w, me, _| {
        if me == 0 {
            w.backend.cut(bounds::RETRIES);
        } else {
            w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned());
            w.backend.cut(bounds::EVICTIONS);
        }
        w.x.load(op("load"), Relaxed).await;
        DONE
    }
}

#[test]
fn nobody_begins_after_one_that_gives_up_before_anybody_moves() {
    let found = explored(&GivesUpFirst);
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
    assert_eq!(found.violated, 0);
    assert_eq!(found.halted.and_then(|halted| halted.actor).as_deref(), Some("main"));
}

system! {
    /// A reader that gives up if it reads the last of more messages than it can choose from.
    TooManyMessages ["reader": Main, "other": Main, "writer": Main] |w, me, round| {
        match me {
            0 => {
                if w.x.load(op("look"), Relaxed).await == 20 {
                    w.backend.cut(bounds::RETRIES);
                }
                return DONE;
            }
            1 => drop(w.a.lock(op("lock")).await),
            _ => w.x.store(op("store"), round + 1, Relaxed).await,
        }
        if round < 19 { again(round + 1) } else { DONE }
    }
}

#[test]
fn a_bound_behind_a_choice_that_cannot_be_told_is_not_met() {
    let found = explored(&TooManyMessages);
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Messages]);
}

#[test]
fn messages_that_runs_with_few_preemptions_cannot_choose_from_are_named() {
    // Depth first, the reader comes before the writer in all of these states.
    let limits = Limits { states: Some(300), ..Limits::default() };
    let found = explored_with(&TooManyMessages, true, true, limits);
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::States, LimitHit::Messages]);
}
