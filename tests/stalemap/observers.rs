//! What observers of a file find, and what `[observe] calls` tells of it.

use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::verdict::Verdict;

use crate::common::good;

/// Everything that an actor's calls may return, under 7.3.
fn returned(head: &str, setup: &[&str], run: &[&str], beside: &[&str]) -> Vec<String> {
    let beside = if beside.is_empty() {
        String::new()
    } else {
        format!("[[actor]]\nname = \"other\"\nrun = {beside:?}\n")
    };
    let text = format!(
        "title = \"x\"\n{head}\n[setup]\nrun = {setup:?}\n[[actor]]\nname = \"reader\"\nrun = {run:?}\n\
         {beside}[observe]\ncalls = [\"reader\"]\n[expect]\n\"linux-7.3\" = \"holds\"\n[reach]\nmust = []\n"
    );
    let scenario = good("test.toml", &text);
    let outcome =
        run_all(&Job::expected(&scenario), GivenLimits::default(), 1, &|_| ()).remove(0).expect("a run");
    assert_eq!(outcome.verdict, Verdict::Holds, "{:?}\n{text}", outcome.violated);
    let mut told: Vec<String> = outcome.outcomes.into_iter().map(|contents| contents.observed).collect();
    told.sort_unstable();
    told
}

fn alone(head: &str, setup: &[&str], run: &[&str]) -> String {
    let told = returned(head, setup, run, &[]);
    assert_eq!(told.len(), 1, "{told:?}");
    told.concat()
}

#[test]
fn each_call_is_told_with_what_it_returned() {
    let run = [
        "seek -d 0",
        "seek -h 0",
        "seek -h 4k",
        "seek -d 8k",
        "pread -b 8k 4k 8k",
        "pread 8k 4k",
        "fiemap 0 8k",
    ];
    let told = alone("", &["pwrite -S 0x57 4k 4k"], &run);
    assert_eq!(
        told,
        "reader:0=4k; reader:1=0; reader:2=8k; reader:3=ENXIO; reader:4=57; reader:5=nothing; \
         reader:6=hole 0-4k, written 4k-8k;"
    );
    let run = ["@direct pread 4k 4k", "@aio pread 4k 4k", "@wait", "pread -b 8k 0 8k"];
    assert_eq!(alone("", &["pwrite -S 0x57 4k 4k"], &run), "reader:0=57; reader:1=00 57;");
}

#[test]
fn a_read_beside_a_write_returns_the_old_or_the_new() {
    let told = returned("", &["pwrite -S 0x57 0 4k"], &["pread 0 4k"], &["pwrite -S 0x58 0 4k"]);
    assert_eq!(told, ["reader:0=57;", "reader:0=58;"]);
}

#[test]
fn a_sparse_copy_reads_what_lies_between_holes() {
    let setup = ["pwrite -S 0x57 0 4k", "pwrite -S 0x58 8k 4k", "truncate 16k"];
    assert_eq!(
        alone("", &setup, &["@copy_sparse"]),
        "reader:0=0; reader:1=4k; reader:2=57; reader:3=8k; reader:4=12k; reader:5=58; reader:6=ENXIO;"
    );
}

/// The example of 334fd34d76f2: the place in the folio counts where blocks are smaller.
#[test]
fn unwritten_blocks_are_looked_at_one_by_one_in_a_folio() {
    let head = "[geometry]\nblock = \"1k\"\nfolio = \"4k\"";
    let setup = ["falloc 0 4k", "pwrite 1k 1k", "pwrite 3k 1k"];
    let run = ["seek -h 1k", "seek -d 2k", "seek -d 0", "seek -h 3k", "seek -h 0"];
    assert_eq!(alone(head, &setup, &run), "reader:0=2k; reader:1=3k; reader:2=1k; reader:3=4k; reader:4=0;");
}

#[test]
fn what_has_its_blocks_for_good_is_data_from_end_to_end() {
    let head = "[fs]\npersonality = \"zonefs\"";
    let run = ["seek -d 4k", "seek -h 4k", "seek -d 8k"];
    assert_eq!(alone(head, &["pwrite 4k 4k"], &run), "reader:0=4k; reader:1=8k; reader:2=ENXIO;");
}

#[test]
fn a_stuffed_file_is_data() {
    let head = "[fs]\npersonality = \"gfs2\"\nstuffed = 1024";
    assert_eq!(alone(head, &["pwrite 0 512"], &["seek -d 0", "seek -h 0"]), "reader:0=0; reader:1=512;");
}
