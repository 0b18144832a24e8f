//! `witness`: the least run to contents of a file, or to what a call returns, beside all ends of the search; and what is said of a
//! condition that cannot be.

use std::fs;

use serde_json::{Value, json};
use stalemap::run::kernel;
use stalemap::scenario::{Scenario, Wanted};
use stalemap_checker::{explore, least_end, replay, way_to_end};
use stalemap_explore::{Limits, Options, Step, Witness};
use stalemap_facade::System;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::geometry::Bytes;

use crate::common::{elsewhere, fed, shipped, stalemap, text};

/// Preemptions, and steps.
type Cost = (usize, usize);

fn cost(kernel: &Kernel, steps: &[Step]) -> (Cost, Option<String>) {
    let replay = replay(kernel, steps).expect("it fits");
    let preemptions = replay.played.iter().filter(|played| played.preempts).count();
    ((preemptions, steps.len()), replay.epilogue.and_then(|epilogue| epilogue.observed))
}

/// The cheapest way to an end at which this is so, found end by end.
fn by_all_ends(kernel: &Kernel, wanted: &Wanted) -> Option<Cost> {
    let specs = kernel.actors();
    let found = explore(kernel, &Options::default(), &mut |_| ()).expect("a sound model");
    assert!(found.is_complete());
    let ways = found.ends.iter().filter_map(|end| {
        let way = way_to_end(kernel, end, &Limits::default()).expect("a sound model")?;
        let steps: Vec<Step> = way.iter().map(|choice| choice.to_step(&specs)).collect();
        let (cost, observed) = cost(kernel, &steps);
        observed.is_some_and(|observed| wanted.is_met(&observed)).then_some(cost)
    });
    let least = ways.min();
    assert_eq!(least.is_some(), found.outcomes.keys().any(|observed| wanted.is_met(observed)), "{wanted:?}");
    least
}

/// The conditions that a scenario could be asked for, true ones and false ones.
fn conditions(scenario: &Scenario, design: &str) -> Vec<(String, Wanted)> {
    let geometry = scenario
        .config_of(scenario.implementation(design).expect("a design"))
        .geometry()
        .expect("a geometry");
    let mut texts = Vec::new();
    for cell in 0..geometry.cells() {
        let (from, to) = (geometry.byte_at(cell), geometry.byte_at(cell + 1));
        for is in ["00", "57", "58", "--", "~~", "ee"] {
            texts.push(format!("{} {} = {is}", Bytes(from), Bytes(to - from)));
        }
    }
    for (actor, lines) in scenario.actors.iter().zip(&scenario.actor_lines) {
        for (call, line) in actor.run.iter().zip(lines).filter(|(call, _)| call.command.may_answer()) {
            let reads = format!("{:?}", call.command).starts_with("Pread");
            for is in if reads { &["00", "57", "58", "nothing"][..] } else { &["0", "4k", "ENXIO"] } {
                texts.push(format!("{}: {} = {is}", actor.name, line.text));
            }
        }
    }
    let read = |text: String| {
        let wanted = Wanted::read(&text, scenario, &geometry).unwrap_or_else(|errors| panic!("{errors}"));
        (text, wanted)
    };
    texts.into_iter().map(read).collect()
}

#[test]
fn the_least_run_to_an_end_is_the_cheapest_of_the_ways_to_all_ends() {
    let (mut reached, mut never) = (0, 0);
    for (name, design) in [
        ("xfs/t1", "none"),
        ("xfs/t1", "iomap_valid"),
        ("xfs/t11", "none"),
        ("ext4/t1", "none"),
        ("ext4/append-read-order", "iomap_valid"),
        ("ext4/seek", "iomap_valid"),
    ] {
        let scenario = shipped(name);
        let implementation = scenario.implementation(design).expect("a design");
        kernel(&scenario, &implementation).expect("a setup that does what it says");
        for (text, wanted) in conditions(&scenario, design) {
            let mut config = scenario.config_of(implementation.clone());
            (config.observe, config.heard) = wanted.observes();
            let kernel = Kernel::new(config).expect("a sound configuration");
            let expected = by_all_ends(&kernel, &wanted);
            let found = least_end(&kernel, &|observed| wanted.is_met(observed), &Limits::default());
            match found.expect("a sound model") {
                Witness::Unreachable => {
                    assert_eq!(expected, None, "{name} {design}: {text}");
                    never += 1;
                }
                Witness::Least(least) => {
                    let specs = kernel.actors();
                    let steps: Vec<Step> =
                        least.schedule.iter().map(|choice| choice.to_step(&specs)).collect();
                    let (cost, observed) = cost(&kernel, &steps);
                    assert_eq!(Some(cost), expected, "{name} {design}: {text}");
                    assert!(
                        observed.is_some_and(|observed| wanted.is_met(&observed)),
                        "{name} {design}: {text}"
                    );
                    // What is observed changes nothing about the run.
                    replay(&crate::common::kernel(name, design), &steps)
                        .expect("it fits without an observer");
                    reached += 1;
                }
                Witness::Unknown(_) => panic!("{name} {design}: {text}: there is no limit"),
            }
        }
    }
    assert!(reached > 15 && never > 40, "{reached} reached, {never} never");
}

const TWO_FILES: &str = r#"
title = "A read beside a write and a clone"
file = [{ name = "src" }, { name = "clone" }]
[setup]
run = ["[src] pwrite -S 0x58 0 8k", "[src] fsync"]
[[actor]]
name = "writer"
run = ["[src] pwrite -S 0x57 0 4k"]
[[actor]]
name = "reader"
run = ["[src] pread 0 4k", "[src] pread -b 4k 0 8k", "[src] pread 4k 4k"]
[[actor]]
name = "cloner"
run = ["[clone] reflink src"]
[reach]
must = []
"#;

#[test]
fn contents_and_answers_are_reached_or_not() {
    let folder = elsewhere();
    fs::write(folder.path().join("two.toml"), TWO_FILES).expect("a file");
    let ran = |reach: &str| {
        let output =
            stalemap(folder.path(), &["witness", "two.toml", "--design", "iomap_valid", "--reach", reach]);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    for (reach, says) in [
        ("[clone] 0 4k = 57", "at the end: [clone] 0-4k=57;"),
        ("[clone] 0 4k = 58", "at the end: [clone] 0-4k=58;"),
        ("[src] 0 4k=57", "at the end: [src] 0-4k=57;"),
        ("reader: [src] pread 0 4k = 58", "reader:0=58;"),
        ("reader:  [src]  pread 0 4k = 57", "reader:0=57;"),
    ] {
        let (code, said, errors) = ran(reach);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{reach}: {said}");
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let told = plain(&said);
        assert!(told.contains(says), "{reach}: {said}");
        for line in [format!("The shortest run that reaches `{reach}`"), format!("--reach '{reach}'")] {
            assert!(told.contains(&plain(&line)), "{line}: {said}");
        }
    }
    for reach in
        ["[src] 0 4k = 58", "[clone] 4k 4k = 57", "reader: [src] pread 0 4k = nothing", "[src] 0 4k = --"]
    {
        let (code, said, _) = ran(reach);
        let expected = format!("two.toml under iomap_valid: no run reaches `{reach}`\n");
        assert_eq!((code, said), (Some(1), expected));
    }
}

#[test]
fn a_witness_of_a_condition_is_saved_and_replays() {
    let folder = elsewhere();
    let command = ["witness", "xfs/t1", "--design", "none", "--reach", "6k 2k = 00", "--save", "w.schedule"];
    let output = stalemap(folder.path(), &command);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(">>> lost write"), "{}", text(&output.stdout));
    let schedule = fs::read_to_string(folder.path().join("w.schedule")).expect("a schedule");
    assert!(schedule.contains("reaches = 6k 2k = 00\n"), "{schedule}");
    let replayed = stalemap(folder.path(), &["replay", "w.schedule"]);
    assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed.stderr));
    assert!(text(&replayed.stdout).contains("lost write"), "{}", text(&replayed.stdout));
}

#[test]
fn what_cannot_be_a_condition_is_pointed_at() {
    let folder = elsewhere();
    fs::write(folder.path().join("two.toml"), TWO_FILES).expect("a file");
    let nothing = stalemap(folder.path(), &["witness", "two.toml", "--reach", " "]);
    let errors = text(&nothing.stderr);
    assert_eq!(nothing.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("nothing is named that a run is to reach") && errors.contains("`0 4k = 57`"),
        "{errors}"
    );
    // What is under the marks, what is said of it, and what would be right.
    for (reach, marked, message, help) in [
        ("stael", "stael", "there is no branch `stael`", "did you mean `stale`?"),
        ("0 4k", "", "what is to be there is missing", "for example `0 4k = 57`"),
        ("0 4k =", "", "nothing stands behind the `=`", "for example `0 4k = 57`"),
        ("[src] 0 4k = 5", "5", "`5` is not what a byte can be", "two hexadecimal digits"),
        ("[none] 0 4k = 57", "none", "there is no file `none`", "known are"),
        ("[src] 0 = 57", "[src] 0", "a range has an offset and a length", "for example"),
        ("[src] 0 4q = 57", "4q", "`4q` has an unknown suffix", "one of `k`"),
        ("[src] 1k 1k = 57", "[src] 1k 1k", "the files are not cut there", "at 0, 4k, 8k"),
        ("[src] 0 1m = 57", "[src] 0 1m", "the files are not cut there", "at 0, 4k, 8k"),
        ("raeder: pread 0 4k = 57", "raeder", "there is no actor `raeder`", "reader"),
        (
            "reader: pread 0 4k = 57",
            "pread 0 4k",
            "`reader` has no such call with an answer",
            "[src] pread 0 4k",
        ),
        (
            "writer: pread 0 4k = 57",
            "pread 0 4k",
            "`writer` has no such call with an answer",
            "none of its calls has one",
        ),
        (
            "reader: [src] pread 4k 4k = 57",
            "[src] pread 4k 4k",
            "may answer more than once",
            "ask for a call before it",
        ),
        ("reader: [src] pread 0 4k = all", "all", "`all` is not what a byte can be", "or `nothing`"),
    ] {
        let output = stalemap(folder.path(), &["witness", "two.toml", "--design", "none", "--reach", reach]);
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{reach}");
        assert!(
            said.contains(message) && said.contains(help) && said.contains("--reach:1:"),
            "{reach}: {said}"
        );
        let shown = said.lines().find(|line| line.contains(" | ") && line.contains(reach));
        let shown = shown.unwrap_or_else(|| panic!("{reach} is not shown: {said}"));
        let marks = said.lines().find(|line| line.contains('^')).unwrap_or_else(|| panic!("{said}"));
        let (from, length) = (marks.find('^').unwrap_or(0), marks.matches('^').count());
        if marked.is_empty() {
            assert!(from >= shown.trim_end().len(), "{reach}: at its end\n{said}");
        } else {
            assert_eq!(&shown[from..from + length], marked, "{said}");
        }
    }
}

/// Of calls that are written alike each has a number, as final states have it.
#[test]
fn calls_that_are_written_alike_are_asked_for_by_number() {
    let folder = elsewhere();
    let file = r#"title = "the same call twice"
[setup]
run = ["pwrite -S 0x58 0 4k", "fsync"]
[[actor]]
name = "w"
run = ["pread 0 4k", "pwrite -S 0x57 0 4k", "pread 0 4k"]
[observe]
calls = ["w"]
"#;
    fs::write(folder.path().join("twice.toml"), file).expect("a file");
    let reach = |condition: &str| {
        stalemap(folder.path(), &["witness", "--design", "none", "--reach", condition, "twice.toml"])
    };
    let refused = reach("w: pread 0 4k = 57");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("w:0, w:1"), "{}", text(&refused.stderr));
    for (condition, code) in [("w:0 = 58", 0), ("w:0 = 57", 1), ("w:1 = 57", 0), ("w:1 = 58", 1)] {
        assert_eq!(reach(condition).status.code(), Some(code), "{condition}");
    }
}

/// A limit is said, in words and in the document, and has exit code 3.
#[test]
fn a_limit_stops_the_search_for_a_witness() {
    let folder = elsewhere();
    let ran = |more: &[&str]| {
        let command = ["witness", "xfs/t1", "--design", "none", "--reach", "stale"];
        let output = stalemap(folder.path(), &[&command, more].concat());
        (output.status.code(), text(&output.stdout))
    };
    for (limit, value, name) in [("--limit-states", "9", "states"), ("--limit-memory", "1", "memory")] {
        let (code, said) = ran(&[limit, value]);
        let expected = format!(
            "xfs/t1 under none: incomplete: no run was found that reaches `stale`, and the limit of {name} was reached\n"
        );
        assert_eq!((code, said), (Some(3), expected));
        let (code, said) = ran(&[limit, value, "--format", "json"]);
        let document: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!((code, &document["schema"]), (Some(3), &json!("stalemap.witness/1")));
        let result = &document["results"][0];
        assert_eq!((&result["verdict"], &result["limits_hit"]), (&json!("incomplete"), &json!([name])));
        assert!(result["witness"].is_null(), "{result}");
    }
    assert_eq!(ran(&["--limit-states", "0"]).0, Some(2));
    assert_eq!(ran(&["--limit-states", "9", "--save", "w.schedule"]).0, Some(3));
    assert!(!folder.path().join("w.schedule").exists());
    // The time is looked at now and then; here the search is over before.
    assert_eq!(ran(&["--limit-seconds", "3600"]), ran(&[]));
}

/// The limits of the file hold where the command line says nothing.
#[test]
fn the_limits_of_the_file_are_those_of_its_witness() {
    let folder = elsewhere();
    fs::write(folder.path().join("two.toml"), TWO_FILES.to_owned() + "[limits]\nstates = 5\n")
        .expect("a file");
    let command = ["witness", "two.toml", "--design", "none", "--reach", "[clone] 0 4k = 57"];
    let code = |more: &[&str]| stalemap(folder.path(), &[&command, more].concat()).status.code();
    assert_eq!((code(&[]), code(&["--limit-states", "100000"])), (Some(3), Some(0)));
}

#[test]
fn a_document_has_the_witness_of_each_design() {
    let folder = elsewhere();
    let command = ["witness", "xfs/t1", "--design", "none", "--design", "iomap_valid", "--format", "json"];
    let output = stalemap(folder.path(), &[&command[..], &["--reach", "6k 2k = 00"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of = |at: usize, key: &str| document["results"][at][key].clone();
    assert_eq!((of(0, "design"), of(0, "verdict")), (json!("none"), json!("reached")));
    assert_eq!((of(1, "design"), of(1, "verdict")), (json!("iomap_valid"), json!("never")));
    assert_eq!((of(0, "limits_hit"), of(1, "witness")), (json!([]), Value::Null));
    let witness = of(0, "witness");
    assert_eq!((&witness["preemptions"], &witness["operations"]), (&json!(1), &json!(16)), "{witness}");
    let schedule = witness["schedule"].as_str().expect("a schedule");
    let replayed = fed(folder.path(), &["replay", "-"], schedule.as_bytes());
    assert!(text(&replayed.stdout).contains("lost write"), "{}", text(&replayed.stderr));
}
