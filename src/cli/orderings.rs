//! What `orderings` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use stalemap_facade::MemoryModel;
use stalemap_model::words::ordering::Link;

use crate::cli::limits::LimitsArgs;
use crate::cli::under::UnderArgs;

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
