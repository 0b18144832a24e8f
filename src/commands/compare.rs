//! `compare`: the verdicts of many designs and kernels side by side.

use std::path::Path;

use super::drawn::Drawn;
use super::verdicts::{self, Ran, Showing};
use super::{
    Exit, Report, Result, Stop, between, bisect, can_be_written, costs, mutants, part, unwritable, width,
};
use crate::cli::{CompareArgs, CompareFormat};
use crate::comparison::Comparison;
use crate::parts::identity::RunOf;
use crate::report::compare::html::{self as page, Drawings};
use crate::report::compare::{self, Rows};
use crate::report::json;
use crate::report::timeline::Look;
use crate::run::Outcome;

pub(super) fn command(args: &CompareArgs) -> Result<Report> {
    if args.run.quiet {
        may_be_quiet(args.format, args.html.as_deref())?;
    }
    if !args.between.is_empty() {
        return between::command(args);
    }
    if let Some(row) = &args.bisect {
        return bisect::command(args, row);
    }
    if args.mutants {
        return mutants::command(args);
    }
    if let Some(partition) = args.run.partition {
        let is_json = matches!(args.format, CompareFormat::Text | CompareFormat::Json);
        return part::command(RunOf::Compare, &args.run, partition, is_json);
    }
    if let Some(path) = &args.html {
        can_be_written(path)?;
    }
    let mut ran = verdicts::run(&args.run)?;
    let is_on_page = |_: &Outcome| args.html.is_some();
    ran.find_idle(is_on_page)?;
    let under = &args.run.under;
    let named: Vec<String> = under.designs.iter().chain(&under.kernels).cloned().collect();
    let showing = Showing::of(&args.run);
    let layout = Layout { named, all: args.all, html: args.html.as_deref(), format: args.format, showing };
    let report = laid_out(&layout, ran)?;
    if args.costs { costs::added(args, report) } else { Ok(report) }
}

/// Whether there is an answer to print alone.
pub(super) fn may_be_quiet(format: CompareFormat, html: Option<&Path>) -> Result<()> {
    let has_an_answer = matches!(format, CompareFormat::Text | CompareFormat::Markdown);
    if has_an_answer && html.is_none() {
        return Ok(());
    }
    let problem = "`--quiet` prints the answer of a comparison alone, as text or Markdown; leave out `--quiet`, or \
                   `--format` and `--html`";
    Err(Stop::other(problem))
}

/// How a comparison is to be shown.
pub(super) struct Layout<'a> {
    /// The designs and kernels that were asked for by name.
    pub(super) named: Vec<String>,
    /// Also where nothing differs.
    pub(super) all: bool,
    /// As a page, to this file.
    pub(super) html: Option<&'a Path>,
    pub(super) format: CompareFormat,
    pub(super) showing: Showing,
}

/// The report of the comparison of what was run. Where the page cannot be written, what it would be about is printed.
pub(super) fn laid_out(layout: &Layout<'_>, ran: Ran) -> Result<Report> {
    let Layout { named, all, html, format, showing } = layout;
    let comparison = Comparison::new(&ran.scenarios, &ran.outcomes, named);
    let rows = if showing.quiet {
        Rows::Nothing
    } else if *all || comparison.scenarios.len() == 1 {
        Rows::All
    } else {
        Rows::Differing
    };
    if let Some(path) = html {
        let Err(error) = std::fs::write(path, page::page(&comparison, &drawings(&ran))) else {
            let results = format!("wrote {}\n", path.display()) + &ran.saved.told;
            return Ok(ran.report(results));
        };
        let printed =
            Report::of(compare::render(&comparison, rows, width()) + &ran.saved.told, Exit::BadInput);
        return Ok(Report::joined(&[printed, Report::bad_input(&[unwritable(path, &error)])]));
    }
    let results = match format {
        CompareFormat::Text => compare::render(&comparison, rows, width()) + &ran.saved.told,
        CompareFormat::Json => {
            json::compared(&ran.outcomes, &compare::json::comparison(&comparison), showing.times)
        }
        CompareFormat::Csv => compare::csv::table(&comparison),
        CompareFormat::Markdown => compare::markdown::page(&comparison, rows),
        CompareFormat::Junit => verdicts::junit(&ran, *showing)?,
        CompareFormat::Sarif => verdicts::sarif(&ran, *showing)?,
    };
    Ok(ran.report(results))
}

/// What cells of the page show, a click away.
fn drawings(ran: &Ran) -> Drawings<'_> {
    let mut drawn = Drawn::with(Look::mail());
    let of = |outcome| (page::key(outcome), drawn.once(&ran.scenarios, outcome));
    ran.outcomes.iter().map(of).collect()
}
