//! A comparison as a table for a spreadsheet: a line for each cell (RFC 4180).

use crate::comparison::Comparison;
use crate::comparison::class::Class;
use crate::run::Outcome;

/// The names of the columns.
const HEAD: &str = "scenario,title,under,verdict,comes_to,violated,preemptions,certified,states,transitions,as_expected,limits_hit";

/// The file.
pub fn table(comparison: &Comparison<'_>) -> String {
    let title = |outcome: &Outcome| {
        let scenario = comparison.scenarios.iter().find(|scenario| scenario.name == outcome.scenario);
        scenario.map_or("", |scenario| scenario.title.as_str())
    };
    let lines = comparison.outcomes.iter().map(|outcome| line(outcome, title(outcome)));
    std::iter::once(format!("{HEAD}\r\n")).chain(lines).collect()
}

fn line(outcome: &Outcome, title: &str) -> String {
    let shown = outcome.counterexample.as_ref().map(|shown| &shown.counterexample);
    let certified = shown.filter(|counterexample| counterexample.certified);
    let violated: Vec<&str> = outcome.violated.iter().map(|property| property.name()).collect();
    let limits: Vec<&str> = outcome.limits_hit.iter().map(|limit| limit.name()).collect();
    let fields = [
        outcome.scenario.clone(),
        title.to_owned(),
        outcome.design.clone(),
        outcome.verdict.name().to_owned(),
        Class::of(outcome).name().to_owned(),
        violated.join(" "),
        certified.map_or_else(String::new, |counterexample| counterexample.preemptions.to_string()),
        shown.map_or_else(String::new, |counterexample| counterexample.certified.to_string()),
        outcome.statistics.states.to_string(),
        outcome.statistics.transitions.to_string(),
        outcome.judgement.as_expected.map_or_else(String::new, |as_expected| as_expected.to_string()),
        limits.join(" "),
    ];
    fields.map(|field| quoted(&field)).join(",") + "\r\n"
}

/// A field, in quotes where it has to be.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_field_is_quoted() {
        assert_eq!(quoted("plain text"), "plain text");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
    }
}
