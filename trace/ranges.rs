//! Values by ranges of blocks, kept as few ranges as say them: what is known of a file's blocks.

use std::collections::BTreeMap;
use std::ops::Range;

/// Values by block. What is in no range is not known.
#[derive(Debug, Clone)]
pub(crate) struct Ranges<T> {
    /// By the first block: the block behind the last, and the value.
    known: BTreeMap<u64, (u64, T)>,
}

impl<T> Default for Ranges<T> {
    fn default() -> Self {
        Ranges { known: BTreeMap::new() }
    }
}

impl<T: Copy + PartialEq> Ranges<T> {
    /// How many ranges there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// The value of a block.
    pub(crate) fn at(&self, block: u64) -> Option<T> {
        let (_, (end, value)) = self.known.range(..=block).next_back()?;
        (block < *end).then_some(*value)
    }

    /// The parts of a range of which something is known, with their values.
    pub(crate) fn parts(&self, range: &Range<u64>) -> Vec<(Range<u64>, T)> {
        let first = self.known.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        let records = self.known.range(first..range.end.max(first));
        let inside =
            records.map(|(start, (end, value))| ((*start).max(range.start)..(*end).min(range.end), *value));
        inside.filter(|(part, _)| !part.is_empty()).collect()
    }

    /// The parts of a range of which nothing is known.
    pub(crate) fn gaps(&self, range: Range<u64>) -> Vec<Range<u64>> {
        let mut gaps = Vec::new();
        let mut at = range.start;
        for (part, _) in self.parts(&range) {
            if at < part.start {
                gaps.push(at..part.start);
            }
            at = part.end;
        }
        if at < range.end {
            gaps.push(at..range.end);
        }
        gaps
    }

    pub(crate) fn set(&mut self, range: Range<u64>, value: T) {
        if range.is_empty() {
            return;
        }
        self.forget(&range);
        self.known.insert(range.start, (range.end, value));
        self.join(range.start);
        self.join(range.end);
    }

    /// Nothing is known of a range any more.
    pub(crate) fn forget(&mut self, range: &Range<u64>) {
        if range.is_empty() {
            return;
        }
        self.cut(range.start);
        self.cut(range.end);
        let inside: Vec<u64> = self.known.range(range.clone()).map(|(start, _)| *start).collect();
        for start in inside {
            self.known.remove(&start);
        }
    }

    /// Makes a range begin at a block, if the block is inside of one.
    fn cut(&mut self, block: u64) {
        let Some((start, (end, value))) = self.known.range(..block).next_back() else { return };
        let (start, end, value) = (*start, *end, *value);
        if block < end {
            self.known.insert(start, (block, value));
            self.known.insert(block, (end, value));
        }
    }

    /// Joins the ranges that meet at a block, if they have one value.
    fn join(&mut self, block: u64) {
        let Some((start, (end, value))) = self.known.range(..block).next_back() else { return };
        let (start, end, value) = (*start, *end, *value);
        if end == block && self.known.get(&block).is_some_and(|(_, of)| *of == value) {
            let (end, _) = self.known.remove(&block).expect("it is there");
            self.known.insert(start, (end, value));
        }
    }
}
