//! `check --baseline`: only what is new fails.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use stalemap_model::words::count::count;

use super::verdicts::Ran;
use super::{Exit, Report, Result, Stop};
use crate::baseline::{Against, Baseline};
use crate::cli::CheckFormat;
use crate::input::InputError;

/// Reads what an earlier run printed.
pub(super) fn load(path: &Path) -> Result<Baseline> {
    let text = fs::read_to_string(path)
        .map_err(|error| InputError::Unreadable { path: path.display().to_string(), error })?;
    Baseline::parse(&text)
        .map_err(|problem| Stop::other(format!("{} is no baseline: {problem}", path.display())))
}

/// The report of a run beside an earlier one: what is new, which decides how it ends. Documents are left as they are, and stderr says it.
pub(super) fn against(earlier: &Baseline, format: CheckFormat, ran: Ran, results: String) -> Report {
    let against = earlier.against(&ran.outcomes);
    let said = said(&against);
    let exit = match (&against.new[..], &against.incomplete[..]) {
        ([], []) => Exit::Expected,
        ([], _) => Exit::Incomplete,
        _ => Exit::Unexpected,
    };
    let report = ran.report(results);
    // What could not be saved is bad input, whatever is new.
    let exit = if report.exit == Exit::BadInput { report.exit } else { exit };
    match format {
        CheckFormat::Text => Report { results: report.results + &said, exit, ..report },
        CheckFormat::Json | CheckFormat::Junit | CheckFormat::Sarif => {
            Report { errors: report.errors + &said, exit, ..report }
        }
    }
}

fn said(against: &Against) -> String {
    let Against { new, known, gone, incomplete } = against;
    let mut text = String::new();
    for finding in new {
        let _ = writeln!(text, "new: {} under {}: {}", finding.scenario, finding.design, finding.what);
    }
    for [scenario, design] in incomplete {
        let _ = writeln!(text, "new: {scenario} under {design}: incomplete");
    }
    let all = count((new.len() + incomplete.len()) as u64, "finding");
    let _ = writeln!(text, "{all} new beside the baseline, {known} known, {gone} gone");
    text
}
