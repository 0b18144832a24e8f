//! `orderings`: which memory orderings a design needs.

use std::fs;

use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::ordering::{Link, Orderings};

use super::{Exit, Report, Result, Stop, over_all_runs, paint, save_as, threads, under, unwritable, width};
use crate::cli::{OrderingsArgs, OrderingsFormat};
use crate::engine::Engine;
use crate::input;
use crate::litmus::Core;
use crate::orderings;
use crate::report::orderings as report;
use crate::run::{GivenLimits, Job, run_all};
use crate::scenario::Scenario;
use crate::verdict::Verdict;

/// `orderings`.
pub(super) fn command(args: &OrderingsArgs) -> Result<Report> {
    let mut scenario = input::load(&args.scenario)?;
    scenario.memory = args.memory;
    let implementations = under::each(&scenario, &args.under, "iomap_valid")?;
    if args.format != OrderingsFormat::Text && implementations.len() > 1 {
        let problem = "this format is of one design or kernel; name one";
        return Err(Stop::other(problem));
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
        return Err(Stop::other(problem));
    }
    if let Some(folder) = &args.save {
        fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    }
    let given = over_all_runs(&args.limits.search);
    let found = orderings::study(scenario, implementation, given, threads(args.limits.jobs))?;
    let mut saved = String::new();
    if let Some(folder) = &args.save {
        for needed in found.broken() {
            let names: Vec<&str> = needed.without.iter().map(|link| link.name()).collect();
            let suffix = format!("{}-without-{}", needed.outcome.design, names.join("-"));
            saved.push_str(&save_as(folder, &needed.outcome, &suffix)?);
        }
    }
    let results = match args.format {
        OrderingsFormat::Json => report::json(&found),
        _ => report::render(&found, paint(), width()) + &saved,
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
    let outcome = run_all(&[job], limits, 1, &|_| ()).pop().ok_or_else(Vec::new)??;
    let none = || {
        let name = &scenario.name;
        let problem = format!("{name} has no litmus test: no folio is evicted in it, nor loses its state");
        Stop::other(problem)
    };
    let core = Core::of(&outcome.reached, Orderings::without(without)).ok_or_else(none)?;
    Ok(Report::of(core.render()?, Exit::Expected))
}
