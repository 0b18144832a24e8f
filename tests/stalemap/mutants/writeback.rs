//! Writeback: what it looks up and compares, and what its completion does.

use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::asked::Asked;
use stalemap_model::words::branches;
use stalemap_model::words::config::Config;
use stalemap_model::words::design::{
    Design, EndWriteback, IoendSize, StablePages, WritebackBit, WritebackCheck, WritebackSubmit,
};
use stalemap_model::words::map_design::{ConvertRecheck, CowRecheck, MapLookup};
use stalemap_model::words::personality::{Completion, ErrorCleanup, ZonedWriteError};
use stalemap_model::words::writeback_design::{IoendRecord, Towrite};

use super::{Mutation, caught, explored, holds, violates};
use crate::common::{good, shipped};

/// Completion clears the writeback bit before it converts the extent.
#[test]
fn writeback_bit_cleared_before_conversion() {
    caught(
        "xfs/t1",
        |_, fs| fs.completion = Completion::ClearThenConvert,
        &[properties::LOST_WRITE],
        &[branches::STALE, branches::EVICT],
    );
}

/// Writeback asks the write path's cookie, which has no counter of the COW fork for a mapping of the data
/// fork.
#[test]
fn writeback_asks_the_write_path_s_cookie() {
    caught(
        "xfs/t8",
        |design, _| design.writeback_check = WritebackCheck::Cookie,
        &[properties::WRONG_ADDRESS, properties::LOST_WRITE],
        &[branches::COW_RESERVE, branches::COW_REMAP],
    );
}

/// Writeback goes by the range of the mapping that it keeps, over a truncate.
#[test]
fn writeback_checks_the_range_only() {
    caught(
        "xfs/t9a",
        |design, _| design.writeback_check = WritebackCheck::Range,
        &[properties::STALE_EXPOSURE, properties::WRONG_ADDRESS, properties::LOST_WRITE],
        &[branches::UNMAP, branches::ALLOCATE],
    );
}

/// Writeback does not compare the COW fork's counter.
#[test]
fn writeback_skips_the_cow_fork_s_counter() {
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

/// Completion logs a size that the file has only reached since (before 6.13).
#[test]
fn size_as_it_was_not_submitted() {
    let submitted: Mutation = |design, _| design.ioend_size = IoendSize::Submitted;
    holds("xfs/append-concurrent", submitted, &[branches::CONVERT]);
    let block: Mutation = |design, _| design.ioend_size = IoendSize::Block;
    violates("xfs/append-concurrent", block, &[properties::SIZE_ORDER]);
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
        let design = Design { towrite: whole, ..config.design.unnoted().clone() };
        let exploration = explored(&Kernel::new(Config { design: Asked::new(design), ..config }).unwrap());
        assert_eq!(exploration.violated, 0, "{whole:?}");
    }
    violates("xfs/towrite-piece", lost, &[properties::CRASH_LOST]);
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
