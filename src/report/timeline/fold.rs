//! Long runs of one actor in one line: what is folded away is what nobody would miss.

use crate::annotate::events;
use std::ops::Range;

use stalemap_explore::Replay;

use super::look::Folding;
use crate::annotate::AnnotatedSchedule;

/// The steps of a run that always have their lines, at its beginning and at its end.
const KEPT: usize = 2;
/// Fewer steps than this are not worth folding.
const WORTH: usize = 3;

/// One row of a timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Row {
    /// A step.
    Step(usize),
    /// Steps of one actor.
    Folded(Range<usize>),
}

/// The rows of a schedule.
pub(super) fn rows(schedule: &AnnotatedSchedule, folding: Folding) -> Vec<Row> {
    if folding == Folding::Full {
        return (0..schedule.steps.len()).map(Row::Step).collect();
    }
    let told: Vec<bool> = (0..schedule.steps.len()).map(|row| matters(schedule, row)).collect();
    let mut rows = Vec::new();
    for run in runs(schedule) {
        let middle = run.start + KEPT..run.end.saturating_sub(KEPT).max(run.start + KEPT);
        rows.extend((run.start..middle.start.min(run.end)).map(Row::Step));
        let mut row = middle.start;
        while row < middle.end {
            let end = (row..middle.end).find(|row| told[*row]).unwrap_or(middle.end);
            if end - row >= WORTH {
                rows.push(Row::Folded(row..end));
            } else {
                rows.extend((row..end).map(Row::Step));
            }
            if end < middle.end {
                rows.push(Row::Step(end));
            }
            row = end + 1;
        }
        rows.extend((middle.end.max(middle.start)..run.end).map(Row::Step));
    }
    rows
}

/// The longest ranges of steps of one actor.
fn runs(schedule: &AnnotatedSchedule) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (row, step) in schedule.steps.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if schedule.steps[run.start].actor == step.actor => run.end = row + 1,
            _ => runs.push(row..row + 1),
        }
    }
    runs
}

/// Whether a step changes a zone.
fn changes_zones(replay: &Replay, row: usize) -> bool {
    let before = row.checked_sub(1).map_or(&replay.initial, |before| &replay.played[before].gutter);
    let zones = |state: &[(String, String)]| state.iter().find(|(name, _)| name == "zones").cloned();
    zones(before) != zones(&replay.played[row].gutter)
}

/// Whether a step must be seen: it begins, changes, uses or ends a mapping, or what decides beside mappings what is read; it
/// violates something, or its order decides.
fn matters(schedule: &AnnotatedSchedule, row: usize) -> bool {
    let decides = || schedule.deciding.iter().any(|order| order.first == row || order.second == row);
    let events = &schedule.replay.played[row].events;
    let told = events.iter().any(|event| events::is_of_mapping(event) || events::is_beside_mappings(event));
    told || changes_zones(&schedule.replay, row) || !schedule.steps[row].violations.is_empty() || decides()
}
