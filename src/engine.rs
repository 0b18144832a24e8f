//! Which engine runs a scenario, and how.

use stalemap_checker::{run_loom, run_shuttle};
use stalemap_explore::{Budget, EngineError, Loom, Runs, Shuttle, Strategy};
use stalemap_model::system::kernel::Kernel;

use crate::cli::{Engine as Name, EngineArgs, StrategyName};

/// Executions of random schedules when nothing is said.
const RANDOM_EXECUTIONS: u64 = 10_000;
/// Executions of an engine that may come to its end when nothing is said.
const SEARCH_EXECUTIONS: u64 = 100_000;
/// The depth of PCT when nothing is said.
const DEPTH: u32 = 3;

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

    /// What was asked for, or what is wrong with it.
    pub fn of(args: &EngineArgs, seconds: Option<u64>) -> Result<Self, String> {
        let only = |option: &str, given: bool, engine: &str, fits: bool| {
            if given && !fits { Err(format!("{option} is for {engine}")) } else { Ok(()) }
        };
        let strategy = args.strategy.unwrap_or_default();
        let shuttle = args.engine == Name::Shuttle;
        only("--strategy", args.strategy.is_some(), "--engine shuttle", shuttle)?;
        only("--preemptions", args.preemptions.is_some(), "--engine loom", args.engine == Name::Loom)?;
        only(
            "--iterations",
            args.iterations.is_some(),
            "--engine loom and --engine shuttle",
            args.engine != Name::Exhaustive,
        )?;
        let random = shuttle && strategy != StrategyName::Dfs;
        only("--seed", args.seed.is_some(), "--engine shuttle, random or pct", random)?;
        let pct = shuttle && strategy == StrategyName::Pct;
        only("--depth", args.depth.is_some(), "--engine shuttle --strategy pct", pct)?;
        let budget = |default: u64| Budget {
            executions: Some(args.iterations.unwrap_or(default)),
            time: seconds.map(std::time::Duration::from_secs),
        };
        let seed = args.seed.unwrap_or(0);
        Ok(match (args.engine, strategy) {
            (Name::Exhaustive, _) => Engine::Exhaustive,
            (Name::Loom, _) => {
                Engine::Loom(Loom { preemptions: args.preemptions, budget: budget(SEARCH_EXECUTIONS) })
            }
            (Name::Shuttle, StrategyName::Random) => {
                let strategy = Strategy::Random { seed };
                Engine::Shuttle(Shuttle { strategy, budget: budget(RANDOM_EXECUTIONS) })
            }
            (Name::Shuttle, StrategyName::Pct) => {
                let strategy = Strategy::Pct { seed, depth: args.depth.unwrap_or(DEPTH) };
                Engine::Shuttle(Shuttle { strategy, budget: budget(RANDOM_EXECUTIONS) })
            }
            (Name::Shuttle, StrategyName::Dfs) => {
                Engine::Shuttle(Shuttle { strategy: Strategy::Dfs, budget: budget(SEARCH_EXECUTIONS) })
            }
        })
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
