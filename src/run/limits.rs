//! What a search may take: what the command line says, or else the file, or the default.

use std::time::Duration;

use stalemap_explore::Limits;

use crate::available::default_limit;
use crate::scenario::Scenario;

/// What the program takes beside its searches: itself, the catalogue, known transitions, the reports. It is taken off
/// the limit of memory; of a limit that is not much larger, half remains for the searches.
const PROGRAM: u64 = 40 << 20;

/// Limits from the command line; they go before those of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenLimits {
    /// States stored.
    pub states: Option<u64>,
    /// Bytes of the whole process, whatever runs at the same time.
    pub memory: Option<u64>,
    /// Seconds.
    pub seconds: Option<u64>,
    /// Preemptions of one run.
    pub preemptions: Option<u32>,
    /// Bytes for the visited set of each search, of bits, which leaves states out.
    pub bitstate: Option<u64>,
}

/// What a limit of the process, or the default, leaves to the searches.
pub(crate) fn of_searches(limit: Option<u64>) -> u64 {
    let memory = limit.unwrap_or_else(default_limit);
    memory.saturating_sub(PROGRAM).max(memory / 2)
}

/// The limits of a search that is compared with other engines, which know of no bound of preemptions.
pub(crate) fn limits_beside_others(scenario: &Scenario, given: GivenLimits, at_a_time: usize) -> Limits {
    Limits { preemptions: None, ..limits(scenario, given, at_a_time) }
}

/// The limits of a search, when there are others at the same time.
pub(crate) fn limits(scenario: &Scenario, given: GivenLimits, at_a_time: usize) -> Limits {
    let of_file = &scenario.limits;
    Limits {
        states: given.states.or(of_file.states),
        // Equal shares, and not what the others leave: what one search finds must not depend on when others run.
        memory: Some(of_searches(given.memory.or(of_file.memory)) / at_a_time.max(1) as u64),
        time: given.seconds.or(of_file.seconds).map(Duration::from_secs),
        preemptions: given.preemptions.or(of_file.preemptions),
    }
}
