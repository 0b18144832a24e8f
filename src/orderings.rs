//! Which memory orderings a design needs: each is weakened in turn, and what is left is explored.
//!
//! Weakening an ordering only adds behaviours: whoever sees less may still happen to see as much. So two facts carry
//! from one set of weakened links to others. What breaks without one link breaks without it and any other. And if
//! the design holds without all the links that it holds without one at a time, it holds without any of their pairs
//! and of their subsets: one exploration proves them all, and the rest is the one weakest set that holds. Only where
//! that exploration finds something are the pairs explored one by one. Then the largest sets without a pair that breaks
//! are explored; if the design holds without each, what they leave are all the weakest sets that hold.

use stalemap_explore::LimitHit;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::ordering::{Link, Order, Orderings};
use stalemap_model::words::personality::Hooks;

use crate::engine::Engine;
use crate::run::{GivenLimits, Job, Outcome, RunError, run_all};
use crate::scenario::Scenario;
use crate::verdict::Verdict;

/// What came of a set of links that order nothing.
#[derive(Clone, Debug)]
pub struct Weakened {
    /// The links.
    pub without: Vec<Link>,
    /// What was found.
    pub outcome: Outcome,
}

impl Weakened {
    /// A run that never met what the scenario is about proves nothing.
    fn holds(&self) -> bool {
        self.outcome.verdict == Verdict::Holds && !self.outcome.judgement.vacuous
    }

    fn is_decided(&self) -> bool {
        self.holds() || self.breaks()
    }

    fn breaks(&self) -> bool {
        self.outcome.verdict == Verdict::Violates
    }
}

/// The weakest sets of links that hold: none of their links can be left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Weakest {
    /// All of them.
    All(Vec<Vec<Link>>),
    /// One, found by leaving out one link after the other. There may be others.
    Greedily(Vec<Link>),
    /// The design does not hold with all of them, a limit was reached, or nothing was met.
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
    /// Without the further sets that were tried for the weakest.
    pub further: Vec<Weakened>,
    /// What is enough.
    pub weakest: Weakest,
}

impl Study {
    /// The sets without which the design breaks, the smallest of them.
    pub fn broken(&self) -> impl Iterator<Item = &Weakened> {
        self.single.iter().chain(&self.pairs).filter(|weakened| weakened.breaks())
    }

    /// Everything that was explored.
    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        let weakened = self.single.iter().chain(&self.pairs).chain(&self.together).chain(&self.further);
        weakened.map(|weakened| &weakened.outcome).chain([&self.kernel])
    }

    /// Whether the design was never put to the test, even with the kernel's orderings.
    pub fn is_vacuous(&self) -> bool {
        self.kernel.judgement.vacuous
    }

    /// Whether a limit was reached anywhere, or a weakened run met nothing.
    pub fn is_incomplete(&self) -> bool {
        self.outcomes().any(|outcome| !outcome.limits_hit.is_empty() || outcome.judgement.vacuous)
    }

    /// The limits that were reached.
    pub fn limits_hit(&self) -> Vec<LimitHit> {
        let mut hit: Vec<LimitHit> = self.outcomes().flat_map(|outcome| outcome.limits_hit.clone()).collect();
        hit.sort_unstable();
        hit.dedup();
        hit
    }
}

/// Sets up to which all the weakest ones are looked for.
const MOST_SETS: usize = 64;

/// The links that the file system of a scenario has.
fn links(scenario: &Scenario) -> Vec<Link> {
    let fs = &scenario.fs;
    let commands = scenario.setup.iter().chain(scenario.actors.iter().flat_map(|actor| &actor.run));
    let sets_data_mode = commands.into_iter().any(|call| call.command.sets_data_mode());
    let has = |link: &Link| match link {
        Link::Glock => fs.glock,
        Link::LogFlushLock => fs.hooks == Hooks::Jdata || sets_data_mode,
        Link::InvalidateLock => fs.invalidate_lock,
        Link::CounterStore | Link::CounterLoad => fs.counter,
        _ => true,
    };
    Link::ALL.iter().copied().filter(has).collect()
}

/// Finds out which orderings a design needs in a scenario, on the memory that it names.
pub fn study(
    scenario: &Scenario,
    implementation: &Implementation,
    given: GivenLimits,
    threads: usize,
) -> Result<Study, RunError> {
    let explore = |sets: Vec<Vec<Link>>| without(scenario, implementation, sets, given, threads);
    let (relaxed, strong): (Vec<Link>, Vec<Link>) =
        links(scenario).into_iter().partition(|link| link.order() == Order::Relaxed);
    let mut found =
        explore(std::iter::once(Vec::new()).chain(strong.iter().map(|link| vec![*link])).collect())?;
    let kernel = found.remove(0).outcome;
    let mut study = Study {
        kernel,
        relaxed,
        single: found,
        together: None,
        pairs: Vec::new(),
        further: Vec::new(),
        weakest: Weakest::Unknown,
    };
    if study.kernel.verdict != Verdict::Holds || study.is_vacuous() {
        return Ok(study);
    }
    let spare: Vec<Link> =
        study.single.iter().filter(|one| one.holds()).flat_map(|one| one.without.clone()).collect();
    let kept = |without: &[Link]| -> Vec<Link> {
        strong.iter().copied().filter(|link| !without.contains(link)).collect()
    };
    let together = explore(vec![spare.clone()])?.remove(0);
    let decided = study.single.iter().all(Weakened::is_decided);
    if together.holds() {
        if decided {
            study.weakest = Weakest::All(vec![kept(&spare)]);
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
    let breaking: Vec<[Link; 2]> = study
        .pairs
        .iter()
        .filter(|pair| pair.breaks())
        .map(|pair| [pair.without[0], pair.without[1]])
        .collect();
    let largest = largest_without(&spare, &breaking);
    let decided = decided && study.pairs.iter().all(Weakened::is_decided);
    if !decided {
        return Ok(study);
    }
    if largest.len() <= MOST_SETS {
        let found = explore(largest)?;
        let all: Vec<Vec<Link>> = found.iter().map(|largest| kept(&largest.without)).collect();
        let hold = found.iter().all(Weakened::holds);
        study.further.extend(found);
        if hold {
            study.weakest = Weakest::All(all);
            return Ok(study);
        }
    }
    if let Some(gone) = greedily(spare, &mut study.further, explore)? {
        study.weakest = Weakest::Greedily(kept(&gone));
    }
    Ok(study)
}

/// Leaves out one link after the other, as long as the design holds without all of them. `None`: that was not decided.
fn greedily(
    spare: Vec<Link>,
    further: &mut Vec<Weakened>,
    explore: impl Fn(Vec<Vec<Link>>) -> Result<Vec<Weakened>, RunError>,
) -> Result<Option<Vec<Link>>, RunError> {
    let mut gone: Vec<Link> = Vec::new();
    for link in spare {
        let wider: Vec<Link> = gone.iter().copied().chain([link]).collect();
        let found = explore(vec![wider.clone()])?.remove(0);
        let decided = found.is_decided();
        if found.holds() {
            gone = wider;
        }
        further.push(found);
        if !decided {
            return Ok(None);
        }
    }
    Ok(Some(gone))
}

/// The largest subsets of some links that have no pair of these in them.
fn largest_without(links: &[Link], pairs: &[[Link; 2]]) -> Vec<Vec<Link>> {
    let Some([first, second]) = pairs.iter().find(|pair| pair.iter().all(|link| links.contains(link))) else {
        return vec![links.to_vec()];
    };
    let mut found: Vec<Vec<Link>> = Vec::new();
    for gone in [first, second] {
        let rest: Vec<Link> = links.iter().copied().filter(|link| link != gone).collect();
        found.extend(largest_without(&rest, pairs));
    }
    let within = |inner: &[Link], outer: &[Link]| inner.iter().all(|link| outer.contains(link));
    let mut largest: Vec<Vec<Link>> = Vec::new();
    for (at, set) in found.iter().enumerate() {
        let smaller = |other: &Vec<Link>| within(set, other) && other.len() > set.len();
        if !found.iter().any(smaller) && !found[..at].contains(set) {
            largest.push(set.clone());
        }
    }
    largest
}

/// Explores the scenario without each of some sets of links.
fn without(
    scenario: &Scenario,
    implementation: &Implementation,
    sets: Vec<Vec<Link>>,
    given: GivenLimits,
    threads: usize,
) -> Result<Vec<Weakened>, RunError> {
    let weakened = |set: &Vec<Link>| Scenario { orderings: Orderings::without(set), ..scenario.clone() };
    let scenarios: Vec<Scenario> = sets.iter().map(weakened).collect();
    let job = |scenario| Job { scenario, implementation: implementation.clone(), engine: Engine::Exhaustive };
    let jobs: Vec<Job<'_>> = scenarios.iter().map(job).collect();
    let outcomes = run_all(&jobs, given, threads, &|_| ());
    sets.into_iter()
        .zip(outcomes)
        .map(|(without, outcome)| Ok(Weakened { without, outcome: outcome? }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_sets_without_a_pair() {
        let [a, b, c, d] = [Link::IRwsem, Link::Bio, Link::XaInsert, Link::XaRemove];
        let found = largest_without(&[a, b, c, d], &[[a, b], [b, c]]);
        assert_eq!(found, [vec![b, d], vec![a, c, d]]);
        assert_eq!(largest_without(&[a, b], &[]), [vec![a, b]]);
    }
}
