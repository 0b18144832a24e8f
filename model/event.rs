//! What a run tells those who watch it: events for a replay, branches for the vacuity check, counters for
//! the cost columns. None of it is part of the state.

use std::fmt;

use crate::tracepoint::Tracepoint;

/// One thing that happened, in kernel words, with what a reader of the schedule needs to follow the mapping.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// What happened (`copy 0-4k`, `U -> W at 4k`). Empty when only the mapping's life or a tracepoint is.
    pub text: String,
    /// How it concerns a cached mapping.
    pub mapping: MappingEvent,
    /// The kernel's tracepoint that is hit here; such an event has no text.
    pub tracepoint: Option<Tracepoint>,
}

/// A text about a file, which is named in front if it has a label.
pub fn labelled(label: Option<&str>, text: String) -> String {
    match label {
        Some(label) if !text.is_empty() => format!("[{label}] {text}"),
        _ => text,
    }
}

impl Event {
    /// An event that does not concern a cached mapping.
    pub fn plain(text: impl Into<String>) -> Self {
        Event::of_mapping(MappingEvent::None, text)
    }

    /// An event that may concern a cached mapping.
    pub fn of_mapping(mapping: MappingEvent, text: impl Into<String>) -> Self {
        Event { text: text.into(), mapping, tracepoint: None }
    }

    /// A tracepoint that was hit.
    pub fn of_tracepoint(tracepoint: Tracepoint) -> Self {
        Event { text: String::new(), mapping: MappingEvent::None, tracepoint: Some(tracepoint) }
    }
}

/// The life of a mapping cached by an actor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MappingEvent {
    /// Does not concern one.
    None,
    /// The actor sampled a mapping.
    Sampled,
    /// The extent map changed: every cached mapping is out of date from here on.
    Invalidated,
    /// The actor used its mapping to decide between zeroing and reading.
    Used,
    /// The actor used its mapping where a fresh one would have said otherwise.
    Misused,
    /// The actor dropped its mapping.
    Dropped,
}

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
pub(crate) use named_bits;

named_bits! {
    /// A branch whose reachability is reported: a proof whose interesting branch was never taken proves
    /// nothing. The names are those of `[reach]` in scenario files.
    Branch {
        /// A validity check found its mapping stale.
        Stale = "stale",
        /// A mapping that no longer described the extent map was used to fill a block.
        StaleUse = "stale-use",
        /// A folio was evicted.
        Evict = "evict",
        /// An eviction failed after the per-block state had been freed.
        IfsLost = "ifs-lost",
        /// I/O completion converted an unwritten extent.
        Convert = "convert",
        /// Writeback allocated blocks for delayed allocations.
        Allocate = "allocate",
        /// A reservation was punched after a short, failed or stale write.
        Punch = "punch",
        /// A write went back for a new mapping.
        Retry = "retry",
        /// A block was zeroed in memory because the mapping said so.
        ZeroFill = "zero-fill",
        /// A block was read from disk before a partial write.
        ReadFill = "read-fill",
        /// A copy from the user's buffer was short.
        ShortCopy = "short-copy",
        /// A page fault made a page writable.
        Mkwrite = "mkwrite",
        /// A write fault found that its folio had left the page cache when it had the lock.
        MkwriteRetry = "mkwrite-retry",
        /// A store through a mapping hit a page that writeback had write-protected.
        WpFault = "wp-fault",
        /// A reader filled a folio.
        CacheFill = "cache-fill",
        /// A copy of shared blocks was reserved.
        CowReserve = "cow-reserve",
        /// A write had used up the blocks that it had reserved when it began.
        BudgetExhausted = "budget-exhausted",
        /// I/O completion put a copy in the place of a shared block.
        CowRemap = "cow-remap",
        /// A reflink shared a block.
        Share = "share",
        /// Completion of a direct write converted an unwritten extent.
        DioConvert = "dio-convert",
        /// A direct write zeroed a part of a block on the device.
        DioPad = "dio-pad",
        /// A direct write that may only overwrite met something else and took i_rwsem exclusively.
        DioEagain = "dio-eagain",
        /// A direct write was done as a buffered one, because the page cache did not let go of its range.
        DioFallback = "dio-fallback",
        /// The page cache still had dirty data in the range of a direct write when that was complete.
        DioInvalidateFailed = "dio-invalidate-failed",
        /// A write that must not wait met a held invalidate_lock while it gave a stale mapping back.
        NowaitBlocked = "nowait-blocked",
        /// A direct write that must not wait would have had to.
        NowaitEagain = "nowait-eagain",
        /// A direct write waited for a reflink that was sharing the file's blocks.
        DioRemapping = "dio-remapping",
        /// I/O failed.
        IoError = "io-error",
        /// fsync(2) returned an error of writeback.
        SyncError = "sync-error",
        /// There was no memory for a folio.
        NoMemory = "no-memory",
        /// A direct read met a delayed allocation and failed.
        DioEio = "dio-eio",
        /// Blocks were taken out of a file.
        Unmap = "unmap",
        /// Zeroing passed over a mapping that has nothing to zero.
        ZeroSkip = "zero-skip",
        /// Zeroing flushed dirty page cache over such a mapping.
        ZeroFlush = "zero-flush",
        /// A stuffed file's data moved out of its inode into a block.
        Unstuff = "unstuff",
    }
}

named_bits! {
    /// A quantity of which the greatest value over all runs is reported.
    Counter {
        /// Mappings rejected by the check in one run.
        StaleAborts = "stale-aborts",
        /// Of these, rejections after which the fresh mapping said the same for the position.
        SpuriousAborts = "spurious-aborts",
    }
}

named_bits! {
    /// A bound on the modelled system that a scenario may set.
    Bound {
        /// Mappings of one write that may go stale.
        Retries = "retries",
        /// Folios that may be evicted in one run.
        Evictions = "evictions",
    }
}
