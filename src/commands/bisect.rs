//! `compare --bisect A..B`: at which of a row of designs or kernels each verdict changes.

use super::{Exit, Report, Result, Stop, interrupt, verdicts, width};
use crate::attended::Attended;
use crate::bisect::{Course, Step, row, steps};
use crate::cli::{CompareArgs, CompareFormat};
use crate::report::bisect;
use crate::run::{Job, Outcome, RunError};
use crate::scenario::Scenario;

pub(super) fn command(args: &CompareArgs, given: &str) -> Result<Report> {
    let names = row(given).map_err(Stop::other)?;
    let format = match args.format {
        format @ (CompareFormat::Text | CompareFormat::Json) => format,
        CompareFormat::Csv | CompareFormat::Markdown | CompareFormat::Junit | CompareFormat::Sarif => {
            return Err(Stop::other("a row is printed as `--format text` or `json`"));
        }
    };
    let scenarios = verdicts::scenarios(&args.run)?;
    let engine = verdicts::engine(&args.run)?;
    let plans: Vec<(&Scenario, Option<Vec<Step>>)> =
        scenarios.iter().map(|scenario| (scenario, steps(scenario, &names))).collect();
    let mut jobs = Vec::new();
    for (scenario, steps) in &plans {
        let implementations = steps.iter().flatten().map(|(_, implementation)| implementation.clone());
        jobs.extend(implementations.map(|implementation| Job { scenario, implementation, engine }));
    }
    let stop = verdicts::stop(engine)?;
    let attended = Attended { stop: stop.as_deref(), ..Attended::default() };
    let mut results = verdicts::each(&jobs, &args.run, attended).into_iter();
    let (mut courses, mut left_out) = (Vec::new(), Vec::new());
    for (scenario, steps) in plans {
        let Some(steps) = steps else {
            left_out.push(scenario.name.clone());
            continue;
        };
        let ran: Vec<_> = results.by_ref().take(steps.len()).collect();
        match ran.into_iter().collect::<Result<Vec<Outcome>, RunError>>() {
            Ok(outcomes) => {
                let parts = steps.into_iter().map(|(names, _)| names).zip(outcomes);
                courses.push(Course { scenario, parts: parts.collect() });
            }
            // Its setup does not do under one of them what it does under the others.
            Err(RunError::Setup(_) | RunError::Config { .. }) => left_out.push(scenario.name.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    if courses.is_empty() {
        return Err(Stop::other(format!("no scenario runs under all of {given}")));
    }
    let results = match format {
        CompareFormat::Json => bisect::json(&names, &courses, &left_out),
        _ if args.run.quiet => bisect::answer(&names, &courses, &left_out, width()),
        _ => bisect::render(&names, &courses, &left_out, width()),
    };
    Ok(Report { errors: interrupt::note(stop.as_deref()), ..Report::of(results, exit(&courses)) })
}

/// Whether something is otherwise than its file expects; what no file expects anything of is no surprise here.
fn exit(courses: &[Course<'_>]) -> Exit {
    let mut outcomes = courses.iter().flat_map(|course| &course.parts).map(|(_, outcome)| outcome);
    if outcomes.clone().any(|outcome| outcome.judgement.as_expected == Some(false)) {
        Exit::Unexpected
    } else if outcomes.any(|outcome| !outcome.limits_hit.is_empty()) {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}
