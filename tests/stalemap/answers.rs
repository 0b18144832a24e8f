//! What docs/answers.md and docs/findings.md quote is what the program says.

use crate::common::{checked, page};

/// The verdict of one run in the words of the page.
fn verdict(design: &str, scenario: &str) -> String {
    let outcome = checked(scenario, design);
    let Some(shown) = outcome.counterexample else { return outcome.verdict.name().to_owned() };
    let violated: Vec<&str> = outcome.violated.iter().map(|property| property.name()).collect();
    let least = shown.counterexample.preemptions;
    let plural = if least == 1 { "" } else { "s" };
    format!("{} {}; least: {least} preemption{plural}", outcome.verdict.name(), violated.join(", "))
}

/// How many verdicts a page quotes, each of which is what is found.
fn quoted(path: &str) -> usize {
    let page = page(path);
    let mut lines = page.lines();
    let mut quoted = 0;
    while let Some(line) = lines.next() {
        let Some(arguments) = line.strip_prefix("stalemap check --") else { continue };
        let ["design" | "kernel", name, scenario] = arguments.split(' ').collect::<Vec<_>>()[..] else {
            panic!("neither a design nor a kernel, and a scenario: {line}")
        };
        assert_eq!(lines.next().map(str::trim), Some(verdict(name, scenario).as_str()), "{path}: {line}");
        quoted += 1;
    }
    quoted
}

#[test]
fn every_quoted_verdict_is_what_is_found() {
    assert!(quoted("docs/answers.md") > 40);
    assert!(quoted("docs/findings.md") > 20);
}
