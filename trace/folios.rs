//! The page cache of a file, as the events of a trace show it: which blocks are in it, and which of these are uptodate.
//!
//! No event says that a block is uptodate. It is taken for that once it was read, or a part of it was written, whose rest was
//! read or zeroed before. What was cached before the trace began is not known.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What is known of a cached block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cached {
    /// It is not in the page cache, or in a folio that has not got its contents.
    Not,
    /// It has its contents.
    Uptodate,
    /// It was there before the trace began, or never.
    Unknown,
}

#[derive(Debug, Clone, Default)]
struct Folio {
    length: u64,
    /// Which of its blocks are uptodate, by number in the folio.
    uptodate: Vec<bool>,
}

/// The folios of a file, by the offset of their first byte.
#[derive(Debug, Clone)]
pub(crate) struct Folios {
    block: u64,
    present: BTreeMap<u64, Folio>,
    /// Pages that were seen to go.
    gone: BTreeSet<u64>,
    /// What each task has added and not read yet.
    added: BTreeMap<u32, VecDeque<u64>>,
}

/// How many folios a task may add before it reads them: the kernel reads no more than that ahead.
const MOST_ADDED: usize = 4096;

/// The size of a page. It is not in a trace; all traces so far are of x86.
pub(crate) const PAGE: u64 = 4096;

/// Whether a file system may have blocks of so many bytes: a power of two from 512 to 64k.
pub fn is_block_size(bytes: u64) -> bool {
    bytes.is_power_of_two() && (512..=65536).contains(&bytes)
}

impl Folios {
    pub(crate) fn new(block: u64) -> Self {
        Folios { block, present: BTreeMap::new(), gone: BTreeSet::new(), added: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, offset: u64, order: u32, by: u32) {
        let length = PAGE << order.min(9);
        let blocks = (length / self.block).max(1) as usize;
        self.present.insert(offset, Folio { length, uptodate: vec![false; blocks] });
        let added = self.added.entry(by).or_default();
        added.push_back(offset);
        if added.len() > MOST_ADDED {
            added.pop_front();
        }
    }

    pub(crate) fn delete(&mut self, offset: u64, order: u32) {
        self.present.remove(&offset);
        for page in 0..1u64 << order.min(9) {
            self.gone.insert(offset.saturating_add(page * PAGE));
        }
    }

    /// A task reads: what it has added gets its contents.
    pub(crate) fn read_by(&mut self, task: u32) {
        for offset in self.added.remove(&task).unwrap_or_default() {
            if let Some(folio) = self.present.get_mut(&offset) {
                folio.uptodate.fill(true);
            }
        }
    }

    /// Blocks get their contents, all that a range touches.
    pub(crate) fn fill(&mut self, offset: u64, length: u64) {
        let block = self.block;
        let (first, end) = (offset / block * block, offset.saturating_add(length));
        let head = self.present.range(..=first).next_back().map_or(first, |(start, _)| *start);
        for (start, folio) in self.present.range_mut(head..end.max(head)) {
            for (number, uptodate) in folio.uptodate.iter_mut().enumerate() {
                let at = start.saturating_add(number as u64 * block);
                *uptodate |= first <= at && at < end;
            }
        }
    }

    /// What is known of the block at a byte.
    pub(crate) fn at(&self, byte: u64) -> Cached {
        match self.present.range(..=byte).next_back() {
            Some((start, folio)) if byte < start.saturating_add(folio.length) => {
                let uptodate = folio.uptodate[((byte - start) / self.block) as usize];
                if uptodate { Cached::Uptodate } else { Cached::Not }
            }
            _ if self.gone.contains(&(byte / PAGE * PAGE)) => Cached::Not,
            _ => Cached::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_uptodate_once_it_was_read_or_written() {
        let mut folios = Folios::new(1024);
        assert_eq!(folios.at(0), Cached::Unknown);
        folios.add(0, 0, 7);
        assert_eq!(folios.at(0), Cached::Not);
        folios.fill(1000, 100);
        let cached = [0, 1024, 2048, 4095].map(|byte| folios.at(byte));
        assert_eq!(cached, [Cached::Uptodate, Cached::Uptodate, Cached::Not, Cached::Not]);
        folios.read_by(8);
        assert_eq!(folios.at(4095), Cached::Not);
        folios.read_by(7);
        assert_eq!(folios.at(4095), Cached::Uptodate);
        folios.delete(0, 0);
        assert_eq!((folios.at(0), folios.at(4096)), (Cached::Not, Cached::Unknown));
        folios.fill(0, u64::MAX);
        folios.fill(u64::MAX, u64::MAX);
        folios.delete(u64::MAX, 9);
        assert_eq!(folios.at(u64::MAX), Cached::Unknown);
        folios.add(0, 2, 7);
        folios.fill(8192, 1);
        assert_eq!((folios.at(8192), folios.at(8191)), (Cached::Uptodate, Cached::Not));
    }
}
