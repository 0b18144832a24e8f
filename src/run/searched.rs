//! What a search found, and of which other jobs it is found as well.
//!
//! Kernels and designs of one scenario differ in many fields, and its runs ask for few of them. A job that answers alike all that
//! the search of another one has asked has the same runs: it is not searched again.

use stalemap_checker::watch_opening;
use stalemap_explore::{Counterexample, EngineError, Limits};
use stalemap_facade::Property;
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::implementation::Implementation;

use super::counterexample::{Shown, counterexample, shown};
use super::error::RunError;
use super::found::{Found, verdict};
use super::job::Job;
use super::outcome::never_succeeded;
use crate::annotate::setup::{self, InSetup};
use crate::attended::Attended;
use crate::scenario::Scenario;
use crate::verdict::{Failure, Verdict};

/// What a search found.
pub(super) struct Searched {
    kernel: Kernel,
    pub(super) found: Found,
    /// Every property violated in some reachable state.
    pub(super) violated: Vec<Property>,
    /// Commands that failed wherever they were run, and are not meant to.
    pub(super) never_succeeded: Vec<Failure>,
    /// What the setup violates by itself.
    pub(super) in_setup: Vec<InSetup>,
    counterexample: Option<(Property, Counterexample)>,
}

impl Searched {
    /// What was found of a job, with the way to what it violates first.
    pub(super) fn of(
        job: &Job<'_>,
        kernel: Kernel,
        found: Found,
        limits: Limits,
        attended: Attended<'_>,
    ) -> Result<Self, RunError> {
        let violated = properties::of_bits(found.violated);
        let complete = found.limits_hit.is_empty() && verdict(&found, job.engine) != Verdict::Incomplete;
        let never_succeeded =
            if complete { never_succeeded(job.scenario, &kernel, &found.calls) } else { Vec::new() };
        let counterexample = match violated.first() {
            None => None,
            Some(property) => {
                Some((*property, counterexample(job, &kernel, *property, &found, limits, attended)?))
            }
        };
        let in_setup = in_setup(job.scenario, &kernel, &found).map_err(|error| job.broken(error))?;
        Ok(Searched { kernel, found, violated, never_succeeded, in_setup, counterexample })
    }

    /// Whether the same is found under another design, on another file system. What was cut by a limit that has to do with the
    /// machine is not known to be.
    pub(super) fn finds_alike(&self, other: &Implementation) -> bool {
        self.found.limits_hit.iter().all(|limit| limit.is_of_the_system()) && self.kernel.finds_alike(other)
    }

    /// The counterexample, as one of a job that finds the same.
    pub(super) fn shown(&self, job: &Job<'_>) -> Option<Shown> {
        let (property, counterexample) = self.counterexample.as_ref()?;
        Some(shown(job, &self.kernel, *property, counterexample.clone()))
    }
}

/// What of that which was found the setup does by itself.
fn in_setup(scenario: &Scenario, kernel: &Kernel, found: &Found) -> Result<Vec<InSetup>, EngineError> {
    if found.violated == 0 {
        return Ok(Vec::new());
    }
    let halted = found.halted.as_ref().and_then(|halted| halted.command);
    Ok(InSetup::of(&watch_opening(kernel)?.setup, &setup::lines(scenario), halted))
}
