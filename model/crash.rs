//! Power loss (A16): what recovery would make of the file, judged at every state without going there.
//!
//! The log is a sequence of committed transactions, of which a crash leaves some prefix that is not shorter
//! than what has been forced out. So the state keeps, per file, what each of these prefixes says about extents
//! and on-disk size, oldest first, and after every transition that changes one of them or the device each
//! recovered image is read and judged. The crash itself need not be explored: it changes nothing that another
//! state does not see. All of it exists only where a scenario says `@crash` or `shutdown`, and the others run on
//! behind either: what they find there is errors.
//!
//! gfs2 writes all transactions since the last flush of its log as one, after the data that go with them: in ordered mode
//! those of its files are written to their places first, and what is journalled is in the log and put in its place by
//! recovery. There the last flush is judged, and one that somebody else makes at this moment.
//!
//! Where the device has a volatile cache, each of these images is read with what the device had before, too, as far as
//! nothing has flushed it out: every write of the log does so first, so that an image goes with all data that was complete
//! when it was committed.
//!
//! Left out: torn blocks, and the order of commits of different files, which their images do not depend on. Delayed
//! allocations, copies in the COW fork and the page cache live in memory only and are gone.

use crate::judge::properties;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::extent::{Extent, ExtentMap, Phys};
use crate::fs::stuffed::Dinode;
use crate::fs::{Allocate, DeviceCache, Hooks};
use crate::geometry::Cell;
use crate::inode::Inode;
use crate::superblock::{DiskBlock, SuperBlock, contents};
use crate::value::{Value, WriteId};
use stalemap_facade::{ActorId, Backend, Leaf, Lock};

/// Stands among the writes that may survive for none of them: the cell lies behind the size that is recovered.
const OUTSIDE: u64 = 1 << 63;

/// What a crash may leave in one cell.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Survivors {
    /// The writes, as a set.
    may: u64,
    /// Syncs that have begun and not ended, each with what may survive it.
    syncs: Vec<(ActorId, u64)>,
}

impl Survivors {
    /// Before anything was written, behind end of file. Zeros may be found in the file only once they were put there.
    pub(crate) fn new() -> Self {
        Survivors { may: OUTSIDE, syncs: Vec::new() }
    }

    /// A write begins.
    pub(crate) fn allow(&mut self, id: WriteId) {
        self.may |= 1 << id;
        for (_, survive) in &mut self.syncs {
            *survive |= 1 << id;
        }
    }

    /// All writes that may survive, as a set.
    pub(crate) fn writes(&self) -> u64 {
        self.may
    }

    /// Any of these writes may survive.
    pub(crate) fn allow_all(&mut self, writes: u64) {
        self.may |= writes;
        for (_, survive) in &mut self.syncs {
            *survive |= writes;
        }
    }

    /// A sync begins; `current` are the writes that the cell may contain.
    pub(crate) fn begin_sync(&mut self, actor: ActorId, current: u64) {
        // What reads as zeros may as well not be there.
        let outside = if current & 1 == 0 { 0 } else { OUTSIDE };
        self.syncs.push((actor, current | outside));
        self.syncs.sort_unstable();
    }

    /// A sync returns: what had been replaced when it began must not come back.
    pub(crate) fn end_sync(&mut self, actor: ActorId) {
        if let Some(at) = self.syncs.iter().position(|(other, _)| *other == actor) {
            let (_, survive) = self.syncs.remove(at);
            self.may &= survive;
        }
    }

    /// Whether a crash may leave this.
    pub(crate) fn allow_recovery_of(&self, value: Value) -> bool {
        value.write().is_some_and(|id| self.may & (1 << id) != 0)
    }

    /// Whether a crash may leave the cell outside of the file.
    pub(crate) fn allow_recovery_outside(&self) -> bool {
        self.may & (OUTSIDE | 1) != 0
    }
}

/// What a prefix of the log says about a file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Image {
    extents: Vec<Extent>,
    size: Cell,
    /// The data of a stuffed file.
    stuffed: Dinode,
    /// The blocks whose contents are in the log, which recovery puts in their places.
    data: Vec<Option<Vec<Value>>>,
    /// What device blocks held before, with which this image may be found.
    unflushed: Vec<(Phys, DiskBlock)>,
}

impl Image {
    fn new(extents: Vec<Extent>, size: Cell, stuffed: Dinode) -> Self {
        Image { data: vec![None; extents.len()], unflushed: Vec::new(), extents, size, stuffed }
    }

    fn refers_to(&self, phys: Phys) -> bool {
        self.extents.iter().any(|extent| extent.phys() == Some(phys))
    }

    fn says_the_same(&self, other: &Image) -> bool {
        (&self.extents, self.size, &self.stuffed, &self.data)
            == (&other.extents, other.size, &other.stuffed, &other.data)
    }
}

/// The transactions of a file that a crash may or may not leave: the first one is forced out. On gfs2 they are
/// written all at once, when the log is flushed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Log {
    images: Vec<Image>,
    /// Whether the file's dirty data are written before the log is (`gfs2_ordered_add_inode`).
    ordered: bool,
    /// What one transaction has of a write, in order: a crash leaves all of it or nothing.
    transactions: Vec<(WriteId, Range<Cell>)>,
    /// What device blocks held before, where nothing flushes the device.
    superseded: BTreeSet<(Phys, DiskBlock)>,
}

impl Log {
    /// The log of a file as it is made.
    pub fn new(map: &ExtentMap, size: Cell, stuffed: Dinode) -> Self {
        let images = vec![Image::new(map.0.clone(), size, stuffed)];
        Log { images, ordered: false, transactions: Vec::new(), superseded: BTreeSet::new() }
    }

    fn commit(&mut self, mut image: Image, cache: DeviceCache) {
        if self.images.last().is_some_and(|last| last.says_the_same(&image)) {
            return;
        }
        if cache == DeviceCache::Unflushed {
            // Also of blocks that no transaction referred to when they were written.
            let found = |version: &&(Phys, DiskBlock)| image.refers_to(version.0);
            image.unflushed = self.superseded.iter().filter(found).cloned().collect();
        }
        self.images.push(image);
    }

    /// The device is about to hold something else in a block.
    fn supersede(&mut self, phys: Phys, before: &DiskBlock, cache: DeviceCache) {
        if cache == DeviceCache::Unflushed {
            self.superseded.insert((phys, before.clone()));
        }
        for image in &mut self.images {
            let version = (phys, before.clone());
            if image.refers_to(phys)
                && let Err(at) = image.unflushed.binary_search(&version)
            {
                image.unflushed.insert(at, version);
            }
        }
    }

    /// The same where transactions are merged until the log is flushed.
    fn merge(&mut self, mut image: Image, cache: DeviceCache) {
        let before = self.latest();
        let same = |block: &usize| image.extents[*block] == before.extents[*block];
        image.data = (0..image.extents.len())
            // What was freed is revoked.
            .map(|block| before.data[block].clone().filter(|_| same(&block)))
            .collect();
        self.images.truncate(1);
        self.commit(image, cache);
    }

    fn latest(&self) -> &Image {
        self.images.last().unwrap_or(&self.images[0])
    }

    /// All device blocks that any of the transactions refers to.
    pub(crate) fn blocks(&self) -> Vec<Phys> {
        let extents = self.images.iter().flat_map(|image| &image.extents);
        let device = |extent: &Extent| match extent {
            Extent::Hole | Extent::Delalloc => None,
            Extent::Unwritten(phys) | Extent::Written(phys) => Some(*phys),
        };
        extents.filter_map(device).collect()
    }

    /// What was committed so far stays, and what is complete on the device, if that is flushed.
    pub(crate) fn force(&mut self, cache: DeviceCache) {
        self.images.drain(..self.images.len() - 1);
        if cache != DeviceCache::Unflushed {
            self.images.iter_mut().for_each(|image| image.unflushed.clear());
        }
    }
}

/// What the page cache has of a block when the log is flushed.
enum Cached {
    /// Its contents belong to a transaction, and go into the log.
    Joined(Vec<Value>),
    /// It is to be written in its place, or is being written.
    Dirty(Vec<Value>),
    /// Nothing that its place has not.
    Clean,
}

impl<B: Backend> Inode<B> {
    /// A transaction commits: the extent map, whose lock the caller holds, is what the log says from here on.
    pub fn commit(&self, map: &ExtentMap) {
        let Some(log) = self.log() else { return };
        // Every transaction of gfs2 that changes the inode writes all of it (`gfs2_dinode_out`).
        let size = if self.merges_transactions() { self.i_size_peek() } else { map.disk_size };
        let image = Image::new(durable(&map.0), size, self.audit_stuffed());
        let cache = self.sb.config.fs.device_cache;
        log.update(|log| {
            if self.merges_transactions() { log.merge(image, cache) } else { log.commit(image, cache) }
        });
        self.audit_crash();
    }

    /// The same for who changes what the inode says without the extent map's lock.
    pub fn commit_inode(&self) {
        if self.log().is_some() {
            let size = self.i_size_peek();
            let mut blocks = Vec::new();
            self.ilock.audit(|map| blocks.clone_from(&map.0));
            let image = Image::new(durable(&blocks), size, self.audit_stuffed());
            if let Some(log) = self.log().filter(|_| !blocks.is_empty()) {
                log.update(|log| log.merge(image, self.sb.config.fs.device_cache));
            }
            self.audit_crash();
        }
    }

    /// Whether the log has the transactions since its last flush as one.
    pub fn merges_transactions(&self) -> bool {
        self.sb.config.fs.allocate == Allocate::Written
    }

    /// `xfs_log_force`: what was committed so far survives.
    pub fn log_force(&self) {
        if let Some(log) = self.log() {
            log.update(|log| log.force(self.sb.config.fs.device_cache));
        }
    }

    /// `gfs2_ordered_add_inode`: what is dirty is written before the log is flushed next. Data that is journalled is in
    /// the log itself.
    pub fn ordered_add(&self) {
        if let Some(log) = self.log().filter(|_| self.sb.config.fs.hooks != Hooks::Jdata) {
            log.update(|log| log.ordered = true);
        }
    }

    /// Whether it is.
    pub fn is_ordered(&self) -> bool {
        self.log().is_some_and(|log| log.read(|log| log.ordered))
    }

    /// One transaction has all of what a write put into `cells`.
    pub fn log_data(&self, id: WriteId, cells: &Range<Cell>) {
        if let Some(log) = self.log().filter(|_| !cells.is_empty() && self.sb.config.fs.hooks == Hooks::Jdata)
        {
            log.update(|log| log.transactions.push((id, cells.clone())));
        }
    }

    /// Cells are changed by other means than a write of a transaction, where there are such.
    pub fn forget_data(&self, cells: &Range<Cell>) {
        if let Some(log) = self.log().filter(|_| self.sb.config.fs.hooks == Hooks::Jdata) {
            let elsewhere = |other: &Range<Cell>| other.end <= cells.start || cells.end <= other.start;
            log.update(|log| log.transactions.retain(|(_, other)| elsewhere(other)));
        }
    }

    /// `log_write_header`: all transactions since the last flush are in the log, with the data that belong to them. What
    /// was in it for blocks that have been written in their places is not any more.
    pub fn log_write(&self) {
        let Some(log) = self.log() else { return };
        let cached = self.cached();
        log.update(|log| {
            log.force(self.sb.config.fs.device_cache);
            log.ordered = false;
            if let Some(image) = log.images.first_mut() {
                flush(image, &cached);
            }
        });
        self.audit_crash();
    }

    fn cached(&self) -> Vec<Cached> {
        let geometry = &self.sb.geometry;
        let mut blocks = Vec::new();
        for index in 0..geometry.folios() {
            self.page(index).audit(|slot| {
                for block in geometry.blocks_of_folio(index) {
                    let n = self.sb.block_in_folio(block);
                    let folio = slot.current().map(|(_, folio)| folio);
                    blocks.push(folio.map_or(Cached::Clean, |folio| {
                        let cells = || folio.cells[self.sb.cells_in_folio(block)].to_vec();
                        let joined =
                            folio.buffers.as_ref().is_some_and(|buffers| buffers.joined & (1 << n) != 0);
                        // Found by its tag, and waited for.
                        let dirty = folio.dirty || folio.tagged || folio.writeback;
                        match (joined, dirty && folio.block_uptodate(n)) {
                            (true, _) => Cached::Joined(cells()),
                            (false, true) => Cached::Dirty(cells()),
                            (false, false) => Cached::Clean,
                        }
                    }));
                }
            });
        }
        blocks
    }

    /// Judges what a crash would leave now, P-CRASH.
    pub fn audit_crash(&self) {
        let Some(log) = self.log() else { return };
        let mut judged = Vec::new();
        log.audit(|log| judged.push(log.clone()));
        let Some(log) = judged.pop() else { return };
        if !self.merges_transactions() {
            log.images.iter().for_each(|image| self.judge_image(image, &[], &log.transactions));
            return;
        }
        // The last flush, and one that somebody makes now, if nobody is in a transaction.
        self.judge_image(&log.images[0], &[], &log.transactions);
        let mut free = true;
        self.sb.log_flush_lock.audit_free(|| free = false);
        if free {
            let cached = self.cached();
            let mut image = log.latest().clone();
            flush(&mut image, &cached);
            if self.sb.config.fs.device_cache != DeviceCache::Unflushed {
                image.unflushed.clear();
            }
            let written = if log.ordered { cached.as_slice() } else { &[] };
            self.judge_image(&image, written, &log.transactions);
        }
    }

    /// Judges what recovery would make of the file, if `written` has been written in its place before.
    fn judge_image(&self, image: &Image, written: &[Cached], transactions: &[(WriteId, Range<Cell>)]) {
        let geometry = &self.sb.geometry;
        let mut recovered = Vec::new();
        for cell in 0..geometry.cells() {
            if cell >= image.size {
                // Data that was synced and lies beyond the recovered size is lost as well as overwritten data.
                self.oracle.recovered_outside(geometry, cell);
                recovered.push(Value::ZERO);
                continue;
            }
            let values = self.recover(image, written, cell);
            for value in &values {
                self.oracle.recovered(geometry, cell, *value, image.size);
            }
            recovered.push(values[0]);
        }
        if let Some((_, cells)) = torn(transactions, &recovered, image.size) {
            self.violate(properties::BROKEN_TRANSACTION, || {
                let cells = geometry.show_cells(&cells);
                format!("after a crash there would be a part of the transaction that has {cells}")
            });
        }
    }

    /// What may be found in a cell of the recovered file: what the device has or the log puts there, then what the device
    /// had before and may have again.
    fn recover(&self, image: &Image, written: &[Cached], cell: Cell) -> Vec<Value> {
        let geometry = &self.sb.geometry;
        if let Some(data) = &image.stuffed {
            return vec![data.get(usize::from(cell)).copied().unwrap_or(Value::ZERO)];
        }
        let block = geometry.block_of(cell);
        let at = usize::from(cell - geometry.cells_of_block(block).start);
        let block = usize::from(block);
        match (image.extents[block], &image.data[block], written.get(block)) {
            (Extent::Written(_), Some(data), _) | (Extent::Written(_), None, Some(Cached::Dirty(data))) => {
                vec![data[at]]
            }
            (Extent::Written(phys), None, _) => {
                let before = image.unflushed.iter().filter(|(block, _)| *block == phys);
                let before = before.map(|(_, before)| contents(before, phys, at));
                std::iter::once(self.sb.audit_disk(phys, at)).chain(before).collect()
            }
            _ => vec![Value::ZERO],
        }
    }
}

/// What the log says of extents: nothing of delayed allocations.
fn durable(blocks: &[Extent]) -> Vec<Extent> {
    let durable = |extent: &Extent| if *extent == Extent::Delalloc { Extent::Hole } else { *extent };
    blocks.iter().map(durable).collect()
}

/// The data that a flush puts into the log.
fn flush(image: &mut Image, cached: &[Cached]) {
    for (logged, cached) in image.data.iter_mut().zip(cached) {
        match cached {
            Cached::Joined(cells) => *logged = Some(cells.clone()),
            Cached::Dirty(_) => {}
            Cached::Clean => *logged = None,
        }
    }
}

/// A transaction of which there is a part: some of its cells are older than it, and some are not. Those behind the size
/// that was recovered are of another transaction, and cells that something else was put into say nothing.
fn torn(
    transactions: &[(WriteId, Range<Cell>)],
    recovered: &[Value],
    size: Cell,
) -> Option<(WriteId, Range<Cell>)> {
    let newest = |cell: Cell, id: WriteId| {
        transactions.iter().rposition(|(other, cells)| *other == id && cells.contains(&cell))
    };
    let is_torn = |number: usize, cells: &Range<Cell>| {
        let known = cells.clone().filter(|cell| *cell < size).filter_map(|cell| {
            let id = recovered[usize::from(cell)].write()?;
            match newest(cell, id) {
                Some(found) => Some(found >= number),
                // Older than all of them.
                None => Some(false),
            }
        });
        let known: Vec<bool> = known.collect();
        known.contains(&true) && known.contains(&false)
    };
    let mut numbered = transactions.iter().enumerate();
    numbered.find(|(number, (_, cells))| is_torn(*number, cells)).map(|(_, transaction)| transaction.clone())
}

impl<B: Backend> SuperBlock<B> {
    /// The device is about to be written to: where its cache is volatile, it may still be found as it is.
    pub(crate) fn supersede(&self, phys: Phys) {
        if self.config.fs.device_cache == DeviceCache::Absent || self.logs.is_empty() {
            return;
        }
        let before = self.disk[usize::from(phys)].read(Clone::clone);
        self.logs
            .iter()
            .for_each(|log| log.update(|log| log.supersede(phys, &before, self.config.fs.device_cache)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sync_forgets_what_was_replaced_before_it_began() {
        let mut cell = Survivors::new();
        cell.allow(1);
        cell.begin_sync(0, 1 << 1);
        cell.allow(2);
        cell.end_sync(0);
        let survives = |id| cell.allow_recovery_of(Value::written(id));
        assert!(!survives(0) && survives(1) && survives(2));
    }

    #[test]
    fn zeros_are_found_in_the_file_only_where_they_were_put() {
        let mut cell = Survivors::new();
        assert!(cell.allow_recovery_outside() && !cell.allow_recovery_of(Value::ZERO));
        cell.allow(0);
        assert!(cell.allow_recovery_of(Value::ZERO));
    }

    fn image(size: Cell) -> Image {
        Image::new(vec![Extent::Written(0)], size, None)
    }

    #[test]
    fn a_crash_leaves_any_prefix_from_the_last_force_on() {
        let mut log = Log::new(&ExtentMap::new(1), 0, None);
        log.images = vec![image(0)];
        for size in [1, 1, 2] {
            log.commit(image(size), DeviceCache::Absent);
        }
        assert_eq!(log.images, [image(0), image(1), image(2)]);
        log.force(DeviceCache::Absent);
        assert_eq!(log.images, [image(2)]);
    }

    #[test]
    fn transactions_are_one_until_the_log_is_flushed() {
        let mut log = Log::new(&ExtentMap::new(1), 0, None);
        log.images = vec![image(0)];
        log.merge(image(1), DeviceCache::Absent);
        log.merge(image(2), DeviceCache::Absent);
        assert_eq!(log.images, [image(0), image(2)]);
    }

    #[test]
    fn a_transaction_is_torn_when_a_part_of_it_is_older() {
        let values = |ids: [WriteId; 3]| ids.map(Value::written);
        let transactions = [(1, 0..2), (2, 1..3)];
        for whole in [[0, 0, 0], [1, 1, 0], [1, 2, 2]] {
            assert_eq!(torn(&transactions, &values(whole), 3), None);
        }
        assert_eq!(torn(&transactions, &values([1, 0, 0]), 3), Some((1, 0..2)));
        assert_eq!(torn(&transactions, &values([1, 2, 0]), 3), Some((2, 1..3)));
        assert_eq!(torn(&transactions, &values([1, 2, 0]), 2), None);
    }

    #[test]
    fn what_is_not_flushed_may_be_lost_from_older_transactions_only() {
        for (cache, kept) in [(DeviceCache::Flushed, 0), (DeviceCache::Unflushed, 1)] {
            let mut log = Log::new(&ExtentMap::new(1), 0, None);
            log.images = vec![image(0)];
            for phys in [0, 0, 1] {
                log.supersede(phys, &None, cache);
            }
            assert_eq!(log.images[0].unflushed, [(0, None)]);
            log.commit(image(1), cache);
            assert_eq!(log.images[1].unflushed.len(), kept);
            log.force(cache);
            assert_eq!(log.images[0].unflushed.len(), kept);
        }
    }
}
