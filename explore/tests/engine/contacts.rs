//! What actors have to do with each other, against all states of random programs one by one, and known answers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stalemap_explore::{Limits, contacts};
use stalemap_facade::ActorId;

use crate::common::config;
use crate::common::program::Program;
use crate::common::reference::{Graph, Priced};
use crate::common::strategy::{looping, straight_line};

/// States up to which a program is looked at.
const MOST_STATES: usize = 2_000;

fn enabled(graph: &Graph, state: usize) -> BTreeSet<ActorId> {
    graph.priced(state).iter().map(|edge| edge.task).collect()
}

/// Where the same outcome of the same operation leads from a state.
fn leads(graph: &Graph, state: usize, like: &Priced) -> Option<usize> {
    let same = |edge: &&Priced| (edge.task, edge.outcome) == (like.task, like.outcome);
    graph.priced(state).iter().find(same).and_then(|edge| edge.to)
}

/// Every state is looked at; two operations of actors that have no race lead to the same state in either order; and whoever waits
/// does so as often as the graph says.
fn agrees(program: &Program) -> TestCaseResult {
    let graph = Graph::of(program, MOST_STATES).ok_or_else(|| TestCaseError::reject("too many states"))?;
    let found = contacts(program, &Limits::default()).expect("the engine can explore a program");
    prop_assert_eq!(found.states, graph.states());
    prop_assert_eq!(found.is_complete, graph.given_up() == 0);
    let races = |one: &Priced, other: &Priced| {
        let pair = (one.task.min(other.task), one.task.max(other.task));
        found.pairs.get(&pair).is_some_and(|contact| contact.races > 0)
    };
    let mut waits: BTreeMap<(ActorId, ActorId), u64> = BTreeMap::new();
    for state in 0..graph.states() as usize {
        let edges = graph.priced(state);
        for one in edges {
            let Some(to) = one.to else { continue };
            for waiter in
                enabled(&graph, to).difference(&enabled(&graph, state)).filter(|it| **it != one.task)
            {
                *waits.entry((*waiter, one.task)).or_default() += 1;
            }
            for other in edges.iter().filter(|other| other.task != one.task && !races(one, other)) {
                let Some(there) = other.to else { continue };
                prop_assert_eq!(leads(&graph, to, other), leads(&graph, there, one));
            }
        }
    }
    for contact in found.pairs.values() {
        prop_assert!(contact.conflict || contact.races == 0);
        let most = contact.operations.values().max().copied().unwrap_or(0);
        prop_assert!(most <= contact.races);
        prop_assert_eq!(contact.operations.values().sum::<u64>(), contact.races);
    }
    if found.is_complete {
        let mut told: BTreeMap<(ActorId, ActorId), u64> = BTreeMap::new();
        for (wait, times) in &found.waits {
            *told.entry((wait.waiter, wait.holder)).or_default() += times;
        }
        prop_assert_eq!(told, waits);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn of_straight_programs_what_is_said_is_so(program in straight_line()) {
        agrees(&program)?;
    }

    #[test]
    fn of_programs_with_loops_what_is_said_is_so(program in looping()) {
        agrees(&program)?;
    }
}

#[test]
fn a_limit_is_told() {
    let program = Program { tasks: Vec::new(), unused: 0 };
    let none = Limits { states: Some(0), ..Limits::default() };
    let found = contacts(&program, &none).expect("nothing to explore");
    assert!(!found.is_complete && found.states == 0);
    assert!(contacts(&program, &Limits::default()).expect("nothing to explore").is_complete);
}
