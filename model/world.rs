//! The shared memory of one modelled inode.

use std::ops::Range;

use crate::backend::{ActorId, Atomic, Backend, Leaf, Lock, Ordering};
use crate::config::Config;
use crate::event::{Event, MappingEvent};
use crate::extent::{Extent, ExtentMap, Iomap, Phys};
use crate::folio::{Slot, within};
use crate::geometry::{Cell, FileBlock, FolioIndex, Geometry};
use crate::ioend::Ioend;
use crate::oracle::{Oracle, Property};
use crate::sync::RwSemaphore;
use crate::value::Value;

/// The contents of a device block, by the cells of the file block that it belongs to; `None` before it was
/// ever written.
pub type DiskBlock = Option<Vec<Value>>;

/// How far a directed run has come.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct HoldState {
    /// The held actor stands at its place (or has finished without coming there).
    pub(crate) reached: bool,
    /// How many of the others have finished.
    pub(crate) finished: u8,
}

/// Everything that actors share.
pub struct World<B: Backend> {
    /// The engine.
    pub backend: B,
    /// What is explored.
    pub config: Config,
    /// How the file is cut.
    pub geometry: Geometry,
    /// inode->i_rwsem.
    pub i_rwsem: RwSemaphore<B>,
    /// mapping->invalidate_lock.
    pub invalidate_lock: RwSemaphore<B>,
    /// ip->i_lock (the ILOCK) and what it protects.
    pub ilock: B::Lock<ExtentMap>,
    /// ip->i_df.if_seq: changed under the ILOCK, read without it.
    pub data_seq: B::Atomic,
    /// inode->i_size, in cells.
    pub i_size: B::Atomic,
    /// mapping->i_pages, by folio index.
    pub pages: Vec<B::Lock<Slot>>,
    /// The device.
    pub disk: Vec<B::Leaf<DiskBlock>>,
    /// Writeback I/O in flight.
    pub in_flight: B::Lock<Vec<Ioend>>,
    /// Directed runs.
    pub holds: Vec<B::Lock<HoldState>>,
    /// How many folios were evicted, when that is bounded.
    pub evictions: B::Leaf<u32>,
    /// The judge.
    pub oracle: Oracle<B>,
    /// Whether a concurrent actor may change i_size. If none may, reading it commutes with everything, and
    /// its readers need no operation of their own.
    pub size_changes: bool,
}

impl<B: Backend> World<B> {
    /// Creates the inode of an empty file.
    pub fn new(
        backend: &B,
        config: &Config,
        geometry: &Geometry,
        actors: usize,
        size_changes: bool,
        patterns: &[u8],
    ) -> Self {
        let blocks = geometry.blocks();
        let device = config.fs.free_blocks.unwrap_or(blocks);
        World {
            i_rwsem: RwSemaphore::new(backend, "i_rwsem"),
            invalidate_lock: RwSemaphore::new(backend, "invalidate_lock"),
            ilock: backend.lock("ilock", ExtentMap::new(blocks, device)),
            data_seq: backend.atomic("data_seq", 0),
            i_size: backend.atomic("i_size", 0),
            pages: (0..geometry.folios()).map(|_| backend.lock("folio", Slot::default())).collect(),
            disk: (0..device.max(blocks)).map(|_| backend.leaf("disk", None)).collect(),
            in_flight: backend.lock("ioends", Vec::new()),
            holds: config.holds.iter().map(|_| backend.lock("hold", HoldState::default())).collect(),
            evictions: backend.leaf("evictions", 0),
            oracle: Oracle::new(backend, geometry, actors, patterns),
            backend: backend.clone(),
            config: config.clone(),
            geometry: geometry.clone(),
            size_changes,
        }
    }

    /// The place of an actor among those of the configuration; `None` for setup, kworker and umount.
    pub fn config_actor(&self, me: ActorId) -> Option<usize> {
        me.checked_sub(1).filter(|actor| *actor < self.config.actors.len())
    }

    /// Whether an actor is held somewhere.
    pub fn is_held(&self, me: ActorId) -> bool {
        self.config.holds.iter().any(|hold| self.config_actor(me) == Some(hold.actor))
    }

    /// How many of the concurrent actors are never held.
    pub fn never_held(&self) -> usize {
        let held = |actor: &usize| self.config.holds.iter().any(|hold| hold.actor == *actor);
        (0..self.config.actors.len()).filter(|actor| !held(actor)).count()
    }

    /// The slot of a folio.
    pub fn page(&self, index: FolioIndex) -> &B::Lock<Slot> {
        &self.pages[usize::from(index)]
    }

    /// What reading a cell from the device gives.
    pub fn read_disk(&self, phys: Phys, at: usize) -> Value {
        self.disk[usize::from(phys)].read(|block| contents(block, phys, at))
    }

    /// Moves the change counter. Inside the ILOCK section that changes the map: the kernel stores the
    /// counter first and then the records, and since both are invisible to who respects the ILOCK, the store
    /// is the section's only lock-free access.
    pub fn bump_data_seq(&self, me: ActorId) {
        self.data_seq.publish(self.data_seq.peek() + 1, Ordering::Relaxed);
        self.oracle.bumped(me);
    }

    /// The current end of file, for who holds what excludes its change (i_rwsem) or when none can happen.
    pub fn i_size_peek(&self) -> Cell {
        self.i_size.peek() as Cell
    }

    /// The cells of block `block`, counted from the first cell of its folio.
    pub fn cells_in_folio(&self, block: FileBlock) -> Range<usize> {
        let folio = self.geometry.cells_of_folio(block / self.geometry.blocks_per_folio());
        within(&folio, &self.geometry.cells_of_block(block))
    }

    /// Block `block`'s place in its folio.
    pub fn block_in_folio(&self, block: FileBlock) -> u16 {
        block % self.geometry.blocks_per_folio()
    }

    /// Judges what the locked folio `index` would show once it is unlocked: valid cells below end of file.
    pub fn audit_folio(&self, index: FolioIndex, slot: &Slot) {
        let Some((_, folio)) = slot.current() else { return };
        let first = self.geometry.cells_of_folio(index).start;
        let end = self.i_size.peek() as Cell;
        let valid = self
            .geometry
            .blocks_of_folio(index)
            .filter(|block| folio.block_uptodate(self.block_in_folio(*block)));
        let cells = valid.flat_map(|block| self.geometry.cells_of_block(block)).filter(|cell| *cell < end);
        let shown = cells.map(|cell| (cell, folio.cells[usize::from(cell - first)]));
        self.oracle.visible(&self.geometry, "page cache", shown);
    }

    /// Whether the folio in a slot holds anything in a block, below end of file, that a hole would not read as.
    pub fn has_data(&self, slot: &Slot, block: FileBlock) -> bool {
        let end = self.i_size.peek() as Cell;
        let cells = self.geometry.cells_of_block(block).zip(self.cells_in_folio(block));
        let mut below_eof = cells.filter(|(cell, _)| *cell < end).map(|(_, at)| at);
        slot.current().is_some_and(|(_, folio)| below_eof.any(|at| folio.cells[at] != Value::ZERO))
    }

    /// P-BACK for the folios of `blocks`: an unlocked folio's dirty blocks below end of file have blocks or a
    /// reservation, unless they hold nothing but the zeros that a hole reads as and nobody can store into them.
    /// To be called in a transition that released a lock.
    pub fn audit_backing(&self, blocks: impl Iterator<Item = FileBlock>) {
        let size = self.i_size_peek();
        let below_eof = |block: &FileBlock| self.geometry.cells_of_block(*block).start < size;
        for block in blocks.filter(below_eof) {
            let index = block / self.geometry.blocks_per_folio();
            let mut dirty = false;
            self.page(index).audit(|slot| {
                dirty = slot.current().is_some_and(|(_, folio)| {
                    folio.locked.is_none()
                        && folio.dirty
                        && folio.block_dirty(self.block_in_folio(block), self.config.fs.block_dirty)
                        && (folio.pte_write != 0 || self.has_data(slot, block))
                });
            });
            if !dirty {
                continue;
            }
            self.ilock.audit(|map| {
                if map.get(block) == Extent::Hole {
                    self.backend.violate(Property::DirtyOverHole, || {
                        format!("{} is dirty over a hole", self.geometry.show_blocks(&(block..block + 1)))
                    });
                }
            });
        }
    }

    /// Tells who watches about a mapping.
    pub fn tell(&self, mapping: MappingEvent, text: impl FnOnce() -> String) {
        self.backend.emit(|| Event { text: text(), mapping });
    }

    /// Tells who watches about anything else.
    pub fn say(&self, text: impl FnOnce() -> String) {
        self.tell(MappingEvent::None, text);
    }

    /// A mapping in words: `U 0-8k seq 3`.
    pub fn show_iomap(&self, iomap: &Iomap) -> String {
        let new = if iomap.new { " NEW" } else { "" };
        let blocks = self.geometry.show_blocks(&(iomap.start..iomap.end));
        format!("{}{new} {blocks}, seq {}", iomap.kind, iomap.cookie)
    }
}

/// What a cell of a device block holds.
pub fn contents(block: &DiskBlock, phys: Phys, at: usize) -> Value {
    block.as_ref().map_or(Value::garbage(phys), |cells| cells[at])
}
