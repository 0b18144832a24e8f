//! Ctrl-C: a search that is stopped by a person ends with what is known.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{elsewhere, in_repository, program, text};

/// The program at work on an input that takes for ever, when it listens for signals. None where nobody tells whether it does.
fn working(arguments: &[&str]) -> Option<Child> {
    if !Path::new("/proc/self/status").exists() {
        return None;
    }
    let mut program = program();
    program.args(arguments).current_dir(in_repository("tests/stalemap/inputs"));
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs");
    while !listens(&child) {
        assert_eq!(child.try_wait().expect("a child"), None, "it has ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    Some(child)
}

fn listens(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    // SIGINT is the second of the signals, counted from 1.
    caught
        .and_then(|caught| u64::from_str_radix(caught.trim(), 16).ok())
        .is_some_and(|caught| caught & 2 != 0)
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("there is a kill").success());
}

fn results(output: &Output) -> Value {
    let mut document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    document["results"].take()
}

/// What comes of an input that is interrupted after a while.
fn interrupted(arguments: &[&str], after: Duration) -> Option<Output> {
    let child = working(arguments)?;
    std::thread::sleep(after);
    interrupt(&child);
    Some(child.wait_with_output().expect("it ends"))
}

#[test]
fn an_interrupted_search_says_what_is_known() {
    let some_time = Duration::from_millis(700);
    let Some(output) = interrupted(&["check", "large.toml"], some_time) else { return };
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("incomplete, nothing found in "), "{said}");
    assert!(said.contains("not everything was explored: it was interrupted"), "{said}");
    assert!(!said.contains("holds"), "{said}");
}

#[test]
fn what_was_found_by_then_is_shown_with_its_schedule() {
    let arguments = ["check", "thrice.toml", "--design", "none", "--format", "json"];
    // It is among the first some thousand states.
    for after in [500, 2000, 8000] {
        let Some(output) = interrupted(&arguments, Duration::from_millis(after)) else { return };
        let found = results(&output);
        assert_eq!(found[0]["limits_hit"], json!(["interrupted"]));
        if found[0]["verdict"] == "violates" {
            assert_eq!(output.status.code(), Some(3), "as expected, so far");
            let shown = &found[0]["counterexample"];
            assert_eq!(shown["certified"], false, "nobody has looked for a less one");
            assert!(shown["schedule"].as_str().expect("a schedule").starts_with("stalemap schedule 1"));
            return;
        }
        assert_eq!((&found[0]["verdict"], output.status.code()), (&json!("incomplete"), Some(3)));
    }
    panic!("nothing was found in time");
}

#[test]
fn a_slice_that_is_interrupted_is_no_part() {
    let folder = elsewhere();
    let states = folder.path().join("part.states");
    let states = states.to_str().expect("UTF-8");
    let arguments = ["check", "large.toml", "--design", "none", "--partition", "1/2", "--states", states];
    let Some(output) = interrupted(&arguments, Duration::from_millis(700)) else { return };
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        output.stdout.is_empty() && said.contains("the part was interrupted, and is not written"),
        "{said}"
    );
}

#[test]
fn what_compares_searches_ends_with_what_is_known() {
    let all: [&[&str]; 3] = [
        &["check", "large.toml", "--weakest"],
        &["compare", "large.toml", "--between", "none", "iomap_valid"],
        &["compare", "large.toml", "--bisect", "series-00..series-02"],
    ];
    for arguments in all {
        let Some(output) = interrupted(arguments, Duration::from_millis(700)) else { return };
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(said.contains("it was interrupted"), "{arguments:?}: {said}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

/// Also while it is read what the catalogue shows, before the first number.
#[test]
fn fuzz_says_that_it_was_interrupted() {
    let arguments =
        ["fuzz", "--kernel", "linux-7.3", "--seconds", "600", "--limit-states", "1000", "--format"];
    for (format, says) in [("text", "It was interrupted."), ("json", "\"interrupted\": true")] {
        let arguments = [&arguments[..], &[format]].concat();
        let Some(output) = interrupted(&arguments, Duration::from_millis(100)) else { return };
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        let said = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn what_has_not_begun_is_incomplete_too() {
    let arguments = ["check", "large.toml", "shallow-bug.toml", "--jobs", "1", "--format", "json"];
    let Some(output) = interrupted(&arguments, Duration::from_millis(300)) else { return };
    let found = results(&output);
    let all = found.as_array().expect("results");
    assert_eq!(all.len(), 3);
    for result in all {
        assert_eq!(
            (&result["verdict"], &result["limits_hit"]),
            (&json!("incomplete"), &json!(["interrupted"]))
        );
    }
    assert!(all.iter().any(|result| result["states"] == 0), "{found}");
}

/// Some work does not ask whether it is to stop, as here the setup: it plays some ten thousand operations of a file of as many cells
/// as there may be, for each design anew. Whoever cannot wait need not.
#[test]
fn the_second_signal_ends_the_program_at_once() {
    let folder = elsewhere();
    let source = "title = \"a long setup\"\n[setup]\nrun = [\"pwrite -b 1 0 4095\"]\n\
                  [[actor]]\nname = \"writer\"\nrun = [\"fsync\"]\n";
    let path = folder.path().join("cells.toml");
    fs::write(&path, source).expect("a file");
    let designs = ["none", "iomap_valid", "get_folio", "chinner"].map(|design| ["--design", design]);
    let arguments =
        [&["check", path.to_str().expect("UTF-8"), "--jobs", "1"], designs.as_flattened()].concat();
    let Some(mut child) = working(&arguments) else { return };
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(child.try_wait().expect("a child"), None, "the first signal does not end it");
    interrupt(&child);
    let status = child.wait().expect("its end");
    assert_eq!(status.signal(), Some(2), "{status}");
}
