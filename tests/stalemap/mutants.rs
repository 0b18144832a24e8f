//! Negative controls: known mistakes, each of which the checker has to find, and harmless variations, which it
//! must not report.
//!
//! A mutant is a design or a file system with one value changed. For each, a small scenario of the catalogue is
//! explored completely under both designs of the validity check: as it is, where nothing may be violated and the
//! branches that the mistake is about must have been reached, and with the mistake, where the property that it
//! breaks must be among the violated ones.

use stalemap_checker::explore;
use stalemap_explore::{Exploration, LimitHit, Options};
use stalemap_facade::{Branch, Property};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::bounds;
use stalemap_model::words::branches;
use stalemap_model::words::config::Config;
use stalemap_model::words::design::{
    BeginCut, Check, Compare, Design, EndWriteback, FailedCut, FaultMap, HeldLock, HookRelease, IoendSize,
    IsizeExtended, LayoutRecall, LayoutReflink, MkwriteEnd, MkwriteMap, OnStale, PageDone, PageDoneOnStale,
    Punch, PunchFork, PunchLock, PunchStart, ReclaimDirty, ReclaimWriteback, RedirtyLock, Sample, SeekCheck,
    ShortCopy, StablePages, UnshareRead, WritebackBit, WritebackCheck, WritebackSubmit, ZeroRange,
    ZeroedUptodate,
};
use stalemap_model::words::dio_design::{
    DioAck, DioBusy, DioDrain, DioInvalidate, DioSize, DioStable, DioUnaligned, DioWait,
};
use stalemap_model::words::map_design::{
    AllocRecheck, ConvertRecheck, CowFill, CowHint, CowHole, CowRecheck, EndCow, MapLookup, RelocateRecheck,
    SharedTrim, UnmapCow,
};
use stalemap_model::words::personality::{
    Bump, CloneLock, Completion, DeviceCache, DioLock, Dropbehind, ErrorCleanup, Exchange, FlushUnmap, Freed,
    FsyncLog, JdataFlip, LayoutReturned, LogOrdered, MkwriteUnlock, OldSize, Personality, Relocate, SeekMap,
    SizeFlush, SizeLog, SyncFs, TruncateDioWait, TruncateFlush, UnshareCancels, WriteDioWait, WriteLock,
    ZonedWriteError,
};
use stalemap_model::words::valid_size::{MkwriteValid, TruncateZeroBlock, ValidMoved, ValidRead, ValidWrite};
use stalemap_model::words::writeback_design::{FillLock, IoendRecord, ReadEnd, Towrite};

use crate::common::{good, least, page, shipped};

/// The designs that every mistake is made in.
const DESIGNS: [&str; 2] = ["iomap_valid", "get_folio"];

/// One changed value.
type Mutation = fn(&mut Design, &mut Personality);

/// A scenario of the catalogue under a design, with or without a mistake.
fn system(scenario: &str, design: &str, mutation: Mutation) -> Kernel {
    let mut config = shipped(scenario).config(Design::built_in(design).unwrap());
    mutation(&mut config.design, &mut config.fs);
    Kernel::new(config).unwrap()
}

fn explored(system: &Kernel) -> Exploration {
    let exploration = explore(system, &Options::default(), &mut |_| ()).unwrap();
    assert!(exploration.is_complete(), "cut short by {:?}", exploration.limits_hit);
    exploration
}

/// Nothing is violated, and `branches` are reached.
fn holds(scenario: &str, mutation: Mutation, branches: &[Branch]) {
    for design in DESIGNS {
        let exploration = explored(&system(scenario, design, mutation));
        let violated = properties::of_bits(exploration.violated);
        assert_eq!(violated, [], "{scenario} under {design}");
        for branch in branches {
            let reached = exploration.reached & branch.bit() != 0;
            assert!(reached, "{scenario} under {design} never reaches {branch}");
        }
    }
}

/// Without the mistake nothing is violated and `branches` are reached; with it `properties` are violated, and for
/// each of them there is a least counterexample.
fn caught(scenario: &str, mutation: Mutation, properties: &[Property], branches: &[Branch]) {
    holds(scenario, |_, _| (), branches);
    violates(scenario, mutation, properties);
}

/// `properties` are violated, and for each of them there is a least counterexample.
fn violates(scenario: &str, mutation: Mutation, properties: &[Property]) {
    for design in DESIGNS {
        let system = system(scenario, design, mutation);
        let exploration = explored(&system);
        let violated = properties::of_bits(exploration.violated);
        for property in properties {
            assert!(
                violated.contains(property),
                "{scenario} under {design}: {violated:?}, but not {property}"
            );
            let (found, _) = least(&system, *property);
            assert!(found.certified, "{property} under {design}");
        }
    }
}

/// Nobody checks.
#[test]
fn m1_no_check() {
    caught(
        "xfs/t1",
        |design, _| design.check = Check::Never,
        &[properties::LOST_WRITE, properties::WRONG_ZERO],
        &[branches::STALE, branches::EVICT],
    );
}

/// The check comes before the folio lock.
#[test]
fn m2_check_before_the_folio_lock() {
    caught(
        "xfs/t1",
        |design, _| design.check = Check::BeforeLock,
        &[properties::LOST_WRITE, properties::WRONG_ZERO],
        &[branches::STALE, branches::EVICT],
    );
}

/// The check comes after the block was zeroed.
#[test]
fn m3_check_after_prepare() {
    caught(
        "xfs/t1",
        |design, _| design.check = Check::AfterPrepare,
        &[properties::LOST_WRITE, properties::WRONG_ZERO],
        &[branches::STALE, branches::EVICT],
    );
}

/// Completion clears the writeback bit before it converts the extent.
#[test]
fn m4_writeback_bit_cleared_before_conversion() {
    caught(
        "xfs/t1",
        |_, fs| fs.completion = Completion::ClearThenConvert,
        &[properties::LOST_WRITE],
        &[branches::STALE, branches::EVICT],
    );
}

/// Conversion does not move the counter.
#[test]
fn m5_conversion_does_not_move_the_counter() {
    caught(
        "xfs/a1",
        |_, fs| fs.bump_convert = Bump::Never,
        &[properties::LOST_WRITE, properties::UNSOUND_COOKIE],
        &[branches::STALE, branches::EVICT],
    );
}

/// Conversion moves the counter after the writeback bit is cleared.
#[test]
fn m5_conversion_moves_the_counter_too_late() {
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
fn m5b_counter_moves_after_the_ilock() {
    for scenario in ["xfs/a1", "xfs/t1", "xfs/t2"] {
        holds(scenario, |_, fs| fs.bump_convert = Bump::AfterIlock, &[branches::STALE, branches::EVICT]);
    }
}

/// Harmless: the allocation of delayed blocks does not move the counter; both states read as zeros.
#[test]
fn m5c_allocation_does_not_move_the_counter() {
    for scenario in ["xfs/a2", "xfs/t2", "xfs/t7-d2"] {
        holds(scenario, |_, fs| fs.bump_allocate = false, &[branches::STALE, branches::ALLOCATE]);
    }
}

/// The reservation is punched without invalidate_lock, so that a page fault dirties what was found clean.
#[test]
fn m7_punch_without_invalidate_lock() {
    caught(
        "xfs/t7-d2",
        |design, _| design.punch_lock = PunchLock::Nothing,
        &[properties::DIRTY_OVER_HOLE, properties::DROPPED_DIRTY, properties::LOST_WRITE],
        &[branches::PUNCH, branches::MKWRITE],
    );
}

/// The punch truncates the page cache of its range.
#[test]
fn m8_punch_truncates_the_page_cache() {
    caught(
        "xfs/t7-d1",
        |design, _| design.punch = Punch::Truncate,
        &[properties::LOST_WRITE],
        &[branches::PUNCH, branches::MKWRITE],
    );
}

/// The scan reads the dirty flag without the folio lock, while writeback has just cleared it.
#[test]
fn m9_scan_without_the_folio_lock() {
    caught(
        "xfs/t7-d2",
        |design, _| design.punch = Punch::ScanUnlocked,
        &[properties::DROPPED_DIRTY, properties::LOST_WRITE],
        &[branches::PUNCH, branches::ALLOCATE],
    );
}

/// Harmless: the gap before a dirty folio is punched after that folio is unlocked.
#[test]
fn m9b_gap_punched_late() {
    for scenario in ["xfs/t7-d1", "xfs/t7-d2", "xfs/a5"] {
        holds(scenario, |design, _| design.punch = Punch::ScanGapLate, &[branches::PUNCH, branches::MKWRITE]);
    }
}

/// A stale abort leaves the folio locked; the next attempt waits for it for ever.
#[test]
fn m10_stale_abort_without_unlock() {
    caught(
        "xfs/t1",
        |design, _| design.hook_release = HookRelease::ForgetUnlock,
        &[properties::LEAKED_LOCK, properties::DEADLOCK],
        &[branches::STALE],
    );
}

/// A stale abort keeps the reference to the folio.
#[test]
fn m10_stale_abort_without_put() {
    caught(
        "xfs/t1",
        |design, _| design.hook_release = HookRelease::ForgetPut,
        &[properties::LEAKED_LOCK],
        &[branches::STALE],
    );
}

/// A stale mapping without progress counts as done.
#[test]
fn m11_stale_counts_as_done() {
    caught(
        "xfs/t1",
        |design, _| design.on_stale = OnStale::Done,
        &[properties::SHORT_WRITE],
        &[branches::STALE, branches::RETRY],
    );
}

/// The STALE flag leaks into the next mapping, which is thrown away like the one before it, for ever.
#[test]
fn m12_stale_leaks_into_the_next_mapping() {
    caught(
        "xfs/t1",
        |design, _| design.clear_stale = false,
        &[properties::LEAKED_FLAG, properties::UNBOUNDED_RETRY, properties::LIVELOCK],
        &[branches::STALE, branches::RETRY],
    );
}

/// The cookie is sampled after the ILOCK is dropped.
#[test]
fn m13_cookie_sampled_outside() {
    caught(
        "xfs/a1",
        |design, _| design.sample = Sample::Outside,
        &[properties::LOST_WRITE, properties::UNSOUND_COOKIE],
        &[branches::STALE, branches::EVICT],
    );
}

/// Writeback asks the write path's cookie, which has no counter of the COW fork for a mapping of the data
/// fork.
#[test]
fn m14_writeback_asks_the_write_path_s_cookie() {
    caught(
        "xfs/t8",
        |design, _| design.writeback_check = WritebackCheck::Cookie,
        &[properties::WRONG_ADDRESS, properties::LOST_WRITE],
        &[branches::COW_RESERVE, branches::COW_REMAP],
    );
}

/// Harmless in the write path: only the data fork's counter is compared. Completion moves both, and what
/// moves the COW fork's alone does not change where the contents are.
#[test]
fn m16_only_the_data_fork_s_counter_is_compared() {
    for scenario in ["xfs/cow-srcmap", "xfs/t14", "xfs/t1"] {
        holds(scenario, |design, _| design.compare = Compare::DataCounter, &[branches::STALE]);
    }
}

/// Writeback goes by the range of the mapping that it keeps, over a truncate.
#[test]
fn m15_writeback_checks_the_range_only() {
    caught(
        "xfs/t9a",
        |design, _| design.writeback_check = WritebackCheck::Range,
        &[properties::STALE_EXPOSURE, properties::WRONG_ADDRESS, properties::LOST_WRITE],
        &[branches::UNMAP, branches::ALLOCATE],
    );
}

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

/// Harmless: a truncate reads the old size once direct I/O is complete. Before that, as XFS does, it loses what that appends, which
/// is what the scenarios are about.
#[test]
fn old_size_after_the_wait() {
    for scenario in ["xfs/truncate-append", "xfs/truncate-append-cut"] {
        holds(scenario, |_, fs| fs.old_size = OldSize::AfterWait, &[branches::CONVERT]);
    }
}

/// A buffered write inside end of file does not wait for direct I/O in flight.
#[test]
fn a_buffered_write_beside_direct_io() {
    caught(
        "ext4/t11",
        |_, fs| fs.write_dio_wait = WriteDioWait::BeyondEof,
        &[properties::LOST_WRITE],
        &[branches::DIO_CONVERT],
    );
}

/// A direct write behind end of file does not zero the gap: so it is on ext4, whose other ways to make a file longer do.
#[test]
fn a_direct_write_does_not_zero_behind_end_of_file() {
    let unzeroed: Mutation = |_, fs| fs.dio_zero_eof = false;
    caught("xfs/eof-direct", unzeroed, &[properties::STALE_EXPOSURE], &[branches::MKWRITE]);
    holds("ext4/eof-direct", |_, fs| fs.dio_zero_eof = true, &[branches::MKWRITE]);
}

/// A direct write that makes the file longer is in flight beside others, and raises the size with its first extent.
#[test]
fn a_direct_write_grows_the_file_beside_others() {
    let shared: Mutation = |_, fs| fs.dio_lock = DioLock::Shared;
    caught("ext4/dio-size-extents-crash", shared, &[properties::SIZE_ORDER], &[branches::DIO_CONVERT]);
    violates(
        "ext4/dio-append",
        |_, fs| {
            fs.dio_lock = DioLock::Shared;
            fs.write_dio_wait = WriteDioWait::BeyondEof;
        },
        &[properties::SIZE_ORDER],
    );
    violates(
        "ext4/truncate-append",
        |_, fs| {
            fs.dio_lock = DioLock::Shared;
            fs.old_size = OldSize::BeforeWait;
            fs.truncate_dio_wait = TruncateDioWait::Always;
        },
        &[properties::LOST_WRITE],
    );
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

/// A direct write whose range is dirty again fails, and would not if it was called once more.
#[test]
fn busy_although_nothing_is() {
    violates("zonefs/dio-busy", |design, _| design.dio_busy = DioBusy::Refuse, &[properties::SPURIOUS_ERROR]);
}

/// There is space for what a call needs, and it fails for want of more.
#[test]
fn no_space_although_there_is() {
    caught(
        "xfs/dio-false-enospc",
        |design, _| design.cow_fill = CowFill::Once,
        &[properties::SPURIOUS_ERROR],
        &[branches::COW_REMAP],
    );
    let scenario = "xfs/dio-cow-hint-enospc";
    holds(scenario, |design, _| design.cow_hint = CowHint::IfRoomDirect, &[branches::COW_RESERVE]);
    violates(scenario, |design, _| design.cow_hint = CowHint::IfRoom, &[properties::SPURIOUS_ERROR]);
    let scenario = "xfs/cow-hint-enospc";
    holds(scenario, |design, _| design.cow_hint = CowHint::IfRoom, &[branches::COW_RESERVE]);
    violates(scenario, |design, _| design.cow_hint = CowHint::Always, &[properties::SPURIOUS_ERROR]);
}

/// Whatever fails a write before it has the folio cuts the page cache behind an end of file that may have moved.
#[test]
fn a_cut_by_an_old_size() {
    caught(
        "xfs/killed-cut",
        |design, _| design.begin_cut = BeginCut::Always,
        &[properties::LOST_WRITE],
        &[branches::MKWRITE],
    );
    holds("xfs/killed-cut", |design, _| design.begin_cut = BeginCut::Nothing, &[branches::MKWRITE]);
}

/// A file's data begin, or cease, to be journalled, and its page cache stays as it is. A folio of one block has nothing of its
/// own in ordered mode that could be mistaken.
#[test]
fn a_page_cache_of_the_other_data_mode() {
    let keep: Mutation = |_, fs| fs.jdata_flip = JdataFlip::Keep;
    for scenario in ["gfs2/jdata-flip-blocks", "gfs2/jdata-unflip"] {
        caught(scenario, keep, &[properties::WRONG_PRIVATE], &[]);
    }
    holds("gfs2/jdata-flip", keep, &[]);
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

/// A write fault maps before it locks its folio. A direct write takes the folio away, and before the fault is
/// retried a truncate leaves a part of its reservation in the file and the store outside.
#[test]
fn m17_fault_maps_before_the_folio_lock() {
    caught(
        "xfs/m17",
        maps_first,
        &[properties::LEAKED_RESERVATION],
        &[branches::MKWRITE_RETRY, branches::UNMAP],
    );
}

/// The same where a reservation made in vain is all that there is space for: no folio is dirty yet when the fault
/// fails.
#[test]
fn m17_fault_fails_with_a_clean_folio() {
    caught("xfs/a10", maps_first, &[properties::LEAKED_RESERVATION], &[branches::MKWRITE]);
}

/// Harmless: a write fault that maps early is retried and finds its own reservation; without direct I/O nobody takes the
/// folio away.
#[test]
fn m17_fault_finds_its_reservation() {
    holds("xfs/m17-retried", maps_first, &[branches::MKWRITE_RETRY, branches::MKWRITE]);
    holds("xfs/m17-control", maps_first, &[branches::MKWRITE, branches::UNMAP, branches::EVICT]);
    holds("xfs/t2", maps_first, &[branches::MKWRITE, branches::STALE, branches::EVICT]);
}

fn maps_first(design: &mut Design, _: &mut Personality) {
    design.mkwrite_map = MkwriteMap::BeforeLock;
}

/// A write fault has an end handler that punches.
#[test]
fn m18_write_fault_punches() {
    caught(
        "xfs/a4",
        |design, _| design.mkwrite_end = MkwriteEnd::Punch,
        &[properties::DIRTY_OVER_HOLE, properties::DROPPED_DIRTY, properties::LOST_WRITE],
        &[branches::MKWRITE],
    );
}

/// A truncate leaves what lies behind end of file as it is.
#[test]
fn truncate_does_not_zero_behind_end_of_file() {
    let mutation: Mutation = |_, fs| fs.truncate_zero_eof = false;
    caught("xfs/c9-written", mutation, &[properties::STALE_EXPOSURE], &[branches::MKWRITE]);
}

/// fallocate does.
#[test]
fn fallocate_does_not_zero_behind_end_of_file() {
    let mutation: Mutation = |_, fs| fs.falloc_zero_eof = false;
    caught("xfs/c9-written", mutation, &[properties::STALE_EXPOSURE], &[branches::MKWRITE]);
}

/// Nobody zeroes behind end of file, but the folio is zeroed when the size is there.
#[test]
fn a_growing_file_zeroes_the_folio_at_its_old_end() {
    violates("xfs/c9-truncate", |_, _| (), &[properties::STALE_EXPOSURE]);
    holds("xfs/c9-truncate", |design, _| design.isize_extended = IsizeExtended::Zero, &[branches::MKWRITE]);
}

/// A fault maps all pages of its folio: harmless.
#[test]
fn fault_maps_its_folio() {
    holds("xfs/sigbus-page", |design, _| design.fault_map = FaultMap::Folio, &[branches::MKWRITE]);
}

/// invalidate_lock is taken with the folio locked, and a page fault takes them the other way round.
#[test]
fn m19_invalidate_lock_under_the_folio_lock() {
    caught(
        "xfs/a5",
        |design, _| design.punch_lock = PunchLock::UnderFolioLock,
        &[properties::DEADLOCK],
        &[branches::STALE, branches::PUNCH, branches::MKWRITE],
    );
}

/// `iomap_end` takes invalidate_lock although unsharing holds it.
#[test]
fn m20_unsharing_waits_for_its_own_lock() {
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

/// Reclaim looks whether a folio is dirty before it is the last one to refer to it.
#[test]
fn m23_reclaim_looks_at_the_dirty_flag_first() {
    caught(
        "xfs/m23",
        |design, _| design.reclaim_dirty = ReclaimDirty::BeforeFreeze,
        &[properties::LOST_WRITE],
        &[branches::EVICT, branches::MKWRITE],
    );
}

/// Harmless where every page is dirtied under its lock: reclaim looks at the dirty flag first.
#[test]
fn m23_nobody_dirties_by_a_reference() {
    for scenario in ["xfs/t2", "xfs/t7-d2"] {
        let first: Mutation = |design, _| design.reclaim_dirty = ReclaimDirty::BeforeFreeze;
        holds(scenario, first, &[branches::MKWRITE]);
    }
}

/// Reclaim drops folios under writeback.
#[test]
fn m24_reclaim_ignores_writeback() {
    caught(
        "xfs/t1",
        |design, _| design.reclaim_writeback = ReclaimWriteback::Ignore,
        &[properties::LOST_WRITE],
        &[branches::EVICT],
    );
}

/// The caller of write(2) learns of a stale mapping.
#[test]
fn m28_staleness_is_returned_to_the_user() {
    caught(
        "xfs/t1",
        |design, _| design.on_stale = OnStale::Fail,
        &[properties::SHORT_WRITE],
        &[branches::STALE, branches::RETRY],
    );
}

/// Writeback does not compare the COW fork's counter.
#[test]
fn m29_writeback_skips_the_cow_fork_s_counter() {
    caught(
        "xfs/t8",
        |design, _| design.writeback_check = WritebackCheck::RangeData,
        &[properties::WRONG_ADDRESS, properties::LOST_WRITE],
        &[branches::COW_RESERVE, branches::COW_REMAP],
    );
}

/// Writeback looks up its two forks in two sections of the ILOCK.
#[test]
fn writeback_looks_up_its_forks_one_after_the_other() {
    caught(
        "xfs/b3",
        |design, _| design.map_lookup = MapLookup::TwoSections,
        &[properties::DROPPED_DIRTY, properties::LOST_WRITE],
        &[branches::COW_RESERVE],
    );
}

/// Writeback gives a block up whose copy was moved while it let go of the ILOCK.
#[test]
fn writeback_looks_up_once_only() {
    let retry: Mutation = |design, _| design.cow_recheck = CowRecheck::DataCowAndShared;
    holds("xfs/b4", retry, &[branches::CONVERT_RETRY]);
    let no_retry: Mutation = |design, _| {
        design.cow_recheck = CowRecheck::DataCowAndShared;
        design.convert_recheck = ConvertRecheck::NoRetry;
    };
    violates("xfs/b4", no_retry, &[properties::DROPPED_DIRTY]);
}

/// Writeback allocates what was delayed before it let go of the ILOCK, also what somebody else has allocated since.
#[test]
fn writeback_allocates_what_it_does_not_look_at() {
    caught(
        "xfs/b5",
        |design, _| design.convert_recheck = ConvertRecheck::Nothing,
        &[properties::LOST_WRITE],
        &[branches::ALLOCATE, branches::COW_REMAP],
    );
}

/// A direct write asks about the block that it saw before it let go of the ILOCK whether it is shared.
#[test]
fn direct_writes_do_not_look_at_the_data_fork_again() {
    violates("xfs/cow-recheck", |_, _| (), &[properties::LOST_WRITE, properties::WRONG_ADDRESS]);
    let reads_it: Mutation = |design, _| design.cow_recheck = CowRecheck::DataCowAndShared;
    // A copy of what is not shared any more does no harm.
    let copies_again: Mutation = |design, _| design.cow_recheck = CowRecheck::Nothing;
    for harmless in [reads_it, copies_again] {
        holds("xfs/cow-recheck", harmless, &[branches::COW_RESERVE, branches::COW_REMAP]);
    }
}

/// Completion puts copies into the file that others are still writing.
#[test]
fn copies_in_flight_are_moved() {
    holds("xfs/end-cow", |design, _| design.end_cow = EndCow::IoRange, &[branches::COW_REMAP]);
    violates("xfs/end-cow", |design, _| design.end_cow = EndCow::WholeExtent, &[properties::STALE_EXPOSURE]);
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

/// Writeback is over with the first piece of a folio, which is written and dropped anew while the device still has the rest.
#[test]
fn writeback_is_over_with_the_first_piece() {
    let first: Mutation = |design, _| design.end_writeback = EndWriteback::FirstIo;
    violates("xfs/writeback-early", first, &[properties::LOST_WRITE, properties::STALE_READ]);
}

/// I/O is submitted with the folio locked, and complete before the bit is set that it clears.
#[test]
fn complete_before_the_writeback_bit() {
    let at_once: Mutation = |design, _| design.writeback_submit = WritebackSubmit::AtOnce;
    caught("xfs/writeback-early", at_once, &[properties::DEADLOCK], &[branches::CONVERT, branches::EVICT]);
    let bit_first: Mutation = |design, _| design.writeback_bit = WritebackBit::BeforeMapping;
    let both: Mutation = |design, _| {
        design.writeback_bit = WritebackBit::BeforeMapping;
        design.writeback_submit = WritebackSubmit::AtOnce;
    };
    for harmless in [bit_first, both] {
        holds("xfs/writeback-early", harmless, &[branches::CONVERT, branches::EVICT]);
    }
}

/// A punch leaves copies over the hole that it makes, and zeroing passes over that.
#[test]
fn copies_stay_over_a_hole() {
    violates("xfs/punch-cow", |_, _| (), &[properties::STALE_EXPOSURE]);
    let gives_up: Mutation = |design, _| design.unmap_cow = UnmapCow::Cancelled;
    holds("xfs/punch-cow", gives_up, &[branches::MKWRITE]);
    holds("xfs/clone-over-cow", gives_up, &[branches::COW_REMAP]);
}

/// A mapping of a copy over a hole is compared with the counters of one fork or of both.
#[test]
fn one_counter_is_enough_over_a_hole() {
    for scenario in ["xfs/cowextsize", "xfs/clone-over-cow"] {
        holds(scenario, |design, _| design.cow_hole = CowHole::DataFork, &[branches::COW_REMAP]);
        holds(scenario, |design, _| design.cow_hole = CowHole::BothForks, &[branches::COW_REMAP]);
    }
}

/// The size is raised for all extents of a direct write with the first one.
#[test]
fn size_before_the_second_extent() {
    violates("xfs/dio-size-extents", |_, _| (), &[properties::SIZE_ORDER]);
    holds(
        "xfs/dio-size-extents",
        |design, _| design.dio_size = DioSize::WithEachExtent,
        &[branches::DIO_CONVERT],
    );
}

/// A short copy into a folio that is not uptodate counts.
#[test]
fn m30_short_copy_counts() {
    caught(
        "xfs/f4",
        |design, _| design.short_copy = ShortCopy::Accept,
        &[properties::STALE_EXPOSURE],
        &[branches::SHORT_COPY],
    );
}

/// A block that was zeroed in part is valid before the copy, and a copy that is short then counts.
#[test]
fn zeroed_blocks_are_valid_before_the_copy() {
    let short = ["xfs/f4-partial", "xfs/short-copies-reclaim", "xfs/short-copy-run", "xfs/short-copy-eof"];
    let short = (branches::SHORT_COPY, short.as_slice());
    let filled = (branches::ZERO_FILL, ["ext4/read-while-filled", "gfs2/read-while-filled"].as_slice());
    for (branch, scenarios) in [short, filled] {
        for scenario in scenarios {
            let after: Mutation = |design, _| design.zeroed_uptodate = ZeroedUptodate::AfterCopy;
            holds(scenario, after, &[branch]);
        }
    }
    for scenario in short.1.iter().chain(filled.1) {
        let at_once: Mutation = |design, _| {
            design.zeroed_uptodate = ZeroedUptodate::AtOnce;
            design.failed_cut = FailedCut::NothingCounts;
        };
        violates(scenario, at_once, &[properties::STALE_EXPOSURE]);
    }
}

/// Fresh pages are zeros: nobody sees what they held, and a loss stays a loss.
#[test]
fn fresh_pages_are_zeros() {
    let zeros: Mutation = |_, fs| fs.init_on_alloc = true;
    holds("xfs/f4-partial", zeros, &[branches::SHORT_COPY]);
    violates("xfs/f4-partial-zeroed", |_, fs| fs.init_on_alloc = false, &[properties::STALE_EXPOSURE]);
    violates("zoned/short-copy", zeros, &[properties::LOST_WRITE]);
}

/// The source of a write is not probed on gfs2, and a pass that cannot copy leaves what it has allocated.
#[test]
fn the_source_is_not_probed() {
    let probed: Mutation = |_, fs| fs.source_probe = true;
    holds("gfs2/fail-unprobed", probed, &[]);
    let unprobed: Mutation = |_, fs| fs.source_probe = false;
    violates("gfs2/fail-unaligned", unprobed, &[properties::STALE_EXPOSURE]);
    violates("gfs2/fail", unprobed, &[properties::STALE_EXPOSURE]);
}

/// A flush of gfs2's log waits for ordered data under `nobarrier` alone; with `data=writeback` it does not even write them.
#[test]
fn ordered_data_are_not_waited_for() {
    let submits: Mutation = |_, fs| fs.log_ordered = LogOrdered::Submit;
    let writes_none: Mutation = |_, fs| fs.log_ordered = LogOrdered::Nothing;
    for name in ["append", "stuffed"] {
        for mutation in [submits, writes_none] {
            let lost = [properties::CRASH_EXPOSURE];
            caught(&format!("gfs2/crash-{name}-nobarrier"), mutation, &lost, &[]);
        }
    }
}

/// A block that was freed on gfs2 can be allocated again before the log is flushed.
#[test]
fn freed_blocks_are_taken_at_once() {
    let at_once: Mutation = |_, fs| fs.freed = Freed::AtOnce;
    let lost = [properties::CRASH_LOST, properties::CRASH_EXPOSURE];
    caught("gfs2/crash-reuse", at_once, &lost, &[branches::UNMAP]);
    holds("gfs2/t9-short", at_once, &[branches::PUNCH, branches::RETRY]);
    let with_the_log: Mutation = |_, fs| fs.freed = Freed::WithTheLog;
    violates("gfs2/t9-short-at-once", with_the_log, &[properties::WRONG_ADDRESS]);
}

/// A write fault on gfs2 lets go of the glock before its folio is dirty.
#[test]
fn write_faults_let_go_of_the_glock_early() {
    let held: Mutation = |_, fs| fs.mkwrite_unlock = MkwriteUnlock::AfterDirty;
    holds("gfs2/punch-fault", held, &[branches::MKWRITE, branches::UNMAP]);
    let early: Mutation = |_, fs| fs.mkwrite_unlock = MkwriteUnlock::BeforeDirty;
    violates("gfs2/punch-fault-locked", early, &[properties::LOST_WRITE]);
}

/// A direct write of gfs2 changes no times, and an fsync behind it finds the inode clean.
#[test]
fn direct_writes_change_no_times() {
    let lost = [properties::CRASH_LOST];
    caught("gfs2/device-cache-direct", |_, fs| fs.dio_times = false, &lost, &[]);
}

/// fsync on gfs2 flushes the log only if it finds the inode dirty.
#[test]
fn fsync_trusts_the_inode() {
    let always: Mutation = |_, fs| fs.fsync_log = FsyncLog::Always;
    let if_dirty: Mutation = |_, fs| fs.fsync_log = FsyncLog::IfDirty;
    for name in [
        "fsync-twice",
        "fsync-twice-size",
        "jdata-fsync-twice",
        "flusher-fsync",
        "device-cache",
        "punch-fsync",
    ] {
        holds(&format!("gfs2/{name}"), always, &[]);
    }
    for name in ["fsync-twice-size", "flusher-fsync"] {
        violates(&format!("gfs2/{name}"), if_dirty, &[properties::CRASH_LOST]);
    }
    for name in ["fsync-twice", "device-cache", "msync-hole"] {
        violates(&format!("gfs2/{name}-always"), if_dirty, &[properties::CRASH_LOST]);
    }
}

/// A short copy that counts leaves the page behind it beyond end of file as it is.
#[test]
fn short_copies_are_not_cut_off() {
    let cut: Mutation = |design, _| design.failed_cut = FailedCut::Always;
    holds("xfs/short-copy-eof", cut, &[branches::SHORT_COPY]);
    let not_cut: Mutation = |design, _| design.failed_cut = FailedCut::NothingCounts;
    violates("xfs/short-copy-eof", not_cut, &[properties::STALE_EXPOSURE]);
    holds("xfs/f4", not_cut, &[branches::SHORT_COPY]);
}

/// Unwritten extents are converted when the I/O is submitted.
#[test]
fn t16_conversion_before_the_data() {
    caught(
        "xfs/crash-falloc",
        |_, fs| fs.completion = Completion::ConvertAtSubmission,
        &[properties::CRASH_EXPOSURE],
        &[branches::CONVERT],
    );
}

/// The size on disk is raised by the write, before the data are there.
#[test]
fn t16_size_before_the_data() {
    caught(
        "xfs/append-crash",
        |_, fs| fs.size_log = SizeLog::Write,
        &[properties::SIZE_ORDER],
        &[branches::CONVERT, branches::ALLOCATE],
    );
}

/// The log is written without flushing the device's cache.
#[test]
fn t16_conversion_without_a_flush() {
    caught(
        "xfs/device-cache",
        |_, fs| fs.device_cache = DeviceCache::Unflushed,
        &[properties::CRASH_EXPOSURE, properties::CRASH_LOST],
        &[branches::CONVERT, branches::ALLOCATE],
    );
}

/// A sync leaves to the log what is to be flushed, and the log may have nothing to write.
#[test]
fn t16_sync_without_a_flush() {
    let flush: Mutation = |_, fs| fs.sync_fs = SyncFs::Flush;
    let nothing: Mutation = |_, fs| fs.sync_fs = SyncFs::Nothing;
    holds("xfs/sync-cache", flush, &[branches::CONVERT]);
    violates("xfs/sync-cache", nothing, &[properties::CRASH_LOST]);
    holds("zonefs/sync-cache", flush, &[]);
    let log: Mutation = |_, fs| fs.sync_fs = SyncFs::Log;
    violates("zonefs/sync-cache", log, &[properties::CRASH_LOST]);
    // What is written out of place is mapped by a transaction behind it, which the log is written for.
    let zoned: Mutation = |_, fs| {
        *fs = Personality { device_cache: fs.device_cache, ..Personality::built_in("xfs-zoned").unwrap() };
    };
    holds("xfs/sync-cache", zoned, &[branches::CONVERT]);
}

/// A shutdown leaves what the device has completed, flushed or not.
#[test]
fn t16_shutdown_without_a_flush() {
    let unflushed: Mutation = |_, fs| fs.device_cache = DeviceCache::Unflushed;
    holds("xfs/generic-737", unflushed, &[branches::CONVERT]);
}

/// Completion logs a size that the file has only reached since (before 6.13).
#[test]
fn size_as_it_was_not_submitted() {
    let submitted: Mutation = |design, _| design.ioend_size = IoendSize::Submitted;
    holds("xfs/append-concurrent", submitted, &[branches::CONVERT]);
    let block: Mutation = |design, _| design.ioend_size = IoendSize::Block;
    violates("xfs/append-concurrent", block, &[properties::SIZE_ORDER]);
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
        config.fs.unshare_cancels = UnshareCancels::IfIdle;
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

/// Failed writeback of copies leaves what is delayed under them in the data fork.
#[test]
fn failed_copies_leave_a_reservation() {
    caught(
        "xfs/b6",
        |_, fs| fs.error_cleanup = ErrorCleanup::Cow,
        &[properties::LEAKED_RESERVATION],
        &[branches::IO_ERROR, branches::SYNC_ERROR],
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

/// Who dirties a folio as it is holds a lock that does not keep direct writes, or punches, out.
#[test]
fn folios_are_dirtied_with_too_little_held() {
    let folio: Mutation = |design, _| design.redirty_lock = RedirtyLock::Folio;
    let fault: Mutation = |design, _| design.redirty_lock = RedirtyLock::InvalidateLock;
    for lock in [folio, fault] {
        caught("xfs/redirty-direct", lock, &[properties::LOST_WRITE], &[branches::CACHE_FILL]);
    }
    caught("xfs/redirty-punch", folio, &[properties::DIRTY_OVER_HOLE], &[branches::UNMAP]);
    holds("xfs/redirty-punch", fault, &[branches::UNMAP]);
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

/// A write reads what the device has behind the valid size, which a truncate has zeroed in the page cache alone.
#[test]
fn a_write_reads_behind_the_valid_size() {
    let device: Mutation = |_, fs| fs.valid_write = ValidWrite::Device;
    caught("ntfs3/write-below-valid", device, &[properties::STALE_EXPOSURE], &[branches::READ_FILL]);
    let on_disk: Mutation = |_, fs| {
        fs.valid_write = ValidWrite::Device;
        fs.truncate_zero_block = TruncateZeroBlock::Written;
    };
    holds("ntfs3/write-below-valid", on_disk, &[branches::READ_FILL]);
}

/// A write that reaches to the valid size reads what it covers, and its copy is short.
#[test]
fn a_short_copy_over_what_was_read_behind_the_valid_size() {
    let source = "title = \"A copy that comes short behind the valid size\"
[geometry]
block = \"512\"
folio = \"4k\"
[fs]
allocate = \"written\"
valid_size = true
block_dirty = true
[setup]
run = [\"truncate 4k\"]
[[actor]]
name = \"writer\"
run = [\"@fail 64\", \"pwrite -S 0x57 0 640\"]
[[actor]]
name = \"reader\"
run = [\"pread 0 4k\"]
";
    let scenario = good("short.toml", source);
    for (valid_write, right) in [
        (ValidWrite::Zeros, Vec::new()),
        (ValidWrite::ZeroTail, vec![properties::STALE_EXPOSURE]),
        (ValidWrite::Device, Vec::new()),
    ] {
        for design in DESIGNS {
            let mut config = scenario.config(Design::built_in(design).unwrap());
            config.fs.valid_write = valid_write;
            let exploration = explored(&Kernel::new(config).unwrap());
            assert_eq!(properties::of_bits(exploration.violated), right, "{valid_write:?} under {design}");
        }
    }
}

/// The end of a mapping moves the valid size, too, over what the file has grown by.
#[test]
fn the_end_of_a_mapping_moves_the_valid_size() {
    let source = "title = \"A file that grows under a mapping\"
[fs]
allocate = \"written\"
valid_size = true
block_dirty = true
[setup]
run = [\"pwrite -S 0x58 0 4k\", \"fsync\"]
[[actor]]
name = \"mapper\"
run = [\"mmap -w 0 8k\", \"truncate 8k\", \"munmap\", \"pread 4k 4k\"]
";
    let scenario = good("munmap.toml", source);
    for (mkwrite_valid, right) in
        [(MkwriteValid::AtMmap, Vec::new()), (MkwriteValid::AtMmapAndClose, vec![properties::STALE_EXPOSURE])]
    {
        for design in DESIGNS {
            let mut config = scenario.config(Design::built_in(design).unwrap());
            config.fs.mkwrite_valid = mkwrite_valid;
            let exploration = explored(&Kernel::new(config).unwrap());
            assert_eq!(properties::of_bits(exploration.violated), right, "{mkwrite_valid:?} under {design}");
        }
    }
}

/// What lies behind the valid size is read, nobody moves it for a store, it is moved over what nobody has zeroed, or too late.
#[test]
fn the_valid_size_is_not_what_is_on_the_blocks() {
    caught(
        "ntfs3/read-folio-valid",
        |_, fs| fs.valid_read = ValidRead::Device,
        &[properties::STALE_EXPOSURE],
        &[branches::CACHE_FILL, branches::MKWRITE],
    );
    violates(
        "ntfs3/read-folio-valid",
        |_, fs| fs.mkwrite_valid = MkwriteValid::Nothing,
        &[properties::LOST_WRITE],
    );
    caught(
        "exfat/mmap-grow",
        |_, fs| fs.mkwrite_valid = MkwriteValid::Moved,
        &[properties::STALE_EXPOSURE],
        &[branches::MKWRITE],
    );
    violates(
        "exfat/mmap-grow",
        |_, fs| fs.mkwrite_valid = MkwriteValid::AtMmap,
        &[properties::STALE_EXPOSURE],
    );
    caught(
        "ntfs3/read-zeroes-dirty",
        |_, fs| fs.valid_read = ValidRead::ZerosFolio,
        &[properties::LOST_WRITE],
        &[branches::CACHE_FILL],
    );
    caught(
        "ntfs3/valid-moved-late",
        |_, fs| fs.valid_moved = ValidMoved::IomapEnd,
        &[properties::LOST_WRITE],
        &[branches::EVICT, branches::CACHE_FILL],
    );
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

/// The fixed order of patch 02, on which the mistakes around the hooks are made.
fn before_unlock(design: &mut Design, _: &mut Personality) {
    design.page_done = PageDone::BeforeUnlock;
}

/// The hook joins the buffers after the folio was unlocked.
#[test]
fn m21_page_done_after_unlock() {
    holds("gfs2/t6", before_unlock, &[branches::READ_FILL, branches::EVICT]);
    let late: Mutation = |design, _| design.page_done = PageDone::AfterUnlock;
    violates("gfs2/t6", late, &[properties::BROKEN_TRANSACTION]);
}

/// The hook is given a folio that was never prepared.
#[test]
fn m22_page_done_with_an_unprepared_folio() {
    holds("gfs2/jdata-valid", before_unlock, &[branches::STALE]);
    let with_folio: Mutation = |design, fs| {
        before_unlock(design, fs);
        design.page_done_on_stale = PageDoneOnStale::Folio;
    };
    violates("gfs2/jdata-valid", with_folio, &[properties::BROKEN_TRANSACTION]);
}

/// A stale abort does not end the transaction.
#[test]
fn m10_stale_abort_without_the_end_of_the_transaction() {
    holds("gfs2/jdata-valid", before_unlock, &[branches::STALE]);
    let not_called: Mutation = |design, fs| {
        before_unlock(design, fs);
        design.page_done_on_stale = PageDoneOnStale::NotCalled;
    };
    violates("gfs2/jdata-valid", not_called, &[properties::BROKEN_TRANSACTION]);
}

/// SEEK_DATA looks at less than it should, or too far: what lies there is called a hole.
#[test]
fn seeking_passes_over_data() {
    let stale = &[properties::STALE_READ];
    caught("xfs/seek-cow", |_, fs| fs.seek_map = SeekMap::DataFork, stale, &[branches::COW_REMAP]);
    caught("xfs/seek-cow-untrimmed", |_, fs| fs.seek_map = SeekMap::CowUntrimmed, stale, &[]);
    caught("xfs/seek-delalloc", |_, fs| fs.seek_map = SeekMap::Allocated, stale, &[branches::ALLOCATE]);
    for scenario in ["xfs/seek-cow", "xfs/seek-cow-untrimmed", "xfs/seek-delalloc"] {
        holds(scenario, |_, fs| fs.seek_map = SeekMap::CowAndCache, &[]);
    }
}

/// A search uses a mapping that writeback and reclaim have made stale. i_rwsem does not help, a comparison does.
#[test]
fn seeking_uses_a_stale_mapping() {
    for scenario in ["xfs/seek-stale", "xfs/seek-hole", "ext4/seek"] {
        violates(scenario, |_, fs| fs.seek_takes_i_rwsem = true, &[properties::STALE_READ]);
        let checked: Mutation = |design, _| design.seek_check = SeekCheck::AfterProbe;
        holds(scenario, checked, &[branches::STALE, branches::EVICT]);
    }
}

/// A direct write drops what is cached before it converts its extents.
#[test]
fn m6_dropped_before_conversion() {
    caught(
        "xfs/t5",
        |design, _| design.dio_invalidate = DioInvalidate::BeforeEndIo,
        &[properties::LOST_WRITE, properties::STALE_READ],
        &[branches::DIO_CONVERT, branches::CACHE_FILL],
    );
}

/// A direct write that is not aligned to blocks goes beside others whatever it meets.
#[test]
fn m25_unaligned_direct_write_unfenced() {
    caught(
        "xfs/t3",
        |design, _| design.dio_unaligned = DioUnaligned::Shared,
        &[properties::LOST_WRITE],
        &[branches::DIO_PAD, branches::DIO_EAGAIN],
    );
}

/// An unaligned direct write that is done alone does not wait for others in flight.
#[test]
fn m26_unaligned_direct_write_without_drain() {
    caught(
        "xfs/d5-unaligned",
        |design, _| design.dio_drain = DioDrain::After,
        &[properties::LOST_WRITE],
        &[branches::DIO_PAD, branches::DIO_EAGAIN],
    );
}

/// The completion of a direct write raises the size before it converts the extent.
#[test]
fn m27_size_before_conversion() {
    caught(
        "xfs/d21",
        |design, _| design.dio_size = DioSize::BeforeConversion,
        &[properties::SIZE_ORDER],
        &[branches::DIO_CONVERT],
    );
}

/// Zeroing raises i_size as a write does.
#[test]
fn zeroing_raises_the_size() {
    let raised: Mutation = |design, _| design.zero_raises_size = true;
    caught("xfs/zero-raises-size", raised, &[properties::SIZE_ORDER], &[]);
    caught("xfs/zero-raises-size-failed", raised, &[properties::SIZE_ORDER], &[]);
}

/// Zeroing passes over dirty page cache where nothing is on the device yet, or not.
#[test]
fn zeroing_over_dirty_page_cache() {
    let flush: [Mutation; 3] = [
        |design, _| design.zero_range = ZeroRange::FlushAndRemap,
        |design, _| design.zero_range = ZeroRange::FlushUnwritten,
        |design, _| design.zero_range = ZeroRange::Batch,
    ];
    for flush in flush {
        holds("xfs/t12", flush, &[branches::CONVERT]);
    }
    holds("xfs/t12", flush[2], &[branches::ZERO_BATCH]);
    let skip: [Mutation; 2] = [
        |design, _| design.zero_range = ZeroRange::Skip,
        // It is about holes, and a preallocated block is none.
        |design, _| design.zero_range = ZeroRange::FlushInBegin,
    ];
    for skip in skip {
        violates("xfs/t12", skip, &[properties::STALE_EXPOSURE]);
    }
    let in_begin: Mutation = |design, _| design.zero_range = ZeroRange::FlushInBegin;
    holds("zoned/zero-dirty-hole", in_begin, &[branches::ZERO_FLUSH]);
    holds("zoned/zero-dirty-hole", flush[0], &[branches::ZERO_FLUSH]);
    violates("zoned/zero-dirty-hole", flush[1], &[properties::STALE_EXPOSURE]);
    violates("zoned/zero-dirty-hole", flush[2], &[properties::STALE_EXPOSURE]);
}

/// A direct write that is waited for returns before its extent is converted.
#[test]
fn d3_a_synchronous_write_returns_early() {
    let early: Mutation = |design, _| design.dio_ack = DioAck::BeforeEndIo;
    caught("xfs/d3-sync", early, &[properties::STALE_READ], &[branches::DIO_CONVERT]);
    caught("xfs/dio-dsync", early, &[properties::CRASH_LOST], &[branches::DIO_CONVERT]);
}

/// The tag of a pass for integrity goes with the first of a folio's pieces. That they are submitted one by one is no mistake.
#[test]
fn a_tag_that_goes_too_early() {
    let pieces: Mutation = |design, _| {
        design.writeback_bit = WritebackBit::EachPiece;
        design.writeback_submit = WritebackSubmit::AtOnce;
    };
    let kept: Mutation = |design, _| {
        design.writeback_bit = WritebackBit::EachPiece;
        design.writeback_submit = WritebackSubmit::AtOnce;
        design.towrite = Towrite::UntilClean;
    };
    let lost: Mutation = |design, _| {
        design.writeback_bit = WritebackBit::EachPiece;
        design.writeback_submit = WritebackSubmit::AtOnce;
        design.towrite = Towrite::FirstPiece;
    };
    for harmless in [kept, pieces] {
        holds("xfs/towrite-piece", harmless, &[branches::CONVERT]);
    }
    for whole in [Towrite::Dirty, Towrite::UntilClean, Towrite::FirstPiece] {
        let config = shipped("xfs/towrite-piece").config(Design::built_in("iomap_valid").unwrap());
        let design = Design { towrite: whole, ..config.design.clone() };
        let exploration = explored(&Kernel::new(Config { design, ..config }).unwrap());
        assert_eq!(exploration.violated, 0, "{whole:?}");
    }
    violates("xfs/towrite-piece", lost, &[properties::CRASH_LOST]);
}

/// The end of writeback, or a reader, drops an uncached folio that is under writeback again.
#[test]
fn an_uncached_folio_dropped_unseen() {
    caught(
        "xfs/dontcache",
        |_, fs| fs.dropbehind = Dropbehind::Ungated,
        &[properties::STALE_READ],
        &[branches::DROPBEHIND, branches::CACHE_FILL],
    );
    caught(
        "ext4/dontcache-read",
        |_, fs| fs.dropbehind = Dropbehind::Ungated,
        &[properties::STALE_READ],
        &[branches::DROPBEHIND, branches::CACHE_FILL],
    );
}

/// Completion takes for written what writeback has left out.
#[test]
fn a_record_longer_than_its_data() {
    caught(
        "xfs/ioend-record",
        |design, _| design.ioend_record = IoendRecord::Dirty,
        &[properties::CRASH_EXPOSURE],
        &[branches::CONVERT],
    );
}

/// Writeback fails where nothing is written in place, and the file system goes on: a block is nobody's, and its zone is open for
/// ever.
#[test]
fn a_zone_that_never_becomes_full() {
    caught(
        "zoned/write-error",
        |_, fs| fs.zoned_write_error = ZonedWriteError::GoOn,
        &[properties::LEAKED_RESERVATION],
        &[branches::IO_ERROR, branches::SHUTDOWN],
    );
    caught(
        "zoned/write-error-zone",
        |_, fs| fs.zoned_write_error = ZonedWriteError::GoOn,
        &[properties::LEAKED_RESERVATION, properties::DEADLOCK],
        &[branches::IO_ERROR, branches::SHUTDOWN],
    );
}

/// Zones alone do no harm: what writes into the last block of one goes on with the next.
#[test]
fn zones_that_become_full() {
    holds("zoned/write-error-zone", |_, fs| fs.io_errors = false, &[branches::COW_REMAP]);
    holds(
        "zoned/write-error-zone",
        |_, fs| {
            fs.io_errors = false;
            fs.zone_blocks = 1;
        },
        &[branches::COW_REMAP],
    );
}

/// A reader lets invalidate_lock go when it has submitted its I/O: harmless.
#[test]
fn invalidate_lock_is_let_go_before_the_read_is_complete() {
    for scenario in ["xfs/read-pieces", "xfs/d9"] {
        holds(scenario, |design, _| design.fill_lock = FillLock::Submitted, &[branches::CACHE_FILL]);
    }
}

/// A folio is uptodate with the first of its pieces.
#[test]
fn a_folio_uptodate_too_early() {
    caught(
        "xfs/read-pieces",
        |design, _| design.read_end = ReadEnd::FirstPiece,
        &[properties::STALE_EXPOSURE],
        &[branches::CACHE_FILL],
    );
}

/// The device is given a checksum of what was in the user's buffer before. That the buffer changes is no mistake.
#[test]
fn a_checksum_of_what_the_buffer_had_before() {
    let bounce: Mutation = |design, fs| {
        design.dio_stable = DioStable::Bounce;
        fs.data_checksum = true;
    };
    let buffered: Mutation = |design, fs| {
        design.dio_stable = DioStable::Buffered;
        fs.data_checksum = true;
    };
    let in_place: Mutation = |design, fs| {
        design.dio_stable = DioStable::Nothing;
        fs.data_checksum = true;
    };
    for scenario in ["xfs/dio-checksum", "xfs/dio-buffer"] {
        holds(scenario, bounce, &[branches::BUFFER_CHANGED]);
        holds(scenario, buffered, &[branches::DIO_FALLBACK]);
        violates(scenario, in_place, &[properties::SPURIOUS_ERROR]);
    }
    holds("xfs/dio-checksum", |_, fs| fs.data_checksum = false, &[branches::BUFFER_CHANGED]);
}

/// A folio under writeback is changed, and the device gets it with the checksum of what it had before. Without checksums that is
/// no mistake.
#[test]
fn a_page_that_changes_while_it_is_written() {
    caught(
        "xfs/stable-pages",
        |design, _| design.stable_pages = StablePages::Nothing,
        &[properties::SPURIOUS_ERROR],
        &[branches::MKWRITE],
    );
    let unsummed: Mutation = |design, fs| {
        design.stable_pages = StablePages::Nothing;
        fs.data_checksum = false;
    };
    holds("xfs/stable-pages", unsummed, &[branches::MKWRITE]);
    let summed: [Mutation; 2] = [
        |_, fs| fs.data_checksum = true,
        |design, fs| {
            fs.data_checksum = true;
            design.writeback_bit = WritebackBit::BeforeMapping;
            design.writeback_submit = WritebackSubmit::AtOnce;
        },
    ];
    for scenario in ["xfs/generic-346", "xfs/t16", "xfs/crash-falloc"] {
        for mutation in summed {
            holds(scenario, mutation, &[]);
        }
    }
}

/// A checksum is one of bytes: who stores the same ones breaks none, in a buffer or in a folio.
#[test]
fn a_store_of_the_same_bytes_breaks_no_checksum() {
    for name in ["dio-checksum", "stable-pages"] {
        let source = page(&format!("scenarios/xfs/{name}.toml"));
        for (pattern, violated) in [("0x59", &[properties::SPURIOUS_ERROR][..]), ("0x57", &[])] {
            let scenario = good(name, &source.replace("mwrite -S 0x59", &format!("mwrite -S {pattern}")));
            let design = Design { stable_pages: StablePages::Nothing, ..Design::built_in("none").unwrap() };
            let found = explored(&Kernel::new(scenario.config(design)).unwrap());
            assert_eq!(properties::of_bits(found.violated), violated, "{name}: {pattern}");
        }
    }
}

/// Zeros at the edge of a punch that fail to be written are lost as data are: what the block has is found again, and fsync says so.
/// When the file grows over it afterwards, that call has to see to zeros anew.
#[test]
fn zeros_that_fail_to_be_written_are_as_lost_as_data() {
    let read = r#""@may_fail fsync", "@reclaim 0 4k", "pread 0 4k""#;
    let grow = r#""truncate 4k", "@may_fail fsync", "@reclaim 0 4k", "pread 0 4k""#;
    let rows = [
        ("xfs", "fpunch 1k 2k", read.to_owned()),
        ("xfs", "fzero 1k 2k", read.to_owned()),
        ("xfs", "fpunch 1k 5k", read.to_owned()),
        ("xfs", "truncate 1k", format!("{read}, {grow}")),
        ("gfs2", "fpunch 1k 5k", read.to_owned()),
        ("gfs2", "truncate 1k", read.to_owned()),
    ];
    for (fs, zero, after) in rows {
        let source = format!(
            "title = \"zeros\"\n[fs]\npersonality = \"{fs}\"\nio_errors = true\n[setup]\n\
             run = [\"pwrite -b 8k 0 8k\", \"fsync\"]\n[[actor]]\nname = \"a\"\n\
             run = [\"@may_fail {zero}\", {after}]\n[[actor]]\nname = \"b\"\n\
             run = [\"sync_range -w 0 4k\"]\n"
        );
        let scenario = good("zeros.toml", &source);
        let design = Design::built_in("iomap_valid").unwrap();
        let found = explored(&Kernel::new(scenario.config(design)).unwrap());
        assert_eq!(properties::of_bits(found.violated), [], "{zero} on {fs}");
        assert!(found.reached & branches::IO_ERROR.bit() != 0, "{zero} on {fs}");
    }
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

/// Zeroing fails at the first of two edges of a punch, out of place: what was reserved for the second goes back.
#[test]
fn a_failed_punch_gives_back_what_it_has_not_used() {
    let source = r#"
title = "A punch between two blocks, without memory for the page of the first"
[fs]
personality = "xfs-zoned"
alloc_errors = true
[setup]
run = ["pwrite -S 0x58 -b 8k 0 8k", "fsync", "fadvise -d 0 8k"]
[[actor]]
name = "puncher"
run = ["fpunch 1k 6k"]
"#;
    let scenario = good("punch-no-memory.toml", source);
    let exploration =
        explored(&Kernel::new(scenario.config(Design::built_in("iomap_valid").unwrap())).unwrap());
    assert_eq!(exploration.violated, 0);
    assert!(exploration.reached & branches::NO_MEMORY.bit() != 0);
}

/// Writeback of a folio ends with the first of its pieces, and begins again while the other is in flight: its end finds the folio.
#[test]
fn writeback_begins_again_before_all_pieces_have_ended() {
    let source = r#"
title = "A folio is written again before the second piece of the first time is complete"
[geometry]
block = "4k"
folio = "8k"
[setup]
run = ["pwrite -S 0x30 0 1k", "truncate 8k"]
[[actor]]
name = "store"
run = ["mmap -rw 0 8k", "mwrite -S 0x44 2k 2k"]
[[actor]]
name = "zeroer"
run = ["sync_range -w 3k 2k", "fzero 0 4k"]
[design.first-io]
based_on = "iomap_valid"
end_writeback = "first-io"
"#;
    let scenario = good("first-io.toml", source);
    let [first, last] = ["first-io", "iomap_valid"].map(|name| {
        let implementation = scenario.implementation(name).expect("a design");
        explored(&Kernel::new(scenario.config_of(implementation)).unwrap())
    });
    assert!(first.violated & properties::WRONG_ADDRESS.bit() != 0);
    assert_eq!(last.violated, 0);
}
