//! What stalemap promises: the model's verdicts, the files it reads, what it prints, and that the pages say so.
//!
//! One program, because linking the tool again for each subject takes longer than running most of them. Tests share its
//! process: what depends on something that a process has once goes through [`common::alone`].

mod accepting;
mod alike;
mod answers;
mod assumptions;
mod bad_schedules;
mod between;
mod browser;
mod causes;
mod checkpoints;
mod claims;
mod cli;
mod clusters;
mod commands;
mod common;
mod comparison;
mod conformance;
mod cookies;
mod costs;
mod coverage;
mod effects;
mod engines;
mod equivalence;
mod every_value;
mod exported;
mod exports;
mod extending;
mod failures;
mod fidelity;
mod fsx;
mod fuzz;
mod golden_counts;
mod guests;
mod input;
mod interrupts;
mod kernels;
mod lab;
mod layers;
mod limits;
mod loops;
mod map_sections;
mod mutants;
mod observers;
mod orderings;
mod outside;
mod packages;
mod parts;
mod pipes;
mod places;
mod programs;
mod progress;
mod readme;
mod scenario_errors;
mod semantics;
mod smaller;
mod synthesis;
mod terminal;
mod timeline;
mod trace_forms;
mod trace_impossible;
mod trace_judged;
mod traces;
mod tracing;
mod verdicts;
mod why;
mod witnesses;
mod worth;

// Searches take memory from it as those of the command do.
use stalemap_allocator as _;
