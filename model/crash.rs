//! Power loss (A16): what recovery would make of the file, judged at every state without going there.
//!
//! The log is a sequence of committed transactions, of which a crash leaves some prefix that is not shorter
//! than what has been forced out. So the state keeps, per file, what each of these prefixes says about extents
//! and on-disk size, oldest first, and after every transition that changes one of them or the device each
//! recovered image is read and judged. The crash itself need not be explored: it changes nothing that another
//! state does not see. All of it exists only where a scenario says `@crash` or `shutdown`, and the others run on
//! behind either: what they find there is errors.
//!
//! Left out: a volatile cache in the device (a completed write stays), torn blocks, and the order of commits of
//! different files, which their images do not depend on. Delayed allocations, copies in the COW fork and the
//! page cache live in memory only and are gone.

use crate::backend::{ActorId, Backend, Leaf};
use crate::extent::{Extent, ExtentMap, Phys};
use crate::geometry::Cell;
use crate::inode::Inode;
use crate::value::{Value, WriteId};

/// What a crash may leave in one cell.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Survivors {
    /// The writes, as a set.
    may: u64,
    /// Syncs that have begun and not ended, each with what may survive it.
    syncs: Vec<(ActorId, u64)>,
}

impl Survivors {
    /// Zeros, before anything was written.
    pub(crate) fn new() -> Self {
        Survivors { may: 1, syncs: Vec::new() }
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
        self.syncs.push((actor, current));
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
}

/// What a prefix of the log says about a file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Image {
    extents: Vec<Extent>,
    size: Cell,
}

/// The transactions of a file that a crash may or may not leave: the first one is forced out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Log {
    images: Vec<Image>,
}

impl Log {
    /// The log of an empty file of `blocks` blocks.
    pub fn new(blocks: u16) -> Self {
        Log { images: vec![Image { extents: vec![Extent::Hole; usize::from(blocks)], size: 0 }] }
    }

    fn commit(&mut self, image: Image) {
        if self.images.last() != Some(&image) {
            self.images.push(image);
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

    pub(crate) fn force(&mut self) {
        self.images.drain(..self.images.len() - 1);
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
        log.update(|log| log.commit(Image { extents, size: map.disk_size }));
        self.audit_crash();
    }

    /// `xfs_log_force`: what was committed so far survives.
    pub fn log_force(&self) {
        if let Some(log) = self.log() {
            log.update(Log::force);
        }
    }

    /// Judges what a crash would leave now, P-CRASH.
    pub fn audit_crash(&self) {
        let Some(log) = self.log() else { return };
        let mut images = Vec::new();
        log.audit(|log| images.clone_from(&log.images));
        for image in images {
            for cell in 0..self.sb.geometry.cells() {
                let block = self.sb.geometry.block_of(cell);
                let at = usize::from(cell - self.sb.geometry.cells_of_block(block).start);
                let value = match image.extents[usize::from(block)] {
                    Extent::Written(phys) if cell < image.size => self.sb.audit_disk(phys, at),
                    // Data that was synced and lies beyond the recovered size is lost as well as overwritten data.
                    _ => Value::ZERO,
                };
                self.oracle.recovered(&self.sb.geometry, cell, value);
            }
        }
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
    fn a_crash_leaves_any_prefix_from_the_last_force_on() {
        let image = |size| Image { extents: Vec::new(), size };
        let mut log = Log::new(0);
        log.commit(image(1));
        log.commit(image(1));
        log.commit(image(2));
        assert_eq!(log.images, [image(0), image(1), image(2)]);
        log.force();
        assert_eq!(log.images, [image(2)]);
    }
}
