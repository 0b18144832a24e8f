//! The shared state beside the timeline, where it changed.
//!
//! Short values are printed whole. The state of many blocks or folios is printed as the runs that changed
//! (`4-7:W`), and at the start as runs of equal ones (`U*16`), so that it holds in a narrow column. The COW fork has
//! numbers of its own (`cow 1:D`), and is empty at the end (`cow none`).

use std::fmt::Display;
use std::ops::Range;

use stalemap_explore::Replay;

use super::look::Show;
use super::space::GAP;
use crate::annotate::files::{self, Note};
use crate::annotate::inner::Inner;
use crate::annotate::{AnnotatedSchedule, AnnotatedStep};
use crate::wrap::{width, wrap};

/// The column of the extents.
const EXTENTS: &str = "ext";
/// Before the numbers of blocks of the COW fork.
const COW: &str = "cow";
/// The COW fork has nothing any more.
const NONE: &str = "none";
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
    /// The state itself.
    values: Vec<String>,
    /// Every letter that is printed for a block, folio or zone.
    pub(super) letters: String,
    /// How the state of many blocks or folios is printed, where it is.
    pub(super) short: Option<Short>,
}

/// How the state of many blocks or folios is printed: of each way the first example, with what it stands for.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Short {
    /// Equal ones in a row: `U*16`.
    pub(super) run: Option<String>,
    /// Those of these numbers: `2-3:C`.
    pub(super) numbers: Option<String>,
    /// The COW fork: `cow 1:D`.
    pub(super) cow: bool,
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

/// What is shown beside the columns that a replay always has.
pub(super) fn of_kinds(schedule: &AnnotatedSchedule, show: Show) -> Vec<Column> {
    let inner = match show {
        Show::WhatDecides => Inner::deciding(schedule),
        Show::These(kinds) => Inner::of(schedule, &kinds.into_iter().flatten().collect::<Vec<_>>()),
    };
    let column = |inner: Inner| Column { file: inner.file, ..Column::new(inner.kind.name(), &inner.values) };
    inner.into_iter().map(column).collect()
}

/// What is said of state that was asked for and that no step changes.
pub(super) fn unchanged(schedule: &AnnotatedSchedule, show: Show) -> Option<String> {
    let Show::These(kinds) = show else { return None };
    let still = Inner::unchanged(schedule, &kinds.into_iter().flatten().collect::<Vec<_>>());
    let names: Vec<String> = still.iter().map(|kind| kind.name().to_owned()).collect();
    (!names.is_empty()).then(|| format!("No step changes {}.", either(&names)))
}

/// Names, any of them: `pte, blocks or disk`.
fn either(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// Puts columns behind those of their files, as far as all fit `room`.
pub(super) fn add(columns: &mut Vec<Column>, more: Vec<Column>, room: usize) {
    let needed = |columns: &[Column]| columns.iter().map(|column| column.width + GAP).sum::<usize>();
    if needed(columns) + needed(&more) > room {
        return;
    }
    for column in more {
        let place = columns.iter().rposition(|other| other.file == column.file);
        let place = place.map_or(columns.len(), |place| place + 1);
        columns.insert(place, column);
    }
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
        let texts: Vec<Vec<String>> = before
            .zip(values)
            .map(|(before, now)| match before {
                Some(before) if before == now => Vec::new(),
                _ if !abbreviated => vec![now.clone()],
                before => shortened(name, before.map(String::as_str), now),
            })
            .collect();
        let widest = texts.iter().map(|text| width(&text.join(" "))).max().unwrap_or(0);
        let width = widest.min(WHOLE).max(width(name));
        let short = if abbreviated { Some(Short::of(&texts)) } else { None };
        let letters = letters(texts.iter().flatten(), abbreviated);
        let cells = texts.iter().map(|text| fitted(text, width)).collect();
        Column { file: None, name: name.to_owned(), width, cells, values: values.to_vec(), letters, short }
    }

    /// What several transitions changed, in the lines that it takes.
    pub(super) fn over(&self, rows: &Range<usize>) -> Vec<String> {
        let (Some(before), Some(now)) = (self.values.get(rows.start), self.values.get(rows.end)) else {
            return Vec::new();
        };
        if before == now {
            return Vec::new();
        }
        let texts = match self.short {
            Some(_) => shortened(&self.name, Some(before), now),
            None => vec![now.clone()],
        };
        fitted(&texts, self.width)
    }
}

impl Short {
    fn of(texts: &[Vec<String>]) -> Self {
        let words = || texts.iter().flatten().flat_map(|text| text.split(' '));
        let first = |sign: char| words().find(|word| word.contains(sign)).map(str::to_owned);
        Short { run: first('*'), numbers: first(':'), cow: words().any(|word| word == COW) }
    }

    /// What it means.
    pub(super) fn meanings(&self) -> Vec<String> {
        let run = self.run.as_ref().and_then(|run| Some((run, run.rsplit_once('*')?)));
        let run = run.map(|(run, (part, times))| format!("{run} {times} times {part}"));
        let numbers = self.numbers.as_ref().and_then(|word| Some((word, word.split_once(':')?)));
        let numbers = numbers.map(|(word, (numbers, part))| match numbers.split_once('-') {
            Some((first, last)) => format!("{word} numbers {first} to {last} are {part} now"),
            None => format!("{word} number {numbers} is {part} now"),
        });
        run.into_iter().chain(numbers).chain(self.cow.then(|| format!("{COW} the COW fork"))).collect()
    }
}

/// The letters of texts: without the numbers of what they stand for.
fn letters<'t>(texts: impl Iterator<Item = &'t String>, abbreviated: bool) -> String {
    let part = |word: &'t str| match word {
        COW | NONE if abbreviated => "",
        word if abbreviated => {
            let part = word.split_once(':').map_or(word, |(_, part)| part);
            part.rsplit_once('*').map_or(part, |(part, _)| part)
        }
        word => word,
    };
    let mut letters: Vec<char> =
        texts.flat_map(|text| text.split(' ')).flat_map(|word| part(word).chars()).collect();
    letters.sort_unstable();
    letters.dedup();
    letters.into_iter().collect()
}

/// Texts in one line if they fit, otherwise each in lines of its own.
fn fitted(texts: &[String], width: usize) -> Vec<String> {
    let line = texts.join(" ");
    if line.is_empty() {
        return Vec::new();
    }
    if self::width(&line) <= width {
        return vec![line];
    }
    texts.iter().flat_map(|text| wrap(text, width, 0)).collect()
}

/// A value as runs: all of it, or what changed. The COW fork, which only extents have, has a text of its own.
fn shortened(name: &str, before: Option<&str>, now: &str) -> Vec<String> {
    if name != EXTENTS {
        return vec![before.map_or_else(|| runs(now), |before| changes(before, now))];
    }
    let forks = |value| str::split_once(value, '/').map_or((value, None), |(data, cow)| (data, Some(cow)));
    let (data, cow) = forks(now);
    let (data_before, cow_before) = before.map_or((None, None), |before| {
        let (data, cow) = forks(before);
        (Some(data), cow)
    });
    let data = data_before.map_or_else(|| runs(data), |before| changes(before, data));
    let empty = || "-".repeat(cow.or(cow_before).map_or(0, str::len));
    let cow = match (cow_before, cow) {
        (None, None) => String::new(),
        (Some(_), None) => format!("{COW} {NONE}"),
        (before, Some(cow)) => {
            let changes = changes(before.unwrap_or(&empty()), cow);
            if changes.is_empty() { changes } else { format!("{COW} {changes}") }
        }
    };
    [data, cow].into_iter().filter(|text| !text.is_empty()).collect()
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
        assert_eq!((column.width, column.short), (3, None));
        let column = Column::new("ext", &["U".repeat(16), format!("UUUU{}", "W".repeat(12))]);
        assert_eq!(column.cells, [vec!["U*16".to_owned()], vec!["4-15:W".to_owned()]]);
    }

    #[test]
    fn each_fork_has_its_numbers() {
        let values = ["WWWWWW", "WWWWWW/-D--D-", "WWWWWU/----D-", "WWWWWU", "WWWWWW", "WWWWWW/DDDDDD"];
        let column = Column::new("ext", &values.map(str::to_owned));
        let cells: Vec<String> = column.cells.iter().map(|cell| cell.join("|")).collect();
        assert_eq!(cells, ["W*6", "cow 1:D 4:D", "5:U cow 1:-", "cow none", "5:W", "cow 0-5:D"]);
        assert_eq!((column.width, column.letters.as_str()), (11, "-DUW"));
        assert_eq!(
            column.short.as_ref().map(Short::meanings).unwrap_or_default(),
            ["W*6 6 times W", "1:D number 1 is D now", "cow the COW fork"]
        );
        assert_eq!(column.over(&(0..2)), ["5:U cow 4:D"]);
        assert_eq!((column.over(&(0..4)), column.over(&(1..4))), (Vec::new(), vec!["cow none".to_owned()]));
        // After the setup; and what does not fit beside the data fork is a line of its own.
        let column =
            Column::new("ext", &["H".repeat(16) + "/-D" + &"-".repeat(14), "HHWWHHWWHHHHHHHH".to_owned()]);
        assert_eq!(column.cells, [vec!["H*16 cow 1:D"], vec!["2-3:W 6-7:W", "cow none"]]);
        assert_eq!((column.width, column.letters.as_str()), (12, "DHW"));
        // A slash elsewhere is none between forks.
        let column = Column::new("zones", &["o1/2/4 - - - -", "o2/2/4 - - - -"].map(str::to_owned));
        assert_eq!(column.cells, [vec!["o1/2/4 -*4"], vec!["0:o2/2/4"]]);
        assert_eq!(
            column.short.as_ref().map(Short::meanings).unwrap_or_default(),
            ["-*4 4 times -", "0:o2/2/4 number 0 is o2/2/4 now"]
        );
    }
}
