//! Running scenarios under designs, and what came of it.

mod counterexample;
mod error;
mod found;
mod job;
mod limits;
mod outcome;
mod searched;
pub mod slices;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use stalemap_checker::{explore_accepted, explore_checkpointed, halted_setup};
use stalemap_explore::{Checkpointer, EngineError, Exploration, Options, Progress, Workers};
use stalemap_facade::{Calls, Counter};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::{assumptions, branches, counters};

pub use self::counterexample::Shown;
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
use self::searched::Searched;
use crate::attended::{Attended, Stoppable};
use crate::check_place::CheckPlace;
use crate::checkpoint::Checkpoint;
use crate::engine::Engine;
use crate::expect::{Met, judge};
use crate::tally::{Followed, Tally};

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
    let (tally, ended) = (Tally::default(), AtomicUsize::new(0));
    let courses = courses(jobs, attended);
    let at_a_time = threads.min(courses.len());
    let workers = Workers::new(threads / at_a_time.max(1));
    let run = |course: &&[Job<'_>]| {
        let mut searched = Vec::new();
        let run = |job: &Job<'_>| {
            let options = Options {
                limits: limits(job.scenario, given, at_a_time),
                bitstate: given.bitstate,
                workers: workers.clone(),
                estimate: attended.estimates,
                ..Options::default()
            };
            let checkpoint = attended.checkpoints.map(|kept| {
                kept.of(job.scenario, &job.implementation, given.preemptions).telling(attended.tell)
            });
            let outcome = run(job, &mut searched, &options, checkpoint, &tally, attended);
            tally.jobs.fetch_add(1, Ordering::Relaxed);
            attended.tell(&tally);
            outcome
        };
        let outcomes: Vec<_> = course.iter().map(run).collect();
        let left = courses.len() - ended.fetch_add(1, Ordering::Relaxed) - 1;
        // What is left shares the threads.
        workers.set(threads / left.clamp(1, at_a_time));
        outcomes
    };
    in_parallel(&courses, threads, run).into_iter().flatten().collect()
}

/// Jobs that are run one after the other: those of one scenario, of which some may say what others find. Where searches are kept,
/// each is kept for itself.
fn courses<'j, 's>(jobs: &'j [Job<'s>], attended: Attended<'_>) -> Vec<&'j [Job<'s>]> {
    let alike = |one: &Job<'_>, other: &Job<'_>| {
        attended.checkpoints.is_none()
            && std::ptr::eq(one.scenario, other.scenario)
            && [one.engine, other.engine] == [Engine::Exhaustive; 2]
    };
    jobs.chunk_by(alike).collect()
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
    searched: &mut Vec<Searched>,
    options: &Options,
    checkpoint: Option<Checkpoint<'_>>,
    tally: &Tally,
    attended: Attended<'_>,
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    if let Some(known) = searched.iter().find(|searched| searched.finds_alike(&job.implementation)) {
        return Ok(said(job, known, started));
    }
    let new = search(job, options, checkpoint, tally, attended, started)?;
    let outcome = said(job, &new, started);
    searched.push(new);
    Ok(outcome)
}

/// Explores a job with its engine. All that it takes ends at one time.
fn search(
    job: &Job<'_>,
    options: &Options,
    mut checkpoint: Option<Checkpoint<'_>>,
    tally: &Tally,
    attended: Attended<'_>,
    started: Instant,
) -> Result<Searched, RunError> {
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
    Searched::of(job, kernel, found, options.limits.after(started), attended)
}

/// What is to be said of a job, whose search it was or one that found the same.
fn said(job: &Job<'_>, searched: &Searched, started: Instant) -> Outcome {
    let Job { scenario, implementation, engine } = job;
    let Searched { found, violated, never_succeeded, .. } = searched;
    let verdict = verdict(found, *engine);
    let reached = branches::of_bits(found.reached);
    let met = Met { violated, reached: &reached, never_succeeded };
    let maximum = |counter: Counter| found.maxima.get(counter.number()).copied().unwrap_or(0);
    Outcome {
        scenario: scenario.name.clone(),
        design: implementation.name().to_owned(),
        memory: scenario.memory,
        engine: *engine,
        verdict,
        in_setup: searched.in_setup.clone(),
        judgement: judge(scenario, &implementation.design, verdict, &met, seen(*engine, found)),
        violated: violated.clone(),
        reached,
        never_succeeded: never_succeeded.clone(),
        statistics: found.statistics,
        limits_hit: found.limits_hit.iter().copied().collect(),
        few_preemptions: found.few_preemptions,
        coverage: found.coverage,
        stale_aborts: StaleAborts {
            max: maximum(counters::STALE_ABORTS),
            spurious_max: maximum(counters::SPURIOUS_ABORTS),
        },
        outcomes: found.outcomes.clone(),
        counterexample: searched.shown(job),
        idle: None,
        halted: found.halted.as_ref().map(|halted| HaltedSetup::of(scenario, halted)),
        assumptions: assumptions::of(&implementation.fs, |name| found.operations.contains(name)).collect(),
        overruled: scenario.overruled(implementation),
        of_no_kernel: scenario.of_no_kernel(implementation),
        check: CheckPlace::of(implementation, &found.operations),
        elapsed: started.elapsed(),
    }
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
