//! The claims of the thread: what is computed of them is pinned, and the page says it.

use std::sync::LazyLock;

use serde_json::Value;
use stalemap::claims::decide::{Decision, Ruling, Says};
use stalemap::claims::file;
use stalemap::claims::plan::Plan;
use stalemap::report::claims as report;
use stalemap::run::{GivenLimits, Outcome, run_all};

use crate::common::{checked, elsewhere, page, stalemap, text};

fn said(arguments: &[&str]) -> String {
    let output = stalemap(elsewhere().path(), &[&["claims", "--quiet"], arguments].concat());
    assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)), "{arguments:?}");
    text(&output.stdout)
}

/// What is printed of all claims, explored once for all tests.
struct Printed {
    page: String,
    document: Value,
    /// Each in full.
    each: Vec<String>,
}

static PRINTED: LazyLock<Printed> = LazyLock::new(|| {
    let claims = file::all().expect("claims");
    let plan = Plan::of(&claims.iter().collect::<Vec<_>>()).expect("a plan");
    let outcomes = explored(&plan);
    let decisions: Vec<Decision<'_>> = claims.iter().map(|claim| Decision::of(claim, &outcomes)).collect();
    let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
    Printed {
        page: report::page(&decisions, &plan),
        document: serde_json::from_str(&report::json(&decisions, &plan)).expect("JSON"),
        each: decisions.iter().map(|decision| plain(report::one(decision, &plan, 80))).collect(),
    }
});

fn explored(plan: &Plan) -> Vec<Outcome> {
    let ran = run_all(&plan.jobs(), GivenLimits::default(), 2, &|_| ());
    ran.into_iter().map(|outcome| outcome.expect("a run")).collect()
}

/// The verdict on a claim that a test makes up, and what its first run says.
fn decided(under: &str, rules: &str) -> (Ruling, Says) {
    let claim = format!(
        "number = 99\ntitle = \"t\"\nauthor = \"A B\"\ndate = \"d\"\nmail = \"m\"\nsense = \"s\"\nasked = \"a\"\n\
         [[run]]\nabout = \"r\"\nscenarios = [\"xfs/t1\"]\nunder = [\"{under}\"]\n{rules}\n"
    );
    let claim = file::read("99-made-up.toml", &claim).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::of(&[&claim]).expect("a plan");
    let outcomes = explored(&plan);
    let decision = Decision::of(&claim, &outcomes);
    (decision.ruling, decision.pieces[0].says.clone())
}

#[test]
fn the_verdicts_are_pinned() {
    let list = said(&[]);
    assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
    insta::assert_snapshot!(list);
}

#[test]
fn the_page_is_made_from_the_runs() {
    assert_eq!(page("docs/claims.md"), PRINTED.page, "make it anew: stalemap claims --format markdown");
}

#[test]
fn every_claim_is_there_and_most_are_decided_by_runs() {
    let document = &PRINTED.document;
    assert_eq!(document["schema"], "stalemap.claims/1");
    let claims = document["claims"].as_array().expect("claims");
    let numbers: Vec<u64> = claims.iter().filter_map(|claim| claim["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=41).collect::<Vec<u64>>());
    let decided = claims.iter().filter(|claim| claim["verdict"] != "undecided here");
    assert!(decided.count() >= 30);
}

#[test]
fn a_claim_that_is_wrong_is_found_so() {
    let both = "supports = \"holds\"\nrefutes = \"violates lost-write\"";
    assert_eq!(decided("iomap_valid", both), (Ruling::True, Says::Supports));
    assert_eq!(decided("none", both), (Ruling::False, Says::Refutes));
    let limited = "supports = \"holds\"\nlimits = \"violates lost-write\"\ncondition = \"c\"";
    assert_eq!(decided("none", limited), (Ruling::Undecided, Says::Limits), "nothing speaks for it");
    let same = "supports = \"same as iomap_valid\"\nrefutes = \"differs from iomap_valid\"";
    assert_eq!(decided("get_folio", same), (Ruling::True, Says::Supports));
    assert_eq!(decided("none", same), (Ruling::False, Says::Refutes));
    let ends = "supports = \"never ends with 57 00\"\nrefutes = \"may end with 57 00\"";
    assert_eq!(decided("iomap_valid", ends), (Ruling::True, Says::Supports));
    assert_eq!(decided("none", ends), (Ruling::False, Says::Refutes));
}

#[test]
fn what_no_rule_foresees_decides_nothing() {
    let (ruling, says) = decided("none", "supports = \"holds\"\nrefutes = \"violates stale-read\"");
    assert_eq!(ruling, Ruling::Undecided);
    assert_eq!(says.why(), Some("it violates, which no rule of the claim foresees"));
    let (ruling, says) = decided("none", "supports = \"violates\"\nrefutes = \"reaches evict\"");
    assert_eq!(ruling, Ruling::Undecided);
    assert_eq!(says.why(), Some("more than one rule of the claim fits what came out"));
}

#[test]
fn a_limit_decides_nothing() {
    let arguments = ["claims", "18", "--quiet", "--limit-states", "20"];
    let output = stalemap(elsewhere().path(), &arguments);
    assert_eq!(output.status.code(), Some(3));
    let text = text(&output.stdout);
    assert!(text.contains("Verdict: undecided here"), "{text}");
    assert!(text.contains("gfs2/t2 under none: a limit was reached (states)"), "{text}");
}

#[test]
fn a_claim_is_shown_with_its_evidence() {
    let shown = said(&["18"]);
    assert_eq!(shown, PRINTED.each[17]);
    insta::assert_snapshot!(shown);
    for one in &PRINTED.each {
        assert!(one.lines().all(|line| line.chars().count() <= 80), "{one}");
    }
}

#[test]
fn an_author_stands_for_all_that_he_claimed() {
    let list = said(&["foster", "20"]);
    assert!(list.starts_with("2 claims: "), "{list}");
    assert!(list.contains("\n20  ") && list.contains("\n41  "), "{list}");
}

/// What is observed of runs that are compared changes no count.
#[test]
fn the_counts_are_those_of_check() {
    let evidence = PRINTED.document["claims"][5]["evidence"].as_array().expect("evidence");
    for piece in evidence.iter().filter(|piece| piece["scenario"] != "xfs/t2").take(5) {
        let name = |key: &str| piece[key].as_str().expect("a name");
        let outcome = checked(name("scenario"), name("design"));
        assert_eq!(piece["states"], outcome.statistics.states, "{piece}");
    }
}

#[test]
fn what_is_not_there_is_refused() {
    for (arguments, part) in [
        (
            &["claims", "42"][..],
            "there is no claim `42`; name a number from 1 to 41, or an author: Gruenbacher,",
        ),
        (&["claims", "Torvalds"], "there is no claim `Torvalds`"),
        (&["claims", ""], "there is no claim ``"),
        (&["claims", "6", "--format", "markdown"], "the page is of all claims"),
    ] {
        let output = stalemap(elsewhere().path(), arguments);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{}", text(&output.stderr));
    }
}

/// The claim that docs/extending.md shows is one, and false.
#[test]
fn the_claim_of_the_page_is_one() {
    let page = page("docs/extending.md");
    let block = page.split("```").find(|block| block.starts_with("text\nnumber = 42"));
    let text = block.and_then(|block| block.strip_prefix("text\n")).expect("a claim");
    let claim = file::read("42-example.toml", text).unwrap_or_else(|error| panic!("{error}"));
    let plan = Plan::of(&[&claim]).expect("a plan");
    let outcomes = explored(&plan);
    let decision = Decision::of(&claim, &outcomes);
    assert_eq!(
        (decision.ruling, decision.conditions()),
        (Ruling::False, vec!["As long as nothing changes."])
    );
}
