//! What `fuzz` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::limits::parse_memory;

/// How `fuzz` ends.
pub const FUZZ_EXIT_CODES: &str = "\
Exit codes:
  0  nothing is lost that is not in docs/findings.md, and all that must hold does
  1  a loss that nothing there explains, or under a design any; or something that must hold does not
  2  usage or bad input
  3  nothing was found, and of some scenarios a limit left runs out, or it was interrupted
  4  engines disagree, a run was not deterministic, or an engine failed: a defect of stalemap";

/// How `fuzz` prints what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FuzzFormat {
    /// For people.
    #[default]
    Text,
    /// One versioned document.
    Json,
}

/// What `fuzz` takes.
#[derive(Debug, Args)]
pub struct FuzzArgs {
    /// Run scenarios under this kernel; repeatable; `all`, which is the default, is every release. Several take turns.
    #[arg(long = "kernel", value_name = "NAME")]
    pub kernels: Vec<String>,

    /// Run them under this design, too, or alone, on any file system: what is lost there is counted, and nothing is a find; repeatable.
    #[arg(long = "design", value_name = "NAME")]
    pub designs: Vec<String>,

    /// Whose scenarios: number N of a seed is always the same one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// The first number: where an earlier run has ended.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub from: u64,

    /// How many scenarios [default: 1000, or with `--seconds` as many as there is time for].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Begin no further scenarios after so many seconds, once it is known what the catalogue shows (some seconds).
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: Option<u64>,

    /// Write each find into this folder: a scenario, made smaller, and its schedule. What an earlier run has written there is no find any
    /// more, and named only.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Look for losses alone, and ask nothing else that must hold of every scenario.
    #[arg(long)]
    pub losses_alone: bool,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: FuzzFormat,

    /// Leave out how long it took, so that two runs print the same bytes.
    #[arg(long)]
    pub no_times: bool,

    /// Explore this many scenarios at a time [default: as many as there are processors].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,

    /// Give each search up at this many states [default: 20000].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit_states: Option<u64>,

    /// Let each search take this much memory (`512m`, `4g`) [default: 256m].
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub limit_memory: Option<u64>,

    /// No lines on stderr about how far it is.
    #[arg(long)]
    pub quiet: bool,
}
