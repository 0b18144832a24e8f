//! The buffer heads of a folio whose data are journalled (gfs2), and what of them a store through a mapping leaves to writeback.

use std::ops::Range;

/// The buffer heads of a folio whose data is journalled (gfs2): sets of blocks of the folio.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Buffers {
    /// BH_Dirty.
    pub dirty: u64,
    /// Part of a transaction that is not flushed (BH_Pinned): must not be written in place.
    pub joined: u64,
    /// What they hold now is in the journal.
    pub logged: u64,
}

impl Buffers {
    /// `gfs2_trans_add_data` of `blocks`: those that are not pinned are, and are clean from here on.
    pub fn pin(&mut self, blocks: u64) {
        self.dirty &= !(blocks & !self.joined);
        self.joined |= blocks;
    }
}

/// Whether what was stored into a folio through a mapping belongs to a transaction, where data are journalled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stored {
    /// It does, or nothing was stored.
    Joined,
    /// Not yet: writeback will find it (PG_checked, which it sets itself).
    Unjoined,
}

/// Blocks of a folio, as a set.
pub(crate) fn bits(blocks: Range<u16>) -> u64 {
    blocks.fold(0, |set, block| set | 1 << block)
}
