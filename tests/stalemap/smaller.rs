//! Scenarios with something left out: actors that take no part in a counterexample, and scenarios made as small as they can be.

use std::fs;

use serde_json::Value;
use stalemap::annotate::idle::Seen;
use stalemap::engine::Engine;
use stalemap::idle;
use stalemap::minimise::{Minimal, minimise};
use stalemap::run::{GivenLimits, Job, Outcome, run_all};
use stalemap::scenario::draft::Draft;
use stalemap::scenario::{Scenario, read};
use stalemap::verdict::Verdict;
use stalemap_explore::Limits;

use crate::common::{all_shipped, elsewhere, good, in_repository, page, shipped, stalemap, text};

/// What a scenario comes to under a name; `None` if it cannot run there.
fn outcome(scenario: &Scenario, under: &str) -> Option<Outcome> {
    let implementation = scenario.implementation(under).filter(|it| scenario.refused_by(it).is_none())?;
    let job = Job { scenario, implementation, engine: Engine::Exhaustive };
    run_all(&[job], GivenLimits::default(), 1, &|_| ()).remove(0).ok()
}

fn minimised(scenario: &Scenario, under: &str) -> Minimal {
    let implementation = scenario.implementation(under).expect("a design");
    let job = Job { scenario, implementation, engine: Engine::Exhaustive };
    let outcome = outcome(scenario, under).expect("a run");
    let minimal = minimise(&job, &outcome, &Limits::default(), "small").expect("a sound model");
    minimal.expect("it violates something")
}

/// What is left violates the property, as its file expects; and without any of its parts all is explored and it does not.
fn is_minimal(minimal: &Minimal) {
    let (property, under) = (minimal.property, &minimal.outcome.design);
    let small = good("small", &minimal.source);
    let whole = outcome(&small, under).expect("a run");
    assert!(whole.violated.contains(&property), "{}", minimal.source);
    assert_eq!(whole.judgement.as_expected, Some(true), "{:?}: {}", whole.judgement.reasons, minimal.source);
    let draft = Draft::new(&minimal.source, small.block).expect("a text");
    let (mut needed, mut no_scenario) = (0, 0);
    for part in draft.parts() {
        let smaller = read("smaller", draft.without(&part).to_string().as_bytes()).ok();
        match smaller.and_then(|smaller| outcome(&smaller, under)) {
            None => no_scenario += 1,
            Some(outcome) => {
                assert!(outcome.limits_hit.is_empty());
                let violated = outcome.violated.contains(&property);
                assert!(!violated, "without {} it does: {}", draft.words(&part), minimal.source);
                needed += 1;
            }
        }
    }
    let tried = &minimal.certificate;
    assert_eq!(
        (tried.needed, tried.no_scenario, tried.undecided),
        (needed, no_scenario, 0),
        "{}",
        minimal.source
    );
}

const IDLE: &str = "\
# A race of three, and one who looks on.
title = \"A write zeroes what writeback and reclaim moved to disk\"
[setup]
run = [\"falloc 0 8k\", \"pwrite -S 0x58 6k 2k\"]
[[actor]]
name = \"writer\"
run = [\"pwrite -S 0x57 -b 6k 0 6k\"]
# He looks on.
[[actor]]
name = \"looker\"
run = [\"pread 0 4k\"]
[[actor]]
name = \"flusher\"
run = [\"sync_range -w 4k 4k\"]
[[actor]]
name = \"kswapd\"
run = [\"@reclaim 4k 4k\"]
[observe]
calls = [\"looker\"]
[expect]
none = [\"lost-write\"]
iomap_valid = \"holds\"
";

#[test]
fn an_actor_without_which_the_same_is_lost_takes_no_part() {
    let scenario = good("idle", IDLE);
    let with = outcome(&scenario, "none").expect("a run");
    let idle =
        idle::of_outcome(&scenario, &with, u64::MAX, None).expect("a sound model").expect("one is idle");
    assert_eq!(idle.actors, ["looker"]);
    let without = outcome(&shipped("xfs/t1"), "none").expect("a run").statistics.states;
    let seen = Seen::Explored { without, with: with.statistics.states };
    assert_eq!(idle.seen, seen, "what is left is the scenario t1");
    let steps = with.counterexample.expect("a counterexample").schedule.steps;
    let played = idle::of_schedule(&scenario, "none", idle.property, &steps).expect("a sound model");
    assert_eq!(played.expect("one is idle").seen, Seen::Played);
}

#[test]
fn an_actor_that_is_needed_without_a_step_takes_part() {
    for (name, under, still) in [("gfs2/crash-hole", "iomap_valid", "power"), ("xfs/t1", "none", "")] {
        let scenario = shipped(name);
        let outcome = outcome(&scenario, under).expect("a run");
        assert_eq!(outcome.verdict, Verdict::Violates);
        let idle = idle::of_outcome(&scenario, &outcome, u64::MAX, None).expect("a sound model");
        let shown = outcome.counterexample.expect("a counterexample");
        let moves = |name: &str| shown.schedule.steps.iter().any(|step| step.actor == name);
        let without_a_step: Vec<&str> =
            scenario.actors.iter().map(|actor| actor.name.as_str()).filter(|name| !moves(name)).collect();
        assert_eq!(without_a_step.concat(), still, "{name}");
        assert_eq!(idle, None, "{name}");
    }
}

#[test]
fn who_takes_no_part_is_told_in_text_json_and_on_pages() {
    let folder = elsewhere();
    fs::write(folder.path().join("idle.toml"), IDLE).expect("a file");
    let said = |arguments: &[&str]| text(&stalemap(folder.path(), arguments).stdout);
    let sentence = "looker takes no part: without it lost-write is violated, too, in 216";
    let drawn = said(&["check", "idle.toml", "--save", "."]);
    assert!(drawn.contains(sentence), "{drawn}");
    let json: Value = serde_json::from_str(&said(&["check", "idle.toml", "--format", "json"])).expect("JSON");
    assert_eq!(json["results"][0]["idle"]["actors"][0], "looker");
    assert_eq!(json["results"][0]["idle"]["states_without"], 216);
    assert!(json["results"][1]["idle"].is_null());
    said(&["compare", "idle.toml", "--html", "table.html"]);
    let table = fs::read_to_string(folder.path().join("table.html")).expect("a page");
    assert!(table.contains(sentence));
    let sentence = "looker takes no part: the same steps violate lost-write without it.";
    let schedule = "idle-none.schedule";
    assert!(said(&["replay", schedule]).contains(sentence));
    let json: Value = serde_json::from_str(&said(&["replay", schedule, "--format", "json"])).expect("JSON");
    assert_eq!(json["idle"]["actors"][0], "looker");
    let of_all = good("idle", IDLE).actors.iter().map(|actor| actor.name.clone()).collect::<Vec<_>>();
    for format in ["xfstests", "c"] {
        let exported = said(&["replay", schedule, "--format", format]);
        let named: Vec<&String> = of_all.iter().filter(|name| exported.contains(name.as_str())).collect();
        assert_eq!(named, ["writer", "flusher", "kswapd"], "{format}: {exported}");
    }
    said(&["replay", schedule, "--html", "page.html"]);
    assert!(fs::read_to_string(folder.path().join("page.html")).expect("a page").contains(sentence));
}

#[test]
fn what_is_left_is_violated_and_needs_each_of_its_parts() {
    let minimal = minimised(&good("idle", IDLE), "none");
    is_minimal(&minimal);
    assert_eq!(minimal.left_out[0], "the actor looker");
    for gone in ["looker", "He looks on", "iomap_valid", "[observe]"] {
        assert!(IDLE.contains(gone) && !minimal.source.contains(gone), "{gone}: {}", minimal.source);
    }
    assert!(minimal.source.contains("# A race of three"), "{}", minimal.source);
    assert!(minimal.after.states < minimal.before.states);
    assert_eq!((minimal.before.actors, minimal.after.actors), (4, 3));
}

/// Scenarios of the catalogue of all kinds, under the first name that violates something.
#[test]
fn scenarios_of_the_catalogue_are_minimal_when_they_are_made_smaller() {
    const EVERY: usize = 9;
    const MOST_STATES: u64 = 1500;
    let mut made = 0;
    for scenario in all_shipped().iter().step_by(EVERY) {
        let violating = scenario.expected().into_iter().find_map(|name| {
            let outcome = outcome(scenario, &name)?;
            let small = outcome.statistics.states <= MOST_STATES && outcome.limits_hit.is_empty();
            (outcome.verdict == Verdict::Violates && small).then_some(name)
        });
        let Some(name) = violating else { continue };
        is_minimal(&minimised(scenario, &name));
        made += 1;
    }
    assert!(made >= 10, "{made}");
}

#[test]
fn a_scenario_is_made_smaller_under_one_name_and_into_a_file_of_its_own() {
    let folder = elsewhere();
    fs::write(folder.path().join("idle.toml"), IDLE).expect("a file");
    let run = |arguments: &[&str]| {
        let output = stalemap(folder.path(), arguments);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let minimise = ["check", "idle.toml", "--minimise-scenario", "small.toml"];
    let (code, said, _) = run(&minimise);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("idle.toml under none: lost-write is violated. It had 4 actors"), "{said}");
    assert!(said.contains("saved small.toml"), "{said}");
    assert!(said.contains("\nThe drawing counts kworker, too, which is no actor of the file.\n"), "{said}");
    let small = fs::read_to_string(folder.path().join("small.toml")).expect("a file");
    assert!(small.contains("# The title and the comments are those of the larger scenario.\n"), "{small}");
    let (code, said, _) = run(&["check", "small.toml"]);
    assert!(code == Some(0) && said.starts_with("ok "), "{said}");
    let (code, _, errors) = run(&minimise);
    assert_eq!(
        (code, errors.as_str()),
        (Some(2), "error: small.toml is there already; name a file that is not, or remove it\n")
    );
    let (code, said, _) =
        run(&["check", "idle.toml", "--design", "iomap_valid", "--minimise-scenario", "other.toml"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(1), "ok   idle.toml  iomap_valid  holds, 899 states\nnothing to make smaller was found\n")
    );
    for (arguments, says) in [
        (&["xfs/t1", "--design", "none", "--design", "once"][..], "one design or kernel is needed"),
        (&[][..], "name one scenario"),
        (&["xfs/t1", "xfs/t2"][..], "one of several scenarios; name one"),
        (&["xfs/t1", "--format", "sarif"][..], "`--format text` or `json`"),
        (&["xfs/t1", "--engine", "shuttle"][..], "only the exhaustive engine"),
    ] {
        let all: Vec<&str> =
            ["check", "--minimise-scenario", "other.toml"].iter().chain(arguments).copied().collect();
        let (code, _, errors) = run(&all);
        assert!(code == Some(2) && errors.contains(says), "{errors}");
    }
    let (code, said, _) = run(&[
        "check",
        "idle.toml",
        "--minimise-scenario",
        "third.toml",
        "--limit-states",
        "330",
        "--format",
        "json",
    ]);
    let json: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(json["minimal"], json["tried"]["undecided"] == 0);
    assert_eq!(code, Some(if json["minimal"] == true { 0 } else { 3 }), "{said}");
    assert_eq!(json["file"], "third.toml");
}

/// A case of others, where it is at hand.
#[test]
fn the_idle_actor_that_was_met_is_left_out() {
    let case = in_repository("../shared/cases/idle-actor.toml");
    if !case.is_file() {
        eprintln!("skipped: {} is not there", case.display());
        return;
    }
    let scenario = good("idle-actor", &page("../shared/cases/idle-actor.toml"));
    let minimal = minimised(&scenario, "none");
    assert!(minimal.left_out.contains(&"the actor puncher".to_owned()), "{:?}", minimal.left_out);
    is_minimal(&minimal);
}
