//! A Mermaid sequence diagram: pasted into Markdown, GitHub and GitLab draw it.
//!
//! An actor is active while it has a mapping cached that goes out of date. The arrows are the orders that decide.

use std::fmt::Write as _;

use stalemap_facade::ActorId;

use crate::annotate::AnnotatedSchedule;
use crate::report::cause::{self, Ending};

/// The diagram of a schedule.
pub fn diagram(schedule: &AnnotatedSchedule) -> String {
    let about = &schedule.about;
    let mut text = String::from("sequenceDiagram\n");
    let _ = writeln!(text, "  title {}", escaped(&format!("{} under {}", about.scenario, about.design)));
    let movers = schedule.movers();
    for actor in &movers {
        let _ = writeln!(text, "  participant {} as {}", alias(*actor), escaped(&schedule.name(*actor)));
    }
    let (Some(first), Some(last)) = (movers.first(), movers.last()) else { return text };
    let all = if first == last { alias(*first) } else { format!("{},{}", alias(*first), alias(*last)) };
    let _ = writeln!(text, "  Note over {all}: {}", escaped(&cause::headline(schedule)));
    for row in 0..schedule.steps.len() {
        step(schedule, row, &all, &mut text);
    }
    for life in schedule.mappings.iter().filter(|life| is_drawn(life) && life.end.is_none()) {
        let _ = writeln!(text, "  deactivate {}", alias(life.actor));
    }
    for ending in &cause::ending(schedule) {
        let (Ending::Said(said) | Ending::Violated(said)) = ending;
        let _ = writeln!(text, "  Note over {all}: {}", escaped(said));
    }
    if let Some(critical) = &cause::critical_order(schedule) {
        let _ = writeln!(text, "  Note over {all}: {}", escaped(critical));
    }
    text
}

fn step(schedule: &AnnotatedSchedule, row: usize, all: &str, text: &mut String) {
    let step = &schedule.steps[row];
    let preempts = if schedule.replay.played[row].preempts { "*" } else { "" };
    let words: Vec<String> = std::iter::once(format!("{}{preempts} {}", row + 1, step.op))
        .chain(step.notes.iter().cloned())
        .map(|line| escaped(&line))
        .collect();
    for order in schedule.deciding.iter().filter(|order| order.second == row) {
        let (from, to) = (alias(schedule.steps[order.first].actor), alias(step.actor));
        let _ = writeln!(text, "  {from}-->>{to}: {} before {}", order.first + 1, order.second + 1);
    }
    let _ = writeln!(text, "  Note over {}: {}", alias(step.actor), words.join("<br/>"));
    for life in schedule.mappings.iter().filter(|life| is_drawn(life) && life.end == Some(row)) {
        let _ = writeln!(text, "  deactivate {}", alias(life.actor));
    }
    for life in schedule.mappings.iter().filter(|life| is_drawn(life) && life.sampled == row) {
        let _ = writeln!(text, "  activate {}", alias(life.actor));
    }
    for violation in &step.violations {
        let _ = writeln!(text, "  Note over {all}: violated: {}", escaped(violation));
    }
}

/// Whether a mapping is drawn: it goes out of date, and does not begin and end in the same step.
fn is_drawn(life: &crate::annotate::mappings::Life) -> bool {
    life.end != Some(life.sampled) && !(life.invalidated.is_empty() && life.misused.is_empty())
}

fn alias(actor: ActorId) -> String {
    format!("a{actor}")
}

/// What Mermaid would take for its own: `;` ends a statement, `#` begins a character's number, `<` a tag.
fn escaped(text: &str) -> String {
    let one = |character: char| match character {
        ';' | '#' | '<' | '>' | '&' => format!("#{};", u32::from(character)),
        character => character.to_string(),
    };
    text.chars().map(one).collect()
}
