//! What a validity cookie may have beside the counters of the extent map: i_size, and how often blocks of the file have been dirtied
//! in the page cache. No kernel has either. They are there to ask whether they would be needed.
//!
//! What NEW says of a block, that nobody has written there yet, is nowhere in the extent map where allocated blocks have no state.
//! What can be counted is writes: copies and write faults move the count with the folio locked, before anything of them can be
//! written back. Each does, the first one or not: who dirties a block knows nobody's mapping. So the cookie of a NEW mapping, which
//! alone has the count, also counts what its own writer has copied.

use std::ops::Range;

use stalemap_facade::{Atomic, Backend, Op};

use super::{Cookie, Counter, Counters, MappingUse};
use crate::words::config::Config;
use crate::words::geometry::FileBlock;
use crate::words::ordering::Link;

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
}

impl<B: Backend> Sampled<B> {
    pub(super) fn new(backend: &B, config: &Config, stamped: usize) -> Self {
        let design = &config.design;
        let dirtied = design.cookie_new.then(|| Counter::new(backend, "dirty_seq", stamped));
        Sampled { size: design.cookie_size, dirtied }
    }

    /// For a mapping that is not NEW, for callers that hold the ILOCK. Neither i_size nor the count moves under the ILOCK: it is what they are
    /// at one moment of the section.
    pub(super) fn old(&self, i_size: &B::Atomic) -> Beside {
        Beside { size: self.size.then(|| i_size.peek()), dirtied: None }
    }

    /// The same for a NEW mapping of `blocks`.
    pub(super) fn new_of(&self, i_size: &B::Atomic, blocks: &Range<FileBlock>) -> Beside {
        let dirtied = self.dirtied.as_ref().map(|count| count.peek(blocks));
        Beside { dirtied, ..self.old(i_size) }
    }
}

impl<B: Backend> Counters<B> {
    /// Blocks become dirty in the page cache, in the current transition, with the folio locked.
    pub fn dirties(&self, blocks: impl IntoIterator<Item = FileBlock>) {
        if let Some(count) = &self.sampled.dirtied {
            let number = self.counting.next(count.fork.peek());
            count.fork.publish(number, self.store());
            count.stamp(number, blocks, self.store());
        }
    }

    /// Whether a comparison finds unchanged what a cookie has beside the counters of the extent map: a load of each.
    pub async fn beside_is_current(&self, cookie: Cookie, used: &MappingUse, i_size: &B::Atomic) -> bool {
        let Beside { size, dirtied } = cookie.beside;
        if let Some(was) = size
            && i_size.load(Op::new("i_size_read"), self.orderings.of(Link::SizeLoad)).await != was
        {
            return false;
        }
        if let (Some(was), Some(count)) = (dirtied, &self.sampled.dirtied) {
            let now = count.load(&self.compared(used), Op::new("dirty_seq"), self.load(), was).await;
            return !self.counting.has_moved(now, was);
        }
        true
    }

    /// What that would be compared with now, for reports and judges.
    pub(super) fn newest_beside(&self, cookie: Cookie, used: &MappingUse, i_size: &B::Atomic) -> Beside {
        let count = self.sampled.dirtied.as_ref();
        let dirtied = cookie.beside.dirtied.and(count).map(|count| count.newest(&self.compared(used)));
        Beside { size: cookie.beside.size.map(|_| i_size.newest()), dirtied }
    }

    /// Whether it has changed between two cookies of one mapping.
    pub fn beside_has_moved(&self, was: Cookie, now: Cookie) -> bool {
        let dirtied = was.beside.dirtied.zip(now.beside.dirtied);
        was.beside.size != now.beside.size
            || dirtied.is_some_and(|(was, now)| self.counting.has_moved(now, was))
    }
}
