//! What the race is about: a file of a few folios, who takes part, and what is compared in the end.

use std::collections::BTreeSet;
use std::fmt::Write;

/// The most folios of a file.
pub const MOST: usize = 4;

/// Who takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cast {
    /// A buffered write, writeback, and its completion.
    Three,
    /// And reclaim: with it, data can be lost.
    Four,
    /// And a store through a mapping of the file.
    Five,
}

impl Cast {
    /// All of them.
    pub const ALL: [Cast; 3] = [Cast::Three, Cast::Four, Cast::Five];

    /// How many they are.
    pub fn actors(self) -> usize {
        match self {
            Cast::Three => 3,
            Cast::Four => 4,
            Cast::Five => 5,
        }
    }

    /// Whether memory is reclaimed.
    pub fn has_reclaim(self) -> bool {
        self != Cast::Three
    }

    /// Whether somebody stores through a mapping.
    pub fn has_fault(self) -> bool {
        self == Cast::Five
    }
}

/// What the writer does before it uses its mapping on a folio.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// Nothing: data can be lost.
    None,
    /// It compares the counter of the extent map.
    IomapValid,
}

impl Check {
    /// Both.
    pub const ALL: [Check; 2] = [Check::None, Check::IomapValid];

    /// The name of the product's design that does so.
    pub fn design(self) -> &'static str {
        match self {
            Check::None => "none",
            Check::IomapValid => "iomap_valid",
        }
    }
}

/// One race.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Race {
    /// Folios of the file, at least 1, at most [`MOST`].
    pub folios: usize,
    /// Who takes part.
    pub cast: Cast,
    /// What the writer does about stale mappings.
    pub check: Check,
}

impl Race {
    /// The last folio, which is written in part.
    pub fn last(self) -> usize {
        self.folios - 1
    }

    /// The blocks that are unwritten when the race begins, a bit for each: all.
    pub fn unwritten(self) -> u8 {
        (1 << self.folios) - 1
    }

    /// What the last folio contains when the race begins: data that was written before, and not yet written back.
    pub fn cached(self) -> Folio {
        Folio { present: true, uptodate: true, dirty: true, tail: Data::Old, ..Folio::ABSENT }
    }

    /// The file when the race begins.
    pub fn file(self) -> [Folio; MOST] {
        std::array::from_fn(|at| if at == self.last() { self.cached() } else { Folio::ABSENT })
    }

    /// What a reader must find in the end in the second half of the last folio: what was stored there last.
    pub fn expected(self) -> Data {
        if self.cast.has_fault() { Data::Stored } else { Data::Old }
    }

    /// Whether a reader finds something else.
    pub fn is_lost(self, last: &Folio, unwritten: u8) -> bool {
        last.read(is_unwritten(unwritten, self.last())).1 != self.expected()
    }
}

/// Whether a block's bit is set.
pub fn is_unwritten(unwritten: u8, block: usize) -> bool {
    unwritten >> block & 1 == 1
}

/// What a half of a folio, or of a block of the disk, contains.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Data {
    /// Zeroes.
    Zero,
    /// What was in the cache when the race began.
    Old,
    /// The writer's.
    Written,
    /// Stored through the mapping.
    Stored,
    /// What an unwritten block contained before.
    Garbage,
}

/// A folio of the page cache, and the block under it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Folio {
    /// It is in the cache.
    pub present: bool,
    /// Its contents are the file's.
    pub uptodate: bool,
    /// It has to be written back.
    pub dirty: bool,
    /// It is being written back.
    pub writeback: bool,
    /// Somebody has its lock.
    pub locked: bool,
    /// A page table maps it, and it can be stored through that.
    pub writable: bool,
    /// What its first half contains.
    pub head: Data,
    /// What its second half contains.
    pub tail: Data,
    /// What the block's first half contains.
    pub disk_head: Data,
    /// What the block's second half contains.
    pub disk_tail: Data,
}

impl Folio {
    /// Not in the cache, above a block that nobody has written.
    pub const ABSENT: Folio = Folio {
        present: false,
        uptodate: false,
        dirty: false,
        writeback: false,
        locked: false,
        writable: false,
        head: Data::Zero,
        tail: Data::Zero,
        disk_head: Data::Garbage,
        disk_tail: Data::Garbage,
    };

    /// Whether writeback has something to do here.
    pub fn wants_writeback(&self) -> bool {
        self.present && self.dirty
    }

    /// Whether it may be taken out of the cache, by somebody who gets its lock at once.
    pub fn is_reclaimable(&self) -> bool {
        self.present && !self.locked && !self.dirty && !self.writeback
    }

    /// What a reader finds.
    pub fn read(&self, is_unwritten: bool) -> (Data, Data) {
        if self.present && self.uptodate { (self.head, self.tail) } else { self.below(is_unwritten) }
    }

    /// What a reader finds who believes so of the block.
    pub fn below(&self, is_unwritten: bool) -> (Data, Data) {
        if is_unwritten { (Data::Zero, Data::Zero) } else { (self.disk_head, self.disk_tail) }
    }
}

/// A set of final states.
pub type Finals = BTreeSet<String>;

/// A final state in words that every tool can say: all shared memory.
pub fn final_state<'f>(folios: impl IntoIterator<Item = &'f Folio>, unwritten: u8, seq: u64) -> String {
    let mut text = String::from("FINAL");
    for (at, folio) in folios.into_iter().enumerate() {
        let flags =
            [folio.present, folio.uptodate, folio.dirty, folio.writeback, folio.locked, folio.writable];
        text.push(' ');
        text.extend(flags.map(|flag| if flag { '1' } else { '0' }));
        let block = is_unwritten(unwritten, at);
        let _ = write!(
            text,
            ":{}{}:{}:{}{}",
            folio.head as u8,
            folio.tail as u8,
            u8::from(block),
            folio.disk_head as u8,
            folio.disk_tail as u8
        );
    }
    let _ = write!(text, " seq {seq}");
    text
}
