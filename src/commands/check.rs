//! `check`: verdicts beside what files expect.

use std::mem;

use super::drawn::Drawn;
use super::verdicts::{Ran, Showing};
use super::{
    Report, Result, accept, baseline, columns, look, minimise, part, section, synthesize, verdicts, why,
};
use crate::baseline::Baseline;
use crate::cli::{CheckArgs, CheckFormat};
use crate::parts::identity::RunOf;
use crate::report::{check, json};
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::wrap::broken;

/// The report of verdicts, or what an option asks for in its place.
pub(super) fn command(args: &CheckArgs) -> Result<Report> {
    if args.weakest {
        return synthesize::weakest(args);
    }
    if args.accept {
        return accept::command(args);
    }
    if let Some(file) = &args.minimise_scenario {
        return minimise::command(args, file);
    }
    if args.why {
        return why::command(args);
    }
    if let Some(partition) = args.run.partition {
        let is_json = matches!(args.format, CheckFormat::Text | CheckFormat::Json);
        return part::command(RunOf::Check, &args.run, partition, is_json);
    }
    let earlier = args.baseline.as_deref().map(baseline::load).transpose()?;
    let mut ran = verdicts::run(&args.run)?;
    let in_full = ran.scenarios.len() == 1 && !args.run.quiet;
    let is_shown = |outcome: &Outcome| match args.format {
        CheckFormat::Text => in_full || outcome.judgement.as_expected != Some(true),
        CheckFormat::Json => true,
        CheckFormat::Junit | CheckFormat::Sarif => false,
    };
    ran.find_idle(is_shown)?;
    reported(ran, args.format, Showing::of(&args.run), earlier.as_ref())
}

/// The report of what was run, beside that of an earlier run if there is one.
pub(super) fn reported(
    ran: Ran,
    format: CheckFormat,
    showing: Showing,
    earlier: Option<&Baseline>,
) -> Result<Report> {
    let results = match format {
        CheckFormat::Json => json::check(&ran.shown(showing), showing.times),
        CheckFormat::Junit => verdicts::junit(&ran, showing)?,
        CheckFormat::Sarif => verdicts::sarif(&ran, showing)?,
        CheckFormat::Text => {
            let is_known = |outcome: &Outcome| earlier.is_some_and(|earlier| earlier.knows(outcome));
            lines(&ran.scenarios, &ran.outcomes, showing.quiet, &is_known) + &ran.saved.told
        }
    };
    Ok(match earlier {
        None => ran.report(results),
        Some(earlier) => baseline::against(earlier, format, ran, results),
    })
}

/// All of it. What was found earlier is known, and not drawn again.
fn lines(
    scenarios: &[Scenario],
    outcomes: &[Outcome],
    quiet: bool,
    is_known: &dyn Fn(&Outcome) -> bool,
) -> String {
    let widths = verdicts::widths(outcomes);
    let in_full = scenarios.len() == 1 && !quiet;
    let columns = columns();
    let mut text = String::new();
    for outcome in outcomes {
        let expected = outcome.judgement.as_expected == Some(true);
        if !(quiet && expected) {
            let line = if is_known(outcome) { check::known_line } else { check::line };
            text.push_str(&line(outcome, widths, columns));
        }
    }
    let marked = outcomes.iter().filter(|outcome| !is_known(outcome));
    text.push_str(&section(&check::marks(marked, columns)));
    let mut drawn = Drawn::with(look());
    let mut head = check::final_contents(columns);
    for outcome in outcomes {
        let expected = outcome.judgement.as_expected == Some(true);
        if (in_full || !expected) && !is_known(outcome) {
            text.push_str(&section(&drawn.once(scenarios, outcome).text(&outcome.design)));
        }
        if in_full {
            let contents = check::histogram(outcome);
            if !contents.is_empty() {
                text.push_str(&section(&(mem::take(&mut head) + &contents)));
            }
        }
    }
    if in_full {
        text.push_str(&section(&check::signs(outcomes)));
        let odd = scenarios.iter().filter_map(Scenario::odd_folio).map(|odd| format!("{odd}.\n"));
        let odd = broken(&odd.collect::<String>(), columns);
        text.push_str(&section(&(odd + &check::basis(outcomes, columns))));
    }
    if !quiet {
        text.push_str(&check::summary(outcomes, columns));
    }
    text
}
