//! A visited set of a fixed size, in which a state is some bits: for searches that no memory is enough for.
//!
//! A state is taken for visited where all of its bits are set, be it by others; so states are left out, and what is behind them,
//! and a search with it never says that nothing is violated, only that nothing was found (G. J. Holzmann, "An analysis of bitstate
//! hashing", PSTV 1995). Three bits for a state leave out far fewer than one or two (P. C. Dillinger, P. Manolios, "Bloom
//! filters in probabilistic verification", FMCAD 2004), and all of them lie in one cache line, so that asking costs no more
//! than in the exact set.

use crate::error::EngineError;

/// Bits of a state.
const BITS_OF_STATE: u32 = 3;

/// Bits of a line.
const BITS_OF_LINE: u32 = 512;

/// Bytes of the smallest table: a line.
pub const LEAST_BITSTATE: u64 = BITS_OF_LINE as u64 / 8;
const WORDS_OF_LINE: usize = (BITS_OF_LINE / u64::BITS) as usize;

/// The states visited, more or less.
pub(crate) struct BitState {
    words: Vec<u64>,
    lines: u64,
    set: u64,
    /// States that were probably left out.
    omitted: f64,
    states: u64,
}

impl BitState {
    /// An empty set that takes so many bytes, or a line.
    pub(crate) fn new(bytes: u64) -> Result<Self, EngineError> {
        let none = EngineError::NoMemory { bytes };
        let lines = (bytes / LEAST_BITSTATE).max(1);
        let Some(words) = usize::try_from(lines).ok().and_then(|lines| lines.checked_mul(WORDS_OF_LINE))
        else {
            return Err(none);
        };
        // What cannot be had would end the process. It is asked for and given back, since zeros that the system makes cost nothing
        // until they are looked at.
        if Vec::<u64>::new().try_reserve_exact(words).is_err() {
            return Err(none);
        }
        Ok(BitState { words: vec![0; words], lines, set: 0, omitted: 0.0, states: 0 })
    }

    /// Enters a state. Whether it is certainly new.
    pub(crate) fn enter(&mut self, fingerprint: u128) -> bool {
        let line = ((fingerprint >> 64) * u128::from(self.lines)) >> 64;
        let line = &mut self.words[line as usize * WORDS_OF_LINE..][..WORDS_OF_LINE];
        let mut new = 0;
        for number in 0..BITS_OF_STATE {
            let bit = (fingerprint >> (9 * number)) as u32 % BITS_OF_LINE;
            let (word, mask) = ((bit / u64::BITS) as usize, 1 << (bit % u64::BITS));
            new += u64::from(line[word] & mask == 0);
            line[word] |= mask;
        }
        if new > 0 {
            let hides = self.hides();
            self.omitted += hides / (1.0 - hides).max(f64::MIN_POSITIVE);
            self.states += 1;
            self.set += new;
        }
        new > 0
    }

    /// The probability that a new state is taken for visited.
    fn hides(&self) -> f64 {
        (self.set as f64 / (self.words.len() as f64 * f64::from(u64::BITS))).powf(f64::from(BITS_OF_STATE))
    }

    /// The share of the states that were come to which was probably not left out, in millionths. What is only behind states
    /// that were left out was not come to, and is no part of this.
    pub(crate) fn coverage(&self) -> u32 {
        let states = self.states as f64;
        (states / (states + self.omitted).max(1.0) * 1e6) as u32
    }

    /// Bytes taken.
    pub(crate) fn bytes(&self) -> u64 {
        (self.words.len() * size_of::<u64>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::chain;

    fn entered(bytes: u64, states: u64) -> (u64, BitState) {
        let mut set = BitState::new(bytes).expect("memory");
        let new = (0..states).filter(|state| set.enter(chain(7, u128::from(*state), 0))).count();
        (new as u64, set)
    }

    #[test]
    fn nothing_is_entered_twice() {
        let (_, mut set) = entered(1 << 12, 1_000);
        assert!((0..1_000_u64).all(|state| !set.enter(chain(7, u128::from(state), 0))));
    }

    #[test]
    fn the_estimate_is_about_right() {
        for states in [1_000, 4_000, 16_000, 64_000] {
            let (new, set) = entered(1 << 14, states);
            let (found, said) = (new as f64 / states as f64, f64::from(set.coverage()) / 1e6);
            assert!((found - said).abs() < 0.05, "{found} of {states} states were new, and {said} was said");
        }
        assert!(entered(1 << 20, 1_000).1.coverage() > 999_990);
    }

    #[test]
    fn it_takes_what_it_was_given() {
        let bytes = |bytes| BitState::new(bytes).map(|set| set.bytes());
        assert_eq!((bytes(1 << 20), bytes(0)), (Ok(1 << 20), Ok(64)));
    }

    #[test]
    fn what_cannot_be_had_is_an_error() {
        for bytes in [999 << 40, u64::MAX] {
            assert_eq!(BitState::new(bytes).map(|_| ()), Err(EngineError::NoMemory { bytes }));
        }
    }
}
