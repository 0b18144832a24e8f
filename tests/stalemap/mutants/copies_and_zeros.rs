//! What is copied and zeroed: short copies, blocks behind end of file, zeros that fail.

use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::branches;
use stalemap_model::words::design::{
    BeginCut, Design, FailedCut, IsizeExtended, ShortCopy, ZeroRange, ZeroedUptodate,
};
use stalemap_model::words::valid_size::{MkwriteValid, TruncateZeroBlock, ValidWrite};

use super::{DESIGNS, Mutation, caught, explored, holds, violates};
use crate::common::good;

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

/// A short copy into a folio that is not uptodate counts.
#[test]
fn short_copy_counts() {
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

/// A short copy that counts leaves the page behind it beyond end of file as it is.
#[test]
fn short_copies_are_not_cut_off() {
    let cut: Mutation = |design, _| design.failed_cut = FailedCut::Always;
    holds("xfs/short-copy-eof", cut, &[branches::SHORT_COPY]);
    let not_cut: Mutation = |design, _| design.failed_cut = FailedCut::NothingCounts;
    violates("xfs/short-copy-eof", not_cut, &[properties::STALE_EXPOSURE]);
    holds("xfs/f4", not_cut, &[branches::SHORT_COPY]);
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
            // If it is valid at once, so is what is prepared together with a zeroed block (`xfs/short-copy-run`).
            config.design.unnoted_mut().zeroed_uptodate = ZeroedUptodate::AfterCopy;
            config.fs.unnoted_mut().valid_write = valid_write;
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
            config.fs.unnoted_mut().mkwrite_valid = mkwrite_valid;
            let exploration = explored(&Kernel::new(config).unwrap());
            assert_eq!(properties::of_bits(exploration.violated), right, "{mkwrite_valid:?} under {design}");
        }
    }
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
