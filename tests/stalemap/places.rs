//! The places at which a mapping may be compared beside write(2)'s: where a comparison keeps data, and where it cannot.
//!
//! A comparison is worth something as far as what it is about is kept away between it and the use: by the folio lock, by the ILOCK.
//! Where nothing is, every run without it is one with it in which nobody came in between, so that it takes no violation away. That is
//! tried on the catalogue.

mod random;
mod ranges;

use rayon::prelude::*;
use stalemap::scenario::Scenario;
use stalemap_checker::explore;
use stalemap_explore::{Exploration, Limits, Options};
use stalemap_facade::{MemoryModel, Property};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::branches;
use stalemap_model::words::check_design::{
    DioReadCheck, DioWriteCheck, MkwriteCheck, PassCheck, ReadCheck, ReflinkCheck,
};
use stalemap_model::words::config::Config;
use stalemap_model::words::design::{Check, Compare, Design, FillMap, MkwriteMap};
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::personality::{CloneLock, Personality};

use crate::common::{all_shipped, good, program, shipped, text};

/// One changed value, or several.
type Change = fn(&mut Design, &mut Personality);

fn explored(config: Config) -> Exploration {
    let kernel = Kernel::new(config).expect("a scenario that fits");
    let found = explore(&kernel, &Options::default(), &mut |_| ()).expect("a sound model");
    assert!(found.is_complete());
    found
}

/// A scenario under 6.2 with changes.
fn under(scenario: &str, changes: &[Change]) -> Exploration {
    let mut config = shipped(scenario).config(Design::built_in("iomap_valid").expect("a design"));
    for change in changes {
        change(config.design.unnoted_mut(), config.fs.unnoted_mut());
    }
    explored(config)
}

fn violates(scenario: &str, changes: &[Change], property: Property) {
    let found = under(scenario, changes);
    let violated = properties::of_bits(found.violated);
    assert!(violated.contains(&property), "{scenario}: {violated:?}, but not {property}");
}

fn holds_and_meets_stale_mappings(scenario: &str, changes: &[Change]) {
    let found = under(scenario, changes);
    assert_eq!(properties::of_bits(found.violated), [], "{scenario}");
    assert!(found.reached & branches::STALE.bit() != 0, "{scenario} meets no stale mapping");
}

fn no_write_asks(design: &mut Design, _: &mut Personality) {
    design.check = Check::Never;
}

/// What a write asks does not help zeroing, and the other way round.
#[test]
fn zeroing_and_writes_are_places_of_their_own() {
    for scenario in ["xfs/zero-stale-truncate", "xfs/zero-stale-falloc", "xfs/zero-stale-clone"] {
        violates(scenario, &[|design, _| design.zero_check = PassCheck::Never], properties::LOST_WRITE);
        let zeroing_asks: Change = |design, _| design.zero_check = PassCheck::AfterLock;
        holds_and_meets_stale_mappings(scenario, &[no_write_asks, zeroing_asks]);
        violates("xfs/t1", &[no_write_asks, zeroing_asks], properties::LOST_WRITE);
    }
}

#[test]
fn unsharing_and_writes_are_places_of_their_own() {
    let unsharing_asks: Change = |design, _| design.unshare_check = PassCheck::AfterLock;
    let scenario = "xfs/unshare-stale";
    violates(scenario, &[|design, _| design.unshare_check = PassCheck::Never], properties::LOST_WRITE);
    holds_and_meets_stale_mappings(scenario, &[no_write_asks, unsharing_asks]);
    violates("xfs/t1", &[no_write_asks, unsharing_asks], properties::LOST_WRITE);
}

fn reader_maps_first(design: &mut Design, _: &mut Personality) {
    design.fill_map = FillMap::BeforeLookup;
}

fn reader_asks(design: &mut Design, _: &mut Personality) {
    design.read_check = ReadCheck::BeforeFill;
}

/// Who maps before he has the folio needs it; who maps with the folio locked does not.
#[test]
fn a_reader_that_maps_first_has_to_ask() {
    for scenario in ["xfs/d9", "xfs/d9-writeback", "xfs/dio-cow-load", "xfs/writeback-cow-load"] {
        violates(scenario, &[reader_maps_first], properties::LOST_WRITE);
        holds_and_meets_stale_mappings(scenario, &[reader_maps_first, reader_asks]);
    }
}

/// The comparison takes no ILOCK. In relaxed memory it may find the counter as it was, if all that it has in common with who
/// moved that is a look for a folio which was not there.
#[test]
fn what_a_reader_finds_without_the_ilock_may_be_old() {
    for (scenario, lost) in [("xfs/d9", true), ("xfs/d9-writeback", false)] {
        let scenario = Scenario { memory: MemoryModel::Relaxed, ..shipped(scenario) };
        let mut config = scenario.config(Design::built_in("iomap_valid").expect("a design"));
        reader_maps_first(config.design.unnoted_mut(), config.fs.unnoted_mut());
        reader_asks(config.design.unnoted_mut(), config.fs.unnoted_mut());
        let found = explored(config);
        assert_eq!(found.violated & properties::LOST_WRITE.bit() != 0, lost, "{}", scenario.name);
    }
}

fn clone_asks(design: &mut Design, _: &mut Personality) {
    design.reflink_check = ReflinkCheck::EachExtent;
}

/// It sees that a block has been taken away, and not that somebody stores into one.
#[test]
fn a_clone_that_has_not_locked_its_source_has_to_ask() {
    let released: Change = |_, fs| fs.clone_lock = CloneLock::Released;
    violates("xfs/clone-released", &[released], properties::STALE_EXPOSURE);
    holds_and_meets_stale_mappings("xfs/clone-released", &[released, clone_asks]);
    for scenario in ["xfs/clone-fault", "xfs/clone-dio"] {
        violates(scenario, &[released], properties::WRONG_ADDRESS);
        violates(scenario, &[released, clone_asks], properties::WRONG_ADDRESS);
    }
    for scenario in ["xfs/clone-fault", "xfs/clone-dio", "xfs/generic-167"] {
        assert_eq!(under(scenario, &[clone_asks]).violated, 0, "{scenario}");
    }
}

fn fault_asks(design: &mut Design, _: &mut Personality) {
    design.mkwrite_check = MkwriteCheck::AfterLock;
}

fn fault_maps_first(design: &mut Design, _: &mut Personality) {
    design.mkwrite_map = MkwriteMap::BeforeLock;
}

/// Out of place writeback takes a reservation out with the folio locked, and without invalidate_lock.
#[test]
fn a_fault_that_maps_first_has_to_ask_out_of_place() {
    let scenario = "zoned/m17-writeback";
    for property in [properties::LOST_WRITE, properties::DIRTY_OVER_HOLE] {
        violates(scenario, &[fault_maps_first], property);
    }
    holds_and_meets_stale_mappings(scenario, &[fault_maps_first, fault_asks]);
}

/// In place what goes wrong is that the folio is gone when the fault comes to lock it.
#[test]
fn a_fault_that_maps_first_is_not_helped_by_asking_in_place() {
    let maps_first: Change = fault_maps_first;
    for scenario in ["xfs/m17", "xfs/a10"] {
        violates(scenario, &[maps_first, fault_asks], properties::LEAKED_RESERVATION);
    }
    for scenario in ["xfs/m17-retried", "xfs/m17-control", "xfs/a4"] {
        assert_eq!(under(scenario, &[maps_first, fault_asks]).violated, 0, "{scenario}");
    }
}

/// What is shown of a run in which a mapping is found stale, by the operation of the place.
#[test]
fn a_stale_mapping_is_drawn_at_its_place() {
    for (scenario, design, operation) in [
        ("xfs/zero-stale-truncate", "zeroing-asks", "iomap_valid_zero"),
        // What is unshared has a mapping of the COW fork, whose counter is looked at first.
        ("xfs/unshare-stale", "unsharing-asks", "cow_seq"),
        ("xfs/d9", "map-first-asks", "iomap_valid_read"),
        ("xfs/m17", "map-first-asks", "iomap_valid_fault"),
        ("xfs/t3-mmap", "asks", "iomap_valid_dio_write"),
        ("xfs/d3", "early-ack-asks", "iomap_valid_dio_read"),
        ("xfs/clone-released", "clone-asks", "iomap_valid_reflink"),
        ("xfs/seek-stale", "checked", "iomap_valid_seek"),
    ] {
        let under = if design == "checked" { "--kernel" } else { "--design" };
        let arguments = ["witness", scenario, under, design, "--reach", "stale"];
        let output = program().args(arguments).env("COLUMNS", "200").output().expect("the program starts");
        let shown = text(&output.stdout);
        let last = shown.rsplit_once(operation).map_or("", |(_, last)| last);
        assert!(
            last.split_whitespace().collect::<Vec<_>>().join(" ").contains("stale: sampled at"),
            "{shown}"
        );
    }
}

/// Turns one comparison on.
type Ask = fn(&mut Design);

/// Places where nothing is kept away between the comparison and the use, or where the mapping is not older than the lock.
const IN_VAIN: [(&str, Ask); 4] = [
    ("dio_write_check", |design| design.dio_write_check = DioWriteCheck::BeforePad),
    ("dio_read_check", |design| design.dio_read_check = DioReadCheck::BeforeZeros),
    ("mkwrite_check", |design| design.mkwrite_check = MkwriteCheck::AfterLock),
    ("read_check", |design| design.read_check = ReadCheck::BeforeFill),
];

/// A space of at most so many states; `None` if there are more.
fn within(scenario: &Scenario, implementation: Implementation, states: u64) -> Option<Exploration> {
    let kernel = Kernel::new(scenario.config_of(implementation)).expect("a scenario that fits");
    let limits = Limits { states: Some(states), ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let found = explore(&kernel, &options, &mut |_| ())
        .unwrap_or_else(|error| panic!("{error:?}\n{}", scenario.source));
    found.is_complete().then_some(found)
}

/// Whether a scenario has something that asks at one of these places.
fn has_place(scenario: &Scenario) -> bool {
    ["@direct", "@aio", "open = \"-d", "mwrite", "mread", "pread"]
        .iter()
        .any(|word| scenario.source.contains(word))
}

/// Whether neither readers nor write faults map before they have locked their folio.
fn maps_with_the_folio_locked(base: &Implementation) -> bool {
    base.design.fill_map == FillMap::FolioLocked && base.design.mkwrite_map == MkwriteMap::FolioLocked
}

/// Every scenario of the catalogue that is small, under no check, under 6.2's and under what its file defines.
#[test]
fn a_comparison_that_nothing_keeps_true_takes_no_violation_away() {
    let scenarios: Vec<Scenario> = all_shipped().into_iter().filter(has_place).collect();
    let compared: Vec<(&str, bool, bool)> = scenarios
        .par_iter()
        .flat_map_iter(|scenario| {
            let named = ["none", "iomap_valid"].into_iter().filter_map(|name| scenario.implementation(name));
            let own = scenario.expected().into_iter().filter(|name| Design::built_in(name).is_none());
            let own: Vec<_> = own.filter_map(|name| scenario.implementation(&name)).collect();
            let bases = named.chain(own).filter(|base| base.fs.counter && maps_with_the_folio_locked(base));
            bases.flat_map(|base| compare(scenario, &base)).collect::<Vec<_>>()
        })
        .collect();
    for (place, _) in IN_VAIN {
        let of_place = || compared.iter().filter(|(name, ..)| *name == place);
        assert!(of_place().any(|(_, violated, _)| *violated), "{place} is tried where something is violated");
        assert!(of_place().any(|(.., stale)| *stale), "{place} finds stale mappings");
    }
    assert!(compared.len() > 500, "{}", compared.len());
}

/// A scenario with each of the comparisons, and without any: which it was, whether anything is violated, and whether the comparison
/// alone met a stale mapping.
fn compare(scenario: &Scenario, base: &Implementation) -> Vec<(&'static str, bool, bool)> {
    let Some(without) = within(scenario, base.clone(), 1_500) else { return Vec::new() };
    let mut compared = Vec::new();
    for (place, ask) in IN_VAIN {
        let mut asked = base.clone();
        ask(&mut asked.design);
        let Some(with) = within(scenario, asked, 10_000) else { continue };
        let [without_it, with_it] = [&without, &with].map(|found| properties::of_bits(found.violated));
        assert_eq!(without_it, with_it, "{} under {} with {place}", scenario.name, base.design.name);
        let stale = |found: &Exploration| found.reached & branches::STALE.bit() != 0;
        compared.push((place, without.violated != 0, stale(&with) && !stale(&without)));
    }
    compared
}

/// A mapping that says what a fresh one would say is current by its type, too: nobody asks for ever.
#[test]
fn a_comparison_by_type_ends() {
    for scenario in ["exfat/mmap-grow", "ntfs3/read-folio-valid", "ntfs3/valid-moved-late"] {
        for (place, ask) in IN_VAIN {
            let scenario = shipped(scenario);
            let mut config = scenario.config(Design::built_in("iomap_valid").expect("a design"));
            config.design.unnoted_mut().compare = Compare::Type;
            ask(config.design.unnoted_mut());
            assert_eq!(properties::of_bits(explored(config).violated), [], "{} with {place}", scenario.name);
        }
    }
}

/// Asking is no gain by itself. A write of the old block is converted after its writeback has ended, and by then the block is another
/// one, which a direct write has just allocated. By the mapping that it had the direct write pads; by a fresh one, which says
/// written, it does not.
#[test]
fn a_direct_write_that_asks_may_believe_what_is_wrong() {
    let source = r#"
title = "A direct write into a block that the conversion of the old one comes to"
[fs]
completion = "clear-then-convert"
[setup]
run = ["pwrite -S 0x31 0 4k"]
[[actor]]
name = "flusher"
run = ["sync_range -w 0 4k"]
[[actor]]
name = "direct"
run = ["fpunch 0 4k", "@direct pwrite -S 0x44 2k 2k"]
"#;
    let scenario = good("converted-late.toml", source);
    let config = || scenario.config(Design::built_in("iomap_valid").expect("a design"));
    assert_eq!(explored(config()).violated, 0);
    let mut asks = config();
    asks.design.unnoted_mut().dio_write_check = DioWriteCheck::BeforePad;
    assert_eq!(properties::of_bits(explored(asks).violated), [properties::STALE_EXPOSURE]);
}
