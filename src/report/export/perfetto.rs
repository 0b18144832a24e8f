//! The Trace Event Format of Chrome, which ui.perfetto.dev and chrome://tracing open.
//!
//! A track for each actor with its steps, each a millisecond long, since the model knows an order and no times. The
//! mappings are asynchronous slices, with the part in which they are out of date inside; the counters of the state are
//! counter tracks; arrows are the dependences between steps that the outcome needs.

use crate::annotate::{events, files};
use serde_json::{Value, json};

use super::pid;
use crate::annotate::AnnotatedSchedule;
use crate::report::cause::{self, Ending};

/// Microseconds of a step.
const STEP: usize = 1000;
/// The process that the actors are threads of.
const PROCESS: usize = 1;

/// The trace of a schedule.
pub fn trace(schedule: &AnnotatedSchedule) -> String {
    let about = &schedule.about;
    let mut events = metadata(schedule);
    events.extend((0..schedule.steps.len()).flat_map(|row| step(schedule, row)));
    events.extend(mappings(schedule));
    events.extend(arrows(schedule));
    events.extend(endings(schedule));
    let document = json!({
        "displayTimeUnit": "ms",
        "otherData": {
            "scenario": about.scenario,
            "design": about.design,
            "cause": cause::headline(schedule),
            "critical": cause::critical_order(schedule),
            "version": concat!("stalemap ", env!("CARGO_PKG_VERSION")),
        },
        "traceEvents": events,
    });
    format!("{document:#}\n")
}

/// When a step begins, in microseconds.
fn start(row: usize) -> usize {
    (row + 1) * STEP
}

fn metadata(schedule: &AnnotatedSchedule) -> Vec<Value> {
    let about = &schedule.about;
    let process = format!("{} under {}", about.scenario, about.design);
    let one = |name: &str, tid: usize, args: Value| json!({ "ph": "M", "name": name, "pid": PROCESS, "tid": tid, "args": args });
    let mut events = vec![one("process_name", 0, json!({ "name": process }))];
    for (place, actor) in schedule.movers().into_iter().enumerate() {
        events.push(one("thread_name", pid(actor), json!({ "name": schedule.name(actor) })));
        events.push(one("thread_sort_index", pid(actor), json!({ "sort_index": place })));
    }
    events
}

fn step(schedule: &AnnotatedSchedule, row: usize) -> Vec<Value> {
    let (step, played) = (&schedule.steps[row], &schedule.replay.played[row]);
    let tid = pid(step.actor);
    let mut args = json!({
        "step": row + 1,
        "preempts": played.preempts,
        "needed": step.needed,
        "notes": step.notes,
        "state": played.gutter.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>(),
    });
    if !step.violations.is_empty() {
        args["violations"] = json!(step.violations);
    }
    let category = if step.violations.is_empty() { "step" } else { "step,violation" };
    let mut events = vec![json!({
        "ph": "X", "cat": category, "name": step.op, "pid": PROCESS, "tid": tid,
        "ts": start(row), "dur": STEP, "args": args,
    })];
    let tracepoints = played.events.iter().filter_map(events::tracepoint);
    for (place, tracepoint) in tracepoints.enumerate() {
        let fields =
            tracepoint.fields.iter().map(|field| (field.name.to_owned(), json!(field.value.to_string())));
        events.push(json!({
            "ph": "i", "s": "t", "cat": tracepoint.subsystem.name(), "name": tracepoint.name, "pid": PROCESS, "tid": tid,
            "ts": start(row) + place + 1, "args": fields.collect::<serde_json::Map<_, _>>(),
        }));
    }
    for violation in &step.violations {
        events.push(json!({
            "ph": "i", "s": "g", "cat": "violation", "name": violation, "pid": PROCESS, "tid": tid,
            "ts": start(row) + STEP - 1, "args": {},
        }));
    }
    // A valid size is a number, too, but printed with a suffix where it can be.
    let counters = played.gutter.iter().filter(|(name, _)| files::column(name).1 == "seq");
    let counters = counters.filter_map(|(name, value)| Some((name, value.parse::<u64>().ok()?)));
    events.extend(counters.map(|(name, value)| {
        json!({ "ph": "C", "name": name, "pid": PROCESS, "ts": start(row) + STEP - 1, "args": { "value": value } })
    }));
    events
}

/// The life of each mapping that went out of date, and inside it from when on it was.
fn mappings(schedule: &AnnotatedSchedule) -> Vec<Value> {
    let end = start(schedule.steps.len());
    let mut events = Vec::new();
    let lives = schedule.mappings.iter().enumerate();
    for (id, life) in lives.filter(|(_, life)| !life.invalidated.is_empty() || !life.misused.is_empty()) {
        let actor = schedule.name(life.actor);
        let file = life.file.as_ref().map_or_else(String::new, |file| format!(" of {file}"));
        let mut event = |ph: &str, name: &str, at: usize| {
            events.push(json!({
                "ph": ph, "cat": "mapping", "name": name, "id": id, "pid": PROCESS, "tid": pid(life.actor),
                "ts": at, "args": { "actor": actor },
            }));
        };
        let until = life.end.map_or(end, |row| start(row) + STEP / 2);
        let mapping = format!("mapping{file} cached by {actor}");
        event("b", &mapping, start(life.sampled) + STEP / 2);
        let stale = life.invalidated.first().map(|(row, _)| start(*row) + STEP / 2);
        if let Some(stale) = stale {
            event("b", "extent map changed since", stale);
        }
        for (row, _) in &life.misused {
            event("n", "used although out of date", start(*row) + STEP / 4);
        }
        if stale.is_some() {
            event("e", "extent map changed since", until);
        }
        event("e", &mapping, until);
    }
    events
}

/// The dependences between steps of different actors that the outcome needs.
fn arrows(schedule: &AnnotatedSchedule) -> Vec<Value> {
    let mut events = Vec::new();
    let played = schedule.replay.played.iter().enumerate().filter(|(row, _)| schedule.steps[*row].needed);
    let pairs = played.flat_map(|(row, played)| played.depends_on.iter().map(move |before| (*before, row)));
    for (id, (before, row)) in pairs.enumerate() {
        let mut event = |ph: &str, row: usize, at: usize| {
            let mut event = json!({
                "ph": ph, "cat": "dependence", "name": "happens before", "id": id, "pid": PROCESS,
                "tid": pid(schedule.steps[row].actor), "ts": at,
            });
            if ph == "f" {
                event["bp"] = json!("e");
            }
            events.push(event);
        };
        event("s", before, start(before) + STEP - 2);
        event("f", row, start(row) + 1);
    }
    events
}

fn endings(schedule: &AnnotatedSchedule) -> Vec<Value> {
    let at = start(schedule.steps.len());
    let said = cause::ending(schedule).into_iter().enumerate().map(|(place, ending)| {
        let (category, text) = match ending {
            Ending::Said(text) => ("end", text),
            Ending::Violated(text) => ("violation", text),
        };
        json!({
            "ph": "i", "s": "g", "cat": category, "name": text, "pid": PROCESS, "tid": 0, "ts": at + place, "args": {},
        })
    });
    said.collect()
}
