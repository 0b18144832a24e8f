//! What a scenario loses: for each property that is violated its least counterexample, and the class of that.

use stalemap_checker::replay;
use stalemap_explore::Limits;
use stalemap_facade::Property;
use stalemap_model::judge::properties;

use super::class::Class;
use crate::run::{Job, RunError, Shown, least};

/// A loss.
#[derive(Clone, Debug)]
pub struct Loss {
    /// What kind of loss it is.
    pub class: Class,
    /// Its least counterexample.
    pub shown: Shown,
}

/// The losses of a job that violates these properties. What only explains a loss is none where there is another.
pub fn losses(job: &Job<'_>, violated: &[Property], limits: &Limits) -> Result<Vec<Loss>, RunError> {
    let lost = violated.iter().any(|property| !properties::explains(*property));
    let counts = |property: &&Property| !(lost && properties::explains(**property));
    let mut losses = Vec::new();
    for property in violated.iter().filter(counts) {
        losses.extend(loss(job, *property, limits)?);
    }
    Ok(losses)
}

/// How a job violates a property; `None` if no run was found that does, within limits.
pub fn loss(job: &Job<'_>, property: Property, limits: &Limits) -> Result<Option<Loss>, RunError> {
    let kernel = job.kernel()?;
    let Some(shown) = least(job, &kernel, property, limits)? else { return Ok(None) };
    let replay = replay(&kernel, &shown.schedule.steps).map_err(|error| RunError::DoesNotReplay {
        scenario: job.scenario.name.clone(),
        design: job.implementation.name().to_owned(),
        problem: error.to_string(),
    })?;
    Ok(Some(Loss { class: Class::of(job.scenario, property, &replay), shown }))
}
