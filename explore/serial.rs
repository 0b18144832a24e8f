//! One run in which the main actors come one after the other: what an observer who knows of no concurrency expects.

use stalemap_facade::{ActorId, System};

use crate::actors::actors_of;
use crate::error::EngineError;
use crate::machine::Machine;
use crate::memory::Outcome;
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
    let specs = machine.specs().to_vec();
    let mut steps = Vec::new();
    while steps.len() < MAX_STEPS {
        let enabled = machine.enabled();
        let first = order.iter().copied().find(|actor| enabled & (1 << actor) != 0);
        let Some(actor) = first.or_else(|| actors_of(enabled).next()) else {
            return Ok(machine.main_finished().then_some(steps));
        };
        steps.push(Choice::of(machine.pending(actor), actor, Outcome::FIRST).to_step(&specs));
        machine.fire(actor, Outcome::FIRST)?;
    }
    Ok(None)
}
