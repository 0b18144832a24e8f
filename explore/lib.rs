//! The engines of stalemap.
//!
//! This crate explores any [`System`](stalemap_facade::System): shared memory and actors written
//! against the [`Backend`](stalemap_facade::Backend) facade. It knows nothing of folios or files.
//!
//! * [`explore`] visits every reachable state: all interleavings of visible operations, all outcomes of
//!   choices. What it reports as complete is a proof for the given system.
//!   A large state space is searched breadth first and in numbers, by several threads (`breadth.rs`); for one that no memory is
//!   enough for there is [`Options::bitstate`].
//! * [`explore_checkpointed`] does so with a [`Checkpointer`], who can have the search written and taken up again later.
//! * [`explore_slice`] explores a part of what there is, so that several machines can explore all of it; [`Union`] puts the parts
//!   together.
//! * [`minimal_counterexample`] finds the least execution that reaches a violation: fewest preemptions, then
//!   fewest operations, with the certificate that nothing cheaper exists.
//! * `run_shuttle` and `run_loom` run the same actors under these libraries (`threads.rs`), which are features of this
//!   crate, on by default. Without them it is the exhaustive engine alone.
//! * [`cost_graph`] says what runs cost, at most and in the mean, in quantities that a [`Meter`] reads off their events.
//! * [`contacts`] says what actors have to do with each other: who conflicts with whom, and who waits for whom.
//! * [`effects`] says whether where an actor stands says all that its next operation depends on: for tests.
//! * [`replay`] plays a [`Schedule`] again and says what happened; a [`Trace`] of a [`Counterexample`] prints it.
//!
#![doc = include_str!("peterson.md")]
//!
//! # How a state is identified
//!
//! The shared memory is a set of values. An actor is a chain of steps, and within a step it is what it has
//! observed since the step began. Both are hashed canonically; see `fingerprint.rs`. An actor in the middle
//! of a step is never copied: it is rebuilt from its step state and its observations (`memory.rs`), so
//! nothing that a step keeps in a local variable can escape the identity.
//!
//! # Memory
//!
//! A system says which memory it runs on. In sequentially consistent memory an object has one value. In relaxed memory
//! a lock-free word has several, and which of them an access meets is part of the nondeterminism that is explored
//! (`memory/relaxed.rs`): the same search, the same visited set, the same sleep sets.
//!
//! # What it is checked against
//!
//! Of the tests in `tests/engine`, `differential.rs` compares the search with and without visited set, sleep sets and
//! transition cache on random programs: final states, deadlocks and violations must be the same, and the least
//! counterexample must have as few preemptions as brute force finds. `litmus.rs` does the same for relaxed memory, against
//! the axioms of the C++ memory model. `breadth.rs` has systems that random programs are too small for. `engines.rs` compares it with shuttle and loom, and `facade.rs` says what these
//! cannot do by themselves. `effects.rs` compares transitions that begin alike.

#![forbid(unsafe_code)]
// Sums of fingerprints, sizes and probabilities.
#![allow(clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod actors;
mod bitstate;
mod breadth;
mod causality;
mod checkpoint;
mod choices;
mod components;
mod conform;
mod contacts;
mod cost_queue;
mod costs;
mod counterexample;
mod cycles;
mod effects;
mod endings;
mod ends;
mod error;
mod estimate;
mod exploration;
mod explore;
mod fairness;
mod few;
mod fingerprint;
mod footprint;
mod labels;
mod lasso;
mod limits;
mod machine;
mod memory;
mod minimal;
mod moves;
mod reorder;
mod replay;
mod schedule;
mod search;
mod serial;
mod set_up;
mod slices;
#[cfg(any(feature = "loom", feature = "shuttle"))]
mod threads;
mod trace;
mod transition_cache;
mod visited;
mod weight;
mod witness;
mod workers;

pub use actors::MAX_ACTORS;
pub use bitstate::LEAST_BITSTATE;
pub use checkpoint::{Checkpointer, Request};
pub use choices::choices;
pub use conform::{Explanation, Move, Observation, Offer, explain};
pub use contacts::{Contact, Contacts, Operations, Wait, contacts};
pub use cost_queue::PreemptionCost;
pub use costs::{Amount, CostGraph, CostMove, Mean, Meter, Most, Note, Quantity, Toll, cost_graph, cost_way};
pub use counterexample::Counterexample;
pub use effects::{Effects, effects};
pub use ends::End;
pub use error::EngineError;
pub use exploration::{
    Estimate, Exploration, FewPreemptions, Frontier, Lasso, Options, Progress, Statistics,
};
pub use explore::{explore, explore_accepted, explore_checkpointed};
pub use fingerprint::collision_probability;
pub use limits::{LimitHit, Limits};
pub use machine::{Halt, Halted, Opening};
pub use memory::Memory;
pub use minimal::{cheapest_counterexample, minimal_counterexample, way_to_end};
pub use reorder::{Order, Turned, orders};
pub use replay::{Epilogue, Played, Replay, ReplayError, replay};
pub use schedule::{Choice, Schedule, ScheduleError, Step};
pub use serial::{adapted, finished, serial};
pub use set_up::{halted_setup, set_up, watch_opening};
pub use slices::found::{Enough, FinalContents, SliceFound, SliceOf};
pub use slices::union::{Union, count_union};
pub use slices::{explore_cycles, explore_slice, is_cut};
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub use threads::{Budget, Reached, Runs, ThreadMemory};
#[cfg(feature = "shuttle")]
pub use threads::{Follow, Shuttle, Strategy, follow_with_shuttle, run_shuttle};
#[cfg(feature = "loom")]
pub use threads::{LOOM_ACTORS, Loom, run_loom};
pub use trace::Trace;
pub use witness::{Witness, least_end, least_witness};
pub use workers::Workers;
