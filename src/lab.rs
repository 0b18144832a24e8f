//! The laboratory: a schedule of the model, played on a real kernel in a guest, and what came of it.
//!
//! `plan` says what the tasks of a kernel do and where they are held so that they come in the schedule's order;
//! the program that does it is C (`lab/program/`, made by `program.rs`), the holding is done by a module of the
//! guest's kernel (`lab/module/`). Nothing here decides a verdict: the bytes are compared with what the model predicts.

mod calls;
pub mod conform;
mod front;
pub mod guest;
mod heard;
mod holds;
pub mod places;
pub mod plan;
pub mod planner;
pub mod predicted;
pub mod program;
pub mod release;
pub mod run;
mod segments;
pub mod sequential;
mod turns;
mod undisturbed;
pub mod variant;
pub mod xfstests;

pub use self::holds::functions;
