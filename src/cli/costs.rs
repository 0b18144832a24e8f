//! What `costs` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::limits::LimitsArgs;
use crate::cli::under::UnderArgs;

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
    /// Scenario files, folders of them, or names in the catalogue (`xfs/t1`); without any, the catalogue. `-` is stdin.
    #[arg(value_name = "SCENARIO|FOLDER")]
    pub paths: Vec<PathBuf>,

    /// Under what.
    #[command(flatten)]
    pub under: UnderArgs,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: CostsFormat,

    /// Leave out of JSON how long it took, so that two runs print the same bytes.
    #[arg(long)]
    pub no_times: bool,

    /// Write into this folder a run with the most stale mappings of each, and the runs that retry too often.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// How much at a time, and how long.
    #[command(flatten)]
    pub limits: LimitsArgs,
}
