//! The validity cookie of a mapping, and the change counters that it is taken from.
//!
//! The counters of a file's forks (`xfs_inode.i_df.if_seq`, `i_cowfp->if_seq`) move inside the ILOCK section that changes
//! the extent map, and are loaded without it. A cookie is what they were in the ILOCK section that made a mapping
//! (`xfs_iomap_inode_sequence`, fs/xfs/xfs_iomap.c, 6.2); a mapping is current as long as they still are. The kernel's
//! wrap, and are compared for equality; the model's do not, and are compared for not having grown. How a cookie is put
//! together, compared and shown is said here alone: no other file knows which counters there are.

mod beside;
mod counter;

use std::fmt;
use std::ops::Range;

use stalemap_facade::{Atomic, Backend, Op, Ordering};

use crate::words::config::Config;
use crate::words::design::CookieScope;
use crate::words::extent::{Extents, Fork};
use crate::words::geometry::{FileBlock, Geometry};
use crate::words::ordering::{Link, Orderings};

pub use self::beside::Beside;
use self::beside::Sampled;
use self::counter::{Counter, Counting};

/// Where the COW fork's counter stands in a cookie of 64 bits.
const COW_SHIFT: u32 = 32;

/// The counter of a COW fork: times two, and odd while that fork has anything in it. The kernel loads the counter and
/// the emptiness one after the other; whoever finds the fork empty does not ask for the counter, so that one load
/// tells as much.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
struct CowCount(u64);

impl CowCount {
    fn next(self, cow: &Extents, counting: Counting) -> Self {
        CowCount(counting.next(self.0 >> 1) << 1 | u64::from(cow.has_data()))
    }

    /// Whether the fork has anything in it.
    fn in_use(self) -> bool {
        self.0 & 1 == 1
    }

    /// How often the fork has changed.
    fn changes(self) -> u64 {
        self.0 >> 1
    }
}

/// `iomap->validity_cookie`: what the change counters were, as far as they concern the blocks of the mapping.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Cookie {
    data: u64,
    /// Where the COW fork counts, too.
    cow: Option<CowCount>,
    /// What it has beside these counters.
    beside: Beside,
}

impl Cookie {
    /// The 64 bits of the kernel's tracepoints: the data fork's counter, and the COW fork's in the upper half.
    pub fn bits(self) -> u64 {
        self.cow.unwrap_or_default().0 << COW_SHIFT | self.data
    }

    /// The data fork's counter, and the COW fork's where that counts and has ever changed.
    pub fn counters(self) -> (u64, Option<u64>) {
        (self.data, self.cow.filter(|cow| *cow != CowCount::default()).map(CowCount::changes))
    }

    /// What it has beside these counters.
    pub fn beside(self) -> Beside {
        self.beside
    }

    /// The same with the COW fork's part of an earlier one, if it had any.
    #[must_use]
    pub fn with_cow_of(self, earlier: Cookie) -> Self {
        Cookie { cow: earlier.cow, ..self }
    }
}

/// The counter, or the data fork's and the COW fork's: `3`, `3/1`.
impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cow {
            Some(cow) if cow != CowCount::default() => write!(f, "{}/{}", self.data, cow.changes()),
            _ => self.data.fmt(f),
        }
    }
}

/// What a comparison of a mapping looks at. For reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compared {
    /// Which changes make the mapping stale.
    pub scope: CookieScope,
    /// The blocks whose changes are looked for, where that matters.
    pub blocks: Range<FileBlock>,
}

impl Compared {
    /// Whether a change of these blocks is one that a comparison finds.
    pub fn finds(&self, changed: &[FileBlock]) -> bool {
        self.scope == CookieScope::Fork || changed.iter().any(|block| self.blocks.contains(block))
    }
}

/// What a pass of writeback remembers of the COW fork's counter (`xfs_writepage_ctx.cow_seq`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct CowSeen(CowCount);

/// A counter that is not what it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moved {
    /// Of which fork.
    pub fork: Fork,
    /// What it was, in changes.
    pub was: u64,
    /// What it is.
    pub is: u64,
}

/// A use of a mapping, for which it is to be current.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MappingUse {
    /// The blocks of the mapping.
    pub mapping: Range<FileBlock>,
    /// The block that it is about to be used for.
    pub at: FileBlock,
}

/// The change counters of a file.
pub struct Counters<B: Backend> {
    /// ip->i_df.if_seq.
    data: Counter<B>,
    /// ip->i_cowfp->if_seq, as [`CowCount`].
    cow: Counter<B>,
    /// What cookies have beside these.
    sampled: Sampled<B>,
    /// Which changes make a mapping stale.
    scope: CookieScope,
    /// Whether the file system counts changes of the data fork.
    counted: bool,
    counting: Counting,
    orderings: Orderings,
}

impl<B: Backend> Counters<B> {
    /// The counters of an empty file.
    pub fn new(backend: &B, config: &Config, geometry: &Geometry) -> Self {
        let scope = config.design.cookie();
        let stamped = match scope {
            CookieScope::Fork => 0,
            CookieScope::Range | CookieScope::Block => usize::from(geometry.blocks()),
        };
        Counters {
            data: Counter::new(backend, "data_seq", stamped),
            cow: Counter::new(backend, "cow_seq", stamped),
            sampled: Sampled::new(backend, config, stamped),
            scope,
            counted: config.fs.counter(),
            counting: Counting::of(config),
            orderings: config.orderings,
        }
    }

    fn load(&self) -> Ordering {
        self.orderings.of(Link::CounterLoad)
    }

    fn store(&self) -> Ordering {
        self.orderings.of(Link::CounterStore)
    }

    /// The blocks whose changes a comparison looks for.
    fn compared(&self, used: &MappingUse) -> Range<FileBlock> {
        match self.scope {
            CookieScope::Fork | CookieScope::Range => used.mapping.clone(),
            CookieScope::Block => used.at..used.at + 1,
        }
    }

    /// The data fork's extents of `blocks` change. Inside the ILOCK section that changes them: the kernel stores the
    /// counter first and then the records, and since both are invisible to who respects the ILOCK, the store is the
    /// section's only lock-free access. Returns what the counter is then, where that is counted.
    pub fn data_changes(&self, blocks: impl IntoIterator<Item = FileBlock>) -> Option<u64> {
        self.counted.then(|| {
            let number = self.counting.next(self.data.fork.peek());
            self.data.fork.publish(number, self.store());
            self.data.stamp(number, blocks, self.store());
            number
        })
    }

    /// The COW fork's extents of `blocks` change; it is `cow` from here on, and always counted.
    pub fn cow_changes(&self, cow: &Extents, blocks: impl IntoIterator<Item = FileBlock>) -> u64 {
        let count = CowCount(self.cow.fork.peek()).next(cow, self.counting);
        self.cow.fork.publish(count.0, self.store());
        self.cow.stamp(count.0, blocks, self.store());
        count.changes()
    }

    /// A store of its own before the data fork's extents of `blocks` change, in the ILOCK section that changes them
    /// (a mutant).
    pub async fn data_will_change(&self, blocks: impl IntoIterator<Item = FileBlock>) -> u64 {
        let number = self.counting.next(self.data.fork.peek());
        self.data.fork.store(Op::new("data_seq++"), number, self.store()).await;
        self.data.stamp(number, blocks, self.store());
        number
    }

    /// The data fork's extents of `blocks` have changed, in an ILOCK section that was left without telling (a mutant).
    pub async fn data_has_changed(&self, blocks: impl IntoIterator<Item = FileBlock>) -> u64 {
        let number = self.data.fork.fetch_add(Op::new("data_seq++"), 1, self.store()).await + 1;
        self.data.stamp(number, blocks, self.store());
        number
    }

    /// What a mapping of the data fork samples.
    pub fn data_sequence<'c>(&'c self, i_size: &'c B::Atomic) -> Sequence<'c, B> {
        Sequence { counters: self, i_size, shared: false }
    }

    /// What a mapping samples for which both forks count.
    pub fn shared_sequence<'c>(&'c self, i_size: &'c B::Atomic) -> Sequence<'c, B> {
        Sequence { counters: self, i_size, shared: true }
    }

    /// Whether a comparison finds a mapping stale that was made with one cookie and is held against another.
    pub fn have_moved(&self, was: Cookie, now: Cookie) -> bool {
        let cow = now.cow.is_some_and(|now| was.cow.is_none_or(|was| self.counting.has_moved(now.0, was.0)));
        cow || self.counting.has_moved(now.data, was.data)
    }

    /// A cookie of the same parts as another, for `mapping`: for callers that hold the ILOCK or take what they find.
    pub fn sample_again(&self, old: Cookie, mapping: Range<FileBlock>, i_size: &B::Atomic) -> Cookie {
        let sequence = Sequence { counters: self, i_size, shared: old.cow.is_some() };
        match old.beside.dirtied {
            Some(_) => sequence.cookie_of_new(mapping),
            None => sequence.cookie_of(mapping),
        }
    }

    /// A cookie with the data fork's part as it is now, in operations of its own (a mutant).
    pub async fn sample_late(&self, cookie: Cookie, mapping: Range<FileBlock>) -> Cookie {
        let data = self.data.load(&mapping, Op::new("sample_cookie"), self.load(), u64::MAX).await;
        Cookie { data, ..cookie }
    }

    /// Whether a comparison with a cookie finds nothing changed that concerns a use of its mapping: a load of each fork's
    /// counter where both count, the COW fork's first; of as many words as there are blocks where blocks are stamped. When
    /// the COW fork has changed, nothing depends on the other any more.
    pub async fn is_current(&self, cookie: Cookie, used: &MappingUse, op: Op) -> bool {
        if let Some(was) = cookie.cow
            && self.counting.has_moved(self.load_cow(was, used).await.0, was.0)
        {
            return false;
        }
        self.data_moved(cookie, used, op).await.is_none()
    }

    /// Whether the data fork's part of a cookie is out of date for a use, and what it is then.
    pub async fn data_moved(&self, cookie: Cookie, used: &MappingUse, op: Op) -> Option<Moved> {
        let now = self.data.load(&self.compared(used), op, self.load(), cookie.data).await;
        self.counting.has_moved(now, cookie.data).then_some(Moved {
            fork: Fork::Data,
            was: cookie.data,
            is: now,
        })
    }

    /// Whether both forks' parts of a cookie are current for a use, whether the COW fork is empty or not; the data fork first.
    pub async fn both_are_current(&self, cookie: Cookie, used: &MappingUse, op: Op) -> bool {
        self.data_moved(cookie, used, op).await.is_none()
            && match cookie.cow {
                Some(was) => !self.counting.has_moved(self.load_cow(was, used).await.0, was.0),
                None => true,
            }
    }

    /// The COW fork's counter, for callers that hold the ILOCK.
    pub fn cow_seen(&self) -> CowSeen {
        CowSeen(CowCount(self.cow.fork.peek()))
    }

    /// Whether the COW fork has anything in it and has changed since it was seen. Where blocks are stamped, whether it is
    /// empty is loaded first, and the stamps then.
    pub async fn cow_moved(&self, seen: CowSeen, used: &MappingUse) -> Option<Moved> {
        let CowSeen(was) = seen;
        let fork = CowCount(self.cow.fork.load(Op::new("cow_seq"), self.load()).await);
        if !fork.in_use() {
            return None;
        }
        let now = if self.scope == CookieScope::Fork { fork } else { self.load_cow(was, used).await };
        self.counting.has_moved(now.0, was.0).then_some(Moved {
            fork: Fork::Cow,
            was: was.changes(),
            is: now.changes(),
        })
    }

    async fn load_cow(&self, was: CowCount, used: &MappingUse) -> CowCount {
        CowCount(self.cow.load(&self.compared(used), Op::new("cow_seq"), self.load(), was.0).await)
    }

    /// What a comparison for a use of a mapping looks at.
    pub fn comparison(&self, used: &MappingUse) -> Compared {
        Compared { scope: self.scope, blocks: self.compared(used) }
    }

    /// What a cookie would be compared with now for a use of its mapping.
    pub fn newest(&self, cookie: Cookie, used: &MappingUse, i_size: &B::Atomic) -> Cookie {
        let blocks = self.compared(used);
        let cow = cookie.cow.map(|_| CowCount(self.cow.newest(&blocks)));
        let data = if cow.is_some() || self.counted { self.data.newest(&blocks) } else { 0 };
        Cookie { data, cow, beside: self.sampled.newest(cookie.beside, &blocks, i_size) }
    }

    /// Blocks become dirty in the page cache, in the current transition, with the folio locked.
    pub fn dirties(&self, blocks: impl IntoIterator<Item = FileBlock>) {
        self.sampled.dirties(blocks);
    }

    /// Whether a comparison finds unchanged what a cookie has beside the counters of the extent map: a load of each.
    pub async fn beside_is_current(&self, cookie: Cookie, used: &MappingUse, i_size: &B::Atomic) -> bool {
        self.sampled.is_current(cookie.beside, &self.compared(used), i_size).await
    }

    /// Whether that has changed between two cookies of one mapping.
    pub fn beside_has_moved(&self, was: Cookie, now: Cookie) -> bool {
        self.sampled.have_moved(was.beside, now.beside)
    }

    /// A fork's counter in words, as the latest store left it; where blocks are stamped, the stamp of each. For reports.
    pub fn show(&self, fork: Fork) -> String {
        match fork {
            Fork::Data => self.data.show(|number| number),
            Fork::Cow => self.cow.show(|number| CowCount(number).changes()),
        }
    }
}

/// What a mapping takes its cookie from when it is made.
pub trait CookieSource {
    /// The cookie of a mapping of these blocks.
    fn cookie_of(&self, mapping: Range<FileBlock>) -> Cookie;

    /// The cookie of a NEW mapping of these blocks.
    fn cookie_of_new(&self, mapping: Range<FileBlock>) -> Cookie {
        self.cookie_of(mapping)
    }
}

/// A cookie that is there already.
impl CookieSource for Cookie {
    fn cookie_of(&self, _: Range<FileBlock>) -> Cookie {
        *self
    }
}

/// `xfs_iomap_inode_sequence`, for callers that hold the ILOCK.
pub struct Sequence<'c, B: Backend> {
    counters: &'c Counters<B>,
    i_size: &'c B::Atomic,
    shared: bool,
}

/// Where nothing is counted, the cookie is that of a counter that never moves.
impl<B: Backend> CookieSource for Sequence<'_, B> {
    fn cookie_of(&self, mapping: Range<FileBlock>) -> Cookie {
        let counters = self.counters;
        let cow = self.shared.then(|| CowCount(counters.cow.peek(&mapping)));
        let data = if self.shared || counters.counted { counters.data.peek(&mapping) } else { 0 };
        Cookie { data, cow, beside: counters.sampled.old(self.i_size) }
    }

    fn cookie_of_new(&self, mapping: Range<FileBlock>) -> Cookie {
        let beside = self.counters.sampled.new_of(self.i_size, &mapping);
        Cookie { beside, ..self.cookie_of(mapping) }
    }
}
