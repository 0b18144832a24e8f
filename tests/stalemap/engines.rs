//! The engines on shipped scenarios: they agree, what they say is worded as what it is, and nothing of the
//! libraries reaches the user.

use std::fs;

use serde_json::Value;
use stalemap::agree::{Agreement, Took, agree};
use stalemap::run::Job;
use stalemap::scenario::Scenario;
use stalemap_explore::Limits;

use crate::common::{all_shipped, elsewhere, of_one_release, program, shipped, stalemap, text, thorough};

/// Runs the engines on a scenario under everything that its file expects something of, but for releases.
fn agreements(scenario: &Scenario, executions: u64, limits: &Limits) -> Vec<Agreement> {
    of_one_release(Job::expected(scenario))
        .iter()
        .map(|job| agree(job, executions, limits).expect("sound engines"))
        .collect()
}

fn assert_agree(agreement: &Agreement) {
    let differences: Vec<_> = agreement.differences.iter().map(|d| (d.engine, &d.what)).collect();
    assert!(differences.is_empty(), "{} under {}: {differences:?}", agreement.scenario, agreement.design);
}

#[test]
fn all_engines_finish_small_scenarios_and_agree() {
    for name in [
        "ext4/read-while-filled",
        "ext4/t11",
        "gfs2/read-while-filled",
        "gfs2/t6",
        "gfs2/unaligned-start",
        "zoned/short-copy",
    ] {
        for agreement in agreements(&shipped(name), 20_000, &Limits::default()) {
            assert_agree(&agreement);
            for (engine, took) in &agreement.engines {
                let finished = matches!(took, Took::Finished(_));
                assert!(finished, "{engine} on {name} under {}: {took:?}", agreement.design);
            }
        }
    }
}

#[test]
fn what_the_libraries_find_in_any_scenario_is_there() {
    // The few that have more states take most of the time.
    let limits = Limits { states: Some(thorough(3_000)), ..Limits::default() };
    let mut compared = 0;
    for scenario in all_shipped() {
        for agreement in agreements(&scenario, 10, &limits) {
            assert_agree(&agreement);
            compared += usize::from(!agreement.engines.is_empty());
        }
    }
    assert!(compared > 900, "{compared}");
}

/// Takes long: `cargo test --release --test stalemap engines:: -- --ignored`.
#[test]
#[ignore = "large; docs/engines.md has the results of a part of it"]
fn all_engines_agree_on_everything_that_they_finish() {
    for scenario in all_shipped() {
        agreements(&scenario, 100_000, &Limits::default()).iter().for_each(assert_agree);
    }
}

#[test]
fn the_command_says_that_they_agree() {
    let folder = elsewhere();
    let output = stalemap(folder.path(), &["agree", "gfs2/t6", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["schema"], "stalemap.agree/1");
    for result in document["results"].as_array().expect("results") {
        assert_eq!(result["agree"], true);
        assert_eq!(result["checked"], true);
    }
    // Nobody but the exhaustive engine finishes this one.
    let output = stalemap(folder.path(), &["agree", "xfs/t2", "--design", "none", "--iterations", "10"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains("not finished in 10"), "{}", text(&output.stdout));
}

#[test]
fn what_is_compared_keeps_to_the_limits() {
    let folder = elsewhere();
    for (command, limit, name) in [
        ("agree", ["--limit-states", "50"], "states"),
        ("agree", ["--limit-memory", "100k"], "memory"),
        ("power", ["--limit-states", "50"], "states"),
        ("power", ["--limit-memory", "100k"], "memory"),
    ] {
        let arguments = [command, "xfs/t1", "--design", "none"];
        let output = stalemap(folder.path(), &[&arguments[..], &limit].concat());
        assert_eq!(output.status.code(), Some(3), "{command}: {}", text(&output.stderr));
        let said = text(&output.stdout);
        assert!(
            said.contains("incomplete") && said.contains(&format!("the limit of {name} was reached")),
            "{said}"
        );
        let output = stalemap(folder.path(), &[&arguments[..], &limit, &["--format", "json"]].concat());
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let of = if command == "agree" { "results" } else { "incomplete" };
        assert_eq!(document[of][0]["limits_hit"], serde_json::json!([name]), "{document}");
        assert!(!document["results"][0]["checked"].as_bool().unwrap_or_default());
    }
}

#[test]
fn what_loom_does_not_find_is_not_called_a_proof() {
    let folder = elsewhere();
    let output = stalemap(folder.path(), &["check", "--engine", "loom", "xfs/t3", "--design", "none"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("found none; loom finished, 284 executions"));
    assert!(!text(&output.stdout).contains("holds"));
    let output = stalemap(
        folder.path(),
        &["check", "--engine", "loom", "xfs/t3", "--design", "none", "--iterations", "20", "--quiet"],
    );
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stdout).contains("the limit of executions was reached"));
}

#[test]
fn a_scenario_with_too_many_actors_for_loom_says_so() {
    let folder = elsewhere();
    let actor = |number: u32| format!("[[actor]]\nname = \"reader{number}\"\nrun = [\"pread 0 4k\"]\n");
    let actors: String = (1..=5).map(actor).collect();
    let scenario = format!("title = \"Five readers\"\n[setup]\nrun = [\"pwrite 0 4k\"]\n{actors}");
    fs::write(folder.path().join("many.toml"), scenario).expect("a file");
    let check = ["check", "--engine", "loom", "many.toml", "--design", "none"];
    let output = stalemap(folder.path(), &check);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("the limit of actors was reached"), "{}", text(&output.stdout));
}

#[test]
fn a_loss_found_by_a_library_is_certified_and_its_schedule_drives_shuttle() {
    let folder = elsewhere();
    for engine in [&["--engine", "loom"][..], &["--engine", "shuttle", "--strategy", "pct"]] {
        let check = ["check", "gfs2/t6", "--design", "none", "--save", "out", "--format", "json"];
        let output = stalemap(folder.path(), &[&check[..], engine].concat());
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let result = &document["results"][0];
        assert_eq!(result["engine"], engine[1]);
        assert_eq!(result["verdict"], "violates");
        assert_eq!(result["counterexample"]["certified"], true);
        let saved = fs::read_dir(folder.path().join("out")).expect("a folder").next().expect("a file");
        let path = saved.expect("an entry").path();
        let path = path.to_str().expect("UTF-8");
        let output = stalemap(folder.path(), &["replay", "--engine", "shuttle", path]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let output = stalemap(folder.path(), &["replay", "--engine", "loom", path]);
        assert_eq!(output.status.code(), Some(2));
        fs::remove_dir_all(folder.path().join("out")).expect("it is there");
    }
}

#[test]
fn a_run_that_never_meets_what_it_is_about_is_vacuous_under_every_engine() {
    let folder = elsewhere();
    let scenario = "title = \"Nobody disturbs\"\n[geometry]\nblock = \"4k\"\n[fs]\npersonality = \"xfs\"\n\
                    [setup]\nrun = [\"falloc 0 4k\"]\n\
                    [[actor]]\nname = \"writer\"\nrun = [\"pwrite 0 4k\"]\n[expect]\niomap_valid = \"holds\"\n";
    fs::write(folder.path().join("alone.toml"), scenario).expect("a file");
    for engine in [
        &["--engine", "exhaustive"][..],
        &["--engine", "loom"],
        &["--engine", "shuttle", "--strategy", "dfs"],
    ] {
        let output = stalemap(folder.path(), &[&["check", "alone.toml"][..], engine].concat());
        assert_eq!(output.status.code(), Some(1), "{engine:?}: {}", text(&output.stdout));
        assert!(text(&output.stdout).contains("vacuous"), "{engine:?}: {}", text(&output.stdout));
    }
}

#[test]
fn the_same_seed_gives_the_same_results_and_the_environment_does_not_interfere() {
    let folder = elsewhere();
    let power = |seed| {
        let arguments = ["power", "xfs/t1", "--design", "none", "--iterations", "200", "--format", "json"];
        let output = stalemap(folder.path(), &[&arguments[..], &["--seed", seed]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert_eq!(power("1"), power("1"));
    assert_ne!(power("1"), power("2"));
    let document: Value = serde_json::from_str(&power("1")).expect("JSON");
    let result = &document["results"][0];
    assert_eq!(result["property"], "lost-write");
    let strategies = result["strategies"].as_array().expect("strategies");
    assert_eq!(strategies.len(), 5);
    for strategy in strategies {
        assert_eq!(strategy["executions"], 200);
        assert!(strategy["ends"].as_u64() <= result["ends"].as_u64());
    }
    for (variable, value) in [("SHUTTLE_RANDOM_SEED", "7"), ("LOOM_MAX_BRANCHES", "many")] {
        let engine = if variable.starts_with("LOOM") { "loom" } else { "shuttle" };
        let output = program().args(["check", "gfs2/t6", "--engine", engine]).env(variable, value).output();
        let output = output.expect("the program starts");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(variable), "{}", text(&output.stderr));
    }
}

#[test]
fn options_of_another_engine_are_refused() {
    let folder = elsewhere();
    for arguments in [
        &["--strategy", "pct"][..],
        &["--engine", "loom", "--strategy", "dfs"],
        &["--engine", "shuttle", "--preemptions", "2"],
        &["--iterations", "5"],
        &["--engine", "shuttle", "--depth", "2"],
        &["--seed", "7"],
        &["--engine", "loom", "--seed", "7"],
        &["--engine", "shuttle", "--strategy", "dfs", "--seed", "7"],
    ] {
        let output = stalemap(folder.path(), &[&["check", "gfs2/t6"][..], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(" is for --engine "), "{}", text(&output.stderr));
    }
}
