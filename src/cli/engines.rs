//! Which engine runs, on which memory; what `agree` and `power` take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use stalemap_facade::MemoryModel;

use crate::cli::under::WhatArgs;

/// The engines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Every interleaving and every choice.
    #[default]
    Exhaustive,
    /// The library loom: every interleaving it can think of, up to a number of executions.
    Loom,
    /// The library shuttle: random schedules, PCT, or plain depth-first search.
    Shuttle,
}

/// How shuttle decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum StrategyName {
    /// Any actor that can move, with equal probability.
    #[default]
    Random,
    /// Random priorities that change at a few random places.
    Pct,
    /// One schedule after the other.
    Dfs,
}

/// How the engines that are libraries run.
#[derive(Clone, Copy, Debug, Args)]
pub struct EngineArgs {
    /// How to explore.
    #[arg(long, value_enum, default_value_t)]
    pub engine: Engine,

    /// How shuttle decides [default: random].
    #[arg(long, value_enum)]
    pub strategy: Option<StrategyName>,

    /// Seed of the random schedules of shuttle [default: 0].
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Executions of loom or shuttle [default: 10000 for random schedules, 100000 otherwise].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub iterations: Option<u64>,

    /// Preemptions of one execution of loom, as loom counts them.
    #[arg(long, value_name = "N")]
    pub preemptions: Option<u8>,

    /// The depth of bugs that PCT is to find [default: 3].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub depth: Option<u32>,
}

/// What `agree` takes.
#[derive(Debug, Args)]
pub struct AgreeArgs {
    /// Which scenarios and designs.
    #[command(flatten)]
    pub what: WhatArgs,

    /// Executions after which loom and shuttle have not finished.
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub iterations: u64,

    /// Write the schedules of differences into this folder.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
}

/// What `power` takes.
#[derive(Debug, Args)]
pub struct PowerArgs {
    /// Which scenarios and designs; of these only what violates something counts.
    #[command(flatten)]
    pub what: WhatArgs,

    /// Executions of each strategy.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub iterations: u64,

    /// Seed of the random schedules.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// The memory that everything runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Memory {
    /// Sequentially consistent: every access sees the latest store.
    #[default]
    Sc,
    /// Release, acquire and relaxed accesses, as in C++20: what is read without a lock may be old.
    Relaxed,
    /// The same, with releases that pass on what was only read before them, as in the kernel's memory model.
    Lkmm,
}

impl Memory {
    /// The model of it.
    pub fn model(self) -> MemoryModel {
        match self {
            Memory::Sc => MemoryModel::Sequential,
            Memory::Relaxed => MemoryModel::Relaxed,
            Memory::Lkmm => MemoryModel::Cumulative,
        }
    }
}
