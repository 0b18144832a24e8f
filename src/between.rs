//! Where two designs or kernels part on a scenario: whether they can end in the same way, a run that only one of them has, and the first
//! step of it at which they do different things.
//!
//! Compared is what a user can tell: the contents of all files and what the calls return, in all final states; and which
//! properties are violated. Whole final states, with everything that no user sees, are compared as well.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use stalemap_checker::{adapted, least_end, minimal_counterexample, replay};
use stalemap_explore::{Choice, Exploration, Limits, Options, Played, ReplayError, Schedule, Step};
use stalemap_facade::{Property, System};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::{ConfigError, Kernel};
use stalemap_model::words::command::FileId;
use stalemap_model::words::config::FileRange;

use crate::attended::explore_until;
use crate::run::{Job, RunError};

/// The states that the search for the least run may settle.
const LEAST_STATES: u64 = 2_000_000;

/// How what one can do compares with what the other can.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// Both can do the same.
    Equal,
    /// The first can do all that the second can, and more.
    FirstDoesMore,
    /// The second can do all that the first can, and more.
    SecondDoesMore,
    /// Either can do something that the other cannot.
    Different,
}

/// Two sets, in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sets {
    /// What is in both.
    pub both: usize,
    /// What is in the first alone.
    pub first: usize,
    /// What is in the second alone.
    pub second: usize,
}

impl Sets {
    fn of<T: Ord>(first: &BTreeSet<T>, second: &BTreeSet<T>) -> Self {
        let both = first.intersection(second).count();
        Sets { both, first: first.len() - both, second: second.len() - both }
    }

    /// How they compare.
    pub fn relation(&self) -> Relation {
        match (self.first, self.second) {
            (0, 0) => Relation::Equal,
            (_, 0) => Relation::FirstDoesMore,
            (0, _) => Relation::SecondDoesMore,
            (_, _) => Relation::Different,
        }
    }
}

/// What a run shows that only one of the two has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shows {
    /// It violates a property, with the least number of preemptions, and then of steps, if that is certified.
    Violates {
        /// Which.
        property: Property,
        /// Whether there is none that takes less.
        least: bool,
    },
    /// It ends in contents or answers that the other cannot end in, with the least number of preemptions, and then of steps.
    Ends {
        /// The contents and answers.
        observed: String,
    },
}

/// A run that only one of the two has, and what the other makes of it.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Whose it is: 0 or 1.
    pub of: usize,
    /// What it shows.
    pub shows: Shows,
    /// The schedules of both, the run's own in the place `of`; the other's goes the same way as far as it can, and then to its end.
    pub schedules: [Schedule; 2],
    /// Where they part.
    pub parting: Option<Parting>,
}

/// The first step of a schedule at which two designs do different things.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parting {
    /// The step, from 0.
    pub at: usize,
    /// What is the case under the other: `writer` is about to do something else.
    pub problem: String,
}

/// A scenario under two designs or kernels.
#[derive(Clone, Debug)]
pub struct Between {
    /// The scenario's name.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The two.
    pub names: [String; 2],
    /// What either violates.
    pub violated: [Vec<Property>; 2],
    /// The states of either.
    pub states: [u64; 2],
    /// Whether all states of both were explored.
    pub is_complete: bool,
    /// Contents of files and answers of calls, in final states.
    pub contents: Sets,
    /// Final states and deadlocks as a whole.
    pub ends: Sets,
    /// A run that only one has, if one was found.
    pub witness: Option<Witness>,
}

impl Between {
    /// Whether no user can tell the two apart: everything was explored, and what can be seen and what is violated is the same.
    pub fn is_alike(&self) -> bool {
        self.is_complete
            && self.contents.relation() == Relation::Equal
            && self.violated[0] == self.violated[1]
    }
}

/// Compares two. It is incomplete if somebody sets `stop`.
pub fn between(jobs: [&Job<'_>; 2], limits: &Limits, stop: Option<&AtomicBool>) -> Result<Between, RunError> {
    let kernels = [jobs[0].kernel()?, jobs[1].kernel()?];
    let options = Options { limits: limits.clone(), ..Options::default() };
    let explored = |job: &Job<'_>| -> Result<Exploration, RunError> {
        explore_until(stop, &observing(job)?, &options).map_err(|error| job.broken(error))
    };
    let found = [explored(jobs[0])?, explored(jobs[1])?];
    let contents = |found: &Exploration| -> BTreeSet<String> { found.outcomes.keys().cloned().collect() };
    let seen = [contents(&found[0]), contents(&found[1])];
    let is_complete = found.iter().all(Exploration::is_complete);
    // Of what was not explored to its end it is not known what else it can do.
    let witness = if is_complete { witness(jobs, &kernels, &found, &seen)? } else { None };
    Ok(Between {
        scenario: jobs[0].scenario.name.clone(),
        title: jobs[0].scenario.title.clone(),
        names: jobs.map(|job| job.implementation.name().to_owned()),
        violated: [0, 1].map(|side| properties::of_bits(found[side].violated)),
        states: [0, 1].map(|side| found[side].statistics.states),
        is_complete,
        contents: Sets::of(&seen[0], &seen[1]),
        ends: Sets::of(&found[0].ends, &found[1].ends),
        witness,
    })
}

/// The system, with all contents of all files and the answers of all actors' calls observed.
fn observing(job: &Job<'_>) -> Result<Kernel, RunError> {
    let error = |error| RunError::Config { scenario: job.scenario.name.clone(), error };
    let mut config = job.scenario.config_of(job.implementation.clone());
    let geometry = config.geometry().map_err(|problem| error(ConfigError::Geometry(problem)))?;
    let end = u64::from(geometry.folios()) * geometry.folio_size();
    config.observe =
        (0..config.files.len()).map(|file| FileRange { file: file as FileId, range: 0..end }).collect();
    config.heard = (0..config.actors.len()).collect();
    Kernel::new(config).map_err(error)
}

/// A run that only one of the two has: one that loses something if there is such, the most user-visible first.
fn witness(
    jobs: [&Job<'_>; 2],
    kernels: &[Kernel; 2],
    found: &[Exploration; 2],
    seen: &[BTreeSet<String>; 2],
) -> Result<Option<Witness>, RunError> {
    for side in [0, 1] {
        let alone = properties::of_bits(found[side].violated & !found[1 - side].violated);
        let Some(property) = alone.into_iter().find(|property| !properties::explains(*property)) else {
            continue;
        };
        let limits = Limits { states: Some(LEAST_STATES), ..Limits::default() };
        let least = minimal_counterexample(&kernels[side], property, &limits)
            .map_err(|error| jobs[side].broken(error))?;
        let way = match &least {
            Some(least) => Some(&least.schedule),
            None => found[side].witnesses.get(&property),
        };
        let Some(way) = way else { continue };
        let least = least.as_ref().is_some_and(|least| least.certified);
        return together(jobs, kernels, side, way, Shows::Violates { property, least }).map(Some);
    }
    for side in [0, 1] {
        let alone: BTreeSet<String> = seen[side].difference(&seen[1 - side]).cloned().collect();
        if alone.is_empty() {
            continue;
        }
        let limits = Limits { states: Some(LEAST_STATES), ..Limits::default() };
        let kernel = observing(jobs[side])?;
        let found = least_end(&kernel, &|observed| alone.contains(observed), &limits)
            .map_err(|error| jobs[side].broken(error))?;
        let stalemap_explore::Witness::Least(least) = found else { continue };
        if let Some(observed) = observed(&kernel, &least.schedule) {
            return together(jobs, kernels, side, &least.schedule, Shows::Ends { observed }).map(Some);
        }
    }
    Ok(None)
}

/// What is observed at the end of a run.
fn observed(kernel: &Kernel, way: &[Choice]) -> Option<String> {
    let specs = kernel.actors();
    let steps: Vec<Step> = way.iter().map(|choice| choice.to_step(&specs)).collect();
    replay(kernel, &steps).ok()?.epilogue?.observed
}

/// A run of one beside what the other makes of it.
fn together(
    jobs: [&Job<'_>; 2],
    kernels: &[Kernel; 2],
    of: usize,
    way: &[Choice],
    shows: Shows,
) -> Result<Witness, RunError> {
    let other = 1 - of;
    let headers = match &shows {
        Shows::Violates { property, .. } => vec![("violates".to_owned(), property.to_string())],
        Shows::Ends { .. } => Vec::new(),
    };
    let own = jobs[of].schedule(&kernels[of], headers, way);
    let engine = |error: ReplayError| match error {
        ReplayError::Engine(error) => jobs[other].broken(error),
        ReplayError::DoesNotFit { .. } => RunError::DoesNotReplay {
            scenario: jobs[of].scenario.name.clone(),
            design: jobs[of].implementation.name().to_owned(),
            problem: error.to_string(),
        },
    };
    let parting = parting(kernels, of, &own.steps).map_err(engine)?;
    let steps = adapted(&kernels[other], &own.steps).map_err(engine)?;
    let fits = parting.as_ref().map_or(own.steps.len(), |parting| parting.at);
    let steps = steps.unwrap_or_else(|| own.steps[..fits].to_vec());
    let others = Schedule { steps, ..jobs[other].schedule(&kernels[other], Vec::new(), &[]) };
    let schedules = if of == 0 { [own, others] } else { [others, own] };
    Ok(Witness { of, shows, schedules, parting })
}

/// The first step of a run of one that the other cannot make, or after which it stands somewhere else.
fn parting(kernels: &[Kernel; 2], of: usize, steps: &[Step]) -> Result<Option<Parting>, ReplayError> {
    match fits(&kernels[1 - of], steps)? {
        Fits::Until(parting) => Ok(Some(parting)),
        Fits::ToTheEnd(others) => {
            let own = replay(&kernels[of], steps)?.played;
            let differs =
                |(one, two): (&Played, &Played)| one.gutter != two.gutter || one.violated != two.violated;
            let at = own.iter().zip(&others).position(differs);
            let problem = "it leaves another state behind".to_owned();
            Ok(at.map(|at| Parting { at, problem }))
        }
    }
}

/// How far a schedule can be played.
pub enum Fits {
    /// To its end.
    ToTheEnd(Vec<Played>),
    /// Up to this step, which cannot be made.
    Until(Parting),
}

/// Plays a schedule as far as it fits.
pub fn fits(kernel: &Kernel, steps: &[Step]) -> Result<Fits, ReplayError> {
    let number = |(at, step): (usize, &Step)| Step { line: Some(at + 1), ..step.clone() };
    let numbered: Vec<Step> = steps.iter().enumerate().map(number).collect();
    match replay(kernel, &numbered) {
        Ok(replay) => Ok(Fits::ToTheEnd(replay.played)),
        Err(ReplayError::DoesNotFit { line, problem, .. }) => {
            Ok(Fits::Until(Parting { at: line.map_or(0, |line| line - 1), problem }))
        }
        Err(error @ ReplayError::Engine(_)) => Err(error),
    }
}
