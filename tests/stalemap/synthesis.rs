//! The smallest check that is enough: what the search saves changes nothing that it finds, cases that are known by hand, and
//! the page.

use std::fs;
use std::num::NonZero;

use serde_json::Value;
use stalemap::scenario::{Scenario, catalogue};
use stalemap::synthesis::answer::{Answer, answer};
use stalemap::synthesis::dimension::{self, Dimension, Kind, Shows};
use stalemap::synthesis::lattice::Lattice;
use stalemap::synthesis::question::{COMPARE, COOKIE, PLACES, Question};
use stalemap::synthesis::scope::{BASE, Wanted, scopes};
use stalemap::synthesis::search::{Asks, Saves, Study, study};
use stalemap::synthesis::table::locks::{CLONE_LOCK, FAULT_MAP, FILL_MAP, PUNCH_LOCK};
use stalemap::synthesis::table::{FAULT, READ, SEEK, UNSHARE, WRITE, WRITEBACK, ZERO};
use stalemap::synthesis::trial::{Standing, Subject};
use stalemap_explore::Limits;
use stalemap_facade::Property;
use stalemap_model::words::settings::Setting;

use crate::common::{elsewhere, page, shipped, stalemap, text, thorough};

/// The places that most scenarios know, few enough to explore every candidate.
const FEW_PLACES: Question = Question {
    key: "few-places",
    words: "some places",
    dimensions: &[&WRITE, &WRITEBACK, &SEEK, &ZERO],
    fixed: &[("unshare_check", Setting::Text("none"))],
    not_modelled: &[],
};

/// Some locks, beside comparisons.
const FEW_LOCKS: Question = Question {
    key: "few-locks",
    words: "some locks",
    dimensions: &[&WRITE, &PUNCH_LOCK, &FAULT_MAP, &FAULT, &FILL_MAP, &READ],
    fixed: &[],
    not_modelled: &[],
};

/// What is asked of clones and of unsharing.
const SHARING: Question = Question {
    key: "sharing",
    words: "what keeps shared blocks apart",
    dimensions: &[&CLONE_LOCK, &UNSHARE, &WRITE],
    fixed: &[],
    not_modelled: &[],
};

/// Nothing, where a scenario cannot run under the design.
fn subject<'s>(scenario: &'s Scenario, question: &'static Question) -> Option<Subject<'s>> {
    let base = scenario.implementation(BASE).filter(|base| scenario.refused_by(base).is_none())?;
    let lattice = Lattice::new(question, &base.fs);
    let limits = Limits { states: scenario.limits.states, ..Limits::default() };
    Some(Subject { scenario, base, lattice, limits, stop: None })
}

/// What each scenario asks for is the same with and without what saves explorations, and so is everything that was
/// decided on the way.
fn differs_nowhere(question: &'static Question, scenarios: &[String]) -> Vec<Study> {
    let compared = scenarios.iter().map(|name| {
        let scenario = shipped(name);
        let subject = subject(&scenario, question)?;
        let every = study(&subject, Saves::Nothing).expect("explorations");
        let lost = matches!(every.asks, Asks::LostAnyway(_));
        assert_eq!(every.counts.explored, subject.lattice.size(), "{name}");
        for saves in [Saves::WhatIsExact, Saves::Everything] {
            let found = study(&subject, saves).expect("explorations");
            assert_eq!(found.asks, every.asks, "{name} with {saves:?}");
            for (candidate, fact) in &found.decided {
                let standing = every.decided[candidate].standing;
                let same = fact.standing.breaks() == standing.breaks();
                assert!(same, "{name}: {} is {fact:?}, not {standing:?}", subject.lattice.name(candidate));
            }
            let counts = found.counts;
            let ways = counts.explored + counts.replayed + counts.same_runs + counts.follows;
            assert_eq!((ways, ways), (counts.tried, found.decided.len() as u64), "{name}");
            assert!(lost || counts.explored < every.counts.explored, "{name}: nothing was saved");
        }
        Some(every)
    });
    compared.flatten().collect()
}

/// Scenarios that need something of the places, and some that do not; where much is asked of the tests, all of the catalogue.
fn of_places() -> Vec<String> {
    const USUAL: [&str; 15] = [
        "xfs/t1",
        "xfs/t8",
        "xfs/t10",
        "xfs/a16",
        "xfs/t9b-truncate",
        "xfs/seek-hole",
        "xfs/real-unwritten",
        "xfs/zero-stale-falloc",
        "xfs/writeback-punch",
        "xfs/control",
        "xfs/b4",
        "gfs2/t9-short",
        "zoned/t1",
        "zonefs/mmap",
        "ext4/seek",
    ];
    let all = || catalogue::all().iter().map(|(name, _)| name.clone()).collect();
    if thorough(100) >= 1900 { all() } else { USUAL.map(str::to_owned).to_vec() }
}

#[test]
fn places_are_the_same_if_every_candidate_is_explored() {
    let studies = differs_nowhere(&FEW_PLACES, &of_places());
    let asking = studies.iter().filter(|study| matches!(study.asks, Asks::OneOf(_)));
    assert!(asking.count() >= 10, "scenarios that ask for nothing test nothing");
}

#[test]
fn locks_are_the_same_if_every_candidate_is_explored() {
    let of = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let mut studies = differs_nowhere(&FEW_LOCKS, &of(&["xfs/t1", "xfs/d4", "xfs/t7-d2", "xfs/t3"]));
    studies.extend(differs_nowhere(
        &SHARING,
        &of(&["xfs/clone-fault", "xfs/unshare-stale", "xfs/clone-append"]),
    ));
    let asking = studies.iter().filter(|study| matches!(study.asks, Asks::OneOf(_)));
    assert!(asking.count() >= 3, "scenarios that ask for nothing test nothing");
}

#[test]
fn cookies_and_what_is_compared_are_the_same_if_every_candidate_is_explored() {
    let of = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let cookies =
        of(&["xfs/t1", "xfs/cookie-folio", "xfs/cookie-writeback", "xfs/t9b-truncate", "gfs2/cookie-new"]);
    let compared = of(&["xfs/t1", "xfs/falloc-extents", "xfs/cow-recheck", "zoned/relocate-reuse"]);
    for (question, scenarios) in [(&COOKIE, cookies), (&COMPARE, compared)] {
        let studies = differs_nowhere(question, &scenarios);
        let asking = studies.iter().filter(|study| matches!(study.asks, Asks::OneOf(_)));
        assert!(asking.count() >= 3, "scenarios that ask for nothing test nothing");
    }
}

/// A check makes a write give its mapping back, which punches; without the lock for that it does harm.
#[test]
fn a_check_that_breaks_what_held_without_it_is_found_and_nothing_is_concluded_there() {
    let scenario = shipped("xfs/a5");
    let subject = subject(&scenario, &FEW_LOCKS).expect("a scenario that runs");
    let every = study(&subject, Saves::Nothing).expect("explorations");
    let found = study(&subject, Saves::Everything).expect("explorations");
    assert!(!found.not_monotone.is_empty());
    for (weaker, stronger) in &found.not_monotone {
        assert!(subject.lattice.is_at_most(weaker, stronger));
        assert!(!every.decided[weaker].standing.breaks() && every.decided[stronger].standing.breaks());
    }
    assert_eq!((found.asks, found.is_exact, found.counts.follows), (every.asks, true, 0));
}

/// The strongest candidate breaks a scenario that holds without any: no set is enough beside one that needs a check.
#[test]
fn what_every_check_harms_has_no_set_in_common_with_what_needs_one() {
    let arguments =
        ["synthesize", "--kernel", "linux-6.1", "xfs/t1", "xfs/a5", "--quiet", "--format", "json"];
    let output = stalemap(elsewhere().path(), &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let document: Value = serde_json::from_str(&text(&output.stdout)).expect("JSON");
    let answer = &document["file_systems"][0];
    assert_eq!(answer["sets"], Value::Array(Vec::new()));
    assert_eq!(answer["conflict"], serde_json::json!(["xfs/t1", "xfs/a5"]));
}

/// A candidate that hangs is not enough, though it loses nothing.
#[test]
fn a_deadlock_counts() {
    const PUNCHING: Dimension = Dimension {
        key: "punching",
        words: "who punches takes invalidate_lock",
        kind: Kind::Lock,
        shows: Shows::Nothing,
        values: &[
            dimension::Value {
                name: "under-folio-lock",
                words: "with the folio locked",
                weaker: &[],
                sets: &[("punch_lock", Setting::Text("under-folio-lock"))],
            },
            dimension::Value {
                name: "before-it",
                words: "with no folio locked",
                weaker: &[0],
                sets: &[("punch_lock", Setting::Text("invalidate-lock"))],
            },
        ],
        on: |_| true,
    };
    const QUESTION: Question = Question {
        key: "punching",
        words: "when a lock is taken",
        dimensions: &[&PUNCHING],
        fixed: &[],
        not_modelled: &[],
    };
    let scenario = shipped("xfs/a5");
    let subject = subject(&scenario, &QUESTION).expect("a scenario that runs");
    let found = study(&subject, Saves::Everything).expect("explorations");
    let (bottom, top) = (subject.lattice.bottom(), subject.lattice.top());
    assert_eq!(found.decided[&bottom].standing, Standing::Breaks(Property::DEADLOCK));
    assert_eq!(found.asks, Asks::OneOf(vec![top]));
}

fn answered<'s>(scenarios: &'s [Scenario], question: &'static Question) -> Vec<Answer<'s>> {
    let scopes = scopes(scenarios, question, BASE, |_| Wanted::ByName, |_| Limits::default());
    let threads = NonZero::new(2).expect("two");
    let answers = scopes.into_iter().map(|scope| answer(scope, Saves::Everything, threads, &|_| ()));
    answers.map(|answer| answer.expect("explorations")).collect()
}

/// The names of the sets of places that are enough for some scenarios of one file system.
fn enough(names: &[&str]) -> Vec<String> {
    enough_of(names, &PLACES)
}

fn enough_of(names: &[&str], question: &'static Question) -> Vec<String> {
    let scenarios: Vec<Scenario> = names.iter().map(|name| shipped(name)).collect();
    let [answer] = &answered(&scenarios, question)[..] else { panic!("one file system") };
    let lattice = answer.lattice().expect("a lattice");
    answer.sets.iter().map(|set| lattice.name(&set.candidate)).collect()
}

#[test]
fn what_is_known_by_hand_is_found() {
    assert_eq!(enough(&["xfs/t1"]), ["write=after-lock"]);
    assert_eq!(enough(&["xfs/control", "zonefs/control"][..1]), ["none"]);
    assert_eq!(enough(&["xfs/t8"]), ["writeback=range-data-cow"]);
    assert_eq!(enough(&["xfs/seek-hole"]), ["seek=after-probe"]);
    assert_eq!(enough(&["xfs/t1", "xfs/t8"]), ["write=after-lock,writeback=range-data-cow"]);
    let counters = ["writeback=range-data", "writeback=range-data-cow"];
    assert_eq!(enough(&["gfs2/t9-short", "gfs2/t9a"]), counters);
    assert_eq!(enough(&["zonefs/control", "zonefs/mmap"]), ["none"]);
    assert_eq!(enough_of(&["gfs2/cookie-new"], &COOKIE), ["write=data-counter,new=present"]);
    // What only both together are enough for.
    assert_eq!(enough(&["xfs/t8", "xfs/t9b-truncate"]), ["writeback=cookie-cow"]);
}

#[test]
fn what_is_left_out_of_a_set_is_shown_to_break_and_by_how_much() {
    let scenarios = [shipped("xfs/t1"), shipped("xfs/t8")];
    let [answer] = &answered(&scenarios, &PLACES)[..] else { panic!("one file system") };
    let [set] = &answer.sets[..] else { panic!("one set") };
    assert!(set.not_confirmed.is_empty());
    let lattice = answer.lattice().expect("a lattice");
    let of = |place: usize, value: usize| {
        let dimension = lattice.dimensions[place];
        format!("{} {}", dimension.key, dimension.values[value].name)
    };
    let needs: Vec<_> = set
        .needs
        .iter()
        .map(|need| {
            let loss = need.shown.as_ref().expect("a counterexample");
            let size = loss.size.expect("the least");
            (of(need.dimension, need.instead), need.breaks.clone(), loss.property.name(), size)
        })
        .collect();
    let names: Vec<&str> = needs.iter().map(|(name, ..)| name.as_str()).collect();
    let write = ["write none", "write before-lock", "write once", "write after-prepare"];
    assert_eq!(names[..4], write);
    assert_eq!(names[4..], ["writeback range"]);
    for (name, breaks, property, (operations, preemptions)) in &needs {
        let t1_or_t8 = usize::from(name.starts_with("writeback"));
        assert_eq!((breaks, *property, *preemptions), (&vec![t1_or_t8], "lost-write", 1), "{name}");
        assert!(*operations > 10, "{name}");
    }
}

fn said(arguments: &[&str]) -> String {
    let output = stalemap(elsewhere().path(), arguments);
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    // 3: scenarios that break with nothing and with everything are not looked through.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}");
    text(&output.stdout)
}

#[test]
fn the_page_has_the_sections_that_the_program_prints() {
    let places = said(&["synthesize", "--quiet", "--format", "markdown"]);
    let cookie =
        said(&["synthesize", "--quiet", "--format", "markdown", "--over", "cookie", "--personality", "xfs"]);
    let sections = format!("{places}\n{cookie}");
    let page = page("docs/synthesis.md");
    let begins = page.find("## xfs\n").expect("the first section");
    assert_eq!(page[begins..], sections, "make the sections of docs/synthesis.md anew");
    assert_eq!(quoted_in_answers(), sets_of(&places), "docs/answers.md quotes the sets");
}

/// The sets of each section: `gfs2: writeback range-data, or writeback range-data-cow`.
fn sets_of(sections: &str) -> Vec<String> {
    let of = |section: &str| {
        let set = |line: &str| Some(line.strip_prefix("**")?.split("**").next()?.to_owned());
        let sets: Vec<String> = section.lines().filter_map(set).collect();
        format!("{}: {}", section.lines().next().unwrap_or_default(), sets.join(", or "))
    };
    sections.split("## ").skip(1).map(of).collect()
}

fn quoted_in_answers() -> Vec<String> {
    let answers = page("docs/answers.md");
    let quoted = answers.split("```\nstalemap synthesize\n").nth(1).and_then(|rest| rest.split("```").next());
    quoted.expect("the sets").lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_text_fits_a_terminal_and_begins_with_the_sets() {
    let shown = said(&["synthesize", "--quiet", "--personality", "ext4-iomap", "--personality", "gfs2"]);
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    insta::assert_snapshot!(shown);
    let under_kernel = said(&["synthesize", "--quiet", "zonefs", "xfs/t8", "--kernel", "linux-6.12"]);
    assert!(under_kernel.lines().all(|line| line.chars().count() <= 80), "{under_kernel}");
    assert!(under_kernel.contains("batches of one folio"), "{under_kernel}");
}

#[test]
fn the_document_has_the_fields_of_each_set() {
    let arguments = ["synthesize", "xfs/t1", "--quiet", "--format", "json"];
    let document: Value = serde_json::from_str(&said(&arguments)).expect("JSON");
    assert_eq!((&document["schema"], &document["over"]), (&"stalemap.synthesis/1".into(), &"places".into()));
    let set = &document["file_systems"][0]["sets"][0];
    assert_eq!(set["values"]["write"], "after-lock");
    assert_eq!(set["fields"]["check"], "\"after-lock\"");
    assert_eq!(set["fields"]["writeback_check"], "\"range\"");
    let looked_at = &document["file_systems"][0]["looked_at"];
    assert_eq!((&looked_at["write"], &looked_at["dio-read"]), (&1.into(), &0.into()));
    let study = &document["file_systems"][0]["scenarios"][0];
    assert_eq!((&study["asks"], &study["all_known"]), (&"one-of".into(), &true.into()));
}

/// A kernel brings its file system. Of it only writeback's batches are left out, which are larger than the files of scenarios.
#[test]
fn what_is_not_varied_is_as_in_the_kernel() {
    let of = |scenario: &str, kernel: &str| {
        let shown = said(&["check", "--weakest", "--quiet", scenario, "--kernel", kernel]);
        shown.lines().next().map(str::to_owned).expect("a line")
    };
    assert_eq!(of("xfs/t8", "linux-6.12"), "xfs/t8: writeback range-data-cow");
    assert_eq!(of("zoned/t1", "linux-7.3"), "zoned/t1: write after-prepare");
    let refused = stalemap(elsewhere().path(), &["check", "--weakest", "zoned/t1", "--kernel", "linux-6.12"]);
    assert_eq!(refused.status.code(), Some(2));
}

/// The fields of a set make a design, which holds; with less of it, it does not.
#[test]
fn a_set_can_be_written_as_a_design() {
    for name in ["xfs/t8", "gfs2/t9-short"] {
        let document = said(&["synthesize", name, "--quiet", "--format", "json"]);
        let document: Value = serde_json::from_str(&document).expect("JSON");
        let fields = document["file_systems"][0]["sets"][0]["fields"].as_object().expect("fields");
        let lines: Vec<String> = fields
            .iter()
            .map(|(field, value)| format!("{field} = {}\n", value.as_str().expect("a value")))
            .collect();
        let folder = elsewhere();
        let design = format!("[design.small]\nbased_on = \"iomap_valid\"\n{}", lines.concat());
        let less = "\n[design.less]\nbased_on = \"small\"\nwriteback_check = \"range\"\n";
        let file = format!("{}\n{design}{less}", shipped(name).source);
        fs::write(folder.path().join("small.toml"), file).expect("a file");
        for (design, verdict) in [("small", "holds"), ("less", "violates")] {
            let output = stalemap(folder.path(), &["check", "small.toml", "--design", design]);
            let line = text(&output.stdout);
            assert!(line.contains(&format!("{design}  {verdict}")), "{name}: {line}{}", text(&output.stderr));
        }
    }
}

#[test]
fn the_weakest_checks_of_scenarios_are_a_line_each() {
    let shown =
        said(&["check", "--weakest", "--quiet", "xfs/t1", "xfs/t8", "gfs2/t9a", "zonefs/control", "xfs/b4"]);
    for line in [
        "xfs/t1: write after-lock",
        "xfs/t8: writeback range-data-cow",
        "gfs2/t9a: writeback range-data, or writeback range-data-cow",
        "zonefs/control: nothing",
    ] {
        assert!(shown.lines().any(|other| other == line), "{shown}");
    }
    assert!(shown.contains("xfs/b4: undecided: breaks with no check"), "{shown}");
    insta::assert_snapshot!(said(&["check", "--weakest", "--quiet", "xfs/t1"]));
}

#[test]
fn a_limit_leaves_undecided_what_it_cuts() {
    for arguments in [&["synthesize", "xfs/t1", "--quiet"][..], &["check", "--weakest", "--quiet", "xfs/t1"]]
    {
        let output = stalemap(elsewhere().path(), &[arguments, &["--limit-states", "20"]].concat());
        assert_eq!(output.status.code(), Some(3));
        let shown = text(&output.stdout);
        assert!(shown.contains("a limit was reached") && shown.contains("states"), "{shown}");
        assert!(!shown.contains("hold"), "{shown}");
    }
}

#[test]
fn a_file_system_that_a_file_changes_is_asked_about_if_the_file_is_named() {
    let folder = said(&["synthesize", "--quiet", "gfs2", "--format", "json"]);
    let folder: Value = serde_json::from_str(&folder).expect("JSON");
    let others = folder["file_systems"][0]["other_file_systems"].as_array().expect("names");
    assert!(others.contains(&"gfs2/stuffed-fault-no-glock".into()));
    let named = said(&["synthesize", "--quiet", "gfs2/stuffed-fault-no-glock", "--format", "json"]);
    let named: Value = serde_json::from_str(&named).expect("JSON");
    let sets = named["file_systems"][0]["sets"].as_array().expect("sets");
    let writes: Vec<&Value> = sets.iter().map(|set| &set["values"]["write"]).collect();
    assert_eq!(writes, ["once", "after-prepare"]);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    for (arguments, part) in [
        (&["synthesize", "--kernel", "linux-5.10"][..], "known kernels: `linux-6.1`, "),
        (&["synthesize", "--personality", "btrfs"], "there are xfs, xfs-zoned, gfs2, "),
        (&["synthesize", "xfs/t1", "--personality", "gfs2"], "there is no scenario on gfs2"),
        (&["synthesize", "xfs/t1", "--over", "locks", "--every-candidate"], "too many to explore every one"),
        (&["check", "--weakest", "xfs/t1", "--format", "junit"], "choose one of these with `--format`"),
        (&["check", "--weakest", "xfs/t1", "--design", "all"], "name one, or none"),
        (&["check", "--weakest", "xfs/t1", "--memory", "lkmm"], "leave out `--memory`"),
        (&["check", "--weakest", "xfs/t1", "--limit-preemptions", "1"], "leave out `--limit-preemptions`"),
        (&["check", "--weakest", "xfs/t1", "--engine", "loom"], "leave out `--engine`"),
        (&["check", "--weakest", "xfs/t1", "--design", "nonesuch"], "there is no design `nonesuch`"),
        (&["check", "--weakest", "xfs/t1", "--save", "runs"], "cannot be used with"),
    ] {
        let output = stalemap(elsewhere().path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
    }
}

/// What breaks with nothing, with each value alone and with everything may hold with something in between: that is undecided, and said so.
#[test]
fn what_is_undecided_in_between_ends_as_incomplete() {
    let exit = |scenario: &str| {
        stalemap(elsewhere().path(), &["check", "--weakest", "--quiet", scenario]).status.code()
    };
    assert_eq!((exit("xfs/b4"), exit("xfs/t1")), (Some(3), Some(0)));
}
