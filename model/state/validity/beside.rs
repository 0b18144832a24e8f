//! What a validity cookie may have beside the counters of the extent map: i_size, and how often blocks of the file have been dirtied
//! in the page cache. No kernel has either. They are there to ask whether they would be needed.
//!
//! What NEW says of a block, that nobody has written there yet, is nowhere in the extent map where allocated blocks have no state.
//! What can be counted is writes: copies and write faults move the count with the folio locked, before anything of them can be
//! written back. Each does, the first one or not: who dirties a block knows nobody's mapping. So the cookie of a NEW mapping, which
//! alone has the count, also counts what its own writer has copied.
//!
//! The count is stored and loaded as the other counters are, and i_size as everywhere without a lock: whoever compares has the folio
//! locked, and so had whoever has dirtied it.

use std::ops::Range;

use stalemap_facade::{Atomic, Backend, Op};

use super::counter::{Counter, Counting};
use crate::words::config::Config;
use crate::words::geometry::FileBlock;
use crate::words::ordering::{Link, Orderings};

/// What a cookie has beside the counters of the extent map. Nothing, unless the design says so.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Beside {
    /// i_size, in cells.
    pub size: Option<u64>,
    /// How often blocks of the mapping had been dirtied, if it is NEW.
    pub dirtied: Option<u64>,
}

/// What is sampled into cookies beside the counters of the extent map, as the design says.
pub(super) struct Sampled<B: Backend> {
    /// Whether i_size is.
    size: bool,
    /// The count of dirtied blocks, if that is.
    dirtied: Option<Counter<B>>,
    counting: Counting,
    orderings: Orderings,
}

impl<B: Backend> Sampled<B> {
    pub(super) fn new(backend: &B, config: &Config, stamped: usize) -> Self {
        let design = &config.design;
        let dirtied = design.cookie_new().then(|| Counter::new(backend, "dirty_seq", stamped));
        let (counting, orderings) = (Counting::of(config), config.orderings);
        Sampled { size: design.cookie_size(), dirtied, counting, orderings }
    }

    /// For a mapping that is not NEW, for callers that hold the ILOCK. Neither i_size nor the count moves under the ILOCK: it is
    /// what they are at one moment of the section.
    pub(super) fn old(&self, i_size: &B::Atomic) -> Beside {
        Beside { size: self.size.then(|| i_size.peek()), dirtied: None }
    }

    /// The same for a NEW mapping of `blocks`.
    pub(super) fn new_of(&self, i_size: &B::Atomic, blocks: &Range<FileBlock>) -> Beside {
        let dirtied = self.dirtied.as_ref().map(|count| count.peek(blocks));
        Beside { dirtied, ..self.old(i_size) }
    }

    /// Blocks become dirty, in the current transition.
    pub(super) fn dirties(&self, blocks: impl IntoIterator<Item = FileBlock>) {
        if let Some(count) = &self.dirtied {
            let (number, store) =
                (self.counting.next(count.fork.peek()), self.orderings.of(Link::CounterStore));
            count.fork.publish(number, store);
            count.stamp(number, blocks, store);
        }
    }

    /// Whether a comparison finds it unchanged: a load of each, and of the count as many as `blocks` have stamps.
    pub(super) async fn is_current(
        &self,
        was: Beside,
        blocks: &Range<FileBlock>,
        i_size: &B::Atomic,
    ) -> bool {
        if let Some(was) = was.size
            && i_size.load(Op::new("i_size_read"), self.orderings.of(Link::SizeLoad)).await != was
        {
            return false;
        }
        if let (Some(was), Some(count)) = (was.dirtied, &self.dirtied) {
            let load = self.orderings.of(Link::CounterLoad);
            return !self.counting.has_moved(count.load(blocks, Op::new("dirty_seq"), load, was).await, was);
        }
        true
    }

    /// What that would be compared with now, for reports and judges.
    pub(super) fn newest(&self, was: Beside, blocks: &Range<FileBlock>, i_size: &B::Atomic) -> Beside {
        let dirtied = was.dirtied.and(self.dirtied.as_ref()).map(|count| count.newest(blocks));
        Beside { size: was.size.map(|_| i_size.newest()), dirtied }
    }

    /// Whether it has changed.
    pub(super) fn have_moved(&self, was: Beside, now: Beside) -> bool {
        let dirtied = was.dirtied.zip(now.dirtied);
        was.size != now.size || dirtied.is_some_and(|(was, now)| self.counting.has_moved(now, was))
    }
}
