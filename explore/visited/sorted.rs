//! A set that is made of its states in order, as they are kept.
//!
//! Entered one by one, each would come behind all before it, in an array that is made for as many as there are until then: all homes
//! lie at its beginning, and a search goes over everything. So the states of a part are put down without a gap, and spread when
//! all of them are there.

use super::{CHUNK, Part, VisitedSet, part_of, stored};
use crate::actors::ActorSet;

/// A set in the making.
pub(crate) struct Sorted {
    set: VisitedSet,
    /// The part that states are put into, and the last one.
    part: usize,
    last: Option<u128>,
    limit: Option<u64>,
}

/// Why there is no set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unfit {
    /// A state comes before one that it should stand behind.
    Order,
    /// The states take more than the limit.
    Memory,
}

impl Sorted {
    /// An empty one, of so many bytes at most.
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Sorted { set: VisitedSet::new(), part: 0, last: None, limit }
    }

    /// Puts a state behind all others.
    pub(crate) fn append(&mut self, fingerprint: u128, sleep: ActorSet) -> Result<(), Unfit> {
        let stored = stored(fingerprint);
        if self.last.is_some_and(|last| stored <= last) {
            return Err(Unfit::Order);
        }
        self.last = Some(stored);
        self.spread_up_to(part_of(fingerprint))?;
        let part = &mut self.set.parts[self.part];
        part.append(stored, sleep);
        if part.places.is_multiple_of(CHUNK) {
            self.count()?;
        }
        Ok(())
    }

    /// The set.
    pub(crate) fn finish(mut self) -> Result<VisitedSet, Unfit> {
        self.spread_up_to(super::PARTS)?;
        Ok(self.set)
    }

    /// Spreads the parts before this one.
    fn spread_up_to(&mut self, part: usize) -> Result<(), Unfit> {
        while self.part < part {
            let full = &mut self.set.parts[self.part];
            let homes = full.homes_of_its_states();
            if homes > 0 {
                let needs = full.more(Part::places_for(homes));
                let taken = self.set.parts.iter().map(Part::bytes).sum::<u64>();
                if self.limit.is_some_and(|most| taken + needs > most) {
                    return Err(Unfit::Memory);
                }
                self.set.parts[self.part].spread(homes);
                self.count()?;
            }
            self.part += 1;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Unfit> {
        self.set.bytes = self.set.parts.iter().map(Part::bytes).sum();
        if self.limit.is_some_and(|most| self.set.bytes > most) { Err(Unfit::Memory) } else { Ok(()) }
    }
}

impl Part {
    /// Puts a state behind all others, without a gap.
    fn append(&mut self, stored: u128, sleep: ActorSet) {
        if self.places.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::new());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(stored | u128::from(sleep));
        }
        self.has_too_many_arrivals |= sleep == ActorSet::MAX;
        self.places += 1;
        self.states += 1;
    }

    /// As many homes as there would be if the states had come one by one.
    fn homes_of_its_states(&self) -> usize {
        let mut homes = 0;
        while self.states > homes * 13 / 16 {
            homes = self.homes_after(homes);
        }
        homes
    }
}

#[cfg(test)]
mod tests {
    use super::super::STORED;
    use super::*;

    const STATES: u128 = 300_000;

    fn entered() -> VisitedSet {
        let mut set = VisitedSet::new();
        for number in 0..STATES {
            set.enter(
                (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
                number as ActorSet >> 1,
            );
        }
        set
    }

    fn sorted(
        states: impl Iterator<Item = (u128, ActorSet)>,
        limit: Option<u64>,
    ) -> Result<VisitedSet, Unfit> {
        let mut sorted = Sorted::new(limit);
        for (fingerprint, sleep) in states {
            sorted.append(fingerprint, sleep)?;
        }
        sorted.finish()
    }

    #[test]
    fn it_is_the_set_that_was_written() {
        let set = entered();
        let mut again = sorted(set.iter(), None).expect("they are in order");
        assert_eq!(again.len(), set.len());
        assert!(again.iter().eq(set.iter()));
        assert!(again.bytes() <= set.bytes() * 4 / 3 && set.bytes() <= again.bytes() * 4 / 3);
        let farthest = |set: &VisitedSet| {
            let distance = |part: &Part| {
                let places = (0..part.places).filter(|index| part.place(*index) != 0);
                places.map(|index| index - part.home(part.place(index) & STORED)).max().unwrap_or(0)
            };
            set.parts.iter().map(distance).max().unwrap_or(0)
        };
        assert!(farthest(&again) < 200, "{}", farthest(&again));
        for (fingerprint, sleep) in set.iter() {
            assert_eq!(again.find(fingerprint).map(|place| again.sleep(place)), Some(sleep));
        }
        again.enter(1 << 70, 0);
        assert!(again.find(1 << 70).is_some() && again.len() == set.len() + 1);
    }

    #[test]
    fn what_is_out_of_order_or_too_large_is_refused() {
        let set = entered();
        let first = set.iter().take(2).collect::<Vec<_>>();
        assert_eq!(sorted(first.iter().rev().copied(), None).err(), Some(Unfit::Order));
        assert_eq!(sorted(first.iter().chain(&first).copied(), None).err(), Some(Unfit::Order));
        assert_eq!(sorted(set.iter(), Some(set.bytes() / 2)).err(), Some(Unfit::Memory));
        assert_eq!(sorted(std::iter::empty(), Some(0)).expect("it takes nothing").len(), 0);
    }
}
