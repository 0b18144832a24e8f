//! Memory ordering: which access of the kernel orders what, one by one, so that each can be taken away.
//!
//! The validity check reads its counter without a lock. That it sees what it must rests on a chain of locks that have
//! other purposes: the counter moves before the writeback bit is cleared, reclaim removes a
//! folio under xa_lock after that, and whoever brings the next folio in takes xa_lock after that. Each link of the
//! chain is a [`Link`] here, with the ordering that the kernel has there; a set of them may be weakened.
//!
//! What is *weak* in relaxed memory is what is read without a lock: the counters, i_size, the flags beside them. What
//! lies under a lock (extent records, folio flags and contents, the device) is plain data, read as it is: the locks
//! exclude, whatever they order, so that there is no race on it; but for what a write brings inside end of file where reads
//! take no lock (`state/contents.rs`). Three words that the kernel reads without a lock are
//! plain data as well, because an older value of them is a schedule that is explored anyway:
//!
//! * the writeback bit, which lies in one word with the lock bit: who has locked the folio has read that word, and an
//!   older one of it says "writeback" for "none" only, which is reclaim having come earlier;
//! * the xarray slot, whose reader takes a reference that fails on a folio that was removed, and looks again;
//! * the reference count, whose read-modify-writes are fully ordered in the kernel. Nothing in the argument leans on
//!   that, so here they order nothing.
//!
//! Sections of xa_lock that only move tags are no links, either: leaving out what would order more loses no behaviour.

use std::fmt;

use stalemap_facade::Ordering;

macro_rules! named_bits {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$vmeta])* $variant,)* }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name in scenario files and reports.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// Looks a name up.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|item| item.name() == name)
            }

            /// Its bit in a set.
            pub const fn bit(self) -> u64 {
                1 << self as u32
            }

            /// The members of a set, in order.
            pub fn of_bits(bits: u64) -> Vec<Self> {
                Self::ALL.iter().copied().filter(|item| bits & item.bit() != 0).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

named_bits! {
    /// A place where the kernel orders memory, or could.
    Link {
        /// The store of the change counter, under the ILOCK: WRITE_ONCE in `xfs_iext_inc_seq`
        /// (fs/xfs/libxfs/xfs_iext_tree.c).
        CounterStore = "counter-store",
        /// Its load in a check, without a lock: READ_ONCE in `xfs_iomap_inode_sequence` (fs/xfs/xfs_iomap.c) and
        /// `xfs_imap_valid` (fs/xfs/xfs_aops.c).
        CounterLoad = "counter-load",
        /// `i_size_write` (include/linux/fs.h): smp_store_release, so that who sees the size sees the data.
        SizeStore = "i_size-store",
        /// `i_size_read`: smp_load_acquire.
        SizeLoad = "i_size-load",
        /// `down_write` or `down_read` of ip->i_lock (fs/xfs/xfs_inode.c, `xfs_ilock`); i_data_sem, i_rw_mutex.
        IlockLock = "ilock-lock",
        /// Its `up_write` or `up_read`.
        IlockUnlock = "ilock-unlock",
        /// The writeback bit is cleared: `folio_end_writeback` (mm/filemap.c), a clear with release semantics.
        WritebackClear = "writeback-clear",
        /// Reclaim's test of it in `shrink_folio_list` (mm/vmscan.c): a plain read.
        WritebackTest = "writeback-test",
        /// `folio_wait_writeback` (mm/page-writeback.c): who has slept sees what was before the wake-up.
        WritebackWait = "writeback-wait",
        /// xa_lock around clearing the bit: `__folio_end_writeback` (mm/page-writeback.c).
        XaEndWriteback = "xa-end-writeback",
        /// xa_lock around the removal of a folio: `__remove_mapping` (mm/vmscan.c), `filemap_remove_folio`.
        XaRemove = "xa-remove",
        /// xa_lock around the removal of a folio, where that fails because somebody has a reference.
        XaRemoveFailed = "xa-remove-failed",
        /// xa_lock around the insertion of a folio: `__filemap_add_folio` (mm/filemap.c).
        XaInsert = "xa-insert",
        /// `folio_lock` and `folio_trylock` (include/linux/pagemap.h): test_and_set_bit_lock.
        FolioLock = "folio-lock",
        /// `folio_unlock` (mm/filemap.c): a clear with release semantics.
        FolioUnlock = "folio-unlock",
        /// A page-table entry becomes read-only: `page_mkclean` (mm/rmap.c) flushes it from the CPU that stored through
        /// it, which by then has done all it did before.
        TlbFlush = "tlb-flush",
        /// inode->i_rwsem, both its sides.
        IRwsem = "i_rwsem",
        /// mapping->invalidate_lock, both its sides.
        InvalidateLock = "invalidate_lock",
        /// ip->i_gl of gfs2, both its sides.
        Glock = "glock",
        /// sdp->sd_log_flush_lock of gfs2, both its sides.
        LogFlushLock = "log_flush_lock",
        /// From `submit_bio` to the work item that completes the I/O.
        Bio = "bio",
    }
}

/// What a link orders, in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Nothing: there is nothing to weaken.
    Relaxed,
    /// What comes after it stays after it.
    Acquire,
    /// What comes before it stays before it.
    Release,
    /// A section under a lock: both.
    Section,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Order::Relaxed => "relaxed",
            Order::Acquire => "acquire",
            Order::Release => "release",
            Order::Section => "lock",
        })
    }
}

impl Link {
    /// What the kernel has there.
    pub fn order(self) -> Order {
        match self {
            Link::CounterStore | Link::CounterLoad | Link::WritebackTest => Order::Relaxed,
            Link::SizeLoad | Link::IlockLock | Link::WritebackWait | Link::FolioLock => Order::Acquire,
            Link::SizeStore | Link::IlockUnlock | Link::WritebackClear | Link::FolioUnlock => Order::Release,
            Link::XaEndWriteback
            | Link::XaRemove
            | Link::XaRemoveFailed
            | Link::XaInsert
            | Link::TlbFlush
            | Link::IRwsem
            | Link::InvalidateLock
            | Link::Glock
            | Link::LogFlushLock
            | Link::Bio => Order::Section,
        }
    }

    /// What it is, in a few words.
    pub fn what(self) -> &'static str {
        match self {
            Link::CounterStore => "if_seq++ under the ILOCK",
            Link::CounterLoad => "if_seq in a check, without a lock",
            Link::SizeStore => "i_size_write",
            Link::SizeLoad => "i_size_read",
            Link::IlockLock => "xfs_ilock",
            Link::IlockUnlock => "xfs_iunlock",
            Link::WritebackClear => "folio_end_writeback clears the bit",
            Link::WritebackTest => "reclaim tests the bit",
            Link::WritebackWait => "folio_wait_writeback",
            Link::XaEndWriteback => "xa_lock in folio_end_writeback",
            Link::XaRemove => "xa_lock in the removal of a folio",
            Link::XaRemoveFailed => "xa_lock in a removal that fails",
            Link::XaInsert => "xa_lock in filemap_add_folio",
            Link::FolioLock => "folio_lock, folio_trylock",
            Link::FolioUnlock => "folio_unlock",
            Link::TlbFlush => "from a store through a mapping to page_mkclean",
            Link::IRwsem => "i_rwsem",
            Link::InvalidateLock => "invalidate_lock",
            Link::Glock => "the glock",
            Link::LogFlushLock => "sd_log_flush_lock",
            Link::Bio => "from submit_bio to the completion",
        }
    }
}

/// Which links order what they order in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Orderings {
    weakened: u64,
}

impl Orderings {
    /// The kernel's, but for these, which order nothing.
    pub fn without(weakened: &[Link]) -> Self {
        Orderings { weakened: weakened.iter().fold(0, |set, link| set | link.bit()) }
    }

    /// The links that order nothing, beside those that never do.
    pub fn weakened(self) -> Vec<Link> {
        Link::of_bits(self.weakened)
    }

    /// Whether a link is as in the kernel.
    pub fn keeps(self, link: Link) -> bool {
        self.weakened & link.bit() == 0
    }

    /// The ordering of an access to a word.
    pub fn of(self, link: Link) -> Ordering {
        match link.order() {
            Order::Acquire if self.keeps(link) => Ordering::Acquire,
            Order::Release if self.keeps(link) => Ordering::Release,
            _ => Ordering::Relaxed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weakened_link_orders_nothing() {
        let orderings = Orderings::without(&[Link::SizeLoad, Link::XaInsert]);
        assert_eq!(orderings.of(Link::SizeLoad), Ordering::Relaxed);
        assert_eq!(orderings.of(Link::SizeStore), Ordering::Release);
        assert_eq!(orderings.weakened(), [Link::SizeLoad, Link::XaInsert]);
        assert_eq!(Orderings::default().of(Link::CounterLoad), Ordering::Relaxed);
    }
}
