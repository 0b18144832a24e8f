//! Setup and epilogue: phases in which a set of actors runs alone, in one order.

use std::collections::{HashMap, HashSet};

use stalemap_facade::{ActorId, System};

use super::Machine;
use super::halt::{Ending, Halt, Halted};
use super::standing::Frame;
use crate::actors::{ActorSet, actors_of};
use crate::error::EngineError;
use crate::memory::{Outcome, Pending};

/// Transitions that a sequential phase may take before it counts as broken, in any engine.
pub(crate) const MAX_SEQUENTIAL: usize = 1_000_000;

/// Transitions of a sequential phase after which its states are kept, to see whether it goes round.
const MAX_UNWATCHED: usize = 1000;

/// Where a sequential phase comes to: the fingerprint, and why it stops before its end.
type ComesTo = (u128, Option<Halt>);

impl<S: System> Machine<'_, S> {
    /// Runs a set of actors to their ends in a fixed order: the first that can move goes on; daemons serve
    /// when none of them can, and no further: what is left to them belongs to the exploration. Where a state comes
    /// again, the others are let on in turn. Says why it stops before the end. `done` receives how to undo each transition, also
    /// when it fails; nobody goes back behind a setup, and what that has overwritten may be far more than what is left.
    ///
    /// What comes after it begins in one state, so what its actors choose may make no difference: all of it is tried, and has to
    /// come to the same. Daemons take the first of what they may choose, as they come in a fixed order.
    pub(super) fn run_alone(
        &mut self,
        set: ActorSet,
        done: &mut dyn FnMut(Frame<S::State>),
    ) -> Result<Option<Halt>, EngineError> {
        self.run_on_alone(set, &mut HashSet::new(), done)
    }

    /// [`Machine::run_alone`], where the choices made in the states `tried` are known to make no difference.
    fn run_on_alone(
        &mut self,
        set: ActorSet,
        tried: &mut HashSet<u128>,
        done: &mut dyn FnMut(Frame<S::State>),
    ) -> Result<Option<Halt>, EngineError> {
        let mut moved_from: HashMap<u128, usize> = HashMap::new();
        for transitions in 0..MAX_SEQUENTIAL {
            let unfinished = actors_of(set).find(|&actor| self.standings[actor].state.is_some());
            let Some(unfinished) = unfinished else { return Ok(None) };
            let can_move = |actor: &ActorId| !self.is_started(*actor) || self.is_enabled(*actor);
            let mut able = actors_of(set).chain(actors_of(self.daemons)).filter(can_move).peekable();
            if able.peek().is_none() {
                let op = self.pending(unfinished).map_or_else(String::new, |pending| pending.op.to_string());
                return Ok(Some(Halt::Waits(op)));
            }
            let turn = if transitions < MAX_UNWATCHED {
                0
            } else {
                let turns = moved_from.entry(self.fingerprint()).or_default();
                *turns += 1;
                *turns - 1
            };
            let Some(actor) = able.nth(turn) else { return Ok(Some(Halt::GoesRound)) };
            let pending = self.pending(actor).filter(|_| set & 1 << actor != 0);
            if let Some(alternatives) = pending.map(Pending::alternatives).filter(|many| *many > 1) {
                self.try_alone(set, actor, alternatives, tried)?;
            }
            done(self.fire(actor, Outcome::FIRST)?.1);
            if let Some(bound) = self.memory.cut() {
                return Ok(Some(Halt::GivenUp(bound)));
            }
        }
        Err(EngineError::NeverPauses { actor: "a sequential phase".to_owned() })
    }

    /// Tries what an actor of a sequential phase may choose, each to the end of the phase, and says if it makes a difference.
    fn try_alone(
        &mut self,
        set: ActorSet,
        actor: ActorId,
        alternatives: u32,
        tried: &mut HashSet<u128>,
    ) -> Result<(), EngineError> {
        // Beforehand: what is chosen may lead here again.
        if !tried.insert(self.fingerprint()) {
            return Ok(());
        }
        // Whoever watches the run sees nothing of this.
        let (known, watching) = (self.known.take(), self.memory.watch(false));
        let here = self.snapshot();
        let mut first: Option<ComesTo> = None;
        let mut is_one = true;
        for choice in 0..alternatives {
            self.fire(actor, Outcome::new(choice, 0))?;
            let halt = match self.memory.cut() {
                Some(bound) => Some(Halt::GivenUp(bound)),
                None => self.run_on_alone(set, tried, &mut drop)?,
            };
            self.memory.take_cut();
            let comes_to = (self.fingerprint(), halt);
            is_one &= *first.get_or_insert_with(|| comes_to.clone()) == comes_to;
            self.restore(&here);
        }
        self.known = known;
        self.memory.watch(watching);
        if !is_one {
            let op = self.pending(actor).map_or_else(String::new, |pending| pending.op.to_string());
            return Err(EngineError::ChoosesAlone { actor: self.specs[actor].name.clone(), op });
        }
        Ok(())
    }

    /// In a final state, runs the epilogue, calls `look`, and puts the final state back.
    pub(crate) fn with_epilogue<R>(
        &mut self,
        look: impl FnOnce(&Self, &Ending) -> R,
    ) -> Result<R, EngineError> {
        let mut frames = Vec::new();
        self.memory.gather(false);
        let halt = self.run_alone(self.epilogue, &mut |frame| frames.push(frame))?;
        self.memory.take_cut();
        let result = look(self, &Ending(halt));
        while let Some(frame) = frames.pop() {
            self.undo(frame);
        }
        self.memory.gather(true);
        Ok(result)
    }

    /// Who of a sequential phase has not come to the end, and where it is.
    pub(super) fn halted_in(&self, phase: ActorSet, why: Halt) -> Halted {
        let unfinished = actors_of(phase).find(|&actor| self.standings[actor].state.is_some());
        let state = unfinished.and_then(|actor| self.standings[actor].state.as_deref());
        Halted {
            actor: unfinished.map(|actor| self.specs[actor].name.clone()),
            command: state.and_then(|state| self.system.command(state)),
            why,
        }
    }
}
