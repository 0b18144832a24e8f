//! The laboratory: a schedule of the model, played on a real kernel in a guest, and what came of it.
//!
//! `plan` says what the tasks of a kernel do and where they are held so that they come in the schedule's order;
//! the program that does it is C (`lab/program/`, made by `report/export/c.rs`), the holding is done by a module of the
//! guest's kernel (`lab/module/`). Nothing here decides a verdict: the bytes are compared with what the model predicts.

mod archive;
mod compile;
mod cpio;
mod depends;
mod design;
mod error;
mod fetch;
mod front;
mod guest;
mod holds;
mod initramfs;
mod inside;
mod module;
pub mod plan;
pub mod planner;
mod predicted;
pub mod release;
pub mod run;
mod segments;
pub mod sequential;
mod store;
mod tar;
mod tools;
mod turns;
mod undisturbed;
pub mod variant;
mod version;

pub use self::compile::compile;
pub use self::design::names as designs;
pub use self::error::LabError;
pub use self::fetch::fetch;
pub use self::guest::{DEVICE_BYTES, Job, Ran, boot};
pub use self::holds::functions;
pub use self::store::{Kernel, Store};
