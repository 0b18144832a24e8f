//! What a failed write punches out, and under which locks.

use stalemap_checker::explore;
use stalemap_explore::{LimitHit, Options};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::design::{Design, HeldLock, MkwriteEnd, Punch, PunchFork, PunchLock, PunchStart};
use stalemap_model::words::personality::WriteLock;
use stalemap_model::words::{bounds, branches};

use super::{DESIGNS, Mutation, caught, holds, violates};
use crate::common::good;

/// The reservation is punched without invalidate_lock, so that a page fault dirties what was found clean.
#[test]
fn punch_without_invalidate_lock() {
    caught(
        "xfs/t7-d2",
        |design, _| design.punch_lock = PunchLock::Nothing,
        &[properties::DIRTY_OVER_HOLE, properties::DROPPED_DIRTY, properties::LOST_WRITE],
        &[branches::PUNCH, branches::MKWRITE],
    );
}

/// The punch truncates the page cache of its range.
#[test]
fn punch_truncates_the_page_cache() {
    caught(
        "xfs/t7-d1",
        |design, _| design.punch = Punch::Truncate,
        &[properties::LOST_WRITE],
        &[branches::PUNCH, branches::MKWRITE],
    );
}

/// The scan reads the dirty flag without the folio lock, while writeback has just cleared it.
#[test]
fn scan_without_the_folio_lock() {
    caught(
        "xfs/t7-d2",
        |design, _| design.punch = Punch::ScanUnlocked,
        &[properties::DROPPED_DIRTY, properties::LOST_WRITE],
        &[branches::PUNCH, branches::ALLOCATE],
    );
}

/// Harmless: the gap before a dirty folio is punched after that folio is unlocked.
#[test]
fn gap_punched_late() {
    for scenario in ["xfs/t7-d1", "xfs/t7-d2", "xfs/a5"] {
        holds(scenario, |design, _| design.punch = Punch::ScanGapLate, &[branches::PUNCH, branches::MKWRITE]);
    }
}

/// A write fault has an end handler that punches.
#[test]
fn write_fault_punches() {
    caught(
        "xfs/a4",
        |design, _| design.mkwrite_end = MkwriteEnd::Punch,
        &[properties::DIRTY_OVER_HOLE, properties::DROPPED_DIRTY, properties::LOST_WRITE],
        &[branches::MKWRITE],
    );
}

/// invalidate_lock is taken with the folio locked, and a page fault takes them the other way round.
#[test]
fn invalidate_lock_under_the_folio_lock() {
    caught(
        "xfs/a5",
        |design, _| design.punch_lock = PunchLock::UnderFolioLock,
        &[properties::DEADLOCK],
        &[branches::STALE, branches::PUNCH, branches::MKWRITE],
    );
}

/// `iomap_end` takes invalidate_lock although unsharing holds it.
#[test]
fn unsharing_waits_for_its_own_lock() {
    caught(
        "xfs/t14",
        |design, _| {
            design.cow_new = true;
            design.held_lock = HeldLock::Retaken;
        },
        &[properties::DEADLOCK],
        &[branches::STALE, branches::COW_RESERVE],
    );
}

/// Harmless: a failed write behind end of file leaves its reservation under a folio that is valid, or dirty, there, and XFS
/// frees what lies behind end of file when the file is closed.
#[test]
fn punch_stops_behind_end_of_file() {
    for punch in [(|design, _| design.punch = Punch::ScanUptodate) as Mutation, |design, _| {
        design.punch = Punch::ScanPastEof;
    }] {
        let branches = [branches::PUNCH, branches::MKWRITE];
        holds("xfs/punch-past-eof", punch, &branches);
    }
}

/// A failed write frees the reservation under a store into the block of end of file, which all kernels do that scan.
#[test]
fn punch_goes_on_with_the_block_of_end_of_file() {
    for scenario in ["xfs/punch-eof-block", "zoned/punch-eof-block"] {
        let up: Mutation = |design, _| design.punch_start = PunchStart::Up;
        holds(scenario, up, &[branches::PUNCH, branches::MKWRITE]);
        let down: Mutation = |design, _| design.punch_start = PunchStart::Down;
        let lost = [properties::LOST_WRITE, properties::DROPPED_DIRTY, properties::DIRTY_OVER_HOLE];
        violates(scenario, down, &lost);
    }
    let down: Mutation = |design, _| design.punch_start = PunchStart::Down;
    holds("xfs/punch-past-eof", down, &[branches::PUNCH, branches::MKWRITE]);
}

/// Buffered writes share i_rwsem: the check does not see what is punched after it.
#[test]
fn writes_at_once() {
    let exclusive: Mutation = |_, fs| fs.write_lock = WriteLock::Exclusive;
    holds("xfs/shared-writes", exclusive, &[branches::PUNCH]);
    let shared: Mutation = |_, fs| fs.write_lock = WriteLock::Shared;
    violates("xfs/shared-writes", shared, &[properties::DIRTY_OVER_HOLE, properties::LOST_WRITE]);
}

/// Two that both reserve can make each other's mappings stale for ever: each gives its reservation back and makes it
/// anew, and both move the counter.
#[test]
fn writes_at_once_go_round() {
    let source = "title = \"Two writes at once into two holes\"
[fs]
write_lock = \"shared\"
[setup]
run = [\"truncate 8k\"]
[[actor]]
name = \"one\"
run = [\"pwrite 0 4k\"]
[[actor]]
name = \"two\"
run = [\"pwrite 4k 4k\"]
[limits]
retries = 6
";
    let scenario = good("two", source);
    for design in DESIGNS {
        let system = Kernel::new(scenario.config(Design::built_in(design).unwrap())).unwrap();
        let exploration = explore(&system, &Options::default(), &mut |_| ()).unwrap();
        assert_eq!(exploration.limits_hit, [LimitHit::Bound(bounds::RETRIES)].into(), "{design}");
    }
}

/// Harmless: a reservation of the COW fork is looked for in the data fork, and so stays until the inode leaves memory.
#[test]
fn copies_are_punched_in_the_wrong_fork() {
    holds("xfs/a12", |design, _| design.cow_new = true, &[branches::COW_RESERVE, branches::PUNCH]);
    let in_the_data_fork: Mutation = |design, _| {
        design.cow_new = true;
        design.punch_fork = PunchFork::Data;
    };
    holds("xfs/a12", in_the_data_fork, &[branches::COW_RESERVE]);
}
