//! What is said of a stale mapping.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::MapKind;
use crate::line::Task;
use crate::reader::Traced;

/// A moment of the trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// The number of its line.
    pub line: u64,
    /// Its time, as it is printed.
    pub time: String,
}

impl Moment {
    pub(super) fn of(traced: &Traced) -> Self {
        Moment { line: traced.line, time: traced.head.time.clone() }
    }
}

/// What a mapping is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Purpose {
    Write,
    Zero,
    Fault,
    Read,
    Direct,
    Writeback,
}

impl Purpose {
    /// Whether uses of such a mapping are seen, in a trace with or without the probe at `iomap_write_begin`.
    pub(super) fn is_judged(self, write_begins: bool) -> bool {
        match self {
            Purpose::Write | Purpose::Zero => write_begins,
            Purpose::Fault | Purpose::Read | Purpose::Direct => false,
            Purpose::Writeback => true,
        }
    }
}

/// Who changed the extents, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When.
    #[serde(flatten)]
    pub at: Moment,
    /// Who.
    #[serde(flatten)]
    pub task: Task,
    /// The function that did it.
    pub caller: String,
}

/// What the use of a mapping did, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Nothing was lost.
    Harmless,
    /// The trace does not say enough.
    Unknown,
    /// Data are lost, or others' are exposed or overwritten.
    Harmful,
}

/// A range of bytes of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// What a use of a mapping did, and why that is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// How bad.
    pub harm: Harm,
    /// Why.
    pub why: &'static str,
    /// Which bytes are wrong afterwards, if any.
    pub wrong: Vec<Bytes>,
    /// The block that it is about, where that is one.
    #[serde(skip)]
    pub(crate) block: Option<u64>,
}

/// A mapping that was used, or would have been, after the extents under it had changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Who held it.
    #[serde(flatten)]
    pub task: Task,
    /// What for.
    pub purpose: Purpose,
    /// When it was sampled.
    pub sampled: Moment,
    /// Where in the file it begins.
    pub offset: u64,
    /// How far it goes.
    pub length: u64,
    /// What it says.
    pub says: MapKind,
    /// The last change of the blocks that [`differ`](Self::differs); of a mapping that was dropped without one, the first
    /// elsewhere in the file. `None`: the trace shows none.
    pub changed: Option<Change>,
    /// How many there were under it.
    pub changes: u64,
    /// Where the extents differ from it when it is used, and what they are there: at the bytes that are wrong, or the first.
    pub differs: Option<(Bytes, MapKind)>,
    /// How often it was used since something had changed under it.
    pub uses: u64,
    /// When it was used, or refused; the worst use, and of these the first.
    pub used: Moment,
    /// Where.
    pub use_offset: u64,
    /// How much.
    pub use_length: u64,
    /// The kernel's check saw that it is stale, and it was dropped.
    pub rejected: bool,
    /// What the use did; of a mapping that was dropped, what the rest of the call would have done under it.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// How many windows there were of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Mappings that were handed out.
    pub mappings: u64,
    /// Those of them of which no use can be judged, by what they were held for: no event says when direct I/O, reads and faults use
    /// one, and of writes only a probe does.
    pub not_judged: BTreeMap<Purpose, u64>,
    /// Comparisons of the counter.
    pub checks: u64,
    /// Of these, so many said that the mapping is stale.
    pub rejections: u64,
    /// So often the kernel's own event said so (`xfs_iomap_invalid`).
    pub reported: u64,
    /// Windows that ended in one of these.
    pub rejected: u64,
    /// Of these, so many would have done harm.
    pub rejected_harmful: u64,
    /// Of these, so many had nothing changed under them: the change was elsewhere in the file.
    pub rejected_needlessly: u64,
    /// Windows with a use that did harm.
    pub harmful: u64,
    /// Windows whose uses did none.
    pub harmless: u64,
    /// Windows with a use of which it cannot be known.
    pub unknown: u64,
}

/// A comparison of the contents by the traced program that found wrong bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongContents {
    /// When.
    #[serde(flatten)]
    pub at: Moment,
    /// The program's own words: `cached` or `disk`.
    pub what: String,
    /// How many bytes.
    pub bad: u64,
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// What a trace shows of stale mappings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Windows {
    /// How many.
    pub totals: Totals,
    /// The worst first, then in the order of their uses; of harmless ones the first thousand.
    pub windows: Vec<Window>,
    /// What the traced program found wrong.
    pub wrong_contents: Vec<WrongContents>,
}

impl Windows {
    /// Whether a harmful use before it has made just these bytes wrong.
    pub fn predicts(&self, wrong: &WrongContents) -> bool {
        self.windows.iter().any(|window| {
            let before = window.used.line < wrong.at.line && !window.rejected;
            let one = |bytes: &Bytes| bytes.first == wrong.first && bytes.last == wrong.last;
            before && window.judgement.wrong.iter().any(one)
        })
    }
}
