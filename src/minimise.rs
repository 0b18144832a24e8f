//! A scenario made as small as it can be with the same property violated under the same design or kernel.
//!
//! Parts are left out one by one, the large ones first, until none is left that can be: then every single one that remains has been
//! tried, which is what the certificate says. Two parts that can be left out only together stay both.

use stalemap_explore::{EngineError, LimitHit, Limits, Step};
use stalemap_facade::Property;

use crate::run::{GivenLimits, Job, Outcome, RunError, Shown, run_all};
use crate::scenario::Scenario;
use crate::scenario::draft::{Draft, Part};
use crate::smaller::{Answer, Question, implementation, scenario};

/// How large a scenario is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Its actors.
    pub actors: usize,
    /// Their commands, and those of the setup.
    pub commands: usize,
    /// The states that were explored of it.
    pub states: u64,
}

/// What was tried on what is left: each of its parts, alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Certificate {
    /// Without which the property holds.
    pub needed: u64,
    /// The states that were explored for that.
    pub states: u64,
    /// Without which it is no scenario any more, or its setup fails.
    pub no_scenario: u64,
    /// Of which a limit left it open.
    pub undecided: u64,
}

impl Certificate {
    /// How many parts were tried.
    pub fn tried(&self) -> u64 {
        self.needed + self.no_scenario + self.undecided
    }
}

/// A scenario that was made smaller.
#[derive(Clone, Debug)]
pub struct Minimal {
    /// The name of the larger one.
    pub scenario: String,
    /// What both are about.
    pub property: Property,
    /// The text of the smaller one.
    pub source: String,
    /// The smaller one.
    pub smaller: Scenario,
    /// What it comes to.
    pub outcome: Outcome,
    /// What was left out, in words, in this order.
    pub left_out: Vec<String>,
    /// Commands of which bytes were left out: as they were, and as they are.
    pub shortened: Vec<(String, String)>,
    /// How large it was, as far as it was explored.
    pub before: Size,
    /// What kept its search from exploring all of it.
    pub stopped_by: Vec<LimitHit>,
    /// How large it is.
    pub after: Size,
    /// What was tried on it.
    pub certificate: Certificate,
}

/// Makes the scenario of an outcome that violates something smaller. `name` is what it is called then. `None`: the outcome has no
/// counterexample.
pub fn minimise(
    job: &Job<'_>,
    outcome: &Outcome,
    limits: &Limits,
    name: &str,
) -> Result<Option<Minimal>, RunError> {
    let Some(shown) = &outcome.counterexample else { return Ok(None) };
    let given = GivenLimits::default();
    let minimal = minimise_within(job, shown, outcome.statistics.states, (limits, given), name)?;
    Ok(minimal.map(|minimal| Minimal { stopped_by: outcome.limits_hit.clone(), ..minimal }))
}

/// The same, of a scenario with so many states of which this counterexample is known; what is left is explored within the same limits.
pub fn minimise_from(
    job: &Job<'_>,
    shown: &Shown,
    states: u64,
    limits: &Limits,
    name: &str,
) -> Result<Option<Minimal>, RunError> {
    let given = GivenLimits { states: limits.states, memory: limits.memory, ..GivenLimits::default() };
    minimise_within(job, shown, states, (limits, given), name)
}

fn minimise_within(
    job: &Job<'_>,
    shown: &Shown,
    states: u64,
    (limits, given): (&Limits, GivenLimits),
    name: &str,
) -> Result<Option<Minimal>, RunError> {
    let property = shown.property;
    let under = job.implementation.name();
    let question = Question { scenario: job.scenario, under, property, limits: limits.clone(), stop: None };
    let broken = |error| job.broken(error);
    let Ok(whole) = Draft::new(&job.scenario.source, job.scenario.block) else { return Ok(None) };
    let start = about_one(&question, &whole, &shown.schedule.steps).map_err(broken)?;
    let mut left =
        Left { draft: start, steps: shown.schedule.steps.clone(), out: Vec::new(), shortened: Vec::new() };
    let certificate = left.shrink(&question).map_err(broken)?;
    let (draft, outcome_of) = (left.draft, |source: &str| run(job, name, source, given));
    let Some((_, found)) = outcome_of(&draft.to_string())? else { return Ok(None) };
    let violated: Vec<&str> = found.violated.iter().map(|property| property.name()).collect();
    let source = draft.expecting(under, &violated).with_head(&head(job, property, &certificate));
    let Some((smaller, found)) = outcome_of(&source)? else { return Ok(None) };
    let size = |draft: &Draft, states: u64| {
        let (actors, commands) = draft.size();
        Size { actors, commands, states }
    };
    Ok(Some(Minimal {
        scenario: job.scenario.name.clone(),
        property,
        before: size(&whole, states),
        stopped_by: Vec::new(),
        after: size(&draft, found.statistics.states),
        source,
        smaller,
        outcome: found,
        left_out: left.out,
        shortened: left.shortened,
        certificate,
    }))
}

/// The text without what it says of other designs and kernels, as far as it is a scenario then.
fn about_one(question: &Question<'_>, whole: &Draft, steps: &[Step]) -> Result<Draft, EngineError> {
    let expecting = whole.expecting(question.under, &[question.property.name()]);
    let alone = expecting.defining(question.under);
    match question.ask(&alone.to_string(), steps)? {
        Answer::Violates(_) => Ok(alone),
        Answer::Holds(_) | Answer::NoScenario | Answer::Undecided => Ok(expecting),
    }
}

/// What stands before the smaller scenario.
fn head(job: &Job<'_>, property: Property, certificate: &Certificate) -> String {
    let (scenario, under) = (&job.scenario.name, job.implementation.name());
    let rest = match certificate.undecided {
        0 => "none of its parts can be left out alone".to_owned(),
        undecided => format!(
            "of {undecided} of its parts it is open whether they can be left out, of the others none can"
        ),
    };
    format!(
        "{scenario}, made smaller: `{property}` is violated under {under}, and {rest}.\nThe title and the comments are those of the \
         larger scenario."
    )
}

/// Explores what a text says under the design or kernel of a job.
fn run(
    job: &Job<'_>,
    name: &str,
    source: &str,
    given: GivenLimits,
) -> Result<Option<(Scenario, Outcome)>, RunError> {
    let under = job.implementation.name();
    let Some(smaller) = scenario(job.scenario, source) else { return Ok(None) };
    let smaller = Scenario { name: name.to_owned(), ..smaller };
    let Some(implementation) = implementation(&smaller, under) else { return Ok(None) };
    let job = Job { scenario: &smaller, implementation, engine: job.engine };
    let Some(outcome) = run_all(&[job], given, 1, &|_| ()).pop() else { return Ok(None) };
    let outcome = outcome?;
    Ok(Some((smaller, outcome)))
}

/// What is left of a scenario.
struct Left {
    draft: Draft,
    /// By which the property is violated.
    steps: Vec<Step>,
    /// What was left out.
    out: Vec<String>,
    /// Commands that are shorter than they were, as they were and as they are.
    shortened: Vec<(String, String)>,
}

impl Left {
    /// Leaves out what can be left out. What was tried on what is left.
    fn shrink(&mut self, question: &Question<'_>) -> Result<Certificate, EngineError> {
        loop {
            let before = self.draft.to_string();
            let certificate = self.pass(question)?;
            if self.draft.to_string() == before {
                return Ok(certificate);
            }
        }
    }

    /// Tries each part once.
    fn pass(&mut self, question: &Question<'_>) -> Result<Certificate, EngineError> {
        let mut certificate = Certificate::default();
        let mut parts: Vec<Part> = self.draft.parts();
        let mut at = 0;
        while let Some(part) = parts.get(at) {
            let smaller = self.draft.without(part);
            match question.ask(&smaller.to_string(), &self.steps)? {
                Answer::Violates(steps) => {
                    self.note(part, &smaller);
                    self.steps = steps;
                    self.draft = smaller;
                    // What comes next has its place now.
                    parts = self.draft.parts();
                    continue;
                }
                Answer::Holds(states) => {
                    certificate.needed += 1;
                    certificate.states += states;
                }
                Answer::NoScenario => certificate.no_scenario += 1,
                Answer::Undecided => certificate.undecided += 1,
            }
            at += 1;
        }
        Ok(certificate)
    }

    /// Notes what is left out.
    fn note(&mut self, part: &Part, smaller: &Draft) {
        let is = self.draft.command_of(part);
        let Part::Bytes(..) = part else {
            // What is left out as a whole is not shorter.
            self.shortened.retain(|(_, shorter)| Some(shorter) != is.as_ref());
            self.out.push(self.draft.words(part));
            return;
        };
        let (Some(is), Some(becomes)) = (is, smaller.command_of(part)) else { return };
        match self.shortened.iter_mut().find(|(_, shorter)| *shorter == is) {
            Some((_, shorter)) => *shorter = becomes,
            None => self.shortened.push((is, becomes)),
        }
    }
}
