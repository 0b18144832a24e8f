//! `fuzz`: scenarios drawn at random, and what is found.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use stalemap_explore::Limits;

use super::interrupt;
use super::{Exit, Report, Result, Stop, threads, unwritable, width};
use crate::cli::fuzz::{FuzzArgs, FuzzFormat};
use crate::cli::limits::in_words;
use crate::fuzz::campaign::{Campaign, Plan};
use crate::fuzz::find::Find;
use crate::fuzz::oracles::Sample;
use crate::fuzz::under::Under;
use crate::report::fuzz as report;
use crate::shell::quoted;
use crate::times::Times;

/// The scenarios of a run that says neither how many nor how long.
const COUNT: u64 = 1000;

/// Where a search is given up, if nothing else is said.
const LIMIT_STATES: u64 = 20_000;
/// What memory a search may take.
const LIMIT_MEMORY: u64 = 256 << 20;

/// From one line about how far it is to the next.
const INTERVAL: Duration = Duration::from_secs(10);

pub(super) fn command(args: &FuzzArgs) -> Result<Report> {
    let plan = plan(args)?;
    if let Some(folder) = &args.out {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    let before = before(args.out.as_deref());
    let (saved, told) = (Cell::new(0), Cell::new(Instant::now()));
    let tick = |campaign: &Campaign| {
        // What was found stays if the run is killed. What cannot be written is said at the end.
        let new = campaign.finds.iter().skip(saved.replace(campaign.finds.len()));
        for (find, folder) in new.filter_map(|find| Some((find, args.out.as_deref()?))) {
            let _ = save(folder, find);
        }
        if !args.quiet && told.get().elapsed() >= INTERVAL {
            told.set(Instant::now());
            let _ = writeln!(io::stderr(), "{}", report::progress(campaign));
        }
    };
    let looking = Looking::new(plan.under.len());
    let looked = |under: Under| {
        if !args.quiet {
            looking.tell(under);
        }
    };
    let campaign = Campaign::run(&plan, &looked, &tick)?;
    let mut written = String::new();
    if let Some(folder) = &args.out {
        for find in &campaign.finds {
            written.push_str(&save(folder, find)?);
        }
    }
    let times = Times::unless(args.no_times);
    let results = match args.format {
        FuzzFormat::Text => {
            report::text(&plan, &campaign, (&before, &goes_on(args, campaign.next)), times, width())
                + &written
        }
        FuzzFormat::Json => report::json(&plan, &campaign, &before, times),
    };
    Ok(Report::of(results, exit(&plan, &campaign, &before)))
}

/// How far the look at what the catalogue shows is.
struct Looking {
    kernels: usize,
    /// The kernels that were looked at, scenarios of the last one, and when that was told last.
    so_far: Mutex<(Vec<Under>, usize, Instant)>,
}

impl Looking {
    fn new(kernels: usize) -> Self {
        Looking { kernels, so_far: Mutex::new((Vec::new(), 0, Instant::now())) }
    }

    /// Says it now and then.
    fn tell(&self, under: Under) {
        let Ok(mut so_far) = self.so_far.lock() else { return };
        let (seen, scenarios, told) = &mut *so_far;
        if seen.last() != Some(&under) {
            seen.push(under);
            *scenarios = 0;
        }
        *scenarios += 1;
        if told.elapsed() >= INTERVAL {
            *told = Instant::now();
            let (at, of, name) = (seen.len(), self.kernels, under.name());
            let _ = writeln!(
                io::stderr(),
                "looking at what the catalogue shows: scenario {scenarios} under {name}, {at} of {of}"
            );
        }
    }
}

fn plan(args: &FuzzArgs) -> Result<Plan> {
    let count = args.count.or(if args.seconds.is_none() { Some(COUNT) } else { None });
    Ok(Plan {
        seed: args.seed,
        from: args.from,
        count,
        time: args.seconds.map(Duration::from_secs),
        under: under(args).map_err(Stop::other)?,
        limits: Limits {
            states: Some(args.limit_states.unwrap_or(LIMIT_STATES)),
            memory: Some(args.limit_memory.unwrap_or(LIMIT_MEMORY)),
            // What is found must not depend on how fast the machine is.
            time: None,
            preemptions: None,
        },
        threads: threads(args.jobs),
        sample: if args.losses_alone { Sample::Nothing } else { Sample::Some },
        stop: interrupt::listen()?,
    })
}

fn under(args: &FuzzArgs) -> Result<Vec<Under>, String> {
    let all = args.kernels.iter().any(|name| name == "all");
    let mut under = if all || args.kernels.is_empty() && args.designs.is_empty() {
        Under::kernels()
    } else {
        args.kernels.iter().map(|name| Under::kernel(name)).collect::<Result<_, _>>()?
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

/// The command that takes the numbers from `next` on in the same way.
fn goes_on(args: &FuzzArgs, next: u64) -> String {
    let FuzzArgs { kernels, designs, seed, from: _, count, seconds, out, losses_alone, .. } = args;
    let FuzzArgs { format: _, no_times, jobs, limit_states, limit_memory, quiet, .. } = args;
    let named = |option: &str, names: &[String]| -> String {
        names.iter().map(|name| format!(" --{option} {}", quoted(name))).collect::<Vec<_>>().concat()
    };
    let given = |option: &str, number: Option<String>| {
        number.map_or_else(String::new, |number| format!(" --{option} {number}"))
    };
    let flag = |option: &str, is_given: &bool| if *is_given { format!(" --{option}") } else { String::new() };
    let number = |number: &Option<u64>| number.map(|number| number.to_string());
    let folder = out.as_ref().map(|folder| quoted(&folder.display().to_string()).into_owned());
    [
        format!("stalemap fuzz --seed {seed} --from {next}"),
        named("kernel", kernels),
        named("design", designs),
        given("count", number(count)),
        given("seconds", number(seconds)),
        flag("losses-alone", losses_alone),
        given("limit-states", number(limit_states)),
        given("limit-memory", limit_memory.map(in_words)),
        given("out", folder),
        given("jobs", jobs.map(|jobs| jobs.to_string())),
        flag("no-times", no_times),
        flag("quiet", quiet),
    ]
    .concat()
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

/// The finds that earlier runs have written into the folder, by name.
fn before(folder: Option<&Path>) -> BTreeSet<String> {
    let files = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let scenarios =
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|it| it == "toml"));
    scenarios.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect()
}

fn exit(plan: &Plan, campaign: &Campaign, before: &BTreeSet<String>) -> Exit {
    let new = campaign.finds.iter().any(|find| !before.contains(&find.name()));
    let is_short = plan.count.is_some_and(|count| campaign.next < plan.from.saturating_add(count));
    let ended_early = campaign.interrupted || is_short;
    let lost_under_a_design =
        campaign.tallies.iter().any(|(under, tally)| matches!(under, Under::Design(_)) && tally.violates > 0);
    if campaign.broken.iter().any(|broken| broken.defect) {
        Exit::Defect
    } else if new || !campaign.broken.is_empty() || lost_under_a_design {
        Exit::Unexpected
    } else if ended_early || campaign.tallies.values().any(|tally| tally.bounded > 0) {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}
