//! Two schedules beside each other: what both do in one row, and the first step that is not the same marked.

use crate::annotate::AnnotatedSchedule;
use crate::annotate::alignment::{Pair, align};
use crate::report::cause;
use crate::wrap::{width, wrap};

/// The mark of the first row in which the two are not the same.
const MARK: &str = ">>";
/// What stands between the two.
const RULE: &str = " | ";

/// The two on lines of `columns` columns, each under its name. `differs` is the step of both from which on the same operation leaves
/// something else behind, if there is such.
pub fn render(schedules: [&AnnotatedSchedule; 2], differs: Option<usize>, columns: usize) -> String {
    let side = columns.saturating_sub(MARK.len() + 1 + RULE.len()) / 2;
    let pairs = rows(&align(schedules[0], schedules[1]));
    let alone = |pair: &Pair| pair.0.is_none() || pair.1.is_none() || !is_same(schedules, *pair);
    let is_there = |pair: &Pair| differs.is_some_and(|at| pair.0 == Some(at));
    let marked = pairs.iter().position(|pair| alone(pair) || is_there(pair));
    let mut lines = Vec::new();
    let names = schedules.map(|schedule| wrap(&schedule.about.design, side, 0));
    lines.extend(beside("", &names[0], &names[1], side));
    lines.push(format!("{}-+-{}", "-".repeat(MARK.len() + 1 + side), "-".repeat(side)));
    for (at, pair) in pairs.iter().enumerate() {
        let mark = if marked == Some(at) { MARK } else { "" };
        let [one, two] = [(schedules[0], pair.0), (schedules[1], pair.1)]
            .map(|(schedule, step)| step.map_or_else(Vec::new, |step| cell(schedule, step, side)));
        lines.extend(beside(mark, &one, &two, side));
    }
    let ends = schedules.map(|schedule| wrap(&cause::headline(schedule), side, 2));
    lines.push(format!("{}-+-{}", "-".repeat(MARK.len() + 1 + side), "-".repeat(side)));
    lines.extend(beside("", &ends[0], &ends[1], side));
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n") + "\n"
}

/// Steps that only one has are put beside those that only the other has.
fn rows(pairs: &[Pair]) -> Vec<Pair> {
    let mut rows: Vec<Pair> = Vec::new();
    let mut waiting: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    let flush = |waiting: &mut [Vec<usize>; 2], rows: &mut Vec<Pair>| {
        let longest = waiting[0].len().max(waiting[1].len());
        rows.extend((0..longest).map(|at| (waiting[0].get(at).copied(), waiting[1].get(at).copied())));
        *waiting = [Vec::new(), Vec::new()];
    };
    for pair in pairs {
        match *pair {
            (Some(one), None) => waiting[0].push(one),
            (None, Some(two)) => waiting[1].push(two),
            both => {
                flush(&mut waiting, &mut rows);
                rows.push(both);
            }
        }
    }
    flush(&mut waiting, &mut rows);
    rows
}

fn is_same(schedules: [&AnnotatedSchedule; 2], pair: Pair) -> bool {
    let step = |schedule: &AnnotatedSchedule, at: Option<usize>| {
        let played = schedule.replay.played.get(at?)?;
        Some((schedule.name(played.actor), played.op.clone()))
    };
    step(schedules[0], pair.0) == step(schedules[1], pair.1)
}

/// A step with its number, and what it violates.
fn cell(schedule: &AnnotatedSchedule, at: usize, side: usize) -> Vec<String> {
    let step = &schedule.steps[at];
    let outcome =
        schedule.replay.played[at].outcome.map_or_else(String::new, |outcome| format!(" = {outcome}"));
    let text = format!("{} {}: {}{outcome}", at + 1, schedule.name(step.actor), step.op);
    let violations =
        step.violations.iter().flat_map(|violation| wrap(&format!("   !! {violation}"), side, 6));
    wrap(&text, side, 3).into_iter().chain(violations).collect()
}

fn beside(mark: &str, one: &[String], two: &[String], side: usize) -> Vec<String> {
    let line = |at: usize| {
        let text = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
        let (one, two) = (text(one), text(two));
        let pad = " ".repeat(side.saturating_sub(width(&one)));
        let mark = if at == 0 { mark } else { "" };
        format!("{mark:2} {one}{pad}{RULE}{two}")
    };
    (0..one.len().max(two.len())).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_has_stands_beside_what_only_the_other_has() {
        let pairs =
            [(Some(0), Some(0)), (Some(1), None), (Some(2), None), (None, Some(1)), (Some(3), Some(2))];
        let expected = [(Some(0), Some(0)), (Some(1), Some(1)), (Some(2), None), (Some(3), Some(2))];
        assert_eq!(rows(&pairs), expected);
    }
}
