//! `compare`: the verdicts of many designs and kernels side by side.

use super::drawn::Drawn;
use super::verdicts::{self, Ran};
use super::{Report, Result, between, bisect, costs, failed, mutants, unwritable, width};
use crate::cli::{CompareArgs, CompareFormat};
use crate::comparison::Comparison;
use crate::input::InputError;
use crate::report::compare::html::{self, Drawings};
use crate::report::compare::{self, Rows};
use crate::report::json;
use crate::report::timeline::Look;
use crate::run::Outcome;

pub(super) fn command(args: &CompareArgs) -> Result<Report> {
    let has_an_answer = matches!(args.format, CompareFormat::Text | CompareFormat::Markdown);
    if args.run.quiet && (!has_an_answer || args.html.is_some()) {
        let problem = "`--quiet` prints the answer of a comparison alone, as text or Markdown; leave out `--quiet`, \
                       or `--format` and `--html`";
        return Err(vec![InputError::Other(problem.to_owned())]);
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
    let mut ran = match verdicts::run(&args.run)? {
        Ok(ran) => ran,
        Err(report) => return Ok(report),
    };
    let is_on_page = |_: &Outcome| args.html.is_some();
    if let Err(error) = ran.find_idle(is_on_page) {
        return failed(&error);
    }
    let results = laid_out(args, &ran)?;
    let report = ran.report(results);
    if args.costs { costs::added(args, report) } else { Ok(report) }
}

fn laid_out(args: &CompareArgs, ran: &Ran) -> Result<String> {
    let under = &args.run.under;
    let named: Vec<String> = under.designs.iter().chain(&under.kernels).cloned().collect();
    let comparison = Comparison::new(&ran.scenarios, &ran.outcomes, &named);
    let rows = if args.run.quiet {
        Rows::Nothing
    } else if args.all || comparison.scenarios.len() == 1 {
        Rows::All
    } else {
        Rows::Differing
    };
    if let Some(path) = &args.html {
        std::fs::write(path, html::page(&comparison, &drawings(ran)))
            .map_err(|error| unwritable(path, &error))?;
        return Ok(format!("wrote {}\n", path.display()) + &ran.saved);
    }
    Ok(match args.format {
        CompareFormat::Text => compare::render(&comparison, rows, width()) + &ran.saved,
        CompareFormat::Json => {
            json::compared(&ran.outcomes, &compare::json::comparison(&comparison), args.run.times())
        }
        CompareFormat::Csv => compare::csv::table(&comparison),
        CompareFormat::Markdown => compare::markdown::page(&comparison, rows),
        CompareFormat::Junit => verdicts::junit(ran, &args.run)?,
        CompareFormat::Sarif => verdicts::sarif(ran, &args.run)?,
    })
}

/// What cells of the page show, a click away.
fn drawings(ran: &Ran) -> Drawings<'_> {
    let mut drawn = Drawn::with(Look::mail());
    let of = |outcome| (html::key(outcome), drawn.once(&ran.scenarios, outcome));
    ran.outcomes.iter().map(of).collect()
}
