//! What docs/answers.md and docs/findings.md quote is what the program says.

use stalemap::scenario::{Expectation, Scenario};
use stalemap_model::judge::properties;
use stalemap_model::words::kernel_version::KernelVersion;

use crate::common::{all_shipped, checked, page, shipped};

/// The verdict of one run in the words of the page.
fn verdict(design: &str, scenario: &str) -> String {
    let outcome = checked(scenario, design);
    let Some(shown) = outcome.counterexample else { return outcome.verdict.name().to_owned() };
    let violated: Vec<&str> = outcome.violated.iter().map(|property| property.name()).collect();
    let least = shown.counterexample.preemptions;
    let plural = if least == 1 { "" } else { "s" };
    format!("{} {}; least: {least} preemption{plural}", outcome.verdict.name(), violated.join(", "))
}

/// The option that takes a name.
fn kind_of(name: &str, scenario: &str) -> &'static str {
    let is_kernel = KernelVersion::from_name(name).is_some() || shipped(scenario).kernels.contains_key(name);
    if is_kernel { "kernel" } else { "design" }
}

/// How many verdicts a page quotes, each of which is what is found.
fn quoted(path: &str) -> usize {
    let page = page(path);
    let mut lines = page.lines();
    let mut quoted = 0;
    while let Some(line) = lines.next() {
        let Some(arguments) = line.strip_prefix("stalemap check --") else { continue };
        let [kind, name, scenario] = arguments.split(' ').collect::<Vec<_>>()[..] else {
            panic!("not a design or a kernel, and a scenario: {line}")
        };
        assert_eq!(kind, kind_of(name, scenario), "{path}: {line}");
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

/// The rows that a scenario has in the table of all findings: the releases that violate the same. One whose file system the file
/// wants otherwise is left out.
fn rows(scenario: &Scenario) -> Vec<String> {
    let mut by: Vec<(String, Vec<&str>)> = Vec::new();
    for kernel in KernelVersion::ALL {
        let Some(Expectation::Violates(listed)) = scenario.expect.get(kernel.name()) else { continue };
        let own = scenario.implementation(kernel.name()).is_some_and(|it| scenario.overruled(&it).is_empty());
        if !own {
            continue;
        }
        let violated = properties::ALL.iter().filter(|property| listed.contains(property));
        let violated = violated.map(|property| property.name()).collect::<Vec<_>>().join(", ");
        // The pages say 6.1 of the stable series.
        let release = match kernel {
            KernelVersion::V6_1 => "6.1.0",
            other => other.name().trim_start_matches("linux-"),
        };
        match by.iter_mut().find(|(known, _)| *known == violated) {
            Some((_, releases)) => releases.push(release),
            None => by.push((violated, vec![release])),
        }
    }
    let row = |(violated, releases): &(String, Vec<&str>)| {
        let seen = releases.iter().filter(|release| is_seen(&scenario.name, release));
        let seen: Vec<&str> = seen.copied().collect();
        let seen = if seen.is_empty() { "–".to_owned() } else { seen.join(", ") };
        format!("| `{}` | {} | {violated} | {seen} |", scenario.name, releases.join(", "))
    };
    by.iter().map(row).collect()
}

/// Whether a kernel of the series, as it is, left the bytes of the schedule in the lab, where they are others than those of the control,
/// or where the control loses the same.
fn is_seen(scenario: &str, series: &str) -> bool {
    let results = page("lab/results.jsonl");
    let of_series = |kernel: &str| {
        let series = if series == "6.1.y" { "6.1" } else { series };
        kernel.strip_prefix(series).is_some_and(|rest| rest.starts_with('.'))
    };
    let lines =
        results.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a result"));
    let mut of_it = lines.filter(|line| {
        line["scenario"] == scenario
            && line["mode"] == "forced"
            && line["design"].is_null()
            && line["moved_up"].as_u64().unwrap_or(0) == 0
            && of_series(line["kernel"].as_str().unwrap_or_default())
    });
    // The last run counts.
    let shown = |line: &serde_json::Value| line["tells"] == true || line["lost_in_control"] == true;
    of_it.next_back().is_some_and(|line| line["result"] == "as predicted" && shown(&line))
}

/// The page of the lab has the table of its results.
#[test]
fn the_results_of_the_lab_are_a_table() {
    let results = page("lab/results.jsonl");
    let table = stalemap::report::results::table::markdown(&results).expect("results");
    let page = page("docs/lab.md");
    let shown = page.split("<!-- lab/results.jsonl -->\n").nth(1).expect("the table");
    assert_eq!(
        shown.split("<!-- end -->").next(),
        Some(table.as_str()),
        "`stalemap lab table lab/results.jsonl` prints it"
    );
}

#[test]
fn every_scenario_that_a_kernel_loses_is_among_the_findings() {
    let page = page("docs/findings.md");
    let table = page
        .split("| scenario | kernels | violates | seen in the lab |")
        .nth(1)
        .expect("the table of all of them");
    let found: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = all_shipped().iter().flat_map(rows).collect();
    assert_eq!(found, expected);
    assert!(expected.len() > 100);
}
