//! What came of a scenario's runs, written into the `[expect]` of its file. Comments, and what was not run, stay as they are.

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use crate::run::Outcome;
use crate::scenario::implementations::canonical;
use crate::scenario::{Expectation, Scenario, read};
use crate::verdict::Verdict;
use stalemap_model::judge::properties;

/// A file with other expectations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The whole file.
    pub source: String,
    /// What was changed, a sentence for each name.
    pub changes: Vec<String>,
}

/// Why a verdict is not accepted: it says less than an expectation would.
pub fn refusal(outcome: &Outcome) -> Option<&'static str> {
    if outcome.verdict == Verdict::Incomplete
        || !outcome.limits_hit.iter().all(|limit| limit.is_of_the_system())
    {
        return Some("it is incomplete");
    }
    if !outcome.judgement.forbidden.is_empty() {
        return Some("some run reaches what `[reach]` says none may");
    }
    (outcome.verdict == Verdict::Holds && outcome.judgement.vacuous).then_some("it holds vacuously")
}

/// The file with the verdicts of these outcomes, all of this scenario. `None`: it expects them already. The error is a file that cannot
/// be changed so.
pub fn accepted(scenario: &Scenario, outcomes: &[&Outcome]) -> Result<Option<Accepted>, String> {
    let mut document: DocumentMut =
        scenario.source.parse().map_err(|error| format!("{}: {error}", scenario.name))?;
    let mut changes = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.judgement.as_expected != Some(true)) {
        let expectation = of(outcome);
        let before = outcome.judgement.expected.as_ref();
        if before == Some(&expectation) {
            continue;
        }
        let is = value(&expectation);
        changes.push(match before {
            None => format!("{} = {is} is new", outcome.design),
            Some(before) => format!("{} = {is} was {}", outcome.design, value(before)),
        });
        set(&mut document, scenario, &outcome.design, is)
            .ok_or_else(|| format!("{}: `expect` is no table", scenario.name))?;
    }
    if changes.is_empty() {
        return Ok(None);
    }
    let source = with_ends_of(&scenario.source, document.to_string());
    // What is written has to be read as it was meant.
    let again = read(&scenario.name, source.as_bytes()).map_err(|errors| errors.to_string())?;
    let differs = outcomes
        .iter()
        .find(|outcome| again.expect.get(&outcome.design).is_none_or(|read| !means(read, outcome)));
    match differs {
        None => Ok(Some(Accepted { source, changes })),
        Some(outcome) => Err(format!("{}: {} cannot be changed in this file", scenario.name, outcome.design)),
    }
}

/// The lines end as those of the file do.
fn with_ends_of(before: &str, source: String) -> String {
    if before.contains("\r\n") { source.replace("\r\n", "\n").replace('\n', "\r\n") } else { source }
}

/// Whether a file that says so expects an outcome.
fn means(expectation: &Expectation, outcome: &Outcome) -> bool {
    *expectation == of(outcome) || outcome.judgement.expected.as_ref() == Some(expectation)
}

/// What a verdict would be expected as: what only explains a loss comes with it, and is not said.
fn of(outcome: &Outcome) -> Expectation {
    let losses = outcome.violated.iter().any(|property| !properties::explains(*property));
    let said =
        outcome.violated.iter().copied().filter(|property| !losses || !properties::explains(*property));
    match said.collect::<Vec<_>>() {
        none if none.is_empty() => Expectation::Holds,
        violated => Expectation::Violates(violated),
    }
}

fn value(expectation: &Expectation) -> Value {
    match expectation {
        Expectation::Holds => Value::from("holds"),
        Expectation::Violates(listed) => {
            Value::Array(listed.iter().map(|property| property.name()).collect::<Array>())
        }
    }
}

/// Sets what is expected of a name, under the name that the file has for it. `None`: there is no table to set it in.
fn set(document: &mut DocumentMut, scenario: &Scenario, name: &str, mut is: Value) -> Option<()> {
    let expect = document.entry("expect").or_insert(Item::Table(Table::new())).as_table_like_mut()?;
    let known = expect.iter().map(|(key, _)| key.to_owned()).find(|key| canonical(key, &scenario.fs) == name);
    let key = known.unwrap_or_else(|| name.to_owned());
    // What stands behind a value belongs to its line.
    if let Some(before) = expect.get(&key).and_then(Item::as_value) {
        *is.decor_mut() = before.decor().clone();
    }
    match expect.get_mut(&key) {
        Some(item) => *item = Item::Value(is),
        None => drop(expect.insert(&key, Item::Value(is))),
    }
    Some(())
}
