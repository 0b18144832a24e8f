//! The counterexample of an outcome: the least one, or the first that was found.

use stalemap_checker::{counterexample_as_found, minimal_counterexample, replay};
use stalemap_explore::{Choice, Counterexample, LimitHit, Limits, Schedule};
use stalemap_facade::{Property, System};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::bounds;
use stalemap_model::words::config::DEFAULT_RETRIES;

use super::error::RunError;
use super::found::Found;
use super::job::Job;
use crate::attended::Attended;
use crate::engine::Engine;
use crate::scenario::Scenario;

/// The states that the search for a least counterexample may settle; beyond it the first one found is shown.
const MINIMAL_STATES: u64 = 2_000_000;

/// A counterexample, ready to be shown and saved.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it violates.
    pub property: Property,
    /// Its cost, and whether it is the least.
    pub counterexample: Counterexample,
    /// The runs among which it is the least, if a limit cut others that might have been cheaper: `runs with at most 0
    /// evictions`.
    pub among: Option<String>,
    /// As a schedule file.
    pub schedule: Schedule,
}

/// The way to a violation: the least counterexample, or the first one found where the least is not looked for or its search ran
/// into its limit.
pub(super) fn counterexample(
    job: &Job<'_>,
    kernel: &Kernel,
    property: Property,
    found: &Found,
    mut limits: Limits,
    attended: Attended<'_>,
) -> Result<Counterexample, RunError> {
    let way = found.witnesses.get(&property);
    let witness = way.map_or(&[][..], Vec::as_slice);
    if job.engine != Engine::Exhaustive {
        confirm(job, kernel, property, witness)?;
    }
    let as_found = counterexample_as_found(kernel, witness).map_err(|error| job.broken(error))?;
    // Who interrupts a search does not want to wait.
    if found.limits_hit.contains(&LimitHit::Interrupted) || attended.is_stopped() {
        return Ok(as_found);
    }
    limits.states = Some(MINIMAL_STATES);
    let few = found.few_preemptions.and_then(|few| few.found_with);
    let enough = way.and_then(|_| enough_preemptions(property, as_found.preemptions, few));
    limits.preemptions = enough.into_iter().chain(limits.preemptions).min();
    let least = minimal_counterexample(kernel, property, &limits).map_err(|error| job.broken(error))?;
    Ok(least.unwrap_or(as_found))
}

/// The preemptions beyond which the least way to a property need not be looked for, when one is known that has `known`. `few` is
/// the least number with which runs with few preemptions showed anything, perhaps another property.
///
/// A livelock that goes round with a preemption is in no search that bounds them, so of livelocks only those count that may have
/// been found under that bound.
fn enough_preemptions(property: Property, known: u32, few: Option<u32>) -> Option<u32> {
    if property == Property::LIVELOCK { few.filter(|few| known <= *few) } else { Some(known) }
}

/// Plays what a library found on the exhaustive engine.
fn confirm(job: &Job<'_>, kernel: &Kernel, property: Property, way: &[Choice]) -> Result<(), RunError> {
    let specs = kernel.actors();
    let steps: Vec<_> = way.iter().map(|choice| choice.to_step(&specs)).collect();
    let problem = match replay(kernel, &steps) {
        Ok(replay) if replay.violated.contains(&property) => return Ok(()),
        Ok(_) => "it is not violated".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(RunError::Disagree {
        scenario: job.scenario.name.clone(),
        design: job.implementation.name().to_owned(),
        engine: job.engine.name(),
        property,
        problem,
    })
}

/// The least counterexample to a property, with its schedule; `None` if none was found within the limits.
pub(crate) fn least(
    job: &Job<'_>,
    kernel: &Kernel,
    property: Property,
    limits: &Limits,
) -> Result<Option<Shown>, RunError> {
    let least = minimal_counterexample(kernel, property, limits).map_err(|error| job.broken(error))?;
    Ok(least.map(|least| shown(job, kernel, property, least)))
}

/// A counterexample with its schedule file.
pub(super) fn shown(
    job: &Job<'_>,
    kernel: &Kernel,
    property: Property,
    counterexample: Counterexample,
) -> Shown {
    let among = least_among(job.scenario, &counterexample);
    let schedule = to_schedule(job, kernel, property, &counterexample, among.as_deref());
    Shown { property, counterexample, among, schedule }
}

fn to_schedule(
    job: &Job<'_>,
    kernel: &Kernel,
    property: Property,
    found: &Counterexample,
    among: Option<&str>,
) -> Schedule {
    let header = |key: &str, value: String| (key.to_owned(), value);
    let mut headers = vec![header("violates", property.to_string())];
    if found.certified {
        headers.push(header("preemptions", found.preemptions.to_string()));
        headers.push(header("operations", found.operations.to_string()));
        headers.extend(among.map(|among| header("among", among.to_owned())));
        headers.push(header("certificate", found.certificate(among)));
    }
    job.schedule(kernel, headers, &found.schedule)
}

/// The runs among which a counterexample is the least, if a limit cut others that might have been cheaper: `runs with at
/// most 0 evictions`.
fn least_among(scenario: &Scenario, found: &Counterexample) -> Option<String> {
    let limits = &scenario.limits;
    let at_most = |count: u64, one: &str, more: &str| {
        format!("at most {count} {}", if count == 1 { one } else { more })
    };
    let within = found.within.iter().map(|limit| match *limit {
        LimitHit::Bound(bounds::EVICTIONS) => {
            at_most(limits.evictions.unwrap_or(0).into(), "eviction", "evictions")
        }
        LimitHit::Bound(bounds::RETRIES) => {
            at_most(limits.retries.unwrap_or(DEFAULT_RETRIES).into(), "retry", "retries")
        }
        LimitHit::Preemptions => at_most(limits.preemptions.unwrap_or(0).into(), "preemption", "preemptions"),
        other => format!("the limit of {other}"),
    });
    let within: Vec<String> = within.collect();
    (!within.is_empty()).then(|| format!("runs with {}", within.join(" and ")))
}

#[cfg(test)]
mod tests {
    use stalemap_model::judge::properties;

    use super::*;

    #[test]
    fn another_property_that_was_found_with_fewer_preemptions_says_nothing() {
        let enough = |property, known| enough_preemptions(property, known, Some(1));
        assert_eq!(enough(properties::LOST_WRITE, 3), Some(3));
        assert_eq!(enough(Property::LIVELOCK, 3), None);
        assert_eq!(enough(Property::LIVELOCK, 1), Some(1));
    }

    #[test]
    fn what_bounds_no_preemptions_bounds_no_livelock() {
        assert_eq!(enough_preemptions(Property::LIVELOCK, 0, None), None);
        assert_eq!(enough_preemptions(properties::LOST_WRITE, 2, None), Some(2));
    }
}
