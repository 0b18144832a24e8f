//! One inode: its locks, its extent map, its size, its page cache, and the judge of its contents.

use std::ops::Range;
use std::sync::Arc;

use stalemap_facade::{ActorId, Atomic, Backend, Leaf, Lock, MemoryModel, Ordering, Property, View};

use crate::judge::oracle::Oracle;
use crate::judge::properties;
use crate::judge::retries::{Counted, Retries};
use crate::state::contents::Contents;
use crate::state::dinode::{Dinode, empty_dinode};
use crate::state::event::{Expense, Given, KernelEvent, LockKind, MapChange, Spent, What};
use crate::state::folio::{Folio, FolioId};
use crate::state::glock::Holders;
use crate::state::handover::{Handover, LinkedLock};
use crate::state::i_state::{self, InodeState};
use crate::state::layouts::Layouts;
use crate::state::log::Log;
use crate::state::mapping::Iomap;
use crate::state::owed::{self, Debt};
use crate::state::slot::Slot;
use crate::state::superblock::{SuperBlock, new_file};
use crate::state::sync::RwSemaphore;
use crate::state::tracepoint::Tracepoint;
use crate::state::validity::{Counters, Sequence};
use crate::state::wb_error::WbError;
use crate::words::cell_contents::CellContents;
use crate::words::command::FileId;
use crate::words::config::{ENDLESS_COUNTERS, labelled};
use crate::words::dio_design::DioInvalidate;
use crate::words::extent::{ExtentMap, Extents, Fork};
use crate::words::geometry::{Cell, FileBlock, FolioIndex};
use crate::words::ordering::{Link, Orderings};
use crate::words::personality::{Hooks, UnshareCancels};
use crate::words::value::Value;

/// Who judges the contents of a file of this size.
fn judge<B: Backend>(backend: &B, sb: &SuperBlock<B>, number: FileId, size: Cell) -> Oracle<B> {
    let (config, geometry) = (&sb.config, &sb.geometry);
    let buffers = config.user_buffers().into_iter().map(|buffer| (buffer.write, buffer.stores));
    let oracle = Oracle::new(backend, geometry, &sb.patterns, config.label(number))
        .with_exempted(config.exempted())
        .with_buffers(buffers.collect())
        .with_post_eof(config.post_eof);
    let oracle = if config.fs.io_errors() { oracle.with_failing_zeros() } else { oracle };
    if config.judges_crashes() {
        oracle.with_crashes(geometry, size)
    } else if i_state::may_leave_untold(config) {
        oracle.with_untold()
    } else {
        oracle
    }
}

/// A file (struct inode and what hangs on it).
pub struct Inode<B: Backend> {
    /// Which one.
    pub number: FileId,
    /// The file system that it lies in.
    pub sb: Arc<SuperBlock<B>>,
    /// inode->i_rwsem.
    pub i_rwsem: RwSemaphore<B>,
    /// mapping->invalidate_lock.
    pub invalidate_lock: RwSemaphore<B>,
    /// ip->i_flags_lock, as far as i_size is concerned: whether somebody holds it.
    pub i_flags_lock: B::Lock<bool>,
    /// ip->i_gl, where the file system has one.
    pub glock: Option<B::Lock<Holders>>,
    /// What passes by it.
    pub glock_order: Handover<B>,
    /// ip->i_lock (the ILOCK) and what it protects.
    pub(super) ilock: LinkedLock<B, ExtentMap>,
    /// What lies behind the dinode, in its buffer, where files may be stuffed.
    pub dinode: Option<B::Leaf<Dinode>>,
    /// ip->i_df.if_seq and ip->i_cowfp->if_seq, from which mappings have their validity cookies.
    pub counters: Counters<B>,
    /// XFS_IREMAPPING: a reflink shares this file's blocks, with the locks held shared.
    pub remapping: B::Atomic,
    /// GFS2_DIF_JDATA, and with it mapping->a_ops: whether the data are journalled.
    pub(super) jdata: B::Atomic,
    /// Whether a command may change that. If not, it is what the file system does.
    pub sets_data_mode: bool,
    /// mapping->wb_err and AS_EIO, as [`WbError`]: what has failed since the last fsync(2).
    pub wb_error: B::Atomic,
    /// I_DIRTY_PAGES of inode->i_state, where somebody asks for it.
    pub(super) i_dirty_pages: Option<B::Atomic>,
    /// What of the inode is dirty, where fsync(2) asks for it.
    pub(super) i_state: Option<B::Leaf<InodeState>>,
    /// I_SYNC of it: who is writing the inode, where an fsync waits for that.
    pub(super) i_sync: Option<B::Lock<Option<ActorId>>>,
    /// inode->i_size, in cells.
    pub i_size: B::Atomic,
    /// inode->i_dio_count. Changed under i_rwsem, or to where it was before.
    pub i_dio_count: B::Lock<u16>,
    /// The leases of clients that were handed out blocks, where any are.
    pub layouts: Option<B::Lock<Layouts>>,
    /// Whether anybody does direct I/O on the file. If nobody does, nobody waits for it.
    pub direct: bool,
    /// Whether a device stores into the file's pages, and dirties them by a reference alone.
    pub pins_pages: bool,
    /// Whether somebody can tell an empty slot of the page cache from one with a shadow entry.
    pub keeps_shadows: bool,
    /// Whether anybody stores through a mapping, which may be behind end of file.
    pub stores: bool,
    /// mapping->i_pages, by folio index.
    pub pages: Vec<B::Lock<Slot>>,
    /// In relaxed memory, what readers may still find in them.
    pub contents: Contents<B>,
    /// mapping->i_pages.xa_lock: what passes from one of its sections to the next.
    xa_lock: B::View,
    /// What passes by the locks of folios, by index and folio.
    folio_locks: Vec<Vec<Handover<B>>>,
    /// What passes from the end of writeback to who has waited for it, by index.
    writeback: Vec<Handover<B>>,
    /// What passes from who stores through a mapping to who takes that away, by index.
    tlb: Vec<Handover<B>>,
    /// The judge.
    pub oracle: Oracle<B>,
    /// How often writers begin again.
    pub retries: Retries<B>,
    /// Whether a concurrent actor may change i_size. If none may, reading it commutes with everything, and
    /// its readers need no operation of their own.
    pub size_changes: bool,
    /// Whether blocks of the file may come to be another one's. If not, nobody has to look whose they are.
    pub passes_blocks: bool,
    /// Whether the COW fork is used: a command may make the file share blocks, or nothing is written in place. If
    /// not, it stays empty, and nobody has to look at its counter.
    pub reflinks: bool,
}

impl<B: Backend> Inode<B> {
    /// Creates an empty file.
    pub fn new(
        backend: &B,
        sb: &Arc<SuperBlock<B>>,
        number: FileId,
        actors: usize,
        size_changes: bool,
    ) -> Self {
        let geometry = &sb.geometry;
        let (map, size) = new_file(&sb.config, geometry, number);
        let oracle = judge(backend, sb, number, size);
        let counted = if sb.config.is_endless() { Counted::No } else { Counted::Yes };
        let retries = Retries::new(backend, actors, counted, sb.config.label(number));
        let fs = &sb.config.fs;
        let weak = sb.config.memory != MemoryModel::Sequential && !fs.read_takes_i_rwsem() && size_changes;
        let orderings = sb.config.orderings;
        let handover = |name, by, from| Handover::new(backend, name, orderings, by, from);
        // A folio that was removed lives on while an actor refers to it, and each refers to one at most.
        let folio_locks =
            || (0..=actors).map(|_| handover("folio_lock", Link::FolioLock, Link::FolioUnlock)).collect();
        let by_folio = |name, by, from| (0..geometry.folios()).map(|_| handover(name, by, from)).collect();
        let ilock = handover("ilock", Link::IlockLock, Link::IlockUnlock);
        let semaphore = |name, link, traced, kind| {
            let semaphore = RwSemaphore::new(backend, name, orderings, link).of_file(backend, number, kind);
            if fs.is_xfs() { semaphore.traced(backend, traced, number) } else { semaphore }
        };
        Inode {
            number,
            i_rwsem: semaphore("i_rwsem", Link::IRwsem, "IOLOCK", LockKind::IRwsem),
            invalidate_lock: semaphore(
                "invalidate_lock",
                Link::InvalidateLock,
                "MMAPLOCK",
                LockKind::InvalidateLock,
            ),
            i_flags_lock: backend.unordered("i_flags_lock", false),
            glock: fs.glock().then(|| backend.unordered("glock", Holders::default())),
            glock_order: handover("glock", Link::Glock, Link::Glock),
            ilock: LinkedLock::new(backend, "ilock", map, ilock),
            dinode: empty_dinode(fs, geometry.cells_of_block(0).len())
                .map(|dinode| backend.leaf("dinode", dinode)),
            counters: Counters::new(backend, &sb.config, geometry),
            remapping: backend.atomic("remapping", 0),
            jdata: backend.atomic("jdata", u64::from(fs.hooks() == Hooks::Jdata)),
            sets_data_mode: sb.config.sets_data_mode(number),
            wb_error: backend.atomic("wb_error", WbError::None.number()),
            i_dirty_pages: (sb.config.unshares(number) && fs.unshare_cancels() == UnshareCancels::IfIdle)
                .then(|| backend.atomic("I_DIRTY_PAGES", 0)),
            i_state: i_state::i_state(backend, &sb.config, sb.config.sets_data_mode(number)),
            i_sync: i_state::i_sync(backend, &sb.config, sb.config.sets_data_mode(number)),
            i_size: backend.atomic("i_size", u64::from(size)),
            i_dio_count: backend.lock("i_dio_count", 0),
            layouts: sb.config.hands_out(number).then(|| backend.lock("layouts", Layouts::default())),
            direct: sb.config.does_direct_io(number),
            pins_pages: sb.config.pins_pages(number),
            keeps_shadows: sb.config.searches(number),
            stores: sb.config.stores_through_mappings(number),
            pages: (0..geometry.folios()).map(|_| backend.unordered("folio", Slot::default())).collect(),
            contents: Contents::new(backend, if weak { geometry.folios() } else { 0 }),
            xa_lock: backend.view("xa_lock"),
            folio_locks: (0..geometry.folios()).map(|_| folio_locks()).collect(),
            tlb: by_folio("tlb", Link::TlbFlush, Link::TlbFlush),
            writeback: by_folio("writeback", Link::WritebackWait, Link::WritebackClear),
            oracle,
            retries,
            passes_blocks: sb.config.passes_blocks(number),
            reflinks: sb.config.reflinks(number) || sb.config.fs.is_out_of_place(),
            sb: Arc::clone(sb),
            size_changes,
        }
    }

    /// Whether direct I/O in flight may raise the size.
    pub fn grows_in_flight(&self) -> bool {
        self.sb.config.grows_in_flight(self.number)
    }

    /// Whether somebody may be told that direct I/O could not drop a folio.
    pub fn keeps_collisions(&self) -> bool {
        let config = &self.sb.config;
        config.writes_directly(self.number)
            && config.syncs(self.number)
            && config.design.dio_invalidate() != DioInvalidate::Never
    }

    /// Whether an fsync(2) has to look for an error. While setup and epilogue run nobody collides.
    pub fn keeps_errors(&self, me: ActorId) -> bool {
        self.sb.config.fs.io_errors() || self.sb.config_actor(me).is_some() && self.keeps_collisions()
    }

    /// What the log says about the file, where crashes are judged.
    pub fn log(&self) -> Option<&B::Leaf<Log>> {
        self.sb.logs.get(usize::from(self.number))
    }

    /// `gfs2_is_stuffed`.
    pub fn is_stuffed(&self) -> bool {
        self.dinode.as_ref().is_some_and(|dinode| dinode.read(Option::is_some))
    }

    /// Shows the data of a stuffed file to a judge.
    pub fn audit_stuffed(&self) -> Dinode {
        let mut data = None;
        if let Some(dinode) = &self.dinode {
            dinode.audit(|dinode| data.clone_from(dinode));
        }
        data
    }

    /// The dinode's data, for callers that see that the file is stuffed.
    pub(crate) fn stuffed_data(&self) -> Dinode {
        self.dinode.as_ref().and_then(|dinode| dinode.read(Clone::clone))
    }

    /// Changes the dinode's data, if the file is stuffed.
    pub(crate) fn change_stuffed(&self, change: impl FnOnce(&mut Vec<Value>)) {
        if let Some(dinode) = &self.dinode {
            dinode.update(|dinode| {
                if let Some(data) = dinode {
                    change(data);
                }
            });
        }
    }

    /// `mapping_set_error`: whoever waits for writeback next, fsync(2) and syncfs(2) are to be told that it has failed.
    pub fn mapping_set_error(&self) {
        self.wb_error.publish(WbError::Untold.number(), Ordering::Relaxed);
        if let Some(wb_err) = &self.sb.s_wb_err {
            wb_err.publish(WbError::Untold.number(), Ordering::Relaxed);
        }
    }

    /// Whether writeback of the file has failed and nobody was told: no syncfs(2) either. That is for a judge.
    pub fn has_untold_error(&self) -> bool {
        let is_untold = |word: &B::Atomic| word.newest() == WbError::Untold.number();
        is_untold(&self.wb_error) && self.sb.s_wb_err.as_ref().is_none_or(is_untold)
    }

    /// The slot of a folio.
    pub fn page(&self, index: FolioIndex) -> &B::Lock<Slot> {
        &self.pages[usize::from(index)]
    }

    fn orderings(&self) -> Orderings {
        self.sb.config.orderings
    }

    /// A section of xa_lock, in the current transition.
    pub fn xa_section(&self, link: Link) {
        if self.orderings().keeps(link) {
            self.xa_lock.acquire();
            self.xa_lock.release();
        }
    }

    /// A folio has come into the page cache, born locked: in the current transition.
    pub fn folio_added(&self, index: FolioIndex, id: FolioId) {
        if let Some(lock) = self.folio_lock(index, id) {
            lock.reset();
        }
        self.contents.replaced(index);
        self.xa_section(Link::XaInsert);
        self.account(Expense::Took(LockKind::Folio(index)));
    }

    /// A folio's lock has been taken, in the current transition.
    pub fn folio_locked(&self, index: FolioIndex, id: FolioId) {
        if let Some(lock) = self.folio_lock(index, id) {
            lock.acquire();
        }
        self.account(Expense::Took(LockKind::Folio(index)));
    }

    /// A folio's lock is given back, in the current transition.
    pub fn folio_unlocked(&self, index: FolioIndex, id: FolioId) {
        if let Some(lock) = self.folio_lock(index, id) {
            lock.release();
        }
        self.account(Expense::Gave(LockKind::Folio(index)));
    }

    /// A folio's lock was taken and given back, in the current transition.
    pub fn folio_passed(&self, index: FolioIndex, id: Option<FolioId>) {
        if let Some(id) = id {
            self.folio_locked(index, id);
            self.folio_unlocked(index, id);
        }
    }

    fn folio_lock(&self, index: FolioIndex, id: FolioId) -> Option<&Handover<B>> {
        self.folio_locks[usize::from(index)].get(usize::from(id))
    }

    /// What passes from the end of a folio's writeback to who has waited for it.
    pub fn writeback(&self, index: FolioIndex) -> &Handover<B> {
        &self.writeback[usize::from(index)]
    }

    /// What passes from who stores through a mapping of a folio to who write-protects it.
    pub fn tlb(&self, index: FolioIndex) -> &Handover<B> {
        &self.tlb[usize::from(index)]
    }

    /// The ordering of an access to a word without a lock.
    pub fn order(&self, link: Link) -> Ordering {
        self.orderings().of(link)
    }

    /// Moves the change counter, and tells the judge: the extents of `blocks` change in this ILOCK section.
    pub(super) fn bump_data_seq(&self, me: ActorId, blocks: impl IntoIterator<Item = FileBlock> + Clone) {
        if let Some(to) = self.counters.data_changes(blocks.clone()) {
            self.counted(Fork::Data, to, blocks);
            self.retries.bumped(me);
        }
    }

    /// The COW fork's extents of `blocks` change; it is `cow` from here on.
    pub(super) fn bump_cow_seq(
        &self,
        me: ActorId,
        cow: &Extents,
        blocks: impl IntoIterator<Item = FileBlock> + Clone,
    ) {
        let to = self.counters.cow_changes(cow, blocks.clone());
        self.counted(Fork::Cow, to, blocks);
        self.retries.bumped(me);
    }

    /// The data fork's counter moves in an operation of its own, before its extents of `blocks` change (a mutant).
    pub(super) async fn count_data_early(&self, blocks: Range<FileBlock>) {
        let to = self.counters.data_will_change(blocks.clone()).await;
        self.counted(Fork::Data, to, blocks);
    }

    /// The data fork's counter moves in an operation of its own, after its extents of `blocks` have changed (a mutant).
    pub(super) async fn count_data_late(&self, blocks: Range<FileBlock>) {
        let to = self.counters.data_has_changed(blocks.clone()).await;
        self.counted(Fork::Data, to, blocks);
    }

    fn counted(&self, fork: Fork, to: u64, blocks: impl IntoIterator<Item = FileBlock>) {
        self.account(Expense::Changed);
        // Where counters are kept modulo something, zero comes after the greatest.
        let before = to.checked_sub(1).unwrap_or(ENDLESS_COUNTERS - 1);
        self.emit(|| What::Counted { fork, from: before, to, blocks: blocks.into_iter().collect() });
    }

    /// `xfs_iomap_inode_sequence`, for callers that hold the ILOCK: the cookie of a mapping of the data fork.
    pub fn data_sequence(&self) -> Sequence<'_, B> {
        self.counters.data_sequence(&self.i_size)
    }

    /// The validity cookie's source for a SHARED mapping: both counters.
    pub fn shared_sequence(&self) -> Sequence<'_, B> {
        self.counters.shared_sequence(&self.i_size)
    }

    /// The current end of file, for callers that hold what excludes its change (i_rwsem), or when none can happen.
    pub fn i_size_peek(&self) -> Cell {
        self.i_size.peek() as Cell
    }

    /// The end of file as the latest change left it, for the oracle.
    pub fn i_size_newest(&self) -> Cell {
        self.i_size.newest() as Cell
    }

    /// Judges what the locked folio `index` would show once it is unlocked: valid cells below end of file. To be asked by
    /// whoever has made blocks valid, before the folio is unlocked; debug builds [see to it](crate::state::owed).
    pub fn audit_folio(&self, index: FolioIndex, slot: &Slot) {
        owed::pay_unlocked(Debt::Contents);
        let Some((_, folio)) = slot.current() else { return };
        folio.owed.pay(Debt::Contents);
        self.oracle.visible(&self.sb.geometry, "page cache", self.shown(index, folio));
    }

    /// All is over: what the folio `index` shows is what the file has from here on.
    pub fn pin_folio(&self, index: FolioIndex, slot: &Slot) {
        if let Some((_, folio)) = slot.current() {
            self.oracle.pin(&self.sb.geometry, self.shown(index, folio));
        }
    }

    /// What readers would be given of a folio: valid cells below end of file, each with what it holds.
    fn shown(&self, index: FolioIndex, folio: &Folio) -> impl Iterator<Item = (Cell, Value)> {
        let first = self.sb.geometry.cells_of_folio(index).start;
        let end = self.i_size_newest();
        let valid = self
            .sb
            .geometry
            .blocks_of_folio(index)
            .filter(|block| folio.block_uptodate(self.sb.block_in_folio(*block)));
        let cells =
            valid.flat_map(|block| self.sb.geometry.cells_of_block(block)).filter(move |cell| *cell < end);
        cells.map(move |cell| (cell, folio.cells[usize::from(cell - first)]))
    }

    /// Whether the folio in a slot holds anything in a block, below this end of file, that a hole would not read as. The end is the
    /// caller's to look at, outside of an audit: an actor that is rebuilt makes no audits, and would not look.
    pub fn has_data(&self, slot: &Slot, block: FileBlock, end: Cell) -> bool {
        let cells = self.sb.geometry.cells_of_block(block).zip(self.sb.cells_in_folio(block));
        let mut below_eof = cells.filter(|(cell, _)| *cell < end).map(|(_, at)| at);
        slot.current().is_some_and(|(_, folio)| below_eof.any(|at| folio.cells[at] != Value::ZERO))
    }

    /// Whether somebody can store into a page of a block without a fault.
    fn is_writable(&self, folio: &Folio, block: FileBlock) -> bool {
        let mut cells = self.sb.geometry.cells_of_block(block);
        cells.any(|cell| folio.ptes.is_page_writable(self.sb.geometry.page_in_folio(cell)))
    }

    /// For the folios of `blocks`: an unlocked folio's dirty blocks below end of file have blocks or a
    /// reservation, unless they hold nothing but the zeros that a hole reads as and nobody can store into them. Where somebody can, a
    /// block counts as dirty: whoever takes that away makes it so.
    /// To be called in a transition that released a lock, or after it; by whoever has dirtied a folio, debug builds
    /// [see to that](crate::state::owed).
    pub fn audit_backing(&self, blocks: impl Iterator<Item = FileBlock>) {
        owed::pay_unlocked(Debt::Backing);
        let size = self.i_size_newest();
        let below_eof = |block: &FileBlock| self.sb.geometry.cells_of_block(*block).start < size;
        for block in blocks.filter(below_eof) {
            let index = block / self.sb.geometry.blocks_per_folio();
            let mut dirty = false;
            self.page(index).audit(|slot| {
                dirty = slot.current().is_some_and(|(_, folio)| {
                    folio.locked.is_none()
                        && folio.dirty
                        && (self.is_writable(folio, block)
                            || folio.block_dirty(self.sb.block_in_folio(block), self.sb.per_block_dirty())
                                && self.has_data(slot, block, size))
                });
            });
            if !dirty {
                continue;
            }
            self.audit_map(|map| {
                if !self.sb.config.fs.is_backed(map, block) {
                    self.violate(properties::DIRTY_OVER_HOLE, || {
                        format!("{} is dirty over a hole", self.sb.geometry.show_blocks(&(block..block + 1)))
                    });
                }
            });
        }
    }

    /// Reports what happened to observers of a replay. It may look only at what its closure can see without observing:
    /// what it has at hand, and audits.
    pub fn emit(&self, what: impl FnOnce() -> What) {
        self.sb.backend.emit(|| KernelEvent {
            file: self.label().map(str::to_owned),
            compared: None,
            what: what(),
        });
    }

    /// What a task is given of the file, for an observer.
    pub fn given(&self, cells: &Range<Cell>, values: &[Value]) -> Given {
        let geometry = &self.sb.geometry;
        let of_cell = |(cell, value): (Cell, &Value)| {
            (geometry.bytes_of_cells(&(cell..cell + 1)), CellContents::of(*value, &self.sb.patterns))
        };
        let cells_of = cells.clone().zip(values).map(of_cell);
        Given { bytes: geometry.bytes_of_cells(cells), cells: cells_of.collect() }
    }

    /// Reports what was spent on the file to whoever counts costs.
    pub fn account(&self, what: Expense) {
        self.account_call(|| Some(what));
    }

    /// Reports what something costs, if the design does it at all: only who counts asks for that.
    pub fn account_call(&self, what: impl FnOnce() -> Option<Expense>) {
        self.sb.backend.account(|| what().map(|what| Spent { file: self.number, what }));
    }

    /// A read or a search has found end of file before these cells. In relaxed memory it may have seen an old size.
    pub fn found_the_end(&self, reader: ActorId, cells: Range<Cell>) {
        if self.sb.config.memory == MemoryModel::Sequential {
            self.oracle.found_the_end(&self.sb.geometry, reader, &cells);
        }
    }

    /// Reports a change of the extent map.
    pub(super) fn map_changed(&self, change: impl FnOnce() -> MapChange) {
        self.emit(|| What::MapChanged(change()));
    }

    /// Reports a use or a check of a mapping, for the block `at`, with what a comparison there looks at.
    pub fn emit_use(&self, iomap: &Iomap, at: FileBlock, what: impl FnOnce() -> What) {
        self.sb.backend.emit(|| KernelEvent {
            file: self.label().map(str::to_owned),
            compared: Some(self.counters.comparison(&iomap.used_at(at))),
            what: what(),
        });
    }

    /// What reports call the file, where there are several.
    fn label(&self) -> Option<&str> {
        self.sb.config.label(self.number)
    }

    /// A property of the file is violated.
    pub fn violate(&self, property: Property, why: impl FnOnce() -> String) {
        self.sb.backend.violate(property, || labelled(self.label(), why()));
    }

    /// Reports that a tracepoint is hit.
    pub fn trace(&self, tracepoint: impl FnOnce() -> Tracepoint) {
        self.emit(|| What::Tracepoint(tracepoint()));
    }

    /// Reports a tracepoint that XFS alone has.
    pub fn trace_xfs(&self, tracepoint: impl FnOnce() -> Tracepoint) {
        if self.sb.config.fs.is_xfs() {
            self.trace(tracepoint);
        }
    }
}
