//! The zones of a device that is written out of place: how far each one is allocated, and how much of it is written.
//!
//! The file system counts, and asks the device for nothing: `oz_allocated` grows when I/O is submitted, `oz_written` when the
//! blocks of I/O that was complete come into a file (struct xfs_open_zone, fs/xfs/xfs_zone_priv.h, 7.3). Where the device has
//! its write pointer lies between the two: a write that fails may have moved it or not. Nobody reads it before the next mount
//! (xfs_mount_zones), and where exactly a block comes to lie (the device chooses by zone append, the file system in a
//! conventional zone) tells nobody anything. So it is no state of its own here.
//!
//! One zone is open, the least that `max_open_zones` allows. It is that until all of it is written, however much of it is
//! allocated, and only then another one is opened. A zone that is written and of which no file has a block is empty at once: the collector's flush, log force and erasure
//! (`xfs_zone_gc_reset_zones`) are no steps, and what the device has of it stays until it is written again.
//! Left out: zones that the collector writes to, hints by which files are put into zones.

use crate::words::extent::Phys;

/// The zones.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Zones {
    /// Blocks of each.
    size: u16,
    all: Vec<Zone>,
    /// Which one is open.
    open: Option<usize>,
}

/// A zone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct Zone {
    /// Blocks from its start that were given to I/O.
    allocated: u16,
    /// How many of them are written, and were a file's.
    written: u16,
}

/// What is seen of a zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ZoneState {
    /// Whether it is open.
    pub open: bool,
    /// How many of its blocks are written, and were a file's.
    pub written: u16,
    /// How many were given to I/O.
    pub allocated: u16,
    /// How many it has.
    pub size: u16,
}

impl Zones {
    /// Empty zones of `size` blocks.
    pub fn new(blocks: u16, size: u16) -> Self {
        Zones { size, all: vec![Zone::default(); usize::from(blocks / size)], open: None }
    }

    /// All of them, as they are.
    pub fn states(&self) -> Vec<ZoneState> {
        let state = |(at, zone): (usize, &Zone)| ZoneState {
            open: self.open == Some(at),
            written: zone.written,
            allocated: zone.allocated,
            size: self.size,
        };
        self.all.iter().enumerate().map(state).collect()
    }

    /// Blocks that can be written before anything is erased.
    pub fn room(&self) -> usize {
        self.all.iter().map(|zone| usize::from(self.size - zone.allocated)).sum()
    }

    /// Whether `xfs_select_zone_nowait` finds a zone with room: the open one, or an empty one if none is open.
    pub fn selectable(&self) -> bool {
        self.next().is_some()
    }

    /// The next block of that zone.
    pub fn next(&self) -> Option<Phys> {
        let empty = || self.all.iter().position(|zone| zone.allocated == 0);
        let at = self.open.or_else(empty)?;
        let allocated = self.all[at].allocated;
        (allocated < self.size).then_some(at as Phys * self.size + allocated)
    }

    /// `xfs_zone_alloc_blocks`: takes it, and the zone is open.
    pub fn allocate(&mut self) -> Option<Phys> {
        let next = self.next()?;
        let at = usize::from(next / self.size);
        self.open = Some(at);
        self.all[at].allocated += 1;
        Some(next)
    }

    /// `xfs_zone_inc_written`: a block is written. With the last one the zone is full, and no longer open.
    pub fn wrote(&mut self, phys: Phys) {
        let at = usize::from(phys / self.size);
        self.all[at].written += 1;
        if self.all[at].written == self.size {
            self.open = self.open.filter(|open| *open != at);
        }
    }

    /// The zone of a block is empty again if all of it was written and nothing is in use (`xfs_zone_account_reclaimable`,
    /// `xfs_zone_gc_reset_zones`).
    pub fn erase_unused(&mut self, phys: Phys, in_use: impl Fn(Phys) -> bool) {
        let at = phys / self.size;
        let mut blocks = at * self.size..(at + 1) * self.size;
        let zone = &mut self.all[usize::from(at)];
        if zone.written == self.size && !blocks.any(in_use) {
            *zone = Zone::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_open_until_it_is_written_and_erased_when_nothing_of_it_is_in_use() {
        let mut zones = Zones::new(4, 2);
        assert_eq!((zones.allocate(), zones.allocate()), (Some(0), Some(1)));
        // There is an empty zone, and it may not be opened yet.
        assert!(!zones.selectable() && zones.room() == 2);
        assert_eq!(zones.allocate(), None);
        zones.wrote(0);
        assert!(!zones.selectable());
        zones.wrote(1);
        assert_eq!(zones.allocate(), Some(2));
        zones.erase_unused(0, |phys| phys == 1);
        assert_eq!(zones.room(), 1);
        zones.erase_unused(1, |_| false);
        assert_eq!(zones.room(), 3);
    }

    #[test]
    fn a_zone_of_which_a_write_has_failed_is_neither_full_nor_erased() {
        let mut zones = Zones::new(4, 2);
        zones.allocate();
        zones.allocate();
        zones.wrote(1);
        zones.erase_unused(1, |_| false);
        assert!(!zones.selectable());
        assert_eq!(zones.room(), 2);
    }
}
