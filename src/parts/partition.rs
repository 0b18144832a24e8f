//! `K/N`: which of so many parts one is, and what of a run that has.
//!
//! Pairs of a scenario and a design are dealt out one after the other, as cards are: neighbours, which are often alike in size, go
//! to different parts. Where there are more parts than pairs, the parts are dealt to the pairs in the same way, and those of one pair
//! have a slice of its states each.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// The most parts that a run can have.
const MOST: u32 = 1_000_000;

/// One of so many parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partition {
    /// Which, from 1.
    part: NonZeroU32,
    /// Of how many.
    of: NonZeroU32,
}

/// What a part has of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Share {
    /// These pairs, by their places in the list.
    Pairs(Vec<usize>),
    /// A slice of the states of one pair.
    Slice(Slice),
}

/// One of several slices of the states of a pair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// The pair, by its place in the list.
    pub pair: usize,
    /// Which slice, from 0.
    pub number: usize,
    /// Of how many; at least 2.
    pub of: usize,
}

impl Partition {
    /// Part `part`, from 1, of `of`. `None`: there is no such part.
    pub fn new(part: u32, of: u32) -> Option<Self> {
        let partition = Partition { part: NonZeroU32::new(part)?, of: NonZeroU32::new(of)? };
        (part <= of && of <= MOST).then_some(partition)
    }

    /// Which part, from 1.
    pub fn part(self) -> u32 {
        self.part.get()
    }

    /// Of how many.
    pub fn of(self) -> u32 {
        self.of.get()
    }

    /// What it has of a run of so many pairs.
    pub fn share(self, pairs: usize) -> Share {
        let (part, of) = (self.part.get() as usize - 1, self.of.get() as usize);
        if of <= pairs || pairs == 0 {
            return Share::Pairs((part..pairs).step_by(of).collect());
        }
        let pair = part % pairs;
        match (pair..of).step_by(pairs).len() {
            1 => Share::Pairs(vec![pair]),
            slices => Share::Slice(Slice { pair, number: part / pairs, of: slices }),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "expected K/N, like 3/8: the third of eight parts".to_owned();
        let (part, of) = text.split_once('/').ok_or_else(form)?;
        let number = |text: &str| -> Result<u32, String> {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if is_number { text.parse().map_err(|_| too_many()) } else { Err(form()) }
        };
        let (part, of) = (number(part)?, number(of)?);
        if of > MOST {
            return Err(too_many());
        }
        Partition::new(part, of).ok_or_else(|| match of {
            0 => "a run has at least one part".to_owned(),
            _ => format!("parts are numbered from 1: there are 1/{of} to {of}/{of}"),
        })
    }
}

fn too_many() -> String {
    format!("a run has at most {MOST} parts")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_part_is_refused_with_what_would_be_right() {
        for (text, says) in [
            ("", "expected K/N"),
            ("3", "expected K/N"),
            ("a/b", "expected K/N"),
            ("+1/2", "expected K/N"),
            ("1/2/3", "expected K/N"),
            ("1/", "expected K/N"),
            ("0/4", "1/4 to 4/4"),
            ("5/4", "1/4 to 4/4"),
            ("1/0", "at least one part"),
            ("1/99999999999", "at most 1000000 parts"),
            ("99999999999/2", "at most 1000000 parts"),
            ("1/1000001", "at most 1000000 parts"),
        ] {
            let problem = text.parse::<Partition>().expect_err(text);
            assert!(problem.contains(says), "{text}: {problem}");
        }
        assert_eq!("3/8".parse::<Partition>().map(|partition| partition.to_string()), Ok("3/8".to_owned()));
    }

    #[test]
    fn pairs_are_dealt_out_and_slices_are_of_parts_that_would_have_none() {
        let share = |part, of, pairs| Partition::new(part, of).expect("a part").share(pairs);
        assert_eq!(share(2, 3, 8), Share::Pairs(vec![1, 4, 7]));
        assert_eq!(share(3, 3, 8), Share::Pairs(vec![2, 5]));
        // Three pairs and seven parts: the first pair has parts 1, 4 and 7, the others two each.
        assert_eq!(share(7, 7, 3), Share::Slice(Slice { pair: 0, number: 2, of: 3 }));
        assert_eq!(share(5, 7, 3), Share::Slice(Slice { pair: 1, number: 1, of: 2 }));
        // Three pairs and four parts: only the first is cut.
        assert_eq!(share(2, 4, 3), Share::Pairs(vec![1]));
        assert_eq!(share(4, 4, 3), Share::Slice(Slice { pair: 0, number: 1, of: 2 }));
    }

    proptest! {
        /// Every pair is in one part, or in as many parts as it has slices, one for each.
        #[test]
        fn nothing_is_left_out_and_nothing_is_there_twice(pairs in 0_usize..60, of in 1_u32..90) {
            let mut seen: Vec<(usize, usize, usize)> = Vec::new();
            for part in 1..=of {
                match Partition::new(part, of).expect("a part").share(pairs) {
                    Share::Pairs(has) => seen.extend(has.into_iter().map(|pair| (pair, 0, 1))),
                    Share::Slice(Slice { pair, number, of }) => seen.push((pair, number, of)),
                }
            }
            seen.sort_unstable();
            let mut expected = Vec::new();
            for pair in 0..pairs {
                let slices = seen.iter().filter(|slice| slice.0 == pair).count();
                expected.extend((0..slices).map(|number| (pair, number, slices)));
                prop_assert!(slices >= 1);
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
