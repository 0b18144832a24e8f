//! docs/coverage.md names every shipped scenario, and none that there is not.

use std::collections::BTreeSet;

use stalemap::scenario::catalogue;

use crate::common::page;

#[test]
fn the_page_names_the_catalogue() {
    let page = page("docs/coverage.md");
    let shipped = catalogue::all();
    let shipped: BTreeSet<&str> = shipped.iter().map(|(name, _)| name.as_str()).collect();
    let folder = |name: &str| name.split_once('/').map(|(folder, _)| folder.to_owned());
    let folders: BTreeSet<String> = shipped.iter().copied().filter_map(folder).collect();
    let quoted = page.split('`').skip(1).step_by(2);
    let named: BTreeSet<&str> =
        quoted.filter(|text| folder(text).is_some_and(|folder| folders.contains(&folder))).collect();
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
