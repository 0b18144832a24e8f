//! What `check` and `compare` take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::engines::{EngineArgs, Memory};
use crate::cli::limits::{LimitsArgs, parse_bits};
use crate::cli::under::UnderArgs;
use crate::parts::partition::Partition;
use crate::times::Times;

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

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For people.
    #[default]
    Text,
    /// One versioned document: that of `check`, and the comparison.
    Json,
    /// A line for each scenario and what it was run under (RFC 4180).
    Csv,
    /// A page with tables.
    Markdown,
    /// JUnit XML, as `check` prints it.
    Junit,
    /// SARIF 2.1.0, as `check` prints it.
    Sarif,
}

/// When stderr says how far the work is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// A bar on a terminal; elsewhere a line every ten seconds, unless `--quiet` is given.
    #[default]
    Auto,
    /// Elsewhere, too, every two seconds and at the end.
    Always,
    /// Not at all.
    Never,
}

/// What `check` takes.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is run.
    #[command(flatten)]
    pub run: RunArgs,

    /// Say for each scenario which places it needs at which a mapping is validated: every minimal set of them, and what breaks with
    /// less. Exit codes as of `synthesize`.
    #[arg(long, conflicts_with_all = ["save", "checkpoint", "partition"])]
    pub weakest: bool,

    /// How to print the results.
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,

    /// Write into `[expect]` of the files that are named what they come to, for what was run; nothing that is incomplete or vacuous.
    /// Comments stay.
    #[arg(long, conflicts_with_all = ["format", "quiet", "baseline", "engine", "memory", "no_times", "sarif_expected", "partition"])]
    pub accept: bool,

    /// Fail for what is not as expected only where an earlier run had nothing of it: FILE is what that printed with
    /// `--format json`.
    #[arg(long, value_name = "FILE", conflicts_with = "partition")]
    pub baseline: Option<PathBuf>,
    /// Leave out actors, commands, files and bytes of one scenario as long as the same property is violated under the same design or
    /// kernel: the one that is named, or the first that the file expects something of and that violates something. Write what is left
    /// as a scenario to this file, which must not be there yet. Exit code 1 if nothing is violated, 3 if a limit left it open whether
    /// more could be left out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["save", "checkpoint", "quiet", "partition"])]
    pub minimise_scenario: Option<PathBuf>,

    /// Where a scenario holds, say why: which locks, waits and checks keep which actors apart. Each is taken away by itself, and everything
    /// explored without it.
    #[arg(long, conflicts_with_all = ["checkpoint", "minimise_scenario", "partition"])]
    pub why: bool,
}

/// What `compare` takes.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// What is run.
    #[command(flatten)]
    pub run: RunArgs,

    /// Print the scenarios in which nothing differs as well, and what each cell says.
    #[arg(long)]
    pub all: bool,

    /// Say where two designs or kernels part: whether they can end in the same way, the shortest run that only one of them has, and
    /// the first step of it at which they do different things. Exit code 0, or 3 if a limit was reached.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["bisect", "designs", "kernels", "html", "save", "checkpoint", "partition"])]
    pub between: Vec<String>,

    /// Say at which of a row of designs or kernels each verdict changes: `series-00..series-10`, `linux-6.1..linux-7.3`. Exit
    /// code 1 only where a file expects something else.
    #[arg(long, value_name = "A..B", conflicts_with_all = ["designs", "kernels", "html", "save", "checkpoint", "partition"])]
    pub bisect: Option<String>,

    /// Say what the scenarios notice: put every value of every field of designs and file systems in the place of the one that is there, and
    /// say which of them some scenario is violated with that holds otherwise, which none, and which scenarios notice nothing that others do
    /// not. `--design` and `--kernel` say what the values are put into [default: the design `iomap_valid`, and the newest kernel]. Of the
    /// whole catalogue, exit code 1 if a value that none notices has no reason.
    #[arg(long, conflicts_with_all = ["between", "bisect", "html", "save", "checkpoint", "costs", "partition"])]
    pub mutants: bool,

    /// Write it as a page to this file: the tables, filters, and for each cell its counterexample or the size of its proof.
    #[arg(long, value_name = "FILE", conflicts_with = "partition")]
    pub html: Option<PathBuf>,

    /// Print what each costs below, as `stalemap costs` does.
    #[arg(long, conflicts_with_all = ["between", "bisect", "html", "partition"])]
    pub costs: bool,

    /// How to print the results.
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,
}

/// What is run by `check` and `compare`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario files, folders of them, or names in the catalogue (`xfs/t1`); without any, the catalogue. `-` is stdin.
    #[arg(value_name = "SCENARIO|FOLDER")]
    pub paths: Vec<PathBuf>,

    /// Under what.
    #[command(flatten)]
    pub under: UnderArgs,

    /// How to explore.
    #[command(flatten)]
    pub engine: EngineArgs,

    /// On which memory.
    #[arg(long, value_enum, default_value_t)]
    pub memory: Memory,

    /// Write the schedules of counterexamples into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "partition")]
    pub save: Option<PathBuf>,

    /// Run part K of N of all this, and print what `stalemap merge` needs to make one report of the parts, as JSON. Pairs of a
    /// scenario and a design are dealt out; with fewer pairs than parts, slices of their states. Exit code 0 when the part
    /// is written, whatever it came to: `merge` says that; 3 if it was interrupted. docs/cluster.md has scripts.
    #[arg(long, value_name = "K/N")]
    pub partition: Option<Partition>,

    /// Where a part that has a slice of the states of a pair writes their fingerprints; `merge` looks for it beside the part.
    #[arg(long, value_name = "FILE", requires = "partition")]
    pub states: Option<PathBuf>,

    /// Keep searches in this folder, a file for each scenario and design, and go on from what is kept there. If the name ends with
    /// `.checkpoint`, or is that of a file, keep the one search of the command in this file.
    ///
    /// A search is kept every ten seconds (a large one less often), when a limit stops it, when it is interrupted (ctrl-C,
    /// SIGTERM; the second time ends the program at once), and at its end. docs/limits.md says what may be different the next
    /// time.
    #[arg(long, value_name = "DIR|FILE")]
    pub checkpoint: Option<PathBuf>,

    /// Keep searches so often, whatever it costs; 0: as often as can be.
    #[arg(long, value_name = "SECONDS", requires = "checkpoint")]
    pub checkpoint_every: Option<u64>,

    /// How much at a time, and how long.
    #[command(flatten)]
    pub limits: LimitsArgs,

    /// Look only at runs with at most this many preemptions.
    #[arg(long, value_name = "N")]
    pub limit_preemptions: Option<u32>,

    /// Keep the visited states of each search as bits in this much memory (`1g`), and leave out some of them: for what no memory is
    /// enough for. Nothing is proved so: what is not violated is incomplete, with an estimate of how many of the states that it came to
    /// were kept apart from others; of what it never came to, that says nothing.
    #[arg(long, value_name = "SIZE", value_parser = parse_bits, conflicts_with_all = ["checkpoint", "partition"])]
    pub bitstate: Option<u64>,

    /// When stderr says how far the work is: states, and about how many there will be, states in a second, what is untried, memory.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub progress: When,

    /// Only what is not as expected, in documents, too; of a comparison, the answer alone.
    #[arg(long)]
    pub quiet: bool,

    /// Leave out of JSON and JUnit how long it took, so that two runs print the same bytes.
    #[arg(long)]
    pub no_times: bool,

    /// Have violations in SARIF that the files expect, too, as notes.
    #[arg(long)]
    pub sarif_expected: bool,
}

impl RunArgs {
    /// Whether documents say how long it took.
    pub fn times(&self) -> Times {
        Times::unless(self.no_times)
    }
}
