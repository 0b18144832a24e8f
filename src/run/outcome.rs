//! What came of a job.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use stalemap_explore::{FewPreemptions, Halt, Halted, LimitHit, Statistics};
use stalemap_facade::{Branch, Calls, MemoryModel, Property};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::assumptions::Assumption;

use super::counterexample::Shown;
use super::found::Contents;
use crate::annotate::idle::Idle;
use crate::annotate::setup::InSetup;
use crate::check_place::CheckPlace;
use crate::engine::Engine;
use crate::expect::Judgement;
use crate::failures;
use crate::scenario::Scenario;
use crate::verdict::{Failure, Verdict};

/// How many mappings are rejected in one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StaleAborts {
    /// The most.
    pub max: u32,
    /// The most of those that are rejected needlessly.
    pub spurious_max: u32,
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
    pub coverage: Option<u32>,
    /// Mappings rejected in one run.
    pub stale_aborts: StaleAborts,
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
    /// A field that is as `[fs]` has it, under a kernel, though no kernel has that, with its value.
    pub of_no_kernel: Option<(&'static str, String)>,
    /// Where the check is made, seen from the runs that were explored.
    pub check: CheckPlace,
    /// What the file says about it.
    pub judgement: Judgement,
    /// How long it took.
    pub elapsed: Duration,
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

/// Whether an outcome is not as expected; without an expectation, whether something is violated.
pub(crate) fn is_surprising(outcome: &Outcome) -> bool {
    match outcome.judgement.as_expected {
        Some(expected) => !expected,
        None => outcome.judgement.expected.is_none() && outcome.verdict == Verdict::Violates,
    }
}
