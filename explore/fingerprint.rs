//! State identity: 128-bit fingerprints of canonical bytes.
//!
//! A value feeds its `Hash` implementation into a byte buffer instead of a hasher, and the buffer is hashed
//! in one go. The bytes are canonical because everything hashed is owned data in a fixed order (no
//! addresses, no unordered collections), and XXH3-128 is a fixed function: the same state has the same
//! fingerprint in every run. The state's fingerprint is the sum of its parts' fingerprints, each salted with
//! the part's number, so that changing one part costs one hash.
//!
//! The salt is hashed with the print of the bytes, and is not the seed of their hash: XXH3 mixes its seed into short inputs by
//! an exclusive or, so that what differs in the right bits has the same print as another part, and two such parts the same sum
//! (`xxh3_len_9to16_128b`, xxhash 0.8).
//!
//! What a search does in every transition is `inline`, here and in the memory: the search is compiled in another crate.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use stalemap_facade::ActorId;
use xxhash_rust::xxh3::{xxh3_128, xxh3_128_with_seed};

use crate::visited::STORED_BITS;

/// Numbers of parts that are neither an object nor an actor. Each has its own, so that no two of them take each other away in the
/// sum.
pub(crate) mod part {
    /// The violated properties.
    pub(crate) const VIOLATED: usize = usize::MAX;
    /// Who moved last, and the preemptions so far, where these are bounded.
    pub(crate) const PASSED: usize = usize::MAX - 2;
    /// Who waits in a deadlock, and where; it stands alone.
    pub(crate) const WAITING: usize = usize::MAX - 3;
    /// What a walk for costs has noted.
    pub(crate) const NOTE: usize = usize::MAX - 4;
}

/// Collects what a `Hash` implementation writes.
#[derive(Default)]
pub(crate) struct CanonicalBytes {
    bytes: Vec<u8>,
}

impl Hasher for CanonicalBytes {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    fn finish(&self) -> u64 {
        // Only `fingerprint` looks at the result, and it takes all 128 bits.
        xxh3_128_with_seed(&self.bytes, 0) as u64
    }
}

impl CanonicalBytes {
    /// The fingerprint of `value` as part number `salt`.
    pub(crate) fn fingerprint<T: Hash + ?Sized>(&mut self, salt: u64, value: &T) -> u128 {
        self.bytes.clear();
        value.hash(self);
        chain(0, xxh3_128(&self.bytes), u128::from(salt))
    }

    /// The bytes of the last value.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// The fingerprint of two fingerprints, in order. A seed tells apart what they are chained for: the first is as good as random, so
/// that another seed does not come to the same by a small change of it.
#[inline]
pub(crate) fn chain(salt: u64, first: u128, second: u128) -> u128 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&first.to_le_bytes());
    bytes[16..].copy_from_slice(&second.to_le_bytes());
    xxh3_128_with_seed(&bytes, salt)
}

/// An object's share of the state's fingerprint: a free object's is that of its value, a held one's is mixed
/// with its owner (the finaliser of MurmurHash3, widened to 128 bits). `value_print` is uniform and salted
/// with the object's number already.
#[inline]
pub(crate) fn owned_print(value_print: u128, owner: Option<ActorId>) -> u128 {
    const STEP: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    const MIX: u128 = 0xff51_afd7_ed55_8ccd_c4ce_b9fe_1a85_ec53;
    match owner {
        None => value_print,
        Some(owner) => {
            let mut mixed = value_print ^ STEP.wrapping_mul(owner as u128 + 1);
            mixed = (mixed ^ (mixed >> 67)).wrapping_mul(MIX);
            mixed ^ (mixed >> 59)
        }
    }
}

/// Probability that among `states` distinct states at least two have the same stored bits of a fingerprint, so that one of
/// them was taken for visited: the birthday bound n(n-1)/2 / 2^112.
pub fn collision_probability(states: u64) -> f64 {
    let states = states as f64;
    states * (states - 1.0).max(0.0) / 2.0 / 2f64.powf(f64::from(STORED_BITS))
}

/// Hashes a fingerprint for a hash table by taking it as it is: it is uniform already.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    #[inline]
    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }

    #[inline]
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

pub(crate) type IdentityState = BuildHasherDefault<Identity>;
