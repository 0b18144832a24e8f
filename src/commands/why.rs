//! `check --why`: what keeps the actors of a scenario apart where it holds.

use stalemap_facade::MemoryModel;

use super::{Report, Result, Stop, threads, verdicts};
use crate::cli::{CheckArgs, CheckFormat};
use crate::engine::Engine;
use crate::report::why as report;
use crate::run::{Job, RunError, in_parallel, limits_beside_others};
use crate::verdict::Verdict;
use crate::why::{Why, study};

pub(super) fn command(args: &CheckArgs) -> Result<Report> {
    if !matches!(args.format, CheckFormat::Text | CheckFormat::Json) {
        return Err(Stop::other("why something holds is printed as `--format text` or `json`"));
    }
    if verdicts::engine(&args.run)? != Engine::Exhaustive
        || args.run.memory.model() != MemoryModel::Sequential
    {
        return Err(Stop::other(
            "why something holds is found by the exhaustive engine on sequentially consistent memory; leave out `--engine` \
             and `--memory`",
        ));
    }
    let ran = verdicts::run(&args.run)?;
    let holding = ran.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Holds);
    let jobs: Vec<Job<'_>> = holding
        .filter_map(|outcome| {
            let scenario = ran.scenarios.iter().find(|scenario| scenario.name == outcome.scenario)?;
            let implementation = scenario.implementation(&outcome.design)?;
            Some(Job { scenario, implementation, engine: Engine::Exhaustive })
        })
        .collect();
    let given = verdicts::given(&args.run);
    let at_a_time = threads(args.run.limits.jobs).min(jobs.len());
    let studied = in_parallel(&jobs, threads(args.run.limits.jobs), |job| {
        study(job, &limits_beside_others(job.scenario, given, at_a_time), given)
    });
    let studied = studied.into_iter().collect::<Result<Vec<Why>, RunError>>()?;
    drop(jobs);
    let results = if args.format == CheckFormat::Json {
        report::json(&studied)
    } else {
        verdicts::verdict_lines(&ran.outcomes) + &report::text(&studied) + &ran.saved.told
    };
    Ok(ran.report(results))
}
