//! What is enough, as a document.

use serde_json::{Map, Value, json};

use super::words::scenario;
use crate::report::json::pretty;
use crate::scenario::Scenario;
use crate::synthesis::answer::{Answer, Need, Set};
use crate::synthesis::lattice::{Candidate, Lattice};
use crate::synthesis::search::{Asks, Study};
use crate::synthesis::trial::Subject;

/// The document of `synthesize`.
pub fn document(answers: &[Answer<'_>]) -> String {
    let question = answers.iter().find_map(|answer| answer.lattice()).map(Lattice::question);
    pretty(&json!({
        "schema": "stalemap.synthesis/1",
        "over": question.map(|question| question.key),
        "not_modelled": question.map(|question| question.not_modelled),
        "file_systems": answers.iter().map(file_system).collect::<Vec<_>>(),
    }))
}

fn file_system(answer: &Answer<'_>) -> Value {
    let Some(lattice) = answer.lattice() else { return json!({ "file_system": answer.scope.fs }) };
    let counter = answer.scope.subjects.first().is_some_and(|subject| subject.base.fs.counter);
    let named =
        |some: &[&Scenario]| -> Vec<String> { some.iter().map(|scenario| scenario.name.clone()).collect() };
    let counts = answer.counts;
    let looked_at = lattice.dimensions.iter().enumerate().filter_map(|(place, dimension)| {
        Some((dimension.key.to_owned(), Value::from(answer.looked_at(place)?)))
    });
    let scenarios = answer.scope.subjects.iter().zip(&answer.studies);
    let scenarios = scenarios.map(|(subject, study)| self::study(subject, study));
    json!({
        "file_system": answer.scope.fs,
        "base": answer.scope.base,
        "counter_added": !counter,
        "sets": answer.sets.iter().map(|set| self::set(answer, lattice, set)).collect::<Vec<_>>(),
        "scenarios": scenarios.collect::<Vec<_>>(),
        "conflict": answer.conflict.iter().map(|place| scenario(answer, *place).0).collect::<Vec<_>>(),
        "looked_at": looked_at.collect::<Map<_, _>>(),
        "other_file_systems": named(&answer.scope.others),
        "cannot_run": named(&answer.scope.refused),
        "candidates": lattice.size(),
        "tried": counts.tried,
        "explored": counts.explored,
        "rejected_by_replay": counts.replayed,
        "same_runs": counts.same_runs,
        "pruned": counts.follows,
        "states": counts.states,
        "confirmed": { "explored": answer.confirmed.0, "states": answer.confirmed.1 },
    })
}

/// A candidate: its values, and the fields that they set, as they stand in a scenario file.
fn candidate(lattice: &Lattice, candidate: &Candidate) -> Value {
    let values = lattice.dimensions.iter().enumerate().filter_map(|(place, dimension)| {
        let value = dimension.values.get(candidate.at(place))?;
        Some((dimension.key.to_owned(), Value::from(value.name)))
    });
    let fields = lattice.fields(candidate).into_iter();
    let fields = fields.map(|(field, setting)| (field.to_owned(), Value::from(setting.to_string())));
    json!({ "values": values.collect::<Map<_, _>>(), "fields": fields.collect::<Map<_, _>>() })
}

fn set(answer: &Answer<'_>, lattice: &Lattice, set: &Set) -> Value {
    let not_confirmed = set.not_confirmed.iter().map(
        |(place, standing)| json!({ "scenario": scenario(answer, *place).0, "breaks": standing.breaks() }),
    );
    let mut document = candidate(lattice, &set.candidate);
    if let Value::Object(object) = &mut document {
        let needs = set.needs.iter().map(|need| self::need(answer, lattice, need)).collect();
        object.insert("with_less".to_owned(), Value::Array(needs));
        object.insert("not_confirmed".to_owned(), not_confirmed.collect());
    }
    document
}

fn need(answer: &Answer<'_>, lattice: &Lattice, need: &Need) -> Value {
    let dimension = lattice.dimensions.get(need.dimension);
    let shown = need.shown.as_ref().map(|loss| {
        let (name, title) = scenario(answer, loss.scenario);
        json!({
            "scenario": name, "title": title, "property": loss.property.name(),
            "operations": loss.size.map(|(operations, _)| operations),
            "preemptions": loss.size.map(|(_, preemptions)| preemptions),
        })
    });
    json!({
        "dimension": dimension.map(|dimension| dimension.key),
        "instead": dimension.and_then(|dimension| dimension.values.get(need.instead)).map(|value| value.name),
        "breaks": need.breaks.iter().map(|place| scenario(answer, *place).0).collect::<Vec<_>>(),
        "undecided": need.open.iter().map(|place| scenario(answer, *place).0).collect::<Vec<_>>(),
        "shown": shown,
    })
}

fn study(subject: &Subject<'_>, study: &Study) -> Value {
    let lattice = &subject.lattice;
    let of = |some: &[Candidate]| -> Vec<Value> { some.iter().map(|one| candidate(lattice, one)).collect() };
    let (asks, minimal, property) = match &study.asks {
        Asks::LostAnyway(property) => ("lost-anyway", Vec::new(), Some(property.name())),
        Asks::BreaksAtBothEnds(property) => ("breaks-at-both-ends", Vec::new(), Some(property.name())),
        Asks::Unknown => ("unknown", Vec::new(), None),
        Asks::Nothing => ("nothing", Vec::new(), None),
        Asks::OneOf(minimal) => ("one-of", of(minimal), None),
    };
    let pairs = study.not_monotone.iter();
    let pairs = pairs.map(|(weaker, stronger)| {
        json!({ "weaker_holds": candidate(lattice, weaker), "stronger_breaks": candidate(lattice, stronger) })
    });
    json!({
        "scenario": subject.scenario.name, "directed": subject.is_directed(), "asks": asks, "minimal": minimal, "property": property,
        "undecided": of(&study.undecided), "not_monotone": pairs.collect::<Vec<_>>(),
        "limits_hit": study.limits_hit.iter().map(|limit| limit.name()).collect::<Vec<_>>(),
        "all_known": study.all_known(),
        "tried": study.counts.tried, "explored": study.counts.explored,
        "rejected_by_replay": study.counts.replayed, "same_runs": study.counts.same_runs,
        "pruned": study.counts.follows, "states": study.counts.states,
    })
}
