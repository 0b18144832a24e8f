//! The exhaustive search, breadth first and in numbers: for state spaces that are too large for a depth-first search.
//!
//! Beyond some hundred thousand states nearly every transition is one that was made before, with other values elsewhere. So
//! values and standings are numbered (`breadth/numbering.rs`), a state is a row of small integers, and a transition is looked up
//! and applied (`breadth/known.rs`) without touching the system. States are expanded level by level, in batches that
//! several threads work at (`breadth/batch.rs`): a batch asks for many places of the visited set before it needs the first, so
//! that it does not wait for memory at each. What is found does not depend on the number of threads.
//!
//! There are no sleep sets: they would drop transitions that cost little here. (Of the 5.7 M of a large race they drop a third, but states that are
//! come to again with fewer asleep are expanded again: a third more rows, and a tenth more time.) A level-by-level search sees no
//! cycles, so these are looked for afterwards (`breadth/acyclic.rs`). Where values are not repeated, as in relaxed memory they may
//! not be, numbers are no use; then the search is refused, and the depth-first search goes on.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use stalemap_facade::{Property, System};

use crate::checkpoint::{Checkpointer, Request};
use crate::endings::{Endings, Says};
use crate::exploration::{Exploration, Frontier, Options, Progress, Statistics};
use crate::limits::LimitHit;
use crate::machine::Machine;
use crate::visited::{PARTS, Part, VisitedSet};
use crate::weight::live;

mod acyclic;
mod batch;
mod by_values;
mod checkpoint;
mod effect;
mod known;
mod numbering;
mod states;
mod ways;

use batch::{Expanded, Task};
use effect::{EffectId, Number};
use numbering::Numbering;
pub(crate) use numbering::Refused;
use states::{Free, States, Width};

/// States of a task, and of a batch.
const STATES_OF_TASK: usize = 1 << 10;
const STATES_OF_BATCH: usize = 1 << 13;

/// Effects after which it is asked whether transitions repeat themselves, and how often they must.
const MANY_EFFECTS: usize = 1 << 16;
const LEAST_REPEATED: u64 = 8;

/// A search that is under way.
pub(crate) struct Breadth<'s, 'o, S: System> {
    machine: Machine<'s, S>,
    options: &'o Options,
    numbering: Numbering<S::State>,
    start: (Vec<Number>, u128),
    visited: VisitedSet,
    /// The states of the present level that are to be expanded, by part of the visited set.
    level: Vec<States>,
    /// Where in the level the next batch begins: the segment, and the state in it.
    at: (usize, usize),
    /// States of a batch: fewer where a limit is near.
    batch: usize,
    next: Vec<States>,
    free: Free,
    /// What earlier batches took of memory.
    spare: Vec<Expanded>,
    statistics: Statistics,
    endings: Endings,
    limits_hit: BTreeSet<LimitHit>,
    /// By property, the first end that violates it by itself or in its epilogue.
    violating_ends: BTreeMap<Property, u128>,
    /// The states that something was learned from, in order, and the ends that violate something or were given up.
    learned: States,
    telling_ends: States,
    /// Whether there may be cycles, if that was looked at.
    is_cyclic: Option<bool>,
    started: Instant,
}

/// What such a search found.
pub(crate) struct Found {
    /// All but the cycles, and the ways to violations that were known before.
    pub(crate) exploration: Exploration,
    /// Whether there may be cycles.
    pub(crate) is_cyclic: bool,
}

impl<'s, 'o, S: System> Breadth<'s, 'o, S> {
    /// A search of a system that stands at its beginning.
    pub(crate) fn new(machine: Machine<'s, S>, options: &'o Options) -> Result<Self, Refused> {
        let (numbering, row) = Numbering::begin(&machine)?;
        let print = machine.fingerprint();
        let width = numbering.width();
        let mut search = Breadth {
            machine,
            options,
            visited: VisitedSet::new(),
            level: Vec::new(),
            at: (0, 0),
            batch: STATES_OF_BATCH,
            next: Vec::new(),
            spare: Vec::new(),
            statistics: Statistics { states: 1, ..Statistics::default() },
            endings: Endings::default(),
            limits_hit: BTreeSet::new(),
            violating_ends: BTreeMap::new(),
            free: Free::new(width),
            learned: States::new(Width { movers: 0, ..width }),
            telling_ends: States::new(Width { movers: 0, ..width }),
            is_cyclic: None,
            started: Instant::now(),
            numbering,
            start: (row, print),
        };
        search.visited.enter(print, 0);
        search.begin_level();
        Ok(search)
    }

    /// A level with the first state alone.
    fn begin_level(&mut self) {
        let mut first = self.no_states();
        first.enter_row(&self.start.0, self.start.1);
        self.level = vec![first];
        self.at = (0, 0);
        self.next = (0..PARTS).map(|_| self.no_states()).collect();
    }

    fn no_states(&self) -> States {
        States::new(self.numbering.width())
    }

    /// Explores level by level, until there is none, or a limit bites, or so many transitions were made in all. Now and then
    /// whoever keeps the search is asked what it is to do.
    pub(crate) fn run(
        &mut self,
        transitions: u64,
        checkpointer: &mut dyn Checkpointer,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), Refused> {
        let mut asked = self.statistics.transitions;
        while !self.is_over() && self.statistics.transitions < transitions {
            progress(&self.progress());
            self.look_at_the_clock();
            if self.statistics.transitions - asked >= checkpointer.interval() {
                asked = self.statistics.transitions;
                self.ask(checkpointer);
            }
            if self.is_stopped() {
                break;
            }
            let tasks = self.tasks();
            if !tasks.is_empty() {
                self.explore(tasks)?;
                self.do_transitions_repeat()?;
            } else if self.next_level() {
                self.statistics.max_depth += 1;
            }
        }
        Ok(())
    }

    /// Explores a batch. Where the limits leave no room for what it arrives at, it is as if it had not been, and a smaller one
    /// comes next; of a single state, the search is stopped.
    fn explore(&mut self, tasks: Vec<Task>) -> Result<(), Refused> {
        let at = tasks.first().map(Task::begin);
        let states: usize = tasks.iter().map(|task| task.states.len()).sum();
        let mut expanded = self.expand(tasks)?;
        match self.limit_on(&expanded) {
            None => {
                self.look_at_ends(&mut expanded)?;
                self.enter(&expanded);
                self.forget_expanded();
            }
            Some(limit) => {
                self.at = at.unwrap_or(self.at);
                self.batch = states / 2;
                if states == 1 {
                    self.limits_hit.insert(limit);
                }
            }
        }
        self.spare = expanded;
        Ok(())
    }

    /// Asks what the search is to do.
    fn ask(&mut self, checkpointer: &mut dyn Checkpointer) {
        match checkpointer.request() {
            Request::GoOn => {}
            Request::Save => checkpointer.save(&|to| self.write(to)),
            Request::Stop => {
                self.limits_hit.insert(LimitHit::Interrupted);
            }
        }
    }

    /// Whether everything was explored, or a limit has stopped it.
    pub(crate) fn is_over(&self) -> bool {
        let states = self.level.iter().chain(&self.next).map(States::len);
        self.is_stopped() || states.sum::<usize>() == 0
    }

    /// How far it has come.
    pub(crate) fn progress(&self) -> Progress {
        let left = self.level.iter().zip(self.expanded()).map(|(states, expanded)| states.len() - expanded);
        let untried = (left.sum::<usize>() + self.found()) as u64;
        let frontier = Frontier { depth: self.statistics.max_depth, untried };
        Progress { statistics: self.statistics, bytes: self.bytes(), frontier, estimate: None }
    }

    /// How many states of each segment of the level are expanded, or in a batch.
    fn expanded(&self) -> impl ExactSizeIterator<Item = usize> {
        self.level.iter().enumerate().map(|(segment, states)| match segment.cmp(&self.at.0) {
            Ordering::Less => states.len(),
            Ordering::Equal => self.at.1,
            Ordering::Greater => 0,
        })
    }

    /// Forgets the states of the level that are expanded.
    fn forget_expanded(&mut self) {
        let expanded: Vec<usize> = self.expanded().collect();
        for (states, expanded) in self.level.iter_mut().zip(expanded) {
            states.forget(expanded, &mut self.free);
        }
    }

    /// The next batch of the level.
    fn tasks(&mut self) -> Vec<Task> {
        let mut tasks = Vec::new();
        let mut left = self.batch.max(1);
        while left > 0 && self.at.0 < self.level.len() {
            let (segment, from) = self.at;
            let states = self.level[segment].len();
            let to = states.min(from + left.min(STATES_OF_TASK));
            if from < to {
                tasks.push(Task { segment, states: from..to });
                left -= to - from;
            }
            self.at = if to < states { (segment, to) } else { (segment + 1, 0) };
        }
        tasks
    }

    /// Goes on to the next level. Whether there is one.
    fn next_level(&mut self) -> bool {
        std::mem::swap(&mut self.level, &mut self.next);
        for states in &mut self.next {
            states.clear(&mut self.free);
        }
        for states in &mut self.level {
            states.return_spare(&mut self.free);
        }
        self.free.shrink();
        self.next.resize_with(PARTS, || States::new(self.numbering.width()));
        self.at = (0, 0);
        self.level.iter().any(|states| states.len() > 0)
    }

    /// The known transitions from the states of some tasks.
    fn look_up(&mut self, tasks: Vec<Task>) -> Vec<Expanded> {
        let Breadth { numbering, level, spare, .. } = self;
        batch::expand(self.options.workers.get(), &numbering.known, level, tasks, spare)
    }

    /// All transitions from the states of some tasks.
    fn expand(&mut self, tasks: Vec<Task>) -> Result<Vec<Expanded>, Refused> {
        let mut all = self.look_up(tasks);
        let mut effects = Vec::new();
        for expanded in &mut all {
            self.expand_unknown(expanded, &mut effects)?;
        }
        Ok(all)
    }

    /// Looks at what ends in the states of a batch, and counts what was made there.
    fn look_at_ends(&mut self, all: &mut [Expanded]) -> Result<(), Refused> {
        for expanded in all {
            for state in std::mem::take(&mut expanded.ends) {
                let states = &self.level[expanded.task.segment];
                let (row, print) = (states.row(state).to_vec(), states.print(state));
                self.look_at_end(&row, print)?;
                self.statistics.executions += 1;
            }
            self.statistics.transitions += expanded.transitions;
            self.statistics.executions += expanded.cuts;
        }
        self.statistics.final_states = self.endings.final_states.len() as u64;
        Ok(())
    }

    /// Expands the states of which something was not known.
    fn expand_unknown(
        &mut self,
        expanded: &mut Expanded,
        effects: &mut Vec<EffectId>,
    ) -> Result<(), Refused> {
        let unknown = std::mem::take(&mut expanded.unknown);
        let is_out_of_order = !unknown.is_empty();
        for state in unknown {
            let states = &self.level[expanded.task.segment];
            // Another one may have met the same before.
            if expanded.expand(&self.numbering.known, states, state, effects).is_err() {
                let row = states.row(state).to_vec();
                self.learn(&row)?;
                let states = &self.level[expanded.task.segment];
                let learned = expanded.expand(&self.numbering.known, states, state, effects);
                learned.map_err(|_| Refused::TooMany)?;
            }
        }
        // Where a limit stops the search must not depend on what it knew when it came there.
        if is_out_of_order {
            expanded.put_in_order();
        }
        Ok(())
    }

    /// Learns all transitions from a state.
    fn learn(&mut self, row: &[Number]) -> Result<(), Refused> {
        self.learned.enter_row(row, 0);
        self.numbering.learn(&mut self.machine, row)
    }

    /// Looks at a state in which nobody can move.
    fn look_at_end(&mut self, row: &[Number], print: u128) -> Result<(), Refused> {
        self.numbering.put_together(&mut self.machine, row);
        let Says { violated, cut } = self.endings.enter(&mut self.machine)?;
        if violated != 0 || cut.is_some() {
            self.telling_ends.enter_row(row, print);
        }
        for property in self.machine.memory().properties(violated) {
            self.violating_ends.entry(property).or_insert(print);
        }
        self.limits_hit.extend(cut.map(LimitHit::Bound));
        Ok(())
    }

    /// The limit that leaves no room for what was arrived at, if there is one.
    fn limit_on(&self, expanded: &[Expanded]) -> Option<LimitHit> {
        let arrivals: usize = expanded.iter().map(Expanded::arrivals).sum();
        let limits = &self.options.limits;
        let needs = || {
            let ends = Endings::needs_for(expanded.iter().map(|expanded| expanded.ends.len()).sum());
            let expanded = expanded.iter().map(Expanded::bytes).sum::<u64>();
            self.visited.needs_for(arrivals) + self.free.needs_for(arrivals, PARTS) + expanded + ends
        };
        if limits.memory.is_some_and(|most| self.bytes() + needs() > most) {
            return Some(LimitHit::Memory);
        }
        let room = limits.states.map(|most| most.saturating_sub(self.statistics.states));
        let too_many = |room| arrivals as u64 > room && self.count_new(expanded) > room;
        room.is_some_and(too_many).then_some(LimitHit::States)
    }

    /// How many states were arrived at that are not known.
    fn count_new(&self, expanded: &[Expanded]) -> u64 {
        let mut new: Vec<u128> = expanded.iter().flat_map(Expanded::prints).collect();
        new.retain(|print| self.visited.find(*print).is_none());
        new.sort_unstable();
        new.dedup();
        new.len() as u64
    }

    /// Enters what was arrived at.
    fn enter(&mut self, expanded: &[Expanded]) {
        let arrivals: usize = expanded.iter().map(Expanded::arrivals).sum();
        let before = self.found();
        self.visited.provide(batch::arrivals_by_part(expanded));
        self.arrive(expanded, Part::count_up);
        let new = self.found() - before;
        self.statistics.states += new as u64;
        self.statistics.executions += (arrivals - new) as u64;
    }

    /// States of the next level so far.
    fn found(&self) -> usize {
        self.next.iter().map(States::len).sum()
    }

    fn arrive(&mut self, expanded: &[Expanded], arrive: batch::Arrive) {
        let workers = self.options.workers.get();
        let Breadth { visited, level, next, free, numbering, .. } = self;
        for (states, arrivals) in next.iter_mut().zip(batch::arrivals_by_part(expanded)) {
            states.provide(arrivals, free);
        }
        visited.change(|parts| batch::enter(workers, &numbering.known, level, expanded, parts, next, arrive));
    }

    fn look_at_the_clock(&mut self) {
        if self.options.limits.time.is_some_and(|time| self.started.elapsed() >= time) {
            self.limits_hit.insert(LimitHit::Seconds);
        }
    }

    fn is_stopped(&self) -> bool {
        self.limits_hit.iter().any(|limit| limit.is_of_the_search())
    }

    /// Refuses to go on where most transitions are new ones.
    fn do_transitions_repeat(&self) -> Result<(), Refused> {
        let effects = self.numbering.known.len();
        if effects > MANY_EFFECTS && effects as u64 * LEAST_REPEATED > self.statistics.transitions {
            return Err(Refused::TooMany);
        }
        Ok(())
    }

    /// Bytes that the search takes.
    fn bytes(&self) -> u64 {
        let states = self.level.iter().chain(&self.next).map(States::bytes).sum::<u64>();
        let spare = self.spare.iter().map(Expanded::bytes).sum::<u64>();
        // Ways to what is violated take as much as the states, and a link for each.
        let links = if self.violated() == 0 { 0 } else { self.statistics.states * 2 * ways::BYTES_OF_LINK };
        let logs = links + self.learned.bytes() + self.telling_ends.bytes();
        self.visited.bytes()
            + states
            + self.free.bytes()
            + spare
            + logs
            + self.numbering.bytes()
            + self.endings.bytes
            + live()
    }

    /// Looks whether there may be cycles, if everything was explored, and has the search kept.
    pub(crate) fn look_for_cycles(
        &mut self,
        checkpointer: &mut dyn Checkpointer,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<(), Refused> {
        if self.is_cyclic.is_none() && !self.is_stopped() {
            if self.effects_form_no_cycle() {
                self.is_cyclic = Some(false);
            } else {
                // Before its counts are used up: where a limit stops that, nothing is known, and this is what is left.
                checkpointer.save(&|to| self.write(to));
                let is_acyclic = self.can_be_taken_away(checkpointer, progress)?;
                if self.is_stopped() {
                    return Ok(());
                }
                self.is_cyclic = Some(!is_acyclic);
            }
        }
        checkpointer.save(&|to| self.write(to));
        Ok(())
    }

    /// What was found; ways to it, but for the properties in `known`.
    pub(crate) fn finish(
        mut self,
        known: u64,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Found, Refused> {
        // Of a batch that was refused, what was learned stays learned: these are transitions from states that were found, and one
        // that goes on from a checkpoint learns them again.
        self.limits_hit.extend(self.numbering.known.cuts().map(LimitHit::Bound));
        let is_cyclic = self.is_cyclic.unwrap_or_default();
        let violated = self.violated();
        let ways = self.ways(violated & !known, progress)?;
        let gathered = self.machine.memory().gathered();
        let operations = gathered.operations.into_iter().map(std::borrow::Cow::into_owned).collect();
        let exploration = Exploration {
            violated,
            statistics: self.statistics,
            final_states: self.endings.final_states,
            deadlocks: self.endings.deadlocks,
            ends: self.endings.ends,
            outcomes: self.endings.outcomes,
            violating_outcomes: self.endings.violating_outcomes,
            reached: gathered.reached,
            maxima: gathered.maxima.to_vec(),
            calls: gathered.calls,
            operations,
            limits_hit: self.limits_hit,
            lasso: None,
            halted: None,
            witnesses: ways,
            coverage: None,
            few_preemptions: None,
        };
        Ok(Found { exploration, is_cyclic })
    }

    /// Every property that is violated in some state or end.
    fn violated(&self) -> u64 {
        let in_states = self.numbering.known.violated().fold(0, |all, violated| all | violated);
        self.violating_ends.keys().fold(in_states, |all, property| all | property.bit())
    }
}
