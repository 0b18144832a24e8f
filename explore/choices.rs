//! The transitions of a schedule, as the engine tells them apart.

use stalemap_facade::System;

use crate::error::EngineError;
use crate::machine::Machine;
use crate::replay::{ReplayError, find};
use crate::schedule::{Choice, Step};

/// The transitions that the steps of a schedule are, if it can be played.
pub fn choices<S: System>(system: &S, steps: &[Step]) -> Result<Vec<Choice>, ReplayError> {
    let mut machine = Machine::new(system)?;
    let mut way = Vec::with_capacity(steps.len());
    for step in steps {
        let actor = find(&machine, step)?;
        let older = || ReplayError::DoesNotFit {
            line: step.line,
            step: step.to_string(),
            problem: "there are no such messages to choose from".to_owned(),
        };
        let outcome = step.to_outcome().ok_or_else(older)?;
        way.push(Choice::of(machine.pending(actor), actor, outcome));
        match machine.fire(actor, outcome) {
            Ok(_) => {}
            Err(EngineError::NoSuchOutcome { .. }) if !step.older.is_empty() => return Err(older()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(way)
}
