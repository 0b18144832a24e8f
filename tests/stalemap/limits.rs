//! Searches that a limit stops, from the outside.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{elsewhere, in_repository, program, stalemap, text};

/// What the program says of a file in `inputs`.
fn output(arguments: &[&str]) -> Output {
    stalemap(&in_repository("tests/stalemap/inputs"), arguments)
}

fn result(arguments: &[&str]) -> Value {
    let output = output(&[&["check", "--format", "json"], arguments].concat());
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    document["results"][0].clone()
}

#[test]
fn a_shallow_bug_is_found_wherever_the_search_begins() {
    let found = result(&["shallow-bug.toml", "--design", "none", "--limit-states", "200000"]);
    assert_eq!(found["verdict"], "violates");
    assert_eq!(found["states"], 200_000);
    assert_eq!(found["limits_hit"], json!(["states"]));
    assert_eq!(found["few_preemptions"], json!({ "none_up_to": 0, "states": 25181, "found_with": 1 }));
    let least = &found["counterexample"];
    assert_eq!(least["property"], "lost-write");
    assert_eq!((&least["preemptions"], &least["operations"]), (&json!(1), &json!(22)));
    assert_eq!(least["certified"], true);
}

#[test]
fn what_is_known_of_a_stopped_search_is_said() {
    let stopped = output(&["check", "large.toml", "--limit-states", "200000"]);
    assert_eq!(stopped.status.code(), Some(3));
    let said = text(&stopped.stdout);
    assert!(said.contains("incomplete, nothing found in 199998 states"), "{said}");
    assert!(said.contains("none without a preemption: every such run was explored (91076 states"), "{said}");
    let found = result(&["large.toml", "--limit-states", "1000"]);
    let nothing = json!({ "none_up_to": null, "states": 0, "found_with": null });
    assert_eq!(found["few_preemptions"], nothing);
}

#[test]
fn what_is_not_found_in_bits_is_never_said_to_hold() {
    let part = result(&["large.toml", "--bitstate", "4k"]);
    assert_eq!((&part["verdict"], &part["limits_hit"]), (&json!("incomplete"), &json!(["bitstate"])));
    let states = part["states"].as_u64().expect("a number");
    assert!((1_000..20_000).contains(&states), "{states} states in 32768 bits");
    assert!(part["coverage"].as_f64().is_some_and(|share| share < 0.9), "{}", part["coverage"]);
    let said = output(&["check", "large.toml", "--bitstate", "4k"]);
    assert_eq!(said.status.code(), Some(3));
    let said = text(&said.stdout);
    assert!(said.contains("states were kept as bits") && said.contains("% were kept apart"), "{said}");
    assert!(said.contains("too few to say anything of how much was reached"), "{said}");
    // What is found is there, and is the least.
    let arguments = ["check", "xfs/t1", "--format", "json", "--design", "none"];
    let found = |more: &[&str]| {
        let output = output(&[&arguments, more].concat());
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        document["results"][0].clone()
    };
    let (whole, bits) = (found(&[]), found(&["--bitstate", "1m"]));
    assert_eq!((&bits["verdict"], &bits["violated"]), (&json!("violates"), &whole["violated"]));
    assert_eq!(bits["counterexample"], whole["counterexample"]);
    assert!(whole.get("coverage").is_none());
}

#[test]
fn a_table_that_cannot_be_had_is_refused() {
    let refused = |more: &[&str], says: &str| {
        let output = output(&[&["check", "large.toml"], more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(text(&output.stderr).contains(says), "{more:?}: {}", text(&output.stderr));
    };
    refused(
        &["--bitstate", "64g", "--limit-memory", "1g"],
        "a table of 64g is more than the limit of memory (1g)",
    );
    refused(&["--bitstate", "999t"], "a table of 999t is more than the limit of memory (");
    refused(
        &["--bitstate", "999t", "--limit-memory", "9999t"],
        "no memory for a table of 1098412116148224 bytes",
    );
    refused(&["--bitstate", "1m", "--engine", "loom"], "--bitstate is for the exhaustive engine");
}

#[test]
fn a_limit_of_nothing_is_refused() {
    for limit in ["--limit-states", "--limit-seconds", "--limit-memory"] {
        let output = output(&["check", "large.toml", limit, "0"]);
        assert_eq!(output.status.code(), Some(2), "{limit}");
        assert!(text(&output.stderr).contains(limit), "{}", text(&output.stderr));
    }
}

#[test]
fn a_file_of_as_many_cells_as_there_may_be_ends_at_a_limit() {
    let folder = elsewhere();
    let source = "title = \"many cells\"\n[[actor]]\nname = \"writer\"\nrun = [\"pwrite -b 1 0 4095\"]\n";
    fs::write(folder.path().join("cells.toml"), source).expect("a file");
    for (limit, name) in [(["--limit-states", "500"], "states"), (["--limit-memory", "64m"], "memory")] {
        let arguments =
            [&["check", "cells.toml", "--design", "none", "--format", "json"][..], &limit].concat();
        let output = stalemap(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(document["results"][0]["verdict"], "incomplete");
        assert_eq!(document["results"][0]["limits_hit"], json!([name]));
    }
}

#[test]
fn preemptions_are_limited() {
    let found = result(&["large.toml", "--limit-preemptions", "0"]);
    assert_eq!(found["verdict"], "incomplete");
    assert_eq!(found["limits_hit"], json!(["preemptions"]));
    assert_eq!(found["few_preemptions"], json!({ "none_up_to": 0, "states": 91076, "found_with": null }));
    assert_eq!(found["states"], 91076);
    let shallow = |most| result(&["shallow-bug.toml", "--design", "none", "--limit-preemptions", most]);
    assert_eq!(shallow("0")["verdict"], "incomplete");
    assert_eq!(shallow("1")["counterexample"]["operations"], 22);
}

/// The most memory that a process has had, in bytes, as long as it runs. Linux tells.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

/// What `check` says with this limit, in MiB, and the most memory that it took, in bytes.
fn check_within(mebibytes: u64, arguments: &[&str]) -> (Output, u64) {
    let mut program = program();
    program.args(["check", "--limit-memory", &format!("{mebibytes}m")]).args(arguments);
    program.current_dir(in_repository("tests/stalemap/inputs"));
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let mut most = 0;
    while child.try_wait().expect("a child").is_none() {
        most = most.max(peak(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    (child.wait_with_output().expect("a child"), most)
}

#[test]
fn the_limit_of_memory_is_kept() {
    // In relaxed memory, values own many times what is written of them.
    let relaxed = ["endless.toml", "--memory", "relaxed", "--design", "iomap_valid"];
    // Of a slice, there is the way to its states as well.
    let folder = elsewhere();
    let states = folder.path().join("states");
    let slice = ["large.toml", "--partition", "1/2", "--states", states.to_str().expect("UTF-8")];
    for (arguments, code, tenths) in [(&["large.toml"][..], 3, 14), (&relaxed, 1, 19), (&slice, 0, 15)] {
        let (output, most) = check_within(128, arguments);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(
            ["limit of memory was reached", "\"memory\""].iter().any(|limit| said.contains(limit)),
            "{said}"
        );
        assert!(most * 10 <= (128 << 20) * tenths, "{arguments:?}: {} MiB", most >> 20);
        assert!(most > 24 << 20 || !Path::new("/proc/self/status").exists(), "nothing was measured");
    }
}

#[test]
fn quiet_says_nothing_on_stderr() {
    let quiet = output(&["check", "large.toml", "--limit-states", "100000", "--quiet"]);
    assert!(quiet.stderr.is_empty());
}
