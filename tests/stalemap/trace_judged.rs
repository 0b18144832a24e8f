//! What is said of single uses of stale mappings, in traces of a few lines that are made for one question each
//! (`tests/fixtures/made`), and of what cannot be judged in traces of the lab's runs (`tests/fixtures/lab`).

use std::collections::BTreeMap;
use std::fs;

use stalemap_trace::{Finder, Harm, Purpose, Reader, Which, Windows};

use crate::common::{elsewhere, in_repository, stalemap, text};

fn read(file: &str) -> Windows {
    let trace = fs::File::open(in_repository(&format!("tests/fixtures/{file}"))).expect("a trace");
    let mut reader = Reader::new(trace, Which::First).expect("a trace");
    let mut finder = Finder::new(4096);
    while let Some(traced) = reader.next_event().expect("a trace") {
        finder.see(&traced);
    }
    finder.finish()
}

/// The first byte of a range, and the last one.
type Bytes = (u64, u64);

/// The only window of a trace: how bad, why, which bytes are wrong, and where the extents differ from the mapping.
fn judged(file: &str) -> (Harm, &'static str, Vec<Bytes>, Option<Bytes>) {
    let windows = read(&format!("made/{file}.txt")).windows;
    assert_eq!(windows.len(), 1, "{file}: {windows:?}");
    let window = &windows[0];
    let wrong = window.judgement.wrong.iter().map(|bytes| (bytes.first, bytes.last)).collect();
    let differs = window.differs.as_ref().map(|(bytes, _)| (bytes.first, bytes.last));
    (window.judgement.harm, window.judgement.why, wrong, differs)
}

/// A block that was given up and allocated anew is of the same kind as before, and elsewhere.
#[test]
fn a_block_of_the_same_kind_elsewhere_is_another_one() {
    let moved = "data go to where the block was, and not to where it is";
    let second = Some((0x1000, 0x1fff));
    assert_eq!(judged("writeback-to-where-it-was"), (Harm::Harmful, moved, vec![], second));
    assert_eq!(judged("writeback-unwritten-elsewhere"), (Harm::Harmful, moved, vec![], second));
    let read = "the rest of the block is read from where it was, and not from where it is";
    let rest = vec![(0x1800, 0x1fff)];
    assert_eq!(judged("rest-read-from-where-it-was"), (Harm::Harmful, read, rest, second));
}

/// What is read of a block that reads as zeros by now is wrong, though it is in the page cache afterwards.
#[test]
fn what_is_read_of_an_unwritten_block_is_wrong() {
    let trace = in_repository("tests/fixtures/made/rest-read-from-where-it-was.txt");
    let trace = fs::read_to_string(trace).expect("a trace");
    let unwritten =
        trace.replace("startblock 0x50 fsbcount 0x1 flag 0", "startblock 0x19 fsbcount 0x1 flag 1");
    assert_ne!(unwritten, trace);
    let mut reader = Reader::new(unwritten.as_bytes(), Which::First).expect("a trace");
    let mut finder = Finder::new(4096);
    while let Some(traced) = reader.next_event().expect("a trace") {
        finder.see(&traced);
    }
    let windows = finder.finish().windows;
    let why: Vec<&str> = windows.iter().map(|window| window.judgement.why).collect();
    assert_eq!(why, ["the rest of the block is read from where the file has no block"]);
}

/// A record that is taken out and put back where it was is no other block: nothing is wrong.
#[test]
fn a_block_at_its_place_is_the_same() {
    let trace = in_repository("tests/fixtures/made/writeback-to-where-it-was.txt");
    let back = fs::read_to_string(trace).expect("a trace").replace("startblock 0x50", "startblock 0x19");
    let mut reader = Reader::new(back.as_bytes(), Which::First).expect("a trace");
    let mut finder = Finder::new(4096);
    while let Some(traced) = reader.next_event().expect("a trace") {
        finder.see(&traced);
    }
    assert_eq!(finder.finish().windows, []);
}

#[test]
fn writeback_that_passes_a_block_over_does_harm() {
    let passed = "data are not written, though the file has a block";
    let second = Some((0x1000, 0x1fff));
    assert_eq!(judged("writeback-passes-over"), (Harm::Harmful, passed, vec![], second));
}

/// Of two blocks that a write is about the first was converted, which is harmless, and the second one was given up.
#[test]
fn a_hole_behind_another_change_is_found() {
    let (harm, why, ..) = judged("hole-behind-another-change");
    assert_eq!((harm, why), (Harm::Harmful, "data go to where the file has no block"));
}

/// Data were lost in both runs by uses that have no event.
#[test]
fn what_cannot_be_judged_is_counted() {
    let not_judged = |file: &str| read(&format!("lab/{file}.txt.gz")).totals.not_judged;
    let of_faults = BTreeMap::from([(Purpose::Fault, 1), (Purpose::Read, 7), (Purpose::Direct, 1)]);
    assert_eq!(not_judged("t3-mmap-7.3"), of_faults);
    assert_eq!(not_judged("t11-6.12"), BTreeMap::from([(Purpose::Read, 2), (Purpose::Direct, 1)]));
    let folder = elsewhere();
    let path = in_repository("tests/fixtures/lab/t3-mmap-7.3.txt.gz");
    let said = text(&stalemap(folder.path(), &["trace", path.to_str().expect("UTF-8")]).stdout);
    let expected = "9 mappings were handed out\n    not judged: 1 for faults, 7 for reads, 1 for direct I/O";
    assert!(said.contains(expected), "{said}");
}

/// Without the probe at `iomap_write_begin` no use by a write is seen, either.
#[test]
fn writes_are_not_judged_without_their_probe() {
    let name = "tests/fixtures/traces/v6.1.192nofix-4k-orig-mmap.txt.gz";
    let mut trace = String::new();
    let file = fs::File::open(in_repository(name)).expect("a trace");
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut trace).expect("text");
    let judged = |trace: &str| {
        let mut reader = Reader::new(trace.as_bytes(), Which::First).expect("a trace");
        let mut finder = Finder::new(4096);
        while let Some(traced) = reader.next_event().expect("a trace") {
            finder.see(&traced);
        }
        finder.finish().totals.not_judged.contains_key(&Purpose::Write)
    };
    let without: Vec<&str> = trace.lines().filter(|line| !line.contains(": write_begin: ")).collect();
    assert!(!judged(&trace) && judged(&without.join("\n")));
}

/// The size of a block is held against the same limits, whoever says it.
#[test]
fn a_size_of_blocks_that_is_none_is_refused() {
    let folder = elsewhere();
    let trace = in_repository("tests/fixtures/made/writeback-to-where-it-was.txt");
    let trace = fs::read_to_string(trace).expect("a trace");
    for bytes in ["0", "3000", "256", "131072"] {
        let wrong = trace.replace("bsize=4096", &format!("bsize={bytes}"));
        fs::write(folder.path().join("wrong"), wrong).expect("a file");
        for arguments in [&["trace", "wrong"][..], &["trace", "wrong", "--conforms"]] {
            let output = stalemap(folder.path(), arguments);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
            let expected = format!("`wl meta` says bsize={bytes}: expected a power of two from 512 to 64k");
            assert!(said.contains(&expected), "{said}");
        }
    }
}
