//! Negative controls: known mistakes, each of which the checker has to find, and harmless variations, which it
//! must not report.
//!
//! A mutant is a design or a file system with one value changed. For each, a small scenario of the catalogue is
//! explored completely under both designs of the validity check: as it is, where nothing may be violated and the
//! branches that the mistake is about must have been reached, and with the mistake, where the property that it
//! breaks must be among the violated ones.

mod check;
mod copies_and_zeros;
mod crashes;
mod direct_io;
mod faults;
mod hooks;
mod page_cache;
mod punch;
mod shared_blocks;
mod truncate;
mod writeback;

use stalemap_checker::explore;
use stalemap_explore::{Exploration, Options};
use stalemap_facade::{Branch, Property};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::design::Design;
use stalemap_model::words::personality::Personality;

use crate::common::{least, shipped};

/// The designs that every mistake is made in.
const DESIGNS: [&str; 2] = ["iomap_valid", "get_folio"];

/// One changed value.
type Mutation = fn(&mut Design, &mut Personality);

/// A scenario of the catalogue under a design, with or without a mistake.
fn system(scenario: &str, design: &str, mutation: Mutation) -> Kernel {
    let mut config = shipped(scenario).config(Design::built_in(design).unwrap());
    mutation(config.design.unnoted_mut(), config.fs.unnoted_mut());
    Kernel::new(config).unwrap()
}

fn explored(system: &Kernel) -> Exploration {
    let exploration = explore(system, &Options::default(), &mut |_| ()).unwrap();
    assert!(exploration.is_complete(), "cut short by {:?}", exploration.limits_hit);
    exploration
}

/// Nothing is violated, and `branches` are reached.
fn holds(scenario: &str, mutation: Mutation, branches: &[Branch]) {
    for design in DESIGNS {
        let exploration = explored(&system(scenario, design, mutation));
        let violated = properties::of_bits(exploration.violated);
        assert_eq!(violated, [], "{scenario} under {design}");
        for branch in branches {
            let reached = exploration.reached & branch.bit() != 0;
            assert!(reached, "{scenario} under {design} never reaches {branch}");
        }
    }
}

/// Without the mistake nothing is violated and `branches` are reached; with it `properties` are violated, and for
/// each of them there is a least counterexample.
fn caught(scenario: &str, mutation: Mutation, properties: &[Property], branches: &[Branch]) {
    holds(scenario, |_, _| (), branches);
    violates(scenario, mutation, properties);
}

/// `properties` are violated, and for each of them there is a least counterexample.
fn violates(scenario: &str, mutation: Mutation, properties: &[Property]) {
    for design in DESIGNS {
        let system = system(scenario, design, mutation);
        let exploration = explored(&system);
        let violated = properties::of_bits(exploration.violated);
        for property in properties {
            assert!(
                violated.contains(property),
                "{scenario} under {design}: {violated:?}, but not {property}"
            );
            let (found, _) = least(&system, *property);
            assert!(found.certified, "{property} under {design}");
        }
    }
}
