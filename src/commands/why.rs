//! `check --why`: what keeps the actors of a scenario apart where it holds.

use stalemap_facade::MemoryModel;

use super::{Report, Result, failed, threads, verdicts};
use crate::cli::{CheckArgs, CheckFormat};
use crate::engine::Engine;
use crate::input::InputError;
use crate::report::why as report;
use crate::run::{Job, RunError, in_parallel, limits_beside_others};
use crate::verdict::Verdict;
use crate::why::{Why, study};

pub(super) fn command(args: &CheckArgs) -> Result<Report> {
    let other = |problem: &str| Err(vec![InputError::Other(problem.to_owned())]);
    if !matches!(args.format, CheckFormat::Text | CheckFormat::Json) {
        return other("why something holds is printed as `--format text` or `json`");
    }
    if verdicts::engine(&args.run)? != Engine::Exhaustive
        || args.run.memory.model() != MemoryModel::Sequential
    {
        return other(
            "why something holds is found by the exhaustive engine on sequentially consistent memory; leave out `--engine` \
             and `--memory`",
        );
    }
    let ran = match verdicts::run(&args.run)? {
        Ok(ran) => ran,
        Err(report) => return Ok(report),
    };
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
    let studied = match studied.into_iter().collect::<std::result::Result<Vec<Why>, RunError>>() {
        Ok(studied) => studied,
        Err(error) => return failed(&error),
    };
    drop(jobs);
    let results = if args.format == CheckFormat::Json {
        report::json(&studied)
    } else {
        verdicts::verdict_lines(&ran.outcomes) + &report::text(&studied) + &ran.saved
    };
    Ok(ran.report(results))
}
