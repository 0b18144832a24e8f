//! A comparison in Markdown: the answer, and a table for each group of scenarios.

use std::fmt::Write as _;

use super::answer::sentences;
use super::words::{by_class, cell, scenarios};
use super::{Rows, own_in_numbers};
use crate::comparison::Comparison;
use crate::comparison::matrix::{Group, Matrix};
use crate::run::Outcome;

/// The page.
pub fn page(comparison: &Comparison<'_>, rows: Rows) -> String {
    let mut sentences = sentences(comparison).into_iter();
    let mut text = format!("# {}\n\n", sentences.next().unwrap_or_default().trim_end_matches(':'));
    for sentence in sentences {
        let _ = writeln!(text, "* {}", escaped(&sentence));
    }
    if rows == Rows::Nothing {
        return text;
    }
    let heads = ["Designs", "The January 2023 series", "Kernels"];
    for (matrix, head) in comparison.matrices().into_iter().zip(heads) {
        let groups = matrix.groups();
        let (shown, folded): (Vec<&Group<'_, '_>>, Vec<&Group<'_, '_>>) =
            groups.iter().partition(|group| rows == Rows::All || group.differs());
        if groups.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n## {head}");
        for group in shown {
            text.push_str(&table(group, matrix));
        }
        if !folded.is_empty() {
            text.push_str("\nAlike, or run on one alone:\n\n");
        }
        for group in folded {
            let _ = writeln!(text, "* {}", head_of(group, matrix));
        }
    }
    if !comparison.own.is_empty() {
        text.push_str(&own(&comparison.own, rows));
    }
    text
}

/// What files define for themselves: in numbers, and one by one if everything is to be written out.
fn own(own: &[&Outcome], rows: Rows) -> String {
    let mut text = format!("\n## Defined by the files\n\n* {}\n", own_in_numbers(own));
    if rows == Rows::All {
        text.push_str("\n| scenario | under | verdict |\n|---|---|---|\n");
        for outcome in own {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} |",
                outcome.scenario,
                escaped(&outcome.design),
                cell(outcome)
            );
        }
    }
    text
}

fn head_of(group: &Group<'_, '_>, matrix: &Matrix<'_>) -> String {
    let by = by_class(&group.by_class(&matrix.columns), &matrix.columns);
    format!("{} ({})", escaped(&by), scenarios(group.rows.len()))
}

/// A group: a row for each scenario, a column for each of what it was run on.
fn table(group: &Group<'_, '_>, matrix: &Matrix<'_>) -> String {
    let ran: Vec<usize> =
        (0..matrix.columns.len()).filter(|column| group.classes[*column].is_some()).collect();
    let mut text = format!("\n### {}\n\n| scenario |", head_of(group, matrix));
    for column in &ran {
        let _ = write!(text, " {} |", escaped(&matrix.columns[*column]));
    }
    let _ = writeln!(text, " |\n|{}", "---|".repeat(ran.len() + 2));
    for row in &group.rows {
        let _ = write!(text, "| `{}` |", row.scenario.name);
        for column in &ran {
            let _ = write!(text, " {} |", row.cells[*column].map_or_else(String::new, cell));
        }
        let _ = writeln!(text, " {} |", escaped(&row.scenario.title));
    }
    text
}

/// Names with two underscores would be set in italics, and a bar would end a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('_', "\\_").replace('<', "\\<").replace('*', "\\*")
}
