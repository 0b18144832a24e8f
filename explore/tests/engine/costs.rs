//! What runs cost, against all runs of random programs one by one, and known answers.

// Counts of small programs.
#![allow(clippy::cast_precision_loss)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stalemap_explore::{
    Amount, Choice, CostGraph, Limits, Meter, Most, Note, Quantity, Toll, cost_graph, cost_way,
};
use stalemap_facade::{ActorId, Event};

use crate::common::config;
use crate::common::program::{Program, Spent};
use crate::common::reference::{Graph, Priced};
use crate::common::strategy::{looping, spending, straight_line};

/// States up to which a program is looked at.
const MOST_STATES: usize = 2_000;
/// Transitions up to which all its runs are gone through.
const MOST_TRANSITIONS: u64 = 100_000;

/// How often 0 is spent.
const SUM: Quantity = 0;
/// How often 1 is spent since 2 was.
const STRETCH: Quantity = 1;
/// How much more often 1 is spent than 3.
const EXCESS: Quantity = 2;
/// How often 0 is spent by who has spent 2 before.
const AFTER: Quantity = 3;

struct TestMeter;

impl Meter for TestMeter {
    fn read(&self, event: &Event, items: &mut Vec<u32>) {
        items.extend(event.of::<Spent>().map(|spent| spent.0));
    }

    fn pay(&self, note: &mut Note, actor: ActorId, items: &[u32], tolls: &mut Vec<Toll>) {
        let mut toll = |quantity, amount| tolls.push(Toll { quantity, amount });
        for item in items {
            match item {
                0 => {
                    toll(SUM, Amount::Add(1));
                    if note.contains(&(actor as u32)) {
                        toll(AFTER, Amount::Add(1));
                    }
                }
                1 => {
                    toll(STRETCH, Amount::Add(1));
                    toll(EXCESS, Amount::Add(1));
                }
                2 => {
                    toll(STRETCH, Amount::Restart);
                    if !note.contains(&(actor as u32)) {
                        note.push(actor as u32);
                        note.sort_unstable();
                    }
                }
                _ => toll(EXCESS, Amount::Add(-1)),
            }
        }
    }
}

/// What a run has come to: the same, said without tolls.
#[derive(Clone, Default)]
struct Tally {
    now: [i64; 4],
    most: [i64; 4],
    have_spent_two: BTreeSet<ActorId>,
}

impl Tally {
    fn follow(&mut self, edge: &Priced) {
        for item in &edge.spent {
            match item {
                0 => {
                    self.now[0] += 1;
                    self.now[3] += i64::from(self.have_spent_two.contains(&edge.task));
                }
                1 => {
                    self.now[1] += 1;
                    self.now[2] += 1;
                }
                2 => {
                    self.now[1] = 0;
                    self.have_spent_two.insert(edge.task);
                }
                _ => self.now[2] -= 1,
            }
            for (most, now) in self.most.iter_mut().zip(self.now) {
                *most = (*most).max(now);
            }
        }
    }
}

/// What all runs come to, gone through one by one.
#[derive(Default)]
struct AllRuns {
    transitions: u64,
    most: [i64; 4],
    /// By final state: how many runs, and the sum of each count.
    finals: BTreeMap<usize, (f64, [f64; 4])>,
}

impl AllRuns {
    /// `None`: there are too many.
    fn of(graph: &Graph) -> Option<Self> {
        let mut all = AllRuns::default();
        all.from(graph, 0, &Tally::default()).then_some(all)
    }

    fn from(&mut self, graph: &Graph, state: usize, tally: &Tally) -> bool {
        for (most, run) in self.most.iter_mut().zip(tally.most) {
            *most = (*most).max(run);
        }
        if graph.is_final(state) {
            let (runs, sums) = self.finals.entry(state).or_default();
            *runs += 1.0;
            for (sum, now) in sums.iter_mut().zip(tally.now) {
                *sum += now as f64;
            }
        }
        graph.priced(state).iter().all(|edge| {
            self.transitions += 1;
            let mut next = tally.clone();
            next.follow(edge);
            if self.transitions > MOST_TRANSITIONS {
                return false;
            }
            if let Some(to) = edge.to {
                return self.from(graph, to, &next);
            }
            for (most, run) in self.most.iter_mut().zip(next.most) {
                *most = (*most).max(run);
            }
            true
        })
    }
}

fn costs_of(program: &Program) -> CostGraph {
    cost_graph(program, &TestMeter, &Limits::default()).expect("the engine can explore a program")
}

/// Goes a way in the graph, and says what it comes to and where it ends.
fn gone(graph: &Graph, way: &[Choice]) -> (Tally, Option<usize>) {
    let (mut tally, mut state) = (Tally::default(), Some(0));
    for choice in way {
        let from = state.expect("a run that was given up is over");
        let is_it = |edge: &&Priced| edge.task == choice.actor && edge.outcome == choice.outcome.unwrap_or(0);
        let edge = graph.priced(from).iter().find(is_it).expect("the way can be gone");
        tally.follow(edge);
        state = edge.to;
    }
    (tally, state)
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}

/// Of a program whose runs all end.
fn costs_are_those_of_all_runs(program: &Program) -> TestCaseResult {
    let graph = Graph::of(program, MOST_STATES).ok_or_else(|| TestCaseError::reject("too many states"))?;
    let costs = costs_of(program);
    prop_assert_eq!(costs.is_finite(), !graph.has_cycle());
    if graph.has_cycle() {
        // A daemon goes on for ever.
        prop_assert!(costs.mean(SUM).is_none());
        return Ok(());
    }
    let all = AllRuns::of(&graph).ok_or_else(|| TestCaseError::reject("too many runs"))?;
    prop_assert!(costs.vertices() >= graph.states());
    for quantity in [SUM, STRETCH, EXCESS, AFTER] {
        let at = usize::from(quantity);
        let Most::Is(most, moves) = costs.most(quantity) else { panic!("runs end") };
        prop_assert_eq!(most, all.most[at], "quantity {}", quantity);
        let way = cost_way(program, &moves).expect("a way");
        // What was spent and begun anew in one transition was that much for a moment.
        prop_assert_eq!(gone(&graph, &way).0.most[at], most, "the way of quantity {}", quantity);
    }
    for quantity in [SUM, EXCESS, AFTER] {
        let at = usize::from(quantity);
        let states = all.finals.len() as f64;
        let Some(mean) = costs.mean(quantity) else {
            prop_assert!(all.finals.is_empty());
            continue;
        };
        let runs: f64 = all.finals.values().map(|(runs, _)| runs).sum();
        let of_runs = all.finals.values().map(|(_, sums)| sums[at]).sum::<f64>() / runs;
        let of_states = all.finals.values().map(|(runs, sums)| sums[at] / runs).sum::<f64>() / states;
        prop_assert!(close(mean.of_runs, of_runs), "{:?} {}", mean, of_runs);
        prop_assert!(close(mean.of_states, of_states), "{:?} {}", mean, of_states);
    }
    Ok(())
}

/// Whether some run can spend 0 again and again: the end of a transition that spends it reaches its beginning.
fn can_be_repeated(graph: &Graph) -> bool {
    let reaches = |from: usize, to: usize| {
        let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
        while let Some(state) = open.pop() {
            open.extend(
                graph.priced(state).iter().filter_map(|edge| edge.to).filter(|next| seen.insert(*next)),
            );
        }
        seen.contains(&to)
    };
    let states = 0..graph.states() as usize;
    states.into_iter().any(|state| {
        let spends = graph.priced(state).iter().filter(|edge| edge.spent.contains(&0));
        spends.filter_map(|edge| edge.to).any(|to| reaches(to, state))
    })
}

/// Of a program whose runs may go on for ever.
fn what_grows_for_ever_is_found(program: &Program) -> TestCaseResult {
    let graph = Graph::of(program, 300).ok_or_else(|| TestCaseError::reject("too many states"))?;
    let costs = costs_of(program);
    match costs.most(SUM) {
        Most::Unbounded(stem, cycle) => {
            prop_assert!(can_be_repeated(&graph));
            let (stem, cycle) = (cost_way(program, &stem).expect("a way"), {
                let both = [stem, cycle].concat();
                cost_way(program, &both).expect("a way")
            });
            let (before, at) = gone(&graph, &stem);
            let (after, again) = gone(&graph, &cycle);
            prop_assert!(cycle.len() > stem.len() && after.now[0] > before.now[0]);
            prop_assert_eq!(at, again, "it goes round");
        }
        Most::Is(most, moves) => {
            prop_assert!(!can_be_repeated(&graph));
            let way = cost_way(program, &moves).expect("a way");
            prop_assert_eq!(gone(&graph, &way).0.now[0], most);
            // No way of fewer transitions than the graph has comes to more.
            prop_assert!(most <= relaxed(&graph));
        }
    }
    Ok(())
}

/// The most that 0 is spent on a way of as many transitions as there are states, or fewer.
fn relaxed(graph: &Graph) -> i64 {
    let states = graph.states() as usize;
    let mut best = vec![None; states];
    best[0] = Some(0_i64);
    let mut most = 0;
    for _ in 0..states {
        let before = best.clone();
        for (state, count) in before.iter().enumerate().filter_map(|(state, count)| Some((state, (*count)?)))
        {
            for edge in graph.priced(state) {
                let count = count + edge.spent.iter().map(|item| i64::from(*item == 0)).sum::<i64>();
                most = most.max(count);
                if let Some(to) = edge.to {
                    best[to] = best[to].max(Some(count));
                }
            }
        }
    }
    most
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn costs_of_straight_line_programs_are_those_of_all_runs(program in spending(straight_line())) {
        costs_are_those_of_all_runs(&program)?;
    }

    #[test]
    fn costs_that_grow_for_ever_are_found(program in spending(looping())) {
        what_grows_for_ever_is_found(&program)?;
    }
}

mod known {
    use stalemap_explore::LimitHit;
    use stalemap_facade::Role;

    use super::*;
    use crate::common::program::{Operand, Repeat, Statement, Task};

    fn task(steps: Vec<Statement>, repeat: Repeat) -> Task {
        Task { role: Role::Main, steps: vec![steps], repeat }
    }

    fn store(value: u64) -> Statement {
        Statement::Store(0, Operand::Constant(value))
    }

    #[test]
    fn the_most_is_of_the_run_that_comes_to_it_and_the_mean_of_all() {
        // The first spends if it sees the store of the second.
        let sees = Statement::Skip {
            unless: crate::common::program::Test {
                register: 0,
                is: crate::common::program::Condition::Equal,
                operand: Operand::Constant(1),
            },
            statements: 1,
        };
        let looks = task(vec![Statement::Load(0, 0), sees, Statement::Spend(0)], Repeat::Never);
        let stores = task(vec![store(1)], Repeat::Never);
        let program = Program { tasks: vec![looks, stores], unused: 0 };
        let costs = costs_of(&program);
        let Most::Is(most, way) = costs.most(SUM) else { panic!("runs end") };
        assert_eq!((most, way.len()), (1, 2));
        let mean = costs.mean(SUM).expect("runs end");
        // Two runs, one final state.
        assert!(close(mean.of_runs, 0.5) && close(mean.of_states, 0.5), "{mean:?}");
    }

    #[test]
    fn what_repeats_for_ever_has_no_most_and_no_mean() {
        let spends = task(vec![store(1), Statement::Spend(0)], Repeat::Forever);
        let program = Program { tasks: vec![spends], unused: 0 };
        let costs = costs_of(&program);
        assert!(!costs.is_finite());
        assert!(matches!(costs.most(SUM), Most::Unbounded(_, cycle) if cycle.len() == 1));
        assert!(costs.mean(SUM).is_none());
        assert_eq!(costs.most(AFTER), Most::Is(0, Vec::new()));
    }

    #[test]
    fn a_limit_of_states_is_told() {
        let program = Program {
            tasks: vec![task(vec![store(1), store(2), Statement::Spend(0)], Repeat::Never)],
            unused: 0,
        };
        let limits = Limits { states: Some(1), ..Limits::default() };
        let costs = cost_graph(&program, &TestMeter, &limits).expect("a program");
        assert_eq!(costs.limits_hit, BTreeSet::from([LimitHit::States]));
    }
}
