//! A loss that nothing in docs/findings.md explains, made as small as it can be.

use std::collections::BTreeMap;

use stalemap_explore::Limits;
use xxhash_rust::xxh3::xxh3_64;

use super::class::Class;
use super::loss::{Loss, loss};
use super::recipe::Recipe;
use super::trial::{Drawn, job, refused, scenario};
use crate::minimise::{Certificate, Size, minimise_from};
use crate::run::{Job, RunError};
use crate::scenario::draft::Draft;
use crate::scenario::{Scenario, read};

/// A kind of loss that is not known, and the first scenario that was found to show it.
#[derive(Clone, Debug)]
pub struct Find {
    /// What kind.
    pub class: Class,
    /// What else was found to come from the same in one scenario.
    pub beside: Vec<Class>,
    /// The kernels under which it was found, each with how often and the first number.
    pub under: BTreeMap<String, Times>,
    /// The scenario, made smaller.
    pub source: String,
    /// The schedule.
    pub schedule: String,
    /// How large the scenario is.
    pub size: Size,
    /// What was tried on it.
    pub certificate: Certificate,
}

/// How often something was met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// How often.
    pub times: u64,
    /// The number of the first scenario.
    pub first: u64,
}

impl Find {
    /// Whether a loss is of this kind.
    pub fn is(&self, class: &Class) -> bool {
        self.class.is_explained_by(class) || self.beside.contains(class)
    }

    /// What its files are called: the same for the same class.
    pub fn name(&self) -> String {
        let class = &self.class;
        format!("{}-{}-{:08x}", class.fs, class.property, xxh3_64(class.to_string().as_bytes()) >> 32)
    }
}

/// A loss in a scenario that was made smaller.
#[derive(Clone, Debug)]
pub struct Smaller {
    /// The loss there.
    pub loss: Loss,
    /// The scenario.
    pub source: String,
    /// How large it is.
    pub size: Size,
    /// What was tried on it.
    pub certificate: Certificate,
}

/// The simplest recipe that loses the same, as a scenario with its loss: first the environment is made simpler, and what is judged.
fn simplest(drawn: &Drawn, of: &Loss, limits: &Limits) -> Result<Option<(Scenario, Loss)>, RunError> {
    let (under, name) = (drawn.under.name(), &drawn.scenario.name);
    let mut simplest: Option<(Recipe, Scenario, Loss)> = None;
    loop {
        let now = simplest.as_ref().map_or(&drawn.recipe, |(recipe, ..)| recipe);
        let mut next = None;
        for simpler in now.simpler() {
            let Ok(scenario) = scenario(&simpler, name) else { continue };
            let Ok(job) = job(&scenario, under) else { continue };
            if let Some(found) = still(&job, &of.class, limits)? {
                next = Some((simpler, scenario, found));
                break;
            }
        }
        match next {
            Some(next) => simplest = Some(next),
            None => return Ok(simplest.map(|(_, scenario, loss)| (scenario, loss))),
        }
    }
}

/// Makes the scenario of a loss simpler and smaller, until it is explained.
pub fn smaller(
    drawn: &Drawn,
    of: &Loss,
    states: u64,
    limits: &Limits,
    explained: &dyn Fn(&Class) -> bool,
) -> Result<Option<Smaller>, RunError> {
    let under = drawn.under.name();
    let simplest = simplest(drawn, of, limits)?;
    let (scenario, of) = simplest.as_ref().map_or((&drawn.scenario, of), |(scenario, loss)| (scenario, loss));
    let Ok(job) = job(scenario, under) else { return Ok(None) };
    let mut smallest = made_smaller(&job, of, states, limits)?;
    while let Some(smaller) = smallest.as_ref().filter(|smaller| !explained(&smaller.loss.class)) {
        match beforehand(smaller, &job, limits, explained)? {
            Some(next) => smallest = Some(next),
            None => break,
        }
    }
    Ok(smallest)
}

/// The same loss where what an actor does first is done in the setup, and has no part in it then.
fn beforehand(
    smaller: &Smaller,
    of: &Job<'_>,
    limits: &Limits,
    explained: &dyn Fn(&Class) -> bool,
) -> Result<Option<Smaller>, RunError> {
    // What stands in front says how it was made; it is said anew.
    let says = |line: &&str| line.starts_with('#') || line.is_empty();
    let lines: Vec<&str> = smaller.source.lines().skip_while(says).collect();
    let Ok(draft) = Draft::new(&lines.join("\n"), of.scenario.block) else { return Ok(None) };
    // One that says what is to happen to the next goes with it.
    let some = (0..draft.size().0).flat_map(|actor| [(actor, 1), (actor, 2)]);
    let (under, states) = (of.implementation.name(), smaller.size.states);
    let mut first = None;
    for draft in some.filter_map(|(actor, commands)| draft.beforehand(actor, commands)) {
        let Ok(scenario) = read(&of.scenario.name, draft.to_string().as_bytes()) else { continue };
        let Ok(simpler) = job(&scenario, under) else { continue };
        match still(&simpler, &smaller.loss.class, limits)? {
            Some(found) if explained(&found.class) => {
                return Ok(Some(Smaller::not(&found, &scenario, states)));
            }
            Some(found) if first.is_none() => first = Some((scenario, found)),
            Some(_) | None => {}
        }
    }
    match &first {
        Some((scenario, found)) => match job(scenario, under) {
            Ok(simpler) => made_smaller(&simpler, found, states, limits),
            Err(_) => Ok(None),
        },
        None => Ok(None),
    }
}

/// The loss of a class, where a simpler scenario still has it.
fn still(job: &Job<'_>, class: &Class, limits: &Limits) -> Result<Option<Loss>, RunError> {
    match loss(job, class.property, limits) {
        Err(error) => refused(error).map(|_| None),
        Ok(found) => Ok(found.filter(|found| found.class.needs_no_more_than(class))),
    }
}

/// Makes the scenario of a loss smaller. `None`: that is not possible within limits.
fn made_smaller(
    job_: &Job<'_>,
    of: &Loss,
    states: u64,
    limits: &Limits,
) -> Result<Option<Smaller>, RunError> {
    let name = job_.scenario.name.clone();
    let Some(minimal) = minimise_from(job_, &of.shown, states, limits, &name)? else { return Ok(None) };
    let Ok(job) = job(&minimal.smaller, job_.implementation.name()) else { return Ok(None) };
    let found = loss(&job, of.shown.property, limits)?;
    Ok(found.map(|loss| Smaller {
        loss,
        source: minimal.source,
        size: minimal.after,
        certificate: minimal.certificate,
    }))
}

impl Smaller {
    /// A loss in the scenario as it is, where it cannot be made smaller.
    pub fn not(loss: &Loss, scenario: &Scenario, states: u64) -> Self {
        let commands =
            scenario.setup.len() + scenario.actors.iter().map(|actor| actor.run.len()).sum::<usize>();
        Smaller {
            loss: loss.clone(),
            source: scenario.source.clone(),
            size: Size { actors: scenario.actors.len(), commands, states },
            certificate: Certificate::default(),
        }
    }
}

impl Find {
    /// One that was met nowhere yet.
    pub fn of(smaller: Smaller) -> Self {
        Find {
            class: smaller.loss.class,
            beside: Vec::new(),
            under: BTreeMap::new(),
            source: smaller.source,
            schedule: smaller.loss.shown.schedule.to_string(),
            size: smaller.size,
            certificate: smaller.certificate,
        }
    }
}
