//! What is found under one design is said of every other that answers alike all that was asked: beside the same, explored.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rayon::prelude::*;
use stalemap::fuzz::trial::Drawn;
use stalemap::fuzz::under::Under;
use stalemap::mutants::values;
use stalemap::run::{GivenLimits, Job, Outcome, RunError, run_all};
use stalemap_checker::explore;
use stalemap_explore::{Exploration, Limits, Options};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::kernel_version::KernelVersion;

use crate::common::{in_repository, shipped, thorough};
use crate::layers::collect;

/// Scenarios drawn, each with this many values that it is said not to ask for.
const DRAWN: u64 = 120;
const VALUES: usize = 6;

fn explored(kernel: &Kernel) -> Exploration {
    let limits = Limits { states: Some(3_000), ..Limits::default() };
    explore(kernel, &Options { limits, ..Options::default() }, &mut |_| ()).expect("a sound model")
}

/// How many values of a drawn scenario's fields no run asks for, with some of them put in and explored all the same.
fn unasked(number: u64, under: &[Under]) -> usize {
    let Ok(drawn) = Drawn::new(17, number, under) else { return 0 };
    let Ok(job) = drawn.job() else { return 0 };
    let Ok(kernel) = job.kernel() else { return 0 };
    let found = explored(&kernel);
    let changed = values()
        .into_iter()
        .filter_map(|value| Some((value.setting(), value.put_into(&job.implementation)?)));
    let alike: Vec<_> = changed.filter(|(_, changed)| kernel.finds_alike(changed)).collect();
    let first = number as usize % alike.len().max(1);
    for (setting, changed) in alike.iter().cycle().skip(first).step_by(alike.len() / VALUES + 1).take(VALUES)
    {
        let config = job.scenario.config_of(changed.clone());
        let kernel = Kernel::new(config).unwrap_or_else(|error| panic!("{number} with {setting}: {error}"));
        assert_eq!(
            explored(&kernel),
            found,
            "number {number} under {} with {setting}",
            job.implementation.name()
        );
    }
    alike.len()
}

#[test]
fn what_no_run_asks_for_changes_nothing() {
    let under: Vec<Under> = KernelVersion::ALL.iter().copied().map(Under::Kernel).collect();
    let unasked: Vec<usize> =
        (0..thorough(DRAWN)).into_par_iter().map(|number| unasked(number, &under)).collect();
    let some = unasked.iter().filter(|values| **values > VALUES).count() as u64;
    assert!(some > thorough(DRAWN) * 3 / 4, "{some} of {DRAWN} scenarios ask for nearly everything");
}

/// All that is said of a job, but how long it took.
fn said(outcome: Result<Outcome, RunError>) -> String {
    let outcome = outcome.expect("a sound scenario");
    format!("{:#?}", Outcome { elapsed: Duration::ZERO, ..outcome })
}

#[test]
fn jobs_of_one_scenario_say_what_each_says_alone() {
    let names = [
        "xfs/t1",
        "xfs/t7-d3",
        "xfs/unshare-reflink-flag",
        "gfs2/falloc-fault",
        "zoned/t13-judged",
        "ext4/t2",
    ];
    for scenario in names.map(shipped) {
        let jobs = Job::expected(&scenario);
        let together = run_all(&jobs, GivenLimits::default(), 1, &|_| ());
        for (job, together) in jobs.iter().zip(together) {
            let alone = run_all(std::slice::from_ref(job), GivenLimits::default(), 1, &|_| ()).remove(0);
            assert_eq!(said(together), said(alone), "{} under {}", scenario.name, job.implementation.name());
        }
    }
}

#[test]
fn the_model_looks_at_no_field_without_a_note_but_where_a_system_is_made_ready() {
    let mut files = Vec::new();
    collect(&in_repository("model"), &mut files);
    let looks = |path: &&PathBuf| fs::read_to_string(path).expect("a file").contains("unnoted");
    let looks: Vec<&str> = files.iter().filter(looks).filter_map(|path| path.file_name()?.to_str()).collect();
    // What declares it, and what makes a system ready.
    assert_eq!(BTreeSet::from_iter(looks), BTreeSet::from(["asked.rs", "kernel.rs"]));
}
