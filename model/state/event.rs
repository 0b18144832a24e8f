//! What a run of the modelled kernel tells observers of a replay, as data. None of it is part of the state, and none
//! of it is text: words are made of it last, by who shows it.
//!
//! Ranges are of bytes of the file.

mod mapping;
mod spent;

use std::ops::Range;

use stalemap_facade::{Returned, SystemEvent};

pub use self::mapping::{
    AfterStale, Checker, Coverage, MapChange, Mapping, Sampler, Says, Seq, Shift, Skip, Truth, Use, Verdict,
};
pub use self::spent::{Expense, LockKind, LookedUp, Method, Needless, Spent};
use crate::state::mapping::IomapType;
use crate::state::tracepoint::Tracepoint;
use crate::state::validity::Compared;
use crate::words::cell_contents::CellContents;
use crate::words::command::Whence;
use crate::words::extent::Fork;
use crate::words::geometry::{FileBlock, FolioIndex};
use crate::words::personality::Hooks;

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelEvent {
    /// What the file is called, where there are several.
    pub file: Option<String>,
    /// Where a mapping is used or was compared: what a comparison looks at.
    pub compared: Option<Compared>,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A tracepoint was hit.
    Tracepoint(Tracepoint),
    /// The extent map changed, or its counter moved.
    MapChanged(MapChange),
    /// A fork's change counter moved.
    Counted {
        /// Which fork's.
        fork: Fork,
        /// What it was.
        from: u64,
        /// What it is.
        to: u64,
        /// The blocks that changed.
        blocks: Vec<FileBlock>,
    },
    /// The actor sampled a mapping, and keeps it.
    Sampled(Sampler, Mapping),
    /// The actor loaded the cookie of its mapping after it had sampled that.
    SampledCookie(Seq),
    /// The actor checked whether its mapping is valid.
    Checked(Checker, Verdict),
    /// The actor used its mapping.
    Used(Use),
    /// The actor dropped its mapping.
    Dropped(Dropped),
    /// `->page_mkwrite` mapped a block that it is about to let a task store into.
    MkwriteMapped {
        /// Whether the folio was locked before.
        folio_locked: bool,
        /// The mapping.
        mapping: Mapping,
    },
    /// What happened to a folio or to its place in the page cache.
    Folio(FolioEvent),
    /// Data moved.
    Data(DataEvent),
    /// i_size was set to this many bytes.
    Size(u64),
    /// The valid size was.
    ValidSize(u64),
    /// The call or a part of it failed.
    Failed(Errno),
    /// A call of this command of the actor returned; if it failed, the last error before is why.
    Returned(u16, Returned),
    /// Whether the data of the file are journalled from here on.
    DataMode(Hooks),
    /// By which functions it goes on: those of journalled data, or not.
    LookedAtDataMode(Hooks),
    /// A store or load failed; the task gets SIGBUS.
    Sigbus(Option<Errno>),
    /// A direct write goes on as a buffered one.
    BufferedInstead(Fallback),
    /// mmap(2) moves the valid size to here, if it lies before that.
    MmapExtends(u64),
    /// The source of a write has to be faulted in.
    SourceMissing,
    /// So many blocks are left of what a write may allocate.
    BudgetLeft(u16),
    /// Zeroing found dirty page cache over what its mapping says is empty: it flushes and maps again.
    FlushToZero,
    /// The buffers of a folio were joined to the transaction.
    BuffersJoined,
}

/// Why a direct write goes on as a buffered one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fallback {
    /// ENOTBLK.
    NotBlock,
    /// The file has checksums.
    Checksums,
}

/// How a mapping was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dropped {
    /// `->iomap_end`.
    IomapEnd,
    /// The I/O is built, and the mapping is not needed any more.
    Done,
    /// The call failed.
    Failed(Errno),
}

/// An error, by its name in C.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Errno {
    /// EAGAIN
    Again,
    /// ENOSPC
    NoSpace,
    /// EIO
    Io,
    /// EFAULT
    Fault,
    /// EINTR
    Interrupted,
    /// ENOMEM
    NoMemory,
    /// EINVAL
    Invalid,
    /// EBUSY
    Busy,
    /// EOPNOTSUPP
    NotSupported,
}

impl Errno {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Errno::Again => "EAGAIN",
            Errno::NoSpace => "ENOSPC",
            Errno::Io => "EIO",
            Errno::Fault => "EFAULT",
            Errno::Interrupted => "EINTR",
            Errno::NoMemory => "ENOMEM",
            Errno::Invalid => "EINVAL",
            Errno::Busy => "EBUSY",
            Errno::NotSupported => "EOPNOTSUPP",
        }
    }
}

/// What happened to a folio.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FolioEvent {
    /// It was added to the page cache.
    Added(FolioIndex),
    /// It was dropped from the page cache.
    Dropped(FolioIndex),
    /// It could not be dropped.
    Kept(FolioIndex),
    /// There was none to be dropped.
    Absent(FolioIndex),
    /// It could not be dropped, but which of its blocks are valid and dirty was forgotten.
    KeptStateLost(FolioIndex),
    /// It was not dropped since it is dirty.
    KeptDirty(FolioIndex),
    /// It was truncated.
    Removed(FolioIndex),
    /// It left the page cache before it was locked: the write looks it up again.
    GoneForWrite(FolioIndex),
    /// It left the page cache before it was locked: the task faults again.
    GoneForFault(FolioIndex),
    /// Its dirty flag was cleared for I/O.
    Cleaned(FolioIndex),
    /// It was read.
    Filled {
        /// Which.
        index: FolioIndex,
        /// What the mappings of its blocks say, each kind once.
        kinds: Vec<IomapType>,
        /// Whether those that say unwritten do so since the blocks lie behind the valid size.
        behind_valid: bool,
    },
    /// The checksums of its blocks were calculated, which are to be written.
    Summed(FolioIndex),
    /// Its writeback is complete.
    Written(FolioIndex),
    /// A task maps it.
    Mapped {
        /// Which.
        index: FolioIndex,
        /// Whether the task may store into it.
        writable: bool,
    },
    /// A device that is to store into it refers to it.
    Pinned(FolioIndex),
    /// It was dirtied as it is.
    Redirtied(FolioIndex),
}

/// Data that moved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DataEvent {
    /// A write copied its data into a folio, zeroed it, or dirtied it to unshare it.
    Copied {
        /// Which of these.
        fill: Fill,
        /// What was done.
        bytes: Range<u64>,
        /// Whether that is less than was to be done.
        short: bool,
    },
    /// A read returned data.
    Read(Given),
    /// A search returned.
    Sought {
        /// What it looked for.
        whence: Whence,
        /// The byte where that is; `None` for ENXIO.
        found: Option<u64>,
    },
    /// A task loaded from its mapping.
    Loaded(Given),
    /// A task stored into its mapping.
    Stored(Range<u64>),
    /// What a direct write takes from memory was copied, with its checksum.
    BufferCopied {
        /// What the memory is called.
        buffer: String,
        /// Which bytes of it.
        bytes: Range<u64>,
    },
    /// The checksums of what a direct write finds in memory were calculated.
    Summed(Range<u64>),
    /// The device has been given something else for these bytes than what the checksum was calculated from.
    OtherChecksum(Range<u64>),
    /// A device stored into the page that it has pinned.
    DeviceStored(Range<u64>),
    /// A task stored into the memory that a write takes its data from.
    BufferStored {
        /// What that is called.
        buffer: String,
        /// Which bytes of it.
        bytes: Range<u64>,
    },
    /// A block was read from the device into its folio.
    BlockRead(Range<u64>),
    /// A part of a folio was zeroed since its mapping says that the device has nothing.
    ZeroedInMemory(Range<u64>),
    /// A part of a folio was zeroed by a truncate.
    ZeroedInCache(Range<u64>),
    /// The tail of a stuffed file was zeroed.
    ZeroedInInode(Range<u64>),
    /// Writeback I/O was submitted.
    Submitted(Range<u64>),
    /// Writeback I/O failed.
    WriteFailed(Range<u64>),
    /// The file does not have the blocks any more that were copied, and keeps what it has.
    CopyUnused(Range<u64>),
    /// Direct I/O arrived on the device.
    OnDevice {
        /// Which bytes.
        bytes: Range<u64>,
        /// Whether they are the zeros around what was written.
        zeros: bool,
    },
}

/// What a task was given of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// Which bytes.
    pub bytes: Range<u64>,
    /// What was in them, cell by cell.
    pub cells: Vec<(Range<u64>, CellContents)>,
}

/// What a pass puts into the file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fill {
    /// The user's data.
    Data,
    /// Zeros (`iomap_zero_range`): from the old end of file on, before a write beyond it, or on their own.
    Zero,
    /// What is there already, so that it gets blocks of its own (`iomap_file_unshare`).
    Unshare,
}

impl SystemEvent for KernelEvent {
    fn log(&self, step: usize, actor: &str) {
        if let What::Tracepoint(tracepoint) = &self.what {
            tracepoint.log(step, actor);
        }
    }
}
