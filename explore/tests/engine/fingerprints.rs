//! Fingerprints of values that differ little, in objects whose numbers differ little: of random programs only words of a few values
//! are tried, and a fault of the fingerprints shows in all searches alike.

use std::ops::ControlFlow;

use stalemap_explore::{Options, explore};
use stalemap_facade::{ActorId, ActorSpec, Backend, Leaf, Op, Role, System};

use crate::common::small::Small;

const OBJECTS: usize = 8;

/// A value of so many bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bytes(Vec<u8>);

impl std::hash::Hash for Bytes {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(&self.0);
    }
}

/// An actor that changes the same bit of two objects of so many bytes, or nothing.
pub(crate) struct Twins {
    bytes: usize,
}

impl Twins {
    fn alternatives(&self) -> usize {
        1 + pairs().count() * self.bytes * 8
    }
}

fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..OBJECTS).flat_map(|first| (0..first).map(move |second| (first, second)))
}

impl System for Twins {
    type World<B: Backend> = (B, Vec<B::Leaf<Bytes>>);
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Self::World<B> {
        let leaf = |_| backend.leaf("bytes", Bytes(vec![0; self.bytes]));
        (backend.clone(), (0..OBJECTS).map(leaf).collect())
    }

    fn actors(&self) -> Vec<ActorSpec> {
        vec![ActorSpec { name: "actor".to_owned(), role: Role::Main }]
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(
        &self,
        (backend, leaves): &Self::World<B>,
        _: ActorId,
        (): (),
    ) -> ControlFlow<()> {
        let chosen = backend.choose(Op::new("choose"), self.alternatives() as u32).await as usize;
        let mut changes = pairs().flat_map(|pair| (0..self.bytes * 8).map(move |bit| (pair, bit)));
        if let Some(((first, second), bit)) = chosen.checked_sub(1).and_then(|change| changes.nth(change)) {
            for leaf in [&leaves[first], &leaves[second]] {
                leaf.update(|bytes| bytes.0[bit / 8] ^= 1 << (bit % 8));
            }
        }
        ControlFlow::Break(())
    }

    fn observe<B: Backend>(&self, _: &Self::World<B>) -> Option<String> {
        None
    }
}

/// XXH3 treats inputs of 1 to 3, 4 to 8, 9 to 16, 17 to 128 bytes and longer ones each in another way.
#[test]
fn the_same_change_of_two_objects_is_told_from_none() {
    for bytes in (1..=20).chain([31, 32, 33]) {
        let system = Twins { bytes };
        let alternatives = system.alternatives();
        let found = explore(&Small::from(system), &Options::default(), &mut |_| ()).expect("a sound system");
        assert_eq!(found.final_states.len(), alternatives, "{bytes} bytes");
        assert_eq!(found.statistics.states as usize, 1 + alternatives, "{bytes} bytes");
    }
}
