//! What the runs of a [`CostGraph`] cost.
//!
//! The vertices come in an order in which no edge leads back, but within a group that lies on cycles. So the most of a
//! quantity on the ways to a vertex is known when its turn comes. Within a group the ways are followed again and again: a
//! count that still grows when more edges were followed than the group has vertices grows with each round of some cycle (a
//! count that begins anew on the way is the count of a shorter one), and has no most.

use std::collections::{BTreeMap, VecDeque};

use super::graph::{Amount, CostGraph, CostMove, Edge, Quantity, Toll};

/// The most that a quantity comes to, at any moment of any run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Most {
    /// So much, and a run up to the transition after which it is so much. Zero is before the first.
    Is(i64, Vec<CostMove>),
    /// There is none: the second part can be repeated after the first, and the count grows each time. Empty, if the growth
    /// was seen and the cycle not looked for, since the count also falls or begins anew on it.
    Unbounded(Vec<CostMove>, Vec<CostMove>),
}

/// What a quantity comes to in the mean, over runs in which every actor finishes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mean {
    /// Each final state counts once; in it, each of the runs that end there as much as the others.
    pub of_states: f64,
    /// Each run counts once.
    pub of_runs: f64,
}

const NOT_REACHED: i64 = i64::MIN;

/// The best way to each vertex that is known.
struct Best {
    count: Vec<i64>,
    by: Vec<u32>,
    most: (i64, Option<u32>),
}

impl CostGraph {
    /// What an edge does to a count of `before`: the count after it, and the greatest on the way.
    fn follow(&self, edge: &Edge, quantity: Quantity, before: i64) -> (i64, i64) {
        let (mut count, mut peak) = (before, before);
        for toll in self.prices[edge.price as usize].iter().filter(|toll| toll.quantity == quantity) {
            match toll.amount {
                Amount::Add(more) => count += i64::from(more),
                Amount::Restart => count = 0,
            }
            peak = peak.max(count);
        }
        (count, peak)
    }

    /// Whether any transition has to do with a quantity.
    pub fn has(&self, quantity: Quantity) -> bool {
        self.prices.iter().any(|tolls| tolls.iter().any(|toll| toll.quantity == quantity))
    }

    /// The most of a quantity.
    pub fn most(&self, quantity: Quantity) -> Most {
        if !self.has(quantity) {
            return Most::Is(0, Vec::new());
        }
        let vertices = self.first.len() - 1;
        let mut best =
            Best { count: vec![NOT_REACHED; vertices], by: vec![u32::MAX; vertices], most: (0, None) };
        best.count[0] = 0;
        for component in &self.components {
            if self.is_cyclic(component) {
                // Each round lets the best ways grow by an edge.
                let mut rounds = 0;
                let mut grows = |grew, vertex: &u32| self.relax(*vertex, quantity, &mut best) | grew;
                while component.iter().fold(false, &mut grows) {
                    rounds += 1;
                    if rounds > component.len() {
                        return self.growing(quantity, component);
                    }
                }
            } else {
                for vertex in component {
                    self.relax(*vertex, quantity, &mut best);
                }
            }
        }
        let (most, last) = best.most;
        Most::Is(most, last.map_or_else(Vec::new, |last| self.way_by(&best, last)))
    }

    /// Follows the edges of a vertex; whether a way to another one has become better.
    fn relax(&self, vertex: u32, quantity: Quantity, best: &mut Best) -> bool {
        let before = best.count[vertex as usize];
        if before == NOT_REACHED {
            return false;
        }
        let mut grew = false;
        for (number, edge) in (self.first[vertex as usize]..).zip(self.edges_of(vertex)) {
            let (count, peak) = self.follow(edge, quantity, before);
            if peak > best.most.0 {
                best.most = (peak, Some(number));
            }
            if count > best.count[edge.to as usize] {
                best.count[edge.to as usize] = count;
                best.by[edge.to as usize] = number;
                grew = true;
            }
        }
        grew
    }

    fn way_by(&self, best: &Best, last: u32) -> Vec<CostMove> {
        let mut way = Vec::new();
        let mut next = last;
        while next != u32::MAX {
            let edge = &self.edges[next as usize];
            way.push(CostMove(edge.way));
            // On a cycle the best way to a vertex may lead through it: there it ends.
            if edge.from == 0 || way.len() > self.edges.len() {
                break;
            }
            next = best.by[edge.from as usize];
        }
        way.reverse();
        way
    }

    /// A way to and round a cycle of a group on which a count grows, if it only ever grows there.
    fn growing(&self, quantity: Quantity, component: &[u32]) -> Most {
        let mut inside = vec![false; self.first.len() - 1];
        for vertex in component {
            inside[*vertex as usize] = true;
        }
        let within = |edge: &&Edge| inside[edge.to as usize];
        let edges = || component.iter().flat_map(|vertex| self.edges_of(*vertex)).filter(within);
        let tolls = |edge: &Edge| {
            let of = |toll: &&Toll| toll.quantity == quantity;
            self.prices[edge.price as usize].iter().filter(of).map(|toll| toll.amount).collect::<Vec<_>>()
        };
        let falls = |amount: &Amount| match amount {
            Amount::Add(more) => *more < 0,
            Amount::Restart => true,
        };
        let Some(grows) = edges().find(|edge| !tolls(edge).is_empty()) else {
            return Most::Unbounded(Vec::new(), Vec::new());
        };
        if edges().any(|edge| tolls(edge).iter().any(falls)) {
            return Most::Unbounded(Vec::new(), Vec::new());
        }
        let stem = self.shortest(0, grows.from, |_| true);
        let back = self.shortest(grows.to, grows.from, |vertex| inside[vertex as usize]);
        Most::Unbounded(stem, [vec![CostMove(grows.way)], back].concat())
    }

    /// The shortest way from one vertex to another through some of them.
    fn shortest(&self, from: u32, to: u32, through: impl Fn(u32) -> bool) -> Vec<CostMove> {
        let mut by = vec![u32::MAX; self.first.len() - 1];
        let mut queue = VecDeque::from([from]);
        while let Some(vertex) = queue.pop_front().filter(|vertex| *vertex != to) {
            for (number, edge) in (self.first[vertex as usize]..).zip(self.edges_of(vertex)) {
                if edge.to != from && by[edge.to as usize] == u32::MAX && through(edge.to) {
                    by[edge.to as usize] = number;
                    queue.push_back(edge.to);
                }
            }
        }
        let (mut way, mut at) = (Vec::new(), to);
        while at != from && by[at as usize] != u32::MAX {
            let edge = &self.edges[by[at as usize] as usize];
            way.push(CostMove(edge.way));
            at = edge.from;
        }
        way.reverse();
        way
    }

    /// The mean of a quantity that never begins anew. `None`: no run ends with all actors finished, or some run never ends, or
    /// there are too many runs to count.
    pub fn mean(&self, quantity: Quantity) -> Option<Mean> {
        if self.finals.is_empty() || !self.is_finite() {
            return None;
        }
        let vertices = self.first.len() - 1;
        // How many runs come by a vertex, and what the quantity comes to in them together.
        let (mut runs, mut sums) = (vec![0_f64; vertices], vec![0_f64; vertices]);
        runs[0] = 1.0;
        for vertex in self.components.iter().flatten() {
            let at = *vertex as usize;
            for edge in self.edges_of(*vertex) {
                let (more, _) = self.follow(edge, quantity, 0);
                runs[edge.to as usize] += runs[at];
                sums[edge.to as usize] += sums[at] + runs[at] * more as f64;
            }
        }
        let mut states: BTreeMap<u128, (f64, f64)> = BTreeMap::new();
        for (vertex, state) in &self.finals {
            let (in_state, sum) = states.entry(*state).or_default();
            *in_state += runs[*vertex as usize];
            *sum += sums[*vertex as usize];
        }
        let (all, sum) =
            states.values().fold((0.0, 0.0), |(all, sum), (runs, more)| (all + runs, sum + more));
        let of_states = states.values().map(|(runs, sum)| sum / runs).sum::<f64>() / states.len() as f64;
        let mean = Mean { of_states, of_runs: sum / all };
        (mean.of_states.is_finite() && mean.of_runs.is_finite()).then_some(mean)
    }
}
