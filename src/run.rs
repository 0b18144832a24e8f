//! Running scenarios under designs, and what came of it.

mod counterexample;
mod error;
mod found;
mod job;
mod limits;
mod outcome;
pub mod slices;

use std::sync::atomic::Ordering;
use std::time::Instant;

use rayon::prelude::*;
use stalemap_checker::{explore_accepted, explore_checkpointed, halted_setup, watch_opening};
use stalemap_explore::{Checkpointer, EngineError, Exploration, Limits, Options, Progress, Workers};
use stalemap_facade::{Calls, Counter};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::{assumptions, branches, counters};

pub use self::counterexample::Shown;
use self::counterexample::counterexample;
pub(crate) use self::counterexample::least;
pub use self::error::RunError;
pub use self::found::Contents;
use self::found::{Found, seen, verdict};
pub use self::job::{Job, kernel};
use self::job::{configured, setup_error};
pub use self::limits::GivenLimits;
use self::limits::limits;
pub(crate) use self::limits::{limits_beside_others, of_searches};
pub use self::outcome::{HaltedSetup, Outcome, StaleAborts};
pub(crate) use self::outcome::{is_surprising, never_succeeded};
use crate::annotate::setup::{self, InSetup};
use crate::attended::{Attended, Stoppable};
use crate::check_place::CheckPlace;
use crate::checkpoint::Checkpoint;
use crate::engine::Engine;
use crate::expect::{Met, judge};
use crate::scenario::Scenario;
use crate::tally::{Followed, Tally};
use crate::verdict::Verdict;

/// Runs jobs on `threads` threads. The outcomes come in the order of the jobs, whatever order they finish in.
pub fn run_all(
    jobs: &[Job<'_>],
    given: GivenLimits,
    threads: usize,
    tick: &(dyn Fn(&Tally) + Sync),
) -> Vec<Result<Outcome, RunError>> {
    run_all_attended(jobs, given, threads, Attended { viewer: Some(tick), ..Attended::default() })
}

/// [`run_all`], with somebody who attends to it.
pub fn run_all_attended(
    jobs: &[Job<'_>],
    given: GivenLimits,
    threads: usize,
    attended: Attended<'_>,
) -> Vec<Result<Outcome, RunError>> {
    let tally = Tally::default();
    let at_a_time = threads.min(jobs.len());
    let workers = Workers::new(threads / at_a_time.max(1));
    let run = |job: &Job<'_>| {
        let limits = limits(job.scenario, given, at_a_time);
        let bitstate = given.bitstate;
        let options = Options {
            limits,
            bitstate,
            workers: workers.clone(),
            estimate: attended.estimates,
            ..Options::default()
        };
        let checkpoint = attended
            .checkpoints
            .map(|kept| kept.of(job.scenario, &job.implementation, given.preemptions).telling(attended.tell));
        let outcome = run(job, &options, checkpoint, &tally, attended);
        let left = jobs.len() - tally.jobs.fetch_add(1, Ordering::Relaxed) as usize - 1;
        // What is left shares the threads.
        workers.set(threads / left.clamp(1, at_a_time));
        attended.tell(&tally);
        outcome
    };
    in_parallel(jobs, threads, run)
}

/// Does something with each job on `threads` threads, in the order of the jobs.
pub(crate) fn in_parallel<J: Sync, R: Send>(
    jobs: &[J],
    threads: usize,
    run: impl Fn(&J) -> R + Sync,
) -> Vec<R> {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        // One job after the other is handed out, so that a large one does not hold a queue of small ones.
        Ok(pool) => pool.install(|| jobs.par_iter().with_max_len(1).map(&run).collect()),
        Err(_) => jobs.iter().map(run).collect(),
    }
}

fn run(
    job: &Job<'_>,
    options: &Options,
    mut checkpoint: Option<Checkpoint<'_>>,
    tally: &Tally,
    attended: Attended<'_>,
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let Job { scenario, implementation, engine } = job;
    let engine_error = |error| job.broken(error);
    // The exhaustive engine looks at the setup itself, so that it is played once.
    let kernel =
        if *engine == Engine::Exhaustive { configured(scenario, implementation)? } else { job.kernel()? };
    // A setup runs alone; where it does not come to its end, there is nothing for any other engine to run.
    let halts = *engine != Engine::Exhaustive && halted_setup(&kernel).map_err(engine_error)?.is_some();
    let found = match (!halts).then(|| engine.run(&kernel)).flatten() {
        None => {
            let followed = tally.follow(&scenario.name, implementation.name()).in_table(options.bitstate);
            let explored = exhaustively(&kernel, options, checkpoint.as_mut(), followed, attended);
            let explored = explored.map_err(|error| match (error, &checkpoint) {
                (EngineError::Checkpoint { problem }, Some(checkpoint)) => checkpoint.error(&problem).into(),
                (error, _) => engine_error(error),
            })?;
            Found::from(explored.map_err(|calls| setup_error(scenario, implementation, &kernel, &calls))?)
        }
        Some(Ok(runs)) => Found::from(runs),
        Some(Err(EngineError::DoesNotFit { .. })) => Found::does_not_fit(),
        Some(Err(error)) => return Err(engine_error(error)),
    };
    tracing::debug!(scenario = scenario.name, design = implementation.name(), ?found.statistics, "explored");
    judged(job, &kernel, found, options.limits.clone(), attended, started)
}

/// What is to be said of what was found.
fn judged(
    job: &Job<'_>,
    kernel: &Kernel,
    found: Found,
    limits: Limits,
    attended: Attended<'_>,
    started: Instant,
) -> Result<Outcome, RunError> {
    let Job { scenario, implementation, engine } = job;
    let violated = properties::of_bits(found.violated);
    let verdict = verdict(&found, *engine);
    let reached = branches::of_bits(found.reached);
    let seen = seen(*engine, &found);
    let complete = found.limits_hit.is_empty() && verdict != Verdict::Incomplete;
    let never_succeeded = if complete { never_succeeded(scenario, kernel, &found.calls) } else { Vec::new() };
    let met = Met { violated: &violated, reached: &reached, never_succeeded: &never_succeeded };
    let judgement = judge(scenario, &implementation.design, verdict, &met, seen);
    let counterexample = match violated.first() {
        None => None,
        Some(property) => Some(counterexample(job, kernel, *property, &found, limits, attended)?),
    };
    let maximum = |counter: Counter| found.maxima.get(counter.number()).copied().unwrap_or(0);
    Ok(Outcome {
        scenario: scenario.name.clone(),
        design: implementation.name().to_owned(),
        memory: scenario.memory,
        engine: *engine,
        verdict,
        in_setup: in_setup(scenario, kernel, &found).map_err(|error| job.broken(error))?,
        violated,
        reached,
        never_succeeded,
        statistics: found.statistics,
        limits_hit: found.limits_hit.iter().copied().collect(),
        few_preemptions: found.few_preemptions,
        coverage: found.coverage,
        stale_aborts: StaleAborts {
            max: maximum(counters::STALE_ABORTS),
            spurious_max: maximum(counters::SPURIOUS_ABORTS),
        },
        outcomes: found.outcomes,
        counterexample,
        idle: None,
        halted: found.halted.as_ref().map(|halted| HaltedSetup::of(scenario, halted)),
        assumptions: assumptions::of(&implementation.fs, |name| found.operations.contains(name)).collect(),
        overruled: scenario.overruled(implementation),
        of_no_kernel: scenario.of_no_kernel(implementation),
        check: CheckPlace::of(implementation, &found.operations),
        judgement,
        elapsed: started.elapsed(),
    })
}

/// What of that which was found the setup does by itself.
fn in_setup(scenario: &Scenario, kernel: &Kernel, found: &Found) -> Result<Vec<InSetup>, EngineError> {
    if found.violated == 0 {
        return Ok(Vec::new());
    }
    let halted = found.halted.as_ref().and_then(|halted| halted.command);
    Ok(InSetup::of(&watch_opening(kernel)?.setup, &setup::lines(scenario), halted))
}

/// Explores a kernel, unless commands of its setup fail that are not meant to: then what its calls returned.
fn exhaustively(
    kernel: &Kernel,
    options: &Options,
    checkpoint: Option<&mut Checkpoint<'_>>,
    followed: Followed<'_>,
    attended: Attended<'_>,
) -> Result<Result<Exploration, Calls>, EngineError> {
    let accepts = |calls: &Calls| kernel.failed_setup(calls).is_empty();
    let mut stoppable = attended.stop.map(Stoppable);
    followed_by(followed, attended, |progress| {
        let checkpointer = match (checkpoint, &mut stoppable) {
            (Some(checkpoint), _) => checkpoint as &mut dyn Checkpointer,
            (None, Some(stoppable)) => stoppable as &mut dyn Checkpointer,
            (None, None) => return explore_accepted(kernel, options, &accepts, progress),
        };
        explore_checkpointed(kernel, options, &accepts, checkpointer, progress)
    })
}

/// Does something whose progress is entered and told of.
fn followed_by<R>(
    mut followed: Followed<'_>,
    attended: Attended<'_>,
    explore: impl FnOnce(&mut dyn FnMut(&Progress)) -> R,
) -> R {
    let mut progress = |progress: &Progress| {
        followed.enter(progress);
        attended.tell(followed.tally());
    };
    explore(&mut progress)
}
