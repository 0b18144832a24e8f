//! What counterexamples print, on a system for each way in which something can go wrong.

use std::ops::ControlFlow::{self, Break, Continue};

use stalemap_explore::{LimitHit, Limits, Options, Witness, explore, least_witness, minimal_counterexample};
use stalemap_facade::{
    ActorId, ActorSpec, Atomic, Backend, Bound, Branch, Lock, MemoryModel, Op, Ordering, Property, Role,
    System,
};

use crate::common::small::Small;

const WRONG: Property = Property::new(0, "wrong");
const WORSE: Property = Property::new(1, "worse");
const ROUNDS: Bound = Bound::new(0, "rounds");
const TWICE: Branch = Branch::new(0, "twice");

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// Two increments of a load and a store each, judged at the end.
    LostUpdate,
    /// Two locks, in either order.
    Deadlock,
    /// Each waits for what the other has done and takes it back.
    Livelock,
    /// The setup waits for what nobody does.
    HaltedSetup,
    /// The setup violates something by itself.
    WrongSetup,
    /// The epilogue waits for what nobody has done.
    StuckEpilogue,
    /// A choice of three, and nobody else.
    Choice,
    /// A store that another has not seen.
    StoreBuffering,
    /// A bound cuts runs that may have been cheaper.
    Bounded,
    /// The setup violates something and is given up.
    GivenUpSetup,
    /// The setup looks for what nobody does, again and again.
    RestlessSetup,
    /// The epilogue does.
    RestlessEpilogue,
    /// An actor does.
    Restless,
    /// Who has read something old goes round for ever.
    StaleSpin,
    /// An operation whose name is as wide as its column, and a wider one.
    Wide,
}

pub(crate) struct World<B: Backend> {
    backend: B,
    x: B::Atomic,
    y: B::Atomic,
    a: B::Lock<u64>,
    b: B::Lock<u64>,
}

impl<B: Backend> World<B> {
    fn words(&self) -> [&B::Atomic; 2] {
        [&self.x, &self.y]
    }
}

const DONE: ControlFlow<(), u64> = Break(());

impl System for Mishap {
    type World<B: Backend> = World<B>;
    /// The number of the step, or what a step leaves to the next.
    type State = u64;

    fn world<B: Backend>(&self, backend: &B) -> World<B> {
        World {
            backend: backend.clone(),
            x: backend.atomic("x", 0),
            y: backend.atomic("y", 0),
            a: backend.lock("a", 0),
            b: backend.lock("b", 0),
        }
    }

    fn memory(&self) -> MemoryModel {
        if matches!(self, Mishap::StoreBuffering | Mishap::StaleSpin) {
            MemoryModel::Relaxed
        } else {
            MemoryModel::Sequential
        }
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let actor = |name: &str, role| ActorSpec { name: name.to_owned(), role };
        let mut actors = vec![actor("one", Role::Main), actor("two", Role::Main)];
        actors.extend(match self {
            Mishap::LostUpdate | Mishap::StuckEpilogue | Mishap::StoreBuffering => {
                Some(actor("judge", Role::Epilogue))
            }
            Mishap::RestlessEpilogue => Some(actor("judge", Role::Epilogue)),
            Mishap::HaltedSetup | Mishap::WrongSetup | Mishap::GivenUpSetup | Mishap::RestlessSetup => {
                Some(actor("setup", Role::Setup))
            }
            _ => None,
        });
        actors
    }

    fn start(&self, _: ActorId) -> u64 {
        0
    }

    async fn step<B: Backend>(&self, w: &World<B>, me: ActorId, state: u64) -> ControlFlow<(), u64> {
        match (self, me) {
            (Mishap::LostUpdate, 2) => judge_sum(w).await,
            (Mishap::HaltedSetup | Mishap::StuckEpilogue, 2) => {
                drop(w.a.lock_when(Op::new("wait for a"), |value, least| *value >= least, 1).await);
                DONE
            }
            (Mishap::WrongSetup, 2) => {
                w.x.store(Op::new("store"), 7, Ordering::Relaxed).await;
                w.backend.violate(WRONG, || "x is 7".to_owned());
                DONE
            }
            (Mishap::StoreBuffering, 2) => {
                let seen =
                    [w.a.lock(Op::new("look")).await.to_owned(), w.b.lock(Op::new("look")).await.to_owned()];
                if seen == [1, 1] {
                    w.backend.violate(WRONG, || "neither saw the other's store".to_owned());
                }
                DONE
            }
            (Mishap::StaleSpin, 0) => {
                w.x.store(Op::new("data"), 1, Ordering::Relaxed).await;
                w.y.store(Op::new("flag"), 1, Ordering::Relaxed).await;
                DONE
            }
            (Mishap::StaleSpin, _) => {
                let raised = w.y.load(Op::new("flag?"), Ordering::Relaxed).await == 1;
                let old = state == 1 || raised && w.x.load(Op::new("data?"), Ordering::Relaxed).await == 0;
                if old { Continue(1) } else { DONE }
            }
            (Mishap::GivenUpSetup, 2) => give_up(w).await,
            (Mishap::RestlessSetup | Mishap::RestlessEpilogue, 2) | (Mishap::Restless, 0) => {
                w.x.load(Op::new("look"), Ordering::Relaxed).await;
                Continue(0)
            }
            (Mishap::Wide, 0) => fit(w).await,
            (Mishap::Choice, 0) => pick(w).await,
            (
                Mishap::GivenUpSetup
                | Mishap::RestlessSetup
                | Mishap::RestlessEpilogue
                | Mishap::Restless
                | Mishap::Wide
                | Mishap::Choice,
                _,
            ) => DONE,
            (Mishap::LostUpdate | Mishap::HaltedSetup | Mishap::WrongSetup, _) => add(w, state).await,
            (Mishap::Deadlock, _) => both(w, me).await,
            (Mishap::Livelock, _) => take_and_look(w, me, state).await,
            (Mishap::StuckEpilogue, _) => {
                w.x.store(Op::on("store", me as u32), 1, Ordering::Relaxed).await;
                DONE
            }
            (Mishap::StoreBuffering, _) => store_and_look(w, me).await,
            (Mishap::Bounded, 0) => rounds(w, state).await,
            (Mishap::Bounded, _) => {
                w.x.store(Op::new("release"), 1, Ordering::Relaxed).await;
                w.y.store(Op::new("store"), 1, Ordering::Relaxed).await;
                DONE
            }
        }
    }

    fn gutter<B: Backend>(&self, w: &World<B>) -> Vec<(String, String)> {
        let column = |name: &str, word: &B::Atomic| (name.to_owned(), word.peek().to_string());
        match self {
            Mishap::LostUpdate => vec![column("x", &w.x), column("y", &w.y)],
            _ => Vec::new(),
        }
    }

    fn observe<B: Backend>(&self, w: &World<B>) -> Option<String> {
        (*self == Mishap::LostUpdate).then(|| format!("x is {} in the end", w.x.peek()))
    }
}

async fn add<B: Backend>(w: &World<B>, state: u64) -> ControlFlow<(), u64> {
    if state == 0 {
        return Continue(1 + w.x.load(Op::new("load"), Ordering::Relaxed).await);
    }
    w.x.store(Op::new("store"), state, Ordering::Relaxed).await;
    DONE
}

async fn judge_sum<B: Backend>(w: &World<B>) -> ControlFlow<(), u64> {
    let sum = w.x.load(Op::new("load"), Ordering::Relaxed).await;
    if sum != 2 {
        w.backend.violate(WRONG, || format!("x is {sum}"));
    }
    DONE
}

async fn both<B: Backend>(w: &World<B>, me: ActorId) -> ControlFlow<(), u64> {
    let (first, second) = if me == 0 { (&w.a, &w.b) } else { (&w.b, &w.a) };
    let held = first.lock(Op::on("lock", me as u32)).await;
    w.backend.emit(|| "has one");
    let other = second.lock(Op::on("lock", 1 - me as u32)).await;
    w.backend.emit(|| "has both");
    drop((held, other));
    DONE
}

/// Announces itself, and takes it back as long as the other has announced itself, too.
async fn take_and_look<B: Backend>(w: &World<B>, me: ActorId, state: u64) -> ControlFlow<(), u64> {
    let (mine, others) = (w.words()[me], w.words()[1 - me]);
    match state {
        0 => {
            mine.store(Op::new("announce"), 1, Ordering::Relaxed).await;
            Continue(1)
        }
        1 if others.load(Op::new("look"), Ordering::Relaxed).await == 0 => DONE,
        1 => Continue(2),
        _ => {
            mine.store(Op::new("take back"), 0, Ordering::Relaxed).await;
            Continue(0)
        }
    }
}

async fn fit<B: Backend>(w: &World<B>) -> ControlFlow<(), u64> {
    w.x.load(Op::new("this name is as wide as its column, yes"), Ordering::Relaxed).await;
    w.backend.emit(|| "fits");
    w.x.load(Op::new("this name is wider than its column is, y"), Ordering::Relaxed).await;
    w.backend.violate(WRONG, || "does not fit".to_owned());
    DONE
}

async fn give_up<B: Backend>(w: &World<B>) -> ControlFlow<(), u64> {
    w.x.store(Op::new("store"), 7, Ordering::Relaxed).await;
    w.backend.violate(WRONG, || "x is 7".to_owned());
    w.backend.cut(ROUNDS);
    w.x.load(Op::new("look"), Ordering::Relaxed).await;
    DONE
}

async fn pick<B: Backend>(w: &World<B>) -> ControlFlow<(), u64> {
    let picked = w.backend.choose(Op::new("pick one of three"), 3).await;
    w.backend.emit(|| format!("took {picked}"));
    if picked == 2 {
        w.backend.violate(WRONG, || "two is one too many".to_owned());
        w.backend.violate(WORSE, || "and it is even".to_owned());
    }
    DONE
}

async fn store_and_look<B: Backend>(w: &World<B>, me: ActorId) -> ControlFlow<(), u64> {
    w.words()[me].store(Op::new("store"), 1, Ordering::Relaxed).await;
    let seen = w.words()[1 - me].load(Op::new("load"), Ordering::Relaxed).await;
    let missed = if me == 0 { &w.a } else { &w.b };
    *missed.lock(Op::new("note")).await = 1 - seen;
    DONE
}

/// Looks for the release again and again, at most twice.
async fn rounds<B: Backend>(w: &World<B>, state: u64) -> ControlFlow<(), u64> {
    if state == 2 {
        w.backend.reach(TWICE);
        w.backend.cut(ROUNDS);
    }
    if w.x.load(Op::new("released?"), Ordering::Relaxed).await == 0 {
        return Continue((state + 1).min(2));
    }
    if w.y.load(Op::new("stored?"), Ordering::Relaxed).await == 0 {
        w.backend.violate(WRONG, || "released, and not stored".to_owned());
    }
    DONE
}

/// What the least counterexample prints.
fn printed(mishap: Mishap, property: Property) -> String {
    let system = Small::from(mishap);
    let least = minimal_counterexample(&system, property, &Limits::default()).expect("a sound system");
    least.expect("it is violated").trace(&system).expect("it can be played").to_string()
}

#[test]
fn what_the_epilogue_finds_stands_at_the_end_and_the_gutter_where_it_changes() {
    assert_eq!(
        printed(Mishap::LostUpdate, WRONG),
        "\
violates wrong: 1 preemption, 4 operations
least: none of the 8 states reached without a preemption violates it

    (setup)     x = 0, y = 0
 1  one: load
 2* two: load
 3  two: store  x = 1
 4  one: store
    (the end)   >>> wrong: x is 1
                x is 1 in the end
"
    );
}

#[test]
fn a_deadlock_says_who_waits_where() {
    assert_eq!(
        printed(Mishap::Deadlock, Property::DEADLOCK),
        "\
violates deadlock: 1 preemption, 2 operations
least: none of the 8 states reached without a preemption violates it

 1  one: lock 0  has one
 2* two: lock 1  has one
    (the end)    >>> deadlock: one waits at `lock 1`, two waits at `lock 0`
"
    );
}

#[test]
fn a_livelock_says_what_repeats() {
    assert_eq!(
        printed(Mishap::Livelock, Property::LIVELOCK),
        "\
violates livelock: 0 preemptions, 5 operations
least: no preemption, and none with fewer operations

 1  one: announce
 2  one: look
    (from here on for ever)
 3  two: announce
 4  two: look
 5  two: take back
    (and so on)              >>> livelock: operations 3 to 5 repeat for ever, and nobody who could always move is left out
"
    );
}

#[test]
fn a_setup_that_does_not_end_is_all_there_is() {
    assert_eq!(
        printed(Mishap::HaltedSetup, Property::DEADLOCK),
        "\
violates deadlock: 0 preemptions, 0 operations
least: no preemption, and none with fewer operations

    (setup)  >>> deadlock: setup, alone, waits for ever at `wait for a`
"
    );
}

#[test]
fn what_the_setup_violates_is_named() {
    assert_eq!(
        printed(Mishap::WrongSetup, WRONG),
        "\
violates wrong: 0 preemptions, 0 operations
least: no preemption, and none with fewer operations

    (setup)  >>> wrong
"
    );
}

#[test]
fn an_epilogue_that_waits_is_named() {
    assert_eq!(
        printed(Mishap::StuckEpilogue, Property::DEADLOCK),
        "\
violates deadlock: 0 preemptions, 2 operations
least: no preemption, and none with fewer operations

 1  one: store 0
 2  two: store 1
    (the end)     >>> deadlock: the epilogue waits for ever
"
    );
}

#[test]
fn a_choice_is_told_as_in_schedules_and_all_that_is_reported_below_it() {
    assert_eq!(
        printed(Mishap::Choice, WORSE),
        "\
violates wrong, worse: 0 preemptions, 1 operation
least: no preemption, and none with fewer operations

 1  one: pick one of three = 2  took 2
                                >>> wrong: two is one too many
                                >>> worse: and it is even
"
    );
}

#[test]
fn relaxed_memory_says_what_was_met() {
    assert_eq!(
        printed(Mishap::StoreBuffering, WRONG),
        "\
violates wrong: 0 preemptions, 6 operations
least: no preemption, and none with fewer operations

 1  one: store
 2  one: load
 3  one: note
 4  two: store
 5  two: load older 1  x is still seen as 0, 1 store behind
 6  two: note
    (the end)          >>> wrong: neither saw the other's store
"
    );
}

#[test]
fn what_is_least_among_some_says_among_which() {
    assert_eq!(
        printed(Mishap::Bounded, WRONG),
        "\
violates wrong: 1 preemption, 3 operations
least among runs within the limit of rounds: none of the 6 states reached without a preemption violates it

 1  two: release
 2* one: released?
 3  one: stored?    >>> wrong: released, and not stored
"
    );
}

#[test]
fn a_witness_violates_nothing() {
    let system = Small::from(Mishap::Bounded);
    let found = least_witness(&system, TWICE, &Limits::default()).expect("a sound system");
    let Witness::Least(found) = found else { panic!("it is reached") };
    assert_eq!(
        found.trace(&system).expect("it can be played").to_string(),
        "\
0 preemptions, 2 operations
least: none has fewer preemptions, or as many and fewer operations

 1  one: released?
 2  one: released?
"
    );
}

#[test]
fn another_system_is_an_error() {
    let least =
        minimal_counterexample(&Small::from(Mishap::Deadlock), Property::DEADLOCK, &Limits::default());
    let least = least.expect("a sound system").expect("it is violated");
    let error = least.trace(&Small::from(Mishap::LostUpdate)).expect_err("another system");
    assert_eq!(error.to_string(), "line 1: `one: lock 0`: `one` is about to do `load`");
}

#[test]
fn a_setup_that_is_given_up_says_at_what() {
    assert_eq!(
        printed(Mishap::GivenUpSetup, WRONG),
        "\
violates wrong: 0 preemptions, 0 operations
least: no preemption, and none with fewer operations

    (setup)  >>> wrong
             >>> setup is given up at the limit of rounds
"
    );
}

#[test]
fn a_setup_that_goes_round_is_all_there_is() {
    assert_eq!(
        printed(Mishap::RestlessSetup, Property::LIVELOCK),
        "\
violates livelock: 0 preemptions, 0 operations
least: no preemption, and none with fewer operations

    (setup)  >>> livelock: setup, alone, goes round for ever
"
    );
}

#[test]
fn an_epilogue_that_goes_round_is_named() {
    assert_eq!(
        printed(Mishap::RestlessEpilogue, Property::LIVELOCK),
        "\
violates livelock: 0 preemptions, 0 operations
least: no preemption, and none with fewer operations

    (the end)  >>> livelock: the epilogue goes round for ever
"
    );
}

#[test]
fn one_operation_that_repeats_is_one() {
    assert_eq!(
        printed(Mishap::Restless, Property::LIVELOCK),
        "\
violates livelock: 0 preemptions, 1 operation
least: no preemption, and none with fewer operations

    (from here on for ever)
 1  one: look
    (and so on)              >>> livelock: operation 1 repeats for ever, and nobody who could always move is left out
"
    );
}

#[test]
fn what_is_as_wide_as_the_column_has_its_notes_beside_it() {
    assert_eq!(
        printed(Mishap::Wide, WRONG),
        "\
violates wrong: 0 preemptions, 2 operations
least: no preemption, and none with fewer operations

 1  one: this name is as wide as its column, yes  fits
 2  one: this name is wider than its column is, y
                                                  >>> wrong: does not fit
"
    );
}

#[test]
fn a_certificate_says_all_limits_and_what_has_none_says_so() {
    let system = Small::from(Mishap::Bounded);
    let found = minimal_counterexample(&system, WRONG, &Limits::default()).expect("a sound system");
    let mut found = found.expect("it is violated");
    found.within.insert(LimitHit::Preemptions);
    let line = |found: &stalemap_explore::Counterexample| {
        let trace = found.trace(&system).expect("it can be played").to_string();
        trace.lines().nth(1).map(str::to_owned)
    };
    let least = "least among runs within the limit of preemptions and of rounds: none of the 6 states reached without a \
                 preemption violates it";
    assert_eq!(line(&found).as_deref(), Some(least));
    found.certified = false;
    assert_eq!(line(&found).as_deref(), Some("not shown to be the least"));
}

#[test]
fn a_livelock_behind_something_old_is_found() {
    let system = Small::from(Mishap::StaleSpin);
    let least = minimal_counterexample(&system, Property::LIVELOCK, &Limits::default());
    let least = least.expect("a sound system").expect("it is violated");
    assert_eq!((least.preemptions, least.operations), (0, 5));
    let found = explore(&system, &Options::default(), &mut |_| ()).expect("a sound system");
    assert_eq!(found.violated, Property::LIVELOCK.bit());
}
