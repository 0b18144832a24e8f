//! What designs cost: the page, what `compare` adds, and the counts against those that the search keeps by itself.

use std::fs;

use serde_json::Value;

use crate::common::{checked, elsewhere, page, stalemap, text};

/// The scenarios of the page.
const PAGE: [&str; 9] = [
    "xfs/t1",
    "xfs/t2",
    "xfs/t8",
    "xfs/t15",
    "xfs/cookie-elsewhere",
    "gfs2/t15",
    "zonefs/control",
    "ext4/t2",
    "ext4/a15",
];

fn said(arguments: &[&str]) -> String {
    text(&stalemap(elsewhere().path(), arguments).stdout)
}

/// The results of a document with costs.
fn counted(arguments: &[&str], key: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(&said(arguments)).expect("JSON");
    document[key].as_array().expect("results").clone()
}

/// What was counted for a scenario under a design.
fn costs(scenario: &str, design: &str) -> Value {
    counted(&["costs", scenario, "--design", design, "--format", "json"], "results").remove(0)
}

/// The most of a count; what is not there is zero in all runs.
fn most(costs: &Value, count: &str) -> u64 {
    costs["counts"][count]["most"].as_u64().unwrap_or(0)
}

#[test]
fn the_page_has_the_tables_that_the_program_prints() {
    let tables = said(&[&["costs"], &PAGE[..], &["--format", "markdown"]].concat());
    let page = page("docs/costs.md");
    let begins = page.find("## xfs/t1").expect("the first table");
    assert_eq!(page[begins..], tables, "make the tables of docs/costs.md anew");
}

#[test]
fn a_stream_of_changes_without_end_keeps_a_write_for_ever_and_the_bound_holds() {
    let page = page("docs/costs.md");
    let file = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a scenario");
    let folder = elsewhere();
    fs::write(folder.path().join("stream.toml"), file).expect("a file");
    let run = |arguments: &[&str]| stalemap(folder.path(), arguments);
    let output = run(&["costs", "stream.toml", "--save", "runs", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of = &document["results"][0];
    assert_eq!(of["counts"]["stale_aborts"]["most"], Value::Null, "there is no most");
    assert_eq!(of["retries"]["verdict"], "bounded");
    assert_eq!(of["limits_hit"], Value::Array(Vec::new()));
    let replayed = run(&["replay", "runs/stream-iomap_valid-most-stale.schedule"]);
    assert!(text(&replayed.stdout).starts_with("Livelock under design iomap_valid"), "{replayed:?}");
}

#[test]
fn the_most_stale_mappings_are_as_many_as_the_search_counts_in_its_states() {
    for (scenario, design) in [
        ("xfs/t1", "iomap_valid"),
        ("xfs/t2", "get_folio"),
        ("xfs/t15", "iomap_valid"),
        ("xfs/a15", "iomap_valid"),
        ("xfs/generic-346", "iomap_valid"),
        ("xfs/cookie-elsewhere", "range"),
        ("ext4/t2", "get_folio"),
        ("zoned/t2", "iomap_valid"),
    ] {
        let by_state = checked(scenario, design).stale_aborts;
        let of = costs(scenario, design);
        let by_run =
            (of["of_one_call"]["stale_aborts"].as_u64(), of["of_one_call"]["spurious_aborts"].as_u64());
        let expected = (Some(u64::from(by_state.max)), Some(u64::from(by_state.spurious_max)));
        assert_eq!(by_run, expected, "{scenario} under {design}");
    }
}

#[test]
fn calls_are_as_many_as_each_design_makes() {
    for design in ["iomap_valid", "get_folio"] {
        let of = costs("xfs/t1", design);
        assert_eq!(most(&of, "folio_calls"), most(&of, "folios"), "one for each folio under {design}");
        assert_eq!(most(&of, "mapping_calls"), 2 * most(&of, "mappings"));
        assert_eq!(most(&of, "folios_in_vain"), most(&of, "stale_aborts"));
    }
    let none = costs("xfs/t1", "none");
    assert_eq!((most(&none, "folio_calls"), most(&none, "stale_aborts")), (0, 0));
    assert_eq!(none["retries"]["verdict"], "no-check");
    let newest =
        counted(&["costs", "xfs/t1", "--kernel", "linux-7.3", "--format", "json"], "results").remove(0);
    // ->iomap_next: one for each mapping, and one that finds no more.
    assert_eq!(most(&newest, "mapping_calls"), most(&newest, "mappings") + 1);
}

/// Of the places beside write(2)'s: a reader and a write fault ask for a folio, direct I/O for a mapping; a clone calls a function
/// of its own file system.
#[test]
fn whoever_asks_makes_a_call() {
    let calls = |scenario: &str, design: &str, of: &str| most(&costs(scenario, design), of);
    for (scenario, design, of) in [
        ("xfs/d9", "map-first", "folio_calls"),
        ("xfs/m17", "map-first", "folio_calls"),
        ("xfs/t3", "shared", "mapping_calls"),
        ("xfs/d3", "early-ack", "mapping_calls"),
    ] {
        let asks = calls(scenario, &format!("{design}-asks"), of);
        assert!(asks > calls(scenario, design, of), "{scenario}: {asks}");
    }
    let of_clone = |design| calls("xfs/clone-released", design, "folio_calls");
    assert_eq!(of_clone("clone-asks"), of_clone("iomap_valid"));
    let zeroing = costs("xfs/zero-stale-truncate", "zeroing-asks");
    assert_eq!(most(&zeroing, "folio_calls"), most(&zeroing, "folios"));
    assert_eq!(zeroing["retries"]["verdict"], "bounded");
}

#[test]
fn a_cookie_for_a_range_saves_retries_that_the_forks_costs() {
    let fork = costs("xfs/cookie-elsewhere", "iomap_valid");
    let range = costs("xfs/cookie-elsewhere", "range");
    assert_eq!((&fork["cookie"], &range["cookie"]), (&Value::from("fork"), &Value::from("range")));
    assert!(most(&fork, "spurious_aborts") > 0);
    assert_eq!(most(&range, "stale_aborts"), 0);
}

#[test]
fn a_flag_that_leaks_makes_retries_endless() {
    let folder = elsewhere();
    let output = stalemap(folder.path(), &["costs", "xfs/a14", "--design", "leak-flag", "--save", "runs"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("endless"));
}

#[test]
fn compare_prints_costs_below_the_verdicts() {
    let asked = ["compare", "xfs/t1", "--design", "iomap_valid", "--costs"];
    let shown = said(&asked);
    let alone = said(&["costs", "xfs/t1", "--design", "iomap_valid"]);
    assert!(shown.ends_with(&alone), "{shown}");
    assert!(alone.lines().all(|line| line.chars().count() <= 80), "{alone}");
    let documents = counted(&[&asked[..], &["--format", "json"]].concat(), "costs");
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0]["retries"]["verdict"], "bounded");
    for (option, value) in [("--limit-preemptions", "1"), ("--memory", "relaxed"), ("--format", "junit")] {
        let output = stalemap(elsewhere().path(), &[&asked[..], &[option, value]].concat());
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(text(&output.stderr).contains(option), "{}", text(&output.stderr));
    }
}

#[test]
fn what_a_limit_cuts_is_at_least_so_much() {
    let output =
        stalemap(elsewhere().path(), &["costs", "xfs/t1", "--design", "iomap_valid", "--limit-states", "50"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains(">="), "{}", text(&output.stdout));
}
