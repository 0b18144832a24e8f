//! The engines of stalemap.
//!
//! This crate explores any [`System`](stalemap_model::backend::System): shared memory and actors written
//! against the [`Backend`](stalemap_model::backend::Backend) facade. It knows nothing of folios or files.
//!
//! * [`explore`] visits every reachable state: all interleavings of visible operations, all outcomes of
//!   choices. What it reports as complete is a proof for the given system.
//! * [`minimal_counterexample`] finds the least execution that reaches a violation: fewest preemptions, then
//!   fewest operations, with the certificate that nothing cheaper exists.
//! * [`replay`] plays a [`Schedule`] again and says what happened.
//!
//! # How a state is identified
//!
//! The shared memory is a set of values. An actor is a chain of steps, and within a step it is what it has
//! observed since the step began. Both are hashed canonically; see `fingerprint.rs`. An actor in the middle
//! of a step is never copied: it is rebuilt from its step state and its observations (`memory.rs`), so
//! nothing that a step keeps in a local variable can escape the identity.
//!
//! # What it is checked against
//!
//! `tests/differential.rs` compares the search with and without visited set, sleep sets and transition cache
//! on random programs: final states, deadlocks and violations must be the same, and the least counterexample
//! must have as few preemptions as brute force finds.

#![forbid(unsafe_code)]
// Sums of fingerprints, sizes and probabilities.
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod causality;
mod cycles;
mod error;
mod fingerprint;
mod footprint;
mod frontier;
mod lasso;
mod limits;
mod machine;
mod memory;
mod minimal;
mod reorder;
mod replay;
mod schedule;
mod search;
mod serial;
mod transition_cache;

pub use error::EngineError;
pub use fingerprint::collision_probability;
pub use limits::{LimitHit, Limits};
pub use machine::MAX_ACTORS;
pub use memory::Memory;
pub use minimal::{Counterexample, minimal_counterexample};
pub use reorder::{Order, Turned, orders};
pub use replay::{Epilogue, Played, Replay, ReplayError, replay};
pub use schedule::{Choice, Schedule, ScheduleError, Step};
pub use search::{Exploration, Lasso, Options, Statistics, explore};
pub use serial::serial;
