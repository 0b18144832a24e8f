//! What `claims` takes.

use clap::{Args, ValueEnum};

use crate::cli::limits::LimitsArgs;

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
