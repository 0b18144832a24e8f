//! The groups of vertices that lie on cycles with each other.
//!
//! R. Tarjan, "Depth-first search and linear graph algorithms", SIAM Journal on Computing 1(2), 1972, with the recursion
//! unrolled. It gives the groups from the ends to the beginning; here they are turned round.

const UNKNOWN: u32 = u32::MAX;

struct Search<'g, Ends> {
    ends: Ends,
    first: &'g [u32],
    number: Vec<u32>,
    low: Vec<u32>,
    open: Vec<u32>,
    is_open: Vec<bool>,
    /// A vertex of the path, and which of its edges comes next.
    path: Vec<(u32, u32)>,
    next: u32,
    found: Vec<Vec<u32>>,
}

/// The groups, so that no edge leads from one to an earlier one. Edges are numbered: `first` has the first one of each vertex, and
/// after the last vertex how many there are; `ends` says where an edge ends.
pub(crate) fn components(first: &[u32], ends: impl Fn(u32) -> u32) -> Vec<Vec<u32>> {
    let vertices = first.len() - 1;
    let mut search = Search {
        ends,
        first,
        number: vec![UNKNOWN; vertices],
        low: vec![0; vertices],
        open: Vec::new(),
        is_open: vec![false; vertices],
        path: Vec::new(),
        next: 0,
        found: Vec::new(),
    };
    for vertex in 0..vertices as u32 {
        if search.number[vertex as usize] == UNKNOWN {
            search.run(vertex);
        }
    }
    search.found.reverse();
    search.found
}

impl<Ends: Fn(u32) -> u32> Search<'_, Ends> {
    fn enter(&mut self, vertex: u32) {
        let at = vertex as usize;
        (self.number[at], self.low[at]) = (self.next, self.next);
        self.next += 1;
        self.open.push(vertex);
        self.is_open[at] = true;
        self.path.push((vertex, self.first[at]));
    }

    fn run(&mut self, from: u32) {
        self.enter(from);
        while let Some((vertex, edge)) = self.path.last_mut() {
            let at = *vertex as usize;
            if *edge == self.first[at + 1] {
                self.close();
                continue;
            }
            let to = (self.ends)(*edge);
            *edge += 1;
            if self.number[to as usize] == UNKNOWN {
                self.enter(to);
            } else if self.is_open[to as usize] {
                self.low[at] = self.low[at].min(self.number[to as usize]);
            }
        }
    }

    fn close(&mut self) {
        let Some((vertex, _)) = self.path.pop() else { return };
        let at = vertex as usize;
        if self.low[at] == self.number[at] {
            let begins = self.open.iter().rposition(|open| *open == vertex).unwrap_or(0);
            let component = self.open.split_off(begins);
            for member in &component {
                self.is_open[*member as usize] = false;
            }
            self.found.push(component);
        }
        if let Some((before, _)) = self.path.last() {
            let before = *before as usize;
            self.low[before] = self.low[before].min(self.low[at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(vertices: usize, edges: &[(u32, u32)]) -> Vec<Vec<u32>> {
        let first =
            (0..=vertices as u32).map(|vertex| edges.partition_point(|(from, _)| *from < vertex) as u32);
        components(&first.collect::<Vec<u32>>(), |edge| edges[edge as usize].1)
    }

    #[test]
    fn a_cycle_is_one_group_and_what_follows_comes_later() {
        let mut found = groups(5, &[(0, 1), (1, 2), (2, 1), (2, 3), (3, 4)]);
        for component in &mut found {
            component.sort_unstable();
        }
        assert_eq!(found, [vec![0], vec![1, 2], vec![3], vec![4]]);
    }

    #[test]
    fn two_ways_to_one_place_are_no_cycle() {
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3)];
        let found = groups(4, &edges);
        let place = |vertex| found.iter().position(|component| component.contains(&vertex));
        assert_eq!(found.len(), 4);
        assert!(edges.iter().all(|(from, to)| place(*from) < place(*to)));
    }
}
