//! The least cost of what can be found, and what can be reached at a limited one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use stalemap_facade::{ActorId, Bound, Property};

use super::fair::in_fair_components;
use super::graph::{Cost, GivenUp, Graph, Pair};
use super::state::End;
use crate::common::names::properties;

/// The least cost of reaching something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Least {
    pub(crate) preemptions: u32,
    pub(crate) operations: u32,
    /// States that are reached with fewer preemptions.
    pub(crate) below: u64,
}

/// What can be reached with a limited number of preemptions.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Bounded {
    /// Triples of a state, the task that moved last and the preemptions so far.
    pub(crate) triples: u64,
    pub(crate) violated: u64,
    pub(crate) finals: usize,
    pub(crate) deadlocks: usize,
    /// Whether some transition would have been one preemption too many.
    pub(crate) cut: bool,
    /// The bounds at which some run was given up.
    pub(crate) given_up: BTreeSet<Bound>,
}

impl Graph {
    /// Whether moving to `task` switches away from one that could have gone on.
    pub(super) fn preempts(&self, state: usize, last: Option<ActorId>, task: ActorId) -> bool {
        let is_enabled = |task: ActorId| {
            self.edges[state].iter().any(|edge| edge.task == task)
                || self.given_up[state].iter().any(|given_up| given_up.task == task)
        };
        last.is_some_and(|last| last != task && is_enabled(last))
    }

    /// The least preemptions, then operations, that reach a violation of `property`.
    pub(crate) fn least(&self, property: Property) -> Option<Least> {
        let bit = property.bit();
        self.least_way(|state| self.violated_in(state) & bit != 0, |given_up| given_up.violated & bit != 0)
    }

    /// The same for a final state with this outcome.
    pub(crate) fn least_to_outcome(&self, outcome: &str) -> Option<Least> {
        let ends = |state| {
            let end = self.ends.get(&state);
            matches!(end, Some(End::Final { observed: Some(observed), .. }) if observed == outcome)
        };
        self.least_way(ends, |_| false)
    }

    /// Dijkstra's algorithm on pairs of a state and the task that moved last.
    fn least_way(
        &self,
        is_there: impl Fn(usize) -> bool,
        is_given_up_there: impl Fn(&GivenUp) -> bool,
    ) -> Option<Least> {
        /// Where a transition leads; nowhere, if the run was given up with the violation.
        type Open = (Option<usize>, Option<ActorId>);

        let mut settled: HashSet<Open> = HashSet::new();
        let mut open: BTreeMap<(u32, u32), Vec<Open>> = BTreeMap::from([((0, 0), vec![(Some(0), None)])]);
        let mut level = 0;
        let mut below = 0;
        while let Some(((preemptions, operations), pairs)) = open.pop_first() {
            if preemptions > level {
                level = preemptions;
                below = settled.iter().map(|(state, _)| state).collect::<HashSet<_>>().len() as u64;
            }
            for pair in pairs {
                let (Some(state), last) = pair else {
                    return Some(Least { preemptions, operations, below });
                };
                if !settled.insert(pair) {
                    continue;
                }
                if is_there(state) {
                    return Some(Least { preemptions, operations, below });
                }
                let edges = self.edges[state].iter().map(|edge| (Some(edge.to), edge.task));
                let violating = self.given_up[state].iter().filter(|given_up| is_given_up_there(given_up));
                for (to, task) in edges.chain(violating.map(|given_up| (None, given_up.task))) {
                    let preemptions = preemptions + u32::from(self.preempts(state, last, task));
                    open.entry((preemptions, operations + 1)).or_default().push((to, Some(task)));
                }
            }
        }
        None
    }

    /// The least preemptions, then operations, that lead to a state and back to it so that every task moves on the
    /// way back or has to wait on it: by trying, from each pair of a state and the task that moved last, every way back.
    pub(crate) fn least_round(&self) -> Option<Least> {
        let beginning = ((0, None), (0, 0));
        let pairs: Vec<(Pair, Cost)> =
            std::iter::once(beginning).chain(self.costs((0, None), (0, 0))).collect();
        let fair = self.fair_states();
        let mut best = None;
        for (pair, cost) in pairs.iter().filter(|(pair, _)| fair[pair.0]) {
            best = self.round(*pair, *cost, best).or(best);
        }
        let (preemptions, operations) = best?;
        let below = pairs.iter().filter(|(_, cost)| cost.0 < preemptions).map(|(pair, _)| pair.0);
        let below = below.collect::<HashSet<_>>().len() as u64;
        Some(Least { preemptions, operations, below })
    }

    /// What the cheapest such way costs in all from a pair that was reached at `cost`, if it is less than `bound`.
    fn round(&self, from: Pair, cost: Cost, bound: Option<Cost>) -> Option<Cost> {
        let everybody = self.edges.iter().enumerate().fold(0, |set, (state, _)| set | self.able(state));
        let waiting = |state: usize| everybody & !self.able(state);
        let mut settled = HashSet::new();
        let mut open = BTreeSet::from([(cost, from, waiting(from.0))]);
        while let Some((now, (state, last), seen)) = open.pop_first() {
            if bound.is_some_and(|bound| bound <= now) {
                return None;
            }
            if now != cost && state == from.0 && seen == everybody {
                return Some(now);
            }
            if !settled.insert((state, last, seen)) {
                continue;
            }
            for edge in &self.edges[state] {
                let preempts = u32::from(self.preempts(state, last, edge.task));
                let seen = seen | 1 << edge.task | waiting(edge.to);
                open.insert(((now.0 + preempts, now.1 + 1), (edge.to, Some(edge.task)), seen));
            }
        }
        None
    }

    /// What it costs to come from one pair, reached at `cost`, to each other by at least one operation.
    pub(super) fn costs(&self, from: Pair, cost: Cost) -> BTreeMap<Pair, Cost> {
        let mut costs = BTreeMap::new();
        let mut open = vec![(from, cost)];
        while let Some(((state, last), cost)) = open.pop() {
            for edge in &self.edges[state] {
                let pair = (edge.to, Some(edge.task));
                let cost = (cost.0 + u32::from(self.preempts(state, last, edge.task)), cost.1 + 1);
                if costs.get(&pair).is_none_or(|known| cost < *known) {
                    costs.insert(pair, cost);
                    open.push((pair, cost));
                }
            }
        }
        costs
    }

    /// What can be reached with at most `most` preemptions.
    pub(crate) fn bounded(&self, most: u32) -> Bounded {
        let mut bounded = Bounded::default();
        let mut ends = HashSet::new();
        let mut numbers = HashMap::from([((0, None, 0), 0)]);
        let (mut edges, mut able) = (vec![Vec::new()], vec![self.able(0)]);
        let mut open = vec![(0, None, 0)];
        while let Some((state, last, preemptions)) = open.pop() {
            let from = numbers[&(state, last, preemptions)];
            bounded.triples += 1;
            bounded.violated |= self.violated_in(state);
            if let Some(end) = self.ends.get(&state) {
                ends.insert(state);
                bounded.given_up.extend(end.cut());
            }
            for given_up in &self.given_up[state] {
                if preemptions + u32::from(self.preempts(state, last, given_up.task)) > most {
                    bounded.cut = true;
                } else {
                    bounded.given_up.insert(given_up.bound);
                    bounded.violated |= given_up.violated;
                }
            }
            for edge in &self.edges[state] {
                let preemptions = preemptions + u32::from(self.preempts(state, last, edge.task));
                if preemptions > most {
                    bounded.cut = true;
                    continue;
                }
                let triple = (edge.to, Some(edge.task), preemptions);
                let to = *numbers.entry(triple).or_insert_with(|| {
                    open.push(triple);
                    edges.push(Vec::new());
                    able.push(self.able(edge.to));
                    edges.len() - 1
                });
                edges[from].push((edge.task, to));
            }
        }
        if in_fair_components(&edges, &able).contains(&true) {
            bounded.violated |= properties::LIVELOCK.bit();
        }
        bounded.deadlocks = ends.iter().filter(|end| matches!(self.ends[end], End::Deadlock { .. })).count();
        bounded.finals = ends.len() - bounded.deadlocks;
        bounded
    }
}
