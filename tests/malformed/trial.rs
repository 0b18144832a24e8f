//! What is done with an input, and what must not come of it.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::fs;
use std::panic::{self, AssertUnwindSafe};

use clap::Parser as _;
use stalemap::cli::Cli;
use stalemap::commands::{self, Exit};
use stalemap::conform::{Asker, Survey};
use stalemap::paint::Paint;
use stalemap::scenario::{Scenario, read};
use stalemap_checker::{explore_accepted, replay};
use stalemap_explore::{Limits, Options, Schedule};
use stalemap_model::system::kernel::Kernel;
use stalemap_trace::{Finder, Reader, Which};

use crate::allocator::most_of;
use crate::corpus::{Input, Kind};
use crate::mutate::Random;
use crate::outcome::{Failure, Met, Tally};

/// Bytes that any input may take: the searches have a limit of their own, far below it.
const MOST_BYTES: usize = 64 << 20;

/// Of so many inputs one goes through a whole command, with all that it prints.
const COMMANDS: usize = 64;

/// Of so many traces one is asked whether it is a run of the model, which takes ten times as long as reading it.
const ASKED: usize = 4;

thread_local! {
    /// Whether this thread is at a trial.
    static TRYING: Cell<bool> = const { Cell::new(false) };
    /// What the last panic of a trial said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Has panics of trials remembered, not printed.
pub(crate) fn keep_panics_quiet() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(
        move |info| if TRYING.get() { SAID.set(info.to_string()) } else { usual(info) },
    ));
}

/// Tries an input.
pub(crate) fn of(input: &Input, tally: &Tally) -> Result<(), Failure> {
    let mut random = Random::new(!input.number);
    let work = || {
        let met = match input.kind {
            Kind::Scenario => scenario(&input.bytes),
            Kind::Schedule => schedule(&input.bytes),
            Kind::Trace => Ok(trace(&input.bytes, &mut random).map_or(Met::Refused, |()| Met::Taken)),
        }?;
        if random.one_in(COMMANDS) {
            command(input, &mut random)?;
            tally.enter_command();
        }
        Ok(met)
    };
    TRYING.set(true);
    let (caught, bytes) = most_of(|| panic::catch_unwind(AssertUnwindSafe(work)));
    TRYING.set(false);
    let met = match caught {
        Ok(Ok(met)) => met,
        Ok(Err(wrong)) => return Err(Failure::Wrong(wrong)),
        Err(_) => return Err(Failure::Panic(SAID.take())),
    };
    tally.enter(input.kind, met, bytes);
    if bytes > MOST_BYTES { Err(Failure::Memory(bytes)) } else { Ok(()) }
}

fn limits() -> Limits {
    Limits { states: Some(40), memory: Some(16 << 20), ..Limits::default() }
}

/// Reads a scenario, and explores a little of it.
fn scenario(bytes: &[u8]) -> Result<Met, String> {
    let scenario = match read("malformed.toml", bytes) {
        Ok(scenario) => scenario,
        Err(errors) => {
            let shown = errors.render(Paint::Plain);
            let helps = !errors.errors().is_empty() && shown.contains("help:");
            return if helps { Ok(Met::Refused) } else { Err(format!("refused without a reason: {shown}")) };
        }
    };
    let expected = scenario.expected();
    let name = expected.first().map_or("get_folio", String::as_str);
    let Some(kernel) = kernel(&scenario, name) else { return Ok(Met::Refused) };
    let options = Options { limits: limits(), ..Options::default() };
    let accepts = |calls: &_| kernel.failed_setup(calls).is_empty();
    let explored = explore_accepted(&kernel, &options, &accepts, &mut |_| ());
    let explored = explored.map_err(|error| format!("the engine: {error}"))?;
    Ok(if explored.is_ok() { Met::Taken } else { Met::Refused })
}

fn kernel(scenario: &Scenario, name: &str) -> Option<Kernel> {
    let implementation = scenario.implementation(name)?;
    Kernel::new(scenario.config_of(implementation)).ok()
}

/// Reads a schedule, and plays it.
fn schedule(bytes: &[u8]) -> Result<Met, String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(Met::Refused) };
    let Ok(schedule) = Schedule::parse(text) else { return Ok(Met::Refused) };
    let Ok(scenario) = read("malformed.toml", schedule.scenario.as_bytes()) else { return Ok(Met::Refused) };
    let design = schedule.header("design").unwrap_or("none");
    let Some(kernel) = kernel(&scenario, design) else { return Ok(Met::Refused) };
    match replay(&kernel, &schedule.steps) {
        Ok(_) => Ok(Met::Taken),
        Err(error) => {
            let shown = error.to_string();
            if shown.is_empty() { Err("refused without a reason".to_owned()) } else { Ok(Met::Refused) }
        }
    }
}

/// Reads a trace, looks for stale mappings, and asks whether it is a run of the model. None: nothing in it is understood.
fn trace(bytes: &[u8], random: &mut Random) -> Option<()> {
    fn reader(bytes: &[u8]) -> Option<Reader<'_>> {
        Reader::new(bytes, Which::First).ok()
    }
    let mut events = reader(bytes)?;
    let mut finder = Finder::new(4096);
    while let Some(traced) = events.next_event().ok()? {
        finder.see(&traced);
    }
    finder.finish();
    let survey = Survey::of(&mut reader(bytes)?, 4096).ok()??;
    // The command refuses other blocks before it asks.
    let is_block = survey.block.is_power_of_two() && (512..=4096).contains(&survey.block);
    if is_block && random.one_in(ASKED) {
        let implementation = |scenario: &Scenario| scenario.implementation("linux-6.1");
        Asker::new(&implementation, survey.traces, limits()).ask_all(reader(bytes)?, survey.block).ok()?;
    }
    Some(())
}

/// Runs a command on it, as a script does, but in this process.
fn command(input: &Input, random: &mut Random) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(said)?;
    let path = folder.path().join(input.file_name());
    fs::write(&path, &input.bytes).map_err(said)?;
    let file = path.to_string_lossy().into_owned();
    let arguments = arguments(input, random);
    let line = ["stalemap"].into_iter().chain(arguments.split_whitespace()).chain([file.as_str()]);
    let cli = Cli::try_parse_from(line).map_err(|error| format!("stalemap {arguments}: {error}"))?;
    let mut out = Vec::new();
    let report = commands::run(&cli, &mut out);
    if report.exit == Exit::Defect {
        return Err(format!("stalemap {arguments}: {}", report.errors));
    }
    if report.exit == Exit::BadInput && !report.errors.contains("error") {
        return Err(format!("stalemap {arguments}: refused without a reason: {}", report.errors));
    }
    Ok(())
}

/// What looks at scenarios, each with few states.
const OF_SCENARIOS: [&str; 13] = [
    "show",
    "list",
    "check",
    "check --format json",
    "check --format junit",
    "check --format sarif",
    "check --limit-preemptions 1",
    "check --memory relaxed",
    "check --why",
    "compare --all",
    "compare --format csv",
    "compare --format markdown",
    "costs",
];

/// The forms that a schedule is drawn in.
const FORMS: [&str; 11] = [
    "text", "json", "mail", "terminal", "perfetto", "ftrace", "mermaid", "shiviz", "litmus", "c", "xfstests",
];

/// What looks at traces.
const OF_TRACES: [&str; 6] = [
    "--all",
    "--format json",
    "--format jsonl",
    "--block 512",
    "--block 64k",
    "--conforms linux-6.12 --format json",
];

/// The arguments before the file.
fn arguments(input: &Input, random: &mut Random) -> String {
    match input.kind {
        Kind::Scenario => match *random.of(&OF_SCENARIOS) {
            plain @ ("show" | "list") => plain.to_owned(),
            explores => format!("{explores} --limit-states 40 --limit-memory 64m --jobs 1"),
        },
        Kind::Schedule => format!("replay --format {}", random.of(&FORMS)),
        Kind::Trace => format!("trace {}", random.of(&OF_TRACES)),
    }
}

fn said(error: impl Display) -> String {
    error.to_string()
}
