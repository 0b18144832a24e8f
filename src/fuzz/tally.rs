//! What scenarios under one kernel or design came to, counted.

use std::collections::BTreeMap;
use std::time::Duration;

use super::find::Times;
use super::trial::Explored;
use crate::verdict::Verdict;

/// Counts of scenarios.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Those that are none: their file is refused, or their setup fails.
    pub refused: u64,
    /// Those that hold, having met what they could be about.
    pub holds: u64,
    /// Those that hold without.
    pub vacuous: u64,
    /// Those that violate something.
    pub violates: u64,
    /// Those in which nothing was found before a limit was reached.
    pub incomplete: u64,
    /// Those of which a limit left runs out, whatever was found.
    pub bounded: u64,
    /// States that were explored.
    pub states: u64,
    /// What is violated, by the property, and when it first was.
    pub properties: BTreeMap<&'static str, (Times, Duration)>,
    /// Kinds of losses, each with how often it was met.
    pub classes: BTreeMap<String, Times>,
    /// Losses that are known, by the scenario of the catalogue that shows them.
    pub explained: BTreeMap<String, u64>,
    /// Losses that are not.
    pub unexplained: u64,
}

impl Tally {
    /// All that were explored.
    pub fn explored(&self) -> u64 {
        self.holds + self.vacuous + self.violates + self.incomplete
    }

    /// All that hold, those that do so vacuously among them.
    pub fn proofs(&self) -> u64 {
        self.holds + self.vacuous
    }

    /// Takes in what a number came to, so long after the beginning.
    pub(super) fn take_in(&mut self, number: u64, elapsed: Duration, explored: &Explored) {
        let which = match explored.verdict {
            Verdict::Holds if explored.vacuous => &mut self.vacuous,
            Verdict::Holds => &mut self.holds,
            Verdict::Violates => &mut self.violates,
            Verdict::Incomplete | Verdict::FoundNone => &mut self.incomplete,
        };
        *which += 1;
        self.bounded += u64::from(explored.bounded);
        self.states += explored.states;
        let first = Times { times: 0, first: number };
        for property in &explored.violated {
            let (times, _) = self.properties.entry(property.name()).or_insert((first, elapsed));
            times.times += 1;
        }
        for loss in &explored.losses {
            self.classes.entry(loss.class.to_string()).or_insert(first).times += 1;
        }
    }
}
