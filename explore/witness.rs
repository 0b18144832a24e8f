//! The least execution that reaches a branch: how a proof that holds can be looked at.
//!
//! The same walk as for the least counterexample ([`crate::minimal`]), but what is looked for is not a state: a branch
//! is reached *by* a transition. So each transition out of a settled state is tried, and the walk ends when nothing
//! that is still open can be cheaper than the best one found.

use stalemap_model::backend::System;
use stalemap_model::event::Branch;

use crate::error::EngineError;
use crate::frontier::{Cost, Frontier};
use crate::limits::Limits;
use crate::machine::{Machine, actors_of};
use crate::memory::Outcome;
use crate::minimal::Counterexample;
use crate::schedule::Choice;

/// What a search for a branch can say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Witness {
    /// The least execution that reaches it.
    Least(Counterexample),
    /// No execution reaches it.
    Unreachable,
    /// The limits ended the search first.
    Unknown,
}

/// Searches for the least execution that reaches `branch`: fewest preemptions, then fewest operations.
pub fn least_witness<S: System>(system: &S, branch: Branch, limits: &Limits) -> Result<Witness, EngineError> {
    let mut machine = Machine::new(system)?;
    machine.memory().take_cut();
    let mut frontier = Frontier::at(&machine, None, (0, 0));
    let mut best: Option<(Cost, Vec<Choice>)> = None;
    while let Some(settled) = frontier.settle(&mut machine) {
        if best.as_ref().is_some_and(|(cost, _)| *cost <= settled.cost) {
            break;
        }
        if frontier.is_over(limits) {
            return Ok(Witness::Unknown);
        }
        for actor in actors_of(machine.enabled()) {
            let cost =
                (settled.cost.0 + u32::from(machine.preempts(settled.running, actor)), settled.cost.1 + 1);
            let allowed = limits.preemptions.is_none_or(|most| cost.0 <= most);
            let mut untried = Some(Outcome::FIRST);
            while let Some(outcome) = untried {
                let choice = Choice::of(machine.pending(actor), actor, outcome);
                machine.memory().take_reached();
                let (_, frame) = machine.fire(actor, outcome)?;
                untried = machine.next_outcome();
                let reached = machine.memory().take_reached() & branch.bit() != 0;
                if reached && allowed && best.as_ref().is_none_or(|(known, _)| cost < *known) {
                    let way = frontier.way_to(&settled).into_iter().chain([choice]).collect();
                    best = Some((cost, way));
                }
                machine.undo(frame);
            }
        }
        frontier.expand(&mut machine, &settled, limits, |machine| machine.memory().take_cut().is_none())?;
    }
    Ok(match best {
        Some((cost, schedule)) => {
            Witness::Least(Counterexample::new(schedule, cost, frontier.settled_below(cost.0)))
        }
        None if limits.preemptions.is_some() => Witness::Unknown,
        None => Witness::Unreachable,
    })
}
