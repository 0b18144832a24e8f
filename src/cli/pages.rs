//! What `completions` and `man` take.

use clap::Args;

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
