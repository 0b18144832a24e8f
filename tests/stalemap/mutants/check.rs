//! Whether, where and with what the cookie of a mapping is compared.

use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::design::{Check, Compare, HookRelease, OnStale, Sample};
use stalemap_model::words::map_design::CowHole;
use stalemap_model::words::personality::{Bump, Completion};

use super::{Mutation, caught, holds};

/// Nobody checks.
#[test]
fn no_check() {
    caught(
        "xfs/t1",
        |design, _| design.check = Check::Never,
        &[properties::LOST_WRITE, properties::WRONG_ZERO],
        &[branches::STALE, branches::EVICT],
    );
}

/// The check comes before the folio lock.
#[test]
fn check_before_the_folio_lock() {
    caught(
        "xfs/t1",
        |design, _| design.check = Check::BeforeLock,
        &[properties::LOST_WRITE, properties::WRONG_ZERO],
        &[branches::STALE, branches::EVICT],
    );
}

/// The check comes after the block was zeroed.
#[test]
fn check_after_prepare() {
    caught(
        "xfs/t1",
        |design, _| design.check = Check::AfterPrepare,
        &[properties::LOST_WRITE, properties::WRONG_ZERO],
        &[branches::STALE, branches::EVICT],
    );
}

/// Conversion does not move the counter.
#[test]
fn conversion_does_not_move_the_counter() {
    caught(
        "xfs/a1",
        |_, fs| fs.bump_convert = Bump::Never,
        &[properties::LOST_WRITE, properties::UNSOUND_COOKIE],
        &[branches::STALE, branches::EVICT],
    );
}

/// Conversion moves the counter after the writeback bit is cleared.
#[test]
fn conversion_moves_the_counter_too_late() {
    caught(
        "xfs/a1",
        |_, fs| fs.bump_convert = Bump::AfterClear,
        &[properties::LOST_WRITE, properties::UNSOUND_COOKIE],
        &[branches::STALE, branches::EVICT],
    );
}

/// Where nothing is written in place: completion records the block too late, or moves no counter.
#[test]
fn completion_out_of_place_in_the_wrong_order_or_silent() {
    let mutations: [Mutation; 3] = [
        |_, fs| fs.completion = Completion::ClearThenConvert,
        |_, fs| fs.bump_convert = Bump::Never,
        |_, fs| fs.bump_convert = Bump::AfterClear,
    ];
    for mutation in mutations {
        caught("zoned/t1", mutation, &[properties::LOST_WRITE], &[branches::STALE, branches::EVICT]);
    }
    holds("zoned/t1", |_, fs| fs.bump_convert = Bump::AfterIlock, &[branches::STALE, branches::EVICT]);
}

/// Harmless to what a write has mapped: the counter moves after the ILOCK is dropped, but before the writeback bit is cleared.
#[test]
fn counter_moves_after_the_ilock() {
    for scenario in ["xfs/a1", "xfs/t1", "xfs/t2"] {
        holds(scenario, |_, fs| fs.bump_convert = Bump::AfterIlock, &[branches::STALE, branches::EVICT]);
    }
}

/// Harmless: the allocation of delayed blocks does not move the counter; both states read as zeros.
#[test]
fn allocation_does_not_move_the_counter() {
    for scenario in ["xfs/a2", "xfs/t2", "xfs/t7-d2"] {
        holds(scenario, |_, fs| fs.bump_allocate = false, &[branches::STALE, branches::ALLOCATE]);
    }
}

/// A stale abort leaves the folio locked; the next attempt waits for it for ever.
#[test]
fn stale_abort_without_unlock() {
    caught(
        "xfs/t1",
        |design, _| design.hook_release = HookRelease::ForgetUnlock,
        &[properties::LEAKED_LOCK, properties::DEADLOCK],
        &[branches::STALE],
    );
}

/// A stale abort keeps the reference to the folio.
#[test]
fn stale_abort_without_put() {
    caught(
        "xfs/t1",
        |design, _| design.hook_release = HookRelease::ForgetPut,
        &[properties::LEAKED_LOCK],
        &[branches::STALE],
    );
}

/// A stale mapping without progress counts as done.
#[test]
fn stale_counts_as_done() {
    caught(
        "xfs/t1",
        |design, _| design.on_stale = OnStale::Done,
        &[properties::SHORT_WRITE],
        &[branches::STALE, branches::RETRY],
    );
}

/// The STALE flag leaks into the next mapping, which is thrown away like the one before it, for ever.
#[test]
fn stale_leaks_into_the_next_mapping() {
    caught(
        "xfs/t1",
        |design, _| design.clear_stale = false,
        &[properties::LEAKED_FLAG, properties::UNBOUNDED_RETRY, properties::LIVELOCK],
        &[branches::STALE, branches::RETRY],
    );
}

/// The cookie is sampled after the ILOCK is dropped.
#[test]
fn cookie_sampled_outside() {
    caught(
        "xfs/a1",
        |design, _| design.sample = Sample::Outside,
        &[properties::LOST_WRITE, properties::UNSOUND_COOKIE],
        &[branches::STALE, branches::EVICT],
    );
}

/// Harmless in the write path: only the data fork's counter is compared. Completion moves both, and what
/// moves the COW fork's alone does not change where the contents are.
#[test]
fn only_the_data_fork_s_counter_is_compared() {
    for scenario in ["xfs/cow-srcmap", "xfs/t14", "xfs/t1"] {
        holds(scenario, |design, _| design.compare = Compare::DataCounter, &[branches::STALE]);
    }
}

/// The caller of write(2) learns of a stale mapping.
#[test]
fn staleness_is_returned_to_the_user() {
    caught(
        "xfs/t1",
        |design, _| design.on_stale = OnStale::Fail,
        &[properties::SHORT_WRITE],
        &[branches::STALE, branches::RETRY],
    );
}

/// A mapping of a copy over a hole is compared with the counters of one fork or of both.
#[test]
fn one_counter_is_enough_over_a_hole() {
    for scenario in ["xfs/cowextsize", "xfs/clone-over-cow"] {
        holds(scenario, |design, _| design.cow_hole = CowHole::DataFork, &[branches::COW_REMAP]);
        holds(scenario, |design, _| design.cow_hole = CowHole::BothForks, &[branches::COW_REMAP]);
    }
}
