//! What is said of the values of fields that scenarios notice.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stalemap_model::words::count::count;

use super::check::names;
use super::json::pretty;
use super::text::fill;
use crate::mutants::reasons::Reasons;
use crate::mutants::{Kill, Tried, Worth};

/// Columns of a line.
const WIDTH: usize = 80;

/// The numbers, in sentences.
fn sentences(worth: &Worth, reasons: &Reasons) -> Vec<String> {
    let tried: Vec<&Tried> = worth.tried.iter().filter(|tried| tried.is_tried()).collect();
    let survivors = worth.survivors();
    let (without, killed) = worth.against(reasons);
    let undecided = survivors.iter().filter(|tried| tried.undecided > 0).count();
    let mut sentences = vec![format!(
        "Of {}, {} can be violated by a value: all others are violated under {} already, or do not run there. {} were put in the place of those that are there, one at a time, each in every one of these scenarios: \
         {} and {} explored.",
        count(worth.all as u64, "scenario"),
        worth.holding.len(),
        worth.bases.join(" and "),
        count(tried.len() as u64, "value"),
        count(worth.runs, "run"),
        count(worth.states, "state"),
    )];
    sentences.push(format!(
        "{} are killed: some scenario is violated with them. {} are not{}; {} of these have no reason.",
        tried.len() - survivors.len(),
        survivors.len(),
        if undecided == 0 {
            String::new()
        } else {
            format!(", {undecided} of them undecided in some scenario")
        },
        without.len()
    ));
    if !killed.is_empty() {
        sentences.push(format!("Killed although a reason says that nothing does: {}.", killed.join(", ")));
    }
    let spared = worth.spared().len();
    sentences.push(format!(
        "{} kill a value that no other scenario kills; {spared} kill nothing that others do not.",
        count(worth.alone().len() as u64, "scenario")
    ));
    sentences
}

/// What first kills a value.
fn cheapest(kill: &Kill) -> String {
    format!("{} ({}, {})", kill.scenario, names(&kill.violated), count(kill.states, "state"))
}

/// Why nothing kills a value.
fn reason<'r>(tried: &Tried, reasons: &'r Reasons) -> &'r str {
    reasons.of(&tried.setting).unwrap_or("no reason")
}

/// For people.
pub fn text(worth: &Worth, reasons: &Reasons) -> String {
    let mut text = String::new();
    let mut put = |paragraph: &str| {
        if paragraph.is_empty() {
            text.push('\n');
        }
        for line in fill(paragraph, WIDTH, 2) {
            let _ = writeln!(text, "{line}");
        }
    };
    for sentence in sentences(worth, reasons) {
        put(&sentence);
    }
    put("");
    put("Killed by no scenario:");
    for tried in worth.survivors() {
        put(&format!("{} - {}; {}", tried.setting, holds_in(tried), reason(tried, reasons)));
    }
    put("");
    put("Killed, with the number of scenarios that do it and the smallest of them:");
    for tried in &worth.tried {
        if let Some(first) = tried.kills.first() {
            put(&format!("{} - {}, {}", tried.setting, tried.killers().len(), cheapest(first)));
        }
    }
    put("");
    put("Killed by one scenario alone:");
    for (scenario, settings) in worth.alone() {
        put(&format!("{scenario} - {}", settings.join(", ")));
    }
    put("");
    put("Scenarios that kill nothing that others do not:");
    put(&worth.spared().join(", "));
    text
}

fn holds_in(tried: &Tried) -> String {
    let undecided = match tried.undecided {
        0 => String::new(),
        number => format!(", undecided in {number}"),
    };
    format!("holds in {}{undecided}", tried.holds)
}

/// A page.
pub fn markdown(worth: &Worth, reasons: &Reasons) -> String {
    let mut text = String::from("# What the catalogue notices\n\n");
    for sentence in sentences(worth, reasons) {
        let _ = writeln!(text, "* {sentence}");
    }
    text.push_str(
        "\n## Killed by no scenario\n\n| value | scenarios that hold with it | reason |\n|---|---|---|\n",
    );
    for tried in worth.survivors() {
        let _ = writeln!(text, "| `{}` | {} | {} |", tried.setting, holds_in(tried), reason(tried, reasons));
    }
    text.push_str("\n## Killed\n\n| value | scenarios | the smallest |\n|---|---|---|\n");
    for tried in &worth.tried {
        if let Some(first) = tried.kills.first() {
            let _ =
                writeln!(text, "| `{}` | {} | {} |", tried.setting, tried.killers().len(), cheapest(first));
        }
    }
    text.push_str("\n## Killed by one scenario alone\n\n| scenario | values |\n|---|---|\n");
    for (scenario, settings) in worth.alone() {
        let _ = writeln!(text, "| {scenario} | `{}` |", settings.join("`, `"));
    }
    let _ = writeln!(
        text,
        "\n## Scenarios that kill nothing that others do not\n\n{}",
        worth.spared().join(", ")
    );
    text
}

/// For programs.
pub fn json(worth: &Worth, reasons: &Reasons) -> String {
    let kill = |kill: &Kill| -> Value {
        json!({
            "scenario": kill.scenario,
            "base": kill.base,
            "violated": kill.violated.iter().map(|property| property.name()).collect::<Vec<_>>(),
            "states": kill.states,
        })
    };
    let tried = worth.tried.iter().map(|tried| {
        json!({
            "value": tried.setting,
            "killed_by": tried.kills.iter().map(kill).collect::<Vec<_>>(),
            "holds_in": tried.holds,
            "undecided_in": tried.undecided,
            "does_not_fit_in": tried.does_not_fit,
            "reason": reasons.of(&tried.setting),
        })
    });
    pretty(&json!({
        "schema": "stalemap.mutants/1",
        "bases": worth.bases,
        "scenarios": worth.all,
        "holding": worth.holding,
        "runs": worth.runs,
        "states": worth.states,
        "values": tried.collect::<Vec<_>>(),
        "alone": worth.alone(),
        "spared": worth.spared(),
    }))
}
