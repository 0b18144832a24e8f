//! `check --accept` writes what came out into the file, and `--baseline` fails for what is new alone.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{elsewhere, stalemap, text};

/// A scenario that violates something under `none`, with expectations.
fn race(expect: &str) -> String {
    format!(
        r#"# A head that stays.
title = "A write zeroes data that writeback and reclaim moved to disk"
[setup]
run = ["falloc 0 8k", "pwrite -S 0x58 6k 2k"]
[[actor]]
name = "writer"
run = ["pwrite -S 0x57 -b 6k 0 6k"]
[[actor]]
name = "flusher"
run = ["sync_range -w 4k 4k"]
[[actor]]
name = "kswapd"
run = ["@reclaim 4k 4k"]
{expect}"#
    )
}

fn folder_with(expect: &str) -> TempDir {
    let folder = elsewhere();
    fs::write(folder.path().join("race.toml"), race(expect)).expect("a file");
    folder
}

fn ran(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = stalemap(folder.path(), arguments);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn file(folder: &TempDir) -> String {
    fs::read_to_string(folder.path().join("race.toml")).expect("a file")
}

#[test]
fn what_came_out_is_written_and_nothing_else_is_touched() {
    let expect = r#"
[expect] # what is known
none = "holds" # wrong
iomap_valid =   [ "lost-write" ]   # wrong as well
get_folio = "holds"
modern = ["deadlock"] # another name
"#;
    let folder = folder_with(expect);
    let (code, said, errors) = ran(&folder, &["check", "race.toml", "--accept"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{said}");
    let right = r#"
[expect] # what is known
none = ["lost-write"] # wrong
iomap_valid =   "holds"   # wrong as well
get_folio = "holds"
modern = "holds" # another name
"#;
    assert_eq!(file(&folder), race(right));
    let told = [
        "race.toml: none = [\"lost-write\"] was \"holds\"",
        "race.toml: iomap_valid = \"holds\" was [\"lost-write\"]",
        "race.toml: linux-7.3 = \"holds\" was [\"deadlock\"]",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), told);
    let (code, said, _) = ran(&folder, &["check", "race.toml", "--accept"]);
    assert_eq!((code, said.as_str()), (Some(0), "race.toml: nothing to change\n"));
    assert_eq!(ran(&folder, &["check", "race.toml"]).0, Some(0));
}

/// What was done before is told. No file may grow there, so that nothing can be written.
#[test]
fn what_cannot_be_written_is_named_behind_what_was_done() {
    let folder = folder_with("\n[expect]\nnone = [\"lost-write\"]\n");
    fs::write(folder.path().join("second.toml"), race("\n[expect]\nnone = \"holds\"\n")).expect("a file");
    let run = "trap '' XFSZ; ulimit -f 0; exec \"$0\" check race.toml second.toml --accept";
    let mut shell = std::process::Command::new("sh");
    let output = shell.args(["-c", run, env!("CARGO_BIN_EXE_stalemap")]).current_dir(folder.path()).output();
    let output = output.expect("a shell");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "race.toml: nothing to change\n");
    let said = text(&output.stderr);
    assert!(said.starts_with("error: cannot write second.toml: "), "{said}");
}

#[test]
fn a_schedule_that_cannot_be_saved_does_not_hide_the_verdicts() {
    let folder = folder_with("\n[expect]\nnone = [\"lost-write\"]\n");
    fs::create_dir_all(folder.path().join("s/race-none.schedule")).expect("a folder");
    let (code, said, errors) = ran(&folder, &["check", "race.toml", "--save", "s"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("race.toml  none  violates lost-write"), "{said}");
    assert!(errors.starts_with("error: cannot write s/race-none.schedule: "), "{errors}");
}

#[test]
fn what_the_file_says_nothing_of_is_added() {
    let folder = folder_with("");
    let (code, said, _) =
        ran(&folder, &["check", "race.toml", "--design", "none", "--kernel", "linux-6.12", "--accept"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches(" is new\n").count(), 2, "{said}");
    let expected = "\n[expect]\nnone = [\"lost-write\"]\n\"linux-6.12\" = \"holds\"\n";
    assert!(file(&folder).ends_with(expected), "{}", file(&folder));
    let (code, said, _) = ran(&folder, &["check", "race.toml"]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_proves_nothing_is_not_accepted() {
    let folder = folder_with("[expect]\nnone = \"holds\"\niomap_valid = \"holds\"\n");
    let before = file(&folder);
    let (code, said, _) = ran(&folder, &["check", "race.toml", "--accept", "--limit-states", "20"]);
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(said.matches("is not accepted: it is incomplete").count(), 2, "{said}");
    assert_eq!(file(&folder), before);
    // Nobody drops the folio, so that no mapping is ever stale.
    let alone = race("").replace("[[actor]]\nname = \"flusher\"\nrun = [\"sync_range -w 4k 4k\"]\n", "");
    fs::write(folder.path().join("race.toml"), &alone).expect("a file");
    let (code, said, _) = ran(&folder, &["check", "race.toml", "--accept", "--design", "iomap_valid"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("iomap_valid is not accepted: it holds vacuously"), "{said}");
    // What is vacuous beats what is incomplete, wherever it stands.
    for wider in ["a.toml", "z.toml"] {
        let folder = folder_with("");
        fs::write(folder.path().join("race.toml"), &alone).expect("a file");
        fs::write(folder.path().join(wider), race("")).expect("a file");
        let both = ["check", ".", "--accept", "--design", "iomap_valid", "--limit-states", "100"];
        let (code, said, _) = ran(&folder, &both);
        assert!(said.contains("it is incomplete") && said.contains("it holds vacuously"), "{said}");
        assert_eq!(code, Some(1), "{said}");
    }
    for (arguments, says) in [
        (&["check", "--accept"][..], "name some, or a folder of them"),
        (&["check", "xfs/t1", "--accept"], "xfs/t1 is compiled in"),
        (&["check", "race.toml", "--accept", "--engine", "loom"], "cannot be used with"),
        (&["check", "race.toml", "--accept", "--memory", "relaxed"], "cannot be used with"),
    ] {
        let (code, _, errors) = ran(&folder, arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(errors.contains(says), "{errors}");
    }
}

#[test]
fn only_what_is_new_fails() {
    let folder = folder_with("[expect]\nnone = \"holds\"\niomap_valid = [\"lost-write\"]\n");
    let (code, baseline, _) = ran(&folder, &["check", "race.toml", "--format", "json", "--no-times"]);
    assert_eq!(code, Some(1));
    fs::write(folder.path().join("baseline.json"), &baseline).expect("a file");
    let against = |more: &[&str]| {
        ran(&folder, &[&["check", "race.toml", "--baseline", "baseline.json"], more].concat())
    };
    let (code, said, _) = against(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("known race.toml  none"), "{said}");
    assert!(!said.contains("FAIL") && !said.contains("Replay:"), "what is known is not drawn: {said}");
    // `lost-write` and what explains it, and that iomap_valid does not lose it.
    assert!(said.ends_with("0 findings new beside the baseline, 3 known, 0 gone\n"), "{said}");
    // Another design is new.
    let (code, said, _) = against(&["--design", "none", "--design", "before-lock", "--design", "series-00"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said, _) = against(&["--kernel", "linux-6.1"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("new: race.toml under linux-6.1: lost-write\n"), "{said}");
    assert!(said.contains("Replay:"), "what is new is drawn: {said}");
    // A limit that the earlier run did not reach.
    let (code, said, _) = against(&["--design", "iomap_valid", "--limit-states", "20"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("new: race.toml under iomap_valid: incomplete\n"), "{said}");
    // What is mended is gone.
    fs::write(
        folder.path().join("race.toml"),
        race("[expect]\nnone = [\"lost-write\"]\niomap_valid = \"holds\"\n"),
    )
    .expect("a file");
    let (code, said, _) = against(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.ends_with("0 findings new beside the baseline, 0 known, 3 gone\n"), "{said}");
    // A document stays one.
    let (code, said, errors) = against(&["--format", "json"]);
    let document: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, document["schema"].as_str()), (Some(0), Some("stalemap.check/1")));
    assert!(errors.contains("beside the baseline"), "{errors}");
    fs::write(folder.path().join("baseline.json"), "{}").expect("a file");
    let (code, _, errors) = against(&[]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("baseline.json is no baseline: its schema is none"), "{errors}");
    fs::remove_file(folder.path().join("baseline.json")).expect("a file");
    let (code, _, errors) = against(&[]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("cannot read baseline.json"), "{errors}");
}

#[test]
fn two_runs_are_the_same_bytes_without_times() {
    let folder = folder_with("[expect]\nnone = \"holds\"\n");
    for command in [
        &["check", "xfs/t1", "race.toml", "--format", "json"][..],
        &["check", "xfs/t1", "race.toml", "--format", "junit"],
        &["compare", "xfs/t1", "race.toml", "--format", "json", "--costs"],
        &["costs", "xfs/t1", "--format", "json"],
    ] {
        let without = [command, &["--no-times"]].concat();
        let (_, one, _) = ran(&folder, &without);
        assert_eq!(one, ran(&folder, &without).1, "{command:?}");
        let says = |text: &str| text.contains("elapsed_ms") || text.contains(" time=\"");
        assert!(!one.is_empty() && !says(&one), "{command:?}");
        assert!(says(&ran(&folder, command).1), "{command:?}");
    }
}

/// Some of what is violated is no list of what is; and what no run may reach is reached whatever is expected.
#[test]
fn a_part_of_the_truth_is_not_accepted() {
    let folder = folder_with("");
    let limited = ["check", "race.toml", "--design", "none", "--limit-preemptions", "1", "--accept"];
    let (code, said, _) = ran(&folder, &limited);
    assert!(said.contains("none is not accepted: it is incomplete"), "{said}");
    assert!(code != Some(0) && file(&folder) == race(""), "{said}");

    let folder = folder_with("[reach]\nnever = [\"evict\"]\n");
    let (code, said, _) = ran(&folder, &["check", "race.toml", "--design", "iomap_valid", "--accept"]);
    assert!(
        said.contains("iomap_valid is not accepted: some run reaches what `[reach]` says none may"),
        "{said}"
    );
    assert_eq!(code, Some(1));
}

#[test]
fn lines_end_as_they_did() {
    let folder = folder_with("");
    fs::write(folder.path().join("race.toml"), race("").replace('\n', "\r\n")).expect("a file");
    let (code, said, _) = ran(&folder, &["check", "race.toml", "--design", "none", "--accept"]);
    assert_eq!(code, Some(0), "{said}");
    let changed = file(&folder);
    assert!(changed.contains("none = ") && !changed.replace("\r\n", "").contains('\n'), "{changed:?}");
}

/// What a limit left out is neither gone nor new.
#[test]
fn beside_a_baseline_a_limit_hides_nothing_and_invents_nothing() {
    let folder = folder_with("[expect]\nnone = \"holds\"\n");
    let json =
        |limits: &[&str]| ran(&folder, &[&["check", "race.toml", "--format", "json"], limits].concat()).1;
    fs::write(folder.path().join("all.json"), json(&[])).expect("a file");
    let limited = ["check", "race.toml", "--limit-states", "10", "--baseline", "all.json"];
    let (_, said, _) = ran(&folder, &limited);
    assert!(said.contains("0 gone"), "{said}");
    fs::write(folder.path().join("few.json"), json(&["--limit-preemptions", "0"])).expect("a file");
    let (code, said, _) = ran(&folder, &["check", "race.toml", "--baseline", "few.json"]);
    assert!(code == Some(1) && said.contains("new: race.toml under none: lost-write"), "{said}");
    let again = ["check", "race.toml", "--limit-preemptions", "0", "--baseline", "few.json"];
    let (_, said, _) = ran(&folder, &again);
    assert!(!said.contains("new:"), "{said}");
}
