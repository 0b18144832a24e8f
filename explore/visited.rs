//! The visited set: of each state 112 bits of its fingerprint, and the actors that slept there, in 16 bytes.
//!
//! It is by far the largest thing in memory, and beyond a million states most of what a search waits for is a place of it
//! that no cache has. So it is a sorted array with gaps: a fingerprint's *home* is where it would stand if all were spread
//! evenly, and it stands there or a little behind, in order (O. Amble, D. E. Knuth, "Ordered hash tables", The Computer Journal
//! 17(2), 1974). Being sorted, a search for a state that is not there ends at the first greater one, so that the array may be
//! four fifths full; and it is made larger in order, without a jump.
//!
//! There are several such arrays, each for the fingerprints that begin with certain bits: only one of them is copied at a time.

use prefetch_index::prefetch_index;

use crate::actors::ActorSet;

pub(crate) mod sorted;

/// Bits of a place that are the sleep set.
const SLEEP_BITS: u32 = ActorSet::BITS;

/// Bits of a fingerprint that are stored.
pub(crate) const STORED_BITS: u32 = u128::BITS - SLEEP_BITS;

/// The bits of a place that are the fingerprint's.
pub(crate) const STORED: u128 = !(ActorSet::MAX as u128);

/// A place where no state stands.
const EMPTY: u128 = 0;

/// Arrays of a set; a power of two.
pub(crate) const PARTS: usize = 16;

/// Homes of the smallest array, and places behind the last home.
const FEWEST: usize = 8;

/// Homes from which on the arrays differ in size, so that they are made larger one after the other: all of them just made larger
/// would be the most that they take for so many states.
const STAGGERED: usize = 1 << 10;

/// Places that lie together. An array gets more of these, and none of them is moved or given back: what an allocator does not
/// give on at once would be as much again.
const CHUNK: usize = 1 << 12;

/// How far behind its home a state mostly is at the most.
const MOSTLY_WITHIN: usize = 3;

/// The states visited.
pub(crate) struct VisitedSet {
    parts: [Part; PARTS],
    bytes: u64,
}

/// Where a state stands; right until another one is entered.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    part: usize,
    index: usize,
}

/// Some of the states, sorted.
#[derive(Default)]
pub(crate) struct Part {
    /// Which of the [`PARTS`].
    number: usize,
    /// Each the stored bits of a fingerprint, and a sleep set; or empty. All chunks have [`CHUNK`] places, but for a first one that is
    /// alone.
    chunks: Vec<Vec<u128>>,
    /// Chunks, all of them empty places, for when it is made larger.
    spare: Vec<Vec<u128>>,
    places: usize,
    /// How many of the places are homes.
    homes: usize,
    states: usize,
    /// Whether a state was come to more often than can be counted.
    has_too_many_arrivals: bool,
}

impl Part {
    #[inline]
    fn place(&self, index: usize) -> u128 {
        self.chunks[index / CHUNK][index % CHUNK]
    }

    #[inline]
    fn set(&mut self, index: usize, place: u128) {
        self.chunks[index / CHUNK][index % CHUNK] = place;
    }

    /// The states, in order.
    fn iter(&self) -> impl Iterator<Item = u128> {
        self.chunks.iter().flatten().copied().filter(|place| *place != EMPTY)
    }

    /// Where the state stands, or else where it would have to be put: what stands there and directly behind is greater.
    #[inline]
    fn look(&self, stored: u128) -> Result<usize, usize> {
        let mut index = self.home(stored);
        // The first one that is not less, or empty: an empty place is no fingerprint less one.
        let ends = |place: u128| place.wrapping_sub(1) >= stored - 1;
        while let Some(behind) = self.chunks.get(index / CHUNK).and_then(|chunk| chunk.get(index % CHUNK..)) {
            match behind.iter().position(|place| ends(*place)) {
                None if behind.is_empty() => break,
                None => index += behind.len(),
                Some(after) => {
                    let is_known = behind[after] & STORED == stored;
                    return if is_known { Ok(index + after) } else { Err(index + after) };
                }
            }
        }
        Err(index)
    }

    /// Where a state stands if nothing stands in its way.
    #[inline]
    fn home(&self, stored: u128) -> usize {
        // What distinguishes the parts is the same for all here.
        let spread = ((stored >> 64) as u64).wrapping_mul(PARTS as u64);
        ((u128::from(spread) * self.homes as u128) >> 64) as usize
    }

    /// Puts a state where [`Part::look`] has said, and moves what is greater and in the way. There is room.
    #[inline]
    fn put(&mut self, index: usize, mut place: u128) {
        self.states += 1;
        let mut from = index % CHUNK;
        for chunk in &mut self.chunks[index / CHUNK..] {
            for moved in &mut chunk[from..] {
                std::mem::swap(moved, &mut place);
                if place == EMPTY {
                    return;
                }
            }
            from = 0;
        }
    }

    /// Whether one more state could take a place that is too many, or the last one.
    #[inline]
    fn is_full(&self) -> bool {
        self.states >= self.homes * 13 / 16 || self.place(self.places - 1) != EMPTY
    }

    /// How many homes there are after it has been made larger.
    fn next_homes(&self) -> usize {
        self.homes_after(self.homes)
    }

    fn homes_after(&self, homes: usize) -> usize {
        let next = (homes + homes / 3).max(FEWEST);
        let is_staggered = homes < STAGGERED && STAGGERED <= next;
        let next = if is_staggered { STAGGERED + STAGGERED * self.number / (3 * PARTS) } else { next };
        next.next_multiple_of(FEWEST)
    }

    /// How many places there are for so many homes.
    fn places_for(homes: usize) -> usize {
        let places = homes + homes / 64 + FEWEST;
        if places > CHUNK { places.next_multiple_of(CHUNK) } else { places }
    }

    /// Bytes that so many places need beside those that are taken.
    fn more(&self, places: usize) -> u64 {
        // A first chunk is copied.
        let kept = if places > CHUNK { self.places } else { 0 };
        bytes_of(places.saturating_sub(kept))
    }

    /// Bytes that one more state needs beside those that are taken, until it has been entered.
    fn needs(&self) -> u64 {
        if self.is_full() { self.more(Self::places_for(self.next_homes())) } else { 0 }
    }

    /// Bytes taken.
    fn bytes(&self) -> u64 {
        bytes_of(self.places + self.spare.len() * CHUNK)
    }

    /// Takes the memory that it will need to become larger, if it may while so many states are entered by another thread. What that
    /// thread took would be of no use to others later.
    fn provide(&mut self, states: usize) {
        let places = Self::places_for(self.next_homes());
        if (self.states + states) * 16 >= self.homes * 13 && places > CHUNK {
            let missing = (places / CHUNK).saturating_sub(self.chunks.len());
            while self.spare.len() < missing {
                self.spare.push(vec![EMPTY; CHUNK]);
            }
        }
    }

    /// Where a state stands; if it was not there, it is entered.
    #[inline]
    fn find_or_enter(&mut self, stored: u128, sleep: ActorSet) -> Result<usize, ()> {
        let mut found = self.look(stored);
        if found.is_err() && self.is_full() {
            self.grow();
            found = self.look(stored);
        }
        // A count that was kept.
        self.has_too_many_arrivals |= sleep == ActorSet::MAX;
        found.map_err(|index| self.put(index, stored | u128::from(sleep)))
    }

    /// Has the home of a fingerprint brought into the caches, with the place where a search for it ends mostly, and waits for
    /// neither.
    #[inline]
    pub(crate) fn fetch(&self, fingerprint: u128) {
        let home = self.home(stored(fingerprint));
        if let Some(chunk) = self.chunks.get(home / CHUNK) {
            prefetch_index(chunk, home % CHUNK);
            prefetch_index(chunk, home % CHUNK + MOSTLY_WITHIN);
        }
    }

    /// Notes that a state was come to, and how often. Whether it is a new one.
    #[inline]
    pub(crate) fn count_up(&mut self, fingerprint: u128) -> bool {
        match self.find_or_enter(stored(fingerprint), 1) {
            Ok(index) => {
                let place = self.place(index);
                let times = place as ActorSet;
                self.has_too_many_arrivals |= times == ActorSet::MAX;
                self.set(index, place & STORED | u128::from(times.saturating_add(1)));
                false
            }
            Err(()) => true,
        }
    }

    /// Takes back that a state was come to once. Whether that was the last time.
    #[inline]
    pub(crate) fn count_down(&mut self, fingerprint: u128) -> bool {
        let Ok(index) = self.look(stored(fingerprint)) else { return false };
        let place = self.place(index);
        let times = (place as ActorSet).wrapping_sub(1);
        self.set(index, place & STORED | u128::from(times));
        times == 0
    }

    /// Makes it larger.
    fn grow(&mut self) {
        self.spread(self.next_homes());
    }

    /// Spreads the states over so many homes, no fewer than there are. All are moved to its end, and from there each to where it
    /// belongs, which never is behind where it is.
    fn spread(&mut self, homes: usize) {
        self.homes = homes;
        let end = self.iter().fold(0, |end, place| self.home(place & STORED).max(end) + 1);
        // The last place stays empty.
        let mut places = Self::places_for(self.homes).max(end + 1);
        if places > CHUNK {
            places = places.next_multiple_of(CHUNK);
        }
        let before = std::mem::replace(&mut self.places, places);
        let spare = &mut self.spare;
        self.chunks.resize_with(places.div_ceil(CHUNK), || spare.pop().unwrap_or_default());
        for chunk in &mut self.chunks {
            chunk.resize(places.min(CHUNK), EMPTY);
        }
        let mut first = places;
        for index in (0..before).rev() {
            let place = self.place(index);
            if place != EMPTY {
                first -= 1;
                self.set(index, EMPTY);
                self.set(first, place);
            }
        }
        let mut next = 0;
        for index in first..places {
            let place = self.place(index);
            self.set(index, EMPTY);
            next = self.home(place & STORED).max(next);
            self.set(next, place);
            next += 1;
        }
    }
}

/// The part that a state belongs to.
#[inline]
pub(crate) fn part_of(fingerprint: u128) -> usize {
    (fingerprint >> (u128::BITS - PARTS.trailing_zeros())) as usize
}

/// What is stored of a fingerprint. All zeros would be an empty place.
#[inline]
fn stored(fingerprint: u128) -> u128 {
    (fingerprint & STORED).max(1 << SLEEP_BITS)
}

impl VisitedSet {
    pub(crate) fn new() -> Self {
        VisitedSet { parts: std::array::from_fn(|number| Part { number, ..Part::default() }), bytes: 0 }
    }

    /// Where a state stands, if it has been entered.
    #[inline]
    pub(crate) fn find(&self, fingerprint: u128) -> Option<Place> {
        let part = part_of(fingerprint);
        self.parts[part].look(stored(fingerprint)).ok().map(|index| Place { part, index })
    }

    /// The actors that sleep at a state.
    #[inline]
    pub(crate) fn sleep(&self, place: Place) -> ActorSet {
        self.parts[place.part].place(place.index) as ActorSet
    }

    #[inline]
    pub(crate) fn set_sleep(&mut self, place: Place, sleep: ActorSet) {
        let part = &mut self.parts[place.part];
        part.set(place.index, part.place(place.index) & STORED | u128::from(sleep));
    }

    /// Enters a state that is not there.
    pub(crate) fn enter(&mut self, fingerprint: u128, sleep: ActorSet) {
        let part = &mut self.parts[part_of(fingerprint)];
        let bytes = part.bytes();
        if part.find_or_enter(stored(fingerprint), sleep).is_err() {
            self.bytes = self.bytes - bytes + part.bytes();
        }
    }

    /// Takes the memory that each part may need to become larger while so many states are come to, of which mostly less than half are
    /// new. If more are, a part takes what it needs when it needs it.
    pub(crate) fn provide(&mut self, states: [usize; PARTS]) {
        for (part, states) in self.parts.iter_mut().zip(states) {
            part.provide(states / 2);
        }
        self.bytes = self.parts.iter().map(Part::bytes).sum();
    }

    /// Lets somebody change the parts.
    pub(crate) fn change<R>(&mut self, change: impl FnOnce(&mut [Part; PARTS]) -> R) -> R {
        let result = change(&mut self.parts);
        self.bytes = self.parts.iter().map(Part::bytes).sum();
        result
    }

    /// How often a state was come to, by [`Part::count_up`].
    pub(crate) fn arrivals(&self, fingerprint: u128) -> u16 {
        self.find(fingerprint).map_or(0, |place| self.sleep(place))
    }

    /// Whether some state was come to more often than can be counted.
    pub(crate) fn has_too_many_arrivals(&self) -> bool {
        self.parts.iter().any(|part| part.has_too_many_arrivals)
    }

    /// Bytes that so many states, evenly spread, may need beside those that are taken, while they are entered.
    pub(crate) fn needs_for(&self, states: usize) -> u64 {
        // Some parts get more than their share.
        let each = states / PARTS * 2 + 64;
        let more = |part: &Part| {
            let is_enough = (part.states + each) * 16 < part.homes * 13;
            let homes = (part.states + each).max(part.homes) * 4 / 3;
            let spare = bytes_of(part.spare.len() * CHUNK);
            if is_enough { 0 } else { part.more(Part::places_for(homes * 4 / 3)).saturating_sub(spare) }
        };
        self.parts.iter().map(more).sum()
    }

    /// How many states there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.states).sum()
    }

    /// The states, in the order of their fingerprints, of which the last bits are zero, and who sleeps at each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u128, ActorSet)> {
        self.parts.iter().flat_map(Part::iter).map(|place| (place & STORED, place as ActorSet))
    }

    /// Bytes that a state needs beside those that are taken, until it has been entered.
    #[inline]
    pub(crate) fn needs(&self, fingerprint: u128) -> u64 {
        self.parts[part_of(fingerprint)].needs()
    }

    /// Bytes taken.
    #[inline]
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn bytes_of(places: usize) -> u64 {
    (places * size_of::<u128>()) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Fingerprints as good as random.
    fn fingerprint(number: u128) -> u128 {
        (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).rotate_left(64) ^ number << 90
    }

    fn enter(set: &mut VisitedSet, known: &mut BTreeMap<u128, ActorSet>, fingerprint: u128, sleep: ActorSet) {
        let place = set.find(fingerprint);
        assert_eq!(place.map(|place| set.sleep(place)), known.get(&(fingerprint & STORED)).copied());
        match place {
            Some(place) => set.set_sleep(place, sleep),
            None => set.enter(fingerprint, sleep),
        }
        known.insert(fingerprint & STORED, sleep);
    }

    #[test]
    fn it_is_a_map_whatever_the_fingerprints() {
        let crowded = |number: u128| (number % 700) << SLEEP_BITS | 0xabc << 112;
        let at_the_end = |number: u128| !0 - ((number % 900) << SLEEP_BITS);
        let kinds: [&dyn Fn(u128) -> u128; 3] = [&fingerprint, &crowded, &at_the_end];
        let (mut set, mut known) = (VisitedSet::new(), BTreeMap::new());
        for number in 0..9_000_u128 {
            let kind = kinds[number as usize % kinds.len()];
            enter(&mut set, &mut known, kind(number * 7 % 4_001), number as ActorSet);
        }
        enter(&mut set, &mut known, 1 << SLEEP_BITS, 3);
        assert_eq!(set.len(), known.len());
        assert_eq!(set.iter().collect::<Vec<_>>(), known.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_fingerprint_of_zeros_is_a_state() {
        let mut set = VisitedSet::new();
        assert!(set.find(0).is_none());
        set.enter(0, 0);
        assert!(set.find(0).is_some());
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn it_never_takes_more_than_it_has_said_and_is_well_filled() {
        const STATES: u128 = 500_000;
        let mut set = VisitedSet::new();
        for number in 0..STATES {
            let most = set.bytes() + set.needs(fingerprint(number));
            set.enter(fingerprint(number), 0);
            assert!(set.bytes() <= most);
        }
        let places: usize = set.parts.iter().flat_map(|part| &part.chunks).map(Vec::len).sum();
        assert_eq!(set.bytes(), bytes_of(places));
        assert_eq!(set.len() as u128, STATES);
        assert!(u128::from(set.bytes()) < STATES * 27, "{}", set.bytes());
        assert!(set.parts.iter().all(|part| part.states < STATES as usize / 10), "each part has its share");
    }
}
