//! `fuzz`: scenarios drawn at random, and what is found.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use stalemap_explore::Limits;

use super::{Exit, Report, Result, failed, threads, unwritable, width};
use crate::cli::fuzz::{FuzzArgs, FuzzFormat};
use crate::fuzz::campaign::{Campaign, Plan};
use crate::fuzz::find::Find;
use crate::fuzz::oracles::Sample;
use crate::fuzz::under::Under;
use crate::input::InputError;
use crate::report::fuzz as report;
use crate::report::times::Times;

/// The scenarios of a run that says neither how many nor how long.
const COUNT: u64 = 1000;

/// The states of each search.
const STATES: u64 = 20_000;

/// Its memory, which is that of more states than these.
const MEMORY: u64 = 256 << 20;

pub(super) fn command(args: &FuzzArgs) -> Result<Report> {
    let plan = plan(args)?;
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    let campaign = match Campaign::run(&plan, &|campaign| tell(args, campaign)) {
        Ok(campaign) => campaign,
        Err(error) => return failed(&error),
    };
    let mut saved = String::new();
    if let Some(folder) = &args.out {
        for find in &campaign.finds {
            saved.push_str(&save(folder, find)?);
        }
    }
    let times = if args.no_times { Times::LeftOut } else { Times::Said };
    let results = match args.format {
        FuzzFormat::Text => report::text(&plan, &campaign, times, width()) + &saved,
        FuzzFormat::Json => report::json(&plan, &campaign, times),
    };
    Ok(Report::of(results, exit(&campaign)))
}

fn plan(args: &FuzzArgs) -> Result<Plan> {
    let other = |problem: String| vec![InputError::Other(problem)];
    let limits = &args.limits;
    let count = args.count.or(if args.seconds.is_none() { Some(COUNT) } else { None });
    Ok(Plan {
        seed: args.seed,
        from: args.from,
        count,
        time: args.seconds.map(Duration::from_secs),
        under: under(args).map_err(other)?,
        limits: Limits {
            states: Some(limits.limit_states.unwrap_or(STATES)),
            memory: Some(limits.limit_memory.unwrap_or(MEMORY)),
            time: limits.limit_seconds.map(Duration::from_secs),
            preemptions: None,
        },
        threads: threads(limits.jobs),
        sample: if args.losses_alone { Sample::Nothing } else { Sample::Some },
    })
}

fn under(args: &FuzzArgs) -> std::result::Result<Vec<Under>, String> {
    let all = args.kernels.iter().any(|name| name == "all");
    let mut under = if all || args.kernels.is_empty() && args.designs.is_empty() {
        Under::kernels()
    } else {
        args.kernels.iter().map(|name| Under::kernel(name)).collect::<std::result::Result<_, _>>()?
    };
    for name in &args.designs {
        under.push(Under::design(name)?);
    }
    let mut unique = Vec::new();
    for one in under {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    Ok(unique)
}

/// A line on stderr after each batch that takes long.
fn tell(args: &FuzzArgs, campaign: &Campaign) {
    if !args.quiet {
        eprintln!("{}", report::progress(campaign));
    }
}

/// Writes a find: its scenario and its schedule.
fn save(folder: &Path, find: &Find) -> Result<String> {
    let mut said = String::new();
    for (extension, text) in [("toml", &find.source), ("schedule", &find.schedule)] {
        let path = folder.join(format!("{}.{extension}", find.name()));
        fs::write(&path, text).map_err(|error| unwritable(&path, &error))?;
        let _ = writeln!(said, "saved {}", path.display());
    }
    Ok(said)
}

fn exit(campaign: &Campaign) -> Exit {
    let lost_under_a_design =
        campaign.tallies.iter().any(|(under, tally)| matches!(under, Under::Design(_)) && tally.violates > 0);
    if campaign.broken.iter().any(|broken| broken.defect) {
        Exit::Defect
    } else if !campaign.finds.is_empty() || !campaign.broken.is_empty() || lost_under_a_design {
        Exit::Unexpected
    } else if campaign.tallies.values().any(|tally| tally.bounded > 0) {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}
