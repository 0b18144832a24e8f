//! What a program means, without the engine: an interpreter over states that are plain values, and the whole
//! state graph in memory.
//!
//! Nothing here is rebuilt, undone, fingerprinted or reduced. A state is cloned, one task moves, and the
//! result is looked up by its full value. All questions that the engine answers during its search are then
//! answered by textbook algorithms on the graph.

mod fair;
mod graph;
mod interpreter;
mod least;
mod runs;
mod state;

pub(crate) use graph::{Graph, Priced};
pub(crate) use least::Least;
pub(crate) use runs::Paths;
