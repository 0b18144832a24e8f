//! Costs as text, on lines of so many columns.

use std::fmt::Write as _;

use stalemap_model::words::count::count;

use super::cells::{
    Column, OF_ONE_CALL, OF_ONE_CALL_MEANS, RETRIES, RETRIES_MEANS, WEIGHT, answers, by_scenario, cell,
    columns, in_words, of_one_call, rows, signs,
};
use crate::costs::Costs;
use crate::costs::quantity::{self, Counted};
use crate::wrap::wrap;

/// Columns for the heads of rows, where a line has enough; and for each design.
const HEAD: usize = 30;
const COLUMN: usize = 12;

/// A block for each scenario: what is counted down, designs across. And what the counts mean.
pub fn render(counted: &[Costs], width: usize) -> String {
    // One design at least stands beside the heads.
    let head = HEAD.min(width.saturating_sub(COLUMN));
    let mut text = String::new();
    let mut shown: Vec<&'static Counted> = Vec::new();
    for group in by_scenario(counted) {
        let columns = columns(&group);
        let rows = rows(&columns);
        shown.extend(&rows);
        let _ = writeln!(text, "{}", group[0].scenario);
        for some in columns.chunks((width.saturating_sub(head) / COLUMN).max(1)) {
            block(&mut text, some, &rows, head);
        }
        text.push('\n');
    }
    text.push_str(&legend(counted, &shown, width));
    text.push_str(&basis(counted, width));
    text
}

/// A row whose head takes `width` columns; the cells stand beside the last line of it.
fn line(head: &str, width: usize, cells: impl Iterator<Item = String>) -> String {
    let mut lines: Vec<String> =
        wrap(head, width.saturating_sub(2), 2).iter().map(|head| format!("  {head}")).collect();
    if let Some(last) = lines.last_mut() {
        *last = format!("{last:<width$}");
        for cell in cells {
            let _ = write!(last, "{cell:>COLUMN$}");
        }
        last.truncate(last.trim_end().len());
    }
    lines.join("\n") + "\n"
}

fn block(text: &mut String, columns: &[Column<'_>], rows: &[&'static Counted], head: usize) {
    // Names of designs that cost the same stand one below the other.
    let names: Vec<Vec<String>> = columns
        .iter()
        .map(|column| column.designs.iter().flat_map(|name| wrap(name, COLUMN - 1, 0)).collect())
        .collect();
    for number in 0..names.iter().map(Vec::len).max().unwrap_or(0) {
        let name = |names: &Vec<String>| names.get(number).cloned().unwrap_or_default();
        text.push_str(&line("", head, names.iter().map(name)));
    }
    for row in rows {
        let cells = columns.iter().map(|column| cell(column.costs.of(row), column.costs));
        text.push_str(&line(&row.key.replace('_', " "), head, cells));
    }
    if rows.iter().any(|row| row.quantity == quantity::ABORTS.quantity) {
        text.push_str(&line(OF_ONE_CALL, head, columns.iter().map(|column| of_one_call(column.costs))));
    }
    text.push_str(&line(RETRIES, head, columns.iter().map(|column| in_words(&column.costs.retries))));
}

fn legend(counted: &[Costs], shown: &[&'static Counted], width: usize) -> String {
    let paragraph = |text: &str| wrap(text, width, 4).join("\n") + "\n";
    let mut text = paragraph(&format!("Each count: the most in any run, and {WEIGHT}."));
    for counted in quantity::ALL.iter().filter(|counted| shown.contains(counted)) {
        text.push_str(&paragraph(&format!("{}: {}.", counted.key.replace('_', " "), counted.meaning)));
    }
    if shown.iter().any(|counted| counted.quantity == quantity::ABORTS.quantity) {
        text.push_str(&paragraph(&format!("{OF_ONE_CALL}: {OF_ONE_CALL_MEANS}.")));
    }
    let signs = signs(counted);
    if !signs.is_empty() {
        text.push_str(&paragraph(&format!("`-`: {}.", signs.join("; or "))));
    }
    let words: Vec<String> =
        answers(counted).iter().map(|(word, means)| format!("`{word}`: {means}")).collect();
    text.push_str(&paragraph(&format!("{RETRIES}: {RETRIES_MEANS}. {}.", words.join("; "))));
    text
}

/// What the numbers rest on.
fn basis(counted: &[Costs], width: usize) -> String {
    let paragraph = |text: &str| wrap(text, width, 4).join("\n") + "\n";
    let vertices = counted.iter().map(|costs| costs.vertices).sum();
    let transitions = counted.iter().map(|costs| costs.transitions).sum();
    let mut text = String::from("\n");
    text.push_str(&paragraph(&format!(
        "All runs were counted, without reductions: {}, {}.",
        count(vertices, "state"),
        count(transitions, "transition")
    )));
    let cut: Vec<String> = counted
        .iter()
        .filter(|costs| !costs.limits_hit.is_empty())
        .map(|costs| {
            let limits: Vec<&str> = costs.limits_hit.iter().map(|limit| limit.name()).collect();
            format!("{} under {} ({})", costs.scenario, costs.design, limits.join(", "))
        })
        .collect();
    if !cut.is_empty() {
        text.push_str(&paragraph(&format!("But for runs that a limit cut: {}.", cut.join(", "))));
    }
    text
}
