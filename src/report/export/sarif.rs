//! SARIF 2.1.0, which code scanning shows: a result for each property that is violated and not expected to be, with a thread flow for
//! each actor of the counterexample.
//!
//! The place of a result is the line of `[expect]` that it contradicts. The place of a step is where the scenario file names its actor: that is what can be changed about it. The order of
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
use crate::stdin::STDIN;

/// The schema that the document follows.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A verdict, with what a result needs of its scenario.
pub struct Judged<'o> {
    /// The verdict.
    pub outcome: &'o Outcome,
    /// The line of the file that says what is expected, from 1.
    pub line: usize,
    /// The counterexample, if there is one.
    pub schedule: Option<AnnotatedSchedule>,
}

/// What becomes of violations that the file expects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Nothing: they are no finding.
    LeftOut,
    /// They are notes.
    Noted,
}

/// What a verdict is that is not as expected otherwise than by a violation.
const OTHERWISE: &str = "not-as-expected";

/// The document of `check`: a result for each property that some outcome violates.
pub fn log(judged: &[Judged<'_>], expected: Expected) -> String {
    let results: Vec<Value> = judged.iter().flat_map(|judged| results(judged, expected)).collect();
    let found = |id: &str| results.iter().any(|result| result["ruleId"] == id);
    let mut rules: Vec<Value> = properties::ALL
        .iter()
        .filter(|property| found(property.name()))
        .map(|property| rule(*property))
        .collect();
    if found(OTHERWISE) {
        rules.push(rule_of(
            OTHERWISE,
            "the verdict is not what the file expects, by something else than a violation",
            "Read the reasons in the message. If the verdict is right, change [expect] of the file, or have it changed: \
             `stalemap check FILE --accept`.",
        ));
    }
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "stalemap",
                "version": crate::VERSION,
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": judged.iter().filter_map(|judged| incomplete(judged.outcome)).collect::<Vec<_>>(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document:#}\n")
}

fn rule(property: Property) -> Value {
    let Some(item) = properties::about(property) else {
        return rule_of(property.name(), property.name(), "");
    };
    let help = format!(
        "What promises that it is not so: {}. The thread flows of the result are the steps of a run that violates it, actor by \
         actor; `stalemap check SCENARIO --design NAME` (`--kernel NAME`) draws it.",
        item.source
    );
    rule_of(property.name(), item.says, &help)
}

fn rule_of(id: &str, says: &str, help: &str) -> Value {
    json!({
        "id": id,
        "shortDescription": { "text": id.replace('-', " ") },
        "fullDescription": { "text": says },
        "help": { "text": help, "markdown": format!("**{}**: {says}.\n\n{help}", id.replace('-', " ")) },
        "defaultConfiguration": { "level": "error" },
    })
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

/// A result for each violated property that is not expected, and one for what else is not; the others as notes, or not at all.
fn results(judged: &Judged<'_>, expected: Expected) -> Vec<Value> {
    let outcome = judged.outcome;
    let mut results = Vec::new();
    for property in &outcome.violated {
        let is_expected = outcome.judgement.expects(*property, &outcome.violated);
        if is_expected && expected == Expected::LeftOut {
            continue;
        }
        let level = if is_expected { "note" } else { "error" };
        results.push(violation(judged, *property, level));
    }
    let is_other = is_surprising(outcome) && !results.iter().any(|result| result["level"] == "error");
    if is_other {
        let text = format!("{}; {}", check::verdict(outcome), outcome.judgement.reasons.join("; "));
        results.push(result(judged, OTHERWISE, "error", &text));
    }
    results
}

fn violation(judged: &Judged<'_>, property: Property, level: &str) -> Value {
    let outcome = judged.outcome;
    let shown = outcome.counterexample.as_ref().is_some_and(|shown| shown.property == property);
    let Some(schedule) = judged.schedule.as_ref().filter(|_| shown) else {
        let says = properties::about(property).map_or(property.name(), |item| item.says);
        let text = format!("{} under {}: {property}: {says}.", outcome.scenario, outcome.design);
        return result(judged, property.name(), level, &text);
    };
    let mut result = result(judged, property.name(), level, &cause::headline(schedule));
    let message = json!({ "text": format!("{} under {}: {}", outcome.scenario, outcome.design, cause::size(schedule)) });
    result["codeFlows"] = json!([{ "message": message, "threadFlows": flows(schedule) }]);
    result
}

fn result(judged: &Judged<'_>, rule: &str, level: &str, text: &str) -> Value {
    let outcome = judged.outcome;
    json!({
        "ruleId": rule,
        "level": level,
        "message": { "text": text },
        "locations": [location(&outcome.scenario, judged.line)],
        "partialFingerprints": {
            "scenarioDesignRule/v1": format!("{}/{}/{rule}", outcome.scenario, outcome.design),
        },
        "properties": {
            "design": outcome.design,
            "verdict": outcome.verdict.name(),
            "asExpected": outcome.judgement.as_expected,
        },
    })
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
    let path = if scenario == STDIN {
        "stdin".to_owned()
    } else if Path::new(scenario).extension().is_some() {
        scenario.to_owned()
    } else {
        format!("scenarios/{scenario}.toml")
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
