//! What an event says, the same for all kernels.
//!
//! Offsets and lengths are bytes of the file, unless their name says blocks or pages. What a kernel prints as text only (flags,
//! callers) stays text.

use serde::Serialize;

/// The type of an extent or a mapping (`include/linux/iomap.h`, `IOMAP_HOLE` to `IOMAP_INLINE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum MapKind {
    Hole,
    Delalloc,
    Mapped,
    Unwritten,
    Inline,
}

/// An extent map of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fork {
    /// What the file is.
    Data,
    /// Copies of shared blocks that are not the file's yet.
    Cow,
    /// Extended attributes: nothing of the contents.
    Attr,
}

/// Which mapping of an iteration: `iomap_iter` has a source beside the mapping when blocks are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Source {
    Destination,
    Source,
}

/// Begin or end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It begins.
    Begin,
    /// It is over.
    End,
    /// It is no call but a remark.
    Moment,
}

/// A call that the traced program wrote into the trace itself (`trace_marker`), with what it said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Its name: `pwrite`, `sync_file_range`, `check` (a comparison of the contents).
    pub call: String,
    /// Whether it begins or is over.
    pub phase: Phase,
    /// The call's number, by which its end finds its beginning.
    pub id: Option<u64>,
    /// Where the range begins that it is about.
    pub offset: Option<u64>,
    /// How long the range is.
    pub length: Option<u64>,
    /// The byte that it writes.
    pub tag: Option<u64>,
    /// What it returned.
    pub returned: Option<i64>,
    /// For a comparison: how many bytes were wrong.
    pub bad: Option<u64>,
    /// The first wrong byte.
    pub first: Option<u64>,
    /// The last wrong byte.
    pub last: Option<u64>,
    /// For a comparison: of what is `cached`, or on `disk`.
    pub what: Option<String>,
    /// For a round of a random run: its number.
    pub round: Option<u64>,
}

/// An iteration of iomap asks for a mapping (`iomap_iter`; `iomap_apply` before 5.15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Where; a kernel before 6.12 prints where the iteration *before* was.
    pub offset: u64,
    /// How much is left.
    pub length: u64,
    /// What for: WRITE, ZERO, REPORT, FAULT, DIRECT, as the kernel writes them; empty for a read.
    pub flags: String,
    /// The operations of the file system.
    pub ops: String,
    /// The function that iterates.
    pub caller: String,
}

/// A mapping, as it was handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// Where in the file it begins.
    pub offset: u64,
    /// How far it goes.
    pub length: u64,
    /// Where it is on the device; `None` where nothing is.
    pub address: Option<u64>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: MapKind,
    /// Its flags (`IOMAP_F_…`), as the kernel writes them.
    pub flags: String,
}

/// A mapping with the counter that it was sampled under, beside the counter of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sampled {
    /// Where in the file the mapping begins.
    pub offset: u64,
    /// How far it goes.
    pub length: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: MapKind,
    /// Its flags, as a number.
    pub flags: u64,
    /// The counter when it was sampled: of the data fork, and above bit 32 of the COW fork.
    pub cookie: u64,
    /// The counter now, where the event has it.
    pub sequence: Option<u64>,
}

/// What happens to a folio, or to a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum FolioChange {
    Added,
    Deleted,
    /// From clean to dirty; nothing is said when it was dirty.
    Dirtied,
    /// Taken for writeback.
    Cleaned,
    WritebackStarted,
    /// Is sometimes not seen: what comes after it implies it.
    WritebackEnded,
    /// The file system was asked whether it can go.
    Released,
    Invalidated,
}

/// Where a folio is. The size of pages is not in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// By its number.
    Page {
        /// In pages.
        page: u64,
    },
    /// By bytes.
    Bytes {
        /// Where it begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// By its first byte, and two to how many pages it has.
    Order {
        /// Where it begins.
        offset: u64,
        /// The order of its allocation; a kernel before 6.1 does not say.
        order: u32,
    },
}

/// How an extent map changes. Each but `Before` moves the counter by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockChange {
    /// A record is there that was not.
    Insert,
    /// A record is gone.
    Remove,
    /// What a record was before it is changed.
    Before,
    /// What it is now.
    After,
}

/// What is done with a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Lock {
    Taken,
    /// Asked for without waiting; what came of it is not said.
    Tried,
    Released,
    /// From exclusive to shared.
    Demoted,
}

/// Stations of direct I/O.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direct {
    /// The call begins.
    Begin,
    /// It was submitted, and goes on by itself.
    Queued,
    /// All of it is done.
    Complete,
    /// The file system's end of a write: it was over written blocks.
    EndWrite,
    /// The same over unwritten blocks, which are converted.
    EndUnwritten,
    /// The same behind end of file, which moves.
    EndAppend,
    /// The page cache beside it could not be dropped.
    InvalidateFail,
}

/// One event of an inode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// What is traced, said by the traced program.
    Meta {
        /// Its release, as `uname -r` has it.
        kernel: String,
        /// The size of a block.
        block: u64,
        /// What it is an example of.
        note: String,
    },
    /// The traced program makes a call.
    Call(Call),
    /// iomap asks for a mapping.
    Request(Request),
    /// It is handed out; printed after the lock of the map was released.
    Mapping {
        /// Which of the two.
        of: Source,
        /// The mapping.
        #[serde(flatten)]
        mapping: Mapping,
    },
    /// XFS makes a mapping (kprobe on `xfs_bmbt_to_iomap`).
    Sample {
        /// The first block.
        start: u64,
        /// How many blocks.
        blocks: u64,
        /// The counter that it is sampled under.
        cookie: u64,
    },
    /// XFS found an extent, or made one, for iomap or for writeback.
    Found {
        /// The event's name: for whom, and whether it was there.
        by: String,
        /// What was asked for.
        offset: u64,
        /// How much.
        length: u64,
        /// Where it was found.
        fork: Fork,
        /// The extent's first block in the file.
        start: u64,
        /// How many blocks it has.
        blocks: u64,
        /// Where it is on the device, in blocks; `None` in a hole and for a reservation.
        block: Option<u64>,
    },
    /// The kernel compares a mapping's counter (kprobe on `xfs_iomap_valid`), with the folio locked.
    Check(Sampled),
    /// What it answers.
    Answer {
        /// The mapping may be used.
        valid: bool,
    },
    /// The kernel says that a mapping is stale (`xfs_iomap_invalid`, since 6.3).
    Stale(Sampled),
    /// Writeback finds that its mapping is stale; printed twice for each time.
    WritebackStale {
        /// By which fork's counter.
        fork: Fork,
        /// The mapping.
        #[serde(flatten)]
        sampled: Sampled,
    },
    /// `iomap_write_begin` (kprobe).
    WriteBegin {
        /// Where.
        offset: u64,
        /// How much at most.
        length: u64,
    },
    /// It returns.
    WriteBegun {
        /// 0, also when the mapping was stale; or an error.
        returned: i64,
    },
    /// `iomap_write_end` (kprobe).
    WriteEnd {
        /// Where.
        offset: u64,
        /// How much was to be copied.
        length: u64,
        /// How much was.
        copied: u64,
    },
    /// A block is read before a part of it is written (`iomap_read_folio_sync`, kprobe).
    ReadBlock {
        /// Where.
        offset: u64,
        /// How much.
        length: u64,
    },
    /// A folio changes.
    Folio {
        /// How.
        change: FolioChange,
        /// Which one.
        #[serde(flatten)]
        place: Place,
    },
    /// Pages are read ahead, or one is read.
    Read {
        /// How many.
        pages: u64,
    },
    /// A page fault of a mapping; the event has no offset.
    Fault {
        /// It is for a store.
        write: bool,
    },
    /// `iomap_page_mkwrite` (kprobe): a page is to be written through a mapping.
    Mkwrite {
        /// Its number.
        page: u64,
    },
    /// Writeback has a folio.
    Writeback {
        /// Where.
        offset: u64,
        /// How long it is, up to end of file.
        length: u64,
        /// End of file.
        size: u64,
    },
    /// The mapping that writeback uses for a block or a dirty range.
    WritebackMapping {
        /// Of what; a kernel before 6.7 does not say.
        of: Option<u64>,
        /// How much of that is dirty, where it is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        dirty: Option<u64>,
        /// The mapping.
        #[serde(flatten)]
        mapping: Mapping,
    },
    /// Unwritten blocks become written: the beginning, the change itself is the extents' events behind it.
    Convert {
        /// Where.
        offset: u64,
        /// How much.
        length: u64,
    },
    /// The extent map changes.
    Extent {
        /// How.
        change: BlockChange,
        /// Of which fork.
        fork: Fork,
        /// The record's first block in the file.
        start: u64,
        /// Where it is on the device, in blocks; `None` for a reservation.
        block: Option<u64>,
        /// How many blocks.
        blocks: u64,
        /// They have never been written.
        unwritten: bool,
        /// Who does it.
        caller: String,
    },
    /// A counter is about to move (kprobe).
    Counter {
        /// By what.
        change: BlockChange,
        /// Of which fork.
        fork: Fork,
        /// What it is before.
        before: u64,
    },
    /// A lock of the inode.
    Lock {
        /// What is done.
        action: Lock,
        /// Which ones, and how, as the kernel writes them: `IOLOCK_EXCL|MMAPLOCK_EXCL`.
        locks: String,
        /// Who does it.
        caller: String,
    },
    /// The file system's part of a call.
    File {
        /// The event's name without what all have: `buffered_write`, `fsync`.
        call: String,
        /// Where.
        offset: Option<u64>,
        /// How much.
        length: Option<u64>,
    },
    /// Direct I/O.
    Direct {
        /// Where it is.
        station: Direct,
        /// Where in the file.
        offset: u64,
        /// How much.
        length: u64,
    },
    /// Copies of shared blocks become the file's, or the size is logged.
    Completion {
        /// The event's name.
        what: String,
        /// Where.
        offset: u64,
        /// How much.
        length: u64,
    },
    /// A copy from user space waits for its source (kprobe on `handle_userfault`); of whichever file.
    Stall {
        /// The address.
        address: u64,
    },
}
