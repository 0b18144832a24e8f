//! Which engine runs a scenario, and how.

use stalemap_checker::{run_loom, run_shuttle};
use stalemap_explore::{EngineError, Loom, Runs, Shuttle};
use stalemap_model::system::kernel::Kernel;

/// An engine, ready to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Engine {
    /// The exhaustive one.
    #[default]
    Exhaustive,
    /// The library loom.
    Loom(Loom),
    /// The library shuttle.
    Shuttle(Shuttle),
}

impl Engine {
    /// The name in reports and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Exhaustive => "exhaustive",
            Engine::Loom(_) => "loom",
            Engine::Shuttle(_) => "shuttle",
        }
    }

    /// Runs a scenario under one of the libraries. `None`: it is the exhaustive engine's.
    pub fn run(self, kernel: &Kernel) -> Option<Result<Runs, EngineError>> {
        match self {
            Engine::Exhaustive => None,
            Engine::Loom(loom) => Some(run_loom(kernel, &loom)),
            Engine::Shuttle(shuttle) => Some(run_shuttle(kernel, &shuttle)),
        }
    }
}
