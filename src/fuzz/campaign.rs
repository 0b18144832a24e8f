//! Scenarios of a seed, one number after the other: what they came to in all, and what was found.
//!
//! Numbers are explored side by side and taken in one after the other, so that the result does not depend on how many at a time.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stalemap_explore::Limits;

use super::class::Class;
use super::find::{Find, Smaller, Times, smaller};
use super::known::Known;
use super::loss::Loss;
use super::oracles::{self, Broken, Sample};
use super::tally::Tally;
use super::trial::{Came, Drawn, Explored, Outcome, Refused, explored};
use super::under::Under;
use crate::run::{RunError, in_parallel};

/// How many numbers are explored before they are taken in.
const BATCH: u64 = 32;

/// How often a scenario of one kind is made smaller only to find what is known: another one may hide behind it.
const TRIES: u32 = 3;

/// A smaller scenario may have more states than the larger one, if not many more.
const ROOM: u64 = 2;
/// The states that each search for a smaller one may visit at least.
const LEAST_STATES: u64 = 10_000;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whose numbers.
    pub seed: u64,
    /// The first one.
    pub from: u64,
    /// How many; without it, until the time is over.
    pub count: Option<u64>,
    /// How long at most.
    pub time: Option<Duration>,
    /// What they run under, one after the other in turn.
    pub under: Vec<Under>,
    /// Limits of each search.
    pub limits: Limits,
    /// How many at a time.
    pub threads: usize,
    /// Which of them are looked at by what else must hold of them.
    pub sample: Sample,
    /// No further ones are begun once this is set.
    pub stop: Arc<AtomicBool>,
}

impl Plan {
    /// Whether a further number may be begun.
    fn goes_on(&self, began: Instant) -> bool {
        self.time.is_none_or(|time| began.elapsed() < time) && !self.stop.load(Ordering::Relaxed)
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The number after the last one.
    pub next: u64,
    /// In all, by kernel or design.
    pub tallies: BTreeMap<Under, Tally>,
    /// What no finding explains.
    pub finds: Vec<Find>,
    /// What must hold and does not.
    pub broken: Vec<Broken>,
    /// How often each of these was asked.
    pub asked: BTreeMap<&'static str, u64>,
    /// Some refusals.
    pub refused: Vec<(u64, Refused)>,
    /// Whether somebody stopped it before its end.
    pub interrupted: bool,
    known: BTreeMap<Under, Known>,
    seen: BTreeMap<(Under, Class), Seen>,
    began: Instant,
}

/// What a kind of loss was found to be, before it was made smaller.
#[derive(Clone, Debug)]
enum Seen {
    /// Something known, so many times.
    Known(String, u32),
    /// A find, by its place.
    Find(usize),
}

/// What one number came to.
struct Trial {
    drawn: Result<Drawn, Refused>,
    came: Outcome,
    oracles: oracles::Asked,
    /// When it was done, from the beginning on.
    done: Duration,
}

/// The refusals that are kept to be told.
const KEPT: usize = 5;

impl Campaign {
    /// Does what is planned, beside what the catalogue shows, of which `looked` is told after each scenario. `tick` is told after each batch.
    pub fn run(plan: &Plan, looked: &(dyn Fn(Under) + Sync), tick: &dyn Fn(&Self)) -> Result<Self, RunError> {
        Self::run_beside(known(plan, looked)?, plan, tick)
    }

    /// Does what is planned; what is known is given.
    pub fn run_beside(
        known: BTreeMap<Under, Known>,
        plan: &Plan,
        tick: &dyn Fn(&Self),
    ) -> Result<Self, RunError> {
        let mut campaign = Campaign {
            next: plan.from,
            tallies: plan.under.iter().map(|under| (*under, Tally::default())).collect(),
            finds: Vec::new(),
            broken: Vec::new(),
            asked: BTreeMap::new(),
            refused: Vec::new(),
            interrupted: false,
            known,
            seen: BTreeMap::new(),
            began: Instant::now(),
        };
        let end = plan.count.map_or(u64::MAX, |count| plan.from.saturating_add(count));
        let began = campaign.began;
        while campaign.next < end && plan.goes_on(began) {
            let batch: Vec<u64> = (campaign.next..end).take(BATCH as usize).collect();
            let try_out = |number: &u64| plan.goes_on(began).then(|| trial(plan, *number, began));
            // Of a batch that is not begun to its end, what lies behind the first one that was not is left to whoever goes on.
            for trial in in_parallel(&batch, plan.threads, try_out).into_iter().map_while(|trial| trial) {
                campaign.take_in(plan, trial?)?;
                campaign.next += 1;
            }
            tick(&campaign);
        }
        campaign.interrupted = campaign.next < end && plan.stop.load(Ordering::Relaxed);
        Ok(campaign)
    }

    /// How long it has taken.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn take_in(&mut self, plan: &Plan, trial: Trial) -> Result<(), RunError> {
        let number = self.next;
        let turn = plan.under.get((number % plan.under.len().max(1) as u64) as usize).copied();
        let Some(under) = turn else { return Ok(()) };
        for (oracle, times) in trial.oracles.times {
            *self.asked.entry(oracle).or_default() += times;
        }
        self.broken.extend(trial.oracles.broken);
        let tally = self.tallies.entry(under).or_default();
        match (trial.drawn, trial.came) {
            (Err(refused), _) | (Ok(_), Outcome::Refused(refused)) => {
                tally.refused += 1;
                if self.refused.len() < KEPT {
                    self.refused.push((number, refused));
                }
            }
            (Ok(drawn), Outcome::Explored(explored)) => {
                tally.take_in(number, trial.done, &explored);
                if let Under::Kernel(_) = under {
                    self.judge(plan, &drawn, &explored)?;
                }
            }
        }
        Ok(())
    }

    /// Says of each loss whether it is known, and takes in what is not.
    fn judge(&mut self, plan: &Plan, drawn: &Drawn, explored: &Explored) -> Result<(), RunError> {
        let mut found: Vec<String> = Vec::new();
        for loss in &explored.losses {
            let by = self.explanation(plan, drawn, (explored, loss), &found)?;
            let tally = self.tallies.entry(drawn.under).or_default();
            match by {
                Seen::Known(name, _) => *tally.explained.entry(name).or_default() += 1,
                Seen::Find(at) => {
                    tally.unexplained += 1;
                    found.push(self.finds[at].name());
                    let first = Times { times: 0, first: drawn.number };
                    let under = self.finds[at].under.entry(drawn.under.name().to_owned()).or_insert(first);
                    under.times += 1;
                }
            }
        }
        Ok(())
    }

    fn explanation(
        &mut self,
        plan: &Plan,
        drawn: &Drawn,
        (explored, loss): (&Explored, &Loss),
        found: &[String],
    ) -> Result<Seen, RunError> {
        let key = (drawn.under, loss.class.clone());
        let known = self.known.get(&drawn.under);
        let explains = |class: &Class| known.and_then(|known| known.explains(class)).map(str::to_owned);
        if let Some(name) = explains(&loss.class) {
            return Ok(Seen::Known(name, 0));
        }
        let tries = match self.seen.get(&key) {
            Some(seen @ Seen::Find(_)) => return Ok(seen.clone()),
            Some(seen @ Seen::Known(_, tries)) if *tries >= TRIES => return Ok(seen.clone()),
            Some(Seen::Known(_, tries)) => *tries,
            None => 0,
        };
        let states = Some((explored.states * ROOM).max(LEAST_STATES));
        let limits = Limits { states, ..plan.limits.clone() };
        let is_known = |class: &Class| explains(class).is_some();
        let smaller = smaller(drawn, loss, explored.states, &limits, &is_known)?;
        let smaller = smaller.unwrap_or_else(|| Smaller::not(loss, &drawn.scenario, explored.states));
        let seen = match explains(&smaller.loss.class) {
            Some(name) => Seen::Known(name, tries + 1),
            None => Seen::Find(self.find(smaller, found)),
        };
        self.seen.insert(key, seen.clone());
        Ok(seen)
    }

    /// The place of a find of this class; `found` are those of the same scenario.
    fn find(&mut self, smaller: Smaller, found: &[String]) -> usize {
        if let Some(at) = self.finds.iter().position(|find| find.is(&smaller.loss.class)) {
            return at;
        }
        // One scenario mostly loses by one thing, and shows it in several ways.
        let class = &smaller.loss.class;
        if let Some(at) =
            self.finds.iter().position(|find| found.contains(&find.name()) && find.class.is_beside(class))
        {
            self.finds[at].beside.push(smaller.loss.class);
            return at;
        }
        self.finds.push(Find::of(smaller));
        self.finds.len() - 1
    }
}

/// What the catalogue shows under each kernel. A design has no findings.
fn known(plan: &Plan, looked: &(dyn Fn(Under) + Sync)) -> Result<BTreeMap<Under, Known>, RunError> {
    let mut all = BTreeMap::new();
    for under in &plan.under {
        let Under::Kernel(kernel) = under else { continue };
        let tick = || {
            looked(*under);
            // Who stops it here has no numbers.
            if plan.stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        all.insert(*under, Known::of(*kernel, plan.threads, &tick)?);
    }
    Ok(all)
}

fn trial(plan: &Plan, number: u64, began: Instant) -> Result<Trial, RunError> {
    let none = oracles::Asked::default();
    match Drawn::new(plan.seed, number, &plan.under) {
        Err(refused) => {
            let came = Outcome::Refused(refused.clone());
            Ok(Trial { drawn: Err(refused), came, oracles: none, done: began.elapsed() })
        }
        Ok(drawn) => {
            let came = explored(&drawn, &plan.limits)?;
            let oracles = match &came {
                Came::Explored(_, found) => oracles::ask(&drawn, found, &plan.limits, plan.sample)?,
                Came::Refused(_) => none,
            };
            Ok(Trial { drawn: Ok(drawn), came: came.without_runs(), oracles, done: began.elapsed() })
        }
    }
}
