//! Commits, and the judging of what a crash would leave after each: the doors to the [log](crate::state::log).

use std::collections::BTreeMap;
use std::ops::Range;

use stalemap_facade::{ActorId, Backend, Leaf, Lock};

use crate::judge::crash::torn;
use crate::judge::properties;
use crate::state::device::contents;
use crate::state::i_state::InodeDirty;
use crate::state::inode::Inode;
use crate::state::log::{Cached, Image, Log, durable, flush, recoverable};
use crate::state::superblock::SuperBlock;
use crate::words::extent::{Extent, ExtentMap, Phys};
use crate::words::geometry::{Cell, FolioIndex};
use crate::words::personality::{Allocate, DeviceCache, Hooks, LogOrdered};
use crate::words::value::{Value, WriteId};

impl<B: Backend> Inode<B> {
    /// A transaction commits: the extent map, whose lock the caller holds, is what the log says from here on. What a crash
    /// would leave is judged when the lock is released.
    pub(super) fn commit(&self, map: &ExtentMap) {
        self.commit_at(map, self.sb.next_place());
    }

    /// A transaction commits at this place of the log, which is another file's, too, if the transaction is one of both.
    pub(super) fn commit_at(&self, map: &ExtentMap, place: Option<u16>) {
        let Some(log) = self.log() else { return };
        // Every transaction of gfs2 that changes the inode writes all of it (`gfs2_dinode_out`).
        let size = if self.merges_transactions() { self.i_size_peek() } else { map.disk_size };
        let image = Image::new(durable(&map.0), size, self.audit_stuffed());
        let cache = self.sb.config.device_cache();
        let says_more =
            self.sb.config.forces_log_alone() && !log.read(|log| log.latest().says_the_same(&image));
        log.update(|log| {
            if self.merges_transactions() {
                log.merge(image, cache);
            } else {
                let place = place.unwrap_or(log.place() + 1);
                log.commit(place, image, cache);
            }
        });
        if says_more {
            self.sb.committed();
        }
    }

    /// A transaction commits, for callers that change what the inode says without the extent map's lock.
    pub fn commit_inode(&self) {
        if self.log().is_some() {
            let size = self.i_size_peek();
            let mut blocks = Vec::new();
            self.audit_map(|map| blocks.clone_from(&map.0));
            let image = Image::new(durable(&blocks), size, self.audit_stuffed());
            if let Some(log) = self.log().filter(|_| !blocks.is_empty()) {
                log.update(|log| log.merge(image, self.sb.config.device_cache()));
            }
            self.audit_crash();
        }
    }

    /// Whether the log has the transactions since its last flush as one.
    pub fn merges_transactions(&self) -> bool {
        self.sb.config.fs.allocate() == Allocate::Written
    }

    /// `xfs_log_force_seq`: what was committed up to the file's last transaction survives.
    pub fn log_force(&self) {
        if let Some(log) = self.log() {
            self.sb.log_force(log.read(Log::place));
        }
    }

    /// A sync of folios begins. One of all of them promises the size, too.
    pub fn begin_sync(&self, me: ActorId, folios: Range<FolioIndex>) {
        let all = 0..self.sb.geometry.folios();
        let sizes = (folios == all).then(|| {
            let size = self.i_size_newest();
            // What makes the file shorter has set i_size before it logs the size.
            let mut logged = size;
            if !self.merges_transactions() {
                self.audit_map(|map| logged = map.disk_size);
            }
            size..size.max(logged)
        });
        self.oracle.begin_sync(&self.sb.geometry, me, folios, sizes.as_ref());
    }

    /// `gfs2_ordered_add_inode`: what is dirty is written before the log is flushed next. Data that is journalled is in
    /// the log itself.
    pub fn ordered_add(&self) {
        if let Some(log) = self.log().filter(|_| self.sb.config.fs.hooks() != Hooks::Jdata) {
            log.update(|log| log.ordered = true);
        }
    }

    /// `gfs2_ordered_del_inode`.
    pub fn ordered_del(&self) {
        if let Some(log) = self.log() {
            log.update(|log| log.ordered = false);
        }
    }

    /// The size that was logged last is not the present one.
    pub fn mark_dirty_if_resized(&self) {
        let size = self.i_size_peek();
        if self.log().is_some_and(|log| log.read(|log| log.latest().size != size)) {
            self.mark_dirty(InodeDirty::Datasync);
        }
    }

    /// Whether what is dirty is written before the log is flushed next.
    pub fn is_ordered(&self) -> bool {
        self.log().is_some_and(|log| log.read(|log| log.ordered))
    }

    /// One transaction has all of what a write put into `cells`.
    pub fn log_data(&self, id: WriteId, cells: &Range<Cell>) {
        if let Some(log) =
            self.log().filter(|_| !cells.is_empty() && self.sb.config.fs.hooks() == Hooks::Jdata)
        {
            log.update(|log| log.transactions.push((id, cells.clone())));
        }
    }

    /// Cells are changed by other means than a write of a transaction, where there are such.
    pub fn forget_data(&self, cells: &Range<Cell>) {
        if let Some(log) = self.log().filter(|_| self.sb.config.fs.hooks() == Hooks::Jdata) {
            let elsewhere = |other: &Range<Cell>| other.end <= cells.start || cells.end <= other.start;
            log.update(|log| log.transactions.retain(|(_, other)| elsewhere(other)));
        }
    }

    /// `log_write_header`: all transactions since the last flush are in the log, with the data that belong to them. What
    /// was in it for blocks that have been written in their places is not any more.
    pub fn log_write(&self) {
        self.dinode_written(self.log().is_some_and(|log| log.read(|log| log.place() > 0)));
        let Some(log) = self.log() else { return };
        let cached = self.cached();
        log.update(|log| {
            log.force(self.sb.config.device_cache());
            // `gfs2_ordered_wait` takes the file off the list, and otherwise `gfs2_write_inode`.
            log.ordered &= self.sb.config.fs.log_ordered() != LogOrdered::Wait;
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

    /// Judges what a crash would leave now. In the setup there is none: what it leaves is judged when it is over
    /// (`SuperBlock::end_setup`).
    pub fn audit_crash(&self) {
        let Some(log) = self.log().filter(|_| self.sb.is_setup_over()) else { return };
        let mut judged = Vec::new();
        log.audit(|log| judged.push(log.clone()));
        let Some(log) = judged.pop() else { return };
        if !self.merges_transactions() {
            log.images.iter().for_each(|image| self.judge_image(image, &[], &log.transactions));
            if self.passes_blocks && (!self.reflinks || self.sb.shared.is_some()) {
                self.audit_owners();
            }
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
            if self.sb.config.device_cache() != DeviceCache::Unflushed {
                image.unflushed.clear();
            }
            let waited = log.ordered && self.sb.config.fs.log_ordered() == LogOrdered::Wait;
            let written = if waited { cached.as_slice() } else { &[] };
            self.judge_image(&image, written, &log.transactions);
        }
    }

    /// Judges that recovery would not find a device block in two files that was never shared.
    fn audit_owners(&self) {
        let mut logs = Vec::new();
        self.sb.logs.iter().for_each(|log| log.audit(|log| logs.push(log.clone())));
        for images in recoverable(&logs) {
            let mut owned = BTreeMap::new();
            for (file, image) in (0..).zip(images) {
                let label = |file| self.sb.config.label(file).unwrap_or_default();
                for phys in image.blocks().filter(|phys| !self.sb.was_shared(*phys)) {
                    if let Some(other) = owned.insert(phys, file) {
                        self.sb.backend.violate(properties::CRASH_EXPOSURE, || {
                            let (a, b) = (label(other), label(file));
                            format!("after a crash device block {phys} would lie in {a} and in {b}")
                        });
                    }
                }
            }
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
            self.judge_recovered_checksum(image, cell);
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

    /// Judges whether a cell of the recovered file can be read.
    fn judge_recovered_checksum(&self, image: &Image, cell: Cell) {
        let geometry = &self.sb.geometry;
        let block = geometry.block_of(cell);
        let at = usize::from(cell - geometry.cells_of_block(block).start);
        let on_device = image.stuffed.is_none() && image.data[usize::from(block)].is_none();
        if let Extent::Written(phys) = image.extents[usize::from(block)]
            && on_device
            && self.sb.audit_checksum(phys, at..at + 1)
        {
            self.judge_checksum_after_crash(block);
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

impl<B: Backend> SuperBlock<B> {
    /// The setup is over: from here on there may be a crash.
    pub(crate) fn end_setup(&self) {
        if let Some(over) = &self.setup_over {
            over.update(|over| *over = true);
        }
    }

    fn is_setup_over(&self) -> bool {
        let mut is = false;
        self.setup_over.iter().for_each(|over| over.audit(|over| is = *over));
        is
    }

    /// The place of the next transaction in the log, where that is not a matter of one file.
    pub(super) fn next_place(&self) -> Option<u16> {
        let several = self.logs.len() > 1 && self.config.fs.allocate() != Allocate::Written;
        several.then(|| self.last_place() + 1)
    }

    fn last_place(&self) -> u16 {
        self.logs.iter().map(|log| log.read(Log::place)).max().unwrap_or(0)
    }

    /// Something commits, of whatever file: its times alone (`file_update_time`), where nothing merges transactions.
    pub(super) fn committed(&self) {
        if !self.config.forces_log_alone() {
            return;
        }
        for log in &self.logs {
            if log.read(Log::changes_with_checkpoint) {
                log.update(Log::checkpoint);
            }
        }
    }

    /// `xfs_log_force`: what was committed so far survives, of whatever file. Where a checkpoint has it all, nothing is written, and the
    /// device is not flushed.
    pub fn log_force_all(&self) {
        let place = self.last_place();
        for log in &self.logs {
            if log.read(|log| log.changes_if_written(place)) {
                log.update(|log| log.write_up_to(place));
            }
        }
    }

    /// `xfs_log_force_seq`, and a flush of the device: the log is forced up to a place.
    fn log_force(&self, place: u16) {
        let cache = self.config.device_cache();
        for log in &self.logs {
            if log.read(|log| log.changes_if_forced(place, cache)) {
                log.update(|log| log.force_up_to(place, cache));
            }
        }
    }

    /// The device is about to be written to: where its cache is volatile, it may still be found as it is.
    pub(crate) fn supersede(&self, phys: Phys) {
        if self.logs.is_empty() || self.config.device_cache() == DeviceCache::Absent {
            return;
        }
        let cache = self.config.device_cache();
        let before = self.disk[usize::from(phys)].read(Clone::clone);
        self.logs.iter().for_each(|log| log.update(|log| log.supersede(phys, &before, cache)));
    }
}
