//! `list` and `show`: the scenarios.

use super::{Exit, Report, Result, Stop, columns, under};
use crate::cli::{Format, ListArgs, ShowArgs};
use crate::input;
use crate::report::{json, list as report};

/// `list`.
pub(super) fn list(args: &ListArgs) -> Result<Report> {
    let scenarios = input::scenarios(&args.paths)?;
    let results = match args.format {
        Format::Text => report::list(&scenarios, columns()),
        Format::Json => json::list(&scenarios),
    };
    Ok(Report::of(results, Exit::Expected))
}

/// `show`.
pub(super) fn show(args: &ShowArgs) -> Result<Report> {
    let scenario = input::load(&args.scenario)?;
    let implementation = under::sequential(&scenario).ok_or_else(Vec::new)?;
    let geometry =
        scenario.config_of(implementation).geometry().map_err(|error| Stop::other(error.to_string()))?;
    let results = match args.format {
        Format::Text => report::show(&scenario, &geometry, columns()),
        Format::Json => {
            let cells: Vec<u64> = (0..=geometry.cells()).map(|cell| geometry.byte_at(cell)).collect();
            json::show(&scenario, &cells)
        }
    };
    Ok(Report::of(results, Exit::Expected))
}
