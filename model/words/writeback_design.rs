//! What designs differ in about the I/O of a folio that has several blocks: when its pieces count. Values, as in
//! [`design`](crate::words::design).
//!
//! A folio whose blocks lie apart is written, and read, in several pieces, and a flag or a tag stands for all of them. Each of
//! these says with which of the pieces it moves.

use crate::words::settings::choices;

choices! {
    /// By which tag a pass of writeback for integrity (WB_SYNC_ALL) finds folios, and when that tag goes.
    Towrite {
        /// By the one that says dirty: it also writes what becomes dirty behind its back (before f446daaea9d4, 2.6.36).
        Dirty = "dirty",
        /// By one of its own (PAGECACHE_TAG_TOWRITE), which it gives, when it begins, to what is dirty then. It goes when the
        /// folio comes under writeback with nothing left that is dirty.
        UntilClean = "until-clean",
        /// Likewise, but it goes with the first piece of the folio (a mutant): another pass that has tagged the folio does
        /// not find it while the rest is neither written nor under writeback.
        FirstPiece = "first-piece",
    }
}

choices! {
    /// What the record of a piece of writeback I/O covers, by which its completion converts extents and raises the size on
    /// disk.
    IoendRecord {
        /// What was written.
        Written = "written",
        /// All that was dirty there, also what was left out since it lay behind end of file (a mutant).
        Dirty = "dirty",
    }
}

choices! {
    /// How long who adds a folio to read it holds invalidate_lock. Who fills the rest of one that was there holds it to the end.
    FillLock {
        /// To the end of the read (filemap_create_folio).
        Held = "held",
        /// Until the I/O is submitted (page_cache_ra_unbounded, page_cache_ra_order).
        Submitted = "submitted",
    }
}

choices! {
    /// When a folio is uptodate that is read in several pieces, each of which completes by itself.
    ReadEnd {
        /// With the last (read_bytes_pending).
        LastPiece = "last-piece",
        /// With the first (a mutant).
        FirstPiece = "first-piece",
    }
}

choices! {
    /// For what of a folio writeback compares the mapping that it has cached.
    WritebackEach {
        /// For each dirty range (6.12, 7.3; for each block in 6.1). Of ranges that one mapping covers, and between which nothing was
        /// submitted, the model asks for the first: see [`Block`](WritebackEach::Block).
        Range = "range",
        /// For the first range that the mapping covers; the others take what that one had (no kernel does).
        Folio = "folio",
        /// For each block, in an operation of its own (6.1).
        Block = "block",
    }
}
