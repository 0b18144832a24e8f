//! Exported tests of races that no error tag forces: which of them are loops, what a loop is made of, and that one passes where
//! nothing is lost, and fails where something is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use stalemap::lab::xfstests::COMMON;
use stalemap::report::export::xfstests;

use crate::common::{elsewhere, text};
use crate::exports::Broken;

/// How a test shows its race.
fn how(script: &str) -> &'static str {
    let not_run = script.lines().any(|line| line.starts_with("_notrun "));
    match () {
        () if not_run => "not run",
        () if script.contains("\nstride=") => "loop in a large file",
        () if script.contains("\nrounds=") => "loop with small files",
        () if script.contains("_scratch_inject_error") => "forced",
        () => "once, all at the same time",
    }
}

fn is_bash(script: &str) -> Option<bool> {
    let mut shell = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().ok()?;
    shell.stdin.take()?.write_all(script.as_bytes()).ok()?;
    Some(shell.wait().ok()?.success())
}

#[test]
fn every_test_of_the_catalogue_is_forced_a_loop_or_has_a_reason() {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for broken in Broken::everywhere() {
        let script = broken.xfstests();
        let how = how(&script);
        all.entry(how).or_default().push(broken.name.clone());
        if how.starts_with("loop") {
            assert!(script.contains("It may pass on a kernel with the bug"), "{}: {script}", broken.name);
            assert!(script.contains("compare_part "), "{}: {script}", broken.name);
            assert_ne!(is_bash(&script), Some(false), "{}: bash refuses\n{script}", broken.name);
        }
    }
    let mut table = String::new();
    for (how, names) in &all {
        let _ = writeln!(table, "{how}: {}", names.len());
        if how.starts_with("loop") {
            for name in names {
                let _ = writeln!(table, "  {name}");
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn loops_are_as_recorded() {
    insta::assert_snapshot!("loop-d10", Broken::find("xfs/d10").xfstests());
    insta::assert_snapshot!("loop-c9-truncate", Broken::find("xfs/c9-truncate").xfstests());
}

#[test]
fn what_overwrites_another_file_is_no_loop() {
    let script = Broken::find("xfs/t9b-clone").xfstests();
    let why = script.lines().find(|line| line.starts_with("_notrun ")).unwrap();
    assert!(why.contains("no loop of it: it would overwrite a block of another file"), "{why}");
    assert!(!script.contains("task_1"), "{script}");
}

/// The commands of xfs_io that the loop of xfs/d10 has. What is filled with $LOST is not written.
const XFS_IO: &str = r#"#!/bin/bash
file=${!#}
bytes() { case $1 in *k) echo $((${1%k} * 1024)) ;; *) echo $1 ;; esac; }
while [ $# -gt 1 ]; do
	if [ "$1" = -c ]; then
		words=($2)
		case ${words[0]} in
		truncate) truncate -s ${words[1]} "$file" || exit ;;
		pwrite|mwrite)
			fill=${words[2]}
			if [ "$fill" != "$LOST" ]; then
				head -c $(bytes ${words[-1]}) /dev/zero | tr '\0' "\\$(printf %o $fill)" |
				dd of="$file" oflag=seek_bytes seek=$(bytes ${words[-2]}) conv=notrunc status=none
			fi ;;
		esac
	fi
	shift
done
"#;

/// What the loop of xfs/d10 prints, of two rounds of three places, where a pattern is lost.
fn printed(lost: &str) -> Option<String> {
    let folder = elsewhere();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("common")).expect("a folder");
    for (name, text) in COMMON {
        fs::write(path("common").join(name), text).expect("a file");
    }
    // There is no device.
    let mount = "\n_require_scratch() { :; }\n_scratch_mkfs() { :; }\n_scratch_mount() { :; }\n_scratch_cycle_mount() { :; }\n";
    let filter = path("common").join("filter");
    let filtered = fs::read_to_string(&filter).expect("a file") + mount;
    fs::write(filter, filtered).expect("a file");
    let script = Broken::find("xfs/d10").xfstests();
    let short = script.replace("rounds=$((50 * $LOAD_FACTOR))", "rounds=2").replace("places=100", "places=3");
    assert_ne!(short, script);
    fs::write(path("NNN"), short).expect("a file");
    fs::write(path("xfs_io"), XFS_IO).expect("a file");
    fs::set_permissions(path("xfs_io"), fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::create_dir(path("files")).expect("a folder");
    let mut bash = Command::new("bash");
    bash.arg("./NNN").current_dir(folder.path());
    for (name, value) in [("RESULT_DIR", "."), ("SCRATCH_MNT", "files"), ("TEST_DIR", "files")] {
        bash.env(name, path(value));
    }
    bash.env("XFS_IO_PROG", path("xfs_io")).env("LOAD_FACTOR", "1").env("TIME_FACTOR", "1").env("LOST", lost);
    Some(text(&bash.output().ok()?.stdout))
}

#[test]
fn a_loop_passes_where_nothing_is_lost_and_fails_where_something_is() {
    let Some(right) = printed("") else {
        eprintln!("skipped: there is no bash");
        return;
    };
    assert_eq!(right, xfstests::output());
    let wrong = printed("0x44").expect("bash, which was there");
    let line = wrong.lines().find(|line| line.contains(xfstests::WRONG)).unwrap_or_else(|| panic!("{wrong}"));
    assert!(line.ends_with("file is not as expected from 1024 on, in round 1"), "{line}");
    // The first one is enough.
    assert_eq!(wrong.matches(xfstests::WRONG).count(), 1, "{wrong}");
    // Either of two who write the same bytes may be the last one.
    assert_eq!(printed("0x46").expect("bash, which was there"), xfstests::output());
}
