//! That writeback has failed, until somebody was told (`errseq_t`, and AS_EIO of `mapping->flags`).

/// Who is to be told that writeback of a file has failed (`mapping_set_error`, include/linux/pagemap.h), or of any file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WbError {
    /// Nobody: it has not, or all were told.
    None,
    /// Whoever waits for writeback next (AS_EIO), and fsync(2) (wb_err).
    Untold,
    /// fsync(2).
    OfFsync,
    /// fsync(2), and nothing has failed: direct I/O has met a folio that it could not drop (`dio_warn_stale_pagecache`,
    /// mm/filemap.c, 6.1 to 7.3, which leaves AS_EIO alone).
    OfCollision,
}

impl WbError {
    /// The word.
    pub const fn number(self) -> u64 {
        self as u64
    }
}
