//! What a task holds: the mapping that it was handed out, and what has changed under it since.

use std::collections::VecDeque;
use std::ops::Range;

use super::window::{Change, Judgement, Moment, Purpose, Window};
use crate::event::{Fork, MapKind, Mapping, Request};
use crate::extents::Shift;

/// A change of the extents, with the bytes whose record it is.
#[derive(Debug, Clone)]
pub(super) struct Changed {
    pub(super) bytes: Range<u64>,
    pub(super) change: Change,
}

/// An extent that the file system has found for a mapping.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) at: Moment,
    pub(super) fork: Fork,
    pub(super) shift: Option<Shift>,
}

/// A mapping that a task holds.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) purpose: Purpose,
    pub(super) sampled: Moment,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) says: MapKind,
    /// Where it is on the device, as it is printed.
    address: Option<u64>,
    /// The same as the extent map has it, if the extent was seen that it was made of.
    pub(super) shift: Option<Shift>,
    /// Which extent map it is of.
    pub(super) fork: Fork,
    /// What it says of the data fork, by which the rest of a block is filled: a mapping of a copy has a source for that, and without one
    /// the data fork has a hole.
    pub(super) data_says: MapKind,
    /// The changes under it, the last ones.
    under: VecDeque<Changed>,
    /// How many there were.
    pub(super) changes: u64,
    /// The first change anywhere in the fork: the counter does not say where.
    pub(super) elsewhere: Option<Change>,
    /// What its uses have shown so far.
    pub(super) window: Option<Window>,
}

impl Held {
    pub(super) fn end(&self) -> u64 {
        self.offset.saturating_add(self.length)
    }

    /// The last change of what a byte belongs to; for want of one, the last under the mapping.
    pub(super) fn change_at(&self, byte: u64) -> Option<&Change> {
        let mut last = self.under.iter().rev();
        let there = last.find(|changed| changed.bytes.contains(&byte)).or(self.under.back());
        there.map(|changed| &changed.change)
    }

    fn changed(&mut self, changed: &Changed) {
        if changed.bytes.start < self.end() && self.offset < changed.bytes.end {
            self.changes += 1;
            if self.under.len() == MOST_RECENT {
                self.under.pop_front();
            }
            self.under.push_back(changed.clone());
        } else {
            self.elsewhere.get_or_insert_with(|| changed.change.clone());
        }
    }
}

/// How many changes are remembered under a mapping, also while it is not printed yet: that comes after its lock was released.
const MOST_RECENT: usize = 64;

/// A task, as far as mappings go.
#[derive(Debug, Default)]
pub(super) struct Holder {
    purpose: Option<Purpose>,
    /// When the file system sampled what is handed out next, and of which fork.
    sampled: Option<Found>,
    /// What has changed since.
    recent: VecDeque<Changed>,
    pub(super) held: Option<Held>,
    pub(super) for_writeback: Option<Held>,
    /// The end of the call that is under way.
    pub(super) call_end: Option<u64>,
    /// The part of a write for which a folio is taken.
    pub(super) write: Option<(u64, u64)>,
    /// What was read for that, if it did harm.
    pub(super) read: Option<Judgement>,
    /// The folio that is written back.
    pub(super) folio: Option<(u64, u64)>,
}

impl Holder {
    /// Asks for a mapping; the one that it held until now is returned.
    pub(super) fn asks(&mut self, request: &Request) -> Option<Held> {
        let has = |flag: &str| request.flags.split('|').any(|one| one == flag);
        self.sampled = None;
        self.write = None;
        self.purpose = Some(if has("DIRECT") {
            Purpose::Direct
        } else if has("ZERO") {
            Purpose::Zero
        } else if has("FAULT") {
            Purpose::Fault
        } else if has("WRITE") {
            Purpose::Write
        } else {
            Purpose::Read
        });
        self.held.take()
    }

    pub(super) fn samples(&mut self, found: Found) {
        self.sampled = Some(found);
        self.recent.clear();
    }

    /// Writeback samples a mapping; the one that it held until now is returned.
    pub(super) fn samples_for_writeback(&mut self, found: Found) -> Option<Held> {
        self.samples(found);
        self.for_writeback.take()
    }

    fn take(&mut self, purpose: Purpose, now: Moment, mapping: &Mapping) -> Held {
        let unseen = Found { at: now, fork: Fork::Data, shift: None };
        let Found { at: sampled, fork, shift } = self.sampled.take().unwrap_or(unseen);
        let shared = mapping.flags.split('|').any(|flag| flag == "SHARED");
        // What is shared is written by way of a copy only; not every event says which fork that is in.
        let fork = if shared { Fork::Cow } else { fork };
        let mut held = Held {
            purpose,
            sampled,
            offset: mapping.offset,
            length: mapping.length,
            says: mapping.kind,
            address: mapping.address,
            shift: shift.filter(|_| mapping.address.is_some()),
            fork,
            data_says: if fork == Fork::Cow { MapKind::Hole } else { mapping.kind },
            under: VecDeque::new(),
            changes: 0,
            elsewhere: None,
            window: None,
        };
        for changed in self.recent.drain(..) {
            held.changed(&changed);
        }
        held
    }

    /// Is handed out a mapping; the one that it held until now is returned.
    pub(super) fn holds(&mut self, now: Moment, mapping: &Mapping) -> Option<Held> {
        let held = self.take(self.purpose.unwrap_or(Purpose::Read), now, mapping);
        self.held.replace(held)
    }

    /// The mapping that it was handed out last has a source: what it copies from.
    pub(super) fn has_source(&mut self, source: &Mapping) {
        if let Some(held) = &mut self.held {
            held.fork = Fork::Cow;
            held.data_says = source.kind;
        }
    }

    /// Writeback uses a mapping: the one that it has, or one that it has sampled for this folio. Then the one that it had is
    /// returned.
    pub(super) fn holds_for_writeback(&mut self, now: Moment, mapping: &Mapping) -> Option<Held> {
        let same = |held: &Held| {
            (held.offset, held.length, held.says, held.address)
                == (mapping.offset, mapping.length, mapping.kind, mapping.address)
        };
        if self.for_writeback.as_ref().is_some_and(same) {
            return None;
        }
        let held = self.take(Purpose::Writeback, now, mapping);
        self.for_writeback.replace(held)
    }

    pub(super) fn begins(&mut self, offset: u64, length: u64) {
        self.write = Some((offset, length));
        self.read = None;
    }

    pub(super) fn writes_back(&mut self, offset: u64, length: u64) {
        self.folio = Some((offset, length));
    }

    pub(super) fn changed(&mut self, changed: &Changed) {
        if self.sampled.is_some() {
            if self.recent.len() == MOST_RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back(changed.clone());
        }
        for held in [&mut self.held, &mut self.for_writeback].into_iter().flatten() {
            held.changed(changed);
        }
    }
}
