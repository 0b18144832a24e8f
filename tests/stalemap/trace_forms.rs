//! The same trace in other forms: as other tools print it, with other inodes and unknown events between its lines, and without what a
//! kernel may not have. The events that are read are the same, and so are the stale mappings.

use std::fs::File;
use std::io::Read as _;

use proptest::prelude::*;
use stalemap::conform::{Asker, PAIRS, Survey, kernel_of};
use stalemap::scenario::Scenario;
use stalemap_explore::Limits;
use stalemap_trace::{Event, Finder, Judgement, Reader, Totals, Which};

use crate::common::in_repository;

const TRACES: [&str; 5] = [
    "v5.10.262-1k-orig-unwritten",
    "v5.10.262-4k-orig-mmap",
    "v6.1.192-4k-orig-delalloc",
    "v6.1.192nofix-4k-orig-mmap",
    "v6.12.117-4k-orig-unwritten",
];

fn plain(name: &str) -> String {
    let mut text = String::new();
    let path = in_repository(&format!("tests/fixtures/traces/{name}.txt.gz"));
    flate2::read::GzDecoder::new(File::open(path).expect("a trace")).read_to_string(&mut text).expect("text");
    text
}

/// A line of tracefs in its parts.
struct Line<'t> {
    task: &'t str,
    cpu: &'t str,
    flags: &'t str,
    time: &'t str,
    event: &'t str,
    text: &'t str,
}

impl<'t> Line<'t> {
    fn of(line: &'t str) -> Option<Self> {
        let (head, rest) = line.split_once("] ")?;
        let (task, cpu) = head.rsplit_once('[')?;
        let (flags, rest) = rest.split_once(' ')?;
        let mut parts = rest.splitn(3, ": ");
        let (time, event, text) = (parts.next()?.trim(), parts.next()?, parts.next()?);
        Some(Line { task: task.trim(), cpu, flags, time, event, text })
    }
}

/// How a trace is printed.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// As `trace-cmd report` does: names of events have a column.
    report: bool,
    /// The flags of the context are printed.
    flags: bool,
    /// The number of the process is printed.
    process: bool,
    /// Times have nine digits.
    nanoseconds: bool,
    /// The header of tracefs is there.
    header: bool,
    /// Lines end as on other systems.
    crlf: bool,
    /// Every so many lines another inode's event stands, one that is not known, or one of another file system.
    others: usize,
}

fn form() -> impl Strategy<Value = Form> {
    let flag = any::<bool>;
    let flags = (flag(), flag(), flag(), flag(), flag(), flag(), 1..60_usize);
    flags.prop_map(|(report, flags, process, nanoseconds, header, crlf, others)| Form {
        report,
        flags,
        process,
        nanoseconds,
        header,
        crlf,
        others,
    })
}

impl Form {
    fn line(self, line: &Line<'_>) -> String {
        let Line { task, cpu, flags, time, event, text } = line;
        let process = if self.process { " (    151)" } else { "" };
        let flags = if self.flags { format!("{flags} ") } else { String::new() };
        let zeros = if self.nanoseconds { "000" } else { "" };
        let event = if self.report { format!("{:<21}", format!("{event}:")) } else { format!("{event}: ") };
        format!("{task:>24}{process} [{cpu}] {flags}  {time}{zeros}: {event}{text}")
    }

    /// What stands between the lines and is not of the inode.
    fn other(self, number: usize, line: &Line<'_>) -> String {
        let (event, text) = match number % 4 {
            0 => (
                "xfs_iomap_found",
                "dev 254:0 ino 0x9999 disize 0x1000 pos 0x0 bytecount 0x1000 fork data startoff 0x0 startblock 0x18 fsbcount 0x1",
            ),
            1 => ("ext4_da_write_begin", "dev 8,1 ino 12 pos 0 len 4096"),
            2 => ("sched_switch", "prev_comm=a prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=b"),
            _ => ("mm_filemap_add_to_page_cache", "dev 8:1 ino c pfn=0x1 ofs=0 order=0"),
        };
        self.line(&Line { task: "other-99999", cpu: line.cpu, flags: "d.h2.", time: line.time, event, text })
    }

    fn print(self, trace: &str) -> String {
        let mut lines: Vec<String> = Vec::new();
        for (number, line) in trace.lines().enumerate() {
            let Some(parts) = Line::of(line).filter(|_| !line.starts_with('#')) else {
                if self.header {
                    lines.push(line.to_owned());
                }
                continue;
            };
            if number % self.others == 0 {
                lines.push(self.other(number / self.others, &parts));
            }
            lines.push(self.line(&parts));
        }
        if self.report {
            lines.insert(0, "cpus=2".to_owned());
        }
        lines.join(if self.crlf { "\r\n" } else { "\n" })
    }
}

/// The events of a trace, and what is made of them.
fn read(trace: &str) -> (Vec<Event>, Totals, Vec<(bool, Judgement)>) {
    let mut reader = Reader::new(trace.as_bytes(), Which::First).expect("a trace");
    let (mut finder, mut events) = (Finder::new(4096), Vec::new());
    while let Some(traced) = reader.next_event().expect("a trace") {
        finder.see(&traced);
        events.push(traced.event);
    }
    assert_eq!(reader.counts().unreadable, 0, "{:?}", reader.counts().first_unreadable);
    let windows = finder.finish();
    let judged = windows.windows.into_iter().map(|window| (window.rejected, window.judgement)).collect();
    (events, windows.totals, judged)
}

/// Whether a trace is a run of its kernel, and how much of it makes pieces.
fn asked(trace: &str, pairs: u64) -> (u64, u64, u64) {
    let reader = || Reader::new(trace.as_bytes(), Which::First).expect("a trace");
    let Some(survey) = Survey::of(&mut reader(), 4096).expect("a trace") else { return (0, 0, 0) };
    let kernel = survey.release.as_deref().and_then(kernel_of).unwrap_or("linux-6.1.y");
    let implementation = |scenario: &Scenario| scenario.implementation(kernel);
    let limits = Limits { states: Some(pairs), ..Limits::default() };
    let asker = Asker::new(&implementation, survey.traces, limits);
    let found = asker.ask_all(reader(), survey.block.min(4096)).expect("a trace");
    (found.pieces, found.explained, found.unexplained)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_form_says_the_same(name in prop::sample::select(TRACES.to_vec()), form in form()) {
        let trace = plain(name);
        let printed = form.print(&trace);
        prop_assert_eq!(read(&printed), read(&trace));
        prop_assert_eq!(asked(&printed, PAIRS), asked(&trace, PAIRS));
    }

    /// Lines that are missing, twice there or elsewhere make differences; they never end the program.
    #[test]
    fn damaged_traces_are_asked_about(
        name in prop::sample::select(TRACES.to_vec()),
        places in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<prop::sample::Index>()), 1..6),
        numbers in any::<bool>(),
    ) {
        let trace = plain(name);
        let mut lines: Vec<String> = trace.lines().map(str::to_owned).collect();
        for (place, what, other) in places {
            let place = place.index(lines.len());
            match what {
                0 => drop(lines.remove(place)),
                1 => lines.insert(place, lines[place].clone()),
                _ => {
                    let other = other.index(lines.len());
                    lines.swap(place, other);
                }
            }
        }
        if numbers {
            lines = lines.iter().map(|line| line.replace("0x8000", "0xffffffffffffffff")).collect();
        }
        let (pieces, explained, unexplained) = asked(&lines.join("\n"), 500);
        prop_assert!(explained + unexplained <= pieces);
    }
}

/// With the kernel's own tracepoints alone what was written is no piece, and the rest is no difference.
#[test]
fn without_probes_less_is_said_and_nothing_wrong() {
    for name in TRACES {
        let trace = plain(name);
        let is_probe = |line: &&str| !line.contains(": (") && !line.contains(" <- ");
        let own: Vec<&str> = trace.lines().filter(is_probe).collect();
        let (pieces, explained, unexplained) = asked(&own.join("\n"), PAIRS);
        assert!(pieces > 0 && unexplained == 0 && explained == pieces, "{name}: {explained} of {pieces}");
        let (_, totals, _) = read(&own.join("\n"));
        assert_eq!((totals.harmful, totals.checks), (0, 0), "{name}");
    }
}
