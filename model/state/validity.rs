//! The validity cookie of a mapping, and the change counters that it is taken from.
//!
//! The counters of a file's forks (`xfs_inode.i_df.if_seq`, `i_cowfp->if_seq`) move inside the ILOCK section that changes
//! the extent map, and are loaded without it. A cookie is what they were in the ILOCK section that made a mapping
//! (`xfs_iomap_inode_sequence`, fs/xfs/xfs_iomap.c, 6.2); a mapping is current as long as they still are. How a cookie is put
//! together, compared and shown is said here alone: no other file knows which counters there are.

use std::fmt;
use std::ops::Range;

use stalemap_facade::{Atomic, Backend, Op, Ordering};

use crate::words::config::Config;
use crate::words::extent::{Extents, Fork};
use crate::words::geometry::FileBlock;
use crate::words::ordering::{Link, Orderings};

/// Where the COW fork's counter stands in a cookie of 64 bits.
const COW_SHIFT: u32 = 32;

/// The counter of a COW fork: times two, and odd while that fork has anything in it. The kernel loads the counter and
/// the emptiness one after the other; whoever finds the fork empty does not ask for the counter, so that one load
/// tells as much.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
struct CowCount(u64);

impl CowCount {
    fn next(self, cow: &Extents) -> Self {
        CowCount(((self.0 >> 1) + 1) << 1 | u64::from(cow.has_data()))
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

/// `iomap->validity_cookie`: what the change counters were. Equality is what a comparison asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Cookie {
    data: u64,
    /// Where the COW fork counts, too.
    cow: Option<CowCount>,
}

impl Cookie {
    /// The 64 bits of the kernel's tracepoints: the data fork's counter, and the COW fork's in the upper half.
    pub fn bits(self) -> u64 {
        self.cow.unwrap_or_default().0 << COW_SHIFT | self.data
    }

    /// Whether a comparison finds a mapping with this cookie stale.
    pub fn differs_from(self, now: Cookie) -> bool {
        self != now
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
    /// The blocks of the mapping.
    pub blocks: Range<FileBlock>,
}

impl Compared {
    /// What it finds where the counter of a fork is as [`Counters::show`] says.
    pub fn find(&self, shown: &str) -> Option<u64> {
        shown.parse().ok()
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
    data: B::Atomic,
    /// ip->i_cowfp->if_seq, as [`CowCount`].
    cow: B::Atomic,
    /// Whether the file system counts changes of the data fork.
    counted: bool,
    orderings: Orderings,
}

impl<B: Backend> Counters<B> {
    /// The counters of an empty file.
    pub fn new(backend: &B, config: &Config) -> Self {
        Counters {
            data: backend.atomic("data_seq", 0),
            cow: backend.atomic("cow_seq", 0),
            counted: config.fs.counter,
            orderings: config.orderings,
        }
    }

    fn load(&self) -> Ordering {
        self.orderings.of(Link::CounterLoad)
    }

    fn store(&self) -> Ordering {
        self.orderings.of(Link::CounterStore)
    }

    /// The data fork's extents of `blocks` change. Inside the ILOCK section that changes them: the kernel stores the
    /// counter first and then the records, and since both are invisible to who respects the ILOCK, the store is the
    /// section's only lock-free access. Returns whether that is counted.
    pub fn data_changes(&self, _blocks: impl IntoIterator<Item = FileBlock>) -> bool {
        if self.counted {
            self.data.publish(self.data.peek() + 1, self.store());
        }
        self.counted
    }

    /// The same for the COW fork, which is `cow` from here on.
    pub fn cow_changes(&self, cow: &Extents, _blocks: impl IntoIterator<Item = FileBlock>) {
        self.cow.publish(CowCount(self.cow.peek()).next(cow).0, self.store());
    }

    /// A store of its own before the data fork's extents of `blocks` change, in the ILOCK section that changes them
    /// (a mutant).
    pub async fn data_will_change(&self, _blocks: impl IntoIterator<Item = FileBlock>) {
        self.data.store(Op::new("data_seq++"), self.data.peek() + 1, self.store()).await;
    }

    /// The data fork's extents of `blocks` have changed, in an ILOCK section that was left without telling (a mutant).
    pub async fn data_has_changed(&self, _blocks: impl IntoIterator<Item = FileBlock>) {
        self.data.fetch_add(Op::new("data_seq++"), 1, self.store()).await;
    }

    /// What a mapping of the data fork samples.
    pub fn data_sequence(&self) -> Sequence<'_, B> {
        Sequence { counters: self, shared: false }
    }

    /// What a mapping samples for which both forks count.
    pub fn shared_sequence(&self) -> Sequence<'_, B> {
        Sequence { counters: self, shared: true }
    }

    /// A cookie of the same forks as another, for `mapping`: for callers that hold the ILOCK or take what they find.
    pub fn sample_again(&self, old: Cookie, mapping: Range<FileBlock>) -> Cookie {
        Sequence { counters: self, shared: old.cow.is_some() }.cookie_of(mapping)
    }

    /// A cookie with the data fork's part as it is now, in an operation of its own (a mutant).
    pub async fn sample_late(&self, cookie: Cookie, _mapping: Range<FileBlock>) -> Cookie {
        Cookie { data: self.data.load(Op::new("sample_cookie"), self.load()).await, ..cookie }
    }

    /// Whether a comparison with a cookie finds nothing changed that concerns a use of its mapping: two loads where both
    /// forks count, the COW fork's counter first. When that has moved, nothing depends on the other any more.
    pub async fn is_current(&self, cookie: Cookie, used: &MappingUse, op: Op) -> bool {
        if let Some(was) = cookie.cow
            && self.load_cow(used).await != was
        {
            return false;
        }
        self.data_moved(cookie, used, op).await.is_none()
    }

    /// The same for the data fork's counter alone.
    pub async fn data_moved(&self, cookie: Cookie, _used: &MappingUse, op: Op) -> Option<Moved> {
        let now = self.data.load(op, self.load()).await;
        (now != cookie.data).then_some(Moved { fork: Fork::Data, was: cookie.data, is: now })
    }

    /// The same for both counters, whether the fork is empty or not; the data fork's first.
    pub async fn both_are_current(&self, cookie: Cookie, used: &MappingUse, op: Op) -> bool {
        self.data_moved(cookie, used, op).await.is_none()
            && match cookie.cow {
                Some(was) => self.load_cow(used).await == was,
                None => true,
            }
    }

    /// The COW fork's counter, for callers that hold the ILOCK.
    pub fn cow_seen(&self) -> CowSeen {
        CowSeen(CowCount(self.cow.peek()))
    }

    /// Whether the COW fork has anything in it and its counter is not what was seen of it.
    pub async fn cow_moved(&self, seen: CowSeen, used: &MappingUse) -> Option<Moved> {
        let CowSeen(was) = seen;
        let now = self.load_cow(used).await;
        let moved = Moved { fork: Fork::Cow, was: was.changes(), is: now.changes() };
        (now.in_use() && now != was).then_some(moved)
    }

    async fn load_cow(&self, _used: &MappingUse) -> CowCount {
        CowCount(self.cow.load(Op::new("cow_seq"), self.load()).await)
    }

    /// What a comparison for a use of a mapping looks at.
    pub fn comparison(&self, used: MappingUse) -> Compared {
        Compared { blocks: used.mapping }
    }

    /// What a cookie would be compared with now for a use of its mapping.
    pub fn newest(&self, cookie: Cookie, _used: &MappingUse) -> Cookie {
        let cow = cookie.cow.map(|_| CowCount(self.cow.newest()));
        let data = if cow.is_some() || self.counted { self.data.newest() } else { 0 };
        Cookie { data, cow }
    }

    /// A fork's counter in words, as the latest store left it. For who watches.
    pub fn show(&self, fork: Fork) -> String {
        match fork {
            Fork::Data => self.data.newest().to_string(),
            Fork::Cow => CowCount(self.cow.newest()).changes().to_string(),
        }
    }
}

/// What a mapping takes its cookie from when it is made.
pub trait CookieSource {
    /// The cookie of a mapping of these blocks.
    fn cookie_of(&self, mapping: Range<FileBlock>) -> Cookie;
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
    shared: bool,
}

/// Where nothing is counted, the cookie is that of a counter that never moves.
impl<B: Backend> CookieSource for Sequence<'_, B> {
    fn cookie_of(&self, _mapping: Range<FileBlock>) -> Cookie {
        let counters = self.counters;
        let cow = self.shared.then(|| CowCount(counters.cow.peek()));
        let data = if self.shared || counters.counted { counters.data.peek() } else { 0 };
        Cookie { data, cow }
    }
}
