//! What the differential tests are made of: random programs, what they mean, and how they are drawn.

pub(crate) mod axiomatic;
pub(crate) mod directly;
pub(crate) mod litmus;
pub(crate) mod names;
pub(crate) mod program;
pub(crate) mod random_litmus;
pub(crate) mod reference;
pub(crate) mod strategy;

use proptest::test_runner::{Config, FileFailurePersistence};

/// How random tests are run: so many cases, and what fails is tried first the next time.
pub(crate) fn config(cases: u32) -> Config {
    let seeds = FileFailurePersistence::Direct("proptest-regressions/engine.txt");
    Config {
        cases,
        failure_persistence: Some(Box::new(seeds)),
        // Programs with too many states are passed over, however many cases are asked for.
        max_global_rejects: 1 << 20,
        ..Config::default()
    }
}
