//! Where two designs or kernels part: in sentences, and their schedules beside each other.

use serde_json::json;
use stalemap_facade::Property;
use stalemap_model::words::count::count;

use super::beside;
use super::json::pretty;
use crate::annotate::AnnotatedSchedule;
use crate::between::{Between, Parting, Relation, Sets, Shows, Witness};
use crate::wrap::fill;

/// One scenario, on lines of `width` columns; with the schedules of its witness, if it has one.
pub fn render(between: &Between, schedules: Option<[&AnnotatedSchedule; 2]>, width: usize) -> String {
    let mut lines: Vec<String> =
        sentences(between).iter().flat_map(|sentence| fill(sentence, width, 2)).collect();
    lines.push(String::new());
    let text = lines.join("\n");
    match (schedules, &between.witness) {
        (Some(schedules), Some(witness)) => {
            let at = witness.parting.as_ref().map(|parting| parting.at);
            format!("{text}\n{}", beside::render(schedules, at, width))
        }
        _ => text,
    }
}

/// What there is to say.
pub fn sentences(between: &Between) -> Vec<String> {
    let [one, two] = &between.names;
    let mut sentences = vec![format!("{}: {}", between.scenario, between.title)];
    if !between.is_complete {
        sentences.push(
            "Not everything was explored, so that nothing can be said of what either can do.".to_owned(),
        );
        return sentences;
    }
    sentences.push(format!(
        "{one} {}; {two} {}.",
        verdict(&between.violated[0], between.states[0]),
        verdict(&between.violated[1], between.states[1])
    ));
    let what = "The contents of all files and what the calls return at the end";
    sentences.push(format!("{what}: {}.", sets(&between.contents, one, two)));
    sentences.push(format!("Final states and deadlocks as a whole: {}.", sets(&between.ends, one, two)));
    match &between.witness {
        Some(witness) => sentences.extend(of_witness(witness, &between.names)),
        None if between.is_alike() => {
            sentences.push("No user can tell the two apart here.".to_owned());
        }
        None => sentences.push("No run was found within the limits that shows the difference.".to_owned()),
    }
    sentences
}

fn verdict(violated: &[Property], states: u64) -> String {
    if violated.is_empty() {
        return format!("holds ({})", count(states, "state"));
    }
    let names: Vec<&str> = violated.iter().map(|property| property.name()).collect();
    format!("violates {}", names.join(", "))
}

fn sets(sets: &Sets, one: &str, two: &str) -> String {
    let Sets { both, first, second } = sets;
    match sets.relation() {
        Relation::Equal => format!("the same {both} under both"),
        Relation::FirstDoesMore => format!("{both} under both, and {first} under {one} alone"),
        Relation::SecondDoesMore => format!("{both} under both, and {second} under {two} alone"),
        Relation::Different => {
            format!("{both} under both, {first} under {one} alone, {second} under {two} alone")
        }
    }
}

fn of_witness(witness: &Witness, names: &[String; 2]) -> Vec<String> {
    let (own, other) = (&names[witness.of], &names[1 - witness.of]);
    let shows = match &witness.shows {
        Shows::Violates { property, least: true } => {
            format!(
                "The least run of {own} that violates {property} shows it, beside what {other} makes of it."
            )
        }
        Shows::Violates { property, least: false } => {
            format!("A run of {own} that violates {property} shows it, beside what {other} makes of it.")
        }
        Shows::Ends { observed } => {
            format!("The least run of {own} that ends as none of {other} does, with `{observed}`, shows it.")
        }
    };
    let parts = match &witness.parting {
        Some(Parting { at, problem }) => {
            format!("They part at step {} of {own} (marked): under {other}, {problem}.", at + 1)
        }
        None => {
            format!("{other} can make every step of it, and what is left at the end is judged otherwise.")
        }
    };
    vec![shows, parts]
}

/// The document.
pub fn json(all: &[Between]) -> String {
    let sets = |sets: &Sets| {
        let relation = match sets.relation() {
            Relation::Equal => "equal",
            Relation::FirstDoesMore => "second-is-subset",
            Relation::SecondDoesMore => "first-is-subset",
            Relation::Different => "different",
        };
        json!({ "relation": relation, "both": sets.both, "first": sets.first, "second": sets.second })
    };
    let one = |between: &Between| {
        let witness = between.witness.as_ref().map(|witness| {
            let shows = match &witness.shows {
                Shows::Violates { property, least } => json!({ "violates": property.name(), "least": least }),
                Shows::Ends { observed } => json!({ "ends_with": observed, "least": true }),
            };
            json!({
                "of": between.names[witness.of],
                "shows": shows,
                "parts_at": witness.parting.as_ref().map(|parting| parting.at + 1),
                "why": witness.parting.as_ref().map(|parting| parting.problem.clone()),
                "schedules": witness.schedules.iter().map(ToString::to_string).collect::<Vec<_>>(),
            })
        });
        let violated = |side: usize| -> Vec<&str> {
            between.violated[side].iter().map(|property| property.name()).collect()
        };
        json!({
            "scenario": between.scenario,
            "between": between.names,
            "complete": between.is_complete,
            "violated": [violated(0), violated(1)],
            "states": between.states,
            "contents": sets(&between.contents),
            "ends": sets(&between.ends),
            "sentences": sentences(between),
            "witness": witness,
        })
    };
    pretty(&json!({ "schema": "stalemap.between/1", "scenarios": all.iter().map(one).collect::<Vec<_>>() }))
}
