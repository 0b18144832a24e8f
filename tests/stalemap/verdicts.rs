//! Verdicts about runs that do not come to an end, and what a certificate is a certificate of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use stalemap::input::load;
use stalemap::run::{GivenLimits, Job, Outcome, run_all};
use stalemap::scenario::{FileLimits, Scenario};
use stalemap::verdict::Verdict;
use stalemap_explore::LimitHit;
use stalemap_facade::Property;
use stalemap_model::judge::properties;
use stalemap_model::words::bounds;

use crate::common::program;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts").join(format!("{name}.toml"))
}

fn scenario(name: &str) -> Scenario {
    load(&path(name)).expect("a scenario")
}

/// What comes of the design `mine`.
fn outcome(scenario: &Scenario) -> Outcome {
    let jobs = Job::expected(scenario);
    let mine = jobs.into_iter().filter(|job| job.implementation.name() == "mine").collect::<Vec<_>>();
    run_all(&mine, GivenLimits::default(), 1, &|_| ()).remove(0).expect("a verdict")
}

fn check(name: &str, arguments: &[&str]) -> Output {
    let path = path(name);
    program()
        .args(["check", "--design", "mine"])
        .args(arguments)
        .arg(path.file_name().expect("a file"))
        .current_dir(path.parent().expect("a folder"))
        .output()
        .expect("the program starts")
}

fn text(output: &Output) -> String {
    // Lines are wrapped, and what is looked for may be.
    String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn result(name: &str) -> Value {
    let document: Value = serde_json::from_slice(&check(name, &["--format", "json"]).stdout).expect("JSON");
    document["results"][0].clone()
}

#[test]
fn every_file_is_as_it_expects() {
    let files = fs::read_dir(path("x").parent().expect("a folder")).expect("the files");
    let mut jobs = 0;
    for file in files {
        let scenario = load(&file.expect("a file").path()).expect("a scenario");
        for outcome in run_all(&Job::expected(&scenario), GivenLimits::default(), 2, &|_| ()) {
            let outcome = outcome.expect("a verdict");
            let said = (&outcome.violated, &outcome.judgement.reasons);
            assert_eq!(outcome.judgement.as_expected, Some(true), "{} {said:?}", outcome.scenario);
            jobs += 1;
        }
    }
    assert_eq!(jobs, 12);
}

#[test]
fn retries_that_change_something_end_at_a_bound_with_a_name() {
    let outcome = outcome(&scenario("retries-of-its-own"));
    assert_eq!(
        (outcome.verdict, &outcome.violated[..]),
        (Verdict::Violates, &[properties::UNBOUNDED_RETRY][..])
    );
    assert_eq!(outcome.limits_hit, [LimitHit::Bound(bounds::RETRIES)]);
    let shown = outcome.counterexample.expect("it is shown");
    assert_eq!((shown.counterexample.operations, shown.among), (4, None));
}

#[test]
fn retries_that_change_nothing_are_a_cycle() {
    let outcome = outcome(&scenario("a-rejection-kept"));
    assert_eq!(outcome.violated, [Property::LIVELOCK, properties::UNBOUNDED_RETRY]);
    assert!(outcome.limits_hit.is_empty());
}

#[test]
fn a_setup_without_an_end_is_a_verdict_with_a_line() {
    for (name, exit, line, sentence) in [
        ("setup-retries", 3, 9, "the command in line 9 is given up at the limit of retries"),
        ("setup-goes-round", 0, 7, "the command in line 7 goes round for ever"),
        ("setup-deadlocks", 0, 7, "the command in line 7 waits for ever at truncate_folio 0"),
    ] {
        let output = check(name, &[]);
        assert_eq!(output.status.code(), Some(exit), "{name}");
        let (text, result) = (text(&output), result(name));
        let in_the_setup = format!("in the setup already: {sentence}");
        assert_eq!(text.matches(&in_the_setup).count(), 2, "in the list and in the drawing: {text}");
        assert_eq!(result["halted_in_setup"]["line"], line);
        assert_eq!(result["halted_in_setup"]["why"], sentence);
        assert_eq!(result["counterexample"]["operations"], 0);
        for engine in ["shuttle", "loom"] {
            assert_eq!(check(name, &["--engine", engine]).status.code(), Some(exit), "{name} on {engine}");
        }
    }
    assert_eq!(result("retries-of-its-own")["halted_in_setup"], Value::Null);
}

#[test]
fn what_a_setup_violates_is_told_with_its_place() {
    let found = |name: &str| outcome(&scenario(name)).in_setup;
    assert_eq!(found("setup-ends-synced"), [], "there is no crash before the setup is over");
    for (name, sentence, others, line) in [
        ("setup-ends-exposed", ", in the setup already, at its end: after a crash 0-4k", "", Value::Null),
        (
            "setup-loses",
            "; lost-write in the setup already, line 9: 2k-4k is 0",
            " wrong-zero, in the setup already, line 9: 2k-4k is zeroed in memory",
            Value::from(9),
        ),
    ] {
        let text = text(&check(name, &[]));
        assert!(text.contains(sentence) && text.contains(others), "{text}");
        let found = result(name);
        let told = found["violated_in_setup"].as_array().expect("a list").iter();
        let told = told.last().expect("what the sentence says");
        assert_eq!(told["line"], line);
        let drawn = text.split_once("under design mine, in the setup already, ").expect("the drawing").1;
        assert!(drawn.contains(told["detail"].as_str().expect("a detail")), "{drawn}");
    }
}

#[test]
fn a_certificate_says_among_what() {
    for (name, among, within, least) in [
        ("least-under-evictions", "runs with at most 0 evictions", 17, 16),
        ("least-under-retries", "runs with at most 0 retries", 14, 11),
    ] {
        let bounded = outcome(&scenario(name)).counterexample.expect("a counterexample");
        assert_eq!((bounded.counterexample.operations, bounded.among.as_deref()), (within, Some(among)));
        let mut unbounded = scenario(name);
        unbounded.limits = FileLimits::default();
        let found = outcome(&unbounded).counterexample.expect("a counterexample");
        assert_eq!((found.counterexample.operations, found.among), (least, None));

        assert_eq!(result(name)["counterexample"]["least_among"], among);
        let folder = tempfile::tempdir().expect("a folder");
        let save = folder.path().display().to_string();
        let said = text(&check(name, &["--save", &save]));
        assert!(
            said.contains(&format!("; least among {among}: 1 preemption, {within} operations")),
            "{said}"
        );
        assert!(said.contains(&format!("1 preemption (the least among {among})")), "{said}");
        let saved = fs::read_dir(folder.path()).expect("a folder").next().expect("a schedule").expect("it");
        let schedule = fs::read_to_string(saved.path()).expect("text");
        assert!(schedule.contains(&format!("among = {among}\n")), "{schedule}");
        assert!(schedule.contains(&format!("certificate = least among {among}: none of the ")), "{schedule}");
        let replayed = text(&program().arg("replay").arg(saved.path()).output().expect("the program starts"));
        assert!(replayed.contains(&format!("(the least among {among})")), "{replayed}");
    }
}
