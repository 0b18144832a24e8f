//! What docs/answers.md quotes is what the program says.

use std::fs;
use std::path::Path;

use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::{catalogue, read};

/// The verdict of one run in the words of the page.
fn verdict(design: &str, scenario: &str) -> String {
    let (name, source) = catalogue::find(scenario).unwrap_or_else(|unknown| panic!("{unknown}"));
    let scenario = read(&name, source.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    let design = scenario.design(design).unwrap_or_else(|| panic!("{name} has no design {design}"));
    let jobs = [Job { scenario: &scenario, design, engine: Engine::Exhaustive }];
    let outcome = run_all(&jobs, GivenLimits::default(), 1, &|_| ()).remove(0).expect("a run");
    let Some(shown) = outcome.counterexample else { return outcome.verdict.name().to_owned() };
    let violated: Vec<&str> = outcome.violated.iter().map(|property| property.name()).collect();
    let least = shown.counterexample.preemptions;
    let plural = if least == 1 { "" } else { "s" };
    format!("{} {}; least: {least} preemption{plural}", outcome.verdict.name(), violated.join(", "))
}

#[test]
fn every_quoted_verdict_is_what_is_found() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/answers.md");
    let page = fs::read_to_string(page).expect("the page");
    let mut lines = page.lines();
    let mut quoted = 0;
    while let Some(line) = lines.next() {
        let Some(arguments) = line.strip_prefix("stalemap check --design ") else { continue };
        let (design, scenario) = arguments.split_once(' ').expect("a design and a scenario");
        assert_eq!(lines.next().map(str::trim), Some(verdict(design, scenario).as_str()), "{line}");
        quoted += 1;
    }
    assert!(quoted > 40, "only {quoted} verdicts are quoted");
}
