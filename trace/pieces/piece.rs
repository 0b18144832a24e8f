//! What is said of a page: a piece, or why there is none.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use crate::event::{BlockChange, Event, FolioChange, Fork, MapKind};
use crate::line::Task;

/// What the lines of a trace do not say exactly, and what is taken for so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A mapping is printed when the lock of the map was released: it was sampled at some time since it was asked for.
    MappingIsPrintedLate,
    /// A change of the extents is printed before or after the counter moves: it is made between the lines before and behind it of
    /// the same task.
    ChangeIsPrintedNearby,
    /// No event says when a read is complete.
    ReadEndsUnseen,
    /// The end of writeback is said when it begins to end.
    WritebackEndsLater,
    /// The end of writeback was not seen at all: the probe misses it in an interrupt. What came next implies it.
    WritebackEndIsImplied,
    /// A folio of several pages is asked about page by page.
    PageOfLargeFolio,
    /// All of a folio is dirty if one page of it is (before 6.6).
    DirtyWithFolio,
    /// A mapping is dropped before it comes to the page: it is asked about where it was used.
    MappingNotReached,
    /// Extents of the file change elsewhere: of that only the counter is seen here.
    ChangedElsewhere,
    /// The kernel that it is asked about compares nothing: the answer "valid" is left out.
    AnswerNotCompared,
}

impl Rule {
    /// All, in the order of reports.
    pub const ALL: [Rule; 10] = [
        Rule::MappingIsPrintedLate,
        Rule::ChangeIsPrintedNearby,
        Rule::ReadEndsUnseen,
        Rule::WritebackEndsLater,
        Rule::WritebackEndIsImplied,
        Rule::PageOfLargeFolio,
        Rule::DirtyWithFolio,
        Rule::MappingNotReached,
        Rule::ChangedElsewhere,
        Rule::AnswerNotCompared,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::MappingIsPrintedLate => "mapping-is-printed-late",
            Rule::ChangeIsPrintedNearby => "change-is-printed-nearby",
            Rule::ReadEndsUnseen => "read-ends-unseen",
            Rule::WritebackEndsLater => "writeback-ends-later",
            Rule::WritebackEndIsImplied => "writeback-end-is-implied",
            Rule::PageOfLargeFolio => "page-of-large-folio",
            Rule::DirtyWithFolio => "dirty-with-folio",
            Rule::MappingNotReached => "mapping-not-reached",
            Rule::ChangedElsewhere => "changed-elsewhere",
            Rule::AnswerNotCompared => "answer-not-compared",
        }
    }
}

/// Why events of a page are in no piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outside {
    /// The trace does not show whether the page was cached, or what its blocks were.
    BeginningUnseen,
    /// It was cached before the first that the trace shows of it.
    CachedBefore,
    /// The kernel had no room for events while it went on.
    EventsLost,
    /// Blocks are shared, or copied from shared ones.
    SharedBlocks,
    /// Direct I/O.
    DirectIo,
    /// The page was zeroed in the page cache.
    Zeroed,
    /// The file was truncated, punched or preallocated under it while it was cached or written.
    Truncated,
    /// A copy was shorter than asked for.
    ShortCopy,
    /// Its blocks were reserved or allocated together with others in a way that the piece cannot say.
    AllocatedWithOthers,
    /// More happened than a piece has room for.
    TooLong,
    /// It was written, and the trace has no event at `iomap_write_begin`.
    ProbesMissing,
}

impl Outside {
    /// In a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Outside::BeginningUnseen => "the trace does not show how it began",
            Outside::CachedBefore => "it was cached before the trace began",
            Outside::EventsLost => "events were lost",
            Outside::SharedBlocks => "blocks are shared",
            Outside::DirectIo => "direct I/O",
            Outside::Zeroed => "zeroed in the page cache",
            Outside::Truncated => "truncated, punched or preallocated",
            Outside::ShortCopy => "a short copy",
            Outside::AllocatedWithOthers => "allocated with others",
            Outside::TooLong => "too much happened",
            Outside::ProbesMissing => "written, and the probe at iomap_write_begin is missing",
        }
    }
}

/// What a task does with a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "deed", rename_all = "kebab-case")]
pub enum Deed {
    /// Writes bytes of it, by a call.
    Write {
        /// Which, from the page's first.
        bytes: Range<u64>,
        /// The call begins before the page.
        before: bool,
        /// The call goes on behind the page.
        beyond: bool,
    },
    /// Stores into it through a mapping.
    Store,
    /// Reads it into the page cache.
    Read,
    /// Writes it back.
    WriteBack,
    /// Writes a neighbour back, which has its blocks in the same reservation.
    WriteBackNeighbour {
        /// It is the one before the page, and not the one behind it.
        before: bool,
    },
    /// Dirties another page of the same folio, and so all of that.
    DirtyFolio,
    /// Drops it from the page cache.
    Drop,
}

/// A deed, and since which line it may be under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Does {
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
    /// It has not begun before this line.
    pub from: u64,
}

/// A task and what it does, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Doer {
    /// Who.
    pub task: Task,
    /// What.
    pub does: Vec<Does>,
}

/// What was seen of a page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Sight {
    /// A write's mapping is sampled.
    Sampled {
        /// What it says.
        says: MapKind,
        /// The bytes of the page that it covers and that are still to be written.
        bytes: Range<u64>,
    },
    /// A mapping that covers the page is found stale before it comes to it.
    RejectedBefore,
    /// The kernel compares a mapping's counter.
    Answered {
        /// What it says.
        valid: bool,
    },
    /// It comes into the page cache.
    Added,
    /// It has its contents, from blocks of these kinds.
    Filled {
        /// Each kind once, in order.
        kinds: Vec<MapKind>,
    },
    /// A block is read before a part of it is written.
    BlockRead {
        /// The block, by its number in the page.
        block: u64,
    },
    /// A write has copied.
    Copied {
        /// Which bytes of the page.
        bytes: Range<u64>,
    },
    /// A store maps a block.
    Stored {
        /// As what.
        says: MapKind,
    },
    /// It is taken for writeback.
    Cleaned,
    /// Writeback has a mapping for blocks of it.
    Mapped {
        /// What it says.
        says: MapKind,
    },
    /// Its writeback is over.
    WrittenBack,
    /// Blocks become of another kind.
    Changed {
        /// Which, by their numbers in the page.
        blocks: Range<u64>,
        /// What they were.
        from: MapKind,
        /// What they are.
        to: MapKind,
    },
    /// It leaves the page cache.
    Dropped,
}

/// Something seen, with the lines between which it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// What.
    #[serde(flatten)]
    pub sight: Sight,
    /// By which doer, where that matters.
    pub doer: Option<usize>,
    /// Not before this line.
    pub first: u64,
    /// Not behind this line.
    pub last: u64,
    /// The line that says it.
    pub line: u64,
    /// Whether it has to be explained.
    pub required: bool,
}

/// A piece of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// Where the page begins, in bytes.
    pub page: u64,
    /// The size of a block, in bytes.
    pub block: u64,
    /// What its blocks are in the beginning.
    pub kinds: Vec<MapKind>,
    /// Who does what.
    pub doers: Vec<Doer>,
    /// What was seen, in the order of the lines that say it.
    pub seen: Vec<Seen>,
    /// When the counter moves for changes elsewhere: lines between which it does.
    pub elsewhere: Vec<(u64, u64)>,
    /// Those of them that a rejection needs, by their places.
    pub needed: Vec<usize>,
    /// The page goes until it is not cached any more; otherwise the trace ends before.
    pub complete: bool,
    /// How often each rule was needed.
    pub rules: BTreeMap<Rule, u64>,
}

/// Which kinds of events the trace has at all: what the model does of a kind that is not traced is not looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[allow(missing_docs, clippy::struct_excessive_bools)]
pub struct Traces {
    pub write_begins: bool,
    pub write_ends: bool,
    pub answers: bool,
    pub reports_stale: bool,
    pub block_reads: bool,
    pub cleanings: bool,
    pub writeback_mappings: bool,
    pub writeback_ends: bool,
    pub mappings: bool,
    pub extents: bool,
    pub folios: bool,
    pub reads: bool,
}

impl Traces {
    /// The trace has this event, too.
    pub fn see(&mut self, event: &Event) {
        let kind = match event {
            Event::WriteBegin { .. } => &mut self.write_begins,
            Event::WriteEnd { .. } => &mut self.write_ends,
            Event::Answer { .. } => &mut self.answers,
            Event::Stale(_) => &mut self.reports_stale,
            Event::ReadBlock { .. } => &mut self.block_reads,
            Event::Folio { change: FolioChange::Cleaned, .. } => &mut self.cleanings,
            Event::Folio { change: FolioChange::WritebackEnded, .. } => &mut self.writeback_ends,
            Event::Folio { change: FolioChange::Added, .. } => &mut self.folios,
            Event::WritebackMapping { .. } => &mut self.writeback_mappings,
            Event::Mapping { .. } => &mut self.mappings,
            Event::Extent { .. } => &mut self.extents,
            Event::Read { .. } => &mut self.reads,
            _ => return,
        };
        *kind = true;
        // The probe is set with the one at the end of a write.
        self.block_reads |= self.write_ends;
    }

    /// Whether an event is one that a piece may be about.
    pub fn is_subject(event: &Event) -> bool {
        match event {
            Event::Folio { change, .. } => matches!(
                change,
                FolioChange::Added
                    | FolioChange::Deleted
                    | FolioChange::Cleaned
                    | FolioChange::WritebackEnded
            ),
            Event::Extent { change, fork, .. } => *fork == Fork::Data && *change != BlockChange::Before,
            Event::Mapping { .. }
            | Event::Answer { .. }
            | Event::ReadBlock { .. }
            | Event::WriteEnd { .. }
            | Event::WritebackMapping { .. } => true,
            _ => false,
        }
    }
}

/// What comes out of a trace.
#[derive(Debug, Clone)]
pub enum Cutting {
    /// A piece.
    Piece(Piece),
    /// What is in none: the page, why, and how many things were seen of it.
    Outside(u64, Outside, Vec<u64>),
}
