//! The designs in relaxed memory, which orderings they need there, and what `stalemap orderings` says about it.

use rayon::prelude::*;
use serde_json::Value;
use stalemap::orderings::{Study, Weakest, study};
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::{Scenario, catalogue};
use stalemap::verdict::Verdict;
use stalemap_checker::explore;
use stalemap_explore::{Exploration, LimitHit, Options};
use stalemap_facade::MemoryModel;
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::branches;
use stalemap_model::words::ordering::{Link, Orderings};
use stalemap_model::words::personality::Bump;

use crate::common::{all_shipped, elsewhere, of_one_release, page, program, shipped, stalemap, text};

fn scenario(name: &str, memory: MemoryModel) -> Scenario {
    Scenario { memory, ..shipped(name) }
}

fn explored(scenario: &Scenario, design: &str, weakened: &[Link], bump: Bump) -> Exploration {
    let implementation = scenario.implementation(design).expect("a design or a kernel");
    let mut config = scenario.config_of(implementation);
    config.orderings = Orderings::without(weakened);
    config.fs.unnoted_mut().bump_convert = bump;
    let kernel = Kernel::new(config).expect("a scenario that fits");
    let found = explore(&kernel, &Options::default(), &mut |_| ()).expect("a sound model");
    assert!(found.is_complete());
    found
}

/// The counter is stored before the records change, which a check may see; and in one operation with them.
#[test]
fn the_designs_that_check_hold_in_relaxed_memory() {
    let runs: Vec<_> = ["xfs/t1", "xfs/t2", "xfs/t10"]
        .into_iter()
        .flat_map(|name| [(name, "iomap_valid"), (name, "get_folio"), (name, "linux-7.3")])
        .flat_map(|(name, design)| [(name, design, Bump::Inside), (name, design, Bump::Early)])
        .collect();
    runs.into_par_iter().for_each(|(name, design, bump)| {
        let found = explored(&scenario(name, MemoryModel::Relaxed), design, &[], bump);
        assert_eq!(properties::of_bits(found.violated), [], "{name} {design} {bump:?}");
        assert!(found.reached & branches::STALE.bit() != 0);
    });
    for name in ["xfs/t1", "xfs/t2", "xfs/t10"] {
        let found = explored(&scenario(name, MemoryModel::Relaxed), "none", &[], Bump::Inside);
        assert!(found.violated & properties::LOST_WRITE.bit() != 0);
    }
}

/// Relaxed memory reaches more than sequentially consistent memory: the proof is about something.
#[test]
fn old_counters_are_read() {
    let sequential = explored(&scenario("xfs/t1", MemoryModel::Sequential), "iomap_valid", &[], Bump::Inside);
    let relaxed = explored(&scenario("xfs/t1", MemoryModel::Relaxed), "iomap_valid", &[], Bump::Inside);
    assert!(relaxed.statistics.states > sequential.statistics.states);
    assert_eq!(relaxed.statistics.states, 339);
}

/// Every shipped verdict is the same in relaxed memory, but for one that leans on the ILOCK: a counter that moves
/// after it is released may be sampled old beside records that are new, and that costs a needless retry. And where a store through
/// a mapping races with what makes the file grow over it, nobody has ordered the two: writeback that reads the old size zeroes
/// the store, which the judge, who goes by the newest size, takes for one that came after. A reader who has mapped too early and
/// compares without the ILOCK may find the old counter: the completion of a direct write has looked for his folio before it was
/// there, and that orders nothing. Two appends that do not exclude each other may compare an old i_size; and a read that finds end of file may
/// have seen one, which is judged in sequential memory alone.
#[test]
fn the_catalogue_is_as_expected_in_relaxed_memory() {
    let mut scenarios = all_shipped();
    for scenario in &mut scenarios {
        scenario.memory = MemoryModel::Cumulative;
    }
    let jobs: Vec<Job<'_>> =
        scenarios.iter().flat_map(|scenario| of_one_release(Job::expected(scenario))).collect();
    let (mut surprising, mut complete) = (Vec::new(), 0);
    // The few that have more states take most of the time.
    let given = GivenLimits { states: Some(8_000), ..GivenLimits::default() };
    for outcome in run_all(&jobs, given, 2, &|_| ()) {
        let outcome = outcome.expect("a run");
        if outcome.limits_hit.contains(&LimitHit::States) {
            continue;
        }
        complete += 1;
        if outcome.judgement.as_expected != Some(true) {
            surprising.push((outcome.scenario, outcome.violated.contains(&properties::UNBOUNDED_RETRY)));
        }
    }
    assert!(complete > 900, "{complete} of {}", jobs.len());
    surprising.dedup();
    let counters = ["xfs/a16-bump-after-ilock", "xfs/a16-bump-late"].map(|name| (name.to_owned(), true));
    let reader = [("xfs/d9".to_owned(), false)];
    let end = [("xfs/dio-overlap-read".to_owned(), false)];
    let load = [("xfs/layout-size-load".to_owned(), false)];
    let growth = ["clone", "falloc", "truncate", "write", "zero-range"];
    let growth = growth.map(|by| (format!("xfs/eof-{by}"), false));
    let appends = [("ext4/dio-append".to_owned(), false)];
    assert_eq!(
        surprising,
        [&appends[..], &counters[..], &reader[..], &end[..], &growth[..], &load[..]].concat()
    );
}

fn studied(name: &str, memory: MemoryModel) -> Study {
    let scenario = scenario(name, memory);
    let design = scenario.implementation("iomap_valid").expect("a built-in design");
    let study = study(&scenario, &design, GivenLimits::default(), 2).expect("a sound model");
    assert_eq!(study.kernel.verdict, Verdict::Holds);
    assert!(!study.is_incomplete());
    study
}

fn needed(study: &Study) -> Vec<Link> {
    let broken = study.single.iter().filter(|one| one.outcome.verdict == Verdict::Violates);
    broken.flat_map(|one| one.without.clone()).collect()
}

fn loses_data(study: &Study, without: &[Link]) -> bool {
    study
        .broken()
        .any(|broken| broken.without == without && broken.outcome.violated.contains(&properties::LOST_WRITE))
}

#[test]
fn t1_needs_two_sections_of_xa_lock() {
    use Link::{IlockLock, IlockUnlock, XaEndWriteback, XaInsert};
    let study = studied("xfs/t1", MemoryModel::Relaxed);
    assert_eq!(needed(&study), [IlockLock, IlockUnlock, XaEndWriteback, XaInsert]);
    assert!(loses_data(&study, &[XaEndWriteback]) && loses_data(&study, &[XaInsert]));
    assert!(!loses_data(&study, &[IlockLock]), "without the ILOCK's ordering it only retries needlessly");
    assert_eq!(study.weakest, Weakest::All(vec![needed(&study)]));
}

#[test]
fn t10_needs_the_folio_lock_as_well() {
    use Link::{FolioLock, FolioUnlock, XaEndWriteback, XaInsert, XaRemoveFailed};
    let study = studied("xfs/t10", MemoryModel::Relaxed);
    for link in [XaEndWriteback, XaRemoveFailed, XaInsert, FolioLock, FolioUnlock] {
        assert!(loses_data(&study, &[link]), "{link}");
    }
    assert_eq!(needed(&study).len(), 7);
}

#[test]
fn in_the_kernels_memory_there_are_two_ways_from_the_completion_to_the_writer() {
    use Link::{IlockLock, IlockUnlock, WritebackClear, XaEndWriteback, XaInsert, XaRemove};
    let study = studied("xfs/t1", MemoryModel::Cumulative);
    assert_eq!(needed(&study), [IlockLock, IlockUnlock, XaInsert]);
    assert!(loses_data(&study, &[WritebackClear, XaEndWriteback]));
    assert!(loses_data(&study, &[XaEndWriteback, XaRemove]));
    assert_eq!(study.broken().filter(|broken| broken.without.len() == 2).count(), 2);
    let by_xa_lock = vec![IlockLock, IlockUnlock, XaEndWriteback, XaInsert];
    let by_the_bit = vec![IlockLock, IlockUnlock, WritebackClear, XaRemove, XaInsert];
    assert_eq!(study.weakest, Weakest::All(vec![by_the_bit, by_xa_lock]));
}

/// Two tasks count in `xfs/t2`, and one that does not see the other's count repeats it.
#[test]
fn t2_needs_xa_lock_and_nothing_that_is_no_lock() {
    use Link::{XaEndWriteback, XaInsert};
    let t2 = scenario("xfs/t2", MemoryModel::Relaxed);
    for link in [XaEndWriteback, XaInsert] {
        let found = explored(&t2, "iomap_valid", &[link], Bump::Inside);
        assert!(found.violated & properties::LOST_WRITE.bit() != 0, "{link}");
    }
    let kept = [Link::IlockLock, Link::IlockUnlock, XaEndWriteback, XaInsert];
    let others: Vec<Link> = Link::ALL.iter().copied().filter(|link| !kept.contains(link)).collect();
    assert_eq!(explored(&t2, "iomap_valid", &others, Bump::Inside).violated, 0);
}

/// A reader that takes no lock has nothing but the size to tell it that the data are there.
#[test]
fn an_append_needs_the_release_and_the_acquire_of_the_size() {
    use Link::{SizeLoad, SizeStore};
    for memory in [MemoryModel::Relaxed, MemoryModel::Cumulative] {
        let append = scenario("ext4/append-read-order", memory);
        let violated = |weakened: &[Link]| {
            properties::of_bits(explored(&append, "iomap_valid", weakened, Bump::Inside).violated)
        };
        assert_eq!(violated(&[]), []);
        for link in [SizeStore, SizeLoad] {
            assert!(violated(&[link]).contains(&properties::STALE_READ), "{link}");
        }
        let others: Vec<Link> =
            Link::ALL.iter().copied().filter(|link| ![SizeStore, SizeLoad].contains(link)).collect();
        assert_eq!(violated(&others), []);
    }
}

#[test]
fn the_table_is_what_the_page_shows() {
    let page = page("docs/orderings.md");
    let folder = elsewhere();
    let mut shown = 0;
    for block in page.split("```text\n").skip(1) {
        let (command, output) = block.split_once('\n').expect("a command");
        let arguments: Vec<&str> = command.trim_start_matches("$ stalemap ").split(' ').collect();
        let (expected, _) = output.split_once("```").expect("an end");
        let said = text(&stalemap(folder.path(), &arguments).stdout);
        assert_eq!(said.trim_end(), expected.trim_end(), "{command}");
        shown += 1;
    }
    assert_eq!(shown, 3);
}

#[test]
fn the_table_fits_the_columns_and_names_stay_whole() {
    for columns in ["80", "120"] {
        let ran =
            program().args(["orderings", "xfs/t1", "--memory", "lkmm"]).env("COLUMNS", columns).output();
        let said = text(&ran.expect("the program starts").stdout);
        let longest = said.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(longest <= columns.parse().expect("a number"), "{longest}\n{said}");
        for name in
            ["ilock-lock", "writeback-clear", "xa-end-writeback", "xa-remove-failed", "invalidate_lock"]
        {
            assert!(said.contains(&format!("\n {name} ")), "{name}\n{said}");
        }
    }
}

#[test]
fn what_breaks_can_be_replayed() {
    let folder = elsewhere();
    let arguments = ["orderings", "xfs/t1", "--memory", "lkmm", "--format", "json", "--save", "out"];
    let output = stalemap(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["schema"], "stalemap.orderings/1");
    assert_eq!(document["memory"], "lkmm");
    assert_eq!(document["weakest"]["how"], "all");
    assert_eq!(document["weakest"]["sets"].as_array().map(Vec::len), Some(2));
    let mut played = 0;
    for file in std::fs::read_dir(folder.path().join("out")).expect("a folder") {
        let path = file.expect("a file").path();
        let schedule = std::fs::read_to_string(&path).expect("a schedule");
        assert!(schedule.contains("\nmemory = lkmm\nwithout = "), "{schedule}");
        let replayed =
            stalemap(folder.path(), &["replay", path.to_str().expect("UTF-8"), "--format", "json"]);
        assert_eq!(replayed.status.code(), Some(0), "{}", text(&replayed.stderr));
        assert!(text(&replayed.stdout).contains("is still seen"));
        // With the kernel's orderings there is nothing old to read.
        let line = schedule.lines().find(|line| line.starts_with("without")).expect("a header");
        std::fs::write(&path, schedule.replace(&format!("{line}\n"), "")).expect("written");
        let refused = stalemap(folder.path(), &["replay", path.to_str().expect("UTF-8")]);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stdout));
        played += 1;
    }
    assert_eq!(played, 5);
}

#[test]
fn a_verdict_says_in_which_memory() {
    let folder = elsewhere();
    let check = |memory: &str, format: &str| {
        let arguments =
            ["check", "--design", "iomap_valid", "xfs/t1", "--memory", memory, "--format", format];
        let output = stalemap(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(check("relaxed", "text").contains("holds in relaxed memory"));
    assert!(check("lkmm", "text").contains("holds in the kernel's memory"));
    assert!(check("relaxed", "json").contains("\"memory\": \"relaxed\""));
    assert!(check("sc", "json").contains("\"memory\": \"sc\""));
}

#[test]
fn wrong_names_are_refused() {
    let folder = elsewhere();
    let refused = |arguments: &[&str], hint: &str| {
        let output = stalemap(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(hint), "{}", text(&output.stderr));
    };
    refused(&["orderings", "xfs/t1", "--format", "litmus", "--without", "xa"], "xa-insert");
    refused(&["orderings", "xfs/t1", "--without", "xa-insert"], "--format litmus");
    refused(&["orderings", "xfs/t1", "--memory", "sc"], "relaxed and lkmm");
    refused(&["orderings", "xfs/t1", "--design", "nobody"], "there is no design `nobody`");
    refused(&["orderings", "xfs/t4", "--format", "litmus"], "no litmus test");
    let scenario = catalogue::find("xfs/t1").expect("a shipped scenario").1;
    let schedule = |header: &str| {
        let text = format!(
            "stalemap schedule 1\ndesign = none\n{header}\n\nwriter: x\n\nscenario file:\n{scenario}"
        );
        std::fs::write(folder.path().join("bad.schedule"), text).expect("a file");
    };
    schedule("memory = tso");
    refused(&["replay", "bad.schedule"], "there is no memory `tso`");
    schedule("memory = relaxed\nwithout = xa-insert, mb");
    refused(&["replay", "bad.schedule"], "there is no ordering `mb`");
}

#[test]
fn the_core_is_a_litmus_test() {
    let folder = elsewhere();
    let litmus = |arguments: &[&str]| {
        let output = stalemap(folder.path(), &[&["orderings", "--format", "litmus"], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    insta::assert_snapshot!("litmus_evicted", litmus(&["xfs/t1"]));
    insta::assert_snapshot!("litmus_kept", litmus(&["xfs/t10"]));
    let without = |scenario: &str, links: &[&str]| {
        let options: Vec<&str> = links.iter().flat_map(|link| ["--without", link]).collect();
        litmus(&[&[scenario], &options[..]].concat())
    };
    insta::assert_snapshot!(
        "litmus_evicted_without",
        without("xfs/t1", &["xa-end-writeback", "writeback-clear"])
    );
    let result = |scenario: &str, links: &[&str]| {
        let text = without(scenario, links);
        let line = text.lines().find(|line| line.starts_with(" * Result:")).expect("a result");
        line.trim_start_matches(" * Result: ").to_owned()
    };
    // What is needed there is needed here.
    for (scenario, links, expected) in [
        ("xfs/t1", &["xa-insert"][..], "Sometimes"),
        ("xfs/t1", &["xa-end-writeback"], "Never"),
        ("xfs/t1", &["xa-end-writeback", "xa-remove"], "Sometimes"),
        ("xfs/t1", &["writeback-clear", "xa-remove", "ilock-lock"], "Never"),
        ("xfs/t10", &["folio-lock"], "Sometimes"),
        ("xfs/t10", &["xa-remove-failed"], "Never"),
        ("xfs/t10", &["writeback-clear", "xa-remove-failed"], "Sometimes"),
    ] {
        assert_eq!(result(scenario, links), expected, "{scenario} without {links:?}");
    }
}

#[test]
fn the_core_of_a_schedule_is_a_litmus_test_as_well() {
    let folder = elsewhere();
    let said = |arguments: &[&str]| {
        let output = stalemap(folder.path(), arguments);
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let core = |arguments: &[&str]| said(&[&["orderings", "--format", "litmus"], arguments].concat()).1;
    let schedule = |path: &str| said(&["replay", path, "--format", "litmus"]);

    said(&["check", "--design", "none", "xfs/t1", "--save", "out"]);
    let drawn = schedule("out/xfs-t1-none.schedule");
    assert_eq!((drawn.0, drawn.1), (Some(0), core(&["xfs/t1"])));
    // One that was found without an ordering is exported without it.
    said(&["orderings", "xfs/t1", "--memory", "lkmm", "--save", "out"]);
    let weakened = schedule("out/xfs-t1-iomap_valid-without-xa-insert.schedule");
    let expected = core(&["xfs/t1", "--without", "xa-insert"]);
    assert!(expected.contains("Result: Sometimes"), "{expected}");
    assert_eq!((weakened.0, weakened.1), (Some(0), expected), "{}", weakened.2);
    // Nothing is evicted in this one.
    said(&["check", "--design", "none", "xfs/b7", "--save", "out"]);
    let (exit, printed, problem) = schedule("out/xfs-b7-none.schedule");
    assert_eq!((exit, printed.as_str()), (Some(2), ""));
    assert!(problem.contains("xfs-b7-none.schedule has no litmus test: no folio is evicted"), "{problem}");
}

#[test]
fn nothing_is_concluded_from_what_was_not_put_to_the_test() {
    let folder = elsewhere();
    let alone = "title = \"Nobody else\"\n[fs]\nfree_blocks = 1\n\
                 [[actor]]\nname = \"writer\"\nrun = [\"pwrite 0 4k\", \"pwrite 4k 4k\"]\n";
    std::fs::write(folder.path().join("alone.toml"), alone).expect("a scenario");
    let output = stalemap(folder.path(), &["orderings", "alone.toml"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("holds vacuously"), "{said}");
    assert!(said.contains("\nThere is nothing to conclude: `pwrite 4k 4k` of writer"), "{said}");
    assert!(said.contains("; no run reached stale") && !said.contains("vacuous:"), "{said}");
    assert!(!said.contains("weakest"), "{said}");
}

#[test]
fn what_a_limit_left_undecided_is_not_called_needed() {
    let folder = elsewhere();
    // Without the lock of the folio there are 340 states, and the design holds.
    let output =
        stalemap(folder.path(), &["orderings", "xfs/t1", "--memory", "lkmm", "--limit-states", "339"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("The weakest set that holds is not known."), "{said}");
    assert!(said.contains("the limit of states was reached"), "{said}");
}
