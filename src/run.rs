//! Running scenarios under designs, and what came of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use stalemap_explore::{
    Counterexample, EngineError, Exploration, LimitHit, Limits, Options, Schedule, Statistics, explore,
    minimal_counterexample,
};
use stalemap_model::backend::{MemoryModel, System};
use stalemap_model::design::Design;
use stalemap_model::event::{Branch, Counter};
use stalemap_model::kernel::{ConfigError, Kernel};
use stalemap_model::oracle::Property;

use crate::expect::{Judgement, judge};
use crate::scenario::Scenario;

/// The only engine so far.
pub const ENGINE: &str = "exhaustive";

/// The states that the search for a least counterexample may settle; beyond it the first one found is shown.
const MINIMAL_STATES: u64 = 2_000_000;

/// The memory of a visited set when nothing else is said: 4 GiB.
const DEFAULT_MEMORY: u64 = 4 << 30;

/// Limits from the command line; they go before those of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenLimits {
    /// States stored.
    pub states: Option<u64>,
    /// Bytes of the visited set.
    pub memory: Option<u64>,
    /// Seconds.
    pub seconds: Option<u64>,
}

/// What a search can say. Three different words for three different things.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Every reachable state was explored and none violates anything.
    Holds,
    /// Some reachable state violates something.
    Violates,
    /// Nothing was found, and not everything was explored.
    Incomplete,
}

impl Verdict {
    /// The word in reports and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Violates => "violates",
            Verdict::Incomplete => "incomplete",
        }
    }
}

/// A counterexample, ready to be shown and saved.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it violates.
    pub property: Property,
    /// Its cost, and whether it is the least.
    pub counterexample: Counterexample,
    /// As a schedule file.
    pub schedule: Schedule,
}

/// A scenario to run under a design.
#[derive(Clone, Debug)]
pub struct Job<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// The design.
    pub design: Design,
}

/// What a file contained at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contents {
    /// The contents observed.
    pub observed: String,
    /// In how many final states.
    pub states: u64,
    /// In how many of these something is violated.
    pub violating: u64,
}

/// What came of a job.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// The design's name.
    pub design: String,
    /// The memory that it ran on.
    pub memory: MemoryModel,
    /// What can be said.
    pub verdict: Verdict,
    /// Every property violated in some reachable state.
    pub violated: Vec<Property>,
    /// Branches that some run reached.
    pub reached: Vec<Branch>,
    /// How much was explored.
    pub statistics: Statistics,
    /// The limits that bit.
    pub limits_hit: Vec<LimitHit>,
    /// Mappings rejected in one run, at most; and those rejected needlessly.
    pub stale_aborts: (u32, u32),
    /// Final contents, if the file asks for them.
    pub outcomes: Vec<Contents>,
    /// The counterexample for the most user-visible violation.
    pub counterexample: Option<Shown>,
    /// What the file says about it.
    pub judgement: Judgement,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a job could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario asks for something that cannot be explored.
    #[error("{scenario}: {error}")]
    Config {
        /// The scenario's name.
        scenario: String,
        /// Why.
        error: ConfigError,
    },
    /// The engine or the model is broken.
    #[error("{scenario} under {design}: {error}")]
    Engine {
        /// The scenario's name.
        scenario: String,
        /// The design's name.
        design: String,
        /// How.
        error: EngineError,
    },
}

/// What the jobs have done so far, for a progress display.
#[derive(Debug, Default)]
pub struct Tally {
    /// Jobs finished.
    pub jobs: AtomicU64,
    /// Transitions executed, by the jobs that have reported.
    pub transitions: AtomicU64,
}

/// Runs jobs on `threads` threads. The outcomes come in the order of the jobs, whatever order they finish in.
pub fn run_all(
    jobs: &[Job<'_>],
    given: GivenLimits,
    threads: usize,
    tick: &(dyn Fn(&Tally) + Sync),
) -> Vec<Result<Outcome, RunError>> {
    let tally = Tally::default();
    let run = |job: &Job<'_>| {
        let outcome = run(job, given, &tally, tick);
        tally.jobs.fetch_add(1, Ordering::Relaxed);
        tick(&tally);
        outcome
    };
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        // One job after the other is handed out, so that a large one does not hold a queue of small ones.
        Ok(pool) => pool.install(|| jobs.par_iter().with_max_len(1).map(run).collect()),
        Err(_) => jobs.iter().map(run).collect(),
    }
}

fn run(
    job: &Job<'_>,
    given: GivenLimits,
    tally: &Tally,
    tick: &(dyn Fn(&Tally) + Sync),
) -> Result<Outcome, RunError> {
    let started = Instant::now();
    let Job { scenario, design } = job;
    let engine_error =
        |error| RunError::Engine { scenario: scenario.name.clone(), design: design.name.clone(), error };
    let kernel = Kernel::new(scenario.config(design.clone()))
        .map_err(|error| RunError::Config { scenario: scenario.name.clone(), error })?;
    let options = Options { limits: limits(scenario, given), ..Options::default() };
    let mut counted = 0;
    let mut progress = |statistics: &Statistics| {
        tally.transitions.fetch_add(statistics.transitions - counted, Ordering::Relaxed);
        counted = statistics.transitions;
        tick(tally);
    };
    let exploration = explore(&kernel, &options, &mut progress).map_err(engine_error)?;
    tracing::debug!(scenario = scenario.name, design = design.name, ?exploration.statistics, "explored");
    let violated = Property::of_bits(exploration.violated);
    let verdict = match (violated.is_empty(), exploration.is_complete()) {
        (false, _) => Verdict::Violates,
        (true, true) => Verdict::Holds,
        (true, false) => Verdict::Incomplete,
    };
    let reached = Branch::of_bits(exploration.reached);
    let judgement = judge(scenario, design, verdict, &violated, &reached);
    let counterexample = match violated.first() {
        None => None,
        Some(property) => Some(
            counterexample(job, &kernel, *property, &exploration, &options.limits).map_err(engine_error)?,
        ),
    };
    let maximum = |counter: Counter| exploration.maxima.get(counter as usize).copied().unwrap_or(0);
    Ok(Outcome {
        scenario: scenario.name.clone(),
        design: design.name.clone(),
        memory: scenario.memory,
        verdict,
        violated,
        reached,
        statistics: exploration.statistics,
        limits_hit: exploration.limits_hit.iter().copied().collect(),
        stale_aborts: (maximum(Counter::StaleAborts), maximum(Counter::SpuriousAborts)),
        outcomes: contents(exploration),
        counterexample,
        judgement,
        elapsed: started.elapsed(),
    })
}

fn contents(exploration: Exploration) -> Vec<Contents> {
    let Exploration { outcomes, violating_outcomes, .. } = exploration;
    let contents = outcomes.into_iter().map(|(observed, states)| {
        let violating = violating_outcomes.get(&observed).copied().unwrap_or(0);
        Contents { observed, states, violating }
    });
    contents.collect()
}

fn limits(scenario: &Scenario, given: GivenLimits) -> Limits {
    let of_file = &scenario.limits;
    Limits {
        states: given.states.or(of_file.states),
        memory: given.memory.or(of_file.memory).or(Some(DEFAULT_MEMORY)),
        time: given.seconds.or(of_file.seconds).map(Duration::from_secs),
        preemptions: of_file.preemptions,
    }
}

/// The least counterexample, or the first one found where the search for the least ran into its limit.
fn counterexample(
    job: &Job<'_>,
    kernel: &Kernel,
    property: Property,
    exploration: &Exploration,
    limits: &Limits,
) -> Result<Shown, EngineError> {
    let limits = Limits { states: Some(MINIMAL_STATES), ..limits.clone() };
    let least = minimal_counterexample(kernel, property, &limits)?;
    let counterexample = least.unwrap_or_else(|| {
        let schedule = exploration.witnesses.get(&property).cloned().unwrap_or_default();
        let operations = schedule.len() as u32;
        Counterexample { schedule, preemptions: 0, operations, certified: false, states_below: 0 }
    });
    let schedule = to_schedule(job, kernel, property, &counterexample);
    Ok(Shown { property, counterexample, schedule })
}

fn to_schedule(job: &Job<'_>, kernel: &Kernel, property: Property, found: &Counterexample) -> Schedule {
    let specs = kernel.actors();
    let header = |key: &str, value: String| (key.to_owned(), value);
    let mut headers =
        vec![header("scenario", job.scenario.name.clone()), header("design", job.design.name.clone())];
    if job.scenario.memory != MemoryModel::Sequential {
        headers.push(header("memory", job.scenario.memory.name().to_owned()));
    }
    let weakened: Vec<&str> = job.scenario.orderings.weakened().iter().map(|link| link.name()).collect();
    if !weakened.is_empty() {
        headers.push(header("without", weakened.join(", ")));
    }
    headers.push(header("violates", property.to_string()));
    if found.certified {
        headers.push(header("preemptions", found.preemptions.to_string()));
        headers.push(header("operations", found.operations.to_string()));
        headers.push(header("certificate", certificate(found)));
    }
    Schedule {
        headers,
        steps: found.schedule.iter().map(|choice| choice.to_step(&specs)).collect(),
        scenario: job.scenario.source.clone(),
    }
}

/// Why a counterexample is the least.
pub fn certificate(found: &Counterexample) -> String {
    let below = match found.preemptions {
        0 => return "least: no preemption, and none with fewer operations".to_owned(),
        1 => "without a preemption".to_owned(),
        more => format!("with fewer than {more} preemptions"),
    };
    format!("least: none of the {} states reached {below} violates it", found.states_below)
}

/// `1 preemption`, `2 preemptions`.
pub fn preemptions(count: u32) -> String {
    format!("{count} preemption{}", if count == 1 { "" } else { "s" })
}
