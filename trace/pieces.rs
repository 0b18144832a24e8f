//! A trace in pieces: what happened to one page of the file from when it was not cached until it is not again.
//!
//! A piece is small enough to ask of a model whether it can happen: it says what the page's blocks were, which tasks did what
//! with it, and what was seen of that, each with the lines between which it happened. A line says when something was *printed*;
//! where that is not when it happened, there is a `Rule`, and the piece counts how often it needed that.
//!
//! What the pieces leave out is counted by its reason (`Outside`): pages of which the trace does not show the beginning, and what a
//! piece has no words for.

mod answer;
mod caching;
mod changing;
mod events;
mod impossible;
mod mapping;
mod piece;
mod story;
mod suspicion;
mod task;
mod teller;
mod writing;

pub use answer::Answer;
pub use piece::{Cutting, Deed, Doer, Does, Outside, Piece, Rule, Seen, Sight, Traces};
pub use suspicion::Impossible;
pub use teller::Pieces;
