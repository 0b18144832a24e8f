//! What the catalogue is worth: every value of every field of designs and file systems, put in the place of the one that is there, in each
//! scenario that holds. A value is *noticed* by a scenario that is violated with it. One that no scenario notices is harmless, or shows that
//! a scenario is missing: it needs a reason (`reasons.rs`).

pub mod reasons;
mod values;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use stalemap_explore::Limits;
use stalemap_facade::Property;
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::implementation::Implementation;

use self::reasons::Reasons;
pub use self::values::{Value, values};
use crate::engine::Engine;
use crate::run::{Job, RunError, in_parallel};
use crate::scenario::Scenario;
use crate::tally::Tally;

/// What became of a value in a scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Came {
    /// It is what is there.
    Same,
    /// It does not go together with the rest, or with a command, or the setup fails with it.
    DoesNotFit,
    /// All was explored, and nothing is violated.
    Holds,
    /// This is violated, in so many states.
    Violates(Vec<Property>, u64),
    /// A limit was reached before anything was found.
    Undecided,
}

/// A scenario that a value violates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// The scenario.
    pub scenario: String,
    /// Under which design or kernel it holds without the value.
    pub base: String,
    /// What is violated with it.
    pub violated: Vec<Property>,
    /// The states that were explored with it.
    pub states: u64,
}

/// A value, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tried {
    /// `check = "none"`.
    pub setting: String,
    /// The scenarios that are violated with it, the one with the fewest states first.
    pub notices: Vec<Notice>,
    /// In how many scenarios all holds with it.
    pub holds: u64,
    /// In how many a limit was reached.
    pub undecided: u64,
    /// In how many it cannot be, or the setup fails with it.
    pub does_not_fit: u64,
}

impl Tried {
    /// Whether it was put anywhere in the place of another value.
    pub fn is_tried(&self) -> bool {
        !self.notices.is_empty() || self.holds + self.undecided > 0
    }

    /// The scenarios that notice it, under whatever.
    pub fn noticing(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.notices.iter().map(|notice| notice.scenario.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Which scenarios values were put into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// The whole catalogue, which reasons are about.
    Catalogue,
    /// Those that were named.
    Named,
}

/// What the scenarios are worth.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Worth {
    /// The designs and kernels that values were put into.
    pub bases: Vec<String>,
    /// How many scenarios there are.
    pub all: usize,
    /// Those that hold under a base, and so can be violated by a value.
    pub holding: Vec<String>,
    /// Those of which a limit left open whether they hold under a base.
    pub open: Vec<String>,
    /// All values.
    pub tried: Vec<Tried>,
    /// Explorations.
    pub runs: u64,
    /// The states of all of them.
    pub states: u64,
}

impl Worth {
    /// The values that were tried and that no scenario notices.
    pub fn survivors(&self) -> Vec<&Tried> {
        self.tried.iter().filter(|tried| tried.is_tried() && tried.notices.is_empty()).collect()
    }

    /// The values that no other scenario notices, by the scenario that does.
    pub fn alone(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut alone: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for tried in &self.tried {
            if let [only] = tried.noticing()[..] {
                alone.entry(only).or_default().push(&tried.setting);
            }
        }
        alone
    }

    /// The scenarios that notice nothing that others do not.
    pub fn spared(&self) -> Vec<&str> {
        let alone = self.alone();
        self.holding.iter().map(String::as_str).filter(|name| !alone.contains_key(name)).collect()
    }

    /// The values that nothing notices and that have no reason, and those that have one and are noticed.
    pub fn against(&self, reasons: &Reasons) -> (Vec<&str>, Vec<&str>) {
        let of = |tried: &&Tried| reasons.of(&tried.setting).is_some();
        let without = self.survivors().into_iter().filter(|tried| !of(tried));
        let noticed = self.tried.iter().filter(|tried| of(tried) && !tried.notices.is_empty());
        (
            without.map(|tried| tried.setting.as_str()).collect(),
            noticed.map(|tried| tried.setting.as_str()).collect(),
        )
    }
}

/// Puts every value into every scenario that holds under one of the bases.
pub fn study(
    scenarios: &[Scenario],
    bases: &[String],
    limits: &(dyn Fn(&Scenario) -> Limits + Sync),
    threads: usize,
    tick: &(dyn Fn(&Tally) + Sync),
) -> Result<Worth, RunError> {
    let values = values();
    let tally = Tally::default();
    let jobs: Vec<(&Scenario, &String)> =
        scenarios.iter().flat_map(|scenario| bases.iter().map(move |base| (scenario, base))).collect();
    let ran = in_parallel(&jobs, threads, |(scenario, base)| {
        let course = Course { scenario, limits: limits(scenario), tally: &tally, tick };
        let came = course.run(base, &values);
        tally.jobs.fetch_add(1, Ordering::Relaxed);
        tick(&tally);
        came
    });
    let mut worth = Worth { bases: bases.to_vec(), all: scenarios.len(), ..Worth::default() };
    worth.tried = values.iter().map(|value| Tried { setting: value.setting(), ..Tried::default() }).collect();
    for ((scenario, base), came) in jobs.iter().zip(ran) {
        let (came, runs, states) = match came? {
            Went::Through(came, runs, states) => (came, runs, states),
            Went::Nowhere => continue,
            Went::Open => {
                if worth.open.last() != Some(&scenario.name) {
                    worth.open.push(scenario.name.clone());
                }
                continue;
            }
        };
        worth.runs += runs;
        worth.states += states;
        if worth.holding.last() != Some(&scenario.name) {
            worth.holding.push(scenario.name.clone());
        }
        for (tried, came) in worth.tried.iter_mut().zip(came) {
            tried.note(&scenario.name, base, came);
        }
    }
    for tried in &mut worth.tried {
        tried.notices.sort_by(|one, other| (one.states, &one.scenario).cmp(&(other.states, &other.scenario)));
    }
    Ok(worth)
}

impl Tried {
    fn note(&mut self, scenario: &str, base: &str, came: Came) {
        match came {
            Came::Same => {}
            Came::DoesNotFit => self.does_not_fit += 1,
            Came::Holds => self.holds += 1,
            Came::Undecided => self.undecided += 1,
            Came::Violates(violated, states) => {
                self.notices.push(Notice {
                    scenario: scenario.to_owned(),
                    base: base.to_owned(),
                    violated,
                    states,
                });
            }
        }
    }
}

/// How far a scenario went under a base.
enum Went {
    /// What became of each value, and how many explorations and states that took.
    Through(Vec<Came>, u64, u64),
    /// It does not hold there, or does not run.
    Nowhere,
    /// Whether it holds was not decided.
    Open,
}

/// The way through one scenario.
struct Course<'c> {
    scenario: &'c Scenario,
    limits: Limits,
    tally: &'c Tally,
    tick: &'c (dyn Fn(&Tally) + Sync),
}

impl Course<'_> {
    /// What becomes of each value where it holds under the base.
    fn run(&self, base: &str, values: &[Value]) -> Result<Went, RunError> {
        let implementation = self.scenario.implementation(base);
        let fits = |it: &Implementation| self.scenario.refused_by(it).is_none();
        let Some(implementation) = implementation.filter(fits) else { return Ok(Went::Nowhere) };
        let (mut runs, mut states) = (0, 0);
        let mut came_of = |it: &Implementation| -> Result<_, RunError> {
            let (came, seen, kernel) = self.explored(it)?;
            runs += 1;
            states += seen;
            Ok((came, kernel))
        };
        let kernel = match came_of(&implementation)? {
            (Came::Holds, Some(kernel)) => kernel,
            (Came::Undecided, _) => return Ok(Went::Open),
            _ => return Ok(Went::Nowhere),
        };
        let mut all = Vec::new();
        for value in values {
            all.push(match value.put_into(&implementation) {
                None => Came::Same,
                Some(changed) if !fits(&changed) => Came::DoesNotFit,
                // No run asks for it.
                Some(changed) if kernel.finds_alike(&changed) => Came::Holds,
                Some(changed) => came_of(&changed)?.0,
            });
        }
        Ok(Went::Through(all, runs, states))
    }

    /// What is found under one implementation, in how many states, and the system that was explored, if it fits.
    fn explored(&self, implementation: &Implementation) -> Result<(Came, u64, Option<Kernel>), RunError> {
        let job = Job {
            scenario: self.scenario,
            implementation: implementation.clone(),
            engine: Engine::Exhaustive,
        };
        let kernel = match job.kernel() {
            Ok(kernel) => kernel,
            Err(RunError::Config { .. } | RunError::Setup(_)) => return Ok((Came::DoesNotFit, 0, None)),
            Err(error) => return Err(error),
        };
        let found = job.exploration_of(&kernel, &self.limits)?;
        self.tally.transitions.fetch_add(found.statistics.transitions, Ordering::Relaxed);
        (self.tick)(self.tally);
        let states = found.statistics.states;
        let came = match (properties::of_bits(found.violated), found.is_complete()) {
            (violated, _) if !violated.is_empty() => Came::Violates(violated, states),
            (_, true) => Came::Holds,
            (_, false) => Came::Undecided,
        };
        Ok((came, states, Some(kernel)))
    }
}
