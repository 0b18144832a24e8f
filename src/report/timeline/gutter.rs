//! The shared state beside the timeline, where it changed.
//!
//! Short values are printed whole. The state of many blocks or folios is printed as the runs that changed
//! (`4-7:W`), and at the start as runs of equal ones (`U*16`), so that it holds in a narrow column.

use std::fmt::Display;

use stalemap_explore::Replay;

use crate::annotate::AnnotatedStep;
use crate::annotate::files::{self, Note};
use crate::report::text::{width, wrap};

/// The widest value that is printed whole, and the widest column of those that are not.
const WHOLE: usize = 12;

/// One column of the shared state.
pub(super) struct Column {
    /// The file that it belongs to, where there are several.
    pub(super) file: Option<String>,
    /// Its head.
    pub(super) name: String,
    /// How wide it is.
    pub(super) width: usize,
    /// What it says after the setup and after each transition: nothing where nothing changed. Each in the
    /// lines that it takes.
    pub(super) cells: Vec<Vec<String>>,
    /// Whether changes are printed as runs.
    pub(super) abbreviated: bool,
    /// Every letter that occurs.
    pub(super) letters: String,
}

/// The columns of a replay.
pub(super) fn columns(replay: &Replay) -> Vec<Column> {
    let states = || std::iter::once(&replay.initial).chain(replay.played.iter().map(|played| &played.gutter));
    let column = |name: &String| {
        let (file, what) = files::column(name);
        let value = |state: &Vec<(String, String)>| {
            state.iter().find(|(other, _)| other == name).map_or_else(String::new, |(_, value)| value.clone())
        };
        Column {
            file: file.map(str::to_owned),
            ..Column::new(what, &states().map(value).collect::<Vec<_>>())
        }
    };
    replay.initial.iter().map(|(name, _)| column(name)).collect()
}

/// The columns apart: those of files that change, and what those of the others show. The only file is always
/// shown.
pub(super) fn changing(columns: Vec<Column>) -> (Vec<Column>, Vec<String>) {
    let changing = columns.iter().filter(|column| column.changes());
    let files: Vec<Option<String>> = changing.map(|column| column.file.clone()).collect();
    let shown = |column: &Column| column.file.is_none() || files.contains(&column.file);
    let (shown, still): (Vec<Column>, Vec<Column>) = columns.into_iter().partition(shown);
    let texts = told(&still, 0).iter().map(Note::shown).collect();
    (shown, texts)
}

/// What the columns show in a state, in words, a note for each file.
pub(super) fn told(columns: &[Column], state: usize) -> Vec<Note> {
    let text = |columns: &[Column]| {
        let says: Vec<String> = columns.iter().filter_map(|column| column.says(state)).collect();
        (!says.is_empty()).then(|| Note { file: columns[0].file.clone(), text: says.join(", ") })
    };
    columns.chunk_by(|a, b| a.file == b.file).filter_map(text).collect()
}

/// The steps with what the columns show told among their notes.
pub(super) fn folded(steps: &[AnnotatedStep], columns: &[Column]) -> Vec<AnnotatedStep> {
    steps.iter().enumerate().map(|(row, step)| step.with_notes(told(columns, row + 1))).collect()
}

impl Column {
    /// Whether it says anything after the setup.
    fn changes(&self) -> bool {
        self.cells.iter().skip(1).any(|cell| !cell.is_empty())
    }

    /// What it shows in a state, in words: `ext UU`.
    pub(super) fn says(&self, state: usize) -> Option<String> {
        let cell = self.cells.get(state).filter(|cell| !cell.is_empty())?;
        Some(format!("{} {}", self.name, cell.join(" ")))
    }

    fn new(name: &str, values: &[String]) -> Self {
        let abbreviated = values.iter().any(|value| width(value) > WHOLE);
        let before = std::iter::once(None).chain(values.iter().map(Some));
        let texts: Vec<String> = before
            .zip(values)
            .map(|(before, now)| match before {
                Some(before) if before == now => String::new(),
                _ if !abbreviated => now.clone(),
                None => runs(now),
                Some(before) => changes(before, now),
            })
            .collect();
        let widest = texts.iter().map(|text| width(text)).max().unwrap_or(0);
        let width = widest.min(WHOLE).max(width(name));
        let cells = texts.iter().map(|text| if text.is_empty() { Vec::new() } else { wrap(text, width, 0) });
        let mut letters: Vec<char> = values.iter().flat_map(|value| value.chars()).collect();
        letters.sort_unstable();
        letters.dedup();
        let letters = letters.into_iter().collect();
        Column { file: None, name: name.to_owned(), width, cells: cells.collect(), abbreviated, letters }
    }
}

/// The state of each block or folio.
fn parts(value: &str) -> Vec<&str> {
    if value.contains(' ') {
        value.split(' ').collect()
    } else {
        value.split("").filter(|part| !part.is_empty()).collect()
    }
}

/// Runs of equal items with where they begin.
fn group<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<(usize, usize, T)> {
    let mut groups: Vec<(usize, usize, T)> = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        match groups.last_mut() {
            Some((_, end, last)) if *last == item => *end = at + 1,
            _ => groups.push((at, at + 1, item)),
        }
    }
    groups
}

/// All of a value, as runs: `U*4 W U*11`.
fn runs(value: &str) -> String {
    let times = |(start, end, part): &(usize, usize, &str)| {
        if end - start == 1 { (*part).to_owned() } else { format!("{part}*{}", end - start) }
    };
    join(group(parts(value)).iter().map(times))
}

/// What changed in a value, as runs: `4:W 6-9:W`.
fn changes(before: &str, now: &str) -> String {
    let (before, now) = (parts(before), parts(now));
    let changed = (0..now.len()).map(|at| (before.get(at) != now.get(at)).then(|| now[at]));
    let places = |(start, end, part): &(usize, usize, Option<&str>)| {
        let part = (*part)?;
        Some(if end - start == 1 { format!("{start}:{part}") } else { format!("{start}-{}:{part}", end - 1) })
    };
    join(group(changed).iter().filter_map(places))
}

fn join(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_parts_are_abbreviated() {
        assert_eq!(runs("UUUUWUU"), "U*4 W U*2");
        assert_eq!(runs("- - D CW CW"), "-*2 D CW*2");
        assert_eq!(changes("UUUUUU", "UWWUUD"), "1-2:W 5:D");
        assert_eq!(changes("- - D", "- Cl? Cl?"), "1-2:Cl?");
    }

    #[test]
    fn only_changes_are_printed() {
        let column = Column::new("ext", &["UU", "UU", "UW"].map(str::to_owned));
        assert_eq!(column.cells, [vec!["UU".to_owned()], vec![], vec!["UW".to_owned()]]);
        assert_eq!((column.width, column.abbreviated), (3, false));
        let column = Column::new("ext", &["U".repeat(16), format!("UUUU{}", "W".repeat(12))]);
        assert_eq!(column.cells, [vec!["U*16".to_owned()], vec!["4-15:W".to_owned()]]);
    }
}
