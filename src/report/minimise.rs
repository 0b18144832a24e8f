//! What is said of a scenario that was made smaller.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};
use stalemap_explore::LimitHit;
use stalemap_model::words::count::count;

use super::check;
use super::json::pretty;
use crate::annotate::list;
use crate::minimise::{Certificate, Minimal, Size};
use crate::wrap::fill;

/// Columns of a line.
const WIDTH: usize = 80;

/// For people: what was left out, what was tried, and the least counterexample of what is left.
pub fn text(minimal: &Minimal, drawing: &str) -> String {
    let (outcome, property) = (&minimal.outcome, minimal.property);
    let mut paragraphs = vec![format!(
        "{} under {}: {property} is violated. It had {}{}; what is left has {}.",
        minimal.scenario,
        outcome.design,
        size(minimal.before),
        until(&minimal.stopped_by),
        size(minimal.after)
    )];
    paragraphs.push(match &minimal.left_out[..] {
        [] => "Left out as a whole: nothing.".to_owned(),
        left_out => format!("Left out: {}.", left_out.join("; ")),
    });
    if !minimal.shortened.is_empty() {
        let one = |(was, is): &(String, String)| format!("`{was}` is `{is}`");
        let all: Vec<String> = minimal.shortened.iter().map(one).collect();
        paragraphs.push(format!("Shorter: {}.", all.join("; ")));
    }
    if minimal.after.states > minimal.before.states {
        paragraphs.push("What is left is shorter, and has more states all the same.".to_owned());
    }
    paragraphs.push(certificate(minimal, &minimal.certificate));
    let mut text = String::new();
    for line in paragraphs.iter().flat_map(|paragraph| fill(paragraph, WIDTH, 2)) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "saved {}", outcome.scenario);
    let own = own(minimal);
    if !own.is_empty() {
        let is = if own.len() == 1 { "is no actor" } else { "are no actors" };
        let said = format!("The drawing counts {}, too, which {is} of the file.", list(&own));
        let _ = writeln!(text, "{}", fill(&said, WIDTH, 2).join("\n"));
    }
    let _ = write!(text, "\n{drawing}");
    text
}

/// The tasks of the model that have a step of the counterexample.
fn own(minimal: &Minimal) -> Vec<String> {
    let of_the_file = |name: &String| minimal.smaller.actors.iter().any(|actor| actor.name == *name);
    let steps = minimal.outcome.counterexample.iter().flat_map(|shown| &shown.schedule.steps);
    let names: BTreeSet<String> = steps.map(|step| step.actor.clone()).collect();
    names.into_iter().filter(|name| !of_the_file(name)).collect()
}

/// What is proved of what is left.
fn certificate(minimal: &Minimal, tried: &Certificate) -> String {
    let property = minimal.property;
    let parts = count(tried.tried(), "part");
    let explored = format!(
        "{} explored to the end ({})",
        count(tried.needed, "smaller scenario"),
        count(tried.states, "state")
    );
    let none = match tried.no_scenario {
        0 => String::new(),
        number => format!(", and {number} that are no scenario any more"),
    };
    let all = format!("{explored}{none}");
    match tried.undecided {
        0 => format!(
            "Minimal: of its {parts}, bytes at either end of a range among them, none can be left out alone with {property} violated: {all}."
        ),
        open => format!(
            "Not known to be minimal: of its {parts}, bytes at either end of a range among them, {open} are undecided, since a limit was reached; of the others none can be left out alone with {property} violated: {all}."
        ),
    }
}

/// Why more states are not counted.
fn until(stopped_by: &[LimitHit]) -> String {
    match stopped_by {
        [] => String::new(),
        limits => format!(" that were explored before {}", check::stopped_by(limits)),
    }
}

fn size(size: Size) -> String {
    let of = |number: usize, noun: &str| count(number as u64, noun);
    format!(
        "{}, {} and {}",
        of(size.actors, "actor"),
        of(size.commands, "command"),
        count(size.states, "state")
    )
}

/// For programs.
pub fn json(minimal: &Minimal) -> String {
    let size = |size: Size| -> Value {
        json!({ "actors": size.actors, "commands": size.commands, "states": size.states })
    };
    let tried = &minimal.certificate;
    pretty(&json!({
        "schema": "stalemap.minimised/1",
        "scenario": minimal.scenario,
        "design": minimal.outcome.design,
        "property": minimal.property.name(),
        "file": minimal.outcome.scenario,
        "before": size(minimal.before),
        "before_stopped_by": minimal.stopped_by.iter().map(|limit| limit.name()).collect::<Vec<_>>(),
        "after": size(minimal.after),
        "left_out": minimal.left_out,
        "shortened": minimal.shortened.iter().map(|(was, is)| json!({ "was": was, "is": is })).collect::<Vec<_>>(),
        "minimal": tried.undecided == 0,
        "tried": {
            "parts": tried.tried(),
            "needed": tried.needed,
            "states": tried.states,
            "no_scenario": tried.no_scenario,
            "undecided": tried.undecided,
        },
        "as_expected": minimal.outcome.judgement.as_expected,
        "source": minimal.source,
    }))
}
