//! How phases end in which nobody else runs, and what is said before the others begin.

use stalemap_facade::{ActorId, Bound, Event, Property};

/// Why a phase in which nobody else runs does not come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Halt {
    /// It was given up at a bound.
    GivenUp(Bound),
    /// It waits for ever at this operation.
    Waits(String),
    /// It comes to the same state again and again, whoever is let on.
    GoesRound,
}

impl Halt {
    /// What that violates by itself, as a set of [`Property::bit`].
    pub(crate) fn violates(&self) -> u64 {
        match self {
            Halt::GivenUp(_) => 0,
            Halt::Waits(_) => Property::DEADLOCK.bit(),
            Halt::GoesRound => Property::LIVELOCK.bit(),
        }
    }
}

/// A setup that does not come to its end, or an actor that reaches a bound before its first operation. Nobody else begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Halted {
    /// Whose, unless it has finished.
    pub actor: Option<String>,
    /// The number of the command that it is in, from 0, if the system has commands ([`command`](stalemap_facade::System::command)).
    pub command: Option<usize>,
    /// Why.
    pub why: Halt,
}

/// How an epilogue ended.
pub(crate) struct Ending(pub(super) Option<Halt>);

impl Ending {
    /// Whether it waits or goes round for ever.
    pub(crate) fn is_stuck(&self) -> bool {
        self.violates() != 0
    }

    /// The bound at which it was given up.
    pub(crate) fn cut(&self) -> Option<Bound> {
        match self.0 {
            Some(Halt::GivenUp(bound)) => Some(bound),
            Some(Halt::Waits(_) | Halt::GoesRound) | None => None,
        }
    }

    /// What that violates by itself, as a set of [`Property::bit`].
    pub(crate) fn violates(&self) -> u64 {
        self.0.as_ref().map_or(0, Halt::violates)
    }
}

/// What a system says before its actors move: in its setup, and what each actor does before its first visible operation.
#[derive(Clone, Default, Debug)]
pub struct Opening {
    /// In the setup.
    pub setup: Vec<Event>,
    /// By an actor.
    pub actors: Vec<(ActorId, Vec<Event>)>,
}
