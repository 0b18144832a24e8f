//! Which memory orderings a design needs: each is weakened in turn, and what is left is explored.
//!
//! Weakening an ordering only adds behaviours: whoever sees less may still happen to see as much. So two facts carry
//! from one set of weakened links to others. What breaks without one link breaks without it and any other. And if
//! the design holds without all the links that it holds without one at a time, it holds without any of their pairs
//! and of their subsets: one exploration proves them all, and the rest is the one weakest set that holds. Only where
//! that exploration finds something are the pairs explored one by one.

use stalemap_explore::LimitHit;
use stalemap_model::design::Design;
use stalemap_model::fs::{Hooks, Personality};
use stalemap_model::ordering::{Link, Order, Orderings};

use crate::run::{GivenLimits, Job, Outcome, RunError, Verdict, run_all};
use crate::scenario::Scenario;

/// What came of a set of links that order nothing.
#[derive(Clone, Debug)]
pub struct Weakened {
    /// The links.
    pub without: Vec<Link>,
    /// What was found.
    pub outcome: Outcome,
}

impl Weakened {
    fn holds(&self) -> bool {
        self.outcome.verdict == Verdict::Holds
    }

    fn breaks(&self) -> bool {
        self.outcome.verdict == Verdict::Violates
    }
}

/// The weakest set of links that holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Weakest {
    /// These are needed, each by itself, and they are enough: no other set that holds is smaller, nor as small.
    Exactly(Vec<Link>),
    /// These are enough, and none of them can be left out of this set; another set may do as well.
    Greedily(Vec<Link>),
    /// The design does not hold with all of them, or a limit was reached.
    Unknown,
}

/// What was found about a scenario under a design.
#[derive(Clone, Debug)]
pub struct Study {
    /// With the kernel's orderings.
    pub kernel: Outcome,
    /// The links of the file system that order nothing in the kernel.
    pub relaxed: Vec<Link>,
    /// Without each of the others.
    pub single: Vec<Weakened>,
    /// Without all that are not needed one at a time.
    pub together: Option<Weakened>,
    /// Without each two of these, if together they are needed.
    pub pairs: Vec<Weakened>,
    /// What is enough.
    pub weakest: Weakest,
}

impl Study {
    /// The sets without which the design breaks, the smallest of them.
    pub fn broken(&self) -> impl Iterator<Item = &Weakened> {
        self.single.iter().chain(&self.pairs).filter(|weakened| weakened.breaks())
    }

    /// Whether a limit was reached anywhere.
    pub fn is_incomplete(&self) -> bool {
        let hit = |outcome: &Outcome| !outcome.limits_hit.is_empty();
        let weakened = self.single.iter().chain(&self.pairs).chain(&self.together);
        hit(&self.kernel) || weakened.map(|weakened| &weakened.outcome).any(hit)
    }

    /// The limits that were reached.
    pub fn limits_hit(&self) -> Vec<LimitHit> {
        let weakened = self.single.iter().chain(&self.pairs).chain(&self.together);
        let outcomes = weakened.map(|weakened| &weakened.outcome).chain([&self.kernel]);
        let mut hit: Vec<LimitHit> = outcomes.flat_map(|outcome| outcome.limits_hit.clone()).collect();
        hit.sort_unstable();
        hit.dedup();
        hit
    }
}

/// The links that a file system has.
fn links(fs: &Personality) -> Vec<Link> {
    let has = |link: &Link| match link {
        Link::Glock => fs.glock,
        Link::LogFlushLock => fs.hooks == Hooks::Jdata,
        Link::InvalidateLock => fs.invalidate_lock,
        Link::CounterStore | Link::CounterLoad => fs.counter,
        _ => true,
    };
    Link::ALL.iter().copied().filter(has).collect()
}

/// Finds out which orderings a design needs in a scenario, on the memory that it names.
pub fn study(
    scenario: &Scenario,
    design: &Design,
    given: GivenLimits,
    threads: usize,
) -> Result<Study, RunError> {
    let explore = |sets: Vec<Vec<Link>>| without(scenario, design, sets, given, threads);
    let (relaxed, strong): (Vec<Link>, Vec<Link>) =
        links(&scenario.fs).into_iter().partition(|link| link.order() == Order::Relaxed);
    let mut found =
        explore(std::iter::once(Vec::new()).chain(strong.iter().map(|link| vec![*link])).collect())?;
    let kernel = found.remove(0).outcome;
    let mut study = Study {
        kernel,
        relaxed,
        single: found,
        together: None,
        pairs: Vec::new(),
        weakest: Weakest::Unknown,
    };
    if study.kernel.verdict != Verdict::Holds {
        return Ok(study);
    }
    let spare: Vec<Link> =
        study.single.iter().filter(|one| one.holds()).flat_map(|one| one.without.clone()).collect();
    let kept = |without: &[Link]| -> Vec<Link> {
        strong.iter().copied().filter(|link| !without.contains(link)).collect()
    };
    let together = explore(vec![spare.clone()])?.remove(0);
    let decided = study.single.iter().all(|one| one.holds() || one.breaks());
    if together.holds() {
        if decided {
            study.weakest = Weakest::Exactly(kept(&spare));
        }
        study.together = Some(together);
        return Ok(study);
    }
    study.together = Some(together);
    let pairs = spare.iter().enumerate().flat_map(|(at, first)| {
        let others = spare[at + 1..].iter();
        others.map(|second| vec![*first, *second])
    });
    study.pairs = explore(pairs.collect())?;
    let mut gone: Vec<Link> = Vec::new();
    for link in spare {
        let wider: Vec<Link> = gone.iter().copied().chain([link]).collect();
        if explore(vec![wider.clone()])?.remove(0).holds() {
            gone = wider;
        }
    }
    study.weakest = Weakest::Greedily(kept(&gone));
    Ok(study)
}

/// Explores the scenario without each of some sets of links.
fn without(
    scenario: &Scenario,
    design: &Design,
    sets: Vec<Vec<Link>>,
    given: GivenLimits,
    threads: usize,
) -> Result<Vec<Weakened>, RunError> {
    let weakened = |set: &Vec<Link>| Scenario { orderings: Orderings::without(set), ..scenario.clone() };
    let scenarios: Vec<Scenario> = sets.iter().map(weakened).collect();
    let job = |scenario| Job { scenario, design: design.clone() };
    let jobs: Vec<Job<'_>> = scenarios.iter().map(job).collect();
    let outcomes = run_all(&jobs, given, threads, &|_| ());
    sets.into_iter()
        .zip(outcomes)
        .map(|(without, outcome)| Ok(Weakened { without, outcome: outcome? }))
        .collect()
}
