//! What actors are drawn with: the file system, what the scenario is about, where it takes place.

use super::ranges::Span;
use crate::fuzz::random::Random;

/// A file system to draw for, by its name and what it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct On {
    /// The personality.
    pub(super) personality: &'static str,
    /// Whether files can share blocks.
    pub(super) shares: bool,
    /// Whether it counts changes of extents, so that a mapping can be seen to be stale.
    pub(super) checks: bool,
}

/// What a scenario is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Focus {
    /// A write that holds its mapping over several folios, and somebody who changes extents meanwhile, whom i_rwsem does not stop.
    Check,
    /// Whatever it is.
    Anything,
}

/// Through what the data of a scenario go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Through {
    /// The page cache.
    Cache,
    /// Direct I/O, and reads of all kinds.
    Device,
    /// Either.
    Both,
}

/// What actors are drawn with.
pub(super) struct Cast {
    pub(super) random: Random,
    pub(super) span: Span,
    pub(super) on: On,
    pub(super) files: usize,
    pub(super) through: Through,
    pub(super) focus: Focus,
    pub(super) exchanges: bool,
    /// The pattern of the next write, so that each is told from the others.
    pub(super) next_fill: u8,
}

impl Cast {
    /// The pattern of a further write.
    pub(super) fn fill(&mut self) -> String {
        self.next_fill += 1;
        format!("0x{:x}", self.next_fill - 1)
    }
}
