//! Exploring a system: all of it, or the runs with few preemptions first.

use std::time::Instant;

use stalemap_facade::{Calls, System};

use crate::checkpoint::Keeper;
use crate::error::EngineError;
use crate::exploration::{Exploration, FewPreemptions, Options, Progress, Statistics};
use crate::few::Levels;
use crate::limits::{LimitHit, Limits};
use crate::machine::Machine;
use crate::search::{Search, machine};
use crate::weight::live;

/// Transitions after which a search runs long: it looks at runs with few preemptions before it goes on.
const LONG: u64 = 1 << 22;

/// The share of its transitions that a search which runs long spends on that. If it comes to its end all the same, they
/// were for nothing.
const EARLY_SHARE: u64 = 64;

/// The least number of transitions that a search which was stopped spends on runs with few preemptions; else half as many
/// as it has made.
const LEAST_SHARE: u64 = 1 << 16;

/// Explores a system: all of it, or, where the limits do not allow that, as much as they allow, and the runs with
/// few preemptions first. `progress` is called now and then.
///
/// The depth-first search with all reductions comes first, because most systems are small. If it runs long, or is
/// stopped by a limit, runs with few preemptions are explored: level by level (`few.rs`), within the same limits of states
/// and memory and the last quarter of the time.
pub fn explore<S: System>(
    system: &S,
    options: &Options,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Exploration, EngineError> {
    explore_from(system, machine(system, options)?, options, None, progress)
}

/// Explores a system if its setup is acceptable. If it is not, what its calls returned: it is not worth a search.
pub fn explore_accepted<S: System>(
    system: &S,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Result<Exploration, Calls>, EngineError> {
    if_accepted(system, options, accepts, |machine| explore_from(system, machine, options, None, progress))
}

/// [`explore_accepted`], with somebody who keeps the search. What is found, and how much was explored, is the same however
/// often it was interrupted.
pub fn explore_kept<S: System>(
    system: &S,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    keeper: &mut dyn Keeper,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Result<Exploration, Calls>, EngineError> {
    if_accepted(system, options, accepts, |machine| {
        explore_from(system, machine, options, Some(keeper), progress)
    })
}

/// Goes on with a machine whose setup is acceptable; of another one, what its calls returned.
pub(crate) fn if_accepted<'s, S: System, T>(
    system: &'s S,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    explore: impl FnOnce(Machine<'s, S>) -> Result<T, EngineError>,
) -> Result<Result<T, Calls>, EngineError> {
    let machine = machine(system, options)?;
    let calls = machine.memory().gathered().calls;
    if accepts(&calls) { explore(machine).map(Ok) } else { Ok(Err(calls)) }
}

/// Begins a search, or takes up the one that was kept.
fn begin<'s, 'o, S: System>(
    machine: Machine<'s, S>,
    options: &'o Options,
    keeper: Option<&mut (dyn Keeper + '_)>,
) -> Result<Search<'s, 'o, S>, EngineError> {
    let kept = keeper.map_or(Ok(None), Keeper::kept)?;
    match kept.filter(|_| machine.halted().is_none()) {
        None => Ok(Search::new(machine, options)),
        Some(mut kept) => Search::take_up(machine, options, &mut kept),
    }
}

/// Lets a search go on, until it is over or has made so many transitions in all.
fn go_on<S: System>(
    search: &mut Search<'_, '_, S>,
    transitions: u64,
    keeper: Option<&mut (dyn Keeper + '_)>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<(), EngineError> {
    match keeper {
        None => search.run(transitions, progress),
        Some(keeper) => search.run_kept(transitions, keeper, progress),
    }
}

fn explore_from<S: System>(
    system: &S,
    machine: Machine<'_, S>,
    options: &Options,
    mut keeper: Option<&mut (dyn Keeper + '_)>,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Exploration, EngineError> {
    // With a bound, the search itself is of the highest level.
    let below = options.limits.preemptions.unwrap_or(u32::MAX);
    let started = Instant::now();
    let time = options.limits.time;
    let within = |limits| Options { limits, ..options.clone() };
    let first = within(Limits { time: time.map(|time| time * 3 / 4), ..options.limits.clone() });
    let mut levels = Levels::default();
    let mut search = begin(machine, &first, keeper.as_deref_mut())?;
    go_on(&mut search, LONG, keeper.as_deref_mut(), progress)?;
    if search.is_paused() {
        let memory = options.limits.memory.map(|most| most.saturating_sub(search.bytes() - live()));
        let early = within(Limits { memory, time: first.limits.time, ..options.limits.clone() });
        let so_far = Progress { statistics: search.statistics, bytes: search.bytes() };
        levels.explore(system, &early, below, LONG / EARLY_SHARE, &mut |_| progress(&so_far))?;
        go_on(&mut search, u64::MAX, keeper.as_deref_mut(), progress)?;
    }
    if let Some(keeper) = keeper.filter(|_| search.is_worth_keeping()) {
        keeper.keep(&|to| search.write(to));
    }
    tracing::debug!(statistics = ?search.statistics, limits = ?search.limits_hit, "search ended");
    let mut exploration = search.finish()?;
    let is_interrupted = exploration.limits_hit.contains(&LimitHit::Interrupted);
    if is_interrupted {
        // Whoever interrupts does not wait for the levels, and a search that has not ended says nothing about its bound.
    } else if exploration.is_stopped() {
        let left = time.map(|time| time.saturating_sub(started.elapsed()));
        let last = within(Limits { time: left, ..options.limits.clone() });
        let made = exploration.statistics;
        let (mut of_levels, mut of_level) = (0, 0);
        let mut progress = |level: &Progress| {
            let transitions = level.statistics.transitions;
            // A level that has just begun counts from zero again.
            of_levels += if transitions < of_level { transitions } else { transitions - of_level };
            of_level = transitions;
            let statistics = Statistics { transitions: made.transitions + of_levels, ..made };
            progress(&Progress { statistics, bytes: level.bytes });
        };
        levels.explore(system, &last, below, LEAST_SHARE.max(made.transitions / 2), &mut progress)?;
        levels.add_to(&mut exploration);
    } else if exploration.is_bounded_by_preemptions() && exploration.violated == 0 {
        let states = exploration.statistics.states;
        let none_up_to = options.limits.preemptions;
        exploration.few_preemptions = Some(FewPreemptions { none_up_to, states, found_with: None });
    }
    Ok(exploration)
}
