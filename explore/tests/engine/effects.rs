//! Transitions that begin alike and find the same do the same: of random programs, and not of a system that hides a value.

use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stalemap_explore::{Limits, Options, effects, explore};
use stalemap_facade::Ordering::{Acquire, Release};
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Op, Role, System};

use crate::common::config;
use crate::common::program::Program;
use crate::common::reference::Graph;
use crate::common::small::Small;
use crate::common::strategy::{looping, straight_line};

/// States up to which a program is looked at.
const MOST_STATES: usize = 2_000;

fn do_the_same(program: &Program) -> TestCaseResult {
    let graph = Graph::of(program, MOST_STATES).ok_or_else(|| TestCaseError::reject("too many states"))?;
    let found = effects(program, &Limits::default()).expect("the engine can explore a program");
    prop_assert_eq!(found.contradictions, 0, "{:?}", found.first);
    prop_assert_eq!(found.states, graph.states());
    prop_assert_eq!(found.transitions, graph.transitions());
    prop_assert!(found.different <= found.transitions);
    Ok(())
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn straight_programs_say_where_they_stand(program in straight_line()) {
        do_the_same(&program)?;
    }

    #[test]
    fn programs_with_loops_say_where_they_stand(program in looping()) {
        do_the_same(&program)?;
    }
}

/// Whether a value that is used later is part of what a state is known by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kept {
    /// It is.
    Openly,
    /// It is not: a mistake.
    Hidden,
}

/// Between reading a word and storing what was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum At {
    Begin,
    Read(u64, Kept),
}

impl Hash for At {
    fn hash<H: Hasher>(&self, to: &mut H) {
        std::mem::discriminant(self).hash(to);
        if let At::Read(value, Kept::Openly) = self {
            value.hash(to);
        }
    }
}

/// One stores into a word that another one copies to a second word, in two steps.
pub(crate) struct Copying(Kept);

impl System for Copying {
    type World<B: Backend> = [B::Atomic; 2];
    type State = At;

    fn world<B: Backend>(&self, backend: &B) -> [B::Atomic; 2] {
        [backend.atomic("from", 0), backend.atomic("to", 9)]
    }

    fn actors(&self) -> Vec<ActorSpec> {
        ["copier", "storer"].map(|name| ActorSpec { name: name.to_owned(), role: Role::Main }).into()
    }

    fn start(&self, _: ActorId) -> At {
        At::Begin
    }

    async fn step<B: Backend>(
        &self,
        [from, to]: &[B::Atomic; 2],
        me: ActorId,
        at: At,
    ) -> ControlFlow<(), At> {
        match at {
            At::Begin if me == 0 => {
                let value = from.load(Op::new("load"), Acquire).await;
                ControlFlow::Continue(At::Read(value, self.0))
            }
            At::Begin => {
                from.store(Op::new("store"), 1, Release).await;
                ControlFlow::Break(())
            }
            At::Read(value, _) => {
                to.store(Op::new("copy"), value, Release).await;
                ControlFlow::Break(())
            }
        }
    }
}

fn copying(kept: Kept) -> Small {
    Small::from(Copying(kept))
}

#[test]
fn a_value_that_a_state_hides_is_found() {
    let finals = |kept| {
        explore(&copying(kept), &Options::default(), &mut |_| ())
            .expect("it can be explored")
            .final_states
            .len()
    };
    let open = effects(&copying(Kept::Openly), &Limits::default()).expect("it can be explored");
    assert_eq!((open.contradictions, open.first), (0, None));
    assert_eq!(finals(Kept::Openly), 2);

    let hidden = effects(&copying(Kept::Hidden), &Limits::default()).expect("it can be explored");
    assert!(hidden.contradictions > 0);
    assert_eq!(hidden.first.as_deref(), Some("copier: copy"));
    // That is what a search would lose.
    assert_eq!(finals(Kept::Hidden), 1);
}

#[test]
fn no_more_states_are_looked_at_than_asked_for() {
    let limits = Limits { states: Some(2), ..Limits::default() };
    let found = effects(&copying(Kept::Openly), &limits).expect("it can be explored");
    assert_eq!(found.states, 2);
}
