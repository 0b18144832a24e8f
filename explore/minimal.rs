//! The least counterexample, with a certificate.
//!
//! The states are walked through in the order of their cost (`frontier.rs`), so the first violating one is
//! the least: that none with fewer preemptions exists is a by-product, and the number of states looked at
//! says how much it rests on. A livelock is not a state but a cycle; `lasso.rs` finds its least.
//!
//! Runs that are given up at a bound of the modelled system may have gone on to a cheaper violation. Where some were, the
//! least is the least among the runs that stay within the bound, and no more is claimed.

use std::collections::{BTreeMap, BTreeSet};

use stalemap_facade::{Bound, Property, System};

use crate::ends::End;
use crate::error::EngineError;
use crate::frontier::{Cost, Frontier};
use crate::lasso::least_lasso;
use crate::limits::{LimitHit, Limits};
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
    /// Whether it was proved that none of lower cost exists among the runs that stay `within` some limits.
    pub certified: bool,
    /// States examined with fewer preemptions, none of them violating.
    pub states_below: u64,
    /// The limits that cut runs which might have been cheaper. Empty: it is the least of all.
    pub within: BTreeSet<LimitHit>,
}

impl Counterexample {
    pub(crate) fn new(
        schedule: Vec<Choice>,
        (preemptions, operations): Cost,
        states_below: u64,
        within: BTreeSet<LimitHit>,
    ) -> Self {
        Counterexample { schedule, preemptions, operations, certified: true, states_below, within }
    }
}

/// The limits that cut runs, each with what the first of these had cost by then.
#[derive(Default)]
pub(crate) struct Cuts(BTreeMap<LimitHit, Cost>);

impl Cuts {
    /// A run was cut.
    pub(crate) fn note(&mut self, limit: LimitHit, cost: Cost) {
        let first = self.0.entry(limit).or_insert(cost);
        *first = cost.min(*first);
    }

    /// Whether the run that has come to where the machine stands, at `cost`, goes on.
    pub(crate) fn goes_on<S: System>(&mut self, machine: &Machine<'_, S>, cost: Cost) -> bool {
        let cut = machine.memory().take_cut();
        if let Some(bound) = cut {
            self.note(LimitHit::Bound(bound), cost);
        }
        cut.is_none()
    }

    /// Whether any run was cut.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Those that may have cut something cheaper.
    pub(crate) fn below(&self, cost: Cost) -> BTreeSet<LimitHit> {
        self.0.iter().filter(|(_, first)| **first < cost).map(|(limit, _)| *limit).collect()
    }
}

/// Searches for the least execution that violates `property`: for a deadlock one that ends in it, for a
/// livelock one that goes round a fair cycle once, or after which the epilogue goes round for ever. `None`: the limits ended the search first, or there is none.
pub fn minimal_counterexample<S: System>(
    system: &S,
    property: Property,
    limits: &Limits,
) -> Result<Option<Counterexample>, EngineError> {
    let mut machine = Machine::new(system)?;
    machine.remember_transitions();
    if machine.halted().is_some() {
        let violated = machine.violated() & property.bit() != 0;
        return Ok(violated.then(|| Counterexample::new(Vec::new(), (0, 0), 0, BTreeSet::new())));
    }
    if property == Property::LIVELOCK {
        return least_lasso(&mut machine, limits);
    }
    let mut frontier = Frontier::at(&machine, None, (0, 0));
    let mut cuts = Cuts::default();
    while let Some(settled) = frontier.settle(&mut machine) {
        if frontier.is_over(limits) {
            return Ok(None);
        }
        let at_rest = judged(&mut machine)?;
        if at_rest.violated & property.bit() != 0 {
            let (below, within) = (frontier.settled_below(settled.cost.0), cuts.below(settled.cost));
            return Ok(Some(Counterexample::new(frontier.way_to(&settled), settled.cost, below, within)));
        }
        if let Some(bound) = at_rest.cut {
            cuts.note(LimitHit::Bound(bound), settled.cost);
        }
        // A run that has just been given up goes no further, but a property that it has violated by then is
        // violated; the walk ends there.
        frontier.expand(&mut machine, &settled, limits, |machine, cost, _| {
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
    Ok(judged(machine)?.violated & property.bit() != 0)
}

/// What there is to say of a state.
pub(crate) struct Judged {
    /// A set of [`Property::bit`].
    pub(crate) violated: u64,
    /// The bound at which its epilogue was given up.
    pub(crate) cut: Option<Bound>,
}

/// Judges where the machine stands: if nobody can move, by its epilogue, too.
pub(crate) fn judged<S: System>(machine: &mut Machine<'_, S>) -> Result<Judged, EngineError> {
    let violated = machine.violated();
    if machine.enabled() != 0 || machine.halted().is_some() {
        return Ok(Judged { violated, cut: None });
    }
    if !machine.main_finished() {
        return Ok(Judged { violated: violated | Property::DEADLOCK.bit(), cut: None });
    }
    machine.with_epilogue(|machine, ending| Judged {
        violated: machine.violated() | ending.violates(),
        cut: ending.cut,
    })
}
