//! The ends of runs that a search has met: final states and deadlocks, and what an observer sees there.

use std::collections::{BTreeMap, BTreeSet};

use stalemap_facade::{Bound, Property, System};

use crate::ends::End;
use crate::error::EngineError;
use crate::machine::Machine;
use crate::slices::found::FinalContents;

/// Bytes of a final state or deadlock in the two sets of them, whose nodes are two thirds full.
const BYTES_OF_END: u64 = (size_of::<u128>() + size_of::<End>()) as u64 * 3 / 2;

/// All ends so far.
#[derive(Default)]
pub(crate) struct Endings {
    /// Fingerprints of the final states.
    pub(crate) final_states: BTreeSet<u128>,
    /// Fingerprints of the deadlocks.
    pub(crate) deadlocks: BTreeSet<u128>,
    /// Both, as every engine sees them.
    pub(crate) ends: BTreeSet<End>,
    /// What an observer sees at the end, and in how many final states.
    pub(crate) outcomes: BTreeMap<String, u64>,
    /// The same of final states that violate something.
    pub(crate) violating_outcomes: BTreeMap<String, u64>,
    /// What each final state shows, if that is kept.
    pub(crate) contents: Option<BTreeMap<u128, FinalContents>>,
    /// Bytes that all this takes.
    pub(crate) bytes: u64,
}

/// What one end says.
pub(crate) struct Says {
    /// The properties that it violates by itself or in the epilogue.
    pub(crate) violated: u64,
    /// The bound at which the epilogue was given up.
    pub(crate) cut: Option<Bound>,
}

impl Endings {
    /// Bytes that so many more may take, beside the text of what an observer sees.
    pub(crate) fn needs_for(ends: usize) -> u64 {
        ends as u64 * BYTES_OF_END
    }

    /// Enters the state in which the machine stands, where nobody can move. An end that is known says nothing.
    pub(crate) fn enter<S: System>(&mut self, machine: &mut Machine<'_, S>) -> Result<Says, EngineError> {
        let fingerprint = machine.fingerprint();
        if !machine.main_finished() {
            if self.deadlocks.insert(fingerprint) {
                self.bytes += BYTES_OF_END;
                self.ends.insert(machine.deadlock());
            }
            return Ok(Says { violated: Property::DEADLOCK.bit(), cut: None });
        }
        if !self.final_states.insert(fingerprint) {
            return Ok(Says { violated: 0, cut: None });
        }
        self.bytes += BYTES_OF_END;
        let memory = machine.memory().identity();
        let (cut, violated, observed, end) = machine.with_epilogue(|machine, ending| {
            let end = End::Final { memory, after: machine.memory().identity(), stuck: ending.is_stuck() };
            (ending.cut(), machine.violated() | ending.violates(), machine.observe(), end)
        })?;
        self.ends.insert(end);
        let observed = observed.filter(|_| cut.is_none());
        if let Some(contents) = &mut self.contents {
            let length = observed.as_ref().map_or(0, String::len);
            self.bytes += length as u64 + 2 * BYTES_OF_END;
            let observed = observed.clone();
            contents.insert(fingerprint, FinalContents { observed, violating: violated != 0 });
        }
        if let Some(observed) = observed {
            self.observe(observed, violated);
        }
        Ok(Says { violated, cut })
    }

    fn observe(&mut self, observed: String, violated: u64) {
        if !self.outcomes.contains_key(&observed) {
            self.bytes += 2 * (observed.len() as u64 + BYTES_OF_END);
        }
        if violated != 0 {
            *self.violating_outcomes.entry(observed.clone()).or_default() += 1;
        }
        *self.outcomes.entry(observed).or_default() += 1;
    }
}
