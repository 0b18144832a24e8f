//! Cycles that can be gone round for ever although no task that can always move is left out.

use stalemap_facade::ActorId;

use super::graph::Graph;

/// Tasks, by bits.
pub(super) type TaskSet = u32;

impl Graph {
    /// Which states lie in a component in which every task moves, or has to wait somewhere.
    pub(super) fn fair_states(&self) -> Vec<bool> {
        let edges: Vec<Vec<(ActorId, usize)>> =
            self.edges.iter().map(|out| out.iter().map(|edge| (edge.task, edge.to)).collect()).collect();
        let able: Vec<TaskSet> = (0..self.edges.len()).map(|state| self.able(state)).collect();
        in_fair_components(&edges, &able)
    }

    /// Whether a run can go round for ever although no task that can always move is left out.
    pub(crate) fn has_fair_cycle(&self) -> bool {
        self.fair_states().contains(&true)
    }

    /// The tasks that can move.
    pub(super) fn able(&self, state: usize) -> TaskSet {
        let moving = self.edges[state].iter().map(|edge| edge.task);
        let given_up = self.given_up[state].iter().map(|given_up| given_up.task);
        moving.chain(given_up).fold(0, |set, task| set | 1 << task)
    }
}

/// Which nodes lie in a strongly connected component that has an edge, and in which each task moves or is not able to
/// in some node. By S. R. Kosaraju's algorithm: the last to be left by a search forwards is the first to be searched
/// from backwards.
pub(super) fn in_fair_components(edges: &[Vec<(ActorId, usize)>], able: &[TaskSet]) -> Vec<bool> {
    let nodes = edges.len();
    let mut backwards = vec![Vec::new(); nodes];
    for (from, out) in edges.iter().enumerate() {
        for (_, to) in out {
            backwards[*to].push(from);
        }
    }
    let mut left = Vec::new();
    let mut met = vec![false; nodes];
    for root in 0..nodes {
        let mut stack = vec![(root, 0)];
        if std::mem::replace(&mut met[root], true) {
            continue;
        }
        while let Some((node, next)) = stack.last_mut() {
            if let Some((_, to)) = edges[*node].get(*next) {
                *next += 1;
                if !std::mem::replace(&mut met[*to], true) {
                    stack.push((*to, 0));
                }
            } else {
                left.push(*node);
                stack.pop();
            }
        }
    }
    let mut component = vec![usize::MAX; nodes];
    let mut fair = vec![false; nodes];
    for root in left.into_iter().rev() {
        let mut members = Vec::new();
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            if component[node] == usize::MAX {
                component[node] = root;
                members.push(node);
                open.extend(&backwards[node]);
            }
        }
        let mut moved: TaskSet = 0;
        let mut always = TaskSet::MAX;
        for node in &members {
            always &= able[*node];
            let inside = edges[*node].iter().filter(|(_, to)| component[*to] == root);
            moved |= inside.fold(0, |set, (task, _)| set | 1 << task);
        }
        for node in members {
            fair[node] = moved != 0 && always & !moved == 0;
        }
    }
    fair
}
