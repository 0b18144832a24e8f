//! One scenario under one design, by several who know nothing of each other: slices of its states, and what they come to together.

use std::time::Instant;

use stalemap_checker::{explore_cycles, explore_slice, is_cut};
use stalemap_explore::{Enough, Options, Schedule, SliceFound, SliceOf, Union};
use stalemap_facade::{Calls, Property};

use super::error::RunError;
use super::found::Found;
use super::job::{Job, configured, setup_error};
use super::limits::{GivenLimits, limits};
use super::outcome::Outcome;
use super::searched::Searched;
use super::{followed_by, said};
use crate::attended::Attended;
use crate::tally::Tally;

/// Whether there are enough states for slices; if not, one explores them all.
pub fn is_large(job: &Job<'_>, given: GivenLimits, enough: Enough) -> Result<bool, RunError> {
    let kernel = configured(job.scenario, &job.implementation)?;
    is_cut(&kernel, &options(job, given), enough).map_err(|error| job.broken(error))
}

/// Explores a slice. `None`: there are not enough states for slices.
pub fn run_slice(
    job: &Job<'_>,
    given: GivenLimits,
    enough: Enough,
    slice: SliceOf,
    attended: Attended<'_>,
) -> Result<Option<SliceFound>, RunError> {
    let kernel = configured(job.scenario, &job.implementation)?;
    let options = options(job, given);
    let accepts = |calls: &Calls| kernel.failed_setup(calls).is_empty();
    let tally = Tally::default();
    let followed = tally.follow(&job.scenario.name, job.implementation.name());
    let found = followed_by(followed, attended, |progress| {
        explore_slice(&kernel, &options, &accepts, enough, slice, &|| attended.is_stopped(), progress)
    });
    found
        .map_err(|error| job.broken(error))?
        .map_err(|calls| setup_error(job.scenario, &job.implementation, &kernel, &calls))
}

fn options(job: &Job<'_>, given: GivenLimits) -> Options {
    let mut limits = limits(job.scenario, given, 1);
    // At the end the states are listed, beside the visited set: 16 bytes for each, and about 22 there.
    limits.memory = limits.memory.map(|most| most / 2);
    Options { limits, ..Options::default() }
}

/// The way to each violation that a slice met first, as a schedule file.
pub fn witnesses(job: &Job<'_>, found: &SliceFound) -> Result<Vec<(Property, Schedule)>, RunError> {
    let kernel = configured(job.scenario, &job.implementation)?;
    let ways = found.exploration.witnesses.iter();
    Ok(ways.map(|(property, way)| (*property, job.schedule(&kernel, Vec::new(), way))).collect())
}

/// What slices come to together, with so many states and, where one of them met a cycle, with a verdict on the cycles. The least
/// counterexample is looked for now.
pub fn united(
    job: &Job<'_>,
    mut union: Union,
    (states, cycle_met): (u64, bool),
    given: GivenLimits,
    at_a_time: usize,
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let kernel = job.kernel()?;
    let limits = limits(job.scenario, given, at_a_time);
    if cycle_met {
        let options = Options { limits: limits.clone(), ..Options::default() };
        union.add_cycles(explore_cycles(&kernel, &options).map_err(|error| job.broken(error))?);
    }
    let found = union.whole(states, &limits).map(Found::from).unwrap_or_default();
    Ok(said(job, &Searched::of(job, kernel, found, limits.after(started), Attended::default())?, started))
}
