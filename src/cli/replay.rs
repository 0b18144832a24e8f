//! What `replay` and `witness` take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::engines::Engine;
use crate::cli::limits::SearchLimitsArgs;
use crate::cli::under::{Format, UnderArgs};

/// How a schedule is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// `terminal` on a terminal, `mail` elsewhere.
    #[default]
    Text,
    /// Plain ASCII in 72 columns, for a mail or a commit message.
    Mail,
    /// Colour and box drawing; long runs of one actor are folded.
    Terminal,
    /// One versioned document.
    Json,
    /// Chrome trace JSON: ui.perfetto.dev, chrome://tracing.
    Perfetto,
    /// ftrace text, as trace-cmd report prints it.
    Ftrace,
    /// A Mermaid sequence diagram.
    Mermaid,
    /// A log with vector clocks for ShiViz.
    Shiviz,
    /// The core of what happens as a litmus test of the kernel's memory model, for herd7.
    Litmus,
    /// The skeleton of a regression test for xfstests.
    Xfstests,
    /// A program in C that does on a real kernel what the tasks do.
    C,
}

/// State that a drawing does not always show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// What page-table entries allow, a letter a page.
    Pte,
    /// Which blocks of a folio are valid and dirty, where it has several.
    Blocks,
    /// Both sizes: in memory, and on disk.
    Size,
}

/// What `replay` takes.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The schedule file; `-` is stdin. One that a mail quotes, in which each line begins with `> `, is played as it was before.
    #[arg(value_name = "SCHEDULE")]
    pub schedule: PathBuf,

    /// Play it on this engine; shuttle says whether it can follow, operation by operation.
    #[arg(long, value_enum, default_value_t)]
    pub engine: Engine,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: ReplayFormat,

    /// Write it as a page to this file: steps by keyboard, the state beside each, no network.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Write it as a picture to this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,

    /// Put this schedule beside it, with the first step that is not the same marked: what one design loses and another saves.
    #[arg(long, value_name = "SCHEDULE")]
    pub against: Option<PathBuf>,

    /// Play it under this design or kernel in place of its own, as far as it fits, and say where it stops fitting.
    #[arg(long, visible_alias = "kernel", value_name = "NAME", conflicts_with = "engine")]
    pub design: Option<String>,

    /// Show every step: fold no long run of one actor.
    #[arg(long)]
    pub full: bool,

    /// Show this state beside what is always shown; several with commas. Without it, what decides: what a step changes that the
    /// outcome needs.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STATE")]
    pub show: Vec<State>,

    /// Columns of the drawing [default: 72 for a mail, else those of the terminal].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(60..=1000))]
    pub width: Option<u16>,
}

/// What `witness` takes.
#[derive(Debug, Args)]
pub struct WitnessArgs {
    /// A scenario file, or a name in the catalogue.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,

    /// A branch: `stale`, `retry`, `evict`, ... (docs/scenarios.md lists them); contents of a file on disk at the end, all of whose cells are
    /// this byte: `0 4k = 57`, `[clone] 4k 4k = 57`; or what a call returned: `reader: pread 0 4k = 00`.
    #[arg(long, value_name = "BRANCH|CONDITION")]
    pub reach: String,

    /// Under what [default: the first but `none` that the file expects something of].
    #[command(flatten)]
    pub under: UnderArgs,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// When it is enough; two million states unless given, here or in the file.
    #[command(flatten)]
    pub limits: SearchLimitsArgs,

    /// Write the schedule to this file. `stalemap replay FILE` lays it out in any format: JSON, a picture, a test for xfstests.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
}
