//! Systems that are broken, and what is said of them.

use std::cell::Cell;
use std::ops::ControlFlow;

use stalemap_explore::{EngineError, Halt, Halted};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Lock, Role, System};

use super::{DONE, Small, World, again, error_of, explored, least, op, outcomes, replayed};
use crate::common::names::properties;

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
