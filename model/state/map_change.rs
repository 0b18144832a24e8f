//! The door to the extent map: an ILOCK section, and what may be done to the map in it.
//!
//! Whoever changes extents owes more than the change: the counter moves, so that mappings which were sampled before are
//! found out of date; observers are told; the transaction commits; and what lies over blocks that went away is judged, and
//! what a crash would leave now. None of this is a caller's business. An operation of a [`MapSection`] changes the
//! records, moves the counter and reports the change, and remembers what is owed when the section is left, where it is
//! done once, however much was changed. Nothing else hands out the map for changes. So there is no section that was left
//! and not judged, unless its blocks lie under a folio that its caller has locked, and says so; what is owed for folios,
//! debug builds [see to](crate::state::owed).
//!
//! Here is the section itself. What gives blocks to a file, or makes them written, is in [`allocation`]; what goes
//! through the COW fork in [`copies`]; what takes blocks away in [`removal`]; what concerns two files in [`two`].

pub mod allocation;
pub mod copies;
pub mod removal;
pub mod two;

use std::ops::{Deref, Range};

use stalemap_facade::{Backend, Op};

use crate::state::event::{Coverage, Expense, LockKind, MapChange, What};
use crate::state::handover::LinkedGuard;
use crate::state::inode::Inode;
use crate::state::mapping::IomapType;
use crate::words::extent::{ExtentMap, Extents, Fork};
use crate::words::geometry::{Cell, FileBlock, Geometry};
use crate::words::personality::Bump;

/// A section of ip->i_lock (the ILOCK), which can be read as the extent map. Leaving it, by [`end`](MapSection::end) or
/// by dropping it, commits what was changed, releases the lock, and judges; all in the current transition.
pub struct MapSection<'a, B: Backend> {
    map: LinkedGuard<'a, B, ExtentMap>,
    // Dropped after the lock: to judge is to look at the map as others see it.
    owed: Owed<'a, B>,
}

/// What a section owes to the judge when the lock is released.
struct Owed<'a, B: Backend> {
    inode: &'a Inode<B>,
    /// A transaction is part of the section.
    logged: bool,
    /// Blocks that may have lost what their dirty data need, if any was taken away.
    unbacked: Option<Vec<FileBlock>>,
}

impl<B: Backend> Inode<B> {
    /// `xfs_ilock(ip, XFS_ILOCK_EXCL)`: the only way to the extent map.
    pub async fn lock_map(&self, op: Op) -> MapSection<'_, B> {
        let map = self.ilock.lock(op).await;
        self.account(Expense::Took(LockKind::Ilock));
        MapSection { map, owed: Owed { inode: self, logged: false, unbacked: None } }
    }

    /// Shows the extent map to a judge; see [`Lock::audit`](stalemap_facade::Lock::audit).
    pub fn audit_map(&self, look: impl FnOnce(&ExtentMap)) {
        self.ilock.audit(look);
    }

    /// The counter moves after the section that changed the map, in an operation of its own ([`Bump::AfterIlock`],
    /// [`Bump::AfterClear`]).
    pub async fn move_counter_late(&self, blocks: Range<FileBlock>) {
        self.count_data_late(blocks).await;
        self.retries.bumped(self.sb.backend.current());
    }
}

impl<B: Backend> Deref for MapSection<'_, B> {
    type Target = ExtentMap;

    fn deref(&self) -> &ExtentMap {
        &self.map
    }
}

impl<B: Backend> Drop for MapSection<'_, B> {
    fn drop(&mut self) {
        if self.owed.logged {
            self.owed.inode.commit(&self.map);
        }
    }
}

impl<B: Backend> Drop for Owed<'_, B> {
    fn drop(&mut self) {
        self.inode.account(Expense::Gave(LockKind::Ilock));
        if self.logged {
            self.inode.audit_crash();
        }
        if let Some(blocks) = self.unbacked.take() {
            self.inode.audit_backing(blocks.into_iter());
        }
    }
}

impl<'a, B: Backend> MapSection<'a, B> {
    /// Releases the lock, with what is owed for somebody else to do.
    fn release(mut self) -> Owed<'a, B> {
        let nothing = Owed { inode: self.owed.inode, logged: false, unbacked: None };
        std::mem::replace(&mut self.owed, nothing)
    }
}

impl<B: Backend> MapSection<'_, B> {
    /// Leaves the section.
    pub fn end(self) {
        drop(self);
    }

    /// Leaves the section with the folio of what was taken away locked. Nobody sees that there is nothing under it, and
    /// whoever unlocks it judges it.
    pub fn end_under_folio_lock(mut self) {
        self.owed.unbacked = None;
    }

    /// Lets the ILOCK go and takes it again: whatever was found out before may have changed. A transaction that is part of
    /// the section commits, and the next change is part of another one.
    pub async fn cycle(self, op: Op) -> Self {
        let inode = self.owed.inode;
        self.end();
        inode.lock_map(op).await
    }

    /// A transaction commits, and the next one begins, with the ILOCK held throughout (`xfs_defer_finish`): a crash may come between the
    /// two, and nobody else.
    pub fn roll(&mut self) {
        if self.owed.logged {
            self.owed.inode.commit(&self.map);
        }
    }

    /// Moves a fork's counter, for a change of its records of `blocks` that was just made.
    fn count(&self, fork: Fork, blocks: impl IntoIterator<Item = FileBlock> + Clone) {
        let inode = self.owed.inode;
        let me = inode.sb.backend.current();
        match fork {
            Fork::Data => inode.bump_data_seq(me, blocks),
            Fork::Cow => inode.bump_cow_seq(me, &self.map.cow, blocks),
        }
    }

    /// Reports a change that was just made.
    fn report(&self, change: impl FnOnce(&Geometry) -> MapChange) {
        let inode = self.owed.inode;
        inode.map_changed(|| change(&inode.sb.geometry));
    }

    /// These blocks may have lost what their dirty data need.
    fn took_away(&mut self, blocks: impl IntoIterator<Item = FileBlock>) {
        self.owed.unbacked.get_or_insert_default().extend(blocks);
    }

    fn extents(&mut self, fork: Fork) -> &mut Extents {
        match fork {
            Fork::Data => &mut self.map,
            Fork::Cow => &mut self.map.cow,
        }
    }

    /// A look-up moves the counter, though nothing changes (`Personality::bump_lookup`).
    pub fn count_lookup(&self, blocks: Range<FileBlock>) {
        self.count(Fork::Data, blocks);
        self.report(|_| MapChange::CounterOnly);
    }

    /// The counter moves before the records change, in an operation of its own ([`Bump::Early`]).
    pub async fn move_counter_early(&self, blocks: Range<FileBlock>) {
        let inode = self.owed.inode;
        inode.count_data_early(blocks).await;
        inode.retries.bumped(inode.sb.backend.current());
    }

    /// Moves the data fork's counter for a change that I/O completion makes, if it moves with the change.
    fn count_conversion(&self, bump: Bump, blocks: &Range<FileBlock>) {
        match bump {
            Bump::Inside => self.count(Fork::Data, blocks.clone()),
            // In an operation of its own, before or after, or never.
            Bump::Early | Bump::AfterIlock | Bump::AfterClear | Bump::Never => {}
        }
    }

    /// The size that the log has of the file becomes this one, in cells.
    pub fn log_size(&mut self, size: Cell) {
        self.map.disk_size = size;
        self.owed.logged = true;
    }

    /// The valid size moves to the end of `written`, if it lies in there.
    pub fn advance_valid_size(&mut self, written: &Range<Cell>) {
        if self.map.valid.is_some_and(|valid| written.contains(&valid)) {
            self.move_valid_size(written.end);
        }
    }

    /// It does not lie beyond end of file any more.
    pub fn cut_valid_size(&mut self, size: Cell) {
        if self.map.valid.is_some_and(|valid| valid > size) {
            self.move_valid_size(size);
        }
    }

    fn move_valid_size(&mut self, to: Cell) {
        self.map.valid = Some(to);
        let inode = self.owed.inode;
        inode.emit(|| What::ValidSize(inode.sb.geometry.byte_at(to)));
    }

    /// The size that the log has becomes at least this one: `xfs_setfilesize`.
    pub fn raise_logged_size(&mut self, size: Cell) {
        if self.map.disk_size < size {
            self.map.disk_size = size;
        }
        self.owed.logged = true;
    }
}

/// All of a range of a fork became another extent.
fn changed(
    geometry: &Geometry,
    fork: Fork,
    from: IomapType,
    to: IomapType,
    blocks: &Range<FileBlock>,
) -> MapChange {
    let (bytes, coverage) = (geometry.bytes_of_blocks(blocks), Coverage::Whole);
    MapChange::Extents { fork, from, to, bytes, coverage }
}
