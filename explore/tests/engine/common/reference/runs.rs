//! The runs of a program: paths of the graph.

use std::collections::HashSet;

use stalemap_facade::ActorId;

use super::graph::Graph;
use super::state::End;

/// All paths from the initial state that meet no state twice, each with the transition that ends it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Paths {
    /// Beginnings of such paths.
    pub(crate) beginnings: u64,
    pub(crate) transitions: u64,
    /// Paths that end because nobody can move or because a state is met again.
    pub(crate) maximal: u64,
    /// Transitions on the longest, the one that meets a state again included.
    pub(crate) longest: u64,
}

impl Graph {
    /// Counts paths, if they have at most `most` transitions in all.
    pub(crate) fn paths(&self, most: u64) -> Option<Paths> {
        let nowhere = |state: usize| self.given_up[state].len() as u64;
        let mut paths =
            Paths { beginnings: 1, transitions: nowhere(0), maximal: nowhere(0), ..Paths::default() };
        let mut on_path = vec![false; self.edges.len()];
        on_path[0] = true;
        let mut stack = vec![(0, 0)];
        while let Some((state, next)) = stack.last_mut() {
            let (from, number) = (*state, *next);
            *next += 1;
            let Some(edge) = self.edges[from].get(number) else {
                paths.maximal += u64::from(number == 0 && self.given_up[from].is_empty());
                on_path[from] = false;
                stack.pop();
                continue;
            };
            paths.transitions += 1;
            if paths.transitions > most {
                return None;
            }
            paths.longest = paths.longest.max(stack.len() as u64);
            if on_path[edge.to] {
                paths.maximal += 1;
            } else {
                paths.beginnings += 1;
                paths.transitions += nowhere(edge.to);
                paths.maximal += nowhere(edge.to);
                on_path[edge.to] = true;
                stack.push((edge.to, 0));
            }
        }
        Some(paths)
    }

    /// Who moves along a path that numbers lead, each by which of the ways there are it goes.
    pub(crate) fn walk(&self, numbers: &[u8]) -> Vec<ActorId> {
        let mut state = 0;
        let mut moves = Vec::new();
        for number in numbers {
            let edges = &self.edges[state];
            let Some(edge) = edges.get(usize::from(*number) % edges.len().max(1)) else { break };
            moves.push(edge.task);
            state = edge.to;
        }
        moves
    }

    /// Whether some path to a final state has just these moves of some tasks, with any of the others between them; and how many of
    /// them some path has, at most. All paths are followed at once.
    pub(crate) fn has_run(&self, tasks: u64, order: &[ActorId]) -> (bool, usize) {
        let mut here = self.with_free_moves(tasks, HashSet::from([0]));
        for (number, task) in order.iter().enumerate() {
            let edges = here.iter().flat_map(|state| &self.edges[*state]);
            let next: HashSet<usize> = edges.filter(|edge| edge.task == *task).map(|edge| edge.to).collect();
            if next.is_empty() {
                return (false, number);
            }
            here = self.with_free_moves(tasks, next);
        }
        let is_final = |state: &usize| matches!(self.ends.get(state), Some(End::Final { .. }));
        (here.iter().any(is_final), order.len())
    }

    /// The states that are reached from others without a move of these tasks.
    fn with_free_moves(&self, tasks: u64, mut states: HashSet<usize>) -> HashSet<usize> {
        let mut open: Vec<usize> = states.iter().copied().collect();
        while let Some(state) = open.pop() {
            for edge in self.edges[state].iter().filter(|edge| tasks & 1 << edge.task == 0) {
                if states.insert(edge.to) {
                    open.push(edge.to);
                }
            }
        }
        states
    }
}
