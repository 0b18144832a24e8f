//! What `merge` takes.

use std::path::PathBuf;

use clap::Args;

use crate::cli::limits::LimitsArgs;
use crate::cli::verdicts::CompareFormat;

/// What `merge` takes.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// What the parts have printed: all parts of one run of `check` or `compare`, in any order.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// How to print the results; `csv` and `markdown` are of `compare`.
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,

    /// Only what is not as expected, in documents, too; of a comparison, the answer alone.
    #[arg(long)]
    pub quiet: bool,

    /// Leave out of JSON and JUnit how long it took, so that the bytes are those of the undivided run.
    #[arg(long)]
    pub no_times: bool,

    /// Have violations in SARIF that the files expect, too, as notes.
    #[arg(long)]
    pub sarif_expected: bool,

    /// Write the schedules of counterexamples into this folder.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// Of `check`: fail for what is not as expected only where an earlier run had nothing of it: FILE is what that printed
    /// with `--format json`.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Of `compare`: print the scenarios in which nothing differs as well, and what each cell says.
    #[arg(long)]
    pub all: bool,

    /// Of `compare`: write it as a page to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// How much at a time, and how long, where something is left to be explored: the least counterexamples of scenarios whose
    /// states were cut into slices.
    #[command(flatten)]
    pub limits: LimitsArgs,
}
