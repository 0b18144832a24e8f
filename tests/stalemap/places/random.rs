//! Random scenarios with and without each comparison that nothing keeps true.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use stalemap_model::judge::properties;
use stalemap_model::words::branches;

use super::{Ask, IN_VAIN, within};
use crate::common::{good, thorough};

/// What a file begins as.
const SETUPS: [&str; 5] = [
    "\"truncate 8k\"",
    "\"falloc 0 8k\"",
    "\"pwrite -S 0x30 0 8k\"",
    "\"pwrite -S 0x30 0 8k\", \"fsync\", \"fadvise -d 0 8k\"",
    "\"pwrite -S 0x30 0 1k\", \"truncate 8k\"",
];

/// What an actor does: `#` stands for a range.
const CALLS: [&str; 13] = [
    "\"pwrite -S 0x41 #\"",
    "\"@direct pwrite -S 0x42 #\"",
    "\"@aio pwrite -S 0x43 #\", \"@wait\"",
    "\"@direct pread #\"",
    "\"@aio pread #\", \"@wait\"",
    "\"pread #\"",
    "\"mmap -rw 0 8k\", \"mwrite -S 0x44 #\"",
    "\"mmap -r 0 8k\", \"mread #\"",
    "\"sync_range -w #\"",
    "\"fpunch 0 4k\"",
    "\"fzero 0 4k\"",
    "\"truncate 4k\"",
    "\"@reclaim 0 8k\"",
];

const RANGES: [&str; 7] = ["0 2k", "1k 2k", "2k 2k", "0 4k", "3k 2k", "4k 4k", "0 8k"];

/// What may be wrong with the design.
const DESIGNS: [&str; 13] = [
    "check = \"none\"",
    "zero_check = \"none\"",
    "dio_unaligned = \"shared\"",
    "dio_drain = \"none\"",
    "dio_wait = \"none\"",
    "dio_invalidate = \"before-end-io\"",
    "dio_ack = \"before-end-io\"",
    "dio_busy = \"ignore\"",
    "punch_lock = \"none\"",
    "mkwrite_end = \"punch\"",
    "mkwrite_dirty_late = true",
    "end_writeback = \"first-io\"",
    "reclaim_writeback = \"ignore\"",
];

/// And with the file system.
const SYSTEMS: [&str; 6] = [
    "completion = \"clear-then-convert\"",
    "flush_unmap = \"none\"",
    "bump_convert = \"none\"",
    "read_takes_i_rwsem = false",
    "block_dirty = true",
    "invalidate_lock = false",
];

fn actor() -> impl Strategy<Value = String> {
    let call = (select(&CALLS[..]), select(&RANGES[..])).prop_map(|(call, range)| call.replace('#', range));
    vec(call, 1..=2).prop_map(|calls| {
        let mut calls = calls.join(", ");
        // A mapping is made once.
        if let Some(again) = calls.rfind("\"mmap").filter(|at| calls.find("\"mmap") != Some(*at)) {
            calls.truncate(again);
        }
        calls.trim_end_matches(", ").to_owned()
    })
}

/// A scenario's file, and the design that it is run under.
fn source() -> impl Strategy<Value = String> {
    let lines =
        |all: &'static [&'static str], most| subsequence(all, 0..=most).prop_map(|lines| lines.join("\n"));
    let folio = select(&["4k", "8k"][..]);
    (lines(&SYSTEMS, 1), folio, select(&SETUPS[..]), vec(actor(), 2), lines(&DESIGNS, 2)).prop_map(
        |(fs, folio, setup, actors, design)| {
            let actors = actors.iter().zip(["a", "b"]).map(|(run, name)| {
                format!("[[actor]]\nname = \"{name}\"\nrun = [{run}]\n")
            });
            format!(
                "title = \"places\"\n[fs]\n{fs}\n[geometry]\nblock = \"4k\"\nfolio = \"{folio}\"\n[setup]\nrun = [{setup}]\n\
                 {}[design.base]\nbased_on = \"iomap_valid\"\n{design}\n",
                actors.collect::<String>()
            )
        },
    )
}

/// What came of a number of random scenarios.
#[derive(Default)]
struct Tried {
    /// Comparisons of scenarios in which something is violated.
    violated: usize,
    /// Of these, where a violation is gone with the comparison.
    gone: Vec<String>,
    /// Comparisons that met a stale mapping where nobody else did.
    stale: usize,
}

/// Tries comparisons on random scenarios, each with further lines of the design. A larger space than the limit says nothing, and is
/// passed over.
fn tried(places: &[(&'static str, Ask)], design: &str) -> Tried {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let mut tried = Tried::default();
    for _ in 0..thorough(256) {
        let source = source().new_tree(&mut runner).expect("a scenario").current() + design;
        let scenario = good("places.toml", &source);
        let base = scenario.implementation("base").expect("the file defines it");
        let Some(without) = within(&scenario, base.clone(), 1_000) else { continue };
        for (place, ask) in places {
            let mut asked = base.clone();
            ask(&mut asked.design);
            let Some(with) = within(&scenario, asked, 10_000) else { continue };
            tried.violated += usize::from(without.violated != 0);
            tried.stale += usize::from((with.reached & !without.reached) & branches::STALE.bit() != 0);
            let gone = properties::of_bits(without.violated & !with.violated);
            if !gone.is_empty() {
                tried.gone.push(format!("{place} takes {gone:?} away\n{source}"));
            }
        }
    }
    tried
}

#[test]
fn a_comparison_that_nothing_keeps_true_takes_nothing_away_from_random_scenarios() {
    let tried = tried(&IN_VAIN, "");
    assert!(tried.gone.is_empty(), "{}", tried.gone.join("\n"));
    assert!(tried.violated > 0 && tried.stale > 0, "{} and {}", tried.violated, tried.stale);
}

/// The same scenarios tell a comparison that keeps something.
#[test]
fn random_scenarios_tell_a_reader_that_has_to_ask() {
    let reader = IN_VAIN.iter().filter(|(place, _)| *place == "read_check").copied().collect::<Vec<_>>();
    let tried = tried(&reader, "fill_map = \"before-lookup\"\n");
    assert!(!tried.gone.is_empty(), "none of {}", tried.violated);
}
