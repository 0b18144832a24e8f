//! The text of `compare`: one table, scenarios down, designs across, and what it proves.

use stalemap_model::judge::properties;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};
use stalemap_explore::collision_probability;
use stalemap_facade::MemoryModel;
use stalemap_model::words::count::count;

use super::check::names;
use crate::run::Outcome;
use crate::scenario::{Scenario, implementations};
use crate::verdict::Verdict;

/// How the designs after each patch of the January 2023 series are called.
const SERIES: &str = "series-";

/// The table, the designs that files define themselves, and the closing statement.
pub fn render(scenarios: &[Scenario], outcomes: &[Outcome], color: bool) -> String {
    let across = across(outcomes);
    // Eleven columns would say the same most of the time: what matters is at which patch the verdict changes.
    let (series, others): (Vec<String>, Vec<String>) =
        across.iter().cloned().partition(|design| design.starts_with(SERIES));
    let mut text = String::new();
    if !others.is_empty() || series.is_empty() {
        let _ = writeln!(text, "{}", table(scenarios, outcomes, &others, color));
    }
    if !series.is_empty() {
        let head = "The patches of the January 2023 series, one after the other:";
        let _ = write!(text, "\n{head}\n\n{}\n", series_table(scenarios, outcomes, &series, color));
    }
    let own: Vec<&Outcome> = outcomes.iter().filter(|outcome| !across.contains(&outcome.design)).collect();
    if !own.is_empty() {
        let head = "Designs and kernels that the files define themselves, most of them broken on purpose:";
        let _ = write!(
            text,
            "
{head}

{}
",
            own_table(&own, color)
        );
    }
    text.push_str(&statement(outcomes, &across));
    text
}

/// What gets a column: built-in designs in the order of their history, and kernels by their age.
fn across(outcomes: &[Outcome]) -> Vec<String> {
    let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
    for outcome in outcomes {
        *runs.entry(&outcome.design).or_default() += 1;
    }
    implementations::built_in_names().filter(|name| runs.contains_key(name)).map(str::to_owned).collect()
}

pub(super) fn new_table(color: bool) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn table(scenarios: &[Scenario], outcomes: &[Outcome], across: &[String], color: bool) -> String {
    let mut table = new_table(color);
    let head = std::iter::once("scenario").chain(across.iter().map(String::as_str));
    table.set_header(head.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    for scenario in scenarios {
        let of = |design: &String| {
            outcomes.iter().find(|outcome| outcome.scenario == scenario.name && outcome.design == *design)
        };
        if across.iter().all(|design| of(design).is_none()) {
            continue;
        }
        let cells = across.iter().map(|design| of(design).map_or_else(|| Cell::new("."), cell));
        table.add_row(std::iter::once(Cell::new(&scenario.name)).chain(cells));
    }
    table.trim_fmt()
}

/// Per scenario the verdicts along the series, each with the patches after which it is so.
fn series_table(scenarios: &[Scenario], outcomes: &[Outcome], series: &[String], color: bool) -> String {
    let mut table = new_table(color);
    table.set_header(
        ["scenario", "patches", "verdict"].map(|name| Cell::new(name).add_attribute(Attribute::Bold)),
    );
    for scenario in scenarios {
        let of = |design: &String| {
            outcomes.iter().find(|outcome| outcome.scenario == scenario.name && outcome.design == *design)
        };
        let runs: Vec<&Outcome> = series.iter().filter_map(of).collect();
        let same = |a: &&Outcome, b: &&Outcome| cell(a).content() == cell(b).content();
        for (number, group) in runs.chunk_by(same).enumerate() {
            let patch = |outcome: &Outcome| outcome.design[SERIES.len()..].to_owned();
            let patches = match group {
                [first, .., last] => format!("{}-{}", patch(first), patch(last)),
                _ => group.iter().map(|only| patch(only)).collect(),
            };
            let name = if number == 0 { scenario.name.as_str() } else { "" };
            table.add_row([Cell::new(name), Cell::new(patches), cell(group[0])]);
        }
    }
    table.trim_fmt()
}

fn own_table(outcomes: &[&Outcome], color: bool) -> String {
    let mut table = new_table(color);
    table.set_header(
        ["scenario", "design", "verdict"].map(|name| Cell::new(name).add_attribute(Attribute::Bold)),
    );
    for outcome in outcomes {
        table.add_row([Cell::new(&outcome.scenario), Cell::new(&outcome.design), cell(outcome)]);
    }
    table.trim_fmt()
}

/// A verdict, with the least number of preemptions or the number of states.
fn cell(outcome: &Outcome) -> Cell {
    let (text, color) = match (outcome.verdict, &outcome.counterexample) {
        (Verdict::Holds, _) if outcome.judgement.vacuous => {
            (format!("holds vacuously ({})", outcome.statistics.states), Color::Yellow)
        }
        (Verdict::Holds, _) => (format!("holds ({})", outcome.statistics.states), Color::Green),
        (Verdict::FoundNone, _) => (format!("found none ({})", outcome.statistics.executions), Color::Yellow),
        (Verdict::Incomplete, _) => (format!("incomplete ({})", outcome.statistics.states), Color::Yellow),
        (Verdict::Violates, shown) => {
            let worst = outcome.violated.first().map_or("", |property| property.name());
            let cost = match shown {
                Some(shown) if shown.counterexample.certified => {
                    let bounded = if shown.among.is_some() { "<=" } else { "" };
                    format!(" [{bounded}{}]", shown.counterexample.preemptions)
                }
                _ => " [?]".to_owned(),
            };
            (format!("{worst}{cost}"), Color::Red)
        }
    };
    let surprise = if outcome.judgement.as_expected == Some(false) { "  NOT AS EXPECTED" } else { "" };
    Cell::new(format!("{text}{surprise}")).fg(color)
}

/// What the table proves, and within which bounds.
fn statement(outcomes: &[Outcome], across: &[String]) -> String {
    let mut text = String::from(
        "\nholds (N): every interleaving and every choice was explored, N distinct states, none violates a property.\n\
         PROPERTY [P]: violated, with P preemptions at least; `stalemap check SCENARIO` shows how. `.`: not asked.\n\n",
    );
    let bounded =
        |outcome: &Outcome| outcome.counterexample.as_ref().is_some_and(|shown| shown.among.is_some());
    if outcomes.iter().any(bounded) {
        text.push_str(
            "[<=P]: at least P among the runs within a limit of the file, and perhaps fewer beyond it.\n\n",
        );
    }
    for design in across {
        let runs: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.design == *design).collect();
        let holds = runs.iter().filter(|o| o.verdict == Verdict::Holds && !o.judgement.vacuous).count();
        let incomplete = runs.iter().filter(|o| o.verdict == Verdict::Incomplete).count();
        let mut lost: Vec<_> = runs
            .iter()
            .flat_map(|o| o.violated.iter().copied())
            .filter(|p| !properties::explains(*p))
            .collect();
        lost.sort_unstable();
        lost.dedup();
        let violates = runs.iter().filter(|o| o.verdict == Verdict::Violates).count();
        let mut parts = vec![format!("holds in {holds} of {}", count(runs.len() as u64, "scenario"))];
        if violates > 0 {
            parts.push(format!("is broken in {violates} ({})", names(&lost)));
        }
        if incomplete > 0 {
            parts.push(format!("is undecided in {incomplete}"));
        }
        let _ = writeln!(text, "{design} {}.", parts.join(", "));
    }
    let states: u64 = outcomes.iter().map(|outcome| outcome.statistics.states).sum();
    let transitions: u64 = outcomes.iter().map(|outcome| outcome.statistics.transitions).sum();
    let largest = outcomes.iter().map(|outcome| outcome.statistics.states).max().unwrap_or(0);
    let limited: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.limits_hit.is_empty()).collect();
    let bounds = if limited.is_empty() {
        "no limit was reached".to_owned()
    } else {
        let names: Vec<String> =
            limited.iter().map(|o| format!("{} under {}", o.scenario, o.design)).collect();
        format!("a limit was reached in {}", names.join(", "))
    };
    let memory = match outcomes.first().map_or(MemoryModel::Sequential, |outcome| outcome.memory) {
        MemoryModel::Sequential => "sequentially consistent",
        MemoryModel::Relaxed => "relaxed",
        MemoryModel::Cumulative => "relaxed, with cumulative releases,",
    };
    let _ = writeln!(
        text,
        "Bounds: the actors, commands and file sizes of the scenarios, {memory} memory; {bounds}. \
         {} and {} explored; the chance that a hash collision hid a state is below {:.0e}.",
        count(states, "state"),
        count(transitions, "transition"),
        collision_probability(largest) * outcomes.len() as f64
    );
    text
}
