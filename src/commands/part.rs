//! `--partition`: a part of a run of `check` or `compare`, as a document for `merge`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::verdicts::{self, Ran};
use super::{Exit, Report, Result, failed, under};
use crate::cli::RunArgs;
use crate::input::InputError;
use crate::parts::document::{Part, SCHEMA, Source};
use crate::parts::identity::{self, Identity, RunOf};
use crate::parts::partition::{Partition, Share};
use crate::report::json;
use crate::run::{Job, Outcome};
use crate::scenario::Scenario;

/// Runs a part.
pub(super) fn command(of: RunOf, args: &RunArgs, partition: Partition, is_json: bool) -> Result<Report> {
    if !is_json {
        let problem = "a part of a run is JSON, for `stalemap merge`, which has the other formats; leave out \
                       `--format`, or say `--format json`";
        return Err(vec![InputError::Other(problem.to_owned())]);
    }
    let scenarios = verdicts::scenarios(args)?;
    let engine = verdicts::engine(args)?;
    let jobs = under::jobs(&scenarios, &args.paths, &args.under, engine)?;
    let run = Identity {
        program: crate::cli::VERSION.to_owned(),
        command: of,
        engine: identity::of_engine(engine),
        memory: args.memory.model().name().to_owned(),
        limits: verdicts::given(args).into(),
        designs: args.under.designs.clone(),
        kernels: args.under.kernels.clone(),
        pairs: jobs.len(),
        list: identity::sum_of(jobs.iter().map(|job| (job.scenario, job.implementation.name()))),
    };
    let pairs = match partition.share(jobs.len()) {
        Share::Pairs(pairs) => pairs,
        Share::Slice(slice) if slice.number == 0 => vec![slice.pair],
        Share::Slice(_) => Vec::new(),
    };
    let own: Vec<Job<'_>> = pairs.iter().filter_map(|pair| jobs.get(*pair).cloned()).collect();
    let mut needed: Vec<Source> = sources(own.iter().map(|job| job.scenario));
    if partition.part() == 1 {
        needed.extend(sources(under::unused(&scenarios, &jobs)));
    }
    let checkpoints = verdicts::checkpoints(args, engine)?;
    let outcomes = match verdicts::outcomes(&own, args, checkpoints.as_ref())? {
        Ok(outcomes) => outcomes,
        Err(report) => return Ok(report),
    };
    let errors = checkpoints.map_or_else(String::new, |kept| verdicts::kept(&kept, &outcomes));
    drop((own, jobs));
    let mut ran = Ran { scenarios, outcomes, saved: String::new(), errors };
    // The reports of `compare` have no use for it, but for the page, which finds out by itself.
    if let Err(error) = ran.find_idle(|_| of == RunOf::Check) {
        return failed(&error);
    }
    let results = ran.outcomes.iter().map(|outcome| result(outcome, args)).collect();
    let part = Part {
        schema: SCHEMA.to_owned(),
        run,
        part: partition.part(),
        of: partition.of(),
        scenarios: needed,
        pairs,
        results,
    };
    Ok(Report { results: json::pretty(&part), errors: ran.errors, exit: Exit::Expected })
}

/// Scenarios with their texts, each once.
fn sources<'s>(scenarios: impl Iterator<Item = &'s Scenario>) -> Vec<Source> {
    let mut seen = BTreeSet::new();
    let new = scenarios.filter(|scenario| seen.insert(scenario.name.as_str()));
    new.map(|scenario| Source { scenario: scenario.name.clone(), source: scenario.source.clone() }).collect()
}

/// What came of a pair: what `check` says of it, and what that leaves out of its counterexample.
fn result(outcome: &Outcome, args: &RunArgs) -> Value {
    let mut result = json::result(outcome, args.times());
    if let Some(shown) = &outcome.counterexample {
        let within = shown.counterexample.within.iter().map(|limit| limit.name());
        result["counterexample"]["within"] = json!(within.collect::<Vec<_>>());
    }
    result
}
