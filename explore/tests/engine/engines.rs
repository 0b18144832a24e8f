//! The engines against each other and against plain enumeration, on random programs.
//!
//! The exhaustive engine, shuttle's depth-first search and loom have nothing in common but the program: other
//! memory, other reductions, other notions of who may move. If they come to the same ends, deadlocks and
//! violations, a mistake would have to be made three times, and a fourth time by `common/reference.rs`.

use std::collections::BTreeSet;

use crate::common::config;
use crate::common::program::Program;
use crate::common::reference::{Graph, Paths};
use crate::common::strategy::straight_line;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestCaseResult;
use stalemap_explore::{
    Budget, EngineError, Exploration, Follow, LOOM_ACTORS, Limits, Loom, Options, Runs, Shuttle,
    Strategy as Schedules, explore, follow_with_shuttle, replay, run_loom, run_shuttle, way_to_end,
};
use stalemap_facade::{Role, System};

/// States up to which a program is looked at.
const MOST_STATES: usize = 2_000;
/// Paths up to which it is: shuttle and loom take every one of them.
const MOST_PATHS: u64 = 400;

fn fail(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

/// The whole truth about a program, if it is small enough.
fn truth(program: &Program) -> Result<(Graph, Paths), TestCaseError> {
    let graph = Graph::of(program, MOST_STATES).ok_or_else(|| TestCaseError::reject("too many states"))?;
    if graph.has_cycle() {
        return Err(TestCaseError::reject("it never ends"));
    }
    let paths = graph.paths(MOST_PATHS * 50).filter(|paths| paths.maximal <= MOST_PATHS);
    Ok((graph, paths.ok_or_else(|| TestCaseError::reject("too many paths"))?))
}

fn exhausted(program: &Program) -> Exploration {
    explore(program, &Options::default(), &mut |_| ()).expect("the engine can explore a program")
}

fn searched(program: &Program) -> Result<Runs, TestCaseError> {
    let shuttle = Shuttle { strategy: Schedules::Dfs, budget: Budget::default() };
    run_shuttle(program, &shuttle).map_err(fail)
}

/// Compares what an engine that tried everything found with what the exhaustive engine found.
fn agrees(found: &Runs, truth: &Exploration) -> TestCaseResult {
    prop_assert!(found.finished);
    prop_assert_eq!(&found.limits_hit, &truth.limits_hit);
    let ends: BTreeSet<_> = found.ends.keys().copied().collect();
    prop_assert_eq!(&ends, &truth.ends);
    prop_assert_eq!(found.violated, truth.violated);
    prop_assert_eq!(found.reached, truth.reached);
    prop_assert_eq!(&found.maxima, &truth.maxima);
    let observed: BTreeSet<_> = found.ends.values().filter_map(|end| end.observed.as_ref()).collect();
    prop_assert_eq!(observed, truth.outcomes.keys().collect::<BTreeSet<_>>());
    Ok(())
}

/// The schedules that an engine noted lead where it says, on the exhaustive engine.
fn witnesses_replay(program: &Program, found: &Runs) -> TestCaseResult {
    let specs = program.actors();
    for (property, schedule) in &found.witnesses {
        let steps: Vec<_> = schedule.iter().map(|choice| choice.to_step(&specs)).collect();
        let replay = replay(program, &steps).map_err(fail)?;
        prop_assert!(replay.violated.contains(property), "{property}");
    }
    Ok(())
}

fn shuttle_agrees(program: &Program) -> TestCaseResult {
    let (graph, paths) = truth(program)?;
    let truth = exhausted(program);
    prop_assert_eq!(truth.ends.len(), graph.ends_from_outside());
    let found = searched(program)?;
    prop_assert_eq!(found.executions, paths.maximal, "one execution for each path");
    agrees(&found, &truth)?;
    witnesses_replay(program, &found)
}

fn loom_agrees(program: &Program) -> TestCaseResult {
    let (_, paths) = truth(program)?;
    let found = match run_loom(program, &Loom::default()) {
        Err(EngineError::DoesNotFit { actors, .. }) => {
            prop_assert!(actors > LOOM_ACTORS);
            return Err(TestCaseError::reject("too many actors"));
        }
        other => other.map_err(fail)?,
    };
    // Choices repeat some.
    prop_assert!(found.executions >= paths.maximal, "every path is taken");
    agrees(&found, &exhausted(program))?;
    witnesses_replay(program, &found)
}

/// Schedules of the exhaustive engine drive shuttle.
fn shuttle_follows(program: &Program) -> TestCaseResult {
    let (_, _) = truth(program)?;
    let truth = exhausted(program);
    let specs = program.actors();
    for (property, schedule) in &truth.witnesses {
        let schedule: Vec<_> = schedule.iter().map(|choice| choice.to_step(&specs)).collect();
        let Follow::Followed(runs) = follow_with_shuttle(program, &schedule).map_err(fail)? else {
            return Err(TestCaseError::fail(format!("shuttle cannot follow to {property}")));
        };
        prop_assert_eq!(runs.executions, 1);
        prop_assert!(runs.violated & property.bit() != 0, "{}", property);
    }
    // The least way to each end leads to it, operation by operation.
    for end in &truth.ends {
        let way = way_to_end(program, end, &Limits::default()).map_err(fail)?;
        let way = way.ok_or_else(|| TestCaseError::fail("no way to an end"))?;
        let way: Vec<_> = way.iter().map(|choice| choice.to_step(&specs)).collect();
        let followed = follow_with_shuttle(program, &way).map_err(fail)?;
        let Follow::Followed(runs) = followed else {
            return Err(TestCaseError::fail("shuttle cannot follow to an end"));
        };
        prop_assert_eq!(runs.ends.keys().collect::<Vec<_>>(), vec![end]);
    }
    Ok(())
}

/// Random schedules are executions: what they find is there, and every way they note replays.
fn walks_are_sound(program: &Program) -> TestCaseResult {
    let (_, _) = truth(program)?;
    let truth = exhausted(program);
    let budget = Budget { executions: Some(20), time: None };
    for strategy in [Schedules::Random { seed: 7 }, Schedules::Pct { seed: 7, depth: 3 }] {
        let found = run_shuttle(program, &Shuttle { strategy, budget }).map_err(fail)?;
        prop_assert_eq!(found.executions, 20);
        prop_assert!(!found.finished);
        prop_assert!(found.ends.keys().all(|end| truth.ends.contains(end)));
        prop_assert_eq!(found.violated & !truth.violated, 0);
        witnesses_replay(program, &found)?;
        let again = run_shuttle(program, &Shuttle { strategy, budget }).map_err(fail)?;
        prop_assert_eq!(found, again, "the same seed, the same executions");
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn shuttle_agrees_with_the_exhaustive_engine(program in straight_line()) {
        shuttle_agrees(&program)?;
    }

    #[test]
    fn loom_agrees_with_the_exhaustive_engine(program in straight_line()) {
        loom_agrees(&program)?;
    }

    #[test]
    fn shuttle_follows_schedules_of_the_exhaustive_engine(program in straight_line()) {
        shuttle_follows(&program)?;
    }

    #[test]
    fn random_schedules_are_executions(program in straight_line()) {
        walks_are_sound(&program)?;
    }
}

#[test]
fn random_programs_have_every_role() {
    // What the comparison rests on: daemons and epilogues are among the programs.
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut roles = BTreeSet::new();
    for _ in 0..200 {
        let program = straight_line().new_tree(&mut runner).expect("a program").current();
        roles.extend(program.tasks.iter().map(|task| format!("{:?}", task.role)));
    }
    let all = [Role::Setup, Role::Main, Role::Daemon, Role::Epilogue].map(|role| format!("{role:?}"));
    assert_eq!(roles, all.into_iter().collect());
}
