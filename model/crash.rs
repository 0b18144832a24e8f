//! Power loss (A16): what recovery would make of the file, judged at every state without going there.
//!
//! The log is a sequence of committed transactions, of which a crash leaves some prefix that is not shorter
//! than what has been forced out. So the state keeps, per file, what each of these prefixes says about extents
//! and on-disk size, oldest first, and after every transition that changes one of them or the device each
//! recovered image is read and judged. The crash itself need not be explored: it changes nothing that another
//! state does not see. All of it exists only where a scenario says `@crash` or `shutdown`, and the others run on
//! behind either: what they find there is errors.
//!
//! Where the device has a volatile cache, each of these images is read with what the device had before, too, as far as
//! nothing has flushed it out: every write of the log does so first, so that an image goes with all data that was complete
//! when it was committed.
//!
//! Left out: torn blocks, and the order of commits of different files, which their images do not depend on. Delayed
//! allocations, copies in the COW fork and the page cache live in memory only and are gone.

use crate::backend::{ActorId, Backend, Leaf};
use crate::extent::{Extent, ExtentMap, Phys};
use crate::fs::DeviceCache;
use crate::geometry::Cell;
use crate::inode::Inode;
use crate::superblock::{DiskBlock, SuperBlock, contents};
use crate::value::{Value, WriteId};

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
    /// What device blocks held before, with which this image may be found.
    unflushed: Vec<(Phys, DiskBlock)>,
}

impl Image {
    fn refers_to(&self, phys: Phys) -> bool {
        self.extents.iter().any(|extent| extent.phys() == Some(phys))
    }

    fn says_the_same(&self, other: &Image) -> bool {
        self.extents == other.extents && self.size == other.size
    }
}

/// The transactions of a file that a crash may or may not leave: the first one is forced out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Log {
    images: Vec<Image>,
}

impl Log {
    /// The log of an empty file of `blocks` blocks.
    pub fn new(blocks: u16) -> Self {
        let extents = vec![Extent::Hole; usize::from(blocks)];
        Log { images: vec![Image { extents, size: 0, unflushed: Vec::new() }] }
    }

    fn commit(&mut self, mut image: Image, cache: DeviceCache) {
        let last = self.images.last();
        if last.is_some_and(|last| last.says_the_same(&image)) {
            return;
        }
        if let (DeviceCache::Unflushed, Some(last)) = (cache, last) {
            image.unflushed.clone_from(&last.unflushed);
        }
        self.images.push(image);
    }

    /// The device is about to hold something else in a block.
    fn supersede(&mut self, phys: Phys, before: &DiskBlock) {
        for image in &mut self.images {
            let version = (phys, before.clone());
            if image.refers_to(phys)
                && let Err(at) = image.unflushed.binary_search(&version)
            {
                image.unflushed.insert(at, version);
            }
        }
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

impl<B: Backend> Inode<B> {
    /// A transaction commits: the extent map, whose lock the caller holds, is what the log says from here on.
    pub fn commit(&self, map: &ExtentMap) {
        let Some(log) = self.log() else { return };
        let durable = |block| match map.get(block) {
            Extent::Delalloc => Extent::Hole,
            other => other,
        };
        let extents = (0..self.sb.geometry.blocks()).map(durable).collect();
        let image = Image { extents, size: map.disk_size, unflushed: Vec::new() };
        log.update(|log| log.commit(image, self.sb.config.fs.device_cache));
        self.audit_crash();
    }

    /// `xfs_log_force`: what was committed so far survives.
    pub fn log_force(&self) {
        if let Some(log) = self.log() {
            log.update(|log| log.force(self.sb.config.fs.device_cache));
        }
    }

    /// Judges what a crash would leave now, P-CRASH.
    pub fn audit_crash(&self) {
        let Some(log) = self.log() else { return };
        let mut images = Vec::new();
        log.audit(|log| images.clone_from(&log.images));
        for image in images {
            let judge = |cell, value| self.oracle.recovered(&self.sb.geometry, cell, value, image.size);
            for cell in 0..self.sb.geometry.cells() {
                if cell >= image.size {
                    // Data that was synced and lies beyond the recovered size is lost as well as overwritten data.
                    self.oracle.recovered_outside(&self.sb.geometry, cell);
                    continue;
                }
                let block = self.sb.geometry.block_of(cell);
                let at = usize::from(cell - self.sb.geometry.cells_of_block(block).start);
                let Extent::Written(phys) = image.extents[usize::from(block)] else {
                    judge(cell, Value::ZERO);
                    continue;
                };
                judge(cell, self.sb.audit_disk(phys, at));
                for (_, before) in image.unflushed.iter().filter(|(block, _)| *block == phys) {
                    judge(cell, contents(before, phys, at));
                }
            }
        }
    }
}

impl<B: Backend> SuperBlock<B> {
    /// The device is about to be written to: where its cache is volatile, it may still be found as it is.
    pub(crate) fn supersede(&self, phys: Phys) {
        if self.config.fs.device_cache == DeviceCache::Absent || self.logs.is_empty() {
            return;
        }
        let before = self.disk[usize::from(phys)].read(Clone::clone);
        self.logs.iter().for_each(|log| log.update(|log| log.supersede(phys, &before)));
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
        Image { extents: vec![Extent::Written(0)], size, unflushed: Vec::new() }
    }

    #[test]
    fn a_crash_leaves_any_prefix_from_the_last_force_on() {
        let mut log = Log { images: vec![image(0)] };
        for size in [1, 1, 2] {
            log.commit(image(size), DeviceCache::Absent);
        }
        assert_eq!(log.images, [image(0), image(1), image(2)]);
        log.force(DeviceCache::Absent);
        assert_eq!(log.images, [image(2)]);
    }

    #[test]
    fn what_is_not_flushed_may_be_lost_from_older_transactions_only() {
        for (cache, kept) in [(DeviceCache::Flushed, 0), (DeviceCache::Unflushed, 1)] {
            let mut log = Log { images: vec![image(0)] };
            log.supersede(0, &None);
            log.supersede(0, &None);
            log.supersede(1, &None);
            assert_eq!(log.images[0].unflushed, [(0, None)]);
            log.commit(image(1), cache);
            assert_eq!(log.images[1].unflushed.len(), kept);
            log.force(cache);
            assert_eq!(log.images[0].unflushed.len(), kept);
        }
    }
}
