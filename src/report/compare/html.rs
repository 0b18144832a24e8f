//! A comparison as a page: one file that needs nothing else. The answer, a table for designs, for the series and for kernels, and
//! in each cell, a click away, its counterexample or the size of its proof. It is complete without a script; the script hides rows.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::answer::sentences;
use super::words::{cell, scenarios};
use crate::annotate::harmless;
use crate::comparison::Comparison;
use crate::comparison::class::Class;
use crate::comparison::matrix::{Likeness, Matrix, Row};
use crate::report::check;
use crate::run::Outcome;

const STYLE: &str = include_str!("html/compare.css");
const SCRIPT: &str = include_str!("html/compare.js");

/// The page.
pub fn page(comparison: &Comparison<'_>) -> String {
    let mut sentences = sentences(comparison).into_iter();
    let question = sentences.next().unwrap_or_default();
    let heads =
        ["Designs, on the file system of each file", "The January 2023 series, patch by patch", "Kernels"];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content={ "stalemap " (env!("CARGO_PKG_VERSION")) };
                link rel="icon" href="data:,";
                title { "Which designs lose data - stalemap" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (question.trim_end_matches(':')) }
                ul { @for sentence in sentences { li { (harmless(&sentence)) } } }
                (filters())
                @for (matrix, head) in comparison.matrices().into_iter().zip(heads) {
                    @if !matrix.rows.is_empty() { (table(matrix, head)) }
                }
                (own(comparison))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// What the script hides rows by. Without it there is nothing to choose.
fn filters() -> Markup {
    html! {
        form.filters hidden {
            label { "Scenario or words of its title " input type="search" name="words"; }
            label { input type="checkbox" name="differ"; " only what differs" }
            label {
                "comes to "
                select name="class" {
                    option value="" { "anything" }
                    @for class in [Class::Loses, Class::Fails, Class::Undecided, Class::HoldsVacuously, Class::Holds] {
                        option value=(class.name()) { (class.name()) }
                    }
                }
            }
            output name="shown" {}
        }
    }
}

fn table(matrix: &Matrix<'_>, head: &str) -> Markup {
    let differing = matrix.rows.iter().filter(|row| differs(row)).count();
    html! {
        h2 { (head) ": " (differing) " of " (scenarios(matrix.rows.len())) " differ" }
        table {
            thead {
                tr {
                    th scope="col" { "scenario" }
                    @for column in &matrix.columns { th scope="col" { (harmless(column)) } }
                }
            }
            tbody { @for row in &matrix.rows { (line(row)) } }
        }
    }
}

fn differs(row: &Row<'_>) -> bool {
    matches!(row.likeness(), Likeness::Differ | Likeness::BrokenOtherwise)
}

fn line(row: &Row<'_>) -> Markup {
    let mut classes: Vec<&str> = row.outcomes().map(|outcome| Class::of(outcome).name()).collect();
    classes.dedup();
    html! {
        tr data-differs=(differs(row)) data-classes=(classes.join(" ")) {
            th scope="row" { (harmless(&row.scenario.name)) span.title { (harmless(&row.scenario.title)) } }
            @for outcome in &row.cells {
                @match outcome {
                    Some(outcome) => (verdict(outcome)),
                    None => td.empty { "not run" },
                }
            }
        }
    }
}

/// A verdict, and behind it what it rests on.
fn verdict(outcome: &Outcome) -> Markup {
    html! {
        td class=(Class::of(outcome).name()) {
            details {
                summary { (cell(outcome)) @if outcome.judgement.as_expected == Some(false) { strong { " not as expected" } } }
                (basis(outcome))
            }
        }
    }
}

/// The counterexample, step by step, or the size of the proof.
fn basis(outcome: &Outcome) -> Markup {
    let statistics = &outcome.statistics;
    html! {
        p { (harmless(&check::verdict(outcome))) }
        @for reason in &outcome.judgement.reasons { p { (harmless(reason)) } }
        @match &outcome.counterexample {
            Some(shown) => {
                ol { @for step in &shown.schedule.steps { li { (harmless(&step.to_string())) } } }
                @if let Some(idle) = &outcome.idle { p { (harmless(&idle.sentence())) } }
                @if let Some(certified) = check::certified(outcome) { p { (harmless(&certified)) } }
            }
            None => p {
                (statistics.states) " states, " (statistics.transitions) " transitions, " (statistics.final_states)
                " final states; the longest run has " (statistics.max_depth) " steps."
            },
        }
    }
}

/// What files define for themselves, most of it broken on purpose.
fn own(comparison: &Comparison<'_>) -> Markup {
    html! {
        @if !comparison.own.is_empty() {
            h2 { "Designs and kernels that files define themselves, most of them broken on purpose" }
            table {
                thead { tr { th scope="col" { "scenario" } th scope="col" { "under" } th scope="col" { "verdict" } } }
                tbody {
                    @for outcome in &comparison.own {
                        tr data-differs="false" data-classes=(Class::of(outcome).name()) {
                            th scope="row" { (harmless(&outcome.scenario)) }
                            td { (harmless(&outcome.design)) }
                            (verdict(outcome))
                        }
                    }
                }
            }
        }
    }
}
