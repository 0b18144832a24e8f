//! A scenario with something left out: whether a property is still violated under the same design or kernel.
//!
//! First the steps are played that violate it in the larger scenario, as far as they fit; only where that says nothing is everything
//! explored.

use std::sync::atomic::AtomicBool;

use stalemap_checker::{adapted, replay};
use stalemap_explore::{Choice, EngineError, Limits, Options, ReplayError, Step};
use stalemap_facade::{Property, System};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::implementation::Implementation;

use crate::attended::explore_until;
use crate::run::{RunError, kernel};
use crate::scenario::{Scenario, read};

/// What a smaller scenario does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It violates the property, by these steps.
    Violates(Vec<Step>),
    /// No run of it does; all of its states were explored, so many.
    Holds(u64),
    /// What is left is no scenario: it cannot be read, or not run there, or its setup fails.
    NoScenario,
    /// A limit was reached before one was found.
    Undecided,
}

/// What is asked of smaller scenarios.
#[derive(Clone, Debug)]
pub struct Question<'q> {
    /// The scenario that they are made from.
    pub scenario: &'q Scenario,
    /// The name of the design or kernel.
    pub under: &'q str,
    /// What they should violate.
    pub property: Property,
    /// Limits of each search.
    pub limits: Limits,
    /// Set when searches are to stop.
    pub stop: Option<&'q AtomicBool>,
}

/// The text of a smaller scenario as a scenario, on the memory of the larger one.
pub fn scenario(of: &Scenario, source: &str) -> Option<Scenario> {
    let smaller = read(&of.name, source.as_bytes()).ok()?;
    Some(Scenario { memory: of.memory, orderings: of.orderings, ..smaller })
}

/// What a name stands for in a scenario, if the scenario can run there.
pub fn implementation(scenario: &Scenario, name: &str) -> Option<Implementation> {
    scenario.implementation(name).filter(|implementation| scenario.refused_by(implementation).is_none())
}

impl Question<'_> {
    /// What a smaller scenario does; `steps` violate the property in a larger one.
    pub fn ask(&self, source: &str, steps: &[Step]) -> Result<Answer, EngineError> {
        let Some(kernel) = self.kernel(source)? else { return Ok(Answer::NoScenario) };
        match self.played(&kernel, steps)? {
            Some(steps) => Ok(Answer::Violates(steps)),
            None => Ok(self.explored(&kernel)?.0),
        }
    }

    /// The steps of a larger scenario, as far as they fit a smaller one, if they violate the property there: nothing is explored.
    pub fn follow(&self, source: &str, steps: &[Step]) -> Result<Option<Vec<Step>>, EngineError> {
        match self.kernel(source)? {
            Some(kernel) => self.played(&kernel, steps),
            None => Ok(None),
        }
    }

    /// Explores a smaller scenario, whatever is known of a larger one; and its states, if all were explored.
    pub fn explore(&self, source: &str) -> Result<(Answer, Option<u64>), EngineError> {
        match self.kernel(source)? {
            Some(kernel) => self.explored(&kernel),
            None => Ok((Answer::NoScenario, None)),
        }
    }

    /// Whether just these steps violate the property in a smaller scenario.
    pub fn plays(&self, source: &str, steps: &[Step]) -> Result<bool, EngineError> {
        let Some(kernel) = self.kernel(source)? else { return Ok(false) };
        self.violated_by(&kernel, steps)
    }

    fn kernel(&self, source: &str) -> Result<Option<Kernel>, EngineError> {
        let made = scenario(self.scenario, source)
            .and_then(|smaller| Some((implementation(&smaller, self.under)?, smaller)));
        let Some((implementation, smaller)) = made else { return Ok(None) };
        match kernel(&smaller, &implementation) {
            Ok(kernel) => Ok(Some(kernel)),
            Err(RunError::Engine { error, .. } | RunError::Refused(error)) => Err(error),
            Err(
                RunError::Config { .. }
                | RunError::Setup(_)
                | RunError::Checkpoint(_)
                | RunError::Candidate { .. }
                | RunError::DoesNotReplay { .. }
                | RunError::Disagree { .. },
            ) => Ok(None),
        }
    }

    /// The steps of a larger scenario, as far as they fit, if they violate the property.
    fn played(&self, kernel: &Kernel, steps: &[Step]) -> Result<Option<Vec<Step>>, EngineError> {
        if self.violated_by(kernel, steps)? {
            return Ok(Some(steps.to_vec()));
        }
        let Some(steps) = fitting(adapted(kernel, steps))?.flatten() else { return Ok(None) };
        Ok(self.violated_by(kernel, &steps)?.then_some(steps))
    }

    fn violated_by(&self, kernel: &Kernel, steps: &[Step]) -> Result<bool, EngineError> {
        let played = fitting(replay(kernel, steps))?;
        Ok(played.is_some_and(|replay| replay.violated.contains(&self.property)))
    }

    fn explored(&self, kernel: &Kernel) -> Result<(Answer, Option<u64>), EngineError> {
        let options = Options { limits: self.limits.clone(), ..Options::default() };
        let found = explore_until(self.stop, kernel, &options)?;
        let states = found.is_complete().then_some(found.statistics.states);
        let answer = match (found.violated & self.property.bit() != 0, states) {
            (true, _) => {
                let way = found.witnesses.get(&self.property).map_or(&[][..], Vec::as_slice);
                Answer::Violates(steps_of(kernel, way))
            }
            (false, Some(states)) => Answer::Holds(states),
            (false, None) => Answer::Undecided,
        };
        Ok((answer, states))
    }
}

fn steps_of(kernel: &Kernel, way: &[Choice]) -> Vec<Step> {
    let specs = kernel.actors();
    way.iter().map(|choice| choice.to_step(&specs)).collect()
}

/// What was played, if the steps fit.
fn fitting<T>(played: Result<T, ReplayError>) -> Result<Option<T>, EngineError> {
    match played {
        Ok(played) => Ok(Some(played)),
        Err(ReplayError::DoesNotFit { .. }) => Ok(None),
        Err(ReplayError::Engine(error)) => Err(error),
    }
}
