//! Limits of a search, and which of them were reached.
//!
//! A search that reached a limit proves nothing beyond what it explored; its verdict is `incomplete` and
//! names every limit that was reached.

use std::fmt;
use std::time::{Duration, Instant};

use stalemap_facade::Bound;

/// What a search may use. `None` is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// States stored.
    pub states: Option<u64>,
    /// Bytes that a search takes: visited set, stack, and the values that they keep. What the program takes beside it,
    /// some megabytes, does not count.
    pub memory: Option<u64>,
    /// Wall-clock time. The only limit that makes a result depend on the machine.
    pub time: Option<Duration>,
    /// Preemptions of one execution. Turns sleep sets off.
    pub preemptions: Option<u32>,
}

impl Limits {
    /// What is left of them for who goes on with what began at `started`: less time.
    #[must_use]
    pub fn after(&self, started: Instant) -> Self {
        let time = self.time.map(|time| time.saturating_sub(started.elapsed()));
        Limits { time, ..self.clone() }
    }

    /// What is left of them beside what takes this many bytes: less memory.
    #[must_use]
    pub(crate) fn beside(&self, bytes: u64) -> Self {
        let memory = self.memory.map(|most| most.saturating_sub(bytes));
        Limits { memory, ..self.clone() }
    }
}

/// A limit that cuts a search short.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LimitHit {
    /// [`Limits::states`].
    States,
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::time`].
    Seconds,
    /// [`Limits::preemptions`].
    Preemptions,
    /// States may have been left out: [`Options::bitstate`](crate::Options::bitstate).
    Bitstate,
    /// Whoever keeps the search wanted it to stop ([`Checkpointer`](crate::Checkpointer)).
    Interrupted,
    /// The actors that an engine takes.
    Actors,
    /// Executions, of an engine that counts them.
    Executions,
    /// Operations of one execution.
    Operations,
    /// Messages of a word of relaxed memory that an access chooses from, or accesses of one transition that choose.
    Messages,
    /// A bound of the modelled system.
    Bound(Bound),
}

impl LimitHit {
    /// Whether a search was stopped by it; what other limits cut, is single runs.
    pub fn is_of_the_search(self) -> bool {
        matches!(self, LimitHit::States | LimitHit::Memory | LimitHit::Seconds | LimitHit::Interrupted)
    }

    /// Whether single runs were cut by what the system allows or can be told of.
    pub fn is_of_the_system(self) -> bool {
        matches!(self, LimitHit::Messages | LimitHit::Bound(_))
    }

    /// The name in reports and JSON.
    pub fn name(self) -> &'static str {
        match self {
            LimitHit::States => "states",
            LimitHit::Memory => "memory",
            LimitHit::Seconds => "seconds",
            LimitHit::Preemptions => "preemptions",
            LimitHit::Bitstate => "bitstate",
            LimitHit::Interrupted => "interrupted",
            LimitHit::Actors => "actors",
            LimitHit::Executions => "executions",
            LimitHit::Operations => "operations",
            LimitHit::Messages => "messages",
            LimitHit::Bound(bound) => bound.name(),
        }
    }
}

impl fmt::Display for LimitHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
