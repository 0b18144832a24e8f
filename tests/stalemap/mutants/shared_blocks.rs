//! Blocks that files share: reflink, copies on write, exchanges, collectors and layouts.

use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::branches;
use stalemap_model::words::design::{Design, LayoutRecall, LayoutReflink, UnshareRead};
use stalemap_model::words::map_design::{EndCow, RelocateRecheck, SharedTrim, UnmapCow};
use stalemap_model::words::personality::{
    CloneLock, Exchange, FlushUnmap, LayoutReturned, Relocate, UnshareCancels,
};

use super::{Mutation, caught, explored, holds, violates};
use crate::common::good;

/// A mapping over a block of its own and a shared one says of both what the first one is.
#[test]
fn mappings_longer_than_their_right() {
    for (scenario, branch) in
        [("xfs/dio-shared-length", branches::COW_REMAP), ("xfs/shared-length", branches::COW_RESERVE)]
    {
        caught(
            scenario,
            |design, _| design.shared_trim = SharedTrim::Untrimmed,
            &[properties::WRONG_ADDRESS, properties::LOST_WRITE],
            &[branch],
        );
    }
}

/// Completion puts copies into the file that others are still writing.
#[test]
fn copies_in_flight_are_moved() {
    holds("xfs/end-cow", |design, _| design.end_cow = EndCow::IoRange, &[branches::COW_REMAP]);
    violates("xfs/end-cow", |design, _| design.end_cow = EndCow::WholeExtent, &[properties::STALE_EXPOSURE]);
}

/// A punch leaves copies over the hole that it makes, and zeroing passes over that.
#[test]
fn copies_stay_over_a_hole() {
    violates("xfs/punch-cow", |_, _| (), &[properties::STALE_EXPOSURE]);
    let gives_up: Mutation = |design, _| design.unmap_cow = UnmapCow::Cancelled;
    holds("xfs/punch-cow", gives_up, &[branches::MKWRITE]);
    holds("xfs/clone-over-cow", gives_up, &[branches::COW_REMAP]);
}

/// Unsharing reads only what a write would read.
#[test]
fn unsharing_does_not_read() {
    caught(
        "xfs/c14",
        |design, _| design.unshare_read = UnshareRead::Uncovered,
        &[properties::STALE_EXPOSURE],
        &[branches::COW_RESERVE, branches::COW_REMAP],
    );
}

/// Unsharing does not look whether something is dirty over the copies that it gives up; or it does, where nothing is.
#[test]
fn unsharing_gives_up_copies() {
    caught(
        "xfs/unshare-cancels",
        |_, fs| fs.unshare_cancels = UnshareCancels::Always,
        &[properties::LOST_WRITE, properties::DROPPED_DIRTY],
        &[],
    );
    holds("xfs/unshare-cancels", |_, fs| fs.unshare_cancels = UnshareCancels::IfIdle, &[]);
    caught(
        "xfs/unshare-reflink-flag",
        |_, fs| fs.unshare_cancels = UnshareCancels::IfIdle,
        &[properties::LOST_WRITE],
        &[branches::DIO_FALLBACK],
    );
}

/// Unsharing finds nothing dirty, and I_DIRTY_PAGES set or not: an fsync leaves it, and whether the flusher was there is open, but
/// in a setup.
#[test]
fn unsharing_meets_what_the_flusher_has_left() {
    let violated = |setup: &str, unsharer: &str| {
        let source = format!(
            r#"
title = "An unaligned direct write beside a store"
[[file]]
name = "data"
[[file]]
name = "src"
[setup]
run = ["[src] pwrite 0 4k", "reflink src 0 0 4k", {setup}]
[[actor]]
name = "writer"
run = [{unsharer}"@direct pwrite -b 512 0 512"]
[[actor]]
name = "storer"
run = ["mmap -rw 0 4k", "mwrite 2k 512"]
"#
        );
        let config = good("flag", &source).config(Design::built_in("iomap_valid").unwrap());
        let mut config = config;
        config.fs.unnoted_mut().unshare_cancels = UnshareCancels::IfIdle;
        properties::of_bits(explored(&Kernel::new(config).unwrap()).violated)
    };
    let unshare = r#""funshare 0 4k", "#;
    let written = r#""pwrite 0 4k", "fsync""#;
    assert_eq!(violated(written, unshare), [properties::LOST_WRITE], "the flusher was there");
    assert_eq!(violated(&format!(r#"{written}, "funshare 0 4k""#), ""), [], "a setup takes no time");
    let dirty = r#""@direct pwrite 0 4k", "pwrite 4k 4k""#;
    assert_eq!(violated(dirty, unshare), [], "a page is dirty");
    assert_eq!(violated(r#""@direct pwrite 0 4k""#, unshare), [properties::LOST_WRITE], "none ever was");
}

/// A write fault does not look at IREMAPPING.
#[test]
fn write_faults_pass_a_reflink() {
    caught(
        "xfs/clone-fault",
        |_, fs| fs.clone_lock = CloneLock::DemotedUnguarded,
        &[properties::WRONG_ADDRESS, properties::LOST_WRITE],
        &[branches::SHARE, branches::MKWRITE],
    );
}

/// A direct write does not look at IREMAPPING.
#[test]
fn direct_writes_pass_a_reflink() {
    caught(
        "xfs/clone-dio",
        |_, fs| fs.clone_lock = CloneLock::DemotedUnguarded,
        &[properties::WRONG_ADDRESS],
        &[branches::SHARE, branches::DIO_REMAPPING],
    );
}

/// Harmless: the source's locks stay exclusive (before 6.7).
#[test]
fn reflink_keeps_the_locks_exclusive() {
    for scenario in ["xfs/clone-fault", "xfs/clone-dio", "xfs/generic-167"] {
        holds(scenario, |_, fs| fs.clone_lock = CloneLock::Exclusive, &[branches::SHARE]);
    }
}

/// Exchange-range moves one of the two counters: writeback of the other file goes on with its mapping.
#[test]
fn an_exchange_moves_one_counter() {
    caught(
        "xfs/exchange-writeback",
        |_, fs| fs.exchange = Exchange::OneCounter,
        &[properties::LOST_WRITE, properties::WRONG_ADDRESS],
        &[],
    );
}

/// It leaves the page cache of both ranges in place.
#[test]
fn an_exchange_leaves_the_page_cache() {
    caught(
        "xfs/exchange-mmap",
        |_, fs| fs.flush_unmap = FlushUnmap::Nothing,
        &[properties::LOST_WRITE],
        &[branches::MKWRITE],
    );
}

/// It takes a transaction for each file: a crash between them leaves a block in both.
#[test]
fn an_exchange_is_two_transactions() {
    caught(
        "xfs/exchange-crash",
        |_, fs| fs.exchange = Exchange::Apart,
        &[properties::CRASH_EXPOSURE],
        &[branches::CONVERT],
    );
}

/// It commits the change of one file only: what was synced is not there after a crash.
#[test]
fn an_exchange_commits_one_file() {
    caught(
        "xfs/exchange-crash",
        |_, fs| fs.exchange = Exchange::OneCommit,
        &[properties::CRASH_LOST],
        &[branches::CONVERT],
    );
}

/// Copies of blocks take the place of whatever the file has there by now.
#[test]
fn a_collector_looks_at_nothing_again() {
    let branches = [branches::RELOCATE, branches::RELOCATE_SKIP];
    for scenario in ["zoned/relocate-write", "zoned/relocate-collapse"] {
        let blind: Mutation = |design, _| design.relocate_recheck = RelocateRecheck::Nothing;
        caught(scenario, blind, &[properties::LOST_WRITE], &branches);
        holds(scenario, |design, _| design.relocate_recheck = RelocateRecheck::Counter, &branches);
    }
}

/// A collector waits for nobody before it frees the old blocks; with the locks kept it does. Blocks that are written in place
/// are not to be written while they are copied.
#[test]
fn a_collector_without_its_locks() {
    let reuse = "zoned/relocate-read";
    violates(reuse, |_, fs| fs.relocate = Relocate::NoLocks, &[properties::STALE_EXPOSURE]);
    for relocate in
        [(|_, fs| fs.relocate = Relocate::LocksKept) as Mutation, |_, fs| fs.relocate = Relocate::LocksHeld]
    {
        holds(reuse, relocate, &[branches::RELOCATE]);
    }
    let cycled: Mutation = |_, fs| fs.relocate = Relocate::LocksCycled;
    caught(
        "xfs/relocate",
        cycled,
        &[properties::LOST_WRITE, properties::WRONG_ADDRESS],
        &[branches::RELOCATE],
    );
}

/// Blocks are taken away, or written, while a client has a layout of them.
#[test]
fn layouts_are_not_recalled() {
    let unrecalled: Mutation = |design, _| design.layout_recall = LayoutRecall::Nothing;
    caught(
        "xfs/layout-punch",
        unrecalled,
        &[properties::LOST_WRITE, properties::WRONG_ADDRESS],
        &[branches::UNMAP],
    );
    caught("xfs/layout-write", unrecalled, &[properties::LOST_WRITE], &[]);
}

/// A client goes on writing by a layout that it has given back.
#[test]
fn a_layout_is_used_when_it_is_returned() {
    caught(
        "xfs/layout-returned",
        |_, fs| fs.layout_returned = LayoutReturned::Used,
        &[properties::WRONG_ADDRESS, properties::STALE_EXPOSURE, properties::LOST_WRITE],
        &[branches::UNMAP],
    );
}

/// Who is handed a layout out while the file is being cloned: the flag is looked at with the extents.
#[test]
fn a_layout_of_a_file_that_is_being_cloned() {
    let source = r#"
title = "A layout is asked for while the file is being cloned"
[[file]]
name = "data"
[[file]]
name = "copy"
[setup]
run = ["pwrite -S 0x41 0 4k", "fsync"]
[[actor]]
name = "client"
run = ["@may_fail @layoutget 0 4k", "@may_fail @layoutwrite -S 0x43 0 4k", "@layoutcommit", "@layoutreturn"]
[[actor]]
name = "cloner"
run = ["[copy] reflink data"]
"#;
    let scenario = good("layout-clone.toml", source);
    let design = Design { layout_reflink: LayoutReflink::Locked, ..Design::built_in("iomap_valid").unwrap() };
    let exploration = explored(&Kernel::new(scenario.config(design)).unwrap());
    assert_eq!(exploration.violated, 0);
}
