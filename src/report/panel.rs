//! The shared state beside each step in words, with what the step changed marked in it.

use std::ops::Range;

use serde::Serialize;
use stalemap_facade::ActorId;
use stalemap_model::system::panel::{
    BlockState, Fact, FolioState, MappedFor, Panel, Part, Shows, Span, Strip,
};
use stalemap_model::words::cell_contents::CellContents;
use stalemap_model::words::extent::{Extent, Fork};
use stalemap_model::words::geometry::Bytes;

use crate::annotate::mappings::Life;
use crate::annotate::{AnnotatedSchedule, count, harmless};
use crate::report::zones;
use crate::words;

/// The state of one file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FileState {
    /// The file's name; `None` for the only one.
    title: Option<String>,
    /// Single values.
    facts: Vec<Named>,
    /// What is laid out by byte offset.
    strips: Vec<Row>,
    /// The mappings that are cached, the oldest first.
    mappings: Vec<Cached>,
}

/// A cached mapping.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Cached {
    /// Who holds it.
    holder: String,
    /// What it says, and how old it is.
    words: String,
    /// Whether others have changed the extent map since.
    stale: bool,
    /// Whether the step sampled it, or made it stale.
    changed: bool,
}

/// A single value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Named {
    /// What it is.
    name: &'static str,
    /// What it is now; empty for a lock that was let go.
    value: String,
    /// Whether the step changed it.
    changed: bool,
}

/// A strip.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Row {
    /// What it shows.
    name: &'static str,
    /// Its parts, in the order of their offsets.
    cells: Vec<Cell>,
}

/// A part of a strip.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Cell {
    /// Where it begins, in bytes.
    from: u64,
    /// Where it ends.
    to: u64,
    /// A few characters.
    label: String,
    /// The same in words.
    words: String,
    /// How it is painted: a class of the style sheet.
    kind: &'static str,
    /// Whether the step changed it.
    changed: bool,
}

/// The state after the setup and after each step.
pub fn states(schedule: &AnnotatedSchedule) -> Vec<Vec<FileState>> {
    let before = std::iter::once(None).chain(schedule.states.iter().map(|panels| Some(&panels[..])));
    let state = |(step, (now, before)): (usize, (&Vec<Panel>, _))| {
        let mut files = files(now, before, &|actor| schedule.name(actor));
        for (file, panel) in files.iter_mut().zip(now) {
            file.mappings = cached(schedule, panel.title.as_deref(), step);
        }
        files
    };
    schedule.states.iter().zip(before).enumerate().map(state).collect()
}

/// The mappings of a file that are cached after so many steps.
fn cached(schedule: &AnnotatedSchedule, file: Option<&str>, steps: usize) -> Vec<Cached> {
    let Some(now) = steps.checked_sub(1) else { return Vec::new() };
    let is_held = |life: &&Life| {
        life.sampled <= now && life.end.is_none_or(|end| end > now) && life.file.as_deref() == file
    };
    let one = |life: &Life| {
        let age = match now - life.sampled {
            0 => "sampled now".to_owned(),
            age => format!("sampled at step {}, {} ago", life.sampled + 1, count(age, "step")),
        };
        let since = life.invalidated.iter().map(|(row, _)| *row).filter(|row| *row <= now).min();
        let stale = since.map_or_else(String::new, |row| format!("; out of date since step {}", row + 1));
        Cached {
            holder: schedule.name(life.actor),
            words: format!("{}; {age}{stale}", harmless(&words::mapping(&life.mapping))),
            stale: since.is_some(),
            changed: life.sampled == now || since == Some(now),
        }
    };
    schedule.mappings.iter().filter(is_held).map(one).collect()
}

fn files(now: &[Panel], before: Option<&[Panel]>, name: &dyn Fn(ActorId) -> String) -> Vec<FileState> {
    let file = |(n, panel): (usize, &Panel)| {
        let before = before.and_then(|before| before.get(n));
        FileState {
            title: panel.title.as_deref().map(harmless),
            facts: values(panel, before, name),
            strips: panel.strips.iter().map(|strip| row(strip, before)).collect(),
            mappings: Vec::new(),
        }
    };
    now.iter().enumerate().map(file).collect()
}

fn values(panel: &Panel, before: Option<&Panel>, name: &dyn Fn(ActorId) -> String) -> Vec<Named> {
    let of = |panel: &Panel, name: &str| panel.facts.iter().find(|other| fact_name(other) == name).cloned();
    let value = |fact: &Fact| Named {
        name: fact_name(fact),
        value: fact_value(fact, name),
        changed: before.is_some_and(|before| of(before, fact_name(fact)).as_ref() != Some(fact)),
    };
    // A lock that was let go is worth seeing once.
    let gone = before.into_iter().flat_map(|before| &before.facts).map(fact_name);
    let gone = gone.filter(|name| of(panel, name).is_none());
    let gone = gone.map(|name| Named { name, value: String::new(), changed: true });
    panel.facts.iter().map(value).chain(gone).collect()
}

fn fact_name(fact: &Fact) -> &'static str {
    match fact {
        Fact::Size(_) => "i_size",
        Fact::DiskSize(_) => "on-disk size",
        Fact::ValidSize(_) => "valid size",
        Fact::Zones(_) => "zones",
        Fact::Seq(Fork::Data, _) => "seq",
        Fact::Seq(Fork::Cow, _) => "cow seq",
        Fact::Held { lock, .. } => lock,
    }
}

fn fact_value(fact: &Fact, name: &dyn Fn(ActorId) -> String) -> String {
    match fact {
        Fact::Size(bytes) | Fact::DiskSize(bytes) | Fact::ValidSize(bytes) => Bytes(*bytes).to_string(),
        Fact::Zones(states) => zones::all(states),
        Fact::Seq(_, seq) => seq.clone(),
        Fact::Held { holders, exclusive, .. } => {
            let holders: Vec<String> = holders.iter().map(|actor| name(*actor)).collect();
            format!("{} ({})", holders.join(", "), if *exclusive { "exclusive" } else { "shared" })
        }
    }
}

fn row(strip: &Strip, before: Option<&Panel>) -> Row {
    let before = before.and_then(|before| before.strips.iter().find(|other| other.shows == strip.shows));
    let unchanged = |span: &Span| {
        before.is_none_or(|before| {
            let mut over = before.spans.iter().filter(|other| overlap(&other.bytes, &span.bytes));
            over.all(|other| other.part == span.part)
        })
    };
    let cell = |span: &Span| {
        let (label, words, kind) = part(&span.part, strip.shows);
        Cell { from: span.bytes.start, to: span.bytes.end, label, words, kind, changed: !unchanged(span) }
    };
    let name = match strip.shows {
        Shows::Extents(Fork::Data) => "extents",
        Shows::Extents(Fork::Cow) => "COW fork",
        Shows::Folios => "folios",
        Shows::PageCache => "page cache",
        Shows::OnDisk => "on disk",
    };
    Row { name, cells: strip.spans.iter().map(cell).collect() }
}

fn overlap(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

/// A label, the same in words, and the class in the style sheet.
fn part(part: &Part, shows: Shows) -> (String, String, &'static str) {
    match part {
        Part::Block { extent: Extent::Hole, .. } if shows == Shows::Extents(Fork::Cow) => {
            ("-".to_owned(), "no copy".to_owned(), "nothing")
        }
        Part::Block { extent, shared } => block(*extent, *shared),
        Part::NoFolio => ("-".to_owned(), "not in the page cache".to_owned(), "nothing"),
        Part::Folio(folio) => {
            let kind = match (folio.writeback, folio.dirty) {
                (true, _) => "writeback",
                (false, true) => "dirty",
                (false, false) => "clean",
            };
            (folio.letters.clone(), flags(folio), kind)
        }
        Part::Contents(contents) => match contents {
            CellContents::Nothing => (String::new(), "nothing valid".to_owned(), "nothing"),
            CellContents::Zeros => ("0".to_owned(), "zeros".to_owned(), "zero"),
            CellContents::Garbage(_) => ("~".to_owned(), "what nobody may see".to_owned(), "garbage"),
            CellContents::Written(byte) => (byte.clone(), format!("written with {byte}"), "data"),
        },
    }
}

fn block(extent: Extent, shared: bool) -> (String, String, &'static str) {
    let letter = extent.letter();
    let label = extent.phys().map_or_else(|| letter.to_string(), |phys| format!("{letter} {phys}"));
    let shared = if shared { ", shared" } else { "" };
    let (words, kind) = match extent {
        Extent::Hole => ("hole".to_owned(), "nothing"),
        Extent::Delalloc => ("delayed allocation".to_owned(), "reserved"),
        Extent::Unwritten(phys) => (format!("unwritten, device block {phys}"), "unwritten"),
        Extent::Written(phys) => (format!("written, device block {phys}{shared}"), "written"),
    };
    (label, words, kind)
}

fn flags(folio: &FolioState) -> String {
    let flags = [
        (true, if folio.dirty { "dirty" } else { "clean" }),
        (folio.writeback, "under writeback"),
        (folio.locked, "locked"),
        (!folio.uptodate, "not all valid"),
        (folio.mapped == Some(MappedFor::Writing), "mapped writable"),
        (folio.mapped == Some(MappedFor::Reading), "mapped read-only"),
    ];
    let flags = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| (*flag).to_owned());
    flags.chain(blocks(&folio.blocks)).collect::<Vec<_>>().join(", ")
}

/// The blocks of a folio that has several: `blocks: dirty, valid, not valid`.
fn blocks(blocks: &[BlockState]) -> Option<String> {
    let word = |block: &BlockState| match (block.uptodate, block.dirty) {
        (_, true) => "dirty",
        (true, false) => "valid",
        (false, false) => "not valid",
    };
    let words: Vec<&str> = blocks.iter().map(word).collect();
    (!words.is_empty()).then(|| format!("blocks: {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(bytes: Range<u64>, byte: &str) -> Span {
        Span { bytes, part: Part::Contents(CellContents::Written(byte.to_owned())) }
    }

    fn panel(held: bool, spans: Vec<Span>) -> Panel {
        let held = held.then_some(Fact::Held { lock: "i_rwsem", holders: vec![0], exclusive: true });
        let strips = vec![Strip { shows: Shows::PageCache, spans }];
        Panel { title: None, facts: held.into_iter().collect(), strips }
    }

    fn drawn(now: &[Panel], before: Option<&[Panel]>) -> Vec<FileState> {
        files(now, before, &|_| "writer".to_owned())
    }

    #[test]
    fn what_a_step_changed_is_marked_whatever_it_was_cut_like_before() {
        let before = panel(true, vec![span(0..8, "a")]);
        let now = panel(false, vec![span(0..4, "a"), span(4..8, "b")]);
        let state = drawn(&[now], Some(&[before]));
        let changed: Vec<bool> = state[0].strips[0].cells.iter().map(|cell| cell.changed).collect();
        assert_eq!(changed, [false, true]);
        assert_eq!(state[0].facts[0], Named { name: "i_rwsem", value: String::new(), changed: true });
        let same = [panel(true, vec![span(0..8, "a")])];
        let unchanged = drawn(&same, Some(&same));
        assert!(!unchanged[0].strips[0].cells[0].changed && !unchanged[0].facts[0].changed);
        assert_eq!(unchanged[0].facts[0].value, "writer (exclusive)");
        assert!(!drawn(&same, None)[0].strips[0].cells[0].changed, "nothing came before");
    }
}
