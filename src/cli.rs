//! The command line: what can be asked.

pub mod claims;
pub mod costs;
pub mod engines;
mod exit_codes;
pub mod fuzz;
pub mod lab;
pub mod limits;
pub mod lists;
pub mod merge;
pub mod orderings;
pub mod pages;
pub mod replay;
pub mod synthesize;
pub mod trace;
pub mod under;
pub mod verdicts;

use clap::{Parser, Subcommand, ValueEnum};

pub use self::claims::{ClaimsArgs, ClaimsFormat};
pub use self::costs::{CostsArgs, CostsFormat};
pub use self::engines::{AgreeArgs, Engine, EngineArgs, Memory, PowerArgs, StrategyName};
use self::exit_codes::{
    CLAIMS_EXIT_CODES, COSTS_EXIT_CODES, EXIT_CODES, LAB_EXIT_CODES, REPLAY_EXIT_CODES, TRACE_EXIT_CODES,
    WITNESS_EXIT_CODES,
};
use self::fuzz::{FUZZ_EXIT_CODES, FuzzArgs};
use self::lab::LabArgs;
pub use self::lists::{AssumptionsArgs, KernelsArgs, KernelsFormat, ListArgs, ShowArgs};
pub use self::merge::MergeArgs;
pub use self::orderings::{OrderingsArgs, OrderingsFormat};
pub use self::pages::{CompletionsArgs, ManArgs};
pub use self::replay::{ReplayArgs, ReplayFormat, State, WitnessArgs};
use self::synthesize::{SYNTHESIZE_EXIT_CODES, SynthesizeArgs};
pub use self::trace::{TraceArgs, TraceCommand, TraceFormat};
pub use self::under::{Format, UnderArgs, WhatArgs};
pub use self::verdicts::{CheckArgs, CheckFormat, CompareArgs, CompareFormat, RunArgs, When};

/// Which designs of the iomap validity check lose data, and which provably do not.
#[derive(Debug, Parser)]
#[command(name = "stalemap", version = crate::VERSION, about, after_help = EXIT_CODES, propagate_version = true)]
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
    /// Draw scenarios at random and look for losses that no finding explains.
    #[command(after_help = FUZZ_EXIT_CODES)]
    Fuzz(FuzzArgs),
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
    #[command(after_help = REPLAY_EXIT_CODES)]
    Replay(ReplayArgs),
    /// Show the shortest run that reaches a branch, contents of a file, or what a call returns.
    #[command(after_help = WITNESS_EXIT_CODES)]
    Witness(WitnessArgs),
    /// Make one report of the parts of a run that `--partition` has written, on however many machines.
    #[command(after_help = EXIT_CODES)]
    Merge(MergeArgs),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
