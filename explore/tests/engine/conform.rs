//! Whether something observed is a run: against all runs of random programs.
//!
//! Observed is who moves, of some tasks; the others are free. Such a sequence is a run's if the graph of the reference has a path to a final
//! state with just these moves of theirs, which is looked for by following all paths at once.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stalemap_explore::{Explanation, LimitHit, Limits, Move, Observation, explain, replay};
use stalemap_facade::{ActorId, Role, System};

use crate::common::config;
use crate::common::program::{Operand, Program, Repeat, Statement, Task};
use crate::common::reference::Graph;
use crate::common::strategy::{looping, straight_line};

/// States up to which a program is looked at.
const MOST_STATES: usize = 4_000;

/// The moves of some tasks.
#[derive(Debug, Clone)]
struct Moves {
    /// The tasks that are observed, as a set.
    tasks: u64,
    /// Who of them moves, in order.
    order: Vec<ActorId>,
}

impl Observation for Moves {
    type Position = usize;

    fn start(&self) -> usize {
        0
    }

    fn after(&self, position: &usize, moved: &Move<'_>) -> Vec<usize> {
        if self.tasks & 1 << moved.actor == 0 {
            return vec![*position];
        }
        let next = self.order.get(*position).filter(|next| **next == moved.actor);
        next.map(|_| position + 1).into_iter().collect()
    }

    fn explained(&self, position: &usize) -> usize {
        *position
    }

    fn is_complete(&self, position: &usize, ended: bool) -> bool {
        ended && *position == self.order.len()
    }
}

/// What is asked about a program: some tasks, and numbers of which moves are made.
fn asked() -> impl Strategy<Value = (u64, Vec<u8>, bool)> {
    (1..16_u64, prop::collection::vec(any::<u8>(), 0..40), any::<bool>())
}

/// Moves of a run of the program, which numbers lead; or of none, if some of them are changed.
fn observed(graph: &Graph, tasks: u64, numbers: &[u8], changed: bool) -> Moves {
    let mut order: Vec<ActorId> =
        graph.walk(numbers).into_iter().filter(|task| tasks & 1 << task != 0).collect();
    if let Some(number) = numbers.first().filter(|_| changed && !order.is_empty()) {
        let place = usize::from(*number) % order.len();
        match number % 3 {
            0 => order.truncate(place),
            1 => order.push(order[place]),
            _ => order.swap(0, place),
        }
    }
    Moves { tasks, order }
}

fn is_explained_as_by_all_runs(program: &Program, asked: &(u64, Vec<u8>, bool)) -> TestCaseResult {
    let (tasks, numbers, changed) = asked;
    let graph = Graph::of(program, MOST_STATES).ok_or_else(|| TestCaseError::reject("too many states"))?;
    let moves = observed(&graph, *tasks, numbers, *changed);
    let (is_run, most) = graph.has_run(*tasks, &moves.order);
    let fail = |error: &dyn std::fmt::Display| TestCaseError::fail(error.to_string());
    match explain(program, &moves, &Limits::default()).map_err(|error| fail(&error))? {
        Explanation::Explained { steps, .. } => {
            prop_assert!(is_run);
            let names = program.actors();
            let name_of = |actor: &ActorId| names[*actor].name.clone();
            let of_those = |name: &str| moves.order.iter().any(|actor| name_of(actor) == name);
            let who: Vec<String> =
                steps.iter().map(|step| step.actor.clone()).filter(|name| of_those(name)).collect();
            prop_assert_eq!(who, moves.order.iter().map(name_of).collect::<Vec<_>>());
            let replayed = replay(program, &steps).map_err(|error| fail(&error))?;
            prop_assert!(replayed.epilogue.is_some(), "it plays to the end");
        }
        Explanation::Unexplained { explained, position, .. } => {
            prop_assert!(!is_run);
            prop_assert_eq!((explained, position), (most, most));
        }
        Explanation::Undecided(LimitHit::Bound(bound)) => {
            prop_assert!(!is_run && graph.cut_by().contains(&bound));
        }
        Explanation::Undecided(hit) => return Err(TestCaseError::fail(format!("{hit:?} without a limit"))),
        Explanation::Halted(_) => return Err(TestCaseError::reject("the setup is no subject here")),
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn moves_of_straight_line_programs_are_explained(program in straight_line(), asked in asked()) {
        is_explained_as_by_all_runs(&program, &asked)?;
    }

    #[test]
    fn moves_of_looping_programs_are_explained(program in looping(), asked in asked()) {
        is_explained_as_by_all_runs(&program, &asked)?;
    }
}

/// Two tasks that store one after the other: either order is a run, none of them twice is, and a limit decides nothing.
#[test]
fn what_contradicts_is_offered() {
    let store = |value: u64| Task {
        role: Role::Main,
        steps: vec![vec![Statement::Store(0, Operand::Constant(value))]],
        repeat: Repeat::Never,
    };
    let program = Program { tasks: vec![store(1), store(2)], unused: 0 };
    let asked = |order: Vec<ActorId>, states: Option<u64>| {
        let limits = Limits { states, ..Limits::default() };
        explain(&program, &Moves { tasks: 0b11, order }, &limits).expect("a program that runs")
    };
    for order in [vec![0, 1], vec![1, 0]] {
        let Explanation::Explained { steps, positions, pairs } = asked(order, None) else { panic!("a run") };
        assert_eq!((steps.len(), positions, pairs), (2, vec![1, 2], 3));
    }
    let Explanation::Unexplained { explained, steps, offers, .. } = asked(vec![0, 0], None) else {
        panic!("no run")
    };
    assert_eq!((explained, steps.len()), (1, 1));
    assert_eq!(offers.iter().map(|offer| offer.actor.as_str()).collect::<Vec<_>>(), ["task 1"]);
    assert!(matches!(asked(vec![0, 0], Some(1)), Explanation::Undecided(LimitHit::States)));
}
