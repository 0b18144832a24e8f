//! A system that can be driven one transition at a time, and put back.
//!
//! A transition is: the actor is rebuilt to where it stands, performs its pending operation, and runs on to
//! the next one, possibly through the end of its step and into the next step. Nothing of a future is kept
//! between transitions.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use stalemap_facade::{ActorId, ActorSpec, Bound, Event, Op, Picture, Property, Role, System};

use crate::actors::{ActorSet, MAX_ACTORS, actors_of};
use crate::ends::{End, WAITING, waiting};
use crate::error::EngineError;
use crate::fingerprint::chain;
use crate::footprint::Footprint;
use crate::labels::{Label, Labels};
use crate::memory::{
    Answered, Ended, Memory, NOBODY, Outcome, Pending, Permit, Run, Saved, SavedMemory, SavedObject,
};
use crate::transition_cache::{Effect, TransitionCache};
use crate::weight::Weight;

mod parts;

pub(crate) use parts::{StateParts, Waits};

/// Steps that an actor may take without a visible operation before it counts as broken, in any engine.
pub(crate) const MAX_SILENT_STEPS: usize = 1000;

/// Transitions that a sequential phase may take before it counts as broken, in any engine.
pub(crate) const MAX_SEQUENTIAL: usize = 1_000_000;

/// Transitions of a sequential phase after which its states are kept, to see whether it goes round.
const MAX_UNWATCHED: usize = 1000;

/// Where a sequential phase comes to: the fingerprint, and why it stops before its end.
type ComesTo = (u128, Option<Halt>);

/// Where an actor stands. Never changed, only replaced: undoing is putting the old one back.
pub(crate) struct Standing<State> {
    /// The state its step began with; `None` when it has finished.
    state: Option<Rc<State>>,
    /// The fingerprint of `state`.
    state_print: u128,
    /// What it has observed since.
    log: Vec<Answered>,
    log_print: u128,
    pending: Option<Pending>,
    /// Its share of the state's fingerprint.
    print: u128,
    /// What all this takes of memory.
    _weight: Weight,
}

impl<State> Standing<State> {
    /// Bytes of one with this log.
    fn bytes(log: &Vec<Answered>) -> usize {
        size_of::<Self>() + size_of::<State>() + log.capacity() * size_of::<Answered>()
    }
}

/// How to undo a transition.
pub(crate) struct Frame<State> {
    actor: ActorId,
    memory: Vec<SavedObject>,
    violated: u64,
    standing: Rc<Standing<State>>,
}

/// Why a phase in which nobody else runs does not come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Halt {
    /// It was given up at a bound.
    GivenUp(Bound),
    /// It waits for ever at this operation.
    Waits(String),
    /// It comes to the same state again and again, whoever is let on.
    GoesRound,
}

impl Halt {
    /// What that violates by itself, as a set of [`Property::bit`].
    pub(crate) fn violates(&self) -> u64 {
        match self {
            Halt::GivenUp(_) => 0,
            Halt::Waits(_) => Property::DEADLOCK.bit(),
            Halt::GoesRound => Property::LIVELOCK.bit(),
        }
    }
}

/// A setup that does not come to its end, or an actor that reaches a bound before its first operation. Nobody else begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Halted {
    /// Whose, unless it has finished.
    pub actor: Option<String>,
    /// The number of the command that it is in, from 0, if the system has commands ([`System::command`]).
    pub command: Option<usize>,
    /// Why.
    pub why: Halt,
}

/// Runs a system's setup, and says if it does not come to its end.
pub fn halted_setup<S: System>(system: &S) -> Result<Option<Halted>, EngineError> {
    Ok(Machine::new(system)?.halted)
}

/// How an epilogue ended.
pub(crate) struct Ending(Option<Halt>);

impl<State> Frame<State> {
    /// Bytes that it owns beside the values that it keeps.
    pub(crate) fn owned(&self) -> usize {
        self.memory.capacity() * size_of::<SavedObject>()
    }
}

impl Ending {
    /// Whether it waits or goes round for ever.
    pub(crate) fn is_stuck(&self) -> bool {
        self.violates() != 0
    }

    /// The bound at which it was given up.
    pub(crate) fn cut(&self) -> Option<Bound> {
        match self.0 {
            Some(Halt::GivenUp(bound)) => Some(bound),
            Some(Halt::Waits(_) | Halt::GoesRound) | None => None,
        }
    }

    /// What that violates by itself, as a set of [`Property::bit`].
    pub(crate) fn violates(&self) -> u64 {
        self.0.as_ref().map_or(0, Halt::violates)
    }
}

/// What a transition begins with: where its actor stands, the outcome, and the memory.
pub(crate) struct Beginning {
    print: u128,
    /// By object, its share of the fingerprint.
    identities: Vec<u128>,
}

impl Beginning {
    /// The fingerprint of all but the memory.
    pub(crate) fn print(&self) -> u128 {
        self.print
    }

    /// The same with the values of some objects.
    pub(crate) fn with(&self, objects: &[u32]) -> u128 {
        objects.iter().fold(self.print, |sum, object| sum.wrapping_add(self.identities[*object as usize]))
    }
}

/// What a transition did, as far as it can be told from others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Done {
    footprint: Footprint,
    /// The objects that it wrote, each with the fingerprint of its value afterwards.
    after: Vec<(usize, u128)>,
    violated: u64,
    cut: Option<Bound>,
    /// Where the actor stands now.
    standing: u128,
    /// Its next operation.
    op: Option<Op>,
    /// The outcome to be tried after this one.
    next: Option<Outcome>,
}

/// A complete state that a machine can be put into.
pub(crate) struct Snapshot<State> {
    memory: SavedMemory,
    standings: Vec<Rc<Standing<State>>>,
    standings_print: u128,
}

impl<State> Snapshot<State> {
    /// Bytes that it owns beside the values that it keeps.
    pub(crate) fn owned(&self) -> usize {
        self.memory.values.capacity() * size_of::<Saved>() + self.standings.capacity() * size_of::<Rc<()>>()
    }
}

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

/// What a system says before its actors move: in its setup, and what each actor does before its first visible operation.
#[derive(Clone, Default, Debug)]
pub struct Opening {
    /// In the setup.
    pub setup: Vec<Event>,
    /// By an actor.
    pub actors: Vec<(ActorId, Vec<Event>)>,
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
        let specs = system.actors();
        if specs.len() > MAX_ACTORS {
            return Err(EngineError::TooManyActors { actors: specs.len() });
        }
        let mut names = BTreeSet::new();
        if let Some(spec) = specs.iter().find(|spec| !names.insert(spec.name.as_str())) {
            return Err(EngineError::SameName { name: spec.name.clone() });
        }
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

    /// Looks up transitions that were executed before instead of executing them again. Not with an observer:
    /// a transition that is looked up tells nothing.
    pub(crate) fn remember_transitions(&mut self) {
        self.known = Some(TransitionCache::new());
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

    /// What the system said in the setup, if that was watched; what the others say before they first wait is not of it.
    pub(crate) fn setup_events(&self) -> &[Event] {
        &self.opening.setup
    }

    /// Who of a sequential phase has not come to the end, and where it is.
    fn halted_in(&self, phase: ActorSet, why: Halt) -> Halted {
        let unfinished = actors_of(phase).find(|&actor| self.standings[actor].state.is_some());
        let state = unfinished.and_then(|actor| self.standings[actor].state.as_deref());
        Halted {
            actor: unfinished.map(|actor| self.specs[actor].name.clone()),
            command: state.and_then(|state| self.system.command(state)),
            why,
        }
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
        End::Deadlock { memory: self.memory.identity(), waiting: self.memory.print(WAITING, &waiting(waits)) }
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

    /// What a transition begins with, beside the values that it finds: where its actor stands, and the outcome.
    fn beginning_print(&self, actor: ActorId, outcome: Outcome) -> u128 {
        // What is reached counts or not, and what is looked up has been counted.
        let salt = u64::from(outcome.choice()) << 1 | u64::from(self.memory.is_gathering());
        chain(salt, self.standings[actor].print, u128::from(outcome.picks()))
    }

    /// What the next transition of an actor begins with, in the present memory.
    pub(crate) fn beginning(&self, actor: ActorId, outcome: Outcome) -> Beginning {
        Beginning { print: self.beginning_print(actor, outcome), identities: self.memory.identities() }
    }

    /// What the transition did that `frame` undoes, the latest.
    pub(crate) fn done(&self, footprint: Footprint, frame: &Frame<S::State>) -> Done {
        let after: Vec<_> = self
            .memory
            .values_of(&frame.memory)
            .iter()
            .map(|(number, value)| (*number, value.identity()))
            .collect();
        let standing = &self.standings[frame.actor];
        Done {
            footprint,
            after,
            violated: self.memory.found(),
            cut: self.memory.cut(),
            standing: standing.print,
            op: standing.pending.as_ref().map(|pending| pending.op),
            next: self.next,
        }
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

    /// Runs a set of actors to their ends in a fixed order: the first that can move goes on; daemons serve
    /// when none of them can, and no further: what is left to them belongs to the exploration. Where a state comes
    /// again, the others are let on in turn. Says why it stops before the end. `done` receives how to undo each transition, also
    /// when it fails; nobody goes back behind a setup, and what that has overwritten may be far more than what is left.
    ///
    /// What comes after it begins in one state, so what its actors choose may make no difference: all of it is tried, and has to
    /// come to the same. Daemons take the first of what they may choose, as they come in a fixed order.
    fn run_alone(
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

    /// What an observer sees.
    pub(crate) fn observe(&self) -> Option<String> {
        self.looking(|| self.system.observe(&self.world))
    }

    /// The shared state in named columns.
    pub(crate) fn gutter(&self) -> Vec<(String, String)> {
        self.looking(|| self.system.gutter(&self.world))
    }

    /// The shared state in full.
    pub(crate) fn picture(&self) -> Picture {
        self.looking(|| self.system.picture(&self.world))
    }

    /// Runs code that looks at the memory without being an actor.
    fn looking<R>(&self, look: impl FnOnce() -> R) -> R {
        self.memory.begin_run(NOBODY, Vec::new(), 0, None);
        let seen = look();
        self.memory.end_run();
        seen
    }

    /// What was said before anybody moved, when watched.
    pub(crate) fn into_opening(self) -> Opening {
        self.opening
    }

    /// Events since the last call, when watched.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        self.memory.take_events()
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

/// Polling without an executor: the engine is the only one who could wake anybody.
trait PollOnce: Future {
    fn poll_once(self: std::pin::Pin<&mut Self>) -> Poll<Self::Output> {
        self.poll(&mut Context::from_waker(Waker::noop()))
    }
}

impl<F: Future> PollOnce for F {}
