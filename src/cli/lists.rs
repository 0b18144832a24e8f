//! What `list`, `show`, `kernels` and `assumptions` take.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::under::Format;

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

/// What `assumptions` takes.
#[derive(Debug, Args)]
pub struct AssumptionsArgs {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
