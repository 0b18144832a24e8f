//! Reports: what came of a run, for people and for programs. Nothing here runs anything.

pub mod check;
pub mod compare;
pub mod engines;
pub mod json;
pub mod list;
pub mod orderings;
pub mod style;
pub mod timeline;
