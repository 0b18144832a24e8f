//! What can be violated, the most user-visible loss first: what the oracle, and the engines for deadlocks and cycles, can
//! find.

use stalemap_facade::Property;

stalemap_facade::names! { Property {
    /// P-DATA: data that was acknowledged is gone: from the page cache, from where writeback would not
    /// bring it back, or from the disk at the end.
    LOST_WRITE = "lost-write",
    /// P-READ: a read returned a value that it must not: replaced before the read began, or never written.
    STALE_READ = "stale-read",
    /// P-STALE: contents that nobody wrote to this file became visible.
    STALE_EXPOSURE = "stale-exposure",
    /// P-SIZE: a reader saw the new size before the data, or the on-disk size ran ahead.
    SIZE_ORDER = "size-order",
    /// P-SILENT: writeback cleaned a dirty block and wrote it nowhere.
    DROPPED_DIRTY = "dropped-dirty",
    /// P-BACK: a dirty block of an unlocked folio has neither blocks nor a reservation.
    DIRTY_OVER_HOLE = "dirty-over-hole",
    /// P-WBADDR, P-FREE: writeback wrote to a block that is not this one's.
    WRONG_ADDRESS = "wrong-address",
    /// P-PROG: a write returned less than it should, without an error.
    SHORT_WRITE = "short-write",
    /// P-DEAD: unfinished actors, and none can move.
    DEADLOCK: Property::DEADLOCK,
    /// The actors can go round for ever without getting anywhere.
    LIVELOCK: Property::LIVELOCK,
    /// P-LIVE: a write found its mapping stale although nobody else had changed anything.
    UNBOUNDED_RETRY = "unbounded-retry",
    /// P-RESV: space stays reserved that no dirty data needs.
    LEAKED_RESERVATION = "leaked-reservation",
    /// P-LOCK: a lock or reference is never released.
    LEAKED_LOCK = "leaked-lock",
    /// P-FLAG: the STALE flag leaked into a fresh mapping.
    LEAKED_FLAG = "leaked-flag",
    /// P-ZERO: a block was zeroed in memory although the disk has data for it. Explains a loss.
    WRONG_ZERO = "wrong-zero",
    /// P-COOKIE: the check passed a mapping that misleads. Explains a loss.
    UNSOUND_COOKIE = "unsound-cookie",
    /// P-TX: a transaction is not ended, or data misses it.
    BROKEN_TRANSACTION = "broken-transaction",
    /// P-CRASH: data that was made durable is gone after a crash.
    CRASH_LOST = "crash-lost",
    /// P-CRASH: contents that nobody wrote are visible after a crash.
    CRASH_EXPOSURE = "crash-exposure",
} }

/// Whether the property only explains a loss that is reported beside it.
pub fn explains(property: Property) -> bool {
    matches!(property, WRONG_ZERO | UNSOUND_COOKIE)
}
