//! The engines, on small systems of their own: known answers, random programs against an independent interpreter and
//! against each other, and litmus tests against the axioms.
//!
//! One program, because linking the engines again for each subject takes longer than running most of them.

mod breadth;
mod checkpoints;
mod classics;
mod common;
mod conform;
mod contacts;
mod costs;
mod cycles;
mod differential;
mod effects;
mod engines;
mod facade;
mod fingerprints;
mod handovers;
mod limits;
mod litmus;
mod loom_memory;
mod orders;
mod peterson;
mod slices;
mod trace;

// Searches take memory from it as those of the command do.
use stalemap_allocator as _;
