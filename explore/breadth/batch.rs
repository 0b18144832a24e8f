//! A batch of states of one level, expanded and entered by several threads.
//!
//! First all transitions from the states of the batch are looked up, and where they lead to is sorted by the part of the visited
//! set that it belongs to; then each part enters what is new. Each is done by one thread alone, so there are no locks; tasks
//! and parts have an order, and what is found is put together in it, so that the number of threads makes no difference.

use std::ops::Range;
use std::sync::Mutex;

use super::effect::EffectId;
use super::known::{Known, Unknown};
use super::states::States;
use crate::visited::{PARTS, Part, part_of};

/// States of one segment of a level.
#[derive(Clone)]
pub(super) struct Task {
    pub(super) segment: usize,
    pub(super) states: Range<usize>,
}

impl Task {
    /// Where it begins: the segment, and the state in it.
    pub(super) fn begin(&self) -> (usize, usize) {
        (self.segment, self.states.start)
    }
}

/// Where a transition leads to.
#[derive(Clone, Copy)]
struct Arrival {
    /// The fingerprint in halves: as one number it would be padded to its alignment.
    high: u64,
    low: u64,
    /// The state that it leads from.
    from: u32,
    effect: EffectId,
}

impl Arrival {
    #[inline]
    fn print(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    /// Enters the state into the next level.
    #[inline]
    fn go(&self, known: &Known, states: &States, expanded: &Expanded, next: &mut States) {
        let from = self.from as usize;
        let firsts = known.firsts_after(self.effect, expanded.firsts(from));
        let row = next.enter(states.row(from), self.print(), firsts);
        known.apply(self.effect, row);
    }
}

/// What is found in the states of a task.
pub(super) struct Expanded {
    pub(super) task: Task,
    /// By part of the visited set.
    arrivals: [Vec<Arrival>; PARTS],
    /// By state, the first transition of each mover.
    movers: usize,
    firsts: Vec<Option<EffectId>>,
    /// States of which not all transitions are known.
    pub(super) unknown: Vec<usize>,
    /// States in which nobody can move.
    pub(super) ends: Vec<usize>,
    /// Transitions that run into a bound.
    pub(super) cuts: u64,
    pub(super) transitions: u64,
}

impl Default for Expanded {
    fn default() -> Self {
        Expanded {
            task: Task { segment: 0, states: 0..0 },
            arrivals: std::array::from_fn(|_| Vec::new()),
            movers: 0,
            firsts: Vec::new(),
            unknown: Vec::new(),
            ends: Vec::new(),
            cuts: 0,
            transitions: 0,
        }
    }
}

impl Expanded {
    /// Nothing yet, in the place that an earlier one took.
    fn begin(&mut self, task: Task, movers: usize) {
        self.firsts.clear();
        self.firsts.resize(task.states.len() * movers, None);
        (self.task, self.movers) = (task, movers);
        self.arrivals.iter_mut().for_each(Vec::clear);
        self.unknown.clear();
        self.ends.clear();
        self.cuts = 0;
        self.transitions = 0;
    }

    /// Puts what was found in the order of the states that it was found in: what had to be learned first came last.
    pub(super) fn put_in_order(&mut self) {
        self.arrivals.iter_mut().for_each(|arrivals| arrivals.sort_by_key(|arrival| arrival.from));
        self.ends.sort_unstable();
    }

    /// How many transitions lead to some state.
    pub(super) fn arrivals(&self) -> usize {
        self.arrivals.iter().map(Vec::len).sum()
    }

    #[inline]
    fn firsts(&self, state: usize) -> &[Option<EffectId>] {
        &self.firsts[(state - self.task.states.start) * self.movers..][..self.movers]
    }

    /// The fingerprints of the states that were arrived at.
    pub(super) fn prints(&self) -> impl Iterator<Item = u128> {
        self.arrivals.iter().flatten().map(Arrival::print)
    }

    /// Bytes taken.
    pub(super) fn bytes(&self) -> u64 {
        let arrivals: usize = self.arrivals.iter().map(Vec::capacity).sum();
        let firsts = self.firsts.capacity() * size_of::<Option<EffectId>>();
        (arrivals * size_of::<Arrival>() + firsts) as u64
    }

    /// Expands one state, once, unless something is unknown.
    pub(super) fn expand(
        &mut self,
        known: &Known,
        states: &States,
        state: usize,
        effects: &mut Vec<EffectId>,
    ) -> Result<(), Unknown> {
        let row = states.row(state);
        let firsts = &mut self.firsts[(state - self.task.states.start) * self.movers..][..self.movers];
        firsts.copy_from_slice(states.firsts(state));
        if !known.effects_from(row, firsts, effects)? {
            self.ends.push(state);
            return Ok(());
        }
        let print = states.print(state);
        for effect in &*effects {
            if known.finds(*effect).cut.is_some() {
                self.cuts += 1;
                continue;
            }
            let print = known.print_after(row, print, *effect);
            let (high, low, from) = ((print >> 64) as u64, print as u64, state as u32);
            self.arrivals[part_of(print)].push(Arrival { high, low, from, effect: *effect });
        }
        self.transitions += effects.len() as u64;
        Ok(())
    }
}

/// Arrivals for which it is worth to start a thread.
const FEW: usize = 1 << 12;

/// Does `work` for each item, on so many threads; the results are in the order of the items.
fn share<T: Send, R: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    if threads <= 1 || items.len() <= 1 {
        return items.into_iter().map(work).collect();
    }
    let items = Mutex::new(items.into_iter().enumerate());
    let take = || items.lock().ok().and_then(|mut items| items.next());
    let run = || {
        let mut done = Vec::new();
        while let Some((number, item)) = take() {
            done.push((number, work(item)));
        }
        done
    };
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Expands the states of some tasks, as far as their transitions are known. `spare` is what earlier ones took.
pub(super) fn expand(
    threads: usize,
    known: &Known,
    level: &[States],
    tasks: Vec<Task>,
    spare: &mut Vec<Expanded>,
) -> Vec<Expanded> {
    let work = tasks.into_iter().map(|task| (task, spare.pop().unwrap_or_default())).collect();
    share(threads, work, |(task, mut expanded): (Task, Expanded)| {
        let states = &level[task.segment];
        let mut effects = Vec::new();
        expanded.begin(task.clone(), known.movers());
        for state in task.states {
            if expanded.expand(known, states, state, &mut effects).is_err() {
                expanded.unknown.push(state);
            }
        }
        expanded
    })
}

/// What a part of the visited set does with an arrival. Whether the state is to be expanded next.
pub(super) type Arrive = fn(&mut Part, u128) -> bool;

/// How many arrivals each part gets.
pub(super) fn arrivals_by_part(expanded: &[Expanded]) -> [usize; PARTS] {
    std::array::from_fn(|part| expanded.iter().map(|expanded| expanded.arrivals[part].len()).sum())
}

/// Lets every part take its arrivals, and puts what is to be expanded into the segment of that part.
pub(super) fn enter(
    threads: usize,
    known: &Known,
    level: &[States],
    expanded: &[Expanded],
    parts: &mut [Part; PARTS],
    next: &mut [States],
    arrive: Arrive,
) {
    let work: Vec<_> = parts.iter_mut().zip(next).enumerate().collect();
    let arrivals: usize = expanded.iter().map(Expanded::arrivals).sum();
    share(threads.min(1 + arrivals / FEW), work, |(number, (part, next))| {
        let mut new = Vec::new();
        for expanded in expanded {
            let (arrivals, states) = (&expanded.arrivals[number], &level[expanded.task.segment]);
            arrivals.iter().take(AHEAD).for_each(|arrival| part.fetch(arrival.print()));
            for (at, arrival) in arrivals.iter().enumerate() {
                if let Some(later) = arrivals.get(at + AHEAD) {
                    part.fetch(later.print());
                }
                if arrive(part, arrival.print()) {
                    states.fetch(arrival.from as usize);
                    new.push(*arrival);
                }
            }
            for arrival in new.drain(..) {
                arrival.go(known, states, expanded, next);
            }
        }
    });
}

/// How many arrivals before it is needed the place of one is fetched.
const AHEAD: usize = 32;
