//! What a tool says when it is done, or has been stopped.

use serde::{Deserialize, Serialize};

/// What a tool did with a race.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// It has seen everything that it wanted to see.
    pub finished: bool,
    /// It has found a final state in which data is lost.
    pub lost: bool,
    /// Distinct states, of a tool that stores them.
    pub states: Option<u64>,
    /// Transitions, from these states or from others that it met again.
    pub transitions: Option<u64>,
    /// Runs from the beginning to the end, of a tool that stores no states.
    pub executions: Option<u64>,
}
