//! A piece of a trace as a scenario: one page of a file, and the tasks that had to do with it.
//!
//! The page is the second folio of the file. Before it is a neighbour that a call may also be about, behind it one that is written back in
//! its place, and behind these as many
//! folios as there are changes elsewhere that a rejection needs: each is reserved once, by a task of its own, which moves the
//! counter.

use std::fmt::Write as _;
use std::ops::Range;

use stalemap_trace::{Deed, MapKind, Piece, Sight};

/// The size of a folio: a page.
pub(super) const FOLIO: u64 = 4096;

/// The page that the piece is about.
pub(super) const PAGE: Range<u64> = FOLIO..2 * FOLIO;

/// Where the neighbour before it is, and the one behind it.
const BEFORE: u64 = 0;
const BEHIND: u64 = 2 * FOLIO;

/// Where the folios are that stand for the rest of the file.
pub(super) const ELSEWHERE: u64 = 3 * FOLIO;

/// A command of an actor: which deed it is a part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Staged {
    /// The deed, by its place in what the doer does.
    pub(super) deed: usize,
    /// It has not begun before this line.
    pub(super) from: u64,
}

/// A piece, ready to be played.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stage {
    /// The scenario file.
    pub(super) text: String,
    /// The commands of each actor.
    pub(super) commands: Vec<Vec<Staged>>,
    /// The calls that begin before the page are also about its neighbour there.
    pub(super) before: bool,
}

impl Stage {
    /// Makes a scenario of a piece.
    pub(super) fn of(piece: &Piece, title: &str) -> Self {
        let before = has_neighbour(piece);
        let folios = ELSEWHERE / FOLIO + piece.needed.len() as u64;
        let mut text = String::new();
        let _ = writeln!(text, "title = {title:?}\n\n[geometry]\nblock = \"{}\"", piece.block);
        let _ = writeln!(text, "\n[setup]\nrun = [{}]", quoted(&setup(piece, before, folios)));
        let mut commands = Vec::new();
        for (number, doer) in piece.doers.iter().enumerate() {
            let mut run = Vec::new();
            let mut staged = Vec::new();
            for (deed, does) in doer.does.iter().enumerate() {
                for command in words(&does.deed, before) {
                    run.push(command);
                    staged.push(Staged { deed, from: does.from });
                }
            }
            actor(&mut text, &name(&doer.task.comm, number), &run);
            commands.push(staged);
        }
        if !piece.needed.is_empty() {
            let (mut run, mut staged) = (Vec::new(), Vec::new());
            for (place, change) in piece.needed.iter().enumerate() {
                let folio = format!("{} {FOLIO}", ELSEWHERE + place as u64 * FOLIO);
                run.extend([
                    format!("mmap -rw {folio}"),
                    format!("mwrite -S 0x45 {folio}"),
                    "munmap".to_owned(),
                ]);
                staged.extend([Staged { deed: place, from: piece.elsewhere[*change].0 }; 3]);
            }
            actor(&mut text, "elsewhere", &run);
            commands.push(staged);
        }
        let _ = writeln!(text, "\n[observe]\nranges = [\"{} {FOLIO}\"]", PAGE.start);
        Stage { text, commands, before }
    }
}

/// Whether a mapping that is dropped before it comes to the page has reserved its blocks: then it has to be dropped somewhere.
fn has_neighbour(piece: &Piece) -> bool {
    piece
        .seen
        .iter()
        .any(|seen| !seen.required && matches!(seen.sight, Sight::Sampled { says: MapKind::Delalloc, .. }))
}

/// What the page has in the beginning, and what its neighbours have.
fn setup(piece: &Piece, before: bool, folios: u64) -> Vec<String> {
    let mut commands = vec![format!("truncate {}", folios * FOLIO)];
    let mut kinds: Vec<(u64, u64, MapKind)> = Vec::new();
    let mut put = |start: u64, length: u64, kind: MapKind| match kinds.last_mut() {
        Some((_, end, last)) if *last == kind && *end == start => *end += length,
        _ => kinds.push((start, start + length, kind)),
    };
    if let Some(first) = piece.kinds.first().filter(|_| before) {
        put(BEFORE, FOLIO, *first);
    }
    let length = FOLIO / piece.kinds.len() as u64;
    for (number, kind) in piece.kinds.iter().enumerate() {
        put(PAGE.start + number as u64 * length, length, *kind);
    }
    let holes = |(_, _, kind): &&(u64, u64, MapKind)| *kind != MapKind::Hole;
    for (start, end, _) in kinds.iter().filter(holes) {
        commands.push(format!("falloc {start} {}", end - start));
    }
    let written: Vec<_> = kinds.iter().filter(|(_, _, kind)| *kind == MapKind::Mapped).collect();
    for (start, end, _) in &written {
        let length = end - start;
        commands.push(format!("pwrite -S 0x58 -b {length} {start} {length}"));
    }
    if !written.is_empty() {
        commands.extend(["fsync".to_owned(), format!("fadvise -d 0 {}", folios * FOLIO)]);
    }
    commands
}

/// A deed as commands.
fn words(deed: &Deed, before_too: bool) -> Vec<String> {
    let page = format!("{} {FOLIO}", PAGE.start);
    match deed {
        Deed::Write { bytes, before, .. } => {
            let start = if *before && before_too { BEFORE } else { PAGE.start + bytes.start };
            let length = PAGE.start + bytes.end - start;
            vec![format!("pwrite -S 0x57 -b {length} {start} {length}")]
        }
        Deed::Store | Deed::DirtyFolio => {
            vec![format!("mmap -rw {page}"), format!("mwrite -S 0x41 {page}"), "munmap".to_owned()]
        }
        // Not by read(2), which would wait for a write.
        Deed::Read => vec![format!("mmap -r {page}"), format!("mread {page}"), "munmap".to_owned()],
        Deed::WriteBack => vec![format!("sync_range -w {page}")],
        // It is reserved beside the page, and allocated with it.
        Deed::WriteBackNeighbour { before } => {
            let neighbour = format!("{} {FOLIO}", if *before { BEFORE } else { BEHIND });
            vec![
                format!("mmap -rw {neighbour}"),
                format!("mwrite -S 0x45 {neighbour}"),
                "munmap".to_owned(),
                format!("sync_range -w {neighbour}"),
            ]
        }
        Deed::Drop => vec![format!("fadvise -d {page}")],
    }
}

/// Names of actors are letters, digits and dashes, and none twice.
fn name(comm: &str, number: usize) -> String {
    let name = comm.split(['/', ':']).next().unwrap_or(comm).to_ascii_lowercase();
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{}-{}", name.trim_matches('-'), number + 1).trim_matches('-').to_owned()
}

fn actor(text: &mut String, name: &str, run: &[String]) {
    let _ = writeln!(text, "\n[[actor]]\nname = \"{name}\"\nrun = [{}]", quoted(run));
}

fn quoted(commands: &[String]) -> String {
    commands.iter().map(|command| format!("{command:?}")).collect::<Vec<_>>().join(", ")
}
