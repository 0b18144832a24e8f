//! The command line: what can be asked.

pub mod lab;
pub mod limits;
pub mod synthesize;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stalemap_facade::MemoryModel;
use stalemap_model::words::ordering::Link;

use self::lab::LabArgs;
use self::limits::{LimitsArgs, parse_size};
use self::synthesize::{SYNTHESIZE_EXIT_CODES, SynthesizeArgs};
use crate::report::times::Times;

/// The version, and the commit that it was built from.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("STALEMAP_COMMIT"), ")");

const EXIT_CODES: &str = "\
Exit codes:
  0  every verdict is as the files expect
  1  some is not (without an expectation: some property is violated)
  2  usage or bad input
  3  nothing unexpected, but something incomplete
  4  engines disagree, or a run was not deterministic: a defect of stalemap";

const COSTS_EXIT_CODES: &str = "\
Exit codes:
  0  all runs were counted, and no call retries more often than others change its file
  1  some call does
  2  usage or bad input
  3  a limit was reached before all runs were counted
  4  an engine failed: a defect of stalemap";

const WITNESS_EXIT_CODES: &str = "\
Exit codes:
  0  a run reaches it, and is shown
  1  no run does
  2  usage or bad input
  3  a limit was reached before
  4  an engine failed: a defect of stalemap";

const CLAIMS_EXIT_CODES: &str = "\
Exit codes:
  0  every run came to its end, in a way that its claim foresees
  1  some run came out in another way
  2  usage or bad input
  3  a limit was reached
  4  an engine failed, or a claim that is compiled in is wrong: a defect of stalemap";

const TRACE_EXIT_CODES: &str = "\
Exit codes:
  0  the trace was read; with --conforms, all of its pieces are runs of the model
  1  with --conforms, some piece is not
  2  usage or bad input, also a file in which no event of a trace was found
  3  with --conforms, something could not be decided, or nothing could be asked";

const LAB_EXIT_CODES: &str = "\
Exit codes:
  0  it was done; of a run, that the kernel did as the model predicts
  1  there is nothing to play, since nothing is violated; of a run, that the kernel did something else
  2  usage or bad input, also something that the lab needs and does not find
  3  of a run, that the order was not reached; of a plan, that a limit was reached before one was found
  4  an engine failed: a defect of stalemap";

/// Which designs of the iomap validity check lose data, and which provably do not.
#[derive(Debug, Parser)]
#[command(name = "stalemap", version = VERSION, about, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Log on stderr: the steps of what is replayed; twice: the kernel's tracepoints that they hit, too. RUST_LOG, if
    /// it is set, says instead what is logged (`xfs=debug`).
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// When to print in colour; `auto` is on a terminal, unless NO_COLOR or `TERM=dumb` says otherwise, and elsewhere with
    /// CLICOLOR_FORCE.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

/// When results are printed in colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Where somebody looks at it.
    #[default]
    Auto,
    /// Also into files and pipes.
    Always,
    /// Nowhere.
    Never,
}

impl Color {
    /// What it means to the streams.
    pub fn choice(self) -> anstream::ColorChoice {
        match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Explore scenarios and compare the verdicts with what their files expect.
    #[command(after_help = EXIT_CODES)]
    Check(CheckArgs),
    /// Say which designs and kernels lose data and which do not: the answer first, then the scenarios in which they differ.
    #[command(after_help = EXIT_CODES)]
    Compare(CompareArgs),
    /// What designs cost over all runs: stale mappings, calls, reads, operations under locks; and whether retries are bounded.
    #[command(after_help = COSTS_EXIT_CODES)]
    Costs(CostsArgs),
    /// The smallest check that is enough: every minimal set of places where a mapping is validated, and what breaks without each.
    #[command(after_help = SYNTHESIZE_EXIT_CODES)]
    Synthesize(SynthesizeArgs),
    /// Which memory orderings of the kernel a design needs, and the schedule that breaks it without each.
    #[command(after_help = EXIT_CODES)]
    Orderings(OrderingsArgs),
    /// Run scenarios under all engines and compare the final states, deadlocks and violations.
    #[command(after_help = EXIT_CODES)]
    Agree(AgreeArgs),
    /// Measure how often random schedules find what is there, against the exhaustive truth.
    #[command(after_help = EXIT_CODES)]
    Power(PowerArgs),
    /// Play a schedule and draw what happens.
    #[command(after_help = EXIT_CODES)]
    Replay(ReplayArgs),
    /// Show the shortest run that reaches a branch, contents of a file, or what a call returns.
    #[command(after_help = WITNESS_EXIT_CODES)]
    Witness(WitnessArgs),
    /// List the scenarios.
    List(ListArgs),
    /// Show a scenario: its file, how it is cut, and what is expected.
    Show(ShowArgs),
    /// List the kernels that verdicts can be about, or say in which fields two differ and why.
    Kernels(KernelsArgs),
    /// Say which claims of the mailing-list thread are true, by explorations that are made anew.
    #[command(after_help = CLAIMS_EXIT_CODES)]
    Claims(ClaimsArgs),
    /// List what the model leaves out of the kernel, and where that matters.
    Assumptions(AssumptionsArgs),
    /// Read a trace of a real kernel: which mappings went stale while a task held them, and what their use did.
    #[command(after_help = TRACE_EXIT_CODES)]
    Trace(TraceArgs),
    /// Play a schedule on a real kernel, in a guest.
    #[command(after_help = LAB_EXIT_CODES)]
    Lab(LabArgs),
    /// Print what makes a shell complete this command line: `stalemap completions bash > FILE`.
    Completions(CompletionsArgs),
    /// Print the manual page, of all or of one command: `stalemap man > stalemap.1`.
    Man(ManArgs),
}

/// What `completions` takes.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Of which shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// What `man` takes.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// A command, with those in it (`lab run`); without one, the page of the program.
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
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

    /// Seed of random schedules; the exhaustive engine has no use for it.
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

/// Which designs and kernels.
#[derive(Debug, Args)]
pub struct UnderArgs {
    /// Run under this design, built in or defined in the file, on the file system of the file; repeatable; `all` is every
    /// one that there is. Without it and `--kernel`, under what the file expects something of.
    #[arg(long = "design", value_name = "NAME")]
    pub designs: Vec<String>,

    /// Run under this kernel, a release or one that is defined in the file, with its own file system; repeatable; `all` is
    /// every release that has the file system, and every kernel of the file. `stalemap kernels` lists them.
    #[arg(long = "kernel", value_name = "NAME")]
    pub kernels: Vec<String>,
}

impl UnderArgs {
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.designs.is_empty() && self.kernels.is_empty()
    }
}

/// Which scenarios and designs.
#[derive(Debug, Args)]
pub struct WhatArgs {
    /// Scenario files, folders of them, or names in the catalogue (`xfs/t1`); without any, the catalogue.
    #[arg(value_name = "SCENARIO|FOLDER")]
    pub paths: Vec<PathBuf>,

    /// Under what.
    #[command(flatten)]
    pub under: UnderArgs,

    /// How to print the results.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// How much at a time, and how long.
    #[command(flatten)]
    pub limits: LimitsArgs,
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

/// What `check` takes.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What is run.
    #[command(flatten)]
    pub run: RunArgs,

    /// Say for each scenario which places it needs at which a mapping is validated: every minimal set of them, and what breaks with
    /// less. Exit codes as of `synthesize`.
    #[arg(long, conflicts_with_all = ["save", "checkpoint"])]
    pub weakest: bool,

    /// How to print the results.
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,

    /// Write into `[expect]` of the files that are named what they come to, for what was run; nothing that is incomplete or vacuous.
    /// Comments stay.
    #[arg(long, conflicts_with_all = ["format", "quiet", "baseline", "engine", "memory", "no_times", "sarif_expected"])]
    pub accept: bool,

    /// Fail for what is not as expected only where an earlier run had nothing of it: FILE is what that printed with
    /// `--format json`.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Leave out actors, commands, files and bytes of one scenario as long as the same property is violated under the same design or
    /// kernel: the one that is named, or the first that the file expects something of and that violates something. Write what is left
    /// as a scenario to this file, which must not be there yet. Exit code 1 if nothing is violated, 3 if a limit left it open whether
    /// more could be left out.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["save", "checkpoint", "quiet"])]
    pub minimise_scenario: Option<PathBuf>,

    /// Where a scenario holds, say why: which locks, waits and checks keep which actors apart. Each is taken away by itself, and everything
    /// explored without it.
    #[arg(long, conflicts_with_all = ["checkpoint", "minimise_scenario"])]
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
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["bisect", "designs", "kernels", "html", "save", "checkpoint"])]
    pub between: Vec<String>,

    /// Say at which of a row of designs or kernels each verdict changes: `series-00..series-10`, `linux-6.1..linux-7.3`. Exit
    /// code 1 only where a file expects something else.
    #[arg(long, value_name = "A..B", conflicts_with_all = ["designs", "kernels", "html", "save", "checkpoint"])]
    pub bisect: Option<String>,

    /// Say what the scenarios notice: put every value of every field of designs and file systems in the place of the one that is there, and
    /// say which of them some scenario is violated with that holds otherwise, which none, and which scenarios notice nothing that others do
    /// not. `--design` and `--kernel` say what the values are put into [default: the design `iomap_valid`, and the newest kernel]. Of the
    /// whole catalogue, exit code 1 if a value that none notices has no reason.
    #[arg(long, conflicts_with_all = ["between", "bisect", "html", "save", "checkpoint", "costs"])]
    pub mutants: bool,

    /// Write it as a page to this file: the tables, filters, and for each cell its counterexample or the size of its proof.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Print what each costs below, as `stalemap costs` does.
    #[arg(long, conflicts_with_all = ["between", "bisect", "html"])]
    pub costs: bool,

    /// How to print the results.
    #[arg(long, value_enum, default_value_t)]
    pub format: CompareFormat,
}

/// What is run by `check` and `compare`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Scenario files, folders of them, or names in the catalogue (`xfs/t1`); without any, the catalogue.
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
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// Keep searches in this folder, a file for each scenario and design, and go on from what is kept there.
    ///
    /// A search is kept every ten seconds (a large one less often), when a limit stops it, when it is interrupted (ctrl-C,
    /// SIGTERM; the second time ends the program at once), and at its end. docs/limits.md says what may be different the next
    /// time.
    #[arg(long, value_name = "DIR")]
    pub checkpoint: Option<PathBuf>,

    /// How much at a time, and how long.
    #[command(flatten)]
    pub limits: LimitsArgs,

    /// Look only at runs with at most this many preemptions.
    #[arg(long, value_name = "N")]
    pub limit_preemptions: Option<u32>,

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

/// How `orderings` prints what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OrderingsFormat {
    /// For people.
    #[default]
    Text,
    /// One versioned document.
    Json,
    /// The core as a litmus test of the kernel's memory model, for herd7.
    Litmus,
}

/// What `orderings` takes.
#[derive(Debug, Args)]
pub struct OrderingsArgs {
    /// A scenario file, or a name in the catalogue.
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,

    /// Under what [default: the design `iomap_valid`].
    #[command(flatten)]
    pub under: UnderArgs,

    /// On which memory: `relaxed`, as in C++20, or `lkmm`, whose releases are cumulative.
    #[arg(long, value_parser = parse_weak_memory, default_value = "relaxed")]
    pub memory: MemoryModel,

    /// How to print the results.
    #[arg(long, value_enum, default_value_t)]
    pub format: OrderingsFormat,

    /// Leave this ordering out of the litmus test; repeatable.
    #[arg(long = "without", value_name = "ORDERING", value_parser = parse_link)]
    pub without: Vec<Link>,

    /// Write the schedules that break the design into this folder.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,

    /// How much at a time, and how long.
    #[command(flatten)]
    pub limits: LimitsArgs,
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
    /// The schedule file.
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
    #[arg(long, value_name = "NAME", conflicts_with = "engine")]
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

    /// Write the schedule to this file.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
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

/// How `kernels` prints what it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum KernelsFormat {
    /// For people.
    #[default]
    Text,
    /// One versioned document.
    Json,
    /// The page of the documentation: fields down, kernels across, and every reason.
    Markdown,
}

/// What `kernels` takes.
#[derive(Debug, Args)]
pub struct KernelsArgs {
    /// One kernel to see all its values, two to see in which they differ; without any, the list.
    #[arg(value_name = "KERNEL", num_args = 0..=2)]
    pub kernels: Vec<String>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: KernelsFormat,
}

/// How `claims` prints what it computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ClaimsFormat {
    /// For people: a line for each claim, or one claim in full.
    #[default]
    Text,
    /// One versioned document.
    Json,
    /// The page of the documentation.
    Markdown,
}

/// What `claims` takes.
#[derive(Debug, Args)]
pub struct ClaimsArgs {
    /// Numbers of claims, or authors; one claim is shown in full. Without any, all.
    #[arg(value_name = "NUMBER|AUTHOR")]
    pub what: Vec<String>,

    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: ClaimsFormat,

    /// How much at a time, and how long.
    #[command(flatten)]
    pub limits: LimitsArgs,

    /// No lines on stderr about how far it is.
    #[arg(long)]
    pub quiet: bool,
}

/// What `assumptions` takes.
#[derive(Debug, Args)]
pub struct AssumptionsArgs {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// How a trace is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// For people: what was understood, and the stale mappings, the worst first.
    #[default]
    Text,
    /// One versioned document.
    Json,
    /// The events of the inode, normalised: one JSON object a line, as they are read.
    Jsonl,
}

/// `trace`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(group = clap::ArgGroup::new("of_window").args(["scenario", "html", "svg"]).multiple(true))]
pub struct TraceArgs {
    /// Instead of reading a trace.
    #[command(subcommand)]
    pub instead: Option<TraceCommand>,
    /// The text of tracefs, or of `trace-cmd report`, also compressed with gzip; `-` is stdin.
    #[arg(required = true)]
    pub file: Option<PathBuf>,
    /// The inode that it is about, by its number (0x83, 131). Without it, the one that the trace names, or the first.
    #[arg(long, value_name = "N", value_parser = parse_inode)]
    pub inode: Option<u64>,
    /// The size of the file system's blocks, if the trace does not say it.
    #[arg(long, value_name = "SIZE", value_parser = parse_block, default_value = "4k")]
    pub block: u64,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: TraceFormat,
    /// Show every stale mapping, not only those whose use did harm or may have.
    #[arg(long)]
    pub all: bool,
    /// Which stale mapping `--scenario`, `--html` and `--svg` are about, by its number in the list.
    #[arg(long, value_name = "K", requires = "of_window", value_parser = clap::value_parser!(u64).range(1..))]
    pub window: Option<u64>,
    /// Whether the trace is a run of the model of this kernel (`stalemap kernels`) or design, piece by piece; without a
    /// name, of the kernel that the trace says it is of.
    #[arg(long, value_name = "KERNEL", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["scenario", "all"])]
    pub conforms: Option<String>,
    /// Write the stale mapping as a scenario, which `check` explores; the first one without `--window`.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Draw the stale mapping as a page, with a run of the model that explains the piece of the trace that it is in, under the kernel
    /// that the trace says it is of, or that `--conforms` names.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// The same as an image.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// What `trace` does instead of reading one.
#[derive(Debug, Subcommand)]
pub enum TraceCommand {
    /// Print the shell script that takes such a trace: `stalemap trace record > record.sh`.
    Record,
}

/// Reads the number of an inode.
fn parse_inode(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "expected the number of an inode, like 131 or 0x83".to_owned())
}

/// Reads the size of a block.
fn parse_block(text: &str) -> Result<u64, String> {
    let block = parse_size(text)?;
    stalemap_trace::is_block_size(block)
        .then_some(block)
        .ok_or_else(|| "expected a power of two from 512 to 64k".to_owned())
}

/// Looks a memory up in which there is something to order.
fn parse_weak_memory(text: &str) -> Result<MemoryModel, String> {
    match MemoryModel::from_name(text) {
        Some(MemoryModel::Sequential) => {
            Err("in it everything is ordered; there are relaxed and lkmm".to_owned())
        }
        Some(weak) => Ok(weak),
        None => Err("there is no memory of that name; there are relaxed and lkmm".to_owned()),
    }
}

/// Looks the name of an ordering up.
fn parse_link(text: &str) -> Result<Link, String> {
    Link::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = Link::ALL.iter().map(|link| link.name()).collect();
        format!("there is no ordering of that name; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
