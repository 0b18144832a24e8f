//! Ranges near one place: what does not overlap does not race.

use crate::fuzz::random::Random;

/// Where a scenario takes place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    /// Bytes of a block.
    pub(super) block: u64,
    /// Bytes of a folio.
    pub(super) folio: u64,
    /// Where it ends: two or three folios.
    pub(super) end: u64,
    /// The folio that most is about.
    focus: u64,
}

impl Span {
    /// One for blocks and folios of this size.
    pub(super) fn drawn(random: &mut Random, block: u64, folio: u64) -> Self {
        let folios = if random.percent(85) { 2 } else { 3 };
        let focus = random.below(folios) * folio;
        Span { block, folio, end: folios * folio, focus }
    }

    /// A start and a length, in multiples of some bytes, mostly of what it is about.
    fn of(&self, random: &mut Random, unit: u64) -> (u64, u64) {
        let unit = unit.min(self.folio);
        match random.below(10) {
            // All of it.
            0 | 1 => (0, self.end),
            // The folio.
            2..=5 => (self.focus, self.folio),
            // A part of it.
            6 | 7 => {
                let units = self.folio / unit;
                let first = random.below(units);
                (self.focus + first * unit, (1 + random.below(units - first)) * unit)
            }
            // Whatever.
            _ => {
                let units = self.end / unit;
                let first = random.below(units);
                (first * unit, (1 + random.below(units - first)) * unit)
            }
        }
    }

    /// Bytes that calls may name: mostly half blocks or more.
    pub(super) fn bytes(&self, random: &mut Random) -> (u64, u64) {
        let unit = *random.one(&[512, self.block / 2, self.block, self.block, self.folio]);
        self.of(random, unit.max(512))
    }

    /// Bytes, more often from the beginning on than others, since a write of several folios keeps its mapping longer.
    pub(super) fn long(&self, random: &mut Random) -> (u64, u64) {
        if !random.percent(65) {
            return self.bytes(random);
        }
        self.most(random)
    }

    /// All of it, but for a little at either end.
    pub(super) fn most(&self, random: &mut Random) -> (u64, u64) {
        let first = random.below(3) * (self.block / 2).max(512);
        let short = random.below(3) * (self.block / 2).max(512);
        (first, (self.end - first - short).max(512))
    }

    /// Whole blocks.
    pub(super) fn blocks(&self, random: &mut Random) -> (u64, u64) {
        self.of(random, self.block)
    }

    /// Whole folios.
    pub(super) fn folios(&self, random: &mut Random) -> (u64, u64) {
        self.of(random, self.folio)
    }

    /// A size of the file: in it, at its end, or a little behind.
    pub(super) fn size(&self, random: &mut Random) -> u64 {
        let (start, length) = self.bytes(random);
        *random.one(&[start, start + length, self.focus, self.end])
    }
}
