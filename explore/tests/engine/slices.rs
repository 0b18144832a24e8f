//! Slices of random programs, put together, against the whole: everything but how often and how deep was searched must be
//! the same.

use std::convert::Infallible;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{TestCaseResult, TestRunner};
use stalemap_explore::{
    Enough, Exploration, LimitHit, Limits, Options, SliceFound, SliceOf, Statistics, Union, count_union,
    explore, explore_cycles, explore_slice,
};
use stalemap_facade::System;

use crate::common::config;
use crate::common::program::Program;
use crate::common::random_litmus::litmus;
use crate::common::small::Small;
use crate::common::strategy::{looping, straight_line};

/// Cuts of small programs.
const ENOUGH: Enough = Enough { waiting: 12, met: 40 };

/// One slice.
fn slice(program: &impl System, options: &Options, slice: SliceOf) -> Option<SliceFound> {
    let found = explore_slice(program, options, &|_| true, ENOUGH, slice, &|| false, &mut |_| ());
    found.expect("the engine can explore a program").expect("every setup is acceptable")
}

/// The slices, put together as who has only their results would. `None`: the program is too small for the cut.
fn united(program: &impl System, options: &Options, of: usize) -> Option<Exploration> {
    let slices: Vec<Option<SliceFound>> =
        (0..of).map(|number| slice(program, options, SliceOf { number, of })).collect();
    let slices: Vec<SliceFound> = slices.into_iter().collect::<Option<_>>()?;
    assert!(slices.iter().all(|slice| slice.cut == slices[0].cut), "all cut in the same place");
    let lists = slices.iter().map(|slice| slice.states.iter().copied().map(Ok::<u128, Infallible>)).collect();
    let Ok(states) = count_union(lists);
    let cycle_met = slices.iter().any(|slice| slice.cycle_met);
    let mut union = Union::default();
    for slice in slices {
        union.add(slice.exploration, slice.contents);
    }
    if cycle_met {
        let cycles = explore_cycles(program, options).expect("the engine can explore a program");
        union.add_cycles(cycles);
    }
    union.whole(states, &options.limits)
}

/// What must not depend on who explores what.
fn comparable(exploration: Exploration) -> Exploration {
    let Statistics { states, final_states, .. } = exploration.statistics;
    Exploration {
        statistics: Statistics { states, final_states, ..Statistics::default() },
        // The first way that is met is not the same.
        witnesses: exploration.witnesses.into_keys().map(|property| (property, Vec::new())).collect(),
        ..exploration
    }
}

fn compare(program: &impl System, limits: Limits, slices: usize) -> TestCaseResult {
    let options = Options { limits, ..Options::default() };
    let whole = explore(program, &options, &mut |_| ()).expect("the engine can explore a program");
    prop_assume!(whole.statistics.states < 20_000);
    let Some(united) = united(program, &options, slices) else { return Ok(()) };
    prop_assert_eq!(comparable(united), comparable(whole));
    Ok(())
}

fn number() -> impl Strategy<Value = usize> {
    prop_oneof![Just(1_usize), Just(2), Just(3), Just(7), Just(100), 1..64_usize]
}

/// Most of the programs are large enough to be cut; else the other tests would show little.
#[test]
fn random_programs_are_cut() {
    let mut runner = TestRunner::deterministic();
    let cut = |program: &Program| {
        let one = SliceOf { number: 0, of: 2 };
        slice(program, &Options::default(), one).is_some()
    };
    let programs = (0..100).map(|_| straight_line().new_tree(&mut runner).expect("a program").current());
    let cut = programs.filter(cut).count();
    assert!(cut > 50, "{cut} of 100");
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn slices_come_to_the_whole(program in straight_line(), slices in number()) {
        compare(&program, Limits::default(), slices)?;
    }

    #[test]
    fn slices_of_what_goes_round_come_to_the_whole(program in looping(), slices in number()) {
        compare(&program, Limits::default(), slices)?;
    }

    #[test]
    fn slices_of_relaxed_memory_come_to_the_whole(litmus in litmus(), slices in number()) {
        compare(&Small::from(litmus), Limits::default(), slices)?;
    }

    #[test]
    fn slices_of_runs_with_few_preemptions_come_to_all_of_these(program in straight_line(), slices in number(), most in 0..3_u32) {
        compare(&program, Limits { preemptions: Some(most), ..Limits::default() }, slices)?;
    }
}

#[test]
fn a_slice_that_is_stopped_says_so() {
    let runner = &mut TestRunner::deterministic();
    let strategy = straight_line();
    let options = Options::default();
    let whole = SliceOf { number: 0, of: 1 };
    let cut = (0..100).find_map(|_| {
        let program = strategy.new_tree(runner).expect("a program").current();
        let found = explore_slice(&program, &options, &|_| true, ENOUGH, whole, &|| true, &mut |_| ());
        found.expect("the engine can explore a program").expect("every setup is acceptable")
    });
    let hit = cut.expect("a program that is large enough").exploration.limits_hit;
    assert!(hit.contains(&LimitHit::Interrupted), "{hit:?}");
}
