//! The shared state as a picture, as data: a file has strips, cut at the same byte offsets: the extents, the copies in the
//! making, the folios with their flags, what they contain, and what is on disk.

use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf, Lock};

use crate::state::disk::on_disk;
use crate::state::inode::Inode;
use crate::state::slot::Slot;
use crate::state::superblock::SuperBlock;
use crate::state::world::World;
use crate::state::zones::ZoneState;
use crate::words::cell_contents::CellContents;
use crate::words::config::Config;
use crate::words::extent::{Extent, Fork};
use crate::words::geometry::Cell;
use crate::words::value::Value;

/// A file, or the device, at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Panel {
    /// Its name; `None` for the only file.
    pub title: Option<String>,
    /// Single values.
    pub facts: Vec<Fact>,
    /// What is laid out by byte offset.
    pub strips: Vec<Strip>,
}

/// A single value of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// i_size, in bytes.
    Size(u64),
    /// The size on disk, in bytes.
    DiskSize(u64),
    /// The valid size, in bytes, where the file has one.
    ValidSize(u64),
    /// The change counter of a fork; where blocks are stamped, the stamp of each.
    Seq(Fork, String),
    /// The zones of the device.
    Zones(Vec<ZoneState>),
    /// A semaphore that is held.
    Held {
        /// Its name.
        lock: &'static str,
        /// By whom.
        holders: Vec<ActorId>,
        /// Whether as a writer.
        exclusive: bool,
    },
}

/// A row of a panel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Strip {
    /// What it shows.
    pub shows: Shows,
    /// Its parts, in the order of their offsets, without gaps.
    pub spans: Vec<Span>,
}

/// What a strip shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// The extents of a fork.
    Extents(Fork),
    /// The folios.
    Folios,
    /// What the folios contain.
    PageCache,
    /// What the extent map and the device give.
    OnDisk,
}

/// A part of a strip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Where it lies, in bytes.
    pub bytes: Range<u64>,
    /// What is there.
    pub part: Part,
}

/// What there is in a part of a strip.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// A block of a fork.
    Block {
        /// Its extent.
        extent: Extent,
        /// Whether another file has the device block as well.
        shared: bool,
    },
    /// No folio.
    NoFolio,
    /// A folio.
    Folio(FolioState),
    /// Contents.
    Contents(CellContents),
}

/// The flags of a folio.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolioState {
    /// In letters ([`Slot::letters`]).
    pub letters: String,
    /// Dirty.
    pub dirty: bool,
    /// Under writeback.
    pub writeback: bool,
    /// Locked.
    pub locked: bool,
    /// Valid as a whole.
    pub uptodate: bool,
    /// How it is mapped by some task; `None`: by none.
    pub mapped: Option<MappedFor>,
    /// The same of each of its pages.
    pub pages: Vec<Option<MappedFor>>,
    /// Its blocks, where it has several.
    pub blocks: Vec<BlockState>,
}

/// What the state of a folio says of one of its blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockState {
    /// Valid in memory.
    pub uptodate: bool,
    /// What writeback has to write, if the folio is dirty.
    pub dirty: bool,
}

/// What the page-table entries of a folio allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MappedFor {
    /// Loads alone.
    Reading,
    /// Stores as well.
    Writing,
}

/// The files of a world, one panel each, and the device where it has zones.
pub(crate) fn panels<B: Backend>(w: &World<B>, config: &Config) -> Vec<Panel> {
    let panel = |inode: &Inode<B>| Panel {
        title: config.label(inode.number).map(str::to_owned),
        facts: facts(inode),
        strips: strips(inode),
    };
    let mut zones = Vec::new();
    w.sb.space.audit(|space| zones = space.zones());
    let device = (!zones.is_empty()).then(|| Panel {
        title: Some("device".to_owned()),
        facts: vec![Fact::Zones(zones)],
        strips: Vec::new(),
    });
    w.inodes.iter().map(panel).chain(device).collect()
}

fn facts<B: Backend>(inode: &Inode<B>) -> Vec<Fact> {
    let bytes = |cell: Cell| inode.sb.geometry.byte_at(cell);
    let mut facts = vec![Fact::Size(bytes(inode.i_size_newest()))];
    inode.audit_map(|map| {
        facts.push(Fact::DiskSize(bytes(map.disk_size)));
        facts.extend(map.valid.map(|valid| Fact::ValidSize(bytes(valid))));
    });
    if inode.sb.config.fs.counter() {
        let forks = if inode.reflinks { &[Fork::Data, Fork::Cow][..] } else { &[Fork::Data] };
        facts.extend(forks.iter().map(|fork| Fact::Seq(*fork, inode.counters.show(*fork))));
    }
    for (lock, semaphore) in [("i_rwsem", &inode.i_rwsem), ("invalidate_lock", &inode.invalidate_lock)] {
        let held = semaphore.holders();
        facts.extend(held.map(|(holders, exclusive)| Fact::Held { lock, holders, exclusive }));
    }
    facts
}

fn strips<B: Backend>(inode: &Inode<B>) -> Vec<Strip> {
    let mut strips = vec![extents(inode, Fork::Data)];
    if inode.reflinks {
        strips.push(extents(inode, Fork::Cow));
    }
    strips.extend([folios(inode), cached(inode), device(inode)]);
    strips
}

fn extents<B: Backend>(inode: &Inode<B>, fork: Fork) -> Strip {
    let geometry = &inode.sb.geometry;
    let mut spans = Vec::new();
    inode.audit_map(|map| {
        for block in 0..geometry.blocks() {
            let extent = match fork {
                Fork::Data => map.get(block),
                Fork::Cow => map.cow.get(block),
            };
            let shared = matches!(extent, Extent::Written(phys) if inode.sb.is_shared_audit(phys));
            let bytes = bytes_of(&inode.sb, &geometry.cells_of_block(block));
            spans.push(Span { bytes, part: Part::Block { extent, shared } });
        }
    });
    Strip { shows: Shows::Extents(fork), spans }
}

fn folios<B: Backend>(inode: &Inode<B>) -> Strip {
    let geometry = &inode.sb.geometry;
    let mut spans = Vec::new();
    for index in 0..geometry.folios() {
        inode.page(index).audit(|slot| {
            let bytes = bytes_of(&inode.sb, &geometry.cells_of_folio(index));
            spans.push(Span { bytes, part: folio(slot, &inode.sb) });
        });
    }
    Strip { shows: Shows::Folios, spans }
}

fn folio<B: Backend>(slot: &Slot, sb: &SuperBlock<B>) -> Part {
    let Some((_, folio)) = slot.current() else { return Part::NoFolio };
    let mapped = |is_mapped: bool, is_writable: bool| match (is_mapped, is_writable) {
        (false, _) => None,
        (true, false) => Some(MappedFor::Reading),
        (true, true) => Some(MappedFor::Writing),
    };
    let page = |page| mapped(folio.ptes.is_page_mapped(page), folio.ptes.is_page_writable(page));
    let block = |block| BlockState {
        uptodate: folio.block_uptodate(block),
        dirty: folio.dirty && folio.block_dirty(block, sb.per_block_dirty()),
    };
    let blocks = sb.geometry.blocks_per_folio();
    Part::Folio(FolioState {
        letters: slot.letters(),
        dirty: folio.dirty,
        writeback: folio.writeback,
        locked: folio.locked.is_some(),
        uptodate: folio.uptodate,
        mapped: mapped(folio.ptes.is_mapped(), folio.ptes.is_writable()),
        pages: (0..sb.geometry.pages_per_folio()).map(page).collect(),
        blocks: if blocks > 1 { (0..blocks).map(block).collect() } else { Vec::new() },
    })
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
    Strip { shows: Shows::PageCache, spans: merged(spans) }
}

/// What the extent map and the device give, below the on-disk size or not.
fn device<B: Backend>(inode: &Inode<B>) -> Strip {
    let spans = (0..inode.sb.geometry.cells()).map(|cell| contents(inode, cell, Some(on_disk(inode, cell))));
    Strip { shows: Shows::OnDisk, spans: merged(spans.collect()) }
}

fn contents<B: Backend>(inode: &Inode<B>, cell: Cell, value: Option<Value>) -> Span {
    let contents = value.map_or(CellContents::Nothing, |value| CellContents::of(value, &inode.sb.patterns));
    Span { bytes: bytes_of(&inode.sb, &(cell..cell + 1)), part: Part::Contents(contents) }
}

/// Neighbours with the same contents are one.
fn merged(spans: Vec<Span>) -> Vec<Span> {
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if last.part == span.part => last.bytes.end = span.bytes.end,
            _ => merged.push(span),
        }
    }
    merged
}

fn bytes_of<B: Backend>(sb: &SuperBlock<B>, cells: &Range<Cell>) -> Range<u64> {
    sb.geometry.byte_at(cells.start)..sb.geometry.byte_at(cells.end)
}
