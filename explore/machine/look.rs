//! What can be seen of a machine from outside.

use stalemap_facade::{Event, Picture, System};

use super::Machine;
use super::halt::Opening;
use crate::memory::NOBODY;

impl<S: System> Machine<'_, S> {
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

    /// What the system said in the setup, if that was watched; what the others say before they first wait is not of it.
    pub(crate) fn setup_events(&self) -> &[Event] {
        &self.opening.setup
    }
}
