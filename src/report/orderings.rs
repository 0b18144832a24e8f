//! What `orderings` prints: one table, and what follows from it.

use std::fmt::Write as _;

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use serde_json::json;
use stalemap_model::words::count::count;
use stalemap_model::words::ordering::Link;

use super::check::{names, verdict};
use super::json::pretty;
use crate::expect::VACUOUS;
use crate::orderings::{Study, Weakened, Weakest};
use crate::paint::Paint;
use crate::run::Outcome;
use crate::verdict::Verdict;
use crate::wrap::fill;

/// The widest first column that needs no second line: that of the longest name.
const NAMES: u16 = 18;

/// The table and the statement, on lines of `width` columns.
pub fn render(study: &Study, paint: Paint, width: usize) -> String {
    let filled = |text: &str| {
        let lines = text.split('\n').map(|line| fill(line, width, 2).join("\n"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let Outcome { scenario, design, .. } = &study.kernel;
    let memory = study.kernel.memory.name();
    let mut text = format!("{scenario} under {design}, {memory} memory\n\n");
    let _ = writeln!(text, "with the kernel's orderings: {}", verdict(&study.kernel));
    if study.kernel.verdict == Verdict::Violates {
        text.push_str("\nThe design is broken whatever is ordered; there is nothing to weaken.\n");
        return filled(&text);
    }
    if study.is_vacuous() {
        // That it holds vacuously stands above.
        let reasons = study.kernel.judgement.reasons.iter();
        let reasons: Vec<&str> =
            reasons.map(|reason| reason.strip_prefix(VACUOUS).unwrap_or(reason)).collect();
        let _ = writeln!(text, "\nThere is nothing to conclude: {}.", reasons.join("; "));
        return filled(&text);
    }
    let below = signs(study) + &statement(study);
    format!("{}\n{}\n{}", filled(&text), table(study, paint, width), filled(&below))
}

/// What the signs of cells mean that no word is, as far as they occur.
fn signs(study: &Study) -> String {
    let unknown = |outcome: &Outcome| answer(outcome) == UNKNOWN;
    let is_as_it_is = |link: &Link| !study.single.iter().any(|one| one.without == [*link]);
    let pairs = study.pairs.iter().filter(|pair| pair.outcome.verdict != Verdict::Holds);
    let meanings = [
        study
            .relaxed
            .iter()
            .any(is_as_it_is)
            .then_some("-: it orders nothing as it is, so nothing can be taken away"),
        study
            .single
            .iter()
            .chain(pairs)
            .any(|one| unknown(&one.outcome))
            .then_some("?: not known; a limit was reached, or no run came to what the file wants met"),
    ];
    let said: Vec<&str> = meanings.into_iter().flatten().collect();
    if said.is_empty() { String::new() } else { format!("\n{}\n", said.join("; ")) }
}

fn table(study: &Study, paint: Paint, width: usize) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    match paint {
        Paint::Colored => table.enforce_styling(),
        Paint::Plain => table.force_no_tty(),
    };
    let head = ["ordering", "kernel", "where", "needed", "without it"];
    table.set_header(head.map(|name| Cell::new(name).add_attribute(Attribute::Bold)));
    let single = |link: Link| study.single.iter().find(|one| one.without == [link]);
    for link in Link::ALL.iter().copied() {
        let (needed, without) = match single(link) {
            Some(one) => (needed(&one.outcome), Cell::new(cost(&one.outcome))),
            None if study.relaxed.contains(&link) => (Cell::new("-"), Cell::new("nothing to weaken")),
            None => continue,
        };
        table.add_row([
            Cell::new(link.name()),
            Cell::new(link.order().to_string()),
            Cell::new(link.what()),
            needed,
            without,
        ]);
    }
    for pair in study.pairs.iter().filter(|pair| pair.outcome.verdict != Verdict::Holds) {
        let where_ = Cell::new("both at once");
        let cells = [Cell::new(joined(&pair.without)), Cell::new(""), where_, needed(&pair.outcome)];
        table.add_row(cells.into_iter().chain([Cell::new(cost(&pair.outcome))]));
    }
    // Names, kinds and answers are whole; what they are of is broken.
    let whole = ColumnConstraint::ContentWidth;
    let names = ColumnConstraint::UpperBoundary(Width::Fixed(NAMES));
    for (at, constraint) in [(0, names), (1, whole), (3, whole)] {
        if let Some(column) = table.column_mut(at) {
            column.set_constraint(constraint);
        }
    }
    table.trim_fmt()
}

/// What stands where it is not known whether an ordering is needed.
const UNKNOWN: &str = "?";

/// Whether an ordering is needed, which this is without.
fn answer(outcome: &Outcome) -> &'static str {
    match outcome.verdict {
        Verdict::Holds | Verdict::FoundNone if outcome.judgement.vacuous => UNKNOWN,
        Verdict::Holds | Verdict::FoundNone => "no",
        Verdict::Violates => "yes",
        Verdict::Incomplete => UNKNOWN,
    }
}

fn needed(outcome: &Outcome) -> Cell {
    let answer = answer(outcome);
    let color = match answer {
        "no" => Color::Green,
        "yes" => Color::Red,
        _ => Color::Yellow,
    };
    Cell::new(answer).fg(color)
}

/// What a weakened design does, with the cost of showing it.
fn cost(outcome: &Outcome) -> String {
    let states = count(outcome.statistics.states, "state");
    match &outcome.counterexample {
        None if outcome.judgement.vacuous => format!("{} vacuously, {states}", outcome.verdict.name()),
        None => format!("{}, {states}", outcome.verdict.name()),
        Some(shown) => {
            let found = &shown.counterexample;
            let least = if found.certified {
                format!(
                    "{}, {}",
                    count(found.preemptions.into(), "preemption"),
                    count(found.operations.into(), "operation")
                )
            } else {
                count(found.operations.into(), "operation")
            };
            format!("{}; {least}", names(&outcome.violated))
        }
    }
}

fn joined(links: &[Link]) -> String {
    links.iter().map(|link| link.name()).collect::<Vec<_>>().join(", ")
}

fn statement(study: &Study) -> String {
    let mut text = String::from("\n");
    let broken = study.single.iter().filter(|one| one.outcome.verdict == Verdict::Violates).count();
    let all = study.single.len();
    let pairs = |links: usize| links * links.saturating_sub(1) / 2;
    if broken > 0 {
        let _ = writeln!(
            text,
            "Pairs: {} of {} have a part that is needed by itself, and break with it.",
            pairs(all) - pairs(all - broken),
            pairs(all)
        );
    }
    if let Some(together) = &study.together {
        let spare = together.without.len();
        if together.outcome.verdict == Verdict::Holds {
            let _ = writeln!(
                text,
                "The {} of the other {spare} hold, and so does every larger set of these: the design holds without all \
                 of them at once ({}), and weakening only adds behaviours.",
                count(pairs(spare) as u64, "pair"),
                count(together.outcome.statistics.states, "state")
            );
        } else {
            let bad = study.pairs.iter().filter(|pair| pair.outcome.verdict == Verdict::Violates).count();
            let _ = writeln!(
                text,
                "The other {spare} cannot all be left out at once ({}); of their {}, {bad} break the design.",
                cost(&together.outcome),
                count(study.pairs.len() as u64, "pair")
            );
        }
    }
    let list = |links: &[Link]| if links.is_empty() { "nothing".to_owned() } else { joined(links) };
    let _ = match &study.weakest {
        Weakest::All(sets) => match sets.as_slice() {
            [links] if links.is_empty() => {
                writeln!(text, "The weakest set that holds is empty: the design needs no ordering here.")
            }
            [links] => writeln!(
                text,
                "The weakest set that holds: {}. Each is needed by itself, and together they are enough.",
                list(links)
            ),
            sets => {
                let _ = writeln!(text, "The weakest sets that hold, all of them:");
                sets.iter().try_for_each(|links| writeln!(text, "* {}", list(links)))
            }
        },
        Weakest::Greedily(links) => writeln!(
            text,
            "A weakest set that holds, found by leaving out one after the other: {}.",
            list(links)
        ),
        Weakest::Unknown => writeln!(text, "The weakest set that holds is not known."),
    };
    if study.is_incomplete() {
        let limits: Vec<&str> = study.limits_hit().iter().map(|limit| limit.name()).collect();
        let _ = if limits.is_empty() {
            writeln!(text, "Not everything was put to the test: some weakened run met nothing.")
        } else {
            writeln!(text, "Not everything was explored: the limit of {} was reached.", limits.join(", "))
        };
    }
    text
}

/// The document.
pub fn json(study: &Study) -> String {
    let outcome = |outcome: &Outcome| {
        json!({
            "verdict": outcome.verdict.name(),
            "violated": outcome.violated.iter().map(|property| property.name()).collect::<Vec<_>>(),
            "vacuous": outcome.judgement.vacuous,
            "states": outcome.statistics.states,
            "limits_hit": outcome.limits_hit.iter().map(|limit| limit.name()).collect::<Vec<_>>(),
            "counterexample": outcome.counterexample.as_ref().map(|shown| {
                json!({
                    "property": shown.property.name(),
                    "preemptions": shown.counterexample.preemptions,
                    "operations": shown.counterexample.operations,
                    "certified": shown.counterexample.certified,
                    "least_among": shown.among,
                    "schedule": shown.schedule.to_string(),
                })
            }),
        })
    };
    let names = |links: &[Link]| links.iter().map(|link| link.name()).collect::<Vec<_>>();
    let weakened = |weakened: &Weakened| json!({ "without": names(&weakened.without), "outcome": outcome(&weakened.outcome) });
    let links = Link::ALL
        .iter()
        .map(|link| json!({ "name": link.name(), "order": link.order().to_string(), "where": link.what() }));
    let (weakest, how): (Vec<_>, _) = match &study.weakest {
        Weakest::All(sets) => (sets.iter().map(|links| names(links)).collect(), "all"),
        Weakest::Greedily(links) => (vec![names(links)], "greedy"),
        Weakest::Unknown => (Vec::new(), "unknown"),
    };
    let document = json!({
        "schema": "stalemap.orderings/1",
        "scenario": study.kernel.scenario,
        "design": study.kernel.design,
        "memory": study.kernel.memory.name(),
        "links": links.collect::<Vec<_>>(),
        "kernel": outcome(&study.kernel),
        "nothing_to_weaken": names(&study.relaxed),
        "single": study.single.iter().map(weakened).collect::<Vec<_>>(),
        "together": study.together.as_ref().map(weakened),
        "pairs": study.pairs.iter().map(weakened).collect::<Vec<_>>(),
        "weakest": { "sets": weakest, "how": how },
    });
    pretty(&document)
}
