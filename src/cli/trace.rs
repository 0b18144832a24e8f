//! What `trace` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::limits::parse_size;

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
