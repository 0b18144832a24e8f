//! Running scenarios under designs, and what came of it.

pub mod slices;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use stalemap_checker::{
    explore_accepted, explore_kept, halted_setup, minimal_counterexample, replay, set_up, watch_opening,
};
use stalemap_explore::{
    Choice, Counterexample, End, EngineError, Exploration, FewPreemptions, Halt, Halted, Keeper, LimitHit,
    Limits, Options, Progress, Runs, Schedule, Statistics, Workers,
};
use stalemap_facade::{Branch, Calls, Counter, MemoryModel, Property, System};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::{ConfigError, Kernel};
use stalemap_model::words::assumptions::{self, Assumption};
use stalemap_model::words::config::DEFAULT_RETRIES;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::settings::SettingError;
use stalemap_model::words::{bounds, branches, counters};

use crate::annotate::idle::Idle;
use crate::annotate::setup::{self, InSetup};
use crate::attended::{Attended, Stoppable};
use crate::available::default_limit;
use crate::check_place::CheckPlace;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::engine::Engine;
use crate::expect::{Judgement, Met, Seen, judge};
use crate::failures;
use crate::scenario::{Diagnostics, Scenario};
use crate::tally::{Followed, Tally};
use crate::verdict::{Failure, Verdict};

/// The states that the search for a least counterexample may settle; beyond it the first one found is shown.
const MINIMAL_STATES: u64 = 2_000_000;

/// What the program takes beside its searches: itself, the catalogue, known transitions, the reports. It is taken off
/// the limit of memory; of a limit that is not much larger, half remains for the searches.
const PROGRAM: u64 = 32 << 20;

/// Limits from the command line; they go before those of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenLimits {
    /// States stored.
    pub states: Option<u64>,
    /// Bytes of the whole process, whatever runs at the same time.
    pub memory: Option<u64>,
    /// Seconds.
    pub seconds: Option<u64>,
    /// Preemptions of one run.
    pub preemptions: Option<u32>,
    /// Bytes for the visited set of each search, of bits, which leaves states out.
    pub bitstate: Option<u64>,
}

/// A counterexample, ready to be shown and saved.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What it violates.
    pub property: Property,
    /// Its cost, and whether it is the least.
    pub counterexample: Counterexample,
    /// The runs among which it is the least, if a limit cut others that might have been cheaper: `runs with at most 0
    /// evictions`.
    pub among: Option<String>,
    /// As a schedule file.
    pub schedule: Schedule,
}

/// A scenario to run under a design or a kernel.
#[derive(Clone, Debug)]
pub struct Job<'s> {
    /// The scenario.
    pub scenario: &'s Scenario,
    /// The design or kernel.
    pub implementation: Implementation,
    /// What runs it.
    pub engine: Engine,
}

impl<'s> Job<'s> {
    /// A scenario under each design and kernel that its file expects something of, on the exhaustive engine.
    pub fn expected(scenario: &'s Scenario) -> Vec<Self> {
        let expected = scenario.expected();
        let all = expected.iter().filter_map(|name| scenario.implementation(name));
        all.map(|implementation| Job { scenario, implementation, engine: Engine::Exhaustive }).collect()
    }
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

/// A command of a setup that does not come to its end: nothing was there to be explored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HaltedSetup {
    /// The line of the scenario file that it stands in, from 1.
    pub line: usize,
    /// Why it does not.
    pub why: Halt,
}

impl HaltedSetup {
    /// Where, and why, in words.
    pub fn sentence(&self) -> String {
        let why = match &self.why {
            Halt::GivenUp(bound) => format!("is given up at the limit of {}", bound.name()),
            Halt::Waits(op) => format!("waits for ever at {op}"),
            Halt::GoesRound => "goes round for ever".to_owned(),
        };
        format!("the command in line {} {why}", self.line)
    }

    /// Says where in a scenario's file a setup does not go on.
    pub fn of(scenario: &Scenario, halted: &Halted) -> Self {
        let line = halted.command.and_then(|command| scenario.setup_lines.get(command));
        HaltedSetup { line: line.map_or(1, |line| scenario.line_of(line)), why: halted.why.clone() }
    }
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
    /// What ran it.
    pub engine: Engine,
    /// What can be said.
    pub verdict: Verdict,
    /// Every property violated in some reachable state.
    pub violated: Vec<Property>,
    /// Branches that some run reached.
    pub reached: Vec<Branch>,
    /// Commands that failed wherever they were run, and are not meant to.
    pub never_succeeded: Vec<Failure>,
    /// How much was explored.
    pub statistics: Statistics,
    /// The limits that bit.
    pub limits_hit: Vec<LimitHit>,
    /// What is known of runs with few preemptions, if not all were explored.
    pub few_preemptions: Option<FewPreemptions>,
    /// Of a search that kept states as bits, the share of those that it came to which was probably not left out, in millionths.
    pub kept_apart: Option<u32>,
    /// Mappings rejected in one run, at most; and those rejected needlessly.
    pub stale_aborts: (u32, u32),
    /// Final contents, if the file asks for them.
    pub outcomes: Vec<Contents>,
    /// The counterexample for the most user-visible violation.
    pub counterexample: Option<Shown>,
    /// The actors that take no part in it, where that was asked ([`crate::idle`]).
    pub idle: Option<Idle>,
    /// The setup, if it does not come to its end.
    pub halted: Option<HaltedSetup>,
    /// What the setup violates by itself.
    pub in_setup: Vec<InSetup>,
    /// What the model leaves out at operations that the explored runs performed; only the exhaustive engine knows.
    pub assumptions: Vec<&'static Assumption>,
    /// Fields that `[fs]` sets and that have another value here, with that value.
    pub overruled: Vec<(&'static str, String)>,
    /// Where the check is made, seen from the runs that were explored.
    pub check: CheckPlace,
    /// What the file says about it.
    pub judgement: Judgement,
    /// How long it took.
    pub elapsed: Duration,
}

/// The system of a scenario under a design or a kernel, whose setup does what it says.
pub fn kernel(scenario: &Scenario, implementation: &Implementation) -> Result<Kernel, RunError> {
    let kernel = configured(scenario, implementation)?;
    match set_up(&kernel) {
        Ok(calls) if !kernel.failed_setup(&calls).is_empty() => {
            Err(setup_error(scenario, implementation, &kernel, &calls))
        }
        // A setup that does not come to its end is for the engine to report.
        Ok(_) | Err(_) => Ok(kernel),
    }
}

/// The system of a scenario under a design or a kernel.
fn configured(scenario: &Scenario, implementation: &Implementation) -> Result<Kernel, RunError> {
    let error = |error| RunError::Config { scenario: scenario.name.clone(), error };
    Kernel::new(scenario.config_of(implementation.clone())).map_err(error)
}

fn setup_error(
    scenario: &Scenario,
    implementation: &Implementation,
    kernel: &Kernel,
    calls: &Calls,
) -> RunError {
    let errors = failures::of_setup(kernel);
    RunError::Setup(scenario.failed_setup(&kernel.failed_setup(calls), &errors, implementation.name()))
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
    /// Commands of the setup fail that are not meant to.
    #[error("{0}")]
    Setup(Diagnostics),
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
    /// A search that was kept cannot be taken up.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The engine would not do what it was told.
    #[error("{0}")]
    Refused(EngineError),
    /// A field or a value that is compiled in does not exist.
    #[error("{scenario}: a candidate cannot be made: {error}")]
    Candidate {
        /// The scenario's name.
        scenario: String,
        /// What is wrong with it.
        error: SettingError,
    },
    /// A run that a search found cannot be played.
    #[error("{scenario} under {design}: a run that was found does not replay: {problem}")]
    DoesNotReplay {
        /// The scenario's name.
        scenario: String,
        /// The design's name.
        design: String,
        /// Where not.
        problem: String,
    },
    /// A library found what the exhaustive engine does not find there.
    #[error(
        "{scenario} under {design}: {engine} found `{property}`, and its schedule does not lead there: {problem}"
    )]
    Disagree {
        /// The scenario's name.
        scenario: String,
        /// The design's name.
        design: String,
        /// The engine's.
        engine: &'static str,
        /// What it found.
        property: Property,
        /// What happens instead.
        problem: String,
    },
}

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
        let checkpoint =
            attended.checkpoints.map(|kept| kept.of(job.scenario, &job.implementation, given.preemptions));
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
                (error @ EngineError::NoMemory { .. }, _) => RunError::Refused(error),
                (error, _) => engine_error(error),
            })?;
            Found::from(explored.map_err(|calls| setup_error(scenario, implementation, &kernel, &calls))?)
        }
        Some(Ok(runs)) => Found::from(runs),
        Some(Err(EngineError::DoesNotFit { .. })) => Found::does_not_fit(),
        Some(Err(error @ EngineError::Environment { .. })) => return Err(RunError::Refused(error)),
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
        kept_apart: found.kept_apart,
        stale_aborts: (maximum(counters::STALE_ABORTS), maximum(counters::SPURIOUS_ABORTS)),
        outcomes: found.outcomes,
        counterexample,
        idle: None,
        halted: found.halted.as_ref().map(|halted| HaltedSetup::of(scenario, halted)),
        assumptions: assumptions::of(&implementation.fs, |name| found.operations.contains(name)).collect(),
        overruled: scenario.overruled(implementation),
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
        let keeper = match (checkpoint, &mut stoppable) {
            (Some(checkpoint), _) => checkpoint as &mut dyn Keeper,
            (None, Some(stoppable)) => stoppable as &mut dyn Keeper,
            (None, None) => return explore_accepted(kernel, options, &accepts, progress),
        };
        explore_kept(kernel, options, &accepts, keeper, progress)
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

/// The verdict, from what an engine found violated and which limits it reached.
fn verdict(found: &Found, engine: Engine) -> Verdict {
    match (found.violated == 0, found.limits_hit.is_empty(), engine) {
        (false, _, _) => Verdict::Violates,
        (true, true, Engine::Exhaustive) => Verdict::Holds,
        (true, true, Engine::Loom(_) | Engine::Shuttle(_)) => Verdict::FoundNone,
        (true, false, _) => Verdict::Incomplete,
    }
}

impl Job<'_> {
    /// The system to run, whose setup does what it says.
    pub fn kernel(&self) -> Result<Kernel, RunError> {
        kernel(self.scenario, &self.implementation)
    }

    pub(crate) fn broken(&self, error: EngineError) -> RunError {
        RunError::Engine {
            scenario: self.scenario.name.clone(),
            design: self.implementation.name().to_owned(),
            error,
        }
    }
}

impl Job<'_> {
    /// A schedule file.
    pub(crate) fn schedule(
        &self,
        kernel: &Kernel,
        headers: Vec<(String, String)>,
        way: &[Choice],
    ) -> Schedule {
        let specs = kernel.actors();
        let mut what =
            vec![("scenario", self.scenario.name.clone()), ("design", self.implementation.name().to_owned())];
        if self.scenario.memory != MemoryModel::Sequential {
            what.push(("memory", self.scenario.memory.name().to_owned()));
        }
        let weakened: Vec<&str> = self.scenario.orderings.weakened().iter().map(|link| link.name()).collect();
        if !weakened.is_empty() {
            what.push(("without", weakened.join(", ")));
        }
        let what = what.into_iter().map(|(key, value)| (key.to_owned(), value));
        Schedule {
            headers: what.chain(headers).collect(),
            steps: way.iter().map(|choice| choice.to_step(&specs)).collect(),
            scenario: self.scenario.source.clone(),
        }
    }
}

/// The commands of actors that never succeeded and are not meant to fail, in the order of the file.
pub(crate) fn never_succeeded(scenario: &Scenario, kernel: &Kernel, calls: &Calls) -> Vec<Failure> {
    let (mut failures, mut errors): (Vec<Failure>, BTreeMap<usize, _>) = Default::default();
    for (actor, command) in kernel.never_succeeded(calls) {
        let lines = scenario.actor_lines.get(actor);
        let Some(line) = lines.and_then(|lines| lines.get(command)) else { continue };
        // Actor 0 is the setup.
        let of_actor = || failures::of_actor(kernel, actor + 1, scenario.actors.len());
        failures.push(Failure {
            actor: scenario.actors.get(actor).map_or_else(String::new, |actor| actor.name.clone()),
            command: line.text.clone(),
            line: scenario.line_of(line),
            error: errors.entry(actor).or_insert_with(of_actor).get(&command).copied().map(Cow::Borrowed),
        });
    }
    // `sync` is a command for each file, and one line.
    failures.dedup_by(|one, other| {
        (&one.actor, one.line, &one.command) == (&other.actor, other.line, &other.command)
    });
    failures
}

/// What an engine found, whichever it is.
#[derive(Default)]
struct Found {
    violated: u64,
    reached: u64,
    maxima: Vec<u32>,
    statistics: Statistics,
    limits_hit: BTreeSet<LimitHit>,
    few_preemptions: Option<FewPreemptions>,
    kept_apart: Option<u32>,
    outcomes: Vec<Contents>,
    witnesses: BTreeMap<Property, Vec<Choice>>,
    halted: Option<Halted>,
    calls: Calls,
    operations: BTreeSet<String>,
}

impl Found {
    /// The engine does not take that many actors.
    fn does_not_fit() -> Self {
        Found { limits_hit: BTreeSet::from([LimitHit::Actors]), ..Found::default() }
    }
}

impl From<Exploration> for Found {
    fn from(mut exploration: Exploration) -> Self {
        Found {
            violated: exploration.violated,
            reached: exploration.reached,
            maxima: std::mem::take(&mut exploration.maxima),
            statistics: exploration.statistics,
            limits_hit: std::mem::take(&mut exploration.limits_hit),
            few_preemptions: exploration.few_preemptions,
            kept_apart: exploration.coverage,
            witnesses: std::mem::take(&mut exploration.witnesses),
            halted: exploration.halted.take(),
            calls: std::mem::take(&mut exploration.calls),
            operations: std::mem::take(&mut exploration.operations),
            outcomes: contents(exploration),
        }
    }
}

impl From<Runs> for Found {
    fn from(runs: Runs) -> Self {
        let mut outcomes: BTreeMap<String, Contents> = BTreeMap::new();
        for reached in runs.ends.values() {
            let Some(observed) = &reached.observed else { continue };
            let contents = outcomes.entry(observed.clone()).or_insert_with(|| Contents {
                observed: observed.clone(),
                states: 0,
                violating: 0,
            });
            contents.states += 1;
            contents.violating += u64::from(reached.violated != 0);
        }
        let mut limits_hit = runs.limits_hit;
        if !runs.finished && limits_hit.is_empty() {
            // Random schedules have no end of their own.
            limits_hit.insert(LimitHit::Executions);
        }
        Found {
            violated: runs.violated,
            reached: runs.reached,
            maxima: runs.maxima,
            statistics: Statistics {
                states: 0,
                transitions: runs.transitions,
                executions: runs.executions,
                max_depth: runs.max_depth,
                final_states: runs.ends.keys().filter(|end| matches!(end, End::Final { .. })).count() as u64,
            },
            limits_hit,
            few_preemptions: None,
            kept_apart: None,
            outcomes: outcomes.into_values().collect(),
            witnesses: runs.witnesses,
            halted: None,
            calls: runs.calls,
            // They do not say.
            operations: BTreeSet::new(),
        }
    }
}

/// Plays what a library found on the exhaustive engine.
fn confirm(job: &Job<'_>, kernel: &Kernel, property: Property, way: &[Choice]) -> Result<(), RunError> {
    let specs = kernel.actors();
    let steps: Vec<_> = way.iter().map(|choice| choice.to_step(&specs)).collect();
    let problem = match replay(kernel, &steps) {
        Ok(replay) if replay.violated.contains(&property) => return Ok(()),
        Ok(_) => "it is not violated".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(RunError::Disagree {
        scenario: job.scenario.name.clone(),
        design: job.implementation.name().to_owned(),
        engine: job.engine.name(),
        property,
        problem,
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

/// What a limit of the process, or the default, leaves to the searches.
pub(crate) fn of_searches(limit: Option<u64>) -> u64 {
    let memory = limit.unwrap_or_else(default_limit);
    memory.saturating_sub(PROGRAM).max(memory / 2)
}

/// The limits of a search that is compared with other engines, which know of no bound of preemptions.
pub(crate) fn limits_beside_others(scenario: &Scenario, given: GivenLimits, at_a_time: usize) -> Limits {
    Limits { preemptions: None, ..limits(scenario, given, at_a_time) }
}

/// The limits of a search, when there are others at the same time.
fn limits(scenario: &Scenario, given: GivenLimits, at_a_time: usize) -> Limits {
    let of_file = &scenario.limits;
    Limits {
        states: given.states.or(of_file.states),
        // Equal shares, and not what the others leave: what one search finds must not depend on when others run.
        memory: Some(of_searches(given.memory.or(of_file.memory)) / at_a_time.max(1) as u64),
        time: given.seconds.or(of_file.seconds).map(Duration::from_secs),
        preemptions: given.preemptions.or(of_file.preemptions),
    }
}

/// The least counterexample, or the first one found where the least is not looked for or its search ran into its limit.
fn counterexample(
    job: &Job<'_>,
    kernel: &Kernel,
    property: Property,
    found: &Found,
    mut limits: Limits,
    attended: Attended<'_>,
) -> Result<Shown, RunError> {
    let witness = found.witnesses.get(&property).map_or(&[][..], Vec::as_slice);
    if job.engine != Engine::Exhaustive {
        confirm(job, kernel, property, witness)?;
    }
    // Who interrupts a search does not want to wait.
    if found.limits_hit.contains(&LimitHit::Interrupted) || attended.is_stopped() {
        return Ok(shown(job, kernel, property, as_found(witness)));
    }
    limits.states = Some(MINIMAL_STATES);
    // Where it is known with how few it is found, runs with more need not be looked at for the least.
    let few = found.few_preemptions.and_then(|few| few.found_with);
    limits.preemptions = few.into_iter().chain(limits.preemptions).min();
    let least = minimal_counterexample(kernel, property, &limits).map_err(|error| job.broken(error))?;
    Ok(shown(job, kernel, property, least.unwrap_or_else(|| as_found(witness))))
}

/// The least counterexample to a property, with its schedule; `None` if none was found within the limits.
pub(crate) fn least(
    job: &Job<'_>,
    kernel: &Kernel,
    property: Property,
    limits: &Limits,
) -> Result<Option<Shown>, RunError> {
    let least = minimal_counterexample(kernel, property, limits).map_err(|error| job.broken(error))?;
    Ok(least.map(|least| shown(job, kernel, property, least)))
}

/// The first counterexample found, where the least is not known.
fn as_found(witness: &[Choice]) -> Counterexample {
    let schedule = witness.to_vec();
    let operations = schedule.len() as u32;
    let within = BTreeSet::new();
    Counterexample { schedule, preemptions: 0, operations, certified: false, states_below: 0, within }
}

/// A counterexample with its schedule file.
fn shown(job: &Job<'_>, kernel: &Kernel, property: Property, counterexample: Counterexample) -> Shown {
    let among = least_among(job.scenario, &counterexample);
    let schedule = to_schedule(job, kernel, property, &counterexample, among.as_deref());
    Shown { property, counterexample, among, schedule }
}

fn to_schedule(
    job: &Job<'_>,
    kernel: &Kernel,
    property: Property,
    found: &Counterexample,
    among: Option<&str>,
) -> Schedule {
    let header = |key: &str, value: String| (key.to_owned(), value);
    let mut headers = vec![header("violates", property.to_string())];
    if found.certified {
        headers.push(header("preemptions", found.preemptions.to_string()));
        headers.push(header("operations", found.operations.to_string()));
        headers.extend(among.map(|among| header("among", among.to_owned())));
        headers.push(header("certificate", found.certificate(among)));
    }
    job.schedule(kernel, headers, &found.schedule)
}

/// The runs among which a counterexample is the least, if a limit cut others that might have been cheaper: `runs with at
/// most 0 evictions`.
fn least_among(scenario: &Scenario, found: &Counterexample) -> Option<String> {
    let limits = &scenario.limits;
    let at_most = |count: u64, one: &str, more: &str| {
        format!("at most {count} {}", if count == 1 { one } else { more })
    };
    let within = found.within.iter().map(|limit| match *limit {
        LimitHit::Bound(bounds::EVICTIONS) => {
            at_most(limits.evictions.unwrap_or(0).into(), "eviction", "evictions")
        }
        LimitHit::Bound(bounds::RETRIES) => {
            at_most(limits.retries.unwrap_or(DEFAULT_RETRIES).into(), "retry", "retries")
        }
        LimitHit::Preemptions => at_most(limits.preemptions.unwrap_or(0).into(), "preemption", "preemptions"),
        other => format!("the limit of {other}"),
    });
    let within: Vec<String> = within.collect();
    (!within.is_empty()).then(|| format!("runs with {}", within.join(" and ")))
}

/// `1 preemption`, `2 preemptions`.
pub fn preemptions(count: u32) -> String {
    format!("{count} preemption{}", if count == 1 { "" } else { "s" })
}

/// How much of the system an engine has seen: a bound of the system itself leaves out what the file leaves out.
fn seen(engine: Engine, found: &Found) -> Seen {
    let all = match engine {
        Engine::Exhaustive => found.limits_hit.iter().all(|limit| limit.is_of_the_system()),
        Engine::Loom(_) | Engine::Shuttle(_) => found.limits_hit.is_empty(),
    };
    if all { Seen::All } else { Seen::Some }
}

/// Whether an outcome is not as expected; without an expectation, whether something is violated.
pub(crate) fn is_surprising(outcome: &Outcome) -> bool {
    match outcome.judgement.as_expected {
        Some(expected) => !expected,
        None => outcome.judgement.expected.is_none() && outcome.verdict == Verdict::Violates,
    }
}
