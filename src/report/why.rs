//! What is said of why something holds.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stalemap_model::words::count::count;

use super::json::pretty;
use crate::annotate::list;
use crate::why::{KeptApart, Pair, Waits, Why, Without};
use crate::wrap::fill;

/// Columns of a line.
const WIDTH: usize = 80;
/// Where the protections are that nothing is violated without.
const LISTED: &str = "`--format json` names all that were taken away (`taken_away`)";
/// How many pairs of operations are shown of a race.
const SHOWN: usize = 3;

/// For people. What is the same under several names is said once.
pub fn text(all: &[Why]) -> String {
    let mut parts: Vec<(String, Vec<&str>)> = Vec::new();
    for why in all {
        let told = one(why);
        match parts.iter_mut().find(|(known, _)| *known == told) {
            Some((_, names)) => names.push(&why.under),
            None => parts.push((told, vec![&why.under])),
        }
    }
    let mut text = String::new();
    for (told, names) in &parts {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let head = format!("Under {}:", list(&names));
        let lines = fill(&head, WIDTH, 2).join("\n");
        let _ = write!(text, "\n{lines}\n{told}");
    }
    if all.is_empty() {
        text.push_str("\nNothing holds here: there is nothing to say why.\n");
    }
    text
}

/// One scenario under one name, without that.
fn one(why: &Why) -> String {
    let mut paragraphs: Vec<String> = vec![format!(
        "{} holds. Of locks, waits and checks, {} were taken away, one at a time; {}.",
        why.scenario,
        why.taken.len(),
        came_of(why)
    )];
    paragraphs.extend(why.pairs.iter().map(|pair| of_pair(why, pair)));
    paragraphs.extend(
        why.still.iter().map(|actor| format!("{actor}: makes no step in any run, and meets nobody by one.")),
    );
    paragraphs.extend(why.kept_apart.iter().map(apart));
    if !why.waits.is_empty() {
        paragraphs.push(format!("Beside them: {}.", waits(&why.waits)));
    }
    let taken = |came: Without| -> Vec<String> {
        let of = why.taken.iter().filter(|(_, without)| *without == came);
        of.map(|(protection, _)| protection.setting()).collect()
    };
    let open = taken(Without::Undecided);
    if !open.is_empty() {
        paragraphs.push(format!("A limit was reached with {}.", open.join(", ")));
    }
    match taken(Without::Holds).len() {
        0 => {}
        1 => paragraphs.push(format!("Without the other one nothing is violated; {LISTED}.")),
        held => paragraphs.push(format!("Without each of {held} others nothing is violated; {LISTED}.")),
    }
    let lines = paragraphs.iter().flat_map(|paragraph| fill(paragraph, WIDTH - 2, 2));
    lines.map(|line| format!("  {line}\n")).collect::<Vec<_>>().concat()
}

fn came_of(why: &Why) -> String {
    let number = |came: Without| why.taken.iter().filter(|(_, without)| *without == came).count();
    let broken = format!("without {} of them something is violated", number(Without::Broken));
    match number(Without::Undecided) {
        0 => broken,
        open => format!("{broken}, and of {open} it is not known"),
    }
}

/// Two actors: what they have to do with each other, and whether something keeps just these two apart.
fn of_pair(why: &Why, pair: &Pair) -> String {
    let [one, two] = &pair.actors;
    let contact = &pair.contact;
    let Some(states) = why.states else {
        return format!(
            "{one}, {two}: not all states were looked at, so what they have to do with each other is not known."
        );
    };
    let touch = match (contact.conflict, contact.races) {
        (false, _) => "an empty race: neither changes anything that the other touches".to_owned(),
        (true, 0) => "conflict, and two conflicting operations are never both possible".to_owned(),
        (true, races) => {
            let mut operations: Vec<_> = contact.operations.iter().collect();
            operations.sort_by_key(|(_, states)| std::cmp::Reverse(**states));
            let shown: Vec<String> =
                operations.iter().take(SHOWN).map(|((one, two), _)| format!("{one} and {two}")).collect();
            let more = match operations.len().saturating_sub(SHOWN) {
                0 => String::new(),
                more => format!("; {more} more"),
            };
            format!(
                "a race: two conflicting operations are possible in {races} of {states} states ({}{more})",
                shown.join("; ")
            )
        }
    };
    let blocked = if pair.waits.is_empty() { String::new() } else { format!("; {}", waits(&pair.waits)) };
    let alone = if contact.conflict { of_pair_alone(why, pair) } else { String::new() };
    format!("{one}, {two}: {touch}{blocked}{alone}.")
}

/// Whether something that was taken away is all that keeps two actors apart, or keeps them and others apart.
fn of_pair_alone(why: &Why, pair: &Pair) -> String {
    let both = why.kept_apart.iter().filter(|kept| pair.actors.iter().all(|name| kept.actors.contains(name)));
    let (two, more): (Vec<&KeptApart>, Vec<&KeptApart>) = both.partition(|kept| kept.actors.len() == 2);
    let alone = match two.len() {
        0 => "; these two alone violate nothing, whichever of them is taken away".to_owned(),
        1 => "; these two alone need one of them".to_owned(),
        number => format!("; these two alone need {number} of them"),
    };
    match more.len() {
        0 => alone,
        1 => format!("{alone}; with others beside them, they need one"),
        number => format!("{alone}; with others beside them, they need {number}"),
    }
}

fn waits(waits: &[Waits]) -> String {
    let one = |wait: &Waits| format!("{} waits for {} at {}", wait.waiter, wait.holder, wait.op);
    waits.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn apart(kept: &KeptApart) -> String {
    let (property, steps) = (kept.property.name(), count(kept.steps as u64, "step"));
    let cost = match kept.least {
        Some(least) => format!("{steps} and {}, the least", count(least.into(), "preemption")),
        None => steps,
    };
    let who = match &kept.actors[..] {
        [] => {
            return format!(
                "What the setup leaves behind needs {} (without it, `{}`: {property} already when nobody moves).",
                kept.by.words,
                kept.by.setting()
            );
        }
        [only] => format!("{only}, also alone, needs"),
        actors => format!("{} are kept apart by", list(actors)),
    };
    format!("{who} {} (without it, `{}`: {property} in {cost}).", kept.by.words, kept.by.setting())
}

/// For programs.
pub fn json(all: &[Why]) -> String {
    let results: Vec<Value> = all.iter().map(document).collect();
    pretty(&json!({ "schema": "stalemap.why/1", "results": results }))
}

fn document(why: &Why) -> Value {
    let waits = |waits: &[Waits]| -> Vec<Value> {
        let one =
            |wait: &Waits| json!({ "waiter": wait.waiter, "holder": wait.holder, "operation": wait.op });
        waits.iter().map(one).collect()
    };
    let pair = |pair: &Pair| {
        let operations = pair
            .contact
            .operations
            .iter()
            .map(|((one, two), states)| json!({ "operations": [one, two], "states": states }));
        json!({
            "actors": pair.actors,
            "conflict": pair.contact.conflict,
            "states_with_a_race": pair.contact.races,
            "races": operations.collect::<Vec<_>>(),
            "waits": waits(&pair.waits),
        })
    };
    let kept = |kept: &KeptApart| {
        json!({
            "actors": kept.actors,
            "by": kept.by.words,
            "kind": kept.by.kind.name(),
            "without": kept.by.setting(),
            "property": kept.property.name(),
            "steps": kept.steps,
            "preemptions": kept.least,
        })
    };
    let taken = why.taken.iter().map(|(protection, came)| {
        let came = match came {
            Without::Broken => "violates",
            Without::Holds => "holds",
            Without::Undecided => "incomplete",
        };
        json!({ "without": protection.setting(), "verdict": came })
    });
    json!({
        "scenario": why.scenario,
        "design": why.under,
        "states": why.states,
        "without_a_step": why.still,
        "pairs": why.pairs.iter().map(pair).collect::<Vec<_>>(),
        "waits_beside": waits(&why.waits),
        "kept_apart": why.kept_apart.iter().map(kept).collect::<Vec<_>>(),
        "taken_away": taken.collect::<Vec<_>>(),
    })
}
