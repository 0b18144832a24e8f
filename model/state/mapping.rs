//! struct iomap: a mapping of a part of a file, as `->iomap_begin` and `->map_blocks` hand it out.

use std::fmt;
use std::ops::Range;

use crate::state::validity::{Cookie, CookieSource, MappingUse};
use crate::words::extent::{Extent, ExtentMap, Phys};
use crate::words::geometry::{Cell, FileBlock};

/// `iomap->type`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IomapType {
    /// IOMAP_HOLE
    Hole,
    /// IOMAP_DELALLOC
    Delalloc,
    /// IOMAP_MAPPED
    Mapped,
    /// IOMAP_UNWRITTEN
    Unwritten,
    /// IOMAP_INLINE: the data lie in the inode.
    Inline,
}

/// IOMAP_F_STALE.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StaleFlag {
    /// Nobody has found the mapping out of date.
    Clear,
    /// A check has. Or the flag is left from the mapping before (a mutant).
    Set,
}

/// A sampled mapping (struct iomap).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Iomap {
    /// What the blocks are.
    pub kind: IomapType,
    /// The first block.
    pub start: FileBlock,
    /// After the last block.
    pub end: FileBlock,
    /// The device block of the first block, when allocated.
    pub addr: Option<Phys>,
    /// IOMAP_F_NEW: this operation made the reservation or allocation.
    pub new: bool,
    /// IOMAP_F_STALE: whether a check found it out of date.
    pub stale: StaleFlag,
    /// validity_cookie: what the change counters were when it was sampled.
    pub cookie: Cookie,
    /// IOMAP_F_SHARED: the blocks are the COW fork's.
    pub shared: bool,
    /// The srcmap: what the data fork has at the first block, where that is not what the mapping says.
    pub source: Option<Extent>,
    /// The file's valid size, if it has one: what lies behind that is not read from the device.
    pub valid: Option<Cell>,
}

/// The type and the device block that an extent stands for.
const fn type_of(extent: Extent) -> (IomapType, Option<Phys>) {
    match extent {
        Extent::Hole => (IomapType::Hole, None),
        Extent::Delalloc => (IomapType::Delalloc, None),
        Extent::Unwritten(phys) => (IomapType::Unwritten, Some(phys)),
        Extent::Written(phys) => (IomapType::Mapped, Some(phys)),
    }
}

impl Iomap {
    /// Whether there is nothing to unshare in it: it is of blocks of the file's own, or there are no data in those that are
    /// shared (`iomap_want_unshare_iter`).
    pub(crate) fn is_private(&self) -> bool {
        !self.shared || !matches!(self.source, Some(Extent::Written(_)))
    }

    fn of(extent: Extent, blocks: Range<FileBlock>, new: bool, sequence: &impl CookieSource) -> Self {
        let (kind, addr) = type_of(extent);
        let sampled = blocks.clone();
        let cookie = if new { sequence.cookie_of_new(sampled) } else { sequence.cookie_of(sampled) };
        let Range { start, end } = blocks;
        let (stale, shared, source, valid) = (StaleFlag::Clear, false, None, None);
        Iomap { kind, start, end, addr, new, stale, cookie, shared, source, valid }
    }

    /// The mapping of a file whose data lie in the inode.
    pub(crate) fn inline(sequence: &impl CookieSource) -> Self {
        Iomap { kind: IomapType::Inline, ..Iomap::of(Extent::Hole, 0..1, false, sequence) }
    }

    /// A mapping of `blocks` of the data fork, which were found to be of one extent, and the first of them to be `extent`.
    pub(crate) fn of_found(extent: Extent, blocks: Range<FileBlock>, sequence: &impl CookieSource) -> Self {
        Iomap::of(extent, blocks, false, sequence)
    }

    /// A mapping of a block where there is nothing.
    pub(crate) fn of_hole(block: FileBlock) -> Self {
        Iomap::of(Extent::Hole, block..block + 1, false, &Cookie::default())
    }

    /// A mapping of `blocks` of the COW fork, whose contents are still where the data fork has `source`. If that is a hole, there
    /// is no srcmap, and what fills a block is said by the copy's own state.
    pub(crate) fn of_cow(
        extent: Extent,
        blocks: Range<FileBlock>,
        new: bool,
        sequence: &impl CookieSource,
        source: Extent,
    ) -> Self {
        let source = Some(source).filter(|source| *source != Extent::Hole);
        Iomap { shared: true, source, ..Iomap::of(extent, blocks, new, sequence) }
    }

    /// A mapping of blocks where nothing of the file is yet: what is written there is recorded when it is complete
    /// (IOMAP_F_ANON_WRITE).
    pub(crate) fn of_new_place(extent: Extent, blocks: Range<FileBlock>) -> Self {
        Iomap::of(extent, blocks, false, &Cookie::default())
    }

    /// What fills the parts of a block that a write does not cover: the type of the srcmap where there is one, else that of the
    /// mapping itself (`iomap_iter_srcmap`, include/linux/iomap.h, 6.1 to 7.3).
    pub fn source_kind(&self) -> IomapType {
        self.source.map_or(self.kind, |source| type_of(source).0)
    }

    /// The device block that it gives for the present contents of a block.
    pub fn source_of(&self, block: FileBlock) -> Option<Phys> {
        match self.source {
            Some(source) => Some(source.phys()? + (block - self.start)),
            None => self.addr_of(block),
        }
    }

    /// Whether the parts of a block that a write does not cover are read, inside end of file: else they are zeros
    /// (`iomap_block_needs_zeroing`, fs/iomap/buffered-io.c, 6.1 to 7.3).
    pub(crate) fn is_to_be_read(&self) -> bool {
        let fresh = self.new && self.source.is_none();
        self.source_kind() == IomapType::Mapped && !fresh
    }

    /// The use of it for a block.
    pub(crate) fn used_at(&self, block: FileBlock) -> MappingUse {
        MappingUse { mapping: self.start..self.end, at: block }
    }

    /// Whether it covers a block.
    pub fn covers(&self, block: FileBlock) -> bool {
        (self.start..self.end).contains(&block)
    }

    /// The device block that it gives for a block.
    pub fn addr_of(&self, block: FileBlock) -> Option<Phys> {
        Some(self.addr? + (block - self.start))
    }

    /// Whether a look-up that gave `extent` for `block` says the same as this mapping: the same type and,
    /// where there is one, the same address.
    pub fn agrees_with(&self, block: FileBlock, extent: Extent) -> bool {
        let (kind, first) = self.source.map_or((self.kind, self.addr), type_of);
        type_of(extent) == (kind, first.map(|first| first + (block - self.start)))
    }

    /// Whether using it for `block` would give another result than a fresh one: another choice between
    /// zeroing and reading, or another address to read from.
    pub fn misleads(&self, block: FileBlock, extent: Extent) -> bool {
        let read_from = |kind: IomapType, addr: Option<Phys>| addr.filter(|_| kind == IomapType::Mapped);
        let (kind, addr) = type_of(extent);
        read_from(self.source_kind(), self.source_of(block)) != read_from(kind, addr)
    }
}

impl fmt::Display for IomapType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IomapType::Hole => "hole",
            IomapType::Delalloc => "delalloc",
            IomapType::Mapped => "written",
            IomapType::Unwritten => "unwritten",
            IomapType::Inline => "inline",
        })
    }
}

impl ExtentMap {
    /// A mapping of the whole extent around a block.
    pub fn map(&self, block: FileBlock, sequence: &impl CookieSource) -> Iomap {
        self.map_part(self.extent_around(block), sequence)
    }

    /// A mapping of a part of an extent.
    pub fn map_part(&self, blocks: Range<FileBlock>, sequence: &impl CookieSource) -> Iomap {
        Iomap::of(self.get(blocks.start), blocks, false, sequence)
    }

    /// A NEW mapping of exactly `blocks`, which are of one extent.
    pub fn map_new(&self, blocks: Range<FileBlock>, sequence: &impl CookieSource) -> Iomap {
        Iomap::of(self.get(blocks.start), blocks, true, sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a mapping of a written copy, over `source` in the data fork, is filled from.
    fn filled_from(source: Extent) -> (IomapType, Option<Phys>) {
        let copy = Iomap::of_cow(Extent::Written(7), 0..1, false, &Cookie::default(), source);
        (copy.source_kind(), copy.source_of(0))
    }

    #[test]
    fn a_copy_is_filled_from_what_it_is_a_copy_of() {
        assert_eq!(filled_from(Extent::Written(3)), (IomapType::Mapped, Some(3)));
        assert_eq!(filled_from(Extent::Unwritten(3)), (IomapType::Unwritten, Some(3)));
        assert_eq!(
            filled_from(Extent::Hole),
            (IomapType::Mapped, Some(7)),
            "there is no srcmap, but the copy counts as written"
        );
    }

    #[test]
    fn a_copy_over_a_hole_is_nothing_to_unshare() {
        let over_hole = Iomap::of_cow(Extent::Delalloc, 0..2, true, &Cookie::default(), Extent::Hole);
        assert!(over_hole.is_private());
        let over_data = Iomap::of_cow(Extent::Delalloc, 0..2, true, &Cookie::default(), Extent::Written(3));
        assert!(over_data.agrees_with(1, Extent::Written(4)) && !over_data.is_private());
    }
}
