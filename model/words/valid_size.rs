//! A valid size: up to where the blocks of a file hold its data. What lies behind it, below i_size, is allocated, and has to
//! read as zeros whatever the device has there (`valid_size` of exFAT, `i_valid` of ntfs3).
//!
//! Modelled are reads, writes through the page cache, stores through mappings, writeback and truncation. Left out: direct
//! writes, fallocate, SEEK_DATA and fiemap, what a crash leaves, and files whose blocks are shared or moved.

use crate::words::settings::choices;

choices! {
    /// What is given of a block behind the valid size to who fills a folio, and to a direct read.
    ValidRead {
        /// Zeros.
        Zeros = "zeros",
        /// The same; but who fills a folio zeroes it from the valid size on to its end when what he has read has come, also what is
        /// valid in it already (`ntfs_iomap_read_end_io`, `ntfs_read_folio`; fs/ntfs3/inode.c, 7.3).
        ZerosFolio = "zeros-folio",
        /// What the device has there (a mutant).
        Device = "device",
    }
}

choices! {
    /// What a write finds behind the valid size in a block that it covers in part, and reads.
    ValidWrite {
        /// Zeros.
        Zeros = "zeros",
        /// The same behind the copy; but if the mapping reaches to the valid size, what it covers is read, too, from the first such
        /// block on (`exfat_write_iomap_begin`, IOMAP_F_ZERO_TAIL; fs/exfat/iomap.c, 7.3).
        ZeroTail = "zero-tail",
        /// What the device has there, in all blocks from the first such one on; then the folio is zeroed from the end of the
        /// copy on, unless that lies before the valid size (`ntfs_iomap_begin`, `ntfs_iomap_put_folio`; fs/ntfs3/inode.c, 7.3).
        Device = "device",
    }
}

choices! {
    /// When a write that reaches behind the valid size moves it there.
    ValidMoved {
        /// Where a block is mapped to be written, with its folio locked: also by writeback, and whatever lies before it
        /// (`exfat_get_block`, fs/exfat/inode.c; `ntfs_get_block_vbo`, fs/ntfs3/inode.c; 6.12).
        GetBlock = "get-block",
        /// In `->iomap_end`, when the folios are unlocked (`exfat_write_iomap_end`, `ntfs_iomap_end`; 7.3).
        IomapEnd = "iomap-end",
    }
}

choices! {
    /// Who moves the valid size for stores through a mapping.
    MkwriteValid {
        /// The write fault, with i_rwsem held: it looks whether the page is still the file's, zeroes what lies before it, and moves
        /// the valid size over it.
        Zeroed = "zeroed",
        /// mmap(2), as far as the file reaches then; a write fault does nothing.
        AtMmap = "at-mmap",
        /// The same, and munmap(2) once more, without i_rwsem, for a mapping that may be stored through; what is cached behind it is
        /// zeroed (`ntfs_filemap_close`, fs/ntfs3/file.c, 7.3).
        AtMmapAndClose = "at-mmap-and-close",
        /// The write fault moves it, and zeroes nothing (a mutant).
        Moved = "moved",
        /// Nobody (a mutant).
        Nothing = "none",
    }
}

choices! {
    /// Where a truncate to the middle of a block zeroes the rest of it.
    TruncateZeroBlock {
        /// In the page cache, which is dirty then (`exfat_block_truncate_page`, `block_truncate_page`; 6.12).
        Written = "written",
        /// In what is cached of it alone (`truncate_setsize`; 7.3).
        Cache = "cache",
    }
}
