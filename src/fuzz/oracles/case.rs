//! A scenario that is asked about, and what is answered.

use stalemap_explore::{Exploration, Limits};

use crate::fuzz::recipe::Recipe;
use crate::fuzz::trial::{Drawn, job, refused, scenario};
use crate::fuzz::under::Under;
use crate::run::RunError;

/// A scenario that was explored completely.
#[derive(Clone, Copy)]
pub(super) struct Case<'c> {
    pub(super) drawn: &'c Drawn,
    pub(super) found: &'c Exploration,
    pub(super) limits: &'c Limits,
}

/// What an oracle says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// It is as it must be.
    Holds,
    /// It is not; in what.
    Broken(String),
    /// It cannot be asked here.
    NotAsked,
}

impl Case<'_> {
    /// What another recipe comes to under the same; `None` if it is no scenario, or a limit left runs out.
    pub(super) fn other(&self, recipe: &Recipe) -> Result<Option<Exploration>, RunError> {
        self.other_under(recipe, self.drawn.under)
    }

    /// The same under something else.
    pub(super) fn other_under(&self, recipe: &Recipe, under: Under) -> Result<Option<Exploration>, RunError> {
        let Ok(scenario) = scenario(recipe, &self.drawn.scenario.name) else { return Ok(None) };
        let Ok(job) = job(&scenario, under.name()) else { return Ok(None) };
        // Twice as many actors may have many times the states.
        let states = self.limits.states.map(|states| states.saturating_mul(4));
        let limits = Limits { states, ..self.limits.clone() };
        match job.exploration(&limits) {
            Ok(found) => Ok(Some(found).filter(Exploration::is_complete)),
            Err(error) => refused(error).map(|_| None),
        }
    }
}

#[cfg(test)]
pub(super) mod sample {
    use stalemap_explore::{Exploration, Limits};

    use crate::fuzz::trial::Drawn;
    use crate::fuzz::under::Under;

    /// How far searches go here.
    pub(crate) fn limits() -> Limits {
        Limits { states: Some(4_000), ..Limits::default() }
    }

    /// The first scenario from a number on that is explored within these limits, with what it comes to.
    pub(crate) fn drawn(seed: u64, number: u64) -> (Drawn, Exploration) {
        let complete = (number..).find_map(|number| {
            let drawn = Drawn::new(seed, number, &[Under::Design("iomap_valid")]).expect("a scenario");
            let found = drawn.job().expect("a job").exploration(&limits()).expect("a sound model");
            found.is_complete().then_some((drawn, found))
        });
        complete.expect("most are small")
    }
}
