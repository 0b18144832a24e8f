//! Which scenarios, and under which designs and kernels.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command, Error, ValueEnum};

use crate::cli::limits::LimitsArgs;
use crate::scenario::implementations::Kind;

/// Text for people, JSON for programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One versioned document.
    Json,
}

/// What stands for every design, or every kernel that has the file system.
pub const ALL: &str = "all";

/// A name of this kind: any, since files define some. Shells complete those that are built in.
#[derive(Clone, Copy)]
struct NameOf(Kind);

impl TypedValueParser for NameOf {
    type Value = String;

    fn parse_ref(&self, command: &Command, of: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, of, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.built_in().into_iter().chain([ALL]).map(PossibleValue::new)))
    }
}

/// Which designs and kernels.
#[derive(Debug, Args)]
pub struct UnderArgs {
    /// Run under this design, built in or defined in the file, on the file system of the file; repeatable; `all` is every
    /// one that there is. Without it and `--kernel`, under what the file expects something of.
    #[arg(long = "design", value_name = "NAME", value_parser = NameOf(Kind::Design), hide_possible_values = true)]
    pub designs: Vec<String>,

    /// Run under this kernel, a release or one that is defined in the file, with its own file system; repeatable; `all` is
    /// every release that has the file system, and every kernel of the file. `stalemap kernels` lists them. A scenario that is named
    /// and has another file system is refused; of a folder it is left out.
    #[arg(long = "kernel", value_name = "NAME", value_parser = NameOf(Kind::Kernel), hide_possible_values = true)]
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
    /// Scenario files, folders of them, or names in the catalogue (`xfs/t1`); without any, the catalogue. `-` is stdin.
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
