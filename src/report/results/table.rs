//! Results of the lab as a table: a row for each scenario and check, a column for each kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;

/// A line of `lab run --format jsonl`, as far as the table needs it.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    scenario: String,
    kernel: String,
    design: Option<String>,
    property: Option<String>,
    mode: String,
    result: String,
    #[serde(default)]
    tells: bool,
    /// Bytes, behind folios that make a batch full.
    #[serde(default)]
    moved_up: u64,
    rounds: Option<u64>,
    rounds_as_predicted: Option<u64>,
}

/// What runs of one scenario on one kernel came to.
#[derive(Clone, Debug, Default)]
struct Cell {
    forced: Option<String>,
    control: Option<String>,
    /// Rounds that came as predicted, of all.
    natural: (u64, u64),
}

/// A line that is no result.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: not a result of `lab run --format jsonl`: {error}")]
pub struct TableError {
    /// Which, from 1.
    line: usize,
    /// Why.
    error: serde_json::Error,
}

/// The table of results, in Markdown. Of several runs of the same, the last one counts; rounds of loops are added up.
pub fn markdown(results: &str) -> Result<String, TableError> {
    let mut kernels = BTreeSet::new();
    let mut rows: BTreeMap<(String, String), (String, BTreeMap<String, Cell>)> = BTreeMap::new();
    for (number, text) in results.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line: Line =
            serde_json::from_str(text).map_err(|error| TableError { line: number + 1, error })?;
        let kernel = line.kernel.clone();
        kernels.insert(kernel.clone());
        let mut check = line.design.clone().unwrap_or_else(|| "its own".to_owned());
        if line.moved_up > 0 {
            check.push_str(", behind a full batch");
        }
        let key = (line.scenario.clone(), check);
        let row = rows.entry(key).or_default();
        row.0 = line.property.clone().unwrap_or_default();
        enter(row.1.entry(kernel).or_default(), &line);
    }
    let mut kernels: Vec<String> = kernels.into_iter().collect();
    kernels
        .sort_by_key(|kernel| kernel.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>());
    let mut text = format!(
        "| scenario | check | property | {} |\n|---|---|---|{}\n",
        kernels.join(" | "),
        "---|".repeat(kernels.len())
    );
    for ((scenario, check), (property, cells)) in &rows {
        let cells = kernels.iter().map(|kernel| cells.get(kernel).map_or_else(|| "–".to_owned(), in_words));
        let cells: Vec<String> = cells.collect();
        let _ = writeln!(text, "| {scenario} | {check} | {property} | {} |", cells.join(" | "));
    }
    Ok(text)
}

fn enter(cell: &mut Cell, line: &Line) {
    match line.mode.as_str() {
        "forced" => cell.forced = Some(result(line)),
        "control" => cell.control = Some(line.result.clone()),
        _ => {
            cell.natural.0 += line.rounds_as_predicted.unwrap_or(0);
            cell.natural.1 += line.rounds.unwrap_or(0);
        }
    }
}

/// What a forced run came to. Where the schedule leaves the bytes of the control, that is what was seen.
fn result(line: &Line) -> String {
    match (line.result.as_str(), line.tells) {
        ("as predicted", false) => "as predicted, as the control".to_owned(),
        (result, _) => result.to_owned(),
    }
}

fn in_words(cell: &Cell) -> String {
    let mut words = Vec::new();
    words.extend(cell.forced.clone());
    words.extend(
        cell.control
            .as_ref()
            .filter(|control| *control != "as the control")
            .map(|control| format!("control: {control}")),
    );
    if cell.natural.1 > 0 {
        words.push(format!("{} of {} rounds", cell.natural.0, cell.natural.1));
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_one_scenario_are_one_row() {
        let line = |kernel: &str, mode: &str, result: &str| {
            format!(
                "{{\"scenario\":\"xfs/a\",\"kernel\":\"{kernel}\",\"design\":null,\"property\":\"lost-write\",\"mode\":\"{mode}\",\"result\":\"{result}\",\"tells\":true,\"rounds\":null,\"rounds_as_predicted\":null}}"
            )
        };
        let lines = [
            line("6.12.118", "forced", "as predicted"),
            line("6.12.118", "control", "as the control"),
            line("6.1.192", "forced", "as the control"),
        ];
        let expected = "| scenario | check | property | 6.1.192 | 6.12.118 |\n|---|---|---|---|---|\n\
                        | xfs/a | its own | lost-write | as the control | as predicted |\n";
        assert_eq!(markdown(&lines.join("\n")).unwrap(), expected);
        assert_eq!(markdown("\n{}").unwrap_err().line, 2);
    }
}
