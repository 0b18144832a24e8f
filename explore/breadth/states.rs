//! States that are still to be expanded, and other rows of numbers.
//!
//! They come by the hundred thousand and go with their level. So they lie in blocks of one size, which are neither moved nor
//! copied while there come more, and are taken by later states when they are free.

use super::known::Number;

/// Rows of a block.
const BLOCK: usize = 1 << 9;

/// Some rows of the same width, each with a fingerprint.
struct Block {
    numbers: Vec<Number>,
    prints: Vec<u128>,
}

/// Some states: a row and a fingerprint each.
pub(super) struct States {
    width: usize,
    /// All but the last are full.
    blocks: Vec<Block>,
    count: usize,
}

impl States {
    /// None, of rows of so many numbers.
    pub(super) fn new(width: usize) -> Self {
        States { width, blocks: Vec::new(), count: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    #[inline]
    pub(super) fn row(&self, state: usize) -> &[Number] {
        &self.blocks[state / BLOCK].numbers[state % BLOCK * self.width..][..self.width]
    }

    pub(super) fn rows(&self) -> impl ExactSizeIterator<Item = &[Number]> {
        (0..self.count).map(|state| self.row(state))
    }

    #[inline]
    pub(super) fn print(&self, state: usize) -> u128 {
        self.blocks[state / BLOCK].prints[state % BLOCK]
    }

    /// Enters a state with a copy of a row, to be changed.
    #[inline]
    pub(super) fn enter(&mut self, row: &[Number], print: u128) -> &mut [Number] {
        if self.count == self.blocks.len() * BLOCK {
            let numbers = Vec::with_capacity(BLOCK * self.width);
            self.blocks.push(Block { numbers, prints: Vec::with_capacity(BLOCK) });
        }
        let block = &mut self.blocks[self.count / BLOCK];
        let at = block.numbers.len();
        block.numbers.extend_from_slice(row);
        block.prints.push(print);
        self.count += 1;
        &mut block.numbers[at..]
    }

    /// Forgets the states.
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.count = 0;
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        let block = BLOCK * (self.width * size_of::<Number>() + size_of::<u128>());
        (self.blocks.len() * block) as u64
    }
}
