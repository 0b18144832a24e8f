//! How a run can end, in words that every engine can say.
//!
//! An engine that keeps its actors on stacks cannot say where an actor stands, so ends are compared by the
//! shared memory alone: all objects in the order of their creation, each by its `Hash`, with the owners of
//! held locks and the properties violated so far.

use stalemap_facade::{ActorId, Op};

/// A state in which nobody can move, as far as it can be seen from outside the actors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum End {
    /// Every main actor has finished and no daemon has work.
    Final {
        /// The fingerprint of the shared memory.
        memory: u128,
        /// The fingerprint of the shared memory after the epilogue, or where the epilogue was given up.
        after: u128,
        /// The epilogue waits for ever.
        stuck: bool,
    },
    /// Some main actor waits for ever.
    Deadlock {
        /// The fingerprint of the shared memory.
        memory: u128,
        /// The fingerprint of who waits, and where.
        waiting: u128,
    },
}

impl End {
    /// What to call it in a message.
    pub fn name(&self) -> &'static str {
        match self {
            End::Final { stuck: false, .. } => "final state",
            End::Final { stuck: true, .. } => "final state with an epilogue that waits for ever",
            End::Deadlock { .. } => "deadlock",
        }
    }
}

/// The actors that wait in a deadlock, in a form that can be hashed.
pub(crate) fn waiting(actors: impl Iterator<Item = (ActorId, Op)>) -> Vec<(ActorId, Op)> {
    let mut actors: Vec<_> = actors.collect();
    actors.sort_unstable_by_key(|(actor, _)| *actor);
    actors
}
