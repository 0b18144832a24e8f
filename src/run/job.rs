//! A scenario under a design or a kernel, as a system to be explored.

use stalemap_checker::{explore, set_up};
use stalemap_explore::{Choice, EngineError, Exploration, Limits, Options, Schedule};
use stalemap_facade::{Calls, MemoryModel, System};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::implementation::Implementation;

use super::error::RunError;
use crate::engine::Engine;
use crate::failures;
use crate::scenario::Scenario;

/// A scenario to run under a design or a kernel.
#[derive(Clone, Debug)]
pub struct Job<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// The design or kernel.
    pub implementation: Implementation,
    /// What runs it.
    pub engine: Engine,
}

impl<'s> Job<'s> {
    /// A scenario under each design and kernel that its file expects something of, on the exhaustive engine.
    pub fn expected(scenario: &'s Scenario) -> Vec<Self> {
        let expected = scenario.expected();
        let all = expected.iter().filter_map(|name| scenario.implementation(name));
        all.map(|implementation| Job { scenario, implementation, engine: Engine::Exhaustive }).collect()
    }
}

impl Job<'_> {
    /// The system to run, whose setup does what it says.
    pub fn kernel(&self) -> Result<Kernel, RunError> {
        kernel(self.scenario, &self.implementation)
    }

    /// What an engine's error means of it.
    pub(crate) fn broken(&self, error: EngineError) -> RunError {
        RunError::of_engine(&self.scenario.name, self.implementation.name(), error)
    }

    /// All its runs, within limits.
    pub(crate) fn exploration(&self, limits: &Limits) -> Result<Exploration, RunError> {
        self.exploration_of(&self.kernel()?, limits)
    }

    /// The same, of a system that was made of it.
    pub(crate) fn exploration_of(&self, kernel: &Kernel, limits: &Limits) -> Result<Exploration, RunError> {
        let options = Options { limits: limits.clone(), ..Options::default() };
        explore(kernel, &options, &mut |_| ()).map_err(|error| self.broken(error))
    }

    /// A schedule file.
    pub(crate) fn schedule(
        &self,
        kernel: &Kernel,
        headers: Vec<(String, String)>,
        way: &[Choice],
    ) -> Schedule {
        let specs = kernel.actors();
        let mut what =
            vec![("scenario", self.scenario.name.clone()), ("design", self.implementation.name().to_owned())];
        if self.scenario.memory != MemoryModel::Sequential {
            what.push(("memory", self.scenario.memory.name().to_owned()));
        }
        let weakened: Vec<&str> = self.scenario.orderings.weakened().iter().map(|link| link.name()).collect();
        if !weakened.is_empty() {
            what.push(("without", weakened.join(", ")));
        }
        let what = what.into_iter().map(|(key, value)| (key.to_owned(), value));
        Schedule {
            headers: what.chain(headers).collect(),
            steps: way.iter().map(|choice| choice.to_step(&specs)).collect(),
            scenario: self.scenario.source.clone(),
        }
    }
}

/// The system of a scenario under a design or a kernel, whose setup does what it says.
pub fn kernel(scenario: &Scenario, implementation: &Implementation) -> Result<Kernel, RunError> {
    let kernel = configured(scenario, implementation)?;
    match set_up(&kernel) {
        Ok(calls) if !kernel.failed_setup(&calls).is_empty() => {
            Err(setup_error(scenario, implementation, &kernel, &calls))
        }
        // A setup that does not come to its end is for the engine to report.
        Ok(_) | Err(_) => Ok(kernel),
    }
}

/// The system of a scenario under a design or a kernel.
pub(super) fn configured(scenario: &Scenario, implementation: &Implementation) -> Result<Kernel, RunError> {
    let error = |error| RunError::Config { scenario: scenario.name.clone(), error };
    Kernel::new(scenario.config_of(implementation.clone())).map_err(error)
}

pub(super) fn setup_error(
    scenario: &Scenario,
    implementation: &Implementation,
    kernel: &Kernel,
    calls: &Calls,
) -> RunError {
    let errors = failures::of_setup(kernel);
    RunError::Setup(scenario.failed_setup(&kernel.failed_setup(calls), &errors, implementation.name()))
}
