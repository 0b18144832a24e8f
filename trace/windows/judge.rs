//! What a use of a stale mapping did.

use std::ops::Range;

use super::held::Held;
use super::window::{Bytes, Harm, Judgement, Moment, Purpose, Window};
use crate::event::{Fork, MapKind};
use crate::extents::Extents;
use crate::folios::{Cached, Folios};
use crate::reader::Traced;

const WHOLE: &str = "all of every block is written: what the mapping says does not matter";
const CACHED: &str = "the rest of the block is in the page cache";
const SAME: &str = "at the block of which a part is written the mapping says what is so";
const ZEROED: &str = "the rest of the block is zeroed, though the device has it";
const EXPOSED: &str = "the rest of the block is read from where the file has no block";
const DROPPED: &str = "data go to where the file has no block";
const NOT_CONVERTED: &str = "data go to a block that stays unwritten, and reads as zeros";
const PASSED_OVER: &str = "data are not written, though the file has a block";
const MOVED: &str = "data go to where the block was, and not to where it is";
const READ_MOVED: &str = "the rest of the block is read from where it was, and not from where it is";
const UNSEEN: &str = "the trace does not show what was there before it began";

fn judgement(harm: Harm, why: &'static str) -> Judgement {
    Judgement { harm, why, wrong: Vec::new(), block: None }
}

/// What is known of the file at a use.
pub(super) struct Known<'k> {
    pub(super) block: u64,
    pub(super) data: &'k Extents,
    pub(super) cow: &'k Extents,
    pub(super) folios: &'k Folios,
}

impl Known<'_> {
    /// The blocks of a range of bytes.
    pub(super) fn blocks(&self, offset: u64, length: u64) -> Range<u64> {
        offset / self.block..offset.saturating_add(length).div_ceil(self.block)
    }

    /// What writeback does that sends a block to where its mapping says.
    pub(super) fn of_writeback(&self, held: &Held, offset: u64) -> Judgement {
        let block = offset / self.block;
        let data = self.data.kind(block);
        // A copy that is complete has moved to the data fork.
        let copy = self.cow.kind(block).filter(|kind| held.fork == Fork::Cow && *kind != MapKind::Hole);
        let map = if copy.is_some() { self.cow } else { self.data };
        if map.elsewhere(&(block..block + 1), held.shift).is_some() {
            return Judgement { block: Some(block), ..judgement(Harm::Harmful, MOVED) };
        }
        match (held.says, copy.or(data)) {
            (MapKind::Mapped | MapKind::Unwritten, Some(MapKind::Hole | MapKind::Delalloc)) => {
                judgement(Harm::Harmful, DROPPED)
            }
            (MapKind::Mapped, Some(MapKind::Unwritten)) => judgement(Harm::Harmful, NOT_CONVERTED),
            (MapKind::Hole, Some(now)) if now != MapKind::Hole => judgement(Harm::Harmful, PASSED_OVER),
            (_, None) => judgement(Harm::Unknown, UNSEEN),
            _ => judgement(Harm::Harmless, SAME),
        }
    }

    /// What a write under a mapping does to the blocks of which it writes a part.
    pub(super) fn of_write(&self, held: &Held, offset: u64, length: u64) -> Judgement {
        let end = offset.saturating_add(length);
        let first = offset / self.block * self.block;
        let last = end.saturating_sub(1) / self.block * self.block;
        let mut worst = judgement(Harm::Harmless, WHOLE);
        let parts = self.data.parts(&self.blocks(offset, length));
        let is_hole = parts.iter().any(|(_, now)| *now == MapKind::Hole);
        if held.fork == Fork::Data && held.data_says != MapKind::Hole && is_hole {
            worst = judgement(Harm::Harmful, DROPPED);
        }
        for block in [Some(first), (last != first).then_some(last)].into_iter().flatten() {
            let behind = block.saturating_add(self.block);
            if block >= offset && behind <= end {
                continue;
            }
            let rest = [(block, offset.max(block)), (end.min(behind), behind)];
            let rest = rest.into_iter().filter(|(from, to)| from < to);
            let mut one = self.of_part(held, block);
            if one.harm == Harm::Harmful {
                one.wrong.extend(rest.map(|(from, to)| Bytes { first: from, last: to - 1 }));
            }
            if one.harm >= worst.harm {
                let mut wrong = std::mem::take(&mut worst.wrong);
                wrong.append(&mut one.wrong);
                worst = Judgement { wrong, ..one };
            }
        }
        worst
    }

    /// What becomes of the rest of a block of which a part is written.
    fn of_part(&self, held: &Held, block: u64) -> Judgement {
        let says = held.data_says;
        let cached = self.folios.at(block);
        if cached == Cached::Uptodate {
            return judgement(Harm::Harmless, CACHED);
        }
        let Some(real) = self.data.kind(block / self.block) else { return judgement(Harm::Unknown, UNSEEN) };
        // A copy is read from its source, of which it is not known where that is.
        let shift = held.shift.filter(|_| held.fork == Fork::Data && says == MapKind::Mapped);
        let number = block / self.block;
        if cached == Cached::Not && self.data.elsewhere(&(number..number + 1), shift).is_some() {
            return Judgement { block: Some(number), ..judgement(Harm::Harmful, READ_MOVED) };
        }
        match cached {
            _ if real == says => judgement(Harm::Harmless, SAME),
            Cached::Unknown => judgement(Harm::Unknown, UNSEEN),
            Cached::Not if real == MapKind::Mapped => judgement(Harm::Harmful, ZEROED),
            Cached::Not if says == MapKind::Mapped => judgement(Harm::Harmful, EXPOSED),
            // Nothing was ever written there, whichever way the map says so.
            Cached::Not | Cached::Uptodate => judgement(Harm::Harmless, SAME),
        }
    }

    /// Where the extents differ from a mapping, and what they are there: at the bytes that are wrong, or the first.
    fn differs(&self, held: &Held, judgement: &Judgement) -> Option<(Range<u64>, MapKind)> {
        let map =
            if held.purpose == Purpose::Writeback && held.fork == Fork::Cow { self.cow } else { self.data };
        let moved = |blocks: &Range<u64>| {
            let moved = map.elsewhere(blocks, held.shift)?;
            let kind = map.kind(moved.start)?;
            Some((moved, kind))
        };
        if let Some(block) = judgement.block {
            return moved(&(block..block + 1));
        }
        let wrong = judgement.wrong.first().map(|bytes| self.blocks(bytes.first, 1));
        let all = self.blocks(held.offset, held.length);
        let differs = wrong.and_then(|block| self.data.other_than(block, held.data_says));
        let differs = differs.or_else(|| self.data.other_than(all.clone(), held.data_says));
        differs.or_else(|| moved(&all).filter(|_| held.fork == Fork::Data))
    }

    /// What a use shows.
    pub(super) fn window(
        &self,
        traced: &Traced,
        held: &Held,
        (use_offset, use_length): (u64, u64),
        judgement: Judgement,
    ) -> Window {
        let differs = self.differs(held, &judgement);
        let at = differs.as_ref().map_or(held.offset, |(blocks, _)| blocks.start.saturating_mul(self.block));
        let bytes = |blocks: Range<u64>| Bytes {
            first: blocks.start.saturating_mul(self.block),
            last: blocks.end.saturating_mul(self.block) - 1,
        };
        Window {
            task: traced.head.task.clone(),
            purpose: held.purpose,
            sampled: held.sampled.clone(),
            offset: held.offset,
            length: held.length,
            says: held.says,
            changed: held.change_at(at).or(held.elsewhere.as_ref()).cloned(),
            changes: held.changes,
            differs: differs.map(|(blocks, kind)| (bytes(blocks), kind)),
            uses: 1,
            used: Moment::of(traced),
            use_offset,
            use_length,
            rejected: false,
            judgement,
        }
    }
}
