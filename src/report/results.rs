//! What came of runs in the lab, for people, and as lines that a table is made of.

pub mod table;
pub mod xfstests;

use std::fmt::Write as _;

use serde_json::{Value, json};
use stalemap_facade::Property;

use crate::lab::plan::Plan;
use crate::lab::run::{Came, Mode, Results, Run};

/// The format of a line of results.
pub(super) const SCHEMA: &str = "stalemap.lab/1";

/// For people.
pub fn text(plan: &Plan, results: &Results) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} on {}, {}", plan.scenario, results.release, plan.shows());
    for run in &results.runs {
        let _ = writeln!(text, "  {:<8} {}", run.mode.name(), came(plan, run));
        for line in said(run) {
            let _ = writeln!(text, "           {line}");
        }
    }
    for warning in &results.warnings {
        let _ = writeln!(text, "  the kernel's log: {warning}");
    }
    let _ = writeln!(text, "  {:.0} s", results.seconds);
    text
}

/// How a run came. Where the model predicts of a schedule what the tasks come to one after the other, that is what was seen.
fn came(plan: &Plan, run: &Run) -> String {
    let same = run.came == Came::AsPredicted && !plan.tells();
    let control = match (same, plan.lost_in_control) {
        (false, _) => "",
        (true, true) => ", which is as the control: it is lost in any order",
        (true, false) => ", which is as the control: nothing is lost",
    };
    format!("{}{control}", run.came)
}

/// What a run has to say beside how it came: the bytes, where they matter, and the rate of a loop.
fn said(run: &Run) -> Vec<String> {
    let mut said = Vec::new();
    for line in &run.lines {
        if let Some(differs) = line.get("differs") {
            let part = |key: &str| differs.get(key).map(plain).unwrap_or_default();
            if differs.get("call").is_some() {
                let (task, call) = (part("task"), part("call"));
                said.push(format!("{task}: `{call}` gave {}, predicted {}", part("is"), part("predicted")));
                continue;
            }
            said.push(format!(
                "{} {} {}-{}: {}, predicted {}",
                part("stage"),
                part("file"),
                part("from"),
                part("to"),
                part("is"),
                part("predicted")
            ));
        }
        if line.get("errno").is_some() || line.get("call").is_some() {
            said.push(failure(line));
        }
        if let (Mode::Natural { .. }, Some(rounds)) = (run.mode, line.get("rounds")) {
            let counted = |key: &str| line.get(key).and_then(Value::as_u64).unwrap_or(0);
            let (bad, other) = (counted("as predicted"), counted("other"));
            let control = rounds.as_u64().unwrap_or(0).saturating_sub(bad + other);
            said.push(format!(
                "{} rounds: {bad} as predicted, {control} as the control, {other} other bytes",
                plain(rounds)
            ));
            said.extend((places_of(run.mode) > 1).then(|| of_places(line)));
        }
    }
    said
}

/// A call that failed, or did less than it was asked for.
fn failure(line: &Value) -> String {
    let text = |key: &str| line.get(key).and_then(Value::as_str);
    match (text("task"), text("call"), text("error"), line.get("returned")) {
        (Some(task), Some(call), Some(error), _) => format!("{task}: {call} failed: {error}"),
        (Some(task), Some(call), None, Some(returned)) => format!("{task}: {call} returned {returned}"),
        _ => plain(line),
    }
}

/// Places of a round.
const fn places_of(mode: Mode) -> u64 {
    match mode {
        Mode::Natural { places, .. } => places,
        Mode::Forced | Mode::Recorded | Mode::Control => 1,
    }
}

/// What the places of all rounds came to.
fn of_places(line: &Value) -> String {
    let part = |key: &str| line.get(key).map(plain).unwrap_or_default();
    let (bad, all, other) = (part("places as predicted"), part("places"), part("other places"));
    format!("{bad} of {all} places as predicted, {other} otherwise")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One line a run: what was played on what, how it came, and where it differs from what is predicted.
pub fn jsonl(plan: &Plan, results: &Results) -> String {
    let mut text = String::new();
    for run in &results.runs {
        let why = match &run.came {
            Came::NotReached(why) | Came::Broken(why) => Some(why.clone()),
            Came::AsPredicted | Came::AsControl | Came::Other => None,
        };
        let result = match &run.came {
            Came::NotReached(_) => "order not reached".to_owned(),
            Came::Broken(_) => "no result".to_owned(),
            came => came.to_string(),
        };
        let differs: Vec<&Value> = run.lines.iter().filter_map(|line| line.get("differs")).collect();
        let counted = |key: &str| run.lines.last().and_then(|line| line.get(key)?.as_u64());
        let rounds = counted("rounds");
        let line = json!({
            "schema": SCHEMA,
            "scenario": plan.scenario,
            "kernel": results.version,
            "release": results.release,
            "design": plan.variant.design(),
            "property": plan.property.map(Property::name),
            "moved_up": plan.moved_up,
            "mode": run.mode.name(),
            "result": result,
            "why": why,
            // Whether the bytes of the schedule are other ones than those of the control.
            "tells": plan.tells(),
            "lost_in_control": plan.lost_in_control,
            "differs": differs,
            "rounds": rounds,
            "rounds_as_predicted": counted("as predicted"),
            // Of a round, and of all rounds.
            "places_of_round": rounds.map(|_| places_of(run.mode)),
            "places": counted("places"),
            "places_as_predicted": counted("places as predicted"),
            "other_places": counted("other places"),
            "warnings": results.warnings,
            "seconds": (results.seconds * 10.0).round() / 10.0,
        });
        let _ = writeln!(text, "{line}");
    }
    text
}
