//! `compare --mutants`: which values of fields scenarios notice.

use stalemap_facade::MemoryModel;
use stalemap_model::words::kernel_version::KernelVersion;

use super::progress::Progress;
use super::{Exit, Report, Result, Stop, threads, under, verdicts};
use crate::cli::{CompareArgs, CompareFormat};
use crate::engine::Engine;
use crate::mutants::reasons::Reasons;
use crate::mutants::{Scope, Worth, study};
use crate::report::mutants as report;
use crate::run::{limits_beside_others, of_searches};
use crate::scenario::Scenario;
use crate::tally::Tally;

/// The design that values are put into when nothing is said; and the newest kernel, which has other values beside them.
const BASE: &str = "iomap_valid";

pub(super) fn command(args: &CompareArgs) -> Result<Report> {
    let format = match args.format {
        format @ (CompareFormat::Text | CompareFormat::Json | CompareFormat::Markdown) => format,
        CompareFormat::Csv | CompareFormat::Junit | CompareFormat::Sarif => {
            let problem = "what scenarios notice is printed as `--format text`, `json` or `markdown`";
            return Err(Stop::other(problem));
        }
    };
    if verdicts::engine(&args.run)? != Engine::Exhaustive
        || args.run.memory.model() != MemoryModel::Sequential
    {
        let problem = "what scenarios notice is found by the exhaustive engine on sequentially consistent memory; leave out \
                       `--engine` and `--memory`";
        return Err(Stop::other(problem));
    }
    let reasons = Reasons::built_in().map_err(Stop::other)?;
    let scenarios = verdicts::scenarios(&args.run)?;
    let bases = bases(args, &scenarios)?;
    let given = verdicts::given(&args.run);
    let jobs = scenarios.len() * bases.len();
    let at_a_time = threads(args.run.limits.jobs).min(jobs);
    let limits = |scenario: &Scenario| limits_beside_others(scenario, given, at_a_time);
    let progress = Progress::new(jobs as u64, of_searches(given.memory), args.run.progress, args.run.quiet);
    let show = |tally: &Tally| progress.show(tally);
    let worth = study(&scenarios, &bases, &limits, threads(args.run.limits.jobs), &show);
    progress.finish();
    let worth = worth?;
    let scope = if args.run.paths.is_empty() { Scope::Catalogue } else { Scope::Named };
    let results = match format {
        CompareFormat::Json => report::json(&worth, &reasons),
        CompareFormat::Markdown => report::markdown(&worth, &reasons, scope),
        _ => report::text(&worth, &reasons, scope),
    };
    Ok(Report::of(results, exit(&worth, &reasons, scope)))
}

/// The designs and kernels that values are put into: those that are named.
fn bases(args: &CompareArgs, scenarios: &[Scenario]) -> Result<Vec<String>> {
    let under = &args.run.under;
    if under.is_empty() {
        return Ok([BASE, KernelVersion::NEWEST.name()].map(str::to_owned).to_vec());
    }
    let named = under.designs.iter().chain(&under.kernels);
    let mut bases = Vec::new();
    for name in named {
        let found = scenarios.iter().map(|scenario| under::any(scenario, name));
        let (mut first, mut is_one) = (None, false);
        for result in found {
            match result {
                Ok(_) => is_one = true,
                Err(error) => first = first.or(Some(error)),
            }
        }
        match first {
            Some(error) if !is_one => return Err(error.into()),
            _ => bases.push(name.clone()),
        }
    }
    Ok(bases)
}

/// Of the whole catalogue, 1 where a value that nothing notices has no reason, or one that is noticed has one.
fn exit(worth: &Worth, reasons: &Reasons, scope: Scope) -> Exit {
    let (without, noticed) = worth.against(reasons);
    let undecided = !worth.open.is_empty()
        || worth.tried.iter().any(|tried| tried.undecided > 0 && tried.notices.is_empty());
    if scope == Scope::Catalogue && !(without.is_empty() && noticed.is_empty()) {
        Exit::Unexpected
    } else if undecided {
        Exit::Incomplete
    } else {
        Exit::Expected
    }
}
