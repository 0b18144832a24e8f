//! `check --accept`: what came of the runs becomes what the files expect.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::verdicts::{self, Ran};
use super::{Exit, Report, Result, Stop, can_be_written, unwritable};
use crate::accept::{accepted, refusal};
use crate::cli::CheckArgs;
use crate::input;
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::verdict::Verdict;

/// `check --accept`.
pub(super) fn command(args: &CheckArgs) -> Result<Report> {
    let files = input::files_of(&args.run.paths)?;
    if files.is_empty() {
        let problem = "`--accept` changes files: name some, or a folder of them";
        return Err(Stop::other(problem));
    }
    for (path, _) in &files {
        can_be_written(path)?;
    }
    let ran = verdicts::run(&args.run)?;
    let (mut text, mut exits) = (String::new(), Vec::new());
    for (scenario, path) in of_scenarios(&ran, &files) {
        match one(scenario, path, &ran.outcomes) {
            Ok((told, came)) => {
                text.push_str(&told);
                exits.push(came);
            }
            // Those before it are changed already.
            Err(stop) => return Ok(Report { results: text, ..stop.report() }),
        }
    }
    Ok(Report::of(text, Exit::worst(exits)))
}

/// The scenarios, each with its file.
fn of_scenarios<'r>(
    ran: &'r Ran,
    files: &'r [(PathBuf, String)],
) -> impl Iterator<Item = (&'r Scenario, &'r Path)> {
    ran.scenarios.iter().filter_map(|scenario| {
        let (path, _) = files.iter().find(|(_, name)| *name == scenario.name)?;
        Some((scenario, path.as_path()))
    })
}

/// Changes one file; says what was changed, and what was not and why.
fn one(scenario: &Scenario, path: &Path, outcomes: &[Outcome]) -> Result<(String, Exit)> {
    let of_file = outcomes.iter().filter(|outcome| outcome.scenario == scenario.name);
    let (refused, right): (Vec<&Outcome>, Vec<&Outcome>) =
        of_file.partition(|outcome| refusal(outcome).is_some());
    let (mut text, shown) = (String::new(), path.display());
    let mut exits = Vec::new();
    for outcome in refused {
        let _ = writeln!(
            text,
            "{shown}: {} is not accepted: {}",
            outcome.design,
            refusal(outcome).unwrap_or_default()
        );
        let came = if outcome.verdict == Verdict::Incomplete { Exit::Incomplete } else { Exit::Unexpected };
        exits.push(came);
    }
    let changed = accepted(scenario, &right).map_err(Stop::other)?;
    match changed {
        None => {
            let _ = writeln!(text, "{shown}: nothing to change");
        }
        Some(accepted) => {
            fs::write(path, &accepted.source).map_err(|error| unwritable(path, &error))?;
            for change in &accepted.changes {
                let _ = writeln!(text, "{shown}: {change}");
            }
        }
    }
    Ok((text, Exit::worst(exits)))
}
