//! What `synthesize` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use stalemap_model::words::personality::Personality;

use crate::cli::limits::LimitsArgs;

/// How `synthesize` ends.
pub const SYNTHESIZE_EXIT_CODES: &str = "\
Exit codes:
  0  every minimal set was found, and holds in all scenarios that count
  1  no set is enough for all that count, or one that should be is not, or has a part that is not needed
  2  usage or bad input
  3  something is undecided: a limit was reached, or a scenario breaks with nothing, with each value alone and with all of it,
     and there are too many candidates in between; or there may be sets that were not found
  4  an engine failed: a defect of stalemap";

/// What is varied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Over {
    /// The places at which a mapping is validated.
    #[default]
    Places,
    /// What the validity cookie contains.
    Cookie,
    /// What is compared.
    Compare,
    /// Locks, waits and look-ups in place of a check.
    Locks,
}

/// How it is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SynthesizeFormat {
    /// For people.
    #[default]
    Text,
    /// One versioned document.
    Json,
    /// Sections of a page.
    Markdown,
}

/// What `synthesize` takes.
#[derive(Debug, Args)]
pub struct SynthesizeArgs {
    /// Scenario files, folders of them, or names in the catalogue (`xfs/t1`); without any, the catalogue. `-` is stdin.
    #[arg(value_name = "SCENARIO|FOLDER")]
    pub paths: Vec<PathBuf>,

    /// Only the scenarios on this file system; repeatable.
    #[arg(long = "personality", value_name = "NAME", value_parser = parse_personality)]
    pub personalities: Vec<String>,

    /// What is not varied is as in this kernel, with its file systems [default: as in the design `iomap_valid`, on the file
    /// system of each file].
    #[arg(long, value_name = "NAME")]
    pub kernel: Option<String>,

    /// What is varied.
    #[arg(long, value_enum, default_value_t)]
    pub over: Over,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: SynthesizeFormat,

    /// Explore every candidate, and conclude nothing from others; for few scenarios.
    #[arg(long)]
    pub every_candidate: bool,

    /// How much at a time, and how long.
    #[command(flatten)]
    pub limits: LimitsArgs,

    /// No lines on stderr about how far it is.
    #[arg(long)]
    pub quiet: bool,
}

/// Looks the name of a personality up.
/// A built-in file system, by its name.
pub(super) fn parse_personality(text: &str) -> Result<String, String> {
    let known = Personality::BUILT_IN;
    if known.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("there is no personality of that name; there are {}", known.join(", ")))
}
