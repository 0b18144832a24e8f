//! The claims of the thread with what was computed of them: a list, one in full, the document, and the page.

use std::fmt::Write as _;

use anstyle::Style;
use serde_json::{Value, json};
use stalemap_model::words::count::count;

use super::json::pretty;
use super::style::{BAD, DIM, DOUBT, GOOD, HEAD, styled};
use crate::claims::decide::{Decision, Piece, Ruling, Says};
use crate::claims::file::Run;
use crate::claims::pattern::Pattern;
use crate::claims::plan::Plan;
use crate::file_name::file_name;
use crate::run::Outcome;
use crate::shell::quoted;
use crate::wrap::{fill, hung, wrap};

/// How far the text of a claim is indented below its head.
const INDENT: usize = 3;

/// What a file of claims is for, at the head of the page.
const PAGE_HEAD: &str = "\
# The claims of the thread

What was claimed in the thread of January 2023 about patch 08 of \"Turn iomap_page_ops into iomap_folio_ops\", and in the mails of
2022 that it rests on, and what explorations say to it. This page is what `stalemap claims --format markdown` prints: each
verdict and each number comes from the runs. A claim is a file in `claims/`, which says for each run what it would mean how it
comes out; no file says a verdict.

* **true**: every run speaks for it;
* **true with conditions**: none speaks against it, and some name a condition;
* **false**: a run speaks against it; one is enough;
* **undecided here**: exploration cannot decide it, a limit was reached, or a run came out in a way that the file does not foresee.

A verdict is about the model, at the sizes of the scenarios, on sequentially consistent memory ([answers.md](answers.md)). `N states`
after `holds` is the size of the proof. The name of a schedule is that of the file which `--save` writes.

";

/// How many claims have which verdict: `14 true, 10 true with conditions`.
fn counts(decisions: &[Decision<'_>]) -> String {
    let of = |ruling: Ruling| decisions.iter().filter(|decision| decision.ruling == ruling).count();
    let counts = Ruling::ALL.into_iter().filter(|ruling| of(*ruling) > 0);
    let counts: Vec<String> = counts.map(|ruling| format!("{} {}", of(ruling), ruling.name())).collect();
    format!("{}: {}", count(decisions.len() as u64, "claim"), counts.join(", "))
}

fn style(ruling: Ruling) -> Style {
    match ruling {
        Ruling::True => GOOD,
        Ruling::False => BAD,
        Ruling::Conditional | Ruling::Undecided => DOUBT,
    }
}

/// The counts, and a line for each claim, in so many columns.
pub fn list(decisions: &[Decision<'_>], width: usize) -> String {
    let mut text = format!("{}\n\n", fill(&counts(decisions), width, 2).join("\n"));
    for Decision { claim, ruling, .. } in decisions {
        let of = format!("{:2}  {:20}  {:11}  ", claim.number, ruling.name(), claim.surname());
        let verdict = styled(style(*ruling), ruling.name());
        text.push_str(&hung(&of, &claim.title, Some(width)).replacen(ruling.name(), &verdict, 1));
    }
    let more = "`stalemap claims NUMBER` shows one with its evidence and how to repeat each run.";
    let _ = writeln!(text, "\n{}", fill(more, width, 2).join("\n"));
    text
}

/// One claim with its evidence, in so many columns.
pub fn one(decision: &Decision<'_>, plan: &Plan, width: usize) -> String {
    let claim = decision.claim;
    let head = wrap(&format!("{}. {}", claim.number, claim.title), width, INDENT);
    let head: Vec<String> = head.iter().map(|line| styled(HEAD, line)).collect();
    let mut text = head.join("\n") + "\n";
    text.push_str(&indented(&format!("{}, {}, {}", claim.author, claim.date, claim.mail), width));
    let paragraph = |text: &mut String, what: &str| {
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = write!(text, "\n{}", indented(&what, width));
    };
    paragraph(&mut text, &claim.said());
    if let Some(asked) = &claim.asked {
        paragraph(&mut text, &format!("Asked: {asked}"));
    }
    let _ = writeln!(text, "\n   Verdict: {}", styled(style(decision.ruling), decision.ruling.name()));
    for condition in decision.conditions() {
        paragraph(&mut text, &format!("{}: {condition}", of_condition(decision.ruling)));
    }
    for doubt in decision.doubts() {
        paragraph(&mut text, &format!("Undecided: {doubt}"));
    }
    if !decision.pieces.is_empty() {
        paragraph(&mut text, &format!("Evidence: {}", explored(decision)));
    }
    for run in &claim.runs {
        paragraph(&mut text, &run.about);
        for piece in decision.pieces.iter().filter(|piece| std::ptr::eq(piece.run, run)) {
            text.push_str(&evidence(piece, plan, width));
        }
    }
    text
}

/// What a condition is of a claim that is false anyway: where else it would be so.
fn of_condition(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::True | Ruling::Conditional | Ruling::Undecided => "Condition",
        Ruling::False => "However",
    }
}

/// A text below its head, broken.
fn indented(text: &str, width: usize) -> String {
    let lines = wrap(text, width.saturating_sub(INDENT), 0);
    let lines: Vec<String> = lines.iter().map(|line| format!("{:INDENT$}{line}", "")).collect();
    lines.join("\n") + "\n"
}

/// One run: what it says, what it came to, how large that was, and how it is repeated.
fn evidence(piece: &Piece<'_>, plan: &Plan, width: usize) -> String {
    let style = match piece.says {
        Says::Supports => GOOD,
        Says::Refutes => BAD,
        Says::Limits | Says::Incomplete(_) | Says::Unforeseen(_) => DOUBT,
    };
    let says = styled(style, format_args!("{:10}", piece.says.name()));
    let mut text = String::new();
    let head = format!("{} under {}: {}", piece.outcome.scenario, piece.outcome.design, came_to(piece));
    for (number, line) in wrap(&head, width.saturating_sub(14), 2).into_iter().enumerate() {
        let says = if number == 0 { says.clone() } else { " ".repeat(10) };
        let _ = writeln!(text, "   {says} {line}");
    }
    for line in wrap(&numbers(piece), width.saturating_sub(16), 2) {
        let _ = writeln!(text, "                {line}");
    }
    for line in wrap(&repeat(piece, plan), width.saturating_sub(16), 2) {
        let _ = writeln!(text, "                {}", styled(DIM, line));
    }
    text
}

/// What a run came to, in the words of the rule that it fits, with all that it violates.
fn came_to(piece: &Piece<'_>) -> String {
    let fits = |pattern: &Option<Pattern>| pattern.as_ref().map(ToString::to_string).unwrap_or_default();
    let Run { supports, refutes, limits, .. } = piece.run;
    let rule = match &piece.says {
        Says::Supports => fits(supports),
        Says::Refutes => fits(refutes),
        Says::Limits => fits(limits),
        Says::Incomplete(why) | Says::Unforeseen(why) => return why.clone(),
    };
    let verdict = verdict(piece.outcome);
    if rule == verdict || rule.starts_with("violates") { verdict } else { format!("{rule} ({verdict})") }
}

/// `holds`, `violates lost-write, wrong-zero`.
fn verdict(outcome: &Outcome) -> String {
    let violated: Vec<&str> = outcome.violated.iter().map(|property| property.name()).collect();
    format!("{} {}", outcome.verdict.name(), violated.join(", ")).trim_end().to_owned()
}

/// The states, and of what is violated the least schedule.
fn numbers(piece: &Piece<'_>) -> String {
    let states = count(piece.outcome.statistics.states, "state");
    let mut text = match &piece.outcome.counterexample {
        None => states,
        Some(shown) => {
            let found = &shown.counterexample;
            let least = if found.certified { "least schedule" } else { "schedule" };
            let cost = count(found.preemptions.into(), "preemption");
            let among = shown.among.as_ref().map_or_else(String::new, |among| format!(" among {among}"));
            let operations = count(u64::from(found.operations), "operation");
            let name = schedule_name(piece.outcome);
            format!("{states}; {least} {name}: {}, {cost}, {operations}{among}", shown.property)
        }
    };
    if let Some(other) = piece.beside {
        let _ = write!(
            text,
            "; under {}: {}, {}; different final contents: {} and {}",
            other.design,
            verdict(other),
            count(other.statistics.states, "state"),
            piece.outcome.outcomes.len(),
            other.outcomes.len()
        );
    }
    text
}

fn schedule_name(outcome: &Outcome) -> String {
    file_name(&outcome.scenario, &outcome.design, "schedule")
}

/// The command that repeats a run.
fn repeat(piece: &Piece<'_>, plan: &Plan) -> String {
    let name = &piece.outcome.scenario;
    let designs = [Some(piece.outcome), piece.beside].into_iter().flatten().map(|run| &run.design);
    let option = |design: &String| {
        let kind = plan.scenario(name).map_or("design", |scenario| scenario.kind_of(design).name());
        format!(" --{kind} {design}")
    };
    format!("stalemap check {}{}", quoted(name), designs.map(option).collect::<String>())
}

/// How much was explored: `3 runs, 1234 states`.
fn explored(decision: &Decision<'_>) -> String {
    let (runs, states) = decision.explored();
    format!("{}, {}", count(runs as u64, "run"), count(states, "state"))
}

/// The document of `claims`.
pub fn json(decisions: &[Decision<'_>], plan: &Plan) -> String {
    let claims: Vec<Value> = decisions.iter().map(|decision| document(decision, plan)).collect();
    pretty(&json!({ "schema": "stalemap.claims/1", "claims": claims }))
}

fn document(decision: &Decision<'_>, plan: &Plan) -> Value {
    let claim = decision.claim;
    let evidence = decision.pieces.iter().map(|piece| {
        let outcome = piece.outcome;
        let least = outcome.counterexample.as_ref().map(|shown| {
            json!({
                "name": schedule_name(outcome), "property": shown.property.name(),
                "preemptions": shown.counterexample.preemptions, "operations": shown.counterexample.operations,
                "certified": shown.counterexample.certified, "least_among": shown.among,
            })
        });
        json!({
            "about": piece.run.about, "scenario": outcome.scenario, "design": outcome.design,
            "beside": piece.beside.map(|other| &other.design),
            "says": piece.says.name(), "why": piece.says.why(), "came_to": came_to(piece),
            "verdict": outcome.verdict.name(),
            "violated": outcome.violated.iter().map(|property| property.name()).collect::<Vec<_>>(),
            "states": outcome.statistics.states, "schedule": least, "repeat": repeat(piece, plan),
        })
    });
    let (runs, states) = decision.explored();
    json!({
        "number": claim.number, "title": claim.title, "author": claim.author, "date": claim.date, "mail": claim.mail,
        "quote": claim.quote, "sense": claim.sense, "asked": claim.asked,
        "verdict": decision.ruling.name(), "conditions": decision.conditions(), "doubts": decision.doubts(),
        "runs": runs, "states": states, "evidence": evidence.collect::<Vec<_>>(),
    })
}

/// docs/claims.md: the table, and each claim with its evidence.
pub fn page(decisions: &[Decision<'_>], plan: &Plan) -> String {
    let mut text =
        format!("{PAGE_HEAD}{}.\n\n| | who | claim | verdict |\n|---|---|---|---|\n", counts(decisions));
    for Decision { claim, ruling, .. } in decisions {
        let _ = writeln!(
            text,
            "| [{0}](#{0}) | {1}, {2} | {3} | {4} |",
            claim.number,
            claim.surname(),
            claim.date,
            claim.title,
            ruling.name()
        );
    }
    for decision in decisions {
        text.push_str(&section(decision, plan));
    }
    text
}

fn section(decision: &Decision<'_>, plan: &Plan) -> String {
    let claim = decision.claim;
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = format!("\n## {}\n\n**{}**: {}\n\n", claim.number, claim.title, decision.ruling.name());
    let _ =
        writeln!(text, "{}, {}, *{}*:\n\n> {}", claim.author, claim.date, claim.mail, joined(&claim.said()));
    if let Some(asked) = &claim.asked {
        let _ = writeln!(text, "\nAsked: {} ({})", joined(asked), explored(decision));
    }
    for condition in decision.conditions() {
        let _ = writeln!(text, "\n{}: {}", of_condition(decision.ruling), joined(condition));
    }
    for doubt in decision.doubts() {
        let _ = writeln!(text, "\nUndecided: {}", joined(&doubt));
    }
    for run in &claim.runs {
        let _ = writeln!(text, "\n{}\n", joined(&run.about));
        for piece in decision.pieces.iter().filter(|piece| std::ptr::eq(piece.run, run)) {
            let _ = writeln!(
                text,
                "* {}: `{}`: {}; {}",
                piece.says.name(),
                repeat(piece, plan),
                came_to(piece),
                numbers(piece)
            );
        }
    }
    text
}
