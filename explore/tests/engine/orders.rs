//! Orders turned round: which are tried, which of them decide, and that what is said of them is so.

use std::ops::ControlFlow;

use Statement::{Load, Lock, LockWhen, Modify, Store, Unlock, Violate};
use proptest::prelude::*;
use stalemap_explore::{Limits, Options, Order, Step, Turned, explore, orders, replay};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Lock as _, MemoryModel, Op, Role, System};

use crate::common::config;
use crate::common::names::properties;
use crate::common::program::{Change, Condition, Operand, Program, Statement, Task, Test};
use crate::common::reference::Graph;
use crate::common::small::Small;
use crate::common::strategy::straight_line;

/// States up to which a random program is looked at.
const MOST_STATES: usize = 4_000;

fn program(tasks: [Vec<Statement>; 2]) -> Program {
    let task = |statements| Task {
        role: Role::Main,
        steps: vec![statements],
        repeat: crate::common::program::Repeat::Never,
    };
    Program { tasks: tasks.map(task).into(), unused: 0 }
}

/// A task that samples an atomic twice, passes the lock in between, and violates the property if the last sample is
/// another than the first use of it says.
fn sampler(section: Statement) -> Vec<Statement> {
    let differs = Test { register: 0, is: Condition::Different, operand: Operand::Register(1) };
    vec![
        Load(0, 0),
        Load(0, 0),
        section,
        Modify(0, Change::Add(Operand::Constant(1))),
        Unlock(0),
        Load(0, 1),
        Violate(differs, properties::LOST_WRITE),
    ]
}

/// A task that passes the lock and changes the atomic.
fn changer(section: Statement) -> Vec<Statement> {
    vec![section, Unlock(0), Store(0, Operand::Constant(1))]
}

/// What comes of turning the orders of a run in which the change falls between the last sample and its use.
fn turned(program: &Program, waits: &str) -> Vec<(usize, usize, bool, Turned)> {
    let run = [(0, "load 0"), (0, "load 0"), (0, "lock 0"), (1, waits), (1, "store 0"), (0, "load 0")];
    let specs = program.actors();
    let step = |(task, op): (usize, &str)| Step {
        line: None,
        actor: specs[task].name.clone(),
        op: op.to_owned(),
        outcome: None,
        older: Vec::new(),
    };
    let steps: Vec<Step> = run.into_iter().map(step).collect();
    let replay = replay(program, &steps).expect("the run is one of the program's");
    assert_eq!(replay.violated, [properties::LOST_WRITE]);
    let found = orders(program, &steps, &replay.played, properties::LOST_WRITE).expect("a sound program");
    found.iter().map(|order| (order.first, order.second, order.direct, order.turned)).collect()
}

#[test]
fn an_order_that_follows_from_a_hand_over_decides_without_it() {
    use Turned::{Avoided, StillViolated};
    let program = program([sampler(Lock(0)), changer(Lock(0))]);
    // The first sample's order says no more than the second's, and who has the lock first decides nothing.
    let expected = [(2, 3, true, StillViolated), (1, 4, false, Avoided), (4, 5, true, Avoided)];
    assert_eq!(turned(&program, "lock 0"), expected);
}

#[test]
fn what_waits_cannot_come_first() {
    use Turned::{Avoided, Impossible};
    let waits = LockWhen(0, Condition::Equal, Operand::Constant(1));
    let program = program([sampler(Lock(0)), changer(waits)]);
    let expected = [(2, 3, true, Impossible), (4, 5, true, Avoided)];
    assert_eq!(turned(&program, "lock_when 0"), expected);
}

/// What an actor of a small system in relaxed memory does.
enum Access {
    /// Takes a lock that has nothing to do with the words.
    Section,
    Store(usize, u64),
    /// Goes on only if it reads this.
    Expect(usize, u64),
}

/// A writer and a reader; what the reader comes to the end of violates the property.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    writer: &'static [Access],
    reader: &'static [Access],
}

pub(crate) struct Mail<B: Backend> {
    backend: B,
    lock: B::Lock<u64>,
    words: [B::Atomic; 2],
}

impl System for Message {
    type World<B: Backend> = Mail<B>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Mail<B> {
        Mail {
            backend: backend.clone(),
            lock: backend.lock("lock", 0),
            words: [backend.atomic("data", 0), backend.atomic("flag", 0)],
        }
    }

    fn memory(&self) -> MemoryModel {
        MemoryModel::Relaxed
    }

    fn actors(&self) -> Vec<ActorSpec> {
        ["writer", "reader"].map(|name| ActorSpec { name: name.to_owned(), role: Role::Main }).into()
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(&self, mail: &Mail<B>, me: ActorId, (): ()) -> ControlFlow<(), ()> {
        for access in if me == 0 { self.writer } else { self.reader } {
            match *access {
                Access::Section => *mail.lock.lock(Op::new("lock")).await += 1,
                Access::Store(word, value) => {
                    mail.words[word].store(Op::on("store", word as u32), value, Relaxed).await;
                }
                Access::Expect(word, value) => {
                    if mail.words[word].load(Op::on("load", word as u32), Relaxed).await != value {
                        return ControlFlow::Break(());
                    }
                }
            }
        }
        if me == 1 {
            mail.backend.violate(properties::STALE_READ, String::new);
        }
        ControlFlow::Break(())
    }

    fn observe<B: Backend>(&self, _: &Mail<B>) -> Option<String> {
        None
    }
}

impl Message {
    /// What comes of turning two transitions of a run round.
    fn turned(&self, run: &[(&str, &str, &[u32])], order: (usize, usize)) -> Option<Turned> {
        let step = |(actor, op, older): &(&str, &str, &[u32])| Step {
            line: None,
            actor: (*actor).to_owned(),
            op: (*op).to_owned(),
            outcome: None,
            older: older.to_vec(),
        };
        let steps: Vec<Step> = run.iter().map(step).collect();
        let system = Small::from(*self);
        let replay = replay(&system, &steps).expect("the run is one of the system's");
        assert_eq!(replay.violated, [properties::STALE_READ]);
        let found = orders(&system, &steps, &replay.played, properties::STALE_READ).expect("a sound system");
        let found = found.iter().find(|found| (found.first, found.second) == order);
        found.map(|found| found.turned)
    }
}

#[test]
fn what_can_be_read_behind_the_latest_is_tried_again() {
    use Access::{Expect, Section, Store};
    let passed_on = Message {
        writer: &[Section, Store(0, 1), Store(1, 1)],
        reader: &[Section, Expect(1, 1), Expect(0, 0)],
    };
    let run: [(&str, &str, &[u32]); 6] = [
        ("writer", "lock", &[]),
        ("reader", "lock", &[]),
        ("writer", "store 0", &[]),
        ("writer", "store 1", &[]),
        ("reader", "load 1", &[]),
        ("reader", "load 0", &[1]),
    ];
    let decides_nothing = "who has the lock first decides nothing";
    assert_eq!(passed_on.turned(&run, (0, 1)), Some(Turned::StillViolated), "{decides_nothing}");
    assert_eq!(passed_on.turned(&run, (3, 4)), Some(Turned::Avoided), "a flag that is not raised yet does");
}

#[test]
fn a_message_is_not_its_place_behind_the_latest() {
    use Access::{Expect, Store};
    let overwritten = Message { writer: &[Store(0, 1), Store(0, 2)], reader: &[Expect(0, 1)] };
    let run: [(&str, &str, &[u32]); 3] =
        [("writer", "store 0", &[]), ("writer", "store 0", &[]), ("reader", "load 0", &[1])];
    // Before the second store the first one is the latest.
    assert_eq!(overwritten.turned(&run, (1, 2)), Some(Turned::StillViolated));
}

/// Turns the orders of every way that a search met to a violation.
fn orders_are_as_said(program: &Program) -> Result<(), TestCaseError> {
    let graph = Graph::of(program, MOST_STATES).ok_or_else(|| TestCaseError::reject("too many states"))?;
    let specs = program.actors();
    let exploration =
        explore(program, &Options { limits: Limits::default(), ..Options::default() }, &mut |_| ())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
    for (property, way) in &exploration.witnesses {
        let steps: Vec<Step> = way.iter().map(|choice| choice.to_step(&specs)).collect();
        let replay = replay(program, &steps).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let found = orders(program, &steps, &replay.played, *property)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let direct = |order: &&Order| order.direct;
        let pairs: Vec<_> = found.iter().filter(direct).map(|order| (order.first, order.second)).collect();
        let depends = replay.played.iter().enumerate();
        let depends: Vec<_> =
            depends.flat_map(|(at, played)| played.depends_on.iter().map(move |on| (*on, at))).collect();
        prop_assert_eq!(pairs, depends, "the direct ones are all there, and in order");
        for order in &found {
            if order.turned == Turned::Avoided {
                prop_assert!(graph.avoids(*property), "every run violates {}", property);
            } else {
                prop_assert!(order.direct, "what decides nothing is not kept");
            }
            let narrower = |other: &&Order| {
                other.turned == Turned::Avoided
                    && other != &order
                    && order.first <= other.first
                    && other.second <= order.second
            };
            prop_assert!(order.direct || !found.iter().any(|other| narrower(&other)));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn orders_of_random_programs_are_as_said(program in straight_line()) {
        orders_are_as_said(&program)?;
    }
}
