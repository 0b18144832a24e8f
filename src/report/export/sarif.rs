//! SARIF 2.1.0, which code scanning shows: a result for each design that violates something, with a thread flow for each
//! actor of the counterexample.
//!
//! The place of a step is where the scenario file names its actor: that is what can be changed about it. The order of
//! the steps over all flows is their `executionOrder`.

use std::path::Path;

use serde_json::{Value, json};
use stalemap_facade::Property;
use stalemap_model::judge::properties;

use crate::annotate::{AnnotatedSchedule, AnnotatedStep};
use crate::report::cause;
use crate::report::check;
use crate::run::Outcome;
use crate::run::is_surprising;

/// The schema that the document follows.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The document of `check`: each outcome, with its counterexample if it has one.
pub fn log(outcomes: &[(Outcome, Option<AnnotatedSchedule>)]) -> String {
    let results: Vec<Value> =
        outcomes.iter().filter_map(|(outcome, schedule)| result(outcome, schedule.as_ref())).collect();
    let mut rules: Vec<Property> =
        outcomes.iter().flat_map(|(outcome, _)| outcome.violated.clone()).collect();
    rules.sort_unstable();
    rules.dedup();
    let rule = |property: &Property| {
        let mut rule = json!({
            "id": property.name(),
            "shortDescription": { "text": property.name().replace('-', " ") },
        });
        if let Some(item) = properties::about(*property) {
            rule["fullDescription"] = json!({ "text": item.says });
            rule["help"] = json!({ "text": format!("What promises that it is not so: {}.", item.source) });
        }
        rule
    };
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "stalemap",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(rule).collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": outcomes.iter().filter_map(|(outcome, _)| incomplete(outcome)).collect::<Vec<_>>(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

/// A search that ended at a limit has proved nothing.
fn incomplete(outcome: &Outcome) -> Option<Value> {
    if outcome.limits_hit.is_empty() {
        return None;
    }
    let stopped = check::stopped_by(&outcome.limits_hit);
    let (scenario, design, verdict) = (&outcome.scenario, &outcome.design, check::verdict(outcome));
    let text = format!("{scenario} under {design}: {verdict}; {stopped}");
    Some(json!({ "level": "warning", "message": { "text": text } }))
}

/// Nothing for a design that holds as expected.
fn result(outcome: &Outcome, schedule: Option<&AnnotatedSchedule>) -> Option<Value> {
    let surprising = is_surprising(outcome);
    if outcome.violated.is_empty() && !surprising {
        return None;
    }
    let words = schedule.map_or_else(|| check::verdict(outcome), cause::headline);
    let reasons = outcome.judgement.reasons.iter().map(String::as_str);
    let text: Vec<&str> = std::iter::once(words.as_str()).chain(reasons).collect();
    let mut result = json!({
        "level": if surprising { "error" } else { "note" },
        "message": { "text": text.join(" ") },
        "locations": [location(&outcome.scenario, 1)],
        "partialFingerprints": { "scenarioAndDesign/v1": format!("{}/{}", outcome.scenario, outcome.design) },
        "properties": {
            "design": outcome.design,
            "verdict": outcome.verdict.name(),
            "asExpected": outcome.judgement.as_expected,
        },
    });
    if let Some(property) = outcome.violated.first() {
        result["ruleId"] = json!(property.name());
    }
    if let Some(schedule) = schedule {
        let message = json!({ "text": format!("{} under {}: {}", outcome.scenario, outcome.design, cause::size(schedule)) });
        result["codeFlows"] = json!([{ "message": message, "threadFlows": flows(schedule) }]);
    }
    Some(result)
}

fn flows(schedule: &AnnotatedSchedule) -> Vec<Value> {
    let flow = |actor: usize| {
        let steps = schedule.steps.iter().enumerate().filter(|(_, step)| step.actor == actor);
        let locations: Vec<Value> = steps.map(|(row, step)| place(schedule, row, step)).collect();
        json!({ "id": schedule.name(actor), "locations": locations })
    };
    schedule.movers().into_iter().map(flow).collect()
}

fn place(schedule: &AnnotatedSchedule, row: usize, step: &AnnotatedStep) -> Value {
    let name = schedule.name(step.actor);
    let line = schedule.about.program.actor(&name).map_or(1, |actor| actor.line);
    let violations = step.violations.iter().map(|violation| format!("violated: {violation}"));
    let words: Vec<String> =
        std::iter::once(step.op.clone()).chain(step.notes.iter().cloned()).chain(violations).collect();
    let mut location = location(&schedule.about.scenario, line);
    location["message"] = json!({ "text": format!("{}. {name}: {}", row + 1, words.join("; ")) });
    let importance = match (step.violations.is_empty(), step.needed) {
        (false, _) => "essential",
        (true, true) => "important",
        (true, false) => "unimportant",
    };
    let state = schedule.replay.played[row].gutter.iter();
    let state = state.map(|(name, value)| (name.clone(), json!({ "text": value })));
    json!({
        "executionOrder": row + 1,
        "importance": importance,
        "location": location,
        "state": state.collect::<serde_json::Map<_, _>>(),
    })
}

/// A line of a scenario's file.
fn location(scenario: &str, line: usize) -> Value {
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri(scenario) }, "region": { "startLine": line } } })
}

/// Where the file lies: as it was given, or in the catalogue's folder.
fn uri(scenario: &str) -> String {
    let path = if Path::new(scenario).extension().is_some() {
        scenario.to_owned()
    } else {
        format!("scenarios/{scenario}.toml")
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
