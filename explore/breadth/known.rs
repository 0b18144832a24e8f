//! The transitions that are known, in small numbers.
//!
//! Millions of transitions of a large state space are some ten thousand distinct ones: what a transition does depends on where
//! its actor stands and on the values that it touches (`transition_cache.rs`). Where values and standings are numbered, a
//! state is a row of small integers, a known transition replaces some of them, and its fingerprint is the old one plus a
//! constant. Nothing here is of the system's types, so that threads can share it.

use hashbrown::HashTable;
use stalemap_facade::{ActorId, Bound};

use super::by_values::ByValues;
use super::effect::{
    Changes, Column, Columns, Effect, EffectId, Finds, Index, Number, Origin, hash_of_violated,
};
use crate::memory::Outcome;

/// What a transition begins with: where its actor stands, and the outcome.
struct Beginning {
    outcome: Outcome,
    /// The sets of columns that transitions which begin so were seen to depend on.
    sets: Vec<Index>,
}

/// What is said of an effect that is new.
pub(super) struct Learned<'l> {
    pub(super) touched: &'l [Column],
    pub(super) writes: &'l [(Column, Number)],
    pub(super) delta: u128,
    pub(super) violated: u64,
    pub(super) cut: Option<Bound>,
    pub(super) actor: u8,
    pub(super) next: Option<Outcome>,
}

/// Whether an operation can be performed while the object that it waits for has a certain value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    Unknown,
    Open,
    Shut,
}

/// What an actor's next operation waits for.
pub(super) enum Waiting {
    /// It has finished.
    Finished,
    Nothing,
    /// The object in this column; by the number of its value.
    For(Column, Vec<Gate>),
}

/// A standing of an actor.
struct Stands {
    waiting: Waiting,
    /// The beginning of [`Outcome::FIRST`].
    first: Index,
    /// Those of other outcomes.
    others: Vec<Index>,
}

/// An actor that can move.
struct Mover {
    column: Column,
    /// By number.
    stands: Vec<Stands>,
}

/// Something is met for the first time, and is to be learned.
#[derive(Debug)]
pub(super) struct Unknown;

/// All that is known.
pub(super) struct Known {
    movers: Vec<Mover>,
    beginnings: Vec<Beginning>,
    sets: Vec<Box<[Column]>>,
    effects: Vec<Effect>,
    finds: Vec<Finds>,
    /// By effect, the columns that it depends on, and that whether it can be made depends on.
    depends: Vec<Columns>,
    /// By effect.
    changes: Vec<Changes>,
    /// By effect; a search does not ask for it.
    origins: Vec<Origin>,
    by_values: ByValues,
    writes: Vec<(Column, Number)>,
    /// The column of the violated properties; by number, these and their share of a fingerprint.
    violated_column: usize,
    violated: Vec<(u64, u128)>,
    by_violated: HashTable<Number>,
}

impl Known {
    /// Nothing yet, of movers in these columns; the last column is that of the violated properties.
    pub(super) fn new(movers: &[Column], violated_column: usize) -> Self {
        let movers = movers.iter().map(|column| Mover { column: *column, stands: Vec::new() });
        Known {
            movers: movers.collect(),
            beginnings: Vec::new(),
            sets: Vec::new(),
            effects: Vec::new(),
            finds: vec![Finds::NOTHING],
            depends: Vec::new(),
            changes: Vec::new(),
            origins: Vec::new(),
            by_values: ByValues::new(),
            writes: Vec::new(),
            violated_column,
            violated: Vec::new(),
            by_violated: HashTable::new(),
        }
    }

    /// The effects of all transitions from a state. Whether anybody can move. `firsts` has the first one of each mover, where it
    /// is known beforehand; then it has that of all that can move.
    #[inline]
    pub(super) fn effects_from(
        &self,
        state: &[Number],
        firsts: &mut [Option<EffectId>],
        into: &mut Vec<EffectId>,
    ) -> Result<bool, Unknown> {
        into.clear();
        for (mover, first) in firsts.iter_mut().enumerate() {
            if first.is_none() {
                *first = self.first_effect(mover, state)?;
            }
            let mut next = *first;
            while let Some(effect) = next {
                let Effect { next: beginning, finds, .. } = self.effects[effect.place()];
                if finds != 0 && self.violated_after(state, finds).is_none() {
                    return Err(Unknown);
                }
                into.push(effect);
                let after = beginning.map(|beginning| self.effect(beginning, state).ok_or(Unknown));
                next = after.transpose()?;
            }
        }
        Ok(!into.is_empty())
    }

    /// The effect of the first transition of a mover, if it can move.
    #[inline]
    fn first_effect(&self, mover: usize, state: &[Number]) -> Result<Option<EffectId>, Unknown> {
        match self.gate(mover, state) {
            Gate::Unknown => Err(Unknown),
            Gate::Shut => Ok(None),
            Gate::Open => self.effect(self.first(mover, state), state).ok_or(Unknown).map(Some),
        }
    }

    /// What is still known of the first effects of all movers after an effect: of those that depend on nothing that it writes.
    #[inline]
    pub(super) fn firsts_after<'f>(
        &'f self,
        effect: EffectId,
        firsts: &'f [Option<EffectId>],
    ) -> impl Iterator<Item = Option<EffectId>> + 'f {
        let changes = self.changes[effect.place()].columns;
        firsts.iter().map(move |first| first.filter(|first| !self.depends[first.place()].meet(changes)))
    }

    /// How many can move.
    pub(super) fn movers(&self) -> usize {
        self.movers.len()
    }

    /// Whether a mover can move.
    #[inline]
    pub(super) fn gate(&self, mover: usize, state: &[Number]) -> Gate {
        match &self.stands(mover, state).waiting {
            Waiting::Finished => Gate::Shut,
            Waiting::Nothing => Gate::Open,
            Waiting::For(column, gates) => {
                gates.get(usize::from(state[usize::from(*column)])).copied().unwrap_or(Gate::Unknown)
            }
        }
    }

    /// Keeps whether a mover can move.
    pub(super) fn set_gate(&mut self, mover: usize, state: &[Number], gate: Gate) {
        let mover = &mut self.movers[mover];
        let number = state[usize::from(mover.column)];
        if let Waiting::For(column, gates) = &mut mover.stands[usize::from(number)].waiting {
            let value = usize::from(state[usize::from(*column)]);
            gates.resize(gates.len().max(value + 1), Gate::Unknown);
            gates[value] = gate;
        }
    }

    #[inline]
    fn stands(&self, mover: usize, state: &[Number]) -> &Stands {
        let mover = &self.movers[mover];
        &mover.stands[usize::from(state[usize::from(mover.column)])]
    }

    /// The beginning of the first outcome.
    #[inline]
    pub(super) fn first(&self, mover: usize, state: &[Number]) -> Index {
        self.stands(mover, state).first
    }

    /// A new standing of a mover; its number is the next one.
    pub(super) fn add_standing(&mut self, mover: usize, waiting: Waiting) {
        let first = self.add_beginning(Outcome::FIRST);
        self.movers[mover].stands.push(Stands { waiting, first, others: Vec::new() });
    }

    /// The beginning of an outcome of a standing; a new one if need be.
    fn beginning(&mut self, mover: usize, standing: usize, outcome: Outcome) -> Index {
        let stands = &self.movers[mover].stands[standing];
        let mut all = [stands.first].into_iter().chain(stands.others.iter().copied());
        if let Some(known) = all.find(|known| self.outcome(*known) == outcome) {
            return known;
        }
        let index = self.add_beginning(outcome);
        self.movers[mover].stands[standing].others.push(index);
        index
    }

    fn add_beginning(&mut self, outcome: Outcome) -> Index {
        self.beginnings.push(Beginning { outcome, sets: Vec::new() });
        self.beginnings.len() as Index - 1
    }

    pub(super) fn outcome(&self, beginning: Index) -> Outcome {
        self.beginnings[beginning as usize].outcome
    }

    /// The effect of what begins so in this state.
    #[inline]
    pub(super) fn effect(&self, beginning: Index, state: &[Number]) -> Option<EffectId> {
        self.beginnings[beginning as usize].sets.iter().find_map(|set| self.effect_of(*set, state))
    }

    #[inline]
    fn effect_of(&self, set: Index, state: &[Number]) -> Option<EffectId> {
        self.by_values.find(set, &self.sets[set as usize], state)
    }

    /// Keeps an effect that was found in this state.
    pub(super) fn add_effect(
        &mut self,
        mover: usize,
        beginning: Index,
        state: &[Number],
        learned: &Learned<'_>,
    ) -> Option<EffectId> {
        let Learned { touched, writes, delta, violated, cut, actor, next } = *learned;
        let set = self.set_of(beginning, touched);
        let column = self.movers[mover].column;
        let stands = (column, state[usize::from(column)]);
        let is_met = |written: &Column| *written == column || touched.contains(written);
        debug_assert!(writes.iter().all(|(written, _)| is_met(written)), "what is written is touched");
        let next = next.map(|outcome| self.beginning(mover, usize::from(stands.1), outcome));
        // Who waits for an object touches it; soundness is not to depend on that.
        let waits = match self.stands(mover, state).waiting {
            Waiting::For(column, _) => Some(column),
            Waiting::Nothing | Waiting::Finished => None,
        };
        self.depends.push(Columns::of(touched.iter().copied().chain([column]).chain(waits)));
        let columns = Columns::of(writes.iter().map(|(column, _)| *column));
        let effect = EffectId::at(self.effects.len())?;
        let write = self.writes.len() as u32;
        self.writes.extend(writes);
        self.changes.push(Changes { columns, writes: write..self.writes.len() as u32 });
        let finds = self.place_of(Finds { violated, cut });
        self.effects.push(Effect { delta, next, finds });
        let outcome = self.outcome(beginning);
        self.origins.push(Origin { set, actor, stands, outcome });
        self.by_values.enter(effect, set, touched, state);
        Some(effect)
    }

    /// The number of a set of columns that transitions with this beginning depend on; a new one if need be.
    fn set_of(&mut self, beginning: Index, touched: &[Column]) -> Index {
        let known = &self.beginnings[beginning as usize].sets;
        if let Some(set) = known.iter().copied().find(|set| *self.sets[*set as usize] == *touched) {
            return set;
        }
        self.sets.push(touched.into());
        let set = self.sets.len() as Index - 1;
        self.beginnings[beginning as usize].sets.push(set);
        set
    }

    /// Where it is kept that this is found.
    fn place_of(&mut self, finds: Finds) -> u32 {
        if finds.is_nothing() {
            return 0;
        }
        self.finds.push(finds);
        self.finds.len() as u32 - 1
    }

    /// What an effect finds.
    #[inline]
    pub(super) fn finds(&self, effect: EffectId) -> Finds {
        self.finds[self.effects[effect.place()].finds as usize]
    }

    /// Who makes the transition, and with which outcome.
    pub(super) fn transition(&self, effect: EffectId) -> (ActorId, Outcome) {
        let Origin { actor, outcome, .. } = self.origins[effect.place()];
        (ActorId::from(actor), outcome)
    }

    /// What is to be tried after an effect.
    pub(super) fn next(&self, effect: EffectId) -> Option<Index> {
        self.effects[effect.place()].next
    }

    /// All effects that lead to a state.
    pub(super) fn all(&self) -> impl Iterator<Item = EffectId> {
        let all = (0..self.effects.len()).filter_map(EffectId::at);
        all.filter(|effect| self.finds(*effect).cut.is_none())
    }

    /// The bounds that effects run into.
    pub(super) fn cuts(&self) -> impl Iterator<Item = Bound> {
        self.finds.iter().filter_map(|finds| finds.cut)
    }

    /// The columns that an effect depends on, with the numbers that it finds there.
    pub(super) fn meets(&self, effect: EffectId) -> impl Iterator<Item = (Column, Number)> {
        let origin = &self.origins[effect.place()];
        let touched = self.sets[origin.set as usize].iter().zip(self.by_values.numbers(effect));
        touched.map(|(column, number)| (*column, *number)).chain([origin.stands])
    }

    #[inline]
    fn writes(&self, effect: EffectId) -> &[(Column, Number)] {
        let writes = &self.changes[effect.place()].writes;
        &self.writes[writes.start as usize..writes.end as usize]
    }

    /// The columns that an effect writes, with the numbers before and after it.
    pub(super) fn moves(&self, effect: EffectId) -> impl Iterator<Item = (Column, Number, Number)> {
        self.writes(effect).iter().filter_map(move |(column, after)| {
            // What is written is touched: `add_effect` has seen to it.
            let before = self.meets(effect).find(|(met, _)| met == column)?;
            Some((*column, before.1, *after))
        })
    }

    /// How many effects there are.
    pub(super) fn len(&self) -> usize {
        self.effects.len()
    }

    /// The properties violated in a state.
    #[inline]
    pub(super) fn violated_in(&self, state: &[Number]) -> u64 {
        self.violated[usize::from(state[self.violated_column])].0
    }

    /// Every set of violated properties that was met, by number.
    pub(super) fn violated(&self) -> impl Iterator<Item = u64> {
        self.violated.iter().map(|(violated, _)| *violated)
    }

    /// The number of a set of violated properties, if it was met.
    #[inline]
    pub(super) fn number_of_violated(&self, violated: u64) -> Option<Number> {
        let is = |number: &Number| self.violated[usize::from(*number)].0 == violated;
        self.by_violated.find(hash_of_violated(violated), is).copied()
    }

    /// A new set of violated properties, unless there is no number for it.
    pub(super) fn add_violated(&mut self, violated: u64, share: u128) -> Option<Number> {
        let number = Number::try_from(self.violated.len()).ok()?;
        self.violated.push((violated, share));
        let sets = &self.violated;
        let hash_of = |number: &Number| hash_of_violated(sets[usize::from(*number)].0);
        self.by_violated.insert_unique(hash_of_violated(violated), number, hash_of);
        Some(number)
    }

    /// The number of the violated properties after an effect that finds what is in this place, and what the fingerprint gets by
    /// it.
    fn violated_after(&self, state: &[Number], finds: u32) -> Option<(Number, u128)> {
        let before = state[self.violated_column];
        let found = self.finds[finds as usize].violated;
        let (violated, share) = self.violated[usize::from(before)];
        if found & !violated == 0 {
            return Some((before, 0));
        }
        let after = violated | found;
        let number = self.number_of_violated(after)?;
        Some((number, self.violated[usize::from(number)].1.wrapping_sub(share)))
    }

    /// The fingerprint after an effect of [`Known::effects_from`].
    #[inline]
    pub(super) fn print_after(&self, state: &[Number], print: u128, effect: EffectId) -> u128 {
        let Effect { delta, finds, .. } = self.effects[effect.place()];
        let after = print.wrapping_add(delta);
        if finds == 0 {
            return after;
        }
        let share = self.violated_after(state, finds).map_or(0, |(_, share)| share);
        after.wrapping_add(share)
    }

    /// Applies an effect to a state.
    #[inline]
    pub(super) fn apply(&self, effect: EffectId, state: &mut [Number]) {
        let finds = self.effects[effect.place()].finds;
        if finds != 0
            && let Some((violated, _)) = self.violated_after(state, finds)
        {
            state[self.violated_column] = violated;
        }
        for (column, number) in self.writes(effect) {
            state[usize::from(*column)] = *number;
        }
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        let each = size_of::<Effect>() + size_of::<Columns>() + size_of::<Changes>() + size_of::<Origin>();
        let effects = self.effects.capacity() * each + self.finds.capacity() * size_of::<Finds>();
        let writes = self.writes.capacity() * size_of::<(Column, Number)>();
        let violated =
            self.violated.capacity() * size_of::<(u64, u128)>() + self.by_violated.allocation_size();
        let standings: usize = self.movers.iter().map(|mover| mover.stands.len()).sum();
        let beginnings = (self.beginnings.len() + self.sets.len() + standings) * 96;
        (effects + writes + violated + beginnings) as u64 + self.by_values.bytes()
    }
}
