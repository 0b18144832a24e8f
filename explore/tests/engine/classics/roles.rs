//! Setups, daemons and epilogues: who runs when.

use std::ops::ControlFlow;

use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Lock, Role};

use super::{DONE, Small, World, again, enumerated, explored, op, outcomes};
use crate::common::names::branches;

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
