//! Why a scenario holds: what keeps which actors apart, and which have nothing to do with each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::Scenario;
use stalemap::verdict::Verdict;
use stalemap::why::{PROTECTIONS, Why, Without, study};
use stalemap_explore::Limits;
use stalemap_model::words::implementation::Implementation;

use crate::common::{elsewhere, good, shipped, stalemap, text};

fn why(scenario: &Scenario, under: &str) -> Why {
    let implementation = scenario.implementation(under).expect("a design");
    let job = Job { scenario, implementation, engine: Engine::Exhaustive };
    study(&job, &Limits::default(), GivenLimits::default()).expect("a sound model")
}

fn verdict(scenario: &Scenario, implementation: Implementation) -> Verdict {
    let job = Job { scenario, implementation, engine: Engine::Exhaustive };
    run_all(&[job], GivenLimits::default(), 1, &|_| ()).remove(0).expect("a run").verdict
}

#[test]
fn a_check_keeps_three_actors_apart_and_no_two_of_them() {
    let scenario = shipped("xfs/t1");
    let why = why(&scenario, "iomap_valid");
    let apart: BTreeSet<(String, String)> =
        why.kept_apart.iter().map(|kept| (kept.by.setting(), kept.actors.join(" "))).collect();
    let all = "writer flusher kswapd";
    let right = [
        ("bump_convert = \"none\"", all),
        ("check = \"before-lock\"", all),
        ("check = \"none\"", all),
        // Nobody has to move for that.
        ("completion = \"clear-then-convert\"", ""),
        ("reclaim_writeback = \"ignore\"", all),
        ("sample = \"outside\"", all),
    ];
    let right = right.map(|(setting, actors)| (setting.to_owned(), actors.to_owned()));
    assert_eq!(apart, BTreeSet::from(right));
    let check =
        why.kept_apart.iter().find(|kept| kept.by.setting() == "check = \"none\"").expect("the check");
    assert_eq!((check.property.name(), check.steps, check.least), ("lost-write", 16, Some(1)));
    // The states of the scenario, as the exploration counts them.
    assert_eq!(why.states, Some(324));
    assert!(why.pairs.iter().all(|pair| pair.contact.conflict && pair.contact.races > 0));
    let waits: Vec<String> =
        why.pairs[0].waits.iter().map(|wait| format!("{} {}", wait.waiter, wait.op)).collect();
    assert_eq!(why.pairs[0].actors, ["writer", "flusher"]);
    assert_eq!(waits, ["flusher folio_lock", "writer folio_lock"]);
}

/// What is said of each protection is what the scenario does without it, explored by itself.
#[test]
fn what_is_taken_away_is_what_is_explored() {
    let mut came = BTreeMap::new();
    for (name, under) in
        [("xfs/t1", "get_folio"), ("xfs/t7-d2", "iomap_valid"), ("xfs/dio-append", "linux-7.3")]
    {
        let scenario = shipped(name);
        let implementation = scenario.implementation(under).expect("a design");
        if verdict(&scenario, implementation.clone()) != Verdict::Holds {
            continue;
        }
        let why = why(&scenario, under);
        for (protection, without) in &why.taken {
            let changed = protection.taken_from(&implementation).expect("it was there");
            let right = match verdict(&scenario, changed) {
                Verdict::Holds => Without::Holds,
                Verdict::Violates => Without::Broken,
                Verdict::Incomplete | Verdict::FoundNone => Without::Undecided,
            };
            assert_eq!(*without, right, "{name} under {under} with {}", protection.setting());
            *came.entry(protection.setting()).or_insert(0) += usize::from(right == Without::Broken);
            let apart = why.kept_apart.iter().any(|kept| kept.by == *protection);
            assert_eq!(apart, right == Without::Broken, "{}", protection.setting());
        }
        assert!(why.taken.len() <= PROTECTIONS.len());
    }
    assert!(came.values().filter(|broken| **broken > 0).count() >= 6, "{came:?}");
}

const APART: &str = "\
title = \"Two who have nothing to do with each other, and one who meets the first\"
[[file]]
name = \"a\"
[[file]]
name = \"b\"
[[actor]]
name = \"first\"
run = [\"pwrite 0 4k\"]
[[actor]]
name = \"second\"
run = [\"pwrite 0 4k\"]
[[actor]]
name = \"reader\"
file = \"b\"
run = [\"pread 0 4k\"]
[expect]
iomap_valid = \"holds\"
none = \"holds\"
[reach]
must = []
";

#[test]
fn an_empty_race_is_seen_to_be_one() {
    let why = why(&good("apart", APART), "iomap_valid");
    let empty: Vec<String> =
        why.pairs.iter().filter(|pair| !pair.contact.conflict).map(|pair| pair.actors.join(" ")).collect();
    assert_eq!(empty, ["first reader", "second reader"]);
    assert!(why.kept_apart.iter().all(|kept| !kept.actors.contains(&"reader".to_owned())));
}

#[test]
fn why_is_told_as_text_and_as_json() {
    let folder = elsewhere();
    fs::write(folder.path().join("apart.toml"), APART).expect("a file");
    let run = |arguments: &[&str]| {
        let output = stalemap(folder.path(), arguments);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = run(&["check", "apart.toml", "--why"]);
    assert_eq!(code, Some(0), "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("first, reader: an empty race: neither changes anything that the other touches."),
        "{said}"
    );
    assert!(flat.contains("second waits for first at down_write"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80 || line.starts_with("ok ")), "{said}");
    // Alike under both: said once.
    assert!(said.contains("Under none and iomap_valid:") || said.matches("\nUnder ").count() == 2, "{said}");
    let (code, said, _) = run(&["check", "xfs/t1", "--design", "iomap_valid", "--why"]);
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let nobody = "What the setup leaves behind needs the conversion of extents before the end of writeback (without it, \
                  `completion = \"clear-then-convert\"`: lost-write already when nobody moves).";
    assert!(
        code == Some(0) && flat.matches("when nobody moves").count() == 1 && flat.contains(nobody),
        "{said}"
    );
    assert!(!flat.contains("also alone"), "{said}");
    let two = "these two alone violate nothing, whichever of them is taken away; with others beside them, they need 5.";
    assert_eq!(flat.matches(two).count(), 3, "{said}");
    let (_, document, _) = run(&["check", "xfs/t1", "--design", "iomap_valid", "--why", "--format", "json"]);
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let taken = document["results"][0]["taken_away"].as_array().expect("a list");
    let held = taken.iter().filter(|one| one["verdict"] == "holds").count();
    assert!(flat.contains(&format!("Without each of {held} others nothing is violated;")), "{said}");
    let (code, said, _) = run(&["check", "xfs/t1", "--design", "iomap_valid", "--why", "--format", "json"]);
    let json: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, json["schema"].as_str()), (Some(0), Some("stalemap.why/1")));
    assert_eq!(json["results"][0]["states"], 324);
    assert_eq!(json["results"][0]["pairs"].as_array().map(Vec::len), Some(3));
    let (code, said, _) = run(&["check", "xfs/t1", "--design", "none", "--why"]);
    assert!(
        code == Some(0) && said.ends_with("Nothing holds here: there is nothing to say why.\n"),
        "{said}"
    );
    for (arguments, says) in [
        (&["--format", "junit"][..], "`--format text` or `json`"),
        (&["--memory", "relaxed"][..], "sequentially consistent memory"),
        (&["--engine", "shuttle"][..], "exhaustive engine"),
    ] {
        let all: Vec<&str> = ["check", "xfs/t1", "--why"].iter().chain(arguments).copied().collect();
        let (code, _, errors) = run(&all);
        assert!(code == Some(2) && errors.contains(says), "{errors}");
    }
}

/// Who makes no step is in no pair, and named.
#[test]
fn an_actor_without_a_step_is_named() {
    let scenario = shipped("gfs2/crash-reuse");
    let holds = |name: &String| {
        let implementation = scenario.implementation(name).expect("a name");
        verdict(&scenario, implementation) == Verdict::Holds
    };
    let under = scenario.expected().into_iter().find(holds).expect("a design that holds");
    let why = why(&scenario, &under);
    assert_eq!(why.still.len(), 1, "{:?}", why.still);
    assert!(why.pairs.iter().all(|pair| !pair.actors.contains(&why.still[0])));
}
