//! What designs cost: per scenario, over all runs.
//!
//! The same states as those of `check` are walked through, with none of its reductions but that equal states are one
//! (`explore/costs.rs` says why), and each transition gets a price from what the model says about it (`meter.rs`). What is
//! told of a quantity is the most in any run, and the mean.

pub mod meter;
pub mod quantity;

use std::time::{Duration, Instant};

use stalemap_checker::{cost_graph, cost_way};
use stalemap_explore::{CostGraph, CostMove, LimitHit, Limits, MAX_ACTORS, Mean, Most, Quantity, Schedule};
use stalemap_facade::{ActorId, System};
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::design::CookieScope;

use self::meter::KernelMeter;
use self::quantity::Counted;
use crate::run::{Job, RunError};

/// A count over the runs of a job.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cost {
    /// What is counted.
    pub counted: &'static Counted,
    /// The most in one run. `None`: there is no most, it grows for ever.
    pub most: Option<i64>,
    /// The mean, where every run ends and no limit cut any.
    pub mean: Option<Mean>,
}

/// What is known about retries: whether one call of a buffered write gives up no more mappings than others move the change
/// counters of its file, from its first mapping on.
#[derive(Clone, PartialEq, Debug)]
pub enum Retries {
    /// Nothing is ever checked.
    NoCheck,
    /// No mapping is given up in any run: there is nothing to bound.
    NeverStale,
    /// It is so in every run.
    Bounded,
    /// It was so in the runs that were looked at; a limit cut others.
    BoundedSoFar,
    /// It is not: by so many more, in this run.
    Exceeded {
        /// How many more.
        by: i64,
        /// The run, up to the moment.
        schedule: Schedule,
    },
    /// They go on for ever without anybody moving a counter.
    Endless {
        /// The way to the cycle and once round it; `None` where it was not looked for.
        schedule: Option<Schedule>,
    },
}

/// The mappings that one call has given up. `None`: there is no most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfOneCall {
    /// The most.
    pub stale_aborts: Option<i64>,
    /// The most of those that it has given up needlessly.
    pub spurious_aborts: Option<i64>,
}

/// What came of a job.
#[derive(Clone, Debug)]
pub struct Costs {
    /// The scenario's name.
    pub scenario: String,
    /// The design's or kernel's.
    pub design: String,
    /// Which changes its cookies count.
    pub cookie: CookieScope,
    /// The counts that are not zero in all runs, in the order of [`quantity::ALL`].
    pub counts: Vec<Cost>,
    /// The mappings that one call has given up.
    pub of_one_call: OfOneCall,
    /// What is known about retries.
    pub retries: Retries,
    /// A run with the most stale mappings, if any has one.
    pub most_stale: Option<Schedule>,
    /// States, each as often as what has to be remembered differs in it.
    pub vertices: u64,
    /// Transitions.
    pub transitions: u64,
    /// The limits that bit. Then the greatest values are the least that they can be.
    pub limits_hit: Vec<LimitHit>,
    /// Whether the setup does not come to its end, and nothing was counted.
    pub halted: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl Costs {
    /// A count; `None` if it is zero in all runs.
    pub fn of(&self, counted: &Counted) -> Option<&Cost> {
        self.counts.iter().find(|cost| cost.counted.quantity == counted.quantity)
    }
}

/// Counts what a job costs.
pub fn measure(job: &Job<'_>, limits: &Limits) -> Result<Costs, RunError> {
    let started = Instant::now();
    let kernel = job.kernel()?;
    let graph = cost_graph(&kernel, &KernelMeter, limits).map_err(|error| job.broken(error))?;
    let measured = Measured { job, kernel: &kernel, graph: &graph };
    let counts = quantity::ALL.iter().filter(|counted| graph.has(counted.quantity)).map(|counted| Cost {
        counted,
        most: most(&graph, counted.quantity),
        mean: graph.mean(counted.quantity).filter(|_| graph.limits_hit.is_empty()),
    });
    Ok(Costs {
        scenario: job.scenario.name.clone(),
        design: job.implementation.name().to_owned(),
        cookie: job.implementation.design.cookie,
        counts: counts.collect(),
        of_one_call: OfOneCall {
            stale_aborts: measured.most_of_actors(quantity::of_call),
            spurious_aborts: measured.most_of_actors(quantity::needless_of_call),
        },
        retries: measured.retries()?,
        most_stale: measured.most_stale()?,
        vertices: graph.vertices(),
        transitions: graph.transitions(),
        limits_hit: graph.limits_hit.iter().copied().collect(),
        halted: graph.halted,
        elapsed: started.elapsed(),
    })
}

fn most(graph: &CostGraph, quantity: Quantity) -> Option<i64> {
    match graph.most(quantity) {
        Most::Is(most, _) => Some(most),
        Most::Unbounded(..) => None,
    }
}

struct Measured<'a> {
    job: &'a Job<'a>,
    kernel: &'a Kernel,
    graph: &'a CostGraph,
}

impl Measured<'_> {
    /// The most that a count of single actors comes to, of any.
    fn most_of_actors(&self, quantity: fn(ActorId) -> Quantity) -> Option<i64> {
        let actors = 0..self.kernel.actors().len().min(MAX_ACTORS);
        actors.map(|actor| most(self.graph, quantity(actor))).try_fold(0, |most, one| Some(most.max(one?)))
    }

    fn schedule(&self, what: &str, moves: &[CostMove]) -> Result<Schedule, RunError> {
        let way = cost_way(self.kernel, moves).map_err(|error| self.job.broken(error))?;
        Ok(self.job.schedule(self.kernel, vec![("shows".to_owned(), what.to_owned())], &way))
    }

    fn most_stale(&self) -> Result<Option<Schedule>, RunError> {
        match self.graph.most(quantity::ABORTS.quantity) {
            Most::Is(0, _) => Ok(None),
            Most::Is(most, way) => self.schedule(&format!("stale mappings: {most}"), &way).map(Some),
            Most::Unbounded(stem, cycle) => self.endless(&stem, &cycle),
        }
    }

    /// The way to a cycle and once round it.
    fn endless(&self, stem: &[CostMove], cycle: &[CostMove]) -> Result<Option<Schedule>, RunError> {
        let what = format!("from operation {} on it can be repeated for ever", stem.len() + 1);
        if cycle.is_empty() { Ok(None) } else { self.schedule(&what, &[stem, cycle].concat()).map(Some) }
    }

    fn retries(&self) -> Result<Retries, RunError> {
        let implementation = &self.job.implementation;
        if !implementation.fs.counter || !implementation.design.checks_passes() {
            return Ok(Retries::NoCheck);
        }
        if !self.graph.has(quantity::ABORTS.quantity) && self.graph.limits_hit.is_empty() {
            return Ok(Retries::NeverStale);
        }
        let mut worst = (0, Vec::new());
        for actor in 0..self.kernel.actors().len().min(MAX_ACTORS) {
            match self.graph.most(quantity::excess_of_call(actor)) {
                Most::Unbounded(stem, cycle) => {
                    return Ok(Retries::Endless { schedule: self.endless(&stem, &cycle)? });
                }
                Most::Is(by, way) if by > worst.0 => worst = (by, way),
                Most::Is(..) => {}
            }
        }
        let (by, way) = worst;
        if by > 0 {
            let what = format!("stale mappings of one call beyond the changes by others: {by}");
            return Ok(Retries::Exceeded { by, schedule: self.schedule(&what, &way)? });
        }
        Ok(if self.graph.limits_hit.is_empty() { Retries::Bounded } else { Retries::BoundedSoFar })
    }
}
