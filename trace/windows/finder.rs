//! Follows mappings, extents and folios from event to event.

use std::collections::BTreeMap;
use std::ops::Range;

use super::held::{Changed, Found, Held, Holder};
use super::judge::Known;
use super::window::{Change, Harm, Moment, Purpose, Window, Windows, WrongContents};
use crate::event::{BlockChange, Call, Event, FolioChange, Fork, MapKind, Mapping, Phase, Place, Source};
use crate::extents::{Extents, Record, Shift};
use crate::folios::{Folios, PAGE, is_block_size};
use crate::reader::Traced;

/// How many tasks are remembered that hold no mapping.
const MOST_HOLDERS: usize = 4096;

/// How many windows of one kind are kept.
const MOST_WINDOWS: usize = 1000;

/// Looks for stale windows in the events of a trace, one after the other.
pub struct Finder {
    block: u64,
    data: Extents,
    cow: Extents,
    folios: Folios,
    holders: BTreeMap<u32, Holder>,
    /// Mappings that were handed out, by what for.
    handed_out: BTreeMap<Purpose, u64>,
    /// The trace has the probe at `iomap_write_begin`.
    write_begins: bool,
    found: Windows,
}

impl Finder {
    /// `block`: the size of a block, in bytes; the trace may say another ([`Event::Meta`]).
    pub fn new(block: u64) -> Self {
        Finder {
            block,
            data: Extents::default(),
            cow: Extents::default(),
            folios: Folios::new(block),
            holders: BTreeMap::new(),
            handed_out: BTreeMap::new(),
            write_begins: false,
            found: Windows::default(),
        }
    }

    /// The size of a block, in bytes.
    pub fn block(&self) -> u64 {
        self.block
    }

    /// The next event.
    pub fn see(&mut self, traced: &Traced) {
        // The end of writeback comes in interrupts, too, of whatever the task does.
        let goes_on = matches!(
            traced.event,
            Event::Extent { .. }
                | Event::Counter { .. }
                | Event::Folio { change: FolioChange::WritebackEnded, .. }
        );
        if !goes_on {
            self.data.settle(traced.head.task.pid);
            self.cow.settle(traced.head.task.pid);
        }
        match &traced.event {
            Event::Meta { block, .. } if is_block_size(*block) && *block != self.block => {
                self.block = *block;
                self.folios = Folios::new(*block);
            }
            Event::Call(call) => self.call(traced, call),
            Event::Extent { change, fork, start, block, blocks, unwritten, caller } => {
                let kind = match (block, unwritten) {
                    (None, _) => MapKind::Delalloc,
                    (Some(_), true) => MapKind::Unwritten,
                    (Some(_), false) => MapKind::Mapped,
                };
                let (task, range) = (traced.head.task.pid, *start..start.saturating_add(*blocks));
                let record = Record { blocks: range.clone(), kind, at: *block };
                match fork {
                    Fork::Data => {
                        self.data.change(task, *change, record);
                        self.changed(traced, *change, range, caller);
                    }
                    Fork::Cow => self.cow.change(task, *change, record),
                    Fork::Attr => {}
                }
            }
            Event::Folio { change, place } => self.folio(traced, *change, *place),
            Event::Read { .. } => self.folios.read_by(traced.head.task.pid),
            Event::Mkwrite { page } => self.folios.fill(page.saturating_mul(PAGE), PAGE),
            _ => self.step(traced),
        }
    }

    /// What was found, when all events were seen.
    pub fn finish(mut self) -> Windows {
        let holders = std::mem::take(&mut self.holders);
        for held in holders.into_values().flat_map(|holder| [holder.held, holder.for_writeback]) {
            self.close(held);
        }
        let write_begins = self.write_begins;
        let not_judged = self.handed_out.into_iter().filter(|(purpose, _)| !purpose.is_judged(write_begins));
        self.found.totals.not_judged = not_judged.collect();
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

    /// The data fork has changed; of a record that is changed the state before says nothing.
    fn changed(&mut self, traced: &Traced, change: BlockChange, blocks: Range<u64>, caller: &str) {
        if change == BlockChange::Before {
            return;
        }
        let bytes = blocks.start.saturating_mul(self.block)..blocks.end.saturating_mul(self.block);
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
            Event::Found { by, fork, start, block, .. } => {
                let found = Found {
                    at: Moment::of(traced),
                    fork: *fork,
                    shift: block.map(|block| Shift::of(*start, block)),
                };
                if by.starts_with("xfs_map_blocks") {
                    let held = self.holder(pid).samples_for_writeback(found);
                    self.close(held);
                } else {
                    self.holder(pid).samples(found);
                }
            }
            Event::Mapping { of: Source::Destination, mapping } => {
                self.found.totals.mappings += 1;
                let held = self.holder(pid).holds(Moment::of(traced), mapping);
                self.close(held);
                let held = self.holder(pid).held.as_ref().map(|held| (held.purpose, held.fork));
                let purpose = held.map_or(Purpose::Read, |(purpose, _)| purpose);
                *self.handed_out.entry(purpose).or_default() += 1;
                if held.is_some_and(|(_, fork)| fork == Fork::Data) {
                    let blocks = self.known().blocks(mapping.offset, mapping.length);
                    self.data.learn(blocks, mapping.kind);
                }
            }
            Event::Mapping { of: Source::Source, mapping } => {
                let blocks = self.known().blocks(mapping.offset, mapping.length);
                self.data.learn(blocks, mapping.kind);
                self.holder(pid).has_source(mapping);
            }
            Event::File { offset: Some(offset), length: Some(length), .. } => {
                self.holder(pid).call_end = Some(offset.saturating_add(*length));
            }
            Event::WriteBegin { offset, length } => {
                self.write_begins = true;
                self.holder(pid).begins(*offset, *length);
            }
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
            Event::ReadBlock { offset, length } => {
                self.reads(pid);
                self.folios.fill(*offset, *length);
            }
            Event::WriteBegun { returned: 0 } => self.written(traced),
            Event::WriteEnd { offset, copied, .. } => self.folios.fill(*offset, *copied),
            Event::Writeback { offset, length, .. } => self.holder(pid).writes_back(*offset, *length),
            Event::WritebackMapping { of, mapping, .. } => self.written_back(traced, *of, mapping),
            _ => {}
        }
    }

    fn known(&self) -> Known<'_> {
        Known { block: self.block, data: &self.data, cow: &self.cow, folios: &self.folios }
    }

    /// The kernel has refused a mapping.
    fn rejected(&mut self, traced: &Traced) {
        let holder = self.holder(traced.head.task.pid);
        let (write, call_end) = (holder.write, holder.call_end);
        let Some(held) = holder.held.take() else { return };
        let (offset, length) = write.unwrap_or((held.offset, held.length));
        let end = call_end.unwrap_or(offset.saturating_add(length)).min(held.end());
        let length = end.saturating_sub(offset).max(length);
        let judgement = self.known().of_write(&held, offset, length);
        let window = self.known().window(traced, &held, (offset, length), judgement);
        self.keep(Window { rejected: true, ..window });
    }

    /// The rest of a block is read for a write; from where, its mapping says. Afterwards it is in the page cache, right or wrong.
    fn reads(&mut self, pid: u32) {
        let holder = self.holder(pid);
        let (write, held) = (holder.write, holder.held.clone());
        if let (Some((offset, length)), Some(held)) = (write, held) {
            let judgement = self.known().of_write(&held, offset, length);
            if judgement.harm == Harm::Harmful {
                self.holder(pid).read.get_or_insert(judgement);
            }
        }
    }

    /// A part of a write has its folio, and copies.
    fn written(&mut self, traced: &Traced) {
        let holder = self.holder(traced.head.task.pid);
        let (write, held, read) = (holder.write, holder.held.clone(), holder.read.take());
        if let (Some((offset, length)), Some(held)) = (write, held) {
            let judgement = read.unwrap_or_else(|| self.known().of_write(&held, offset, length));
            let window = self.known().window(traced, &held, (offset, length), judgement);
            if let Some(held) = &mut self.holder(traced.head.task.pid).held {
                used(held, window);
            }
            self.folios.fill(offset, length);
        }
    }

    /// Writeback sends blocks to where its mapping says.
    fn written_back(&mut self, traced: &Traced, of: Option<u64>, mapping: &Mapping) {
        let pid = traced.head.task.pid;
        let before = self.holder(pid).holds_for_writeback(Moment::of(traced), mapping);
        self.close(before);
        let holder = self.holder(pid);
        let (offset, length) = holder.folio.unwrap_or((mapping.offset, mapping.length));
        let Some(held) = holder.for_writeback.clone() else { return };
        let offset = of.unwrap_or(offset);
        let judgement = self.known().of_writeback(&held, offset);
        let window = self.known().window(traced, &held, (offset, length), judgement);
        if let Some(held) = &mut self.holder(pid).for_writeback {
            used(held, window);
        }
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

/// A mapping is used; that counts if something has changed under it. The worst use is kept, with the bytes of all.
fn used(held: &mut Held, new: Window) {
    if held.changes == 0 || new.differs.is_none() {
        return;
    }
    let Some(old) = held.window.take() else {
        held.window = Some(new);
        return;
    };
    let uses = old.uses + 1;
    let (mut worst, other) = if new.judgement.harm > old.judgement.harm { (new, old) } else { (old, new) };
    worst.judgement.wrong.extend(other.judgement.wrong);
    held.window = Some(Window { uses, ..worst });
}
