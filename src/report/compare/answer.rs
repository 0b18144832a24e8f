//! The answer of a comparison, in at most ten lines of 80 columns, in words that stand alone: what loses data without a check and is
//! saved by which, where the checks differ, where all lose alike, what is not as expected, and the bounds.

use std::collections::BTreeMap;

use stalemap_explore::{LimitHit, collision_probability};
use stalemap_facade::MemoryModel;
use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::count::count;
use stalemap_model::words::design::Design;

use super::words::{named, scenarios};
use crate::check_place::CheckPlace;
use crate::comparison::Comparison;
use crate::comparison::class::Class;
use crate::comparison::matrix::{Likeness, Matrix, Row};
use crate::run::Outcome;
use crate::wrap::fill;

/// The most lines of an answer, where a line has 80 columns or more.
pub const MOST_LINES: usize = 10;
/// The columns of a line that the number of lines is kept for.
pub const COLUMNS: usize = 80;

/// How much an answer names.
#[derive(Clone, Copy)]
struct Brevity {
    /// Names of one list of scenarios.
    scenarios: usize,
    /// Designs or kernels of one sentence.
    columns: usize,
    /// Differences between checks.
    differences: usize,
}

/// What is tried in turn until the answer has few enough lines.
const BREVITIES: [Brevity; 5] = [
    Brevity { scenarios: 3, columns: 12, differences: 4 },
    Brevity { scenarios: 3, columns: 12, differences: 0 },
    Brevity { scenarios: 1, columns: 12, differences: 0 },
    Brevity { scenarios: 0, columns: 6, differences: 0 },
    Brevity { scenarios: 0, columns: 2, differences: 0 },
];

/// What the built-in designs are, in few words.
const MEANINGS: [(&str, &str); 5] = [
    ("none", "no check"),
    ("iomap_valid", "core asks"),
    ("get_folio", "hook asks"),
    ("chinner", "writeback too"),
    ("chinner-cow", "both counters"),
];

/// The lines of the answer.
pub fn lines(comparison: &Comparison<'_>, width: usize) -> Vec<String> {
    let of = |brevity: &Brevity| -> Vec<String> {
        sentences_of(comparison, *brevity).iter().flat_map(|sentence| fill(sentence, width, 2)).collect()
    };
    let fits = BREVITIES.iter().map(of).find(|lines| lines.len() <= MOST_LINES);
    fits.unwrap_or_else(|| BREVITIES.last().map(of).unwrap_or_default())
}

/// The sentences of the answer, as long as they may be on lines of 80 columns.
pub fn sentences(comparison: &Comparison<'_>) -> Vec<String> {
    let lines = |sentences: &Vec<String>| -> usize {
        sentences.iter().map(|sentence| fill(sentence, COLUMNS, 2).len()).sum()
    };
    let mut all = BREVITIES.iter().map(|brevity| sentences_of(comparison, *brevity));
    let fits = all.find(|sentences| lines(sentences) <= MOST_LINES);
    fits.unwrap_or_else(|| BREVITIES.last().map(|least| sentences_of(comparison, *least)).unwrap_or_default())
}

fn sentences_of(comparison: &Comparison<'_>, brevity: Brevity) -> Vec<String> {
    let designs = &comparison.designs;
    let baseline = designs.columns.iter().position(|name| is_unchecked(name));
    let first = match baseline {
        Some(baseline) => Some(without_a_check(designs, baseline, brevity)),
        None => share(designs, "Designs, data lost or exposed", brevity),
    };
    let kernels = if baseline.is_some() { "Kernels lose" } else { "Kernels, data lost or exposed" };
    let parts = [
        Some(question(comparison)),
        first,
        checks_differ(designs, baseline, brevity),
        all_alike(designs),
        share(&comparison.kernels, kernels, brevity),
        Some(format!("{} {}", expected(comparison.outcomes, brevity), bounds(comparison.outcomes, brevity))),
    ];
    parts.into_iter().flatten().collect()
}

fn question(comparison: &Comparison<'_>) -> String {
    let number = scenarios(comparison.scenarios.len());
    let runs = count(comparison.outcomes.len() as u64, "run");
    let classes = || comparison.outcomes.iter().map(Class::of);
    let broken = classes().filter(|class| class.is_broken()).count();
    let open = classes().filter(|class| class.is_open()).count();
    let is_proof = |outcome: &&Outcome| {
        let class = Class::of(outcome);
        !class.is_broken() && !class.is_open()
    };
    let holding = || comparison.outcomes.iter().filter(is_proof);
    let directed = holding().filter(|outcome| is_directed(comparison, outcome)).count();
    let stale = holding().filter(|outcome| outcome.reached.contains(&branches::STALE)).count();
    let directed = if directed == 0 { String::new() } else { format!(", {directed} directed") };
    format!(
        "Which checks keep data that a stale mapping loses? {number}, {runs}: {} hold ({stale} met a stale \
         mapping{directed}); {broken} violate; {open} undecided.",
        holding().count()
    )
}

/// Whether the file holds an actor until the others are done: what it shows is of few runs.
fn is_directed(comparison: &Comparison<'_>, outcome: &Outcome) -> bool {
    comparison
        .scenarios
        .iter()
        .any(|scenario| scenario.name == outcome.scenario && !scenario.holds.is_empty())
}

/// Whether it is a built-in design that never asks.
fn is_unchecked(name: &str) -> bool {
    Design::built_in(name).is_some_and(|design| !design.checks())
}

/// A design's name with what it is.
fn with_meaning(name: &str) -> String {
    let meaning = MEANINGS.iter().find(|(known, _)| *known == name);
    meaning.map_or_else(|| name.to_owned(), |(_, meaning)| format!("{name} ({meaning})"))
}

fn class_of(row: &Row<'_>, column: usize) -> Option<Class> {
    row.cells.get(column).copied().flatten().map(Class::of)
}

/// How many scenarios lose data without a check, and how many of them each check saves: of those designs that were run on most of
/// them, since numbers of few scenarios beside those of many mislead.
fn without_a_check(designs: &Matrix<'_>, baseline: usize, brevity: Brevity) -> String {
    let ran = designs.rows.iter().filter(|row| class_of(row, baseline).is_some()).count();
    let open = designs.rows.iter().filter(|row| class_of(row, baseline).is_some_and(Class::is_open)).count();
    let lost: Vec<&Row<'_>> =
        designs.rows.iter().filter(|row| class_of(row, baseline) == Some(Class::Loses)).collect();
    let ran_by = |column: usize| -> Vec<&Outcome> {
        lost.iter().filter_map(|row| row.cells.get(column).copied().flatten()).collect()
    };
    let columns = designs.columns.iter().enumerate().filter(|(column, _)| *column != baseline);
    let most =
        columns.map(|(column, name)| (name, ran_by(column))).filter(|(_, runs)| 2 * runs.len() > lost.len());
    let saved: Vec<String> =
        most.enumerate().map(|(place, (name, runs))| saved(name, &runs, place)).collect();
    let saved = match &saved[..] {
        [] => ".".to_owned(),
        saved => format!("; of these {}.", named(saved, brevity.columns)),
    };
    let open = if open == 0 { String::new() } else { format!(", {open} undecided") };
    format!(
        "{} loses or exposes data in {} of {}{open}{saved}",
        with_meaning(&designs.columns[baseline]),
        lost.len(),
        ran
    )
}

/// What a check makes of runs that lose data without one; only the first in a row has it in words.
fn saved(name: &str, runs: &[&Outcome], place: usize) -> String {
    let number = |of: &dyn Fn(&Outcome) -> bool| runs.iter().filter(|outcome| of(outcome)).count();
    let holds = number(&|outcome| !Class::of(outcome).is_broken() && !Class::of(outcome).is_open());
    let open = number(&|outcome| Class::of(outcome).is_open());
    let asked = number(&|outcome| Class::of(outcome).is_broken() && outcome.check == CheckPlace::OnPath);
    let away = runs.len() - holds - open - asked;
    let open = if open == 0 { String::new() } else { format!(", {open} undecided") };
    match place {
        0 => format!("{name} saves {holds} of {} ({away} never ask it, {asked} in vain{open})", runs.len()),
        _ => format!("{name} {holds} of {} ({away}, {asked}{open})", runs.len()),
    }
}

/// In how many of the scenarios that all columns were run on each loses data; where there are none, of those of each.
fn share(matrix: &Matrix<'_>, what: &str, brevity: Brevity) -> Option<String> {
    if matrix.columns.is_empty() {
        return None;
    }
    let full: Vec<&Row<'_>> = matrix.rows.iter().filter(|row| row.is_full()).collect();
    let loses = |rows: &[&Row<'_>], column: usize| {
        rows.iter().filter(|row| class_of(row, column) == Some(Class::Loses)).count()
    };
    let open = |rows: &[&Row<'_>], column: usize| match rows
        .iter()
        .filter(|row| class_of(row, column).is_some_and(Class::is_open))
        .count()
    {
        0 => String::new(),
        open => format!(" and {open} undecided"),
    };
    let each = |(column, name): (usize, &String)| {
        let name = name.strip_prefix("linux-").unwrap_or(name);
        if full.is_empty() {
            let rows: Vec<&Row<'_>> =
                matrix.rows.iter().filter(|row| row.cells.get(column).copied().flatten().is_some()).collect();
            format!("{name} {} of {}{}", loses(&rows, column), rows.len(), open(&rows, column))
        } else {
            format!("{name} {}{}", loses(&full, column), open(&full, column))
        }
    };
    let parts: Vec<String> = matrix.columns.iter().enumerate().map(each).collect();
    let within = match (full.len(), matrix.columns.len()) {
        (0, _) => "of those run".to_owned(),
        (number, _) => format!("of {number}"),
    };
    Some(format!("{what}, {within}: {}.", named(&parts, brevity.columns)))
}

/// Where designs that check come to different things.
fn checks_differ(designs: &Matrix<'_>, baseline: Option<usize>, brevity: Brevity) -> Option<String> {
    let mut by: BTreeMap<Vec<usize>, Vec<&str>> = BTreeMap::new();
    let checking: Vec<usize> =
        (0..designs.columns.len()).filter(|column| Some(*column) != baseline).collect();
    if checking.len() < 2 {
        return None;
    }
    let mut compared = false;
    for row in &designs.rows {
        let classes: Vec<(usize, Class)> =
            checking.iter().filter_map(|column| Some((*column, class_of(row, *column)?))).collect();
        let classes: Vec<(usize, Class)> =
            classes.into_iter().filter(|(_, class)| !class.is_open()).collect();
        compared |= classes.len() > 1;
        let differ = classes.iter().any(|(_, class)| Some(class) != classes.first().map(|(_, first)| first));
        if differ {
            let broken = classes.iter().filter(|(_, class)| class.is_broken());
            by.entry(broken.map(|(column, _)| *column).collect()).or_default().push(&row.scenario.name);
        }
    }
    let number: usize = by.values().map(Vec::len).sum();
    if !compared {
        return None;
    }
    if number == 0 {
        return Some("Designs with a check come to the same wherever two were decided.".to_owned());
    }
    if brevity.differences == 0 {
        let names: Vec<&str> = by.values().flatten().copied().collect();
        return Some(format!("The checks differ in {number}: {}.", named(&names, 2)));
    }
    let mut parts: Vec<(&Vec<usize>, &Vec<&str>)> = by.iter().collect();
    parts.sort_by_key(|(_, rows)| rows.len());
    let part = |(broken, rows): &(&Vec<usize>, &Vec<&str>)| {
        let names: Vec<&str> = broken.iter().map(|column| designs.columns[*column].as_str()).collect();
        let rows = named(rows, brevity.scenarios);
        let names = if names.is_empty() { "no check".to_owned() } else { names.join(", ") };
        format!("{names} in {rows}")
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    let more = match parts.len().saturating_sub(brevity.differences) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let shown = parts[..parts.len().min(brevity.differences)].join("; ");
    Some(format!("Designs with a check differ in {number}, broken: {shown}{more}."))
}

/// Where all designs break alike, and whether the check has to do with it.
fn all_alike(designs: &Matrix<'_>) -> Option<String> {
    let broken = designs.rows.iter().filter(|row| row.likeness() == Likeness::Alike);
    let broken: Vec<&Row<'_>> =
        broken.filter(|row| row.outcomes().all(|outcome| Class::of(outcome).is_broken())).collect();
    if broken.is_empty() {
        return None;
    }
    let deceived =
        |row: &&Row<'_>| row.outcomes().any(|outcome| outcome.violated.contains(&properties::UNSOUND_COOKIE));
    let away = |row: &&Row<'_>| {
        row.outcomes().all(|outcome| matches!(outcome.check, CheckPlace::OffPath | CheckPlace::Absent))
    };
    let (deceived, others): (Vec<&Row<'_>>, Vec<&Row<'_>>) = broken.iter().copied().partition(deceived);
    let away = others.iter().filter(|row| away(row)).count();
    Some(format!(
        "In {} designs break alike: the check accepts a wrong mapping in {}, is not asked in {away}, is right in {} \
         (lost for other reasons).",
        broken.len(),
        deceived.len(),
        others.len() - away
    ))
}

/// What is not as expected, what is new, and what is undecided.
fn expected(outcomes: &[Outcome], brevity: Brevity) -> String {
    let named_runs = |wanted: &dyn Fn(&&Outcome) -> bool| -> Vec<String> {
        let runs = outcomes.iter().filter(|outcome| wanted(outcome));
        runs.map(|outcome| format!("{} under {}", outcome.scenario, outcome.design)).collect()
    };
    let wrong = named_runs(&|outcome| outcome.judgement.as_expected == Some(false));
    let new = named_runs(&|outcome| outcome.judgement.expected.is_none());
    let undecided = named_runs(&|outcome| Class::of(outcome) == Class::Undecided);
    let most = brevity.scenarios.max(1);
    let mut parts = Vec::new();
    if wrong.is_empty() {
        let right = outcomes.iter().filter(|outcome| outcome.judgement.as_expected == Some(true)).count();
        match outcomes.len() - right {
            0 => parts.push("All is as the files expect".to_owned()),
            _ => parts.push(format!("{right} verdicts are as their files expect, none is otherwise")),
        }
    } else {
        parts.push(format!("NOT AS EXPECTED {}: {}", wrong.len(), named(&wrong, most)));
    }
    if !new.is_empty() {
        parts.push(format!("{} new, of which the files say nothing: {}", new.len(), named(&new, most)));
    }
    if !undecided.is_empty() {
        parts.push(format!("{} undecided: {}", undecided.len(), named(&undecided, most)));
    }
    parts.join("; ") + "."
}

/// Within which bounds all that is so.
fn bounds(outcomes: &[Outcome], brevity: Brevity) -> String {
    let states: u64 = outcomes.iter().map(|outcome| outcome.statistics.states).sum();
    let limited: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !outcome.limits_hit.is_empty())
        .map(|outcome| format!("{} under {}", outcome.scenario, outcome.design))
        .collect();
    let limits = if limited.is_empty() {
        "no limit reached".to_owned()
    } else {
        let interrupted = |outcome: &Outcome| outcome.limits_hit.contains(&LimitHit::Interrupted);
        let how = if outcomes.iter().any(interrupted) { "stopped in" } else { "a limit reached in" };
        format!("{how} {}", named(&limited, brevity.scenarios.max(1)))
    };
    let memory = match outcomes.first().map_or(MemoryModel::Sequential, |outcome| outcome.memory) {
        MemoryModel::Sequential => "sequentially consistent",
        MemoryModel::Relaxed => "relaxed",
        MemoryModel::Cumulative => "cumulative relaxed",
    };
    let states = count(states, "state");
    format!("Bounds: all interleavings of the files' actors and sizes; {memory} memory; {limits}; {states}.")
}

/// The chance that something was missed because two states have the same fingerprint.
pub fn collisions(outcomes: &[Outcome]) -> String {
    let largest = outcomes.iter().map(|outcome| outcome.statistics.states).max().unwrap_or(0);
    let chance = collision_probability(largest) * outcomes.len() as f64;
    let transitions: u64 = outcomes.iter().map(|outcome| outcome.statistics.transitions).sum();
    format!(
        "{} explored; the chance that a hash collision hid a state is below {chance:.0e}.",
        count(transitions, "transition")
    )
}
