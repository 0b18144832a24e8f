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

use stalemap_model::backend::{ActorId, System};
use stalemap_model::oracle::Property;

use crate::error::EngineError;
use crate::machine::{Machine, actors_of};
use crate::memory::Outcome;
use crate::minimal::is_violated;
use crate::replay::{Played, ReplayError, find};
use crate::schedule::Step;

/// Transitions that a continuation may take before it counts as going on for ever.
const MAX_CONTINUATION: usize = 100_000;
/// Transitions that turning indirect orders round may take in all, a run being counted as long as the schedule: some
/// thousands of tries for a counterexample, and a second at most.
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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turned {
    /// The second cannot come first: it waits for the first, or its actor is somewhere else by then.
    Impossible,
    /// The property is violated all the same.
    StillViolated,
    /// The property is not violated any more: the order decides.
    Avoided,
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
    let turned = |(first, second), direct| -> Result<Order, ReplayError> {
        Ok(Order { first, second, direct, turned: turn(system, steps, played, (first, second), property)? })
    };
    let mut orders = Vec::new();
    for pair in pairs(|transition| &transition.depends_on) {
        orders.push(turned(pair, true)?);
    }
    let mut indirect = pairs(|transition| &transition.depends_indirectly_on);
    indirect.sort_by_key(|(first, second)| (second - first, *second));
    let mut tries = MAX_TRANSITIONS / played.len().max(1);
    for (first, second) in indirect {
        let decides = |order: &Order| order.turned == Turned::Avoided;
        if orders.iter().any(|order| decides(order) && order.is_between(first, second)) {
            continue;
        }
        if tries == 0 {
            break;
        }
        tries -= 1;
        orders.extend(Some(turned((first, second), false)?).filter(decides));
    }
    orders.sort_by_key(|order| (order.second, order.first));
    Ok(orders)
}

fn turn<S: System>(
    system: &S,
    steps: &[Step],
    played: &[Played],
    (first, second): (usize, usize),
    property: Property,
) -> Result<Turned, ReplayError> {
    let behind = behind(played, first);
    let waits = |at: &usize| behind[*at] && played[*at].actor != played[second].actor;
    let (later, sooner): (Vec<usize>, Vec<usize>) = (first + 1..second).partition(waits);
    let mut machine = Machine::new(system)?;
    for at in (0..first).chain(sooner).chain([second]) {
        let Ok(actor) = find(&machine, &steps[at]) else { return Ok(Turned::Impossible) };
        // What is read from relaxed memory may not be there any more in the other order.
        match steps[at].to_outcome().map(|outcome| machine.fire(actor, outcome)) {
            Some(Ok(_)) => {}
            None | Some(Err(EngineError::NoSuchOutcome { .. })) => return Ok(Turned::Impossible),
            Some(Err(error)) => return Err(error.into()),
        }
    }
    let mut running = played[second].actor;
    for at in [first].into_iter().chain(later).chain(second + 1..played.len()) {
        let actor = played[at].actor;
        if machine.enabled() & 1 << actor != 0 {
            again(&mut machine, actor, &steps[at])?;
            running = actor;
        }
    }
    Ok(if goes_on_to(&mut machine, running, property)? { Turned::StillViolated } else { Turned::Avoided })
}

/// Lets an actor move as it did in the recorded step, if that is where it stands: with the same choice, and reading as far
/// behind the latest message, if there are as many.
fn again<S: System>(machine: &mut Machine<'_, S>, actor: ActorId, step: &Step) -> Result<(), EngineError> {
    let recorded = find(machine, step).ok().and_then(|_| step.to_outcome()).unwrap_or(Outcome::FIRST);
    match machine.fire(actor, recorded) {
        Err(EngineError::NoSuchOutcome { .. }) => {
            machine.fire(actor, Outcome::new(recorded.choice(), 0))?;
        }
        fired => drop(fired?),
    }
    Ok(())
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

/// Lets everybody finish, each as long as it can; says whether the property is violated then or on the way.
fn goes_on_to<S: System>(
    machine: &mut Machine<'_, S>,
    mut running: ActorId,
    property: Property,
) -> Result<bool, EngineError> {
    for _ in 0..MAX_CONTINUATION {
        if is_violated(machine, property)? {
            return Ok(true);
        }
        let enabled = machine.enabled();
        let Some(next) = actors_of(enabled).find(|actor| *actor == running).or(actors_of(enabled).next())
        else {
            return Ok(false);
        };
        machine.fire(next, Outcome::FIRST)?;
        running = next;
    }
    Ok(property == Property::Livelock)
}
