//! What scenarios notice: values put in the place of others, against the same written into files and explored one by one.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use stalemap::engine::Engine;
use stalemap::mutants::reasons::Reasons;
use stalemap::mutants::{Worth, study, values};
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::{Scenario, read};
use stalemap::verdict::Verdict;
use stalemap_explore::Limits;

use crate::common::{elsewhere, program, shipped, stalemap, text};

const BASE: &str = "iomap_valid";

fn worth(scenarios: &[Scenario]) -> Worth {
    let limits = |_: &Scenario| Limits::default();
    study(scenarios, &[BASE.to_owned()], &limits, 2, &|_| ()).expect("a sound model")
}

/// What a scenario comes to under a design of its file with one field changed; `None` if that is an error.
fn plainly(scenario: &Scenario, setting: &str) -> Option<Verdict> {
    let source = format!("{}\n[design.changed]\nbased_on = {BASE:?}\n{setting}\n", scenario.source);
    let changed = read("changed", source.as_bytes()).ok()?;
    let implementation = changed.implementation("changed")?;
    let job = Job { scenario: &changed, implementation, engine: Engine::Exhaustive };
    run_all(&[job], GivenLimits::default(), 1, &|_| ()).remove(0).ok().map(|outcome| outcome.verdict)
}

#[test]
fn a_value_is_killed_where_the_scenario_is_violated_with_it() {
    // The last one does not hold, and can notice nothing.
    let scenarios = ["xfs/t1", "xfs/unshare-aio", "gfs2/jdata-flip", "gfs2/crash-hole"].map(shipped);
    let worth = worth(&scenarios);
    assert_eq!(worth.holding, ["xfs/t1", "xfs/unshare-aio", "gfs2/jdata-flip"]);
    let (mut noticed, mut held) = (0, 0);
    for tried in &worth.tried {
        let mut came: BTreeMap<&str, u64> = BTreeMap::new();
        let mut noticing = Vec::new();
        for scenario in &scenarios[..3] {
            let base = scenario.implementation(BASE).expect("a design");
            let value = values().into_iter().find(|value| value.setting() == tried.setting).expect("a value");
            if value.put_into(&base).is_none() {
                continue;
            }
            match plainly(scenario, &tried.setting) {
                Some(Verdict::Violates) => noticing.push(scenario.name.as_str()),
                Some(Verdict::Holds) => *came.entry("holds").or_default() += 1,
                Some(Verdict::Incomplete | Verdict::FoundNone) => *came.entry("undecided").or_default() += 1,
                None => {}
            }
        }
        noticing.sort_unstable();
        assert_eq!(tried.noticing(), noticing, "{}", tried.setting);
        let known = |key: &str| came.get(key).copied().unwrap_or(0);
        // A file may not write a field that changes nothing in it; whoever puts it there may.
        assert!(tried.holds >= known("holds"), "{}", tried.setting);
        assert_eq!(tried.undecided, known("undecided"), "{}", tried.setting);
        assert!(tried.notices.windows(2).all(|pair| pair[0].states <= pair[1].states));
        noticed += usize::from(!noticing.is_empty());
        held += usize::from(tried.is_tried() && noticing.is_empty());
    }
    assert!(noticed >= 10 && held >= 50, "{noticed} and {held}");
    assert_eq!(worth.survivors().len(), held);
    let check = worth.tried.iter().find(|tried| tried.setting == "check = \"none\"").expect("a value");
    assert_eq!(check.noticing(), ["xfs/t1"]);
    assert!(worth.alone()["xfs/t1"].contains(&"check = \"none\""));
    assert!(worth.spared().iter().all(|name| !worth.alone().contains_key(name)));
}

/// A reason is of a value that nothing in a part of the catalogue notices either.
#[test]
fn what_has_a_reason_is_killed_by_none_of_some_scenarios() {
    let reasons = Reasons::built_in().expect("a file that is right");
    let worth = worth(
        &["xfs/t1", "xfs/t3", "gfs2/t15", "xfs/dio-cow-read", "zonefs/d19", "zoned/relocate-write"]
            .map(shipped),
    );
    let (_, noticed) = worth.against(&reasons);
    assert_eq!(noticed, [""; 0]);
}

#[test]
#[ignore = "minutes: every value in every scenario"]
fn what_no_scenario_kills_has_a_reason_and_nothing_else_has() {
    let output =
        program().args(["compare", "--mutants", "--format", "json"]).output().expect("the program starts");
    let document: Value = serde_json::from_str(&text(&output.stdout)).expect("JSON");
    for value in document["values"].as_array().expect("values") {
        let noticed = value["noticed_by"].as_array().is_some_and(|notices| !notices.is_empty());
        let tried = noticed || value["holds_in"] != 0 || value["undecided_in"] != 0;
        assert!(!tried || noticed == value["reason"].is_null(), "{value}");
    }
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn what_is_noticed_is_told_in_three_forms() {
    let folder = elsewhere();
    let source = shipped("xfs/t1").source;
    fs::write(folder.path().join("t1.toml"), source).expect("a file");
    let run = |arguments: &[&str]| {
        let all: Vec<&str> = ["compare", "--mutants", "t1.toml"].iter().chain(arguments).copied().collect();
        let output = stalemap(folder.path(), &all);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = run(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("Of 1 scenario, 1 can be violated by a value. "), "{said}");
    assert!(said.contains("\nNot noticed by these scenarios:\n") && !said.contains("no reason"), "{said}");
    assert!(said.contains(" - holds in 1\n"), "{said}");
    assert!(
        said.contains("\ncheck = \"none\" - 1, t1.toml (lost-write, wrong-zero, 216 states)\n"),
        "{said}"
    );
    assert!(said.contains("\nScenarios that notice nothing that others do not:\n"), "{said}");
    let (_, said, _) = run(&["--format", "markdown"]);
    assert!(
        said.contains("| `check = \"none\"` | 1 | t1.toml (lost-write, wrong-zero, 216 states) |\n"),
        "{said}"
    );
    let (_, said, _) = run(&["--format", "json", "--kernel", "linux-7.3", "--design", "get_folio"]);
    let json: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(json["bases"], serde_json::json!(["get_folio", "linux-7.3"]));
    let value = |setting: &str| {
        let values = json["values"].as_array().expect("values");
        values.iter().find(|value| value["value"] == setting).expect("a value").clone()
    };
    assert_eq!(value("check = \"none\"")["noticed_by"].as_array().map(Vec::len), Some(2));
    for (arguments, says) in [
        (&["--format", "csv"][..], "`--format text`, `json` or `markdown`"),
        (&["--memory", "lkmm"][..], "sequentially consistent memory"),
        (&["--design", "nonesuch"][..], "there is no design"),
    ] {
        let (code, _, errors) = run(arguments);
        assert!(code == Some(2) && errors.contains(says), "{errors}");
    }
}
