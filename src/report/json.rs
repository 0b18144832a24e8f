//! The JSON documents, versioned by their `schema`.

use serde::Serialize;
use serde_json::{Value, json};
use stalemap_facade::{Event, Property};

use crate::annotate::idle::{Idle, Seen};
use crate::annotate::setup::InSetup;
use crate::annotate::{AnnotatedSchedule, events, files};
use crate::report::cause;
use crate::run::Outcome;
use crate::scenario::{Expectation, Scenario};
use crate::times::Times;
use crate::verdict::Failure;
use crate::words;

fn names(properties: &[Property]) -> Vec<&'static str> {
    properties.iter().map(|property| property.name()).collect()
}

fn expectation(expected: &Expectation) -> Value {
    match expected {
        Expectation::Holds => json!("holds"),
        Expectation::Violates(listed) => json!(names(listed)),
    }
}

/// The document of `check`.
pub fn check(outcomes: &[Outcome], times: Times) -> String {
    let results: Vec<Value> = outcomes.iter().map(|outcome| result(outcome, times)).collect();
    pretty(&json!({ "schema": "stalemap.check/1", "results": results }))
}

/// The document of `compare`: that of `check`, and what the comparison came to.
pub fn compared(outcomes: &[Outcome], comparison: &Value, times: Times) -> String {
    let results: Vec<Value> = outcomes.iter().map(|outcome| result(outcome, times)).collect();
    pretty(&json!({ "schema": "stalemap.check/1", "results": results, "comparison": comparison }))
}

/// What came of a scenario.
pub fn result(outcome: &Outcome, times: Times) -> Value {
    let mut result = result_without_times(outcome);
    if times == Times::Said {
        result["elapsed_ms"] = json!(outcome.elapsed.as_millis() as u64);
    }
    result
}

fn result_without_times(outcome: &Outcome) -> Value {
    let statistics = &outcome.statistics;
    let observed = outcome.outcomes.iter();
    let counterexample = outcome.counterexample.as_ref().map(|shown| {
        json!({
            "property": shown.property.name(),
            "preemptions": shown.counterexample.preemptions,
            "operations": shown.counterexample.operations,
            "certified": shown.counterexample.certified,
            "states_below": shown.counterexample.states_below,
            "least_among": shown.among,
            "schedule": shown.schedule.to_string(),
        })
    });
    let few_preemptions = outcome.few_preemptions.map(
        |few| json!({ "none_up_to": few.none_up_to, "states": few.states, "found_with": few.found_with }),
    );
    let mut result = json!({
        "scenario": outcome.scenario,
        "design": outcome.design,
        "engine": outcome.engine.name(),
        "memory": outcome.memory.name(),
        "verdict": outcome.verdict.name(),
        "vacuous": outcome.judgement.vacuous,
        "violated": names(&outcome.violated),
        "expected": outcome.judgement.expected.as_ref().map(expectation),
        "as_expected": outcome.judgement.as_expected,
        "reasons": outcome.judgement.reasons,
        "reached": outcome.reached.iter().map(|branch| branch.name()).collect::<Vec<_>>(),
        "never_succeeded": outcome.never_succeeded.iter().map(never_succeeded).collect::<Vec<_>>(),
        "states": statistics.states,
        "transitions": statistics.transitions,
        "executions": statistics.executions,
        "max_depth": statistics.max_depth,
        "final_states": statistics.final_states,
        "few_preemptions": few_preemptions,
        "limits_hit": outcome.limits_hit.iter().map(|limit| limit.name()).collect::<Vec<_>>(),
        "assumptions": outcome.assumptions.iter().map(|assumption| assumption.id).collect::<Vec<_>>(),
        "check": outcome.check.name(),
        "overruled": outcome.overruled.iter().map(|(field, value)| json!({ "field": field, "value": value })).collect::<Vec<_>>(),
        "stale_aborts": {
            "reached": outcome.stale_aborts.max > 0,
            "max": outcome.stale_aborts.max,
            "spurious_max": outcome.stale_aborts.spurious_max,
        },
        "outcomes": observed
            .map(|contents| {
                json!({
                    "observed": contents.observed,
                    "states": contents.states,
                    "violating": contents.violating,
                })
            })
            .collect::<Vec<_>>(),
        "counterexample": counterexample,
        "idle": outcome.idle.as_ref().map(idle),
        "violated_in_setup": in_setup(&outcome.in_setup),
        "halted_in_setup": outcome.halted.as_ref().map(|halted| {
            json!({ "line": halted.line, "why": halted.sentence() })
        }),
    });
    if let Some(share) = outcome.coverage {
        result["coverage"] = json!(f64::from(share) / 1e6);
    }
    result
}

fn idle(idle: &Idle) -> Value {
    let states = match idle.seen {
        Seen::Explored { without, .. } => Some(without),
        Seen::Found | Seen::Played => None,
    };
    json!({ "actors": idle.actors, "violated_without": idle.property.name(), "states_without": states })
}

fn in_setup(found: &[InSetup]) -> Value {
    let one = |found: &InSetup| json!({ "property": found.property.name(), "line": found.line, "detail": found.detail });
    found.iter().map(one).collect()
}

fn never_succeeded(failure: &Failure) -> Value {
    json!({
        "actor": failure.actor,
        "command": failure.command,
        "line": failure.line,
        "error": failure.error,
    })
}

/// The document of `list`.
pub fn list(scenarios: &[Scenario]) -> String {
    let entry = |scenario: &Scenario| {
        json!({
            "scenario": scenario.name,
            "title": scenario.title,
            "refs": scenario.refs,
            "files": scenario.files,
            "designs": scenario.expected(),
        })
    };
    pretty(
        &json!({ "schema": "stalemap.list/1", "scenarios": scenarios.iter().map(entry).collect::<Vec<_>>() }),
    )
}

/// The document of `show`.
pub fn show(scenario: &Scenario, cells: &[u64]) -> String {
    let expect: serde_json::Map<String, Value> =
        scenario.expect.iter().map(|(design, expected)| (design.clone(), expectation(expected))).collect();
    let buffers = scenario.written_from_buffers().into_iter().map(|(name, of)| {
        json!({
            "name": name,
            "file": scenario.files.get(usize::from(of.file)),
            "offset": of.range.start,
            "length": of.range.end - of.range.start,
        })
    });
    pretty(&json!({
        "schema": "stalemap.show/1",
        "scenario": scenario.name,
        "title": scenario.title,
        "refs": scenario.refs,
        "block": scenario.block,
        "folio": scenario.folio,
        "files": scenario.files,
        "personality": scenario.personality,
        "fs": scenario.set_fields().into_iter().map(|(field, value)| (field.to_owned(), value.into())).collect::<serde_json::Map<_, _>>(),
        "buffers": buffers.collect::<Vec<_>>(),
        "mixed_io": scenario.mixed_io.name(),
        "post_eof": scenario.post_eof.name(),
        "cells": cells,
        "actors": scenario.actors.iter().map(|actor| actor.name.as_str()).collect::<Vec<_>>(),
        "designs": scenario.designs.keys().collect::<Vec<_>>(),
        "expect": expect,
        "source": scenario.source,
    }))
}

/// What the model said, and the tracepoints that were hit.
fn told(events: &[Event]) -> Vec<String> {
    let said = |event: &Event| {
        if let Some(tracepoint) = events::tracepoint(event) {
            return Some(format!("{}: {tracepoint}", tracepoint.name));
        }
        let text = words::event(event);
        (!text.is_empty()).then(|| files::named(events::file(event), &text))
    };
    events.iter().filter_map(said).collect()
}

/// The document of `replay`.
pub fn replay(schedule: &AnnotatedSchedule) -> String {
    let steps = schedule.replay.played.iter().zip(&schedule.steps).map(|(played, step)| {
        json!({
            "actor": schedule.name(played.actor),
            "operation": played.op,
            "preempts": played.preempts,
            "needed": step.needed,
            "depends_on": played.depends_on.iter().map(|at| at + 1).collect::<Vec<_>>(),
            "events": told(&played.events),
            "state": played.gutter.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "violated": names(&played.violated),
        })
    });
    let deciding = schedule.deciding.iter().map(|order| json!([order.first + 1, order.second + 1]));
    pretty(&json!({
        "schema": "stalemap.replay/1",
        "scenario": schedule.about.scenario,
        "design": schedule.about.design,
        "violated": names(&schedule.replay.violated),
        "violated_in_setup": in_setup(&schedule.in_setup),
        "cause": cause::headline(schedule),
        "critical": cause::critical_order(schedule),
        "deciding_orders": deciding.collect::<Vec<_>>(),
        "idle": schedule.about.idle.as_ref().map(idle),
        "steps": steps.collect::<Vec<_>>(),
    }))
}

/// A document as it is printed, with what made it.
pub fn pretty(document: &impl Serialize) -> String {
    // Our documents have string keys and finite numbers; there is nothing to refuse.
    let printed = serde_json::to_value(document).and_then(|mut document| {
        if let Value::Object(fields) = &mut document {
            let made_by = json!({ "version": env!("CARGO_PKG_VERSION"), "commit": env!("STALEMAP_COMMIT") });
            fields.insert("stalemap".to_owned(), made_by);
        }
        serde_json::to_string_pretty(&document)
    });
    printed.map_or_else(|error| error.to_string(), |text| text + "\n")
}
