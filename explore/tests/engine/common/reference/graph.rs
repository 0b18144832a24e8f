//! All reachable states of a program, and what can be counted there.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use stalemap_facade::{ActorId, Bound, Property};

use super::interpreter::{Gathered, Interpreter};
use super::state::End;
use crate::common::names::properties;
use crate::common::program::Program;

/// A transition of the graph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) task: ActorId,
    pub(super) to: usize,
}

/// A transition with what it told whoever counts costs.
#[derive(Clone, Debug)]
pub(crate) struct Priced {
    pub(crate) task: ActorId,
    pub(crate) outcome: u32,
    /// `None`: the run was given up with it.
    pub(crate) to: Option<usize>,
    pub(crate) spent: Vec<u32>,
}

/// A transition with which a run was given up: it leads nowhere, but what it violates is violated.
#[derive(Clone, Copy, Debug)]
pub(super) struct GivenUp {
    pub(super) task: ActorId,
    pub(super) violated: u64,
    pub(super) bound: Bound,
}

/// All reachable states.
pub(crate) struct Graph {
    pub(super) edges: Vec<Vec<Edge>>,
    pub(super) priced: Vec<Vec<Priced>>,
    pub(super) given_up: Vec<Vec<GivenUp>>,
    pub(super) violated: Vec<u64>,
    pub(super) ends: BTreeMap<usize, End>,
    pub(crate) gathered: Gathered,
}

/// A state and the task that moved last.
pub(super) type Pair = (usize, Option<ActorId>);
/// Preemptions, then operations.
pub(crate) type Cost = (u32, u32);

impl Graph {
    /// All reachable states, if there are at most `most`, and any.
    pub(crate) fn of(program: &Program, most: usize) -> Option<Self> {
        let mut interpreter =
            Interpreter { program, gathering: false, gathered: Gathered::default(), spent: Vec::new() };
        let mut numbers = HashMap::new();
        let mut states = Vec::new();
        let mut edges: Vec<Vec<Edge>> = Vec::new();
        let mut priced = Vec::new();
        let mut ends = BTreeMap::new();
        let mut given_up = Vec::new();
        let initial = interpreter.initial();
        if initial.cut.is_some() {
            return None;
        }
        interpreter.gathering = true;
        numbers.insert(initial.clone(), 0);
        states.push(initial);
        while edges.len() < states.len() {
            let from = edges.len();
            let enabled = interpreter.enabled(&states[from]);
            if enabled.is_empty() {
                ends.insert(from, interpreter.end(states[from].clone()));
            }
            let mut out = Vec::new();
            let mut nowhere = Vec::new();
            let mut spent_by = Vec::new();
            for (task, alternatives) in enabled {
                for outcome in 0..alternatives {
                    let mut state = states[from].clone();
                    interpreter.spent.clear();
                    interpreter.fire(&mut state, task, outcome);
                    spent_by.push(Priced { task, outcome, to: None, spent: interpreter.spent.clone() });
                    if let Some(bound) = state.cut {
                        nowhere.push(GivenUp { task, violated: state.violated, bound });
                        continue;
                    }
                    let to = *numbers.entry(state).or_insert_with_key(|state| {
                        states.push(state.clone());
                        states.len() - 1
                    });
                    out.push(Edge { task, to });
                    spent_by.last_mut().into_iter().for_each(|price| price.to = Some(to));
                }
            }
            edges.push(out);
            priced.push(spent_by);
            given_up.push(nowhere);
            if states.len() > most {
                return None;
            }
        }
        let violated = states.iter().map(|state| state.violated).collect();
        Some(Graph { edges, priced, given_up, violated, ends, gathered: interpreter.gathered })
    }

    pub(crate) fn states(&self) -> u64 {
        self.edges.len() as u64
    }

    pub(crate) fn transitions(&self) -> u64 {
        self.edges.iter().map(|out| out.len() as u64).sum::<u64>() + self.given_up()
    }

    /// Transitions with which a run was given up.
    pub(crate) fn given_up(&self) -> u64 {
        self.given_up.iter().map(|nowhere| nowhere.len() as u64).sum()
    }

    /// The bounds at which some run was given up, in an epilogue or before.
    pub(crate) fn cut_by(&self) -> BTreeSet<Bound> {
        let runs = self.given_up.iter().flatten().map(|given_up| given_up.bound);
        runs.chain(self.ends.values().filter_map(End::cut)).collect()
    }

    /// What the cheapest run had cost that was given up at each bound.
    pub(crate) fn cuts(&self) -> BTreeMap<Bound, Cost> {
        let mut cuts: BTreeMap<Bound, Cost> = BTreeMap::new();
        let mut note = |bound, cost: Cost| {
            let least = cuts.entry(bound).or_insert(cost);
            *least = cost.min(*least);
        };
        for ((state, last), cost) in std::iter::once(((0, None), (0, 0))).chain(self.costs((0, None), (0, 0)))
        {
            for given_up in &self.given_up[state] {
                let preempts = u32::from(self.preempts(state, last, given_up.task));
                note(given_up.bound, (cost.0 + preempts, cost.1 + 1));
            }
            if let Some(bound) = self.ends.get(&state).and_then(End::cut) {
                note(bound, cost);
            }
        }
        cuts
    }

    pub(crate) fn ends(&self) -> u64 {
        self.ends.len() as u64
    }

    /// The ends that can be told apart without looking into the tasks.
    pub(crate) fn ends_from_outside(&self) -> usize {
        let mut finals = HashSet::new();
        let mut deadlocks = HashSet::new();
        for end in self.ends.values() {
            match end {
                End::Deadlock { outside, waiting } => {
                    deadlocks.insert((outside, waiting));
                }
                End::Final { outside, after, .. } => {
                    finals.insert((outside, after));
                }
            }
        }
        finals.len() + deadlocks.len()
    }

    pub(crate) fn deadlocks(&self) -> usize {
        self.ends.values().filter(|end| matches!(end, End::Deadlock { .. })).count()
    }

    pub(crate) fn finals(&self) -> usize {
        self.ends.len() - self.deadlocks()
    }

    /// What an observer sees, and in how many final states; of all of them or of those that violate something.
    pub(crate) fn outcomes(&self, only_violating: bool) -> BTreeMap<String, u64> {
        let mut outcomes = BTreeMap::new();
        for end in self.ends.values() {
            if let End::Final { observed: Some(observed), violated, .. } = end
                && (*violated != 0 || !only_violating)
            {
                *outcomes.entry(observed.clone()).or_default() += 1;
            }
        }
        outcomes
    }

    /// The properties violated in a state, its epilogue included.
    pub(super) fn violated_in(&self, state: usize) -> u64 {
        self.violated[state]
            | match self.ends.get(&state) {
                None => 0,
                Some(End::Deadlock { .. }) => properties::DEADLOCK.bit(),
                Some(End::Final { violated, .. }) => *violated,
            }
    }

    /// The properties violated in some state, a fair cycle being a livelock.
    pub(crate) fn violated(&self) -> u64 {
        let states = (0..self.edges.len()).fold(0, |bits, state| bits | self.violated_in(state));
        let given_up = self.given_up.iter().flatten().fold(0, |bits, given_up| bits | given_up.violated);
        states | given_up | if self.has_fair_cycle() { properties::LIVELOCK.bit() } else { 0 }
    }

    /// Whether some run ends, is given up or goes on for ever without a violation of `property`.
    pub(crate) fn avoids(&self, property: Property) -> bool {
        let mut clean = BTreeSet::new();
        let mut open = vec![0];
        while let Some(state) = open.pop() {
            if self.violated_in(state) & property.bit() != 0 || !clean.insert(state) {
                continue;
            }
            let given_up = self.given_up[state].iter().any(|edge| edge.violated & property.bit() == 0);
            if self.ends.contains_key(&state) || given_up {
                return true;
            }
            open.extend(self.edges[state].iter().map(|edge| edge.to));
        }
        // What is left when states that lead out are removed, again and again, lies on cycles or leads to them.
        loop {
            let before = clean.len();
            let goes_on = |state: &usize| self.edges[*state].iter().any(|edge| clean.contains(&edge.to));
            clean = clean.iter().copied().filter(goes_on).collect();
            if clean.len() == before {
                return before > 0;
            }
        }
    }

    /// Whether some state can be reached from itself: whether removing states without predecessors, again
    /// and again, leaves any.
    pub(crate) fn has_cycle(&self) -> bool {
        let mut predecessors = vec![0_usize; self.edges.len()];
        for edge in self.edges.iter().flatten() {
            predecessors[edge.to] += 1;
        }
        let mut free: Vec<usize> = (0..self.edges.len()).filter(|state| predecessors[*state] == 0).collect();
        let mut removed = 0;
        while let Some(state) = free.pop() {
            removed += 1;
            for edge in &self.edges[state] {
                predecessors[edge.to] -= 1;
                if predecessors[edge.to] == 0 {
                    free.push(edge.to);
                }
            }
        }
        removed < self.edges.len()
    }

    /// The transitions from a state, with what they told whoever counts costs.
    pub(crate) fn priced(&self, state: usize) -> &[Priced] {
        &self.priced[state]
    }

    /// Whether every task has finished in a state.
    pub(crate) fn is_final(&self, state: usize) -> bool {
        matches!(self.ends.get(&state), Some(End::Final { .. }))
    }
}
