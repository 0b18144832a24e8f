//! Reports: what came of a run, for people and for programs. Nothing here runs anything.

pub mod assumptions;
pub mod cause;
pub mod check;
pub mod compare;
pub mod conform;
pub mod cut;
pub mod engines;
pub mod export;
pub mod html;
pub mod json;
pub mod kernels;
pub mod lab;
mod letters;
pub mod list;
pub mod orderings;
pub mod panel;
pub mod results;
pub mod style;
pub mod svg;
mod tables;
mod text;
pub mod timeline;
pub mod trace;
pub mod words;
mod zones;
