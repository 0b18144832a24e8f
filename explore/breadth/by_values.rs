//! The effects, found by the numbers in the columns that they depend on.
//!
//! This is asked at nearly every transition. Most effects depend on two or three columns, so an entry has the first four numbers
//! in itself: a search mostly touches one place of memory, and compares two words there.

use hashbrown::HashTable;

use super::effect::{Column, EffectId, Index, Number};

/// How many numbers an entry has in itself.
const HEAD: usize = (u64::BITS / Number::BITS) as usize;

/// An effect that depends on a set of columns.
struct Entry {
    /// The first numbers in them.
    head: u64,
    set: Index,
    effect: EffectId,
}

/// The effects. They are entered in the order of their numbers.
pub(super) struct ByValues {
    entries: HashTable<Entry>,
    /// The numbers in the columns that effects depend on, one effect after the other, and by effect, where they end.
    numbers: Vec<Number>,
    ends: Vec<usize>,
}

impl ByValues {
    /// None yet.
    pub(super) fn new() -> Self {
        ByValues { entries: HashTable::new(), numbers: Vec::new(), ends: Vec::new() }
    }

    /// The effect that depends on this set of columns and was found where they have the numbers that they have in this state.
    #[inline]
    pub(super) fn find(&self, set: Index, columns: &[Column], state: &[Number]) -> Option<EffectId> {
        let (first, rest) = columns.split_at(columns.len().min(HEAD));
        let here = |column: &Column| state[usize::from(*column)];
        let mut head = 0;
        for column in first {
            head = packed(head, here(column));
        }
        let is = |entry: &Entry| {
            entry.head == head
                && entry.set == set
                && (rest.is_empty() || rest.iter().map(here).eq(self.rest(entry.effect).iter().copied()))
        };
        self.entries.find(hash(set, head, rest.iter().map(here)), is).map(|entry| entry.effect)
    }

    /// Enters the next effect, which was found in this state.
    pub(super) fn enter(&mut self, effect: EffectId, set: Index, columns: &[Column], state: &[Number]) {
        self.numbers.extend(columns.iter().map(|column| state[usize::from(*column)]));
        self.ends.push(self.numbers.len());
        let numbers = self.numbers(effect);
        let head = numbers.iter().take(HEAD).fold(0, |head, number| packed(head, *number));
        let entry = Entry { head, set, effect };
        let (numbers, ends) = (&self.numbers, &self.ends);
        let hash_of = |entry: &Entry| {
            let rest = rest_of(numbers_of(numbers, ends, entry.effect));
            hash(entry.set, entry.head, rest.iter().copied())
        };
        self.entries.insert_unique(hash_of(&entry), entry, hash_of);
    }

    /// The numbers that an effect was found with.
    pub(super) fn numbers(&self, effect: EffectId) -> &[Number] {
        numbers_of(&self.numbers, &self.ends, effect)
    }

    fn rest(&self, effect: EffectId) -> &[Number] {
        rest_of(self.numbers(effect))
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        let numbers = self.numbers.capacity() * size_of::<Number>();
        (self.entries.allocation_size() + numbers + self.ends.capacity() * size_of::<usize>()) as u64
    }
}

fn numbers_of<'n>(numbers: &'n [Number], ends: &[usize], effect: EffectId) -> &'n [Number] {
    let place = effect.place();
    let begin = if place == 0 { 0 } else { ends[place - 1] };
    &numbers[begin..ends[place]]
}

/// What an entry does not have in itself.
fn rest_of(numbers: &[Number]) -> &[Number] {
    numbers.get(HEAD..).unwrap_or_default()
}

/// A number more, of at most [`HEAD`] in one word. How many there are is known by the set.
#[inline]
fn packed(head: u64, number: Number) -> u64 {
    head << Number::BITS | u64::from(number)
}

#[inline]
fn hash(set: Index, head: u64, rest: impl Iterator<Item = Number>) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = |all: u64| {
        let product = u128::from(all) * u128::from(ODD);
        product as u64 ^ (product >> 64) as u64
    };
    let mut all = mixed(head ^ u64::from(set).wrapping_mul(ODD));
    for number in rest {
        all = mixed(all ^ u64::from(number));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_found_by_all_their_numbers() {
        let sets: [&[Column]; 4] = [&[], &[2], &[0, 1, 2, 3], &[5, 4, 3, 2, 1, 0]];
        let state = |number: Number| [number, 1, number / 2, 3, number % 7, 9];
        let mut effects = ByValues::new();
        let mut entered = Vec::new();
        for number in 0..600 {
            for (set, columns) in sets.iter().enumerate() {
                let set = set as Index;
                if effects.find(set, columns, &state(number)).is_none() {
                    let effect = EffectId::at(entered.len()).expect("there are few");
                    effects.enter(effect, set, columns, &state(number));
                    entered.push((set, number));
                }
            }
        }
        assert_eq!(entered.len(), 1 + 300 + 600 + 600);
        for (place, (set, number)) in entered.into_iter().enumerate() {
            let columns = sets[set as usize];
            let effect = effects.find(set, columns, &state(number)).expect("it was entered");
            assert_eq!(effect.place(), place);
            let numbers: Vec<Number> =
                columns.iter().map(|column| state(number)[usize::from(*column)]).collect();
            assert_eq!(effects.numbers(effect), numbers);
        }
        assert!(effects.find(3, sets[3], &[0, 1, 0, 3, 0, 8]).is_none());
    }
}
