//! `--partition`: a part of a run of `check` or `compare`, as a document for `merge`.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde_json::{Value, json};
use stalemap_explore::{Enough, LimitHit, SliceOf};

use super::progress::Progress;
use super::verdicts::{self, Ran, Saved};
use super::{Exit, Report, Result, Stop, can_be_written, under};
use crate::attended::Attended;
use crate::build;
use crate::cli::RunArgs;
use crate::engine::Engine;
use crate::parts::document::{Part, SCHEMA, Source};
use crate::parts::identity::{self, Identity, RunOf};
use crate::parts::partition::{Partition, Share, Slice};
use crate::parts::slice::{Found, SliceDocument};
use crate::parts::states;
use crate::report::json;
use crate::run::slices::{is_large, run_slice, witnesses};
use crate::run::{Job, Outcome, of_searches};
use crate::scenario::Scenario;
use crate::tally::Tally;
use crate::times::Times;

/// Runs a part.
pub(super) fn command(of: RunOf, args: &RunArgs, partition: Partition, is_json: bool) -> Result<Report> {
    if !is_json {
        let problem = "a part of a run is JSON, for `stalemap merge`, which has the other formats; leave out \
                       `--format`, or say `--format json`";
        return Err(Stop::other(problem));
    }
    let scenarios = verdicts::scenarios(args)?;
    let engine = verdicts::engine(args)?;
    let jobs = under::jobs(&scenarios, &args.paths, &args.under, engine)?;
    let run = Identity {
        program: build::identity()
            .map_err(|error| Stop::other(format!("cannot read the program: {error}")))?,
        command: of,
        engine: identity::of_engine(engine),
        memory: args.memory.model().name().to_owned(),
        limits: verdicts::given(args).into(),
        designs: args.under.designs.clone(),
        kernels: args.under.kernels.clone(),
        pairs: jobs.len(),
        list: identity::sum_of(jobs.iter().map(|job| (job.scenario, job.implementation.name()))),
    };
    let stop = verdicts::stop(engine)?;
    let (pairs, slice) = match partition.share(jobs.len()) {
        Share::Pairs(pairs) => (pairs, None),
        Share::Slice(slice) => {
            match jobs.get(slice.pair).map(|job| sliced(job, slice, args, stop.as_deref())) {
                None | Some(Ok(Has::Nothing)) => (Vec::new(), None),
                Some(Err(stop)) => return Err(stop),
                Some(Ok(Has::APart)) => return Ok(interrupted("")),
                Some(Ok(Has::Slice(document))) => (Vec::new(), Some((slice.pair, *document))),
                Some(Ok(Has::All)) => (vec![slice.pair], None),
            }
        }
    };
    let own: Vec<Job<'_>> = pairs.iter().filter_map(|pair| jobs.get(*pair).cloned()).collect();
    let of_slice = slice.iter().filter_map(|(pair, _)| jobs.get(*pair));
    let mut needed: Vec<Source> = sources(own.iter().chain(of_slice).map(|job| job.scenario));
    if partition.part() == 1 {
        needed.extend(sources(under::unused(&scenarios, &jobs)));
    }
    let checkpoints = verdicts::checkpoints(args, stop.as_ref())?;
    let attended =
        Attended { checkpoints: checkpoints.as_ref(), stop: stop.as_deref(), ..Attended::default() };
    let outcomes = verdicts::outcomes(&own, args, attended)?;
    let errors = checkpoints.map_or_else(String::new, |kept| verdicts::kept(&kept, &outcomes));
    drop((own, jobs));
    if outcomes.iter().any(is_interrupted) {
        return Ok(interrupted(&errors));
    }
    let memory = of_searches(verdicts::given(args).memory);
    let mut ran = Ran { scenarios, outcomes, saved: Saved::default(), errors, memory };
    // The reports of `compare` have no use for it, but for the page, which finds out by itself.
    ran.find_idle(|_| of == RunOf::Check)?;
    let results = ran.outcomes.iter().map(|outcome| result(outcome, args)).collect();
    let part = Part {
        schema: SCHEMA.to_owned(),
        run,
        part: partition.part(),
        of: partition.of(),
        scenarios: needed,
        pairs,
        results,
        slice,
    };
    Ok(Report { results: json::pretty(&part), errors: ran.errors, exit: Exit::Expected })
}

fn is_interrupted(outcome: &Outcome) -> bool {
    outcome.limits_hit.contains(&LimitHit::Interrupted)
}

/// A part that was not allowed to come to its end is none: whoever counts the parts is to try it again.
fn interrupted(errors: &str) -> Report {
    let errors = format!("{errors}error: the part was interrupted, and is not written\n");
    Report { results: String::new(), errors, exit: Exit::Incomplete }
}

/// What one of those who share a pair has of it.
enum Has {
    /// A slice of its states.
    Slice(Box<SliceDocument>),
    /// All of it: it is too small to be cut.
    All,
    /// Nothing: another one has all of it.
    Nothing,
    /// Some of its slice: it was interrupted.
    APart,
}

/// Explores a slice of a pair, if it can be cut.
fn sliced(job: &Job<'_>, slice: Slice, args: &RunArgs, stop: Option<&AtomicBool>) -> Result<Has> {
    let given = verdicts::given(args);
    let enough = Enough::default();
    let whole = if slice.number == 0 { Has::All } else { Has::Nothing };
    if job.engine != Engine::Exhaustive || !is_large(job, given, enough)? {
        return Ok(whole);
    }
    let name = format!("{} under {}", job.scenario.name, job.implementation.name());
    let Some(file) = &args.states else {
        return Err(Stop::other(format!(
            "{name} is cut into {} slices of its states, so there is a file of these beside the part; say which: \
             `--states FILE`",
            slice.of
        )));
    };
    if args.checkpoint.is_some() {
        return Err(Stop::other(format!(
            "{name} is cut into slices, which cannot be kept; leave out `--checkpoint`"
        )));
    }
    can_be_written(file)?;
    let started = Instant::now();
    let progress = Progress::new(1, of_searches(given.memory), args.progress, args.quiet);
    let show = |tally: &Tally| progress.show(tally);
    let attended = Attended { viewer: Some(&show), stop, ..Attended::default() };
    let engine_slice = SliceOf { number: slice.number, of: slice.of };
    let found = run_slice(job, given, enough, engine_slice, attended)?;
    progress.finish();
    let Some(found) = found else { return Ok(whole) };
    if found.exploration.limits_hit.contains(&LimitHit::Interrupted) {
        return Ok(Has::APart);
    }
    let sum = states::write(file, &found.states, &found.contents)
        .map_err(|error| Stop::other(format!("cannot write {}: {error}", file.display())))?;
    let witnesses = witnesses(job, &found)?;
    let elapsed = started.elapsed().as_millis() as u64;
    Ok(Has::Slice(Box::new(SliceDocument {
        scenario: job.scenario.name.clone(),
        design: job.implementation.name().to_owned(),
        slice: slice.number + 1,
        of: slice.of,
        cut: format!("{:032x}", found.cut),
        states_file: file.display().to_string(),
        states_sum: format!("{sum:032x}"),
        found: Found::of(&found, &witnesses),
        elapsed_ms: (args.times() == Times::Said).then_some(elapsed),
    })))
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
