//! The properties by name: what the oracle, and the engine for deadlocks and cycles, can find violated.

use std::fmt;

use crate::event::named_bits;

named_bits! {
    /// What can be violated, the most user-visible loss first.
    Property {
        /// P-DATA: data that was acknowledged is gone: from the page cache, from where writeback would not
        /// bring it back, or from the disk at the end.
        LostWrite = "lost-write",
        /// P-READ: a read returned a value that it must not: replaced before the read began, or never written.
        StaleRead = "stale-read",
        /// P-STALE: contents that nobody wrote to this file became visible.
        StaleExposure = "stale-exposure",
        /// P-SIZE: a reader saw the new size before the data, or the on-disk size ran ahead.
        SizeOrder = "size-order",
        /// P-SILENT: writeback cleaned a dirty block and wrote it nowhere.
        DroppedDirty = "dropped-dirty",
        /// P-BACK: a dirty block of an unlocked folio has neither blocks nor a reservation.
        DirtyOverHole = "dirty-over-hole",
        /// P-WBADDR, P-FREE: writeback wrote to a block that is not this one's.
        WrongAddress = "wrong-address",
        /// P-PROG: a write returned less than it should, without an error.
        ShortWrite = "short-write",
        /// P-DEAD: unfinished actors, and none can move.
        Deadlock = "deadlock",
        /// The actors can go round for ever without getting anywhere.
        Livelock = "livelock",
        /// P-LIVE: a write found its mapping stale although nobody else had changed anything.
        UnboundedRetry = "unbounded-retry",
        /// P-RESV: space stays reserved that no dirty data needs.
        LeakedReservation = "leaked-reservation",
        /// P-LOCK: a lock or reference is never released.
        LeakedLock = "leaked-lock",
        /// P-FLAG: the STALE flag leaked into a fresh mapping.
        LeakedFlag = "leaked-flag",
        /// P-ZERO: a block was zeroed in memory although the disk has data for it. Explains a loss.
        WrongZero = "wrong-zero",
        /// P-COOKIE: the check passed a mapping that misleads. Explains a loss.
        UnsoundCookie = "unsound-cookie",
        /// P-TX: a transaction is not ended, or data misses it.
        BrokenTransaction = "broken-transaction",
        /// P-CRASH: data that was made durable is gone after a crash.
        CrashLost = "crash-lost",
        /// P-CRASH: contents that nobody wrote are visible after a crash.
        CrashExposure = "crash-exposure",
    }
}

impl Property {
    /// Whether the property only explains a loss that is reported beside it.
    pub fn explains(self) -> bool {
        matches!(self, Property::WrongZero | Property::UnsoundCookie)
    }
}
