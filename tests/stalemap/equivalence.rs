//! The designs that check after the folio lock are one design to the data: `iomap_valid`, `get_folio` and
//! `series-07` leave the same possible contents behind, in every scenario of XFS. They differ in what they do to the
//! page cache beyond end of file, in who releases the folio, and in nothing that a user can read afterwards.
//!
//! Without a check there are contents that none of them can leave: those that have lost something.

use std::collections::BTreeSet;

use stalemap::scenario::Scenario;
use stalemap_checker::explore;
use stalemap_explore::Options;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::command::FileId;
use stalemap_model::words::config::FileRange;
use stalemap_model::words::design::Design;

use crate::common::{all_shipped, shipped};

/// Every possible contents of all files on disk, when everything is over; `None` when there are too many states
/// to see them all.
fn final_contents(scenario: &Scenario, design: &str) -> Option<BTreeSet<String>> {
    let design = Design::built_in(design).unwrap();
    let mut config = scenario.config(design);
    let geometry = config.geometry().unwrap();
    let end = u64::from(geometry.folios()) * geometry.folio_size();
    let whole = |file| FileRange { file: file as FileId, range: 0..end };
    config.observe = (0..config.files.len()).map(whole).collect();
    let exploration = explore(&Kernel::new(config).unwrap(), &Options::default(), &mut |_| ()).unwrap();
    exploration.is_complete().then(|| exploration.outcomes.into_keys().collect())
}

#[test]
fn the_designs_that_check_leave_the_same_contents() {
    let mut compared = 0;
    for scenario in all_shipped() {
        let name = &scenario.name;
        if !name.starts_with("xfs/") || !scenario.expected().iter().any(|name| name == "iomap_valid") {
            continue;
        }
        let Some(expected) = final_contents(&scenario, "iomap_valid") else { continue };
        for design in ["get_folio", "series-07"] {
            assert_eq!(final_contents(&scenario, design).as_ref(), Some(&expected), "{name} under {design}");
        }
        compared += 1;
    }
    assert!(compared > 20, "only {compared} scenarios were compared");
}

#[test]
fn without_a_check_there_are_contents_that_no_check_would_leave() {
    for name in ["xfs/t1", "xfs/t2", "xfs/t10", "xfs/t15", "xfs/cow-srcmap"] {
        let scenario = shipped(name);
        let checked = final_contents(&scenario, "iomap_valid").unwrap();
        let unchecked = final_contents(&scenario, "none").unwrap();
        assert!(checked.is_subset(&unchecked) && checked != unchecked, "{name}");
    }
}
