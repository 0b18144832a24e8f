//! Exploring a system: all of it, or the runs with few preemptions first.

use std::time::Instant;

use stalemap_facade::{Calls, System};

use crate::breadth::{Breadth, Found, Refused};
use crate::checkpoint::{Checkpointer, Kind, Nobody, Reading, another};
use crate::error::EngineError;
use crate::estimate::Parts;
use crate::exploration::{Exploration, FewPreemptions, Options, Progress, Statistics};
use crate::few::Levels;
use crate::limits::{LimitHit, Limits};
use crate::machine::Machine;
use crate::search::{Search, machine};
use crate::weight::live;

/// Transitions after which a search runs long: it looks at runs with few preemptions before it goes on.
const LONG: u64 = 1 << 22;

/// Transitions after which the number of states is estimated for the first time; a power of four less than [`LONG`].
const WORTH_ESTIMATING: u64 = 1 << 20;

/// How many times as many transitions there are at the next estimate, which goes further into the parts of the system.
const BETWEEN_ESTIMATES: u64 = 4;

/// The share of its transitions that a search spends on each estimate at most; mostly some hundredths are enough.
const ESTIMATING_SHARE: u64 = 16;

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
    explore_from(system, machine(system, options)?, options, &mut Nobody, progress)
}

/// Explores a system if its setup is acceptable. If it is not, what its calls returned: it is not worth a search.
pub fn explore_accepted<S: System>(
    system: &S,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Result<Exploration, Calls>, EngineError> {
    if_accepted(system, options, accepts, |machine| {
        explore_from(system, machine, options, &mut Nobody, progress)
    })
}

/// [`explore_accepted`], with somebody who keeps the search. What is found, and how much was explored, is the same however
/// often it was interrupted.
pub fn explore_checkpointed<S: System>(
    system: &S,
    options: &Options,
    accepts: &dyn Fn(&Calls) -> bool,
    checkpointer: &mut dyn Checkpointer,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Result<Exploration, Calls>, EngineError> {
    if_accepted(system, options, accepts, |machine| {
        explore_from(system, machine, options, checkpointer, progress)
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

fn explore_from<S: System>(
    system: &S,
    machine: Machine<'_, S>,
    options: &Options,
    checkpointer: &mut dyn Checkpointer,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Exploration, EngineError> {
    let time = options.limits.time.map(|time| time * 3 / 4);
    let first = Options { limits: Limits { time, ..options.limits.clone() }, ..options.clone() };
    // With a bound, the search itself is of the highest level.
    let levels = Levels::below(options.limits.preemptions.unwrap_or(u32::MAX));
    let parts = Parts::new(system, options);
    let mut whole = Whole { system, options, first, levels, parts, checkpointer, started: Instant::now() };
    let exploration = whole.search(machine, progress)?;
    tracing::debug!(statistics = ?exploration.statistics, limits = ?exploration.limits_hit, "search ended");
    whole.complete(exploration, progress)
}

/// All that is done to explore a system.
struct Whole<'a, S: System> {
    system: &'a S,
    options: &'a Options,
    /// The options of the search; what time they leave is for the levels.
    first: Options,
    levels: Levels,
    /// What the number of states is estimated from.
    parts: Parts<'a, S>,
    checkpointer: &'a mut dyn Checkpointer,
    started: Instant,
}

impl<S: System> Whole<'_, S> {
    /// The search itself: depth first, and if that runs long, breadth first if it may.
    fn search(
        &mut self,
        machine: Machine<'_, S>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Exploration, EngineError> {
        let first = self.first.clone();
        let mut file = if machine.halted().is_none() { self.checkpointer.saved()? } else { None };
        let mut checkpoint = file.as_mut().map(|file| Reading::new(&mut **file));
        let kind = checkpoint
            .as_mut()
            .map(|checkpoint| Kind::read(checkpoint, machine.fingerprint()))
            .transpose()?;
        let mut search = match checkpoint.take_if(|_| kind == Some(Kind::DepthFirst)) {
            None => Search::new(machine, &first)?,
            Some(checkpoint) => Search::resume(machine, &first, checkpoint)?,
        };
        let breadth_after = first.breadth_after();
        if breadth_after.is_none() && checkpoint.is_some() {
            return Err(another());
        }
        if let Some(after) = breadth_after {
            // Once more, if the search has come further before; that is neither worth keeping nor progress.
            let is_further = checkpoint.is_some();
            if is_further {
                search.run_checkpointed(after, &mut Nobody, &mut |_| ())?;
            } else {
                search.run_checkpointed(after, self.checkpointer, progress)?;
            }
            if is_further && search.is_complete() {
                // It would not have been made breadth first.
                return Err(another());
            }
            if is_further && !search.is_paused() {
                // A limit is less than before; what is kept is more than this.
                return search.finish();
            }
            if search.is_paused()
                && let Some(found) = self.in_numbers(&search, checkpoint, progress)?
            {
                return with_what_was_known(search, found);
            }
        }
        if breadth_after.is_none() || search.is_paused() {
            self.run_long(progress, &mut |transitions, checkpointer, progress| {
                search.run_checkpointed(transitions, checkpointer, progress)?;
                Ok::<_, EngineError>(search.is_paused().then(|| search.progress()))
            })?;
        }
        if search.is_worth_keeping() {
            self.checkpointer.save(&|to| search.write(to));
        }
        search.finish()
    }

    /// The search breadth first, after one depth first that came so far; or what was kept of it. `None`: it is not to be made so.
    fn in_numbers(
        &mut self,
        so_far: &Search<'_, '_, S>,
        checkpoint: Option<Reading<'_>>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Option<Found>, EngineError> {
        let options = Options { limits: self.first.limits.after(self.started), ..self.first.clone() };
        let steps = || {
            let machine = Machine::new(self.system)?;
            let mut search = match checkpoint {
                None => Breadth::new(machine, &options)?,
                Some(checkpoint) => {
                    Breadth::resume(machine, &options, checkpoint).map_err(Refused::of_another)?
                }
            };
            self.run_long(progress, &mut |transitions, checkpointer, progress| {
                search.run(transitions, checkpointer, progress)?;
                Ok::<_, Refused>((!search.is_over()).then(|| search.progress()))
            })?;
            search.look_for_cycles(self.checkpointer, progress)?;
            search.finish(so_far.violated, progress)
        };
        match steps() {
            Ok(found) => Ok(Some(found)),
            Err(Refused::TooMany) => Ok(None),
            Err(Refused::Engine(error)) => Err(error),
        }
    }

    /// Lets a search run until it is over or a limit stops it. `go` lets it make so many transitions in all, and says how far it has
    /// come if there are more. Where it takes long, runs with few preemptions are looked at, and the number of states is
    /// estimated.
    fn run_long<E: From<EngineError>>(
        &mut self,
        progress: &mut dyn FnMut(&Progress),
        go: &mut Go<'_, E>,
    ) -> Result<(), E> {
        // Where preemptions are bounded, a state counts several times, and most are out of reach.
        let is_estimated = self.options.estimate && self.options.limits.preemptions.is_none();
        let mut next = WORTH_ESTIMATING;
        loop {
            let estimate = self.parts.estimate();
            let mut progress = |made: &Progress| progress(&Progress { estimate, ..*made });
            let Some(so_far) = go(next, self.checkpointer, &mut progress)? else { return Ok(()) };
            if next == LONG {
                self.look_at_few(&so_far, &mut progress)?;
            }
            if is_estimated {
                self.parts.explore(next / ESTIMATING_SHARE)?;
            }
            next = next.saturating_mul(BETWEEN_ESTIMATES);
        }
    }

    /// Looks at runs with few preemptions, before a search goes on that has taken so much.
    fn look_at_few(
        &mut self,
        so_far: &Progress,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), EngineError> {
        let taken = so_far.bytes.saturating_sub(live());
        let limits = self.first.limits.after(self.started).beside(taken);
        let early = Options { limits, bitstate: None, ..self.first.clone() };
        let budget = LONG / EARLY_SHARE;
        self.levels.explore(self.system, &early, budget, self.checkpointer, &mut |_| progress(so_far))
    }

    /// Adds what is known of runs with few preemptions to what the search found, if that is not everything.
    fn complete(
        mut self,
        mut exploration: Exploration,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Exploration, EngineError> {
        if exploration.limits_hit.contains(&LimitHit::Interrupted) {
            // Whoever interrupts does not wait for the levels, and a search that has not ended says nothing about its bound.
            self.levels.add_known_to(&mut exploration);
        } else if exploration.is_stopped() {
            self.look_at_more(&exploration.statistics, progress)?;
            self.levels.add_to(&mut exploration);
        } else if exploration.is_bounded_by_preemptions() && exploration.violated == 0 {
            let states = exploration.statistics.states;
            let none_up_to = self.options.limits.preemptions;
            exploration.few_preemptions = Some(FewPreemptions { none_up_to, states, found_with: None });
        }
        Ok(exploration)
    }

    /// Looks at runs with few preemptions after a search that was stopped.
    fn look_at_more(
        &mut self,
        made: &Statistics,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), EngineError> {
        let limits = self.options.limits.after(self.started);
        let last = Options { limits, bitstate: None, ..self.options.clone() };
        let estimate = self.parts.estimate();
        let (mut of_levels, mut of_level) = (0, 0);
        let mut progress = |level: &Progress| {
            let transitions = level.statistics.transitions;
            // A level that has just begun counts from zero again.
            of_levels += if transitions < of_level { transitions } else { transitions - of_level };
            of_level = transitions;
            let statistics = Statistics { transitions: made.transitions + of_levels, ..*made };
            progress(&Progress { statistics, estimate, ..*level });
        };
        let budget = LEAST_SHARE.max(made.transitions / 2);
        self.levels.explore(self.system, &last, budget, self.checkpointer, &mut progress)
    }
}

/// Lets a search make so many transitions in all; how far it has come, if there are more to make.
type Go<'g, E> =
    dyn FnMut(u64, &mut dyn Checkpointer, &mut dyn FnMut(&Progress)) -> Result<Option<Progress>, E> + 'g;

/// What the search in numbers found, with what the one before it had found, and the cycles.
fn with_what_was_known<S: System>(
    search: Search<'_, '_, S>,
    found: Found,
) -> Result<Exploration, EngineError> {
    let Found { mut exploration, is_cyclic } = found;
    let known = if is_cyclic { search.only_cycles()? } else { search.into_exploration() };
    exploration.limits_hit.extend(known.limits_hit.iter().filter(|limit| limit.is_of_the_search()));
    exploration.add(known);
    Ok(exploration)
}
