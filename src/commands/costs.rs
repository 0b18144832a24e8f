//! `costs`, and what `compare --costs` adds.

use std::fs;
use std::path::{Path, PathBuf};

use stalemap_explore::Schedule;
use stalemap_facade::MemoryModel;

use super::{
    Exit, Report, Result, Stop, all_of, over_all_runs, progress, threads, under, unwritable, width,
    write_schedule,
};
use crate::cli::{CompareArgs, CompareFormat, CostsArgs, CostsFormat, UnderArgs, When};
use crate::costs::{Costs, Retries, measure};
use crate::engine::Engine;
use crate::input;
use crate::report::costs as report;
use crate::run::{GivenLimits, limits_beside_others};
use crate::times::Times;

/// `costs`.
pub(super) fn command(args: &CostsArgs) -> Result<Report> {
    let given = over_all_runs(&args.limits.search);
    let counted = count(&args.paths, &args.under, given, threads(args.limits.jobs), (When::Auto, false))?;
    let saved = args.save.as_deref().map_or(Ok(String::new()), |folder| save(folder, &counted))?;
    let results = match args.format {
        CostsFormat::Text => report::text::render(&counted, width()) + &saved,
        CostsFormat::Json => report::json::document(&counted, Times::unless(args.no_times)),
        CostsFormat::Markdown => report::markdown::tables(&counted),
    };
    Ok(Report::of(results, exit(&counted)))
}

/// Adds what each of a comparison costs below it.
pub(super) fn added(args: &CompareArgs, compared: Report) -> Result<Report> {
    let counted = beside(args)?;
    let results = match args.format {
        CompareFormat::Json => report::json::added(&compared.results, &counted, args.run.times()),
        _ => format!("{}\n{}", compared.results, report::text::render(&counted, width())),
    };
    Ok(Report { results, exit: Exit::worst([compared.exit, exit(&counted)]), ..compared })
}

/// What the jobs of a comparison cost.
fn beside(asked: &CompareArgs) -> Result<Vec<Costs>> {
    let args = &asked.run;
    if args.memory.model() != MemoryModel::Sequential {
        return Err(Stop::other(
            "costs are counted on sequentially consistent memory; leave out `--memory` or `--costs`",
        ));
    }
    if args.limit_preemptions.is_some() {
        return Err(Stop::other("costs are those of all runs; leave out `--limit-preemptions` or `--costs`"));
    }
    if !matches!(asked.format, CompareFormat::Text | CompareFormat::Json) {
        return Err(Stop::other("costs are printed as text or JSON; choose one of these with `--format`"));
    }
    let given = over_all_runs(&args.limits.search);
    count(&args.paths, &args.under, given, threads(args.limits.jobs), (args.progress, args.quiet))
}

/// What the scenarios that are named cost, under what is named.
fn count(
    paths: &[PathBuf],
    under: &UnderArgs,
    given: GivenLimits,
    threads: usize,
    shown: (When, bool),
) -> Result<Vec<Costs>> {
    let scenarios = input::scenarios(paths)?;
    let jobs = under::jobs(&scenarios, paths, under, Engine::Exhaustive)?;
    let at_a_time = threads.min(jobs.len());
    Ok(all_of(progress::counted(&jobs, threads, shown, |job| {
        measure(job, &limits_beside_others(job.scenario, given, at_a_time))
    }))?)
}

/// Writes the runs that were found; says which.
fn save(folder: &Path, counted: &[Costs]) -> Result<String> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let mut saved = String::new();
    for costs in counted {
        let mut write = |what: &str, schedule: &Schedule| -> Result<()> {
            let name = format!("{}-{what}", costs.design);
            saved.push_str(&write_schedule(folder, &costs.scenario, &name, schedule)?);
            Ok(())
        };
        if let Some(schedule) = &costs.most_stale {
            write("most-stale", schedule)?;
        }
        match &costs.retries {
            Retries::Exceeded { schedule, .. } => write("retries", schedule)?,
            Retries::Endless { schedule: Some(schedule) } => write("endless", schedule)?,
            _ => {}
        }
    }
    Ok(saved)
}

fn exit(counted: &[Costs]) -> Exit {
    let unbounded =
        |costs: &Costs| matches!(costs.retries, Retries::Exceeded { .. } | Retries::Endless { .. });
    if counted.iter().any(unbounded) {
        Exit::Unexpected
    } else if counted.iter().any(|costs| !costs.limits_hit.is_empty()) {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}
