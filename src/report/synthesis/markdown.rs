//! What is enough, as sections of a page.

use std::fmt::Write as _;

use stalemap_model::words::count::count;

use super::words::{
    Sorted, asked_for, cell, confirmed, counter, head, in_short, instead, left_out, loss, needed_by_none,
    no_set, not_shown, numbers, part, scenario, sentence,
};
use crate::synthesis::answer::{Answer, MOST_SETS, Set};
use crate::synthesis::lattice::Lattice;
use crate::synthesis::question::PLACES;

/// A section for each file system.
pub fn sections(answers: &[Answer<'_>]) -> String {
    let sections: Vec<String> = answers.iter().map(section).collect();
    sections.join("\n")
}

fn section(answer: &Answer<'_>) -> String {
    let sorted = Sorted::of(answer);
    let over = answer.lattice().map_or("", |lattice| lattice.question().key);
    let over = if over == PLACES.key { String::new() } else { format!(", over {over}") };
    let mut text = format!("## {}{over}\n\n", answer.scope.fs);
    let _ = writeln!(text, "{}.", head(answer, &sorted));
    if let Some(said) = counter(answer) {
        let _ = writeln!(text, "{said}");
    }
    let Some(lattice) = answer.lattice() else { return text };
    if let Some(said) = no_set(answer) {
        let _ = writeln!(text, "\n{said}");
    }
    for set in answer.sets.iter().take(MOST_SETS) {
        text.push_str(&self::set(answer, lattice, &sorted, set));
    }
    if !sorted.asking.is_empty() {
        text.push_str(&table(lattice, &sorted));
    }
    text.push('\n');
    for said in needed_by_none(answer, &sorted).into_iter().chain(left_out(answer, &sorted)) {
        let _ = writeln!(text, "* {said}");
    }
    let _ = writeln!(text, "* {}", numbers(answer));
    text
}

fn set(answer: &Answer<'_>, lattice: &Lattice, sorted: &Sorted<'_>, set: &Set) -> String {
    let (short, confirmed) = (in_short(lattice, &set.candidate), confirmed(answer, sorted, set));
    let mut text = format!("\n**{short}**. {confirmed}\n");
    if set.candidate.is_bottom() {
        return text;
    }
    text.push('\n');
    for dimension in set.candidate.present() {
        let value = set.candidate.at(dimension);
        let words = sentence(lattice, dimension, value);
        let _ = writeln!(text, "* `{}`: {words}", part(lattice, dimension, value));
    }
    if set.needs.is_empty() {
        return text;
    }
    text.push_str("\n| with less | breaks | for example | how |\n|---|---|---|---|\n");
    for need in &set.needs {
        let shown = need.shown.as_ref().map(|shown| {
            let (name, title) = scenario(answer, shown.scenario);
            (format!("{name}: {title}"), loss(shown))
        });
        let (name, how) = shown.unwrap_or_else(|| (String::new(), not_shown(need)));
        let breaks = count(need.breaks.len() as u64, "scenario");
        let _ = writeln!(text, "| `{}` | {breaks} | {name} | {how} |", instead(lattice, need));
    }
    text
}

/// A row for each scenario that asks for something.
fn table(lattice: &Lattice, sorted: &Sorted<'_>) -> String {
    let asked = asked_for(sorted);
    let keys = asked.iter().filter_map(|dimension| lattice.dimensions.get(*dimension));
    let keys: Vec<&str> = keys.map(|dimension| dimension.key).collect();
    let mut text = format!("\n| needs | {} |\n|---|{}\n", keys.join(" | "), "---|".repeat(keys.len()));
    for (name, minimal) in &sorted.asking {
        let cells: Vec<String> = asked.iter().map(|dimension| cell(lattice, minimal, *dimension)).collect();
        let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
    }
    text
}
