//! What `lab` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::synthesize::parse_personality;

const FETCH_HELP: &str = "\
The folder is $STALEMAP_LAB, or stalemap/lab in the cache folder; it can be removed. What is there is not fetched again.
Debian is taken from where apt of this host has it, or from the mirror $STALEMAP_MIRROR.

Exit codes:
  0  the kernel is there
  2  usage, or something is lacking; it is said what";

const CONFORM_HELP: &str = "\
Exit codes:
  0  nothing was left that no run of the model leaves
  1  something was
  2  usage or bad input, also something that the lab needs and does not find
  3  some scenario did not come to its end
  4  an engine failed: a defect of stalemap";

/// `lab`.
#[derive(Debug, Args)]
pub struct LabArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LabCommand,
}

/// What `lab` does.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Show the plan that forces a schedule on a real kernel: who is held where, who goes on when, and the bytes that the
    /// model predicts.
    Plan(LabPlanArgs),
    /// Play it: in a guest, in the schedule's order, and as a control one after the other; and compare the bytes.
    Run(LabRunArgs),
    /// Draw scenarios, run their tasks in a guest all at once, round after round, and look for contents that no run of the model
    /// leaves.
    #[command(after_help = CONFORM_HELP)]
    Conform(LabConformArgs),
    /// Export a schedule's test for xfstests, and run it in a guest: pass, fail, or not run and why.
    Xfstests(LabXfstestsArgs),
    /// Make a table of results: of the lines that `lab run --format jsonl` prints, in Markdown.
    Table(LabTableArgs),
    /// Fetch a kernel with the tools that boot it, from Debian's packages, into a folder; nothing is installed.
    #[command(after_help = FETCH_HELP)]
    Fetch(FetchArgs),
}

/// What `lab fetch` takes.
#[derive(Debug, Args)]
pub struct FetchArgs {
    /// A series, of which the newest version is taken, or a version: `6.1`, `6.12`, `7.3`, `6.12.118`.
    #[arg(value_name = "VERSION")]
    pub kernel: String,

    /// Build the XFS of that kernel with this design of the check, and with its debugging code, too: `none`, `iomap_valid`
    /// or `chinner-cow`; repeatable.
    #[arg(long = "design", value_name = "NAME")]
    pub designs: Vec<String>,
}

/// What is played, and on what.
#[derive(Debug, Args)]
pub struct LabSubject {
    /// A schedule file, a scenario file, or a name in the catalogue. Of a scenario, the counterexample is played whose
    /// orders can be forced.
    #[arg(value_name = "SCHEDULE|SCENARIO")]
    pub path: PathBuf,
    /// The kernel: 6.1, 6.12 or 7.3, also as `linux-6.12` or a release of it; 6.1 is the stable series, `linux-6.1.y`.
    #[arg(long, value_name = "VERSION")]
    pub kernel: String,
    /// The kernel with the check of this design in place of its own: `none`, `iomap_valid` (as it is, with XFS_DEBUG) or
    /// `chinner-cow`.
    #[arg(long, value_name = "NAME")]
    pub design: Option<String>,
    /// Put so many dirty folios in front that writeback looks up the second folio of the scenario when it has done with the first
    /// one: 14 on 6.1, 30 later.
    #[arg(long)]
    pub full_batch: bool,
    /// The property whose counterexample is played; without it, the first that leaves other bytes.
    #[arg(long, value_name = "PROPERTY")]
    pub property: Option<String>,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people.
    #[default]
    Text,
    /// One versioned document.
    Json,
    /// The program: one file of C.
    C,
}

/// What `lab plan` takes.
#[derive(Debug, Args)]
pub struct LabPlanArgs {
    /// What is played.
    #[command(flatten)]
    pub subject: LabSubject,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: PlanFormat,
}

/// What `lab table` takes.
#[derive(Debug, Args)]
pub struct LabTableArgs {
    /// Files of results.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ResultFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, one line a run.
    Jsonl,
}

/// What `lab run` takes.
#[derive(Debug, Args)]
pub struct LabRunArgs {
    /// What is played.
    #[command(flatten)]
    pub subject: LabSubject,
    /// In place of the forced run and the control: all tasks at once, so many rounds, without the module.
    #[arg(long, value_name = "ROUNDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub natural: Option<u64>,
    /// The race in so many places of large files, 1 MiB apart, in each round; where a command is about a whole file, or its end, a
    /// round has one place all the same, and why is said.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "natural", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub places: u64,
    /// The longest that the rounds may take, in seconds.
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// Take a trace of the first file while the order is forced, and write it to this file; `stalemap trace` reads it.
    #[arg(long, value_name = "FILE", conflicts_with = "natural")]
    pub trace: Option<PathBuf>,
    /// Write the program, the guest's console and everything that the runs have left into this folder.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: ResultFormat,
}

/// What `lab xfstests` takes.
#[derive(Debug, Args)]
pub struct LabXfstestsArgs {
    /// A schedule file, a scenario file, or a name in the catalogue. Of a scenario, the counterexample to the first design
    /// that its file expects to be broken.
    #[arg(value_name = "SCHEDULE|SCENARIO")]
    pub path: PathBuf,
    /// The kernel: 6.1, 6.12 or 7.3, also as `linux-6.12` or a release of it; 6.1 is the stable series, `linux-6.1.y`.
    #[arg(long, value_name = "VERSION")]
    pub kernel: String,
    /// The kernel with the check of this design in place of its own: `none`, `iomap_valid` (as it is, with XFS_DEBUG) or
    /// `chinner-cow`. Only these have error tags.
    #[arg(long, value_name = "NAME")]
    pub design: Option<String>,
    /// Write the test, its log, the guest's console and everything else that it has left into this folder.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: ResultFormat,
}

/// What `lab conform` takes.
#[derive(Debug, Args)]
pub struct LabConformArgs {
    /// Scenario files, folders of them, or names in the catalogue, in place of drawn ones.
    #[arg(value_name = "SCENARIO|FOLDER")]
    pub paths: Vec<PathBuf>,
    /// The kernel: 6.1, 6.12 or 7.3, also as `linux-6.12` or a release of it.
    #[arg(long, value_name = "VERSION")]
    pub kernel: String,
    /// Whose scenarios: number N of a seed is always the same one.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The first number: where an earlier run has ended.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub from: u64,
    /// How many numbers.
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with = "paths", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: u64,
    /// Only scenarios on this file system; repeatable.
    #[arg(long = "personality", value_name = "NAME", value_parser = parse_personality, conflicts_with = "paths")]
    pub personalities: Vec<String>,
    /// The rounds of each scenario.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..))]
    pub rounds: u64,
    /// The longest that its rounds may take, in seconds.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// Give each search up at this many states.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub limit_states: u64,
    /// Write the scenarios of which something else was left, and what the guests have left, into this folder.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}
