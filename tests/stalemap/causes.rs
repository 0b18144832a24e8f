//! What a counterexample says was the cause: whose mapping, outlived by what, and what a check saw of it. One case for each
//! way in which a mapping can do damage.

use stalemap::annotate::{About, AnnotatedSchedule, annotate};
use stalemap::report::cause::{critical_order, headline};

use crate::common::{checked, kernel};

/// The least counterexample of a shipped scenario under a design.
fn counterexample(name: &str, design: &str) -> AnnotatedSchedule {
    let outcome = checked(name, design);
    let found = outcome.counterexample.expect("a violation");
    let about = About { design: outcome.design, property: Some(found.property), ..About::default() };
    annotate(&kernel(name, design), &found.schedule, about).expect("a schedule that fits")
}

/// Whose mapping did it, and what a check saw or would have seen.
#[track_caller]
fn assert_cause(name: &str, design: &str, cause: &str, check: &str) {
    let schedule = counterexample(name, design);
    let headline = headline(&schedule);
    assert!(headline.ends_with(cause), "{headline}");
    let critical = critical_order(&schedule).expect("a critical order");
    assert!(critical.ends_with(check), "{critical}");
    assert!(!schedule.deciding.is_empty(), "some order decides");
}

#[test]
fn a_copy_through_an_old_mapping() {
    assert_cause(
        "xfs/t1",
        "none",
        "The mapping that writer had cached outlived a change by kworker (U -> W 4k-8k).",
        "Comparing the sampled seq (1) with the inode's (2) under the folio lock, before the use at 16, would have shown it.",
    );
    assert_cause(
        "xfs/t1",
        "before-lock",
        "The mapping that writer had cached outlived a change by kworker (U -> W 4k-8k).",
        "The check at 11 came too early to see it.",
    );
}

#[test]
fn a_mapping_that_is_kept_after_it_was_found_stale() {
    assert_cause(
        "xfs/t1",
        "keep-mapping",
        "The mapping that writer had cached outlived a change by kworker (U -> W 4k-8k).",
        "The check at 17 saw it, and the mapping was used all the same.",
    );
}

#[test]
fn a_cookie_that_is_younger_than_its_mapping() {
    assert_cause(
        "xfs/a16",
        "sample-outside",
        "The mapping that writer had cached outlived a change by kworker (U -> W 0-4k).",
        "The check at 15 passed, although the mapping was sampled at seq 1 and seq was 2.",
    );
}

#[test]
fn a_block_that_was_new_once() {
    assert_cause(
        "gfs2/t2-no-glock",
        "iomap_valid",
        "The mapping that writer had cached misled it (mapping says written NEW at 4k-8k, the block has been written since).",
        "The check at 29 passed: the mapping was sampled at seq 1, and seq still was 1.",
    );
}

#[test]
fn a_reservation_that_somebody_used_up() {
    assert_cause(
        "zoned/t2",
        "none",
        "The mapping that writer had cached outlived a change by flusher (COW D -> none 4k-8k).",
        "Comparing the sampled seq (0/1) with the inode's (1/2) under the folio lock, before the use at 30, would have shown it.",
    );
}

#[test]
fn writeback_to_a_place_that_is_another_s_by_now() {
    assert_cause(
        "xfs/t9b-clone",
        "linux-7.3",
        "The mapping that flusher had cached outlived a change by other ([src] COW none -> D 4k-8k).",
        "and before it used it at 37.",
    );
}

#[test]
fn writeback_of_data_over_what_was_a_hole() {
    assert_cause(
        "gfs2/t9-hole",
        "get_folio",
        "The mapping that flusher had cached outlived a change by writer (H -> W 4k-6k).",
        "Comparing seq (0 when sampled, 0 at 14) would not have shown it.",
    );
}

#[test]
fn data_into_an_inode_that_has_block_pointers() {
    assert_cause(
        "gfs2/stuffed-fault-counter",
        "none",
        "The mapping that writer had cached outlived a change by fault (data move out of the inode: I -> W 0-4k).",
        "before the use at 18, would have shown it.",
    );
}

#[test]
fn a_cookie_of_the_mapping_s_blocks() {
    assert_cause(
        "xfs/cookie-folio",
        "range-unchecked",
        "outlived a change by kworker (U -> W 2k-4k).",
        "Comparing the sampled seq (1) with that of its blocks (2) under the folio lock, before the use at 14, would have shown it.",
    );
}

#[test]
fn a_cookie_of_the_block_at_the_position() {
    assert_cause(
        "xfs/cookie-folio",
        "block-unchecked",
        "outlived a change by kworker (U -> W 2k-4k).",
        "Comparing the seq of the block at the position (1 when sampled, 1 at 14) would not have shown it.",
    );
    assert_cause(
        "xfs/cookie-folio",
        "block",
        "outlived a change by kworker (U -> W 2k-4k).",
        "The check at 14 passed: the mapping was sampled at seq 1, and the block at the position had not changed since (seq 1).",
    );
}

#[test]
fn a_mapping_that_was_permission_to_skip() {
    assert_cause(
        "xfs/t12",
        "check-late",
        "The mapping that writer had cached outlived a change by kworker (U -> W 0-4k).",
        "and before it used it at 16.",
    );
    let notes = &counterexample("xfs/t12", "check-late").steps[15].notes;
    assert_eq!(*notes, ["mapping says unwritten at 1k-4k, the extent is W: zeroing skipped"]);
}

#[test]
fn a_cookie_of_two_counters_and_an_address_that_moved() {
    assert_cause(
        "xfs/cow-srcmap",
        "none",
        "The mapping that writer had cached outlived a change by kworker ([src] COW W -> data W 4k-8k).",
        "Comparing the sampled seq (3/1) with the inode's (4/4) under the folio lock, before the use at 19, would have shown it.",
    );
    let notes = &counterexample("xfs/cow-srcmap", "none").steps[18].notes;
    let moved = "mapping says device block 1 at 4k-8k, the extent is at device block 3";
    assert!(notes.iter().any(|note| note == moved), "{notes:?}");
}

#[test]
fn a_block_that_was_written_elsewhere() {
    assert_cause(
        "zoned/relocate-write",
        "blind",
        "outlived a change by kworker (W -> W 0-4k, now at device block 1).",
        "and before it used it at 22.",
    );
    let notes = &counterexample("zoned/relocate-write", "blind").steps[21].notes;
    let said = [
        "mapping says device block 0 at 0-4k, the extent is at device block 1",
        "W -> W 0-4k, now at device block 2",
    ];
    assert_eq!(*notes, said);
}
