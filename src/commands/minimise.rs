//! `check --minimise-scenario FILE`: a scenario made as small as it can be, and written to a file.

use std::path::Path;

use stalemap_explore::Limits;

use super::{
    Exit, Report, Result, Stop, can_be_written, counterexample, look, taken, under, verdicts, write_new,
};
use crate::attended::Attended;
use crate::cli::{CheckArgs, CheckFormat};
use crate::engine::Engine;
use crate::minimise::minimise;
use crate::report::minimise as report;
use crate::run::{Job, Outcome, RunError, limits_beside_others};

/// A smaller scenario may have more states than the larger one, if not many more.
const ROOM: u64 = 2;
/// The states that each search may visit at least.
const LEAST_STATES: u64 = 10_000;

pub(super) fn command(args: &CheckArgs, file: &Path) -> Result<Report> {
    let format = match args.format {
        format @ (CheckFormat::Text | CheckFormat::Json) => format,
        CheckFormat::Junit | CheckFormat::Sarif => {
            return Err(Stop::other("a smaller scenario is printed as `--format text` or `json`"));
        }
    };
    let engine = verdicts::engine(&args.run)?;
    if engine != Engine::Exhaustive {
        return Err(Stop::other(
            "only the exhaustive engine can say that nothing more can be left out; leave out `--engine`",
        ));
    }
    if args.run.paths.is_empty() {
        return Err(Stop::other(format!(
            "name one scenario, which is made smaller: `stalemap check --minimise-scenario {} SCENARIO`",
            file.display()
        )));
    }
    let scenarios = verdicts::scenarios(&args.run)?;
    let [scenario] = &scenarios[..] else {
        let problem = format!("{} would be one of several scenarios; name one", file.display());
        return Err(Stop::other(problem));
    };
    let jobs = under::jobs(&scenarios, &args.run.paths, &args.run.under, engine)?;
    if let (false, [_, _, ..]) = (args.run.under.is_empty(), &jobs[..]) {
        return Err(Stop::other(
            "one design or kernel is needed, since a scenario is small for one of them; name one",
        ));
    }
    if file.symlink_metadata().is_ok() {
        return Err(taken(file).into());
    }
    can_be_written(file)?;
    let (job, outcome) = match first_violating(&jobs, args)? {
        First::Of(job, outcome) => (job, *outcome),
        First::None(outcomes) => return Ok(nothing_to_do(&outcomes)),
    };
    let mut limits: Limits = limits_beside_others(scenario, verdicts::given(&args.run), 1);
    limits.states = limits.states.or(Some((outcome.statistics.states * ROOM).max(LEAST_STATES)));
    let minimal = minimise(job, &outcome, &limits, &file.display().to_string())?;
    let minimal = minimal.ok_or_else(|| {
        Stop::other(format!("{} cannot be made smaller: its text cannot be changed", scenario.name))
    })?;
    write_new(file, &minimal.source)?;
    let results = if format == CheckFormat::Json {
        report::json(&minimal)
    } else {
        let drawing = counterexample(std::slice::from_ref(&minimal.smaller), &minimal.outcome, look());
        report::text(&minimal, &drawing)
    };
    let exit = if minimal.certificate.undecided == 0 { Exit::Expected } else { Exit::Incomplete };
    Ok(Report::of(results, exit))
}

/// What is to be made smaller.
enum First<'j, 's> {
    /// The first that violates something.
    Of(&'j Job<'s>, Box<Outcome>),
    /// Nothing does: what they came to.
    None(Vec<Outcome>),
}

fn first_violating<'j, 's>(jobs: &'j [Job<'s>], args: &CheckArgs) -> Result<First<'j, 's>, RunError> {
    let mut outcomes = Vec::new();
    for job in jobs {
        for outcome in verdicts::each(std::slice::from_ref(job), &args.run, Attended::default()) {
            let outcome = outcome?;
            if outcome.counterexample.is_some() {
                return Ok(First::Of(job, Box::new(outcome)));
            }
            outcomes.push(outcome);
        }
    }
    Ok(First::None(outcomes))
}

/// Nothing is violated, or was found until a limit was reached.
fn nothing_to_do(outcomes: &[Outcome]) -> Report {
    let incomplete = outcomes.iter().any(|outcome| !outcome.limits_hit.is_empty());
    let exit = if incomplete { Exit::Incomplete } else { Exit::Unexpected };
    let text = format!("{}nothing to make smaller was found\n", verdicts::verdict_lines(outcomes));
    Report::of(text, exit)
}
