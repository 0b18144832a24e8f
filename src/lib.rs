//! stalemap: which designs of the iomap validity check lose data, and which provably do not.
//!
//! This crate is the command line: scenario files, running them, reports. The modelled kernel is
//! [`stalemap_model`], the engines [`stalemap_explore`].

#![forbid(unsafe_code)]
#![allow(clippy::cast_precision_loss)]

pub mod accept;
pub mod agree;
pub mod annotate;
pub mod attended;
mod available;
pub mod baseline;
pub mod between;
pub mod bisect;
mod build;
pub mod check_place;
pub mod checkpoint;
pub mod claims;
pub mod cli;
pub mod commands;
pub mod comparison;
pub mod conform;
pub mod costs;
pub mod engine;
pub mod expect;
mod failures;
mod file_name;
pub mod fuzz;
pub mod idle;
pub mod input;
pub mod kernel_name;
pub mod lab;
pub mod litmus;
pub mod minimise;
pub mod mutants;
pub mod orderings;
pub mod paint;
pub mod parts;
pub mod power;
pub mod report;
pub mod run;
pub mod scenario;
mod shell;
pub mod smaller;
mod stdin;
pub mod synthesis;
pub mod tally;
pub mod testing;
pub mod times;
pub mod verdict;
pub mod why;
pub mod words;
pub(crate) mod wrap;

/// The version, and the commit that it was built from where that is known.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), env!("STALEMAP_BUILT_FROM"));

/// The Rust of the page about extensions, run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../docs/extending.md")]
pub struct Extending;
