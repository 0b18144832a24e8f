//! Searches that are stopped by a limit, on random programs.
//!
//! A search that was stopped must claim no more than it knows: what it found is there, and what it says of runs with few
//! preemptions is what plain enumeration of the graph says (`common/reference.rs`).

use std::fmt::Debug;

use crate::common::config;
use crate::common::names::{branches, counters, properties};
use crate::common::program::{Condition, Operand, Program, Repeat, Statement, Task, Test};
use crate::common::reference::Graph;
use crate::common::strategy::{looping, straight_line};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stalemap_explore::{
    Counterexample, Exploration, FewPreemptions, LimitHit, Limits, Options, explore, replay,
};
use stalemap_facade::{Property, Role, System};

/// States up to which a program is looked at: so few that a budget of transitions is never used up.
const MOST_STATES: usize = 1_000;

fn graph_of(program: &Program) -> Result<Graph, TestCaseError> {
    Graph::of(program, MOST_STATES).ok_or_else(|| TestCaseError::reject("too many states"))
}

fn fail(error: impl Debug) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

fn explored(program: &Program, limits: Limits) -> Result<Exploration, TestCaseError> {
    let options = Options { limits, ..Options::default() };
    explore(program, &options, &mut |_| ()).map_err(fail)
}

fn without_livelock(violated: u64) -> u64 {
    violated & !Property::LIVELOCK.bit()
}

/// What levels of preemptions must find that may have so many states each, up to the level `most`.
fn expected(graph: &Graph, states: u64, most: Option<u32>) -> FewPreemptions {
    let mut known = FewPreemptions::default();
    for preemptions in 0..=most.unwrap_or(u32::MAX) {
        let level = graph.bounded(preemptions);
        if level.violated != 0 {
            known.found_with = Some(preemptions);
            break;
        }
        if level.triples > states {
            break;
        }
        known = FewPreemptions { none_up_to: Some(preemptions), states: level.triples, found_with: None };
        if !level.cut {
            break;
        }
    }
    known
}

/// What every stopped search must keep to.
fn claims_nothing_wrong(program: &Program, graph: &Graph, found: &Exploration) -> TestCaseResult {
    prop_assert!(!found.is_complete());
    prop_assert_eq!(found.violated & !graph.violated(), 0);
    prop_assert_eq!(found.witnesses.keys().fold(0, |bits, property| bits | property.bit()), found.violated);
    let specs = program.actors();
    for (property, way) in &found.witnesses {
        let steps: Vec<_> = way.iter().map(|choice| choice.to_step(&specs)).collect();
        prop_assert!(replay(program, &steps).map_err(fail)?.violated.contains(property));
    }
    let Some(few) = found.few_preemptions else { return Ok(()) };
    if let Some(most) = few.none_up_to {
        prop_assert_eq!(without_livelock(graph.bounded(most).violated), 0);
        prop_assert_eq!(few.states, graph.bounded(most).triples);
    }
    if let Some(least) = few.found_with {
        prop_assert!(found.violated != 0);
        if without_livelock(found.violated) == found.violated {
            prop_assert!(graph.bounded(least).violated != 0);
            prop_assert!(least == 0 || graph.bounded(least - 1).violated == 0);
        }
    }
    Ok(())
}

/// Stops a search at every so many states.
fn few_preemptions_come_first(program: &Program, share: u64) -> TestCaseResult {
    let graph = graph_of(program)?;
    let states = graph.states() * share / 100;
    if states == graph.states() {
        return Err(TestCaseError::reject("nothing is left out"));
    }
    let found = explored(program, Limits { states: Some(states), ..Limits::default() })?;
    claims_nothing_wrong(program, &graph, &found)?;
    prop_assert!(found.limits_hit.contains(&LimitHit::States));
    let few = found.few_preemptions.unwrap_or_default();
    if graph.has_cycle() {
        return Ok(());
    }
    let expected = expected(&graph, states, None);
    prop_assert_eq!(few.none_up_to, expected.none_up_to);
    prop_assert_eq!(few.states, expected.states);
    match expected.found_with {
        // A level that has no room for all of its states may come past what violates something.
        Some(least) if graph.bounded(least).triples <= states => {
            prop_assert_eq!(few.found_with, Some(least));
            let missed = graph.bounded(least).violated & !found.violated;
            prop_assert_eq!(missed, 0);
        }
        Some(least) => prop_assert!(few.found_with.is_none_or(|found| found == least)),
        None => prop_assert!(few.found_with.is_none()),
    }
    Ok(())
}

/// Bounds the preemptions, and stops the search within the bound as well.
fn bounded_searches_are_exact(program: &Program, share: u64) -> TestCaseResult {
    let graph = graph_of(program)?;
    for bound in 0..4 {
        let level = graph.bounded(bound);
        let all = explored(program, Limits { preemptions: Some(bound), ..Limits::default() })?;
        prop_assert_eq!(all.violated, level.violated);
        prop_assert_eq!(all.is_complete(), !level.cut && level.given_up.is_empty());
        let none = level.cut && all.violated == 0;
        let known = none.then_some(FewPreemptions {
            none_up_to: Some(bound),
            states: level.triples,
            found_with: None,
        });
        prop_assert_eq!(all.few_preemptions, known);

        let states = level.triples * share / 100;
        if states == level.triples || graph.has_cycle() {
            continue;
        }
        let limits = Limits { preemptions: Some(bound), states: Some(states), ..Limits::default() };
        let found = explored(program, limits)?;
        claims_nothing_wrong(program, &graph, &found)?;
        let below = bound.checked_sub(1).map(|most| expected(&graph, states, Some(most)));
        let none_up_to = below.and_then(|below| below.none_up_to);
        prop_assert_eq!(found.few_preemptions.and_then(|few| few.none_up_to), none_up_to);
    }
    Ok(())
}

/// Stops a search breadth first at every so many states.
fn what_ends_is_counted(program: &Program, share: u64) -> TestCaseResult {
    let graph = graph_of(program)?;
    let states = (graph.states() * share / 100).max(1);
    let limits = Limits { states: Some(states), ..Limits::default() };
    let options = Options { breadth_after: Some(0), limits, ..Options::default() };
    let found = explore(program, &options, &mut |_| ()).map_err(fail)?;
    let (ends, shown) = (found.final_states.len() as u64, found.outcomes.values().sum::<u64>());
    prop_assert!(found.statistics.states <= states);
    prop_assert!(found.statistics.final_states == ends && shown <= ends && ends <= states);
    Ok(())
}

/// Gives a search little memory.
fn memory_limits_are_honest(program: &Program, memory: u64) -> TestCaseResult {
    let graph = graph_of(program)?;
    let limits = Limits { memory: Some(memory), ..Limits::default() };
    let found = explored(program, limits.clone())?;
    prop_assert_eq!(&found, &explored(program, limits)?, "a limit of memory depends on nothing else");
    if found.limits_hit.contains(&LimitHit::Memory) {
        prop_assert!(found.is_stopped() && found.few_preemptions.is_some());
        return claims_nothing_wrong(program, &graph, &found);
    }
    prop_assert_eq!(found, explored(program, Limits::default())?);
    Ok(())
}

/// Two tasks; what the second reaches if it comes first, a stopped search comes to only with few preemptions.
fn late_corner() -> Program {
    use Statement::{Add, Load, Maximum, Reach, Skip, Store};
    let first = Test { register: 0, is: Condition::Equal, operand: Operand::Constant(0) };
    let stores = (0..12).map(|number| Store(0, Operand::Constant(1 + number % 2))).collect();
    let looks = vec![
        Load(0, 0),
        Reach(first, branches::STALE),
        Skip { unless: first, statements: 1 },
        Add(1, Operand::Constant(2)),
        Maximum(counters::STALE_ABORTS, 1),
        Load(0, 0),
        Load(0, 0),
    ];
    let task = |statements| Task { role: Role::Main, steps: vec![statements], repeat: Repeat::Never };
    Program { tasks: vec![task(stores), task(looks)], unused: 0 }
}

#[test]
fn what_runs_with_few_preemptions_reach_is_reached() {
    let found =
        explored(&late_corner(), Limits { states: Some(40), ..Limits::default() }).expect("a sound program");
    assert_eq!(found.limits_hit.iter().copied().collect::<Vec<_>>(), [LimitHit::States]);
    assert_eq!(found.few_preemptions.and_then(|few| few.none_up_to), Some(0));
    assert_eq!(found.reached & branches::STALE.bit(), branches::STALE.bit());
    assert_eq!(found.maxima[counters::STALE_ABORTS.number()], 2);
}

/// A task that goes round for ever, and two of which one is wrong if it is preempted.
fn spinning_and_wrong() -> Program {
    use Statement::{Load, Store, Violate};
    let once = |statements| Task { role: Role::Main, steps: vec![statements], repeat: Repeat::Never };
    let spin = Task { role: Role::Main, steps: vec![vec![Load(1, 0)]], repeat: Repeat::Forever };
    let changed = Test { register: 0, is: Condition::Different, operand: Operand::Register(1) };
    let looks = vec![Load(0, 0), Load(0, 1), Violate(changed, properties::LOST_WRITE)];
    let stores = (0..30).map(|number| Store(0, Operand::Constant(1 + number % 2))).collect();
    Program { tasks: vec![once(stores), once(looks), spin], unused: 0 }
}

#[test]
fn a_livelock_without_a_preemption_is_found_with_none() {
    let found = explored(&spinning_and_wrong(), Limits { states: Some(150), ..Limits::default() });
    let found = found.expect("a sound program");
    assert_eq!(found.limits_hit.iter().copied().collect::<Vec<_>>(), [LimitHit::States]);
    assert_eq!(found.violated, properties::LIVELOCK.bit() | properties::LOST_WRITE.bit());
    assert!(found.lasso.is_some());
    let few = FewPreemptions { none_up_to: None, states: 0, found_with: Some(0) };
    assert_eq!(found.few_preemptions, Some(few));
    let with = |property| {
        let way = &found.witnesses[&property];
        Counterexample::as_found(&spinning_and_wrong(), way).expect("it can be gone").preemptions
    };
    // With none something was found, and the other property was not.
    assert_eq!((with(properties::LIVELOCK), with(properties::LOST_WRITE)), (0, 2));
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn stopped_searches_look_at_few_preemptions_first(
        program in prop_oneof![straight_line(), looping()],
        share in 5_u64..100,
    ) {
        few_preemptions_come_first(&program, share)?;
    }

    #[test]
    fn bounded_searches_of_random_programs_are_exact(
        program in prop_oneof![straight_line(), looping()],
        share in 5_u64..100,
    ) {
        bounded_searches_are_exact(&program, share)?;
    }

    #[test]
    fn searches_that_are_stopped_breadth_first_count_what_ends(
        program in prop_oneof![straight_line(), looping()],
        share in 1_u64..100,
    ) {
        what_ends_is_counted(&program, share)?;
    }

    #[test]
    fn memory_limits_of_random_programs_are_honest(
        program in prop_oneof![straight_line(), looping()],
        memory in 10_u32..18,
        more in 0_u64..1000,
    ) {
        memory_limits_are_honest(&program, (1 << memory) + more)?;
    }
}
