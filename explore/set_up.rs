//! The setup of a system, alone: what its calls return is known before anything is explored.

use stalemap_facade::{Calls, System};

use crate::error::EngineError;
use crate::machine::{Halted, Machine, Opening};

/// Creates a system and runs its setup. What the calls of the setup returned.
pub fn set_up<S: System>(system: &S) -> Result<Calls, EngineError> {
    Ok(Machine::new(system)?.memory().gathered().calls)
}

/// Creates a system, runs its setup, and lets its actors come to their first operations. What the model says about that.
pub fn watch_opening<S: System>(system: &S) -> Result<Opening, EngineError> {
    Ok(Machine::watched(system)?.into_opening())
}

/// Runs a system's setup, and says if it does not come to its end.
pub fn halted_setup<S: System>(system: &S) -> Result<Option<Halted>, EngineError> {
    Ok(Machine::new(system)?.halted().cloned())
}
