//! Who attends to jobs while they run: who keeps searches, who may stop them, who looks at how far they are.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use stalemap_checker::{explore, explore_checkpointed};
use stalemap_explore::{Checkpointer, EngineError, Exploration, Options, Request};
use stalemap_model::system::kernel::Kernel;

use crate::checkpoint::{Checkpoints, Tell};
use crate::tally::Tally;

/// Nobody, if nothing else is said.
#[derive(Clone, Copy, Default)]
pub struct Attended<'a> {
    /// Where searches are kept and taken up.
    pub checkpoints: Option<&'a Checkpoints>,
    /// Who is told of the keeping of searches when it happens.
    pub tell: Option<&'a Tell<'a>>,
    /// Set when searches are to stop.
    pub stop: Option<&'a AtomicBool>,
    /// Whether it is estimated how many states there are, where that takes long to find out.
    pub estimates: bool,
    /// Who is told how far the jobs are.
    pub viewer: Option<&'a (dyn Fn(&Tally) + Sync)>,
}

impl Attended<'_> {
    /// Whether searches are to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Tells who looks.
    pub(crate) fn tell(&self, tally: &Tally) {
        if let Some(viewer) = self.viewer {
            viewer(tally);
        }
    }
}

/// Explores, until somebody sets this.
pub(crate) fn explore_until(
    stop: Option<&AtomicBool>,
    kernel: &Kernel,
    options: &Options,
) -> Result<Exploration, EngineError> {
    let Some(stop) = stop else { return explore(kernel, options, &mut |_| ()) };
    let explored = explore_checkpointed(kernel, options, &|_| true, &mut Stoppable(stop), &mut |_| ())?;
    // All setups are accepted, so that there is no other way.
    explored.map_or_else(|_| explore(kernel, options, &mut |_| ()), Ok)
}

/// A search that is not kept, but may be stopped.
pub(crate) struct Stoppable<'a>(pub(crate) &'a AtomicBool);

impl Checkpointer for Stoppable<'_> {
    fn saved(&mut self) -> Result<Option<Box<dyn Read>>, EngineError> {
        Ok(None)
    }

    fn request(&mut self) -> Request {
        if self.0.load(Ordering::Relaxed) { Request::Stop } else { Request::GoOn }
    }

    fn save(&mut self, _: &dyn Fn(&mut dyn Write) -> io::Result<()>) {}
}
