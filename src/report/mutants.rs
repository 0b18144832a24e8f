//! What is said of the values of fields that scenarios notice.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stalemap_model::words::count::count;

use super::check::names;
use super::json::pretty;
use crate::mutants::reasons::Reasons;
use crate::mutants::{Notice, Scope, Tried, Worth};
use crate::wrap::fill;

/// Columns of a line.
const WIDTH: usize = 80;

/// The numbers, in sentences.
fn sentences(worth: &Worth, reasons: &Reasons, scope: Scope) -> Vec<String> {
    let tried: Vec<&Tried> = worth.tried.iter().filter(|tried| tried.is_tried()).collect();
    let survivors = worth.survivors();
    let undecided = survivors.iter().filter(|tried| tried.undecided > 0).count();
    let mut sentences = vec![format!(
        "Of {}, {} can be violated by a value{}. {} put in the place of what is there, one at a time, in each of these scenarios: \
         {} and {} explored.",
        count(worth.all as u64, "scenario"),
        worth.holding.len(),
        others(worth),
        were(tried.len(), "value"),
        count(worth.runs, "run"),
        count(worth.states, "state"),
    )];
    let undecided = if undecided == 0 {
        String::new()
    } else {
        format!(", {undecided} of them undecided in some scenario")
    };
    let by = match scope {
        Scope::Catalogue => "no scenario notices",
        Scope::Named => "these scenarios do not notice",
    };
    sentences.push(format!(
        "Noticed, which means that some scenario is violated with it: {}. Values that {by}: {}{undecided}.",
        count((tried.len() - survivors.len()) as u64, "value"),
        survivors.len(),
    ));
    if scope == Scope::Catalogue {
        sentences.extend(against(worth, reasons));
    }
    sentences.push(format!(
        "Scenarios that notice a value that no other scenario notices: {}; that notice nothing that others do not: {}.",
        worth.alone().len(),
        worth.spared().len()
    ));
    sentences
}

/// Why others cannot be violated by a value.
fn others(worth: &Worth) -> String {
    let under = worth.bases.join(" and ");
    let others = match worth.all - worth.holding.len() {
        0 => return String::new(),
        1 => "the other one is violated",
        _ => "the others are violated",
    };
    let open = match &worth.open[..] {
        [] => String::new(),
        open => format!(", or a limit left that open ({})", open.join(", ")),
    };
    let run = if worth.all - worth.holding.len() == 1 { "does not run" } else { "do not run" };
    format!(": {others} under {under} already, or {run} there{open}")
}

/// `1 value was`, `2 values were`.
fn were(number: usize, noun: &str) -> String {
    format!("{} {}", count(number as u64, noun), if number == 1 { "was" } else { "were" })
}

/// Where the reasons are not those of the values that no scenario of the catalogue notices.
fn against(worth: &Worth, reasons: &Reasons) -> Vec<String> {
    let (without, noticed) = worth.against(reasons);
    let mut said = vec![match without.len() {
        0 => "Each of the latter has a reason.".to_owned(),
        number => format!("Without a reason of the latter: {number}."),
    }];
    if !noticed.is_empty() {
        said.push(format!("Noticed, although a reason says why nothing does: {}.", noticed.join(", ")));
    }
    said
}

/// What first notices a value.
fn cheapest(notice: &Notice) -> String {
    format!("{} ({}, {})", notice.scenario, names(&notice.violated), count(notice.states, "state"))
}

/// Why nothing notices a value. A reason is missing only where it is about all that was looked at.
fn reason<'r>(tried: &Tried, reasons: &'r Reasons, scope: Scope) -> &'r str {
    let missing = match scope {
        Scope::Catalogue => "no reason",
        Scope::Named => "",
    };
    reasons.of(&tried.setting).unwrap_or(missing)
}

/// The head of the values that nothing notices.
fn unnoticed(scope: Scope) -> &'static str {
    match scope {
        Scope::Catalogue => "Noticed by no scenario",
        Scope::Named => "Not noticed by these scenarios",
    }
}

/// For people.
pub fn text(worth: &Worth, reasons: &Reasons, scope: Scope) -> String {
    let mut text = String::new();
    let mut put = |paragraph: &str| {
        if paragraph.is_empty() {
            text.push('\n');
        }
        for line in fill(paragraph, WIDTH, 2) {
            let _ = writeln!(text, "{line}");
        }
    };
    for sentence in sentences(worth, reasons, scope) {
        put(&sentence);
    }
    put("");
    put(&format!("{}:", unnoticed(scope)));
    for tried in worth.survivors() {
        let reason = match reason(tried, reasons, scope) {
            "" => String::new(),
            reason => format!("; {reason}"),
        };
        put(&format!("{} - {}{reason}", tried.setting, holds_in(tried)));
    }
    put("");
    put("Noticed, with the number of scenarios that do it and the smallest of them:");
    for tried in &worth.tried {
        if let Some(first) = tried.notices.first() {
            put(&format!("{} - {}, {}", tried.setting, tried.noticing().len(), cheapest(first)));
        }
    }
    put("");
    put("Noticed by one scenario alone:");
    for (scenario, settings) in worth.alone() {
        put(&format!("{scenario} - {}", settings.join(", ")));
    }
    put("");
    put("Scenarios that notice nothing that others do not:");
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
pub fn markdown(worth: &Worth, reasons: &Reasons, scope: Scope) -> String {
    let mut text = String::from("# What the catalogue notices\n\n");
    for sentence in sentences(worth, reasons, scope) {
        let _ = writeln!(text, "* {sentence}");
    }
    let _ = write!(
        text,
        "\n## {}\n\n| value | scenarios that hold with it | reason |\n|---|---|---|\n",
        unnoticed(scope)
    );
    for tried in worth.survivors() {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            tried.setting,
            holds_in(tried),
            reason(tried, reasons, scope)
        );
    }
    text.push_str("\n## Noticed\n\n| value | scenarios | the smallest |\n|---|---|---|\n");
    for tried in &worth.tried {
        if let Some(first) = tried.notices.first() {
            let _ =
                writeln!(text, "| `{}` | {} | {} |", tried.setting, tried.noticing().len(), cheapest(first));
        }
    }
    text.push_str("\n## Noticed by one scenario alone\n\n| scenario | values |\n|---|---|\n");
    for (scenario, settings) in worth.alone() {
        let _ = writeln!(text, "| {scenario} | `{}` |", settings.join("`, `"));
    }
    let _ = writeln!(
        text,
        "\n## Scenarios that notice nothing that others do not\n\n{}",
        worth.spared().join(", ")
    );
    text
}

/// For programs.
pub fn json(worth: &Worth, reasons: &Reasons) -> String {
    let notice = |notice: &Notice| -> Value {
        json!({
            "scenario": notice.scenario,
            "base": notice.base,
            "violated": notice.violated.iter().map(|property| property.name()).collect::<Vec<_>>(),
            "states": notice.states,
        })
    };
    let tried = worth.tried.iter().map(|tried| {
        json!({
            "value": tried.setting,
            "noticed_by": tried.notices.iter().map(notice).collect::<Vec<_>>(),
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
