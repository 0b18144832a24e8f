//! Which shared objects a transition touched, and when two transitions are independent.
//!
//! Two transitions are independent where neither changed an object that the other touched: executed in
//! either order they give the same state, and neither enables or disables the other, because what an
//! operation waits for is among the objects it touches. Footprints are recorded while a transition runs, so
//! they are exact for the state it ran in. Sleep sets only use them along sequences of independent
//! transitions, where they stay the same.

/// Objects read and objects changed, as bit sets over object numbers modulo 128. Two objects that share a
/// bit count as one, which only makes more transitions dependent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Footprint {
    /// Every object touched.
    pub(crate) touched: u128,
    /// The objects that were different afterwards.
    pub(crate) changed: u128,
}

impl Footprint {
    /// The bit of an object.
    #[inline]
    pub(crate) fn bit(object: usize) -> u128 {
        1 << (object % 128)
    }

    /// The footprint of either of two outcomes of one operation.
    #[inline]
    pub(crate) fn union(self, other: Self) -> Self {
        Footprint { touched: self.touched | other.touched, changed: self.changed | other.changed }
    }

    /// Whether the two transitions commute.
    #[inline]
    pub(crate) fn independent(self, other: Self) -> bool {
        self.changed & other.touched == 0 && other.changed & self.touched == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_commute_and_writers_do_not() {
        let read = Footprint { touched: 1, changed: 0 };
        let write = Footprint { touched: 1, changed: 1 };
        let elsewhere = Footprint { touched: 2, changed: 2 };
        assert!(read.independent(read));
        assert!(!read.independent(write));
        assert!(!write.independent(write));
        assert!(write.independent(elsewhere));
    }

    #[test]
    fn objects_beyond_the_set_alias_conservatively() {
        assert_eq!(Footprint::bit(3), Footprint::bit(131));
    }
}
