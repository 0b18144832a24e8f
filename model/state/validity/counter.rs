//! A change counter: of one thing that changes, and, where a cookie is of less than all of it, of each block.

use std::ops::Range;
use std::slice;

use stalemap_facade::{Atomic, Backend, Op, Ordering};

use crate::words::config::{Config, ENDLESS_COUNTERS};
use crate::words::geometry::FileBlock;

/// How counters count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counting {
    /// Without end. Who finds one greater than it was finds it moved.
    Growing,
    /// Modulo [`ENDLESS_COUNTERS`].
    Modulo,
}

impl Counting {
    /// As a run that need not end asks for.
    pub(super) fn of(config: &Config) -> Self {
        if config.is_endless() { Counting::Modulo } else { Counting::Growing }
    }

    pub(super) fn next(self, number: u64) -> u64 {
        match self {
            Counting::Growing => number + 1,
            Counting::Modulo => (number + 1) % ENDLESS_COUNTERS,
        }
    }

    pub(super) fn has_moved(self, now: u64, was: u64) -> bool {
        match self {
            Counting::Growing => now > was,
            Counting::Modulo => now != was,
        }
    }
}

/// The counter of one fork, and, where a cookie is of less than a fork, what it was at the last change of each block. In the
/// kernel that would be two more words of 32 bits for each extent record, found without the ILOCK, so that records would
/// have to be freed by RCU; or an array beside the page cache. The model has them for each block.
///
/// Numbers only grow, and a change stamps every block that it touches with a number that no other change has. So the
/// greatest of some blocks' stamps says whether any of them has changed since, in a cookie of the same size, and also
/// whether any one of them has.
pub(super) struct Counter<B: Backend> {
    pub(super) fork: B::Atomic,
    blocks: Vec<B::Atomic>,
}

impl<B: Backend> Counter<B> {
    pub(super) fn new(backend: &B, name: &'static str, blocks: usize) -> Self {
        let word = || backend.atomic(name, 0);
        Counter { fork: word(), blocks: (0..blocks).map(|_| word()).collect() }
    }

    /// The words that concern some blocks.
    fn of(&self, blocks: &Range<FileBlock>) -> &[B::Atomic] {
        match self.blocks.get(usize::from(blocks.start)..usize::from(blocks.end)) {
            Some(stamps) if !self.blocks.is_empty() => stamps,
            _ => slice::from_ref(&self.fork),
        }
    }

    /// The greatest of what concerns some blocks, for callers that hold the ILOCK.
    pub(super) fn peek(&self, blocks: &Range<FileBlock>) -> u64 {
        self.of(blocks).iter().map(Atomic::peek).max().unwrap_or(0)
    }

    /// The greatest of what concerns some blocks, for reports.
    pub(super) fn newest(&self, blocks: &Range<FileBlock>) -> u64 {
        self.of(blocks).iter().map(Atomic::newest).max().unwrap_or(0)
    }

    /// The greatest of what concerns some blocks, without the ILOCK: each word in an operation of its own, until one is greater than `was`. That is no
    /// snapshot, and need not be one: if none is greater, none was when the first was loaded; and if one is, then
    /// something has changed.
    pub(super) async fn load(&self, blocks: &Range<FileBlock>, op: Op, ordering: Ordering, was: u64) -> u64 {
        let mut greatest = 0;
        for (word, block) in self.of(blocks).iter().zip(blocks.start..) {
            let op = if self.blocks.is_empty() { op } else { Op::on(op.name, u32::from(block)) };
            greatest = greatest.max(word.load(op, ordering).await);
            if greatest > was {
                break;
            }
        }
        greatest
    }

    /// Stamps blocks, in the transition that moves the counter or holds the ILOCK. Nobody can tell it from one store:
    /// who finds one block stamped and another not yet finds the mapping stale or has no use for the other.
    pub(super) fn stamp(&self, number: u64, blocks: impl IntoIterator<Item = FileBlock>, ordering: Ordering) {
        for word in blocks.into_iter().filter_map(|block| self.blocks.get(usize::from(block))) {
            word.publish(number, ordering);
        }
    }

    pub(super) fn show(&self, shown: impl Fn(u64) -> u64) -> String {
        let words = if self.blocks.is_empty() { slice::from_ref(&self.fork) } else { &self.blocks };
        words.iter().map(|word| shown(word.newest()).to_string()).collect::<Vec<_>>().join(",")
    }
}
