//! Writeback that compares its mapping for each range, for each block, or once for a folio, on the catalogue and on random
//! scenarios: nobody can tell.
//!
//! Between the first range of a folio and the last one the folio is locked. Who takes blocks away waits for that lock, and behind it
//! for the end of writeback; who does not could come behind the last comparison as well. So comparing again takes no violation away, unless
//! a comparison is of one block alone (`cookie = "block"`).

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rayon::prelude::*;
use stalemap::scenario::Scenario;
use stalemap_model::judge::properties;
use stalemap_model::words::design::{CookieScope, Design, WritebackCheck};
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::writeback_design::WritebackEach;

use super::within;
use crate::common::{all_shipped, good, shipped, thorough};

const EACH: [WritebackEach; 2] = [WritebackEach::Folio, WritebackEach::Block];

/// What came of scenarios with one value and another.
#[derive(Default)]
struct Told {
    /// How many were compared.
    compared: usize,
    /// In how many something is violated.
    violated: usize,
    /// In how many a value changes the runs: it makes writeback ask more or less often.
    other_runs: usize,
    /// What is violated with one value, and not with one by which writeback asks more often.
    differ: Vec<String>,
}

impl Told {
    fn and(self, other: Told) -> Told {
        Told {
            compared: self.compared + other.compared,
            violated: self.violated + other.violated,
            other_runs: self.other_runs + other.other_runs,
            differ: [self.differ, other.differ].concat(),
        }
    }
}

/// A scenario with each value. A space of more states than the limit says nothing.
fn tell(scenario: &Scenario, base: &Implementation, states: u64) -> Told {
    let mut told = Told::default();
    let Some(by_range) = within(scenario, base.clone(), states) else { return told };
    for each in EACH {
        let mut changed = base.clone();
        changed.design.writeback_each = each;
        let Some(found) = within(scenario, changed, 10 * states) else { continue };
        told.compared += 1;
        told.violated += usize::from(by_range.violated != 0);
        told.other_runs += usize::from(found.statistics.states != by_range.statistics.states);
        // Who asks more often loses no less: what asking takes away would be worth it. It may lose more, since each comparison is
        // an operation, between which others run: with `end_writeback = "first-io"` a comparison for each block does.
        let (seldom, often) = match each {
            WritebackEach::Folio | WritebackEach::Range => (found.violated, by_range.violated),
            WritebackEach::Block => (by_range.violated, found.violated),
        };
        if seldom & !often != 0 {
            let [one, other] = [by_range.violated, found.violated].map(properties::of_bits);
            let (name, design) = (&scenario.name, &base.design.name);
            told.differ.push(format!(
                "{name} under {design}: {one:?}, with {each:?} {other:?}\n{}",
                scenario.source
            ));
        }
    }
    told
}

/// Whether a folio has several blocks, and a comparison finds every change of a mapping's blocks.
fn is_about_ranges(scenario: &Scenario, base: &Implementation) -> bool {
    scenario.folio > scenario.block && base.design.cookie != CookieScope::Block
}

/// Every scenario of the catalogue that is small, under no check, 6.2's, and what its file defines.
#[test]
fn ranges_of_a_folio_need_no_comparison_of_their_own() {
    let told: Vec<Told> = all_shipped()
        .par_iter()
        .flat_map_iter(|scenario| {
            let own = scenario.expected().into_iter().filter(|name| Design::built_in(name).is_none());
            let names = ["none", "iomap_valid", "chinner-cow"].map(str::to_owned).into_iter().chain(own);
            let bases = names.filter_map(|name| scenario.implementation(&name));
            let bases: Vec<_> = bases.filter(|base| is_about_ranges(scenario, base)).collect();
            bases.into_iter().map(|base| tell(scenario, &base, 3_000)).collect::<Vec<_>>()
        })
        .collect();
    let told = told.into_iter().fold(Told::default(), Told::and);
    assert!(told.differ.is_empty(), "{}", told.differ.join("\n"));
    assert!(told.compared > 50 && told.violated > 10 && told.other_runs > 10, "{}", counts(&told));
}

fn counts(told: &Told) -> String {
    format!("{} compared, {} violated, {} with other runs", told.compared, told.violated, told.other_runs)
}

/// What a file begins as: blocks of different kinds side by side, and dirty ranges with a gap between them.
const SETUPS: [&str; 5] = [
    "\"falloc 0 4k\", \"pwrite -S 0x30 0 1k\", \"pwrite -S 0x31 2k 1k\"",
    "\"pwrite -S 0x30 0 4k\", \"fsync\", \"pwrite -S 0x31 0 1k\", \"pwrite -S 0x32 2k 2k\"",
    "\"pwrite -S 0x30 0 1k\", \"fsync\", \"pwrite -S 0x31 0 4k\"",
    "\"pwrite -S 0x30 0 4k\", \"fsync\", \"fpunch 1k 1k\", \"pwrite -S 0x31 0 1k\", \"pwrite -S 0x32 2k 2k\"",
    "\"pwrite -S 0x30 0 8k\", \"fsync\", \"pwrite -S 0x31 1k 1k\", \"pwrite -S 0x32 3k 3k\"",
];

/// What comes between: `#` stands for a range.
const CALLS: [&str; 9] = [
    "\"fpunch #\"",
    "\"fzero #\"",
    "\"falloc #\"",
    "\"truncate 2k\"",
    "\"@direct pwrite -S 0x42 #\"",
    "\"pwrite -S 0x41 #\"",
    "\"mmap -rw 0 4k\", \"mwrite -S 0x44 #\"",
    "\"sync_range -w #\"",
    "\"@reclaim 0 4k\"",
];

const RANGES: [&str; 5] = ["0 1k", "2k 1k", "1k 2k", "2k 2k", "0 4k"];

/// What may be wrong with the design and the file system, or another release's.
const DESIGNS: [&str; 9] = [
    "writeback_submit = \"at-once\"\nwriteback_bit = \"before-mapping\"",
    "dio_busy = \"ignore\"",
    "dio_wait = \"none\"",
    "end_writeback = \"first-io\"",
    "reclaim_writeback = \"ignore\"",
    "punch_lock = \"none\"",
    "flush_unmap = \"none\"",
    "completion = \"clear-then-convert\"",
    "block_dirty = true",
];

const CHECKS: [&str; 3] = ["range-data-cow", "cookie-cow", "always"];

fn source() -> impl Strategy<Value = String> {
    let call = (select(&CALLS[..]), select(&RANGES[..])).prop_map(|(call, range)| call.replace('#', range));
    let design = subsequence(&DESIGNS[..], 0..=3).prop_map(|lines| lines.join("\n"));
    (select(&SETUPS[..]), vec(call, 1..=2), design, select(&CHECKS[..])).prop_map(
        |(setup, other, design, check)| {
            let mut other = other.join(", ");
            // A mapping is made once.
            if let Some(again) = other.rfind(", \"mmap").filter(|at| other.find("\"mmap") < Some(*at)) {
                other.truncate(again);
            }
            format!(
                "title = \"ranges\"\n[geometry]\nblock = \"1k\"\nfolio = \"4k\"\n[setup]\nrun = [{setup}]\n\
                 [[actor]]\nname = \"flusher\"\nrun = [\"sync_range -w 0 8k\"]\n\
                 [[actor]]\nname = \"other\"\nrun = [{other}]\n\
                 [design.base]\nbased_on = \"iomap_valid\"\nwriteback_check = {check:?}\n{design}\n"
            )
        },
    )
}

#[test]
fn ranges_of_random_scenarios_need_no_comparison_of_their_own() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let mut told = Told::default();
    for _ in 0..thorough(256) {
        let source = source().new_tree(&mut runner).expect("a scenario").current();
        let scenario = good("ranges.toml", &source);
        let base = scenario.implementation("base").expect("the file defines it");
        told = told.and(tell(&scenario, &base, 1_000));
    }
    assert!(told.differ.is_empty(), "{}", told.differ.join("\n"));
    assert!(told.compared > 100 && told.violated > 0 && told.other_runs > 50, "{}", counts(&told));
}

/// It is told where a comparison is of one block alone.
#[test]
fn a_comparison_of_one_block_is_needed_for_each() {
    let scenario = shipped("xfs/cookie-writeback");
    let mut base = scenario.implementation("block").expect("the file defines it");
    let violated =
        |base: &Implementation| within(&scenario, base.clone(), 100_000).expect("its space").violated;
    assert_ne!(violated(&base), 0);
    base.design.writeback_each = WritebackEach::Folio;
    assert_ne!(violated(&base), 0);
    base.design.writeback_each = WritebackEach::Block;
    assert_eq!(violated(&base), 0);
    base.design.writeback_check = WritebackCheck::Range;
    assert_ne!(violated(&base), 0);
}
