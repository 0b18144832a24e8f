//! Results of the lab as a table: a row for each scenario and check, a column for each kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;

use super::SCHEMA;

/// A line of `lab run --format jsonl`, as far as the table needs it.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    schema: String,
    scenario: String,
    kernel: String,
    design: Option<String>,
    property: Option<String>,
    mode: String,
    result: String,
    #[serde(default)]
    tells: bool,
    #[serde(default)]
    lost_in_control: bool,
    /// Bytes, behind folios that make a batch full.
    #[serde(default)]
    moved_up: u64,
    rounds: Option<u64>,
    rounds_as_predicted: Option<u64>,
    places_of_round: Option<u64>,
    places: Option<u64>,
    places_as_predicted: Option<u64>,
}

/// What runs of one scenario on one kernel came to.
#[derive(Clone, Debug, Default)]
struct Cell {
    forced: Option<String>,
    control: Option<String>,
    /// Loops, by the places of a round.
    natural: BTreeMap<u64, Natural>,
}

/// What came as predicted, of all.
#[derive(Clone, Copy, Debug, Default)]
struct Natural {
    rounds: (u64, u64),
    places: (u64, u64),
}

/// What is no result.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A line.
    #[error("line {line}: not a result of `lab run --format jsonl`: {problem}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// Why.
        problem: String,
    },
    /// There are no lines.
    #[error("there are no results in it")]
    Empty,
}

/// The results that a line may have.
const RESULTS: [&str; 5] =
    ["as predicted", "as the control", "other bytes", "order not reached", "no result"];

/// Reads a line.
fn read(line: usize, text: &str) -> Result<Line, TableError> {
    let bad = |problem: String| TableError::Line { line, problem };
    let read: Line = serde_json::from_str(text).map_err(|error| {
        bad(if error.is_eof() { "it is cut off".to_owned() } else { without_place(&error) })
    })?;
    if read.schema != SCHEMA {
        return Err(bad(format!("its schema is {}, expected {SCHEMA}", read.schema)));
    }
    if !RESULTS.contains(&read.result.as_str()) {
        return Err(bad(format!("there is no result `{}`; there are {}", read.result, RESULTS.join(", "))));
    }
    Ok(read)
}

/// An error of JSON, without the line: each is one of its own.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

/// The table of results, in Markdown. Of several runs of the same, the last one counts; rounds of loops are added up.
pub fn markdown(results: &str) -> Result<String, TableError> {
    let mut kernels = BTreeSet::new();
    let mut rows: BTreeMap<(String, String), (String, BTreeMap<String, Cell>)> = BTreeMap::new();
    for (number, text) in results.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line = read(number + 1, text)?;
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
    if rows.is_empty() {
        return Err(TableError::Empty);
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
            // Older results have one place, and do not say so.
            let natural = cell.natural.entry(line.places_of_round.unwrap_or(1)).or_default();
            natural.rounds.0 += line.rounds_as_predicted.unwrap_or(0);
            natural.rounds.1 += line.rounds.unwrap_or(0);
            natural.places.0 += line.places_as_predicted.unwrap_or(0);
            natural.places.1 += line.places.unwrap_or(0);
        }
    }
}

/// What a forced run came to. Where the schedule leaves the bytes of the control, that is what was seen.
fn result(line: &Line) -> String {
    match (line.result.as_str(), line.tells, line.lost_in_control) {
        ("as predicted", false, true) => "as predicted, in any order".to_owned(),
        ("as predicted", false, false) => "as predicted, as the control".to_owned(),
        (result, _, _) => result.to_owned(),
    }
}

fn in_words(cell: &Cell) -> String {
    let mut words = Vec::new();
    words.extend(cell.forced.clone());
    words.extend(
        cell.control
            .as_ref()
            .filter(|control| {
                cell.forced.is_none() && cell.natural.is_empty() || *control != "as the control"
            })
            .map(|control| format!("control: {control}")),
    );
    for (places, natural) in cell.natural.iter().filter(|(_, natural)| natural.rounds.1 > 0) {
        let ((rounds, of_rounds), (bad, of_places)) = (natural.rounds, natural.places);
        words.push(match places {
            1 => format!("{rounds} of {of_rounds} rounds"),
            _ => format!("{rounds} of {of_rounds} rounds of {places} places ({bad} of {of_places} places)"),
        });
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
                "{{\"schema\":\"stalemap.lab/1\",\"scenario\":\"xfs/a\",\"kernel\":\"{kernel}\",\"design\":null,\"property\":\"lost-write\",\"mode\":\"{mode}\",\"result\":\"{result}\",\"tells\":true,\"rounds\":null,\"rounds_as_predicted\":null}}"
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
    }

    #[test]
    fn what_is_no_result_is_told_by_line() {
        let told = |text: &str| markdown(text).unwrap_err().to_string();
        let whole = "{\"schema\":\"stalemap.lab/1\",\"scenario\":\"xfs/a\",\"kernel\":\"6.1.192\",\"design\":null,\"property\":null,\"mode\":\"forced\",\"result\":\"as predicted\"}";
        assert_eq!(told(""), "there are no results in it");
        assert!(
            told("\n{}").starts_with("line 2: ") && told("\n{}").contains("missing field"),
            "{}",
            told("\n{}")
        );
        assert!(told(&whole[..40]).ends_with("it is cut off"));
        assert!(told(&whole.replace("lab/1", "lab/9")).contains("its schema is stalemap.lab/9"));
        assert!(told(&whole.replace("as predicted", "fine")).contains("there is no result `fine`"));
        assert!(
            markdown(&whole.replace("forced", "control")).unwrap().ends_with("| control: as predicted |\n")
        );
    }

    #[test]
    fn loops_are_added_up_by_the_places_of_a_round() {
        let line = |rounds: &str| {
            format!(
                "{{\"schema\":\"stalemap.lab/1\",\"scenario\":\"xfs/a\",\"kernel\":\"6.12.118\",\"property\":\"lost-write\",\"mode\":\"natural\",\"result\":\"other bytes\",{rounds}}}"
            )
        };
        let small = line("\"rounds\":300,\"rounds_as_predicted\":2");
        let large = line(
            "\"rounds\":10,\"rounds_as_predicted\":4,\"places_of_round\":100,\"places\":1000,\"places_as_predicted\":9",
        );
        let table = markdown(&[&small[..], &large, &large].join("\n")).unwrap();
        let cell = "2 of 300 rounds; 8 of 20 rounds of 100 places (18 of 2000 places)";
        assert_eq!(table.lines().last(), Some(&*format!("| xfs/a | its own | lost-write | {cell} |")));
    }
}
