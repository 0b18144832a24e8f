//! `witness`: the shortest run that reaches a branch, or something in the files or in what calls return at the end, so that a proof that
//! holds can be looked at.

use stalemap_checker::{least_end, least_witness};
use stalemap_explore::{Counterexample, Limits, Schedule, Witness};
use stalemap_facade::System;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::implementation::Implementation;

use super::{Exit, Report, Result, Stop, can_be_written, look, under, unwritable};
use crate::annotate::{About, annotate, calls, setup};
use crate::cli::WitnessArgs;
use crate::input::{self, InputError};
use crate::report::timeline;
use crate::run::{kernel, of_searches};
use crate::scenario::{Scenario, Wanted};
use crate::shell::quoted;
use crate::stdin::argument;

/// The states looked at before the search gives up.
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
    let found = implementations.iter().map(|implementation| {
        let geometry = scenario.config_of(implementation.clone()).geometry();
        let geometry = geometry.map_err(|error| Stop::other(error.to_string()))?;
        let wanted = Wanted::read(&args.reach, &scenario, &geometry);
        let wanted = wanted.map_err(InputError::Scenario)?;
        witness(&scenario, implementation, &wanted, args)
    });
    Ok(Report::joined(&found.collect::<Result<Vec<_>>>()?))
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

fn witness(
    scenario: &Scenario,
    implementation: &Implementation,
    wanted: &Wanted,
    args: &WitnessArgs,
) -> Result<Report> {
    let (name, reach) = (implementation.name().to_owned(), &args.reach);
    if let Some(path) = &args.save {
        can_be_written(path)?;
    }
    let kernel = observed(scenario, implementation, wanted)?;
    let memory = Some(of_searches(None));
    let limits = Limits { states: Some(MOST_STATES), memory, ..Limits::default() };
    let none = |text: &str, exit: Exit| {
        Ok(Report::of(format!("{} under {name}: {text} `{reach}`\n", scenario.name), exit))
    };
    let searched = match wanted {
        Wanted::Branch(branch) => least_witness(&kernel, *branch, &limits),
        Wanted::Contents { .. } | Wanted::Answer { .. } => {
            least_end(&kernel, &|observed| wanted.is_met(observed), &limits)
        }
    };
    let found = match searched? {
        Witness::Least(found) => found,
        Witness::Unreachable => return none("no run reaches", Exit::Unexpected),
        Witness::Unknown => return none("given up before anything reached", Exit::Incomplete),
    };
    let schedule = schedule(scenario, &name, reach, &found, &kernel);
    let annotated = annotate(&kernel, &schedule, about(scenario, name, reach, &found));
    let annotated = annotated.map_err(|error| Stop::other(error.to_string()))?;
    let mut results = timeline::render(&annotated, look());
    if let Some(path) = &args.save {
        std::fs::write(path, schedule.to_string()).map_err(|error| unwritable(path, &error))?;
        results = format!("{results}saved {}\n", path.display());
    }
    Ok(Report::of(results, Exit::Expected))
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
    let cut: Vec<&str> = found.within.iter().map(|limit| limit.name()).collect();
    let among = match &cut[..] {
        [] => String::new(),
        cut => format!(" among those within the limit of {}", cut.join(", ")),
    };
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
