//! The least execution that reaches a branch: how a proof that holds can be looked at.
//!
//! The same walk as for the least counterexample ([`crate::minimal`]), but what is looked for is not a state: a branch
//! is reached *by* a transition. So it is looked for in each transition out of a settled state, and the walk ends when
//! nothing that is still open can be cheaper than the best one found.
//!
//! What an observer sees at the end is a matter of states again: the first final state that is looked for is the cheapest.

use std::collections::BTreeSet;

use stalemap_facade::{Branch, System};

use crate::cost_queue::{Cost, CostQueue};
use crate::counterexample::{Counterexample, Cuts};
use crate::error::EngineError;
use crate::limits::{LimitHit, Limits};
use crate::machine::Machine;
use crate::schedule::Choice;
use crate::transition_cache::KEPT;

/// What a search for a branch can say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Witness {
    /// The least execution that reaches it.
    Least(Counterexample),
    /// No execution reaches it.
    Unreachable,
    /// These limits ended the search first, or some run of it. Of a setup that does not come to its end there are none.
    Unknown(BTreeSet<LimitHit>),
}

/// Searches for the least execution at whose end an observer sees what is `wanted`: fewest preemptions, then fewest operations.
pub fn least_end<S: System>(
    system: &S,
    wanted: &dyn Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Witness, EngineError> {
    let mut machine = Machine::new(system)?;
    machine.remember_transitions(KEPT);
    if machine.halted().is_some() {
        return Ok(Witness::Unknown(BTreeSet::new()));
    }
    let mut queue = CostQueue::at(&machine, None, (0, 0));
    let mut cuts = Cuts::default();
    while let Some(settled) = queue.settle(&mut machine) {
        if let Some(limit) = queue.ended_by(limits) {
            return Ok(Witness::Unknown(BTreeSet::from([limit])));
        }
        if machine.enabled() == 0 && machine.main_finished() {
            let (observed, cut) = machine.with_epilogue(|machine, ending| {
                (machine.observe().filter(|_| ending.cut().is_none()), ending.cut())
            })?;
            if observed.is_some_and(|observed| wanted(&observed)) {
                let (below, within) = (queue.settled_below(settled.cost.0), cuts.below(settled.cost));
                return Ok(Witness::Least(Counterexample::new(
                    queue.way_to(&settled),
                    settled.cost,
                    below,
                    within,
                )));
            }
            if let Some(bound) = cut {
                cuts.note(LimitHit::Bound(bound), settled.cost);
            }
        }
        queue.expand(&mut machine, &settled, limits, |machine, cost, _| cuts.goes_on(machine, cost))?;
    }
    Ok(nothing(&queue, &cuts, limits))
}

/// What it says that nothing was found.
fn nothing<State>(queue: &CostQueue<'_, State>, cuts: &Cuts, limits: &Limits) -> Witness {
    let mut limits_hit = cuts.all();
    limits_hit.extend(queue.is_cut().then_some(LimitHit::Messages));
    limits_hit.extend(limits.preemptions.map(|_| LimitHit::Preemptions));
    if limits_hit.is_empty() { Witness::Unreachable } else { Witness::Unknown(limits_hit) }
}

/// Searches for the least execution that reaches `branch`: fewest preemptions, then fewest operations.
pub fn least_witness<S: System>(system: &S, branch: Branch, limits: &Limits) -> Result<Witness, EngineError> {
    let mut machine = Machine::new(system)?;
    if machine.halted().is_some() {
        return Ok(Witness::Unknown(BTreeSet::new()));
    }
    let mut queue = CostQueue::at(&machine, None, (0, 0));
    let mut best: Option<(Cost, Vec<Choice>)> = None;
    let mut cuts = Cuts::default();
    while let Some(settled) = queue.settle(&mut machine) {
        if best.as_ref().is_some_and(|(cost, _)| *cost <= settled.cost) {
            break;
        }
        if let Some(limit) = queue.ended_by(limits) {
            return Ok(Witness::Unknown(BTreeSet::from([limit])));
        }
        machine.memory().take_reached();
        let mut found: Option<(Cost, Choice)> = None;
        queue.expand(&mut machine, &settled, limits, |machine, cost, choice| {
            let reached = machine.memory().take_reached() & branch.bit() != 0;
            if reached && found.as_ref().is_none_or(|(known, _)| cost < *known) {
                found = Some((cost, *choice));
            }
            // A run that has just been given up goes no further, but what it has reached by then is reached.
            cuts.goes_on(machine, cost)
        })?;
        if let Some((cost, choice)) = found
            && best.as_ref().is_none_or(|(known, _)| cost < *known)
        {
            best = Some((cost, queue.way_to(&settled).into_iter().chain([choice]).collect()));
        }
    }
    Ok(match best {
        _ if queue.is_cut() => Witness::Unknown(BTreeSet::from([LimitHit::Messages])),
        Some((cost, schedule)) => {
            let within = cuts.below(cost);
            Witness::Least(Counterexample::new(schedule, cost, queue.settled_below(cost.0), within))
        }
        None => nothing(&queue, &cuts, limits),
    })
}
