//! Bad input to `replay`: malformed schedules, and good ones that do not fit. Each has its exact message, exit
//! code 2, and prints nothing else.

use std::fmt::Write as _;
use std::fs;

use crate::common::{elsewhere, stalemap, text};

/// A good schedule of a small scenario: the first steps of a run.
const GOOD: &str = r#"stalemap schedule 1
scenario = example
design = none
violates = lost-write

writer: down_write i_rwsem
writer: iomap_begin
writer: filemap_get_folio 0

scenario file:
title = "Two writers"
[[actor]]
name = "writer"
run = ["pwrite 0 4k"]
[[actor]]
name = "other"
run = ["pwrite 0 4k"]
"#;

fn replay(contents: &[u8]) -> (Option<i32>, String, String) {
    let folder = elsewhere();
    fs::write(folder.path().join("bad.schedule"), contents).expect("a file");
    let output = stalemap(folder.path(), &["replay", "bad.schedule"]);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn each_bad_schedule_has_its_message() {
    let with = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replacen(from, to, 1).into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("not a schedule", b"title = \"a scenario\"\n".to_vec()),
        ("another version", with("schedule 1", "schedule 2")),
        ("not UTF-8", [GOOD.as_bytes(), b"# \xff\xfe\n"].concat()),
        ("no scenario", GOOD.split("scenario file:").next().expect("a part").as_bytes().to_vec()),
        ("truncated in a step", GOOD.as_bytes()[..GOOD.find("_begin").expect("a place")].to_vec()),
        ("truncated in the scenario", GOOD.as_bytes()[..GOOD.len() - 20].to_vec()),
        ("empty scenario", GOOD.as_bytes()[..GOOD.find("title").expect("a place")].to_vec()),
        ("scenario with an error", with("pwrite 0 4k", "pwrit 0 4k")),
        ("header without a value", with("design = none", "design none")),
        ("no design", with("design = none\n", "")),
        ("unknown design", with("design = none", "design = nnoe")),
        ("unknown property", with("lost-write", "lost-writes")),
        ("a number below zero", with("design = none", "design = none\npreemptions = -1")),
        ("a number in words", with("design = none", "design = none\noperations = three")),
        ("step without an actor", with("writer: iomap_begin", "iomap_begin")),
        ("step without an operation", with("writer: iomap_begin", "writer: ")),
        ("unknown actor", with("writer: iomap_begin", "wirter: iomap_begin")),
        ("another operation", with("writer: iomap_begin", "writer: iomap_end")),
        ("another target", with("filemap_get_folio 0", "filemap_get_folio 7")),
        ("an operation that has to wait", with("writer: iomap_begin", "other: down_write i_rwsem")),
        ("outcome of what is no choice", with("writer: iomap_begin", "writer: iomap_begin = 0")),
        ("outcome that is no number", with("writer: iomap_begin", "writer: iomap_begin = first")),
        ("a step of the setup", with("writer: down_write i_rwsem", "setup: down_write i_rwsem")),
        ("a step of the epilogue", with("writer: down_write i_rwsem", "umount: check_cached 0")),
    ];
    let mut said = String::new();
    for (name, contents) in cases {
        let (code, stdout, stderr) = replay(&contents);
        assert_eq!(code, Some(2), "{name}: {stdout}{stderr}");
        assert_eq!(stdout, "", "{name}");
        writeln!(said, "== {name}\n{stderr}").expect("a string takes it");
    }
    insta::assert_snapshot!(said);
}

#[test]
fn a_schedule_that_ends_early_is_played_and_violates_nothing() {
    let (code, stdout, stderr) = replay(GOOD.as_bytes());
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stdout.contains("iomap_begin"), "{stdout}");
    assert_eq!(stderr, "bad.schedule: the schedule plays to its end, and `lost-write` is not violated\n");
}

#[test]
fn a_huge_schedule_is_read() {
    let many = "# a comment\n".repeat(200_000);
    let (code, _, stderr) =
        replay(GOOD.replacen("writer: iomap_begin", &format!("{many}writer: iomap_begin"), 1).as_bytes());
    assert_eq!(code, Some(1), "{stderr}");
}

#[test]
fn no_cut_of_a_schedule_makes_it_panic() {
    for end in (0..GOOD.len()).step_by(7) {
        let (code, _, stderr) = replay(&GOOD.as_bytes()[..end]);
        assert!(matches!(code, Some(1 | 2)), "cut at {end}: {code:?} {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}
