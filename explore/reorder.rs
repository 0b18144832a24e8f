//! Which orders of an execution decide its outcome: each is turned round, and the rest is played again.
//!
//! The orders tried are those of any two dependent transitions of different actors ([`crate::causality`]). Turning round
//! one that follows from others turns some of these round, too, and may decide where none of them does alone: a mapping
//! sampled before a conversion, with a lock handed over between the two.
//!
//! To turn round `a` before `b`, what does not need `a` goes first, and what the actor of `b` did until then; then `b`,
//! then `a` and what depends on it. From there on the actors move in the recorded order as far as they still can, and
//! then to their ends, each as long as it can. That is one continuation of many: "with 7 before 5 the loss does not
//! happen" is said of this one.
//!
//! In relaxed memory the message that an access read may be another one in the other order, or there may be more to
//! read. Which of them would be the same is nobody's to say, so all are tried, and the order decides if none violates.

use stalemap_facade::{ActorId, Property, System};

use crate::actors::actors_of;
use crate::error::EngineError;
use crate::machine::{Frame, Machine};
use crate::memory::Outcome;
use crate::minimal::is_violated;
use crate::replay::{Played, ReplayError, find};
use crate::schedule::Step;

/// Transitions that a turned run may take before it counts as going on for ever.
const MAX_RUN: usize = 20_000;
/// Transitions that trying everything that can be read in a turned run may take in all.
const MAX_READINGS: usize = 20_000;
/// Transitions after which no further indirect order is turned round: some thousands of them for a counterexample, and a
/// second at most.
const MAX_TRANSITIONS: usize = 1_000_000;

/// Two transitions of different actors, the second of which depends on the first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// The place of the first one in the schedule, from 0.
    pub first: usize,
    /// The place of the second.
    pub second: usize,
    /// Whether nothing between the two explains the order.
    pub direct: bool,
    /// What comes of turning them round.
    pub turned: Turned,
}

/// What comes of turning two transitions round.
///
/// Of several runs that differ in what they read, the last of these that came of one comes of all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Turned {
    /// The second cannot come first: it waits for the first, or its actor is somewhere else by then.
    Impossible,
    /// The property is not violated any more: the order decides.
    Avoided,
    /// The run was given up, or there was too much to try.
    Unknown,
    /// The property is violated all the same.
    StillViolated,
}

impl Order {
    /// Whether it lies between two transitions, so that their order says no more.
    fn is_between(&self, first: usize, second: usize) -> bool {
        first <= self.first && self.second <= second
    }
}

/// Tries every order of a replayed schedule the other way round. Of those that follow from others only the narrowest
/// that decide are returned, and not all are tried of a very long schedule. `played` is what the schedule's replay made of
/// `steps`.
pub fn orders<S: System>(
    system: &S,
    steps: &[Step],
    played: &[Played],
    property: Property,
) -> Result<Vec<Order>, ReplayError> {
    let pairs = |of: fn(&Played) -> &Vec<usize>| -> Vec<(usize, usize)> {
        let each = played.iter().enumerate();
        each.flat_map(|(second, transition)| of(transition).iter().map(move |first| (*first, second)))
            .collect()
    };
    let mut transitions = 0;
    let mut turned = |(first, second), direct| -> Result<(Order, usize), ReplayError> {
        let mut turning = Turning::new(system, steps, played, property, (first, second))?;
        let turned = turning.come()?;
        transitions += first + turning.transitions;
        Ok((Order { first, second, direct, turned }, transitions))
    };
    let mut orders = Vec::new();
    for pair in pairs(|transition| &transition.depends_on) {
        orders.push(turned(pair, true)?.0);
    }
    let mut indirect = pairs(|transition| &transition.depends_indirectly_on);
    indirect.sort_by_key(|(first, second)| (second - first, *second));
    for (first, second) in indirect {
        let decides = |order: &Order| order.turned == Turned::Avoided;
        if orders.iter().any(|order| decides(order) && order.is_between(first, second)) {
            continue;
        }
        let (order, transitions) = turned((first, second), false)?;
        orders.extend(Some(order).filter(decides));
        if transitions > MAX_TRANSITIONS {
            break;
        }
    }
    orders.sort_by_key(|order| (order.second, order.first));
    Ok(orders)
}

/// The runs in which one order of a schedule is turned round.
struct Turning<'a, S: System> {
    machine: Machine<'a, S>,
    steps: &'a [Step],
    played: &'a [Played],
    property: Property,
    /// The places of the recorded transitions in their new order, from the turned ones on.
    plan: Vec<usize>,
    /// How many of them must be possible: up to the one that comes sooner now.
    required: usize,
    /// What the present run has done of it and after it.
    taken: Vec<Taken<S::State>>,
    /// What all of them have done.
    transitions: usize,
}

/// A transition of a turned run.
struct Taken<State> {
    frame: Frame<State>,
    actor: ActorId,
    /// How much of the plan was dealt with after it.
    planned: usize,
    /// What else it can read.
    untried: Option<Outcome>,
}

impl<'a, S: System> Turning<'a, S> {
    /// Plays what comes before either.
    fn new(
        system: &'a S,
        steps: &'a [Step],
        played: &'a [Played],
        property: Property,
        (first, second): (usize, usize),
    ) -> Result<Self, ReplayError> {
        let behind = behind(played, first);
        let waits = |at: &usize| behind[*at] && played[*at].actor != played[second].actor;
        let (later, sooner): (Vec<usize>, Vec<usize>) = (first + 1..second).partition(waits);
        let required = sooner.len() + 1;
        let plan = sooner.into_iter().chain([second, first]).chain(later).chain(second + 1..played.len());
        let plan = plan.collect();
        let mut machine = Machine::new(system)?;
        for step in &steps[..first] {
            let actor = find(&machine, step)?;
            machine.fire(actor, step.to_outcome().unwrap_or(Outcome::FIRST))?;
        }
        machine.memory().take_cut();
        Ok(Turning { machine, steps, played, property, plan, required, taken: Vec::new(), transitions: 0 })
    }

    /// Tries everything that can be read.
    fn come(&mut self) -> Result<Turned, EngineError> {
        let mut worst = self.run(0, self.played[self.plan[0]].actor)?;
        while worst != Turned::StillViolated {
            let Some(last) = self.taken.pop() else { break };
            self.machine.undo(last.frame);
            let Some(outcome) = last.untried else { continue };
            if self.transitions > MAX_READINGS {
                return Ok(Turned::Unknown);
            }
            let came = match self.fire(last.actor, outcome, last.planned)? {
                Some(came) => came,
                None => self.run(last.planned, last.actor)?,
            };
            worst = worst.max(came);
        }
        Ok(worst)
    }

    /// Goes on from where `planned` transitions of the plan were dealt with, reading the latest of everything.
    fn run(&mut self, mut planned: usize, mut running: ActorId) -> Result<Turned, EngineError> {
        while self.taken.len() < MAX_RUN {
            let enabled = self.machine.enabled();
            let (actor, choice) = if let Some(&at) = self.plan.get(planned) {
                planned += 1;
                let (actor, step) = (self.played[at].actor, &self.steps[at]);
                let recorded = find(&self.machine, step).is_ok();
                if !recorded && planned <= self.required {
                    return Ok(Turned::Impossible);
                }
                if enabled & 1 << actor == 0 {
                    continue;
                }
                (actor, step.outcome.filter(|_| recorded).unwrap_or(0))
            } else {
                match is_violated(&mut self.machine, self.property) {
                    Ok(false) => {}
                    Ok(true) => return Ok(Turned::StillViolated),
                    Err(EngineError::NoSuchOutcome { .. }) => return Ok(Turned::Unknown),
                    Err(error) => return Err(error),
                }
                let goes_on = actors_of(enabled).find(|actor| *actor == running);
                let Some(next) = goes_on.or(actors_of(enabled).next()) else { return Ok(Turned::Avoided) };
                (next, 0)
            };
            if let Some(came) = self.fire(actor, Outcome::new(choice, 0), planned)? {
                return Ok(came);
            }
            running = actor;
        }
        let for_ever = self.property == Property::LIVELOCK;
        Ok(if for_ever { Turned::StillViolated } else { Turned::Unknown })
    }

    /// Lets an actor move. Says what came of the run if that ends it.
    fn fire(
        &mut self,
        actor: ActorId,
        outcome: Outcome,
        planned: usize,
    ) -> Result<Option<Turned>, EngineError> {
        let frame = match self.machine.fire(actor, outcome) {
            Ok((_, frame)) => frame,
            Err(EngineError::NoSuchOutcome { .. }) => return Ok(Some(Turned::Unknown)),
            Err(error) => return Err(error),
        };
        let untried = self.machine.next_outcome().filter(|next| next.choice() == outcome.choice());
        self.transitions += 1;
        self.taken.push(Taken { frame, actor, planned, untried });
        let given_up = self.machine.memory().take_cut().is_some();
        Ok(if self.machine.violated() & self.property.bit() != 0 {
            Some(Turned::StillViolated)
        } else {
            given_up.then_some(Turned::Unknown)
        })
    }
}

/// The transitions that happened after `first`, itself included.
fn behind(played: &[Played], first: usize) -> Vec<bool> {
    let mut behind = vec![false; played.len()];
    behind[first] = true;
    for at in first + 1..played.len() {
        let own = played[..at].iter().rposition(|before| before.actor == played[at].actor);
        behind[at] =
            own.into_iter().chain(played[at].depends_on.iter().copied()).any(|before| behind[before]);
    }
    behind
}
