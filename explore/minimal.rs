//! The least counterexample, with a certificate.
//!
//! The states are walked through in the order of their cost (`frontier.rs`), so the first violating one is
//! the least: that none with fewer preemptions exists is a by-product, and the number of states looked at
//! says how much it rests on. A livelock is not a state but a cycle; `lasso.rs` finds its least.

use stalemap_facade::Property;
use stalemap_facade::System;

use crate::ends::End;
use crate::error::EngineError;
use crate::frontier::{Cost, Frontier};
use crate::lasso::least_lasso;
use crate::limits::Limits;
use crate::machine::Machine;
use crate::schedule::Choice;

/// A counterexample of least cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The transitions from the initial state.
    pub schedule: Vec<Choice>,
    /// Preemptions among them.
    pub preemptions: u32,
    /// The number of transitions.
    pub operations: u32,
    /// Whether it was proved that none of lower cost exists.
    pub certified: bool,
    /// States examined with fewer preemptions, none of them violating.
    pub states_below: u64,
}

impl Counterexample {
    pub(crate) fn new(schedule: Vec<Choice>, (preemptions, operations): Cost, states_below: u64) -> Self {
        Counterexample { schedule, preemptions, operations, certified: true, states_below }
    }
}

/// Searches for the least execution that violates `property`: for a deadlock one that ends in it, for a
/// livelock one that goes round a cycle once. `None`: the limits ended the search first, or there is none.
pub fn minimal_counterexample<S: System>(
    system: &S,
    property: Property,
    limits: &Limits,
) -> Result<Option<Counterexample>, EngineError> {
    let mut machine = Machine::new(system)?;
    machine.remember_transitions();
    if machine.memory().take_cut().is_some() && machine.violated() & property.bit() == 0 {
        return Ok(None);
    }
    if property == Property::LIVELOCK {
        return least_lasso(&mut machine, limits);
    }
    let mut frontier = Frontier::at(&machine, None, (0, 0));
    while let Some(settled) = frontier.settle(&mut machine) {
        if frontier.is_over(limits) {
            return Ok(None);
        }
        if is_violated(&mut machine, property)? {
            let below = frontier.settled_below(settled.cost.0);
            return Ok(Some(Counterexample::new(frontier.way_to(&settled), settled.cost, below)));
        }
        // A run that has just been given up goes no further, but a property that it has violated by then is
        // violated; the walk ends there.
        frontier.expand(&mut machine, &settled, limits, |machine, _, _| {
            machine.memory().take_cut().is_none() || machine.violated() & property.bit() != 0
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
    machine.remember_transitions();
    let mut frontier = Frontier::at(&machine, None, (0, 0));
    while let Some(settled) = frontier.settle(&mut machine) {
        if frontier.is_over(limits) {
            return Ok(None);
        }
        if machine.end()? == Some(*end) {
            return Ok(Some(frontier.way_to(&settled)));
        }
        frontier
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
    if machine.enabled() != 0 {
        return Ok(false);
    }
    if !machine.main_finished() {
        return Ok(property == Property::DEADLOCK);
    }
    machine.with_epilogue(|machine, ending| {
        machine.violated() & property.bit() != 0 || ending.stuck && property == Property::DEADLOCK
    })
}
