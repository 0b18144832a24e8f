//! Costs as tables of a page.

use std::fmt::Write as _;

use super::cells::{
    Column, OF_ONE_CALL, RETRIES, by_scenario, cell, columns, in_words, of_one_call, rows, signs,
};
use crate::costs::Costs;
use crate::costs::quantity;

/// A table for each scenario, and what the counts mean.
pub fn tables(counted: &[Costs]) -> String {
    let mut text = String::new();
    for group in by_scenario(counted) {
        let columns = columns(&group);
        let names = columns.iter().map(|column| format!("`{}`", column.designs.join("`, `")));
        let _ = writeln!(text, "## {}\n", group[0].scenario);
        let _ = writeln!(text, "| | {} |", names.collect::<Vec<_>>().join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(columns.len()));
        let mut row = |head: &str, of: &dyn Fn(&Column<'_>) -> String| {
            let cells: Vec<String> = columns.iter().map(of).collect();
            let _ = writeln!(text, "| {head} | {} |", cells.join(" | "));
        };
        let rows = rows(&columns);
        for counted in &rows {
            row(&counted.key.replace('_', " "), &|column| cell(column.costs.of(counted), column.costs));
        }
        if rows.iter().any(|row| row.quantity == quantity::ABORTS.quantity) {
            row(OF_ONE_CALL, &|column| of_one_call(column.costs));
        }
        row(&RETRIES.replace("<=", "&le;"), &|column| in_words(&column.costs.retries));
        text.push('\n');
    }
    text + "## What is counted\n\n" + &legend(counted)
}

/// What the counts mean, as a list.
fn legend(counted: &[Costs]) -> String {
    let item =
        |counted: &quantity::Counted| format!("* *{}*: {}\n", counted.key.replace('_', " "), counted.meaning);
    let signs = signs(counted).into_iter().map(|meaning| format!("* `-`: {meaning}\n"));
    quantity::ALL.iter().map(item).chain(signs).collect()
}
