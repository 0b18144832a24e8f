//! The device's blocks: which are in use, by how many owners, and how many are promised.
//!
//! All files share them. An allocation or a free runs inside the ILOCK section of the file that it is for; the
//! kernel takes the allocation group's lock inside that section, so each is one access to one shared object.

use std::collections::BTreeSet;

use crate::state::zones::{ZoneState, Zones};
use crate::words::extent::Phys;
use crate::words::geometry::FileBlock;

/// The allocator's state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Space {
    /// How many extents refer to each block: more than one after a reflink.
    references: Vec<u16>,
    /// Blocks promised to delayed allocations.
    reserved: u16,
    /// Free blocks that are not to be taken before the log is flushed.
    unlogged: BTreeSet<Phys>,
    /// The zones that they lie in, where there are any.
    zones: Option<Zones>,
}

impl Space {
    /// A device of `blocks` free blocks, in zones of `zone_blocks` unless that is 0.
    pub fn new(blocks: u16, zone_blocks: u16) -> Self {
        let zones = (zone_blocks > 0).then(|| Zones::new(blocks, zone_blocks));
        Space { references: vec![0; usize::from(blocks)], reserved: 0, unlogged: BTreeSet::new(), zones }
    }

    /// Blocks that are neither in use nor promised; in zones those that can be written before a zone is erased
    /// (XC_FREE_RTAVAILABLE).
    pub fn available(&self) -> usize {
        let unused = || self.references.iter().filter(|references| **references == 0).count();
        self.zones.as_ref().map_or_else(unused, Zones::room) - usize::from(self.reserved)
    }

    /// Blocks that are in use, whosever they are.
    pub fn in_use(&self) -> usize {
        self.references.iter().filter(|references| **references > 0).count()
    }

    /// Whether a zone with room can be selected, or there are none.
    pub fn selectable(&self) -> bool {
        self.zones.as_ref().is_none_or(Zones::selectable)
    }

    /// The zones, if there are any.
    pub fn zones(&self) -> Vec<ZoneState> {
        self.zones.as_ref().map_or_else(Vec::new, Zones::states)
    }

    /// The block of a zone that is taken next.
    pub fn next_in_zone(&self) -> Option<Phys> {
        self.zones.as_ref()?.next()
    }

    /// Takes it, for one that was promised.
    pub fn allocate_in_zone(&mut self) {
        if let Some(phys) = self.zones.as_mut().and_then(Zones::allocate) {
            self.unreserve(1);
            self.get(phys);
        }
    }

    /// A block of a zone is written, and a file's.
    pub fn wrote(&mut self, phys: Phys) {
        if let Some(zones) = &mut self.zones {
            zones.wrote(phys);
        }
        self.erase_unused(phys);
    }

    fn erase_unused(&mut self, phys: Phys) {
        if let Some(zones) = &mut self.zones {
            zones.erase_unused(phys, |phys| self.references[usize::from(phys)] > 0);
        }
    }

    /// Blocks promised.
    pub fn reserved(&self) -> u16 {
        self.reserved
    }

    /// Promises blocks.
    pub fn reserve(&mut self, blocks: u16) {
        self.reserved += blocks;
    }

    /// Takes a promise back, or keeps it.
    pub fn unreserve(&mut self, blocks: u16) {
        self.reserved -= blocks;
    }

    /// Picks a free block for each of `wanted`: the wanted one, so that neighbours in the file are neighbours on
    /// the device as an allocator would try to have them, or else the first free one; none of those that are `busy`.
    /// `None`: too few are free.
    pub fn pick(&self, wanted: impl Iterator<Item = FileBlock>, busy: &[Phys]) -> Option<Vec<Phys>> {
        let mut picked: Vec<Phys> = Vec::new();
        for wanted in wanted {
            let is_free = |phys: &Phys| {
                let taken = picked.contains(phys) || busy.contains(phys);
                self.references.get(usize::from(*phys)) == Some(&0) && !taken
            };
            let first = 0..self.references.len() as Phys;
            let phys = std::iter::once(wanted).chain(first).find(is_free)?;
            picked.push(phys);
        }
        Some(picked)
    }

    /// How many extents refer to a block; none to one that the device has no room for, where only a broken design gets.
    pub fn references(&self, phys: Phys) -> u16 {
        self.references.get(usize::from(phys)).copied().unwrap_or_default()
    }

    /// One more extent refers to a block.
    pub fn get(&mut self, phys: Phys) {
        self.references[usize::from(phys)] += 1;
    }

    /// One extent less refers to a block; without any it is free.
    pub fn put(&mut self, phys: Phys) {
        self.references[usize::from(phys)] -= 1;
        self.erase_unused(phys);
    }

    /// The same, of a block that is not to be taken before the log is flushed: it stays taken in the clone of the bitmap
    /// (`rgblk_free`, fs/gfs2/rgrp.c).
    pub fn put_unlogged(&mut self, phys: Phys) {
        self.put(phys);
        if self.references(phys) == 0 {
            self.unlogged.insert(phys);
        }
    }

    /// The blocks that were put so, and may not be taken yet.
    pub fn unlogged(&self) -> Vec<Phys> {
        self.unlogged.iter().copied().collect()
    }

    /// The log is flushed, and these may be taken but for some (`maybe_release_space`, fs/gfs2/lops.c).
    pub fn release_unlogged(&mut self, but: &[Phys]) {
        self.unlogged.retain(|phys| but.contains(phys));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_is_freed_with_the_log_is_named_until_that_is_flushed() {
        let mut space = Space::new(2, 0);
        space.get(0);
        space.get(1);
        space.put_unlogged(0);
        space.put_unlogged(1);
        assert_eq!(space.available(), 2);
        assert_eq!(space.pick([0].into_iter(), &space.unlogged()), None);
        space.release_unlogged(&[0]);
        assert_eq!(space.unlogged(), [0]);
        assert_eq!(space.pick([0].into_iter(), &space.unlogged()), Some(vec![1]));
    }

    #[test]
    fn a_promise_is_not_available_and_a_shared_block_is_free_when_nobody_refers_to_it() {
        let mut space = Space::new(3, 0);
        space.reserve(2);
        assert_eq!(space.available(), 1);
        space.get(1);
        space.get(1);
        space.unreserve(2);
        assert_eq!(space.pick([1, 1].into_iter(), &[]), Some(vec![0, 2]));
        assert_eq!(space.pick([0, 1, 2].into_iter(), &[]), None);
        assert_eq!(space.pick([0].into_iter(), &[0]), Some(vec![2]));
        space.put(1);
        assert_eq!((space.references(1), space.available()), (1, 2));
    }
}
