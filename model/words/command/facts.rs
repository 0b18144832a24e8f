//! What can be known of a command without running it: the columns of [`Command::facts`](super::Command::facts).
//!
//! No value here stands for "nothing was said": whoever adds a command says each of these of it.

use std::ops::Range;

use crate::words::geometry::{MAX_CELLS, PAGE_SIZE};
use crate::words::personality::Personality;

/// The number of a file: its place in [`Config::files`](crate::words::config::Config::files).
pub type FileId = u8;

/// The number of a user buffer: its place among the writes that take their data from one.
pub type BufferId = u8;

/// Through what a read or write goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Io {
    /// The page cache.
    #[default]
    Buffered,
    /// O_DIRECT: the file was opened with `-d`.
    Direct,
    /// O_DIRECT, submitted and not waited for (`@aio`); `@wait` waits.
    Aio,
}

/// What is known of a command: its row. Bytes are those of the command's file.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The system call, as kernel people name what a task is in; `None` where there is none that is worth a name.
    pub call: Option<&'static str>,
    /// The bytes that it names.
    pub touches: Touches,
    /// What it does to the size of the file.
    pub size: SizeEffect,
    /// Whether device blocks may come to lie elsewhere in a file, or be free for others.
    pub blocks: Blocks,
    /// What data it puts into the file.
    pub data: Data,
    /// What the file system must have for it.
    pub needs: &'static [Need],
    /// What else is to be known.
    pub role: Role,
}

/// The bytes that a command names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Touches {
    /// None, or whatever there is.
    Nothing,
    /// A range.
    Bytes(Range<u64>),
    /// A range of mapped memory, which is accessed page by page.
    Pages(Range<u64>),
    /// From here to the end of file, wherever that is.
    From(u64),
    /// A range, in calls of so many bytes.
    Calls(Range<u64>, u64),
    /// What becomes the end of file.
    End(u64),
    /// As many bytes of another file as the range has, from here on, and the range.
    Copy(u64, Range<u64>),
}

/// What a command does to the size of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SizeEffect {
    /// Nothing.
    Keeps,
    /// It is this at least.
    GrowsTo(u64),
    /// It is this.
    Becomes(u64),
    /// The range is taken out. One that does not end below end of file is refused.
    Loses(Range<u64>),
    /// The range is put in. One that does not start below end of file is refused.
    Gains(Range<u64>),
}

/// Whether a command takes device blocks from their place in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocks {
    /// Blocks stay where they are; new ones may be allocated.
    Stay,
    /// Blocks come to lie elsewhere, or become free.
    Move,
    /// Blocks come to lie in a further place: extents share them.
    Share,
}

/// The data that a command puts into a file, by the pattern.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Data {
    /// None.
    Nothing,
    /// A task writes it.
    Written(u8),
    /// A device stores it into mapped pages, which are pinned.
    Pinned(u8),
}

/// What a command needs of the file system.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Whether a file system does not have it.
    pub lacked: fn(&Personality) -> bool,
    /// What such a file system says to the command.
    pub why: &'static str,
}

/// What else a command is, beside what it does to its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Nothing else.
    Plain,
    /// It is read(2) or write(2), through this.
    Io(Io),
    /// It says where the file has data, or reads what it has there.
    Searches,
    /// Device blocks of its file and of this one come to lie in the other.
    PassesBlocks(FileId),
    /// Blocks are allocated before anything is written to them.
    Preallocates,
    /// The same, and they are handed out to somebody who writes to them by himself.
    HandsOut,
    /// Blocks that are shared get others in their place.
    Unshares,
    /// Its blocks come to lie elsewhere on the device.
    Relocates,
    /// Its data begin, or cease, to be journalled.
    SetsDataMode,
    /// What was written is to be on the device when it returns.
    Syncs,
    /// The file system stops.
    Stops,
    /// Power is lost.
    LosesPower,
    /// It says what the next write meets.
    Announces(Fault),
}

/// What is announced about the next write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What it meets.
    pub kind: FaultKind,
    /// After how many bytes.
    pub after: u64,
}

/// What a write meets on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Its source faults for good.
    Fail,
    /// Its source faults once: then the page is resident.
    Short,
    /// A fatal signal, when it is about to take the folio of this byte.
    Kill,
}

impl FaultKind {
    /// The command that announces it.
    pub const fn name(self) -> &'static str {
        match self {
            FaultKind::Fail => "@fail",
            FaultKind::Short => "@short",
            FaultKind::Kill => "@kill",
        }
    }

    /// Whether the write comes no further.
    pub const fn ends_write(self) -> bool {
        matches!(self, FaultKind::Fail | FaultKind::Kill)
    }

    /// Whether the copy stops at the very byte. A signal is looked at before a folio is taken.
    pub const fn stops_copy(self) -> bool {
        matches!(self, FaultKind::Fail | FaultKind::Short)
    }
}

impl Touches {
    /// The byte offsets at which this cuts the files.
    pub fn cuts(&self) -> Vec<u64> {
        match self {
            Touches::Nothing => Vec::new(),
            Touches::Bytes(range) => vec![range.start, range.end],
            Touches::Pages(range) => {
                let inner = (1..).map_while(|n| {
                    let cut = (range.start / PAGE_SIZE + n).checked_mul(PAGE_SIZE)?;
                    (cut < range.end && n <= MAX_CELLS as u64).then_some(cut)
                });
                inner.chain([range.start, range.end]).collect()
            }
            Touches::From(at) | Touches::End(at) => vec![*at],
            Touches::Calls(range, chunk) => {
                let inner = (1..).map_while(|n| {
                    let cut = range.start.checked_add(chunk.checked_mul(n)?)?;
                    (cut < range.end && n <= MAX_CELLS as u64).then_some(cut)
                });
                inner.chain([range.start, range.end]).collect()
            }
            Touches::Copy(from, range) => {
                vec![*from, from + (range.end - range.start), range.start, range.end]
            }
        }
    }
}

impl SizeEffect {
    /// The size of a file of `size` bytes afterwards.
    pub fn after(&self, size: u64) -> u64 {
        match self {
            SizeEffect::GrowsTo(end) => size.max(*end),
            SizeEffect::Becomes(size) => *size,
            SizeEffect::Loses(range) if range.end < size => size - (range.end - range.start),
            SizeEffect::Gains(range) if range.start < size => size.saturating_add(range.end - range.start),
            SizeEffect::Keeps | SizeEffect::Loses(_) | SizeEffect::Gains(_) => size,
        }
    }

    /// By how many bytes what lies behind it is moved upwards.
    pub fn moves_up(&self) -> u64 {
        match self {
            SizeEffect::Gains(range) => range.end - range.start,
            SizeEffect::Keeps | SizeEffect::GrowsTo(_) | SizeEffect::Becomes(_) | SizeEffect::Loses(_) => 0,
        }
    }
}

impl Data {
    /// The pattern, if there is data.
    pub fn pattern(self) -> Option<u8> {
        match self {
            Data::Nothing => None,
            Data::Written(fill) | Data::Pinned(fill) => Some(fill),
        }
    }
}
