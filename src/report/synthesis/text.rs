//! What is enough, as text.

use std::fmt::Write as _;

use anstyle::Style;
use stalemap_model::words::count::count;

use super::words::{
    NONE, Sorted, all_scenarios, asked_for, cell, confirmed, counter, head, in_short, instead, left_out,
    loss, needed_by_none, no_set, not_shown, numbers, of_one, scenario, sentence, studies,
};
use crate::report::style::{BAD, DOUBT, GOOD, HEAD, styled};
use crate::synthesis::answer::{Answer, MOST_SETS, Need, Set};
use crate::synthesis::lattice::{Candidate, Lattice};
use crate::synthesis::search::Asks;
use crate::wrap::fill;

/// Parts of a set up to which each is said in a sentence of its own.
const IN_FULL: usize = 6;

/// The answers first, then for each file system what breaks with less, who asks for what, and the numbers.
pub fn render(answers: &[Answer<'_>], columns: usize) -> String {
    let mut text = String::new();
    for answer in answers {
        text.push_str(&first(answer, columns));
    }
    for answer in answers {
        text.push_str(&rest(answer, columns));
    }
    text + &basis(answers, columns) + &not_modelled(answers, columns)
}

/// The same of single scenarios: a line for each; of one alone everything.
pub fn weakest(answers: &[Answer<'_>], columns: usize) -> String {
    let mut text = String::new();
    for answer in answers {
        let (Some(lattice), Some((name, study))) = (answer.lattice(), studies(answer).next()) else {
            continue;
        };
        let asks = match &study.asks {
            Asks::Nothing => "nothing".to_owned(),
            Asks::OneOf(minimal) => {
                let each: Vec<String> = minimal.iter().map(|one| in_short(lattice, one)).collect();
                each.join(", or ")
            }
            Asks::LostAnyway(property) => format!("breaks with every check ({property})"),
            Asks::BreaksAtBothEnds(property) => {
                format!("undecided: breaks with no check and with all of them ({property}), and each alone")
            }
            Asks::Unknown => {
                "undecided: a limit was reached before a check was found that keeps it".to_owned()
            }
        };
        lines(&mut text, &format!("{name}: {asks}"), columns, 0);
        if let [_] = answers {
            for set in &answer.sets {
                in_full(&mut text, lattice, set, columns);
                for need in &set.needs {
                    let how = need.shown.as_ref().map_or_else(|| not_shown(need), loss);
                    lines(&mut text, &format!("with {} instead: {how}", instead(lattice, need)), columns, 4);
                }
            }
        }
        for said in of_one(answer) {
            lines(&mut text, &said, columns, 2);
        }
    }
    text.push('\n');
    if let [answer] = answers {
        lines(&mut text, &numbers(answer), columns, 0);
    }
    text + &basis(answers, columns)
}

fn lines(text: &mut String, what: &str, columns: usize, indent: usize) {
    styled_lines(text, Style::new(), what, columns, indent);
}

fn styled_lines(text: &mut String, style: Style, what: &str, columns: usize, indent: usize) {
    for line in fill(what, columns.saturating_sub(indent), 2) {
        let line = if style.is_plain() { line } else { styled(style, line) };
        let _ = writeln!(text, "{:indent$}{line}", "");
    }
}

/// Which sets are enough.
fn first(answer: &Answer<'_>, columns: usize) -> String {
    let sorted = Sorted::of(answer);
    let mut text = String::new();
    styled_lines(&mut text, HEAD, &head(answer, &sorted), columns, 0);
    let Some(lattice) = answer.lattice() else { return text + "  Nothing was asked.\n" };
    match &answer.sets[..] {
        [] => match no_set(answer) {
            Some(said) => styled_lines(&mut text, BAD, &said, columns, 2),
            None => lines(&mut text, "Nothing can be said: none of its scenarios decides.", columns, 2),
        },
        [one] if one.candidate.is_bottom() => {
            lines(&mut text, "Nothing is needed: all hold without any of it.", columns, 2);
        }
        [one] if one.candidate.present().count() > IN_FULL => {
            lines(&mut text, "One minimal set:", columns, 2);
            lines(&mut text, &in_short(lattice, &one.candidate), columns, 4);
        }
        [one] => {
            lines(&mut text, "One minimal set:", columns, 2);
            in_full(&mut text, lattice, one, columns);
        }
        sets => {
            lines(&mut text, &format!("{} minimal sets, each enough:", sets.len()), columns, 2);
            for set in sets.iter().take(MOST_SETS) {
                lines(&mut text, &in_short(lattice, &set.candidate), columns, 4);
            }
            if sets.len() > MOST_SETS {
                lines(&mut text, &format!("and {} more", sets.len() - MOST_SETS), columns, 4);
            }
        }
    }
    for set in answer.sets.iter().filter(|set| !set.not_confirmed.is_empty()) {
        let what = format!("{}: {}", in_short(lattice, &set.candidate), confirmed(answer, &sorted, set));
        styled_lines(&mut text, BAD, &what, columns, 2);
    }
    if let Some(said) = explored_with(answer, &sorted) {
        styled_lines(&mut text, GOOD, &said, columns, 2);
    }
    for said in open(answer, &sorted) {
        styled_lines(&mut text, DOUBT, &said, columns, 2);
    }
    text + "\n"
}

/// What was explored with the sets, if all of it holds.
fn explored_with(answer: &Answer<'_>, sorted: &Sorted<'_>) -> Option<String> {
    let confirmed = answer.sets.iter().take(MOST_SETS).all(|set| set.not_confirmed.is_empty());
    let with = match answer.sets.len() {
        0 => return None,
        1 => "it".to_owned(),
        sets if sets > MOST_SETS => format!("each of the first {MOST_SETS}"),
        _ => "each of them".to_owned(),
    };
    let hold = if sorted.decide() == 1 { "holds" } else { "hold" };
    let all = all_scenarios(sorted);
    confirmed.then(|| format!("With {with} {all} {hold}: all runs were explored once more."))
}

/// What is not known.
fn open(answer: &Answer<'_>, sorted: &Sorted<'_>) -> Vec<String> {
    let unknown = sorted.unknown.len() + sorted.both_ends.len();
    let partly = answer.studies.iter().filter(|study| !study.all_known()).count().saturating_sub(unknown);
    let said = |number: usize, what: &str| {
        (number > 0).then(|| format!("{} {what}", count(number as u64, "scenario")))
    };
    let both = [
        said(unknown, "undecided (below), for which these may be too weak."),
        said(partly, "in which not every candidate is decided (below): other sets may be enough, too."),
    ];
    both.into_iter().flatten().collect()
}

/// A set, a sentence for each part.
fn in_full(text: &mut String, lattice: &Lattice, set: &Set, columns: usize) {
    for dimension in set.candidate.present() {
        let value = set.candidate.at(dimension);
        let what = format!(
            "{}: {}",
            super::words::part(lattice, dimension, value),
            sentence(lattice, dimension, value)
        );
        lines(text, &what, columns, 4);
    }
}

/// What breaks with less, who asks for what, and the numbers.
fn rest(answer: &Answer<'_>, columns: usize) -> String {
    let sorted = Sorted::of(answer);
    let Some(lattice) = answer.lattice() else { return String::new() };
    let mut text = format!("{}\n", styled(HEAD, answer.scope.fs));
    if let Some(said) = counter(answer) {
        lines(&mut text, &said, columns, 2);
    }
    let mut told: Vec<&Need> = Vec::new();
    for set in answer.sets.iter().take(MOST_SETS).filter(|set| !set.needs.is_empty()) {
        lines(
            &mut text,
            &format!("{}. With one part of it weaker or left out:", in_short(lattice, &set.candidate)),
            columns,
            2,
        );
        let (again, new): (Vec<&Need>, Vec<&Need>) = set.needs.iter().partition(|need| told.contains(need));
        let mut titled = None;
        for need in &new {
            lines(&mut text, &less(answer, lattice, need, &mut titled), columns, 4);
        }
        if !again.is_empty() {
            lines(&mut text, if new.is_empty() { "as above" } else { "the rest as above" }, columns, 4);
        }
        told.extend(new);
    }
    if !sorted.asking.is_empty() {
        lines(&mut text, "What each needs:", columns, 2);
        text.push_str(&table(lattice, &sorted, columns));
    }
    for said in needed_by_none(answer, &sorted).into_iter().chain(left_out(answer, &sorted)) {
        lines(&mut text, &said, columns, 2);
    }
    lines(&mut text, &numbers(answer), columns, 2);
    text + "\n"
}

/// What breaks with a weaker value; a title is told once in a row.
fn less(answer: &Answer<'_>, lattice: &Lattice, need: &Need, titled: &mut Option<usize>) -> String {
    let what = instead(lattice, need);
    let Some(shown) = &need.shown else { return format!("{what}: {}", not_shown(need)) };
    let (name, title) = scenario(answer, shown.scenario);
    let breaks = count(need.breaks.len() as u64, "scenario");
    let title = match titled.replace(shown.scenario) {
        Some(last) if last == shown.scenario => String::new(),
        Some(_) | None => format!(": {title}"),
    };
    format!("{what}: breaks {breaks}, as {name} ({}){title}", loss(shown))
}

/// A row for each scenario that asks for something, a column for each dimension that is asked for.
fn table(lattice: &Lattice, sorted: &Sorted<'_>, columns: usize) -> String {
    let mut text = String::new();
    let asked = asked_for(sorted);
    let names = sorted.asking.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let width = |dimension: &usize| {
        let cells = sorted.asking.iter().map(|(_, minimal)| cell(lattice, minimal, *dimension).len());
        let key = lattice.dimensions.get(*dimension).map_or(0, |dimension| dimension.key.len());
        cells.chain([key]).max().unwrap_or(0)
    };
    let mut blocks: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut used = columns;
    for (dimension, width) in asked.iter().map(|dimension| (*dimension, width(dimension))) {
        match blocks.last_mut() {
            Some(block) if used + 2 + width <= columns => block.push((dimension, width)),
            _ => {
                blocks.push(vec![(dimension, width)]);
                used = 2 + names;
            }
        }
        used += 2 + width;
    }
    for block in blocks {
        let mut row = |name: &str, of: &dyn Fn(usize) -> String| {
            let cell = |(dimension, width): &(usize, usize)| format!("  {:width$}", of(*dimension));
            let cells = block.iter().map(cell).collect::<Vec<_>>().concat();
            text.push_str(format!("  {name:names$}{cells}").trim_end());
            text.push('\n');
        };
        row("", &|dimension| lattice.dimensions.get(dimension).map_or("", |of| of.key).to_owned());
        for (name, minimal) in &sorted.asking {
            let cells: Vec<String> =
                block.iter().map(|(dimension, _)| cell(lattice, minimal, *dimension)).collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                row(name, &|dimension| cell(lattice, minimal, dimension));
            }
        }
    }
    let has_none = |(_, minimal): &(&str, &[Candidate])| {
        asked.iter().any(|dimension| cell(lattice, minimal, *dimension).split(' ').any(|word| word == NONE))
    };
    if sorted.asking.iter().any(has_none) {
        lines(
            &mut text,
            &format!("{NONE}: in one of its minimal sets there is nothing at this place"),
            columns,
            2,
        );
    }
    text
}

/// What all of it rests on.
fn basis(answers: &[Answer<'_>], columns: usize) -> String {
    let mut text = String::new();
    let Some(question) = answers.iter().find_map(|answer| answer.lattice()).map(Lattice::question) else {
        return text;
    };
    let what = format!(
        "Sets of {}. A set is enough if no run of any scenario that counts loses data, exposes any, or hangs; minimal, if with less of \
         any part some scenario breaks. Everything else is as in the base. Bounds: the files' actors, commands and sizes; \
         sequentially consistent memory.",
        question.words
    );
    lines(&mut text, &what, columns, 0);
    text
}

/// What belongs to the question and was not asked.
fn not_modelled(answers: &[Answer<'_>], columns: usize) -> String {
    let mut text = String::new();
    let Some(question) = answers.iter().find_map(|answer| answer.lattice()).map(Lattice::question) else {
        return text;
    };
    if !question.not_modelled.is_empty() {
        lines(&mut text, &format!("Not modelled: {}.", question.not_modelled.join("; ")), columns, 0);
    }
    text
}
