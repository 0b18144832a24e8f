//! What actors have to do with each other, over all states: whether one changes what another touches, whether two conflicting
//! operations are ever possible at the same time, and who waits for whom.
//!
//! Two transitions conflict where one changes an object that the other touches (`footprint.rs`); what an operation waits for is among
//! the objects that it touches. Nothing is reduced here but that states which are the same are one: sleep sets would leave out states in
//! which both of two transitions are possible.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use hashbrown::HashSet;
use stalemap_facade::{ActorId, System};

use crate::actors::actors_of;
use crate::error::EngineError;
use crate::fingerprint::IdentityState;
use crate::footprint::Footprint;
use crate::limits::Limits;
use crate::machine::{Machine, Snapshot};
use crate::memory::Outcome;
use crate::transition_cache::KEPT;

/// Names of two operations.
pub type Operations = (&'static str, &'static str);

/// What two actors have to do with each other; the first is the one of the smaller number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contact {
    /// Whether either ever changes something that the other ever touches.
    pub conflict: bool,
    /// In how many states two conflicting operations of them are both possible.
    pub races: u64,
    /// Which, and in how many states.
    pub operations: BTreeMap<Operations, u64>,
}

/// Somebody who cannot go on until somebody else has moved.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Wait {
    /// Who cannot go on.
    pub waiter: ActorId,
    /// Whose move lets it go on.
    pub holder: ActorId,
    /// The name of the operation that waits.
    pub op: &'static str,
}

/// What the actors of a system have to do with each other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contacts {
    /// The states looked at.
    pub states: u64,
    /// Whether these are all.
    pub is_complete: bool,
    /// The actors that move in some run.
    pub movers: BTreeSet<ActorId>,
    /// Each pair of these.
    pub pairs: BTreeMap<(ActorId, ActorId), Contact>,
    /// Who waits for whom, and by how many transitions that ends.
    pub waits: BTreeMap<Wait, u64>,
}

/// Looks at all states of a system.
pub fn contacts<S: System>(system: &S, limits: &Limits) -> Result<Contacts, EngineError> {
    let mut machine = Machine::new(system)?;
    machine.remember_transitions(KEPT);
    let mut found = Contacts::default();
    if machine.halted().is_some() {
        return Ok(found);
    }
    let mut known = HashSet::with_hasher(IdentityState::default());
    known.insert(machine.fingerprint());
    let mut open = Open::default();
    open.push(machine.snapshot());
    let mut all = BTreeMap::new();
    let mut is_cut = false;
    let started = Instant::now();
    while let Some(snapshot) = open.pop() {
        let bytes = open.bytes + (known.allocation_size() as u64);
        if limits.states.is_some_and(|most| found.states >= most)
            || limits.memory.is_some_and(|most| bytes > most)
            || found.states.is_multiple_of(1024) && limits.time.is_some_and(|time| started.elapsed() >= time)
        {
            return Ok(found);
        }
        found.states += 1;
        machine.restore(&snapshot);
        let mut moves = Vec::new();
        for actor in actors_of(machine.enabled()) {
            let mut reached = |machine: &Machine<'_, S>| {
                if machine.memory().take_cut().is_some() {
                    is_cut = true;
                } else if known.insert(machine.fingerprint()) {
                    open.push(machine.snapshot());
                }
            };
            moves.extend(found.fire(&mut machine, actor, &mut reached)?);
        }
        found.note(&moves, &mut all);
    }
    found.conclude(&all);
    found.is_complete = !is_cut;
    Ok(found)
}

/// The states that are still to be looked at.
struct Open<State> {
    snapshots: Vec<Snapshot<State>>,
    bytes: u64,
}

impl<State> Default for Open<State> {
    fn default() -> Self {
        Open { snapshots: Vec::new(), bytes: 0 }
    }
}

impl<State> Open<State> {
    fn push(&mut self, snapshot: Snapshot<State>) {
        self.bytes += Self::bytes_of(&snapshot);
        self.snapshots.push(snapshot);
    }

    fn pop(&mut self) -> Option<Snapshot<State>> {
        let snapshot = self.snapshots.pop()?;
        self.bytes -= Self::bytes_of(&snapshot);
        Some(snapshot)
    }

    fn bytes_of(snapshot: &Snapshot<State>) -> u64 {
        (size_of::<Snapshot<State>>() + snapshot.owned()) as u64
    }
}

/// What an actor can do in a state.
struct Possible {
    actor: ActorId,
    op: &'static str,
    footprint: Footprint,
}

impl Contacts {
    /// Tries all outcomes of an actor's operation.
    fn fire<S: System>(
        &mut self,
        machine: &mut Machine<'_, S>,
        actor: ActorId,
        reached: &mut impl FnMut(&Machine<'_, S>),
    ) -> Result<Option<Possible>, EngineError> {
        let Some(op) = machine.pending(actor).map(|pending| pending.op.name) else { return Ok(None) };
        let enabled = machine.enabled();
        let mut footprint = Footprint::default();
        let mut untried = Some(Outcome::FIRST);
        while let Some(outcome) = untried {
            let (touched, frame) = machine.fire(actor, outcome)?;
            untried = machine.next_outcome();
            footprint = footprint.union(touched);
            for waiter in actors_of(machine.enabled() & !enabled).filter(|waiter| *waiter != actor) {
                if let Some(pending) = machine.pending(waiter) {
                    let wait = Wait { waiter, holder: actor, op: pending.op.name };
                    *self.waits.entry(wait).or_default() += 1;
                }
            }
            reached(machine);
            machine.undo(frame);
        }
        Ok(Some(Possible { actor, op, footprint }))
    }

    /// Notes what is possible in one state.
    fn note(&mut self, moves: &[Possible], all: &mut BTreeMap<ActorId, Footprint>) {
        for (at, one) in moves.iter().enumerate() {
            let known = all.entry(one.actor).or_default();
            *known = known.union(one.footprint);
            // Actors come in the order of their numbers.
            for other in moves[at + 1..].iter().filter(|other| !one.footprint.independent(other.footprint)) {
                let contact = self.pairs.entry((one.actor, other.actor)).or_default();
                contact.races += 1;
                *contact.operations.entry((one.op, other.op)).or_default() += 1;
            }
        }
    }

    /// Says of each pair whether they ever conflict.
    fn conclude(&mut self, all: &BTreeMap<ActorId, Footprint>) {
        self.movers = all.keys().copied().collect();
        for (one, touched) in all {
            for (other, touched_there) in all.range(one + 1..) {
                let contact = self.pairs.entry((*one, *other)).or_default();
                contact.conflict = !touched.independent(*touched_there);
            }
        }
    }
}
