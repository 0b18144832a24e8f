//! What a verdict rests on is said with it, and is about operations that there are. So are the causes of losses.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use stalemap::fuzz::operations;
use stalemap_model::words::assumptions::ALL;

use crate::common::{elsewhere, in_repository, stalemap, text};

fn said(arguments: &[&str]) -> String {
    let output = stalemap(elsewhere().path(), arguments);
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    text(&output.stdout)
}

/// The assumptions of each verdict of a run, and where its check is.
fn basis(arguments: &[&str]) -> Vec<(BTreeSet<String>, String)> {
    let document: Value =
        serde_json::from_str(&said(&[&["check", "--format", "json"], arguments].concat())).expect("JSON");
    let of = |result: &Value| {
        let ids = result["assumptions"].as_array().expect("assumptions");
        let ids = ids.iter().map(|id| id.as_str().expect("a name").to_owned()).collect();
        (ids, result["check"].as_str().expect("a place").to_owned())
    };
    document["results"].as_array().expect("results").iter().map(of).collect()
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            collect(&entry, sources);
        } else if entry.extension().is_some_and(|extension| extension == "rs")
            && !entry.ends_with("assumptions.rs")
        {
            sources.push_str(&fs::read_to_string(&entry).expect("a file"));
        }
    }
}

/// The text of the model, but for what it assumes.
fn model() -> String {
    let mut sources = String::new();
    collect(&in_repository("model"), &mut sources);
    sources
}

#[test]
fn a_cause_is_found_by_operations_that_there_are() {
    let sources = model();
    for operation in operations::ALL {
        assert!(sources.contains(&format!("\"{operation}\"")), "{operation}");
    }
}

#[test]
fn an_assumption_is_about_operations_that_there_are_and_has_a_name_of_its_own() {
    let sources = model();
    let ids: BTreeSet<&str> = ALL.iter().map(|assumption| assumption.id).collect();
    assert_eq!(ids.len(), ALL.len());
    for assumption in ALL {
        for operation in assumption.operations {
            assert!(sources.contains(&format!("\"{operation}\"")), "{}: {operation}", assumption.id);
        }
    }
}

#[test]
fn the_list_has_every_assumption_with_its_source() {
    let list = said(&["assumptions"]);
    let document: Value = serde_json::from_str(&said(&["assumptions", "--format", "json"])).expect("JSON");
    assert_eq!(document["assumptions"].as_array().map(Vec::len), Some(ALL.len()));
    for assumption in ALL {
        assert!(list.contains(assumption.sentence) && list.contains(assumption.source), "{}", assumption.id);
    }
}

#[test]
fn a_verdict_names_the_assumptions_that_its_runs_touched_and_no_others() {
    let [(checked, place)] = &basis(&["xfs/t1", "--design", "iomap_valid"])[..] else {
        panic!("one verdict")
    };
    assert_eq!(place, "on-path");
    let has = |id: &str| checked.contains(id);
    assert!(has("one-ioend") && has("whole-blocks") && has("no-preallocation"), "{checked:?}");
    assert!(!has("integrity-tags"), "nobody syncs: {checked:?}");
    assert!(
        !has("no-zones") && !has("collector-asked") && !has("one-node") && !has("exchange-same"),
        "{checked:?}"
    );
    let has = |scenario: &str, id: &str| basis(&[scenario, "--design", "iomap_valid"])[0].0.contains(id);
    assert!(has("xfs/t4", "direct-mapped-first") && has("gfs2/dio-write", "direct-mapped-first"));
    assert!(has("xfs/t4", "integrity-tags"), "a direct write flushes");
    assert!(!has("xfs/c3", "direct-mapped-first"), "a truncate waits for direct I/O, and is none");
    let drawn = said(&["check", "xfs/t1", "--design", "iomap_valid"]);
    assert!(drawn.contains("iomap_valid: holds, assuming that\n  one ioend completes at a time"), "{drawn}");
    // A verdict that does not hold needs no assumptions to be believed: there is a schedule.
    assert!(!said(&["check", "xfs/t1", "--design", "none"]).contains("assuming"));
}

/// The same operations rest on other things where the device has zones.
#[test]
fn what_is_assumed_of_zones_depends_on_whether_there_are_any() {
    const OF_ZONES: &[&str] =
        &["freed-at-once", "no-zones", "one-open-zone", "erased-at-once", "collector-asked", "zoned-direct"];
    let of_zones = |scenario: &str, by: &str, name: &str| -> Vec<&str> {
        let (has, _) = basis(&[scenario, by, name]).remove(0);
        OF_ZONES.iter().copied().filter(|id| has.contains(*id)).collect()
    };
    assert_eq!(of_zones("zoned/t1", "--design", "iomap_valid"), ["no-zones", "collector-asked"]);
    assert_eq!(
        of_zones("zoned/write-error-zone", "--kernel", "linux-7.3"),
        ["one-open-zone", "erased-at-once", "collector-asked"]
    );
    assert_eq!(of_zones("xfs/clone-dio", "--design", "iomap_valid"), ["freed-at-once"]);
    assert_eq!(of_zones("xfs/t4", "--design", "iomap_valid"), [""; 0], "a direct write in place");
    let folder = elsewhere();
    let file = folder.path().join("direct.toml");
    let scenario = "title = \"a direct write\"\n[fs]\npersonality = \"xfs-zoned\"\n[setup]\n\
        run = [\"pwrite 0 4k\"]\n[[actor]]\nname = \"direct\"\nopen = \"-d\"\nrun = [\"pwrite 0 4k\"]\n";
    fs::write(&file, scenario).expect("a file");
    let file = file.to_str().expect("a name");
    assert_eq!(of_zones(file, "--design", "iomap_valid"), ["no-zones", "collector-asked", "zoned-direct"]);
}

#[test]
fn a_path_that_the_check_is_not_on_says_so() {
    let place = |scenario: &str| basis(&[scenario, "--design", "iomap_valid"]).remove(0).1;
    assert_eq!(place("xfs/clone-dio"), "off-path");
    assert_eq!(place("gfs2/dio-write"), "absent");
    let drawn = said(&["check", "xfs/clone-dio", "--design", "iomap_valid"]);
    assert!(drawn.contains("iomap_valid: the check is not on this path"), "{drawn}");
    let drawn = said(&["check", "gfs2/dio-write", "--design", "iomap_valid"]);
    assert!(drawn.contains("no method for the check"), "{drawn}");
}
