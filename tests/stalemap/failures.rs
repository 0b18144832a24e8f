//! Calls and I/O that fail: what they leave, what is promised by an fsync that fails, and what is not lost although it looks so.

use std::collections::BTreeSet;

use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, Outcome, run_all};
use stalemap_checker::explore;
use stalemap_explore::Options;
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;

use crate::common::good;

fn under(of: &str, source: &str, implementation: &str) -> Outcome {
    let scenario = good(of, &format!("title = 'x'\n{source}"));
    let implementation = scenario.implementation(implementation).expect("a design or a kernel");
    let job = Job { scenario: &scenario, implementation, engine: Engine::Exhaustive };
    run_all(&[job], GivenLimits::default(), 1, &|_| ()).remove(0).expect("a run")
}

/// What a failed writeback leaves, and what an fsync(2) that fails promises: `holds`, or what is violated.
#[test]
fn what_failed_to_be_written_may_be_gone_until_it_is_written() {
    const OLD: &str = "[fs]\nio_errors = true\n[setup]\nrun = ['pwrite -S 0x61 -b 8k 0 8k', 'fsync']\n";
    let ignores = "[design.ignores]\nbased_on = 'iomap_valid'\nreclaim_writeback = 'ignore'\n";
    let actor = |name: &str, run: &str| format!("[[actor]]\nname = '{name}'\nrun = [{run}]\n");
    let again = "'pwrite -S 0x62 0 4k', '@may_fail fsync', '@redirty 0 4k', 'sync_range -w 0 4k', '@reclaim 0 4k', \
                 'pread 0 4k', '@may_fail fsync', 'pread 0 4k'";
    let grown = "'@may_fail truncate 5k', 'pwrite -S 0x62 -b 2k 6k 2k', '@may_fail fsync'";
    for (of, files, implementation, violated) in [
        ("written after the failure", format!("{OLD}{ignores}{}", actor("w", again)), "ignores", true),
        ("the same, with a reclaim that looks", format!("{OLD}{}", actor("w", again)), "iomap_valid", false),
        (
            "a store over a copy whose write has not ended",
            format!(
                "{OLD}{}{}",
                actor("w", "'pwrite -S 0x41 -b 8k 0 8k'"),
                actor("m", "'mmap 0 4k', 'mwrite -S 0x42 0 4k', 'sync_range -w 0 4k'")
            ),
            "linux-7.3",
            false,
        ),
        (
            "an append that fails, and the only fsync",
            format!("{OLD}{}{}", actor("a", grown), actor("p", "'@crash'")),
            "linux-7.3",
            false,
        ),
        (
            "a fiemap whose writeback fails, beside a store that dirties the folio again",
            format!(
                "post_eof = 'exempt'\n[geometry]\nblock = '1k'\nfolio = '4k'\n[fs]\nio_errors = true\n{}{}",
                actor("f", "'pwrite -S 0x41 2k 1k', '@may_fail fiemap 2k 1k'"),
                actor("m", "'mmap -rw 0 4k', '@may_fail mwrite -S 0x42 3584 512'")
            ),
            "linux-7.3",
            false,
        ),
        (
            "zeros by which the file grows over what a direct write has left",
            format!(
                "[fs]\nio_errors = true\n[setup]\nrun = ['pwrite -S 0x61 0 1k', 'fsync']\n{}",
                actor(
                    "a",
                    "'@may_fail @direct pwrite -S 0x4a -b 5k 3k 5k', 'pwrite -S 0x57 4k 4k', '@may_fail fsync', \
                     '@reclaim 0 4k', 'pread 0 4k'"
                )
            ),
            "linux-7.3",
            false,
        ),
    ] {
        let outcome = under(of, &files, implementation);
        assert_eq!(!outcome.violated.is_empty(), violated, "{of}: {:?}", outcome.violated);
    }
}

/// An error of writeback stays with the file, whatever sync(2) and syncfs(2) make of it; syncfs(2) tells of one once.
#[test]
fn a_sync_takes_no_error_away_from_fsync() {
    for (call, asks) in [("sync", false), ("syncfs", true)] {
        let source = format!(
            "title = 'x'\n[fs]\nio_errors = true\n[setup]\nrun = ['pwrite -S 0x58 0 4k', 'fsync']\n[[actor]]\nname = 'w'\n\
             run = ['pwrite -S 0x57 0 4k', 'sync_range -w 0 4k', '@may_fail {call}', '@may_fail {call}', '@may_fail fsync']\n\
             [[actor]]\nname = 'p'\nrun = ['@crash']\n"
        );
        let scenario = good(call, &source);
        let kernel = Kernel::new(scenario.config_of(scenario.implementation("linux-7.3").expect("a kernel")))
            .expect("a system");
        let explored = explore(&kernel, &Options::default(), &mut |_| ()).expect("an exploration");
        let failed: BTreeSet<u16> = explored.calls.failed().map(|call| call.command).collect();
        let expected = if asks { &[2, 4][..] } else { &[4] };
        assert_eq!(failed, expected.iter().copied().collect(), "{call}");
        assert_eq!(properties::of_bits(explored.violated), [], "{call}");
    }
}

/// gfs2 asks about errors while something is cached, or the inode is dirty, which it is not behind a sync: syncfs(2) alone tells of them.
#[test]
fn what_nobody_was_told_of_is_lost_behind_a_sync() {
    let all = &[properties::CRASH_LOST][..];
    for (call, violated) in [("sync", all), ("syncfs", &[])] {
        let source = format!(
            "[fs]\npersonality = 'gfs2'\nio_errors = true\n[setup]\nrun = ['pwrite -S 0x58 0 4k', 'fsync']\n[[actor]]\nname = 'w'\n\
             run = ['pwrite -S 0x57 0 4k', 'sync_range -w 0 4k', '@may_fail {call}', '@reclaim 0 4k', '@may_fail fsync']\n\
             [[actor]]\nname = 'p'\nrun = ['@crash']\n"
        );
        assert_eq!(under(call, &source, "linux-7.3").violated, violated, "{call}");
    }
}

/// Failures in the middle of something.
#[test]
fn what_fails_half_way_leaves_what_the_kernel_leaves() {
    for (of, source, implementation, violated) in [
        (
            "a copy of nothing into a fresh folio of journalled data",
            "[fs]\npersonality = 'gfs2-jdata'\nshort_copies = true\n[setup]\nrun = ['pwrite -S 0x67 0 4k']\n\
             [[actor]]\nname = 'a'\nrun = ['pwrite -S 0x48 5k 3k']\n[observe]\nranges = ['6k 1k']\n",
            "linux-6.12",
            // The copy after that finds the buffer pinned (gfs2/jdata-pinned).
            &[properties::BROKEN_TRANSACTION][..],
        ),
        (
            "a write fault without memory for what lies before its page",
            "[fs]\nallocate = 'written'\nvalid_size = true\nblock_dirty = true\nalloc_errors = true\n\
             [setup]\nrun = ['truncate 8k']\n\
             [[actor]]\nname = 'm'\nrun = ['mmap -w 0 8k', '@may_fail mwrite -S 0x56 4k 4k']\n",
            "iomap_valid",
            &[],
        ),
    ] {
        let outcome = under(of, source, implementation);
        assert_eq!(outcome.violated, violated, "{of}");
    }
}

/// gfs2 of 6.1 zeroes the edges of a hole behind end of file, too, and that makes the file longer. A truncate to the same size frees
/// nothing that lies behind it.
#[test]
fn gfs2_at_end_of_file_does_as_it_does() {
    let found = |setup: &str, run: &str, kernel: &str| {
        let source = format!(
            "[fs]\npersonality = 'gfs2'\n[setup]\nrun = [{setup}]\n[[actor]]\nname = 'a'\nrun = [{run}]\n\
             [observe]\nranges = ['0 5632']\ncalls = ['a']\n"
        );
        format!("{:?}", under("gfs2", &source, kernel).outcomes)
    };
    let (written, punch) = ("'pwrite -S 0x58 -b 5k 0 5k', 'fsync'", "'fpunch 4608 1k', 'pread -b 8k 0 8k'");
    let (old, new) = (found(written, punch, "linux-6.1.y"), found(written, punch, "linux-7.3"));
    assert_ne!(old, new);
    let kept = "'pwrite -S 0x58 -b 2k 0 2k', 'falloc -k 0 8k', 'fsync'";
    for kernel in ["linux-6.1.y", "linux-7.3"] {
        let found = found(kept, "'truncate 2k', 'fiemap 0 8k'", kernel);
        assert!(found.contains("=written 0-8k;"), "{kernel}: {found}");
    }
}
