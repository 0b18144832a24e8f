//! `merge`: the report of one run, from its parts.

use std::fs;
use std::path::{Path, PathBuf};

use super::check;
use super::compare::{self, Layout};
use super::verdicts::{self, Ran, Saved, Showing};
use super::{Report, Result, Stop, baseline, can_be_written, over_all_runs, under, unwritable};
use crate::cli::limits::LimitsArgs;
use crate::cli::{CheckFormat, CompareFormat, MergeArgs};
use crate::input::InputError;
use crate::parts::document::Part;
use crate::parts::fit::{self, Given, fit};
use crate::parts::identity::{Identity, RunOf, sum_of};
use crate::parts::{outcome, union};
use crate::run::{GivenLimits, Outcome, of_searches};
use crate::scenario::{Scenario, read};
use crate::times::Times;

/// What a run came to, and whether its parts say how long that took.
struct Merged {
    run: Identity,
    scenarios: Vec<Scenario>,
    outcomes: Vec<Outcome>,
    /// The scenarios whose states were cut into slices.
    cut: Vec<String>,
    times: Times,
}

pub(super) fn command(args: &MergeArgs) -> Result<Report> {
    let parts = parts(&args.files)?;
    let format = match parts.first().map(|given| given.part.run.command) {
        Some(RunOf::Check) => Of::Check(of_check(args)?),
        Some(RunOf::Compare) | None => Of::Compare(of_compare(args)?),
    };
    if let Some(path) = &args.html {
        can_be_written(path)?;
    }
    let Merged { run, scenarios, outcomes, times, cut } = merged(&parts, &args.limits)?;
    let ran = |outcome: &&str| outcomes.iter().any(|ran| ran.scenario == *outcome);
    let unused: Vec<&str> =
        scenarios.iter().map(|scenario| scenario.name.as_str()).filter(|name| !ran(name)).collect();
    let errors = if args.quiet { String::new() } else { under::left_out_names(&unused) };
    let saved = match &args.save {
        None => Saved::default(),
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
            verdicts::saved(folder, &outcomes)
        }
    };
    let memory = of_searches(args.limits.search.limit_memory);
    let mut ran = Ran { scenarios, outcomes, saved, errors, memory };
    let times = if args.no_times { Times::LeftOut } else { times };
    let showing = Showing { quiet: args.quiet, times, expected: verdicts::noted(args.sarif_expected) };
    match format {
        Of::Check(format) => {
            // The parts have found out of all others.
            ran.find_idle(|outcome| cut.contains(&outcome.scenario))?;
            let earlier = args.baseline.as_deref().map(baseline::load).transpose()?;
            check::reported(ran, format, showing, earlier.as_ref())
        }
        Of::Compare(format) => {
            ran.find_idle(|_| args.html.is_some())?;
            let named = run.designs.iter().chain(&run.kernels).cloned().collect();
            let html = args.html.as_deref();
            compare::laid_out(&Layout { named, all: args.all, html, format, showing }, ran)
        }
    }
}

/// The format of the command whose run it was.
enum Of {
    Check(CheckFormat),
    Compare(CompareFormat),
}

fn of_check(args: &MergeArgs) -> Result<CheckFormat> {
    for (option, given) in [("--all", args.all), ("--html", args.html.is_some())] {
        if given {
            return Err(of_another(option, RunOf::Compare, RunOf::Check));
        }
    }
    match args.format {
        CompareFormat::Text => Ok(CheckFormat::Text),
        CompareFormat::Json => Ok(CheckFormat::Json),
        CompareFormat::Junit => Ok(CheckFormat::Junit),
        CompareFormat::Sarif => Ok(CheckFormat::Sarif),
        CompareFormat::Csv => Err(of_another("--format csv", RunOf::Compare, RunOf::Check)),
        CompareFormat::Markdown => Err(of_another("--format markdown", RunOf::Compare, RunOf::Check)),
    }
}

fn of_compare(args: &MergeArgs) -> Result<CompareFormat> {
    if args.baseline.is_some() {
        return Err(of_another("--baseline", RunOf::Check, RunOf::Compare));
    }
    if args.quiet {
        compare::may_be_quiet(args.format, args.html.as_deref())?;
    }
    Ok(args.format)
}

fn of_another(option: &str, its: RunOf, this: RunOf) -> Stop {
    let (its, this) = (its.name(), this.name());
    Stop::other(format!(
        "`{option}` is of `{its}`, and these are parts of a run of `{this}`; leave it out, or make the parts with \
         `stalemap {its} --partition`"
    ))
}

/// The parts, in the order of their numbers, if they are those of one run.
fn parts(files: &[PathBuf]) -> Result<Vec<Given>> {
    let (mut parts, mut errors) = (Vec::new(), Vec::new());
    for file in files {
        match part(file) {
            Ok(part) => parts.push(Given { file: file.display().to_string(), part }),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        errors.extend(fit(&mut parts).into_iter().map(InputError::Other));
    }
    if errors.is_empty() { Ok(parts) } else { Err(errors.into()) }
}

fn part(file: &Path) -> Result<Part, InputError> {
    let text = fs::read_to_string(file)
        .map_err(|error| InputError::Unreadable { path: file.display().to_string(), error })?;
    Part::parse(&text)
        .map_err(|problem| InputError::Other(format!("{} is no part of a run: {problem}", file.display())))
}

/// One run, of the parts that it was cut into.
fn merged(parts: &[Given], limits: &LimitsArgs) -> Result<Merged> {
    let Some(first) = parts.first() else { return Err(Vec::new().into()) };
    let run = first.part.run.clone();
    let scenarios = scenarios(parts, &run)?;
    let (mut outcomes, mut errors) = whole_pairs(parts, &scenarios);
    // What is left to be explored is one thing after the other.
    let given = GivenLimits {
        preemptions: GivenLimits::from(run.limits).preemptions,
        ..over_all_runs(&limits.search)
    };
    let mut cut = Vec::new();
    for (pair, slices) in union::slices(parts) {
        let name = slices.first().map_or("", |first| first.slice.scenario.as_str());
        let Some(scenario) = scenarios.iter().find(|scenario| scenario.name == name) else {
            errors.push(other(format!("the text of {name} is in none of the parts")));
            continue;
        };
        cut.push(name.to_owned());
        match union::outcome(&slices, scenario, given) {
            Ok(Ok(outcome)) => outcomes.push((pair, outcome)),
            Ok(Err(error)) => return Err(error.into()),
            Err(problem) => errors.push(other(problem)),
        }
    }
    outcomes.sort_by_key(|(pair, _)| *pair);
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    if errors.is_empty() && list(&scenarios, &outcomes) != run.list {
        let problem =
            "the scenarios and designs of the parts are not those of the run that they say they are of";
        errors.push(other(problem.to_owned()));
    }
    let times = if parts.iter().all(|given| has_times(&given.part)) { Times::Said } else { Times::LeftOut };
    if errors.is_empty() { Ok(Merged { run, scenarios, outcomes, cut, times }) } else { Err(errors.into()) }
}

fn has_times(part: &Part) -> bool {
    part.results.iter().all(outcome::has_time)
        && part.slice.as_ref().is_none_or(|(_, slice)| slice.elapsed_ms.is_some())
}

/// What came of the pairs that one part has completely, by their places; and what is wrong.
fn whole_pairs(parts: &[Given], scenarios: &[Scenario]) -> (Vec<(usize, Outcome)>, Vec<InputError>) {
    let (mut outcomes, mut errors) = (Vec::new(), Vec::new());
    for Given { file, part } in parts {
        for (pair, result) in part.pairs.iter().zip(&part.results) {
            let scenario = scenarios.iter().find(|scenario| result["scenario"] == scenario.name.as_str());
            let read = match scenario {
                Some(scenario) => outcome::read(result, scenario),
                None => Err("the text of its scenario is not there".to_owned()),
            };
            match read {
                Ok(outcome) => outcomes.push((*pair, outcome)),
                Err(problem) => {
                    errors.push(other(format!("{file} is damaged: the result of pair {pair}: {problem}")));
                }
            }
        }
    }
    (outcomes, errors)
}

/// The sum of the list that the outcomes are of.
fn list(scenarios: &[Scenario], outcomes: &[Outcome]) -> String {
    let of = |outcome: &Outcome| scenarios.iter().find(|scenario| scenario.name == outcome.scenario);
    sum_of(outcomes.iter().filter_map(|outcome| Some((of(outcome)?, outcome.design.as_str()))))
}

/// The scenarios that the parts bring with them.
fn scenarios(parts: &[Given], run: &Identity) -> Result<Vec<Scenario>> {
    let Some(memory) = run.memory() else {
        return Err(Stop::other(format!("there is no memory `{}`", run.memory)));
    };
    let (mut scenarios, mut errors) = (Vec::new(), Vec::new());
    for source in fit::sources(parts) {
        match read(&source.scenario, source.source.as_bytes()) {
            Ok(scenario) => scenarios.push(Scenario { memory, ..scenario }),
            Err(diagnostics) => errors.push(InputError::Scenario(diagnostics)),
        }
    }
    if errors.is_empty() { Ok(scenarios) } else { Err(errors.into()) }
}

fn other(problem: String) -> InputError {
    InputError::Other(problem)
}
