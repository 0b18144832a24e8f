//! The visited set: by fingerprint, what is known of a state.
//!
//! It is by far the largest thing in memory, and a hash table that is full is copied into one of twice its size. So
//! there are several, each for the fingerprints that begin with certain bits: only one of them is copied at a time,
//! and what the set takes grows with the states in it and not by doubling.

use std::hash::{Hash, Hasher};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::actors::ActorSet;
use crate::fingerprint::IdentityState;

/// What is stored with a visited state.
#[derive(Clone, Copy)]
pub(crate) struct Visited {
    pub(crate) sleep: ActorSet,
    /// How often the state is on the stack.
    pub(crate) on_stack: u8,
}

/// A fingerprint in halves: as one number it would be padded to its alignment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    high: u64,
    low: u64,
}

impl Key {
    #[inline]
    fn of(fingerprint: u128) -> Self {
        Key { high: (fingerprint >> 64) as u64, low: fingerprint as u64 }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low);
    }
}

type Part = HashMap<Key, Visited, IdentityState>;

/// Parts of the set; a power of two.
const PARTS: usize = 16;

/// The states visited.
pub(crate) struct VisitedSet {
    parts: [Part; PARTS],
    bytes: u64,
}

impl VisitedSet {
    pub(crate) fn new() -> Self {
        VisitedSet { parts: std::array::from_fn(|_| Part::default()), bytes: 0 }
    }

    #[inline]
    fn part(&mut self, key: Key) -> &mut Part {
        &mut self.parts[(key.high >> 60) as usize % PARTS]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, fingerprint: u128) -> Option<&mut Visited> {
        let key = Key::of(fingerprint);
        self.part(key).get_mut(&key)
    }

    /// Where a state is or goes. Who enters it, having made room for it before, keeps the count of bytes right.
    #[inline]
    pub(crate) fn entry(&mut self, fingerprint: u128) -> Entry<'_, Key, Visited, IdentityState> {
        let key = Key::of(fingerprint);
        self.part(key).entry(key)
    }

    /// How many states there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(HashMap::len).sum()
    }

    /// The states, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u128, Visited)> {
        let fingerprint = |key: &Key| u128::from(key.high) << 64 | u128::from(key.low);
        self.parts.iter().flatten().map(move |(key, visited)| (fingerprint(key), *visited))
    }

    /// Bytes that a state needs beside those that are taken, until it has been entered.
    #[inline]
    pub(crate) fn needs(&mut self, fingerprint: u128) -> u64 {
        let part = self.part(Key::of(fingerprint));
        if part.len() < part.capacity() { 0 } else { 2 * part.allocation_size().max(SMALLEST) as u64 }
    }

    /// Makes room for a state.
    pub(crate) fn make_room(&mut self, fingerprint: u128) {
        self.part(Key::of(fingerprint)).reserve(1);
        self.bytes = self.parts.iter().map(|part| part.allocation_size() as u64).sum();
    }

    /// Bytes taken.
    #[inline]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Bytes of the smallest table, which has four places.
const SMALLEST: usize = 4 * (size_of::<(Key, Visited)>() + 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_state_is_its_slot_in_the_visited_set_and_nothing_more() {
        // Fingerprint, sleep set and stack count. Final and deadlocked states, few by comparison, are kept in sets
        // of fingerprints beside it.
        assert_eq!(size_of::<(Key, Visited)>(), 24);
    }

    #[test]
    fn fingerprints_that_differ_in_one_bit_are_two_states() {
        let mut set = VisitedSet::new();
        let fingerprints: Vec<u128> = (0..128).map(|bit| 1 << bit).chain([0]).collect();
        for (sleep, fingerprint) in (0..).zip(&fingerprints) {
            assert!(set.get_mut(*fingerprint).is_none());
            set.make_room(*fingerprint);
            set.entry(*fingerprint).insert(Visited { sleep, on_stack: 0 });
        }
        assert_eq!(set.len(), 129);
        let mut found: Vec<_> =
            set.iter().map(|(fingerprint, visited)| (visited.sleep, fingerprint)).collect();
        found.sort_unstable();
        assert_eq!(found, (0..).zip(fingerprints).collect::<Vec<(ActorSet, u128)>>());
    }

    #[test]
    fn the_set_never_takes_more_than_it_has_said() {
        let mut set = VisitedSet::new();
        for number in 0..10_000_u128 {
            let fingerprint = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            let needs = set.needs(fingerprint);
            let most = set.bytes() + needs;
            if needs > 0 {
                set.make_room(fingerprint);
            }
            set.entry(fingerprint).or_insert(Visited { sleep: 0, on_stack: 1 });
            let bytes = set.bytes();
            assert!(bytes <= most);
            assert_eq!(bytes, set.parts.iter().map(|part| part.allocation_size() as u64).sum::<u64>());
        }
        assert_eq!(set.len(), 10_000);
        assert!(set.parts.iter().all(|part| part.len() < 1_000), "each part has its share");
        assert!(set.get_mut(0).is_some() && set.get_mut(7).is_none());
    }
}
