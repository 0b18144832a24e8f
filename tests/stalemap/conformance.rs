//! Traces of real kernels are runs of the model of their kernel, piece by piece; of another kernel they are not, and neither are they if
//! an answer is turned round or an event left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;

use serde_json::Value;
use stalemap::conform::{Asker, Conformance, PAIRS, Survey, kernel_of};
use stalemap::report::conform::sight;
use stalemap::scenario::Scenario;
use stalemap_explore::Limits;
use stalemap_trace::{Impossible, Reader, Rule, Which};

use crate::common::{elsewhere, in_repository, stalemap, text};

const FOLDERS: [&str; 2] = ["tests/fixtures/traces", "tests/fixtures/recorded"];

/// The traces that there are, by name, with their text.
fn traces() -> BTreeMap<String, String> {
    let mut traces = BTreeMap::new();
    for folder in FOLDERS {
        for file in fs::read_dir(in_repository(folder)).expect("traces") {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_str().expect("UTF-8");
            let Some(name) = name.strip_suffix(".txt.gz") else { continue };
            let mut text = String::new();
            let file = File::open(&path).expect("a trace");
            flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("text");
            traces.insert(name.to_owned(), text);
        }
    }
    traces
}

pub(crate) fn trace(name: &str) -> String {
    traces().remove(name).expect("a trace of that name")
}

/// Asks about a trace; without a kernel, about the one that it is of.
pub(crate) fn conform(trace: &str, kernel: Option<&str>) -> Conformance {
    let reader = || Reader::new(trace.as_bytes(), Which::First).expect("a trace");
    let survey = Survey::of(&mut reader(), 4096).expect("a trace").expect("events");
    let release = survey.release.as_deref();
    let kernel = kernel.or_else(|| release.and_then(kernel_of)).expect("a kernel");
    let implementation = |scenario: &Scenario| scenario.implementation(kernel);
    let limits = Limits { states: Some(PAIRS), ..Limits::default() };
    Asker::new(&implementation, survey.traces, limits).ask_all(reader(), survey.block).expect("a trace")
}

/// Whether all of a trace is a run.
fn conforms(trace: &str) -> bool {
    let found = conform(trace, None);
    found.unexplained == 0 && found.undecided.is_empty() && found.pieces > 0
}

fn counts(found: &Conformance) -> String {
    let undecided: u64 = found.undecided.values().sum();
    let outside: u64 = found.outside.values().sum();
    format!(
        "{} of {} pieces, {} of {} events; {undecided} undecided, {outside} no piece",
        found.explained, found.pieces, found.events, found.subjects
    )
}

#[test]
fn every_trace_is_a_run_of_the_model_of_its_kernel() {
    let mut table = String::new();
    for (name, trace) in traces() {
        let found = conform(&trace, None);
        let _ = writeln!(table, "{name}: {}", counts(&found));
        for (rule, times) in &found.rules {
            let _ = writeln!(table, "    {}: {times}", rule.name());
        }
        let nofix = name.contains("nofix");
        assert_eq!(found.unexplained > 0, nofix, "{name}");
        assert_eq!(found.impossible.is_empty(), !nofix, "{name}: {:?}", found.impossible);
        if !nofix {
            assert_eq!(found.explained, found.pieces, "{name}: {:?}", found.undecided);
        }
        if let Some(difference) = found.differences.first() {
            let seen = difference.seen.as_ref().expect("something seen");
            let (page, line) = (difference.piece.page, seen.line);
            let _ = writeln!(table, "    page {page:#x}, line {line}: {}", sight(&seen.sight));
        }
    }
    insta::assert_snapshot!(table);
}

/// What the kernel without its check does is what the kernel before the check does; of the kernel with it, it is no run where
/// an answer should have been another one.
#[test]
fn a_kernel_whose_check_is_taken_out_is_one_without_it() {
    for (name, trace) in traces().into_iter().filter(|(name, _)| name.contains("nofix")) {
        let without = conform(&trace, Some("linux-6.1"));
        assert_eq!((without.unexplained, without.explained), (0, without.pieces), "{name}");
        assert!(without.rules[&Rule::AnswerNotCompared] > 0, "{name}");
        let with = conform(&trace, Some("linux-6.1.y"));
        for difference in &with.differences {
            let seen = difference.seen.as_ref().expect("something seen");
            assert_eq!(sight(&seen.sight), "the kernel says that its mapping is valid", "{name}: {seen:?}");
        }
    }
    // The kernel with the check makes rejections, which the one before it never does.
    let with = conform(&trace("v6.1.192-4k-orig-unwritten"), Some("linux-6.1"));
    assert!(with.unexplained > 0);
}

/// Nothing is known of the pages that are written without the probe; the counter has moved all the same.
#[test]
fn an_answer_is_held_against_the_counter_without_a_piece() {
    let trace = trace("v6.1.192nofix-4k-orig-mmap");
    let lines: Vec<&str> = trace.lines().filter(|line| !line.contains(": write_begin: ")).collect();
    let found = conform(&lines.join("\n"), Some("linux-6.1.y"));
    assert_eq!((found.unexplained, found.impossible[&Impossible::ValidThoughMoved].len()), (0, 5));
    let before = conform(&lines.join("\n"), Some("linux-6.1"));
    assert!(before.impossible.is_empty());
}

/// A change of which it is not known whether it came before the mapping hides none that came after it.
#[test]
fn a_change_that_may_have_come_before_hides_no_later_one() {
    let trace = trace("v6.1.192nofix-4k-orig-unwritten");
    let mut lines: Vec<&str> = trace.lines().collect();
    let is_sampled = |line: &&str| line.contains("wl-writer") && line.contains(": iomap_iter_dstmap: ");
    let sampled = lines.iter().position(is_sampled).expect("a mapping");
    let time = lines[sampled].split_whitespace().nth(3).expect("a time");
    let far = format!(
        " kworker/9:9-9999 [001] ..... {time} xfs_iext_insert: dev 254:0 ino 0x83 state  cur 00/1 fileoff 0x100 \
         startblock 0x900 fsbcount 0x1 flag 0 caller xfs_bmap_add_extent_unwritten_real+0x304/0x11e0 [xfs]"
    );
    let without = conform(&trace, Some("linux-6.1.y")).unexplained;
    lines.insert(sampled + 1, &far);
    assert_eq!(conform(&lines.join("\n"), Some("linux-6.1.y")).unexplained, without);
}

/// The lines of a trace without one, for each line that has an event of that name.
fn without_each<'t>(trace: &'t str, event: &'t str) -> impl Iterator<Item = String> + 't {
    let name = format!(": {event}: ");
    let lines: Vec<&str> = trace.lines().collect();
    let places: Vec<usize> = (0..lines.len()).filter(|place| lines[*place].contains(&name)).collect();
    places.into_iter().map(move |place| [&lines[..place], &lines[place + 1..]].concat().join("\n"))
}

#[test]
fn no_answer_can_be_turned_round() {
    for name in ["v6.1.192-4k-orig-unwritten", "v6.1.192-1k-orig-unwritten", "v6.12.117-4k-orig-unwritten"] {
        let trace = trace(name);
        let lines: Vec<&str> = trace.lines().collect();
        let answers = (0..lines.len()).filter(|place| lines[*place].contains(": iomap_valid_ret: "));
        for place in answers {
            let line = lines[place];
            let turned = match line.strip_suffix("valid=1") {
                Some(before) => format!("{before}valid=0"),
                None => line.replace("valid=0", "valid=1"),
            };
            let turned = [&lines[..place], &[turned.as_str()], &lines[place + 1..]].concat().join("\n");
            assert!(!conforms(&turned), "{name}: line {}", place + 1);
        }
    }
}

#[test]
fn no_event_can_be_left_out() {
    let trace = trace("v6.1.192-4k-orig-unwritten");
    // How many of an event's lines are missed when they are left out. What comes at the very end has no consequence; a record that
    // is taken out and put back larger is the same without the first.
    for (event, needed, not) in [
        ("iomap_valid_ret", 11, 0),
        ("write_end", 10, 0),
        ("clear_dirty", 10, 0),
        ("iomap_writepage_map", 10, 0),
        ("mm_filemap_delete_from_page_cache", 14, 0),
        ("mm_filemap_add_to_page_cache", 14, 4),
        ("xfs_iext_insert", 3, 0),
        ("xfs_bmap_post_update", 2, 0),
        ("xfs_iext_remove", 0, 1),
        ("read_folio_sync", 1, 0),
        ("iomap_iter_dstmap", 5, 3),
    ] {
        let missed: Vec<bool> = without_each(&trace, event).map(|trace| !conforms(&trace)).collect();
        let count = missed.iter().filter(|missed| **missed).count();
        assert_eq!((count, missed.len() - count), (needed, not), "{event}: {missed:?}");
    }
}

/// The trace with a line moved to before another one; both are named by what they have in them, the first time after a line.
fn moved(trace: &str, from: &str, to: &str, behind: &str) -> String {
    let mut lines: Vec<&str> = trace.lines().collect();
    let start = lines.iter().position(|line| line.contains(behind)).expect("a beginning");
    let find = |lines: &[&str], what: &str| {
        start + lines[start..].iter().position(|line| line.contains(what)).expect("such a line")
    };
    let place = find(&lines, from);
    let line = lines.remove(place);
    let place = find(&lines, to);
    lines.insert(place, line);
    lines.join("\n")
}

/// A mapping may be printed when the extents have changed already: it was sampled before. It was not before it was asked for.
#[test]
fn rule_mapping_is_printed_late() {
    let trace = trace("v6.1.192-4k-orig-unwritten");
    let writer = "op=pwrite ph=B id=4 off=0x0 len=0x8200";
    assert!(trace.contains(writer) || trace.contains("len=0x8200"));
    let behind = if trace.contains(writer) { writer } else { "len=0x8200" };
    // The writer asks again after its mapping was rejected: page 8 is written by now, and says so.
    let says = moved(&trace, "type MAPPED", "iomap_valid_ret", behind);
    assert!(!conforms(&says), "a mapping cannot be what will be so");
    let found = conform(&trace, None);
    assert!(found.rules[&Rule::MappingIsPrintedLate] > 0);
}

/// A rejection may be printed before the change that it is for, if that had begun; not before.
#[test]
fn rule_change_is_printed_nearby() {
    let trace = trace("v6.1.192-4k-orig-unwritten");
    let lines: Vec<&str> = trace.lines().collect();
    let at = |what: &str| lines.iter().position(|line| line.contains(what)).expect("such a line");
    let (converts, inserts) = (at(": conv_unwritten: "), at("caller xfs_bmap_add_extent_unwritten_real"));
    assert!(converts < inserts);
    let found = conform(&trace, None);
    assert!(found.rules[&Rule::ChangeIsPrintedNearby] > 0);
    let rejection = lines.iter().position(|line| line.contains("valid=0")).expect("a rejection");
    let early = |to: usize| {
        let mut lines = lines.clone();
        let check: Vec<&str> = lines.drain(rejection - 3..=rejection).collect();
        assert!(check[0].contains(": write_begin: "), "{check:?}");
        lines.splice(to..to, check);
        lines.join("\n")
    };
    assert!(conforms(&early(inserts)), "in the middle of the change");
    assert!(!conforms(&early(converts - 1)), "before it began");
}

/// The end of writeback that was not seen is implied by what came next; more often than once a time it is not.
#[test]
fn rule_writeback_end_is_implied() {
    let trace = trace("v6.1.192-4k-orig-unwritten");
    for trace in without_each(&trace, "end_wb") {
        let found = conform(&trace, None);
        assert_eq!(found.unexplained, 0);
        assert_eq!(found.rules.get(&Rule::WritebackEndIsImplied), Some(&1));
    }
}

/// Each rule is needed by some trace.
#[test]
fn every_rule_is_needed() {
    let mut needed = BTreeMap::new();
    for (name, kernel) in [
        ("v6.1.192-4k-race-us", None),
        ("v6.12.117-4k-race-ms", None),
        ("v6.1.192nofix-4k-orig-mmap", Some("linux-6.1")),
    ] {
        for (rule, times) in conform(&trace(name), kernel).rules {
            *needed.entry(rule).or_insert(0) += times;
        }
    }
    assert_eq!(needed.keys().copied().collect::<Vec<_>>(), {
        let mut all = Rule::ALL.to_vec();
        all.sort();
        all
    });
}

/// Events that the kernel had no room for make no difference that is one: what they belonged to is no piece.
#[test]
fn lost_events_are_no_difference() {
    let trace = trace("v6.1.192-4k-orig-unwritten");
    let lines: Vec<&str> = trace.lines().collect();
    for cut in (20..lines.len() - 20).step_by(7) {
        let lost = [&lines[..cut], &["CPU:1 [LOST 9 EVENTS]"], &lines[cut + 9..]].concat().join("\n");
        let found = conform(&lost, Some("linux-6.1.y"));
        assert_eq!(found.unexplained, 0, "lines {cut} to {}: {:?}", cut + 9, found.differences);
    }
}

#[test]
fn the_command_says_whether_and_where() {
    let folder = elsewhere();
    let path = |name: &str| {
        let path = in_repository(&format!("tests/fixtures/traces/{name}.txt.gz"));
        path.to_str().expect("UTF-8").to_owned()
    };
    let (good, bad) = (path("v6.12.117-4k-orig-unwritten"), path("v6.1.192nofix-4k-orig-unwritten"));
    let run = |arguments: &[&str]| {
        let output = stalemap(folder.path(), &[&["trace"], arguments].concat());
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = run(&[&good, "--conforms"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("under linux-6.12\nconforms\n32 pieces"), "{said}");
    let (code, said, _) = run(&[&bad, "--conforms"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("does not conform") && said.contains("page 0x4000"), "{said}");
    let (code, said, _) = run(&[&bad, "--conforms", "linux-6.1.y", "--format", "json"]);
    assert_eq!(code, Some(1));
    let document: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(document["schema"], "stalemap.conformance/1");
    // Four pages whose mapping had become stale by a change elsewhere, and the one that lost data.
    assert_eq!(document["unexplained"], 5);
    let pages = document["differences"].as_array().expect("differences").iter();
    let pages: Vec<&Value> = pages.map(|difference| &difference["page"]).collect();
    assert_eq!(pages, [0x4000, 0x5000, 0x6000, 0x7000, 0x8000]);
    let scenario = document["differences"][0]["scenario"].as_str().expect("a scenario");
    fs::write(folder.path().join("piece.toml"), scenario).expect("a file");
    assert_eq!(stalemap(folder.path(), &["show", "piece.toml"]).status.code(), Some(0));
    let trace = trace("v6.1.192-4k-orig-control");
    let (one, other): (Vec<&str>, Vec<&str>) = trace.lines().partition(|line| line.contains(" [000] "));
    fs::write(folder.path().join("by-processor"), [one, other].concat().join("\n")).expect("a file");
    let (code, said, _) = run(&["by-processor"]);
    assert!(code == Some(0) && said.contains("out of order: times go back 1 times"), "{said}");
    for (arguments, says) in [
        (&["by-processor", "--conforms"][..], "times go back 1 times"),
        (&[good.as_str(), "--conforms", "linux-9.9"], "there is no kernel `linux-9.9`"),
        (&[good.as_str(), "--conforms", "nonsense"], "there is no design `nonsense`"),
        (&["-", "--conforms"], "a trace is read twice"),
        (&[good.as_str(), "--conforms", "--format", "jsonl"], "`--format jsonl` prints events"),
        (&["none", "--conforms"], "cannot read none"),
    ] {
        let (code, _, said) = run(arguments);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

/// A window is drawn with the run that explains it, and each step has the lines that it explains.
#[test]
fn a_window_is_drawn() {
    let folder = elsewhere();
    for (name, kernel, says) in [
        ("v6.1.192-4k-orig-unwritten", "linux-6.1.y", "stale"),
        ("v6.1.192nofix-4k-orig-mmap", "linux-6.1", "lost write"),
    ] {
        let path = in_repository(&format!("tests/fixtures/traces/{name}.txt.gz"));
        let arguments =
            ["trace", path.to_str().expect("UTF-8"), "--window", "1", "--html", "w.html", "--svg", "w.svg"];
        let output = stalemap(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "wrote w.html\nwrote w.svg\n");
        let page = fs::read_to_string(folder.path().join("w.html")).expect("a page");
        assert!(page.contains(kernel) && page.contains("trace line "), "{name}");
        assert!(page.contains(says), "{name}: {says}");
        let image = fs::read_to_string(folder.path().join("w.svg")).expect("an image");
        assert!(image.starts_with("<svg") && image.contains("iomap_begin"), "{name}");
    }
    let output = stalemap(folder.path(), &["trace", "x", "--window", "1"]);
    assert_eq!(output.status.code(), Some(2));
}
