//! `lab conform`: whether a kernel leaves what the model says that it can.

use std::fs;
use std::path::Path;

use stalemap_explore::Limits;

use super::booted::{lacking, release};
use super::{Exit, Report, Result, Stop, unwritable};
use crate::cli::lab::LabConformArgs;
use crate::fuzz::draw::draw;
use crate::fuzz::trial::{Refused, job, scenario};
use crate::fuzz::under::Under;
use crate::input;
use crate::lab::conform::{self, Case, Judged, Rounds, Seen, Unasked};
use crate::lab::guest::Store;
use crate::lab::release::Release;
use crate::report::conforming as report;
use crate::run::RunError;
use crate::scenario::Scenario;

/// Scenarios of a guest.
const OF_GUEST: usize = 24;

pub(super) fn command(args: &LabConformArgs) -> Result<Report> {
    let release = release(&args.kernel)?;
    let store = Store::fetched().map_err(|error| lacking(&error))?;
    let kernel = store.kernel(&args.kernel).map_err(|error| lacking(&error))?;
    if let Some(folder) = &args.keep {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    let limits = Limits { states: Some(args.limit_states), ..Limits::default() };
    let mut unasked = Vec::new();
    let mut cases = Vec::new();
    for scenario in scenarios(args, release)? {
        match case(&scenario, release, &limits) {
            Ok(Ok(case)) => cases.push(case),
            Ok(Err(why)) => unasked.push(why),
            Err(error) => return Err(error.into()),
        }
    }
    let rounds = Rounds { rounds: args.rounds, seconds: args.seconds };
    let mut asked = Vec::new();
    for some in cases.chunks(OF_GUEST) {
        eprintln!("{} of {} scenarios asked", asked.len(), cases.len());
        let seen = conform::run(&store, &kernel, some, rounds).map_err(|error| lacking(&error))?;
        for (case, seen) in some.iter().zip(seen) {
            keep(args.keep.as_deref(), case, &seen)?;
            asked.push((case, seen));
        }
    }
    let text = report::text(&kernel.full, &asked, &unasked);
    Ok(Report::of(text, exit(&asked)))
}

/// Writes down a scenario of which something else was left.
fn keep(folder: Option<&Path>, case: &Case, seen: &Seen) -> Result<()> {
    let Some(folder) = folder.filter(|_| is_beyond(case, seen)) else { return Ok(()) };
    let path = folder.join(format!("{}.toml", case.name.replace('/', "-")));
    Ok(fs::write(&path, &case.source).map_err(|error| unwritable(&path, &error))?)
}

fn is_beyond(case: &Case, seen: &Seen) -> bool {
    seen.left.keys().any(|left| case.judge(left) == Judged::Impossible)
}

fn exit(asked: &[(&Case, Seen)]) -> Exit {
    if asked.iter().any(|(case, seen)| is_beyond(case, seen)) {
        Exit::Unexpected
    } else if asked.iter().any(|(_, seen)| seen.broken.is_some()) {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}

fn scenarios(args: &LabConformArgs, release: Release) -> Result<Vec<Scenario>> {
    let is_wanted = |personality: &str| {
        args.personalities.is_empty() || args.personalities.iter().any(|name| name == personality)
    };
    if !args.paths.is_empty() {
        return Ok(input::scenarios(&args.paths)?);
    }
    let under = Under::kernel(release.kernel()).map_err(Stop::other)?;
    let mut drawn = Vec::new();
    for number in args.from..args.from.saturating_add(args.count) {
        let Some(mut recipe) = draw(args.seed, number, &under) else { continue };
        // Nobody knows where a kernel allocates, and nothing fails in a guest.
        recipe.fields.clear();
        if !is_wanted(recipe.personality) {
            continue;
        }
        if let Ok(scenario) = scenario(&recipe, &format!("number-{number}")) {
            drawn.push(scenario);
        }
    }
    Ok(drawn)
}

fn case(scenario: &Scenario, release: Release, limits: &Limits) -> Result<Result<Case, Unasked>, RunError> {
    match job(scenario, release.kernel()) {
        Ok(job) => match Case::new(&job, limits) {
            Err(RunError::Config { .. } | RunError::Setup(_)) => {
                Ok(Err(Unasked("its setup fails".to_owned())))
            }
            other => other,
        },
        Err(Refused(why)) => Ok(Err(Unasked(why))),
    }
}
