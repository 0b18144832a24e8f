//! The least livelock: the cheapest way to a cycle and once round it.
//!
//! The states are walked through in the order of their cost. At each that lies on a cycle a second walk, which
//! never leaves the cycles, looks for the cheapest way back to it. Since the way round costs at least one
//! operation, the first walk may stop when it has come to what the best lasso costs in all.

use stalemap_facade::{ActorId, System};

use crate::cycles::{StateSet, states_on_cycles};
use crate::error::EngineError;
use crate::frontier::{Cost, Frontier};
use crate::limits::Limits;
use crate::machine::Machine;
use crate::minimal::Counterexample;
use crate::schedule::Choice;

/// The least execution from where the machine stands that goes round a cycle once. `None`: the limits ended
/// the search first, or there is none.
pub(crate) fn least_lasso<S: System>(
    machine: &mut Machine<'_, S>,
    limits: &Limits,
) -> Result<Option<Counterexample>, EngineError> {
    let start = machine.snapshot();
    let Some(on_cycles) = states_on_cycles(machine, limits)? else { return Ok(None) };
    machine.restore(&start);
    let mut frontier = Frontier::at(machine, None, (0, 0));
    let mut best: Option<(Cost, Vec<Choice>)> = None;
    while let Some(settled) = frontier.settle(machine) {
        if best.as_ref().is_some_and(|(cost, _)| *cost <= settled.cost) {
            break;
        }
        if frontier.is_over(limits) {
            return Ok(None);
        }
        frontier.expand(machine, &settled, limits, |machine, _, _| machine.memory().take_cut().is_none())?;
        if on_cycles.contains(&machine.fingerprint()) {
            let bound = best.as_ref().map(|(cost, _)| *cost);
            let round = least_round(machine, settled.running, settled.cost, bound, &on_cycles, limits)?;
            if let Some((cost, round)) = round {
                best = Some((cost, [frontier.way_to(&settled), round].concat()));
            }
        }
    }
    Ok(best.map(|(cost, schedule)| Counterexample::new(schedule, cost, frontier.settled_below(cost.0))))
}

/// The cheapest way from where the machine stands back to the same state, if it is cheaper in all than `bound`.
fn least_round<S: System>(
    machine: &mut Machine<'_, S>,
    running: Option<ActorId>,
    cost: Cost,
    bound: Option<Cost>,
    on_cycles: &StateSet,
    limits: &Limits,
) -> Result<Option<(Cost, Vec<Choice>)>, EngineError> {
    let start = machine.fingerprint();
    let mut frontier = Frontier::at(machine, running, cost);
    while let Some(settled) = frontier.settle(machine) {
        if bound.is_some_and(|bound| bound <= settled.cost) {
            return Ok(None);
        }
        if settled.cost != cost && machine.fingerprint() == start {
            return Ok(Some((settled.cost, frontier.way_to(&settled))));
        }
        frontier.expand(machine, &settled, limits, |machine, _, _| {
            machine.memory().take_cut().is_none() && on_cycles.contains(&machine.fingerprint())
        })?;
    }
    Ok(None)
}
