//! The text of `check`: a line for each scenario and design, and what to know about those that surprise.

use std::fmt::Write as _;

use stalemap_explore::{Counterexample, LimitHit};
use stalemap_facade::MemoryModel;
use stalemap_facade::Property;
use stalemap_model::words::count::count;

use super::letters;
use super::style::{BAD, DOUBT, GOOD, styled};
use crate::engine::Engine;
use crate::run::Outcome;
use crate::verdict::Verdict;
use crate::wrap::{broken, fill};

/// The names of properties, in a list.
pub fn names(properties: &[Property]) -> String {
    properties.iter().map(|property| property.name()).collect::<Vec<_>>().join(", ")
}

/// Columns that a mark takes, with what separates it from a name.
const MARK: usize = 5;
/// The mark of what an earlier run found.
const KNOWN: &str = "known";
/// The coverage, in millionths, below which most of what there is may lie behind those that were left out.
const TELLING: u32 = 950_000;
/// Fewer columns than these are not enough for a verdict beside the names.
const FEWEST: usize = 24;

/// One line, and the reasons below it: as long as they are, or broken to so many columns.
pub fn line(outcome: &Outcome, widths: (usize, usize), columns: Option<usize>) -> String {
    let mark = match outcome.judgement.as_expected {
        Some(true) => styled(GOOD, "ok  "),
        Some(false) => styled(BAD, "FAIL"),
        None if outcome.verdict == Verdict::Incomplete => styled(DOUBT, "??  "),
        None => styled(DOUBT, "-   "),
    };
    marked(&mark, outcome, widths, columns)
}

/// What the marks of lines mean that no word is, as far as they occur.
pub fn marks<'o>(outcomes: impl Iterator<Item = &'o Outcome>, columns: Option<usize>) -> String {
    let silent = outcomes.filter(|outcome| outcome.judgement.as_expected.is_none());
    let (cut, decided): (Vec<&Outcome>, Vec<&Outcome>) =
        silent.partition(|outcome| outcome.verdict == Verdict::Incomplete);
    let meanings = [
        (!decided.is_empty()).then_some("-: without an expectation"),
        (!cut.is_empty()).then_some("??: incomplete, and without an expectation"),
    ];
    let said: Vec<&str> = meanings.into_iter().flatten().collect();
    if said.is_empty() { String::new() } else { broken(&(said.join("; ") + "\n"), columns) }
}

/// [`line()`] of what is not as expected, and was so in an earlier run.
pub fn known_line(outcome: &Outcome, widths: (usize, usize), columns: Option<usize>) -> String {
    marked(&styled(DOUBT, KNOWN), outcome, widths, columns)
}

fn marked(mark: &str, outcome: &Outcome, widths: (usize, usize), columns: Option<usize>) -> String {
    let (scenario, design) = widths;
    let names = format!("{:scenario$}  {:design$}", outcome.scenario, outcome.design);
    let at = MARK + names.len() + 2;
    let said = match columns {
        None => format!("{names}  {}", verdict(outcome)),
        Some(columns) if columns < at + FEWEST => {
            let lines = fill(&verdict(outcome), columns.saturating_sub(MARK + 2), 2);
            format!("{}\n{:MARK$}  {}", names.trim_end(), "", lines.join(&format!("\n{:MARK$}  ", "")))
        }
        Some(columns) => {
            let lines = fill(&verdict(outcome), columns - at, 0);
            format!("{names}  {}", lines.join(&format!("\n{:at$}", "")))
        }
    };
    let mut text = String::new();
    let shown = outcome.counterexample.as_ref().map(|shown| shown.property);
    for found in outcome.in_setup.iter().filter(|found| Some(found.property) != shown) {
        let _ = write!(text, "\n     {}, {}", found.property.name(), found.sentence());
    }
    for reason in &outcome.judgement.reasons {
        let _ = write!(text, "\n     {reason}");
    }
    if !outcome.limits_hit.is_empty() {
        let _ = write!(text, "\n     not everything was explored: {}", stopped_by(&outcome.limits_hit));
    }
    if let Some(share) = outcome.coverage {
        let percent = f64::from(share) / 1e4;
        let _ = write!(
            text,
            "\n     of the states that were come to, about {percent:.2} % were kept apart from others"
        );
        if share < TELLING {
            text.push_str("; that is too few to say anything of how much was reached");
        }
    }
    if let Some(few) = none_with_few(outcome) {
        let _ = write!(text, "\n     {few}");
    }
    format!("{mark} {said}{}\n", broken(&text, columns))
}

/// What kept a search from exploring everything, in words.
pub fn stopped_by(limits: &[LimitHit]) -> String {
    let is_reached = |limit: &&LimitHit| !matches!(limit, LimitHit::Interrupted | LimitHit::Bitstate);
    let reached: Vec<&str> = limits.iter().filter(is_reached).map(|limit| limit.name()).collect();
    let reached = (!reached.is_empty()).then(|| format!("the limit of {} was reached", reached.join(", ")));
    let interrupted = limits.contains(&LimitHit::Interrupted).then(|| "it was interrupted".to_owned());
    let bits = limits.contains(&LimitHit::Bitstate).then(|| "states were kept as bits".to_owned());
    interrupted.into_iter().chain(bits).chain(reached).collect::<Vec<_>>().join(", and ")
}

/// What was established of runs with few preemptions, and how.
fn none_with_few(outcome: &Outcome) -> Option<String> {
    let few = outcome.few_preemptions?;
    let most = few.none_up_to?;
    let bounds = outcome.limits_hit.iter().filter(|limit| limit.is_of_the_system());
    let bounds: Vec<&str> = bounds.map(|limit| limit.name()).collect();
    let within = match &bounds[..] {
        [] => String::new(),
        bounds => format!(", within the limit of {},", bounds.join(", ")),
    };
    let runs = match most {
        0 => "none without a preemption: every such run".to_owned(),
        _ => format!("none with up to {}: every run with that few", count(most.into(), "preemption")),
    };
    Some(format!(
        "{runs}{within} was explored ({}, by who moved last and preemptions so far)",
        count(few.states, "state")
    ))
}

/// The verdict in words, with the numbers that support it.
pub fn verdict(outcome: &Outcome) -> String {
    let states = explored(outcome);
    let memory = match outcome.memory {
        MemoryModel::Sequential => "",
        MemoryModel::Relaxed => " in relaxed memory",
        MemoryModel::Cumulative => " in the kernel's memory",
    };
    match (outcome.verdict, &outcome.counterexample) {
        (Verdict::Holds, _) if outcome.judgement.vacuous => format!("holds vacuously{memory}, {states}"),
        (Verdict::Holds, _) => format!("holds{memory}, {states}"),
        (Verdict::Incomplete, _) => match &outcome.halted {
            None => format!("incomplete{memory}, nothing found in {states}"),
            Some(halted) => format!("incomplete{memory}, in the setup already: {}", halted.sentence()),
        },
        (Verdict::FoundNone, _) if outcome.judgement.vacuous => {
            format!("found none, vacuously; {} finished, {states}", outcome.engine.name())
        }
        (Verdict::FoundNone, _) => format!("found none; {} finished, {states}", outcome.engine.name()),
        (Verdict::Violates, None) => format!("violates {}{memory}, {states}", names(&outcome.violated)),
        (Verdict::Violates, Some(shown)) => {
            let found = &shown.counterexample;
            let in_setup = outcome.in_setup.iter().find(|found| found.property == shown.property);
            let cost = if let Some(halted) = &outcome.halted {
                return format!(
                    "violates {}{memory}, in the setup already: {}",
                    names(&outcome.violated),
                    halted.sentence()
                );
            } else if let Some(found) = in_setup {
                let which = match outcome.violated.as_slice() {
                    [_] => ",".to_owned(),
                    _ => format!("; {}", found.property.name()),
                };
                let (all, sentence) = (names(&outcome.violated), found.sentence());
                return format!("violates {all}{memory}{which} {sentence}; {states}");
            } else if found.certified {
                let least = Counterexample::least(shown.among.as_deref());
                format!(
                    "{least}: {}, {}",
                    count(found.preemptions.into(), "preemption"),
                    count(found.operations.into(), "operation")
                )
            } else {
                format!("shown in {}", count(found.operations.into(), "operation"))
            };
            format!("violates {}{memory}; {cost}, {states}", names(&outcome.violated))
        }
    }
}

/// How much was looked at: states by the engine that knows them, executions by the others.
fn explored(outcome: &Outcome) -> String {
    match outcome.engine {
        Engine::Exhaustive => count(outcome.statistics.states, "state"),
        Engine::Loom(_) | Engine::Shuttle(_) => count(outcome.statistics.executions, "execution"),
    }
}

/// What the verdicts on one scenario rest on: fields that are not as `[fs]` has them, whether the check is on the path at all, and
/// the assumptions that the explored runs touched, where they hold. What is alike is said once.
pub fn basis(outcomes: &[Outcome], columns: Option<usize>) -> String {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for outcome in outcomes {
        let of_fields = outcome
            .overruled
            .iter()
            .map(|(field, value)| format!("`{field}` is {value} here, whatever [fs] says.\n"));
        let of_none = outcome
            .of_no_kernel
            .iter()
            .map(|(field, value)| format!("`{field}` is {value} here, as [fs] says; no kernel has that.\n"));
        let of_check = outcome.check.sentence().map(|sentence| format!("{sentence}.\n"));
        for note in of_fields.chain(of_none).chain(of_check).chain(assuming(outcome)) {
            match notes.iter_mut().find(|(known, _)| *known == note) {
                Some((_, names)) => names.push(&outcome.design),
                None => notes.push((note, vec![&outcome.design])),
            }
        }
    }
    let lines: Vec<String> =
        notes.iter().map(|(note, names)| format!("{}: {note}", names.join(", "))).collect();
    broken(&lines.concat(), columns)
}

fn assuming(outcome: &Outcome) -> Option<String> {
    if outcome.verdict != Verdict::Holds || outcome.assumptions.is_empty() {
        return None;
    }
    let holds = if outcome.judgement.vacuous { "holds vacuously" } else { "holds" };
    let mut text = format!("{holds}, assuming that\n");
    for assumption in &outcome.assumptions {
        let _ = writeln!(text, "  {} ({})", assumption.sentence, assumption.id);
    }
    Some(text)
}

/// What stands before the first final contents: what they are, and how they are read.
pub fn final_contents(columns: Option<usize>) -> String {
    broken(
        "Final contents, in the form of herd7: `*>` marks those of states that violate something; \"Ok\" means that some state does.\n",
        columns,
    )
}

/// What the final contents were, in herd7's order. `*>` marks contents of final states that violate something;
/// the condition is that violation, so `Never` is what one hopes to read.
pub fn histogram(outcome: &Outcome) -> String {
    // Of an unfinished search neither `Never` nor `Always` would be true.
    if outcome.outcomes.is_empty() || !outcome.limits_hit.is_empty() {
        return String::new();
    }
    let name = format!("{}/{}", outcome.scenario, outcome.design);
    let mut text = format!("Test {name} Allowed\nStates {}\n", outcome.outcomes.len());
    for contents in &outcome.outcomes {
        let mark = if contents.violating > 0 { '*' } else { ':' };
        let _ = writeln!(text, "{:<8}{mark}>{}", contents.states, contents.observed);
    }
    let positive: u64 = outcome.outcomes.iter().map(|contents| contents.violating).sum();
    let negative = outcome.outcomes.iter().map(|contents| contents.states).sum::<u64>() - positive;
    let (answer, word) = match (positive, negative) {
        (0, _) => ("No", "Never"),
        (_, 0) => ("Ok", "Always"),
        _ => ("Ok", "Sometimes"),
    };
    let _ = writeln!(text, "{answer}\nWitnesses\nPositive: {positive} Negative: {negative}");
    let _ = writeln!(text, "Condition exists (violated)\nObservation {name} {word} {positive} {negative}");
    if positive == 0 && !outcome.violated.is_empty() {
        text.push_str("(what is violated shows in no final state)\n");
    }
    text
}

/// What signs in the final contents mean, as far as they occur.
pub fn signs(outcomes: &[Outcome]) -> String {
    let contents = outcomes.iter().flat_map(|outcome| &outcome.outcomes);
    let said: Vec<&str> = contents.map(|contents| contents.observed.as_str()).collect();
    letters::cells(&said.concat()).into_iter().map(|meaning| meaning + "\n").collect()
}

/// The last lines: how many were as expected, and what was explored.
pub fn summary(outcomes: &[Outcome], columns: Option<usize>) -> String {
    let with = |wanted: Option<bool>| outcomes.iter().filter(|o| o.judgement.as_expected == wanted).count();
    let incomplete = outcomes.iter().filter(|o| o.verdict == Verdict::Incomplete).count();
    let transitions: u64 = outcomes.iter().map(|o| o.statistics.transitions).sum();
    let states: u64 = outcomes.iter().map(|o| o.statistics.states).sum();
    let mut parts = vec![format!("{} as expected", with(Some(true)))];
    let unexpected = with(Some(false));
    if unexpected > 0 {
        parts.push(styled(BAD, format!("{unexpected} not as expected")));
    }
    if incomplete > 0 {
        parts.push(styled(DOUBT, format!("{incomplete} incomplete")));
    }
    let silent = with(None) - incomplete.min(with(None));
    if silent > 0 {
        parts.push(format!("{silent} without an expectation"));
    }
    // What is incomplete says so.
    let is_cut = |o: &&Outcome| o.verdict != Verdict::Incomplete && !o.limits_hit.is_empty();
    match outcomes.iter().filter(is_cut).count() {
        0 => {}
        cut if cut == outcomes.len() => parts.push("not explored to the end".to_owned()),
        cut => parts.push(format!("{cut} of all these not explored to the end")),
    }
    let executions: u64 = outcomes.iter().map(|o| o.statistics.executions).sum();
    let all = outcomes.iter().all(|o| o.engine == Engine::Exhaustive);
    let text = format!(
        "\n{}: {} and {} explored\n",
        parts.join(", "),
        if all { count(states, "state") } else { count(executions, "execution") },
        count(transitions, "transition")
    );
    broken(&text, columns)
}

/// Where a counterexample's certificate is said in full.
pub fn certified(outcome: &Outcome) -> Option<String> {
    outcome
        .counterexample
        .as_ref()
        .filter(|shown| shown.counterexample.certified)
        .map(|shown| shown.counterexample.certificate(shown.among.as_deref()))
}
