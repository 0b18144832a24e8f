//! One execution of a system whose actors are kept on stacks.
//!
//! Who moves next is the engine's decision, and only that: the phases (setup alone, then everybody, then the
//! epilogue alone) and the ends are decided here, in the same way for every engine.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use stalemap_facade::{ActorId, ActorSpec, Bound, Calls, Op, Property, Role, System};

use super::memory::{Pending, ThreadMemory};
use super::panics::caught;
use crate::ends::{End, waiting};
use crate::error::EngineError;
use crate::fingerprint::part;
use crate::machine::sequential::MAX_SEQUENTIAL;
use crate::schedule::Choice;

/// What panics when an actor does.
const PATH: &str = "the modelled path";

/// An actor on its stack.
struct Actor {
    /// `None` when it has finished.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// `None` before it has started and after it has finished.
    pending: Option<Pending>,
}

/// How an execution ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// Nobody can move.
    At {
        end: End,
        /// What an observer sees, unless the epilogue was given up.
        observed: Option<String>,
    },
    /// It ran into a bound of the modelled system, in the epilogue or before.
    Cut(Bound),
    /// It took more transitions than an execution may.
    TooLong,
}

/// What came of one execution.
pub(super) struct Report {
    pub(super) ended: Ended,
    /// The end, even if the epilogue was given up there.
    pub(super) end: Option<End>,
    pub(super) schedule: Vec<Choice>,
    /// The properties violated, each with the number of transitions after which it was.
    pub(super) violated: Vec<(Property, usize)>,
    pub(super) reached: u64,
    pub(super) maxima: Vec<u32>,
    pub(super) calls: Calls,
}

/// A system in execution.
pub(super) struct Execution<S: System> {
    system: Arc<S>,
    memory: ThreadMemory,
    world: Rc<S::World<ThreadMemory>>,
    specs: Vec<ActorSpec>,
    actors: Vec<RefCell<Actor>>,
    schedule: RefCell<Vec<Choice>>,
    violated: RefCell<Vec<(Property, usize)>>,
    error: RefCell<Option<EngineError>>,
    most_operations: usize,
    too_long: Cell<bool>,
}

impl<S: System + 'static> Execution<S> {
    /// Creates the system and runs its setup.
    pub(super) fn new(system: &Arc<S>, most_operations: usize) -> Self {
        let memory = ThreadMemory::new();
        let world = Rc::new(system.world(&memory));
        let specs = system.actors();
        let actors = (0..specs.len()).map(|actor| {
            let future = live(Arc::clone(system), memory.clone(), Rc::clone(&world), actor);
            RefCell::new(Actor { future: Some(Box::pin(future)), pending: None })
        });
        let execution = Execution {
            actors: actors.collect(),
            system: Arc::clone(system),
            memory,
            world,
            specs,
            schedule: RefCell::default(),
            violated: RefCell::default(),
            error: RefCell::new(None),
            most_operations,
            too_long: Cell::new(false),
        };
        execution.run_alone(Role::Setup);
        for actor in execution.concurrent() {
            if !execution.is_started(actor) {
                execution.poll(actor, None);
            }
        }
        execution.note_violations(0);
        execution.memory.gather(true);
        execution
    }

    /// The actors that the engine schedules.
    pub(super) fn concurrent(&self) -> Vec<ActorId> {
        let of_role = |actor: &ActorId| matches!(self.specs[*actor].role, Role::Main | Role::Daemon);
        (0..self.specs.len()).filter(of_role).collect()
    }

    pub(super) fn is_enabled(&self, actor: ActorId) -> bool {
        self.actors[actor].borrow().pending.as_ref().is_some_and(Pending::is_enabled)
    }

    pub(super) fn has_finished(&self, actor: ActorId) -> bool {
        self.actors[actor].borrow().future.is_none()
    }

    /// How many outcomes the actor's operation has, if it is a choice.
    pub(super) fn alternatives(&self, actor: ActorId) -> Option<u32> {
        self.actors[actor].borrow().pending.as_ref().and_then(Pending::alternatives)
    }

    /// The operation that the actor performs next.
    pub(super) fn op(&self, actor: ActorId) -> Option<Op> {
        self.actors[actor].borrow().pending.as_ref().map(|pending| pending.op)
    }

    /// Whether there is nothing left for the engine to decide.
    pub(super) fn is_over(&self) -> bool {
        self.memory.cut().is_some()
            || self.too_long.get()
            || self.error.borrow().is_some()
            || !self.concurrent().into_iter().any(|actor| self.is_enabled(actor))
    }

    /// Lets an actor perform its operation, with that outcome, and go on to the next.
    pub(super) fn fire(&self, actor: ActorId, outcome: u32) {
        let Some(op) = self.op(actor) else { return };
        let choice = Choice::sequential(actor, op, self.alternatives(actor).map(|_| outcome));
        self.schedule.borrow_mut().push(choice);
        self.poll(actor, Some(outcome));
        let operations = self.schedule.borrow().len();
        self.note_violations(operations);
        self.too_long.set(operations >= self.most_operations);
    }

    fn note_violations(&self, operations: usize) {
        let mut violated = self.violated.borrow_mut();
        for property in self.memory.violated() {
            if !violated.iter().any(|(known, _)| *known == property) {
                violated.push((property, operations));
            }
        }
    }

    fn is_started(&self, actor: ActorId) -> bool {
        let actor = self.actors[actor].borrow();
        actor.pending.is_some() || actor.future.is_none()
    }

    fn poll(&self, actor: ActorId, permit: Option<u32>) {
        let mut standing = self.actors[actor].borrow_mut();
        standing.pending = None;
        let Some(future) = &mut standing.future else { return };
        self.memory.begin(actor, permit);
        // A panic may not leave an actor's stack: the libraries abort the process over what others hold on theirs.
        let poll = caught(PATH, || future.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        let pending = self.memory.end();
        let poll = poll.unwrap_or_else(|error| {
            self.error.borrow_mut().get_or_insert(error);
            Poll::Ready(())
        });
        match poll {
            Poll::Ready(()) => standing.future = None,
            Poll::Pending if pending.is_none() => {
                let actor = self.specs[actor].name.clone();
                self.error.borrow_mut().get_or_insert(EngineError::NeverPauses { actor });
            }
            Poll::Pending => standing.pending = pending,
        }
    }

    /// Runs the actors of a role to their ends in a fixed order: the first that can move goes on; daemons serve
    /// when none of them can. Whether all of them finish or the run is given up.
    fn run_alone(&self, role: Role) -> bool {
        let of_role =
            |wanted: Role| (0..self.specs.len()).filter(move |actor| self.specs[*actor].role == wanted);
        for _ in 0..MAX_SEQUENTIAL {
            if self.memory.cut().is_some() || of_role(role).all(|actor| self.has_finished(actor)) {
                return true;
            }
            let can_move = |actor: &ActorId| !self.is_started(*actor) || self.is_enabled(*actor);
            let Some(actor) = of_role(role).chain(of_role(Role::Daemon)).find(can_move) else {
                if role == Role::Setup {
                    self.stuck_alone(of_role(role).find(|actor| !self.has_finished(*actor)));
                }
                return false;
            };
            let permit = self.is_started(actor).then_some(0);
            self.poll(actor, permit);
            if self.error.borrow().is_some() {
                return false;
            }
        }
        let actor = "a sequential phase".to_owned();
        self.error.borrow_mut().get_or_insert(EngineError::NeverPauses { actor });
        false
    }

    fn stuck_alone(&self, actor: Option<ActorId>) {
        let Some(actor) = actor else { return };
        let op = self.op(actor).map_or_else(String::new, |op| op.to_string());
        let actor = self.specs[actor].name.clone();
        self.error.borrow_mut().get_or_insert(EngineError::StuckAlone { actor, op });
    }

    /// Ends the execution where it stands: runs the epilogue if everybody has finished, and says what came of
    /// it all.
    pub(super) fn finish(&self) -> Result<Report, EngineError> {
        let schedule = self.schedule.borrow().clone();
        let (reached, maxima) = (self.memory.reached(), self.memory.maxima().to_vec());
        let mut end = None;
        let ended = if let Some(bound) = self.memory.cut() {
            Ended::Cut(bound)
        } else if self.too_long.get() && self.concurrent().into_iter().any(|actor| self.is_enabled(actor)) {
            Ended::TooLong
        } else {
            let (at, observed, cut) = self.at_the_end();
            end = Some(at);
            cut.map_or(Ended::At { end: at, observed }, Ended::Cut)
        };
        self.note_violations(schedule.len());
        let mut violated = self.violated.borrow().clone();
        if matches!(end, Some(End::Deadlock { .. } | End::Final { stuck: true, .. })) {
            violated.push((Property::DEADLOCK, schedule.len()));
        }
        self.memory.freeze();
        if let Some(error) = self.error.borrow_mut().take() {
            return Err(error);
        }
        let calls = self.memory.calls();
        Ok(Report { ended, end, schedule, violated, reached, maxima, calls })
    }

    /// Gives the execution up: nothing of it counts.
    #[cfg(feature = "loom")]
    pub(super) fn abandon(&self) {
        self.memory.freeze();
    }

    fn at_the_end(&self) -> (End, Option<String>, Option<Bound>) {
        let memory = self.memory.identity();
        let unfinished = |actor: &ActorId| !self.has_finished(*actor);
        let main = (0..self.specs.len()).filter(|actor| self.specs[*actor].role == Role::Main);
        let waits: Vec<_> =
            main.filter(unfinished).filter_map(|actor| Some((actor, self.op(actor)?))).collect();
        if !waits.is_empty() {
            let waiting = self.memory.print(part::WAITING, &waiting(waits.into_iter()));
            return (End::Deadlock { memory, waiting }, None, None);
        }
        self.memory.gather(false);
        let stuck = !self.run_alone(Role::Epilogue);
        let after = self.memory.identity();
        let cut = self.memory.cut();
        let observed = if cut.is_none() { self.system.observe(&self.world) } else { None };
        (End::Final { memory, after, stuck }, observed, cut)
    }
}

/// An actor's whole life.
async fn live<S: System>(
    system: Arc<S>,
    memory: ThreadMemory,
    world: Rc<S::World<ThreadMemory>>,
    actor: ActorId,
) {
    let mut state = system.start(actor);
    while memory.begin_step() {
        match system.step(&*world, actor, state).await {
            ControlFlow::Continue(next) => state = next,
            ControlFlow::Break(()) => return,
        }
    }
    // Polled, and nothing announced: the execution reports it.
    std::future::pending::<()>().await;
}
