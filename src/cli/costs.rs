//! What `costs` takes, and `compare --costs`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{RunArgs, UnderArgs, parse_size};

/// What `compare` takes.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// What is run.
    #[command(flatten)]
    pub run: RunArgs,

    /// Print what each costs below the table, as `stalemap costs` does.
    #[arg(long)]
    pub costs: bool,
}

/// How costs are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CostsFormat {
    /// For people, in 80 columns.
    #[default]
    Text,
    /// One versioned document.
    Json,
    /// Tables of a page.
    Markdown,
}

/// What `costs` takes.
#[derive(Debug, Args)]
pub struct CostsArgs {
    /// Scenario files, folders of them, or names in the catalogue (`xfs/t1`); without any, the catalogue.
    #[arg(value_name = "SCENARIO|FOLDER")]
    pub paths: Vec<PathBuf>,

    /// Under what.
    #[command(flatten)]
    pub under: UnderArgs,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: CostsFormat,

    /// Write into this folder a run with the most stale mappings of each, and the runs that retry too often.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// Count this many scenario-design pairs at a time [default: as many as there are processors].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,

    /// Give a pair up at this many states.
    #[arg(long, value_name = "N")]
    pub limit_states: Option<u64>,

    /// Let all that runs at a time take this much memory, with the program, in equal shares (`512m`, `4g`) [default: half of
    /// the machine's].
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub limit_memory: Option<u64>,

    /// Give a pair up after this many seconds.
    #[arg(long, value_name = "N")]
    pub limit_seconds: Option<u64>,
}
