//! `witness`: the shortest run that reaches a branch, so that a proof that holds can be looked at.

use stalemap_checker::least_witness;
use stalemap_explore::{Limits, Schedule, Witness};
use stalemap_facade::{Branch, System};
use stalemap_model::words::branches;
use stalemap_model::words::implementation::Implementation;

use super::{Exit, Report, Result, bad_input, look, under, unwritable};
use crate::annotate::{About, annotate, calls, setup};
use crate::cli::WitnessArgs;
use crate::input::{self, InputError};
use crate::report::timeline;
use crate::run::{kernel, of_searches};
use crate::scenario::{Scenario, nearest};

/// The states looked at before the search gives up.
const MOST_STATES: u64 = 2_000_000;

pub(super) fn command(args: &WitnessArgs) -> Result<Report> {
    let other = |problem: String| vec![InputError::Other(problem)];
    let branch = branches::from_name(&args.reach).ok_or_else(|| other(unknown_branch(&args.reach)))?;
    let scenario = input::load(&args.scenario).map_err(|error| vec![error])?;
    let expected = scenario.expected();
    let default = expected.iter().find(|name| *name != "none").map_or("none", String::as_str);
    let implementations = under::each(&scenario, &args.under, default)?;
    if let (Some(path), [_, _, ..]) = (&args.save, &implementations[..]) {
        return Err(other(format!(
            "{} would be of several schedules; name one design or kernel",
            path.display()
        )));
    }
    let found = implementations.iter().map(|implementation| witness(&scenario, implementation, branch, args));
    Ok(Report::joined(&found.collect::<Result<Vec<_>>>()?))
}

fn witness(
    scenario: &Scenario,
    implementation: &Implementation,
    branch: Branch,
    args: &WitnessArgs,
) -> Result<Report> {
    let other = |problem: String| vec![InputError::Other(problem)];
    let name = implementation.name().to_owned();
    let kernel = kernel(scenario, implementation).map_err(|error| vec![bad_input(&error)])?;
    let memory = Some(of_searches(None));
    let limits = Limits { states: Some(MOST_STATES), memory, ..Limits::default() };
    let none = |text: &str, exit: Exit| {
        Ok(Report::of(format!("{} under {name}: {text} `{branch}`\n", scenario.name), exit))
    };
    let found = match least_witness(&kernel, branch, &limits) {
        Ok(Witness::Least(found)) => found,
        Ok(Witness::Unreachable) => return none("no run reaches", Exit::Unexpected),
        Ok(Witness::Unknown) => return none("given up before anything reached", Exit::Incomplete),
        Err(error) => {
            let errors = format!("error: {error}\n");
            return Ok(Report { results: String::new(), errors, exit: Exit::Defect });
        }
    };
    let specs = kernel.actors();
    let header = |key: &str, value: String| (key.to_owned(), value);
    let schedule = Schedule {
        headers: vec![
            header("scenario", scenario.name.clone()),
            header("design", name.clone()),
            header("reaches", branch.to_string()),
        ],
        steps: found.schedule.iter().map(|choice| choice.to_step(&specs)).collect(),
        scenario: scenario.source.clone(),
    };
    let about = About {
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        design: name.clone(),
        kind: under::kind_of(scenario, &name),
        preemptions: Some(found.preemptions),
        certified: Some(format!(
            "The shortest run that reaches `{branch}`: none with fewer preemptions, then none with fewer steps."
        )),
        setup_lines: setup::lines(scenario),
        does: calls(&scenario.actors),
        replay: Some(format!(
            "stalemap witness {} {} --reach {branch}",
            scenario.name,
            under::option(scenario, &name)
        )),
        ..About::default()
    };
    let annotated = annotate(&kernel, &schedule, about).map_err(|error| other(error.to_string()))?;
    let mut results = timeline::render(&annotated, look());
    if let Some(path) = &args.save {
        std::fs::write(path, schedule.to_string()).map_err(|error| unwritable(path, &error))?;
        results = format!("{results}saved {}\n", path.display());
    }
    Ok(Report::of(results, Exit::Expected))
}

fn unknown_branch(name: &str) -> String {
    let names: Vec<&str> = branches::ALL.iter().map(|branch| branch.name()).collect();
    let near = nearest(name, names.iter().copied());
    let hint = near
        .map_or_else(|| format!("there are {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
    format!("there is no branch `{name}`; {hint}")
}
