//! Systems whose state spaces can be counted by hand.
//!
//! Each test is one textbook situation with the numbers that a reader can check on paper. Where random
//! programs (`differential.rs`) say that something is wrong somewhere, these say what.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Duration;

use stalemap_explore::{
    Counterexample, EngineError, Exploration, FewPreemptions, Halt, Halted, LimitHit, Limits, Options,
    Progress, Replay, Statistics, Step, Witness, explore, least_witness, minimal_counterexample, replay,
};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{
    ActorId, ActorSpec, Atomic, Backend, Leaf, Lock, MemoryModel, Op, Property, Role, System,
};

use crate::common::names::{bounds, branches, properties};

/// The memory that all of them use some of.
struct World<B: Backend> {
    backend: B,
    a: B::Lock<u64>,
    b: B::Lock<u64>,
    x: B::Atomic,
    y: B::Atomic,
    log: B::Leaf<Vec<u64>>,
}

impl<B: Backend> World<B> {
    fn note(&self, value: u64) {
        self.log.update(|log| log.push(value));
    }
}

const DONE: ControlFlow<(), u64> = ControlFlow::Break(());

fn again(round: u64) -> ControlFlow<(), u64> {
    ControlFlow::Continue(round)
}

const fn op(name: &'static str) -> Op {
    Op::new(name)
}

/// Declares a system by its actors and their step.
macro_rules! system {
    ($(#[$meta:meta])* $name:ident [$($actor:literal: $role:ident),*] |$w:pat_param, $me:pat_param, $round:pat_param| $body:block) => {
        $(#[$meta])*
        #[allow(non_upper_case_globals)]
        const $name: Classic = Classic::$name;

        #[allow(clippy::empty_enums)]
        enum $name {}

        impl $name {
            const ACTORS: &[(&'static str, Role)] = &[$(($actor, Role::$role)),*];

            async fn step<B: Backend>($w: &World<B>, $me: ActorId, $round: u64) -> ControlFlow<(), u64> {
                $body
            }
        }
    };
}

/// All of them are one type to the compiler, which would otherwise compile the engines for each.
macro_rules! classics {
    ($($name:ident),*) => {
        #[derive(Clone, Copy)]
        enum Classic {
            $($name),*
        }

        impl Classic {
            fn specs(self) -> &'static [(&'static str, Role)] {
                match self {
                    $(Classic::$name => $name::ACTORS),*
                }
            }

            async fn go<B: Backend>(self, w: &World<B>, me: ActorId, round: u64) -> ControlFlow<(), u64> {
                match self {
                    $(Classic::$name => $name::step(w, me, round).await),*
                }
            }
        }
    };
}

classics! {
    LostUpdate, Philosophers, Handshake, OneItem, TryLock, Choices, Nothing, Counter, Apart, Polite,
    Spin, Forgotten, Undoing, Server, Tired, Eager, Silent, GivesUp, GivesUpBeside, GivesUpLate, GivesUpAtOnce, Wide,
    GivesUpEarly, Fickle, Confused, Distracted, Hasty, Restless, Stuck, Restive, Helped,
    RestiveLate, StuckLate, GivesUpOrSpins, Deep, Served, GivesUpFirst, TooManyMessages, LateCorner, SpinsOrWalks,
    Detour, Broad, Deeper, ChoosesFirst, ChoosesLast, TriesAgain, AnyOrder, Twins
}

impl System for Classic {
    type World<B: Backend> = World<B>;
    type State = u64;

    fn memory(&self) -> MemoryModel {
        match self {
            Classic::TooManyMessages => MemoryModel::Relaxed,
            _ => MemoryModel::Sequential,
        }
    }

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        World {
            backend: backend.clone(),
            a: backend.lock("a", 0),
            b: backend.lock("b", 0),
            x: backend.atomic("x", 0),
            y: backend.atomic("y", 0),
            log: backend.leaf("log", Vec::new()),
        }
    }

    fn actors(&self) -> Vec<ActorSpec> {
        self.specs().iter().map(|(name, role)| ActorSpec { name: (*name).to_owned(), role: *role }).collect()
    }

    fn start(&self, _: ActorId) -> u64 {
        0
    }

    async fn step<B: Backend>(&self, w: &World<B>, me: ActorId, round: u64) -> ControlFlow<(), u64> {
        self.go(w, me, round).await
    }

    fn observe<B: Backend>(&self, w: &World<B>) -> Option<String> {
        Some(format!("x={} y={} log={:?}", w.x.peek(), w.y.peek(), w.log.read(Clone::clone)))
    }

    fn gutter<B: Backend>(&self, w: &World<B>) -> Vec<(String, String)> {
        vec![("all".to_owned(), self.observe(w).unwrap_or_default())]
    }
}

fn explored_with(system: &impl System, visited_set: bool, sleep_sets: bool, limits: Limits) -> Exploration {
    let options = Options { visited_set, sleep_sets, limits, ..Options::default() };
    explore(system, &options, &mut |_| ()).expect("the system is well-behaved")
}

/// Everything, with both reductions.
fn explored(system: &impl System) -> Exploration {
    explored_with(system, true, true, Limits::default())
}

/// Plain enumeration.
fn enumerated(system: &impl System) -> Exploration {
    explored_with(system, false, false, Limits::default())
}

fn error_of(system: &impl System) -> EngineError {
    explore(system, &Options::default(), &mut |_| ()).expect_err("the system is broken")
}

fn least(system: &impl System, property: Property) -> Option<Counterexample> {
    minimal_counterexample(system, property, &Limits::default()).expect("the system is well-behaved")
}

fn replayed(system: &impl System, found: &Counterexample) -> Replay {
    let specs = system.actors();
    let steps: Vec<Step> = found.schedule.iter().map(|choice| choice.to_step(&specs)).collect();
    replay(system, &steps).expect("a counterexample can be replayed")
}

fn outcomes(found: &Exploration) -> Vec<(&str, u64)> {
    found.outcomes.iter().map(|(outcome, count)| (outcome.as_str(), *count)).collect()
}

system! {
    /// Two increments in two operations each. The checker at the end expects both.
    LostUpdate ["one": Main, "two": Main, "checker": Epilogue] |w, me, _| {
        let seen = w.x.load(op("load"), Relaxed).await;
        if me < 2 {
            w.x.store(op("store"), seen + 1, Relaxed).await;
        } else if seen != 2 {
            w.backend.violate(properties::LOST_WRITE, || format!("x is {seen}"));
        }
        DONE
    }
}

#[test]
fn an_update_is_lost_and_only_the_epilogue_sees_it() {
    let plain = enumerated(&LostUpdate);
    // Four operations, two of each: 4!/(2! 2!) orders, and 1 + 2 + 4 + 6 + 6 beginnings of orders.
    let expected = Statistics { states: 19, transitions: 18, executions: 6, max_depth: 4, final_states: 2 };
    assert_eq!(plain.statistics, expected);
    let with_set = explored_with(&LostUpdate, true, false, Limits::default());
    // A state is who has loaded what and who has stored: 12 of them, two of them final.
    let expected = Statistics { states: 12, transitions: 14, executions: 5, ..expected };
    assert_eq!(with_set.statistics, expected);
    for found in [plain, with_set, explored(&LostUpdate)] {
        assert_eq!(found.violated, properties::LOST_WRITE.bit());
        assert_eq!(outcomes(&found), [("x=1 y=0 log=[]", 1), ("x=2 y=0 log=[]", 1)]);
        assert!(found.deadlocks.is_empty());
    }

    let found = least(&LostUpdate, properties::LOST_WRITE).expect("it is violated");
    assert_eq!((found.preemptions, found.operations, found.certified), (1, 4, true));
    let replay = replayed(&LostUpdate, &found);
    assert!(replay.played.iter().all(|played| played.violated.is_empty()));
    let epilogue = replay.epilogue.expect("everybody has finished");
    assert_eq!(epilogue.violated, [properties::LOST_WRITE]);
    assert_eq!(epilogue.observed.as_deref(), Some("x=1 y=0 log=[]"));
    assert_eq!(epilogue.events.len(), 1);
}

#[test]
fn preemption_bounds_are_reported_when_they_bite() {
    let bounded = |preemptions| {
        let limits = Limits { preemptions: Some(preemptions), ..Limits::default() };
        let found = explored_with(&LostUpdate, true, true, limits);
        (found.violated, found.limits_hit.into_iter().collect::<Vec<_>>())
    };
    let violated = properties::LOST_WRITE.bit();
    assert_eq!(bounded(0), (0, vec![LimitHit::Preemptions]));
    assert_eq!(bounded(1), (violated, vec![LimitHit::Preemptions]));
    // Nobody can be preempted more often than between its two operations.
    assert_eq!(bounded(2), (violated, vec![]));
}

#[test]
fn limits_of_states_memory_and_time_are_reported() {
    let hit =
        |limits| explored_with(&LostUpdate, true, true, limits).limits_hit.into_iter().collect::<Vec<_>>();
    assert_eq!(hit(Limits { states: Some(12), ..Limits::default() }), []);
    assert_eq!(hit(Limits { states: Some(11), ..Limits::default() }), [LimitHit::States]);
    assert_eq!(hit(Limits { memory: Some(0), ..Limits::default() }), [LimitHit::Memory]);
    assert_eq!(hit(Limits { time: Some(Duration::ZERO), ..Limits::default() }), [LimitHit::Seconds]);
}

#[test]
fn a_limit_of_memory_holds_for_runs_with_few_preemptions() {
    let limits = Limits { memory: Some(0), ..Limits::default() };
    let found = explored_with(&LostUpdate, true, true, limits);
    assert_eq!((found.violated, found.few_preemptions), (0, Some(FewPreemptions::default())));
}

system! {
    /// Two locks taken in opposite orders.
    Philosophers ["left": Main, "right": Main] |w, me, _| {
        if me == 0 {
            let _a = w.a.lock(op("lock a")).await;
            let _b = w.b.lock(op("lock b")).await;
        } else {
            let _b = w.b.lock(op("lock b")).await;
            let _a = w.a.lock(op("lock a")).await;
        }
        DONE
    }
}

#[test]
fn opposite_orders_deadlock() {
    let plain = enumerated(&Philosophers);
    // One after the other, in two orders; or one lock each, in two orders.
    assert_eq!((plain.statistics.states, plain.statistics.executions), (11, 4));
    let found = explored(&Philosophers);
    assert_eq!(found.statistics.states, 9);
    assert_eq!((found.deadlocks.len(), found.final_states.len()), (1, 1));
    assert_eq!(found.deadlocks, plain.deadlocks);
    assert_eq!(found.violated, properties::DEADLOCK.bit());

    let found = least(&Philosophers, properties::DEADLOCK).expect("there is one");
    assert_eq!((found.preemptions, found.operations), (1, 2));
    let replay = replayed(&Philosophers, &found);
    assert_eq!(replay.deadlock, [(0, "lock b".to_owned()), (1, "lock a".to_owned())]);
    assert_eq!(replay.violated, [properties::DEADLOCK]);
}

system! {
    /// A consumer waits for a producer, and then the other way round.
    Handshake ["producer": Main, "consumer": Main] |w, me, _| {
        let turn = me as u64;
        *w.a.lock_when(op("wait"), |phase, turn| *phase == turn, turn).await += 1;
        w.note(turn);
        *w.a.lock_when(op("wait again"), |phase, turn| *phase == turn + 2, turn).await += 1;
        w.note(turn + 2);
        DONE
    }
}

#[test]
fn a_handshake_has_one_execution() {
    for found in [enumerated(&Handshake), explored(&Handshake)] {
        assert_eq!((found.statistics.executions, found.statistics.states), (1, 5));
        assert_eq!(outcomes(&found), [("x=0 y=0 log=[0, 1, 2, 3]", 1)]);
        assert_eq!(found.violated, 0);
    }
}

system! {
    /// One item and two who wait for it.
    OneItem ["producer": Main, "first": Main, "second": Main] |w, me, _| {
        match me {
            0 => *w.a.lock(op("produce")).await += 1,
            _ => *w.a.lock_when(op("consume"), |items, _| *items > 0, 0).await -= 1,
        }
        DONE
    }
}

#[test]
fn whoever_waits_for_nothing_deadlocks() {
    let found = explored(&OneItem);
    assert_eq!((found.deadlocks.len(), found.final_states.len()), (2, 0));
}

system! {
    /// A try-lock against a lock that is held across an operation.
    TryLock ["holder": Main, "trier": Main] |w, me, _| {
        if me == 0 {
            let _guard = w.a.lock(op("lock")).await;
            w.x.load(op("load"), Relaxed).await;
        } else {
            let taken = w.a.try_lock(op("try_lock")).await.is_some();
            w.note(u64::from(taken));
        }
        DONE
    }
}

#[test]
fn a_try_lock_goes_both_ways() {
    for found in [enumerated(&TryLock), explored(&TryLock)] {
        assert_eq!(outcomes(&found), [("x=0 y=0 log=[0]", 1), ("x=0 y=0 log=[1]", 1)]);
    }
}

system! {
    /// One of three, then one of two.
    Choices ["chooser": Main] |w, _, _| {
        w.backend.choose(op("three"), 3).await;
        w.backend.choose(op("two"), 2).await;
        DONE
    }
}

#[test]
fn choices_multiply() {
    let counted = |found: Exploration| {
        let Statistics { states, transitions, executions, max_depth, final_states, .. } = found.statistics;
        (states, transitions, executions, max_depth, final_states)
    };
    assert_eq!(counted(enumerated(&Choices)), (1 + 3 + 6, 9, 6, 2, 1));
    // What was chosen is forgotten when the step ends.
    assert_eq!(counted(explored(&Choices)), (1 + 3 + 1, 9, 6, 2, 1));
}

system! {
    /// Nothing.
    Nothing ["chooser": Main] |w, _, _| {
        w.backend.choose(op("which"), 0).await;
        DONE
    }
}

#[test]
#[should_panic(expected = "nothing to choose from")]
fn there_must_be_something_to_choose_from() {
    explored(&Nothing);
}

system! {
    /// Three tasks increment a shared counter three times each.
    Counter ["one": Main, "two": Main, "three": Main, "reader": Epilogue] |w, me, round| {
        let mut counter = w.a.lock(op("lock")).await;
        if me == 3 {
            w.note(*counter);
            return DONE;
        }
        *counter += 1;
        if round == 2 { DONE } else { again(round + 1) }
    }
}

#[test]
fn three_rounds_of_three_have_1680_orders() {
    // 9!/(3!)^3, with or without sleep sets: any two increments of one counter depend on each other.
    for sleep_sets in [false, true] {
        let found = explored_with(&Counter, false, sleep_sets, Limits::default());
        assert_eq!(found.statistics.executions, 1680);
        assert_eq!(outcomes(&found), [("x=0 y=0 log=[9]", 1)]);
    }
    let found = explored(&Counter);
    // A state is how far each of the three is; from 3 of its 4 places each can move.
    assert_eq!((found.statistics.states, found.statistics.transitions), (4 * 4 * 4, 3 * 3 * 4 * 4));
    assert_eq!(outcomes(&found), [("x=0 y=0 log=[9]", 1)]);
}

system! {
    /// Three tasks with nothing in common.
    Apart ["one": Main, "two": Main, "three": Main] |w, me, round| {
        match me {
            0 => *w.a.lock(op("lock")).await += 1,
            1 => *w.b.lock(op("lock")).await += 1,
            _ => w.x.store(op("store"), round + 1, Relaxed).await,
        }
        if round == 2 { DONE } else { again(round + 1) }
    }
}

#[test]
fn sleep_sets_reach_every_state_of_independent_tasks_once() {
    assert_eq!(enumerated(&Apart).statistics.executions, 1680);
    for visited_set in [false, true] {
        let found = explored_with(&Apart, visited_set, true, Limits::default());
        assert_eq!((found.statistics.states, found.statistics.transitions), (64, 63));
    }
}

system! {
    /// Each announces itself and steps back when the other has done so too.
    Polite ["one": Main, "two": Main] |w, me, round| {
        let (mine, theirs) = if me == 0 { (&w.x, &w.y) } else { (&w.y, &w.x) };
        if round == 1 {
            mine.store(op("step back"), 0, Relaxed).await;
            return again(0);
        }
        mine.store(op("announce"), 1, Relaxed).await;
        if theirs.load(op("look"), Relaxed).await == 1 { again(1) } else { DONE }
    }
}

#[test]
fn politeness_livelocks() {
    for sleep_sets in [false, true] {
        let found = explored_with(&Polite, true, sleep_sets, Limits::default());
        assert_eq!(found.violated, properties::LIVELOCK.bit());
        let lasso = found.lasso.expect("a livelock has one");
        assert_eq!(lasso.states.len(), lasso.cycle.len());

        let specs = Polite.actors();
        let path = [&lasso.stem[..], &lasso.cycle, &lasso.cycle].concat();
        let steps: Vec<Step> = path.iter().map(|choice| choice.to_step(&specs)).collect();
        let replay = replay(&Polite, &steps).expect("it goes round as often as one likes");
        let seen = |at: usize| if at == 0 { &replay.initial } else { &replay.played[at - 1].gutter };
        let (stem, round) = (lasso.stem.len(), lasso.cycle.len());
        assert_eq!(seen(stem), seen(stem + round));
        assert_eq!(seen(stem), seen(stem + 2 * round));
    }
    // No switch at the wrong moment is needed: one goes ahead without stepping back, and two is polite for ever.
    let found = least(&Polite, properties::LIVELOCK).expect("the cycle can be reached");
    let replay = replayed(&Polite, &found);
    assert_eq!(replay.violated, [properties::LIVELOCK]);
    assert_eq!(replay.played.len(), found.operations as usize);
    assert_eq!((found.preemptions, found.operations, found.certified), (0, 5, true));
}

system! {
    /// Waits for a word by looking at it again and again.
    Spin ["spinner": Main, "setter": Main] |w, me, _| {
        if me == 1 {
            w.x.store(op("set"), 1, Relaxed).await;
            return DONE;
        }
        if w.x.load(op("look"), Relaxed).await == 0 { again(0) } else { DONE }
    }
}

#[test]
fn who_waits_for_somebody_that_can_move_is_no_livelock() {
    for sleep_sets in [false, true] {
        for preemptions in [None, Some(0)] {
            let limits = Limits { preemptions, ..Limits::default() };
            let found = explored_with(&Spin, true, sleep_sets, limits);
            assert_eq!((found.violated, found.lasso), (0, None));
        }
    }
    assert_eq!(least(&Spin, properties::LIVELOCK), None);
}

system! {
    /// Waits by looking again and again for what the other does not do.
    Forgotten ["spinner": Main, "other": Main] |w, me, _| {
        if me == 1 {
            w.y.store(op("set another"), 1, Relaxed).await;
            return DONE;
        }
        if w.x.load(op("look"), Relaxed).await == 0 { again(0) } else { DONE }
    }
}

#[test]
fn who_waits_for_nobody_is_one() {
    for preemptions in [None, Some(0)] {
        let limits = Limits { preemptions, ..Limits::default() };
        assert_eq!(explored_with(&Forgotten, true, true, limits).violated, properties::LIVELOCK.bit());
    }
    let found = least(&Forgotten, properties::LIVELOCK).expect("the spinner goes round");
    assert_eq!((found.preemptions, found.operations, found.certified), (0, 2, true));
    assert!(found.within.is_empty());
}

system! {
    /// Each stores its own value until it finds it still there.
    Undoing ["one": Main, "two": Main] |w, me, _| {
        let mine = me as u64 + 1;
        w.x.store(op("store"), mine, Relaxed).await;
        if w.x.load(op("look"), Relaxed).await == mine { DONE } else { again(0) }
    }
}

#[test]
fn two_that_undo_each_others_work_livelock() {
    for sleep_sets in [false, true] {
        let found = explored_with(&Undoing, true, sleep_sets, Limits::default());
        assert_eq!(found.violated, properties::LIVELOCK.bit());
        let lasso = found.lasso.expect("a livelock has one");
        for actor in [0, 1] {
            assert!(lasso.cycle.iter().any(|choice| choice.actor == actor), "each of them moves");
        }
    }
    // Each alone comes to its end, so there is no end to the switching.
    let found = least(&Undoing, properties::LIVELOCK).expect("they go round");
    let replay = replayed(&Undoing, &found);
    assert_eq!(replay.violated, [properties::LIVELOCK]);
    assert!(found.certified && found.preemptions > 0);
    // Without preemptions nobody disturbs anybody.
    let none = Limits { preemptions: Some(0), ..Limits::default() };
    assert_eq!(explored_with(&Undoing, true, true, none).violated, 0);
}

system! {
    /// A daemon serves two requests and waits for the next.
    Server ["client": Main, "server": Daemon] |w, me, round| {
        if me == 1 {
            let mut request = w.a.lock_when(op("serve"), |request, _| *request == 1, 0).await;
            *request = 0;
            w.note(round);
            return again(1 - round);
        }
        *w.a.lock_when(op("request"), |request, _| *request == 0, 0).await = 1;
        if round == 1 { DONE } else { again(1) }
    }
}

#[test]
fn an_idle_daemon_is_no_deadlock() {
    for found in [enumerated(&Server), explored(&Server)] {
        assert_eq!(found.violated, 0);
        assert_eq!((found.final_states.len(), found.deadlocks.len()), (1, 0));
        assert_eq!(outcomes(&found), [("x=0 y=0 log=[0, 1]", 1)]);
    }
}

system! {
    /// A daemon that serves once, and a client that asks twice.
    Tired ["client": Main, "server": Daemon] |w, me, round| {
        if me == 1 {
            *w.a.lock_when(op("serve"), |request, _| *request == 1, 0).await = 0;
            return DONE;
        }
        *w.a.lock_when(op("request"), |request, _| *request == 0, 0).await = 1;
        if round == 2 { DONE } else { again(round + 1) }
    }
}

#[test]
fn a_client_without_its_daemon_deadlocks() {
    let found = explored(&Tired);
    assert_eq!((found.final_states.len(), found.deadlocks.len()), (0, 1));
}

system! {
    /// A daemon that has work from the beginning.
    Eager ["reader": Main, "writer": Daemon] |w, me, _| {
        if me == 1 {
            w.x.store(op("store"), 1, Relaxed).await;
        } else {
            let seen = w.x.load(op("load"), Relaxed).await;
            w.note(seen);
        }
        DONE
    }
}

#[test]
fn daemons_do_not_work_ahead_of_the_exploration() {
    for found in [enumerated(&Eager), explored(&Eager)] {
        assert_eq!(outcomes(&found), [("x=1 y=0 log=[0]", 1), ("x=1 y=0 log=[1]", 1)]);
    }
}

system! {
    /// Every role begins with something that is no operation of its own, the last in the list first.
    Silent ["judge": Epilogue, "main": Main, "maker": Setup] |w, me, _| {
        let before = w.log.read(Vec::len);
        w.note(me as u64);
        if me != 0 {
            w.x.fetch_add(op("add"), 1, Relaxed).await;
            w.note(before as u64);
        }
        DONE
    }
}

#[test]
fn nobody_begins_before_its_role_allows() {
    for found in [enumerated(&Silent), explored(&Silent)] {
        assert_eq!(outcomes(&found), [("x=2 y=0 log=[2, 0, 1, 2, 0]", 1)]);
        assert_eq!(found.statistics.states, 2);
    }
}

system! {
    /// Gives up after two rounds, with or without having done wrong.
    GivesUp ["main": Main] |w, _, round| {
        let wrong = w.backend.choose(op("go wrong"), 2).await;
        if round == 2 {
            w.backend.cut(bounds::RETRIES);
            if wrong == 1 {
                w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned());
            }
        }
        again(round + 1)
    }
}

#[test]
fn a_run_given_up_goes_no_further_but_its_violation_counts() {
    let found = explored(&GivesUp);
    assert_eq!(found.violated, properties::LOST_WRITE.bit());
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
    assert_eq!((found.final_states.len(), found.statistics.states), (0, 3));
    let found = least(&GivesUp, properties::LOST_WRITE).expect("the search has seen it");
    assert_eq!(found.operations, 3);
    assert_eq!(replayed(&GivesUp, &found).violated, [properties::LOST_WRITE]);
}

system! {
    /// One gets to the branch in two steps, while the other may give the run up.
    GivesUpBeside ["walker": Main, "giver": Main] |w, me, round| {
        if me == 1 {
            if w.backend.choose(op("choose"), 2).await == 1 {
                w.backend.cut(bounds::RETRIES);
            }
            return DONE;
        }
        w.x.store(op("step"), round, Relaxed).await;
        if round == 1 {
            w.backend.reach(branches::STALE);
            return DONE;
        }
        again(round + 1)
    }
}

#[test]
fn a_run_given_up_beside_the_way_is_no_detour() {
    let Ok(Witness::Least(found)) = least_witness(&GivesUpBeside, branches::STALE, &Limits::default()) else {
        panic!("the branch is reached")
    };
    assert_eq!((found.preemptions, found.operations), (0, 2));
    let unreached = least_witness(&GivesUpBeside, branches::EVICT, &Limits::default());
    assert_eq!(unreached, Ok(Witness::Unknown), "it might have been behind the bound");
}

system! {
    /// Two final states, in one of which the epilogue gives up.
    GivesUpLate ["main": Main, "other": Main, "checker": Epilogue] |w, me, _| {
        match me {
            0 => {
                let chosen = w.backend.choose(op("choose"), 2).await;
                w.note(chosen.into());
            }
            1 => w.x.store(op("store"), 1, Relaxed).await,
            _ => {
                let beyond = w.log.read(|log| log[0] == 0);
                if beyond {
                    w.backend.cut(bounds::EVICTIONS);
                }
                w.x.load(op("check"), Relaxed).await;
                if beyond {
                    w.backend.violate(properties::LOST_WRITE, || "what comes after the bound is void".to_owned());
                }
                w.note(2);
            }
        }
        DONE
    }
}

#[test]
fn giving_up_in_the_epilogue_concerns_one_final_state() {
    for found in [enumerated(&GivesUpLate), explored(&GivesUpLate)] {
        assert_eq!(
            found.limits_hit.iter().copied().collect::<Vec<_>>(),
            [LimitHit::Bound(bounds::EVICTIONS)]
        );
        assert_eq!(found.final_states.len(), 2);
        assert_eq!(outcomes(&found), [("x=1 y=0 log=[1, 2]", 1)]);
        assert_eq!(found.violated, 0);
    }
}

system! {
    /// A setup that gives up, so that there is nothing to explore.
    GivesUpEarly ["maker": Setup, "main": Main] |w, _, _| {
        w.x.load(op("load"), Relaxed).await;
        w.backend.cut(bounds::RETRIES);
        DONE
    }
}

#[test]
fn giving_up_in_the_setup_leaves_nothing_to_explore() {
    let found = explored(&GivesUpEarly);
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
    assert_eq!(found.statistics, Statistics::default());
    assert_eq!(least(&GivesUpEarly, properties::DEADLOCK), None);
}

system! {
    /// One end is given up in the epilogue; the other way has none.
    GivesUpOrSpins ["one": Main, "checker": Epilogue] |w, me, round| {
        if me == 1 {
            w.x.load(op("check"), Relaxed).await;
            w.backend.cut(bounds::RETRIES);
            return DONE;
        }
        if round == 0 {
            return if w.backend.choose(op("choose"), 2).await == 0 { DONE } else { again(1) };
        }
        w.x.load(op("look"), Relaxed).await;
        again(1)
    }
}

#[test]
fn a_livelock_is_least_among_those_whose_epilogue_is_not_given_up() {
    let found = least(&GivesUpOrSpins, properties::LIVELOCK).expect("it is violated");
    assert_eq!((found.preemptions, found.operations), (0, 2));
    assert_eq!(found.within.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
}

system! {
    /// One gives up before its first operation, and the other does wrong there.
    GivesUpAtOnce ["wrong": Main, "main": Main] |w, me, _| {
        if me == 0 {
            w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned());
        } else {
            w.backend.cut(bounds::RETRIES);
        }
        w.x.load(op("load"), Relaxed).await;
        DONE
    }
}

#[test]
fn giving_up_before_anybody_moves_leaves_nothing_to_explore() {
    for transition_cache in [false, true] {
        let options = Options { transition_cache, ..Options::default() };
        let found = explore(&GivesUpAtOnce, &options, &mut |_| ()).expect("the system is well-behaved");
        assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
        assert_eq!(found.statistics, Statistics::default());
        assert_eq!(found.violated, properties::LOST_WRITE.bit());
        assert_eq!(found.halted.and_then(|halted| halted.actor).as_deref(), Some("main"));
    }
}

system! {
    /// The same the other way round, and the other would give up as well.
    GivesUpFirst ["main": Main, "wrong": Main] |w, me, _| {
        if me == 0 {
            w.backend.cut(bounds::RETRIES);
        } else {
            w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned());
            w.backend.cut(bounds::EVICTIONS);
        }
        w.x.load(op("load"), Relaxed).await;
        DONE
    }
}

#[test]
fn nobody_begins_after_one_that_gives_up_before_anybody_moves() {
    let found = explored(&GivesUpFirst);
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Bound(bounds::RETRIES)]);
    assert_eq!(found.violated, 0);
    assert_eq!(found.halted.and_then(|halted| halted.actor).as_deref(), Some("main"));
}

system! {
    /// A reader that gives up if it reads the last of more messages than it can choose from.
    TooManyMessages ["reader": Main, "other": Main, "writer": Main] |w, me, round| {
        match me {
            0 => {
                if w.x.load(op("look"), Relaxed).await == 20 {
                    w.backend.cut(bounds::RETRIES);
                }
                return DONE;
            }
            1 => drop(w.a.lock(op("lock")).await),
            _ => w.x.store(op("store"), round + 1, Relaxed).await,
        }
        if round < 19 { again(round + 1) } else { DONE }
    }
}

#[test]
fn a_bound_behind_a_choice_that_cannot_be_told_is_not_met() {
    let found = explored(&TooManyMessages);
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Messages]);
}

#[test]
fn messages_that_runs_with_few_preemptions_cannot_choose_from_are_named() {
    // Depth first, the reader comes before the writer in all of these states.
    let limits = Limits { states: Some(300), ..Limits::default() };
    let found = explored_with(&TooManyMessages, true, true, limits);
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::States, LimitHit::Messages]);
}

system! {
    /// What the last does if it comes first: it is wrong if it is preempted, and else goes round for ever in the end.
    LateCorner ["writer": Main, "one": Main, "other": Main, "looks": Main] |w, me, round| {
        match (me, round) {
            (0, 20) => *w.a.lock(op("finish")).await = 1,
            (0, _) => w.x.store(op("store"), 1, Relaxed).await,
            (1, _) => w.y.store(op("store"), round, Relaxed).await,
            (2, _) => *w.b.lock(op("count")).await = round,
            (_, 0) if w.x.load(op("look"), Relaxed).await == 1 => return DONE,
            (_, 1) if w.x.load(op("look again"), Relaxed).await == 1 => {
                w.backend.violate(properties::LOST_WRITE, || "it was preempted".to_owned());
                return DONE;
            }
            (_, 2) => drop(w.a.lock_when(op("wait"), |value, _| *value == 1, 0).await),
            (_, 3) => {
                w.a.lock(op("look on")).await;
                return again(3);
            }
            _ => {}
        }
        if round < 20 { again(round + 1) } else { DONE }
    }
}

#[test]
fn after_a_livelock_runs_with_more_preemptions_are_looked_at() {
    let limits = Limits { states: Some(12_000), ..Limits::default() };
    let found = explored_with(&LateCorner, true, true, limits);
    assert_eq!(found.limits_hit.iter().copied().collect::<Vec<_>>(), [LimitHit::States]);
    assert_eq!(found.violated, properties::LIVELOCK.bit() | properties::LOST_WRITE.bit());
    let few = FewPreemptions { none_up_to: None, states: 0, found_with: Some(0) };
    assert_eq!(found.few_preemptions, Some(few));
    assert!(found.lasso.is_some(), "the search by itself has not come there");
}

system! {
    /// Goes round at once, or goes wrong in the end.
    SpinsOrWalks ["main": Main] |w, _, round| {
        match round {
            0 => return if w.backend.choose(op("choose"), 2).await == 0 { again(100) } else { again(1) },
            19 => w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned()),
            _ => {}
        }
        w.x.load(op("load"), Relaxed).await;
        match round {
            100 => again(100),
            19 => DONE,
            _ => again(round + 1),
        }
    }
}

#[test]
fn a_least_livelock_needs_all_cycles() {
    let states = explored(&SpinsOrWalks).statistics.states;
    for most in 0..=states {
        let limits = Limits { states: Some(most), ..Limits::default() };
        let found = minimal_counterexample(&SpinsOrWalks, properties::LIVELOCK, &limits);
        let found = found.expect("the system is well-behaved");
        assert_eq!(found.map(|found| found.operations), (most == states).then_some(2), "{most}");
    }
}

#[test]
fn a_limit_of_states_is_what_the_walk_may_look_at() {
    let found = least(&SpinsOrWalks, properties::LOST_WRITE).expect("it is violated");
    // Each state of the way, and the one that it does not go to.
    let states = u64::from(found.operations) + 2;
    for most in [states - 1, states] {
        let limits = Limits { states: Some(most), ..Limits::default() };
        let within = minimal_counterexample(&SpinsOrWalks, properties::LOST_WRITE, &limits);
        assert_eq!(within, Ok((most == states).then(|| found.clone())), "{most}");
    }
}

system! {
    /// Three that wait for each other. The second can go on where the first has come to the same state, and there it waits.
    Detour ["first": Main, "second": Main, "third": Main] |w, me, round| {
        let turns = match (me, round) {
            (0, 0) => 1 << 0,
            (0, _) => 1 << 2,
            (1, _) => 1 << 1 | 1 << 2,
            _ => 1 << 1 | 1 << 3,
        };
        let mut turn = w.a.lock_when(op("wait"), |turn, turns| turns >> turn & 1 == 1, turns).await;
        *turn = match (me, *turn) {
            (0, 2) => 0,
            (0, _) | (1, 2) => 1,
            (1, _) => 3,
            _ => 2,
        };
        again(if me == 0 { 1 - round } else { 0 })
    }
}

#[test]
fn under_a_bound_a_round_ends_with_who_it_began_with() {
    let operations = |preemptions| {
        let limits = Limits { preemptions, ..Limits::default() };
        let found = minimal_counterexample(&Detour, properties::LIVELOCK, &limits);
        let found = found.expect("the system is well-behaved").expect("it goes round");
        (found.preemptions, found.operations)
    };
    // After a round that ends with the second, the third would preempt it.
    assert_eq!((operations(None), operations(Some(0))), ((0, 3), (0, 4)));
}

system! {
    /// Many ways to the same wrong end.
    Broad ["one": Main, "other": Main] |w, _, _| {
        let chosen = w.backend.choose(op("choose"), 60).await;
        w.note(chosen.into());
        if w.log.read(Vec::len) == 2 {
            w.backend.violate(properties::LOST_WRITE, || "went wrong".to_owned());
        }
        DONE
    }
}

#[test]
fn what_waits_to_be_looked_at_counts() {
    // Nearly twice 60 times 60 states wait, each with more than 300 bytes beside what it shares with others; what is
    // known of them takes less.
    const WAITING: u64 = 2 * 60 * 60;
    let found = |memory| {
        let limits = Limits { memory: Some(memory), ..Limits::default() };
        minimal_counterexample(&Broad, properties::LOST_WRITE, &limits)
            .expect("the system is well-behaved")
            .is_some()
    };
    assert_eq!((found(400 * WAITING), found(800 * WAITING)), (false, true));
}

system! {
    /// A long way.
    Deeper ["one": Main] |w, _, round| {
        w.x.store(op("store"), round, Relaxed).await;
        if round < 5_000 { again(round + 1) } else { DONE }
    }
}

#[test]
fn what_is_on_the_stack_counts() {
    let mut most = 0;
    let options = Options { transition_cache: false, ..Options::default() };
    let mut look = |progress: &Progress| most = progress.bytes.max(most);
    explore(&Deeper, &options, &mut look).expect("the system is well-behaved");
    // For each state a row of footprints, a node, how to undo the transition, and what the state keeps. Without the least
    // of these it is not as much; what takes less from now on may need another number.
    assert!(most >= 4_096 * 1_800, "{most}");
}

system! {
    /// Few operations with many outcomes, and one actor that looks until one of them is there.
    Wide ["looks": Main, "one": Main, "other": Main] |w, me, _| {
        if me == 0 {
            return if w.x.load(op("look"), Relaxed).await == 0 { again(0) } else { DONE };
        }
        let chosen = w.backend.choose(op("choose"), 120).await;
        let word = if me == 1 { &w.x } else { &w.y };
        word.store(op("store"), chosen.into(), Relaxed).await;
        // One final state is enough.
        word.store(op("settle"), 1, Relaxed).await;
        DONE
    }
}

#[test]
fn a_limit_that_leaves_cycles_undecided_is_named_beside_a_bound() {
    let within = |memory| {
        let limits = Limits { memory, preemptions: Some(1), ..Limits::default() };
        // Known transitions would count for the search alone.
        let options = Options { transition_cache: false, limits, ..Options::default() };
        let mut most = 0;
        let mut look = |progress: &Progress| most = progress.bytes.max(most);
        (explore(&Wide, &options, &mut look).expect("the system is well-behaved"), most)
    };
    let (all, bytes) = within(None);
    assert_eq!(all.limits_hit.iter().copied().collect::<Vec<_>>(), [LimitHit::Preemptions]);
    // A state takes more where cycles are looked at. So there are limits that are enough for the search and not for that.
    let found = (101..116).step_by(5).map(|percent| within(Some(bytes * percent / 100)).0);
    let undecided = found.filter(|found| found.statistics == all.statistics && found.limits_hit.len() > 1);
    let undecided: Vec<Exploration> = undecided.collect();
    assert!(!undecided.is_empty(), "no limit is enough for the search alone");
    for found in undecided {
        assert!(found.limits_hit.contains(&LimitHit::Memory), "{:?}", found.limits_hit);
    }
}

system! {
    /// A daemon that serves in the epilogue, and does the same for a client.
    Served ["client": Main, "server": Daemon, "checker": Epilogue] |w, me, _| {
        if me == 1 {
            *w.a.lock_when(op("serve"), |value, asked| *value == asked, 1).await = 2;
            w.backend.reach(branches::STALE);
            return again(0);
        }
        if me == 2 || w.backend.choose(op("choose"), 2).await == 1 {
            *w.a.lock(op("ask")).await = 1;
            drop(w.a.lock_when(op("wait"), |value, served| *value == served, 2).await);
        }
        DONE
    }
}

#[test]
fn what_was_reached_in_an_epilogue_first_counts_when_it_is_reached() {
    assert_eq!(explored(&Served).reached, branches::STALE.bit());
}

system! {
    /// One actor that counts, and keeps much beside that.
    Deep ["one": Main] |w, _, round| {
        w.x.store(op("store"), round, Relaxed).await;
        w.log.update(|log| *log = vec![round; 2_000]);
        if round < 1_000 { again(round + 1) } else { DONE }
    }
}

#[test]
fn what_values_take_counts() {
    const MEMORY: u64 = 1 << 22;
    let limits = Limits { memory: Some(MEMORY), ..Limits::default() };
    let options = Options { transition_cache: false, limits, ..Options::default() };
    let found = explore(&Deep, &options, &mut |_| ()).expect("the system is well-behaved");
    assert_eq!(found.limits_hit.into_iter().collect::<Vec<_>>(), [LimitHit::Memory]);
    // Each state on the stack keeps a list of 2000 numbers; every 64 transitions it is looked at what that takes.
    assert!(found.statistics.max_depth <= MEMORY / (2_000 * size_of::<u64>() as u64) + 64);
}

thread_local! {
    /// What a step must not depend on.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// Counts the calls of a step, which the engine makes as often as it likes.
fn call() -> u32 {
    CALLS.set(CALLS.get() + 1);
    CALLS.get()
}

fn complaint_about(system: &impl System) -> (String, String) {
    CALLS.set(0);
    match error_of(system) {
        EngineError::NotDeterministic { actor, expected, performed } => {
            assert_eq!(actor, "main");
            (expected, performed)
        }
        other => panic!("another complaint: {other}"),
    }
}

system! {
    /// Does something else every other time.
    Fickle ["main": Main] |w, _, _| {
        let name = if call() % 2 == 1 { "odd" } else { "even" };
        w.x.load(op(name), Relaxed).await;
        DONE
    }
}

system! {
    /// Takes a lock where it has read a word.
    Confused ["main": Main] |w, _, _| {
        if call() == 3 {
            w.a.lock(op("lock")).await;
        } else {
            w.x.load(op("load"), Relaxed).await;
        }
        w.x.load(op("load again"), Relaxed).await;
        DONE
    }
}

system! {
    /// Looks at a leaf where it has read a word, and gives up looking.
    Distracted ["main": Main] |w, _, _| {
        if call() == 3 {
            w.log.read(Vec::len);
        } else {
            w.x.load(op("load"), Relaxed).await;
        }
        w.x.load(op("load again"), Relaxed).await;
        DONE
    }
}

system! {
    /// Finishes where it was about to do something.
    Hasty ["main": Main] |w, _, _| {
        if call() == 1 {
            w.x.load(op("load"), Relaxed).await;
        }
        DONE
    }
}

#[test]
fn steps_that_depend_on_anything_else_are_detected() {
    let said = |expected: &str, performed: &str| (expected.to_owned(), performed.to_owned());
    assert_eq!(complaint_about(&Fickle), said("odd", "even"));
    assert_eq!(complaint_about(&Confused), said("load", "lock"));
    assert_eq!(complaint_about(&Distracted), said("load", "(leaf)"));
    assert_eq!(complaint_about(&Hasty), said("load", "(nothing)"));
}

system! {
    /// Goes on for ever without an operation.
    Restless ["main": Main] |_, _, round| {
        again(round + 1)
    }
}

system! {
    /// A setup that waits for somebody who has not begun.
    Stuck ["maker": Setup, "main": Main] |w, me, _| {
        if me == 0 {
            w.a.lock_when(op("wait"), |value, _| *value == 1, 0).await;
        } else {
            *w.a.lock(op("lock")).await = 1;
        }
        DONE
    }
}

system! {
    /// A setup that looks again and again for what a daemon does not do. The daemon could always move.
    Restive ["maker": Setup, "helper": Daemon, "main": Main] |w, me, _| {
        match me {
            0 if w.x.load(op("look"), Relaxed).await == 1 => DONE,
            1 => {
                w.y.store(op("set another"), 1, Relaxed).await;
                again(0)
            }
            _ => again(0),
        }
    }
}

system! {
    /// The same, and the daemon does it when it is let on.
    Helped ["maker": Setup, "helper": Daemon] |w, me, _| {
        if me == 0 {
            return if w.x.load(op("look"), Relaxed).await == 1 { DONE } else { again(0) };
        }
        w.x.store(op("set"), 1, Relaxed).await;
        DONE
    }
}

system! {
    /// An epilogue that goes round for ever.
    RestiveLate ["main": Main, "checker": Epilogue] |w, me, _| {
        if me == 0 {
            w.x.store(op("store"), 1, Relaxed).await;
            return DONE;
        }
        if w.x.load(op("look"), Relaxed).await == 0 { DONE } else { again(0) }
    }
}

system! {
    /// An epilogue that waits for ever.
    StuckLate ["main": Main, "checker": Epilogue] |w, me, _| {
        if me == 0 {
            w.x.store(op("store"), 1, Relaxed).await;
        } else {
            w.a.lock_when(op("wait"), |value, _| *value == 1, 0).await;
        }
        DONE
    }
}

system! {
    /// Two actors that no schedule could tell apart.
    Twins ["one": Main, "one": Main] |_, _, _| {
        DONE
    }
}

#[test]
fn broken_systems_are_reported() {
    assert_eq!(error_of(&Twins), EngineError::SameName { name: "one".to_owned() });
    assert_eq!(error_of(&Restless), EngineError::NeverPauses { actor: "main".to_owned() });
    // A setup or an epilogue that does not come to its end is a finding about the system.
    for (found, property, why) in [
        (explored(&Stuck), properties::DEADLOCK, Halt::Waits("wait".to_owned())),
        (explored(&Restive), properties::LIVELOCK, Halt::GoesRound),
    ] {
        assert_eq!((found.violated, found.statistics.states), (property.bit(), 0));
        assert!(!found.is_complete() && found.limits_hit.is_empty());
        let halted = Halted { actor: Some("maker".to_owned()), command: None, why };
        assert_eq!(found.halted, Some(halted));
    }
    let found = least(&Restive, properties::LIVELOCK).expect("it is found again");
    assert_eq!((found.operations, found.certified), (0, true));
    let replay = replayed(&Restive, &found);
    assert_eq!(replay.violated_in_setup, [properties::LIVELOCK]);
    assert!(replay.epilogue.is_none(), "nobody has begun");
    assert_eq!(least(&Stuck, properties::LIVELOCK), None);
    // An epilogue that waits for ever is a finding about the system.
    let found = explored(&StuckLate);
    assert_eq!(found.violated, properties::DEADLOCK.bit());
    assert_eq!((found.final_states.len(), found.deadlocks.len()), (1, 0));
    let found = least(&StuckLate, properties::DEADLOCK).expect("it is found again");
    assert_eq!(found.operations, 1);
    assert_eq!(replayed(&StuckLate, &found).violated, [properties::DEADLOCK]);
    let found = explored(&RestiveLate);
    assert_eq!((found.violated, found.final_states.len()), (properties::LIVELOCK.bit(), 1));
    let found = least(&RestiveLate, properties::LIVELOCK).expect("it is found again");
    assert_eq!((found.operations, found.certified), (1, true));
    assert_eq!(replayed(&RestiveLate, &found).violated, [properties::LIVELOCK]);
    assert!(explored(&Helped).halted.is_none(), "a daemon that can always move does move, in the end");
}

system! {
    /// A setup of which one alternative is wrong.
    ChoosesFirst ["maker": Setup, "main": Main] |w, me, _| {
        if me == 0 && w.backend.choose(op("choose"), 2).await == 1 {
            w.backend.violate(properties::LOST_WRITE, || "chosen".to_owned());
        }
        DONE
    }
}

system! {
    /// An epilogue of which one alternative is wrong.
    ChoosesLast ["main": Main, "checker": Epilogue] |w, me, _| {
        if me == 1 && w.backend.choose(op("choose"), 2).await == 1 {
            w.backend.violate(properties::LOST_WRITE, || "chosen".to_owned());
        }
        DONE
    }
}

system! {
    /// An epilogue that may choose for ever to try again.
    TriesAgain ["main": Main, "checker": Epilogue] |w, me, _| {
        if me == 1 && w.backend.choose(op("choose"), 2).await == 0 { again(0) } else { DONE }
    }
}

system! {
    /// A setup that does two things in either order.
    AnyOrder ["maker": Setup, "main": Main] |w, me, round| {
        if me == 1 {
            w.x.load(op("load"), Relaxed).await;
            return DONE;
        }
        match (round, w.backend.choose(op("choose"), 2).await) {
            (0, first) => {
                w.log.update(|log| log.resize(2, 0));
                w.log.update(|log| log[first as usize] = 1);
                again(2 + u64::from(first))
            }
            (first, _) => {
                w.log.update(|log| log[3 - first as usize] = 1);
                DONE
            }
        }
    }
}

#[test]
fn what_a_setup_or_an_epilogue_chooses_makes_no_difference_or_is_refused() {
    for (system, actor) in [(ChoosesFirst, "maker"), (ChoosesLast, "checker"), (TriesAgain, "checker")] {
        let (actor, op) = (actor.to_owned(), "choose".to_owned());
        assert_eq!(error_of(&system), EngineError::ChoosesAlone { actor, op });
    }
    let found = explored(&AnyOrder);
    assert!(found.is_complete() && found.violated == 0);
    assert_eq!(outcomes(&found), [("x=0 y=0 log=[1, 1]", 1)]);
}
