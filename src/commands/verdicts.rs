//! Verdicts: what `check` and `compare` run, before either lays it out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::engine;
use super::progress::Progress;
use super::{
    Exit, Report, Result, Stop, all_of, annotated_counterexample, columns, counterexample, exit, interrupt,
    over_all_runs, save, section, threads, under, unwritable,
};
use crate::attended::Attended;
use crate::available::default_limit;
use crate::checkpoint::{Checkpoints, Found, Telling};
use crate::cli::limits::{in_words, roughly};
use crate::cli::{Memory, RunArgs};
use crate::engine::Engine;
use crate::file_name::file_name;
use crate::idle;
use crate::input;
use crate::report::check;
use crate::report::export::junit as junit_xml;
use crate::report::export::sarif::{self as sarif_log, Expected, Judged};
use crate::report::pace::number;
use crate::report::timeline::Look;
use crate::run::{GivenLimits, Job, Outcome, RunError, of_searches, run_all_attended};
use crate::scenario::Scenario;
use crate::tally::Tally;
use crate::times::Times;

/// What was run, and what came of it.
pub(super) struct Ran {
    pub(super) scenarios: Vec<Scenario>,
    pub(super) outcomes: Vec<Outcome>,
    /// Which schedules were written where.
    pub(super) saved: Saved,
    /// For stderr.
    pub(super) errors: String,
    /// Bytes that a search may take.
    pub(super) memory: u64,
}

/// Schedules of counterexamples that were written.
#[derive(Default)]
pub(super) struct Saved {
    /// Where.
    pub(super) told: String,
    /// Why the others could not be written. The verdicts are told all the same.
    problem: Option<Report>,
}

/// What a document has of it, and how.
#[derive(Clone, Copy)]
pub(super) struct Showing {
    /// Only what is not as expected.
    pub(super) quiet: bool,
    pub(super) times: Times,
    /// In SARIF.
    pub(super) expected: Expected,
}

impl Showing {
    /// What the options of a run ask for.
    pub(super) fn of(args: &RunArgs) -> Self {
        Showing { quiet: args.quiet, times: args.times(), expected: noted(args.sarif_expected) }
    }
}

/// What becomes of violations that are expected, in SARIF.
pub(super) fn noted(sarif_expected: bool) -> Expected {
    if sarif_expected { Expected::Noted } else { Expected::LeftOut }
}

impl Ran {
    /// What a document has: all, or with `--quiet` only what is not as expected.
    pub(super) fn shown(&self, showing: Showing) -> Vec<Outcome> {
        let wanted = |outcome: &&Outcome| !(showing.quiet && outcome.judgement.as_expected == Some(true));
        self.outcomes.iter().filter(wanted).cloned().collect()
    }

    /// Finds out which actors take no part in counterexamples, of those outcomes of which that is shown, unless somebody stops it.
    pub(super) fn find_idle(&mut self, is_shown: impl Fn(&Outcome) -> bool) -> Result<()> {
        let stop = interrupt::listen()?;
        for outcome in self.outcomes.iter_mut().filter(|outcome| is_shown(outcome)) {
            let scenario = self.scenarios.iter().find(|scenario| scenario.name == outcome.scenario);
            let Some(scenario) = scenario else { continue };
            if stop.load(Ordering::Relaxed) {
                break;
            }
            outcome.idle = idle::of_outcome(scenario, outcome, self.memory, Some(&stop))
                .map_err(|error| RunError::of_engine(&outcome.scenario, &outcome.design, error))?;
        }
        Ok(())
    }

    /// The report with these results.
    pub(super) fn report(self, results: String) -> Report {
        let ended = exit(&self.outcomes);
        match self.saved.problem {
            None => Report { results, errors: self.errors, exit: ended },
            Some(problem) => {
                let exit = Exit::worst([ended, problem.exit]);
                Report { results, errors: self.errors + &problem.errors, exit }
            }
        }
    }
}

/// Runs what was asked for.
pub(super) fn run(args: &RunArgs) -> Result<Ran> {
    let scenarios = scenarios(args)?;
    let engine = engine(args)?;
    let jobs = under::jobs(&scenarios, &args.paths, &args.under, engine)?;
    let left_out = if args.quiet { String::new() } else { under::left_out(&scenarios, &jobs) };
    if let Some(folder) = &args.save {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    let stop = stop(engine)?;
    let checkpoints = checkpoints(args, stop.as_ref())?;
    let attended =
        Attended { checkpoints: checkpoints.as_ref(), stop: stop.as_deref(), ..Attended::default() };
    let outcomes = outcomes(&jobs, args, attended)?;
    let saved = args.save.as_deref().map_or_else(Saved::default, |folder| saved(folder, &outcomes));
    let errors =
        left_out + &checkpoints.map_or_else(String::new, |checkpoints| kept(&checkpoints, &outcomes));
    drop(jobs);
    let memory = of_searches(given(args).memory);
    Ok(Ran { scenarios, outcomes, saved, errors, memory })
}

/// A line for each verdict, the reasons below it, and what the marks mean.
pub(super) fn verdict_lines(outcomes: &[Outcome]) -> String {
    let (widths, columns) = (widths(outcomes), columns());
    let lines: String = outcomes.iter().map(|outcome| check::line(outcome, widths, columns)).collect();
    lines + &section(&check::marks(outcomes.iter(), columns))
}

/// The columns of the longest names of a scenario and of a design.
pub(super) fn widths(outcomes: &[Outcome]) -> (usize, usize) {
    let widest =
        |name: fn(&Outcome) -> &str| outcomes.iter().map(|outcome| name(outcome).len()).max().unwrap_or(0);
    (widest(|outcome| &outcome.scenario), widest(|outcome| &outcome.design))
}

/// The engine that was asked for.
pub(super) fn engine(args: &RunArgs) -> Result<Engine> {
    let engine = engine::of(&args.engine, args.limits.search.limit_seconds).map_err(Stop::other)?;
    if engine != Engine::Exhaustive && args.memory != Memory::Sc {
        let problem =
            "loom and shuttle run on sequentially consistent memory; leave out `--memory` or `--engine`";
        return Err(Stop::other(problem));
    }
    if let Some(problem) = args.bitstate.and_then(|table| bits_do_not_fit(table, engine, args)) {
        return Err(Stop::other(problem));
    }
    Ok(engine)
}

/// What is wrong with keeping states as bits in a table of this size.
fn bits_do_not_fit(table: u64, engine: Engine, args: &RunArgs) -> Option<String> {
    if engine != Engine::Exhaustive {
        return Some("--bitstate is for the exhaustive engine; leave it out, or `--engine`".to_owned());
    }
    let limit = args.limits.search.limit_memory.unwrap_or_else(default_limit);
    (table > limit).then(|| {
        format!(
            "a table of {} is more than the limit of memory ({}); take a smaller one, or say what may be taken with \
             `--limit-memory`",
            in_words(table),
            roughly(limit)
        )
    })
}

/// Runs jobs, with a display of how far they are.
pub(super) fn outcomes(jobs: &[Job<'_>], args: &RunArgs, attended: Attended<'_>) -> Result<Vec<Outcome>> {
    if let Some(checkpoints) = attended.checkpoints {
        let searches = jobs.iter().map(|job| (job.scenario, &job.implementation));
        let found = checkpoints.fit(searches, args.limit_preemptions);
        let found = found.map_err(|error| Stop::other(error.to_string()))?;
        let progress = Progress::new(jobs.len() as u64, 0, args.progress, args.quiet);
        if progress.is_shown() && found.searches > 0 {
            progress.say(&begins(checkpoints.path(), found));
        }
    }
    Ok(all_of(each(jobs, args, attended))?)
}

/// What each job came to. How far they are is shown as the command line wants it.
pub(super) fn each(
    jobs: &[Job<'_>],
    args: &RunArgs,
    attended: Attended<'_>,
) -> Vec<Result<Outcome, RunError>> {
    let given = given(args);
    let progress = Progress::new(jobs.len() as u64, of_searches(given.memory), args.progress, args.quiet);
    let show = |tally: &Tally| progress.show(tally);
    let tell = |what: Telling, told: &str| match what {
        Telling::Problem => progress.say(&warning(told)),
        Telling::Waiting if progress.is_shown() => progress.say(told),
        Telling::Waiting => {}
    };
    let attended =
        Attended { estimates: progress.is_shown(), viewer: Some(&show), tell: Some(&tell), ..attended };
    let ran = run_all_attended(jobs, given, threads(args.limits.jobs), attended);
    progress.finish();
    ran
}

/// The limits of the command line.
pub(super) fn given(args: &RunArgs) -> GivenLimits {
    GivenLimits {
        preemptions: args.limit_preemptions,
        bitstate: args.bitstate,
        ..over_all_runs(&args.limits.search)
    }
}

/// The scenarios that were asked for, on the memory that was asked for.
pub(super) fn scenarios(args: &RunArgs) -> Result<Vec<Scenario>> {
    let mut scenarios = input::scenarios(&args.paths)?;
    for scenario in &mut scenarios {
        scenario.memory = args.memory.model();
    }
    Ok(scenarios)
}

/// As JUnit XML.
pub(super) fn junit(ran: &Ran, showing: Showing) -> Result<String> {
    let drawing = |outcome: &Outcome| counterexample(&ran.scenarios, outcome, Look::mail());
    junit_xml::report(&ran.shown(showing), showing.times, drawing)
        .map_err(|error| Stop::other(error.to_string()))
}

/// As SARIF.
pub(super) fn sarif(ran: &Ran, showing: Showing) -> Result<String> {
    let annotated = |outcome| {
        let schedule = annotated_counterexample(&ran.scenarios, outcome).transpose();
        let scenario = ran.scenarios.iter().find(|scenario| scenario.name == outcome.scenario);
        let line = scenario.and_then(|scenario| scenario.expectation_line(&outcome.design)).unwrap_or(1);
        Ok(Judged { outcome, line, schedule: schedule? })
    };
    let shown = ran.shown(showing);
    let judged = shown.iter().map(annotated).collect::<Result<Vec<_>>>()?;
    Ok(sarif_log::log(&judged, showing.expected))
}

/// Writes the schedules of counterexamples, as far as that can be done. One that would come over that of another scenario is not written.
pub(super) fn saved(folder: &Path, outcomes: &[Outcome]) -> Saved {
    let (mut saved, mut written) = (Saved::default(), BTreeMap::new());
    for outcome in outcomes {
        match save_beside(folder, outcome, &mut written) {
            Ok(told) => saved.told.push_str(&told),
            Err(stop) => {
                saved.problem = Some(stop.report());
                break;
            }
        }
    }
    saved
}

fn save_beside<'o>(
    folder: &Path,
    outcome: &'o Outcome,
    written: &mut BTreeMap<String, &'o str>,
) -> Result<String> {
    let told = || save(folder, outcome);
    if outcome.counterexample.is_none() {
        return told();
    }
    let name = file_name(&outcome.scenario, &outcome.design, "schedule");
    match written.insert(name.clone(), &outcome.scenario) {
        Some(other) if other != outcome.scenario => Err(Stop::other(format!(
            "{}: the schedules of {other} and {} would have this name; rename one of them, or save them in two folders",
            folder.join(name).display(),
            outcome.scenario
        ))),
        _ => told(),
    }
}

/// What a signal sets. The libraries do not ask whether they are to stop.
pub(super) fn stop(engine: Engine) -> Result<Option<Arc<AtomicBool>>> {
    (engine == Engine::Exhaustive).then(interrupt::listen).transpose()
}

/// Where searches are kept, if they are.
pub(super) fn checkpoints(args: &RunArgs, stop: Option<&Arc<AtomicBool>>) -> Result<Option<Checkpoints>> {
    args.checkpoint.as_deref().map(|path| kept_in(path, args, stop)).transpose()
}

fn kept_in(path: &Path, args: &RunArgs, stop: Option<&Arc<AtomicBool>>) -> Result<Checkpoints> {
    let Some(stop) = stop else {
        let problem =
            "only searches of the exhaustive engine can be kept; leave out `--checkpoint` or `--engine`";
        return Err(Stop::other(problem));
    };
    let every = args.checkpoint_every.map(Duration::from_secs);
    Ok(Checkpoints::new(path, every, Arc::clone(stop)).map_err(|error| unwritable(path, &error))?)
}

/// Where searches go on from, before that is read.
fn begins(path: &Path, found: Found) -> String {
    let Found { files, searches, bytes } = found;
    let (path, bytes) = (path.display(), number(bytes));
    match (files, searches) {
        (0, _) => format!("nothing of this is kept in {path} yet: it begins anew"),
        (_, 1) => format!("goes on from {path}, and reads {bytes}B for that"),
        _ => format!("goes on with {files} of {searches} searches from {path}, and reads {bytes}B for that"),
    }
}

/// What there is to say of searches that were kept.
pub(super) fn kept(checkpoints: &Checkpoints, outcomes: &[Outcome]) -> String {
    let mut lines: Vec<String> =
        checkpoints.problems().iter().map(|problem| warning(problem) + "\n").collect();
    let stopped = |outcome: &Outcome| outcome.limits_hit.iter().any(|limit| limit.is_of_the_search());
    if lines.is_empty() && outcomes.iter().any(stopped) {
        let path = checkpoints.path().display();
        lines.push(format!(
            "kept in {path}: the same command goes on from there, as far as its limits allow\n"
        ));
    }
    lines.concat()
}

fn warning(problem: &str) -> String {
    format!("warning: {problem}")
}
