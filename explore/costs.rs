//! What runs cost: the most that a quantity comes to in any run, and the mean.
//!
//! A cost is of a run, not of a state: two runs that differ in it may end in the same state. A counter in the state would
//! tell them apart, and multiply the states by its values. So there is none. The graph of all states is walked through once,
//! each transition gets a price, and what runs cost is a question about paths of that graph ([`CostGraph::most`],
//! [`CostGraph::mean`]).
//!
//! Nothing is reduced here but that states which are the same are one. Sleep sets would leave a run of each kind, if a kind is
//! the runs that differ in the order of independent transitions; but some prices are not the same for all of a kind: a
//! change that somebody makes just before a call begins, or just after it, commutes with the beginning and is one *during* the
//! call in the one run and not in the other. And a mean is over runs.
//!
//! What a transition costs is read off the events of the system ([`Meter::read`]), and may hang on what happened before it in
//! the same run (whether the call has been refused before), as far as the meter notes that. A state with another note is
//! another vertex.

mod graph;
mod solve;
mod walk;

pub use self::graph::{Amount, CostGraph, CostMove, Meter, Note, Quantity, Toll};
pub use self::solve::{Mean, Most};
pub use self::walk::{cost_graph, cost_way};
