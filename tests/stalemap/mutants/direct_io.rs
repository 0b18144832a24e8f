//! Direct I/O.

use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::branches;
use stalemap_model::words::design::{Design, StablePages};
use stalemap_model::words::dio_design::{
    DioAck, DioBusy, DioDrain, DioInvalidate, DioSize, DioStable, DioUnaligned,
};
use stalemap_model::words::map_design::{CowFill, CowHint, CowRecheck};
use stalemap_model::words::personality::{DioLock, OldSize, TruncateDioWait, WriteDioWait};

use super::{Mutation, caught, explored, holds, violates};
use crate::common::{good, page};

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

/// A direct write drops what is cached before it converts its extents.
#[test]
fn dropped_before_conversion() {
    caught(
        "xfs/t5",
        |design, _| design.dio_invalidate = DioInvalidate::BeforeEndIo,
        &[properties::LOST_WRITE, properties::STALE_READ],
        &[branches::DIO_CONVERT, branches::CACHE_FILL],
    );
}

/// A direct write that is not aligned to blocks goes beside others whatever it meets.
#[test]
fn unaligned_direct_write_unfenced() {
    caught(
        "xfs/t3",
        |design, _| design.dio_unaligned = DioUnaligned::Shared,
        &[properties::LOST_WRITE],
        &[branches::DIO_PAD, branches::DIO_EAGAIN],
    );
}

/// An unaligned direct write that is done alone does not wait for others in flight.
#[test]
fn unaligned_direct_write_without_drain() {
    caught(
        "xfs/d5-unaligned",
        |design, _| design.dio_drain = DioDrain::After,
        &[properties::LOST_WRITE],
        &[branches::DIO_PAD, branches::DIO_EAGAIN],
    );
}

/// The completion of a direct write raises the size before it converts the extent.
#[test]
fn size_before_conversion() {
    caught(
        "xfs/d21",
        |design, _| design.dio_size = DioSize::BeforeConversion,
        &[properties::SIZE_ORDER],
        &[branches::DIO_CONVERT],
    );
}

/// A direct write that is waited for returns before its extent is converted.
#[test]
fn a_synchronous_write_returns_early() {
    let early: Mutation = |design, _| design.dio_ack = DioAck::BeforeEndIo;
    caught("xfs/d3-sync", early, &[properties::STALE_READ], &[branches::DIO_CONVERT]);
    caught("xfs/dio-dsync", early, &[properties::CRASH_LOST], &[branches::DIO_CONVERT]);
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
