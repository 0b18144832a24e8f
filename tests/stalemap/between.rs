//! Two designs on one scenario: whether they can end in the same way, and where a run of one parts from the other. A row of designs: which
//! of them changes a verdict. A schedule under another design than its own.

use std::fs;

use serde_json::Value;
use stalemap::between::{Relation, Shows, between};
use stalemap::engine::Engine;
use stalemap::run::Job;
use stalemap_explore::Limits;
use stalemap_model::judge::properties;
use tempfile::TempDir;

use crate::common::{elsewhere, program, shipped, stalemap, text};

fn found(scenario: &str, names: [&str; 2]) -> stalemap::between::Between {
    let scenario = shipped(scenario);
    let jobs = names.map(|name| Job {
        scenario: &scenario,
        implementation: scenario.implementation(name).expect("a design"),
        engine: Engine::Exhaustive,
    });
    between([&jobs[0], &jobs[1]], &Limits::default(), None).expect("a sound model")
}

#[test]
fn a_loss_of_one_parts_where_the_other_checks() {
    for names in [["none", "iomap_valid"], ["iomap_valid", "none"]] {
        let found = found("xfs/t1", names);
        let unchecked = usize::from(names[1] == "none");
        assert!(found.is_complete && !found.is_alike());
        let more = if unchecked == 0 { Relation::FirstDoesMore } else { Relation::SecondDoesMore };
        assert_eq!(found.contents.relation(), more, "{:?}", found.contents);
        let witness = found.witness.expect("a witness");
        assert_eq!(witness.of, unchecked);
        assert_eq!(witness.shows, Shows::Violates { property: properties::LOST_WRITE, least: true });
        let parting = witness.parting.expect("they part");
        assert_eq!(parting.problem, "`writer` is about to do `iomap_valid`");
        let [own, other] = [&witness.schedules[unchecked], &witness.schedules[1 - unchecked]];
        assert_eq!(own.steps[..parting.at], other.steps[..parting.at]);
        assert!(other.steps[parting.at].op.contains("iomap_valid"), "{}", other.steps[parting.at]);
    }
}

#[test]
fn what_checks_in_another_place_is_alike_to_the_user() {
    let found = found("xfs/t1", ["iomap_valid", "get_folio"]);
    assert!(found.is_alike() && found.witness.is_none());
    assert_eq!(found.contents.relation(), Relation::Equal);
}

/// The lines of both halves fit, and one is marked.
fn is_side_by_side(drawn: &str, columns: usize) {
    assert!(drawn.lines().all(|line| line.chars().count() <= columns), "{drawn}");
    assert_eq!(drawn.lines().filter(|line| line.starts_with(">>")).count(), 1, "{drawn}");
}

#[test]
fn two_schedules_stand_beside_each_other_also_where_one_holds() {
    let folder = elsewhere();
    for columns in ["80", "120"] {
        let mut compare = program();
        compare.args(["compare", "--between", "none", "iomap_valid", "xfs/t1"]).env("COLUMNS", columns);
        let said = compare.current_dir(folder.path()).output().expect("the program starts");
        assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
        let drawn = text(&said.stdout);
        is_side_by_side(&drawn, columns.parse().expect("a number"));
        assert!(drawn.contains("Nothing is violated under design"), "{drawn}");
        assert!(drawn.contains("lost write"), "{drawn}");
    }
    let json =
        stalemap(folder.path(), &["compare", "--between", "none", "chinner", "xfs/t1", "--format", "json"]);
    let document: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(document["schema"], "stalemap.between/1");
    assert_eq!(document["scenarios"][0]["contents"]["relation"], "second-is-subset");
    assert_eq!(document["scenarios"][0]["witness"]["schedules"].as_array().map(Vec::len), Some(2));
    let unknown = stalemap(folder.path(), &["compare", "--between", "none", "nonesuch"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(text(&unknown.stderr).lines().count(), 1, "{}", text(&unknown.stderr));
}

#[test]
fn a_row_is_bisected_in_sentences() {
    let folder = elsewhere();
    let row = ["compare", "--bisect", "series-00..series-10", "gfs2/t6", "gfs2/jdata-valid", "xfs/t1"];
    let said = stalemap(folder.path(), &row);
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
    let said = text(&said.stdout);
    for sentence in [
        "Patches 03, 04, 06, 07, 09, 10 change no field of the model, and so no verdict.",
        "Patch 05 changes fields of the model, and no verdict.",
        "Patch 01 breaks 1 (gfs2/jdata-valid).",
        "Patch 02 repairs 1 (gfs2/t6).",
        "Patch 08 repairs 1 (gfs2/jdata-valid).",
        "1 hold and 0 are broken all along.",
        "broken-transaction [1] under series-00; patch 02 repairs it.",
    ] {
        assert!(said.contains(sentence), "{sentence}:\n{said}");
    }
    let json = stalemap(folder.path(), &[&row[..], &["--format", "json"]].concat());
    let document: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(document["schema"], "stalemap.bisect/1");
    let changes: Vec<(&str, &str)> = document["scenarios"]
        .as_array()
        .expect("scenarios")
        .iter()
        .flat_map(|scenario| scenario["changes"].as_array().expect("changes"))
        .map(|change| (change["at"].as_str().expect("a name"), change["does"].as_str().expect("a verb")))
        .collect();
    let expected = [("series-02", "repairs"), ("series-01", "breaks"), ("series-08", "repairs")];
    assert!(expected.iter().all(|change| changes.contains(change)) && changes.len() == 3, "{changes:?}");
    for (row, says) in [("series-00", "is no row"), ("none..linux-6.2", "not of one row")] {
        let refused = stalemap(folder.path(), &["compare", "--bisect", row, "xfs/t1"]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(text(&refused.stderr).contains(says), "{}", text(&refused.stderr));
    }
}

fn saved() -> TempDir {
    let folder = elsewhere();
    let saved = stalemap(folder.path(), &["check", "xfs/t1", "--save", "s"]);
    assert_eq!(saved.status.code(), Some(0), "{}", text(&saved.stderr));
    folder
}

#[test]
fn a_schedule_is_played_under_another_design_as_far_as_it_fits() {
    let folder = saved();
    let replay = |design: &str| {
        let said = stalemap(folder.path(), &["replay", "s/xfs-t1-none.schedule", "--design", design]);
        assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
        text(&said.stdout)
    };
    let stopped = replay("iomap_valid");
    let file = fs::read_to_string(folder.path().join("s/xfs-t1-none.schedule")).expect("a schedule");
    let copies: Vec<usize> = (1..)
        .zip(file.lines())
        .filter(|(_, line)| line.starts_with("writer: copy 0"))
        .map(|(at, _)| at)
        .collect();
    let says = format!(
        "Under iomap_valid the schedule fits for 8 of its 16 steps, and stops at line {}, `writer: copy 0`: `writer` is about to do \
         `iomap_valid`.",
        copies[0]
    );
    let first = stopped.split("\n\n").next().unwrap_or_default();
    assert_eq!(first.split_whitespace().collect::<Vec<_>>().join(" "), says, "{stopped}");
    assert!(stopped.contains("--design iomap_valid"), "{stopped}");
    let same = replay("linux-6.1");
    assert!(same.contains("All 16 steps of the schedule fit under linux-6.1."), "{same}");
    assert!(same.contains("under kernel linux-6.1"), "{same}");
    let unknown = stalemap(folder.path(), &["replay", "s/xfs-t1-none.schedule", "--design", "nonesuch"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn a_schedule_stands_against_another() {
    let folder = saved();
    let (one, two) = ("s/xfs-t1-none.schedule", "s/xfs-t1-before-lock.schedule");
    let drawn = text(&stalemap(folder.path(), &["replay", one, "--against", two, "--width", "90"]).stdout);
    is_side_by_side(&drawn, 90);
    assert!(drawn.contains("before-lock"), "{drawn}");
    let refused = stalemap(folder.path(), &["replay", one, "--against", two, "--format", "json"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn equal_drawings_are_printed_once() {
    let checked = stalemap(elsewhere().path(), &["check", "xfs/t1"]);
    let said = text(&checked.stdout);
    assert!(said.contains("Under linux-6.1: the same run as under none, step by step."), "{said}");
    assert!(said.contains("Lost write under design none"), "{said}");
    assert!(!said.contains("Lost write under kernel linux-6.1"), "{said}");
    // What is another run is drawn.
    assert!(said.contains("Lost write under design before-lock"), "{said}");
}

#[test]
fn the_page_has_every_verdict_with_what_it_rests_on() {
    let folder = elsewhere();
    let scenarios = ["gfs2/t6", "xfs/t1", "xfs/t8"];
    let written = stalemap(folder.path(), &[&["compare", "--html", "page.html"][..], &scenarios].concat());
    assert_eq!((written.status.code(), text(&written.stdout).as_str()), (Some(0), "wrote page.html\n"));
    let page = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    let json = stalemap(folder.path(), &[&["compare", "--format", "json"][..], &scenarios].concat());
    let document: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let results = document["results"].as_array().expect("results");
    assert_eq!(page.matches("<details>").count(), results.len(), "and a legend, which has a class");
    let broken = results.iter().filter(|result| result["verdict"] == "violates").count();
    let (drawn, alike) = (page.matches("<pre>").count(), page.matches("The same run as under ").count());
    assert_eq!(drawn + alike, broken);
    assert!(drawn > 3 && alike > 3, "{drawn} {alike}");
    for sentence in document["comparison"]["answer"].as_array().expect("an answer").iter().skip(1) {
        let sentence = sentence.as_str().expect("a sentence");
        assert!(page.contains(sentence), "{sentence}");
    }
    assert!(!page.contains("http"), "it asks nobody for anything");
}
