//! The least counterexample, with a certificate.
//!
//! The states are walked through in the order of their cost (`cost_queue.rs`), so the first violating one is
//! the least: that none with fewer preemptions exists is a by-product, and the number of states looked at
//! says how much it rests on. A livelock is not a state but a cycle; `lasso.rs` finds its least.
//!
//! Runs that are given up at a bound of the modelled system may have gone on to a cheaper violation. Where some were, the
//! least is the least among the runs that stay within the bound, and no more is claimed.

use std::collections::BTreeSet;

use stalemap_facade::{Property, System};

use crate::cost_queue::{ALIKE, CostQueue, PreemptionCost};
use crate::counterexample::{Counterexample, Cuts, judged};
use crate::ends::End;
use crate::error::EngineError;
use crate::lasso::least_lasso;
use crate::limits::{LimitHit, Limits};
use crate::machine::Machine;
use crate::schedule::Choice;
use crate::transition_cache::KEPT;

/// Searches for the least execution that violates `property`: for a deadlock one that ends in it, for a
/// livelock one that goes round a fair cycle once, or after which the epilogue goes round for ever.
///
/// `None`: there is none, or the limits ended the search first. Which of them, [`explore`](crate::explore()) has said before: it
/// names the properties that are violated, and where it was complete, there is none of the others.
pub fn minimal_counterexample<S: System>(
    system: &S,
    property: Property,
    limits: &Limits,
) -> Result<Option<Counterexample>, EngineError> {
    cheapest_counterexample(system, property, limits, ALIKE)
}

/// The same, where preemptions cost what is said of each: the first number of the cost is the sum of that. Livelocks are
/// searched for with preemptions that cost alike.
pub fn cheapest_counterexample<S: System>(
    system: &S,
    property: Property,
    limits: &Limits,
    cost_of: PreemptionCost<'_>,
) -> Result<Option<Counterexample>, EngineError> {
    let mut machine = Machine::new(system)?;
    machine.remember_transitions(KEPT);
    if machine.halted().is_some() {
        let violated = machine.violated() & property.bit() != 0;
        return Ok(violated.then(|| Counterexample::new(Vec::new(), (0, 0), 0, BTreeSet::new())));
    }
    if property == Property::LIVELOCK {
        return least_lasso(&mut machine, limits);
    }
    let mut queue = CostQueue::at(&machine, None, (0, 0)).costing(cost_of);
    let mut cuts = Cuts::default();
    while let Some(settled) = queue.settle(&mut machine) {
        if queue.is_over(limits) {
            return Ok(None);
        }
        let at_rest = judged(&mut machine)?;
        if at_rest.violated & property.bit() != 0 {
            let (below, within) = (queue.settled_below(settled.cost.0), cuts.below(settled.cost));
            return Ok(Some(Counterexample::new(queue.way_to(&settled), settled.cost, below, within)));
        }
        if let Some(bound) = at_rest.cut {
            cuts.note(LimitHit::Bound(bound), settled.cost);
        }
        // A run that has just been given up goes no further, but a property that it has violated by then is
        // violated; the walk ends there.
        queue.expand(&mut machine, &settled, limits, |machine, cost, _| {
            cuts.goes_on(machine, cost) || machine.violated() & property.bit() != 0
        })?;
    }
    Ok(None)
}

/// The least way to an end. `None`: the limits ended the search first, or there is none.
pub fn way_to_end<S: System>(
    system: &S,
    end: &End,
    limits: &Limits,
) -> Result<Option<Vec<Choice>>, EngineError> {
    let mut machine = Machine::new(system)?;
    machine.remember_transitions(KEPT);
    let mut queue = CostQueue::at(&machine, None, (0, 0));
    while let Some(settled) = queue.settle(&mut machine) {
        if queue.is_over(limits) {
            return Ok(None);
        }
        if machine.end()? == Some(*end) {
            return Ok(Some(queue.way_to(&settled)));
        }
        queue
            .expand(&mut machine, &settled, limits, |machine, _, _| machine.memory().take_cut().is_none())?;
    }
    Ok(None)
}

/// Whether the property is violated where the machine stands.
pub(crate) fn is_violated<S: System>(
    machine: &mut Machine<'_, S>,
    property: Property,
) -> Result<bool, EngineError> {
    if machine.violated() & property.bit() != 0 {
        return Ok(true);
    }
    Ok(judged(machine)?.violated & property.bit() != 0)
}
