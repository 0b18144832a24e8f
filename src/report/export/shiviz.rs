//! A log for ShiViz: hosts, vector clocks and events. The clocks are the happens-before order of the replay.
//!
//! Its first two lines are what ShiViz asks for beside the log: the expression that takes it apart, and an empty
//! delimiter, as in the logs that it comes with.

use std::fmt::Write as _;

use super::word;
use crate::annotate::AnnotatedSchedule;
use crate::report::cause::{self, Ending};

/// How ShiViz takes an event apart; its own default.
pub const EXPRESSION: &str = r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)";

/// The log of a schedule.
pub fn log(schedule: &AnnotatedSchedule) -> String {
    let mut text = format!("{EXPRESSION}\n\n");
    for (row, (step, clock)) in schedule.steps.iter().zip(&schedule.clocks).enumerate() {
        let clock: serde_json::Map<String, serde_json::Value> =
            clock.iter().map(|(actor, count)| (word(&schedule.name(*actor)), (*count).into())).collect();
        let host = word(&schedule.name(step.actor));
        let violations = step.violations.iter().map(|violation| format!("violated: {violation}"));
        let words: Vec<String> = std::iter::once(format!("{}. {}", row + 1, step.op))
            .chain(step.notes.iter().cloned())
            .chain(violations)
            .chain(ending(schedule, row))
            .collect();
        let _ = writeln!(text, "{host} {}\n{}", serde_json::Value::Object(clock), words.join("; "));
    }
    text
}

/// What came after the last step has no actor; the last step tells it.
fn ending(schedule: &AnnotatedSchedule, row: usize) -> Vec<String> {
    if row + 1 < schedule.steps.len() {
        return Vec::new();
    }
    let said = cause::ending(schedule).into_iter().map(|ending| match ending {
        Ending::Said(text) => text,
        Ending::Violated(text) => format!("violated: {text}"),
    });
    said.collect()
}
