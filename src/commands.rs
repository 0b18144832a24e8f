//! What each command does. Results are returned as text; only `main` prints.

mod accept;
mod baseline;
mod between;
mod bisect;
mod booted;
mod claims;
mod compare;
mod conform;
mod costs;
mod drawn;
mod exported;
mod kernels;
mod lab;
mod minimise;
mod mutants;
mod pages;
mod picture;
mod progress;
mod replay;
mod synthesize;
mod trace;
mod trace_file;
mod under;
mod verdicts;
mod why;
mod witness;

use std::io::Write;
use std::path::Path;
use std::{fs, io};

use stalemap_explore::{Limits, Schedule};
use stalemap_facade::MemoryModel;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::ordering::{Link, Orderings};

use crate::agree::agree;
use crate::annotate::program::Program;
use crate::annotate::{About, AnnotatedSchedule, annotate, calls, setup};
use crate::cli::limits::LimitsArgs;
use crate::cli::{
    AgreeArgs, CheckArgs, CheckFormat, Cli, Command, Format, ListArgs, OrderingsArgs, OrderingsFormat,
    PowerArgs, ShowArgs, WhatArgs,
};
use crate::engine::Engine;
use crate::file_name::file_name;
use crate::input::{self, InputError};
use crate::litmus::Core;
use crate::orderings;
use crate::power::{Measurement, measure};
use crate::report::characters::Characters;
use crate::report::timeline::{self, Look};
use crate::report::{self, assumptions, check, engines, json, list};
use crate::run::{
    GivenLimits, Job, Outcome, RunError, in_parallel, is_surprising, kernel, limits_beside_others, run_all,
};
use crate::scenario::Scenario;
use crate::verdict::Verdict;

/// The widest timeline on a terminal: longer lines are hard to follow.
const WIDEST: usize = 160;

/// The columns of a line where there is no terminal, and nothing is said.
const COLUMNS: usize = 80;
/// Fewer columns than these would break what is in them.
const FEWEST: usize = 40;
/// Longer lines are hard to follow.
const MOST: usize = 120;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Exit {
    /// Everything as expected.
    Expected = 0,
    /// Something is not.
    Unexpected = 1,
    /// Usage or bad input.
    BadInput = 2,
    /// Nothing unexpected, but something incomplete.
    Incomplete = 3,
    /// A defect of stalemap.
    Defect = 4,
}

/// What a command has to say.
#[derive(Debug)]
pub struct Report {
    /// For stdout.
    pub results: String,
    /// For stderr.
    pub errors: String,
    /// How it ended.
    pub exit: Exit,
}

impl Report {
    fn of(results: String, exit: Exit) -> Self {
        Report { results, errors: String::new(), exit }
    }

    /// Several reports, one after the other; the worst exit is that of the whole.
    fn joined(reports: &[Self]) -> Self {
        let exit = |report: &Self| report.exit;
        let worst = [Exit::Defect, Exit::BadInput, Exit::Unexpected, Exit::Incomplete];
        let exits: Vec<Exit> = reports.iter().map(exit).collect();
        let exit = worst.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Expected);
        let part = |text: fn(&Self) -> &str| {
            reports.iter().map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
        };
        Report { results: part(|report| &report.results), errors: part(|report| &report.errors), exit }
    }

    fn bad_input(errors: &[InputError]) -> Self {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let errors = lines.join("\n") + "\n";
        Report { results: String::new(), errors, exit: Exit::BadInput }
    }
}

/// Runs a command. Results that have no end are written to `out` as they come; all others are in the report.
pub fn run(cli: &Cli, out: &mut dyn Write) -> Report {
    let report = match &cli.command {
        Command::Check(args) => check_command(args),
        Command::Compare(args) => compare::command(args),
        Command::Costs(args) => costs::command(args),
        Command::Synthesize(args) => synthesize::command(args),
        Command::Orderings(args) => orderings_command(args),
        Command::Agree(args) => agree_command(args),
        Command::Power(args) => power_command(args),
        Command::Replay(args) => replay::command(args),
        Command::Witness(args) => witness::command(args),
        Command::List(args) => list_command(args),
        Command::Show(args) => show_command(args),
        Command::Kernels(args) => kernels::command(args),
        Command::Claims(args) => claims::command(args),
        Command::Trace(args) => trace::command(args, out),
        Command::Lab(args) => lab::command(args),
        Command::Completions(args) => Ok(Report::of(pages::completions(args.shell), Exit::Expected)),
        Command::Man(args) => pages::man(args),
        Command::Assumptions(args) => Ok(Report::of(
            match args.format {
                Format::Text => assumptions::list(),
                Format::Json => assumptions::json(),
            },
            Exit::Expected,
        )),
    };
    let report = report.unwrap_or_else(|errors| Report::bad_input(&errors));
    Report { errors: Characters::of_environment().shown(report.errors), ..report }
}

type Result<T> = std::result::Result<T, Vec<InputError>>;

/// The report of verdicts, laid out as `check` does.
fn check_command(args: &CheckArgs) -> Result<Report> {
    if args.weakest {
        return synthesize::weakest(args);
    }
    if args.accept {
        return accept::command(args);
    }
    if let Some(file) = &args.minimise_scenario {
        return minimise::command(args, file);
    }
    if args.why {
        return why::command(args);
    }
    let earlier = args.baseline.as_deref().map(baseline::load).transpose()?;
    let mut ran = match verdicts::run(&args.run)? {
        Ok(ran) => ran,
        Err(report) => return Ok(report),
    };
    let in_full = ran.scenarios.len() == 1 && !args.run.quiet;
    let is_shown = |outcome: &Outcome| match args.format {
        CheckFormat::Text => in_full || outcome.judgement.as_expected != Some(true),
        CheckFormat::Json => true,
        CheckFormat::Junit | CheckFormat::Sarif => false,
    };
    if let Err(error) = ran.find_idle(is_shown) {
        return failed(&error);
    }
    let results = match args.format {
        CheckFormat::Json => json::check(&ran.shown(&args.run), args.run.times()),
        CheckFormat::Junit => verdicts::junit(&ran, &args.run)?,
        CheckFormat::Sarif => verdicts::sarif(&ran, &args.run)?,
        CheckFormat::Text => lines(&ran.scenarios, &ran.outcomes, args.run.quiet) + &ran.saved,
    };
    Ok(match &earlier {
        None => ran.report(results),
        Some(earlier) => baseline::against(earlier, args, ran, results),
    })
}

fn threads(jobs: Option<u16>) -> usize {
    jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// What all jobs came to, or the first error.
fn all_of<T>(results: Vec<std::result::Result<T, RunError>>) -> std::result::Result<Vec<T>, RunError> {
    results.into_iter().collect()
}

/// The report of jobs that could not be run.
fn failed(error: &RunError) -> Result<Report> {
    match error {
        RunError::Config { .. } | RunError::Refused(_) | RunError::Setup(_) | RunError::Checkpoint(_) => {
            Err(vec![bad_input(error)])
        }
        RunError::Engine { .. }
        | RunError::Candidate { .. }
        | RunError::DoesNotReplay { .. }
        | RunError::Disagree { .. } => {
            Ok(Report { results: String::new(), errors: format!("error: {error}\n"), exit: Exit::Defect })
        }
    }
}

/// An error that is the input's.
pub(crate) fn bad_input(error: &RunError) -> InputError {
    match error {
        RunError::Setup(diagnostics) => InputError::Scenario(diagnostics.clone()),
        other => InputError::Other(other.to_string()),
    }
}

fn agree_command(args: &AgreeArgs) -> Result<Report> {
    let scenarios = input::scenarios(&args.what.paths)?;
    let jobs = under::jobs(&scenarios, &args.what.paths, &args.what.under, Engine::Exhaustive)?;
    let ran = in_parallel(&jobs, threads(args.what.limits.jobs), |job| {
        agree(job, args.iterations, &limits_of(&args.what, job, jobs.len()))
    });
    let agreements = match all_of(ran) {
        Ok(agreements) => agreements,
        Err(error) => return failed(&error),
    };
    let mut saved = String::new();
    if let Some(folder) = &args.save {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        for agreement in &agreements {
            for difference in &agreement.differences {
                let Some(schedule) = &difference.schedule else { continue };
                let name = format!("{}-{}", agreement.design, difference.engine);
                saved.push_str(&write_schedule(folder, &agreement.scenario, &name, schedule)?);
            }
        }
    }
    let results = match args.what.format {
        Format::Json => engines::agreements_json(&agreements),
        Format::Text => engines::agreements(&agreements) + &saved,
    };
    let exit = if agreements.iter().any(|agreement| !agreement.differences.is_empty()) {
        Exit::Defect
    } else if agreements.iter().any(|agreement| !agreement.is_checked()) {
        Exit::Incomplete
    } else {
        Exit::Expected
    };
    Ok(Report::of(results, exit))
}

fn power_command(args: &PowerArgs) -> Result<Report> {
    let scenarios = input::scenarios(&args.what.paths)?;
    let jobs = under::jobs(&scenarios, &args.what.paths, &args.what.under, Engine::Exhaustive)?;
    let ran = in_parallel(&jobs, threads(args.what.limits.jobs), |job| {
        measure(job, args.iterations, args.seed, &limits_of(&args.what, job, jobs.len()))
    });
    let measurements = match all_of(ran) {
        Ok(measurements) => measurements,
        Err(error) => return failed(&error),
    };
    let (mut powers, mut unknown) = (Vec::new(), Vec::new());
    for measurement in measurements {
        match measurement {
            Measurement::Power(power) => powers.push(power),
            Measurement::Unknown(other) => unknown.push(other),
            Measurement::NothingToHit => {}
        }
    }
    let results = match args.what.format {
        Format::Json => engines::powers_json(&powers, &unknown),
        Format::Text => engines::powers(&powers, &unknown),
    };
    Ok(Report::of(results, if unknown.is_empty() { Exit::Expected } else { Exit::Incomplete }))
}

/// For a search that leaves no run out until a limit is reached.
fn over_all_runs(limits: &LimitsArgs) -> GivenLimits {
    GivenLimits {
        states: limits.limit_states,
        memory: limits.limit_memory,
        seconds: limits.limit_seconds,
        preemptions: None,
    }
}

/// The limits of the exhaustive engine where others are compared with it.
fn limits_of(what: &WhatArgs, job: &Job<'_>, jobs: usize) -> Limits {
    limits_beside_others(job.scenario, over_all_runs(&what.limits), threads(what.limits.jobs).min(jobs))
}

/// 1 beats 3 beats 0.
fn exit(outcomes: &[Outcome]) -> Exit {
    if outcomes.iter().any(is_surprising) {
        Exit::Unexpected
    } else if outcomes.iter().any(|outcome| !outcome.limits_hit.is_empty()) {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}

/// A line for each verdict, and the reasons below it.
fn verdict_lines(outcomes: &[Outcome]) -> String {
    let (widths, columns) = (widths(outcomes), columns());
    outcomes.iter().map(|outcome| check::line(outcome, widths, columns)).collect()
}

/// The columns of the longest names of a scenario and of a design.
fn widths(outcomes: &[Outcome]) -> (usize, usize) {
    let widest =
        |name: fn(&Outcome) -> &str| outcomes.iter().map(|outcome| name(outcome).len()).max().unwrap_or(0);
    (widest(|outcome| &outcome.scenario), widest(|outcome| &outcome.design))
}

fn lines(scenarios: &[Scenario], outcomes: &[Outcome], quiet: bool) -> String {
    let widths = widths(outcomes);
    let in_full = scenarios.len() == 1 && !quiet;
    let columns = columns();
    let mut text = String::new();
    for outcome in outcomes {
        let expected = outcome.judgement.as_expected == Some(true);
        if !(quiet && expected) {
            text.push_str(&check::line(outcome, widths, columns));
        }
    }
    let mut drawn = drawn::Drawn::with(look());
    for outcome in outcomes {
        let expected = outcome.judgement.as_expected == Some(true);
        if in_full || !expected {
            text.push_str(&section(&drawn.once(scenarios, outcome).text(&outcome.design)));
        }
        if in_full {
            text.push_str(&section(&check::histogram(outcome)));
        }
    }
    if in_full {
        text.push_str(&section(&check::signs(outcomes)));
        text.push_str(&section(&check::basis(outcomes, columns)));
    }
    if !quiet {
        text.push_str(&check::summary(outcomes, columns));
    }
    text
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
) -> Option<std::result::Result<AnnotatedSchedule, InputError>> {
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
        certified: check::certified(outcome),
        idle: outcome.idle.clone(),
        does: calls(&scenario.actors),
        replay: Some(format!(
            "stalemap check {} {}",
            outcome.scenario,
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
) -> std::result::Result<AnnotatedSchedule, InputError> {
    let unknown = || under::unknown(scenario, about.kind, &about.design);
    let implementation = scenario.implementation(&about.design).ok_or_else(unknown)?;
    let kernel = kernel(scenario, &implementation).map_err(|error| bad_input(&error))?;
    annotate(&kernel, schedule, about).map_err(|error| InputError::Other(error.to_string()))
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

fn unwritable(path: &Path, error: &io::Error) -> Vec<InputError> {
    // What is said of a folder that cannot be made, since a file has its name.
    let why = match error.kind() {
        io::ErrorKind::AlreadyExists => "it is no folder".to_owned(),
        _ => error.to_string(),
    };
    vec![InputError::Other(format!("cannot write {}: {why}", path.display()))]
}

fn orderings_command(args: &OrderingsArgs) -> Result<Report> {
    let mut scenario = input::load(&args.scenario).map_err(|error| vec![error])?;
    scenario.memory = args.memory;
    let implementations = under::each(&scenario, &args.under, "iomap_valid")?;
    if args.format != OrderingsFormat::Text && implementations.len() > 1 {
        let problem = "this format is of one design or kernel; name one";
        return Err(vec![InputError::Other(problem.to_owned())]);
    }
    let reports = implementations.iter().map(|implementation| match args.format {
        OrderingsFormat::Litmus => litmus(&scenario, implementation, &args.without),
        _ => orderings_of(&scenario, implementation, args),
    });
    Ok(Report::joined(&reports.collect::<Result<Vec<_>>>()?))
}

fn orderings_of(
    scenario: &Scenario,
    implementation: &Implementation,
    args: &OrderingsArgs,
) -> Result<Report> {
    if !args.without.is_empty() {
        let problem = "`--without` is for `--format litmus`; the other formats leave out each in turn";
        return Err(vec![InputError::Other(problem.to_owned())]);
    }
    if let Some(folder) = &args.save {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    let given = over_all_runs(&args.limits);
    let found = match orderings::study(scenario, implementation, given, threads(args.limits.jobs)) {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    let mut saved = String::new();
    if let Some(folder) = &args.save {
        for needed in found.broken() {
            let names: Vec<&str> = needed.without.iter().map(|link| link.name()).collect();
            let suffix = format!("{}-without-{}", needed.outcome.design, names.join("-"));
            saved.push_str(&save_as(folder, &needed.outcome, &suffix)?);
        }
    }
    let results = match args.format {
        OrderingsFormat::Json => report::orderings::json(&found),
        _ => report::orderings::render(&found, color(), width()) + &saved,
    };
    let exit = match found.kernel.verdict {
        Verdict::Violates => Exit::Unexpected,
        _ if found.is_vacuous() => Exit::Unexpected,
        _ if found.is_incomplete() => Exit::Incomplete,
        _ => Exit::Expected,
    };
    Ok(Report::of(results, exit))
}

fn litmus(scenario: &Scenario, implementation: &Implementation, without: &[Link]) -> Result<Report> {
    let job = Job { scenario, implementation: implementation.clone(), engine: Engine::Exhaustive };
    let limits = GivenLimits::default();
    let outcome = match run_all(&[job], limits, 1, &|_| ()).pop() {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => return failed(&error),
        None => return Err(Vec::new()),
    };
    let none = || {
        let name = &scenario.name;
        let problem = format!("{name} has no litmus test: no folio is evicted in it, nor loses its state");
        vec![InputError::Other(problem)]
    };
    let core = Core::of(&outcome.reached, Orderings::without(without)).ok_or_else(none)?;
    match core.render() {
        Ok(text) => Ok(Report::of(text, Exit::Expected)),
        Err(error) => {
            Ok(Report { results: String::new(), errors: format!("error: {error}\n"), exit: Exit::Defect })
        }
    }
}

fn list_command(args: &ListArgs) -> Result<Report> {
    let scenarios = input::scenarios(&args.paths)?;
    let results = match args.format {
        Format::Text => list::list(&scenarios),
        Format::Json => json::list(&scenarios),
    };
    Ok(Report::of(results, Exit::Expected))
}

fn show_command(args: &ShowArgs) -> Result<Report> {
    let scenario = input::load(&args.scenario).map_err(|error| vec![error])?;
    let implementation = under::sequential(&scenario).ok_or_else(Vec::new)?;
    let geometry = scenario
        .config_of(implementation)
        .geometry()
        .map_err(|error| vec![InputError::Other(error.to_string())])?;
    let results = match args.format {
        Format::Text => list::show(&scenario, &geometry),
        Format::Json => {
            let cells: Vec<u64> = (0..=geometry.cells()).map(|cell| geometry.byte_at(cell)).collect();
            json::show(&scenario, &cells)
        }
    };
    Ok(Report::of(results, Exit::Expected))
}

/// How a timeline is drawn when nothing is said: for a terminal where there is one, else as a mail.
fn look() -> Look {
    match terminal_size::terminal_size_of(io::stdout()) {
        Some((width, _)) => Look::terminal(usize::from(width.0).min(WIDEST)).of(Characters::of_environment()),
        None if color() => Look::mail().colored(),
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
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    said.or_else(terminal).map(|columns| columns.max(FEWEST))
}

/// Whether results are printed in colour. The stream has the last word and strips it if not.
fn color() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}
