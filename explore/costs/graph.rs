//! What a graph of all runs is made of, and who says what its transitions cost.

use std::collections::BTreeSet;

use stalemap_facade::{ActorId, Event};

use crate::limits::LimitHit;

/// The number of something that is counted.
pub type Quantity = u16;

/// What a transition does to a count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Amount {
    /// So many more; fewer, if negative.
    Add(i32),
    /// The count begins anew, at zero. Of such a quantity the most is that of one stretch.
    Restart,
}

/// What a transition does to one count.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Toll {
    /// Which.
    pub quantity: Quantity,
    /// What it does.
    pub amount: Amount,
}

/// What has to be remembered of a run to say what its next transition costs, in numbers of the meter's own. Empty before
/// the first.
pub type Note = Vec<u32>;

/// Says what transitions cost.
pub trait Meter {
    /// Appends what is to be known of an event of the system, in numbers of the meter's own. A function of the event alone.
    fn read(&self, event: &Event, items: &mut Vec<u32>);

    /// The tolls of a transition of `actor` whose events had these items, in the order in which they are due. A function of
    /// its arguments alone.
    fn pay(&self, note: &mut Note, actor: ActorId, items: &[u32], tolls: &mut Vec<Toll>);
}

/// A transition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: u32,
    pub(super) to: u32,
    /// Which of the prices.
    pub(super) price: u32,
    /// Who moves, and with which outcome.
    pub(super) way: Way,
}

/// Who moves, in the lower four bits, and with which outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Way(u32);

impl Way {
    pub(super) fn new(actor: ActorId, outcome: u32) -> Self {
        Way(outcome << 4 | actor as u32 & 15)
    }

    pub(super) fn actor(self) -> ActorId {
        (self.0 & 15) as ActorId
    }

    pub(super) fn outcome(self) -> u32 {
        self.0 >> 4
    }
}

/// A move of a run in a [`CostGraph`], which [`cost_way`](crate::cost_way) makes a schedule of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CostMove(pub(super) Way);

/// All runs of a system, with what each transition costs.
#[derive(Debug)]
pub struct CostGraph {
    /// By place of departure; the first vertex is where runs begin.
    pub(super) edges: Vec<Edge>,
    /// By vertex, where its edges begin; one more at the end.
    pub(super) first: Vec<u32>,
    pub(super) prices: Vec<Box<[Toll]>>,
    /// The vertices in which every actor has finished, with the state that they stand for.
    pub(super) finals: Vec<(u32, u128)>,
    /// The vertices, in groups that lie on cycles with each other, from the beginning on.
    pub(super) components: Vec<Vec<u32>>,
    /// The limits that were reached. Without any, all runs are there.
    pub limits_hit: BTreeSet<LimitHit>,
    /// Whether the setup does not come to its end, so that there is no run.
    pub halted: bool,
}

impl CostGraph {
    /// How many vertices there are: states, each as often as there are notes in it.
    pub fn vertices(&self) -> u64 {
        self.first.len() as u64 - 1
    }

    /// How many transitions there are.
    pub fn transitions(&self) -> u64 {
        self.edges.len() as u64
    }

    /// Whether every run comes to an end.
    pub fn is_finite(&self) -> bool {
        self.components.iter().all(|component| !self.is_cyclic(component))
    }

    pub(super) fn edges_of(&self, vertex: u32) -> &[Edge] {
        let at = vertex as usize;
        &self.edges[self.first[at] as usize..self.first[at + 1] as usize]
    }

    pub(super) fn is_cyclic(&self, component: &[u32]) -> bool {
        match component {
            [only] => self.edges_of(*only).iter().any(|edge| edge.to == *only),
            _ => true,
        }
    }
}
