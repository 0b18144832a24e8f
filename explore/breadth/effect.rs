//! What a transition does, and what it depends on, in small numbers.

use std::num::NonZeroU32;
use std::ops::Range;

use stalemap_facade::Bound;

use crate::memory::Outcome;

/// The number of a value of an object, of a standing of an actor, or of a set of violated properties.
pub(super) type Number = u16;

/// A place in the row of a state: first the objects, then the actors, then the violated properties.
pub(super) type Column = u16;

/// The number of a beginning, or of a set of columns.
pub(super) type Index = u32;

/// An effect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct EffectId(NonZeroU32);

impl EffectId {
    /// The one at this place.
    pub(super) fn at(place: usize) -> Option<Self> {
        u32::try_from(place + 1).ok().and_then(NonZeroU32::new).map(EffectId)
    }

    #[inline]
    pub(super) fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// A set of columns, by their remainders: two sets that have one in common meet, and some others do as well.
#[derive(Clone, Copy)]
pub(super) struct Columns(u64);

impl Columns {
    pub(super) fn of(columns: impl Iterator<Item = Column>) -> Self {
        Columns(columns.fold(0, |all, column| all | 1 << (u32::from(column) % u64::BITS)))
    }

    #[inline]
    pub(super) fn meet(self, other: Columns) -> bool {
        self.0 & other.0 != 0
    }
}

/// What is asked of a transition whenever it is made. There are thousands, and they are met in no order: so that the caches have
/// most of them, it is little.
pub(super) struct Effect {
    /// What it adds to the fingerprint.
    pub(super) delta: u128,
    /// What is to be tried after it.
    pub(super) next: Option<Index>,
    /// The place of what it finds; the first one is nothing.
    pub(super) finds: u32,
}

/// What a transition finds.
#[derive(Clone, Copy)]
pub(super) struct Finds {
    /// The properties that it finds violated.
    pub(super) violated: u64,
    /// The bound that it runs into.
    pub(super) cut: Option<Bound>,
}

impl Finds {
    pub(super) const NOTHING: Finds = Finds { violated: 0, cut: None };

    pub(super) fn is_nothing(self) -> bool {
        self.violated == 0 && self.cut.is_none()
    }
}

/// What a transition changes in a state.
pub(super) struct Changes {
    /// The columns that it writes, and where these are.
    pub(super) columns: Columns,
    pub(super) writes: Range<u32>,
}

/// Where an effect was learned: what it depends on, and who makes it.
pub(super) struct Origin {
    /// The set of columns that it depends on.
    pub(super) set: Index,
    pub(super) actor: u8,
    /// The column of its actor, and where that stands.
    pub(super) stands: (Column, Number),
    pub(super) outcome: Outcome,
}

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of a set of violated properties.
#[inline]
pub(super) fn hash_of_violated(violated: u64) -> u64 {
    let mixed = violated.wrapping_mul(ODD);
    mixed ^ mixed >> 32
}
