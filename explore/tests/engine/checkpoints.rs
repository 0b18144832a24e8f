//! Searches that are resumed from their checkpoints, on random programs.
//!
//! However often a search is interrupted, and by whatever, it must end as if nothing had happened: with the same states,
//! transitions, ends, ways and limits. A checkpoint that is not whole is refused.

use std::fmt::Debug;
use std::io::{self, Cursor, Read, Write};
use std::ops::ControlFlow;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stalemap_explore::{
    Checkpointer, End, EngineError, Exploration, LimitHit, Limits, Options, Progress, Request, explore,
    explore_checkpointed,
};
use stalemap_facade::Ordering::Relaxed;
use stalemap_facade::{ActorId, ActorSpec, Atomic, Backend, Call, Op, Returned, Role, System};

use crate::common::counting::Counting;
use crate::common::litmus::{Access, Litmus, Value};
use crate::common::program::{Operand, Program, Repeat, Statement, Task};
use crate::common::random_litmus::litmus;
use crate::common::small::Small;
use crate::common::strategy::{looping, straight_line};
use crate::common::{caches, config};

/// Transitions up to which a program is interrupted after each share of them.
const MOST_TRANSITIONS: u64 = 20_000;

/// Keeps a search in memory.
struct Shelf {
    kept: Vec<u8>,
    interval: u64,
    /// What is wished for, question by question; after that, that the search goes on.
    wishes: Vec<Request>,
    /// How often a search was kept.
    times: u32,
}

impl Shelf {
    fn new(interval: u64, kept: Vec<u8>, wishes: &[Request]) -> Self {
        let wishes = wishes.iter().rev().copied().collect();
        Shelf { kept, interval, wishes, times: 0 }
    }
}

impl Checkpointer for Shelf {
    fn saved(&mut self) -> Result<Option<Box<dyn Read>>, EngineError> {
        let kept = (!self.kept.is_empty()).then(|| Cursor::new(self.kept.clone()));
        Ok(kept.map(|kept| Box::new(kept) as Box<dyn Read>))
    }

    fn interval(&self) -> u64 {
        self.interval
    }

    fn request(&mut self) -> Request {
        self.wishes.pop().unwrap_or(Request::GoOn)
    }

    fn save(&mut self, search: &dyn Fn(&mut dyn Write) -> io::Result<()>) {
        self.kept.clear();
        search(&mut self.kept).expect("a vector takes all");
        self.times += 1;
    }
}

fn fail(error: impl Debug) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

fn explored_with(
    system: &impl System,
    options: &Options,
    shelf: &mut Shelf,
) -> Result<Exploration, EngineError> {
    let explored = explore_checkpointed(system, options, &|_| true, shelf, &mut |_| ())?;
    Ok(explored.unwrap_or_else(|_| unreachable!("every setup is accepted")))
}

fn whole(system: &impl System, options: &Options) -> Result<Exploration, TestCaseError> {
    let whole = explore(system, options, &mut |_| ()).map_err(fail)?;
    if whole.statistics.transitions > MOST_TRANSITIONS {
        return Err(TestCaseError::reject("too many transitions"));
    }
    Ok(whole)
}

/// Interrupts a search after each share of its transitions, until it is at its end.
fn interruptions_change_nothing(system: &impl System, options: &Options, parts: u64) -> TestCaseResult {
    let whole = whole(system, options)?;
    let interval = (whole.statistics.transitions / parts).max(1);
    let mut kept = Vec::new();
    let mut interruptions = 0;
    loop {
        let mut shelf = Shelf::new(interval, kept, &[Request::GoOn, Request::Stop]);
        let found = explored_with(system, options, &mut shelf).map_err(fail)?;
        if !found.limits_hit.contains(&LimitHit::Interrupted) {
            prop_assert_eq!(&found, &whole);
            // Of a search that has ended, the end is kept.
            let again = explored_with(system, options, &mut Shelf::new(1, shelf.kept, &[])).map_err(fail)?;
            prop_assert_eq!(&again, &whole);
            break;
        }
        prop_assert!(found.statistics.transitions <= whole.statistics.transitions);
        prop_assert!(
            found.few_preemptions.is_none() && found.lasso.is_none(),
            "who interrupts does not wait"
        );
        kept = shelf.kept;
        interruptions += 1;
    }
    // What the depth-first search does before the breadth-first one begins is not in the counts of that.
    let before = options.breadth_after.filter(|after| *after <= MOST_TRANSITIONS).unwrap_or_default();
    prop_assert!(interruptions * interval <= whole.statistics.transitions + before);
    // Breadth first, questions come between batches, which may be as large as a level.
    let is_asked_in_time = options.breadth_after.is_none_or(|after| after > MOST_TRANSITIONS);
    let least =
        if whole.halted.is_none() && is_asked_in_time { whole.statistics.transitions / interval } else { 0 };
    prop_assert!(interruptions + 1 >= least);
    Ok(())
}

/// Kills a search some time after it was kept: it goes on from there.
fn kills_change_nothing(system: &impl System, options: &Options, share: u64) -> TestCaseResult {
    let whole = whole(system, options)?;
    let interval = (whole.statistics.transitions * share / 100).max(1);
    let mut shelf = Shelf::new(interval, Vec::new(), &[Request::GoOn, Request::Save]);
    prop_assert_eq!(&explored_with(system, options, &mut shelf).map_err(fail)?, &whole);
    // What was kept first was written over at the end; so the search is kept again, and that is what is left.
    let mut first = Shelf::new(interval, Vec::new(), &[Request::GoOn, Request::Stop]);
    explored_with(system, options, &mut first).map_err(fail)?;
    prop_assert_eq!(first.times, u32::from(whole.halted.is_none()));
    let found = explored_with(system, options, &mut Shelf::new(1, first.kept, &[])).map_err(fail)?;
    prop_assert_eq!(&found, &whole);
    Ok(())
}

/// Stops a search at limits, and gives it more.
fn limits_change_nothing(system: &impl System, limit: impl Fn(u64) -> Limits) -> TestCaseResult {
    let whole = whole(system, &Options::default())?;
    let mut kept = Vec::new();
    for share in [3, 30, 60, 90] {
        let limits = limit(whole.statistics.states * share / 100);
        let options = Options { limits, ..Options::default() };
        let mut shelf = Shelf::new(1 << 13, kept, &[]);
        let found = explored_with(system, &options, &mut shelf).map_err(fail)?;
        // It stops where it would have stopped at once.
        prop_assert_eq!(found, explore(system, &options, &mut |_| ()).map_err(fail)?);
        kept = shelf.kept;
    }
    let found = explored_with(system, &Options::default(), &mut Shelf::new(1, kept, &[])).map_err(fail)?;
    prop_assert_eq!(found, whole);
    Ok(())
}

/// Damages a checkpoint in one place, and cuts it off there.
fn damage_is_noticed(system: &impl System, place: usize, bit: u8) -> TestCaseResult {
    let options = Options::default();
    let interval = whole(system, &options)?.statistics.transitions / 2;
    let mut shelf = Shelf::new(interval, Vec::new(), &[Request::GoOn, Request::Stop]);
    explored_with(system, &options, &mut shelf).map_err(fail)?;
    if shelf.kept.is_empty() {
        return Err(TestCaseError::reject("there is nothing to keep"));
    }
    let place = place % shelf.kept.len();
    let mut changed = shelf.kept.clone();
    changed[place] ^= 1 << bit;
    for damaged in [changed, shelf.kept[..place.max(1)].to_vec(), [&shelf.kept[..], &[0]].concat()] {
        let refused = explored_with(system, &options, &mut Shelf::new(1, damaged, &[]));
        prop_assert!(matches!(refused, Err(EngineError::Checkpoint { .. })), "{:?}", refused);
    }
    Ok(())
}

fn options() -> impl Strategy<Value = Options> {
    let preemptions = prop_oneof![2 => Just(None), 1 => (0..3_u32).prop_map(Some)];
    let breadth = prop_oneof![Just(Options::default().breadth_after), (0..60_u64).prop_map(Some)];
    (any::<bool>(), prop::sample::select(caches().to_vec()), preemptions, breadth).prop_map(
        |(sleep_sets, transition_cache, preemptions, breadth_after)| {
            let limits = Limits { preemptions, ..Limits::default() };
            Options { sleep_sets, transition_cache, breadth_after, limits, ..Options::default() }
        },
    )
}

/// One actor, of whose choices each leads to an end of its own, and whose calls fail and succeed in turn.
pub(crate) struct Chooser {
    alternatives: u32,
}

pub(crate) struct Chosen<B: Backend> {
    backend: B,
    word: B::Atomic,
}

impl System for Chooser {
    type World<B: Backend> = Chosen<B>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Chosen<B> {
        Chosen { backend: backend.clone(), word: backend.atomic("word", 0) }
    }

    fn actors(&self) -> Vec<ActorSpec> {
        vec![ActorSpec { name: "chooser".to_owned(), role: Role::Main }]
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(&self, w: &Chosen<B>, actor: ActorId, (): ()) -> ControlFlow<(), ()> {
        let chosen = w.backend.choose(Op::new("choose"), self.alternatives).await;
        let returned = if chosen % 2 == 0 { Returned::Success } else { Returned::Error };
        w.backend.returned(Call { actor, command: 0, number: chosen as u16 % 4 }, returned);
        w.word.store(Op::new("store"), chosen.into(), Relaxed).await;
        ControlFlow::Break(())
    }

    fn observe<B: Backend>(&self, _: &Chosen<B>) -> Option<String> {
        None
    }
}

#[test]
fn what_calls_returned_is_kept() {
    interruptions_change_nothing(&Small::from(Chooser { alternatives: 9 }), &Options::default(), 4)
        .expect("nothing changes");
}

#[test]
fn that_there_were_more_messages_than_can_be_told_apart_is_kept() {
    let store = Access::Store(0, Value::Constant(1), Relaxed);
    let litmus = Small::from(Litmus::relaxed([vec![store; 16], vec![Access::Load(0, Relaxed, 0)]]));
    let found = explore(&litmus, &Options::default(), &mut |_| ()).expect("a litmus test can be explored");
    assert!(found.limits_hit.contains(&LimitHit::Messages));
    interruptions_change_nothing(&litmus, &Options::default(), 4).expect("nothing changes");
}

#[test]
fn what_ends_take_counts_in_a_search_that_goes_on() {
    // The progress is told of every 4096 transitions, and where the search goes on with that many.
    const LOOK: u64 = 4096;
    let chooser = Small::from(Chooser { alternatives: 4000 });
    let options = Options { transition_cache: None, ..Options::default() };
    let mut shelf = Shelf::new(LOOK, Vec::new(), &[Request::GoOn, Request::Stop]);
    explored_with(&chooser, &options, &mut shelf).expect("a sound system");
    let look = |shelf: &mut Shelf| {
        let mut bytes = None;
        let mut progress = |progress: &Progress| {
            if progress.statistics.transitions == LOOK {
                bytes.get_or_insert(progress.bytes);
            }
        };
        let found = explore_checkpointed(&chooser, &options, &|_| true, shelf, &mut progress)
            .expect("a sound system");
        assert!(found.is_ok());
        bytes.expect("it is looked at")
    };
    let whole = look(&mut Shelf::new(LOOK, Vec::new(), &[]));
    let kept = look(&mut Shelf::new(LOOK, shelf.kept, &[]));
    assert!(kept * 10 >= whole * 9, "{kept} of {whole} bytes");
}

#[test]
fn what_ends_take_counts() {
    const MEMORY: u64 = 1 << 19;
    let limits = Limits { memory: Some(MEMORY), ..Limits::default() };
    let options = Options { transition_cache: None, limits, ..Options::default() };
    let found = explore(&Small::from(Chooser { alternatives: 20_000 }), &options, &mut |_| ())
        .expect("a sound system");
    assert!(found.limits_hit.contains(&LimitHit::Memory));
    // An end is the fingerprint of a final state, and what it looks like from outside; two states lead to it.
    let end = size_of::<u128>() + size_of::<End>() + 2 * (size_of::<u128>() + 8);
    assert!(found.final_states.len() <= MEMORY as usize / end, "{} ends", found.final_states.len());
}

#[test]
fn states_that_take_more_than_the_limit_of_memory_are_refused() {
    let chooser = Small::from(Chooser { alternatives: 4000 });
    let mut shelf = Shelf::new(5000, Vec::new(), &[Request::GoOn, Request::Stop]);
    explored_with(&chooser, &Options::default(), &mut shelf).expect("a sound system");
    let limits = Limits { memory: Some(1 << 14), ..Limits::default() };
    let refused = explored_with(&chooser, &Options { limits, ..Options::default() }, &mut shelf);
    assert!(matches!(refused, Err(EngineError::Checkpoint { .. })), "{refused:?}");
}

/// Tasks that store these values one after the other.
fn storing(tasks: &[&[u64]]) -> Program {
    let task = |values: &&[u64]| Task {
        role: Role::Main,
        steps: vec![values.iter().map(|value| Statement::Store(0, Operand::Constant(*value))).collect()],
        repeat: Repeat::Never,
    };
    Program { tasks: tasks.iter().map(task).collect(), unused: 0 }
}

#[test]
fn a_search_of_another_system_is_refused() {
    let kept = |program: &Program, wishes: &[Request]| {
        let mut shelf = Shelf::new(2, Vec::new(), wishes);
        explored_with(program, &Options::default(), &mut shelf).expect("a sound program");
        shelf.kept
    };
    let refused = |program: &Program, kept: Vec<u8>| {
        let refused = explored_with(program, &Options::default(), &mut Shelf::new(1, kept, &[]));
        assert!(matches!(refused, Err(EngineError::Checkpoint { .. })), "{refused:?}");
    };
    let (one, other) = (storing(&[&[1, 2], &[1, 2]]), storing(&[&[2, 2], &[1, 2]]));
    refused(&other, kept(&one, &[Request::GoOn, Request::Stop]));
    let more = storing(&[&[1, 2], &[1, 2], &[1]]);
    refused(&more, kept(&one, &[Request::GoOn, Request::Stop]));
    refused(&more, kept(&one, &[]));
}

#[test]
fn who_interrupts_does_not_wait_for_runs_with_few_preemptions() {
    let program = storing(&[&[1, 2, 3, 4, 5, 6], &[11, 12, 13, 14, 15, 16], &[21, 22, 23, 24, 25, 26]]);
    let limits = Limits { states: Some(300), ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let found = |wishes: &[Request]| {
        explored_with(&program, &options, &mut Shelf::new(1 << 13, Vec::new(), wishes))
            .expect("a sound program")
    };
    let few = |found: &Exploration| found.few_preemptions.expect("it was stopped").none_up_to;
    let whole = found(&[]);
    assert_eq!((few(&whole), whole.limits_hit), (Some(0), [LimitHit::States].into()));
    // The search asks once, and so does each number of preemptions.
    let interrupted = found(&[Request::GoOn, Request::Stop]);
    let both = [LimitHit::States, LimitHit::Interrupted];
    assert_eq!((few(&interrupted), interrupted.limits_hit), (None, both.into()));
    assert_eq!(interrupted.statistics, whole.statistics);
    let later = found(&[Request::GoOn, Request::GoOn, Request::Stop]);
    assert_eq!((few(&later), later.limits_hit), (Some(0), both.into()));
}

/// Four that count, of whom the first one goes on for ever.
fn counting() -> Small {
    Small::from(Counting { actors: 4, up_to: 16, for_ever: true })
}

/// The effects do not say whether there is a cycle, so states are taken away, nearly all of them.
#[test]
fn a_search_that_is_interrupted_while_it_looks_for_cycles_is_incomplete_and_goes_on() {
    let options = Options { breadth_after: Some(0), ..Options::default() };
    let found = |shelf: &mut Shelf| explored_with(&counting(), &options, shelf).expect("a sound system");
    let whole = found(&mut Shelf::new(u64::MAX, Vec::new(), &[]));
    assert_eq!(whole.statistics.states, 17_u64.pow(4));
    assert!(whole.is_complete() && whole.lasso.is_some(), "{:?}", whole.limits_hit);
    // Depth first it asks once, and breadth first.
    let mut shelf = Shelf::new(1 << 18, Vec::new(), &[Request::GoOn, Request::GoOn, Request::Stop]);
    let interrupted = found(&mut shelf);
    assert_eq!(interrupted.limits_hit, [LimitHit::Interrupted].into());
    assert_eq!(interrupted.statistics, whole.statistics);
    assert!(interrupted.lasso.is_none() && !interrupted.is_complete());
    assert_eq!(found(&mut Shelf::new(u64::MAX, shelf.kept, &[])), whole);
}

/// What it made depth first before is made again, and is less than what is kept.
#[test]
fn a_search_that_goes_on_breadth_first_reports_no_less_than_it_had() {
    let options = Options { breadth_after: Some(10_000), ..Options::default() };
    let mut shelf = Shelf::new(1 << 15, Vec::new(), &[Request::GoOn, Request::GoOn, Request::Stop]);
    let before = explored_with(&counting(), &options, &mut shelf).expect("a sound system");
    assert_eq!(before.limits_hit, [LimitHit::Interrupted].into());
    assert!(before.statistics.transitions > 20_000, "it is breadth first: {:?}", before.statistics);
    let mut least = u64::MAX;
    let mut progress = |progress: &Progress| least = least.min(progress.statistics.states);
    let mut shelf = Shelf::new(u64::MAX, shelf.kept, &[]);
    let found = explore_checkpointed(&counting(), &options, &|_| true, &mut shelf, &mut progress)
        .expect("a sound system");
    assert!(found.is_ok());
    assert_eq!(least, before.statistics.states);
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn interrupted_searches_of_random_programs_end_as_others(
        program in prop_oneof![straight_line(), looping()],
        options in options(),
        parts in 1..40_u64,
    ) {
        interruptions_change_nothing(&program, &options, parts)?;
    }

    #[test]
    fn interrupted_searches_in_relaxed_memory_end_as_others(
        litmus in litmus(),
        options in options(),
        parts in 1..40_u64,
    ) {
        interruptions_change_nothing(&Small::from(litmus), &options, parts)?;
    }

    #[test]
    fn killed_searches_of_random_programs_end_as_others(
        program in prop_oneof![straight_line(), looping()],
        options in options(),
        share in 1..100_u64,
    ) {
        kills_change_nothing(&program, &options, share)?;
    }

    #[test]
    fn searches_of_random_programs_go_on_after_a_limit(program in prop_oneof![straight_line(), looping()]) {
        limits_change_nothing(&program, |states| Limits { states: Some(states), ..Limits::default() })?;
    }

    #[test]
    fn searches_of_random_programs_go_on_after_a_limit_of_memory(
        program in prop_oneof![straight_line(), looping()],
    ) {
        let whole = whole(&program, &Options::default())?;
        let mut kept = Vec::new();
        for bits in 13..18 {
            let limits = Limits { memory: Some(1 << bits), ..Limits::default() };
            let mut shelf = Shelf::new(1 << 13, kept, &[]);
            explored_with(&program, &Options { limits, ..Options::default() }, &mut shelf).map_err(fail)?;
            kept = shelf.kept;
        }
        let found = explored_with(&program, &Options::default(), &mut Shelf::new(1, kept, &[])).map_err(fail)?;
        prop_assert_eq!(found, whole);
    }

    #[test]
    fn damaged_checkpoints_of_random_programs_are_refused(
        program in prop_oneof![straight_line(), looping()],
        place in 0..1_usize << 20,
        bit in 0..8_u8,
    ) {
        damage_is_noticed(&program, place, bit)?;
    }
}
