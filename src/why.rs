//! Why a scenario holds: which locks, waits and checks keep which actors apart, found by taking them away.
//!
//! Each protection is taken away by itself. If something is violated then, the smallest groups of actors are looked for that it keeps
//! apart: the scenario is explored with these actors alone, as it is, where it must hold, and without the protection. Nothing is
//! concluded from a design's text; what is said of a group is what these explorations found, and of what was not taken away nothing is
//! said. Pairs of actors are looked at, too: whether they have anything to do with each other ([`contacts`]).

pub mod protections;

use stalemap_checker::contacts;
use stalemap_explore::{Contact, Exploration, Limits};
use stalemap_facade::{Property, System};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::config::Config;
use stalemap_model::words::implementation::Implementation;

pub use self::protections::{PROTECTIONS, Protection};
use crate::engine::Engine;
use crate::run::{GivenLimits, Job, Outcome, RunError, kernel, run_all};
use crate::scenario::Scenario;
use crate::scenario::draft::Draft;
use crate::smaller::{implementation, scenario};
use crate::verdict::Verdict;

/// Groups of more actors are looked at only as a whole.
const LARGEST_GROUP: usize = 3;

/// Actors that are kept apart by a protection: with it these alone hold, without it they violate something, each of them makes a step
/// of that, and no fewer of them do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptApart {
    /// The actors of the file; the model's own are always there. None: what the setup leaves behind is enough, when nobody of the file
    /// moves.
    pub actors: Vec<String>,
    /// By what.
    pub by: &'static Protection,
    /// What is violated without it, the most user-visible first.
    pub property: Property,
    /// The steps of the counterexample that was found.
    pub steps: usize,
    /// Its preemptions, if none takes fewer.
    pub least: Option<u32>,
}

/// Somebody who waits for somebody else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Waits {
    /// Who.
    pub waiter: String,
    /// For whom.
    pub holder: String,
    /// With which operation.
    pub op: &'static str,
}

/// Two actors of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pair {
    /// Their names.
    pub actors: [String; 2],
    /// What they have to do with each other.
    pub contact: Contact,
    /// Where one waits for the other.
    pub waits: Vec<Waits>,
}

/// What came of a protection that was taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Without {
    /// Something is violated.
    Broken,
    /// All was explored, and nothing is.
    Holds,
    /// A limit was reached.
    Undecided,
}

/// Why a scenario holds.
#[derive(Clone, Debug)]
pub struct Why {
    /// The scenario.
    pub scenario: String,
    /// The design or kernel.
    pub under: String,
    /// The states over which pairs were looked at; `None` if these are not all.
    pub states: Option<u64>,
    /// Actors of the file that make no step in any run, and so meet nobody.
    pub still: Vec<String>,
    /// The pairs of all others.
    pub pairs: Vec<Pair>,
    /// Who waits for actors of the model, or is waited for by them.
    pub waits: Vec<Waits>,
    /// What keeps whom apart.
    pub kept_apart: Vec<KeptApart>,
    /// The protections that were taken away, and what came of it.
    pub taken: Vec<(&'static Protection, Without)>,
}

/// Says why a job holds.
pub fn study(job: &Job<'_>, limits: &Limits, given: GivenLimits) -> Result<Why, RunError> {
    let mut why = touching(job, limits)?;
    for protection in PROTECTIONS {
        let Some(without) = protection.taken_from(&job.implementation) else { continue };
        if job.scenario.refused_by(&without).is_some() {
            continue;
        }
        let Some(outcome) = outcome(job.scenario, &without, given)? else { continue };
        let came = match outcome.verdict {
            Verdict::Violates => Without::Broken,
            Verdict::Holds => Without::Holds,
            Verdict::Incomplete | Verdict::FoundNone => Without::Undecided,
        };
        why.taken.push((protection, came));
        if came == Without::Broken {
            why.kept_apart.extend(groups(job, protection, &outcome, limits, given)?);
        }
    }
    Ok(why)
}

/// The pairs of actors, and who waits.
fn touching(job: &Job<'_>, limits: &Limits) -> Result<Why, RunError> {
    let kernel = kernel(job.scenario, &job.implementation)?;
    let found = contacts(&kernel, limits).map_err(|error| job.broken(error))?;
    let specs = kernel.actors();
    let name = |actor: usize| specs.get(actor).map_or_else(String::new, |spec| spec.name.clone());
    let own = |name: &str| job.scenario.actors.iter().any(|actor| actor.name == name);
    let mut waits: Vec<Waits> = found
        .waits
        .keys()
        .map(|wait| Waits { waiter: name(wait.waiter), holder: name(wait.holder), op: wait.op })
        .collect();
    waits.sort();
    let moves = |actor: &str| found.movers.iter().any(|mover| name(*mover) == actor);
    let file = job.scenario.actors.iter().map(|actor| actor.name.clone());
    let still = file.filter(|actor| found.is_complete && !moves(actor)).collect();
    let mut pairs = Vec::new();
    for ((one, two), contact) in found.pairs {
        let actors = [name(one), name(two)];
        if !actors.iter().all(|name| own(name)) {
            continue;
        }
        let between = |wait: &Waits| actors.contains(&wait.waiter) && actors.contains(&wait.holder);
        pairs.push(Pair {
            waits: waits.iter().filter(|wait| between(wait)).cloned().collect(),
            actors,
            contact,
        });
    }
    waits.retain(|wait| !(own(&wait.waiter) && own(&wait.holder)));
    Ok(Why {
        scenario: job.scenario.name.clone(),
        under: job.implementation.name().to_owned(),
        states: found.is_complete.then_some(found.states),
        still,
        pairs,
        waits,
        kept_apart: Vec::new(),
        taken: Vec::new(),
    })
}

/// What a scenario comes to; `None` if it cannot be run, or its setup fails.
fn outcome(
    scenario: &Scenario,
    implementation: &Implementation,
    given: GivenLimits,
) -> Result<Option<Outcome>, RunError> {
    let job = Job { scenario, implementation: implementation.clone(), engine: Engine::Exhaustive };
    match run_all(&[job], given, 1, &|_| ()).pop() {
        None | Some(Err(RunError::Config { .. } | RunError::Setup(_))) => Ok(None),
        Some(outcome) => outcome.map(Some),
    }
}

/// The smallest groups of actors that a protection keeps apart; `whole` is what all of them come to without it.
fn groups(
    job: &Job<'_>,
    protection: &'static Protection,
    whole: &Outcome,
    limits: &Limits,
    given: GivenLimits,
) -> Result<Vec<KeptApart>, RunError> {
    let names: Vec<String> = job.scenario.actors.iter().map(|actor| actor.name.clone()).collect();
    if let Some(found) = of_nobody(job, protection, limits)? {
        return Ok(vec![found]);
    }
    let mut found: Vec<KeptApart> = Vec::new();
    for group in subsets(&names) {
        let holds_one = |known: &KeptApart| known.actors.iter().all(|name| group.contains(name));
        if !found.iter().any(holds_one) {
            found.extend(kept_apart(job, protection, &group, given)?);
        }
    }
    if found.is_empty() {
        found.extend(of_outcome(&names, protection, whole));
    }
    Ok(found)
}

/// Whether a group, alone, holds with a protection and not without it.
fn kept_apart(
    job: &Job<'_>,
    protection: &'static Protection,
    group: &[String],
    given: GivenLimits,
) -> Result<Option<KeptApart>, RunError> {
    let Ok(draft) = Draft::new(&job.scenario.source, job.scenario.block) else { return Ok(None) };
    let others = job.scenario.actors.iter().map(|actor| &actor.name).filter(|name| !group.contains(name));
    let alone = scenario(job.scenario, &draft.without_actors(others).to_string());
    let Some(alone) = alone else { return Ok(None) };
    let Some(with) = implementation(&alone, job.implementation.name()) else { return Ok(None) };
    let Some(without) = protection.taken_from(&with) else { return Ok(None) };
    if alone.refused_by(&without).is_some() {
        return Ok(None);
    }
    let Some(broken) =
        outcome(&alone, &without, given)?.filter(|outcome| outcome.verdict == Verdict::Violates)
    else {
        return Ok(None);
    };
    let holds = outcome(&alone, &with, given)?.is_some_and(|outcome| outcome.verdict == Verdict::Holds);
    let apart = if holds { of_outcome(group, protection, &broken) } else { None };
    Ok(apart.filter(|_| each_moves(group, &broken)))
}

/// Whether each actor of a group has a step of a counterexample.
fn each_moves(group: &[String], outcome: &Outcome) -> bool {
    let steps = outcome.counterexample.as_ref().map_or(&[][..], |shown| &shown.schedule.steps);
    group.iter().all(|name| steps.iter().any(|step| step.actor == *name))
}

/// Whether nobody of the file has to move: what the setup leaves behind holds with a protection and not without it.
fn of_nobody(job: &Job<'_>, by: &'static Protection, limits: &Limits) -> Result<Option<KeptApart>, RunError> {
    let Some(without) = by.taken_from(&job.implementation) else { return Ok(None) };
    let Some(found) = by_nobody(job, &without, limits)? else { return Ok(None) };
    let Some(property) = properties::of_bits(found.violated).first().copied() else { return Ok(None) };
    let with = by_nobody(job, &job.implementation, limits)?;
    let holds = with.is_some_and(|with| with.violated == 0 && with.is_complete());
    Ok(holds.then_some(KeptApart { actors: Vec::new(), by, property, steps: 0, least: Some(0) }))
}

/// What comes of a scenario in which no actor of the file is there; `None` if that cannot be run.
fn by_nobody(
    job: &Job<'_>,
    implementation: &Implementation,
    limits: &Limits,
) -> Result<Option<Exploration>, RunError> {
    let config = Config {
        actors: Vec::new(),
        holds: Vec::new(),
        heard: Vec::new(),
        ..job.scenario.config_of(implementation.clone())
    };
    let Ok(kernel) = Kernel::new(config) else { return Ok(None) };
    job.exploration_of(&kernel, limits).map(Some)
}

fn of_outcome(actors: &[String], by: &'static Protection, outcome: &Outcome) -> Option<KeptApart> {
    let shown = outcome.counterexample.as_ref()?;
    Some(KeptApart {
        actors: actors.to_vec(),
        by,
        property: shown.property,
        steps: shown.schedule.steps.len(),
        least: shown.counterexample.certified.then_some(shown.counterexample.preemptions),
    })
}

/// The groups of at most so many actors, the small ones first.
fn subsets(names: &[String]) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = (1_u32..1 << names.len())
        .filter(|set| set.count_ones() as usize <= LARGEST_GROUP.min(names.len().saturating_sub(1)))
        .map(|set| {
            let chosen = names.iter().enumerate().filter(|(at, _)| set & 1 << at != 0);
            chosen.map(|(_, name)| name.clone()).collect()
        })
        .collect();
    groups.sort_by_key(Vec::len);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_groups_come_first_and_all_together_is_none() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let groups: Vec<String> = subsets(&names).iter().map(|group| group.concat()).collect();
        assert_eq!(groups, ["a", "b", "c", "ab", "ac", "bc"]);
    }
}
