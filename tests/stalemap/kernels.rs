//! Kernels by name, as a user meets them: the list, their differences, and verdicts under them.

use serde_json::Value;
use stalemap_model::words::kernel_version::KernelVersion;

use crate::common::{elsewhere, page, stalemap, text};

fn said(arguments: &[&str]) -> String {
    let output = stalemap(elsewhere().path(), arguments);
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    text(&output.stdout)
}

fn refused(arguments: &[&str]) -> String {
    let output = stalemap(elsewhere().path(), arguments);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()), "{arguments:?}");
    text(&output.stderr)
}

fn names() -> Vec<&'static str> {
    KernelVersion::ALL.iter().map(|kernel| kernel.name()).collect()
}

/// The names that a run was under.
fn under(arguments: &[&str]) -> Vec<String> {
    let output = stalemap(elsewhere().path(), &[arguments, &["--format", "json"]].concat());
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let results = document["results"].as_array().expect("results");
    results.iter().map(|result| result["design"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_list_has_every_kernel_and_the_page_is_made_from_the_table() {
    let list = said(&["kernels"]);
    assert!(names().iter().all(|name| list.contains(name)), "{list}");
    assert_eq!(
        page("docs/kernels.md"),
        said(&["kernels", "--format", "markdown"]),
        "make docs/kernels.md anew"
    );
}

#[test]
fn two_kernels_are_told_apart_by_their_fields_and_the_reasons() {
    let text = said(&["kernels", "linux-6.1", "linux-6.2"]);
    for part in ["check  (xfs, ", "\"none\"", "\"after-lock\"", "iomap_valid"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(!text.contains("compare"), "both compare counters:\n{text}");
    let same = said(&["kernels", "linux-6.2", "linux-6.2"]);
    assert_eq!(same, "linux-6.2 and linux-6.2 have the same value of every field\n");
    let newest = said(&["kernels", "linux-6.12", "linux-7.3"]);
    assert!(newest.contains("linux-7.3 alone has xfs-zoned"), "{newest}");
    let one = said(&["kernels", "linux-7.3"]);
    assert!(one.contains("check = \"after-lock\"  (xfs, "), "{one}");
}

#[test]
fn the_document_has_each_field_with_its_reason() {
    let document: Value = serde_json::from_str(&said(&["kernels", "--format", "json"])).expect("JSON");
    assert_eq!(document["schema"], "stalemap.kernels/1");
    let kernels = document["kernels"].as_array().expect("kernels");
    assert_eq!(kernels.len(), names().len());
    for kernel in kernels {
        let fields = kernel["fields"].as_array().expect("fields");
        assert!(fields.iter().all(|field| !field["why"].as_str().expect("a reason").is_empty()));
    }
}

#[test]
fn a_scenario_is_checked_under_kernels_and_designs_alike() {
    assert_eq!(
        under(&["check", "xfs/t1", "--kernel", "linux-6.1", "--design", "iomap_valid"]),
        ["iomap_valid", "linux-6.1"]
    );
    assert_eq!(under(&["check", "xfs/t1", "--kernel", "all"]), names());
    let newest = [KernelVersion::NEWEST.name()];
    assert_eq!(under(&["check", "xfs/t1", "--kernel", "modern"]), newest);
    assert_eq!(under(&["check", "xfs/t1", "--design", "modern"]), newest);
    assert_eq!(under(&["check", "zoned/t1", "--kernel", "all"]), [KernelVersion::NEWEST.name()]);
    // No release has ext4 on iomap.
    assert_eq!(under(&["check", "ext4/a15", "--design", "modern"]), ["modern"]);
    // A folder has file systems of which a release has not all.
    assert!(!under(&["check", "xfs", "zoned", "--kernel", "linux-6.1", "--limit-states", "1"]).is_empty());
    let drawn = said(&["check", "xfs/t1", "--kernel", "linux-6.1"]);
    assert!(drawn.contains("under kernel linux-6.1"), "{drawn}");
    assert!(drawn.contains("Replay: stalemap check xfs/t1 --kernel linux-6.1"), "{drawn}");
    let witness =
        said(&["witness", "xfs/t1", "--kernel", "linux-6.12", "--kernel", "linux-7.3", "--reach", "stale"]);
    for kernel in ["linux-6.12", "linux-7.3"] {
        assert!(witness.contains(&format!("--kernel {kernel} --reach stale")), "{witness}");
    }
    let table = said(&["compare", "xfs/t1", "--kernel", "all", "--format", "csv"]);
    assert!(names().iter().all(|name| table.contains(name)), "{table}");
    let orderings = said(&["orderings", "xfs/t1", "--kernel", "linux-6.12"]);
    assert!(orderings.contains("xfs/t1 under linux-6.12"), "{orderings}");
    assert!(said(&["agree", "xfs/t1", "--kernel", "linux-6.2", "--iterations", "200"]).contains("linux-6.2"));
}

/// What the file says of its file system holds for designs; a kernel has its own, and the report says so.
#[test]
fn a_field_of_the_file_that_a_kernel_overrules_is_named() {
    let drawn = said(&["check", "xfs/e2", "--kernel", "linux-6.12", "--design", "iomap_valid"]);
    assert!(
        drawn.contains("linux-6.12: `flush_unmap` is \"write-and-drop\" here, whatever [fs] says."),
        "{drawn}"
    );
    assert!(!drawn.contains("iomap_valid: `flush_unmap`"), "{drawn}");
    assert!(!drawn.contains("`allocator`"), "the environment stays: {drawn}");
}

/// The kernel has the environment from the file, and there something that no kernel has.
#[test]
fn a_value_of_the_file_that_no_kernel_has_is_named() {
    let drawn =
        said(&["check", "xfs/device-cache-unflushed", "--kernel", "linux-6.12", "--design", "iomap_valid"]);
    let named = "linux-6.12: `device_cache` is \"unflushed\" here, as [fs] says; no kernel has that.";
    assert!(drawn.contains(named), "{drawn}");
    assert!(!drawn.contains("iomap_valid: `device_cache`"), "{drawn}");
}

/// Where a version is that of one kernel alone, it is as good as its name.
#[test]
fn a_version_is_as_good_as_the_name() {
    let folder = elsewhere();
    for (with, without) in [
        (&["check", "xfs/t1", "--kernel", "linux-6.12"][..], &["check", "xfs/t1", "--kernel", "6.12"][..]),
        (&["kernels", "linux-6.1.y", "linux-6.2"], &["kernels", "6.1.y", "6.2"]),
        (&["kernels", "linux-6.1.y", "linux-6.12"], &["kernels", "6.1.192", "v6.12"]),
        (
            &["compare", "xfs/t1", "--between", "linux-7.3", "none"],
            &["compare", "xfs/t1", "--between", "7.3", "none"],
        ),
    ] {
        let (with, without) = (stalemap(folder.path(), with), stalemap(folder.path(), without));
        assert_eq!((with.status.code(), text(&with.stdout)), (without.status.code(), text(&without.stdout)));
    }
}

#[test]
fn a_wrong_name_gets_the_right_one() {
    for (arguments, part) in [
        (&["kernels", "linux-6.11"][..], "known kernels: `linux-6.1`, "),
        (&["kernels", "bsd"], "known kernels: `linux-6.1`, "),
        (&["kernels", "6.1"], "did you mean `linux-6.1` (6.1.0) or `linux-6.1.y` (6.1.192)?"),
        (
            &["check", "xfs/t1", "--kernel", "6.1"],
            "did you mean `linux-6.1` (6.1.0) or `linux-6.1.y` (6.1.192)?",
        ),
        (&["check", "xfs/t1", "--design", "6.12"], "`linux-6.12` is a kernel; write `--kernel linux-6.12`"),
        (
            &["compare", "xfs/t1", "--between", "bsd", "none"],
            "there is no design `bsd`; known designs: `none`, ",
        ),
        (&["compare", "xfs/t1", "--between", "bsd", "none"], "; known kernels: `linux-6.1`, "),
        (&["kernels", "linux-6.1", "--format", "markdown"], "leave their names out"),
        (
            &["check", "xfs/t1", "--kernel", "linux-6.3"],
            "there is no kernel `linux-6.3`; known kernels: `linux-6.1`",
        ),
        (
            &["check", "xfs/t1", "--kernel", "iomap_valid"],
            "`iomap_valid` is a design; write `--design iomap_valid`",
        ),
        (
            &["check", "xfs/t1", "--design", "linux-6.1"],
            "`linux-6.1` is a kernel; write `--kernel linux-6.1`",
        ),
        (
            &["check", "zoned/t1", "--kernel", "linux-6.12"],
            "linux-6.12 has no xfs-zoned, on which this scenario is; leave it out, or take a kernel that has it: `linux-7.3`",
        ),
        (
            &["check", "xfs/t1", "zoned/t1", "--kernel", "linux-6.12"],
            "zoned/t1: linux-6.12 has no xfs-zoned, on which this scenario is",
        ),
        (
            &["check", "--kernel", "linux-7.3", "ext4/t1", "xfs/t1"],
            "ext4/t1: linux-7.3 has no ext4-iomap, on which this scenario is; no kernel has it; leave it out, or run it under a \
             design, like `--design iomap_valid`",
        ),
        (
            &["check", "ext4", "--kernel", "all"],
            "ext4/t11: no kernel has the file system of this scenario: ext4-iomap; leave it out, or run it under a design, \
             like `--design iomap_valid`",
        ),
        (
            &["check", "exfat", "--kernel", "all"],
            "exfat/mmap-grow: no kernel has the file system of this scenario: file system with a valid size (`valid_size`)",
        ),
        (
            &["check", "exfat/mmap-grow", "--kernel", "linux-7.3"],
            "linux-7.3 has no file system with a valid size (`valid_size`), on which this scenario is",
        ),
        (&["check", "xfs/t1", "xfs/t2", "--design", "type"], "xfs/t2: there is no design `type`"),
        (&["orderings", "xfs/t1", "--kernel", "all", "--format", "json"], "name one"),
    ] {
        let error = refused(arguments);
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
}
