//! Which losses are known: those that a scenario of the catalogue shows under a kernel, as its file expects. docs/findings.md has each of
//! these scenarios.

use std::collections::BTreeMap;

use stalemap_facade::Property;
use stalemap_model::words::kernel_version::KernelVersion;

use super::class::Class;
use super::loss::losses;
use crate::engine::Engine;
use crate::run::{Job, RunError};
use crate::scenario::{Expectation, Scenario, catalogue, read};
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
                known.0.entry(loss.class).or_insert_with(|| name.clone());
            }
        }
        Ok(known)
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

/// What a file expects a release to violate.
fn expected(scenario: &Scenario, kernel: KernelVersion) -> Option<Vec<Property>> {
    match scenario.expect.get(kernel.name())? {
        Expectation::Holds => None,
        Expectation::Violates(listed) => Some(listed.clone()),
    }
}
