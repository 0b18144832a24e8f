//! What all files of the file system share: the device, its free space, the I/O in flight, and what is
//! explored. Every inode points here, as inode->i_sb does.

use std::collections::BTreeSet;
use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf};

use crate::state::aio::AioQueue;
use crate::state::answers::Answers;
use crate::state::device::{DiskBlock, contents};
use crate::state::dinode::empty_dinode;
use crate::state::handover::Handover;
use crate::state::hold::HoldState;
use crate::state::ioend::Ioend;
use crate::state::log::Log;
use crate::state::mount::Mount;
use crate::state::space::Space;
use crate::state::sync::RwSemaphore;
use crate::state::user_buffers::UserBuffers;
use crate::state::wb_error::WbError;
use crate::words::command::FileId;
use crate::words::config::Config;
use crate::words::extent::{Enospc, ExtentMap, Phys};
use crate::words::geometry::{Cell, FileBlock, Geometry, within};
use crate::words::ordering::Link;
use crate::words::personality::{Allocate, Allocator};
use crate::words::value::Value;

/// The file system.
pub struct SuperBlock<B: Backend> {
    /// The engine.
    pub backend: B,
    /// What is explored.
    pub config: Config,
    /// How every file is cut.
    pub geometry: Geometry,
    /// What each write wrote, for messages.
    pub patterns: Vec<u8>,
    /// The device.
    pub disk: Vec<B::Leaf<DiskBlock>>,
    /// What the log says about each file, where crashes are judged.
    pub logs: Vec<B::Leaf<Log>>,
    /// The device blocks that several extents referred to at some time, where a crash may also find one in two files that share none.
    pub shared: Option<B::Leaf<BTreeSet<Phys>>>,
    /// Whether the setup is over, where crashes are judged.
    pub setup_over: Option<B::Leaf<bool>>,
    /// Which of its blocks are in use.
    pub space: B::Leaf<Space>,
    /// sdp->sd_log_flush_lock: shared by transactions, exclusive while the log is flushed.
    pub log_flush_lock: RwSemaphore<B>,
    /// Writeback I/O in flight.
    pub in_flight: B::Lock<Vec<Ioend>>,
    /// From who submits it to who completes it.
    pub bio: Handover<B>,
    /// Asynchronous direct I/O, by the command that submits it.
    pub aio: Vec<B::Lock<AioQueue>>,
    /// What writes take their data from, where others may store there.
    pub user_buffers: UserBuffers<B>,
    /// Directed runs.
    pub holds: Vec<B::Lock<HoldState>>,
    /// How many folios were evicted, when that is bounded.
    pub evictions: B::Leaf<u32>,
    /// What calls returned, where that is observed.
    pub answers: Answers<B>,
    /// Whether writeback has failed since a syncfs(2) asked (`sb->s_wb_err`), where one does.
    pub s_wb_err: Option<B::Atomic>,
    /// Whether the file system has stopped, and what writeback waits for, where either can be.
    pub mount: Option<B::Lock<Mount>>,
}

/// The extent map and the size of a file as it is made. A static one is all there from the start.
pub fn new_file(config: &Config, geometry: &Geometry, file: FileId) -> (ExtentMap, Cell) {
    if config.fs.allocate() == Allocate::Static {
        let first = u16::from(file) * geometry.blocks();
        let size = geometry.cells_of_blocks(&(0..geometry.blocks())).end;
        (ExtentMap::placed(geometry.blocks(), first, size), size)
    } else {
        let mut map = ExtentMap::new(geometry.blocks());
        map.valid = config.fs.valid_size().then_some(0);
        (map, 0)
    }
}

impl<B: Backend> SuperBlock<B> {
    /// What a fresh page of so many cells holds.
    pub fn fresh_page(&self, cells: usize) -> Vec<Value> {
        vec![if self.config.fs.init_on_alloc() { Value::ZERO } else { Value::UNINITIALISED }; cells]
    }

    /// Whether it is known of each block of a folio whether it is dirty: where a folio is one block, iomap makes no state of its
    /// blocks (`ifs_alloc`, fs/iomap/buffered-io.c).
    pub fn per_block_dirty(&self) -> bool {
        self.geometry.blocks_per_folio() > 1 && self.config.fs.block_dirty()
    }

    /// An empty file system.
    pub fn new(backend: &B, config: &Config, geometry: &Geometry, patterns: &[u8]) -> Self {
        let files = 0..config.files.len() as FileId;
        // A block that is being copied exists twice.
        let twice = config.relocates() || files.clone().any(|file| config.reflinks(file));
        let copies = if twice { 2 } else { 1 };
        let all = geometry.blocks() * files.len() as u16 * copies;
        // Every actor may have a budget, beside what the files have and what is on its way to them.
        let budgets = if config.fs.is_out_of_place() {
            let each = geometry.blocks().saturating_add(config.fs.spare_blocks());
            all.saturating_add(each.saturating_mul(config.actors.len() as u16 + 1))
        } else {
            0
        };
        // What was freed is not there again at once.
        let unlogged = if config.defers_freed() { all } else { 0 };
        let enough = all.saturating_add(budgets).saturating_add(unlogged);
        let device = config.fs.free_blocks().unwrap_or(enough);
        let space = Space::new(device, config.fs.zone_blocks());
        let device = device.max(geometry.blocks());
        let placed = config.fs.allocate() == Allocate::Static;
        let zeros = |phys: Phys| {
            placed.then(|| vec![Value::ZERO; geometry.cells_of_block(phys % geometry.blocks()).len()])
        };
        SuperBlock {
            disk: (0..device).map(|phys| backend.leaf("disk", zeros(phys))).collect(),
            logs: files
                .filter(|_| config.judges_crashes())
                .map(|file| {
                    let (map, size) = new_file(config, geometry, file);
                    let dinode = empty_dinode(&config.fs, geometry.cells_of_block(0).len()).flatten();
                    backend.leaf("log", Log::new(&map, size, dinode))
                })
                .collect(),
            space: backend.leaf("space", space),
            log_flush_lock: RwSemaphore::new(backend, "log_flush_lock", config.orderings, Link::LogFlushLock),
            in_flight: backend.unordered("ioends", Vec::new()),
            bio: Handover::new(backend, "bio", config.orderings, Link::Bio, Link::Bio),
            aio: (0..config.workers()).map(|_| backend.lock("aio", AioQueue::default())).collect(),
            user_buffers: UserBuffers::new(backend, config, geometry),
            holds: config.holds.iter().map(|_| backend.lock("hold", HoldState::default())).collect(),
            evictions: backend.leaf("evictions", 0),
            answers: Answers::new(backend, config.actors.len(), &config.heard),
            s_wb_err: config.asks_superblock().then(|| backend.atomic("s_wb_err", WbError::None.number())),
            mount: Mount::of(config).map(|mount| backend.lock("mount", mount)),
            shared: config.judges_owners_of_clones().then(|| backend.leaf("shared", BTreeSet::new())),
            setup_over: config.judges_crashes().then(|| backend.leaf("setup_over", false)),
            backend: backend.clone(),
            config: config.clone(),
            geometry: geometry.clone(),
            patterns: patterns.to_vec(),
        }
    }

    /// Promises blocks to a delayed allocation.
    pub fn reserve_blocks(&self, blocks: u16) -> Result<(), Enospc> {
        if !self.space.read(|space| space.available() >= usize::from(blocks)) {
            return Err(Enospc);
        }
        self.space.update(|space| space.reserve(blocks));
        Ok(())
    }

    /// Takes promises back.
    pub fn unreserve_blocks(&self, blocks: u16) {
        self.space.update(|space| space.unreserve(blocks));
    }

    /// Allocates a device block for each of `blocks` of a file.
    pub fn allocate_blocks(&self, file: FileId, blocks: &Range<FileBlock>) -> Result<Vec<Phys>, Enospc> {
        let picked = self.picked_blocks(file, blocks)?;
        self.space.update(|space| picked.iter().for_each(|phys| space.get(*phys)));
        Ok(picked)
    }

    /// Allocates device blocks for as many of `blocks` of a file, from the first one on, as lie in one piece; there must be room for all.
    pub fn allocate_piece(&self, file: FileId, blocks: &Range<FileBlock>) -> Result<Vec<Phys>, Enospc> {
        let mut picked = self.picked_blocks(file, blocks)?;
        picked.truncate(joined(&picked));
        self.space.update(|space| picked.iter().for_each(|phys| space.get(*phys)));
        Ok(picked)
    }

    /// The device blocks that a file is about to be given.
    fn picked_blocks(&self, file: FileId, blocks: &Range<FileBlock>) -> Result<Vec<Phys>, Enospc> {
        let wanted = |block: FileBlock| self.wanted(file, block);
        let pick = |busy: &[Phys]| {
            self.space.read(|space| {
                space.pick(blocks.clone().map(wanted), busy).filter(|_| space.available() >= blocks.len())
            })
        };
        let busy = self.busy_blocks();
        let mut picked = pick(&busy);
        if picked.is_none() && !busy.is_empty() {
            // xfs_extent_busy_flush; gfs2_inplace_reserve flushes the log, too. Left out: the ordered data of that.
            let cache = self.config.device_cache();
            self.logs.iter().for_each(|log| log.update(|log| log.force(cache)));
            self.release_freed();
            picked = pick(&[]);
        }
        picked.ok_or(Enospc)
    }

    /// How many of `blocks` of a file, from the first one on, the allocator puts into one piece.
    pub fn blocks_in_one_piece(&self, file: FileId, blocks: &Range<FileBlock>) -> FileBlock {
        let wanted = blocks.clone().map(|block| self.wanted(file, block));
        let places = self.space.read(|space| space.pick(wanted, &[])).unwrap_or_default();
        blocks.len().min(joined(&places).max(1)) as FileBlock
    }

    /// The blocks that an older transaction than the last one refers to (struct `xfs_extent_busy`): as long as a crash
    /// may bring it back, a block that was freed since must not be overwritten. On gfs2 the clone of the bitmap sees to that.
    fn busy_blocks(&self) -> Vec<Phys> {
        if self.config.fs.allocate() == Allocate::Written {
            return if self.config.defers_freed() { self.space.read(Space::unlogged) } else { Vec::new() };
        }
        self.logged_blocks()
    }

    /// The blocks that a crash may give to a file.
    fn logged_blocks(&self) -> Vec<Phys> {
        self.logs.iter().flat_map(|log| log.read(Log::blocks)).collect()
    }

    /// The log of gfs2 is flushed, and what was freed before may be taken again. Since it is flushed for each file by itself here,
    /// that is not so of what another file's may bring back.
    pub fn release_freed(&self) {
        if self.config.defers_freed() {
            let logged = self.logged_blocks();
            self.space.update(|space| space.release_unlogged(&logged));
        }
    }

    /// Allocates a device block for each of `blocks` of a file, which are promised to it.
    pub fn allocate_reserved(&self, file: FileId, blocks: &Range<FileBlock>) -> Vec<Phys> {
        self.unreserve_blocks(blocks.len() as u16);
        // The promise guarantees them.
        self.allocate_blocks(file, blocks).unwrap_or_default()
    }

    /// Whether more than one extent refers to a block.
    pub fn is_shared(&self, phys: Phys) -> bool {
        self.space.read(|space| space.references(phys) > 1)
    }

    /// Whether more than one extent refers to a block, for observers.
    pub fn is_shared_audit(&self, phys: Phys) -> bool {
        let mut shared = false;
        self.space.audit(|space| shared = space.references(phys) > 1);
        shared
    }

    /// One more extent refers to a block.
    pub fn share_block(&self, phys: Phys) {
        self.space.update(|space| space.get(phys));
        if let Some(shared) = &self.shared {
            shared.update(|shared| {
                shared.insert(phys);
            });
        }
    }

    /// Whether a block is known to have been shared at some time, for a judge.
    pub(super) fn was_shared(&self, phys: Phys) -> bool {
        let mut was = false;
        self.shared.iter().for_each(|shared| shared.audit(|shared| was = shared.contains(&phys)));
        was
    }

    /// An extent that referred to a block is gone; so is the block, if it was the last one, if not for allocation yet.
    pub fn put_block(&self, phys: Phys) {
        let defers = self.config.defers_freed();
        self.space.update(|space| if defers { space.put_unlogged(phys) } else { space.put(phys) });
        self.wake_zone_waiters();
    }

    /// Where an allocator would like to have a block of a file.
    fn wanted(&self, file: FileId, block: FileBlock) -> Phys {
        match self.config.fs.allocator() {
            Allocator::Home => u16::from(file) * self.geometry.blocks() + block,
            Allocator::Lowest => 0,
        }
    }

    /// What reading a cell from the device gives.
    pub fn read_disk(&self, phys: Phys, at: usize) -> Value {
        self.disk[usize::from(phys)].read(|block| contents(block, phys, at))
    }

    /// What the device is given of `data`, where the checksums are those of `summed`, which was there before.
    pub fn with_checksums<'a>(&self, data: &mut [Value], summed: impl IntoIterator<Item = &'a Value>) {
        for (value, summed) in data.iter_mut().zip(summed) {
            if !value.same_bytes(*summed, &self.patterns) {
                *value = value.with_other_checksum();
            }
        }
    }

    /// Shows what the device has in a cell to the oracle.
    pub fn audit_disk(&self, phys: Phys, at: usize) -> Value {
        let mut value = Value::ZERO;
        self.disk[usize::from(phys)].audit(|block| value = contents(block, phys, at));
        value.without_checksum()
    }

    /// Shows the oracle whether the device has something in some cells of a block with a checksum of something else.
    pub fn audit_checksum(&self, phys: Phys, mut cells: Range<usize>) -> bool {
        let mut other = false;
        self.disk[usize::from(phys)].audit(|block| {
            other = cells.any(|at| contents(block, phys, at).has_other_checksum());
        });
        other
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

    /// The place of an actor among those of the configuration; `None` for setup, kworker and umount.
    pub fn config_actor(&self, me: ActorId) -> Option<usize> {
        me.checked_sub(1).filter(|actor| *actor < self.config.actors.len())
    }

    /// Whether an actor is the epilogue.
    pub fn is_umount(&self, me: ActorId) -> bool {
        me > self.config.actors.len() && self.config_actor(me).is_none()
    }

    /// Whether the device may fail what an actor submits.
    pub fn may_fail(&self, me: ActorId) -> bool {
        self.config.fs.io_errors() && self.config_actor(me).is_some()
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
}

/// How many of these blocks, from the first one on, lie one behind the other.
fn joined(places: &[Phys]) -> usize {
    let pairs = places.windows(2).take_while(|pair| pair[0] + 1 == pair[1]).count();
    places.len().min(pairs + 1)
}
