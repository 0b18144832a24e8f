//! The shared state beside each step, with what the step changed marked in it.

use std::ops::Range;

use serde::Serialize;
use stalemap_explore::Replay;
use stalemap_facade::{Panel, Span, Strip};

use super::phrases::harmless;

/// The state of one file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FileState {
    /// The file's name; `None` for the only one.
    pub title: Option<String>,
    /// Single values.
    pub facts: Vec<Fact>,
    /// What is laid out by byte offset.
    pub strips: Vec<Row>,
}

/// A single value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// What it is now; empty for a lock that was let go.
    pub value: String,
    /// Whether the step changed it.
    pub changed: bool,
}

/// A strip.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Row {
    /// What it shows.
    pub name: &'static str,
    /// Its parts, in the order of their offsets.
    pub cells: Vec<Cell>,
}

/// A part of a strip.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Cell {
    /// Where it begins, in bytes.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// A few characters.
    pub label: String,
    /// The same in words.
    pub words: String,
    /// How it is painted: [`stalemap_model::system::panel::SpanKind::name`].
    pub kind: &'static str,
    /// Whether the step changed it.
    pub changed: bool,
}

/// The state after the setup and after each step.
pub(super) fn states(replay: &Replay) -> Vec<Vec<FileState>> {
    let all: Vec<&Vec<Panel>> = std::iter::once(&replay.initial_panels)
        .chain(replay.played.iter().map(|played| &played.panels))
        .collect();
    let before = std::iter::once(None).chain(all.iter().map(|panels| Some(*panels)));
    all.iter().zip(before).map(|(now, before)| files(now, before.map(Vec::as_slice))).collect()
}

fn files(now: &[Panel], before: Option<&[Panel]>) -> Vec<FileState> {
    let file = |(n, panel): (usize, &Panel)| {
        let before = before.and_then(|before| before.get(n));
        FileState {
            title: panel.title.as_deref().map(harmless),
            facts: facts(panel, before),
            strips: panel.strips.iter().map(|strip| row(strip, before)).collect(),
        }
    };
    now.iter().enumerate().map(file).collect()
}

fn facts(panel: &Panel, before: Option<&Panel>) -> Vec<Fact> {
    let value_in = |panel: &Panel, name: &str| {
        panel.facts.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    };
    let fact = |(name, value): &(String, String)| Fact {
        name: name.clone(),
        value: harmless(value),
        changed: before.is_some_and(|before| value_in(before, name).as_ref() != Some(value)),
    };
    // A lock that was let go is worth seeing once.
    let gone = before.into_iter().flat_map(|before| &before.facts);
    let gone = gone.filter(|(name, _)| value_in(panel, name).is_none());
    let gone = gone.map(|(name, _)| Fact { name: name.clone(), value: String::new(), changed: true });
    panel.facts.iter().map(fact).chain(gone).collect()
}

fn row(strip: &Strip, before: Option<&Panel>) -> Row {
    let before = before.and_then(|before| before.strips.iter().find(|other| other.name == strip.name));
    let unchanged = |span: &Span| {
        before.is_none_or(|before| {
            let mut over = before.spans.iter().filter(|other| overlap(&other.bytes, &span.bytes));
            over.all(|other| (&other.words, other.paint) == (&span.words, span.paint))
        })
    };
    let cell = |span: &Span| Cell {
        from: span.bytes.start,
        to: span.bytes.end,
        label: span.label.clone(),
        words: span.words.clone(),
        kind: span.paint,
        changed: !unchanged(span),
    };
    Row { name: strip.name, cells: strip.spans.iter().map(cell).collect() }
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

#[cfg(test)]
mod tests {
    use stalemap_model::system::panel::SpanKind;

    use super::*;

    fn span(bytes: Range<u64>, label: &str) -> Span {
        Span { bytes, label: label.to_owned(), words: label.to_owned(), paint: SpanKind::Data.name() }
    }

    fn panel(held: bool, spans: Vec<Span>) -> Panel {
        let facts = if held { vec![("i_rwsem".to_owned(), "writer".to_owned())] } else { Vec::new() };
        Panel { title: None, facts, strips: vec![Strip { name: "page cache", spans }] }
    }

    #[test]
    fn what_a_step_changed_is_marked_whatever_it_was_cut_like_before() {
        let before = panel(true, vec![span(0..8, "a")]);
        let now = panel(false, vec![span(0..4, "a"), span(4..8, "b")]);
        let state = files(&[now], Some(&[before]));
        let changed: Vec<bool> = state[0].strips[0].cells.iter().map(|cell| cell.changed).collect();
        assert_eq!(changed, [false, true]);
        assert_eq!(state[0].facts[0], Fact { name: "i_rwsem".into(), value: String::new(), changed: true });
        let same = panel(true, vec![span(0..8, "a")]);
        let same = [same];
        assert!(!files(&same, Some(&same))[0].strips[0].cells[0].changed);
        assert!(!files(&same, None)[0].strips[0].cells[0].changed, "nothing came before");
    }
}
