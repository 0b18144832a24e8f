//! What no kernel does is found wherever it is in a trace: traces of a kernel in which a line was taken out, put elsewhere or changed. And
//! of answers that no piece is about it is said that there are such.

use std::fs;

use serde_json::Value;
use stalemap::conform::{Conformance, Verdict};
use stalemap_trace::Impossible;

use crate::common::{elsewhere, in_repository, stalemap, text};
use crate::conformance::{conform, trace};

/// The trace that is changed: a write is rejected at 0x4000 since page 8 was written back under it.
fn lines() -> Vec<String> {
    trace("v6.1.192-4k-orig-mmap").lines().map(str::to_owned).collect()
}

fn asked(lines: &[String]) -> Conformance {
    conform(&lines.join("\n"), None)
}

/// The line of a number, from 1, which has to have something in it.
fn line<'l>(lines: &'l mut [String], number: usize, has: &str) -> &'l mut String {
    let line = &mut lines[number - 1];
    assert!(line.contains(has), "{line}");
    line
}

/// What is impossible in a trace, and in which lines.
fn impossible(lines: &[String]) -> Vec<(Impossible, Vec<u64>)> {
    let found = asked(lines);
    assert!(found.impossible.is_empty() || found.verdict() == Verdict::DoesNotConform);
    found.impossible.into_iter().collect()
}

#[test]
fn nothing_is_impossible_in_what_a_kernel_did() {
    assert_eq!(impossible(&lines()), []);
}

#[test]
fn a_mapping_is_not_dropped_without_a_rejection() {
    let mut without_answer = lines();
    line(&mut without_answer, 154, "valid=0");
    without_answer.remove(153);
    let asks = without_answer.iter().position(|line| line.contains("pos 0x0 length 0x8200 flags WRITE"));
    let asks = asks.expect("it asks anew") as u64 + 1;
    assert_eq!(impossible(&without_answer), [(Impossible::DroppedUnrejected, vec![asks])]);
    let mut without_comparison = lines();
    line(&mut without_comparison, 152, ": write_begin: ");
    line(&mut without_comparison, 155, ": write_begin_ret: ");
    without_comparison.drain(151..155);
    let asked = impossible(&without_comparison);
    assert_eq!(asked, [(Impossible::DroppedUnrejected, vec![asks - 3])]);
}

/// The write of a second task, in the middle of the first one's: with its folio locked, and between two of its folios.
#[test]
fn a_write_has_the_file_for_itself() {
    let trace = lines();
    let called = trace[49].replace("pos 0x0 bytecount 0x8200", "pos 0x4000 bytecount 0x1000");
    assert!(called.contains("bytecount 0x1000"));
    let mut second = vec![called];
    second.extend(trace[155..167].iter().filter(|line| !line.contains(": uffd: ")).map(|line| {
        line.replace("bytecount 0x4200", "bytecount 0x1000")
            .replace("pos 0x0 length 0x8200", "pos 0x4000 length 0x1000")
    }));
    second.push(trace[203].clone());
    let second: Vec<String> =
        second.iter().map(|line| line.replace("wl-writer-269", "other-w-777")).collect();
    let with = |at: usize| [&trace[..at], &second, &trace[at..]].concat();
    for at in [164, 165, 174] {
        let found = impossible(&with(at));
        assert!(found.iter().any(|(what, _)| *what == Impossible::WritesOverlap), "{at}: {found:?}");
    }
    // A write that is over is in nobody's way; that its mapping is not that of now is another matter.
    let found = impossible(&with(trace.len()));
    assert!(found.iter().all(|(what, _)| *what == Impossible::MappingDiffers), "{found:?}");
}

#[test]
fn a_mapping_says_what_its_blocks_are() {
    let mut trace = lines();
    let mapping = line(&mut trace, 161, "iomap_iter_dstmap");
    *mapping = mapping.replace("length 0x8000", "length 0x10000");
    // It is not used up, either, when the write asks for the next one.
    let dropped = (Impossible::DroppedUnrejected, vec![189]);
    assert_eq!(impossible(&trace), [dropped, (Impossible::MappingDiffers, vec![161])]);
}

#[test]
fn what_is_compared_is_what_is_answered() {
    for different in ["cookie=0x9 dseq=0xc", "cookie=0xc dseq=0x99"] {
        let mut trace = lines();
        let compares = line(&mut trace, 163, "cookie=0xc dseq=0xc");
        *compares = compares.replace("cookie=0xc dseq=0xc", different);
        assert_eq!(impossible(&trace), [(Impossible::ValidThoughDifferent, vec![164])]);
    }
    // A probe that reads the counter where it is not never finds it equal.
    let elsewhere: Vec<String> = lines().iter().map(|line| line.replace("dseq=", "dseq=0x7")).collect();
    assert_eq!(impossible(&elsewhere), []);
}

#[test]
fn nothing_is_rejected_that_has_not_changed() {
    let mut trace = lines();
    let answer = line(&mut trace, 171, "valid=1");
    *answer = answer.replace("valid=1", "valid=0");
    let found = impossible(&trace);
    assert!(found.contains(&(Impossible::RejectedThoughUnmoved, vec![171])), "{found:?}");
    // A kernel that compares nothing rejects nothing at all.
    let found = conform(&lines().join("\n"), Some("linux-6.1"));
    assert_eq!(
        found.impossible.into_iter().collect::<Vec<_>>(),
        [(Impossible::RejectedUncompared, vec![154])]
    );
}

/// Writeback ends when what it wrote is converted, and not before.
#[test]
fn writeback_does_not_end_before_the_conversion() {
    let mut trace = lines();
    let end = trace.iter().position(|line| line.contains(": end_wb: ") && line.contains("idx=8"));
    let end = trace.remove(end.expect("its end"));
    line(&mut trace, 134, ": start_wb: ");
    trace.insert(134, end);
    assert_eq!(asked(&trace).verdict(), Verdict::DoesNotConform);
}

/// A trace that begins when the race is set up: the page that the rejection was for was cached before, and is no piece.
#[test]
fn a_rejection_in_no_piece_is_said_to_be() {
    let folder = elsewhere();
    let path = in_repository("tests/fixtures/lab/t1-6.12.txt.gz");
    let path = path.to_str().expect("UTF-8");
    let run = |arguments: &[&str]| {
        let output = stalemap(folder.path(), &[&["trace"], arguments].concat());
        (output.status.code(), text(&output.stdout))
    };
    let (code, said) = run(&[path, "--conforms"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("under linux-6.12\nincomplete\n5 pieces"), "{said}");
    let rejection = "the rejection in line 40 is in no explained piece: page 0x1000: it was cached before the trace began";
    let words: Vec<&str> = said.split_whitespace().collect();
    assert!(words.join(" ").contains(rejection), "{said}");
    let (code, said) = run(&[path, "--conforms", "--format", "json"]);
    assert_eq!(code, Some(3));
    let document: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(document["verdict"], "incomplete");
    assert_eq!((&document["answers"], &document["answers_explained"]), (&3.into(), &1.into()));
    assert_eq!(document["rejections_outside"], 1);
    assert_eq!(document["answers_outside"][0]["line"], 40);
    // A kernel that compares nothing did not do that, and neither did one that does, if it had said "valid".
    let (code, said) = run(&[path, "--conforms", "none"]);
    assert!(code == Some(1) && said.contains("rejections, and this kernel compares nothing"), "{said}");
    let mut plain = String::new();
    let file = fs::File::open(path).expect("a trace");
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut plain).expect("text");
    fs::write(folder.path().join("valid"), plain.replace("valid=0", "valid=1")).expect("a file");
    assert_eq!(run(&["valid", "--conforms"]).0, Some(1));
}

/// Where no answer is in a piece, nothing is said of the check, though all pieces are runs.
#[test]
fn pieces_without_an_answer_say_nothing_of_the_check() {
    let path = in_repository("tests/fixtures/lab/t11-6.12.txt.gz");
    let folder = elsewhere();
    let output = stalemap(folder.path(), &["trace", path.to_str().expect("UTF-8"), "--conforms"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("1 answers of the kernel's check: 0 in explained pieces, 1 in none"), "{said}");
}

/// What could not be read is said, as without `--conforms`.
#[test]
fn what_was_not_read_is_said() {
    let folder = elsewhere();
    let trace = trace("v6.1.192-4k-orig-control");
    let half = &trace[..trace.len() - trace.len() / 3];
    let half = &half[..half.rfind(": mm_filemap").expect("an event") + 40];
    let long = format!("{trace}{}\n", "x".repeat(1 << 20));
    for (contents, says) in [
        (half, "has no end; what came behind it is missing"),
        (half, "not read: 1 lines"),
        (&long, "it is longer than any event"),
    ] {
        fs::write(folder.path().join("trace"), contents).expect("a file");
        for arguments in [&["trace", "trace"][..], &["trace", "trace", "--conforms"]] {
            let said = text(&stalemap(folder.path(), arguments).stdout);
            assert!(said.contains(says), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn a_version_is_taken_for_the_name_of_a_kernel_that_was_meant() {
    let path = in_repository("tests/fixtures/traces/v6.12.117-4k-orig-unwritten.txt.gz");
    let path = path.to_str().expect("UTF-8");
    let folder = elsewhere();
    let told = |name: &str| stalemap(folder.path(), &["trace", path, "--conforms", name]);
    let (named, version) = (told("linux-6.12"), told("6.12"));
    assert_eq!((named.status.code(), text(&named.stdout)), (version.status.code(), text(&version.stdout)));
    let two = told("6.1");
    let said = text(&two.stderr);
    assert_eq!(two.status.code(), Some(2), "{said}");
    assert!(said.contains("did you mean `linux-6.1` (6.1.0) or `linux-6.1.y` (6.1.192)?"), "{said}");
}
