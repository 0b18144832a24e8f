//! What makes a validity cookie stale, for each of its scopes, over random changes of both forks and of what it has beside their
//! counters; and what that costs or loses in the scenarios about it.

use std::cell::RefCell;
use std::ops::{ControlFlow, Range};

use proptest::collection::vec;
use proptest::prelude::*;

use stalemap::run::StaleAborts;
use stalemap_explore::{Exploration, Options, explore};
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Op, Ordering, Role, System};
use stalemap_model::judge::properties;
use stalemap_model::state::validity::{Cookie, CookieSource, Counters, MappingUse};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::config::Config;
use stalemap_model::words::counters;
use stalemap_model::words::design::{CookieScope, Design};
use stalemap_model::words::extent::{Extents, Fork};
use stalemap_model::words::geometry::FileBlock;
use stalemap_model::words::personality::WriteEnd;

use crate::common::{checked, good, shipped};

/// A file of eight blocks.
const FILE: &str = r#"
title = "A file"
[setup]
run = ["falloc 0 32k"]
[[actor]]
name = "actor"
run = ["pwrite 0 4k"]
"#;

const SCOPES: [CookieScope; 3] = [CookieScope::Fork, CookieScope::Range, CookieScope::Block];

/// What changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// A fork's extents.
    Extents(Fork),
    /// i_size, which grows by one.
    Size,
    /// Blocks in the page cache, which become dirty.
    Dirtied,
}

/// A change of a part.
#[derive(Clone, Debug)]
struct Change {
    part: Part,
    blocks: Range<FileBlock>,
}

/// A mapping of one fork or both.
#[derive(Clone, Copy, Debug)]
struct Mapped {
    /// Whether the COW fork counts, too.
    shared: bool,
    /// Whether it is NEW.
    new: bool,
}

/// One actor that samples a cookie of each scope after some changes, and compares each after some more.
struct Comparison {
    configs: Vec<Config>,
    before: Vec<Change>,
    after: Vec<Change>,
    used: MappingUse,
    mapped: Mapped,
    /// What was found stale, by scope.
    found: RefCell<Vec<bool>>,
}

impl Comparison {
    /// What was found stale, by scope.
    fn run(&self) -> Vec<bool> {
        self.found.borrow_mut().clear();
        explore(self, &Options::default(), &mut |_| ()).expect("a run");
        self.found.borrow().clone()
    }

    /// The changes after the sampling in what the cookie is of, as far as that has a scope, and the number of others.
    fn changes(&self) -> (Vec<&Change>, usize) {
        let (size, new) = self.configs.first().map_or((false, false), |config| {
            (config.design.unnoted().cookie_size, config.design.unnoted().cookie_new && self.mapped.new)
        });
        let scoped = self.after.iter().filter(|change| match change.part {
            Part::Extents(Fork::Data) => true,
            Part::Extents(Fork::Cow) => self.mapped.shared,
            Part::Dirtied => new,
            Part::Size => false,
        });
        let sizes = self.after.iter().filter(|change| size && change.part == Part::Size);
        (scoped.collect(), sizes.count())
    }

    async fn is_current<B: Backend>(
        &self,
        counters: &Counters<B>,
        i_size: &B::Atomic,
        cookie: Cookie,
    ) -> bool {
        counters.is_current(cookie, &self.used, Op::new("compare")).await
            && counters.beside_is_current(cookie, &self.used, i_size).await
    }

    /// What a comparison has to find, said without counters.
    fn is_stale(&self, scope: CookieScope) -> bool {
        let MappingUse { mapping, at } = &self.used;
        let (scoped, others) = self.changes();
        let concerns = |change: &&Change| match scope {
            CookieScope::Fork => true,
            CookieScope::Range => change.blocks.clone().any(|block| mapping.contains(&block)),
            CookieScope::Block => change.blocks.contains(at),
        };
        others > 0 || scoped.iter().any(concerns)
    }
}

fn apply<B: Backend>(counters: &Counters<B>, i_size: &B::Atomic, changes: &[Change]) {
    for Change { part, blocks } in changes {
        match part {
            Part::Extents(Fork::Data) => assert!(counters.data_changes(blocks.clone()).is_some()),
            Part::Extents(Fork::Cow) => {
                counters.cow_changes(&Extents::with_reserved(16, blocks), blocks.clone());
            }
            Part::Size => i_size.publish(i_size.peek() + 1, Ordering::Relaxed),
            Part::Dirtied => counters.dirties(blocks.clone()),
        }
    }
}

impl System for Comparison {
    type World<B: Backend> = Vec<(Counters<B>, B::Atomic)>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Self::World<B> {
        let counters = |config: &Config| {
            let counters = Counters::new(backend, config, &config.geometry().expect("sizes"));
            (counters, backend.atomic("i_size", 0))
        };
        self.configs.iter().map(counters).collect()
    }

    fn actors(&self) -> Vec<ActorSpec> {
        vec![ActorSpec { name: "actor".to_owned(), role: Role::Main }]
    }

    fn start(&self, _: ActorId) -> Self::State {}

    async fn step<B: Backend>(&self, world: &Self::World<B>, _: ActorId, (): ()) -> ControlFlow<()> {
        let mut found = Vec::new();
        for (counters, i_size) in world {
            let sample = || {
                let sequence = if self.mapped.shared {
                    counters.shared_sequence(i_size)
                } else {
                    counters.data_sequence(i_size)
                };
                let mapping = self.used.mapping.clone();
                if self.mapped.new { sequence.cookie_of_new(mapping) } else { sequence.cookie_of(mapping) }
            };
            assert!(self.is_current(counters, i_size, sample()).await);
            apply(counters, i_size, &self.before);
            let cookie = sample();
            apply(counters, i_size, &self.after);
            let now = counters.newest(cookie, &self.used, i_size);
            let current = self.is_current(counters, i_size, cookie).await;
            let moved = counters.have_moved(cookie, now) || counters.beside_has_moved(cookie, now);
            assert_eq!(!current, moved, "what is shown is what was compared");
            let again = counters.sample_again(cookie, self.used.mapping.clone(), i_size);
            assert!(self.is_current(counters, i_size, again).await);
            found.push(!current);
        }
        *self.found.borrow_mut() = found;
        ControlFlow::Break(())
    }
}

fn change(blocks: FileBlock) -> impl Strategy<Value = Change> {
    let part = prop_oneof![
        Just(Part::Extents(Fork::Data)),
        Just(Part::Extents(Fork::Cow)),
        Just(Part::Size),
        Just(Part::Dirtied)
    ];
    (part, 0..blocks, 1..=blocks)
        .prop_map(move |(part, start, length)| Change { part, blocks: start..blocks.min(start + length) })
}

fn comparison(blocks: FileBlock) -> impl Strategy<Value = Comparison> {
    let config = |scope, size, new| {
        let mut config = good("file", FILE).config(Design::built_in("iomap_valid").expect("a design"));
        config.design.unnoted_mut().cookie = scope;
        config.design.unnoted_mut().cookie_size = size;
        config.design.unnoted_mut().cookie_new = new;
        config
    };
    let configs = (any::<bool>(), any::<bool>())
        .prop_map(move |(size, new)| SCOPES.map(|scope| config(scope, size, new)).to_vec());
    let mapped = (any::<bool>(), any::<bool>()).prop_map(|(shared, new)| Mapped { shared, new });
    let used = (0..blocks, 1..=blocks, 0..blocks).prop_map(move |(start, length, at)| {
        let mapping = start..blocks.min(start + length);
        MappingUse { at: mapping.start + at % (mapping.end - mapping.start), mapping }
    });
    (configs, vec(change(blocks), 0..4), vec(change(blocks), 0..4), used, mapped).prop_map(
        |(configs, before, after, used, mapped)| Comparison {
            configs,
            before,
            after,
            used,
            mapped,
            found: RefCell::default(),
        },
    )
}

impl std::fmt::Debug for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, then {:?}; {:?}, {:?}", self.before, self.after, self.used, self.mapped)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_comparison_finds_the_changes_of_its_scope(comparison in comparison(8)) {
        let expected = SCOPES.map(|scope| comparison.is_stale(scope));
        prop_assert_eq!(comparison.run(), expected);
    }

    #[test]
    fn a_finer_cookie_is_never_stale_where_a_coarser_one_is_not(comparison in comparison(8)) {
        let found = comparison.run();
        prop_assert!(found.is_sorted_by(|coarse, fine| coarse >= fine), "{found:?}");
    }

    #[test]
    fn with_one_block_all_scopes_agree(comparison in comparison(1)) {
        let found = comparison.run();
        let (scoped, others) = comparison.changes();
        prop_assert_eq!(found, [!scoped.is_empty() || others > 0; 3]);
    }
}

/// The mappings that a run rejects at most, and those that it rejects needlessly.
fn rejected(scenario: &str) -> [(u32, u32); 3] {
    ["iomap_valid", "range", "block"].map(|design| {
        let StaleAborts { max, spurious_max } = checked(scenario, design).stale_aborts;
        (max, spurious_max)
    })
}

#[test]
fn a_coarse_cookie_is_stale_for_nothing() {
    assert_eq!(rejected("xfs/cookie-elsewhere"), [(2, 2), (0, 0), (0, 0)]);
    assert_eq!(rejected("xfs/cookie-neighbour"), [(1, 1), (1, 1), (0, 0)]);
    assert_eq!(rejected("xfs/cookie-same"), [(1, 0), (1, 0), (1, 0)]);
}

fn explored(config: Config) -> Exploration {
    let kernel = Kernel::new(config).expect("a scenario that fits");
    stalemap_checker::explore(&kernel, &Options::default(), &mut |_| ()).expect("a sound model")
}

/// What one write gives up at most that makes its file longer by three folios, with nobody beside it.
fn given_up_alone(fields: &str) -> u32 {
    let source = format!(
        "title = \"An append\"\n[setup]\nrun = [\"truncate 0\"]\n[[actor]]\nname = \"writer\"\n\
         run = [\"pwrite -b 12k 0 12k\"]\n[design.mine]\nbased_on = \"iomap_valid\"\n{fields}\n"
    );
    let scenario = good("append.toml", &source);
    let config = scenario.config_of(scenario.implementation("mine").expect("the file defines it"));
    let found = explored(config);
    assert_eq!((found.is_complete(), found.violated), (true, 0), "{fields}");
    found.maxima[counters::STALE_ABORTS.number()]
}

/// A cookie with i_size, or with a count of writes, goes stale by the write's own doing; each time it has got further.
#[test]
fn a_write_makes_its_own_cookie_stale() {
    assert_eq!(given_up_alone(""), 0);
    assert_eq!(given_up_alone("cookie_size = true"), 2);
    assert_eq!(given_up_alone("cookie_new = true"), 2);
    assert_eq!(given_up_alone("cookie_new = true\ncookie = \"block\""), 0);
}

/// Where `->iomap_end` frees what is left of a NEW mapping, it frees what a fault has stored there, whether the write has noticed or
/// not.
#[test]
fn a_count_of_writes_does_not_help_where_the_rest_of_a_new_mapping_is_freed() {
    let scenario = shipped("gfs2/cookie-new-fault");
    for (end, lost) in [(WriteEnd::TruncateAndFree, true), (WriteEnd::Nothing, false)] {
        let mut counting = scenario.implementation("kept").expect("the file defines it");
        counting.fs.write_end = end;
        // The write and the fault may make each other begin again.
        let config = Config { retries: 1, ..scenario.config_of(counting) };
        let violated = properties::of_bits(explored(config).violated);
        assert_eq!(violated.contains(&properties::LOST_WRITE), lost, "{end:?}: {violated:?}");
        assert!(violated.contains(&properties::STALE_EXPOSURE), "{end:?}: {violated:?}");
    }
}
