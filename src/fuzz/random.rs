//! Random numbers that are the same for ever: ChaCha8 by its specification, a stream of it for each scenario.
//!
//! What is made of them is made here, and not by a library, whose ways of choosing change with its versions.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};

/// The random numbers of one scenario.
#[derive(Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// Those of a number of a seed.
    pub fn of(seed: u64, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(number);
        Random(rng)
    }

    /// A number below another; 0 below 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // What is left over is less than 2^-32 for all that is asked here.
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// Whether something happens that does so this many times in a hundred.
    pub fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// One of these.
    pub fn one<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// One of these, each as often as its weight says among those that are allowed. `None`: none is.
    pub fn weighted<'t, T>(&mut self, of: &'t [(u64, T)], allowed: impl Fn(&T) -> bool) -> Option<&'t T> {
        let weight = |(weight, it): &(u64, T)| if allowed(it) { *weight } else { 0 };
        let mut at = self.below(of.iter().map(weight).sum());
        of.iter()
            .find(|entry| {
                let found = at < weight(entry);
                at = at.saturating_sub(weight(entry));
                found
            })
            .map(|(_, it)| it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key stream of ChaCha8 for a key of zeros, as its authors publish it: another library, or another version, gives the same.
    #[test]
    fn the_numbers_are_those_of_the_cipher() {
        let mut random = Random::of(0, 0);
        let first: Vec<u64> = (0..2).map(|_| random.0.next_u64()).collect();
        assert_eq!(first[0].to_le_bytes(), [0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6]);
        assert_eq!(first[1].to_le_bytes(), [0x7f, 0x5b, 0xb8, 0xe8, 0x1f, 0x09, 0xa5, 0xa1]);
    }

    #[test]
    fn numbers_of_a_seed_have_streams_of_their_own() {
        let drawn = |seed, number| {
            let mut random = Random::of(seed, number);
            (0..8).map(|_| random.below(1 << 40)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(1, 7), drawn(1, 7));
        assert!(drawn(1, 7) != drawn(1, 8) && drawn(1, 7) != drawn(2, 7));
    }

    #[test]
    fn weights_are_those_of_what_is_allowed() {
        let mut random = Random::of(3, 0);
        let table = [(1, 'a'), (3, 'b'), (96, 'c')];
        let drawn: Vec<char> =
            (0..4000).filter_map(|_| random.weighted(&table, |it| *it != 'c').copied()).collect();
        let b = drawn.iter().filter(|it| **it == 'b').count();
        assert!(drawn.len() == 4000 && (2800..3200).contains(&b), "{b}");
        assert_eq!(random.weighted(&table, |_| false), None);
    }
}
