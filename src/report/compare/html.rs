//! A comparison as a page: one file that needs nothing else. The answer, a table for designs, for the series and for kernels, and
//! in each cell, a click away, its counterexample, drawn, or the size of its proof. It is complete without a script; the script
//! hides rows.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::answer::sentences;
use super::verb;
use super::words::{cell, scenarios};
use crate::annotate::harmless;
use crate::comparison::Comparison;
use crate::comparison::class::Class;
use crate::comparison::matrix::{Likeness, Matrix, Row};
use crate::report::check;
use crate::report::page::document;
use crate::report::timeline::Drawing;
use crate::run::Outcome;

const STYLE: &str = include_str!("html/compare.css");
const SCRIPT: &str = include_str!("html/compare.js");

/// What there is to show of counterexamples, by the [`key`] of the outcome.
pub type Drawings<'o> = BTreeMap<(&'o str, &'o str), Drawing>;

/// The scenario, and what it was run under.
pub fn key(outcome: &Outcome) -> (&str, &str) {
    (&outcome.scenario, &outcome.design)
}

/// The page.
pub fn page(comparison: &Comparison<'_>, drawings: &Drawings<'_>) -> String {
    let sentences = sentences(comparison);
    let (first, others) =
        sentences.split_first().map_or(("", &[][..]), |(first, others)| (first.as_str(), others));
    let (question, found) = first.split_once("? ").unwrap_or((first, ""));
    let heads =
        ["Designs, on the file system of each file", "The January 2023 series, patch by patch", "Kernels"];
    let body = html! {
        main {
            h1 { (question) "?" }
            p { (harmless(found)) }
            ul { @for sentence in others { li { (harmless(sentence)) } } }
            (legend())
            (filters())
            @for (matrix, head) in comparison.matrices().into_iter().zip(heads) {
                @if !matrix.rows.is_empty() { (table(matrix, head, drawings)) }
            }
            (own(comparison, drawings))
        }
    };
    document("Which designs lose data", STYLE, &body, SCRIPT)
}

/// How a cell is to be read.
fn legend() -> Markup {
    html! {
        details.legend {
            summary { "How to read a cell" }
            dl {
                dt { "lost-write [1]" }
                dd { "violates: the worst property that some run violates, and the least number of preemptions that it takes" }
                dt { "lost-write [<=1]" }
                dd { "no run with fewer is known; a limit cut others that might have been" }
                dt { "holds (485)" }
                dd { "proved over all interleavings: 485 states were visited, and none violates a property" }
                dt { "holds vacuously (485)" }
                dd { "the same, but no run met what the file wants to see met, so it is no proof of the check" }
                dt { "incomplete (485)" }
                dd { "a limit was reached after so many states; none of these violates a property" }
                dt { "not run" }
                dd { "the file expects nothing of it, or the release has no such file system or command" }
            }
            p { "A cell opens: it has the counterexample, or the size of the proof." }
        }
    }
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

fn table(matrix: &Matrix<'_>, head: &str, drawings: &Drawings<'_>) -> Markup {
    let differing = matrix.rows.iter().filter(|row| differs(row)).count();
    html! {
        h2 { (head) ": " (differing) " of " (scenarios(matrix.rows.len())) " " (verb(differing, matrix.rows.len())) }
        div.scrolls tabindex="0" role="region" aria-label=(head) {
            table {
                thead {
                    tr {
                        th scope="col" { "scenario" }
                        @for column in &matrix.columns { th scope="col" { (harmless(column)) } }
                    }
                }
                tbody { @for row in &matrix.rows { (line(row, drawings)) } }
            }
        }
    }
}

fn differs(row: &Row<'_>) -> bool {
    matches!(row.likeness(), Likeness::Differ | Likeness::BrokenOtherwise)
}

fn line(row: &Row<'_>, drawings: &Drawings<'_>) -> Markup {
    let mut classes: Vec<&str> = row.outcomes().map(|outcome| Class::of(outcome).name()).collect();
    classes.dedup();
    html! {
        tr data-differs=(differs(row)) data-classes=(classes.join(" ")) {
            th scope="row" { (harmless(&row.scenario.name)) span.title { (harmless(&row.scenario.title)) } }
            @for outcome in &row.cells {
                @match outcome {
                    Some(outcome) => (verdict(outcome, drawings)),
                    None => td.empty { "not run" },
                }
            }
        }
    }
}

/// A verdict, and behind it what it rests on.
fn verdict(outcome: &Outcome, drawings: &Drawings<'_>) -> Markup {
    html! {
        td class=(Class::of(outcome).name()) {
            details {
                summary { (cell(outcome)) @if outcome.judgement.as_expected == Some(false) { strong { " not as expected" } } }
                (basis(outcome, drawings))
            }
        }
    }
}

/// The counterexample, or the size of the proof.
fn basis(outcome: &Outcome, drawings: &Drawings<'_>) -> Markup {
    let statistics = &outcome.statistics;
    html! {
        p { (harmless(&check::verdict(outcome))) }
        @for reason in &outcome.judgement.reasons { p { (harmless(reason)) } }
        @match drawings.get(&key(outcome)) {
            Some(Drawing::Drawn(drawing)) => pre { (drawing) },
            Some(Drawing::SameAs(first)) => p { "The same run as under " (harmless(first)) ", step by step." },
            Some(Drawing::Nothing) | None => p {
                (statistics.states) " states, " (statistics.transitions) " transitions, " (statistics.final_states)
                " final states; the longest run has " (statistics.max_depth) " steps."
            },
        }
    }
}

/// What files define for themselves, most of it broken on purpose.
fn own(comparison: &Comparison<'_>, drawings: &Drawings<'_>) -> Markup {
    html! {
        @if !comparison.own.is_empty() {
            h2 { "Designs and kernels that files define themselves, most of them broken on purpose" }
            div.scrolls tabindex="0" role="region" aria-label="designs and kernels of files" {
                table {
                    thead { tr { th scope="col" { "scenario" } th scope="col" { "under" } th scope="col" { "verdict" } } }
                    tbody {
                        @for outcome in &comparison.own {
                            tr data-differs="false" data-classes=(Class::of(outcome).name()) {
                                th scope="row" { (harmless(&outcome.scenario)) }
                                td { (harmless(&outcome.design)) }
                                (verdict(outcome, drawings))
                            }
                        }
                    }
                }
            }
        }
    }
}
