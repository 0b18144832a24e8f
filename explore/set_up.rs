//! The setup of a system, alone: what its calls return is known before anything is explored.

use stalemap_facade::{Calls, Event, System};

use crate::error::EngineError;
use crate::machine::Machine;

/// Creates a system and runs its setup. What the calls of the setup returned.
pub fn set_up<S: System>(system: &S) -> Result<Calls, EngineError> {
    Ok(Machine::new(system)?.memory().gathered().calls)
}

/// Creates a system and runs its setup. What the model says about that.
pub fn watch_setup<S: System>(system: &S) -> Result<Vec<Event>, EngineError> {
    Ok(Machine::watched(system)?.take_events())
}
