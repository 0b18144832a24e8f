//! Places at which a mapping could be compared with the inode, beside those of write(2), of writeback and of lseek(2). No kernel has
//! one of them; they are there to ask which would be needed.

use crate::words::settings::choices;

choices! {
    /// When zeroing (`iomap_zero_range`, `iomap_truncate_page`) or unsharing compares its mapping. Both go through the loop of the
    /// buffered write.
    PassCheck {
        /// As a write(2) does.
        AsWrite = "as-write",
        /// Never, whatever a write(2) does.
        Never = "none",
        /// Right after the folio is locked, whatever a write(2) does.
        AfterLock = "after-lock",
    }
}

choices! {
    /// When a write fault (`iomap_page_mkwrite`) compares the mapping of its blocks.
    MkwriteCheck {
        /// Never.
        Never = "none",
        /// With the folio locked, before that is dirtied; if it is stale, it maps anew.
        AfterLock = "after-lock",
    }
}

choices! {
    /// When who fills a folio for a reader (`iomap_read_folio`) compares the mapping that he fills it by.
    ReadCheck {
        /// Never.
        Never = "none",
        /// With the folio locked, before anything is zeroed or read; if it is stale, he maps anew with the folio locked.
        BeforeFill = "before-fill",
    }
}

choices! {
    /// When a direct write compares its mapping.
    DioWriteCheck {
        /// Never.
        Never = "none",
        /// Before it puts zeros around its data into a block that is new or unwritten, or behind end of file; if it is stale, it maps
        /// anew.
        BeforePad = "before-pad",
    }
}

choices! {
    /// When a direct read compares its mapping.
    DioReadCheck {
        /// Never.
        Never = "none",
        /// Before it gives the caller zeros for a hole or for unwritten blocks; if it is stale, it maps anew.
        BeforeZeros = "before-zeros",
    }
}

choices! {
    /// When a reflink compares what it has looked up in its source.
    ReflinkCheck {
        /// Never: its locks keep the source as it is.
        Never = "none",
        /// For each extent, with both files' ILOCKs held, before it is shared; if it is stale, it looks it up anew.
        EachExtent = "each-extent",
    }
}
