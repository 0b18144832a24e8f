//! Golden counts: how many states, transitions and executions each shipped scenario takes under each design.
//!
//! Too few would mean a reachable state is missed, too many that a reduction is lost. A change of the model
//! changes them for a reason that its commit says; nothing else may.

use std::fmt::Write as _;

use stalemap::run::{GivenLimits, Job, run_all};

use crate::common::all_shipped;

#[test]
fn every_scenario_takes_what_it_always_took() {
    let scenarios = all_shipped();
    let jobs: Vec<Job<'_>> = scenarios.iter().flat_map(Job::expected).collect();
    let mut counts = String::new();
    for outcome in run_all(&jobs, GivenLimits::default(), 2, &|_| ()) {
        let outcome = outcome.expect("a run");
        let judgement = &outcome.judgement;
        let about = || format!("{} under {}", outcome.scenario, outcome.design);
        assert_eq!(judgement.as_expected, Some(true), "{}: {:?}", about(), judgement.reasons);
        assert!(outcome.limits_hit.is_empty(), "{}", about());
        let mut found = outcome.counterexample.iter().map(|shown| &shown.counterexample);
        assert!(found.all(|counterexample| counterexample.certified), "{}", about());
        let numbers = outcome.statistics;
        let least = outcome.counterexample.as_ref().map_or(String::new(), |shown| {
            format!(
                ", least {} preemptions {} operations",
                shown.counterexample.preemptions, shown.counterexample.operations
            )
        });
        writeln!(
            counts,
            "{} {}: {} states, {} transitions, {} executions, depth {}, {} final, stale {:?}{least}",
            outcome.scenario,
            outcome.design,
            numbers.states,
            numbers.transitions,
            numbers.executions,
            numbers.max_depth,
            numbers.final_states,
            (outcome.stale_aborts.max, outcome.stale_aborts.spurious_max),
        )
        .expect("a string takes it");
    }
    insta::assert_snapshot!(counts);
}
