//! docs/coverage.md names every shipped scenario, and none that there is not.

use std::collections::BTreeSet;

use stalemap::scenario::catalogue;

use crate::common::page;

const FOLDERS: [&str; 5] = ["xfs/", "zoned/", "gfs2/", "ext4/", "zonefs/"];

#[test]
fn the_page_names_the_catalogue() {
    let page = page("docs/coverage.md");
    let quoted = page.split('`').skip(1).step_by(2);
    let named: BTreeSet<&str> =
        quoted.filter(|text| FOLDERS.iter().any(|folder| text.starts_with(folder))).collect();
    let shipped = catalogue::all();
    let shipped: BTreeSet<&str> = shipped.iter().map(|(name, _)| name.as_str()).collect();
    let unknown: Vec<_> = named.difference(&shipped).collect();
    let missing: Vec<_> = shipped.difference(&named).collect();
    assert!(unknown.is_empty() && missing.is_empty(), "unknown: {unknown:?}; missing: {missing:?}");
}

#[test]
fn every_row_says_something() {
    let page = page("docs/coverage.md");
    let empty = page.lines().filter(|line| line.starts_with("| ") && line.ends_with("|  |"));
    assert_eq!(empty.collect::<Vec<_>>(), Vec::<&str>::new());
    for timeline in 1..=16 {
        assert!(page.contains(&format!("\n| T{timeline} |")), "T{timeline}");
    }
}
