//! `merge`: the report of one run, from its parts.

use std::fs;
use std::path::{Path, PathBuf};

use super::check;
use super::compare::{self, Layout};
use super::verdicts::{self, Ran, Showing};
use super::{Report, Result, baseline, failed, under, unwritable};
use crate::cli::{CheckFormat, CompareFormat, MergeArgs};
use crate::input::InputError;
use crate::parts::document::Part;
use crate::parts::fit::{self, Given, fit};
use crate::parts::identity::{Identity, RunOf, sum_of};
use crate::parts::outcome;
use crate::report::times::Times;
use crate::run::Outcome;
use crate::scenario::{Scenario, read};

/// What a run came to, and whether its parts say how long that took.
struct Merged {
    run: Identity,
    scenarios: Vec<Scenario>,
    outcomes: Vec<Outcome>,
    times: Times,
}

pub(super) fn command(args: &MergeArgs) -> Result<Report> {
    let parts = parts(&args.files)?;
    let format = match parts.first().map(|given| given.part.run.command) {
        Some(RunOf::Check) => Of::Check(of_check(args)?),
        Some(RunOf::Compare) | None => Of::Compare(of_compare(args)?),
    };
    let Merged { run, scenarios, outcomes, times } = merged(&parts)?;
    let ran = |outcome: &&str| outcomes.iter().any(|ran| ran.scenario == *outcome);
    let unused: Vec<&str> =
        scenarios.iter().map(|scenario| scenario.name.as_str()).filter(|name| !ran(name)).collect();
    let errors = if args.quiet { String::new() } else { under::left_out_names(&unused) };
    let saved = match &args.save {
        None => String::new(),
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
            verdicts::saved(folder, &outcomes)?
        }
    };
    let mut ran = Ran { scenarios, outcomes, saved, errors };
    let times = if args.no_times { Times::LeftOut } else { times };
    let showing = Showing { quiet: args.quiet, times, expected: verdicts::noted(args.sarif_expected) };
    match format {
        Of::Check(format) => {
            let earlier = args.baseline.as_deref().map(baseline::load).transpose()?;
            check::reported(ran, format, showing, earlier.as_ref())
        }
        Of::Compare(format) => {
            if let Err(error) = ran.find_idle(|_| args.html.is_some()) {
                return failed(&error);
            }
            let named = run.designs.iter().chain(&run.kernels).cloned().collect();
            let html = args.html.as_deref();
            let results =
                compare::laid_out(&Layout { named, all: args.all, html, format, showing }, &ran)?;
            Ok(ran.report(results))
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

fn of_another(option: &str, its: RunOf, this: RunOf) -> Vec<InputError> {
    let (its, this) = (its.name(), this.name());
    vec![InputError::Other(format!(
        "`{option}` is of `{its}`, and these are parts of a run of `{this}`; leave it out, or make the parts with \
         `stalemap {its} --partition`"
    ))]
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
    if errors.is_empty() { Ok(parts) } else { Err(errors) }
}

fn part(file: &Path) -> std::result::Result<Part, InputError> {
    let text = fs::read_to_string(file)
        .map_err(|error| InputError::Unreadable { path: file.display().to_string(), error })?;
    Part::parse(&text)
        .map_err(|problem| InputError::Other(format!("{} is no part of a run: {problem}", file.display())))
}

/// One run, of the parts that it was cut into.
fn merged(parts: &[Given]) -> Result<Merged> {
    let Some(first) = parts.first() else { return Err(Vec::new()) };
    let run = first.part.run.clone();
    let scenarios = scenarios(parts, &run)?;
    let mut outcomes: Vec<(usize, Outcome)> = Vec::with_capacity(run.pairs);
    let (mut errors, mut times) = (Vec::new(), Times::Said);
    for Given { file, part } in parts {
        for (pair, result) in part.pairs.iter().zip(&part.results) {
            let scenario = scenarios.iter().find(|scenario| result["scenario"] == scenario.name.as_str());
            let read = match scenario {
                Some(scenario) => outcome::read(result, scenario),
                None => Err("the text of its scenario is not there".to_owned()),
            };
            match read {
                Ok(outcome) => outcomes.push((*pair, outcome)),
                Err(problem) => errors.push(damaged(file, &format!("the result of pair {pair}: {problem}"))),
            }
            if !outcome::has_time(result) {
                times = Times::LeftOut;
            }
        }
    }
    outcomes.sort_by_key(|(pair, _)| *pair);
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    if errors.is_empty() && list(&scenarios, &outcomes) != run.list {
        let problem = "the scenarios and designs of the parts are not those of the run that they say they are of";
        errors.push(InputError::Other(problem.to_owned()));
    }
    if errors.is_empty() { Ok(Merged { run, scenarios, outcomes, times }) } else { Err(errors) }
}

/// The sum of the list that the outcomes are of.
fn list(scenarios: &[Scenario], outcomes: &[Outcome]) -> String {
    let of = |outcome: &Outcome| scenarios.iter().find(|scenario| scenario.name == outcome.scenario);
    sum_of(outcomes.iter().filter_map(|outcome| Some((of(outcome)?, outcome.design.as_str()))))
}

/// The scenarios that the parts bring with them.
fn scenarios(parts: &[Given], run: &Identity) -> Result<Vec<Scenario>> {
    let Some(memory) = run.memory() else {
        return Err(vec![InputError::Other(format!("there is no memory `{}`", run.memory))]);
    };
    let (mut scenarios, mut errors) = (Vec::new(), Vec::new());
    for source in fit::sources(parts) {
        match read(&source.scenario, source.source.as_bytes()) {
            Ok(scenario) => scenarios.push(Scenario { memory, ..scenario }),
            Err(diagnostics) => errors.push(InputError::Scenario(diagnostics)),
        }
    }
    if errors.is_empty() { Ok(scenarios) } else { Err(errors) }
}

fn damaged(file: &str, problem: &str) -> InputError {
    InputError::Other(format!("{file} is damaged: {problem}"))
}
