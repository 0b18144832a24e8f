//! What random testing is worth: how often random schedules hit a violation that is known to be there.
//!
//! The exhaustive engine says what there is; the schedulers of shuttle are then measured against it.

use stalemap_checker::run_shuttle;
use stalemap_explore::{Budget, LimitHit, Limits, Shuttle, Strategy};
use stalemap_facade::Property;
use stalemap_model::judge::properties;

use crate::run::{Job, RunError};

/// A strategy, measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// Its name: `random`, `pct-1`, `pct-2`, `pct-3`, `dfs`.
    pub strategy: &'static str,
    /// Executions; depth-first search may come to its end earlier.
    pub executions: u64,
    /// Of these, executions that violate the property.
    pub hits: u64,
    /// The first of them, from 1.
    pub first: Option<u64>,
    /// Final states and deadlocks seen.
    pub ends: u64,
}

impl Measured {
    /// The share of executions that hit.
    pub fn rate(&self) -> f64 {
        if self.executions == 0 { 0.0 } else { self.hits as f64 / self.executions as f64 }
    }

    /// The 95 % confidence interval of that share (Wilson's score interval). Of no meaning for depth-first
    /// search, whose executions are not independent.
    pub fn interval(&self) -> (f64, f64) {
        const Z: f64 = 1.959_964;
        let n = self.executions as f64;
        if self.executions == 0 {
            return (0.0, 1.0);
        }
        let (rate, square) = (self.rate(), Z * Z);
        let middle = (rate + square / (2.0 * n)) / (1.0 + square / n);
        let half = Z / (1.0 + square / n) * (rate * (1.0 - rate) / n + square / (4.0 * n * n)).sqrt();
        ((middle - half).max(0.0), (middle + half).min(1.0))
    }

    /// Executions until the first hit, on average; `None` if there was none.
    pub fn expected_runs(&self) -> Option<f64> {
        (self.hits > 0).then(|| 1.0 / self.rate())
    }

    /// Whether the executions are drawn independently of each other.
    pub fn is_random(&self) -> bool {
        self.strategy != "dfs"
    }
}

/// A scenario under a broken design, measured.
#[derive(Clone, PartialEq, Debug)]
pub struct Power {
    /// The scenario's name.
    pub scenario: String,
    /// The design's name.
    pub design: String,
    /// The violation to be hit: the most user-visible one that there is.
    pub property: Property,
    /// The states that the exhaustive engine needs for all of it.
    pub states: u64,
    /// Final states and deadlocks that there are.
    pub ends: u64,
    /// The strategies.
    pub measured: Vec<Measured>,
}

/// A scenario under a design of which it is not known what there is to hit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unknown {
    /// The scenario's name.
    pub scenario: String,
    /// The design's name.
    pub design: String,
    /// The states that were looked at.
    pub states: u64,
    /// What stopped the exhaustive engine.
    pub stopped_by: Vec<LimitHit>,
}

/// What came of measuring.
#[derive(Clone, PartialEq, Debug)]
pub enum Measurement {
    /// How often it is hit.
    Power(Power),
    /// Nothing is violated that random schedules could hit.
    NothingToHit,
    /// The exhaustive engine was stopped.
    Unknown(Unknown),
}

/// Measures a scenario under a design.
pub fn measure(job: &Job<'_>, executions: u64, seed: u64, limits: &Limits) -> Result<Measurement, RunError> {
    let kernel = job.kernel()?;
    let truth = job.exploration_of(&kernel, limits)?;
    if truth.is_stopped() {
        return Ok(Measurement::Unknown(Unknown {
            scenario: job.scenario.name.clone(),
            design: job.implementation.name().to_owned(),
            states: truth.statistics.states,
            stopped_by: truth.limits_hit.iter().copied().filter(|limit| limit.is_of_the_search()).collect(),
        }));
    }
    // A livelock is no state, and no single execution shows it.
    let violated = properties::of_bits(truth.violated & !properties::LIVELOCK.bit());
    let Some(property) = violated.first().copied().filter(|_| truth.is_complete()) else {
        return Ok(Measurement::NothingToHit);
    };
    let strategies = [
        ("random", Strategy::Random { seed }),
        ("pct-1", Strategy::Pct { seed, depth: 1 }),
        ("pct-2", Strategy::Pct { seed, depth: 2 }),
        ("pct-3", Strategy::Pct { seed, depth: 3 }),
        ("dfs", Strategy::Dfs),
    ];
    let budget = Budget { executions: Some(executions), time: None };
    let mut measured = Vec::new();
    for (name, strategy) in strategies {
        let runs = run_shuttle(&kernel, &Shuttle { strategy, budget }).map_err(|error| job.broken(error))?;
        measured.push(Measured {
            strategy: name,
            executions: runs.executions,
            hits: runs.violating.get(&property).copied().unwrap_or(0),
            first: runs.first.get(&property).copied(),
            ends: runs.ends.len() as u64,
        });
    }
    Ok(Measurement::Power(Power {
        scenario: job.scenario.name.clone(),
        design: job.implementation.name().to_owned(),
        property,
        states: truth.statistics.states,
        ends: truth.ends.len() as u64,
        measured,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(executions: u64, hits: u64) -> Measured {
        Measured { strategy: "random", executions, hits, first: None, ends: 0 }
    }

    #[test]
    fn the_interval_is_that_of_wilson() {
        let near = |(low, high): (f64, f64), (lowest, highest): (f64, f64)| {
            assert!((low - lowest).abs() < 5e-4 && (high - highest).abs() < 5e-4, "{low} {high}");
        };
        // From the tables of R. G. Newcombe, Statistics in Medicine 17, 1998.
        near(measured(263, 81).interval(), (0.2553, 0.3662));
        near(measured(148, 15).interval(), (0.0624, 0.1605));
        near(measured(20, 0).interval(), (0.0, 0.1611));
        near(measured(29, 1).interval(), (0.0061, 0.1718));
    }

    #[test]
    fn no_hit_has_no_expectation() {
        assert_eq!(measured(10, 0).expected_runs(), None);
        assert_eq!(measured(10, 5).expected_runs(), Some(2.0));
    }
}
