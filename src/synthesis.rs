//! The smallest check that is enough: of the places where a mapping could be validated, of what a cookie contains, of what is
//! compared, and of locks in place of a check, every minimal set under which scenarios hold.
//!
//! What can be chosen is data: dimensions with values that are ordered (`dimension.rs`), gathered to questions
//! (`question.rs`). All combinations of values are a lattice (`lattice.rs`). For each scenario the minimal combinations are looked for
//! under which it holds (`search.rs`), by explorations and runs that are known from other combinations (`trial.rs`); a combination
//! is enough for a file system if it is for each scenario (`enough.rs`, `answer.rs`), and what is printed as enough was explored there once more.

pub mod answer;
pub mod dimension;
pub mod enough;
pub mod lattice;
pub mod question;
pub mod scope;
pub mod search;
pub mod table;
pub mod trial;
