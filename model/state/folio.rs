//! A folio: its flags, its contents, and the state of its blocks.
//!
//! Functions that need the folio lock say so.

use std::ops::{Range, RangeInclusive};

use stalemap_facade::ActorId;

use crate::state::buffers::{Buffers, Stored};
use crate::state::owed::{self, Debt, Owed};
use crate::state::pte::{PageInFolio, Pte, Ptes};
use crate::words::design::ReclaimWriteback;
use crate::words::geometry::FolioIndex;
use crate::words::personality::Hooks;
use crate::words::value::Value;
use crate::words::writeback_design::Towrite;

/// A folio's number among those of its slot: the smallest free one when it was allocated.
pub type FolioId = u8;

/// A reference to a folio.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FolioRef {
    /// Its index in the file.
    pub index: FolioIndex,
    /// Which of the folios of that index.
    pub id: FolioId,
}

/// Per-block state, which exists only while a folio has more than one block (struct iomap_folio_state).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ifs {
    uptodate: u64,
    dirty: u64,
}

/// What `folio->private` points to, as far as anybody can mistake it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Private {
    /// Nothing; or nobody changes the data mode of the file.
    Absent,
    /// struct iomap_folio_state.
    BlockState,
    /// The buffer heads.
    Buffers,
}

/// One folio.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Folio {
    /// Whether it is still in the page cache (folio->mapping).
    pub in_cache: bool,
    /// PG_locked, with its owner.
    pub locked: Option<ActorId>,
    /// Who holds a reference, beside the page cache: a set of actors.
    pub refs: u16,
    /// PG_uptodate.
    pub uptodate: bool,
    /// PG_dirty.
    pub dirty: bool,
    /// PAGECACHE_TAG_DIRTY, by which writeback finds the folio. It outlives the flag until the writeback bit
    /// is set, so that a second pass does not miss a folio that the first has only cleaned so far.
    pub tagged: bool,
    /// PAGECACHE_TAG_TOWRITE, by which a pass for integrity finds what it has tagged, where it goes by that.
    pub towrite: bool,
    /// PG_writeback.
    pub writeback: bool,
    /// PG_dropbehind: to be dropped when its writeback is complete.
    pub dropbehind: bool,
    /// How many ioends still write parts of it (the state's write_bytes_pending, counted in ioends).
    pub(super) pending: u16,
    ifs: Option<Ifs>,
    /// Its buffers, where writes go through them.
    pub buffers: Option<Buffers>,
    /// What folio->private points to, in a file whose data mode is changed.
    pub private: Private,
    /// Whether writeback has to join what was stored.
    pub stored: Stored,
    blocks: u16,
    /// The contents.
    pub cells: Vec<Value>,
    /// What they were when writeback began, of which checksums were calculated, if there are any.
    pub summed: Vec<Value>,
    /// Who maps its pages.
    pub ptes: Ptes,
    /// What was done to it under its lock and is still to be judged.
    pub owed: Owed,
}

impl Folio {
    pub(super) fn new(blocks: u16, cells: Vec<Value>) -> Self {
        Folio {
            in_cache: true,
            locked: None,
            refs: 0,
            uptodate: false,
            dirty: false,
            tagged: false,
            towrite: false,
            writeback: false,
            dropbehind: false,
            pending: 0,
            ifs: None,
            buffers: None,
            private: Private::Absent,
            stored: Stored::Joined,
            blocks,
            cells,
            summed: Vec::new(),
            ptes: Ptes::default(),
            owed: Owed::default(),
        }
    }

    fn all(&self) -> u64 {
        if self.blocks >= 64 { u64::MAX } else { (1 << self.blocks) - 1 }
    }

    /// `ifs_alloc`: makes the per-block state if the folio has several blocks and it is not there. Starts all
    /// set on an uptodate or dirty folio, all clear otherwise. Needs the folio lock.
    fn ifs_alloc(&mut self) -> Option<&mut Ifs> {
        if self.blocks == 1 {
            return None;
        }
        let all = self.all();
        let set = |flag: bool| if flag { all } else { 0 };
        let fresh = Ifs { uptodate: set(self.uptodate), dirty: set(self.dirty) };
        Some(self.ifs.get_or_insert(fresh))
    }

    /// Whether block `n` of the folio is valid in memory.
    pub fn block_uptodate(&self, n: u16) -> bool {
        self.uptodate || self.ifs.as_ref().is_some_and(|ifs| ifs.uptodate & (1 << n) != 0)
    }

    /// Whether writeback has to write block `n`: with per-block dirty state the dirty ones, without it every
    /// valid block of a dirty folio.
    pub fn block_dirty(&self, n: u16, per_block: bool) -> bool {
        match &self.ifs {
            Some(ifs) if per_block => ifs.dirty & (1 << n) != 0,
            _ => self.block_uptodate(n),
        }
    }

    /// The judge has to be asked: before the folio is unlocked, or else in this step.
    fn owe(&self, debt: Debt) {
        match self.locked {
            Some(_) => self.owed.owe(debt),
            None => owed::owe_unlocked(debt),
        }
    }

    /// `iomap_set_range_uptodate`: blocks became valid. Needs the folio lock.
    pub fn set_uptodate(&mut self, blocks: Range<u16>) {
        self.owe(Debt::Contents);
        let all = self.all();
        match self.ifs_alloc() {
            None => self.uptodate = true,
            Some(ifs) => {
                for block in blocks {
                    ifs.uptodate |= 1 << block;
                }
                if ifs.uptodate == all {
                    self.uptodate = true;
                }
            }
        }
    }

    /// `iomap_dirty_folio`: blocks were changed in memory. Needs the folio lock.
    pub fn set_dirty(&mut self, blocks: Range<u16>) {
        self.owe(Debt::Backing);
        if let Some(ifs) = self.ifs_alloc() {
            for block in blocks {
                ifs.dirty |= 1 << block;
            }
        }
        self.dirty = true;
        self.tagged = true;
    }

    /// `->dirty_folio` of a file system for all of a folio that is stored into through a mapping: `iomap_dirty_folio`, or
    /// `jdata_dirty_folio` (fs/gfs2/aops.c). Without the folio lock, a reference is needed.
    pub fn dirty_by_store(&mut self, hooks: Hooks) {
        self.set_dirty(0..self.blocks);
        self.stored = match hooks {
            Hooks::Jdata => Stored::Unjoined,
            Hooks::Nothing => Stored::Joined,
        };
    }

    /// `folio_clear_dirty_for_io`: page-table entries become read-only, so that the next store faults.
    /// Needs the folio lock.
    pub fn clear_dirty_for_io(&mut self) {
        self.write_protect();
        self.dirty = false;
    }

    /// `folio_mkclean` and, if it finds an entry that allows stores, `folio_mark_dirty`, as its callers do: no actor can store into any
    /// page of it without a fault any more. Needs the folio lock.
    pub fn write_protect(&mut self) {
        self.take_entries(Ptes::write_protect);
    }

    /// Page-table entries are taken away. One that allows stores is dirty, and who takes it calls `folio_mark_dirty`
    /// (`zap_present_folio_ptes`, mm/memory.c; `try_to_unmap_one`, mm/rmap.c; 6.1 to 7.3), which sets the dirty bits of all blocks
    /// (`iomap_dirty_folio`). They are set already, unless a part of the folio was dropped under the entry ([`clear_dirty`]): what was
    /// stored there since then would not be written. The judge is not asked: he takes for dirty what can be stored into.
    ///
    /// [`clear_dirty`]: Self::clear_dirty
    fn take_entries(&mut self, take: impl FnOnce(&mut Ptes)) {
        let before = self.ptes.count_writable();
        take(&mut self.ptes);
        let taken = self.ptes.count_writable() < before;
        let all = self.all();
        if taken
            && self.in_cache
            && let Some(ifs) = &mut self.ifs
        {
            ifs.dirty = all;
        }
    }

    /// `folio_start_writeback` for a folio of which nothing is left to be mapped, and whose blocks went into `ioends` ioends
    /// beside those that are submitted already. Needs the folio lock.
    pub fn start_writeback(&mut self, ioends: usize) {
        self.tagged = self.dirty;
        self.towrite = false;
        // Also those that are in flight after writeback was over with the first of them: the device still has the folio.
        self.pending += ioends as u16;
        self.writeback = self.pending > 0;
    }

    /// The same for one of its ioends, before the rest is mapped. Needs the folio lock.
    pub fn start_piece(&mut self, towrite: Towrite) {
        self.towrite &= towrite != Towrite::FirstPiece;
        self.pending += 1;
        self.writeback = true;
    }

    /// The folio's blocks are mapped, and those that were submitted go into `unused` ioends less than [`start_writeback`] was told. Returns
    /// whether writeback is over: nothing was to be written, or all I/O is complete. Needs the folio lock.
    ///
    /// [`start_writeback`]: Self::start_writeback
    pub fn all_mapped(&mut self, unused: u16) -> bool {
        self.pending = self.pending.saturating_sub(unused);
        let over = self.writeback && self.pending == 0;
        self.writeback &= !over;
        over
    }

    /// Clears the per-block dirty bits when writeback starts (6.6).
    pub fn clear_blocks_dirty(&mut self) {
        if let Some(ifs) = &mut self.ifs {
            ifs.dirty = 0;
        }
    }

    /// Clears that of one block, which ->invalidate_folio was called for (7.3). Page-table entries keep theirs.
    pub fn clear_dirty(&mut self, block: u16) {
        if let Some(ifs) = &mut self.ifs {
            ifs.dirty &= !(1 << block);
        }
    }

    /// `gfs2_discard` of a block's buffer: it is neither written nor part of a transaction any more.
    pub fn discard_buffer(&mut self, block: u16) {
        if let Some(buffers) = &mut self.buffers {
            buffers.dirty &= !(1 << block);
            buffers.joined &= !(1 << block);
        }
    }

    /// Drops all page-table entries.
    pub fn unmap(&mut self) {
        self.take_entries(Ptes::clear);
    }

    /// Drops all page-table entries for a page.
    pub fn unmap_page(&mut self, page: PageInFolio) {
        self.take_entries(|ptes| ptes.clear_page(page));
    }

    /// Drops an actor's page-table entries for some pages.
    pub fn zap(&mut self, pages: RangeInclusive<PageInFolio>, actor: ActorId) {
        self.take_entries(|ptes| pages.for_each(|page| ptes.set(page, actor, Pte::Absent)));
    }

    /// Whether `iomap_release_folio` keeps it, or does not look since there is nothing to free: its per-block state is in use.
    pub(super) fn keeps_state(&self) -> bool {
        self.ifs.is_some() && (self.dirty || self.writeback)
    }

    /// Whether reclaim leaves it to writeback: it is dirty, or under writeback unless reclaim ignores that.
    pub(super) fn is_in_use(&self, writeback: ReclaimWriteback) -> bool {
        self.dirty || self.writeback && writeback == ReclaimWriteback::Skip
    }

    /// Whether `gfs2_release_folio` refuses: a buffer is dirty or belongs to a transaction.
    pub(super) fn has_busy_buffers(&self) -> bool {
        self.buffers.as_ref().is_some_and(|buffers| buffers.dirty | buffers.joined != 0)
    }

    /// `iomap_release_folio`: frees the per-block state, and the buffers. Returns whether that forgot a valid block.
    pub(super) fn release(&mut self) -> bool {
        self.buffers = None;
        self.private = Private::Absent;
        self.ifs.take().is_some_and(|ifs| !self.uptodate && ifs.uptodate != 0)
    }

    pub(super) fn is_dead(&self) -> bool {
        !self.in_cache && self.refs == 0 && self.pending == 0 && self.locked.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked_folio(blocks: u16) -> Folio {
        Folio { locked: Some(0), ..Folio::new(blocks, vec![Value::UNINITIALISED; 4]) }
    }

    #[test]
    fn a_single_block_folio_has_no_per_block_state() {
        let mut folio = locked_folio(1);
        folio.set_uptodate(0..1);
        folio.set_dirty(0..1);
        assert!(folio.uptodate && folio.dirty && folio.ifs.is_none());
    }

    /// A folio that an actor can store into, of whose blocks one was dropped meanwhile.
    fn cut_folio() -> Folio {
        let mut folio = locked_folio(2);
        folio.set_uptodate(0..2);
        folio.ptes.set(0, 1, Pte::Writable);
        folio.dirty_by_store(Hooks::Nothing);
        folio.clear_dirty(1);
        folio
    }

    #[test]
    fn an_entry_that_allowed_stores_leaves_all_blocks_dirty() {
        let takes: [fn(&mut Folio); 5] = [
            Folio::write_protect,
            Folio::unmap,
            Folio::clear_dirty_for_io,
            |folio| folio.unmap_page(0),
            |folio| folio.zap(0..=0, 1),
        ];
        for take in takes {
            let mut folio = cut_folio();
            assert!(!folio.block_dirty(1, true));
            take(&mut folio);
            assert!(folio.block_dirty(1, true) && !folio.ptes.is_writable());
        }
    }

    #[test]
    fn other_entries_leave_the_blocks_as_they_are() {
        let mut folio = cut_folio();
        folio.zap(0..=0, 0);
        assert!(!folio.block_dirty(1, true));
        folio.in_cache = false;
        folio.unmap();
        assert!(!folio.block_dirty(1, true));
    }

    #[test]
    fn all_blocks_valid_makes_the_folio_valid() {
        let mut folio = locked_folio(2);
        folio.set_uptodate(0..1);
        assert!(!folio.uptodate);
        folio.set_uptodate(1..2);
        assert!(folio.uptodate);
    }
}
