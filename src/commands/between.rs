//! `compare --between A B`: where two designs or kernels part, scenario by scenario.

use std::path::PathBuf;

use super::{Exit, Report, Result, Stop, annotated, interrupt, threads, under, unusual, verdicts, width};
use crate::annotate::program::Program;
use crate::annotate::{About, AnnotatedSchedule, calls, setup};
use crate::between::{Between, between};
use crate::cli::{CompareArgs, CompareFormat};
use crate::input::{self, InputError};
use crate::report::between as report;
use crate::run::{Job, RunError, in_parallel, limits_beside_others};
use crate::scenario::Scenario;
use crate::scenario::implementations::built_in_names;

pub(super) fn command(args: &CompareArgs) -> Result<Report> {
    let [one, two] = &args.between[..] else { return Err(Stop::other("name two designs or kernels")) };
    let format = match args.format {
        format @ (CompareFormat::Text | CompareFormat::Json) => format,
        CompareFormat::Csv | CompareFormat::Markdown | CompareFormat::Junit | CompareFormat::Sarif => {
            return Err(Stop::other("what is between two is printed as `--format text` or `json`"));
        }
    };
    if let Some(missing) = missing(&args.between, &args.run.paths) {
        return Err(Stop::other(missing));
    }
    let scenarios = verdicts::scenarios(&args.run)?;
    let engine = verdicts::engine(&args.run)?;
    let mut pairs = Vec::new();
    let mut refused = Vec::new();
    for scenario in &scenarios {
        let job = |name: &str| {
            let implementation = under::any(scenario, name)?;
            Ok(Job { scenario, implementation, engine })
        };
        match (job(one), job(two)) {
            (Ok(one), Ok(two)) => pairs.push([one, two]),
            (Err(error), _) | (_, Err(error)) => refused.push(error),
        }
    }
    // What stands for nothing anywhere is said once.
    if pairs.is_empty() {
        refused.truncate(1);
    }
    if pairs.is_empty() || args.run.paths.len() == scenarios.len() && !refused.is_empty() {
        return Err(refused.into());
    }
    let given = verdicts::given(&args.run);
    let at_a_time = threads(args.run.limits.jobs).min(pairs.len());
    let stop = verdicts::stop(engine)?;
    let ran = in_parallel(&pairs, threads(args.run.limits.jobs), |[one, two]| {
        between([one, two], &limits_beside_others(one.scenario, given, at_a_time), stop.as_deref())
    });
    let mut found = Vec::new();
    for result in ran {
        match result {
            Ok(between) => found.push(between),
            // In a folder, what cannot be set up under both is left out.
            Err(RunError::Setup(_) | RunError::Config { .. }) if pairs.len() > 1 => {}
            Err(error) => return Err(error.into()),
        }
    }
    let drawn = if args.run.quiet { Drawn::Nothing } else { Drawn::Schedules };
    let results = match format {
        CompareFormat::Json => report::json(&found),
        _ => text(&scenarios, &found, drawn)?,
    };
    let exit =
        if found.iter().all(|between| between.is_complete) { Exit::Expected } else { Exit::Incomplete };
    Ok(Report { errors: interrupt::note(stop.as_deref()), ..Report::of(results, exit) })
}

/// What is wrong if the name of a scenario stands where a design or kernel should: whoever names one of them alone gives the scenario as
/// the second.
fn missing(names: &[String], paths: &[PathBuf]) -> Option<String> {
    let is_built_in = |name: &str| built_in_names().any(|known| known == name);
    let scenario = names.iter().find(|name| !is_built_in(name) && input::is_scenario(name))?;
    let first = names.iter().find(|name| *name != scenario).unwrap_or(scenario);
    let rest: Vec<String> = paths.iter().map(|path| format!(" {}", path.display())).collect();
    Some(format!(
        "`--between` takes two designs or kernels, and {scenario} is a scenario; write `--between {first} SECOND {scenario}{}`",
        rest.concat()
    ))
}

/// What is drawn below the sentences.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drawn {
    /// The schedules of the witness.
    Schedules,
    /// Nothing.
    Nothing,
}

/// Of one scenario everything; of several first those in which the two part.
fn text(scenarios: &[Scenario], found: &[Between], drawn: Drawn) -> Result<String> {
    let mut parts = Vec::new();
    let alike = found.iter().filter(|between| between.is_alike()).count();
    for between in
        found.iter().filter(|between| found.len() == 1 || between.is_complete && !between.is_alike())
    {
        let scenario =
            scenarios.iter().find(|scenario| drawn == Drawn::Schedules && scenario.name == between.scenario);
        let schedules = scenario.and_then(|scenario| schedules(scenario, between)).transpose()?;
        let schedules = schedules.as_ref().map(|[one, two]| [one, two]);
        parts.push(report::render(between, schedules, width()));
    }
    if found.len() > 1 {
        let incomplete = found.iter().filter(|between| !between.is_complete).count();
        let undecided = if incomplete == 0 { String::new() } else { format!(", {incomplete} undecided") };
        let left_out = match scenarios.len() - found.len() {
            0 => String::new(),
            number => format!(", {number} left out, which do not run under both"),
        };
        let all = found.len();
        parts.push(format!("{alike} of {all} scenarios without a difference{undecided}{left_out}\n"));
    }
    Ok(parts.join("\n"))
}

/// Both schedules of a witness, annotated.
fn schedules(scenario: &Scenario, between: &Between) -> Option<Result<[AnnotatedSchedule; 2], InputError>> {
    let witness = between.witness.as_ref()?;
    let of = |side: usize| {
        let design = between.names[side].clone();
        let about = About {
            scenario: scenario.name.clone(),
            title: scenario.title.clone(),
            kind: under::kind_of(scenario, &design),
            memory: unusual(scenario.memory),
            setup_lines: setup::lines(scenario),
            does: calls(&scenario.actors),
            program: Program::of(&scenario.source),
            design,
            ..About::default()
        };
        annotated(scenario, about, &witness.schedules[side])
    };
    Some(of(0).and_then(|one| Ok([one, of(1)?])))
}
