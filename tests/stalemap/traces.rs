//! Traces of real kernels (`tests/fixtures/traces`): what is understood of them is all of them, rejections are the kernel's, and the uses
//! of stale mappings that are called harmful are just those after which the traced program found wrong bytes.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use serde_json::Value;
use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::verdict::Verdict;
use stalemap_model::judge::properties;
use stalemap_trace::{Counts, Finder, Harm, Reader, Which, Windows};

use crate::common::{elsewhere, good, in_repository, program, stalemap, text};

const TRACES: &str = "tests/fixtures/traces";

fn read(input: impl std::io::Read, which: Which) -> (Counts, Windows) {
    let mut reader = Reader::new(input, which).expect("a trace");
    let mut finder = Finder::new(4096);
    while let Some(traced) = reader.next_event().expect("a trace") {
        finder.see(&traced);
    }
    (reader.counts().clone(), finder.finish())
}

fn open(name: &str) -> File {
    File::open(in_repository(&format!("{TRACES}/{name}.txt.gz"))).expect("a trace")
}

/// The text of a trace.
fn plain(name: &str) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(open(name)).read_to_string(&mut text).expect("text");
    text
}

fn names() -> Vec<String> {
    let files = fs::read_dir(in_repository(TRACES)).expect("traces");
    let name = |file: fs::DirEntry| file.file_name().into_string().expect("UTF-8");
    let mut names: Vec<String> = files
        .filter_map(|file| Some(name(file.expect("a file")).strip_suffix(".txt.gz")?.to_owned()))
        .collect();
    names.sort();
    names
}

/// What was counted when the traces were taken: events, comparisons, rejections.
const TAKEN: [(&str, u64, u64, u64); 18] = [
    ("v5.10.262-1k-orig-unwritten", 271, 0, 0),
    ("v5.10.262-1k-race-us", 13223, 0, 0),
    ("v5.10.262-4k-orig-mmap", 251, 0, 0),
    ("v5.10.262-4k-orig-unwritten", 248, 0, 0),
    ("v6.1.192-1k-orig-unwritten", 349, 11, 1),
    ("v6.1.192-4k-orig-control", 261, 10, 0),
    ("v6.1.192-4k-orig-delalloc", 313, 11, 1),
    ("v6.1.192-4k-orig-delalloc2", 348, 19, 1),
    ("v6.1.192-4k-orig-mmap", 312, 10, 1),
    ("v6.1.192-4k-orig-unwritten", 311, 11, 1),
    ("v6.1.192-4k-race-us", 12189, 418, 37),
    ("v6.1.192nofix-4k-orig-delalloc", 292, 10, 0),
    ("v6.1.192nofix-4k-orig-delalloc2", 323, 18, 0),
    ("v6.1.192nofix-4k-orig-mmap", 286, 9, 0),
    ("v6.1.192nofix-4k-orig-unwritten", 286, 10, 0),
    ("v6.1.192nofix-4k-race-us", 10911, 381, 0),
    ("v6.12.117-4k-orig-unwritten", 227, 4, 1),
    ("v6.12.117-4k-race-ms", 11759, 314, 5),
];

#[test]
fn every_event_is_understood_and_rejections_are_the_kernels() {
    assert_eq!(names(), TAKEN.map(|(name, ..)| name.to_owned()));
    for (name, events, checks, rejections) in TAKEN {
        let (counts, windows) = read(open(name), Which::First);
        assert_eq!((counts.events, counts.understood), (events, events), "{name}: {counts:?}");
        assert_eq!((counts.unreadable, counts.lost), (0, 0), "{name}");
        assert_eq!((windows.totals.checks, windows.totals.rejections), (checks, rejections), "{name}");
        assert_eq!(windows.totals.rejected, rejections, "{name}: each is explained");
        // The event is there since 6.3.
        let reported = if name.starts_with("v6.12") { rejections } else { 0 };
        assert_eq!(windows.totals.reported, reported, "{name}");
    }
}

/// What the script of `trace record` took of 7.3.4, which has other names and arguments than the kernels before it.
#[test]
fn what_the_script_takes_is_understood() {
    let trace = File::open(in_repository("tests/fixtures/recorded/7.3.4.txt.gz")).expect("a trace");
    let (counts, windows) = read(trace, Which::First);
    assert_eq!((counts.events, counts.understood, counts.unreadable), (1951, 1951, 0));
    let totals = windows.totals;
    assert_eq!((totals.mappings, totals.checks, totals.rejections, totals.reported), (49, 121, 1, 1));
    assert_eq!((totals.rejected, totals.rejected_harmful, totals.harmful), (1, 0, 0));
}

#[test]
fn the_script_is_printed_and_says_how_it_is_used() {
    let folder = elsewhere();
    let output = stalemap(folder.path(), &["trace", "record"]);
    assert_eq!(output.status.code(), Some(0));
    fs::write(folder.path().join("record.sh"), &output.stdout).expect("a file");
    let shell = |arguments: &[&str]| {
        Command::new("sh").args(arguments).current_dir(folder.path()).output().expect("a shell")
    };
    assert!(shell(&["-n", "record.sh"]).status.success());
    for arguments in
        [&["record.sh"][..], &["record.sh", "file", "out"], &["record.sh", "none", "out", "true"]]
    {
        let output = shell(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(!output.stderr.is_empty());
    }
    // Without a file there is nothing to read.
    assert_eq!(stalemap(folder.path(), &["trace"]).status.code(), Some(2));
}

/// Bytes that a trace's own comparisons found wrong, in the page cache or on disk, and those that harmful uses explain.
#[test]
fn the_bytes_that_are_wrong_are_those_that_are_predicted() {
    let mut corrupted = 0;
    for name in names() {
        let (_, windows) = read(open(&name), Which::First);
        let found = windows.wrong_contents.iter().map(|wrong| (wrong.first, wrong.last));
        let mut found: Vec<(u64, u64)> = found.collect();
        // Twice: as it is cached, and from the disk.
        found.dedup();
        let harmful = windows
            .windows
            .iter()
            .filter(|window| !window.rejected && window.judgement.harm == Harm::Harmful);
        let predicted = harmful.flat_map(|window| window.judgement.wrong.iter());
        let predicted: Vec<(u64, u64)> = predicted.map(|bytes| (bytes.first, bytes.last)).collect();
        assert_eq!(found, predicted, "{name}");
        assert!(windows.wrong_contents.iter().all(|wrong| windows.predicts(wrong)), "{name}");
        corrupted += found.len();
    }
    assert_eq!(corrupted, 11);
}

#[test]
fn totals_are_as_recorded() {
    let mut table = String::new();
    for name in names() {
        let (_, windows) = read(open(&name), Which::First);
        let totals = windows.totals;
        let _ = writeln!(
            table,
            "{name}: {} mappings; rejected {} (saved {}, needless {}); harmful {}, harmless {}, unknown {}",
            totals.mappings,
            totals.rejected,
            totals.rejected_harmful,
            totals.rejected_needlessly,
            totals.harmful,
            totals.harmless,
            totals.unknown
        );
    }
    insta::assert_snapshot!(table);
}

/// Each use that lost data, cut out: without a check the model loses, too, and the check prevents it.
#[test]
fn what_was_lost_can_happen_and_the_check_prevents_it() {
    let folder = elsewhere();
    let mut cut = 0;
    for name in names() {
        let trace = in_repository(&format!("{TRACES}/{name}.txt.gz"));
        let (_, windows) = read(open(&name), Which::First);
        for number in 1..=windows.totals.harmful + windows.totals.rejected_harmful {
            let (file, number) = (format!("{name}-{number}.toml"), number.to_string());
            let output = program()
                .args(["trace", "--window", &number, "--scenario", &file])
                .arg(&trace)
                .current_dir(folder.path())
                .output()
                .expect("the program starts");
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            let source = fs::read_to_string(folder.path().join(&file)).expect("a scenario");
            let scenario = good(&file, &source);
            let under = |design: &str| {
                let implementation = scenario.implementation(design).expect("a built-in design");
                let job = Job { scenario: &scenario, implementation, engine: Engine::Exhaustive };
                run_all(&[job], GivenLimits::default(), 1, &|_| ()).remove(0).expect("a run")
            };
            let without = under("none");
            assert!(without.violated.contains(&properties::LOST_WRITE), "{source}");
            assert_eq!(under("iomap_valid").verdict, Verdict::Holds, "{source}");
            cut += 1;
        }
    }
    assert_eq!(cut, 11 + 12);
}

#[test]
fn windows_are_shown_the_worst_first() {
    let folder = elsewhere();
    let mut shown = String::new();
    for name in ["v6.1.192nofix-4k-orig-mmap", "v6.1.192-4k-orig-delalloc", "v6.12.117-4k-orig-unwritten"] {
        fs::copy(in_repository(&format!("{TRACES}/{name}.txt.gz")), folder.path().join(name))
            .expect("a copy");
        let output = stalemap(folder.path(), &["trace", name, "--all"]);
        assert_eq!(output.status.code(), Some(0));
        let _ = writeln!(shown, "{}", text(&output.stdout));
    }
    insta::assert_snapshot!(shown);
}

/// The kernel with its check taken out loses what the kernel with the check rejects; a reservation of a hole is harmless in both.
#[test]
fn what_the_check_saves_is_what_is_lost_without_it() {
    for (run, saved) in [("unwritten", true), ("delalloc2", true), ("mmap", true), ("delalloc", false)] {
        let (_, with) = read(open(&format!("v6.1.192-4k-orig-{run}")), Which::First);
        let (_, without) = read(open(&format!("v6.1.192nofix-4k-orig-{run}")), Which::First);
        let wrong = |windows: &Windows, rejected: bool| -> Vec<(u64, u64)> {
            let windows = windows.windows.iter().filter(|window| window.rejected == rejected);
            windows
                .flat_map(|window| &window.judgement.wrong)
                .map(|bytes| (bytes.first, bytes.last))
                .collect()
        };
        assert_eq!(wrong(&with, true), wrong(&without, false), "{run}");
        assert_eq!(wrong(&with, true).len(), usize::from(saved), "{run}");
    }
}

/// The lines of tracefs as `trace-cmd report` prints them, as trace_pipe does, and with the number of the process.
#[test]
fn the_forms_of_a_trace_say_the_same() {
    let plain = plain("v6.1.192-4k-orig-unwritten");
    let (counts, windows) = read(plain.as_bytes(), Which::First);
    let lines: Vec<&str> = plain.lines().filter(|line| !line.starts_with('#')).collect();
    let pipe = lines.join("\n");
    let reported = |line: &&str| {
        let (head, rest) = line.split_once("] ").expect("a processor");
        let (_, rest) = rest.split_once(' ').expect("flags");
        let mut parts = rest.splitn(3, ": ");
        let mut part = || parts.next().unwrap_or_default();
        format!("{head}] {}: {:<21}{}", part(), format!("{}:", part()), part())
    };
    let report = lines.iter().map(reported).collect::<Vec<_>>().join("\n");
    let of_process = |line: &&str| line.replacen(" [0", " (  7151) [0", 1);
    let with_process = lines.iter().map(of_process).collect::<Vec<_>>().join("\n");
    for form in [pipe, format!("cpus=2\n{report}"), with_process] {
        let (of_form, windows_of_form) = read(form.as_bytes(), Which::First);
        assert_eq!(of_form.understood, counts.understood);
        assert_eq!(windows_of_form.totals, windows.totals);
        let wrong =
            |windows: &Windows| windows.windows.iter().map(|w| w.judgement.clone()).collect::<Vec<_>>();
        assert_eq!(wrong(&windows_of_form), wrong(&windows));
    }
}

#[test]
fn the_command_reads_files_and_pipes() {
    let folder = elsewhere();
    let trace = in_repository(&format!("{TRACES}/v5.10.262-4k-orig-mmap.txt.gz"));
    let path = trace.to_str().expect("UTF-8");
    let output = stalemap(folder.path(), &["trace", path, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["schema"], "stalemap.trace/1");
    assert_eq!(document["inode"], 0x83);
    assert_eq!(document["totals"]["harmful"], 1);
    assert_eq!(document["windows"][0]["wrong"][0], serde_json::json!({ "first": 0x8200, "last": 0x8fff }));

    let output = stalemap(folder.path(), &["trace", path, "--format", "jsonl", "--inode", "0x83"]);
    let lines = text(&output.stdout);
    assert_eq!(lines.lines().count(), 251);
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        assert!(event["kind"].is_string() && event["pid"].is_number() && event["line"].is_number(), "{line}");
    }

    let mut child = program()
        .args(["trace", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(&fs::read(&trace).expect("a trace")).expect("it reads");
    let said = text(&child.wait_with_output().expect("it ends").stdout);
    assert!(said.contains("0x8200-0x8fff are wrong") && said.contains("as predicted"), "{said}");
}

#[test]
fn what_is_no_trace_is_said_to_be_none() {
    let folder = elsewhere();
    let write = |name: &str, contents: &[u8]| {
        fs::write(folder.path().join(name), contents).expect("a file");
        name.to_owned()
    };
    let trace =
        fs::read(in_repository(&format!("{TRACES}/v6.1.192-4k-orig-control.txt.gz"))).expect("a trace");
    let line = "  bash-7  [000] .....  1.5: sched_switch: prev_comm=bash\n";
    for (file, says) in [
        (write("empty", b""), "it has no events; the text of /sys/kernel/tracing/trace"),
        (write("header", b"# tracer: nop\n#\n"), "it has no events"),
        (
            write("binary", &[0x7f, b'E', b'L', b'F', 0xff, 0xfe, 0, 1]),
            "line 1 is not one of a trace: it is not text",
        ),
        (write("strace", b"write(3, \"x\", 1) = 1\n"), "line 1 is not one of a trace"),
        (write("other", line.repeat(3).as_bytes()), "of its 3 events none is about mappings"),
        (write("damaged.gz", &[&trace[..1000], &[0; 64][..], &trace[1064..]].concat()), "line "),
        ("nothing".to_owned(), "cannot read nothing"),
        (".".to_owned(), "is a folder"),
    ] {
        let output = stalemap(folder.path(), &["trace", &file]);
        assert_eq!(output.status.code(), Some(2), "{file}: {}", text(&output.stdout));
        let said = text(&output.stderr);
        assert!(said.starts_with("error: ") && said.contains(says), "{file}: {said}");
        assert!(output.stdout.is_empty());
    }
    fs::write(folder.path().join("trace.gz"), &trace).expect("a file");
    let output = stalemap(folder.path(), &["trace", "trace.gz", "--inode", "5"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("no event is of inode 0x5; the trace has 0x83"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn of_a_compressed_trace_that_is_cut_off_what_is_there_is_judged() {
    let folder = elsewhere();
    let trace = in_repository(&format!("{TRACES}/v6.1.192-4k-race-us.txt.gz"));
    let trace = fs::read(trace).expect("a trace");
    fs::write(folder.path().join("cut.gz"), &trace[..trace.len() / 2]).expect("a file");
    let output = stalemap(folder.path(), &["trace", "cut.gz"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("what came behind it is missing"), "{said}");
    assert!(said.contains("mappings were handed out"), "{said}");
}

/// What happens to a trace on its way.
#[derive(Debug, Clone)]
enum Damage {
    Cut(usize),
    Drop(usize, usize),
    Swap(usize, usize),
    Bytes(usize, Vec<u8>),
    Twice,
    Lost(usize),
}

impl Damage {
    fn of(&self, trace: &[u8]) -> Vec<u8> {
        let lines: Vec<&[u8]> = trace.split_inclusive(|byte| *byte == b'\n').collect();
        let at = |n: &usize| n % lines.len();
        match self {
            Damage::Cut(n) => trace[..n % trace.len()].to_vec(),
            Damage::Drop(from, many) => {
                let from = at(from);
                [&lines[..from], &lines[(from + many).min(lines.len())..]].concat().concat()
            }
            Damage::Swap(a, b) => {
                let mut lines = lines.clone();
                lines.swap(at(a), at(b));
                lines.concat()
            }
            Damage::Bytes(n, bytes) => {
                let n = n % trace.len();
                [&trace[..n], bytes, &trace[(n + bytes.len()).min(trace.len())..]].concat()
            }
            Damage::Twice => lines.iter().flat_map(|line| [*line, *line]).collect::<Vec<_>>().concat(),
            Damage::Lost(n) => [&lines[..at(n)], &[b"CPU:1 [LOST 17 EVENTS]\n".as_slice()], &lines[at(n)..]]
                .concat()
                .concat(),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let n = any::<usize>;
    prop_oneof![
        n().prop_map(Damage::Cut),
        (n(), 1..50_usize).prop_map(|(from, many)| Damage::Drop(from, many)),
        (n(), n()).prop_map(|(a, b)| Damage::Swap(a, b)),
        (n(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Damage::Bytes(at, bytes)),
        Just(Damage::Twice),
        n().prop_map(Damage::Lost),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing is read as what it is not, and nothing is passed over in silence.
    #[test]
    fn a_damaged_trace_is_read_as_far_as_it_goes(
        which in prop::sample::select(vec![
            "v5.10.262-1k-orig-unwritten", "v6.1.192nofix-4k-orig-mmap", "v6.12.117-4k-orig-unwritten",
        ]),
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let mut trace = plain(which).into_bytes();
        for damage in &damages {
            if !trace.is_empty() {
                trace = damage.of(&trace);
            }
        }
        let (counts, windows) = read(&trace[..], Which::First);
        let lines = trace.split_inclusive(|byte| *byte == b'\n').count() as u64;
        prop_assert_eq!(counts.lines, lines);
        let skipped = counts.unknown.values().sum::<u64>()
            + counts.other_inodes.values().sum::<u64>()
            + counts.without_inode;
        prop_assert!(counts.understood + skipped <= counts.events);
        prop_assert!(counts.events <= counts.understood + skipped + counts.unreadable);
        let lost = damages.iter().filter(|damage| matches!(damage, Damage::Lost(_))).count() as u64;
        prop_assert!(counts.lost <= 17 * lost * 8);
        let totals = &windows.totals;
        let kept = windows.windows.len() as u64;
        prop_assert_eq!(kept, totals.rejected + totals.harmful + totals.harmless + totals.unknown);
    }
}
