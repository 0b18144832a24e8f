//! What is enough for a file system: the minimal candidates under which each of its scenarios holds, explored once more, and what breaks
//! without each part of them.

use std::num::NonZero;

use stalemap_facade::Property;

use super::lattice::{Candidate, Lattice};
use super::scope::Scope;
use super::search::{Asks, Counts, Saves, Study, study};
use super::trial::{Explored, Standing, Subject};
use crate::run::{RunError, in_parallel};

/// Sets beyond which not all of them are looked into.
pub const MOST_SETS: usize = 16;

/// What was found about a file system.
#[derive(Debug)]
pub struct Answer<'s> {
    /// The scenarios, and what they were run under.
    pub scope: Scope<'s>,
    /// What each scenario asks for, in their order.
    pub studies: Vec<Study>,
    /// The minimal candidates that are enough for all.
    pub sets: Vec<Set>,
    /// How candidates were decided, of all scenarios together.
    pub counts: Counts,
    /// Explorations made to confirm the sets, and their states.
    pub confirmed: (u64, u64),
}

/// A minimal candidate that is enough.
#[derive(Clone, Debug)]
pub struct Set {
    /// Which.
    pub candidate: Candidate,
    /// What of it cannot be weaker, dimension by dimension.
    pub needs: Vec<Need>,
    /// The scenarios, by their places, that break under it nevertheless, or of which that is not known: none, unless what was concluded is wrong
    /// or a limit was reached.
    pub not_confirmed: Vec<(usize, Standing)>,
}

/// Why a dimension of a set cannot have a weaker value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Need {
    /// The dimension, by its place.
    pub dimension: usize,
    /// The weaker value, by its place.
    pub instead: usize,
    /// The scenarios that break with it, by their places.
    pub breaks: Vec<usize>,
    /// The scenarios of which a limit left open whether they do.
    pub open: Vec<usize>,
    /// The cheapest of them with its counterexample.
    pub shown: Option<Loss>,
}

/// A counterexample.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// The scenario, by its place.
    pub scenario: usize,
    /// What is violated.
    pub property: Property,
    /// Operations of the least counterexample, and its preemptions; nothing if it was not found within its limit.
    pub size: Option<(u32, u32)>,
}

/// Finds what is enough for a file system. `tick` is told of each scenario that is done.
///
/// # Errors
///
/// If a candidate cannot be run, or an engine fails.
pub fn answer<'s>(
    scope: Scope<'s>,
    saves: Saves,
    threads: NonZero<usize>,
    tick: &(dyn Fn(&Study) + Sync),
) -> Result<Answer<'s>, RunError> {
    let threads = threads.get();
    let studies = in_parallel(&scope.subjects, threads, |subject| {
        let found = study(subject, saves);
        found.iter().for_each(tick);
        found
    });
    let studies: Vec<Study> = studies.into_iter().collect::<Result<_, _>>()?;
    let mut counts = Counts::default();
    for study in &studies {
        counts.add(study.counts);
    }
    let candidates = match scope.subjects.first() {
        None => Vec::new(),
        Some(subject) => enough(&subject.lattice, &studies),
    };
    let mut answer = Answer { scope, studies, sets: Vec::new(), counts, confirmed: (0, 0) };
    for candidate in candidates {
        let set = if answer.sets.len() < MOST_SETS {
            answer.set(candidate, threads)?
        } else {
            Set { candidate, needs: Vec::new(), not_confirmed: Vec::new() }
        };
        answer.sets.push(set);
    }
    Ok(answer)
}

/// The minimal candidates that are at least as strong as one that each scenario asks for; none, if no scenario decides.
pub fn enough(lattice: &Lattice, studies: &[Study]) -> Vec<Candidate> {
    if studies.iter().all(|study| matches!(study.asks, Asks::LostAnyway(_) | Asks::Unknown)) {
        return Vec::new();
    }
    let mut sets = vec![lattice.bottom()];
    for study in studies {
        if let Asks::OneOf(minimal) = &study.asks {
            let joined = sets.iter().flat_map(|set| minimal.iter().map(|one| lattice.join(set, one)));
            sets = lattice.minimal(&joined.collect::<Vec<_>>());
        }
    }
    sets
}

impl Answer<'_> {
    /// Whether a scenario counts: it holds under the strongest candidate.
    fn counts(&self, place: usize) -> bool {
        let asks = self.studies.get(place).map(|study| &study.asks);
        matches!(asks, Some(Asks::Nothing | Asks::OneOf(_)))
    }

    /// Explores the scenarios that count, and asks for the reasons of each part.
    fn set(&mut self, candidate: Candidate, threads: usize) -> Result<Set, RunError> {
        let places: Vec<usize> = (0..self.studies.len()).filter(|place| self.counts(*place)).collect();
        let explored = self.explore(&places, &candidate, threads)?;
        let not = explored.iter().filter(|(_, explored)| explored.standing != Standing::Holds);
        let not_confirmed = not.map(|(place, explored)| (*place, explored.standing)).collect();
        let mut needs = Vec::new();
        for dimension in candidate.present().collect::<Vec<_>>() {
            for instead in self.weaker(&candidate, dimension) {
                needs.push(self.need(&candidate, dimension, instead, threads)?);
            }
        }
        Ok(Set { candidate, needs, not_confirmed })
    }

    /// The values that a dimension of a candidate could have instead: none at all, and those right below.
    fn weaker(&self, candidate: &Candidate, dimension: usize) -> Vec<usize> {
        let of = self.lattice().and_then(|lattice| lattice.dimensions.get(dimension));
        let mut weaker = of.map_or_else(Vec::new, |of| of.right_below(candidate.at(dimension)));
        if !weaker.contains(&0) {
            weaker.insert(0, 0);
        }
        weaker
    }

    /// The candidates; nothing where there is no scenario.
    pub fn lattice(&self) -> Option<&Lattice> {
        self.scope.subjects.first().map(|subject| &subject.lattice)
    }

    /// In how many of the scenarios that count runs look at a dimension under the strongest candidate; `None` of a dimension that does
    /// not show it.
    pub fn looked_at(&self, dimension: usize) -> Option<usize> {
        let subject = self.scope.subjects.first()?;
        subject.lattice.dimensions.get(dimension)?.operation(&subject.base)?;
        let studies = (0..self.studies.len()).filter(|place| self.counts(*place));
        let looks = |place: &usize| {
            self.studies.get(*place).is_some_and(|study| study.looked_at.contains(&dimension))
        };
        Some(studies.filter(looks).count())
    }

    /// The scenarios that ask for more than a candidate has, by their places.
    fn unsatisfied(&self, lattice: &Lattice, candidate: &Candidate) -> Vec<usize> {
        let asks_for_more = |study: &Study| match &study.asks {
            Asks::OneOf(minimal) => !minimal.iter().any(|one| lattice.is_at_most(one, candidate)),
            Asks::LostAnyway(_) | Asks::Unknown | Asks::Nothing => false,
        };
        let studies = self.studies.iter().enumerate();
        studies.filter(|(_, study)| asks_for_more(study)).map(|(place, _)| place).collect()
    }

    fn need(
        &mut self,
        candidate: &Candidate,
        dimension: usize,
        instead: usize,
        threads: usize,
    ) -> Result<Need, RunError> {
        let less = candidate.with(dimension, instead);
        let expected = self.lattice().map_or_else(Vec::new, |lattice| self.unsatisfied(lattice, &less));
        let explored = self.explore(&expected, &less, threads)?;
        let open = explored.iter().filter(|(_, explored)| explored.standing == Standing::Undecided);
        let open: Vec<usize> = open.map(|(place, _)| *place).collect();
        let mut breaks: Vec<&(usize, Explored)> =
            explored.iter().filter(|(_, explored)| explored.standing.breaks()).collect();
        // A directed run shows less than one that nobody directs.
        let is_directed = |place: usize| {
            self.scope.subjects.get(place).is_some_and(|subject| !subject.scenario.holds.is_empty())
        };
        breaks.sort_by_key(|(place, explored)| (is_directed(*place), explored.states));
        let shown = match breaks.first() {
            Some((place, Explored { standing: Standing::Breaks(property), .. })) => {
                Some(self.loss(*place, &less, *property)?)
            }
            Some(_) | None => None,
        };
        let mut breaks: Vec<usize> = breaks.into_iter().map(|(place, _)| *place).collect();
        breaks.sort_unstable();
        Ok(Need { dimension, instead, breaks, open, shown })
    }

    fn loss(&self, scenario: usize, candidate: &Candidate, property: Property) -> Result<Loss, RunError> {
        let least = match self.scope.subjects.get(scenario) {
            None => None,
            Some(subject) => subject.least(candidate, property)?,
        };
        let size = least.filter(|least| least.certified).map(|least| (least.operations, least.preemptions));
        Ok(Loss { scenario, property, size })
    }

    fn explore(
        &mut self,
        places: &[usize],
        candidate: &Candidate,
        threads: usize,
    ) -> Result<Vec<(usize, Explored)>, RunError> {
        let subjects: Vec<(usize, &Subject<'_>)> =
            places.iter().filter_map(|place| Some((*place, self.scope.subjects.get(*place)?))).collect();
        let explored = in_parallel(&subjects, threads, |(place, subject)| {
            subject.explore(candidate).map(|explored| (*place, explored))
        });
        let explored: Vec<(usize, Explored)> = explored.into_iter().collect::<Result<_, _>>()?;
        self.confirmed.0 += explored.len() as u64;
        self.confirmed.1 += explored.iter().map(|(_, explored)| explored.states).sum::<u64>();
        Ok(explored)
    }
}
