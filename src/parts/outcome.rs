//! An outcome, read back from the document that a part has of it.
//!
//! All that a report says of it is in the document or follows from the scenario. The counterexample is played again, so that
//! one that is no run of the scenario is noticed.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use stalemap_checker::{choices, halted_setup};
use stalemap_explore::{
    Budget, Counterexample, FewPreemptions, LimitHit, Loom, Schedule, Shuttle, Statistics, Strategy,
};
use stalemap_facade::{Branch, Property};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::{assumptions, bounds, branches};

use crate::annotate::idle::{Idle, Seen};
use crate::annotate::setup::InSetup;
use crate::check_place::CheckPlace;
use crate::engine::Engine;
use crate::expect::Judgement;
use crate::run::{Contents, HaltedSetup, Outcome, Shown, StaleAborts, kernel};
use crate::scenario::Scenario;
use crate::verdict::{Failure, Verdict};

/// What the document of a result says, as far as it does not follow from the scenario.
#[derive(Deserialize)]
struct Said {
    scenario: String,
    design: String,
    engine: String,
    verdict: String,
    vacuous: bool,
    violated: Vec<String>,
    as_expected: Option<bool>,
    reasons: Vec<String>,
    reached: Vec<String>,
    never_succeeded: Vec<SaidFailure>,
    states: u64,
    transitions: u64,
    executions: u64,
    max_depth: u64,
    final_states: u64,
    few_preemptions: Option<SaidFew>,
    limits_hit: Vec<String>,
    assumptions: Vec<String>,
    check: String,
    stale_aborts: SaidAborts,
    outcomes: Vec<SaidContents>,
    counterexample: Option<SaidCounterexample>,
    idle: Option<SaidIdle>,
    violated_in_setup: Vec<SaidInSetup>,
    halted_in_setup: Option<Value>,
    elapsed_ms: Option<u64>,
}

#[derive(Deserialize)]
struct SaidFailure {
    actor: String,
    command: String,
    line: usize,
    error: Option<String>,
}

#[derive(Deserialize)]
struct SaidFew {
    none_up_to: Option<u32>,
    states: u64,
    found_with: Option<u32>,
}

#[derive(Deserialize)]
struct SaidAborts {
    max: u32,
    spurious_max: u32,
}

#[derive(Deserialize)]
struct SaidContents {
    observed: String,
    states: u64,
    violating: u64,
}

#[derive(Deserialize)]
struct SaidCounterexample {
    property: String,
    preemptions: u32,
    operations: u32,
    certified: bool,
    states_below: u64,
    least_among: Option<String>,
    within: Vec<String>,
    schedule: String,
}

#[derive(Deserialize)]
struct SaidIdle {
    actors: Vec<String>,
    violated_without: String,
    states_without: Option<u64>,
}

#[derive(Deserialize)]
struct SaidInSetup {
    property: String,
    line: Option<usize>,
    detail: String,
}

/// Reads what came of a scenario; the error says what is not as it should be.
pub fn read(result: &Value, scenario: &Scenario) -> Result<Outcome, String> {
    let said: Said = serde_json::from_value(result.clone()).map_err(|error| error.to_string())?;
    if said.scenario != scenario.name {
        return Err(format!("it is of `{}`, not of `{}`", said.scenario, scenario.name));
    }
    let implementation = scenario
        .implementation(&said.design)
        .ok_or_else(|| format!("there is no design or kernel `{}` in {}", said.design, scenario.name))?;
    let kernel = kernel(scenario, &implementation).map_err(|error| error.to_string())?;
    outcome(said, scenario, &implementation, &kernel)
}

/// Whether the document says how long it took.
pub fn has_time(result: &Value) -> bool {
    result["elapsed_ms"].is_u64()
}

fn outcome(
    said: Said,
    scenario: &Scenario,
    implementation: &Implementation,
    kernel: &Kernel,
) -> Result<Outcome, String> {
    let states = said.states;
    let reached = all(&said.reached, branch)?;
    let never = &scenario.reach(&said.design).never;
    let judgement = Judgement {
        expected: scenario.expect.get(&said.design).cloned(),
        as_expected: said.as_expected,
        vacuous: said.vacuous,
        forbidden: reached.iter().copied().filter(|branch| never.contains(branch)).collect(),
        reasons: said.reasons,
    };
    let halted = match said.halted_in_setup {
        None => None,
        Some(_) => halted_setup(kernel).map_err(|error| error.to_string())?,
    };
    let contents = |said: SaidContents| Contents {
        observed: said.observed,
        states: said.states,
        violating: said.violating,
    };
    Ok(Outcome {
        scenario: said.scenario,
        memory: scenario.memory,
        engine: engine(&said.engine)?,
        verdict: verdict(&said.verdict)?,
        violated: all(&said.violated, property)?,
        reached,
        never_succeeded: said.never_succeeded.into_iter().map(failure).collect(),
        statistics: Statistics {
            states,
            transitions: said.transitions,
            executions: said.executions,
            max_depth: said.max_depth,
            final_states: said.final_states,
        },
        limits_hit: all(&said.limits_hit, limit)?,
        few_preemptions: said.few_preemptions.map(|few| FewPreemptions {
            none_up_to: few.none_up_to,
            states: few.states,
            found_with: few.found_with,
        }),
        coverage: None,
        stale_aborts: StaleAborts {
            max: said.stale_aborts.max,
            spurious_max: said.stale_aborts.spurious_max,
        },
        outcomes: said.outcomes.into_iter().map(contents).collect(),
        counterexample: said.counterexample.map(|found| shown(found, kernel)).transpose()?,
        idle: said.idle.map(|idle| take_no_part(idle, states)).transpose()?,
        halted: halted.map(|halted| HaltedSetup::of(scenario, &halted)),
        in_setup: said.violated_in_setup.into_iter().map(in_setup).collect::<Result<_, _>>()?,
        assumptions: all(&said.assumptions, |id| assumptions::ALL.iter().find(|known| known.id == id))?,
        overruled: scenario.overruled(implementation),
        of_no_kernel: scenario.of_no_kernel(implementation),
        check: CheckPlace::from_name(&said.check).ok_or_else(|| unknown(&said.check))?,
        judgement,
        elapsed: Duration::from_millis(said.elapsed_ms.unwrap_or(0)),
        design: said.design,
    })
}

fn unknown(name: &str) -> String {
    format!("there is no `{name}`")
}

/// What names stand for.
fn all<T>(names: &[String], of: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    names.iter().map(|name| of(name).ok_or_else(|| unknown(name))).collect()
}

fn property(name: &str) -> Option<Property> {
    properties::from_name(name)
}

fn branch(name: &str) -> Option<Branch> {
    branches::from_name(name)
}

/// The limit of a name.
pub(crate) fn limit(name: &str) -> Option<LimitHit> {
    let of_engines = [
        LimitHit::States,
        LimitHit::Memory,
        LimitHit::Seconds,
        LimitHit::Preemptions,
        LimitHit::Interrupted,
        LimitHit::Actors,
        LimitHit::Executions,
        LimitHit::Operations,
        LimitHit::Messages,
    ];
    let of_engines = of_engines.into_iter().find(|limit| limit.name() == name);
    of_engines.or_else(|| bounds::from_name(name).map(LimitHit::Bound))
}

fn verdict(name: &str) -> Result<Verdict, String> {
    let all = [Verdict::Holds, Verdict::Violates, Verdict::Incomplete, Verdict::FoundNone];
    all.into_iter().find(|verdict| verdict.name() == name).ok_or_else(|| unknown(name))
}

/// The engine of a name; no report says with which settings it ran.
fn engine(name: &str) -> Result<Engine, String> {
    let shuttle = Shuttle { strategy: Strategy::Random { seed: 0 }, budget: Budget::default() };
    let all = [Engine::Exhaustive, Engine::Loom(Loom::default()), Engine::Shuttle(shuttle)];
    all.into_iter().find(|engine| engine.name() == name).ok_or_else(|| unknown(name))
}

fn failure(said: SaidFailure) -> Failure {
    let SaidFailure { actor, command, line, error } = said;
    Failure { actor, command, line, error: error.map(Cow::Owned) }
}

fn in_setup(said: SaidInSetup) -> Result<InSetup, String> {
    let property = property(&said.property).ok_or_else(|| unknown(&said.property))?;
    Ok(InSetup { property, line: said.line, detail: said.detail })
}

fn take_no_part(said: SaidIdle, with: u64) -> Result<Idle, String> {
    let property = property(&said.violated_without).ok_or_else(|| unknown(&said.violated_without))?;
    let seen = said.states_without.map_or(Seen::Found, |without| Seen::Explored { without, with });
    Ok(Idle { actors: said.actors, property, seen })
}

fn shown(said: SaidCounterexample, kernel: &Kernel) -> Result<Shown, String> {
    let schedule = Schedule::parse(&said.schedule)
        .map_err(|error| format!("the schedule of its counterexample: {error}"))?;
    let way = choices(kernel, &schedule.steps)
        .map_err(|error| format!("its counterexample is no run of the scenario: {error}"))?;
    Ok(Shown {
        property: property(&said.property).ok_or_else(|| unknown(&said.property))?,
        counterexample: Counterexample {
            schedule: way,
            preemptions: said.preemptions,
            operations: said.operations,
            certified: said.certified,
            states_below: said.states_below,
            within: all(&said.within, limit)?.into_iter().collect(),
        },
        among: said.least_among,
        schedule,
    })
}
