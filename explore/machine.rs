//! A system that can be driven one transition at a time, and put back.
//!
//! A transition is: the actor is rebuilt to where it stands, performs its pending operation, and runs on to
//! the next one, possibly through the end of its step and into the next step. Nothing of a future is kept
//! between transitions.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use stalemap_facade::{ActorId, ActorSpec, Op, Role, System};

use crate::actors::{ActorSet, MAX_ACTORS, actors_of};
use crate::ends::{End, waiting};
use crate::error::EngineError;
use crate::fingerprint::{chain, part};
use crate::footprint::Footprint;
use crate::labels::{Label, Labels};
use crate::memory::{Ended, Memory, Outcome, Pending, Permit, Run};
use crate::transition_cache::{Effect, TransitionCache};
use crate::weight::Weight;

pub(crate) mod beginning;
mod halt;
mod look;
pub(crate) mod parts;
pub(crate) mod sequential;
mod standing;

pub(crate) use halt::Ending;
pub use halt::{Halt, Halted, Opening};
pub(crate) use standing::{Frame, Snapshot, Standing, Waits};

/// Steps that an actor may take without a visible operation before it counts as broken, in any engine.
pub(crate) const MAX_SILENT_STEPS: usize = 1000;

/// What transitions say of their cost, if that is counted.
#[derive(Default)]
struct Told<'s> {
    /// What tells them apart.
    labels: Option<Labels<'s>>,
    /// That of the last one.
    label: Label,
}

/// A system under control.
pub(crate) struct Machine<'s, S: System> {
    system: &'s S,
    memory: Memory,
    world: S::World<Memory>,
    specs: Vec<ActorSpec>,
    standings: Vec<Rc<Standing<S::State>>>,
    /// Sum of the standings' shares of the fingerprint.
    standings_print: u128,
    known: Option<TransitionCache<Standing<S::State>>>,
    /// The outcome of the last operation performed that is to be tried after the one that it had.
    next: Option<Outcome>,
    told: Told<'s>,
    main: ActorSet,
    daemons: ActorSet,
    epilogue: ActorSet,
    halted: Option<Halted>,
    /// What was said before anybody moved, when watched.
    opening: Opening,
}

impl<'s, S: System> Machine<'s, S> {
    /// Creates the system and runs its setup.
    pub(crate) fn new(system: &'s S) -> Result<Self, EngineError> {
        Self::on(system, Memory::new(system.memory()))
    }

    /// The system, with its setup watched.
    pub(crate) fn watched(system: &'s S) -> Result<Self, EngineError> {
        let memory = Memory::new(system.memory());
        memory.watch(true);
        Self::on(system, memory)
    }

    fn on(system: &'s S, memory: Memory) -> Result<Self, EngineError> {
        let specs = actors(system)?;
        let world = system.world(&memory);
        let set = |role: Role| {
            let members = specs.iter().enumerate().filter(|(_, spec)| spec.role == role);
            members.fold(0, |set, (actor, _)| set | 1 << actor)
        };
        let mut machine = Machine {
            system,
            memory,
            world,
            standings: Vec::new(),
            standings_print: 0,
            known: None,
            next: None,
            told: Told::default(),
            main: set(Role::Main),
            daemons: set(Role::Daemon),
            epilogue: set(Role::Epilogue),
            halted: None,
            opening: Opening::default(),
            specs: Vec::new(),
        };
        for actor in 0..specs.len() {
            let state = system.start(actor);
            let state_print = machine.memory.print(actor, &state);
            machine.standings.push(Rc::new(Standing {
                state: Some(Rc::new(state)),
                state_print,
                log: Vec::new(),
                log_print: 0,
                pending: None,
                print: 0,
                _weight: Weight::default(),
            }));
        }
        let setup = set(Role::Setup);
        machine.specs = specs;
        let halt = machine.run_alone(setup, &mut drop)?;
        machine.opening.setup = machine.take_events();
        if let Some(why) = halt {
            machine.memory.take_cut();
            machine.halted = Some(machine.halted_in(setup, why));
            return Ok(machine);
        }
        let left = |actor: &ActorId| machine.standings[*actor].state.is_some();
        machine.memory.start(actors_of(machine.main | machine.daemons).filter(left));
        for actor in actors_of(machine.main | machine.daemons) {
            if !machine.is_started(actor) {
                machine.fire(actor, Outcome::FIRST)?;
                let events = machine.take_events();
                machine.opening.actors.push((actor, events));
                if machine.next.is_some() {
                    return Err(EngineError::ReadsBeforeItMoves { actor: machine.specs[actor].name.clone() });
                }
            }
            if let Some(bound) = machine.memory.take_cut() {
                // Every run is given up before anybody has moved. What is violated by then is.
                machine.halted = Some(machine.halted_in(1 << actor, Halt::GivenUp(bound)));
                (machine.main, machine.daemons) = (0, 0);
                break;
            }
        }
        machine.memory.gather(true);
        Ok(machine)
    }

    /// Looks up transitions that were executed before instead of executing them again, of which so many are kept. Not with an
    /// observer: a transition that is looked up tells nothing.
    pub(crate) fn remember_transitions(&mut self, most: NonZeroUsize) {
        self.known = Some(TransitionCache::new(most));
    }

    /// Labels transitions from here on.
    pub(crate) fn label_transitions(&mut self, labels: Labels<'s>) {
        self.memory.meter();
        self.told.labels = Some(labels);
    }

    /// What the last transition is told by that was performed.
    pub(crate) fn label(&self) -> Label {
        self.told.label
    }

    /// What the labels stand for.
    pub(crate) fn labels(&self) -> Option<&Labels<'s>> {
        self.told.labels.as_ref()
    }

    /// Who takes part.
    pub(crate) fn specs(&self) -> &[ActorSpec] {
        &self.specs
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The fingerprint of the state.
    pub(crate) fn fingerprint(&self) -> u128 {
        self.memory.identity().wrapping_add(self.standings_print)
    }

    /// The properties violated so far.
    pub(crate) fn violated(&self) -> u64 {
        self.memory.violated() | self.halted.as_ref().map_or(0, |halted| halted.why.violates())
    }

    /// The setup, if it does not come to its end. Then nobody else has begun.
    pub(crate) fn halted(&self) -> Option<&Halted> {
        self.halted.as_ref()
    }

    /// The actors of the exploration whose next operation can be performed.
    pub(crate) fn enabled(&self) -> ActorSet {
        self.enabled_of(self.main | self.daemons)
    }

    fn enabled_of(&self, set: ActorSet) -> ActorSet {
        actors_of(set).filter(|&actor| self.is_enabled(actor)).fold(0, |set, actor| set | 1 << actor)
    }

    /// Whether the actor's next operation can be performed.
    pub(crate) fn is_enabled(&self, actor: ActorId) -> bool {
        self.standings[actor].pending.as_ref().is_some_and(Pending::is_enabled)
    }

    /// Whether an actor stands at its first operation or beyond. What it does before that needs no leave,
    /// but must not happen before its role allows it to run.
    fn is_started(&self, actor: ActorId) -> bool {
        let standing = &self.standings[actor];
        standing.pending.is_some() || standing.state.is_none()
    }

    /// Whether moving to `actor` switches away from one that could go on.
    pub(crate) fn preempts(&self, running: Option<ActorId>, actor: ActorId) -> bool {
        running.is_some_and(|running| running != actor && self.is_enabled(running))
    }

    /// Who could go on, and with what, when `actor` moves in its place.
    pub(crate) fn preempted(&self, running: Option<ActorId>, actor: ActorId) -> Option<(ActorId, Op)> {
        let running = running.filter(|_| self.preempts(running, actor))?;
        Some((running, self.pending(running)?.op))
    }

    /// The number of the command that an actor is in, from 0, if the system has commands and the actor has not finished.
    pub(crate) fn command(&self, actor: ActorId) -> Option<usize> {
        self.standings[actor].state.as_deref().and_then(|state| self.system.command(state))
    }

    /// The operation that an actor performs next, unless it has finished.
    pub(crate) fn pending(&self, actor: ActorId) -> Option<&Pending> {
        self.standings[actor].pending.as_ref()
    }

    /// Whether every main actor has finished.
    pub(crate) fn main_finished(&self) -> bool {
        actors_of(self.main).all(|actor| self.standings[actor].pending.is_none())
    }

    /// The main actors that have not finished.
    pub(crate) fn unfinished(&self) -> Vec<ActorId> {
        actors_of(self.main).filter(|&actor| self.standings[actor].pending.is_some()).collect()
    }

    /// The deadlock in which the system stands, as every engine sees it.
    pub(crate) fn deadlock(&self) -> End {
        let waits = self.unfinished().into_iter();
        let waits = waits.filter_map(|actor| Some((actor, self.pending(actor)?.op)));
        End::Deadlock {
            memory: self.memory.identity(),
            waiting: self.memory.print(part::WAITING, &waiting(waits)),
        }
    }

    /// The end at which the system stands, if nobody can move.
    pub(crate) fn end(&mut self) -> Result<Option<End>, EngineError> {
        if self.enabled() != 0 || self.halted.is_some() {
            return Ok(None);
        }
        if !self.main_finished() {
            return Ok(Some(self.deadlock()));
        }
        let memory = self.memory.identity();
        let look = |machine: &Self, ending: &Ending| {
            let after = machine.memory.identity();
            End::Final { memory, after, stuck: ending.is_stuck() }
        };
        self.with_epilogue(look).map(Some)
    }

    /// Performs an actor's pending operation with the given outcome; one that has not started runs to its
    /// first operation.
    pub(crate) fn fire(
        &mut self,
        actor: ActorId,
        outcome: Outcome,
    ) -> Result<(Footprint, Frame<S::State>), EngineError> {
        // What nobody has announced (a start) is not looked up: it happens once.
        if self.known.is_none() || self.standings[actor].pending.is_none() {
            let (ended, frame) = self.execute(actor, outcome)?;
            return Ok((ended.footprint, frame));
        }
        let beginning = self.beginning_print(actor, outcome);
        if let Some(effect) = self.known.as_ref().and_then(|known| known.find(beginning, &self.memory)) {
            let violated = self.memory.violated();
            let memory = self.memory.redo(&effect.after, effect.violated, effect.cut);
            let standing = self.replace(actor, Rc::clone(&effect.standing));
            self.next = effect.next;
            self.told.label = effect.label;
            return Ok((effect.footprint, Frame { actor, memory, violated, standing }));
        }
        let (ended, frame) = self.execute(actor, outcome)?;
        if let Some(known) = &mut self.known {
            let touched = self.memory.objects_of(ended.footprint.touched);
            let before = self.memory.identity_before(&touched, &frame.memory);
            let effect = Effect {
                footprint: ended.footprint,
                after: self.memory.values_of(&frame.memory),
                violated: ended.violated,
                cut: ended.cut,
                standing: Rc::clone(&self.standings[actor]),
                next: self.next,
                label: self.told.label,
            };
            known.insert(beginning, &touched, before, effect);
        }
        Ok((ended.footprint, frame))
    }

    /// The outcome to be tried after that of the last operation performed, if there is one.
    pub(crate) fn next_outcome(&self) -> Option<Outcome> {
        self.next
    }

    fn execute(&mut self, actor: ActorId, outcome: Outcome) -> Result<(Ended, Frame<S::State>), EngineError> {
        let violated = self.memory.violated();
        let alternatives = self.standings[actor].pending.as_ref().map_or(0, Pending::alternatives);
        self.memory.begin_transition(outcome.picks());
        let after = self.run(actor, outcome.choice())?;
        if let Some(labels) = &mut self.told.labels {
            self.told.label = labels.of(&self.memory.take_events());
        }
        if after.state.is_none() {
            self.memory.retire(actor);
        }
        if self.memory.picked_wrongly() {
            let undo = self.memory.end_transition().undo;
            self.memory.undo(&undo, violated);
            self.memory.take_cut();
            return Err(EngineError::NoSuchOutcome { actor: self.specs[actor].name.clone() });
        }
        let standing = self.replace(actor, Rc::new(after));
        let mut ended = self.memory.end_transition();
        let memory = std::mem::take(&mut ended.undo);
        self.next = match ended.next_picks {
            Some(picks) => Some(Outcome::new(outcome.choice(), picks)),
            None => (outcome.choice() + 1 < alternatives).then(|| Outcome::new(outcome.choice() + 1, 0)),
        };
        Ok((ended, Frame { actor, memory, violated, standing }))
    }

    /// Undoes a transition. Only the latest one that has not been undone may be.
    pub(crate) fn undo(&mut self, frame: Frame<S::State>) {
        self.replace(frame.actor, frame.standing);
        self.memory.undo(&frame.memory, frame.violated);
    }

    /// Puts an actor where `standing` says, and returns where it stood.
    fn replace(&mut self, actor: ActorId, standing: Rc<Standing<S::State>>) -> Rc<Standing<S::State>> {
        let before = std::mem::replace(&mut self.standings[actor], standing);
        let now = self.standings[actor].print;
        self.standings_print = self.standings_print.wrapping_sub(before.print).wrapping_add(now);
        before
    }

    /// Runs an actor to the operation after its pending one, through the ends of steps. Returns where it
    /// stands then.
    fn run(&self, actor: ActorId, outcome: u32) -> Result<Standing<S::State>, EngineError> {
        let from = &self.standings[actor];
        let mut permit = from.pending.as_ref().map(|pending| Permit { op: pending.op, outcome });
        let (mut log, mut log_print) = (from.log.clone(), from.log_print);
        let (mut state, mut state_print) = (from.state.clone(), from.state_print);
        for _ in 0..MAX_SILENT_STEPS {
            let Some(begun) = state else {
                let print = self.memory.print(actor, &());
                let log = Vec::new();
                let weight = Weight::default();
                let (state, pending) = (None, None);
                return Ok(Standing {
                    state,
                    state_print: 0,
                    log,
                    log_print: 0,
                    pending,
                    print,
                    _weight: weight,
                });
            };
            self.memory.begin_run(actor, log, log_print, permit.take());
            let (poll, run) = {
                let step = pin!(self.system.step(&self.world, actor, S::State::clone(&begun)));
                let poll = step.poll_once();
                (poll, self.memory.end_run())
            };
            if let Some(divergence) = self.memory.take_divergence() {
                return Err(EngineError::NotDeterministic {
                    actor: self.specs[divergence.actor].name.clone(),
                    expected: divergence.expected.to_string(),
                    performed: divergence.performed.to_string(),
                });
            }
            match poll {
                Poll::Pending => {
                    let Run { log, log_print, pending } = run;
                    let print = chain(actor as u64, state_print, log_print);
                    let weight = Weight::default();
                    weight.set(Standing::<S::State>::bytes(&log));
                    let state = Some(begun);
                    return Ok(Standing {
                        state,
                        state_print,
                        log,
                        log_print,
                        pending,
                        print,
                        _weight: weight,
                    });
                }
                Poll::Ready(ControlFlow::Continue(next)) => {
                    state_print = self.memory.print(actor, &next);
                    state = Some(Rc::new(next));
                }
                Poll::Ready(ControlFlow::Break(())) => state = None,
            }
            (log, log_print) = (Vec::new(), 0);
        }
        Err(EngineError::NeverPauses { actor: self.specs[actor].name.clone() })
    }

    /// The complete state.
    pub(crate) fn snapshot(&self) -> Snapshot<S::State> {
        Snapshot {
            memory: self.memory.save(),
            standings: self.standings.clone(),
            standings_print: self.standings_print,
        }
    }

    /// Puts the complete state back.
    pub(crate) fn restore(&mut self, snapshot: &Snapshot<S::State>) {
        self.memory.restore(&snapshot.memory);
        self.standings.clone_from(&snapshot.standings);
        self.standings_print = snapshot.standings_print;
    }
}

/// The actors of a system: no more than there may be, each with a name of its own.
fn actors<S: System>(system: &S) -> Result<Vec<ActorSpec>, EngineError> {
    let specs = system.actors();
    if specs.len() > MAX_ACTORS {
        return Err(EngineError::TooManyActors { actors: specs.len() });
    }
    let mut names = BTreeSet::new();
    match specs.iter().find(|spec| !names.insert(spec.name.as_str())) {
        Some(spec) => Err(EngineError::SameName { name: spec.name.clone() }),
        None => Ok(specs),
    }
}

/// Polling without an executor: the engine is the only one who could wake anybody.
trait PollOnce: Future {
    fn poll_once(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output> {
        self.poll(&mut Context::from_waker(Waker::noop()))
    }
}

impl<F: Future> PollOnce for F {}
