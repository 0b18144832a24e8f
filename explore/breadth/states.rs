//! States that are still to be expanded, and other rows of numbers.
//!
//! They come by the hundred thousand and are needed once. So they lie in blocks of one size, which are neither moved nor copied
//! while there come more, and which later states get when they have been expanded. Several threads enter states, and what one of them
//! takes of memory is no use to another one; so all blocks are taken beforehand by the thread that shares the work out.

use std::collections::VecDeque;

use prefetch_index::prefetch_index;

use super::effect::{EffectId, Number};

/// Rows of a block.
const BLOCK: usize = 1 << 7;

/// Blocks that are kept for later states at the end of a level.
const KEPT: usize = 1 << 9;

/// Some rows of the same width, each with a fingerprint, and with what is known of the first transition of each mover.
pub(super) struct Block {
    numbers: Vec<Number>,
    prints: Vec<u128>,
    firsts: Vec<Option<EffectId>>,
}

/// What a row consists of.
#[derive(Clone, Copy)]
pub(super) struct Width {
    /// Numbers.
    pub(super) numbers: usize,
    /// Movers of which the first transition may be known.
    pub(super) movers: usize,
}

impl Width {
    fn block(self) -> Block {
        Block {
            numbers: Vec::with_capacity(BLOCK * self.numbers),
            prints: Vec::with_capacity(BLOCK),
            firsts: Vec::with_capacity(BLOCK * self.movers),
        }
    }

    fn bytes_of_block(self) -> u64 {
        let numbers = self.numbers * size_of::<Number>();
        let firsts = self.movers * size_of::<Option<EffectId>>();
        (BLOCK * (numbers + firsts + size_of::<u128>())) as u64
    }
}

/// Blocks that are free.
pub(super) struct Free {
    width: Width,
    blocks: Vec<Block>,
}

impl Free {
    pub(super) fn new(width: Width) -> Self {
        Free { width, blocks: Vec::new() }
    }

    fn take(&mut self) -> Block {
        self.blocks.pop().unwrap_or_else(|| self.width.block())
    }

    fn give(&mut self, mut block: Block) {
        block.numbers.clear();
        block.prints.clear();
        block.firsts.clear();
        self.blocks.push(block);
    }

    /// Gives up what is not likely to be needed soon.
    pub(super) fn shrink(&mut self) {
        self.blocks.truncate(KEPT);
    }

    /// Bytes that so many states, in so many parts, need beside those that are taken.
    pub(super) fn needs_for(&self, states: usize, parts: usize) -> u64 {
        let blocks = (states / BLOCK + parts).saturating_sub(self.blocks.len());
        blocks as u64 * self.width.bytes_of_block()
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        self.blocks.len() as u64 * self.width.bytes_of_block()
    }
}

/// Some states: a row and a fingerprint each, by number.
pub(super) struct States {
    width: Width,
    /// All but the last are full. The first ones may have been given away.
    blocks: VecDeque<Block>,
    /// How many have been given away.
    given: usize,
    count: usize,
    /// Blocks for further states.
    spare: Vec<Block>,
}

impl States {
    /// None yet.
    pub(super) fn new(width: Width) -> Self {
        States { width, blocks: VecDeque::new(), given: 0, count: 0, spare: Vec::new() }
    }

    /// How many were entered.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    #[inline]
    fn block(&self, state: usize) -> &Block {
        &self.blocks[state / BLOCK - self.given]
    }

    #[inline]
    pub(super) fn row(&self, state: usize) -> &[Number] {
        &self.block(state).numbers[state % BLOCK * self.width.numbers..][..self.width.numbers]
    }

    /// Has a row brought into the caches, and does not wait for it.
    #[inline]
    pub(super) fn fetch(&self, state: usize) {
        let row = self.row(state);
        prefetch_index(row, 0);
        prefetch_index(row, row.len() - 1);
    }

    /// The rows from this one on.
    pub(super) fn rows_from(&self, first: usize) -> impl ExactSizeIterator<Item = &[Number]> {
        (first..self.count).map(|state| self.row(state))
    }

    #[inline]
    pub(super) fn print(&self, state: usize) -> u128 {
        self.block(state).prints[state % BLOCK]
    }

    /// The first transition of each mover, where it is known.
    #[inline]
    pub(super) fn firsts(&self, state: usize) -> &[Option<EffectId>] {
        &self.block(state).firsts[state % BLOCK * self.width.movers..][..self.width.movers]
    }

    /// Enters a state with a copy of a row, to be changed.
    #[inline]
    pub(super) fn enter(
        &mut self,
        row: &[Number],
        print: u128,
        firsts: impl Iterator<Item = Option<EffectId>>,
    ) -> &mut [Number] {
        if self.count == (self.given + self.blocks.len()) * BLOCK {
            let block = self.spare.pop().unwrap_or_else(|| self.width.block());
            self.blocks.push_back(block);
        }
        let index = self.count / BLOCK - self.given;
        let block = &mut self.blocks[index];
        let at = block.numbers.len();
        block.numbers.extend_from_slice(row);
        block.prints.push(print);
        block.firsts.extend(firsts);
        self.count += 1;
        &mut block.numbers[at..]
    }

    /// Enters a state of which nothing more is known.
    pub(super) fn enter_row(&mut self, row: &[Number], print: u128) {
        let nothing = std::iter::repeat_n(None, self.width.movers);
        self.enter(row, print, nothing);
    }

    /// Gets blocks for so many further states.
    pub(super) fn provide(&mut self, states: usize, free: &mut Free) {
        let blocks = states.div_ceil(BLOCK);
        while self.spare.len() < blocks {
            self.spare.push(free.take());
        }
    }

    /// Forgets the states before this one, and gives their blocks away. No more states are entered after that.
    pub(super) fn forget(&mut self, before: usize, free: &mut Free) {
        let blocks = if before == self.count { self.blocks.len() } else { before / BLOCK - self.given };
        self.given += blocks;
        self.blocks.drain(..blocks).for_each(|block| free.give(block));
    }

    /// Forgets all states, and begins anew.
    pub(super) fn clear(&mut self, free: &mut Free) {
        self.blocks.drain(..).chain(self.spare.drain(..)).for_each(|block| free.give(block));
        (self.given, self.count) = (0, 0);
    }

    /// Gives up the blocks that were provided and not needed.
    pub(super) fn return_spare(&mut self, free: &mut Free) {
        self.spare.drain(..).for_each(|block| free.give(block));
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        (self.blocks.len() + self.spare.len()) as u64 * self.width.bytes_of_block()
    }
}
