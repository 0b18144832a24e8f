//! Which losses are known: those that a scenario of the catalogue shows under a kernel, as its file expects, also without the actors and
//! commands that they do not need. docs/findings.md has each of these scenarios.

use std::collections::BTreeMap;

use stalemap_facade::Property;
use stalemap_model::words::kernel_version::KernelVersion;

use super::class::Class;
use super::loss::{Loss, losses};
use crate::engine::Engine;
use crate::run::{Job, RunError};
use crate::scenario::draft::{Draft, Part, Whose};
use crate::scenario::{Expectation, Scenario, catalogue, read};
use crate::smaller::{self, Question};
use stalemap_explore::Limits;

/// The classes that are known under one kernel, each with a scenario that shows it.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<Class, String>);

impl Known {
    /// Explores the scenarios of the catalogue whose files expect a release to lose something.
    pub fn of(kernel: KernelVersion) -> Result<Self, RunError> {
        let mut known = Known::default();
        for (name, source) in catalogue::all() {
            // The catalogue is tested: each of its files can be read.
            let Ok(scenario) = read(name, source.as_bytes()) else { continue };
            let Some(expected) = expected(&scenario, kernel) else { continue };
            let Some(implementation) = scenario.implementation(kernel.name()) else { continue };
            if !scenario.overruled(&implementation).is_empty() {
                continue;
            }
            let job = Job { scenario: &scenario, implementation, engine: Engine::Exhaustive };
            for loss in losses(&job, &expected, &Limits::default())? {
                // What is found is made smaller before it is compared.
                if let Some(smaller) = needed(&job, &loss)? {
                    let job = Job { scenario: &smaller, ..job.clone() };
                    let found = losses(&job, &[loss.class.property], &Limits::default())?;
                    for loss in found {
                        known.take_in(loss.class, name);
                    }
                }
                known.take_in(loss.class, name);
            }
        }
        Ok(known)
    }

    fn take_in(&mut self, class: Class, name: &str) {
        self.0.entry(class).or_insert_with(|| name.to_owned());
    }

    /// The scenario that shows a loss of this class.
    pub fn explains(&self, class: &Class) -> Option<&str> {
        self.0.iter().find(|(known, _)| class.is_explained_by(known)).map(|(_, name)| name.as_str())
    }

    /// The classes, each with its scenario.
    pub fn iter(&self) -> impl Iterator<Item = (&Class, &str)> {
        self.0.iter().map(|(class, name)| (class, name.as_str()))
    }
}

/// The scenario of a loss without actors and commands that the steps of its least counterexample can do without. `None`: there are none.
fn needed(job: &Job<'_>, loss: &Loss) -> Result<Option<Scenario>, RunError> {
    let (scenario, under, property) = (job.scenario, job.implementation.name(), loss.class.property);
    let Ok(whole) = Draft::new(&scenario.source, scenario.block) else { return Ok(None) };
    let question = Question { scenario, under, property, limits: Limits::default() };
    let mut draft = whole.expecting(under, &[property.name()]);
    let (mut steps, mut at, mut any) = (loss.shown.schedule.steps.clone(), 0, false);
    let whole = |part: &Part| matches!(part, Part::Actor(_) | Part::Command(Whose::Actor(_), _));
    while let Some(part) = draft.parts().into_iter().filter(whole).nth(at) {
        let smaller = draft.without(&part);
        let followed = question.follow(&smaller.to_string(), &steps);
        match followed.map_err(|error| job.broken(error))? {
            Some(left) => (draft, steps, any) = (smaller, left, true),
            None => at += 1,
        }
    }
    Ok(any.then(|| smaller::scenario(scenario, &draft.to_string())).flatten())
}

/// What a file expects a release to violate.
fn expected(scenario: &Scenario, kernel: KernelVersion) -> Option<Vec<Property>> {
    match scenario.expect.get(kernel.name())? {
        Expectation::Holds => None,
        Expectation::Violates(listed) => Some(listed.clone()),
    }
}
