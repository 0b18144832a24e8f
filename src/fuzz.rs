//! Scenarios that nobody wrote: drawn at random, explored, and looked at for what no finding explains.

pub mod by;
pub mod campaign;
mod causes;
pub mod class;
pub mod draw;
pub mod find;
pub mod known;
pub mod loss;
pub mod operations;
pub mod oracles;
mod order;
pub mod plain;
pub mod random;
pub mod recipe;
pub mod tally;
pub mod trial;
pub mod under;
