//! What limits of states and memory count.

use std::ops::ControlFlow;

use stalemap_explore::{Exploration, LimitHit, Limits, Options, Progress, explore, minimal_counterexample};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Role};

use super::{DONE, Small, World, again, op};
use crate::common::names::properties;

system! {
    /// Many ways to the same wrong end.
    Broad ["one": Main, "other": Main] |w, _, _| {
        let chosen = w.backend.choose(op("choose"), 60).await;
        w.note(chosen.into());
        if w.log.read(Vec::len) == 2 {
            w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned());
        }
        DONE
    }
}

#[test]
fn what_waits_to_be_looked_at_counts() {
    // Nearly twice 60 times 60 states wait, each with more than 300 bytes beside what it shares with others; what is
    // known of them takes less.
    const WAITING: u64 = 2 * 60 * 60;
    let found = |memory| {
        let limits = Limits { memory: Some(memory), ..Limits::default() };
        minimal_counterexample(&Broad, properties::LOST_WRITE, &limits)
            .expect("the system is well-behaved")
            .is_some()
    };
    assert_eq!((found(400 * WAITING), found(800 * WAITING)), (false, true));
}

system! {
    /// A long way.
    Deeper ["one": Main] |w, _, round| {
        w.x.store(op("store"), round, Relaxed).await;
        if round < 5_000 { again(round + 1) } else { DONE }
    }
}

#[test]
fn what_is_on_the_stack_counts() {
    let mut most = 0;
    let options = Options { transition_cache: None, ..Options::default() };
    let mut look = |progress: &Progress| most = progress.bytes.max(most);
    explore(&Deeper, &options, &mut look).expect("the system is well-behaved");
    // For each state a row of footprints, a node, how to undo the transition, and what the state keeps. Without the least
    // of these it is not as much; what takes less from now on may need another number.
    assert!(most >= 4_096 * 1_800, "{most}");
}

system! {
    /// Few operations with many outcomes, and one actor that looks until one of them is there.
    Wide ["looks": Main, "one": Main, "other": Main] |w, me, _| {
        if me == 0 {
            return if w.x.load(op("look"), Relaxed).await == 0 { again(0) } else { DONE };
        }
        let chosen = w.backend.choose(op("choose"), 120).await;
        let word = if me == 1 { &w.x } else { &w.y };
        word.store(op("store"), chosen.into(), Relaxed).await;
        // One final state is enough.
        word.store(op("settle"), 1, Relaxed).await;
        DONE
    }
}

#[test]
fn a_limit_that_leaves_cycles_undecided_is_named_beside_a_bound() {
    let within = |memory| {
        let limits = Limits { memory, preemptions: Some(1), ..Limits::default() };
        // Known transitions would count for the search alone.
        let options = Options { transition_cache: None, limits, ..Options::default() };
        let mut most = 0;
        let mut look = |progress: &Progress| most = progress.bytes.max(most);
        (explore(&Wide, &options, &mut look).expect("the system is well-behaved"), most)
    };
    let (all, bytes) = within(None);
    assert_eq!(all.limits_hit.iter().copied().collect::<Vec<_>>(), [LimitHit::Preemptions]);
    // A state takes more where cycles are looked at. So there are limits that are enough for the search and not for that.
    let found = (101..116).step_by(5).map(|percent| within(Some(bytes * percent / 100)).0);
    let undecided = found.filter(|found| found.statistics == all.statistics && found.limits_hit.len() > 1);
    let undecided: Vec<Exploration> = undecided.collect();
    assert!(!undecided.is_empty(), "no limit is enough for the search alone");
    for found in undecided {
        assert!(found.limits_hit.contains(&LimitHit::Memory), "{:?}", found.limits_hit);
    }
}

system! {
    /// One actor that counts, and keeps much beside that.
    Deep ["one": Main] |w, _, round| {
        w.x.store(op("store"), round, Relaxed).await;
        w.log.update(|log| *log = vec![round; 2_000]);
        if round < 1_000 { again(round + 1) } else { DONE }
    }
}

#[test]
fn what_values_take_counts() {
    const MEMORY: u64 = 1 << 22;
    let limits = Limits { memory: Some(MEMORY), ..Limits::default() };
    let options = Options { transition_cache: None, limits, ..Options::default() };
    let found = explore(&Deep, &options, &mut |_| ()).expect("the system is well-behaved");
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Memory]);
    // Each state on the stack keeps a list of 2000 numbers; every 64 transitions it is looked at what that takes.
    assert!(found.statistics.max_depth <= MEMORY / (2_000 * size_of::<u64>() as u64) + 64);
}
