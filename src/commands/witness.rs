//! `witness`: the shortest run that reaches a branch, or something in the files or in what calls return at the end, so that a proof that
//! holds can be looked at.

use stalemap_checker::{least_end, least_witness};
use stalemap_explore::{Counterexample, Limits, Schedule, Witness};
use stalemap_facade::System;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::implementation::Implementation;

use super::{Exit, Report, Result, Stop, can_be_written, look, over_all_runs, under, unwritable};
use crate::annotate::{About, annotate, calls, setup};
use crate::cli::{Format, WitnessArgs};
use crate::input::{self, InputError};
use crate::report::timeline;
use crate::report::witness::{self as report, Came, Sought};
use crate::run::{kernel, limits_beside_others};
use crate::scenario::{Scenario, Wanted};
use crate::shell::quoted;
use crate::stdin::argument;

/// The states looked at before the search gives up, if nothing else is said.
const MOST_STATES: u64 = 2_000_000;

pub(super) fn command(args: &WitnessArgs) -> Result<Report> {
    let scenario = input::load(&args.scenario)?;
    let expected = scenario.expected();
    let default = expected.iter().find(|name| *name != "none").map_or("none", String::as_str);
    let implementations = under::each(&scenario, &args.under, default)?;
    if let (Some(path), [_, _, ..]) = (&args.save, &implementations[..]) {
        return Err(Stop::other(format!(
            "{} would be of several schedules; name one design or kernel",
            path.display()
        )));
    }
    if let Some(path) = &args.save {
        can_be_written(path)?;
    }
    let sought = implementations.iter().map(|implementation| {
        let geometry = scenario.config_of(implementation.clone()).geometry();
        let geometry = geometry.map_err(|error| Stop::other(error.to_string()))?;
        let wanted = Wanted::read(&args.reach, &scenario, &geometry);
        let wanted = wanted.map_err(InputError::Scenario)?;
        sought(&scenario, implementation, &wanted, args)
    });
    let sought = sought.collect::<Result<Vec<_>>>()?;
    let exit = Exit::worst(sought.iter().map(|sought| exit_of(&sought.came)));
    let saved = saved(args, &sought)?;
    let results = match args.format {
        Format::Text => sought.iter().map(report::text).collect::<Vec<_>>().join("\n") + &saved,
        Format::Json => report::json(&sought),
    };
    Ok(Report::of(results, exit))
}

fn exit_of(came: &Came) -> Exit {
    match came {
        Came::Reached { .. } => Exit::Expected,
        Came::Never => Exit::Unexpected,
        Came::Incomplete(_) => Exit::Incomplete,
    }
}

/// Writes the schedule that is asked for, if there is one; says where.
fn saved(args: &WitnessArgs, sought: &[Sought]) -> Result<String> {
    let (Some(path), [Sought { came: Came::Reached { schedule, .. }, .. }]) = (&args.save, sought) else {
        return Ok(String::new());
    };
    std::fs::write(path, schedule.to_string()).map_err(|error| unwritable(path, &error))?;
    Ok(format!("saved {}\n", path.display()))
}

/// The system, observed as far as it has to be.
fn observed(scenario: &Scenario, implementation: &Implementation, wanted: &Wanted) -> Result<Kernel> {
    // Whose setup does not do what it says is refused there.
    let plain = kernel(scenario, implementation)?;
    if let Wanted::Branch(_) = wanted {
        return Ok(plain);
    }
    let mut config = scenario.config_of(implementation.clone());
    (config.observe, config.heard) = wanted.observes();
    Kernel::new(config).map_err(|error| Stop::other(format!("{}: {error}", scenario.name)))
}

fn sought(
    scenario: &Scenario,
    implementation: &Implementation,
    wanted: &Wanted,
    args: &WitnessArgs,
) -> Result<Sought> {
    let (name, reach) = (implementation.name().to_owned(), &args.reach);
    let kernel = observed(scenario, implementation, wanted)?;
    let limits = limits(scenario, args);
    let searched = match wanted {
        Wanted::Branch(branch) => least_witness(&kernel, *branch, &limits),
        Wanted::Contents { .. } | Wanted::Answer { .. } => {
            least_end(&kernel, &|observed| wanted.is_met(observed), &limits)
        }
    };
    let came = match searched? {
        Witness::Unreachable => Came::Never,
        Witness::Unknown(limits) => Came::Incomplete(limits),
        Witness::Least(found) => {
            let schedule = schedule(scenario, &name, reach, &found, &kernel);
            let annotated = annotate(&kernel, &schedule, about(scenario, name.clone(), reach, &found));
            let annotated = annotated.map_err(|error| Stop::other(error.to_string()))?;
            Came::Reached { drawing: timeline::render(&annotated, look()), found, schedule }
        }
    };
    Ok(Sought { scenario: scenario.name.clone(), design: name, reach: reach.clone(), came })
}

/// What the command line says, or else the file, or the default.
fn limits(scenario: &Scenario, args: &WitnessArgs) -> Limits {
    let limits = limits_beside_others(scenario, over_all_runs(&args.limits), 1);
    Limits { states: limits.states.or(Some(MOST_STATES)), ..limits }
}

fn schedule(
    scenario: &Scenario,
    name: &str,
    reach: &str,
    found: &Counterexample,
    kernel: &Kernel,
) -> Schedule {
    let specs = kernel.actors();
    let header = |key: &str, value: String| (key.to_owned(), value);
    Schedule {
        headers: vec![
            header("scenario", scenario.name.clone()),
            header("design", name.to_owned()),
            header("reaches", reach.to_owned()),
        ],
        steps: found.schedule.iter().map(|choice| choice.to_step(&specs)).collect(),
        scenario: scenario.source.clone(),
    }
}

fn about(scenario: &Scenario, name: String, reach: &str, found: &Counterexample) -> About {
    let among = report::among(found).map_or_else(String::new, |among| format!(" among {among}"));
    About {
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        kind: under::kind_of(scenario, &name),
        preemptions: Some(found.preemptions),
        certified: Some(format!(
            "The shortest run that reaches `{reach}`{among}: none with fewer preemptions, then none with fewer steps."
        )),
        setup_lines: setup::lines(scenario),
        does: calls(&scenario.actors),
        replay: Some(format!(
            "stalemap witness {} {} --reach {}",
            argument(&scenario.name),
            under::option(scenario, &name),
            quoted(reach)
        )),
        design: name,
        ..About::default()
    }
}
