//! The command line: what can be asked.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0  every verdict is as the files expect
  1  some is not (without an expectation: some property is violated)
  2  usage or bad input
  3  nothing unexpected, but something incomplete
  4  a run was not deterministic: a defect of stalemap";

/// Which designs of the iomap validity check lose data, and which provably do not.
#[derive(Debug, Parser)]
#[command(name = "stalemap", version, about, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Log on stderr: the steps of what is replayed; twice: the kernel's tracepoints that they hit, too. RUST_LOG, if
    /// it is set, says instead what is logged (`xfs=debug`).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Explore scenarios and compare the verdicts with what their files expect.
    #[command(after_help = EXIT_CODES)]
    Check(RunArgs),
    /// One table: scenarios down, designs across.
    #[command(after_help = EXIT_CODES)]
    Compare(RunArgs),
    /// Play a schedule and draw what happens.
    #[command(after_help = EXIT_CODES)]
    Replay(ReplayArgs),
    /// List the scenarios.
    List(ListArgs),
    /// Show a scenario: its file, how it is cut, and what is expected.
    Show(ShowArgs),
}

/// Text for people, JSON for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One versioned document.
    Json,
}

/// How a schedule is printed: for people, for programs, or as another tool wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReplayFormat {
    /// For people.
    #[default]
    Text,
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
    /// The skeleton of a regression test for xfstests.
    Xfstests,
}

/// How verdicts are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// For people.
    #[default]
    Text,
    /// One versioned document.
    Json,
    /// JUnit XML: a suite for each scenario, a test case for each design.
    Junit,
    /// SARIF 2.1.0: a result for each violation, a thread flow for each actor.
    Sarif,
}

/// The engines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// Every interleaving and every choice.
    #[default]
    Exhaustive,
}

/// What `check` and `compare` take.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario files, folders of them, or names in the catalogue (`xfs/t1`); without any, the catalogue.
    #[arg(value_name = "SCENARIO|FOLDER")]
    pub paths: Vec<PathBuf>,

    /// Run under this design, built in or defined in the file; repeatable; `all` is every one that there
    /// is. Without it, the designs that the file expects something of.
    #[arg(long = "design", value_name = "NAME")]
    pub designs: Vec<String>,

    /// How to explore.
    #[arg(long, value_enum, default_value_t)]
    pub engine: Engine,

    /// How to print the results.
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,

    /// Write the schedules of counterexamples into this folder.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// Explore this many scenario-design pairs at a time [default: as many as there are processors].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,

    /// Give a search up at this many states.
    #[arg(long, value_name = "N")]
    pub limit_states: Option<u64>,

    /// Give a search up when its visited set is larger (`512m`, `4g`).
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub limit_memory: Option<u64>,

    /// Give a search up after this many seconds.
    #[arg(long, value_name = "N")]
    pub limit_seconds: Option<u64>,

    /// Seed of random engines; the exhaustive engine has no use for it.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Only what is not as expected.
    #[arg(long)]
    pub quiet: bool,
}

/// What `replay` takes.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The schedule file.
    #[arg(value_name = "SCHEDULE")]
    pub schedule: PathBuf,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: ReplayFormat,

    /// Write it as a page to this file: steps by keyboard, the state beside each, no network.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Write it as a picture to this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,

    /// Put this schedule beside it on the page: what one design loses and another saves.
    #[arg(long, value_name = "SCHEDULE", requires = "html")]
    pub against: Option<PathBuf>,

    /// Columns of the drawing [default: those of the terminal, at most 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(60..=1000))]
    pub width: Option<u16>,
}

/// What `list` takes.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Scenario files, folders of them, or names in the catalogue; without any, the catalogue.
    #[arg(value_name = "SCENARIO|FOLDER")]
    pub paths: Vec<PathBuf>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What `show` takes.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A scenario file, or a name in the catalogue.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Reads a size with the suffixes of scenario files.
fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.to_ascii_lowercase().chars().last() {
        Some('k') => (&text[..text.len() - 1], 10),
        Some('m') => (&text[..text.len() - 1], 20),
        Some('g') => (&text[..text.len() - 1], 30),
        Some('t') => (&text[..text.len() - 1], 40),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "expected a number of bytes, like 512m or 4g".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that many bytes do not fit 64 bits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_have_suffixes() {
        assert_eq!(parse_size("512m"), Ok(512 << 20));
        assert_eq!(parse_size("7"), Ok(7));
        assert!(parse_size("g").is_err());
        assert!(parse_size("99999999999g").is_err());
        assert!(parse_size("").is_err());
    }
}
