//! Which actors take no part in a counterexample: that make no step of it, and without which the same is violated.
//!
//! An actor without a step may matter all the same: by what it cuts the file into, by a lock that it waits for, or since what it is
//! asked to do is judged in every state (`@crash`). So the scenario is run without it.

use std::sync::atomic::AtomicBool;

use stalemap_explore::{EngineError, Limits, Step};
use stalemap_facade::Property;

use crate::annotate::idle::{Idle, Seen};
use crate::engine::Engine;
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::scenario::draft::{Draft, Part};
use crate::smaller::{Answer, Question};

/// The actors that take no part in the counterexample of an outcome; none if there are none, or if that could not be seen in as many
/// states as the scenario has with them, in so many bytes, before `stop` was set.
pub fn of_outcome(
    scenario: &Scenario,
    outcome: &Outcome,
    memory: u64,
    stop: Option<&AtomicBool>,
) -> Result<Option<Idle>, EngineError> {
    let Some(shown) = outcome.counterexample.as_ref().filter(|_| outcome.engine == Engine::Exhaustive) else {
        return Ok(None);
    };
    let with = outcome.statistics.states;
    let limits = Limits { states: Some(with), memory: Some(memory), ..Limits::default() };
    let question = Question { scenario, under: &outcome.design, property: shown.property, limits, stop };
    let complete = outcome.limits_hit.is_empty();
    found(scenario, &shown.schedule.steps, shown.property, |source| {
        let (answer, without) = question.explore(source)?;
        let explored = without.filter(|_| complete).map(|without| Seen::Explored { without, with });
        Ok(matches!(answer, Answer::Violates(_)).then(|| explored.unwrap_or(Seen::Found)))
    })
}

/// The actors that take no part in a schedule: it violates the property without them, too.
pub fn of_schedule(
    scenario: &Scenario,
    under: &str,
    property: Property,
    steps: &[Step],
) -> Result<Option<Idle>, EngineError> {
    let question = Question { scenario, under, property, limits: Limits::default(), stop: None };
    found(scenario, steps, property, |source| Ok(question.plays(source, steps)?.then_some(Seen::Played)))
}

/// The text of a scenario without these actors.
pub fn without(scenario: &Scenario, idle: &Idle) -> Option<String> {
    let draft = Draft::new(&scenario.source, scenario.block).ok()?;
    Some(draft.without_actors(&idle.actors).to_string())
}

/// Leaves out one actor after the other that has no step, as long as that is seen to change nothing.
fn found(
    scenario: &Scenario,
    steps: &[Step],
    property: Property,
    mut is_violated: impl FnMut(&str) -> Result<Option<Seen>, EngineError>,
) -> Result<Option<Idle>, EngineError> {
    let moves = |name: &str| steps.iter().any(|step| step.actor == name);
    let still = |name: &&String| !moves(name);
    let names: Vec<String> = scenario.actors.iter().map(|actor| actor.name.clone()).collect();
    let mut idle: Option<Idle> = None;
    let Ok(mut draft) = Draft::new(&scenario.source, scenario.block) else { return Ok(None) };
    for name in names.iter().filter(still) {
        let Some(at) = draft.place_of(name) else { continue };
        let without = draft.without(&Part::Actor(at));
        let Some(seen) = is_violated(&without.to_string())? else { continue };
        let actors = idle.into_iter().flat_map(|idle| idle.actors).chain([name.clone()]).collect();
        idle = Some(Idle { actors, property, seen });
        draft = without;
    }
    Ok(idle)
}
