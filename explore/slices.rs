//! A state space too large for one: explored in slices, each by somebody else, and put together again.

pub(crate) mod found;
pub(crate) mod union;

use stalemap_facade::{Calls, System};

use self::found::{Enough, SliceFound, SliceOf};
use crate::error::EngineError;
use crate::exploration::{Exploration, Options, Progress};
use crate::explore::if_accepted;
use crate::search::{Search, machine};

/// Explores a slice of a system whose setup is acceptable; of another one, what its calls returned. `None`: it is too small to be cut,
/// which is so for every slice of it, and best explored by one. It is asked now and then whether to stop.
pub fn explore_slice<S: System>(
    system: &S,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    enough: Enough,
    slice: SliceOf,
    is_stopped: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Result<Option<SliceFound>, Calls>, EngineError> {
    if_accepted(system, options, accepts, |machine| {
        let mut search = Search::new(machine, options)?;
        search.keep_contents();
        let Some(cut) = search.cut(enough)? else { return Ok(None) };
        search.explore_slice(&cut, slice, is_stopped, progress)?;
        Ok(Some(search.into_slice(&cut)))
    })
}

/// Whether a system is large enough to be cut.
pub fn is_cut<S: System>(system: &S, options: &Options, enough: Enough) -> Result<bool, EngineError> {
    Ok(Search::new(machine(system, options)?, options)?.cut(enough)?.is_some())
}

/// Looks for cycles that can be gone round for ever, in a system of which some slice has met a cycle. What is found is to be added
/// to the union.
pub fn explore_cycles<S: System>(system: &S, options: &Options) -> Result<Exploration, EngineError> {
    let mut search = Search::new(machine(system, options)?, options)?;
    search.judge_cycles()?;
    Ok(search.into_exploration())
}
