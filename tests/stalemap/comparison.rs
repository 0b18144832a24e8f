//! `compare`: the answer first, in few lines, with numbers that the runs come to; then what differs, and nothing twice.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use stalemap::check_place::CheckPlace;
use stalemap::comparison::Comparison;
use stalemap::comparison::class::Class;
use stalemap::comparison::matrix::Likeness;
use stalemap::report::compare::answer::{COLUMNS, MOST_LINES, lines};
use stalemap::report::compare::{Rows, csv, json, markdown, render};
use stalemap::run::{GivenLimits, Job, Outcome, run_all};
use stalemap::scenario::Scenario;
use stalemap::verdict::Verdict;

use crate::common::{elsewhere, shipped, stalemap, text};

/// Scenarios in which designs, the series and kernels differ, and some in which they do not.
const SOME: [&str; 10] = [
    "ext4/t1",
    "gfs2/c9-falloc",
    "gfs2/crash-append",
    "gfs2/jdata-crash",
    "gfs2/t6",
    "xfs/control",
    "xfs/t1",
    "xfs/t11",
    "xfs/t8",
    "zonefs/d19",
];

/// What some scenarios come to under all that their files expect something of.
fn ran() -> (Vec<Scenario>, Vec<Outcome>) {
    let scenarios: Vec<Scenario> = SOME.iter().map(|name| shipped(name)).collect();
    let jobs: Vec<Job<'_>> = scenarios.iter().flat_map(Job::expected).collect();
    let outcomes = run_all(&jobs, GivenLimits::default(), 2, &|_| ());
    let outcomes = outcomes.into_iter().map(|outcome| outcome.expect("a run")).collect();
    (scenarios, outcomes)
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn the_answer_is_short_and_no_word_is_broken() {
    let (scenarios, outcomes) = ran();
    let comparison = Comparison::new(&scenarios, &outcomes, &[]);
    let plain = |rows, width| {
        let text = render(&comparison, rows, width);
        anstream::adapter::strip_str(&text).to_string()
    };
    let rest = |text: &str| text.split_once("\n\n").map(|(_, rest)| rest.to_owned()).expect("rows");
    let wide = rest(&plain(Rows::All, 10_000));
    for width in [40, 60, COLUMNS, 100, 120] {
        for rows in [Rows::Nothing, Rows::Differing, Rows::All] {
            let text = plain(rows, width);
            let answer = lines(&comparison, width);
            assert!(text.starts_with(&answer.join("\n")), "{text}");
            assert!(width < COLUMNS || answer.len() <= MOST_LINES, "{width}: {answer:#?}");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
            if rows == Rows::Nothing {
                assert_eq!(text, answer.join("\n") + "\n");
            }
        }
        assert_eq!(words(&rest(&plain(Rows::All, width))), words(&wide), "{width}");
    }
}

#[test]
fn the_numbers_of_the_answer_are_those_of_the_runs() {
    let (scenarios, outcomes) = ran();
    let comparison = Comparison::new(&scenarios, &outcomes, &[]);
    let of = |design: &str| -> Vec<&Outcome> { outcomes.iter().filter(|o| o.design == design).collect() };
    let lost: BTreeSet<&str> = of("none")
        .into_iter()
        .filter(|outcome| Class::of(outcome) == Class::Loses)
        .map(|outcome| outcome.scenario.as_str())
        .collect();
    let saved = |design: &str| {
        let runs = of(design).into_iter().filter(|outcome| lost.contains(outcome.scenario.as_str()));
        let runs: Vec<&Outcome> = runs.collect();
        let holds = runs.iter().filter(|outcome| Class::of(outcome) == Class::Holds).count();
        let asked =
            |outcome: &&&Outcome| Class::of(outcome) != Class::Holds && outcome.check == CheckPlace::OnPath;
        let asked = runs.iter().filter(asked).count();
        (holds, runs.len(), asked, runs.len() - holds - asked)
    };
    let answer = lines(&comparison, 10_000);
    let holds = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Holds).count();
    let violate = outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Violates).count();
    let met = |outcome: &&Outcome| {
        outcome.verdict == Verdict::Holds && outcome.reached.iter().any(|branch| branch.name() == "stale")
    };
    let met = outcomes.iter().filter(met).count();
    assert!(
        answer[0].ends_with(&format!(
            "{} runs: {holds} hold ({met} met a stale mapping); {violate} violate; 0 undecided.",
            outcomes.len()
        )),
        "{answer:#?}"
    );
    let (core, hook) = (saved("iomap_valid"), saved("get_folio"));
    assert_eq!(
        answer[1],
        format!(
            "none (no check) loses or exposes data in {} of {}; of these iomap_valid saves {} of {} ({} never ask it, {} in vain), \
             get_folio {} of {} ({}, {}).",
            lost.len(),
            of("none").len(),
            core.0,
            core.1,
            core.3,
            core.2,
            hook.0,
            hook.1,
            hook.3,
            hook.2
        )
    );
    assert_eq!(
        answer[2],
        "Designs with a check differ in 3, broken: chinner in xfs/t8; iomap_valid in gfs2/jdata-crash, gfs2/t6."
    );
    let states: u64 = outcomes.iter().map(|outcome| outcome.statistics.states).sum();
    assert!(answer.last().expect("a line").contains(&format!("{states} states.")), "{answer:#?}");
}

/// A run that the file directs is no proof over all interleavings.
#[test]
fn what_is_directed_is_told_apart() {
    let folder = elsewhere();
    let said = text(&stalemap(folder.path(), &["compare", "--quiet", "xfs/real-control", "xfs/t1"]).stdout);
    let answer = words(&said).join(" ");
    let directed = stalemap(folder.path(), &["compare", "--quiet", "xfs/real-control"]);
    let directed = words(&text(&directed.stdout)).join(" ");
    let number =
        directed.split(" hold").next().and_then(|before| before.split(' ').next_back()).expect("a number");
    assert!(answer.contains(&format!(", {number} directed)")), "{answer}");
}

/// What a limit cut is neither saved nor lost.
#[test]
fn what_is_undecided_is_a_number_of_its_own() {
    let folder = elsewhere();
    let output = stalemap(folder.path(), &["compare", "--limit-states", "80", "--quiet", "xfs/t1"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stdout);
    let answer = words(&said).join(" ");
    for said in ["0 hold (0 met", "0 violate; 26 undecided.", "0 of 1, 1 undecided.", "7.3 0 and 1 undecided"]
    {
        assert!(answer.contains(said), "{said}: {answer}");
    }
    assert!(!answer.contains("differ") && !answer.contains("saves"), "{answer}");
}

/// Where a kernel or a design was not run, it is not counted, and not said to be like the others.
#[test]
fn what_was_not_run_is_not_counted() {
    let (scenarios, outcomes) = ran();
    let comparison = Comparison::new(&scenarios, &outcomes, &[]);
    for matrix in comparison.matrices() {
        let in_groups: usize = matrix.groups().iter().map(|group| group.rows.len()).sum();
        assert_eq!(in_groups, matrix.rows.len());
        for group in matrix.groups() {
            for row in &group.rows {
                assert_eq!(row.likeness() == Likeness::Alone, row.outcomes().count() == 1);
                let ran = group.classes.iter().filter(|class| class.is_some()).count();
                assert_eq!(ran, row.outcomes().count(), "{}", row.scenario.name);
            }
        }
    }
    let cells: usize =
        comparison.matrices().iter().flat_map(|matrix| &matrix.rows).map(|row| row.outcomes().count()).sum();
    assert_eq!(cells + comparison.own.len(), outcomes.len());
    let text = render(&comparison, Rows::Differing, 10_000);
    assert!(
        text.contains("iomap_valid, get_folio, chinner-cow hold; chinner loses data (1 scenario)"),
        "{text}"
    );
}

#[test]
fn every_form_has_every_verdict_once() {
    let (scenarios, outcomes) = ran();
    let comparison = Comparison::new(&scenarios, &outcomes, &[]);
    let table = csv::table(&comparison);
    assert_eq!(table.lines().count(), outcomes.len() + 1);
    let columns = table.lines().next().expect("a head").split(',').count();
    assert!(table.lines().all(|line| line.split(',').count() >= columns));
    let page = markdown::page(&comparison, Rows::Differing);
    let mut width = None;
    for line in page.lines() {
        let bars = line.replace("\\|", "").matches('|').count();
        let same = width.filter(|_| bars > 0);
        assert!(same.is_none_or(|width| width == bars), "{line}");
        width = (bars > 0).then_some(bars);
    }
    assert!(page.contains("| `xfs/t8` |"), "{page}");
    let document = json::comparison(&comparison);
    assert_eq!(document["schema"], "stalemap.compare/1");
    assert_eq!(document["answer"].as_array().map(Vec::len), Some(lines(&comparison, 10_000).len()));
    assert_eq!(document["tables"][0]["columns"][0], "none");
}

const QUIET: &str = "title = \"t\"\n[[actor]]\nname = \"a\"\nrun = [\"pwrite 0 4k\"]\n[reach]\nmust = []\n";

#[test]
fn what_is_not_as_expected_is_in_the_answer() {
    let folder = elsewhere();
    fs::write(folder.path().join("good.toml"), format!("{QUIET}[expect]\nnone = \"holds\"\n"))
        .expect("a file");
    fs::write(folder.path().join("bad.toml"), format!("{QUIET}[expect]\nnone = [\"lost-write\"]\n"))
        .expect("a file");
    fs::write(folder.path().join("new.toml"), QUIET).expect("a file");
    let quiet = |files: &[&str]| {
        let said =
            stalemap(folder.path(), &[&["compare", "--quiet", "--design", "none"][..], files].concat());
        (said.status.code(), words(&text(&said.stdout)).join(" "))
    };
    let (code, said) = quiet(&["good.toml"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("All is as the files expect."), "{said}");
    let (code, said) = quiet(&["good.toml", "bad.toml", "new.toml"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("NOT AS EXPECTED 1: bad.toml under none"), "{said}");
    assert!(said.contains("1 new, of which the files say nothing: new.toml under none"), "{said}");
    let full = text(&stalemap(folder.path(), &["compare", "good.toml", "bad.toml"]).stdout);
    assert!(full.contains("`lost-write` was expected and did not happen"), "{full}");
}

#[test]
fn the_document_of_a_comparison_is_that_of_check_with_an_answer() {
    let folder = elsewhere();
    let said = stalemap(folder.path(), &["compare", "--format", "json", "xfs/t8"]);
    assert_eq!(said.status.code(), Some(0));
    let document: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(document["schema"], "stalemap.check/1");
    assert!(document["results"].as_array().is_some_and(|results| results.len() > 4));
    assert_eq!(document["comparison"]["schema"], "stalemap.compare/1");
}
