//! Stale windows: a task holds a mapping, the extents under it change, the mapping is used.
//!
//! For each mapping that a task was handed out: what changed under it, by whom, when; whether the kernel's check saw it; and what
//! the use that followed did. A use of a stale mapping is *harmful* when it goes by what is not so any more:
//!
//! - A part of a block is written that is not in the page cache. The mapping says that nothing was ever written there, so the rest
//!   of the block is zeroed; but the block has data on the device by now, and these are lost.
//! - The mapping says that the block is on the device, where the file has none any more: the rest of the block becomes whatever is there,
//!   or what is written is dropped or overwrites what is not the file's.
//!
//! It is *harmless* when the block was in the page cache, when all of it is written, or when the mapping still says what is so at
//! that block: most changes are elsewhere in the extent. Where the trace does not say what the page cache or the map had, it
//! *cannot be known*.

mod held;
mod judge;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{BlockChange, Call, Event, FolioChange, Fork, MapKind, Phase, Place, Source};
use crate::extents::Extents;
use crate::folios::{Folios, PAGE};
use crate::line::Task;
use crate::reader::Traced;
use held::{Changed, Held, Holder};

/// A moment of the trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// The number of its line.
    pub line: u64,
    /// Its time, as it is printed.
    pub time: String,
}

impl Moment {
    fn of(traced: &Traced) -> Self {
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

/// How many tasks are remembered that hold no mapping.
const MOST_HOLDERS: usize = 4096;

/// How many windows of one kind are kept.
const MOST_WINDOWS: usize = 1000;

/// Looks for stale windows in the events of a trace, one after the other.
pub struct Finder {
    block: u64,
    data: Extents,
    folios: Folios,
    holders: BTreeMap<u32, Holder>,
    found: Windows,
}

impl Finder {
    /// `block`: the size of a block, in bytes; the trace may say another ([`Event::Meta`]).
    pub fn new(block: u64) -> Self {
        Finder {
            block,
            data: Extents::default(),
            folios: Folios::new(block),
            holders: BTreeMap::new(),
            found: Windows::default(),
        }
    }

    /// The size of a block, in bytes.
    pub fn block(&self) -> u64 {
        self.block
    }

    /// The next event.
    pub fn see(&mut self, traced: &Traced) {
        if !matches!(traced.event, Event::Extent { .. } | Event::Counter { .. }) {
            self.data.settle(traced.head.task.pid);
        }
        match &traced.event {
            Event::Meta { block, .. } if *block > 0 && *block != self.block => {
                self.block = *block;
                self.folios = Folios::new(*block);
            }
            Event::Call(call) => self.call(traced, call),
            Event::Extent { change, fork: Fork::Data, start, block, blocks, unwritten, caller } => {
                let kind = match (block, unwritten) {
                    (None, _) => MapKind::Delalloc,
                    (Some(_), true) => MapKind::Unwritten,
                    (Some(_), false) => MapKind::Mapped,
                };
                self.extent(traced, *change, *start, *blocks, kind, caller);
            }
            Event::Folio { change, place } => self.folio(traced, *change, *place),
            Event::Read { .. } => self.folios.read_by(traced.head.task.pid),
            Event::Mkwrite { page } => self.folios.fill(page * PAGE, PAGE),
            _ => self.step(traced),
        }
    }

    /// What was found, when all events were seen.
    pub fn finish(mut self) -> Windows {
        let holders = std::mem::take(&mut self.holders);
        for held in holders.into_values().flat_map(|holder| [holder.held, holder.for_writeback]) {
            self.close(held);
        }
        let worst = |window: &Window| {
            (std::cmp::Reverse((!window.rejected, window.judgement.harm)), window.used.line)
        };
        self.found.windows.sort_by_key(worst);
        self.found
    }

    fn holder(&mut self, pid: u32) -> &mut Holder {
        if self.holders.len() > MOST_HOLDERS {
            self.holders.retain(|_, holder| holder.held.is_some());
        }
        self.holders.entry(pid).or_default()
    }

    fn call(&mut self, traced: &Traced, call: &Call) {
        let wrong = call.bad.filter(|bad| call.call == "check" && call.phase == Phase::End && *bad > 0);
        if let (Some(bad), Some(first), Some(last)) = (wrong, call.first, call.last) {
            let what = call.what.clone().unwrap_or_default();
            let wrong = WrongContents { at: Moment::of(traced), what, bad, first, last };
            self.found.wrong_contents.push(wrong);
        }
    }

    fn extent(
        &mut self,
        traced: &Traced,
        change: BlockChange,
        start: u64,
        blocks: u64,
        kind: MapKind,
        caller: &str,
    ) {
        let range = start..start.saturating_add(blocks);
        self.data.change(traced.head.task.pid, change, range.clone(), kind);
        if change == BlockChange::Before {
            return;
        }
        let bytes = range.start.saturating_mul(self.block)..range.end.saturating_mul(self.block);
        let change =
            Change { at: Moment::of(traced), task: traced.head.task.clone(), caller: caller.to_owned() };
        for holder in self.holders.values_mut() {
            holder.changed(&Changed { bytes: bytes.clone(), change: change.clone() });
        }
    }

    fn folio(&mut self, traced: &Traced, change: FolioChange, place: Place) {
        let Place::Order { offset, order } = place else { return };
        match change {
            FolioChange::Added => self.folios.add(offset, order, traced.head.task.pid),
            FolioChange::Deleted => self.folios.delete(offset, order),
            _ => {}
        }
    }

    /// What the task itself does with its mapping.
    fn step(&mut self, traced: &Traced) {
        let pid = traced.head.task.pid;
        match &traced.event {
            Event::Request(request) => {
                let held = self.holder(pid).asks(request);
                self.close(held);
            }
            Event::Found { by, .. } if by.starts_with("xfs_map_blocks") => {
                let held = self.holder(pid).samples_for_writeback(Moment::of(traced));
                self.close(held);
            }
            Event::Found { .. } | Event::Sample { .. } => self.holder(pid).samples(Moment::of(traced)),
            Event::Mapping { of: Source::Destination, mapping } => {
                self.found.totals.mappings += 1;
                let blocks = self.blocks(mapping.offset, mapping.length);
                self.data.learn(blocks, mapping.kind);
                let held = self.holder(pid).holds(Moment::of(traced), mapping);
                self.close(held);
            }
            Event::File { offset: Some(offset), length: Some(length), .. } => {
                self.holder(pid).call_end = Some(offset.saturating_add(*length));
            }
            Event::WriteBegin { offset, length } => self.holder(pid).begins(*offset, *length),
            Event::Answer { valid } => {
                self.found.totals.checks += 1;
                if !valid {
                    self.found.totals.rejections += 1;
                    self.rejected(traced);
                }
            }
            Event::Stale(_) => {
                self.found.totals.reported += 1;
                self.rejected(traced);
            }
            Event::ReadBlock { offset, length } => self.folios.fill(*offset, *length),
            Event::WriteBegun { returned: 0 } => self.written(traced),
            Event::WriteEnd { offset, copied, .. } => self.folios.fill(*offset, *copied),
            Event::Writeback { offset, length, .. } => self.holder(pid).writes_back(*offset, *length),
            Event::WritebackMapping { of, mapping } => self.written_back(traced, *of, mapping),
            _ => {}
        }
    }

    /// The blocks of a range of bytes.
    fn blocks(&self, offset: u64, length: u64) -> std::ops::Range<u64> {
        offset / self.block..offset.saturating_add(length).div_ceil(self.block)
    }

    /// A mapping is held no longer: what its uses have shown is complete.
    fn close(&mut self, held: Option<Held>) {
        if let Some(window) = held.and_then(|held| held.window) {
            self.keep(window);
        }
    }

    fn keep(&mut self, window: Window) {
        let totals = &mut self.found.totals;
        let harmful = window.judgement.harm == Harm::Harmful;
        let count = match window.judgement.harm {
            _ if window.rejected => {
                totals.rejected_harmful += u64::from(harmful);
                totals.rejected_needlessly += u64::from(window.differs.is_none());
                &mut totals.rejected
            }
            Harm::Harmful => &mut totals.harmful,
            Harm::Unknown => &mut totals.unknown,
            Harm::Harmless => &mut totals.harmless,
        };
        *count += 1;
        if harmful || *count <= MOST_WINDOWS as u64 {
            self.found.windows.push(window);
        }
    }
}
