//! A closed system: who takes part, on which shared memory, and what each does.

use std::future::Future;
use std::ops::ControlFlow;

use crate::actor::ActorId;
use crate::backend::{Backend, Shared};
use crate::picture::Picture;

/// The memory that a system runs on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum MemoryModel {
    /// Every access sees the latest store. [`Ordering`](crate::Ordering) and [`View`](crate::View) say nothing.
    #[default]
    Sequential,
    /// A word keeps its earlier values, and an access sees what its [`Ordering`](crate::Ordering), the [`View`](crate::View)s and the locks
    /// taken so far make it see, as in C++20.
    Relaxed,
    /// Relaxed memory in which a release passes on also what was only read before it (it is *A-cumulative*), as in the kernel's
    /// model (tools/memory-model/linux-kernel.cat).
    Cumulative,
}

impl MemoryModel {
    /// The name on the command line, in schedules and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            MemoryModel::Sequential => "sc",
            MemoryModel::Relaxed => "relaxed",
            MemoryModel::Cumulative => "lkmm",
        }
    }

    /// Looks a name up.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [MemoryModel::Sequential, MemoryModel::Relaxed, MemoryModel::Cumulative];
        all.into_iter().find(|model| model.name() == name)
    }
}

/// When an actor runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Alone, before the exploration starts; several, one after the other in the order of [`System::actors`]. What such an actor
    /// chooses ([`Backend::choose`]) has to make no difference to where they come to; a daemon that serves them takes the first
    /// alternative of what it may choose.
    Setup,
    /// Concurrently with all others of its role and with the daemons.
    Main,
    /// Serves the others and need never finish (a kworker).
    Daemon,
    /// Alone, when every main actor has finished and no daemon has work left; several, as in [`Role::Setup`].
    Epilogue,
}

/// Who takes part in a system.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActorSpec {
    /// The name in schedules and reports; unique.
    pub name: String,
    /// When it runs.
    pub role: Role,
}

/// A closed concurrent system: shared memory and the actors on it.
///
/// An actor is a chain of steps. Between two steps nothing survives but a [`System::State`], which is
/// hashable; inside a step the future holds whatever it likes, and the engine identifies it by the values it
/// has observed since the step began. The signature enforces both.
pub trait System {
    /// The shared memory.
    type World<B: Backend>;
    /// What an actor keeps between two steps.
    type State: Shared;

    /// Creates the shared memory, always the same objects in the same order.
    fn world<B: Backend>(&self, backend: &B) -> Self::World<B>;

    /// The memory that it runs on. An engine that knows only one ignores it.
    fn memory(&self) -> MemoryModel {
        MemoryModel::Sequential
    }

    /// The actors, each with a name of its own; as many as the engine takes.
    fn actors(&self) -> Vec<ActorSpec>;

    /// The first state of an actor.
    fn start(&self, actor: ActorId) -> Self::State;

    /// The number of the command that an actor in this state is in, from 0, if actors are lists of commands: messages
    /// about a setup that does not come to its end name it.
    fn command(&self, state: &Self::State) -> Option<usize> {
        let _ = state;
        None
    }

    /// Runs one step: `Continue` with the next state, or `Break` when the actor has finished.
    ///
    /// It performs visible operations (what it awaits of the [`Backend`]) one after the other, never two at a time, and is a
    /// function of its arguments and of what these return: no clock, no randomness but [`Backend::choose`], no memory of its
    /// own. A step that turns out to be none, and one that goes on for ever without an operation, end an exploration
    /// with an error.
    fn step<B: Backend>(
        &self,
        world: &Self::World<B>,
        actor: ActorId,
        state: Self::State,
    ) -> impl Future<Output = ControlFlow<(), Self::State>>;

    /// What an observer sees in a final state, after the epilogue; counted in the histogram of outcomes.
    fn observe<B: Backend>(&self, world: &Self::World<B>) -> Option<String> {
        let _ = world;
        None
    }

    /// The shared state in full, for a picture beside a replay.
    fn picture<B: Backend>(&self, world: &Self::World<B>) -> Picture {
        let _ = world;
        Picture::default()
    }

    /// The shared state in a few short named columns, for a replay's margin.
    fn gutter<B: Backend>(&self, world: &Self::World<B>) -> Vec<(String, String)> {
        let _ = world;
        Vec::new()
    }
}
