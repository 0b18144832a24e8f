//! Whether where an actor stands says all that its next operation depends on.
//!
//! States are the same whose actors stand at the same places with the same memory, and the transition cache answers for a transition
//! what one from the same place did that found the same values. Both are right only if a place says everything that what comes
//! depends on: the state that the step began with, and what was observed since. A value that a system's state has and its `Hash`
//! leaves out would be lost to both. Here every transition of every state is executed, never looked up, and compared with what the
//! cache would have said if it forgot nothing. It is what tests ask; a search does not need it.

use hashbrown::{HashMap, HashSet};
use stalemap_facade::System;

use crate::actors::actors_of;
use crate::error::EngineError;
use crate::fingerprint::IdentityState;
use crate::limits::Limits;
use crate::machine::Machine;
use crate::machine::beginning::{Beginning, Done};
use crate::memory::Outcome;

/// What the transitions of a system do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Effects {
    /// The states looked at.
    pub states: u64,
    /// The transitions executed.
    pub transitions: u64,
    /// Those among them that were like none before: in where the actor stands, in the outcome, or in what they touch.
    pub different: u64,
    /// Those that did something else than one that was like them.
    pub contradictions: u64,
    /// The operation of the first of these, with its actor.
    pub first: Option<String>,
}

/// What was done so far.
#[derive(Default)]
struct Known {
    /// By beginning, the sets of objects that were touched.
    touched: HashMap<u128, Vec<Vec<u32>>, IdentityState>,
    /// By beginning and the values of what was touched.
    done: HashMap<u128, Done, IdentityState>,
}

impl Known {
    /// What a transition with this beginning did that found the same.
    fn find(&self, beginning: &Beginning) -> Option<&Done> {
        let sets = self.touched.get(&beginning.print())?;
        sets.iter().find_map(|objects| self.done.get(&beginning.with(objects)))
    }

    fn insert(&mut self, beginning: &Beginning, objects: Vec<u32>, done: Done) {
        self.done.insert(beginning.with(&objects), done);
        let sets = self.touched.entry(beginning.print()).or_default();
        if !sets.contains(&objects) {
            sets.push(objects);
        }
    }
}

/// Executes all transitions of a system, of as many states as `limits` allow, and compares those that should do the same.
///
/// # Errors
/// Those of an exploration.
pub fn effects<S: System>(system: &S, limits: &Limits) -> Result<Effects, EngineError> {
    let mut machine = Machine::new(system)?;
    let (mut found, mut known) = (Effects::default(), Known::default());
    if machine.halted().is_some() {
        return Ok(found);
    }
    let mut met = HashSet::with_hasher(IdentityState::default());
    met.insert(machine.fingerprint());
    let mut open = vec![machine.snapshot()];
    while let Some(snapshot) = open.pop() {
        if limits.states.is_some_and(|most| found.states >= most) {
            return Ok(found);
        }
        found.states += 1;
        machine.restore(&snapshot);
        for actor in actors_of(machine.enabled()) {
            let mut untried = Some(Outcome::FIRST);
            while let Some(outcome) = untried {
                let beginning = machine.beginning(actor, outcome);
                let op = machine.pending(actor).map_or_else(String::new, |pending| pending.op.to_string());
                let (footprint, frame) = machine.fire(actor, outcome)?;
                untried = machine.next_outcome();
                let done = machine.done(footprint, &frame);
                found.transitions += 1;
                match known.find(&beginning) {
                    Some(before) if *before == done => {}
                    Some(_) => {
                        found.contradictions += 1;
                        let name = &machine.specs()[actor].name;
                        found.first.get_or_insert_with(|| format!("{name}: {op}"));
                    }
                    None => {
                        found.different += 1;
                        known.insert(&beginning, machine.memory().objects_of(footprint.touched), done);
                    }
                }
                if machine.memory().take_cut().is_none() && met.insert(machine.fingerprint()) {
                    open.push(machine.snapshot());
                }
                machine.undo(frame);
            }
        }
    }
    Ok(found)
}
