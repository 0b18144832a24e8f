//! The engine against plain enumeration, on random programs.
//!
//! Whatever the engine claims rests on its visited set, its sleep sets, its fingerprints, its undo log and
//! its rebuilding of steps. Each of these could lose a state or invent one, and the verdict would still look
//! like a verdict. So random programs are explored in every combination of the reductions, and everything
//! the engine counts is compared with `common/reference.rs`, which has none of them.

use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stalemap_explore::{
    Choice, Counterexample, Exploration, LimitHit, Limits, Options, Replay, Schedule, Witness,
    cheapest_counterexample, effects, explore, least_end, least_witness, minimal_counterexample, replay,
};
use stalemap_facade::{Bound, Property, System};

use crate::common::names::{branches, properties};
use crate::common::program::Program;
use crate::common::reference::{Graph, Least};
use crate::common::strategy::{looping, straight_line};
use crate::common::{caches, config};

/// States up to which a program is looked at.
const MOST_STATES: usize = 4_000;
/// States up to which a program is a small one.
const FEW_STATES: usize = 120;
/// States up to which every way from each of them is tried.
const MOST_STATES_SQUARED: u64 = 200;
/// Transitions up to which all its paths are enumerated.
const MOST_TRANSITIONS: u64 = 30_000;

/// Outcomes that the least way is looked for to, one by one.
const OUTCOMES_TRIED: usize = 8;

/// Explores with each of the transition caches, which must not be noticeable.
fn explored(program: &Program, visited_set: bool, sleep_sets: bool, limits: &Limits) -> Exploration {
    let [cached, overflowing, uncached] = caches().map(|transition_cache| {
        let options = Options {
            visited_set,
            sleep_sets,
            transition_cache,
            limits: limits.clone(),
            ..Options::default()
        };
        explore(program, &options, &mut |_| ()).expect("the engine can explore a program")
    });
    assert_eq!(cached, uncached);
    assert_eq!(overflowing, uncached);
    cached
}

/// Explores breadth first and in numbers, from the first transition on.
fn explored_broadly(program: &Program, limits: &Limits) -> Exploration {
    let options = Options { breadth_after: Some(0), limits: limits.clone(), ..Options::default() };
    explore(program, &options, &mut |_| ()).expect("the engine can explore a program")
}

fn graph_of(program: &Program) -> Result<Graph, TestCaseError> {
    graph_within(program, MOST_STATES)
}

fn graph_within(program: &Program, states: usize) -> Result<Graph, TestCaseError> {
    Graph::of(program, states).ok_or_else(|| TestCaseError::reject("too many states"))
}

/// The limits that a search without limits of its own must report.
fn own_limits(given_up: &BTreeSet<Bound>) -> BTreeSet<LimitHit> {
    given_up.iter().copied().map(LimitHit::Bound).collect()
}

/// Compares what any complete search must find.
fn finds_everything(found: &Exploration, graph: &Graph, visited_only: &Exploration) -> TestCaseResult {
    prop_assert_eq!(&found.limits_hit, &own_limits(&graph.cut_by()));
    prop_assert_eq!(found.violated, graph.violated());
    prop_assert_eq!(&found.final_states, &visited_only.final_states);
    prop_assert_eq!(&found.deadlocks, &visited_only.deadlocks);
    prop_assert_eq!(&found.ends, &visited_only.ends);
    prop_assert_eq!(found.ends.len(), graph.ends_from_outside());
    prop_assert_eq!(found.final_states.len(), graph.finals());
    prop_assert_eq!(found.statistics.final_states, graph.finals() as u64);
    prop_assert_eq!(found.deadlocks.len(), graph.deadlocks());
    prop_assert_eq!(&found.outcomes, &graph.outcomes(false));
    prop_assert_eq!(&found.violating_outcomes, &graph.outcomes(true));
    prop_assert_eq!(found.reached, graph.gathered.reached);
    prop_assert_eq!(&found.operations, &visited_only.operations);
    prop_assert_eq!(&found.maxima[..], &graph.gathered.maxima[..]);
    prop_assert_eq!(found.lasso.is_some(), graph.has_fair_cycle());
    Ok(())
}

/// Plays the first way that a search met to each violation.
fn witnesses_lead_there(program: &Program, found: &Exploration) -> TestCaseResult {
    prop_assert_eq!(found.witnesses.keys().fold(0, |bits, property| bits | property.bit()), found.violated);
    for (property, way) in &found.witnesses {
        prop_assert!(replayed(program, way)?.violated.contains(property));
    }
    Ok(())
}

/// Explores a program in all ways.
fn all_searches_agree(program: &Program) -> TestCaseResult {
    all_searches_find(program, &graph_of(program)?)
}

/// Explores a program in all ways, of which everything is known.
fn all_searches_find(program: &Program, graph: &Graph) -> TestCaseResult {
    let visited_only = explored(program, true, false, &Limits::default());
    finds_everything(&visited_only, graph, &visited_only)?;
    let counted = visited_only.statistics;
    prop_assert_eq!(counted.states, graph.states());
    prop_assert_eq!(counted.transitions, graph.transitions());
    // A depth-first search ends a path at every end and at every transition that leads to no new state.
    prop_assert_eq!(counted.executions, graph.ends() + graph.transitions() - (graph.states() - 1));

    let both = explored(program, true, true, &Limits::default());
    finds_everything(&both, graph, &visited_only)?;
    witnesses_lead_there(program, &both)?;
    prop_assert_eq!(both.statistics.states, graph.states());
    prop_assert!(both.statistics.transitions <= graph.transitions());

    let broad = explored_broadly(program, &Limits::default());
    finds_everything(&broad, graph, &visited_only)?;
    witnesses_lead_there(program, &broad)?;
    prop_assert_eq!(broad.statistics.states, graph.states());
    prop_assert_eq!(broad.statistics.transitions, graph.transitions());
    prop_assert_eq!(broad.statistics.executions, counted.executions);
    prop_assert!(broad.statistics.max_depth <= counted.max_depth);

    if let Some(paths) = graph.paths(MOST_TRANSITIONS) {
        let neither = explored(program, false, false, &Limits::default());
        finds_everything(&neither, graph, &visited_only)?;
        prop_assert_eq!(neither.statistics.states, paths.beginnings);
        prop_assert_eq!(neither.statistics.transitions, paths.transitions);
        prop_assert_eq!(neither.statistics.executions, paths.maximal);
        prop_assert_eq!(neither.statistics.max_depth, paths.longest);

        let sleep_only = explored(program, false, true, &Limits::default());
        finds_everything(&sleep_only, graph, &visited_only)?;
        prop_assert!(sleep_only.statistics.transitions <= paths.transitions);
    }
    Ok(())
}

/// Explores a program with bits for a visited set.
fn explored_in_bits(program: &Program, bytes: u64) -> Exploration {
    let options = Options { bitstate: Some(bytes), ..Options::default() };
    explore(program, &options, &mut |_| ()).expect("the engine can explore a program")
}

/// In bits, a search finds a part, and never claims to have found everything; with many bits, it has.
fn bits_find_a_part(program: &Program) -> TestCaseResult {
    graph_of(program)?;
    let whole = explored(program, true, true, &Limits::default());
    for bytes in [64, 256, 1 << 20] {
        let part = explored_in_bits(program, bytes);
        prop_assert!(whole.halted.is_some() || part.limits_hit.contains(&LimitHit::Bitstate));
        prop_assert_eq!(part.violated & !whole.violated, 0);
        prop_assert!(part.final_states.is_subset(&whole.final_states));
        prop_assert!(part.deadlocks.is_subset(&whole.deadlocks));
        prop_assert!(part.statistics.states <= whole.statistics.states);
        witnesses_lead_there(program, &part)?;
        if bytes == 1 << 20 {
            prop_assert_eq!(part.statistics.states, whole.statistics.states);
            prop_assert_eq!(part.final_states, whole.final_states.clone());
        }
    }
    Ok(())
}

/// Plays a schedule that has been written and read again.
fn replayed(program: &Program, choices: &[Choice]) -> Result<Replay, TestCaseError> {
    let specs = program.actors();
    let schedule = Schedule {
        headers: vec![("design".to_owned(), "none".to_owned())],
        steps: choices.iter().map(|choice| choice.to_step(&specs)).collect(),
        scenario: "title = \"random\"\n".to_owned(),
    };
    let read = Schedule::parse(&schedule.to_string()).map_err(fail)?;
    prop_assert_eq!(&read.headers, &schedule.headers);
    prop_assert_eq!(&read.scenario, &schedule.scenario);
    let texts = |schedule: &Schedule| schedule.steps.iter().map(ToString::to_string).collect::<Vec<_>>();
    prop_assert_eq!(texts(&read), texts(&schedule));
    replay(program, &read.steps).map_err(fail)
}

fn fail(error: impl Debug) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

fn preemptions(replay: &Replay) -> u32 {
    replay.played.iter().map(|played| u32::from(played.preempts)).sum()
}

fn cost_of(found: &Counterexample) -> Least {
    Least { preemptions: found.preemptions, operations: found.operations, below: found.states_below }
}

/// Looks for the least counterexample to a property and plays it.
fn counterexample_is_least(program: &Program, property: Property, expected: Option<Least>) -> TestCaseResult {
    let found = minimal_counterexample(program, property, &Limits::default()).map_err(fail)?;
    prop_assert_eq!(found.as_ref().map(cost_of), expected, "{}", property);
    let Some(found) = found else { return Ok(()) };
    prop_assert!(found.certified);
    let replay = replayed(program, &found.schedule)?;
    prop_assert!(replay.violated.contains(&property));
    prop_assert_eq!(replay.played.len(), found.operations as usize);
    prop_assert_eq!(preemptions(&replay), found.preemptions);
    if property != properties::LIVELOCK {
        costs_are_kept(program, property, &found)?;
    }
    Ok(())
}

/// Where preemptions cost what is said of each, the cheapest is as cheap as the least where all cost the same, and lies between
/// where they do not.
fn costs_are_kept(program: &Program, property: Property, least: &Counterexample) -> TestCaseResult {
    const DEAR: u32 = 1_000;
    let cheapest = |cost: &dyn Fn(&str) -> u32| {
        let found = cheapest_counterexample(program, property, &Limits::default(), &|_, _, op| cost(op.name));
        found.map_err(fail)?.ok_or_else(|| TestCaseError::fail("it is not found"))
    };
    let alike = cheapest(&|_| DEAR)?;
    prop_assert_eq!((alike.preemptions, alike.operations), (DEAR * least.preemptions, least.operations));
    let some = cheapest(&|name| if name.len() % 2 == 0 { 1 } else { DEAR })?;
    prop_assert!((least.preemptions..=DEAR * least.preemptions).contains(&some.preemptions));
    let switches = preemptions(&replayed(program, &some.schedule)?);
    prop_assert_eq!(some.preemptions % DEAR + some.preemptions / DEAR, switches);
    Ok(())
}

fn counterexamples_are_least(program: &Program) -> TestCaseResult {
    let graph = graph_of(program)?;
    for property in [properties::LOST_WRITE, properties::STALE_READ, properties::DEADLOCK] {
        counterexample_is_least(program, property, graph.least(property))?;
    }
    Ok(())
}

/// Looks for the least way to each outcome, to any of them, and to one that there is not.
fn ways_to_outcomes_are_least(program: &Program) -> TestCaseResult {
    let graph = graph_of(program)?;
    let tried: Vec<String> = graph.outcomes(false).into_keys().take(OUTCOMES_TRIED).collect();
    let way_to = |wanted: &dyn Fn(&str) -> bool| -> Result<Option<(u32, u32)>, TestCaseError> {
        let Witness::Least(found) = least_end(program, wanted, &Limits::default()).map_err(fail)? else {
            return Ok(None);
        };
        let replay = replayed(program, &found.schedule)?;
        let observed = replay.epilogue.as_ref().and_then(|end| end.observed.as_deref());
        prop_assert!(observed.is_some_and(wanted));
        prop_assert_eq!(
            (found.preemptions, found.operations),
            (preemptions(&replay), replay.played.len() as u32)
        );
        Ok(Some((found.preemptions, found.operations)))
    };
    let mut least = None;
    for outcome in &tried {
        let expected = graph.least_to_outcome(outcome).map(|least| (least.preemptions, least.operations));
        prop_assert_eq!(way_to(&|observed| observed == outcome)?, expected, "{}", outcome);
        least = least.min(expected).or(expected);
    }
    prop_assert_eq!(way_to(&|observed| tried.iter().any(|outcome| outcome == observed))?, least);
    let none = least_end(program, &|_| false, &Limits::default()).map_err(fail)?;
    prop_assert_eq!(matches!(none, Witness::Unknown(_)), !graph.cut_by().is_empty(), "{:?}", none);
    Ok(())
}

fn livelocks_are_least(program: &Program) -> TestCaseResult {
    let graph = graph_of(program)?;
    // Trying every way from everywhere takes quadratic time.
    if graph.states() > MOST_STATES_SQUARED {
        return Err(TestCaseError::reject("too many states"));
    }
    counterexample_is_least(program, properties::LIVELOCK, graph.least_round())
}

/// A certificate says which bounds cut what might have been cheaper, and nothing that no bound cut is cheaper: the
/// least counterexample of the same program without bounds says so.
fn certificates_say_among_what(program: &Program) -> TestCaseResult {
    let graph = graph_of(program)?;
    let unbounded = graph_of(&program.unbounded())?;
    if unbounded.states() > MOST_STATES_SQUARED || graph.states() > MOST_STATES_SQUARED {
        return Err(TestCaseError::reject("too many states"));
    }
    let cuts = graph.cuts();
    for property in
        [properties::LOST_WRITE, properties::STALE_READ, properties::DEADLOCK, properties::LIVELOCK]
    {
        let least = match property {
            properties::LIVELOCK => unbounded.least_round(),
            property => unbounded.least(property),
        };
        let Some(least) = least.map(|least| (least.preemptions, least.operations)) else { continue };
        let found = minimal_counterexample(program, property, &Limits::default()).map_err(fail)?;
        let Some(found) = found else {
            prop_assert!(!cuts.is_empty(), "{} is not found", property);
            continue;
        };
        let cost = (found.preemptions, found.operations);
        prop_assert!(least <= cost);
        let cheaper = cuts.iter().filter(|(_, cut)| **cut < cost);
        let cheaper: BTreeSet<_> = cheaper.map(|(bound, _)| LimitHit::Bound(*bound)).collect();
        prop_assert_eq!(&found.within, &cheaper);
        if found.within.is_empty() {
            prop_assert_eq!(least, cost, "{} is said to be the least of all", property);
        }
    }
    Ok(())
}

/// Looks for the least way to each branch that some run reaches, and to one that none does.
fn branches_are_witnessed(program: &Program) -> TestCaseResult {
    let graph = graph_of(program)?;
    let reached = |limits: &Limits| explored(program, true, false, limits).reached;
    let all = reached(&Limits::default());
    let unreached = branches::ALL.iter().find(|branch| all & branch.bit() == 0);
    for branch in branches::of_bits(all).iter().chain(unreached) {
        let found = match least_witness(program, *branch, &Limits::default()).map_err(fail)? {
            Witness::Least(found) => found,
            Witness::Unreachable => {
                prop_assert_eq!(all & branch.bit(), 0, "{} is reached", branch);
                continue;
            }
            Witness::Unknown(_) => {
                prop_assert!(all & branch.bit() == 0 && graph.given_up() > 0, "no limit was set");
                continue;
            }
        };
        prop_assert!(all & branch.bit() != 0, "{} is not reached", branch);
        let played = replayed(program, &found.schedule)?;
        prop_assert_eq!(preemptions(&played), found.preemptions);
        prop_assert_eq!(played.played.len(), found.operations as usize);
        let bounded = |most| reached(&Limits { preemptions: Some(most), ..Limits::default() }) & branch.bit();
        prop_assert!(bounded(found.preemptions) != 0);
        prop_assert!(found.preemptions == 0 || bounded(found.preemptions - 1) == 0);
    }
    Ok(())
}

/// Turns round each two neighbours of which the second does not depend on the first: nothing changes.
fn independent_neighbours_commute(program: &Program) -> TestCaseResult {
    for way in explored(program, true, true, &Limits::default()).witnesses.values() {
        let played = replayed(program, way)?.played;
        for second in 1..played.len() {
            let first = second - 1;
            let same = played[first].actor == played[second].actor;
            if same || played[second].depends_on.contains(&first) {
                continue;
            }
            let mut turned = way.clone();
            turned.swap(first, second);
            let again = replayed(program, &turned)?.played;
            prop_assert_eq!(&again[second].gutter, &played[second].gutter);
            prop_assert_eq!(again.last().map(|last| &last.gutter), played.last().map(|last| &last.gutter));
        }
    }
    Ok(())
}

/// Goes twice round the cycle that a search met.
fn cycles_go_round(program: &Program) -> TestCaseResult {
    graph_of(program)?;
    for sleep_sets in [false, true] {
        let Some(lasso) = explored(program, true, sleep_sets, &Limits::default()).lasso else { continue };
        prop_assert_eq!(lasso.states.len(), lasso.cycle.len());
        let twice = [&lasso.stem[..], &lasso.cycle, &lasso.cycle].concat();
        let replay = replayed(program, &twice)?;
        let seen: Vec<_> = std::iter::once(&replay.initial)
            .chain(replay.played.iter().map(|played| &played.gutter))
            .collect();
        let (first, round) = (lasso.stem.len(), lasso.cycle.len());
        prop_assert_eq!(&seen[first..=first + round], &seen[first + round..]);
    }
    Ok(())
}

/// Explores with few preemptions allowed.
fn preemption_limits_are_exact(program: &Program) -> TestCaseResult {
    let graph = graph_of(program)?;
    let least = |property| graph.least(property).map(|least: Least| least.preemptions);
    let properties = [properties::LOST_WRITE, properties::STALE_READ, properties::DEADLOCK];
    let mut bounds = vec![0, 1];
    for preemptions in properties.into_iter().filter_map(least) {
        bounds.extend([preemptions.saturating_sub(1), preemptions]);
    }
    bounds.sort_unstable();
    bounds.dedup();
    for bound in bounds {
        let limits = Limits { preemptions: Some(bound), ..Limits::default() };
        let expected = graph.bounded(bound);
        for property in properties {
            let within = least(property).is_some_and(|preemptions| preemptions <= bound);
            prop_assert_eq!(expected.violated & property.bit() != 0, within);
        }
        for sleep_sets in [false, true] {
            let found = explored(program, true, sleep_sets, &limits);
            prop_assert_eq!(found.violated, expected.violated);
            let livelock = minimal_counterexample(program, properties::LIVELOCK, &limits).map_err(fail)?;
            prop_assert_eq!(livelock.is_some(), expected.violated & properties::LIVELOCK.bit() != 0);
            prop_assert!(livelock.is_none_or(|found| found.within.contains(&LimitHit::Preemptions)));
            let mut limits_hit = own_limits(&expected.given_up);
            limits_hit.extend(expected.cut.then_some(LimitHit::Preemptions));
            prop_assert_eq!(found.limits_hit, limits_hit);
            prop_assert_eq!(found.statistics.states, expected.triples);
            prop_assert_eq!(found.final_states.len(), expected.finals);
            prop_assert_eq!(found.deadlocks.len(), expected.deadlocks);
        }
    }
    Ok(())
}

/// Explores with exactly as many states as there are, and with one too few.
fn state_limits_are_exact(program: &Program) -> TestCaseResult {
    let graph = graph_of(program)?;
    for sleep_sets in [false, true] {
        let limited = |states| {
            explored(program, true, sleep_sets, &Limits { states: Some(states), ..Limits::default() })
        };
        prop_assert_eq!(limited(graph.states()).limits_hit, own_limits(&graph.cut_by()));
        let short = limited(graph.states() - 1);
        prop_assert!(short.limits_hit.contains(&LimitHit::States));
        prop_assert_eq!(short.statistics.states, graph.states() - 1);
    }
    Ok(())
}

/// Every reduction on a small program: visited set, sleep sets, transition cache, numbers, and what an actor is known by.
fn reductions_agree(program: &Program) -> TestCaseResult {
    all_searches_find(program, &graph_within(program, FEW_STATES)?)?;
    let found = effects(program, &Limits::default()).map_err(fail)?;
    prop_assert_eq!(found.contradictions, 0, "{:?}", found.first);
    Ok(())
}

// Many small programs find more than a few large ones: these are ten thousand, and with `STALEMAP_CASES=25600` a million.
proptest! {
    #![proptest_config(config(5_100))]

    #[test]
    fn reductions_agree_on_many_straight_line_programs(program in straight_line()) {
        reductions_agree(&program)?;
    }

    #[test]
    fn reductions_agree_on_many_looping_programs(program in looping()) {
        reductions_agree(&program)?;
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn searches_of_straight_line_programs_agree(program in straight_line()) {
        all_searches_agree(&program)?;
    }

    #[test]
    fn searches_of_looping_programs_agree(program in looping()) {
        all_searches_agree(&program)?;
    }

    #[test]
    fn bits_find_a_part_of_random_programs(program in prop_oneof![straight_line(), looping()]) {
        bits_find_a_part(&program)?;
    }

    #[test]
    fn counterexamples_of_straight_line_programs_are_least(program in straight_line()) {
        counterexamples_are_least(&program)?;
    }

    #[test]
    fn counterexamples_of_looping_programs_are_least(program in looping()) {
        counterexamples_are_least(&program)?;
    }

    #[test]
    fn ways_to_outcomes_of_random_programs_are_least(program in prop_oneof![straight_line(), looping()]) {
        ways_to_outcomes_are_least(&program)?;
    }

    #[test]
    fn livelocks_of_looping_programs_are_least(program in looping()) {
        livelocks_are_least(&program)?;
    }

    #[test]
    fn certificates_of_random_programs_say_among_what(program in prop_oneof![straight_line(), looping()]) {
        certificates_say_among_what(&program)?;
    }

    #[test]
    fn branches_of_random_programs_are_witnessed(program in prop_oneof![straight_line(), looping()]) {
        branches_are_witnessed(&program)?;
    }

    #[test]
    fn independent_neighbours_of_random_programs_commute(program in prop_oneof![straight_line(), looping()]) {
        graph_of(&program)?;
        independent_neighbours_commute(&program)?;
    }

    #[test]
    fn cycles_of_looping_programs_go_round(program in looping()) {
        cycles_go_round(&program)?;
    }

    #[test]
    fn preemption_limits_of_straight_line_programs_are_exact(program in straight_line()) {
        preemption_limits_are_exact(&program)?;
    }

    #[test]
    fn preemption_limits_of_looping_programs_are_exact(program in looping()) {
        preemption_limits_are_exact(&program)?;
    }

    #[test]
    fn state_limits_are_exact_always(program in prop_oneof![straight_line(), looping()]) {
        state_limits_are_exact(&program)?;
    }
}
