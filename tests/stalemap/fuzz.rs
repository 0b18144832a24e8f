//! Scenarios that are drawn at random: that numbers say which, however many at a time; that a loss is explained by what the catalogue
//! shows, and by nothing else; and what is saved of a find.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use stalemap::engine::Engine;
use stalemap::fuzz::campaign::{Campaign, Plan};
use stalemap::fuzz::known::Known;
use stalemap::fuzz::loss;
use stalemap::fuzz::oracles::Sample;
use stalemap::fuzz::under::Under;
use stalemap::run::Job;
use stalemap::scenario::read;
use stalemap_explore::Limits;
use stalemap_facade::Property;
use stalemap_model::judge::properties;
use stalemap_model::words::kernel_version::KernelVersion;

use crate::common::{elsewhere, page, stalemap, text};

fn plan(under: &[Under], from: u64, count: u64) -> Plan {
    Plan {
        seed: 1,
        from,
        count: Some(count),
        time: None,
        under: under.to_vec(),
        limits: Limits { states: Some(2_000), memory: Some(64 << 20), ..Limits::default() },
        threads: std::thread::available_parallelism().map_or(1, NonZero::get),
        sample: Sample::Nothing,
        stop: Arc::default(),
    }
}

/// What the catalogue shows under each kernel. It takes longer than the campaigns here.
fn known() -> &'static BTreeMap<Under, Known> {
    static KNOWN: OnceLock<BTreeMap<Under, Known>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let of = |kernel: &KernelVersion| {
            let known = Known::of(*kernel, 2, &|| ControlFlow::Continue(())).expect("a sound model");
            (Under::Kernel(*kernel), known)
        };
        KernelVersion::ALL.iter().map(of).collect()
    })
}

fn run(plan: &Plan) -> Campaign {
    Campaign::run_beside(known().clone(), plan, &|_| ()).expect("a sound model")
}

/// What a campaign came to, without times.
fn counts(campaign: &Campaign) -> String {
    let of = |(under, tally): (&Under, &stalemap::fuzz::tally::Tally)| {
        format!(
            "{}: {} refused, {} hold, {} vacuously, {} violate, {} incomplete, {} states; {} losses explained, {} not\n",
            under.name(),
            tally.refused,
            tally.holds,
            tally.vacuous,
            tally.violates,
            tally.incomplete,
            tally.states,
            tally.explained.values().sum::<u64>(),
            tally.unexplained
        )
    };
    campaign.tallies.iter().map(of).collect()
}

/// Some hundred scenarios under all kernels, with all that must hold of them. A change of the model or of what is drawn changes the counts.
#[test]
fn a_short_run_comes_to_what_it_always_came_to() {
    let campaign = run(&Plan { sample: Sample::Some, ..plan(&Under::kernels(), 0, 360) });
    assert!(campaign.broken.is_empty(), "{:?}", campaign.broken);
    assert!(campaign.asked.len() >= 10, "{:?}", campaign.asked);
    insta::assert_snapshot!(counts(&campaign));
}

#[test]
fn it_goes_on_where_it_ended_and_as_many_at_a_time_as_one_likes() {
    let under = [Under::Kernel(KernelVersion::NEWEST)];
    let whole = run(&Plan { threads: 1, ..plan(&under, 0, 200) });
    let parts = [run(&plan(&under, 0, 70)), run(&plan(&under, 70, 130))];
    assert_eq!(counts(&whole), counts(&run(&plan(&under, 0, 200))));
    let sum = |of: fn(&stalemap::fuzz::tally::Tally) -> u64| -> u64 {
        parts.iter().flat_map(|part| part.tallies.values()).map(of).sum()
    };
    let tally = &whole.tallies[&under[0]];
    assert_eq!((whole.next, parts[1].next), (200, 200));
    assert_eq!(tally.states, sum(|tally| tally.states));
    assert_eq!(tally.violates, sum(|tally| tally.violates));
}

/// The table of docs/findings.md has every scenario that makes a loss known.
#[test]
fn what_is_known_is_among_the_findings() {
    let page = page("docs/findings.md");
    let table = page.split("## All of them").nth(1).expect("the table of all of them");
    for (kernel, known) in known() {
        assert!(known.iter().count() > 40, "{}", kernel.name());
        for (class, scenario) in known.iter() {
            assert!(table.contains(&format!("| `{scenario}` |")), "{scenario} shows {class}");
            assert_eq!(known.explains(class).map(str::is_empty), Some(false), "{class}");
        }
    }
}

/// How a scenario loses something under a kernel.
fn class(source: &str, kernel: &str, property: Property) -> String {
    let scenario = read("it.toml", source.as_bytes()).expect("a scenario");
    let implementation = scenario.implementation(kernel).expect("a kernel");
    let job = Job { scenario: &scenario, implementation, engine: Engine::Exhaustive };
    let found = loss::loss(&job, property, &Limits::default()).expect("a sound model");
    found.expect("a loss").class.to_string()
}

/// A search passes over dirty data, as the design makes it, while other data are on their way.
const OTHER_DATA: &str = r#"
title = "t"
fs = { personality = "xfs-zoned" }
kernel.mine = { based_on = "linux-7.3", seek_map = "data-fork" }
setup = { run = ["truncate 12k"] }
[[actor]]
name = "writer"
run = ["pwrite -S 0x57 0 4k", "sync_range -w 0 4k", "pwrite -S 0x58 8k 4k", "seek -d 8k"]
[expect]
mine = ["stale-read"]
"#;

/// A killed write leaves what the device had; what was stored behind end of file before is overwritten by then.
const OVERWRITTEN: &str = r#"
title = "t"
fs = { personality = "gfs2" }
setup = { run = ["pwrite -S 0x58 0 1k"] }
[[actor]]
name = "writer"
run = ["mmap -rw 0 4k", "mwrite -S 0x4d 2k 1k", "pwrite -S 0x57 1k 3k", "truncate 8k", "@kill 0", "pwrite -S 0x59 6k 2k"]
[expect]
"linux-7.3" = ["stale-exposure"]
"#;

/// An fsync flushes the log behind a punch; what is stored after that is lost.
const FLUSHED: &str = r#"
title = "t"
fs = { personality = "gfs2", log_ordered = "wait" }
setup = { run = ["pwrite -S 0x41 0 4k", "fsync"] }
[[actor]]
name = "mapper"
run = ["mmap -rw 0 4k", "fpunch 0 4k", "mwrite -S 0x57 0 4k"]
[[actor]]
name = "syncer"
run = ["fsync"]
[[actor]]
name = "power"
run = ["@crash"]
[expect]
"linux-6.12" = ["crash-lost"]
"#;

/// What looks like a cause, and is about other bytes than those that are lost, explains nothing.
#[test]
fn a_cause_is_one_of_what_is_lost() {
    for (source, kernel, property, class_of_it) in [
        (
            OTHER_DATA,
            "mine",
            properties::STALE_READ,
            "xfs-zoned, stale-read: shows at xfs_seek_iomap_begin of seek; calls: pwrite, seek, writeback",
        ),
        (
            OVERWRITTEN,
            "linux-7.3",
            properties::STALE_EXPOSURE,
            "gfs2, stale-exposure: shows at umount; calls: mwrite, pwrite, pwrite after @kill, truncate",
        ),
        (
            FLUSHED,
            "linux-6.12",
            properties::CRASH_LOST,
            "gfs2, crash-lost: shows at umount; calls: fpunch, mwrite, writeback",
        ),
    ] {
        assert_eq!(class(source, kernel, property), class_of_it);
    }
}

/// Of what is explained with the catalogue nothing is without it.
#[test]
fn what_the_catalogue_does_not_show_is_a_find() {
    let under = [Under::Kernel(KernelVersion::V6_1Y)];
    let plan = plan(&under, 0, 150);
    let with = run(&plan);
    let without = Campaign::run_beside(BTreeMap::new(), &plan, &|_| ()).expect("a sound model");
    let explained = |campaign: &Campaign| campaign.tallies[&under[0]].explained.values().sum::<u64>();
    let unexplained = |campaign: &Campaign| campaign.tallies[&under[0]].unexplained;
    assert!(explained(&with) > 0, "{}", counts(&with));
    assert_eq!(explained(&without), 0);
    assert_eq!(unexplained(&without), unexplained(&with) + explained(&with));
    assert!(without.finds.len() > with.finds.len());
}

#[test]
fn who_is_stopped_says_how_far_it_came() {
    let under = [Under::Kernel(KernelVersion::NEWEST)];
    let stopped = Plan { stop: Arc::new(AtomicBool::new(true)), ..plan(&under, 5, 1000) };
    let stopped = Campaign::run(&stopped, &|_| (), &|_| ()).expect("a sound model");
    assert_eq!((stopped.next, stopped.tallies[&under[0]].explored()), (5, 0));
    assert!(stopped.interrupted && !run(&plan(&under, 5, 1)).interrupted);
}

fn fuzz(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let all: Vec<&str> = ["fuzz", "--quiet", "--no-times"].iter().chain(arguments).copied().collect();
    let output = stalemap(folder, &all);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The first release lost much that has no scenario of its own.
#[test]
fn a_find_is_saved_and_violates_what_it_says() {
    let folder = elsewhere();
    let arguments = ["--kernel", "linux-6.1", "--count", "200", "--out", "finds", "--losses-alone"];
    let (code, said, errors) = fuzz(folder.path(), &[&arguments[..], &["--jobs", "1"]].concat());
    assert_eq!(code, Some(1), "{said}{errors}");
    assert!(said.contains("\nFind 1: ") && !said.contains("Found before"), "{said}");
    let (code, again, _) = fuzz(folder.path(), &arguments);
    assert_eq!(code, Some(3), "{again}");
    assert!(again.contains("\nFound before: ") && !again.contains("Find 1"), "{again}");
    let (_, document, _) =
        fuzz(folder.path(), &[&arguments[..], &["--format", "json", "--jobs", "3"]].concat());
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["schema"], "stalemap.fuzz/1");
    assert_eq!(document["next"], 200);
    let finds = document["finds"].as_array().expect("finds");
    assert!(!finds.is_empty());
    for find in finds {
        let name = find["name"].as_str().expect("a name");
        let source = fs::read_to_string(folder.path().join(format!("finds/{name}.toml"))).expect("a file");
        assert_eq!(source, find["source"].as_str().expect("a text"));
        assert!(said.contains(name), "{said}");
        for arguments in
            [["check", &format!("finds/{name}.toml")], ["replay", &format!("finds/{name}.schedule")]]
        {
            let output = stalemap(folder.path(), &arguments);
            assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stdout));
        }
    }
}

#[test]
fn a_broken_design_says_when_what_was_first_lost() {
    let folder = elsewhere();
    let (code, said, _) =
        fuzz(folder.path(), &["--design", "none", "--count", "150", "--limit-states", "2000"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("Under none, first violated:\n"), "{said}");
    let line = said.lines().find(|line| line.trim_start().starts_with("lost-write")).expect("a loss");
    assert!(line.contains(" by number ") && !line.contains("after"), "{line}");
    assert!(said.contains("kinds of losses"), "{said}");
}

/// The command at the end is the same run, from the next number on; and the table counts what holds as the sentence does.
#[test]
fn the_text_says_how_to_go_on_and_counts_as_its_table() {
    let folder = elsewhere();
    let run = [
        "--kernel",
        "linux-7.3",
        "--design",
        "none",
        "--count",
        "8",
        "--losses-alone",
        "--limit-states",
        "500",
    ];
    let more = ["--limit-memory", "64m", "--out", "some finds", "--jobs", "2"];
    let (_, said, errors) = fuzz(folder.path(), &[&run[..], &more].concat());
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let goes_on = lines.join(" ");
    let says = "To go on: stalemap fuzz --seed 1 --from 8 --kernel linux-7.3 --design none --count 8 --losses-alone \
                --limit-states 500 --limit-memory 64m --out 'some finds' --jobs 2 --no-times --quiet";
    assert!(goes_on.contains(says), "{said}{errors}");
    let row = |name: &str| -> Vec<u64> {
        let row = lines.iter().find(|line| line.starts_with(name) && line.len() > 40).expect("a row");
        row.split_whitespace().skip(1).map(|cell| cell.parse().expect("a number")).collect()
    };
    let rows = [row("linux-7.3"), row("none")];
    for row in &rows {
        let [explored, hold, vacuously, violate, incomplete] = row[..] else { panic!("{said}") };
        assert!(vacuously <= hold && explored == hold + violate + incomplete, "{said}");
    }
    let hold = rows[0][1] + rows[1][1];
    assert!(hold == 0 || goes_on.contains(&format!(" {hold} hold, ")), "{said}");
}

#[test]
fn what_is_not_there_is_said() {
    let folder = elsewhere();
    for (arguments, says) in [
        (&["--kernel", "linux-5"][..], "there is no kernel `linux-5`; known kernels: `linux-6.1`"),
        (&["--design", "any"][..], "there is no design `any`; known designs: `none`"),
    ] {
        let (code, _, errors) = fuzz(folder.path(), arguments);
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains(says), "{errors}");
    }
    for nothing in [["--count", "0"], ["--seconds", "0"]] {
        let (code, _, errors) = fuzz(folder.path(), &nothing);
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains(nothing[0]) && errors.contains("0 is not in 1.."), "{errors}");
    }
}
