//! What designs cost, for people and for programs.

mod cells;
pub mod json;
pub mod markdown;
pub mod text;
