//! The shortest runs that reach something, for people and for programs.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stalemap_explore::{Counterexample, LimitHit, Schedule};

use super::check::stopped_by;
use super::json::pretty;

/// What came of looking for a run under one design or kernel.
#[derive(Debug)]
pub struct Sought {
    /// The scenario.
    pub scenario: String,
    /// The design or the kernel.
    pub design: String,
    /// What a run is to reach.
    pub reach: String,
    /// Whether one does.
    pub came: Came,
}

/// Whether a run reaches it.
#[derive(Debug)]
pub enum Came {
    /// The shortest.
    Reached {
        /// What it costs.
        found: Counterexample,
        /// Its file.
        schedule: Schedule,
        /// Its drawing.
        drawing: String,
    },
    /// None does.
    Never,
    /// Nobody knows, since these limits were reached.
    Incomplete(BTreeSet<LimitHit>),
}

/// The limits among which a run is the shortest, in words.
pub fn among(found: &Counterexample) -> Option<String> {
    let cut: Vec<&str> = found.within.iter().map(|limit| limit.name()).collect();
    (!cut.is_empty()).then(|| format!("those within the limit of {}", cut.join(", ")))
}

/// For people.
pub fn text(sought: &Sought) -> String {
    let Sought { scenario, design, reach, came } = sought;
    match came {
        Came::Reached { drawing, .. } => drawing.clone(),
        Came::Never => format!("{scenario} under {design}: no run reaches `{reach}`\n"),
        Came::Incomplete(limits) => {
            let limits: Vec<LimitHit> = limits.iter().copied().collect();
            let why = if limits.is_empty() {
                "the setup does not come to its end".to_owned()
            } else {
                stopped_by(&limits)
            };
            format!(
                "{scenario} under {design}: incomplete: no run was found that reaches `{reach}`, and {why}\n"
            )
        }
    }
}

/// For programs.
pub fn json(all: &[Sought]) -> String {
    let results: Vec<Value> = all.iter().map(document).collect();
    pretty(&json!({ "schema": "stalemap.witness/1", "results": results }))
}

fn document(sought: &Sought) -> Value {
    let (verdict, limits_hit) = match &sought.came {
        Came::Reached { .. } => ("reached", Vec::new()),
        Came::Never => ("never", Vec::new()),
        Came::Incomplete(limits) => ("incomplete", limits.iter().map(|limit| limit.name()).collect()),
    };
    let witness = match &sought.came {
        Came::Reached { found, schedule, .. } => json!({
            "preemptions": found.preemptions,
            "operations": found.operations,
            "states_below": found.states_below,
            "least_among": among(found),
            "schedule": schedule.to_string(),
        }),
        Came::Never | Came::Incomplete(_) => Value::Null,
    };
    json!({
        "scenario": sought.scenario,
        "design": sought.design,
        "reach": sought.reach,
        "verdict": verdict,
        "limits_hit": limits_hit,
        "witness": witness,
    })
}
