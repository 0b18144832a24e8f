//! An extent map, as the events of a trace show it.
//!
//! What was there before the trace began is not known until an event says it: a mapping that was handed out, or a change. Where blocks
//! are on the device only changes of records say here.

use std::ops::Range;

use crate::event::{BlockChange, MapKind};
use crate::ranges::Ranges;

/// Kinds by block, and where blocks are on the device.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extents {
    kinds: Ranges<MapKind>,
    /// Of blocks that are on the device: their number there less that in the file.
    shifts: Ranges<Shift>,
    /// Blocks of which records have said what they are, and not only mappings.
    recorded: Ranges<()>,
    /// Records that a task has taken out. What it does not put back before it does something else is a hole.
    taken_out: Vec<(u32, Range<u64>)>,
}

/// How far the blocks of an extent are from where they are in the file. Numbers of blocks on the device are the file system's, which leave
/// gaps between its groups; so they are compared with one another, and not with the addresses of mappings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shift(u64);

impl Shift {
    /// Of an extent: its first block in the file, and on the device.
    pub(crate) fn of(start: u64, block: u64) -> Self {
        Shift(block.wrapping_sub(start))
    }
}

/// A record of an extent map.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) blocks: Range<u64>,
    pub(crate) kind: MapKind,
    /// Where it is on the device, in blocks.
    pub(crate) at: Option<u64>,
}

impl Extents {
    /// A task changes a record of the map. A change of an extent takes several: others see them one by one in a trace, but not in
    /// the kernel, where the lock of the map is held.
    pub(crate) fn change(&mut self, task: u32, change: BlockChange, record: Record) {
        let Record { blocks: range, kind, at } = record;
        match change {
            BlockChange::Insert | BlockChange::After => {
                let taken_out = std::mem::take(&mut self.taken_out);
                self.taken_out =
                    taken_out.into_iter().flat_map(|(by, out)| without(by, &out, &range)).collect();
                self.recorded.set(range.clone(), ());
                self.shifts.forget(&range);
                if let Some(at) = at {
                    self.shifts.set(range.clone(), Shift::of(range.start, at));
                }
                self.kinds.set(range, kind);
            }
            BlockChange::Remove | BlockChange::Before => self.taken_out.push((task, range)),
        }
    }

    /// A task does something else than to change the map: what it has taken out and not put back is a hole.
    pub(crate) fn settle(&mut self, task: u32) {
        if self.taken_out.is_empty() {
            return;
        }
        for (by, range) in std::mem::take(&mut self.taken_out) {
            if by == task {
                self.recorded.set(range.clone(), ());
                self.shifts.forget(&range);
                self.kinds.set(range, MapKind::Hole);
            } else {
                self.taken_out.push((by, range));
            }
        }
    }

    /// What a task has taken out and not put back.
    pub(crate) fn unsettled(&self, task: u32) -> Vec<Range<u64>> {
        let of_task = self.taken_out.iter().filter(|(by, _)| *by == task);
        of_task.map(|(_, range)| range.clone()).collect()
    }

    /// The parts of a range of which something is known, with their kinds.
    pub(crate) fn parts(&self, range: &Range<u64>) -> Vec<(Range<u64>, MapKind)> {
        self.kinds.parts(range)
    }

    /// The parts of a range that records have said the kind of, and of which nobody has taken out a record.
    pub(crate) fn recorded(&self, range: &Range<u64>) -> Vec<(Range<u64>, MapKind)> {
        let recorded = self.recorded.parts(range).into_iter();
        let parts = recorded.flat_map(|(part, ())| self.kinds.parts(&part));
        let taken_out = |part: &Range<u64>| {
            self.taken_out.iter().any(|(_, out)| out.start < part.end && part.start < out.end)
        };
        parts.filter(|(part, _)| !taken_out(part)).collect()
    }

    /// A mapping was handed out: what it says of blocks that are not known is believed.
    pub(crate) fn learn(&mut self, range: Range<u64>, kind: MapKind) {
        for gap in self.kinds.gaps(range) {
            self.kinds.set(gap, kind);
        }
    }

    /// What a block is.
    pub(crate) fn kind(&self, block: u64) -> Option<MapKind> {
        self.kinds.at(block)
    }

    /// The first blocks of a range that are known to be something else than `kind`.
    pub(crate) fn other_than(&self, range: Range<u64>, kind: MapKind) -> Option<(Range<u64>, MapKind)> {
        self.kinds.parts(&range).into_iter().find(|(_, of)| *of != kind)
    }

    /// The first blocks of a range that are known to be elsewhere on the device than a mapping of it says.
    pub(crate) fn elsewhere(&self, range: &Range<u64>, shift: Option<Shift>) -> Option<Range<u64>> {
        let parts = shift.map(|shift| (shift, self.shifts.parts(range)));
        parts.and_then(|(shift, parts)| parts.into_iter().find(|(_, of)| *of != shift)).map(|(part, _)| part)
    }
}

/// What is left of a range without another.
fn without(
    by: u32,
    range: &Range<u64>,
    other: &Range<u64>,
) -> impl Iterator<Item = (u32, Range<u64>)> + use<> {
    let before = range.start..other.start.clamp(range.start, range.end);
    let after = other.end.clamp(range.start, range.end)..range.end;
    [before, after].into_iter().filter(|left| !left.is_empty()).map(move |left| (by, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(blocks: Range<u64>, kind: MapKind) -> Record {
        Record { blocks, kind, at: None }
    }

    #[test]
    fn a_conversion_in_the_middle_leaves_three_records() {
        let mut extents = Extents::default();
        assert_eq!(extents.kind(0), None);
        extents.learn(0..16, MapKind::Hole);
        extents.change(7, BlockChange::Insert, record(0..16, MapKind::Unwritten));
        extents.change(7, BlockChange::Before, record(0..16, MapKind::Unwritten));
        assert_eq!(extents.kind(3), Some(MapKind::Unwritten));
        extents.change(7, BlockChange::After, record(0..8, MapKind::Unwritten));
        assert_eq!(extents.kind(9), Some(MapKind::Unwritten));
        extents.change(7, BlockChange::Insert, record(8..9, MapKind::Mapped));
        extents.change(7, BlockChange::Insert, record(9..16, MapKind::Unwritten));
        let kinds: Vec<_> = [0, 7, 8, 9, 15, 16].iter().map(|block| extents.kind(*block)).collect();
        let (unwritten, mapped) = (Some(MapKind::Unwritten), Some(MapKind::Mapped));
        assert_eq!(kinds, [unwritten, unwritten, mapped, unwritten, unwritten, None]);
        assert_eq!(extents.kinds.len(), 3);
        extents.settle(7);
        assert_eq!(extents.kind(9), Some(MapKind::Unwritten));
        extents.change(7, BlockChange::Remove, record(9..16, MapKind::Unwritten));
        extents.settle(8);
        assert_eq!(extents.kind(9), Some(MapKind::Unwritten));
        extents.settle(7);
        assert_eq!(extents.kind(9), Some(MapKind::Hole));
    }

    #[test]
    fn what_is_known_is_not_learned_again() {
        let mut extents = Extents::default();
        extents.learn(4..6, MapKind::Mapped);
        extents.learn(0..10, MapKind::Hole);
        let kinds: Vec<_> = (0..11).map(|block| extents.kind(block)).collect();
        let (hole, mapped) = (Some(MapKind::Hole), Some(MapKind::Mapped));
        assert_eq!(kinds, [hole, hole, hole, hole, mapped, mapped, hole, hole, hole, hole, None]);
        extents.learn(5..8, MapKind::Unwritten);
        assert_eq!(extents.kind(5), mapped);
    }

    /// A block that was given up and allocated anew is another one; one that is converted, or whose neighbours are, is not.
    #[test]
    fn a_block_is_elsewhere_when_it_was_allocated_anew() {
        let mut extents = Extents::default();
        let at = |blocks: Range<u64>, kind, at| Record { blocks, kind, at: Some(at) };
        extents.change(7, BlockChange::Insert, at(0..4, MapKind::Unwritten, 0x18));
        let shift = Some(Shift::of(0, 0x18));
        assert_eq!(extents.elsewhere(&(0..4), shift), None);
        extents.change(7, BlockChange::Before, at(0..4, MapKind::Unwritten, 0x18));
        extents.change(7, BlockChange::After, at(0..1, MapKind::Unwritten, 0x18));
        extents.change(7, BlockChange::Insert, at(1..4, MapKind::Mapped, 0x19));
        assert_eq!(extents.elsewhere(&(0..4), shift), None);
        extents.change(7, BlockChange::Remove, at(1..2, MapKind::Mapped, 0x19));
        extents.settle(7);
        // A hole is nowhere.
        assert_eq!(extents.elsewhere(&(0..4), shift), None);
        extents.change(7, BlockChange::Insert, at(1..2, MapKind::Mapped, 0x50));
        assert_eq!(extents.elsewhere(&(0..4), shift), Some(1..2));
        assert_eq!(extents.elsewhere(&(2..4), shift), None);
        assert_eq!(extents.elsewhere(&(0..4), None), None);
        extents.change(7, BlockChange::After, record(1..2, MapKind::Delalloc));
        assert_eq!(extents.elsewhere(&(0..4), shift), None);
    }
}
