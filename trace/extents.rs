//! An extent map, as the events of a trace show it.
//!
//! What was there before the trace began is not known until an event says it: a mapping that was handed out, or a change.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::event::{BlockChange, MapKind};

/// Kinds by block. What is in no range is not known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extents {
    /// By the first block: the block behind the last, and the kind.
    known: BTreeMap<u64, (u64, MapKind)>,
    /// Records that a task has taken out. What it does not put back before it does something else is a hole.
    taken_out: Vec<(u32, Range<u64>)>,
}

impl Extents {
    /// A task changes a record of the map. A change of an extent takes several: others see them one by one in a trace, but not in
    /// the kernel, where the lock of the map is held.
    pub(crate) fn change(&mut self, task: u32, change: BlockChange, range: Range<u64>, kind: MapKind) {
        match change {
            BlockChange::Insert | BlockChange::After => {
                let taken_out = std::mem::take(&mut self.taken_out);
                self.taken_out =
                    taken_out.into_iter().flat_map(|(by, out)| without(by, &out, &range)).collect();
                self.set(range, kind);
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
                self.set(range, MapKind::Hole);
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
        let first = self.known.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        let records = self.known.range(first..range.end.max(first));
        let inside =
            records.map(|(start, (end, kind))| ((*start).max(range.start)..(*end).min(range.end), *kind));
        inside.filter(|(part, _)| !part.is_empty()).collect()
    }

    /// A mapping was handed out: what it says of blocks that are not known is believed.
    pub(crate) fn learn(&mut self, range: Range<u64>, kind: MapKind) {
        for gap in self.gaps(range) {
            self.set(gap, kind);
        }
    }

    /// What a block is.
    pub(crate) fn kind(&self, block: u64) -> Option<MapKind> {
        let (_, (end, kind)) = self.known.range(..=block).next_back()?;
        (block < *end).then_some(*kind)
    }

    /// The first blocks of a range that are known to be something else than `kind`.
    pub(crate) fn other_than(&self, range: Range<u64>, kind: MapKind) -> Option<(Range<u64>, MapKind)> {
        let first = self.known.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        let mut records = self.known.range(first..range.end).map(|(start, (end, of))| (*start..*end, *of));
        let (other, of) = records.find(|(other, of)| *of != kind && other.end > range.start)?;
        Some((other.start.max(range.start)..other.end.min(range.end), of))
    }

    fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = range.start;
        let before = self.known.range(..=range.start).next_back().map_or(range.start, |(_, (end, _))| *end);
        at = at.max(before);
        for (start, (end, _)) in self.known.range(range.start..range.end) {
            if at < *start {
                gaps.push(at..*start);
            }
            at = at.max(*end);
        }
        if at < range.end {
            gaps.push(at..range.end);
        }
        gaps
    }

    fn set(&mut self, range: Range<u64>, kind: MapKind) {
        if range.is_empty() {
            return;
        }
        self.cut(range.start);
        self.cut(range.end);
        let inside: Vec<u64> = self.known.range(range.clone()).map(|(start, _)| *start).collect();
        for start in inside {
            self.known.remove(&start);
        }
        self.known.insert(range.start, (range.end, kind));
        self.join(range.start);
        self.join(range.end);
    }

    /// Makes a range begin at a block, if the block is inside of one.
    fn cut(&mut self, block: u64) {
        let Some((start, (end, kind))) = self.known.range(..block).next_back() else { return };
        let (start, end, kind) = (*start, *end, *kind);
        if block < end {
            self.known.insert(start, (block, kind));
            self.known.insert(block, (end, kind));
        }
    }

    /// Joins the ranges that meet at a block, if they are of one kind.
    fn join(&mut self, block: u64) {
        let Some((start, (end, kind))) = self.known.range(..block).next_back() else { return };
        let (start, end, kind) = (*start, *end, *kind);
        if end == block && self.known.get(&block).is_some_and(|(_, of)| *of == kind) {
            let (end, _) = self.known.remove(&block).expect("it is there");
            self.known.insert(start, (end, kind));
        }
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

    #[test]
    fn a_conversion_in_the_middle_leaves_three_records() {
        let mut extents = Extents::default();
        assert_eq!(extents.kind(0), None);
        extents.learn(0..16, MapKind::Hole);
        extents.change(7, BlockChange::Insert, 0..16, MapKind::Unwritten);
        extents.change(7, BlockChange::Before, 0..16, MapKind::Unwritten);
        assert_eq!(extents.kind(3), Some(MapKind::Unwritten));
        extents.change(7, BlockChange::After, 0..8, MapKind::Unwritten);
        assert_eq!(extents.kind(9), Some(MapKind::Unwritten));
        extents.change(7, BlockChange::Insert, 8..9, MapKind::Mapped);
        extents.change(7, BlockChange::Insert, 9..16, MapKind::Unwritten);
        let kinds: Vec<_> = [0, 7, 8, 9, 15, 16].iter().map(|block| extents.kind(*block)).collect();
        let (unwritten, mapped) = (Some(MapKind::Unwritten), Some(MapKind::Mapped));
        assert_eq!(kinds, [unwritten, unwritten, mapped, unwritten, unwritten, None]);
        assert_eq!(extents.known.len(), 3);
        extents.settle(7);
        assert_eq!(extents.kind(9), Some(MapKind::Unwritten));
        extents.change(7, BlockChange::Remove, 9..16, MapKind::Unwritten);
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
}
