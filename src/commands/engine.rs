//! `--engine`, and what goes with it: an engine that is ready to run.

use std::time::Duration;

use stalemap_explore::{Budget, Loom, Shuttle, Strategy};

use crate::cli::{Engine as Name, EngineArgs, StrategyName};
use crate::engine::Engine;

/// Executions of random schedules when nothing is said.
const RANDOM_EXECUTIONS: u64 = 10_000;
/// Executions of an engine that may come to its end when nothing is said.
const SEARCH_EXECUTIONS: u64 = 100_000;
/// The depth of PCT when nothing is said.
const DEPTH: u32 = 3;

/// The engine that was asked for, or what is wrong with it.
pub(super) fn of(args: &EngineArgs, seconds: Option<u64>) -> Result<Engine, String> {
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
        time: seconds.map(Duration::from_secs),
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
