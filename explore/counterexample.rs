//! What a least counterexample is, among what it is least, and what there is to say of a state on the way to one.

use std::collections::{BTreeMap, BTreeSet};

use stalemap_facade::{Bound, Property, System};

use crate::cost_queue::Cost;
use crate::error::EngineError;
use crate::limits::LimitHit;
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
    /// A way to a violation as it was found: what it costs, and nothing about others.
    pub fn as_found<S: System>(system: &S, way: &[Choice]) -> Result<Self, EngineError> {
        let mut machine = Machine::new(system)?;
        let (mut running, mut preemptions) = (None, 0);
        for choice in way {
            preemptions += u32::from(machine.preempts(running, choice.actor));
            running = Some(choice.actor);
            machine.fire(choice.actor, choice.to_outcome())?;
            machine.memory().take_cut();
        }
        let cost = (preemptions, way.len() as u32);
        Ok(Counterexample { certified: false, ..Self::new(way.to_vec(), cost, 0, BTreeSet::new()) })
    }

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

    /// All by which runs were cut.
    pub(crate) fn all(&self) -> BTreeSet<LimitHit> {
        self.0.keys().copied().collect()
    }

    /// Those that may have cut something cheaper.
    pub(crate) fn below(&self, cost: Cost) -> BTreeSet<LimitHit> {
        self.0.iter().filter(|(_, first)| **first < cost).map(|(limit, _)| *limit).collect()
    }
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
        cut: ending.cut(),
    })
}
