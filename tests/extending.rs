//! The scenario files that docs/extending.md shows are as they expect. Its Rust is run as doctests of the crate.

use std::fs;
use std::path::Path;

use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::read;

#[test]
fn the_scenarios_of_the_page_are_as_they_expect() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/extending.md");
    let page = fs::read_to_string(page).expect("the page");
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let scenario =
            read("docs/extending.md", block.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        let designs = scenario.expected_designs();
        let jobs = designs.iter().filter_map(|name| scenario.design(name));
        let jobs: Vec<Job<'_>> =
            jobs.map(|design| Job { scenario: &scenario, design, engine: Engine::Exhaustive }).collect();
        for outcome in run_all(&jobs, GivenLimits::default(), 1, &|_| ()) {
            let judgement = outcome.expect("a run").judgement;
            assert_eq!(judgement.as_expected, Some(true), "{}: {:?}", scenario.title, judgement.reasons);
        }
    }
}
