//! What makes a validity cookie stale, for each of its scopes, over random changes of both forks; and what that costs or loses
//! in the scenarios about it.

use std::cell::RefCell;
use std::ops::{ControlFlow, Range};

use proptest::collection::vec;
use proptest::prelude::*;

use stalemap_explore::{Options, explore};
use stalemap_facade::{ActorId, ActorSpec, Backend, Op, Role, System};
use stalemap_model::state::validity::{CookieSource, Counters, MappingUse};
use stalemap_model::words::config::Config;
use stalemap_model::words::design::{CookieScope, Design};
use stalemap_model::words::extent::{Extents, Fork};
use stalemap_model::words::geometry::FileBlock;

use crate::common::{checked, good};

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

/// A change of a fork's extents.
#[derive(Clone, Debug)]
struct Change {
    fork: Fork,
    blocks: Range<FileBlock>,
}

/// One actor that samples a cookie of each scope after some changes, and compares each after some more.
struct Comparison {
    configs: Vec<Config>,
    before: Vec<Change>,
    after: Vec<Change>,
    used: MappingUse,
    shared: bool,
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

    /// The changes after the sampling in a fork that the mapping is of.
    fn changes(&self) -> Vec<&Change> {
        self.after.iter().filter(|change| self.shared || change.fork == Fork::Data).collect()
    }

    /// What a comparison has to find, said without counters.
    fn is_stale(&self, scope: CookieScope) -> bool {
        let MappingUse { mapping, at } = &self.used;
        self.changes().iter().any(|change| match scope {
            CookieScope::Fork => true,
            CookieScope::Range => change.blocks.clone().any(|block| mapping.contains(&block)),
            CookieScope::Block => change.blocks.contains(at),
        })
    }
}

fn apply<B: Backend>(counters: &Counters<B>, changes: &[Change]) {
    for Change { fork, blocks } in changes {
        match fork {
            Fork::Data => assert!(counters.data_changes(blocks.clone()).is_some()),
            Fork::Cow => {
                counters.cow_changes(&Extents::with_reserved(16, blocks), blocks.clone());
            }
        }
    }
}

impl System for Comparison {
    type World<B: Backend> = Vec<Counters<B>>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Self::World<B> {
        let counters = |config: &Config| Counters::new(backend, config, &config.geometry().expect("sizes"));
        self.configs.iter().map(counters).collect()
    }

    fn actors(&self) -> Vec<ActorSpec> {
        vec![ActorSpec { name: "actor".to_owned(), role: Role::Main }]
    }

    fn start(&self, _: ActorId) -> Self::State {}

    async fn step<B: Backend>(&self, world: &Self::World<B>, _: ActorId, (): ()) -> ControlFlow<()> {
        let mut found = Vec::new();
        for counters in world {
            let sequence = || if self.shared { counters.shared_sequence() } else { counters.data_sequence() };
            let fresh = sequence().cookie_of(self.used.mapping.clone());
            assert!(counters.is_current(fresh, &self.used, Op::new("fresh")).await);
            apply(counters, &self.before);
            let cookie = sequence().cookie_of(self.used.mapping.clone());
            apply(counters, &self.after);
            let now = counters.newest(cookie, &self.used);
            let current = counters.is_current(cookie, &self.used, Op::new("compare")).await;
            assert_eq!(!current, counters.have_moved(cookie, now), "what is shown is what was compared");
            let again = counters.sample_again(cookie, self.used.mapping.clone());
            assert!(counters.is_current(again, &self.used, Op::new("again")).await);
            found.push(!current);
        }
        *self.found.borrow_mut() = found;
        ControlFlow::Break(())
    }
}

fn change(blocks: FileBlock) -> impl Strategy<Value = Change> {
    let fork = prop_oneof![Just(Fork::Data), Just(Fork::Cow)];
    (fork, 0..blocks, 1..=blocks)
        .prop_map(move |(fork, start, length)| Change { fork, blocks: start..blocks.min(start + length) })
}

fn comparison(blocks: FileBlock) -> impl Strategy<Value = Comparison> {
    let config = |scope| {
        let mut config = good("file", FILE).config(Design::built_in("iomap_valid").expect("a design"));
        config.design.cookie = scope;
        config
    };
    let configs: Vec<Config> = SCOPES.map(config).to_vec();
    let used = (0..blocks, 1..=blocks, 0..blocks).prop_map(move |(start, length, at)| {
        let mapping = start..blocks.min(start + length);
        MappingUse { at: mapping.start + at % (mapping.end - mapping.start), mapping }
    });
    (vec(change(blocks), 0..4), vec(change(blocks), 0..4), used, any::<bool>()).prop_map(
        move |(before, after, used, shared)| Comparison {
            configs: configs.clone(),
            before,
            after,
            used,
            shared,
            found: RefCell::default(),
        },
    )
}

impl std::fmt::Debug for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, then {:?}; {:?}, shared: {}", self.before, self.after, self.used, self.shared)
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
        prop_assert_eq!(found, [!comparison.changes().is_empty(); 3]);
    }
}

/// The mappings that a run rejects at most, and those that it rejects needlessly.
fn rejected(scenario: &str) -> [(u32, u32); 3] {
    ["iomap_valid", "range", "block"].map(|design| checked(scenario, design).stale_aborts)
}

#[test]
fn a_coarse_cookie_is_stale_for_nothing() {
    assert_eq!(rejected("xfs/cookie-elsewhere"), [(2, 2), (0, 0), (0, 0)]);
    assert_eq!(rejected("xfs/cookie-neighbour"), [(1, 1), (1, 1), (0, 0)]);
    assert_eq!(rejected("xfs/cookie-same"), [(1, 0), (1, 0), (1, 0)]);
}
