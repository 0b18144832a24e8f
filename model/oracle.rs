//! props
use std::fmt;
use crate::event::named_bits;
named_bits! {
    /// A property.
    Property {
        /// P-DATA: an acknowledged write is gone.
        LostWrite = "lost-write",
        /// P-READ: a read returned what no write explains.
        StaleRead = "stale-read",
        /// P-STALE: uninitialised disk contents became visible.
        StaleExposure = "stale-exposure",
        /// P-SIZE.
        SizeOrder = "size-order",
        /// P-SILENT.
        DroppedDirty = "dropped-dirty",
        /// P-BACK.
        DirtyOverHole = "dirty-over-hole",
        /// P-WBADDR, P-FREE.
        WrongAddress = "wrong-address",
        /// P-PROG.
        ShortWrite = "short-write",
        /// P-DEAD.
        Deadlock = "deadlock",
        /// A cycle.
        Livelock = "livelock",
        /// P-LIVE.
        UnboundedRetry = "unbounded-retry",
        /// P-RESV.
        LeakedReservation = "leaked-reservation",
        /// P-LOCK.
        LeakedLock = "leaked-lock",
        /// P-FLAG.
        LeakedFlag = "leaked-flag",
        /// P-ZERO.
        WrongZero = "wrong-zero",
        /// P-COOKIE.
        UnsoundCookie = "unsound-cookie",
    }
}
