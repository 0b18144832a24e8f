//! `compare`: the verdicts of many designs and kernels side by side.

use std::io;

use super::verdicts::{self, Ran};
use super::{Report, Result};
use crate::cli::{CompareArgs, CompareFormat};
use crate::comparison::Comparison;
use crate::report::compare::{self, Rows};
use crate::report::json;

/// The columns of a line where there is no terminal, and nothing is said.
const COLUMNS: usize = 80;
/// Fewer columns than these would break what is in them.
const FEWEST: usize = 40;
/// Longer lines are hard to follow.
const MOST: usize = 120;

pub(super) fn command(args: &CompareArgs) -> Result<Report> {
    let ran = match verdicts::run(&args.run)? {
        Ok(ran) => ran,
        Err(report) => return Ok(report),
    };
    let results = laid_out(args, &ran)?;
    Ok(ran.report(results))
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
    Ok(match args.format {
        CompareFormat::Text => compare::render(&comparison, rows, width()) + &ran.saved,
        CompareFormat::Json => json::compared(&ran.outcomes, &compare::json::comparison(&comparison)),
        CompareFormat::Csv => compare::csv::table(&comparison),
        CompareFormat::Markdown => compare::markdown::page(&comparison, rows),
        CompareFormat::Junit => verdicts::junit(ran)?,
        CompareFormat::Sarif => verdicts::sarif(ran)?,
    })
}

/// The columns of a line: what `COLUMNS` says, or the terminal.
pub(super) fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    said.or_else(terminal).unwrap_or(COLUMNS).clamp(FEWEST, MOST)
}
