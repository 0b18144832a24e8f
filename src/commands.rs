//! What each command does. Results are returned as text; only `main` prints.

mod accept;
mod baseline;
mod between;
mod bisect;
mod booted;
mod check;
mod claims;
mod compare;
mod conform;
mod conforming;
mod costs;
mod drawn;
mod engine;
mod engines;
mod exit;
mod exported;
mod fuzz;
mod interrupt;
mod kernels;
mod lab;
mod lists;
mod merge;
mod minimise;
mod mutants;
mod orderings;
mod pages;
mod part;
mod picture;
mod progress;
mod replay;
mod stop;
mod synthesize;
mod trace;
mod trace_file;
mod under;
mod verdicts;
mod why;
mod witness;

use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::{fs, io};

use clap::CommandFactory;
use stalemap_explore::Schedule;
use stalemap_facade::MemoryModel;

pub use self::exit::{Exit, Report};
use self::stop::Stop;
use crate::annotate::program::Program;
use crate::annotate::{About, AnnotatedSchedule, annotate, calls, setup};
use crate::cli::limits::SearchLimitsArgs;
use crate::cli::{Cli, Command, Format};
use crate::file_name::file_name;
use crate::input::InputError;
use crate::paint::Paint;
use crate::report::characters::Characters;
use crate::report::timeline::{self, Look};
use crate::report::{self, assumptions};
use crate::run::{GivenLimits, Outcome, RunError, is_surprising, kernel};
use crate::scenario::Scenario;
use crate::stdin::argument;

/// The widest timeline on a terminal: longer lines are hard to follow.
const WIDEST: usize = 160;

/// The columns of a line where there is no terminal, and nothing is said.
const COLUMNS: usize = 80;
/// Fewer columns than these would break what is in them.
const FEWEST: usize = 40;
/// Longer lines are hard to follow,
const MOST: usize = 120;
/// and of help those longer than this, as of other programs.
const HELP: usize = 100;

/// Runs a command. Results that have no end are written to `out` as they come; all others are in the report. A panic, of which
/// the panic hook has said what there is to say, is a defect like others.
pub fn run(cli: &Cli, out: &mut dyn Write) -> Report {
    unless_it_panics(|| report_of(cli, out))
}

fn unless_it_panics(run: impl FnOnce() -> Report) -> Report {
    let defect = |_| Report::of(String::new(), Exit::Defect);
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(defect)
}

fn report_of(cli: &Cli, out: &mut dyn Write) -> Report {
    let report = match &cli.command {
        Command::Check(args) => check::command(args),
        Command::Compare(args) => compare::command(args),
        Command::Costs(args) => costs::command(args),
        Command::Synthesize(args) => synthesize::command(args),
        Command::Fuzz(args) => fuzz::command(args),
        Command::Orderings(args) => orderings::command(args),
        Command::Agree(args) => engines::agreements(args),
        Command::Power(args) => engines::power(args),
        Command::Replay(args) => replay::command(args),
        Command::Witness(args) => witness::command(args),
        Command::Merge(args) => merge::command(args),
        Command::List(args) => lists::list(args),
        Command::Show(args) => lists::show(args),
        Command::Kernels(args) => kernels::command(args),
        Command::Claims(args) => claims::command(args),
        Command::Trace(args) => trace::command(args, out),
        Command::Lab(args) => lab::command(args),
        Command::Completions(args) => Ok(Report::of(pages::completions(args.shell), Exit::Expected)),
        Command::Man(args) => pages::man(args),
        Command::Assumptions(args) => Ok(Report::of(
            match args.format {
                Format::Text => assumptions::list(columns()),
                Format::Json => assumptions::json(),
            },
            Exit::Expected,
        )),
    };
    let report = report.unwrap_or_else(Stop::report);
    Report { errors: Characters::of_environment().shown(report.errors), ..report }
}

type Result<T, E = Stop> = std::result::Result<T, E>;

fn threads(jobs: Option<u16>) -> usize {
    jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// What all jobs came to, or the first error.
fn all_of<T>(results: Vec<Result<T, RunError>>) -> Result<Vec<T>, RunError> {
    results.into_iter().collect()
}

/// For a search that leaves no run out until a limit is reached.
fn over_all_runs(limits: &SearchLimitsArgs) -> GivenLimits {
    GivenLimits {
        states: limits.limit_states,
        memory: limits.limit_memory,
        seconds: limits.limit_seconds,
        preemptions: None,
        bitstate: None,
    }
}

fn exit(outcomes: &[Outcome]) -> Exit {
    let of = |outcome: &Outcome| match outcome {
        outcome if is_surprising(outcome) => Exit::Unexpected,
        outcome if !outcome.limits_hit.is_empty() => Exit::Incomplete,
        _ => Exit::Expected,
    };
    Exit::worst(outcomes.iter().map(of))
}

fn section(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n{text}") }
}

/// The drawing of an outcome's counterexample.
pub(crate) fn counterexample(scenarios: &[Scenario], outcome: &Outcome, look: Look) -> String {
    match annotated_counterexample(scenarios, outcome) {
        Some(Ok(schedule)) => timeline::render(&schedule, look),
        Some(Err(error)) => format!("{error}\n"),
        None => String::new(),
    }
}

/// An outcome's counterexample, replayed.
fn annotated_counterexample(
    scenarios: &[Scenario],
    outcome: &Outcome,
) -> Option<Result<AnnotatedSchedule, InputError>> {
    let shown = outcome.counterexample.as_ref()?;
    let scenario = scenarios.iter().find(|scenario| scenario.name == outcome.scenario)?;
    let about = About {
        scenario: outcome.scenario.clone(),
        title: scenario.title.clone(),
        design: outcome.design.clone(),
        kind: under::kind_of(scenario, &outcome.design),
        memory: unusual(outcome.memory),
        property: Some(shown.property),
        preemptions: Some(shown.counterexample.preemptions).filter(|_| shown.counterexample.certified),
        among: shown.among.clone(),
        setup_lines: setup::lines(scenario),
        halted_at: outcome.halted.as_ref().map(|halted| halted.line),
        certified: report::check::certified(outcome),
        idle: outcome.idle.clone(),
        does: calls(&scenario.actors),
        replay: Some(format!(
            "stalemap check {} {}",
            argument(&outcome.scenario),
            under::option(scenario, &outcome.design)
        )),
        program: Program::of(&scenario.source),
    };
    Some(annotated(scenario, about, &shown.schedule))
}

/// The memory, if it is not the usual one.
fn unusual(memory: MemoryModel) -> Option<&'static str> {
    (memory != MemoryModel::Sequential).then(|| memory.name())
}

fn annotated(
    scenario: &Scenario,
    about: About,
    schedule: &Schedule,
) -> Result<AnnotatedSchedule, InputError> {
    let unknown = || under::unknown(scenario, about.kind, &about.design);
    let implementation = scenario.implementation(&about.design).ok_or_else(unknown)?;
    let kernel = kernel(scenario, &implementation)?;
    let annotated = annotate(&kernel, schedule, about);
    let mut annotated = annotated.map_err(|error| InputError::Other(error.to_string()))?;
    annotated.find_border(&implementation.design);
    Ok(annotated)
}

/// Writes the schedule of a counterexample; says where.
fn save(folder: &Path, outcome: &Outcome) -> Result<String> {
    save_as(folder, outcome, &outcome.design)
}

/// The same, under the scenario's name and this one.
fn save_as(folder: &Path, outcome: &Outcome, suffix: &str) -> Result<String> {
    let Some(shown) = &outcome.counterexample else { return Ok(String::new()) };
    write_schedule(folder, &outcome.scenario, suffix, &shown.schedule)
}

/// Writes a schedule into a file named after the scenario and what it is of; says where.
fn write_schedule(folder: &Path, scenario: &str, of: &str, schedule: &Schedule) -> Result<String> {
    let path = folder.join(file_name(scenario, of, "schedule"));
    fs::write(&path, schedule.to_string()).map_err(|error| unwritable(&path, &error))?;
    Ok(format!("saved {}\n", path.display()))
}

/// Writes a file that is not there yet: what somebody has written is not lost. A pipe or a device takes what it is given.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let written = match fs::metadata(path) {
        Ok(there) if !there.is_file() => fs::write(path, text),
        _ => fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())),
    };
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(path),
        _ => unwritable(path, &error),
    })?;
    Ok(())
}

fn taken(path: &Path) -> InputError {
    InputError::Other(format!("{} is there already; name a file that is not, or remove it", path.display()))
}

/// Looks whether a file can be written, before long work is done for it. One that was not there is not there afterwards.
fn can_be_written(path: &Path) -> Result<()> {
    let there = fs::metadata(path);
    if there.as_ref().is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        // Whoever reads a pipe would take this for its end.
        return Ok(());
    }
    fs::OpenOptions::new().append(true).create(true).open(path).map_err(|error| unwritable(path, &error))?;
    if there.is_err() {
        // If it stays it is overwritten.
        let _ = fs::remove_file(path);
    }
    Ok(())
}

fn unwritable(path: &Path, error: &io::Error) -> InputError {
    // What is said of a folder that cannot be made, since a file has its name.
    let why = match error.kind() {
        io::ErrorKind::AlreadyExists => "it is no folder".to_owned(),
        _ => error.to_string(),
    };
    InputError::Other(format!("cannot write {}: {why}", path.display()))
}

/// How a timeline is drawn when nothing is said: for a terminal where there is one, else as a mail.
fn look() -> Look {
    match terminal_size::terminal_size_of(io::stdout()) {
        Some((width, _)) => Look::terminal(usize::from(width.0).min(WIDEST)).of(Characters::of_environment()),
        None if paint() == Paint::Colored => Look::mail().colored(),
        None => Look::mail(),
    }
}

/// The columns of a line: what `COLUMNS` says, or the terminal.
pub(super) fn width() -> usize {
    columns().unwrap_or(COLUMNS).min(MOST)
}

/// The columns that `COLUMNS` says or a terminal has. A line that goes elsewhere is as long as it is, for those who search it.
fn columns() -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    // Some shells say 0 where they do not know.
    let said = said.filter(|columns| *columns > 0);
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    said.or_else(terminal).map(|columns| columns.max(FEWEST))
}

/// The command line. It would have help of no columns where `COLUMNS` is 0.
pub fn parser() -> clap::Command {
    Cli::command().term_width(columns().map_or(HELP, |columns| columns.min(HELP)))
}

/// Whether results are printed in colour. The stream has the last word and strips it if not.
fn paint() -> Paint {
    match anstream::AutoStream::choice(&io::stdout()) {
        anstream::ColorChoice::Never => Paint::Plain,
        _ => Paint::Colored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_defect() {
        let report = unless_it_panics(|| {
            std::thread::scope(|scope| {
                let worker = scope.spawn(|| -> Report { panic!("on purpose") });
                worker.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
            })
        });
        assert_eq!((report.exit, report.results.as_str()), (Exit::Defect, ""));
    }
}
