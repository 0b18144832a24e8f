//! Runs in parts: what `--partition` writes, and what `merge` makes of it. The parts of a run must come to what the run itself
//! comes to, byte for byte; what are not all parts of one run is refused.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use serde_json::{Value, json};
use stalemap::attended::Attended;
use stalemap::run::slices::{run_slice, united};
use stalemap::run::{GivenLimits, Job, Outcome, run_all};
use stalemap::scenario::{catalogue, read};
use stalemap_explore::{Enough, SliceFound, SliceOf, Statistics, Union, count_union};
use tempfile::TempDir;

use crate::common::{elsewhere, in_repository, program, stalemap, text};

/// The parts of a command, as files of a folder.
fn divide(folder: &Path, command: &[&str], of: u32) -> Vec<String> {
    let of_part = |part: u32| {
        let (name, partition) = (format!("part-{part}.json"), format!("{part}/{of}"));
        let output = stalemap(folder, &[command, &["--partition", &partition, "--no-times"]].concat());
        assert_eq!(output.status.code(), Some(0), "part {partition}: {}", text(&output.stderr));
        fs::write(folder.join(&name), output.stdout).expect("a file");
        name
    };
    (1..=of).map(of_part).collect()
}

fn merge(folder: &Path, parts: &[String], options: &[&str]) -> Output {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    stalemap(folder, &[&["merge"], &parts[..], options].concat())
}

/// What the parts of a command and the command itself say must be the same in these formats.
fn compare(folder: &Path, command: &[&str], of: u32, formats: &[&str]) {
    let parts = divide(folder, command, of);
    for format in formats {
        let options: Vec<&str> = ["--no-times"].into_iter().chain(format.split(' ')).collect();
        let whole = stalemap(folder, &[command, &options].concat());
        let merged = merge(folder, &parts, &options);
        assert_eq!(text(&merged.stdout), text(&whole.stdout), "{command:?}, {of} parts, {format}");
        assert_eq!(merged.status.code(), whole.status.code(), "{command:?}, {of} parts, {format}");
    }
}

const OF_CHECK: [&str; 6] = [
    "--format json",
    "--format text",
    "--format junit",
    "--format sarif",
    "--format sarif --sarif-expected",
    "--quiet",
];

const OF_COMPARE: [&str; 8] = [
    "--format json",
    "--format text",
    "--format csv",
    "--format markdown",
    "--format junit",
    "--format sarif",
    "--all",
    "--quiet",
];

#[test]
fn a_hundred_parts_come_to_the_whole() {
    let folder = elsewhere();
    compare(
        folder.path(),
        &["check", "xfs/t1", "xfs/t2", "gfs2/cookie-new", "gfs2/t9a", "zoned/t2"],
        100,
        &OF_CHECK,
    );
}

#[test]
fn parts_of_a_comparison_come_to_the_whole() {
    let folder = elsewhere();
    let command = ["compare", "xfs/t1", "gfs2/t2", "gfs2/t6", "--design", "all", "--kernel", "linux-6.1"];
    compare(folder.path(), &command, 7, &OF_COMPARE);
    let parts: Vec<String> = (1..=7).map(|part| format!("part-{part}.json")).collect();
    let whole = stalemap(folder.path(), &[&command[..], &["--html", "whole.html"]].concat());
    let merged = merge(folder.path(), &parts, &["--html", "merged.html"]);
    assert_eq!(
        (whole.status.code(), text(&merged.stdout)),
        (merged.status.code(), "wrote merged.html\n".to_owned())
    );
    let page = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a page");
    assert_eq!(page("merged.html"), page("whole.html"));
}

/// With other engines, memories and limits, and where something is unexpected, incomplete, or vacuous.
#[test]
fn parts_of_other_runs_come_to_the_whole() {
    let folder = elsewhere();
    let broken = "title = \"x\"\n[setup]\nrun = [\"falloc 0 8k\"]\n[[actor]]\nname = \"a\"\nrun = [\"pwrite 0 4k\"]\n\
                  [[actor]]\nname = \"b\"\nrun = [\"sync_range -w 0 4k\"]\n[expect]\nnone = [\"lost-write\"]\niomap_valid = \"holds\"\n";
    fs::write(folder.path().join("unexpected.toml"), broken).expect("a file");
    for setup in
        ["setup-deadlocks", "setup-loses", "setup-retries", "retries-of-its-own", "least-under-evictions"]
    {
        let name = format!("{setup}.toml");
        fs::copy(in_repository("tests/verdicts").join(&name), folder.path().join(&name)).expect("a copy");
    }
    for command in [
        &["check", "unexpected.toml", "xfs/t1", "--design", "none", "--design", "iomap_valid"][..],
        &["check", "setup-deadlocks.toml", "setup-loses.toml", "setup-retries.toml", "--design", "none"],
        &["check", "retries-of-its-own.toml", "least-under-evictions.toml"],
        &["check", "gfs2/t2", "gfs2/t6", "--memory", "relaxed", "--limit-preemptions", "1"],
        &["check", "xfs/t1", "xfs/t2", "--limit-states", "100"],
        &["check", "xfs/t1", "--engine", "shuttle", "--iterations", "50", "--seed", "3"],
        &["check", "xfs/t1", "--design", "iomap_valid"],
    ] {
        compare(folder.path(), command, 3, &["--format json", "--format text", "--format junit"]);
    }
}

/// States of a run that is cut into any number of parts.
const MOST_STATES: u64 = 4_000;

/// The states of all results of a command.
fn states(folder: &Path, command: &[&str]) -> u64 {
    let output = stalemap(folder, &[command, &["--format", "json"]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let results = report["results"].as_array().expect("results");
    results.iter().map(|result| result["states"].as_u64().expect("a count")).sum()
}

proptest! {
    #![proptest_config(Config {
        cases: 6,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    })]

    #[test]
    fn any_number_of_parts_comes_to_the_whole(of in 1_u32..40, first in 0_usize..400) {
        let names: Vec<&str> = catalogue::all().iter().map(|(name, _)| name.as_str()).collect();
        let chosen: Vec<&str> = (0..3).map(|step| names[(first + step * 17) % names.len()]).collect();
        let folder = elsewhere();
        let command = [&["check"], &chosen[..]].concat();
        // Slices of one state space share most of it, so that forty of a large one take forty times as long.
        prop_assume!(states(folder.path(), &command) <= MOST_STATES);
        compare(folder.path(), &command, of, &["--format json", "--format text"]);
    }
}

/// A folder with the parts of a small run.
fn parts() -> (TempDir, Vec<String>) {
    let folder = elsewhere();
    let parts = divide(folder.path(), &["check", "xfs/t1", "gfs2/t6"], 5);
    (folder, parts)
}

fn refused(folder: &Path, parts: &[String], options: &[&str]) -> String {
    let output = merge(folder, parts, options);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{parts:?}");
    text(&output.stderr)
}

#[test]
fn holes_and_overlaps_are_refused_and_named() {
    let (folder, parts) = parts();
    let some =
        |wanted: &[usize]| -> Vec<String> { wanted.iter().map(|part| parts[part - 1].clone()).collect() };
    for (wanted, says) in [
        (&[1, 2, 3, 5][..], &["part 4/5 is missing"][..]),
        (&[3], &["of 5 parts, 1, 2 and 4, 5 are missing"]),
        (&[1, 2, 3, 4, 5, 2], &["part 2/5 is there twice: part-2.json and part-2.json"]),
        (&[1, 3, 4, 5, 5], &["part 5/5 is there twice", "part 2/5 is missing"]),
    ] {
        let said = refused(folder.path(), &some(wanted), &[]);
        assert!(says.iter().all(|says| said.contains(says)), "{said}");
    }
    let shuffled = merge(folder.path(), &some(&[4, 2, 5, 1, 3]), &["--no-times"]);
    assert_eq!(text(&shuffled.stdout), text(&merge(folder.path(), &parts, &["--no-times"]).stdout));
}

#[test]
fn parts_of_different_runs_are_refused_with_what_differs() {
    let (folder, parts) = parts();
    let second = |command: &[&str], partition: &str| {
        let output = stalemap(folder.path(), &[command, &["--partition", partition, "--no-times"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        fs::write(folder.path().join("second.json"), output.stdout).expect("a file");
        let files = [&parts[..1], &["second.json".to_owned()], &parts[2..]].concat();
        refused(folder.path(), &files, &[])
    };
    for (command, partition, says) in [
        (
            &["check", "xfs/t1", "gfs2/t6", "--memory", "relaxed"][..],
            "2/5",
            "the memory is another: relaxed, not sc",
        ),
        (
            &["check", "xfs/t1", "gfs2/t6", "--limit-states", "9"],
            "2/5",
            "`--limit-states` is another: 9, not none",
        ),
        (
            &["check", "xfs/t1", "gfs2/t6", "--design", "none"],
            "2/5",
            "`--design` is another: none, not nothing",
        ),
        (&["check", "xfs/t1"], "2/5", "the list is another"),
        (&["compare", "xfs/t1", "gfs2/t6"], "2/5", "the command is another: compare, not check"),
        (&["check", "xfs/t1", "gfs2/t6"], "2/6", "second.json one of 6"),
        (
            &["check", "xfs/t1", "gfs2/t6", "--engine", "shuttle", "--iterations", "9"],
            "2/5",
            "the engine is another",
        ),
    ] {
        let said = second(command, partition);
        assert!(said.contains(says) || said.contains("second.json is one of 6 parts"), "{command:?}: {said}");
    }
}

/// Builds that no commit tells apart.
#[test]
fn parts_of_different_builds_are_refused_unless_they_are_of_one_commit() {
    let (folder, parts) = parts();
    let (build, other) = (program(), folder.path().join("other"));
    let mut bytes = fs::read(build.get_program()).expect("the program");
    bytes.push(0);
    fs::write(&other, bytes).expect("another program");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).expect("it can be run");
    let command = ["check", "xfs/t1", "gfs2/t6", "--partition", "2/5", "--no-times"];
    let output = Command::new(&other).args(command).current_dir(folder.path()).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    fs::write(folder.path().join(&parts[1]), output.stdout).expect("a file");
    let version = text(&stalemap(folder.path(), &["--version"]).stdout);
    if version.contains('(') && !version.contains("changed") {
        assert_eq!(merge(folder.path(), &parts, &[]).status.code(), Some(0));
    } else {
        assert!(refused(folder.path(), &parts, &[]).contains("the program is another"));
    }
}

/// Changes the document of the second part, and says what `merge` says of it.
fn changed(change: impl Fn(&mut Value)) -> String {
    let (folder, parts) = parts();
    let path = folder.path().join(&parts[1]);
    let mut document: Value = serde_json::from_slice(&fs::read(&path).expect("a part")).expect("JSON");
    change(&mut document);
    fs::write(&path, document.to_string()).expect("a file");
    refused(folder.path(), &parts, &[])
}

#[test]
fn what_is_no_part_or_a_damaged_one_is_refused() {
    for (change, says) in [
        (
            &(|part: &mut Value| part["run"]["program"] = json!("0.0.1")) as &dyn Fn(&mut Value),
            "the program is another: 0.0.1",
        ),
        (&|part: &mut Value| part["pairs"] = json!([0]), "part-2.json is damaged"),
        (&|part: &mut Value| part["results"] = json!([]), "part-2.json is damaged"),
        (&|part: &mut Value| part["part"] = json!(9), "there is no part 9/5"),
        (&|part: &mut Value| part["results"][0]["verdict"] = json!("true"), "there is no `true`"),
        (
            &|part: &mut Value| part["scenarios"][0]["source"] = json!("title = \"x\"\n"),
            "have different texts of xfs/t1",
        ),
        (&|part: &mut Value| part["results"][0]["states"] = Value::Null, "the result of pair 1"),
        (
            &|part: &mut Value| part["schema"] = json!("stalemap.check/1"),
            "is no part of a run: its schema is stalemap.check/1",
        ),
    ] {
        let said = changed(change);
        assert!(said.contains(says), "{said}");
    }
    let (folder, parts) = parts();
    for (contents, says) in
        [("", "is no JSON"), ("{}", "it has no schema"), ("{\"schema\": \"stalemap.part/1\"}", "is damaged")]
    {
        fs::write(folder.path().join(&parts[2]), contents).expect("a file");
        let said = refused(folder.path(), &parts, &[]);
        assert!(said.contains("part-3.json is no part of a run") && said.contains(says), "{said}");
    }
    fs::remove_file(folder.path().join(&parts[2])).expect("it was there");
    assert!(refused(folder.path(), &parts, &[]).contains("cannot read part-3.json"));
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let (folder, parts) = parts();
    for (options, says) in [
        (&["--format", "csv"][..], "`--format csv` is of `compare`, and these are parts of a run of `check`"),
        (&["--html", "x.html"], "`--html` is of `compare`"),
        (&["--all"], "`--all` is of `compare`"),
    ] {
        let said = refused(folder.path(), &parts, options);
        assert!(said.contains(says), "{said}");
    }
    let of_compare = divide(folder.path(), &["compare", "xfs/t1"], 2);
    assert!(refused(folder.path(), &of_compare, &["--baseline", "x"]).contains("`--baseline` is of `check`"));
    for (options, says) in [
        (&["--partition", "3/2"][..], "there are 1/2 to 2/2"),
        (&["--partition", "2"], "expected K/N"),
        (&["--partition", "1/2", "--format", "sarif"], "a part of a run is JSON"),
        (&["--partition", "1/2", "--save", "x"], "cannot be used with"),
        (&["--states", "x"], "--partition"),
    ] {
        let output = stalemap(folder.path(), &[&["check", "xfs/t1"], options].concat());
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(text(&output.stderr).contains(says), "{options:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_baseline_and_saved_schedules_are_those_of_the_undivided_run() {
    let folder = elsewhere();
    let command = ["check", "xfs/t1", "xfs/t2"];
    let parts = divide(folder.path(), &command, 4);
    stalemap(folder.path(), &[&command[..], &["--save", "whole"]].concat());
    merge(folder.path(), &parts, &["--save", "merged"]);
    let schedules = |name: &str| {
        let files = fs::read_dir(folder.path().join(name))
            .expect("a folder")
            .map(|file| file.expect("a file").path());
        let mut files: Vec<(String, String)> = files
            .map(|path| {
                (
                    path.file_name().expect("a name").to_string_lossy().into_owned(),
                    fs::read_to_string(path).expect("text"),
                )
            })
            .collect();
        files.sort();
        files
    };
    assert!(!schedules("whole").is_empty());
    assert_eq!(schedules("merged"), schedules("whole"));
    let earlier = stalemap(folder.path(), &[&command[..], &["--format", "json"]].concat());
    fs::write(folder.path().join("earlier.json"), earlier.stdout).expect("a file");
    let against = ["--baseline", "earlier.json"];
    let whole = stalemap(folder.path(), &[&command[..], &against].concat());
    assert_eq!(text(&merge(folder.path(), &parts, &against).stdout), text(&whole.stdout));
}

/// A folder with the parts of a run that is cut into slices, and their names.
fn sliced(options: &[&str]) -> (TempDir, Vec<String>) {
    let folder = elsewhere();
    fs::copy(in_repository("tests/stalemap/inputs/twice.toml"), folder.path().join("twice.toml"))
        .expect("a copy");
    let of_part = |part: u32| {
        let (name, states) = (format!("part-{part}.json"), format!("part-{part}.states"));
        let partition = format!("{part}/2");
        let own = ["check", "twice.toml", "--partition", &partition, "--states", &states];
        let output = stalemap(folder.path(), &[&own[..], options].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        fs::write(folder.path().join(&name), output.stdout).expect("a file");
        name
    };
    let parts = (1..=2).map(of_part).collect();
    (folder, parts)
}

/// Whoever interrupts a part does not get half of one; with its searches kept, it goes on.
#[test]
fn a_part_that_is_interrupted_is_not_written() {
    let folder = elsewhere();
    fs::copy(in_repository("tests/stalemap/inputs/large.toml"), folder.path().join("large.toml"))
        .expect("a copy");
    let mut part = program();
    part.args(["check", "large.toml", "gfs2/t6", "--partition", "1/2", "--checkpoint", "kept"]);
    let part = part.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let part = part.expect("the program starts");
    // Its folder is made when signals are listened for.
    while !folder.path().join("kept").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = part.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill starts").success());
    let output = part.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(3), String::new()));
    assert!(
        text(&output.stderr).contains("the part was interrupted, and is not written"),
        "{}",
        text(&output.stderr)
    );
}

/// The search of a slice ends at a limit; then nothing is proved.
#[test]
fn slices_that_a_limit_stopped_are_incomplete_together() {
    let (folder, parts) = sliced(&["--limit-states", "5000"]);
    let merged = merge(folder.path(), &parts, &["--format", "json"]);
    let document: Value = serde_json::from_slice(&merged.stdout).expect("JSON");
    let result = &document["results"][0];
    assert_eq!((&result["verdict"], &result["limits_hit"]), (&json!("incomplete"), &json!(["states"])));
    assert_eq!(merged.status.code(), Some(3));
    let drawn = merge(folder.path(), &parts, &[]);
    assert!(text(&drawn.stdout).contains("not everything was explored"), "{}", text(&drawn.stdout));
}

#[test]
fn slices_need_their_states() {
    let (folder, parts) = sliced(&["--limit-states", "5000"]);
    let at = |name: &str| folder.path().join(name);
    for (options, says) in [
        (&[][..], "say which: `--states FILE`"),
        (&["--states", "x.states", "--checkpoint", "kept"], "cannot be kept; leave out `--checkpoint`"),
        (&["--states", "nowhere/x.states"], "cannot write nowhere/x.states"),
    ] {
        let own = ["check", "twice.toml", "--partition", "1/2", "--limit-states", "5000"];
        let output = stalemap(folder.path(), &[&own[..], options].concat());
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{options:?}");
        assert!(text(&output.stderr).contains(says), "{options:?}: {}", text(&output.stderr));
    }
    // They are looked for beside the parts, wherever these are.
    let moved: Vec<String> = parts.iter().map(|part| format!("moved/{part}")).collect();
    fs::create_dir(at("moved")).expect("a folder");
    for name in ["part-1.json", "part-2.json", "part-1.states", "part-2.states"] {
        fs::rename(at(name), at("moved").join(name)).expect("a file");
    }
    assert_eq!(merge(folder.path(), &moved, &[]).status.code(), Some(3));
    let states = at("moved").join("part-2.states");
    let whole = fs::read(&states).expect("states");
    fs::write(&states, &whole[..whole.len() - 1]).expect("a file");
    assert!(refused(folder.path(), &moved, &[]).contains("part-2.states"));
    fs::copy(at("moved").join("part-1.states"), &states).expect("a copy");
    assert!(refused(folder.path(), &moved, &[]).contains("another than the part says"));
    fs::remove_file(&states).expect("it was there");
    let said = refused(folder.path(), &moved, &[]);
    assert!(said.contains("it must lie beside moved/part-2.json"), "{said}");
}

/// The slices of a pair, put together.
fn of_slices(job: &Job<'_>, enough: Enough, of: usize) -> Option<Outcome> {
    let given = GivenLimits::default();
    let slice =
        |number| run_slice(job, given, enough, SliceOf { number, of }, Attended::default()).expect("a slice");
    let slices: Vec<SliceFound> = (0..of).map(slice).collect::<Option<_>>()?;
    let lists = slices.iter().map(|slice| slice.states.iter().copied().map(Ok::<u128, Infallible>)).collect();
    let Ok(states) = count_union(lists);
    let cycle_met = slices.iter().any(|slice| slice.cycle_met);
    let mut union = Union::default();
    for slice in slices {
        union.add(slice.exploration, slice.contents);
    }
    Some(united(job, union, (states, cycle_met), given, 1).expect("a union"))
}

/// All that must not depend on how the states were cut.
fn told(outcome: &Outcome) -> Value {
    let outcome = Outcome {
        statistics: Statistics { transitions: 0, executions: 0, max_depth: 0, ..outcome.statistics },
        ..outcome.clone()
    };
    stalemap::report::json::result(&outcome, stalemap::times::Times::LeftOut)
}

#[test]
fn slices_of_shipped_scenarios_come_to_the_whole() {
    let mut cut = 0;
    for (at, (name, source)) in catalogue::all().iter().enumerate().step_by(11) {
        let scenario = read(name, source.as_bytes()).expect("a sound file");
        let jobs: Vec<Job<'_>> = Job::expected(&scenario).into_iter().take(2).collect();
        for (job, whole) in jobs.iter().zip(run_all(&jobs, GivenLimits::default(), 1, &|_| ())) {
            let whole = whole.expect("a run");
            let of = [2, 3, 7, 100][at / 11 % 4];
            let Some(united) = of_slices(job, Enough { waiting: 24, met: 300 }, of) else { continue };
            cut += 1;
            assert_eq!(
                told(&united),
                told(&whole),
                "{name} under {} in {of} slices",
                job.implementation.name()
            );
        }
    }
    assert!(cut > 20, "{cut} were cut");
}
