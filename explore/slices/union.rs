//! Slices of one system, put together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::exploration::{Exploration, FewPreemptions};
use crate::limits::Limits;
use crate::slices::found::FinalContents;

/// Slices of one system, put together one after the other.
#[derive(Clone, Debug, Default)]
pub struct Union {
    exploration: Option<Exploration>,
    contents: BTreeMap<u128, FinalContents>,
}

impl Union {
    /// Adds what was found in a slice. Of what several have found the first is kept, so that the order matters for the witnesses,
    /// and for nothing else.
    pub fn add(&mut self, found: Exploration, contents: BTreeMap<u128, FinalContents>) {
        self.contents.extend(contents);
        let Some(whole) = &mut self.exploration else {
            self.exploration = Some(found);
            return;
        };
        whole.violated |= found.violated;
        whole.reached |= found.reached;
        for (known, maximum) in whole.maxima.iter_mut().zip(found.maxima) {
            *known = maximum.max(*known);
        }
        let (all, of_slice) = (&mut whole.statistics, found.statistics);
        all.transitions += of_slice.transitions;
        all.executions += of_slice.executions;
        all.max_depth = all.max_depth.max(of_slice.max_depth);
        whole.final_states.extend(found.final_states);
        whole.deadlocks.extend(found.deadlocks);
        whole.ends.extend(found.ends);
        whole.calls.extend(&found.calls);
        whole.operations.extend(found.operations);
        whole.limits_hit.extend(found.limits_hit);
        for (property, way) in found.witnesses {
            whole.witnesses.entry(property).or_insert(way);
        }
    }

    /// Adds what was found of cycles.
    pub fn add_cycles(&mut self, found: Exploration) {
        let Some(whole) = &mut self.exploration else { return };
        whole.violated |= found.violated;
        if !whole.is_stopped() {
            whole.limits_hit.extend(found.limits_hit);
        }
        whole.witnesses.extend(found.witnesses);
        whole.lasso = found.lasso;
    }

    /// The whole, when it is known how many states the slices have together. `None`: there were no slices.
    pub fn whole(self, states: u64, limits: &Limits) -> Option<Exploration> {
        let mut whole = self.exploration?;
        whole.statistics.states = states;
        whole.statistics.final_states = self.contents.len() as u64;
        (whole.outcomes, whole.violating_outcomes) = <(BTreeMap<_, _>, BTreeMap<_, _>)>::default();
        for FinalContents { observed, violating } in self.contents.into_values() {
            let Some(observed) = observed else { continue };
            if violating {
                *whole.violating_outcomes.entry(observed.clone()).or_default() += 1;
            }
            *whole.outcomes.entry(observed).or_default() += 1;
        }
        let bounded = !whole.is_stopped() && whole.is_bounded_by_preemptions() && whole.violated == 0;
        whole.few_preemptions =
            bounded.then_some(FewPreemptions { none_up_to: limits.preemptions, states, found_with: None });
        Some(whole)
    }
}

/// How many different states there are in lists that are in order.
pub fn count_union<E>(lists: Vec<impl Iterator<Item = Result<u128, E>>>) -> Result<u64, E> {
    let mut lists: Vec<_> = lists;
    let mut next: BinaryHeap<Reverse<(u128, usize)>> = BinaryHeap::new();
    for (list, states) in lists.iter_mut().enumerate() {
        if let Some(state) = states.next() {
            next.push(Reverse((state?, list)));
        }
    }
    let (mut states, mut last) = (0, None);
    while let Some(Reverse((state, list))) = next.pop() {
        states += u64::from(last != Some(state));
        last = Some(state);
        if let Some(following) = lists[list].next() {
            next.push(Reverse((following?, list)));
        }
    }
    Ok(states)
}
