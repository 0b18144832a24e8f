//! Power loss: what recovery would make of the file, judged at every state without going there.
//!
//! The log is one sequence of committed transactions of all files, of which a crash leaves some prefix that is not shorter
//! than what has been forced out. So the state keeps, per file, what each of these prefixes says about extents
//! and on-disk size, oldest first, with its place in the sequence, and after every transition that changes one of them or the device each
//! recovered image is read and judged. The crash itself need not be explored: it changes nothing that another
//! state does not see. All of it exists only where a scenario says `@crash` or `shutdown`, and the others run on
//! behind either: what they find there is errors.
//!
//! gfs2 writes all transactions since the last flush of its log as one, after the data that go with them: in ordered mode
//! those of its files are submitted first, and on a mount without barriers they are in their places by then; and what is journalled is in the log and put in its place by
//! recovery. There the last flush is judged, and one that somebody else makes at this moment.
//!
//! Where the device has a volatile cache, each of these images is read with what the device had before, too, as far as
//! nothing has flushed it out: every write of the log does so first, so that an image goes with all data that was complete
//! when it was committed. It is power that such a cache needs: a `shutdown` leaves what the device has completed.
//!
//! Who forces the log for one file makes durable what any file has committed up to that one's last transaction
//! (`xfs_log_force_seq`, fs/xfs/xfs_log.c, and `xlog_cil_force_seq`, fs/xfs/xfs_log_cil.c, 6.1 to 7.3), and flushes the device. In
//! the kernel transactions are written in checkpoints, each of which is left as a whole or not at all; where one ends is
//! nobody's to say, so it may end behind any transaction. A transaction of two files has one place.
//!
//! Left out: torn blocks; and on gfs2 who flushes the log for one file makes only its own transactions durable, so that more is
//! undone by a crash than in a kernel. Delayed allocations, copies in the COW fork and the page cache live in memory only and
//! are gone.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::state::device::DiskBlock;
use crate::state::dinode::Dinode;
use crate::words::extent::{Extent, ExtentMap, Phys};
use crate::words::geometry::Cell;
use crate::words::personality::DeviceCache;
use crate::words::value::{Value, WriteId};

/// What a prefix of the log says about a file.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Image {
    pub(crate) extents: Vec<Extent>,
    pub(crate) size: Cell,
    /// The data of a stuffed file.
    pub(crate) stuffed: Dinode,
    /// The blocks whose contents are in the log, which recovery puts in their places.
    pub(crate) data: Vec<Option<Vec<Value>>>,
    /// What device blocks held before, with which this image may be found.
    pub(crate) unflushed: Vec<(Phys, DiskBlock)>,
    /// The place of its last transaction in the sequence of all files, counted from what is forced out, which has 0.
    place: u16,
}

impl Image {
    pub(crate) fn new(extents: Vec<Extent>, size: Cell, stuffed: Dinode) -> Self {
        let data = vec![None; extents.len()];
        Image { data, unflushed: Vec::new(), place: 0, extents, size, stuffed }
    }

    /// The device blocks that it refers to.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Phys> {
        self.extents.iter().filter_map(|extent| extent.phys())
    }

    pub(crate) fn refers_to(&self, phys: Phys) -> bool {
        self.extents.iter().any(|extent| extent.phys() == Some(phys))
    }

    pub(crate) fn says_the_same(&self, other: &Image) -> bool {
        (&self.extents, self.size, &self.stuffed, &self.data)
            == (&other.extents, other.size, &other.stuffed, &other.data)
    }
}

/// The transactions of a file that a crash may or may not leave: the first one is forced out. On gfs2 they are
/// written all at once, when the log is flushed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Log {
    pub(crate) images: Vec<Image>,
    /// Whether the file's dirty data are submitted before the log is written (`gfs2_ordered_add_inode`).
    pub(crate) ordered: bool,
    /// What one transaction has of a write, in order: a crash leaves all of it or nothing.
    pub(crate) transactions: Vec<(WriteId, Range<Cell>)>,
    /// What device blocks held before, where nothing flushes the device.
    pub(crate) superseded: BTreeSet<(Phys, DiskBlock)>,
    /// Of what images may be found with, that which is not found once all that is committed is written: it was superseded before
    /// the last commit, whose checkpoint flushes the device.
    checkpointed: BTreeSet<(Phys, DiskBlock)>,
}

impl Log {
    /// The log of a file as it is made.
    pub fn new(map: &ExtentMap, size: Cell, stuffed: Dinode) -> Self {
        let images = vec![Image::new(map.0.clone(), size, stuffed)];
        Log {
            images,
            ordered: false,
            transactions: Vec::new(),
            superseded: BTreeSet::new(),
            checkpointed: BTreeSet::new(),
        }
    }

    /// A transaction commits at this place of the sequence.
    pub(crate) fn commit(&mut self, place: u16, image: Image, cache: DeviceCache) {
        let mut image = Image { place, ..image };
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

    /// Whether a commit of any file would flush something.
    pub(crate) fn changes_with_checkpoint(&self) -> bool {
        let mut unflushed = self.images.iter().flat_map(|image| &image.unflushed);
        unflushed.any(|version| !self.checkpointed.contains(version))
    }

    /// Something commits, of whatever file. Its checkpoint is written behind a flush of the device.
    pub(crate) fn checkpoint(&mut self) {
        self.checkpointed = self.images.iter().flat_map(|image| &image.unflushed).cloned().collect();
    }

    /// The device is about to hold something else in a block.
    pub(crate) fn supersede(&mut self, phys: Phys, before: &DiskBlock, cache: DeviceCache) {
        if cache == DeviceCache::Unflushed {
            self.superseded.insert((phys, before.clone()));
        }
        self.checkpointed.remove(&(phys, before.clone()));
        for image in &mut self.images {
            let version = (phys, before.clone());
            if image.refers_to(phys)
                && let Err(at) = image.unflushed.binary_search(&version)
            {
                image.unflushed.insert(at, version);
            }
        }
    }

    /// A transaction commits where transactions are merged until the log is flushed.
    pub(crate) fn merge(&mut self, mut image: Image, cache: DeviceCache) {
        let before = self.latest();
        let same = |block: &usize| image.extents[*block] == before.extents[*block];
        image.data = (0..image.extents.len())
            // What was freed is revoked.
            .map(|block| before.data[block].clone().filter(|_| same(&block)))
            .collect();
        self.images.truncate(1);
        self.commit(1, image, cache);
    }

    pub(crate) fn latest(&self) -> &Image {
        self.images.last().unwrap_or(&self.images[0])
    }

    /// All device blocks that any of the transactions refers to.
    pub(crate) fn blocks(&self) -> Vec<Phys> {
        self.images.iter().flat_map(Image::blocks).collect()
    }

    /// The place of the file's last transaction, 0 if it is forced out.
    pub(crate) fn place(&self) -> u16 {
        self.latest().place
    }

    /// Whether forcing the log up to a place makes a difference to the file.
    pub(crate) fn changes_if_forced(&self, place: u16, cache: DeviceCache) -> bool {
        let moves = place > 0 && self.place() > 0;
        moves
            || cache != DeviceCache::Unflushed && self.images.iter().any(|image| !image.unflushed.is_empty())
    }

    /// Whether writing the log up to a place, the last one of all files, makes a difference to the file.
    pub(crate) fn changes_if_written(&self, place: u16) -> bool {
        place > 0 && self.place() > 0 || !self.checkpointed.is_empty()
    }

    /// What was committed up to a place, the last one of all files, stays, and what was complete when the last of them committed.
    pub(crate) fn write_up_to(&mut self, place: u16) {
        self.drain_up_to(place);
        let flushed = std::mem::take(&mut self.checkpointed);
        for image in &mut self.images {
            image.unflushed.retain(|version| !flushed.contains(version));
        }
    }

    /// What was committed up to a place stays, of whatever file, and what is complete on the device.
    pub(crate) fn force_up_to(&mut self, place: u16, cache: DeviceCache) {
        self.drain_up_to(place);
        self.flushed(cache);
    }

    fn drain_up_to(&mut self, place: u16) {
        let undone = self.images.iter().take_while(|image| image.place <= place).count();
        self.images.drain(..undone.saturating_sub(1));
        self.images.iter_mut().for_each(|image| image.place = image.place.saturating_sub(place));
    }

    /// What was committed so far stays, and what is complete on the device, if that is flushed.
    pub(crate) fn force(&mut self, cache: DeviceCache) {
        self.force_up_to(self.place(), cache);
    }

    /// The device is flushed before the log is written, unless that is left out.
    fn flushed(&mut self, cache: DeviceCache) {
        if cache != DeviceCache::Unflushed {
            self.images.iter_mut().for_each(|image| image.unflushed.clear());
            self.checkpointed.clear();
        }
    }
}

/// What a crash may leave of all files together: an image of each, for each place at which the log may end.
pub(crate) fn recoverable(logs: &[Log]) -> Vec<Vec<&Image>> {
    let last = logs.iter().map(Log::place).max().unwrap_or(0);
    let at = |place: u16| {
        let image = |log: &'_ Log| log.images.iter().rposition(|image| image.place <= place).unwrap_or(0);
        logs.iter().map(|log| &log.images[image(log)]).collect()
    };
    (0..=last).map(at).collect()
}

/// What the page cache has of a block when the log is flushed.
pub(crate) enum Cached {
    /// Its contents belong to a transaction, and go into the log.
    Joined(Vec<Value>),
    /// It is to be written in its place, or is being written.
    Dirty(Vec<Value>),
    /// Nothing that its place has not.
    Clean,
}

/// What the log says of extents: nothing of delayed allocations.
pub(crate) fn durable(blocks: &[Extent]) -> Vec<Extent> {
    let durable = |extent: &Extent| if *extent == Extent::Delalloc { Extent::Hole } else { *extent };
    blocks.iter().map(durable).collect()
}

/// The data that a flush puts into the log.
pub(crate) fn flush(image: &mut Image, cached: &[Cached]) {
    for (logged, cached) in image.data.iter_mut().zip(cached) {
        match cached {
            Cached::Joined(cells) => *logged = Some(cells.clone()),
            Cached::Dirty(_) => {}
            Cached::Clean => *logged = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(size: Cell) -> Image {
        Image::new(vec![Extent::Written(0)], size, None)
    }

    fn file(size: Cell) -> Log {
        Log { images: vec![image(size)], ..Log::new(&ExtentMap::new(1), 0, None) }
    }

    fn sizes(images: &[Image]) -> Vec<Cell> {
        images.iter().map(|image| image.size).collect()
    }

    #[test]
    fn a_crash_leaves_any_prefix_from_the_last_force_on() {
        let mut log = file(0);
        for (place, size) in [(1, 1), (2, 1), (2, 2)] {
            log.commit(place, image(size), DeviceCache::Absent);
        }
        assert_eq!(sizes(&log.images), [0, 1, 2]);
        log.force(DeviceCache::Absent);
        assert_eq!(log.images, [image(2)]);
    }

    #[test]
    fn a_crash_leaves_a_prefix_of_what_all_files_have_committed() {
        let mut logs = [file(0), file(0)];
        for (number, place, size) in [(0, 1, 1), (0, 2, 2), (1, 2, 2), (1, 3, 3), (0, 4, 4)] {
            logs[number].commit(place, image(size), DeviceCache::Absent);
        }
        let left = |logs: &[Log]| -> Vec<Vec<Cell>> {
            let sizes = |images: &Vec<&Image>| images.iter().map(|image| image.size).collect();
            recoverable(logs).iter().map(sizes).collect()
        };
        assert_eq!(
            left(&logs),
            [[0, 0], [1, 0], [2, 2], [2, 3], [4, 3]],
            "a transaction of two files has one place"
        );
        // For the second file: also what the first one had committed before.
        let place = logs[1].place();
        for log in &mut logs {
            log.force_up_to(place, DeviceCache::Absent);
        }
        assert_eq!(left(&logs), [[2, 3], [4, 3]]);
        assert_eq!(logs.each_ref().map(Log::place), [1, 0]);
    }

    #[test]
    fn transactions_are_one_until_the_log_is_flushed() {
        let mut log = Log::new(&ExtentMap::new(1), 0, None);
        log.images = vec![image(0)];
        log.merge(image(1), DeviceCache::Absent);
        log.merge(image(2), DeviceCache::Absent);
        assert_eq!(sizes(&log.images), [0, 2]);
    }

    #[test]
    fn a_log_that_is_written_flushes_what_was_complete_when_it_was_committed() {
        let unflushed = |log: &Log| log.images.iter().map(|image| image.unflushed.len()).collect::<Vec<_>>();
        let mut log = file(0);
        log.supersede(0, &None, DeviceCache::Flushed);
        assert!(!log.changes_if_written(0), "there is nothing to write");
        assert!(log.changes_with_checkpoint());
        log.checkpoint();
        let later = Some(Vec::new());
        log.supersede(0, &later, DeviceCache::Flushed);
        assert_eq!(unflushed(&log), [2], "the checkpoint may not be written");
        log.write_up_to(0);
        assert_eq!(log.images[0].unflushed, [(0, later.clone())]);
        log.checkpoint();
        log.supersede(0, &later, DeviceCache::Flushed);
        log.write_up_to(0);
        assert_eq!(unflushed(&log), [1], "the same once more, and behind the commit");
        log.commit(1, image(1), DeviceCache::Flushed);
        assert_eq!(unflushed(&log), [1, 0]);
        log.write_up_to(1);
        assert_eq!(unflushed(&log), [0]);
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
            log.commit(1, image(1), cache);
            assert_eq!(log.images[1].unflushed.len(), kept);
            log.force(cache);
            assert_eq!(log.images[0].unflushed.len(), kept);
        }
    }
}
