//! One race in the engine of stalemap and in the model checkers that others use, so that they can be compared on equal terms.
//!
//! `README.md` says what the race is, in words; [`race`] has its nouns. Each tool has its verbs in a module of its own, written as
//! its users would write them; [`tools`] lists them with their settings. [`measure`] runs one in a process of its own, and
//! [`table`] and [`wall`] make pages of what it says.

pub mod by_loom;
pub mod by_shuttle;
pub mod by_spin;
pub mod by_stalemap;
pub mod by_stateright;
mod chart;
mod executions;
pub mod measure;
pub mod product;
pub mod race;
pub mod report;
pub mod rounds;
pub mod series;
pub mod table;
pub mod tools;
pub mod wall;
