//! What happens to an extent map, and to the mappings that were sampled from it.

use std::ops::Range;

use crate::state::mapping::{Iomap, IomapType};
use crate::state::validity::{Beside, Cookie, Moved};
use crate::words::extent::{Extent, Fork, Phys};
use crate::words::geometry::{Cell, Geometry};

/// The change counters of a file, or a validity cookie, which is made of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seq {
    /// The data fork's.
    pub data: u64,
    /// The COW fork's; `None` where that does not count or has never changed.
    pub cow: Option<u64>,
    /// i_size in bytes, where a cookie has it.
    pub size: Option<u64>,
    /// How often blocks were dirtied, where the cookie counts that.
    pub dirtied: Option<u64>,
}

impl Seq {
    /// What a cookie has.
    pub fn of_cookie(geometry: &Geometry, cookie: Cookie) -> Self {
        let (data, cow) = cookie.counters();
        let Beside { size, dirtied } = cookie.beside();
        Seq { size: size.map(|size| geometry.byte_at(size as Cell)), dirtied, ..Seq::of_forks(data, cow) }
    }

    /// The counters of the forks alone.
    pub const fn of_forks(data: u64, cow: Option<u64>) -> Self {
        Seq { data, cow, size: None, dirtied: None }
    }

    /// These, but for one that has moved.
    pub(crate) fn with(self, moved: Moved) -> Self {
        match moved.fork {
            Fork::Data => Seq { data: moved.is, ..self },
            Fork::Cow => Seq { cow: Some(moved.is), ..self },
        }
    }

    /// Whether a comparison finds these newer than those sampled.
    pub fn is_newer_than(self, sampled: Seq) -> bool {
        self.data > sampled.data || sampled.cow.is_some() && self.cow > sampled.cow
    }
}

/// The path that sampled a mapping, by what it calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sampler {
    /// `->iomap_begin` of write(2).
    Write,
    /// `->iomap_begin` of zeroing.
    Zero,
    /// `->iomap_begin` of unsharing.
    Unshare,
    /// `->iomap_begin` of a direct write.
    DirectWrite,
    /// `->iomap_begin` of a direct read.
    DirectRead,
    /// `->iomap_begin` of SEEK_DATA and SEEK_HOLE.
    Seek,
    /// `->iomap_begin` of fiemap.
    Fiemap,
    /// `->map_blocks` of writeback.
    Writeback,
    /// A look-up of blocks that are to be moved.
    Relocate,
    /// LAYOUTGET.
    Layout,
}

/// A mapping, as it was handed out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// What it says of the blocks.
    pub kind: IomapType,
    /// Which bytes it maps.
    pub bytes: Range<u64>,
    /// Whose blocks they are: IOMAP_F_SHARED is the COW fork.
    pub fork: Fork,
    /// IOMAP_F_NEW.
    pub new: bool,
    /// Whether it says unwritten since the blocks lie behind the valid size.
    pub behind_valid: bool,
    /// The device block of the first one, if there is one.
    pub device: Option<Phys>,
    /// The validity cookie.
    pub cookie: Seq,
}

impl Mapping {
    /// A mapping, in bytes.
    pub(crate) fn of(geometry: &Geometry, iomap: &Iomap) -> Self {
        Mapping {
            kind: iomap.kind,
            bytes: geometry.bytes_of_blocks(&(iomap.start..iomap.end)),
            fork: if iomap.shared { Fork::Cow } else { Fork::Data },
            new: iomap.new,
            behind_valid: false,
            device: iomap.addr,
            cookie: Seq::of_cookie(geometry, iomap.cookie),
        }
    }
}

/// Who checked a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checker {
    /// `->iomap_valid` of a buffered write, and of zeroing and unsharing that ask as a write does.
    Write,
    /// Zeroing that asks by itself.
    Zero,
    /// Unsharing that does.
    Unshare,
    /// A write fault.
    Fault,
    /// Who fills a folio for a reader.
    Read,
    /// A direct write.
    DirectWrite,
    /// A direct read.
    DirectRead,
    /// A reflink.
    Reflink,
    /// SEEK_DATA and SEEK_HOLE.
    Seek,
    /// `xfs_imap_valid` of writeback.
    Writeback,
}

/// What a check found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The mapping is taken to be valid.
    Valid,
    /// It is out of date.
    Stale {
        /// Its cookie.
        sampled: Seq,
        /// What the inode has now, as far as the check looked.
        now: Option<Seq>,
        /// What becomes of the mapping.
        then: AfterStale,
    },
}

/// What becomes of a mapping that was found stale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AfterStale {
    /// It is dropped.
    Dropped,
    /// It is kept, with the present cookie.
    Kept,
    /// The next one is looked up at once.
    LookUp,
}

/// A mapping was used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Use {
    /// What it said.
    pub says: Says,
    /// The blocks that it was asked for; none where it was used for the file as a whole.
    pub at: Vec<Range<u64>>,
    /// What a fresh one would have said.
    pub truth: Truth,
    /// What was left undone for it.
    pub skips: Option<Skip>,
}

/// What a mapping says of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    /// Its kind.
    Kind(IomapType),
    /// Written, and new: nothing was there before.
    WrittenNew,
    /// Where on the device it is.
    Device(Phys),
    /// That the data lie in the inode, where they are to be stored.
    IntoInode,
}

/// What is so where a mapping was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Truth {
    /// What the mapping says, as far as it matters.
    AsItSays,
    /// The block is of this extent, and the mapping misleads.
    Extent(Extent),
    /// The block is written, but in another place on the device.
    At(Phys),
    /// The block was new, and has been written since.
    WrittenSince,
    /// There is neither block nor reservation.
    Unbacked,
    /// The block is not there on the device, or not the file's alone.
    Elsewhere,
    /// The block is shared with another extent.
    Shared,
    /// The inode has block pointers where the mapping says that the data are.
    BlockPointers,
}

/// What is left undone for what a mapping says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Skip {
    /// Zeroing: the device has nothing to zero.
    Zeroing,
    /// Unsharing: the blocks are the file's own, or there are none.
    Unsharing,
    /// Writing: there is no place for the data.
    Writing,
    /// Reading: there are no data, and the page cache has none.
    Reading,
}

impl Use {
    /// A use that went well.
    pub fn good(says: Says, at: Vec<Range<u64>>) -> Self {
        Use { says, at, truth: Truth::AsItSays, skips: None }
    }

    /// A use in which the mapping misled.
    pub fn bad(says: Says, at: Vec<Range<u64>>, truth: Truth) -> Self {
        Use { says, at, truth, skips: None }
    }

    /// Whether a fresh mapping would have said otherwise.
    pub fn misleads(&self) -> bool {
        self.truth != Truth::AsItSays
    }
}

/// A change of the extent map: every mapping of the file that was sampled before is out of date from here on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MapChange {
    /// Extents of a fork became others.
    Extents {
        /// Whose.
        fork: Fork,
        /// What was there.
        from: IomapType,
        /// What is there now.
        to: IomapType,
        /// Where.
        bytes: Range<u64>,
        /// Whether all of that changed.
        coverage: Coverage,
    },
    /// Extents of the data fork became others, whatever they were.
    Replaced {
        /// What the blocks were that changed, one after the other.
        from: Vec<Extent>,
        /// What the first of them is now.
        to: Extent,
        /// Where.
        bytes: Range<u64>,
        /// Whether all of that changed.
        coverage: Coverage,
    },
    /// What was written into the COW fork took its place in the data fork.
    CowToData {
        /// Where.
        bytes: Range<u64>,
    },
    /// The blocks of another file took the place of what was there.
    Remapped {
        /// Where.
        bytes: Range<u64>,
    },
    /// A stuffed file's data moved out of the inode into blocks.
    Unstuffed {
        /// Where.
        bytes: Range<u64>,
    },
    /// The extents behind a range moved.
    Shifted {
        /// Which way.
        shift: Shift,
        /// The range that they moved onto or from.
        bytes: Range<u64>,
    },
    /// The counter moved, and no extent changed.
    CounterOnly,
}

/// How much of a range changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// All of it.
    Whole,
    /// What was of the kind that changes; at least one block.
    Parts,
}

/// Which way extents move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shift {
    /// To lower offsets, onto the range: `xfs_bmap_collapse_extents`.
    Down,
    /// To higher offsets, from the range on: `xfs_bmap_insert_extents`.
    Up,
}

impl MapChange {
    /// All of a range of the data fork became another extent.
    pub fn data(from: IomapType, to: IomapType, bytes: Range<u64>) -> Self {
        MapChange::Extents { fork: Fork::Data, from, to, bytes, coverage: Coverage::Whole }
    }

    /// All of a range of the COW fork became another extent.
    pub fn cow(from: IomapType, to: IomapType, bytes: Range<u64>) -> Self {
        MapChange::Extents { fork: Fork::Cow, from, to, bytes, coverage: Coverage::Whole }
    }

    /// Where extents changed; `None` where none did.
    pub fn bytes(&self) -> Option<Range<u64>> {
        match self {
            MapChange::Extents { bytes, .. }
            | MapChange::Replaced { bytes, .. }
            | MapChange::CowToData { bytes }
            | MapChange::Remapped { bytes }
            | MapChange::Unstuffed { bytes } => Some(bytes.clone()),
            MapChange::Shifted { bytes, .. } => Some(bytes.start..u64::MAX),
            MapChange::CounterOnly => None,
        }
    }

    /// Whether an extent of the COW fork changed.
    pub fn is_of_cow(&self) -> bool {
        matches!(self, MapChange::Extents { fork: Fork::Cow, .. } | MapChange::CowToData { .. })
    }
}
