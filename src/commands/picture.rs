//! `trace --window K --html PAGE`, `--svg IMAGE`: a stale mapping of a trace, drawn as a replay.
//!
//! What is drawn is a run of the model that explains the piece of the trace that the mapping was used in: under the trace's own kernel,
//! and for want of that under one that compares nothing. Each step has the lines that it explains. If no run explains the
//! piece, it is a counterexample to what `--scenario` writes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use stalemap_explore::{Limits, Schedule};
use stalemap_model::words::implementation::Implementation;
use stalemap_trace::{ReadError, Reader, Which, Window};

use super::conform::{implementation_of, name, survey};
use super::trace_file::{open, other};
use super::{Exit, Report, Result, under, unwritable};
use crate::annotate::files::Note;
use crate::annotate::program::Program;
use crate::annotate::{About, AnnotatedSchedule, annotate, calls, setup};
use crate::cli::TraceArgs;
use crate::conform::{Asker, Explained, PAIRS, Survey};
use crate::engine::Engine;
use crate::input::InputError;
use crate::report::{cut, html, svg};
use crate::run::{GivenLimits, Job, kernel, run_all};
use crate::scenario::{Scenario, read};

/// The kernel whose check is no obstacle.
const UNCHECKED: &str = "linux-6.1";

/// Draws a window.
pub(super) fn command(args: &TraceArgs, file: &Path, window: &Window) -> Result<Report> {
    let survey = survey(args, file)?;
    let annotated = match explained(args, file, &survey, window)? {
        Some(annotated) => annotated,
        None => counterexample(file, &survey, window)?,
    };
    let mut results = String::new();
    let pictures = [(&args.html, html::page as fn(&AnnotatedSchedule) -> String), (&args.svg, svg::picture)];
    for (path, draw) in pictures {
        let Some(path) = path else { continue };
        fs::write(path, draw(&annotated)).map_err(|error| unwritable(path, &error))?;
        let _ = writeln!(results, "wrote {}", path.display());
    }
    Ok(Report::of(results, Exit::Expected))
}

/// The run that explains the piece, with the lines that it explains.
fn explained(
    args: &TraceArgs,
    file: &Path,
    survey: &Survey,
    window: &Window,
) -> Result<Option<AnnotatedSchedule>> {
    let unreadable = |error: ReadError| other(file, &error.to_string());
    let mut kernels = match name(survey, file, args.conforms.as_deref().unwrap_or_default()) {
        Ok(name) => vec![name],
        Err(errors) if args.conforms.is_some() => return Err(errors),
        Err(_) => Vec::new(),
    };
    kernels.push(UNCHECKED.to_owned());
    for kernel in kernels {
        let kernel = implementation_of(file, &kernel)?.name().to_owned();
        let implementation =
            |scenario: &Scenario| -> Option<Implementation> { scenario.implementation(&kernel) };
        let limits = Limits { states: Some(PAIRS), ..Limits::default() };
        let asker = Asker::new(&implementation, survey.traces, limits);
        let reader = Reader::new(open(file)?, Which::Inode(survey.inode)).map_err(unreadable)?;
        let found = asker.ask_of_window(reader, survey.block, window).map_err(unreadable)?;
        if let Some(found) = found {
            let times = times(file, survey, &found)?;
            let schedule = schedule(&found.scenario, &kernel, found.steps.clone());
            let mut annotated = drawn(file, &schedule, &kernel, window)?;
            note_lines(&mut annotated, &found, &times);
            return Ok(Some(annotated));
        }
    }
    Ok(None)
}

/// When the lines are that a run explains.
fn times(file: &Path, survey: &Survey, found: &Explained) -> Result<BTreeMap<u64, String>> {
    let unreadable = |error: ReadError| other(file, &error.to_string());
    let mut reader = Reader::new(open(file)?, Which::Inode(survey.inode)).map_err(unreadable)?;
    let mut times: BTreeMap<u64, String> =
        found.lines.iter().flatten().map(|line| (*line, String::new())).collect();
    while let Some(traced) = reader.next_event().map_err(unreadable)? {
        if let Some(time) = times.get_mut(&traced.line) {
            *time = traced.head.time;
        }
    }
    Ok(times)
}

fn note_lines(annotated: &mut AnnotatedSchedule, found: &Explained, times: &BTreeMap<u64, String>) {
    for (step, lines) in annotated.steps.iter_mut().zip(&found.lines) {
        let note = |line: &u64| {
            let time = times.get(line).map_or("", String::as_str);
            Note { file: None, text: format!("trace line {line}, {time}") }
        };
        *step = step.with_notes(lines.iter().map(note).collect());
    }
}

fn schedule(scenario: &str, design: &str, steps: Vec<stalemap_explore::Step>) -> Schedule {
    let headers = vec![("design".to_owned(), design.to_owned())];
    Schedule { headers, steps, scenario: scenario.to_owned() }
}

/// What `--scenario` writes, without a check.
fn counterexample(file: &Path, survey: &Survey, window: &Window) -> Result<AnnotatedSchedule> {
    let unreadable = |error: ReadError| other(file, &error.to_string());
    let reader = Reader::new(open(file)?, Which::Inode(survey.inode)).map_err(unreadable)?;
    let cut = stalemap_trace::cut(reader, window, survey.block).map_err(unreadable)?;
    let text = cut::scenario(&cut, window, &file.display().to_string());
    let scenario = scenario_of(file, &text)?;
    let implementation =
        scenario.implementation("none").ok_or_else(|| other(file, "there is no design `none`"))?;
    let job = Job { scenario: &scenario, implementation, engine: Engine::Exhaustive };
    let outcome = run_all(&[job], GivenLimits::default(), 1, &|_| ()).remove(0)?;
    match outcome.counterexample {
        Some(shown) => drawn(file, &shown.schedule, "none", window),
        None => {
            Err(other(file, "no run of the model shows this window: it loses nothing without a check").into())
        }
    }
}

fn scenario_of(file: &Path, text: &str) -> Result<Scenario> {
    let name = format!("{} (the window of it)", file.display());
    Ok(read(&name, text.as_bytes()).map_err(InputError::Scenario)?)
}

/// Plays a schedule and says what it means.
fn drawn(file: &Path, schedule: &Schedule, design: &str, window: &Window) -> Result<AnnotatedSchedule> {
    let scenario = scenario_of(file, &schedule.scenario)?;
    let implementation = implementation_of(file, design)?;
    let kernel = kernel(&scenario, &implementation)?;
    let (first, last) = (&window.sampled, &window.used);
    let about = About {
        scenario: format!("{}, lines {} to {}", file.display(), first.line, last.line),
        title: scenario.title.clone(),
        design: design.to_owned(),
        kind: under::kind_of(&scenario, design),
        setup_lines: setup::lines(&scenario),
        does: calls(&scenario.actors),
        program: Program::of(&scenario.source),
        ..About::default()
    };
    Ok(annotate(&kernel, schedule, about).map_err(|error| other(file, &error.to_string()))?)
}
