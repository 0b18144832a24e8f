//! Small programs whose outcome nobody disputes: under every built-in design they violate nothing.
//!
//! Each was once reported as a violation by mistake, or is close to one that was. A model that accuses a
//! correct sequence is as useless as one that misses a loss.

use std::fmt::Write as _;

use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::implementations;
use stalemap::verdict::Verdict;

use crate::common::good;

/// Runs actors on a file with the given block size (folios of 4k) under all built-in designs.
fn holds(block: &str, setup: &[&str], actors: &[&[&str]]) {
    holds_with(&[], block, setup, actors);
}

/// The same with several files.
fn holds_with(files: &[&str], block: &str, setup: &[&str], actors: &[&[&str]]) {
    let list = |commands: &[&str]| commands.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>().join(", ");
    let mut text = format!("title = \"x\"\n[geometry]\nblock = \"{block}\"\nfolio = \"4k\"\n");
    for file in files {
        writeln!(text, "[[file]]\nname = {file:?}").expect("a string takes it");
    }
    writeln!(text, "[setup]\nrun = [{}]", list(setup)).expect("a string takes it");
    for (number, commands) in actors.iter().enumerate() {
        let run = list(commands);
        writeln!(text, "[[actor]]\nname = \"a{number}\"\nrun = [{run}]").expect("a string takes it");
    }
    text_holds(&text, implementations::built_in_names());
}

/// The same with the text of a file, under these designs and kernels.
fn text_holds<'n>(text: &str, names: impl Iterator<Item = &'n str>) {
    let scenario = good("test.toml", text);
    let all = names.filter_map(|name| scenario.implementation(name));
    let jobs: Vec<Job<'_>> = all
        .map(|implementation| Job { scenario: &scenario, implementation, engine: Engine::Exhaustive })
        .collect();
    for outcome in run_all(&jobs, GivenLimits::default(), 1, &|_| ()) {
        let outcome = outcome.expect("a run");
        assert_eq!(outcome.verdict, Verdict::Holds, "{} {:?}\n{text}", outcome.design, outcome.violated);
    }
}

#[test]
fn the_file_grows_while_it_is_written_back() {
    holds("4k", &["pwrite 0 4k"], &[&["sync_range -w 0 4k"], &["truncate 8k"]]);
    holds("4k", &["pwrite 0 4k"], &[&["sync_range -w 0 4k"], &["pwrite 4k 4k"]]);
}

#[test]
fn whatever_is_in_the_buffer_while_it_is_written_is_right() {
    let scribbler: &[&str] = &["[m] mwrite -S 1 0 2k", "[m] mwrite -S 2"];
    for write in
        ["pwrite -i m -b 4k 0 4k", "@direct pwrite -i m -b 4k 0 4k", "@direct pwrite -i m -b 3k 512 3k"]
    {
        holds("4k", &["pwrite -b 8k 0 8k", "fsync"], &[&[write, "pread 0 4k"], scribbler]);
        holds("4k", &["truncate 8k"], &[&["[m] mwrite -S 3 1k 1k", write, "fsync"], scribbler]);
        holds("1k", &["falloc 0 8k"], &[&[write], scribbler, &["pread 0 4k"]]);
    }
    holds("4k", &[], &[&["@aio pwrite -i m 0 4k", "[m] mwrite -S 1", "@wait", "pwrite -S 9 1k 1k"]]);
    holds("4k", &["pwrite 0 4k"], &[&["@aio pwrite -i m 0 4k", "@wait", "fsync"], scribbler, &["@crash"]]);
}

/// But for gfs2, whose fsync finds an inode clean that the flusher is still writing (`gfs2/flusher-fsync`, `gfs2/jdata-flusher-fsync`).
#[test]
fn what_the_flusher_writes_is_no_less_than_before() {
    for (fs, name) in [
        ("xfs", "linux-7.3"),
        ("xfs-zoned", "linux-7.3"),
        ("zonefs", "linux-7.3"),
        ("ext4-iomap", "iomap_valid"),
    ] {
        let text = format!(
            "title = \"x\"\n[fs]\npersonality = {fs:?}\n[setup]\nrun = [\"pwrite 0 8k\", \"fsync\"]\n\
             [[actor]]\nname = \"writer\"\nrun = [\"pwrite -S 1 0 4k\", \"fsync\", \"pread 0 8k\"]\n\
             [[actor]]\nname = \"flusher\"\nrun = [\"@flusher\", \"@reclaim 0 8k\"]\n\
             [[actor]]\nname = \"power\"\nrun = [\"@crash\"]\n"
        );
        text_holds(&text, std::iter::once(name));
    }
}

#[test]
fn zeros_that_an_fsync_has_taken_in_are_there_after_a_crash() {
    let power: &[&str] = &["@crash"];
    for grow in ["truncate 8k", "falloc 4k 4k", "pwrite 8k 4k"] {
        holds("4k", &["pwrite 0 4k", "fsync"], &[&[grow, "fsync"], &["fsync"], power]);
        holds("4k", &["pwrite 0 4k"], &[&[grow, "truncate 4k", "fsync"], power]);
    }
    holds("4k", &["truncate 12k", "fsync"], &[&["truncate 4k", "truncate 8k"], &["fsync"], power]);
    holds("4k", &["truncate 12k", "fsync"], &[&["fcollapse 0 4k", "fsync"], &["fsync"], power]);
    holds("4k", &["truncate 8k", "fsync"], &[&["finsert 0 4k", "fsync"], &["fsync"], power]);
    // A sync of a part of the file says nothing of its end.
    let part = ["pwrite 8k 4k", "mmap -r 4k 4k", "msync -s 4k 4k"];
    holds("4k", &["pwrite 0 4k", "fsync"], &[&part, power]);
}

#[test]
fn what_is_dirtied_as_it_is_stays_what_it_was() {
    holds(
        "1k",
        &["pwrite 0 4k", "fsync", "fadvise -d 0 4k"],
        &[&["@redirty 0 4k", "fsync"], &["pread 0 4k"]],
    );
    holds("4k", &["pwrite 0 8k"], &[&["@redirty 0 8k"], &["truncate 4k"]]);
    holds("4k", &["truncate 8k"], &[&["@redirty 0 8k", "@redirty 8k 4k"], &["pwrite -S 1 0 4k"]]);
}

#[test]
fn a_client_writes_by_a_layout_as_if_it_were_alone() {
    let grow = ["@layoutget 0 8k", "@layoutwrite -S 1 4k 4k", "@layoutcommit", "@layoutreturn", "pread 0 8k"];
    holds("4k", &["pwrite 0 4k", "fsync"], &[&grow, &["pread 0 8k"]]);
    let uncommitted = ["@layoutget 1k 2k", "@layoutwrite -S 1 1k 1k", "@layoutreturn"];
    holds("1k", &["pwrite 0 4k"], &[&uncommitted, &["truncate 1k"]]);
    let twice =
        ["@layoutget 0 4k", "@layoutwrite -S 1 0 4k", "@layoutcommit", "@layoutcommit", "@layoutreturn"];
    holds("4k", &["truncate 4k"], &[&twice, &["@direct pwrite -S 2 0 4k"]]);
}

#[test]
fn a_mapped_page_at_the_end_of_a_growing_file_faults_again() {
    let grow = |how: &str| {
        let run = ["mmap 0 4k", "mwrite 0 1k", how, "mwrite 2k 1k", "fsync"];
        holds("2k", &["pwrite 0 2k"], &[&run]);
    };
    grow("truncate 4k");
    grow("pwrite 4k 2k");
    grow("falloc 2k 2k");
}

#[test]
fn blocks_behind_the_end_of_a_mapped_file_need_no_reservation() {
    holds("2k", &["pwrite 0 2k"], &[&["mmap 0 4k", "mwrite 0 1k", "pwrite 1k 1k"]]);
    holds("2k", &["pwrite 0 2k"], &[&["mmap 0 4k", "mwrite 0 1k", "@fail 0", "pwrite 2k 2k"]]);
}

#[test]
fn a_failed_write_frees_the_reservation_of_blocks_that_it_did_not_reach() {
    for start in ["0", "2k"] {
        let write = format!("pwrite -b 8k {start} 6k");
        holds("2k", &["truncate 8k", "falloc 0 2k"], &[&["@fail 2k", &write, "fsync"]]);
    }
}

#[test]
fn stores_behind_the_end_of_file_are_nobodys_data() {
    let store = ["mmap 0 4k", "mwrite 2k 1k"];
    let then = |more: &[&'static str]| {
        let run: Vec<&str> = store.iter().chain(more).copied().collect();
        holds("4k", &["pwrite 0 2k"], &[&run]);
    };
    then(&["truncate 4k", "pread 0 4k"]);
    then(&["fsync", "mread 0 4k"]);
    then(&["pwrite 3k 1k", "pread 0 4k"]);
}

#[test]
fn one_actor_reads_back_what_it_wrote() {
    for block in ["1k", "2k", "4k"] {
        let run = [
            "pwrite -b 6k 1k 6k",
            "pread 0 8k",
            "mmap 0 8k",
            "mwrite 3k 2k",
            "fsync",
            "munmap",
            "fadvise -d 0 8k",
            "pread -b 8k 0 8k",
            "pwrite -W 5k 1k",
            "pread 0 8k",
        ];
        holds(block, &["truncate 8k"], &[&run]);
        holds(block, &["falloc 0 8k"], &[&run]);
        holds(block, &["pwrite 0 512"], &[&run]);
    }
}

#[test]
fn writers_and_readers_exclude_each_other() {
    holds("4k", &["falloc 0 8k"], &[&["pwrite -b 6k 0 6k"], &["pwrite -b 6k 2k 6k"]]);
    let reader: &[&str] = &["pread -b 8k 0 8k", "pread 4k 4k"];
    holds("2k", &["falloc 0 8k"], &[&["pwrite -b 6k 1k 6k"], reader, &["@reclaim 0 8k"]]);
}

#[test]
fn a_clone_and_its_source_go_their_own_ways() {
    for block in ["1k", "2k", "4k"] {
        let setup = ["[a] pwrite -b 8k 0 7k", "[b] pwrite 0 4k", "[b] reflink a"];
        let run = [
            "[a] pwrite -b 6k 1k 6k",
            "[b] pread -b 8k 0 8k",
            "[b] pwrite 3k 2k",
            "[a] fsync",
            "[a] fadvise -d 0 8k",
            "[a] pread -b 8k 0 8k",
            "[b] fsync",
            "[b] fadvise -d 0 8k",
            "[b] pread -b 8k 0 8k",
            "[b] truncate 12k",
            "[b] pread -b 12k 0 12k",
            "[a] reflink b 0 0 4k",
            "[a] funshare 0 8k",
            "[a] pread -b 8k 0 8k",
        ];
        holds_with(&["a", "b"], block, &setup, &[&run]);
    }
}

#[test]
fn what_a_short_copy_has_left_is_the_writes_own() {
    // It ends in the second block, and does not count, since the last ones are not valid; the first one was zeroed in part.
    let write: &[&str] = &["@short 768", "pwrite -b 1536 512 1536"];
    holds("1k", &["truncate 1k"], &[write, &["pread -b 4k 0 4k"]]);
    holds("1k", &["pwrite 0 2k", "fsync", "fadvise -d 0 2k"], &[write, &["mmap -r 0 2k", "mread 0 2k"]]);
    holds("1k", &["pwrite 0 1k"], &[&["@fail 768", "pwrite -b 1536 512 1536"], &["pread -b 4k 0 4k"]]);
}

#[test]
fn stores_into_a_clone_get_blocks_of_their_own() {
    for block in ["2k", "4k"] {
        let setup = ["[a] pwrite -b 8k 0 8k", "[b] reflink a"];
        let run = [
            "[a] mmap -rw 0 8k",
            "[a] mwrite 1k 6k",
            "[b] pread -b 8k 0 8k",
            "[a] fsync",
            "[a] mwrite 2k 2k",
            "[b] reflink a 0 0 4k",
            "[a] mwrite 0 1k",
            "[b] pread -b 8k 0 8k",
        ];
        holds_with(&["a", "b"], block, &setup, &[&run, &["[a] sync_range -w 0 8k"]]);
    }
}

#[test]
fn a_file_may_share_blocks_with_itself() {
    let run = [
        "reflink file 0 4k 4k",
        "pwrite 1k 2k",
        "fsync",
        "pread -b 8k 0 8k",
        "pwrite 5k 1k",
        "funshare 0 8k",
    ];
    holds("4k", &["pwrite -b 8k 0 8k"], &[&run]);
}

#[test]
fn two_clones_at_once_and_writes_cut_short() {
    let setup = ["[a] pwrite 0 4k", "[b] pwrite 0 4k"];
    holds_with(&["a", "b"], "4k", &setup, &[&["[b] reflink a"], &["[a] reflink b"]]);
    let setup = ["[a] pwrite -b 8k 0 8k", "[b] reflink a"];
    let run =
        ["[a] @short 1k", "[a] pwrite 0 3k", "[a] @fail 7k", "[a] pwrite -b 8k 0 8k", "[a] pread -b 8k 0 8k"];
    holds_with(&["a", "b"], "4k", &setup, &[&run]);
}

#[test]
fn ranges_of_two_files_change_places() {
    for block in ["1k", "2k", "4k"] {
        let setup = ["[a] pwrite -b 8k 0 7k", "[b] truncate 7k", "[b] pwrite 1k 1k"];
        let run = [
            "[a] @exchange b 0 4k",
            "[a] pread -b 8k 0 8k",
            "[b] pread -b 8k 0 8k",
            "[b] pwrite 1k 4k",
            "[b] @exchange a 4k 3k",
            "[a] pread -b 8k 0 8k",
            "[a] fsync",
            "[a] fadvise -d 0 8k",
            "[a] pread -b 8k 0 8k",
            "[b] fsync",
            "[b] fadvise -d 0 8k",
            "[b] pread -b 8k 0 8k",
        ];
        holds_with(&["a", "b"], block, &setup, &[&run]);
    }
}

#[test]
fn shared_blocks_stay_shared_in_another_file() {
    let setup = ["[a] pwrite -b 8k 0 8k", "[b] pwrite -b 8k 0 8k", "[c] reflink a"];
    let run = [
        "[a] pwrite 4k 2k",
        "[a] @exchange b 0 8k",
        "[b] pwrite 1k 1k",
        "[b] fsync",
        "[c] fadvise -d 0 8k",
        "[c] pread -b 8k 0 8k",
        "[a] pwrite 0 2k",
        "[a] fsync",
        "[a] pread -b 8k 0 8k",
    ];
    holds_with(&["a", "b", "c"], "4k", &setup, &[&run]);
}

#[test]
fn exchanges_wait_for_each_other_and_for_direct_io() {
    let setup = ["[a] pwrite 0 4k", "[b] pwrite 0 4k", "[a] fsync"];
    holds_with(&["a", "b"], "4k", &setup, &[&["[a] @exchange b 0 4k"], &["[b] @exchange a 0 4k"]]);
    let other: &[&str] = &["[b] @aio pwrite 0 4k", "[b] @direct pread 0 4k", "@wait"];
    holds_with(&["a", "b"], "4k", &setup, &[&["[a] @exchange b 0 4k"], other]);
    holds_with(&["a", "b"], "4k", &setup, &[&["[a] @exchange b 0 4k"], &["[b] reflink a 0 0 4k"]]);
    holds_with(&["a", "b"], "4k", &setup, &[&["[a] @exchange b 0 4k"], &["[b] truncate 0"]]);
}

#[test]
fn a_search_beside_what_changes_the_file_may_find_either() {
    let searches: &[&str] = &["seek -d 0", "seek -h 0", "@copy_sparse"];
    // fcollapse and finsert write back and drop all that lies behind, as reclaim does in xfs/seek-stale.
    for change in ["fpunch 0 4k", "truncate 0", "pwrite 4k 4k", "truncate 12k"] {
        holds("4k", &["pwrite -b 8k 0 8k"], &[searches, &[change]]);
        holds("4k", &["pwrite -b 8k 0 8k", "fsync"], &[&["fiemap"], &[change]]);
    }
    holds("2k", &["truncate 8k", "pwrite 2k 2k"], &[searches, &["pwrite 6k 2k"], &["sync_range -w 0 8k"]]);
}

/// An audit observes nothing: an actor that is rebuilt in the middle of a step makes none, and would diverge.
#[test]
fn what_an_audit_looks_at_is_no_observation() {
    let file = r#"title = "A punch that frees three extents under dirty folios which nobody has dropped"
[geometry]
block = "1k"
folio = "4k"
[setup]
run = ["pwrite -S 0x30 0 4k", "fsync", "fpunch 1k 1k", "pwrite -S 0x31 0 1k", "pwrite -S 0x32 2k 2k"]
[[actor]]
name = "flusher"
run = ["sync_range -w 0 8k"]
[[actor]]
name = "other"
run = ["pwrite -S 0x41 1k 2k", "fpunch 0 4k"]
[design.base]
based_on = "iomap_valid"
dio_wait = "none"
flush_unmap = "none"
[expect]
base = ["stale-exposure", "dropped-dirty", "dirty-over-hole", "wrong-address"]
"#;
    let folder = crate::common::elsewhere();
    std::fs::write(folder.path().join("punch.toml"), file).expect("a file");
    let checked = crate::common::stalemap(folder.path(), &["check", "--quiet", "punch.toml"]);
    assert_ne!(checked.status.code(), Some(4), "{}", crate::common::text(&checked.stderr));
    assert!(crate::common::text(&checked.stderr).is_empty());
}

/// gfs2 gives a write as many blocks as lie in one piece, and no others: what fails gives all of its blocks back, and a file that becomes
/// longer later has none of them.
#[test]
fn what_is_allocated_for_a_write_that_fails_is_given_back() {
    let text = "title = \"x\"\n[geometry]\nblock = \"4k\"\nfolio = \"8k\"\n\
                [fs]\npersonality = \"gfs2\"\nalloc_errors = true\n[setup]\nrun = [\"truncate 8k\"]\n\
                [[actor]]\nname = \"writer\"\nrun = [\"pwrite -b 24k 8k 24k\", \"truncate 40k\"]\n";
    let scenario = good("pieces.toml", text);
    let mut ran = 0;
    for name in ["iomap_valid", "linux-6.1.y", "linux-6.12", "linux-7.3"] {
        let implementation = scenario.implementation(name).expect("a release with gfs2");
        let job = Job { scenario: &scenario, implementation, engine: Engine::Exhaustive };
        for outcome in run_all(&[job], GivenLimits::default(), 1, &|_| ()) {
            let outcome = outcome.expect("a run");
            assert_eq!(outcome.verdict, Verdict::Holds, "{name} {:?}", outcome.violated);
            ran += 1;
        }
    }
    assert_eq!(ran, 4);
}
