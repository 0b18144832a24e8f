//! The shared state as a picture: a file is drawn as strips, one below the other, cut at the same byte offsets: the
//! extents, the copies in the making, the folios with their flags, what they contain, and what is on disk.

use std::ops::Range;

use stalemap_facade::{Backend, Lock, Panel, Span, Strip};

use crate::state::disk::on_disk;
use crate::state::folio::Slot;
use crate::state::inode::Inode;
use crate::state::superblock::SuperBlock;
use crate::state::world::World;
use crate::words::config::Config;
use crate::words::extent::{Extent, Fork};
use crate::words::geometry::{Bytes, Cell};
use crate::words::value::Value;

/// What there is in a part of a strip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SpanKind {
    /// Nothing: a hole, no folio.
    Nothing,
    /// Promised, without a place: a delayed allocation.
    Reserved,
    /// Has a place and reads as zeros.
    Unwritten,
    /// Has contents.
    Written,
    /// Clean in memory.
    Clean,
    /// Dirty in memory.
    Dirty,
    /// On its way to disk.
    Writeback,
    /// Zeros.
    Zero,
    /// What a command wrote.
    Data,
    /// What nobody may see: a fresh page, somebody's deleted data.
    Garbage,
}

impl SpanKind {
    /// The name, for style sheets and exports.
    pub const fn name(self) -> &'static str {
        match self {
            SpanKind::Nothing => "nothing",
            SpanKind::Reserved => "reserved",
            SpanKind::Unwritten => "unwritten",
            SpanKind::Written => "written",
            SpanKind::Clean => "clean",
            SpanKind::Dirty => "dirty",
            SpanKind::Writeback => "writeback",
            SpanKind::Zero => "zero",
            SpanKind::Data => "data",
            SpanKind::Garbage => "garbage",
        }
    }
}

/// The files of a world, one panel each. `name` gives an actor's name.
pub(crate) fn panels<B: Backend>(
    w: &World<B>,
    config: &Config,
    name: &dyn Fn(usize) -> String,
) -> Vec<Panel> {
    let panel = |inode: &Inode<B>| Panel {
        title: config.label(inode.number).map(str::to_owned),
        facts: facts(inode, name),
        strips: strips(inode),
    };
    w.inodes.iter().map(panel).collect()
}

fn facts<B: Backend>(inode: &Inode<B>, name: &dyn Fn(usize) -> String) -> Vec<(String, String)> {
    let bytes = |cell: Cell| Bytes(inode.sb.geometry.byte_at(cell)).to_string();
    let mut facts = vec![("i_size".to_owned(), bytes(inode.i_size_newest()))];
    inode.audit_map(|map| facts.push(("on-disk size".to_owned(), bytes(map.disk_size))));
    if inode.sb.config.fs.counter {
        facts.push(("seq".to_owned(), inode.counters.show(Fork::Data)));
        if inode.reflinks {
            facts.push(("cow seq".to_owned(), inode.counters.show(Fork::Cow)));
        }
    }
    for (lock, semaphore) in [("i_rwsem", &inode.i_rwsem), ("invalidate_lock", &inode.invalidate_lock)] {
        if let Some((holders, writer)) = semaphore.holders() {
            let holders: Vec<String> = holders.into_iter().map(name).collect();
            let how = if writer { "exclusive" } else { "shared" };
            facts.push((lock.to_owned(), format!("{} ({how})", holders.join(", "))));
        }
    }
    facts
}

fn strips<B: Backend>(inode: &Inode<B>) -> Vec<Strip> {
    let mut strips = vec![extents(inode, "extents", false)];
    if inode.reflinks {
        strips.push(extents(inode, "COW fork", true));
    }
    strips.extend([folios(inode), cached(inode), device(inode)]);
    strips
}

fn extents<B: Backend>(inode: &Inode<B>, name: &'static str, cow: bool) -> Strip {
    let geometry = &inode.sb.geometry;
    let mut spans = Vec::new();
    inode.audit_map(|map| {
        for block in 0..geometry.blocks() {
            let extent = if cow { map.cow.get(block) } else { map.get(block) };
            let cells = geometry.cells_of_block(block);
            let (words, kind) = match extent {
                Extent::Hole if cow => ("no copy".to_owned(), SpanKind::Nothing),
                Extent::Hole => ("hole".to_owned(), SpanKind::Nothing),
                Extent::Delalloc => ("delayed allocation".to_owned(), SpanKind::Reserved),
                Extent::Unwritten(phys) => (format!("unwritten, device block {phys}"), SpanKind::Unwritten),
                Extent::Written(phys) => {
                    let shared = if inode.sb.is_shared_audit(phys) { ", shared" } else { "" };
                    (format!("written, device block {phys}{shared}"), SpanKind::Written)
                }
            };
            let label = if cow && extent == Extent::Hole { '-' } else { extent.letter() };
            let label = extent.phys().map_or_else(|| label.to_string(), |phys| format!("{label} {phys}"));
            spans.push(Span { bytes: bytes_of(&inode.sb, &cells), label, words, paint: kind.name() });
        }
    });
    Strip { name, spans }
}

fn folios<B: Backend>(inode: &Inode<B>) -> Strip {
    let geometry = &inode.sb.geometry;
    let mut spans = Vec::new();
    for index in 0..geometry.folios() {
        inode.page(index).audit(|slot| {
            let kind = match slot.current() {
                None => SpanKind::Nothing,
                Some((_, folio)) if folio.writeback => SpanKind::Writeback,
                Some((_, folio)) if folio.dirty => SpanKind::Dirty,
                Some(_) => SpanKind::Clean,
            };
            let bytes = bytes_of(&inode.sb, &geometry.cells_of_folio(index));
            spans.push(Span { bytes, label: slot.letters(), words: words(slot), paint: kind.name() });
        });
    }
    Strip { name: "folios", spans }
}

/// The flags of a folio in words.
fn words(slot: &Slot) -> String {
    let Some((_, folio)) = slot.current() else { return "not in the page cache".to_owned() };
    let flags = [
        (true, if folio.dirty { "dirty" } else { "clean" }),
        (folio.writeback, "under writeback"),
        (folio.locked.is_some(), "locked"),
        (!folio.uptodate, "not all valid"),
        (folio.pte_write != 0, "mapped writable"),
        (folio.pte_read != 0 && folio.pte_write == 0, "mapped read-only"),
    ];
    let flags: Vec<&str> = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| *flag).collect();
    flags.join(", ")
}

/// What the folios contain, where they are valid.
fn cached<B: Backend>(inode: &Inode<B>) -> Strip {
    let geometry = &inode.sb.geometry;
    let mut spans = Vec::new();
    for index in 0..geometry.folios() {
        inode.page(index).audit(|slot| {
            let first = geometry.cells_of_folio(index).start;
            for cell in geometry.cells_of_folio(index) {
                let valid = slot.current().filter(|(_, folio)| {
                    folio.block_uptodate(inode.sb.block_in_folio(geometry.block_of(cell)))
                });
                let value = valid.map(|(_, folio)| folio.cells[usize::from(cell - first)]);
                spans.push(contents(inode, cell, value));
            }
        });
    }
    Strip { name: "page cache", spans: merged(spans) }
}

/// What the extent map and the device give, below the on-disk size or not.
fn device<B: Backend>(inode: &Inode<B>) -> Strip {
    let spans = (0..inode.sb.geometry.cells()).map(|cell| contents(inode, cell, Some(on_disk(inode, cell))));
    Strip { name: "on disk", spans: merged(spans.collect()) }
}

fn contents<B: Backend>(inode: &Inode<B>, cell: Cell, value: Option<Value>) -> Span {
    let bytes = bytes_of(&inode.sb, &(cell..cell + 1));
    let (label, words, kind) = match value {
        None => (String::new(), "nothing valid".to_owned(), SpanKind::Nothing),
        Some(Value::ZERO) => ("0".to_owned(), "zeros".to_owned(), SpanKind::Zero),
        Some(value) if value.is_garbage() => {
            ("~".to_owned(), "what nobody may see".to_owned(), SpanKind::Garbage)
        }
        Some(value) => {
            let byte = value.show(&inode.sb.patterns);
            (byte.clone(), format!("written with {byte}"), SpanKind::Data)
        }
    };
    Span { bytes, label, words, paint: kind.name() }
}

/// Neighbours that say the same are one.
fn merged(spans: Vec<Span>) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if (&last.label, last.paint) == (&span.label, span.paint) => {
                last.bytes.end = span.bytes.end;
            }
            _ => merged.push(span),
        }
    }
    merged
}

fn bytes_of<B: Backend>(sb: &SuperBlock<B>, cells: &Range<Cell>) -> Range<u64> {
    sb.geometry.byte_at(cells.start)..sb.geometry.byte_at(cells.end)
}
