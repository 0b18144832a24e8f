//! What the differential tests are made of: random programs, what they mean, and how they are drawn.

pub(crate) mod axiomatic;
pub(crate) mod counting;
pub(crate) mod directly;
pub(crate) mod litmus;
pub(crate) mod names;
pub(crate) mod program;
pub(crate) mod random_litmus;
pub(crate) mod reference;
pub(crate) mod small;
pub(crate) mod strategy;

use std::env;
use std::num::NonZeroUsize;

use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm};
use stalemap_explore::Options;

/// What `STALEMAP_CASES` is when it says nothing.
const USUAL_CASES: u64 = 256;

/// How random tests are run: so many cases, in proportion more or fewer where `STALEMAP_CASES` asks for other than 256 (`PROPTEST_CASES`
/// would be as many for each test, whatever a test asks for), and what fails is tried first the next time.
pub(crate) fn config(cases: u32) -> Config {
    let seeds = FileFailurePersistence::Direct("proptest-regressions/engine.txt");
    let asked = env::var("STALEMAP_CASES").ok().and_then(|cases| cases.parse::<u64>().ok());
    let asked = u64::from(cases) * asked.unwrap_or(USUAL_CASES) / USUAL_CASES;
    Config {
        cases: asked.max(1) as u32,
        failure_persistence: Some(Box::new(seeds)),
        // Programs with too many states are passed over, however many cases are asked for.
        max_global_rejects: 1 << 20,
        // The default, ChaCha, takes a quarter of the time of all tests here: nothing of it is optimised.
        rng_algorithm: RngAlgorithm::XorShift,
        ..Config::default()
    }
}

/// The usual transition cache, one that is full again and again, and none.
pub(crate) fn caches() -> [Option<NonZeroUsize>; 3] {
    [Options::default().transition_cache, NonZeroUsize::new(3), None]
}
