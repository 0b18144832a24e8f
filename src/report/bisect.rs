//! At which change of a row of designs or kernels verdicts change, in sentences.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stalemap_facade::Property;
use stalemap_model::words::count::count;
use stalemap_model::words::kernel_version::KernelVersion;

use super::compare::words::{cell, named};
use super::json::pretty;
use crate::bisect::{Change, Course, Does};
use crate::comparison::SERIES;
use crate::wrap::fill;

/// How many scenarios a sentence names.
const SHOWN: usize = 4;

/// The text, on lines of `width` columns: the answer, and the scenarios in which something changes.
pub fn render(names: &[&str], courses: &[Course<'_>], left_out: &[String], width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for course in courses.iter().filter(|course| !course.changes().is_empty()) {
        lines.push(String::new());
        lines.extend(fill(&format!("{}: {}", course.scenario.name, course.scenario.title), width, 6));
        lines.extend(
            fill(&sentence(course), width.saturating_sub(2), 4).iter().map(|line| format!("  {line}")),
        );
    }
    let lines: Vec<String> = lines.into_iter().map(|line| line + "\n").collect();
    answer(names, courses, left_out, width) + &lines.concat()
}

/// What each change of the row does, on lines of `width` columns.
pub fn answer(names: &[&str], courses: &[Course<'_>], left_out: &[String], width: usize) -> String {
    let (Some(first), Some(last)) = (names.first(), names.last()) else { return String::new() };
    let scenarios = count(courses.len() as u64, "scenario");
    let mut sentences =
        vec![format!("Which change between {first} and {last} changes a verdict? {scenarios}:")];
    let idle = idle(names, courses);
    if !idle.is_empty() {
        let verb = if idle.len() == 1 { "changes" } else { "change" };
        sentences.push(format!("{} {verb} no field of the model, and so no verdict.", labels(&idle)));
    }
    let without_effect = without_effect(names, courses);
    if !without_effect.is_empty() {
        let verb = if without_effect.len() == 1 { "changes" } else { "change" };
        sentences.push(format!("{} {verb} fields of the model, and no verdict.", labels(&without_effect)));
    }
    sentences.extend(names.iter().skip(1).filter_map(|name| of_change(name, courses)));
    sentences.push(unchanged(courses));
    sentences.extend(read_as(names));
    if !left_out.is_empty() {
        let number = left_out.len();
        sentences.push(format!(
            "{number} left out, which cannot run under all of them: {}.",
            named(left_out, SHOWN)
        ));
    }
    let lines: Vec<String> = sentences.iter().flat_map(|sentence| fill(sentence, width, 2)).collect();
    lines.join("\n") + "\n"
}

/// Of releases, which point of them is meant: what was taken into it by then counts as its own.
fn read_as(names: &[&str]) -> Option<String> {
    let releases: Option<Vec<String>> = names
        .iter()
        .map(|name| {
            KernelVersion::from_name(name).map(|kernel| format!("{name} is {}", kernel.facts().version))
        })
        .collect();
    Some(format!("{}, with what was taken into that.", releases?.join(", ")))
}

/// The names at which fields change, and the verdict of no scenario.
fn without_effect<'n>(names: &[&'n str], courses: &[Course<'_>]) -> Vec<&'n str> {
    let idle = idle(names, courses);
    let has_effect = |name: &str| courses.iter().flat_map(Course::changes).any(|change| change.at == name);
    let names = names.iter().skip(1).copied();
    names.filter(|name| !courses.is_empty() && !idle.contains(name) && !has_effect(name)).collect()
}

/// The names that are the same as the one before them, in every scenario.
fn idle<'n>(names: &[&'n str], courses: &[Course<'_>]) -> Vec<&'n str> {
    let firsts: BTreeSet<&str> = courses
        .iter()
        .flat_map(|course| &course.parts)
        .filter_map(|(names, _)| names.first().map(String::as_str))
        .collect();
    let idle = names.iter().skip(1).copied().filter(|name| !firsts.contains(name));
    if courses.is_empty() { Vec::new() } else { idle.collect() }
}

/// What the change to a name is called: `patch 02`.
fn label(name: &str) -> String {
    name.strip_prefix(SERIES).map_or_else(|| name.to_owned(), |patch| format!("patch {patch}"))
}

fn labels(names: &[&str]) -> String {
    let patches: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(SERIES)).collect();
    if patches.len() == names.len() && patches.len() > 1 {
        return format!("Patches {}", patches.join(", "));
    }
    names.iter().map(|name| at_the_beginning(name)).collect::<Vec<_>>().join(", ")
}

/// The same where a sentence begins with it; names stay as they are.
fn at_the_beginning(name: &str) -> String {
    name.strip_prefix(SERIES).map_or_else(|| name.to_owned(), |patch| format!("Patch {patch}"))
}

/// What one change does in all scenarios: `Patch 02 repairs 1 (gfs2/t6) and breaks 1 (xfs/t1).`
fn of_change(name: &str, courses: &[Course<'_>]) -> Option<String> {
    let mut by: Vec<(&str, Vec<&str>)> =
        ["breaks", "repairs", "changes", "leaves undecided"].map(|verb| (verb, Vec::new())).to_vec();
    for course in courses {
        for change in course.changes().iter().filter(|change| change.at == name) {
            let verb = verb(&change.does);
            if let Some((_, scenarios)) = by.iter_mut().find(|(known, _)| *known == verb) {
                scenarios.push(&course.scenario.name);
            }
        }
    }
    by.retain(|(_, scenarios)| !scenarios.is_empty());
    let part = |(verb, scenarios): &(&str, Vec<&str>)| {
        format!("{verb} {} ({})", scenarios.len(), named(scenarios, SHOWN))
    };
    let parts: Vec<String> = by.iter().map(part).collect();
    (!parts.is_empty()).then(|| format!("{} {}.", at_the_beginning(name), parts.join(" and ")))
}

fn verb(does: &Does) -> &'static str {
    match does {
        Does::Breaks => "breaks",
        Does::Repairs => "repairs",
        Does::Changes { .. } => "changes",
        Does::Unknown => "leaves undecided",
    }
}

/// How many scenarios nothing changes.
fn unchanged(courses: &[Course<'_>]) -> String {
    let still: Vec<&Course<'_>> = courses.iter().filter(|course| course.changes().is_empty()).collect();
    let undecided = still.iter().filter(|course| !course.is_decided()).count();
    let broken = still.iter().filter(|course| course.is_decided() && course.is_broken()).count();
    let holding = still.len() - undecided - broken;
    let undecided = if undecided == 0 { String::new() } else { format!(", {undecided} are undecided") };
    format!("{holding} hold and {broken} are broken all along{undecided}.")
}

/// The way of one scenario: `holds under series-00; patch 01 breaks it (livelock [1]); patch 08 repairs it.`
pub fn sentence(course: &Course<'_>) -> String {
    let Some((names, first)) = course.parts.first() else { return String::new() };
    let start = names.first().map_or("", String::as_str);
    let mut parts = vec![format!("{} under {start}", cell(first))];
    parts.extend(course.changes().iter().map(clause));
    parts.join("; ") + "."
}

fn clause(change: &Change<'_>) -> String {
    let by = label(change.at);
    let list = |properties: &[Property]| {
        properties.iter().map(|property| property.name()).collect::<Vec<_>>().join(", ")
    };
    match &change.does {
        Does::Breaks => format!("{by} breaks it: {}", cell(change.outcome)),
        Does::Repairs => format!("{by} repairs it"),
        Does::Unknown => format!("{by}: undecided before or after it"),
        Does::Changes { ended, added } => match (ended.is_empty(), added.is_empty()) {
            (false, true) => format!("{by} ends {}", list(ended)),
            (true, _) => format!("{by} adds {}", list(added)),
            (false, false) => format!("{by} ends {} and adds {}", list(ended), list(added)),
        },
    }
}

/// The document.
pub fn json(names: &[&str], courses: &[Course<'_>], left_out: &[String]) -> String {
    let change = |change: &Change<'_>| {
        let (ended, added): (&[Property], &[Property]) = match &change.does {
            Does::Changes { ended, added } => (ended, added),
            Does::Breaks | Does::Repairs | Does::Unknown => (&[], &[]),
        };
        let list = |properties: &[Property]| -> Vec<&str> {
            properties.iter().map(|property| property.name()).collect()
        };
        json!({ "at": change.at, "does": verb(&change.does), "ended": list(ended), "added": list(added) })
    };
    let course = |course: &Course<'_>| {
        let parts = course.parts.iter().map(|(names, outcome)| {
            let violated: Vec<&str> = outcome.violated.iter().map(|property| property.name()).collect();
            json!({
                "under": names,
                "verdict": outcome.verdict.name(),
                "violated": violated,
                "states": outcome.statistics.states,
            })
        });
        json!({
            "scenario": course.scenario.name,
            "title": course.scenario.title,
            "sentence": sentence(course),
            "changes": course.changes().iter().map(change).collect::<Vec<_>>(),
            "parts": parts.collect::<Vec<_>>(),
        })
    };
    let courses: Vec<Value> = courses.iter().map(course).collect();
    pretty(
        &json!({ "schema": "stalemap.bisect/1", "row": names, "scenarios": courses, "left_out": left_out }),
    )
}
