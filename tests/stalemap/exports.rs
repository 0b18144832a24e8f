//! Counterexamples and verdicts in the formats of other tools: as they are written, and as somebody else reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::process::{Command, Stdio};

use serde_json::Value;
use stalemap::annotate::expected::Expected;
use stalemap::annotate::inner::Inner;
use stalemap::annotate::program::Program;
use stalemap::annotate::{About, AnnotatedSchedule, annotate, setup};
use stalemap::report::export::{ftrace, mermaid, perfetto, shiviz, xfstests};
use stalemap::report::timeline::{Look, render};
use stalemap::report::{html, json, svg};
use stalemap::scenario::{Expectation, Scenario, catalogue};
use stalemap_explore::Schedule;
use stalemap_facade::Property;
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::design::Design;

use crate::common::{
    all_shipped, elsewhere, good, in_repository, kernel, least, program, shipped, stalemap, text,
};

/// Small scenarios of every kind: write path, writeback, direct I/O, faults, several files, crashes, deadlocks, holds,
/// and every file system that loses something.
const SCENARIOS: &[&str] = &[
    "xfs/t1",
    "xfs/t2",
    "xfs/xfs-559",
    "xfs/t8",
    "xfs/t9a",
    "xfs/t9b-clone",
    "xfs/t11",
    "xfs/t14",
    "xfs/real-unwritten",
    "xfs/a16-no-bump",
    "xfs/clone-fault-unguarded",
    "xfs/exchange-writeback",
    "xfs/b7",
    "gfs2/t9-short",
    "ext4/t1",
    "gfs2/t6",
    "zoned/t1",
];

/// A scenario and the counterexample to the first design that its file expects to be broken.
pub(crate) struct Broken {
    pub(crate) name: String,
    scenario: Scenario,
    schedule: AnnotatedSchedule,
}

impl Broken {
    pub(crate) fn find(name: &'static str) -> Self {
        Broken::of(name, shipped(name)).unwrap_or_else(|| panic!("{name} breaks no design"))
    }

    fn of(name: &str, scenario: Scenario) -> Option<Self> {
        let broken = scenario.expected().into_iter().find_map(|design| match &scenario.expect[&design] {
            Expectation::Violates(properties) => Some((design, properties[0])),
            Expectation::Holds => None,
        });
        let (design, property) = broken?;
        let kernel = Kernel::new(scenario.config_of(scenario.implementation(&design).unwrap())).unwrap();
        let (_, steps) = least(&kernel, property);
        let about = About {
            scenario: name.to_owned(),
            title: scenario.title.clone(),
            design,
            property: Some(property),
            setup_lines: setup::lines(&scenario),
            program: Program::of(&scenario.source),
            ..About::default()
        };
        let schedule = annotate(&kernel, &Schedule { steps, ..Schedule::default() }, about).unwrap();
        Some(Broken { name: name.to_owned(), scenario, schedule })
    }

    fn all() -> Vec<Self> {
        SCENARIOS.iter().map(|name| Self::find(name)).collect()
    }

    /// Of the whole catalogue.
    pub(crate) fn everywhere() -> impl Iterator<Item = Self> {
        all_shipped().into_iter().filter_map(|scenario| Broken::of(&scenario.name.clone(), scenario))
    }

    pub(crate) fn xfstests(&self) -> String {
        let config = self.scenario.config(Design::built_in("get_folio").unwrap());
        let expected = Expected::of(&config, &[]).unwrap();
        xfstests::test(&self.schedule, &config, &expected).script
    }
}

#[test]
fn text_forms_are_as_recorded() {
    for broken in Broken::all() {
        let name = broken.name.replace('/', "-");
        insta::assert_snapshot!(format!("{name}-mail"), render(&broken.schedule, Look::mail()));
        let terminal = render(&broken.schedule, Look::terminal(80).plain());
        insta::assert_snapshot!(format!("{name}-terminal"), terminal);
        insta::assert_snapshot!(format!("{name}-svg"), svg::picture(&broken.schedule));
        insta::assert_snapshot!(format!("{name}-perfetto"), perfetto::trace(&broken.schedule));
        insta::assert_snapshot!(format!("{name}-ftrace"), ftrace::trace(&broken.schedule));
        insta::assert_snapshot!(format!("{name}-mermaid"), mermaid::diagram(&broken.schedule));
        insta::assert_snapshot!(format!("{name}-shiviz"), shiviz::log(&broken.schedule));
        insta::assert_snapshot!(format!("{name}-xfstests"), broken.xfstests());
    }
}

#[test]
fn state_is_shown_by_itself_where_it_decides_and_only_there() {
    let (mut all, mut of) = (0, BTreeMap::new());
    for broken in Broken::everywhere() {
        all += 1;
        let kinds: BTreeSet<&str> =
            Inner::deciding(&broken.schedule).iter().map(|inner| inner.kind.name()).collect();
        for kind in kinds {
            of.entry(kind).or_insert_with(Vec::new).push(broken.name.clone());
        }
    }
    for kind in ["pte", "blocks", "i_size", "disk"] {
        let shown = of.get(kind).map_or(0, Vec::len);
        assert!(shown > 2 && shown * 2 < all, "{kind} in {shown} of {all}: {:?}", of.get(kind));
    }
}

#[test]
fn pages_and_pictures_explain_their_letters_and_who_holds_what() {
    let broken = Broken::find("xfs/t1");
    let (page, picture) = (html::page(&broken.schedule), svg::picture(&broken.schedule));
    for drawn in [&page, &picture] {
        for said in [
            "U unwritten, W written; one letter a block",
            "one group of letters a folio: Cl? is clean, locked, not all valid",
        ] {
            assert!(drawn.contains(said), "{said}");
        }
        assert!(drawn.contains("Critical order: 7, 12, 16."));
    }
    assert!(page.find("Critical order") < page.find("<table>"));
    // After step 7 the writer holds a mapping; after 12 it is out of date; after 16 it has none.
    let data = page.split(r#"<script id="data" type="application/json">"#).nth(1).unwrap();
    let data: Value = serde_json::from_str(data.split("</script>").next().unwrap()).unwrap();
    let held = |step: usize| data["schedules"][0]["states"][step][0]["mappings"].as_array().unwrap().clone();
    let of_writer = |step: usize| held(step).into_iter().find(|mapping| mapping["holder"] == "writer");
    assert_eq!(of_writer(6), None);
    let sampled = of_writer(7).unwrap();
    assert_eq!(
        (&sampled["words"], &sampled["changed"]),
        (&"unwritten 0-8k, seq 1; sampled now".into(), &true.into())
    );
    let stale = of_writer(13).unwrap();
    let words = "unwritten 0-8k, seq 1; sampled at step 7, 6 steps ago; out of date since step 12";
    assert_eq!(
        (stale["words"].as_str(), stale["stale"].as_bool(), stale["changed"].as_bool()),
        (Some(words), Some(true), Some(false))
    );
    assert_eq!(of_writer(16), None);
}

#[test]
fn every_counterexample_of_the_catalogue_fits_a_mail() {
    let mut in_lanes = 0;
    for broken in Broken::everywhere() {
        let name = &broken.name;
        let mail = render(&broken.schedule, Look::mail());
        for line in mail.lines() {
            assert!(line.len() <= 72 && line.is_ascii(), "{name}: {line}");
        }
        // Up to four actors have columns or lanes of their own.
        let movers = broken.schedule.movers().len();
        assert!(movers > 4 || !mail.contains("actor, operation"), "{name}: {mail}");
        in_lanes += usize::from(mail.contains("    .     "));
        for step in 1..=broken.schedule.steps.len() {
            let is_step = |line: &str| line.trim_start().split([' ', '*']).next() == Some(&step.to_string());
            assert!(mail.lines().any(is_step), "{name}: no step {step}");
        }
    }
    assert!(in_lanes > 50, "{in_lanes}");
}

/// The counterexample to a property that a scenario expects under a design or a kernel.
fn counterexample(name: &str, under: &str, property: Property) -> AnnotatedSchedule {
    let kernel = kernel(name, under);
    let (_, steps) = least(&kernel, property);
    let about = About { design: under.to_owned(), property: Some(property), ..About::default() };
    annotate(&kernel, &Schedule { steps, ..Schedule::default() }, about).unwrap()
}

#[test]
fn the_valid_size_is_drawn_where_a_file_has_one() {
    let at_mmap = counterexample("exfat/mmap-grow", "at-mmap", properties::STALE_EXPOSURE);
    let drawn = render(&at_mmap, Look::mail().wide(160));
    for said in [
        "ext  valid  seq",
        "WHH  4k     1",
        "mmap(2): the valid size is to be 4k",
        "fill folio 2: unwritten (behind the valid size)",
        ">>> stale exposure: 4k-8k is ~1 in the file on disk, whose valid size is 12k",
        "valid: the valid size, behind which the file should read as zeros",
    ] {
        assert!(drawn.contains(said), "{said}: {drawn}");
    }
    let document: Value = serde_json::from_str(&json::replay(&at_mmap)).unwrap();
    assert_eq!(document["steps"][0]["state"]["valid"], "4k");
    let page = html::page(&at_mmap);
    assert!(page.contains(r#"{"changed":false,"name":"valid size","value":"4k"}"#), "{page}");
    let late = counterexample("exfat/mmap-grow", "at-mmap-iomap-end", properties::LOST_WRITE);
    let drawn = render(&late, Look::mail().wide(160));
    let lost = "8k-9k is 0 in the file on disk, whose valid size is 4k; what was written there is gone";
    assert!(drawn.contains(lost), "{drawn}");
    // It moves in the fault there, and nobody zeroes what lies before.
    let moved = counterexample("exfat/mmap-grow", "not-zeroed", properties::STALE_EXPOSURE);
    let before =
        |row: usize| moved.replay.played[row].gutter.contains(&("valid".to_owned(), "4k".to_owned()));
    let at = moved.steps.iter().position(|step| step.op == "extend_valid_size").unwrap();
    assert!(before(at - 1) && !before(at));
    let folded = render(&moved, Look::terminal(140).plain());
    assert!(folded.contains(" steps: ") && folded.contains("the valid size is 12k"), "{folded}");
    let direct = counterexample("ntfs3/read-folio-valid", "not-moved", properties::LOST_WRITE);
    let said = direct.steps.iter().flat_map(|step| &step.notes);
    assert!(said.into_iter().any(|note| note == "unwritten 0-8k (behind the valid size), seq 1"));
}

#[test]
fn zones_are_drawn_and_who_waits_for_one_has_a_reason() {
    let stuck = counterexample("zoned/write-error-zone", "going-on", properties::DEADLOCK);
    let drawn = render(&stuck, Look::mail().wide(160));
    let why = "Zone 0, the open one, has no room and is not full: all of its 2 blocks were given to I/O, and 1 of them written.";
    for said in
        ["o1/1/2 -*5", "0:o1/2/2", "zones: - empty   o open (blocks written/given to I/O/in all)", why]
    {
        assert!(drawn.contains(said), "{said}: {drawn}");
    }
    let document: Value = serde_json::from_str(&json::replay(&stuck)).unwrap();
    assert!(document["cause"].as_str().unwrap().ends_with(why), "{document}");
    assert_eq!(document["steps"][0]["state"]["zones"], "o1/1/2 - - - - -");
    let page = html::page(&stuck);
    let zones = r#""value":"0 open, 1 of 2 blocks written, 2 given to I/O; 1-5 empty"}"#;
    assert!(page.contains(why) && page.contains(zones), "{page}");
    let other = counterexample("zoned/write-error", "going-on", properties::LEAKED_RESERVATION);
    assert!(!render(&other, Look::mail()).contains("zones"), "the device has none");
}

#[test]
fn checksums_and_what_is_stored_to_a_buffer_are_drawn() {
    let notes = |schedule: &AnnotatedSchedule| -> Vec<String> {
        schedule.steps.iter().flat_map(|step| step.notes.clone()).collect()
    };
    let changed = counterexample("xfs/dio-checksum", "iomap_valid", properties::SPURIOUS_ERROR);
    let told = notes(&changed);
    for said in ["checksum of 0-4k", "store to [buffer] 0-4k", "checksum of 0-4k is of other data"] {
        assert!(told.iter().any(|note| note == said), "{said}: {told:?}");
    }
    let unstable = counterexample("xfs/stable-pages", "unstable", properties::SPURIOUS_ERROR);
    let told = notes(&unstable);
    for said in ["checksum of folio 0", "checksum of 0-4k is of other data"] {
        assert!(told.iter().any(|note| note == said), "{said}: {told:?}");
    }
    let found =
        "spurious error: after a crash EIO for 0-4k: its checksum is not that of what the device was given";
    assert!(unstable.steps.iter().any(|step| step.violations.contains(&found.to_owned())));
}

#[test]
fn a_store_is_told_in_the_bytes_of_its_buffer() {
    let source = r#"
title = "A part of a buffer that goes to the middle of a file"
file = [{ name = "a" }, { name = "b" }]
[fs]
data_checksum = true
[setup]
run = ["pwrite -S 0x58 -b 12k 0 12k", "fsync"]
[[actor]]
name = "direct"
run = ["@aio pwrite -S 0x57 -i from -b 8k 4k 8k", "@wait", "@may_fail @direct pread -b 8k 4k 8k"]
[[actor]]
name = "other"
run = ["[from] mwrite -S 0x59 512 4k"]
[reach]
must = []
[expect]
iomap_valid = ["spurious-error"]
"#;
    let broken = Broken::of("buffer", good("buffer", source)).unwrap();
    let store = broken.schedule.steps.iter().find(|step| step.op.ends_with("store buffer")).unwrap();
    assert_eq!(
        (&*store.op, &*store.notes),
        ("store buffer", &["store to [from] 0x200-0x1200".to_owned()][..])
    );
}

#[test]
fn a_loss_in_the_setup_is_drawn_with_the_state_that_it_leaves() {
    let source = r#"
title = "A loss in the setup"
[fs]
personality = "xfs-zoned"
[setup]
run = ["pwrite -S 0x58 0 4k", "fsync", "fadvise -d 0 4k", "@fail 2k", "pwrite -S 0x57 0 4k"]
[[actor]]
name = "reader"
run = ["pread 0 4k"]
[reach]
must = []
[expect]
none = ["lost-write"]
"#;
    let broken = Broken::of("setup", good("setup", source)).unwrap();
    let mail = render(&broken.schedule, Look::mail());
    let sentence = "Lost write under design none, in the setup already, line 6: 2k-4k is 0";
    assert!(mail.starts_with(sentence), "{mail}");
    assert!(mail.contains("\n    after the setup  W/D  1    D\n"), "{mail}");
}

/// A line of ftrace's text, taken apart as its readers do.
#[derive(Debug, PartialEq)]
struct Line {
    comm: String,
    pid: u32,
    cpu: u32,
    microseconds: u64,
    event: String,
    /// The names of the fields, in their order.
    fields: Vec<String>,
}

impl Line {
    /// `COMM-PID [CPU] FLAGS SECONDS.MICROSECONDS: EVENT: FIELDS`; `trace-cmd report` leaves the flags out.
    fn parse(line: &str) -> Option<Self> {
        let (task, rest) = line.trim_start().split_once(" [")?;
        let (comm, pid) = task.trim_end().rsplit_once('-')?;
        let (cpu, rest) = rest.split_once("] ")?;
        let (before, rest) = rest.split_once(": ")?;
        let time = before.split_whitespace().next_back()?;
        let (seconds, fraction) = time.split_once('.')?;
        let (event, text) = rest.split_once(':')?;
        let is_name =
            |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if fraction.len() != 6 || cpu.len() != 3 || comm.len() > 15 || !is_name(event) {
            return None;
        }
        Some(Line {
            comm: comm.to_owned(),
            pid: pid.parse().ok()?,
            cpu: cpu.parse().ok()?,
            microseconds: seconds.parse::<u64>().ok()? * 1_000_000 + fraction.parse::<u64>().ok()?,
            event: event.to_owned(),
            fields: names_of(text),
        })
    }
}

/// What of a tracepoint's text are names and not values: `pos 0x0`, `ofs=0`, `dirty len 0x10`.
fn names_of(text: &str) -> Vec<String> {
    let is_value = |word: &str| {
        word.starts_with("0x")
            || word.contains(':')
            || word.chars().any(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
    };
    let mut found = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some((name, _)) => found.push(name.to_owned()),
            None if is_value(word) => {}
            None => {
                found.push(word.to_owned());
                // The names of forks are small letters, too.
                if word == "fork" {
                    words.next();
                }
            }
        }
    }
    found
}

/// The fields of each tracepoint in a trace.
fn fields_by_event(lines: &[Line]) -> BTreeMap<String, Vec<String>> {
    let kernel = lines.iter().filter(|line| line.event != "tracing_mark_write");
    kernel.map(|line| (line.event.clone(), line.fields.clone())).collect()
}

fn parse_all<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<Line> {
    let parse = |line: &'t str| Line::parse(line).unwrap_or_else(|| panic!("not a line of a trace: {line}"));
    lines.filter(|line| !line.starts_with('#')).map(parse).collect()
}

#[test]
fn ftrace_text_has_the_grammar_and_the_fields_of_real_traces() {
    let real = include_str!("../fixtures/ftrace-6.12.txt");
    let real = fields_by_event(&parse_all(real.lines()));
    let mut compared = BTreeSet::new();
    for broken in Broken::all() {
        let text = ftrace::trace(&broken.schedule);
        let lines = parse_all(text.lines());
        let times: Vec<u64> = lines.iter().map(|line| line.microseconds).collect();
        assert!(times.is_sorted(), "{}: the times go back", broken.name);
        for (event, fields) in fields_by_event(&lines) {
            let Some(real) = real.get(&event) else { continue };
            // The model has no callers, operations tables, page frames; what it has is named and ordered as there.
            let mut rest = real.iter();
            let in_order = fields.iter().all(|field| rest.any(|other| other == field));
            assert!(in_order, "{}: {event} has {fields:?}, the kernel has {real:?}", broken.name);
            compared.insert(event);
        }
    }
    assert!(compared.len() >= 10, "only {compared:?} were compared");
}

/// The traces of real kernels, where they are at hand: the grammar that the test above relies on takes all of them.
#[test]
fn real_traces_have_the_grammar() {
    let folder = in_repository("../shared/traces");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: there are no real traces beside the sources");
        return;
    };
    let mut lines = 0;
    for path in entries.map(|entry| entry.unwrap().path()) {
        let gzip = Command::new("gzip").arg("-dc").arg(&path).stdout(Stdio::piped()).spawn();
        let Ok(mut gzip) = gzip else {
            eprintln!("skipped: there is no gzip");
            return;
        };
        let mut text = String::new();
        gzip.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(gzip.wait().unwrap().success());
        lines += parse_all(text.lines().filter(|line| !line.is_empty())).len();
    }
    assert!(lines > 1000, "only {lines} lines");
}

#[test]
fn perfetto_traces_are_well_formed() {
    for broken in Broken::all() {
        let trace: Value = serde_json::from_str(&perfetto::trace(&broken.schedule)).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let phase = |ph: &str| events.iter().filter(|event| event["ph"] == ph).collect::<Vec<_>>();
        assert_eq!(phase("X").len(), broken.schedule.steps.len(), "{}: a slice for each step", broken.name);
        assert_eq!(phase("b").len(), phase("e").len(), "{}: what begins ends", broken.name);
        assert_eq!(phase("s").len(), phase("f").len(), "{}: an arrow has two ends", broken.name);
        let named = phase("M").iter().filter(|event| event["name"] == "thread_name").count();
        assert_eq!(named, broken.schedule.movers().len());
        for event in events.iter().filter(|event| event["ph"] != "M") {
            assert!(event["ts"].is_u64() && event["pid"].is_u64() && event["name"].is_string(), "{event}");
        }
        // Arrows go forward.
        for (from, to) in phase("s").iter().zip(phase("f")) {
            assert!(from["id"] == to["id"] && from["ts"].as_u64() < to["ts"].as_u64(), "{from} {to}");
        }
    }
}

#[test]
fn shiviz_clocks_only_grow() {
    for broken in Broken::all() {
        let log = shiviz::log(&broken.schedule);
        let (head, body) = log.split_once("\n\n").unwrap();
        assert_eq!(head, shiviz::EXPRESSION);
        let lines: Vec<&str> = body.lines().collect();
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        assert_eq!(lines.len(), 2 * broken.schedule.steps.len());
        for pair in lines.chunks(2) {
            let (host, clock) = pair[0].split_once(' ').unwrap();
            let clock: BTreeMap<String, u64> = serde_json::from_str(clock).unwrap();
            // ShiViz demands that a host's own entry counts its events from 1 without a gap, and that nobody knows
            // of more than has happened.
            let own = last.entry(host.to_owned()).or_default();
            *own += 1;
            assert_eq!(clock[host], *own, "{}: {}", broken.name, pair[0]);
            for (other, count) in &clock {
                assert!(last.get(other).is_some_and(|last| count <= last), "{}: {}", broken.name, pair[0]);
            }
        }
    }
}

#[test]
fn xfstests_skeletons_are_scripts() {
    let checks = |script: &str| -> Option<bool> {
        let mut shell = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().ok()?;
        shell.stdin.take()?.write_all(script.as_bytes()).ok()?;
        Some(shell.wait().ok()?.success())
    };
    let mut delays = BTreeSet::new();
    for broken in Broken::all() {
        let script = broken.xfstests();
        match checks(&script) {
            Some(good) => assert!(good, "{}: bash refuses\n{script}", broken.name),
            None => eprintln!("skipped: there is no bash"),
        }
        let injected = script.lines().filter_map(|line| line.strip_prefix("_scratch_inject_error "));
        delays.extend(injected.map(str::to_owned));
    }
    let expected =
        ["\"wb_delay_ms\" 0", "\"wb_delay_ms\" 4000", "\"write_delay_ms\" 0", "\"write_delay_ms\" 4000"];
    assert_eq!(delays.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn what_xfs_io_cannot_say_is_a_comment() {
    let script = Broken::find("xfs/m23").xfstests();
    let about = |word: &str| -> Vec<&str> {
        script
            .lines()
            .map(str::trim)
            .filter(|line| line.contains(word) && !line.starts_with("# FS"))
            .collect()
    };
    let [notrun, dma] = about("@dma")[..] else { panic!("{script}") };
    assert!(notrun.starts_with("_notrun \"@dma: a direct read(2)"), "{notrun}");
    assert!(dma.starts_with("# @dma -S 0x44 0 4k: a direct read(2) from elsewhere"), "{dma}");
    assert_eq!(about("mmap"), ["-c \"mmap -rw 0 4k\" \\"]);
    // kswapd cannot be asked; what does nearly the same can.
    assert_eq!(about("@reclaim"), [""; 0]);
    assert_eq!(about("fadvise"), ["-c \"fadvise -d 0 4k\" \\"]);
}

#[test]
fn what_a_skeleton_does_not_make_ends_it() {
    for (name, reasons) in [
        ("xfs/t1", &[][..]),
        (
            "xfs/dio-checksum",
            &["data_checksum: needs a device that", "pwrite -i: needs a program with threads"],
        ),
        ("exfat/mmap-grow", &["valid_size: needs a file system with a valid size"]),
        ("zoned/write-error-zone", &["zone_blocks: needs a device with zones"]),
    ] {
        let script = Broken::find(name).xfstests();
        let said: Vec<&str> = script.lines().filter_map(|line| line.strip_prefix("_notrun \"")).collect();
        assert_eq!(said.is_empty(), reasons.is_empty(), "{name}: {script}");
        for reason in reasons {
            let is_said = said.iter().any(|said| said.starts_with(reason) && said.ends_with('"'));
            assert!(is_said, "{name}: {reason} in {said:?}");
        }
        let last = script.rfind("\n_notrun").unwrap_or(0);
        assert!(script.find("_scratch_mkfs").is_some_and(|mkfs| last < mkfs), "{name}: {script}");
        let asked = script.contains("_scratch_mount\n_require_xfs_scratch_zoned\n");
        assert_eq!(asked, name.starts_with("zoned/"), "{name}: {script}");
    }
}

#[test]
fn a_test_of_another_file_system_is_not_run_on_xfs() {
    for (name, kind, journalled) in [
        ("xfs/t1", None, &[][..]),
        ("zoned/t1", None, &[]),
        ("gfs2/t9-short", Some("gfs2"), &[]),
        ("gfs2/t6", Some("gfs2"), &["$CHATTR_PROG +j $SCRATCH_MNT/file"]),
        ("ext4/t1", Some("ext4"), &[]),
        ("gfs2/jdata-flip-blocks", Some("gfs2"), &["$CHATTR_PROG +j $SCRATCH_MNT/file >> $seqres.full"]),
        (
            "gfs2/jdata-unflip",
            Some("gfs2"),
            &["$CHATTR_PROG +j $SCRATCH_MNT/file", "$CHATTR_PROG -j $SCRATCH_MNT/file >> $seqres.full"],
        ),
    ] {
        let script = Broken::find(name).xfstests();
        let asks: Vec<&str> = script.lines().filter(|line| line.contains("$FSTYP")).collect();
        let asked =
            kind.map(|kind| format!("test \"$FSTYP\" = {kind} || _notrun \"this race is one of {kind}\""));
        assert_eq!(asks, asked.as_slice(), "{name}: {script}");
        // A loop with small files has them in a folder of each place.
        let script = script.replace("$here/", "$SCRATCH_MNT/");
        let found: Vec<&str> =
            script.lines().map(str::trim).filter(|line| line.starts_with("$CHATTR_PROG")).collect();
        assert_eq!(found, journalled, "{name}: {script}");
        assert_eq!(script.contains("\n_require_chattr j\n"), !journalled.is_empty(), "{name}: {script}");
        assert!(!script.contains("_notrun \"chattr"), "{name}: {script}");
    }
}

#[test]
fn a_race_of_direct_io_is_not_said_to_be_one_of_order_alone() {
    let script = Broken::find("zoned/relocate-read").xfstests();
    let said = "# No mapping that is followed here goes out of date: all run at the same time.\n";
    assert_eq!(script.matches(said).count(), 1, "{script}");
    assert!(!script.contains("order of the commands counts"), "{script}");
}

/// Delays reach a later folio of a write only, and nobody who waits for the delayed one.
#[test]
fn what_no_delay_can_force_is_not_run() {
    for (name, reason) in [
        ("xfs/t1", None),
        ("xfs/t2", None),
        ("xfs/xfs-559", None),
        (
            "xfs/t9b-clone",
            Some("a clone waits for the folio whose writeback is delayed; and there is no loop of it: "),
        ),
        ("xfs/dio-append", Some("asynchronous")),
        ("xfs/f4-partial", Some("a source buffer that is not resident")),
    ] {
        let script = Broken::find(name).xfstests();
        let said = script.lines().find(|line| line.starts_with("_notrun"));
        assert_eq!(said.is_some(), reason.is_some(), "{name}: {script}");
        assert!(
            reason.is_none_or(|reason| said.is_some_and(|said| said.contains(reason))),
            "{name}: {said:?}"
        );
        // It says what NNN.out has, and nobody is delayed while contents are compared.
        let silence = script.matches("\necho \"Silence is golden\"\n").count();
        assert_eq!(silence, 1, "{name}: {script}");
        if reason.is_none() {
            let delays: Vec<&str> =
                script.lines().filter(|line| line.starts_with("_scratch_inject_error")).collect();
            assert!(delays.len() == 2 && delays[1].ends_with("\" 0"), "{name}: {delays:?}");
            let over = script.rfind("_scratch_inject_error").unwrap_or(0);
            assert!(script.find("_scratch_cycle_mount").is_some_and(|compared| over < compared));
        }
    }
}

/// `stalemap check` with a format.
fn check(arguments: &[&str]) -> (String, Option<i32>) {
    let folder = elsewhere();
    let output = stalemap(folder.path(), &[&["check"], arguments].concat());
    assert_eq!(text(&output.stderr), "");
    (text(&output.stdout), output.status.code())
}

/// A scenario whose file expects the wrong thing of one design, so that there is a failure to report.
fn surprising() -> tempfile::NamedTempFile {
    let (_, source) = catalogue::find("xfs/t1").unwrap();
    let start = source.find("[expect]").unwrap();
    let mut file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    let expect = "[expect]\nnone = \"holds\"\niomap_valid = \"holds\"\n";
    file.write_all(format!("{}{expect}", &source[..start]).as_bytes()).unwrap();
    file
}

#[test]
fn junit_is_read_by_a_reader_of_junit() {
    let file = surprising();
    let path = file.path().to_str().unwrap();
    let (text, code) = check(&["xfs/t8", path, "--format", "junit"]);
    assert_eq!(code, Some(1));
    let suites = junit_parser::from_reader(Cursor::new(text.as_bytes())).unwrap();
    assert_eq!(suites.suites.len(), 2);
    let good = &suites.suites[0];
    assert_eq!((good.name.as_str(), good.tests, good.failures, good.errors), ("xfs/t8", 8, 0, 0));
    let bad = &suites.suites[1];
    assert_eq!((bad.tests, bad.failures, bad.skipped), (2, 1, 0));
    let failed: Vec<_> = bad.cases.iter().filter(|case| case.status.is_failure()).collect();
    assert_eq!(failed[0].original_name, "none");
    let failure = failed[0].status.failure_as_ref();
    assert_eq!(failure.failure_type, "violates");
    assert!(failure.message.contains("lost-write"), "{}", failure.message);
    assert!(failure.text.contains("lost write: 6k-8k is 0"), "the counterexample is drawn: {}", failure.text);

    let (text, code) =
        check(&["xfs/t2", "--design", "iomap_valid", "--limit-states", "100", "--format", "junit"]);
    assert_eq!(code, Some(3));
    let suites = junit_parser::from_reader(Cursor::new(text.as_bytes())).unwrap();
    let case = &suites.suites[0].cases[0];
    assert!(case.status.is_skipped(), "what is not decided has not passed: {text}");
}

#[test]
fn sarif_follows_the_published_schema() {
    let schema: Value = serde_json::from_str(include_str!("../fixtures/sarif-schema-2.1.0.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let file = surprising();
    let path = file.path().to_str().unwrap();
    for arguments in [
        vec!["xfs/t1", "xfs/t8", "gfs2/t6", "xfs/clone-dio", path],
        vec!["xfs/t2", "--design", "iomap_valid", "--limit-states", "100"],
    ] {
        let (text, _) = check(&[arguments, vec!["--format", "sarif"]].concat());
        let log: Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> =
            schema.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, [""; 0]);
    }
}

#[test]
fn sarif_has_a_thread_flow_for_each_actor() {
    let asked = ["xfs/t1", "--design", "none", "--design", "iomap_valid", "--format", "sarif"];
    let (text, _) = check(&asked);
    let log: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(log["runs"][0]["results"], Value::Array(Vec::new()), "what is expected is no finding");
    let (text, _) = check(&[&asked[..], &["--sarif-expected"]].concat());
    let log: Value = serde_json::from_str(&text).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let ids: Vec<&str> = results.iter().filter_map(|result| result["ruleId"].as_str()).collect();
    assert_eq!(ids, ["lost-write", "wrong-zero"], "what holds is no result");
    assert_eq!((&results[0]["ruleId"], &results[0]["level"]), (&"lost-write".into(), &"note".into()));
    let flows = results[0]["codeFlows"][0]["threadFlows"].as_array().unwrap();
    let names: Vec<&str> = flows.iter().map(|flow| flow["id"].as_str().unwrap()).collect();
    assert_eq!(names, ["flusher", "writer", "kworker", "kswapd"]);
    let mut order: Vec<u64> = flows
        .iter()
        .flat_map(|flow| flow["locations"].as_array().unwrap())
        .map(|location| location["executionOrder"].as_u64().unwrap())
        .collect();
    order.sort_unstable();
    assert_eq!(order, (1..=16).collect::<Vec<u64>>(), "every step is in one flow");
    let (_, source) = catalogue::find("xfs/t1").unwrap();
    for result in results {
        let line =
            result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap() as usize;
        assert_eq!(source.lines().nth(line - 1), Some("none = [\"lost-write\"]"));
    }
    let place = &flows[1]["locations"][0]["location"]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "scenarios/xfs/t1.toml");
    let line = place["region"]["startLine"].as_u64().unwrap() as usize;
    assert_eq!(source.lines().nth(line - 1), Some("name = \"writer\""));
}

#[test]
fn sarif_has_a_result_for_each_unexpected_property_at_its_line() {
    let file = surprising();
    let path = file.path().to_str().unwrap();
    let source = std::fs::read_to_string(path)
        .unwrap()
        .replace("iomap_valid = \"holds\"", "iomap_valid = [\"deadlock\"]");
    std::fs::write(path, &source).unwrap();
    let (text, code) = check(&[path, "--format", "sarif"]);
    assert_eq!(code, Some(1));
    let log: Value = serde_json::from_str(&text).unwrap();
    let run = &log["runs"][0];
    let found: Vec<(&str, &str, &str)> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let line =
                result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap() as usize;
            let said = |value: &'static str| result[value].as_str().unwrap();
            (said("ruleId"), said("level"), source.lines().nth(line - 1).unwrap())
        })
        .collect();
    let (none, valid) = ("none = \"holds\"", "iomap_valid = [\"deadlock\"]");
    let expected =
        [("lost-write", "error", none), ("wrong-zero", "error", none), ("not-as-expected", "error", valid)];
    assert_eq!(found, expected);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: Vec<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["lost-write", "wrong-zero", "not-as-expected"]);
    for rule in rules {
        for part in [&rule["help"]["text"], &rule["help"]["markdown"], &rule["fullDescription"]["text"]] {
            assert!(part.as_str().is_some_and(|text| text.len() > 20), "{rule}");
        }
    }
}

/// An element of XML: its name, its attributes, and what is in it.
struct Element {
    name: String,
    attributes: Vec<String>,
    inside: Vec<Element>,
}

/// Reads what our reports consist of: a declaration, elements, text.
fn element(text: &str) -> (Element, &str) {
    let (before, rest) = text.split_once('<').unwrap();
    assert!(before.trim().is_empty(), "{before}");
    let (tag, mut rest) = rest.split_once('>').unwrap();
    let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
    let (name, mut said) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    while let Some((attribute, after)) = said.split_once("=\"") {
        attributes.push(attribute.trim().to_owned());
        said = after.split_once('"').unwrap().1;
    }
    let mut inside = Vec::new();
    if is_empty {
        return (Element { name: name.to_owned(), attributes, inside }, rest);
    }
    loop {
        let next = rest.find('<').unwrap();
        if let Some(after) = rest[next..].strip_prefix(&format!("</{name}>")) {
            return (Element { name: name.to_owned(), attributes, inside }, after);
        }
        if let Some(data) = rest[next..].strip_prefix("<![CDATA[") {
            rest = data.split_once("]]>").unwrap().1;
            continue;
        }
        let (found, after) = element(&rest[next..]);
        inside.push(found);
        rest = after;
    }
}

/// What Jenkins' plugin xunit asks of an element (junit-10.xsd): attributes that it must have, those that it may have, and what may be
/// in it.
const OF_JENKINS: [(&str, &str, &str, &str); 7] = [
    ("testsuites", "", "name time tests failures errors", "testsuite"),
    (
        "testsuite",
        "name tests failures errors",
        "group time skipped timestamp hostname id package file log url",
        "testsuite properties testcase system-out system-err",
    ),
    (
        "testcase",
        "name",
        "time classname group",
        "skipped error failure rerunFailure rerunError flakyFailure flakyError system-out system-err",
    ),
    ("failure", "", "type message", ""),
    ("skipped", "", "type message", ""),
    ("system-out", "", "", ""),
    ("system-err", "", "", ""),
];

fn follows_jenkins(element: &Element) -> usize {
    let rule = OF_JENKINS.iter().find(|(name, ..)| *name == element.name);
    let (name, must, may, inside) = rule.unwrap_or_else(|| panic!("{} is in no schema", element.name));
    let has = |list: &str, name: &str| list.split(' ').any(|known| known == name);
    for attribute in must.split(' ').filter(|attribute| !attribute.is_empty()) {
        assert!(element.attributes.iter().any(|name| name == attribute), "{name} without {attribute}");
    }
    for attribute in &element.attributes {
        assert!(has(must, attribute) || has(may, attribute), "{name} may not have {attribute}");
    }
    let below = element.inside.iter().map(|part| {
        assert!(has(inside, &part.name), "{} in {name}", part.name);
        follows_jenkins(part)
    });
    1 + below.sum::<usize>()
}

#[test]
fn junit_follows_the_schema_of_jenkins() {
    let file = surprising();
    let path = file.path().to_str().unwrap();
    let (text, _) = check(&["xfs/t1", "xfs/t8", path, "--format", "junit"]);
    let (limited, _) =
        check(&["xfs/t2", "--design", "iomap_valid", "--limit-states", "100", "--format", "junit"]);
    let mut elements = 0;
    for text in [&text, &limited] {
        let body = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").expect("a declaration");
        let (root, rest) = element(body);
        assert_eq!((root.name.as_str(), rest.trim()), ("testsuites", ""));
        elements += follows_jenkins(&root);
    }
    assert!(elements > 70, "{elements}");
    assert!(text.contains("<failure ") && limited.contains("<skipped "));
}

/// Lines of stderr of a replay.
fn logged(arguments: &[&str], rust_log: Option<&str>) -> Vec<String> {
    let folder = elsewhere();
    let save = stalemap(folder.path(), &["check", "xfs/t1", "--design", "none", "--save", "."]);
    assert_eq!(save.status.code(), Some(0));
    let mut replay = program();
    replay.args(["replay", "xfs-t1-none.schedule"]).args(arguments).current_dir(folder.path());
    if let Some(filter) = rust_log {
        replay.env("RUST_LOG", filter);
    }
    let output = replay.output().unwrap();
    BufReader::new(output.stderr.as_slice()).lines().map(Result::unwrap).collect()
}

#[test]
fn a_replay_logs_steps_and_tracepoints() {
    assert_eq!(logged(&[], None), [""; 0]);
    let steps = logged(&["-v"], None);
    assert_eq!(steps.len(), 16, "{steps:?}");
    assert!(steps[6].contains("writer") && steps[6].contains("iomap_begin"), "{}", steps[6]);
    let all = logged(&["-vv"], None);
    assert!(all.len() > 30, "{all:?}");
    assert!(
        all.iter().any(|line| line.contains("xfs_unwritten_convert") && line.contains("pos 0x1000")),
        "{all:?}"
    );
    let filemap = logged(&[], Some("filemap=debug"));
    assert_eq!(filemap.len(), 3, "two folios come and one goes: {filemap:?}");
}

/// The names of documents in the sources: `stalemap.check/1`.
fn schemas() -> BTreeSet<String> {
    let mut folders = vec![in_repository("src")];
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let source = std::fs::read_to_string(path).expect("a source");
            let said = source.split('"').filter(|text| text.starts_with("stalemap.") && text.ends_with("/1"));
            names.extend(said.map(str::to_owned));
        }
    }
    names
}

/// What stands between backquotes in the first cells of the rows of a text.
fn first_cells(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split(" |").next());
    cells.flat_map(|cell| cell.split('`').step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_page_has_every_document_and_every_key_of_a_verdict() {
    let page = std::fs::read_to_string(in_repository("docs/exports.md")).expect("the page");
    let (_, section) = page.split_once("\n## JSON\n").expect("a section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let (documents, keys) = section.split_once("each of `results`").expect("two tables");
    assert_eq!(first_cells(documents), schemas());
    let folder = elsewhere();
    let check = ["check", "xfs/t1", "--design", "none", "--format", "json"];
    let result = |more: &[&str]| -> Value {
        let output = stalemap(folder.path(), &[&check, more].concat());
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        document["results"][0].clone()
    };
    let keys_of =
        |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>();
    let whole = result(&[]);
    let of_bits = keys_of(&result(&["--bitstate", "1m"]));
    let found: BTreeSet<String> = keys_of(&whole).union(&of_bits).cloned().collect();
    assert_eq!(first_cells(keys), found);
    for inner in ["counterexample", "stale_aborts"] {
        for key in keys_of(&whole[inner]) {
            assert!(keys.contains(&format!("`{key}`")), "{inner}: {key}");
        }
    }
}
