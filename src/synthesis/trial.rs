//! One candidate on one scenario: explored, or judged by a run that is known from another candidate.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use stalemap_checker::{adapted, minimal_counterexample, replay};
use stalemap_explore::{Choice, Counterexample, LimitHit, Limits, Options, ReplayError, Step};
use stalemap_facade::{Property, System};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::implementation::Implementation;

use super::lattice::{Candidate, Lattice};
use crate::attended::explore_until;
use crate::engine::Engine;
use crate::run::{Job, RunError};
use crate::scenario::Scenario;
use stalemap_model::judge::properties::LOSSES;

/// What can be said of a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// No run loses data, and none hangs.
    Holds,
    /// Some run does.
    Breaks(Property),
    /// Nothing was found, and a limit was reached.
    Undecided,
}

impl Standing {
    /// Whether some run breaks it.
    pub fn breaks(self) -> bool {
        matches!(self, Standing::Breaks(_))
    }
}

/// What an exploration found.
#[derive(Clone, Debug)]
pub struct Explored {
    /// What can be said.
    pub standing: Standing,
    /// The operations that some run performed; all of them, if no limit was reached.
    pub operations: BTreeSet<String>,
    /// Whether every run was explored, and comes to its end: then whoever is about to perform an operation performs it in some
    /// run.
    pub all_end: bool,
    /// The limits that bit.
    pub limits_hit: Vec<LimitHit>,
    /// A run that breaks it, if any does, as it was found.
    pub run: Option<Vec<Step>>,
    /// States.
    pub states: u64,
}

impl Explored {
    /// Somebody stopped it before it began.
    fn nothing() -> Self {
        Explored {
            standing: Standing::Undecided,
            operations: BTreeSet::new(),
            all_end: false,
            limits_hit: vec![LimitHit::Interrupted],
            run: None,
            states: 0,
        }
    }
}

/// A scenario, with what candidates are put on.
#[derive(Debug)]
pub struct Subject<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// What it runs under, before a candidate changes it.
    pub base: Implementation,
    /// The candidates.
    pub lattice: Lattice,
    /// Limits of each exploration.
    pub limits: Limits,
    /// Set when nothing more is to be explored.
    pub stop: Option<&'s AtomicBool>,
}

/// Somebody waits, or goes round, for ever.
const HANGS: [Property; 2] = [Property::DEADLOCK, Property::LIVELOCK];

/// The property by which a set of violations counts: a loss of data, or that somebody waits or goes round for ever.
pub fn counts(violated: &[Property]) -> Option<Property> {
    let counts = |property: &&Property| LOSSES.contains(property) || HANGS.contains(property);
    violated.iter().find(counts).copied()
}

impl Subject<'_> {
    /// Whether the file holds an actor until the others are done: what it shows is of few runs.
    pub fn is_directed(&self) -> bool {
        !self.scenario.holds.is_empty()
    }

    /// Whether nothing more is to be explored.
    fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// A candidate as something to run.
    ///
    /// # Errors
    ///
    /// If the scenario cannot run under it.
    pub fn job(&self, candidate: &Candidate) -> Result<Job<'_>, RunError> {
        let implementation = self.lattice.implementation(&self.base, candidate);
        let broken = |error| RunError::Candidate { scenario: self.scenario.name.clone(), error };
        let implementation = implementation.map_err(broken)?;
        Ok(Job { scenario: self.scenario, implementation, engine: Engine::Exhaustive })
    }

    /// Explores a candidate.
    ///
    /// # Errors
    ///
    /// If it cannot be run, or an engine fails.
    pub fn explore(&self, candidate: &Candidate) -> Result<Explored, RunError> {
        if self.is_stopped() {
            return Ok(Explored::nothing());
        }
        let job = self.job(candidate)?;
        let kernel = job.kernel()?;
        let options = Options { limits: self.limits.clone(), ..Options::default() };
        let mut found = explore_until(self.stop, &kernel, &options).map_err(|error| job.broken(error))?;
        let violated = properties::of_bits(found.violated);
        let counted = counts(&violated);
        let is_complete = found.is_complete();
        let standing = match counted {
            Some(property) => Standing::Breaks(property),
            None if is_complete => Standing::Holds,
            None => Standing::Undecided,
        };
        let witness = counted.and_then(|property| found.witnesses.get(&property));
        Ok(Explored {
            standing,
            all_end: is_complete && !violated.iter().any(|property| HANGS.contains(property)),
            limits_hit: found.limits_hit.iter().copied().collect(),
            run: witness.map(|way| steps(&kernel, way)),
            states: found.statistics.states,
            operations: std::mem::take(&mut found.operations),
        })
    }

    /// What a run that breaks another candidate breaks here: played as it is, or as far as it fits and then to its end.
    ///
    /// # Errors
    ///
    /// If it cannot be run, or an engine fails.
    pub fn replay(&self, candidate: &Candidate, run: &[Step]) -> Result<Option<Property>, RunError> {
        if self.is_stopped() {
            return Ok(None);
        }
        let job = self.job(candidate)?;
        let kernel = job.kernel()?;
        let played = |steps: &[Step]| match replay(&kernel, steps) {
            Ok(replay) => Ok(Some(counts(&replay.violated))),
            Err(ReplayError::DoesNotFit { .. }) => Ok(None),
            Err(ReplayError::Engine(error)) => Err(job.broken(error)),
        };
        if let Some(property) = played(run)? {
            return Ok(property);
        }
        match adapted(&kernel, run) {
            Ok(Some(steps)) => Ok(played(&steps)?.flatten()),
            Ok(None) | Err(ReplayError::DoesNotFit { .. }) => Ok(None),
            Err(ReplayError::Engine(error)) => Err(job.broken(error)),
        }
    }

    /// The least counterexample to a property under a candidate.
    ///
    /// # Errors
    ///
    /// If it cannot be run, or an engine fails.
    pub fn least(
        &self,
        candidate: &Candidate,
        property: Property,
    ) -> Result<Option<Counterexample>, RunError> {
        if self.is_stopped() {
            return Ok(None);
        }
        let job = self.job(candidate)?;
        let limits = Limits { states: Some(LEAST_STATES), ..self.limits.clone() };
        minimal_counterexample(&job.kernel()?, property, &limits).map_err(|error| job.broken(error))
    }
}

/// The states that the search for a least counterexample may settle.
const LEAST_STATES: u64 = 2_000_000;

fn steps(kernel: &Kernel, way: &[Choice]) -> Vec<Step> {
    let specs = kernel.actors();
    way.iter().map(|choice| choice.to_step(&specs)).collect()
}
