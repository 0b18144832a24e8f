//! One run in which the main actors come one after the other: what an observer who knows of no concurrency expects.

use stalemap_facade::{ActorId, System};

use crate::actors::{ActorSet, actors_of};
use crate::error::EngineError;
use crate::machine::Machine;
use crate::memory::Outcome;
use crate::replay::{ReplayError, find};
use crate::schedule::{Choice, Step};

/// The transitions after which a run counts as endless.
const MAX_STEPS: usize = 100_000;

/// The run in which each actor of `order` goes on until it has finished. Whoever comes later, and then the daemons, move
/// only while all before them have to wait. Choices have their first outcome, with which nothing fails. `None` if the
/// run does not end, or ends in a deadlock.
pub fn serial<S: System>(system: &S, order: &[ActorId]) -> Result<Option<Vec<Step>>, EngineError> {
    let mut machine = Machine::new(system)?;
    if machine.halted().is_some() {
        return Ok(None);
    }
    let next = |enabled, _| order.iter().copied().find(|actor| enabled & (1 << actor) != 0);
    to_the_end(&mut machine, Vec::new(), next)
}

/// A schedule, and what follows when the actor that moved last goes on as long as it can, and so whoever is next then.
/// `None` if that does not end, or ends in a deadlock.
pub fn finished<S: System>(system: &S, steps: &[Step]) -> Result<Option<Vec<Step>>, ReplayError> {
    let mut machine = Machine::new(system)?;
    for step in steps {
        let actor = find(&machine, step)?;
        machine.fire(actor, step.to_outcome().unwrap_or(Outcome::FIRST))?;
    }
    let last = steps.last().and_then(|step| machine.specs().iter().position(|spec| spec.name == step.actor));
    let goes_on =
        |enabled, running: Option<ActorId>| running.or(last).filter(|actor| enabled & (1 << actor) != 0);
    Ok(to_the_end(&mut machine, steps.to_vec(), goes_on)?)
}

/// A schedule of a system much like this one, played here as far as it fits, and then to the end as [`finished`] does. An actor that
/// stands before an operation that it has no step for performs it; a step that its actor does not come to is left out. `None` if
/// the run does not end.
pub fn adapted<S: System>(system: &S, steps: &[Step]) -> Result<Option<Vec<Step>>, ReplayError> {
    let mut machine = Machine::new(system)?;
    let specs = machine.specs().to_vec();
    let mut played = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let Some(actor) = specs.iter().position(|spec| spec.name == step.actor) else { continue };
        let later =
            |op: &str| steps[at + 1..].iter().any(|other| other.actor == step.actor && other.op == op);
        while played.len() < MAX_STEPS {
            let Some(pending) = machine.pending(actor).filter(|pending| pending.is_enabled()) else { break };
            let (op, alternatives) = (pending.op.to_string(), pending.alternatives());
            let fits = op == step.op;
            if !fits && later(&op) {
                break;
            }
            let given = step.outcome.filter(|outcome| fits && *outcome < alternatives);
            let outcome = Outcome::new(given.unwrap_or(0), 0);
            played.push(Choice::of(machine.pending(actor), actor, outcome).to_step(&specs));
            machine.fire(actor, outcome)?;
            if fits {
                break;
            }
        }
    }
    finished(system, &played)
}

/// Goes on until nobody can move; who does is for `next` to say, which is told who can and who moved last.
fn to_the_end<S: System>(
    machine: &mut Machine<'_, S>,
    mut steps: Vec<Step>,
    next: impl Fn(ActorSet, Option<ActorId>) -> Option<ActorId>,
) -> Result<Option<Vec<Step>>, EngineError> {
    let specs = machine.specs().to_vec();
    let mut running = None;
    for _ in 0..MAX_STEPS {
        let enabled = machine.enabled();
        let Some(actor) = next(enabled, running).or_else(|| actors_of(enabled).next()) else {
            return Ok(machine.main_finished().then_some(steps));
        };
        steps.push(Choice::of(machine.pending(actor), actor, Outcome::FIRST).to_step(&specs));
        machine.fire(actor, Outcome::FIRST)?;
        running = Some(actor);
    }
    Ok(None)
}
