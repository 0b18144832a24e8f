//! The text of `compare`: the answer first, then the scenarios in which designs or kernels differ, by what differs, and the others
//! in numbers.

pub mod answer;
pub mod csv;
pub mod html;
pub mod json;
pub mod markdown;
pub(crate) mod words;

use std::fmt::Write as _;

use anstyle::Style;

use self::answer::{collisions, lines};
use self::words::{Sign, by_class, cell, columns, scenarios};
use super::check;
use super::style::{BAD, HEAD, styled};
use crate::comparison::Comparison;
use crate::comparison::class::Class;
use crate::comparison::matrix::{Group, Likeness, Matrix, Row};
use crate::run::Outcome;
use crate::wrap::fill;

/// Which rows are written out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rows {
    /// None: the answer alone.
    Nothing,
    /// Those in which something differs; the others in numbers.
    Differing,
    /// All, with what each cell says.
    All,
}

/// The columns that a row's continuation lines begin at.
const INDENT: usize = 6;

/// The whole text, on lines of `width` columns.
pub fn render(comparison: &Comparison<'_>, rows: Rows, width: usize) -> String {
    let mut text = lines(comparison, width).join("\n") + "\n";
    if rows == Rows::Nothing {
        return text;
    }
    text.push_str(&not_as_expected(comparison, width));
    let heads = [
        "Designs, on the file system of each file",
        "The January 2023 series, patch by patch",
        "Kernels, each with its own file systems",
    ];
    for (matrix, head) in comparison.matrices().into_iter().zip(heads) {
        text.push_str(&matrix_text(matrix, head, rows, width));
    }
    text.push_str(&own(comparison, rows, width));
    if rows == Rows::Differing {
        text.push_str(&folded(comparison, width));
    }
    let more = "`stalemap check SCENARIO` draws how, `--between A B` where two part.";
    let legend =
        format!("{}{more} {}", signs(&written_out(comparison, rows)), collisions(comparison.outcomes));
    let _ = write!(text, "\n{}", paragraph(&legend, width, 0));
    text
}

/// The outcomes that have a cell of their own.
fn written_out<'c>(comparison: &Comparison<'c>, rows: Rows) -> Vec<&'c Outcome> {
    if rows == Rows::All {
        return comparison.outcomes.iter().collect();
    }
    let mut outcomes = Vec::new();
    for matrix in comparison.matrices() {
        for group in matrix.groups().iter().filter(|group| group.differs()) {
            let cells = group.rows.iter().flat_map(|row| row.cells.iter().copied().flatten());
            outcomes.extend(cells.filter(|outcome| Class::of(outcome).is_broken()));
        }
    }
    outcomes
}

/// What the signs of cells mean, as far as they occur.
fn signs(outcomes: &[&Outcome]) -> String {
    let meanings = [
        (Sign::Least, "[P]: with P preemptions at least"),
        (Sign::LeastAmong, "[<=P]: with P preemptions at least among the runs within a limit of the file"),
        (Sign::NotKnown, "[?]: with how many preemptions at least is not known"),
        (Sign::States, "(N): every interleaving and every choice explored, N states"),
    ];
    let occurs = |sign: Sign| outcomes.iter().any(|outcome| Sign::of(outcome) == sign);
    let said: Vec<&str> =
        meanings.into_iter().filter(|(sign, _)| occurs(*sign)).map(|(_, meaning)| meaning).collect();
    if said.is_empty() { String::new() } else { format!("{}. ", said.join("; ")) }
}

/// A heading, which may take several lines.
fn heading(style: Style, text: &str, width: usize) -> String {
    let lines = fill(text, width, 2).into_iter().map(|line| styled(style, line) + "\n");
    lines.collect()
}

/// A paragraph, its later lines indented.
fn paragraph(text: &str, width: usize, indent: usize) -> String {
    fill(text, width, indent).join("\n") + "\n"
}

/// What the files expect otherwise, with the reasons.
fn not_as_expected(comparison: &Comparison<'_>, width: usize) -> String {
    let wrong = comparison.outcomes.iter().filter(|outcome| outcome.judgement.as_expected == Some(false));
    let mut text = String::new();
    for outcome in wrong {
        if text.is_empty() {
            let _ = write!(text, "\n{}", heading(BAD, "Not as expected", width));
        }
        let head = format!("{} under {}: {}", outcome.scenario, outcome.design, check::verdict(outcome));
        let _ = write!(text, "  {}", paragraph(&head, width.saturating_sub(2), INDENT));
        for reason in &outcome.judgement.reasons {
            let _ = write!(text, "      {}", paragraph(reason, width.saturating_sub(INDENT), INDENT + 2));
        }
    }
    text
}

/// The groups of a table that are to be written out.
fn matrix_text(matrix: &Matrix<'_>, head: &str, rows: Rows, width: usize) -> String {
    let groups = matrix.groups();
    let shown: Vec<&Group<'_, '_>> =
        groups.iter().filter(|group| rows == Rows::All || group.differs()).collect();
    let mut text = String::new();
    if shown.is_empty() {
        return text;
    }
    let differing: usize = groups.iter().filter(|group| group.differs()).map(|group| group.rows.len()).sum();
    let verb = verb(differing, matrix.rows.len());
    let head = format!("{head}: {differing} of {} {verb}", scenarios(matrix.rows.len()));
    let _ = write!(text, "\n{}", heading(HEAD, &head, width));
    for group in shown {
        let _ = write!(text, "\n{}", group_text(group, matrix, rows, width));
    }
    text
}

/// What so many of all do: `1 of 5 scenarios differs`.
pub(super) fn verb(differing: usize, all: usize) -> &'static str {
    if differing == 1 || all == 1 { "differs" } else { "differ" }
}

fn group_text(group: &Group<'_, '_>, matrix: &Matrix<'_>, rows: Rows, width: usize) -> String {
    let mut text = paragraph(&title(group, matrix), width, 2);
    for row in &group.rows {
        let title = format!("{}: {}", row.scenario.name, row.scenario.title);
        let violated = violated(row, &matrix.columns);
        let said = match (rows, violated.is_empty()) {
            (Rows::All, _) => format!("{title} ({})", cells(row, &matrix.columns)),
            (_, true) => title,
            (_, false) => format!("{title} ({violated})"),
        };
        let _ = write!(text, "  {}", paragraph(&said, width.saturating_sub(2), INDENT));
    }
    text
}

/// What a group has in common.
pub(super) fn title(group: &Group<'_, '_>, matrix: &Matrix<'_>) -> String {
    let by = by_class(&group.by_class(&matrix.columns), &matrix.columns);
    let otherwise = match group.likeness {
        Likeness::BrokenOtherwise => ", not in the same",
        Likeness::Differ | Likeness::Alike | Likeness::Alone => "",
    };
    format!("{by}{otherwise} ({})", scenarios(group.rows.len()))
}

/// What is violated in a row, and under which columns where it is not the same under all that are broken.
pub(super) fn violated(row: &Row<'_>, all: &[String]) -> String {
    let broken = |outcome: &Outcome| Class::of(outcome).is_broken();
    let by = by_cell(row, all, broken);
    match &by[..] {
        [(only, _)] => only.clone(),
        several => joined(several, all),
    }
}

/// What all cells of a row say, those that say the same together.
pub(super) fn cells(row: &Row<'_>, all: &[String]) -> String {
    joined(&by_cell(row, all, |_| true), all)
}

fn joined(by: &[(String, Vec<&str>)], all: &[String]) -> String {
    let part = |(said, names): &(String, Vec<&str>)| format!("{} {said}", columns(names, all));
    by.iter().map(part).collect::<Vec<_>>().join("; ")
}

fn by_cell<'c>(
    row: &Row<'_>,
    all: &'c [String],
    wanted: impl Fn(&Outcome) -> bool,
) -> Vec<(String, Vec<&'c str>)> {
    let mut by: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, outcome) in all.iter().zip(&row.cells) {
        let Some(outcome) = outcome.filter(|outcome| wanted(outcome)) else { continue };
        let said = cell(outcome);
        match by.iter_mut().find(|(known, _)| *known == said) {
            Some((_, names)) => names.push(name),
            None => by.push((said, vec![name])),
        }
    }
    by
}

/// What files define for themselves: all of it, if everything is to be written out.
fn own(comparison: &Comparison<'_>, rows: Rows, width: usize) -> String {
    let mut text = String::new();
    if rows != Rows::All || comparison.own.is_empty() {
        return text;
    }
    let head = "Designs and kernels that files define themselves, most of them broken on purpose";
    let _ = write!(text, "\n{}", heading(HEAD, head, width));
    for outcome in &comparison.own {
        let said = format!("{} under {}: {}", outcome.scenario, outcome.design, cell(outcome));
        let _ = write!(text, "  {}", paragraph(&said, width.saturating_sub(2), INDENT));
    }
    text
}

/// What is not written out, in numbers.
fn folded(comparison: &Comparison<'_>, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for matrix in comparison.matrices() {
        let groups = matrix.groups();
        let mut alike: Vec<&Group<'_, '_>> = groups.iter().filter(|group| !group.differs()).collect();
        alike.sort_by_key(|group| std::cmp::Reverse(group.rows.len()));
        lines.extend(alike.into_iter().map(|group| title(group, matrix)));
    }
    if !comparison.own.is_empty() {
        lines.push(own_in_numbers(&comparison.own));
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}", heading(HEAD, "Alike, or run on one alone: `--all` lists them", width));
    for line in lines {
        let _ = write!(text, "  {}", paragraph(&line, width.saturating_sub(2), INDENT));
    }
    text
}

/// How many of the runs under what files define came to what.
pub(super) fn own_in_numbers(own: &[&Outcome]) -> String {
    let mut by: Vec<(Class, usize)> = Vec::new();
    for outcome in own {
        let class = Class::of(outcome);
        match by.iter_mut().find(|(known, _)| *known == class) {
            Some((_, number)) => *number += 1,
            None => by.push((class, 1)),
        }
    }
    by.sort_unstable_by_key(|(class, _)| *class);
    let part = |(class, number): &(Class, usize)| format!("{number} {}", class.verb(*number));
    let parts: Vec<String> = by.iter().map(part).collect();
    format!("of {} designs and kernels that files define themselves, {}", own.len(), parts.join(", "))
}
