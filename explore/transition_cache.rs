//! Transitions that are known already.
//!
//! What a transition does depends on where its actor stands, on the outcome, and on the values of the
//! objects that it touches, and on nothing else: an actor reaches shared memory only through the facade, and
//! the facade notes every object that it is asked for. Far apart states agree on those few values, so most
//! transitions of an exploration are repetitions, and looking one up is cheaper than rebuilding a future and
//! running it. LTSmin's caching layer does the same with the reads and writes that its models declare (S. Blom,
//! J. van de Pol, M. Weber, "LTSmin: Distributed and Symbolic Reachability", CAV 2010); here they are observed.
//!
//! An entry is found by a 128-bit sum of fingerprints, as states are, and rests on the same collision bound.
//! The cache has a fixed capacity and starts afresh when it is full: it is no part of the memory that a
//! stored state costs.

use std::num::NonZeroUsize;
use std::rc::Rc;

use hashbrown::HashMap;
use stalemap_facade::Bound;

use crate::fingerprint::IdentityState;
use crate::footprint::Footprint;
use crate::labels::Label;
use crate::memory::{Memory, Outcome, SavedObject};

/// Transitions that are mostly kept.
pub(crate) const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add((1 << 13) - 1);

/// What a transition does: to the memory, and where it leaves its actor.
pub(crate) struct Effect<Standing> {
    pub(crate) footprint: Footprint,
    /// The objects that it writes, each with its value afterwards.
    pub(crate) after: Vec<SavedObject>,
    /// The properties that it finds violated.
    pub(crate) violated: u64,
    /// The bound that it runs into.
    pub(crate) cut: Option<Bound>,
    pub(crate) standing: Rc<Standing>,
    /// The outcome to be tried after this one.
    pub(crate) next: Option<Outcome>,
    /// What it is told by, where costs are counted.
    pub(crate) label: Label,
}

/// The known transitions of one system.
pub(crate) struct TransitionCache<Standing> {
    /// By beginning: which objects a transition that begins so touches. What it reads first can decide what
    /// it reads next, so there can be several sets.
    touched: HashMap<u128, Vec<Box<[u32]>>, IdentityState>,
    /// By beginning and the values of what it touches.
    effects: HashMap<u128, Rc<Effect<Standing>>, IdentityState>,
    /// Transitions kept before it starts afresh.
    most: NonZeroUsize,
}

impl<Standing> TransitionCache<Standing> {
    pub(crate) fn new(most: NonZeroUsize) -> Self {
        TransitionCache { touched: HashMap::default(), effects: HashMap::default(), most }
    }

    /// The effect of the transition that begins like `beginning` (a fingerprint of where the actor stands and
    /// of the outcome) with the memory as it is.
    pub(crate) fn find(&self, beginning: u128, memory: &Memory) -> Option<Rc<Effect<Standing>>> {
        let sets = self.touched.get(&beginning)?;
        let key = |objects| beginning.wrapping_add(memory.identity_of(objects));
        sets.iter().find_map(|objects| self.effects.get(&key(objects))).cloned()
    }

    /// Keeps a transition. `before` is the identity of the objects `touched` before it.
    pub(crate) fn insert(
        &mut self,
        beginning: u128,
        touched: &[u32],
        before: u128,
        effect: Effect<Standing>,
    ) {
        if self.effects.len() == self.most.get() {
            self.touched.clear();
            self.effects.clear();
        }
        let sets = self.touched.entry(beginning).or_default();
        if !sets.iter().any(|known| **known == *touched) {
            sets.push(touched.into());
        }
        self.effects.insert(beginning.wrapping_add(before), Rc::new(effect));
    }
}

#[cfg(test)]
mod tests {
    use stalemap_facade::{Backend, MemoryModel};

    use super::*;

    fn effect(number: u64) -> Effect<()> {
        let (footprint, after) = (Footprint::default(), Vec::new());
        Effect {
            footprint,
            after,
            violated: number,
            cut: None,
            standing: Rc::new(()),
            next: None,
            label: Label::NOTHING,
        }
    }

    fn found(cache: &TransitionCache<()>, beginning: u128, memory: &Memory) -> Option<u64> {
        cache.find(beginning, memory).map(|effect| effect.violated)
    }

    #[test]
    fn a_transition_is_found_by_every_set_that_one_like_it_touched() {
        let memory = Memory::new(MemoryModel::Sequential);
        let _words = (memory.atomic("a", 1), memory.atomic("b", 2));
        let mut cache = TransitionCache::new(NonZeroUsize::MAX);
        // The first and the second were with other values.
        cache.insert(7, &[0], memory.identity_of(&[0]).wrapping_add(1), effect(1));
        cache.insert(7, &[0, 1], memory.identity_of(&[0, 1]).wrapping_add(1), effect(2));
        assert_eq!(found(&cache, 7, &memory), None);
        cache.insert(7, &[0, 1], memory.identity_of(&[0, 1]), effect(3));
        assert_eq!(found(&cache, 7, &memory), Some(3));
        assert_eq!(found(&cache, 8, &memory), None);
        assert_eq!(cache.touched[&7].len(), 2);
    }

    #[test]
    fn a_full_cache_starts_afresh() {
        const MOST: usize = 100;
        let memory = Memory::new(MemoryModel::Sequential);
        let mut cache = TransitionCache::new(NonZeroUsize::new(MOST).expect("some"));
        let beginning = |number: usize| (number as u128) << 64 | number as u128;
        for number in 0..=MOST {
            cache.insert(beginning(number), &[], 0, effect(number as u64));
            assert!(cache.effects.len() <= MOST && cache.touched.len() <= MOST);
        }
        assert_eq!(found(&cache, beginning(MOST), &memory), Some(MOST as u64));
        assert_eq!(found(&cache, beginning(0), &memory), None);
    }
}
