//! The engines that are libraries: shuttle and loom, on the same actors as the exhaustive engine.
//!
//! Both run every actor on a stack of its own and switch between the stacks. What they have in common is here:
//! the shared memory (`memory.rs`), one execution (`execution.rs`), and what is gathered (`runs.rs`). An engine
//! decides one thing only: which actor performs its announced operation next. So scheduling points are exactly
//! the visible operations, a transition is as atomic as in the exhaustive engine, and an actor that has to wait
//! is not scheduled instead of being woken too early.
//!
//! A deadlock is a state in which nobody can move, and is found here, before an engine notices: shuttle would
//! panic, loom abort the process if a guard is held. Violations are noted and never panic, and what panics all the
//! same is an error (`panics.rs`).

mod execution;
#[cfg(feature = "loom")]
mod loom;
mod memory;
mod panics;
mod runs;
#[cfg(feature = "shuttle")]
mod shuttle;

use std::time::Duration;

use crate::error::EngineError;

#[cfg(feature = "loom")]
pub use loom::{LOOM_ACTORS, Loom, run_loom};
pub use memory::ThreadMemory;
pub use runs::{Reached, Runs};
#[cfg(feature = "shuttle")]
pub use shuttle::{Follow, Shuttle, Strategy, follow_with_shuttle, run_shuttle};

/// When an engine gives up. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Executions.
    pub executions: Option<u64>,
    /// Wall-clock time. The only limit that makes a result depend on the machine.
    pub time: Option<Duration>,
}

/// Operations of one execution. More is taken for an execution that never ends.
const MOST_OPERATIONS: usize = 4_000;

/// The stack of an actor, in bytes. The paths of the model nest deeply.
const STACK: usize = 1 << 19;

/// The variables that loom reads, and panics at if they are no numbers.
const NUMBERS: [&str; 5] = [
    "LOOM_CHECKPOINT_INTERVAL",
    "LOOM_MAX_BRANCHES",
    "LOOM_MAX_DURATION",
    "LOOM_MAX_PERMUTATIONS",
    "LOOM_MAX_PREEMPTIONS",
];

/// The variables that shuttle obeys, whatever it is told: its seed, and a file to write it to.
const SEEDS: [&str; 2] = ["SHUTTLE_RANDOM_SEED", "SHUTTLE_ALWAYS_PERSIST_SEED"];

/// Keeps what the environment says to the libraries out. It cannot be changed here, so it is refused.
fn check_environment() -> Result<(), EngineError> {
    let is_bad = |name: &&str| std::env::var(name).is_ok_and(|text| text.parse::<usize>().is_err());
    let is_set = |name: &&str| std::env::var_os(name).is_some();
    let variable = NUMBERS.into_iter().find(is_bad).or_else(|| SEEDS.into_iter().find(is_set));
    variable.map_or(Ok(()), |variable| Err(EngineError::Environment { variable }))
}
