//! Power loss: what recovery would make of the file, judged at every state without going there.
//!
//! The log is a sequence of committed transactions, of which a crash leaves some prefix that is not shorter
//! than what has been forced out. So the state keeps, per file, what each of these prefixes says about extents
//! and on-disk size, oldest first, and after every transition that changes one of them or the device each
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
//! when it was committed.
//!
//! A transaction may be one of two files. A crash leaves all of it or nothing: of the images of both, those go together that
//! have as many such transactions, and whoever forces the log of one file forces that of the other as far.
//!
//! Left out: torn blocks, and the order of other commits of different files, which their images do not depend on: forcing the
//! log for one file makes only its own transactions durable, and those of two files, so that more is undone by a crash than in a
//! kernel. Delayed allocations, copies in the COW fork and the page cache live in memory only and are gone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::state::device::DiskBlock;
use crate::state::dinode::Dinode;
use crate::words::command::FileId;
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
    /// The transactions in it that are of another file as well: how many of each, by its number.
    common: BTreeMap<FileId, u8>,
}

impl Image {
    pub(crate) fn new(extents: Vec<Extent>, size: Cell, stuffed: Dinode) -> Self {
        let data = vec![None; extents.len()];
        Image { data, unflushed: Vec::new(), common: BTreeMap::new(), extents, size, stuffed }
    }

    /// How many of the transactions in it are of this file as well.
    fn in_common(&self, other: FileId) -> u8 {
        self.common.get(&other).copied().unwrap_or(0)
    }

    /// The device blocks that it refers to.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = Phys> {
        self.extents.iter().filter_map(|extent| extent.phys())
    }

    pub(crate) fn refers_to(&self, phys: Phys) -> bool {
        self.extents.iter().any(|extent| extent.phys() == Some(phys))
    }

    pub(crate) fn says_the_same(&self, other: &Image) -> bool {
        (&self.extents, self.size, &self.stuffed, &self.data, &self.common)
            == (&other.extents, other.size, &other.stuffed, &other.data, &other.common)
    }
}

/// What of an inode is dirty (`i_state`), as far as fsync(2) asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum InodeDirty {
    /// Nothing.
    Clean,
    /// Its times (`I_DIRTY_SYNC`).
    Times,
    /// What the data cannot be found without (`I_DIRTY_DATASYNC`).
    Datasync,
}

/// The transactions of a file that a crash may or may not leave: the first one is forced out. On gfs2 they are
/// written all at once, when the log is flushed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Log {
    pub(crate) images: Vec<Image>,
    /// Whether the file's dirty data are submitted before the log is written (`gfs2_ordered_add_inode`).
    pub(crate) ordered: bool,
    /// What has changed in the inode since it was written last.
    pub(crate) inode: InodeDirty,
    /// What one transaction has of a write, in order: a crash leaves all of it or nothing.
    pub(crate) transactions: Vec<(WriteId, Range<Cell>)>,
    /// What device blocks held before, where nothing flushes the device.
    pub(crate) superseded: BTreeSet<(Phys, DiskBlock)>,
}

impl Log {
    /// The log of a file as it is made.
    pub fn new(map: &ExtentMap, size: Cell, stuffed: Dinode) -> Self {
        let images = vec![Image::new(map.0.clone(), size, stuffed)];
        Log {
            images,
            ordered: false,
            inode: InodeDirty::Clean,
            transactions: Vec::new(),
            superseded: BTreeSet::new(),
        }
    }

    pub(crate) fn commit(&mut self, image: Image, cache: DeviceCache) {
        let common = self.latest().common.clone();
        self.append(Image { common, ..image }, cache);
    }

    /// A transaction commits that is one of another file as well.
    pub(crate) fn commit_with(&mut self, other: FileId, image: Image, cache: DeviceCache) {
        let mut common = self.latest().common.clone();
        *common.entry(other).or_insert(0) += 1;
        self.append(Image { common, ..image }, cache);
    }

    fn append(&mut self, mut image: Image, cache: DeviceCache) {
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
    pub(crate) fn supersede(&mut self, phys: Phys, before: &DiskBlock, cache: DeviceCache) {
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

    /// A transaction commits where transactions are merged until the log is flushed.
    pub(crate) fn merge(&mut self, mut image: Image, cache: DeviceCache) {
        let before = self.latest();
        let same = |block: &usize| image.extents[*block] == before.extents[*block];
        image.data = (0..image.extents.len())
            // What was freed is revoked.
            .map(|block| before.data[block].clone().filter(|_| same(&block)))
            .collect();
        self.images.truncate(1);
        self.commit(image, cache);
    }

    pub(crate) fn latest(&self) -> &Image {
        self.images.last().unwrap_or(&self.images[0])
    }

    /// All device blocks that any of the transactions refers to.
    pub(crate) fn blocks(&self) -> Vec<Phys> {
        self.images.iter().flat_map(Image::blocks).collect()
    }

    /// The transactions of other files as well that a crash cannot undo: how many of each.
    pub(crate) fn forced_in_common(&self) -> impl Iterator<Item = (FileId, u8)> {
        self.images[0].common.iter().map(|(other, count)| (*other, *count))
    }

    /// Whether a crash may undo one of the first `count` transactions that are of this file as well.
    pub(crate) fn may_undo(&self, other: FileId, count: u8) -> bool {
        self.images[0].in_common(other) < count
    }

    /// The first `count` transactions that are of this file as well stay, and so does what was committed before.
    pub(crate) fn force_common(&mut self, other: FileId, count: u8, cache: DeviceCache) {
        let undone = self.images.iter().take_while(|image| image.in_common(other) < count).count();
        self.images.drain(..undone.min(self.images.len() - 1));
        self.flushed(cache);
    }

    /// What was committed so far stays, and what is complete on the device, if that is flushed.
    pub(crate) fn force(&mut self, cache: DeviceCache) {
        self.images.drain(..self.images.len() - 1);
        self.flushed(cache);
    }

    /// The device is flushed before the log is written, unless that is left out.
    fn flushed(&mut self, cache: DeviceCache) {
        if cache != DeviceCache::Unflushed {
            self.images.iter_mut().for_each(|image| image.unflushed.clear());
        }
    }
}

/// What a crash may leave of all files together, whose logs are given by number: an image of each.
pub(crate) fn recoverable(logs: &[Log]) -> Vec<Vec<&Image>> {
    let mut all = vec![Vec::new()];
    for (file, log) in (0..).zip(logs) {
        let goes_with = |images: &[&Image], image: &Image| {
            (0..).zip(images).all(|(other, earlier)| earlier.in_common(file) == image.in_common(other))
        };
        all = all
            .iter()
            .flat_map(|images| {
                let fitting = log.images.iter().filter(|image| goes_with(images, image));
                fitting.map(|image| [images.as_slice(), &[image]].concat())
            })
            .collect();
    }
    all
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
    fn a_transaction_of_two_files_is_left_of_both_or_of_neither() {
        let mut logs =
            [0, 0].map(|size| Log { images: vec![image(size)], ..Log::new(&ExtentMap::new(1), 0, None) });
        logs[0].commit(image(1), DeviceCache::Absent);
        logs[0].commit_with(1, image(2), DeviceCache::Absent);
        logs[1].commit_with(0, image(2), DeviceCache::Absent);
        logs[1].commit(image(3), DeviceCache::Absent);
        let sizes = |logs: &[Log]| -> Vec<Vec<Cell>> {
            recoverable(logs).iter().map(|images| images.iter().map(|image| image.size).collect()).collect()
        };
        assert_eq!(sizes(&logs), [[0, 0], [1, 0], [2, 2], [2, 3]]);
        logs[0].force(DeviceCache::Absent);
        assert_eq!(logs[0].forced_in_common().collect::<Vec<_>>(), [(1, 1)]);
        assert!(logs[1].may_undo(0, 1));
        logs[1].force_common(0, 1, DeviceCache::Absent);
        assert!(!logs[1].may_undo(0, 1));
        assert_eq!(sizes(&logs), [[2, 2], [2, 3]]);
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
