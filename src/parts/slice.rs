//! What the document of a part says of a slice of a state space; its states are in a file of their own ([`super::states`]).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stalemap_checker::choices;
use stalemap_explore::{Exploration, Schedule, SliceFound, Statistics};
use stalemap_facade::{ActorId, Call, Calls, Property, Returned};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::branches;

use super::outcome::limit;

/// What was found in a slice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SliceDocument {
    /// The scenario.
    pub scenario: String,
    /// The design or kernel.
    pub design: String,
    /// Which slice of its states, from 1.
    pub slice: usize,
    /// Of how many.
    pub of: usize,
    /// Where the states were cut: slices of the same scenario by the same program have the same.
    pub cut: String,
    /// The file that has the fingerprints of the states, as it was named.
    pub states_file: String,
    /// Its sum.
    pub states_sum: String,
    /// What was found in these states.
    #[serde(flatten)]
    pub found: Found,
    /// How long it took, if that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Properties violated.
    pub violated: Vec<String>,
    /// For each of them, the first way that was met.
    pub witnesses: Vec<Witness>,
    /// Branches reached.
    pub reached: Vec<String>,
    /// Greatest values of counters, by their numbers.
    pub maxima: Vec<u32>,
    /// States, some of which other slices may have, too.
    pub states: u64,
    /// Transitions made.
    pub transitions: u64,
    /// Maximal paths explored.
    pub executions: u64,
    /// Transitions on the longest path.
    pub max_depth: u64,
    /// What calls returned: actor, command, number.
    pub succeeded: Vec<(ActorId, u16, u16)>,
    /// The same of those that failed.
    pub failed: Vec<(ActorId, u16, u16)>,
    /// Operations performed.
    pub operations: BTreeSet<String>,
    /// Limits that bit.
    pub limits_hit: Vec<String>,
    /// Whether some state was met again on the way on from it.
    pub cycle_met: bool,
}

/// The first way to a violation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Witness {
    property: String,
    schedule: String,
}

impl Found {
    /// What a slice found, and the ways to what it violates.
    pub fn of(slice: &SliceFound, witnesses: &[(Property, Schedule)]) -> Self {
        let found = &slice.exploration;
        let Statistics { states, transitions, executions, max_depth, final_states: _ } = found.statistics;
        let calls = |wanted: Returned| {
            let calls = found.calls.iter().filter(move |(_, returned)| *returned == wanted);
            calls.map(|(call, _)| (call.actor, call.command, call.number)).collect()
        };
        let witness = |(property, schedule): &(Property, Schedule)| Witness {
            property: property.name().to_owned(),
            schedule: schedule.to_string(),
        };
        Found {
            violated: properties::of_bits(found.violated)
                .into_iter()
                .map(|found| found.name().to_owned())
                .collect(),
            witnesses: witnesses.iter().map(witness).collect(),
            reached: branches::of_bits(found.reached)
                .into_iter()
                .map(|branch| branch.name().to_owned())
                .collect(),
            maxima: found.maxima.clone(),
            states,
            transitions,
            executions,
            max_depth,
            succeeded: calls(Returned::Success),
            failed: calls(Returned::Error),
            operations: found.operations.clone(),
            limits_hit: found.limits_hit.iter().map(|limit| limit.name().to_owned()).collect(),
            cycle_met: slice.cycle_met,
        }
    }

    /// The same for the engine, without what is in the file of the states.
    pub fn exploration(&self, kernel: &Kernel) -> Result<Exploration, String> {
        let unknown = |name: &String| format!("there is no `{name}`");
        let bits = |names: &[String], bit: &dyn Fn(&str) -> Option<u64>| {
            let bits = names.iter().map(|name| bit(name).ok_or_else(|| unknown(name)));
            bits.collect::<Result<Vec<u64>, String>>().map(|bits| bits.iter().fold(0, |all, bit| all | bit))
        };
        let limits = self.limits_hit.iter().map(|name| limit(name).ok_or_else(|| unknown(name)));
        let mut calls = Calls::default();
        for (all, returned) in [(&self.succeeded, Returned::Success), (&self.failed, Returned::Error)] {
            for &(actor, command, number) in all {
                calls.note(Call { actor, command, number }, returned);
            }
        }
        let mut witnesses = BTreeMap::new();
        for Witness { property, schedule } in &self.witnesses {
            let of = properties::from_name(property).ok_or_else(|| unknown(property))?;
            let schedule = Schedule::parse(schedule).map_err(|error| error.to_string())?;
            let way = choices(kernel, &schedule.steps)
                .map_err(|error| format!("the way to `{property}` is no run of the scenario: {error}"))?;
            witnesses.insert(of, way);
        }
        Ok(Exploration {
            violated: bits(&self.violated, &|name| properties::from_name(name).map(Property::bit))?,
            statistics: Statistics {
                states: self.states,
                transitions: self.transitions,
                executions: self.executions,
                max_depth: self.max_depth,
                final_states: 0,
            },
            final_states: BTreeSet::new(),
            deadlocks: BTreeSet::new(),
            ends: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            violating_outcomes: BTreeMap::new(),
            reached: bits(&self.reached, &|name| {
                branches::from_name(name).map(stalemap_facade::Branch::bit)
            })?,
            maxima: self.maxima.clone(),
            calls,
            operations: self.operations.clone(),
            limits_hit: limits.collect::<Result<_, _>>()?,
            lasso: None,
            halted: None,
            witnesses,
            coverage: None,
            few_preemptions: None,
        })
    }
}
