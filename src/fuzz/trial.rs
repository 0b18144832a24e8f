//! One number of a seed: the scenario that is drawn, explored within limits, and what it loses.

use stalemap_explore::{Exploration, Limits};
use stalemap_facade::Property;
use stalemap_model::judge::properties;
use stalemap_model::words::branches;

use super::draw::draw;
use super::loss::{Loss, losses};
use super::recipe::Recipe;
use super::under::Under;
use crate::engine::Engine;
use crate::expect::{Met, Seen, judge};
use crate::run::{Job, RunError, never_succeeded};
use crate::scenario::{Scenario, read};
use crate::verdict::Verdict;

/// A scenario that was drawn and can be run.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its number.
    pub number: u64,
    /// What it runs under.
    pub under: Under,
    /// As it was drawn.
    pub recipe: Recipe,
    /// As it was read.
    pub scenario: Scenario,
}

/// Why a drawn scenario was not explored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused(pub String);

impl Drawn {
    /// The scenario of a number under one of these, which take turns.
    pub fn new(seed: u64, number: u64, under: &[Under]) -> Result<Self, Refused> {
        let turn = under.get((number % (under.len().max(1)) as u64) as usize);
        let under = *turn.ok_or_else(|| Refused("there is nothing to run under".to_owned()))?;
        let recipe = draw(seed, number, &under);
        let recipe = recipe.ok_or_else(|| Refused(format!("{} has no file system", under.name())))?;
        let scenario = scenario(&recipe, &format!("number-{number}"))?;
        Ok(Drawn { number, under, recipe, scenario })
    }

    /// It under what it runs under.
    pub fn job(&self) -> Result<Job<'_>, Refused> {
        job(&self.scenario, self.under.name())
    }
}

/// A recipe as a scenario of a name.
pub fn scenario(recipe: &Recipe, name: &str) -> Result<Scenario, Refused> {
    read(name, recipe.text().as_bytes()).map_err(|errors| Refused(errors.to_string()))
}

/// A scenario under a design or a kernel.
pub fn job<'s>(scenario: &'s Scenario, under: &str) -> Result<Job<'s>, Refused> {
    let unknown = || Refused(format!("{} does not run under {under}", scenario.name));
    let implementation = scenario.implementation(under).ok_or_else(unknown)?;
    match scenario.refused_by(&implementation) {
        Some(why) => Err(Refused(format!("{under} {why}"))),
        None => Ok(Job { scenario, implementation, engine: Engine::Exhaustive }),
    }
}

/// What a scenario came to.
#[derive(Clone, Debug)]
pub struct Explored {
    /// What can be said of it.
    pub verdict: Verdict,
    /// Whether it holds without having met what it could be about: no mapping ever went stale, or some command fails in every run.
    pub vacuous: bool,
    /// Whether a limit left runs out.
    pub bounded: bool,
    /// The states that were explored.
    pub states: u64,
    /// What is violated.
    pub violated: Vec<Property>,
    /// The losses that this comes to.
    pub losses: Vec<Loss>,
}

/// What became of a number.
#[derive(Clone, Debug)]
pub enum Came {
    /// It is no scenario, or its setup fails.
    Refused(Refused),
    /// It was explored.
    Explored(Explored, Box<Exploration>),
}

/// The same, when nobody asks for the runs any more.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is no scenario, or its setup fails.
    Refused(Refused),
    /// It was explored.
    Explored(Explored),
}

impl Came {
    /// What counts of it.
    pub fn without_runs(self) -> Outcome {
        match self {
            Came::Refused(refused) => Outcome::Refused(refused),
            Came::Explored(explored, _) => Outcome::Explored(explored),
        }
    }
}

/// Explores what was drawn.
pub fn explored(drawn: &Drawn, limits: &Limits) -> Result<Came, RunError> {
    let job = match drawn.job() {
        Ok(job) => job,
        Err(refused) => return Ok(Came::Refused(refused)),
    };
    let found = match job.exploration(limits) {
        Ok(found) => found,
        Err(error) => return refused(error).map(Came::Refused),
    };
    let violated = properties::of_bits(found.violated);
    let verdict = verdict(&found);
    let explored = Explored {
        verdict,
        vacuous: is_vacuous(&job, verdict, &found)?,
        bounded: !found.is_complete(),
        states: found.statistics.states,
        losses: losses(&job, &violated, limits)?,
        violated,
    };
    Ok(Came::Explored(explored, Box::new(found)))
}

/// An error that says that what was drawn is no scenario.
pub fn refused(error: RunError) -> Result<Refused, RunError> {
    match error {
        RunError::Config { .. } | RunError::Setup(_) => Ok(Refused(error.to_string())),
        RunError::Engine { .. }
        | RunError::Checkpoint(_)
        | RunError::Refused(_)
        | RunError::Candidate { .. }
        | RunError::DoesNotReplay { .. }
        | RunError::Disagree { .. } => Err(error),
    }
}

/// What can be said: a bounded run never holds.
pub fn verdict(found: &Exploration) -> Verdict {
    match (found.violated == 0, found.is_complete()) {
        (false, _) => Verdict::Violates,
        (true, true) => Verdict::Holds,
        (true, false) => Verdict::Incomplete,
    }
}

fn is_vacuous(job: &Job<'_>, verdict: Verdict, found: &Exploration) -> Result<bool, RunError> {
    if verdict != Verdict::Holds {
        return Ok(false);
    }
    let reached = branches::of_bits(found.reached);
    let failures = never_succeeded(job.scenario, &job.kernel()?, &found.calls);
    let met = Met { violated: &[], reached: &reached, never_succeeded: &failures };
    if !job.implementation.fs.counter {
        // There nobody can see that a mapping is stale.
        return Ok(!failures.is_empty());
    }
    Ok(judge(job.scenario, &job.implementation.design, verdict, &met, Seen::All).vacuous)
}
