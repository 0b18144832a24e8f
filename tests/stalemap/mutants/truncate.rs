//! Truncate and what else changes a file as a whole.

use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::dio_design::DioWait;
use stalemap_model::words::map_design::AllocRecheck;
use stalemap_model::words::personality::{FlushUnmap, OldSize, SizeFlush, TruncateDioWait, TruncateFlush};

use super::{Mutation, caught, holds, violates};

/// A truncate does not write its new last block back before it zeroes the rest of it.
#[test]
fn truncate_without_a_flush() {
    for flush in [(|_, fs| fs.truncate_flush = TruncateFlush::Never) as Mutation, |_, fs| {
        fs.truncate_flush = TruncateFlush::AfterZeroing;
    }] {
        caught(
            "xfs/generic-469",
            flush,
            &[properties::STALE_EXPOSURE],
            &[branches::CONVERT, branches::EVICT],
        );
    }
}

/// A truncate logs its size whatever is not on the device.
#[test]
fn size_logged_before_the_data() {
    caught(
        "xfs/truncate-crash-unlogged",
        |_, fs| {
            fs.truncate_flush = TruncateFlush::Never;
            fs.size_flush = SizeFlush::Never;
        },
        &[properties::SIZE_ORDER],
        &[branches::ALLOCATE, branches::CONVERT],
    );
}

/// A truncate writes back for its size before i_size is the new one.
#[test]
fn flush_before_the_size() {
    caught(
        "xfs/truncate-flush-order",
        |_, fs| {
            fs.truncate_flush = TruncateFlush::Never;
            fs.size_flush = SizeFlush::BeforeSize;
        },
        &[properties::STALE_EXPOSURE],
        &[branches::CONVERT],
    );
}

/// What ext4 has zeroed behind the old end of file is not on the device before the size: a crash finds a store there.
#[test]
fn zeros_that_are_not_ordered() {
    for scenario in
        ["ext4/truncate-up-ordered-crash", "ext4/falloc-ordered-crash", "ext4/append-ordered-crash"]
    {
        caught(
            scenario,
            |_, fs| fs.size_flush = SizeFlush::Never,
            &[properties::CRASH_EXPOSURE],
            &[branches::MKWRITE],
        );
    }
}

/// Harmless: a truncate reads the old size once direct I/O is complete. Before that, as XFS does, it loses what that appends, which
/// is what the scenarios are about.
#[test]
fn old_size_after_the_wait() {
    for scenario in ["xfs/truncate-append", "xfs/truncate-append-cut"] {
        holds(scenario, |_, fs| fs.old_size = OldSize::AfterWait, &[branches::CONVERT]);
    }
}

/// A truncate that makes the file longer does not wait for direct I/O in flight, as on ext4, and zeroes beside it.
#[test]
fn a_truncate_up_beside_direct_io() {
    violates("ext4/truncate-up-aio", |_, _| (), &[properties::LOST_WRITE]);
    holds(
        "ext4/truncate-up-aio",
        |_, fs| fs.truncate_dio_wait = TruncateDioWait::Always,
        &[branches::READ_FILL],
    );
}

/// Nobody who changes a file as a whole waits for direct I/O in flight, or all do before they have the locks.
#[test]
fn extents_changed_under_direct_io() {
    for wait in [(|design, _| design.dio_wait = DioWait::Never) as Mutation, |design, _| {
        design.dio_wait = DioWait::BeforeLock;
    }] {
        for (scenario, property) in [
            ("xfs/truncate-aio", properties::WRONG_ADDRESS),
            ("xfs/punch-aio", properties::WRONG_ADDRESS),
            ("xfs/clone-source-aio", properties::WRONG_ADDRESS),
            ("xfs/exchange-direct-aio", properties::LOST_WRITE),
        ] {
            caught(scenario, wait, &[property], &[]);
        }
    }
}

/// A punch leaves the page cache over the blocks that it takes away.
#[test]
fn punch_under_the_page_cache() {
    caught(
        "xfs/generic-567",
        |_, fs| fs.flush_unmap = FlushUnmap::Nothing,
        &[properties::DIRTY_OVER_HOLE],
        &[branches::UNMAP, branches::MKWRITE],
    );
}

/// A punch drops the page cache without writing it back: what lies beside the hole goes with it.
#[test]
fn punch_drops_dirty_folios() {
    caught(
        "xfs/generic-567",
        |_, fs| fs.flush_unmap = FlushUnmap::Drop,
        &[properties::LOST_WRITE],
        &[branches::UNMAP, branches::MKWRITE],
    );
}

/// Preallocation goes by what it found before it let the ILOCK go, and takes a block from its data.
#[test]
fn preallocation_looks_once() {
    caught(
        "xfs/falloc-extents",
        |design, _| design.alloc_recheck = AllocRecheck::Nothing,
        &[properties::LOST_WRITE],
        &[branches::CONVERT],
    );
}
