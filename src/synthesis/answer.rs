//! What is enough for a file system: the minimal candidates under which each of its scenarios holds, explored once more, and what breaks
//! without each part of them.

use std::collections::BTreeMap;
use std::num::NonZero;

use stalemap_facade::Property;

use super::enough::{conflict, enough};
use super::lattice::{Candidate, Lattice};
use super::scope::Scope;
use super::search::{Asks, Counts, MOST_CANDIDATES, Saves, Study, study, study_exactly};
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
    /// If there are none: scenarios that have none in common, by their places.
    pub conflict: Vec<usize>,
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
    let mut answer =
        Answer { scope, studies, sets: Vec::new(), conflict: Vec::new(), counts, confirmed: (0, 0) };
    answer.confirm(threads)?;
    while answer.study_what_broke()? {
        answer.confirm(threads)?;
    }
    for place in 0..answer.sets.len().min(MOST_SETS) {
        answer.ask_for_reasons(place, threads)?;
    }
    Ok(answer)
}

impl Answer<'_> {
    /// Looks for the sets, and explores the scenarios that count under each.
    fn confirm(&mut self, threads: usize) -> Result<(), RunError> {
        let Some(lattice) = self.lattice() else { return Ok(()) };
        let candidates = enough(lattice, &self.studies.iter().collect::<Vec<_>>());
        self.conflict = if candidates.is_empty() { conflict(lattice, &self.studies) } else { Vec::new() };
        let places: Vec<usize> = self.counting().collect();
        self.sets.clear();
        for candidate in candidates {
            let mut not_confirmed = Vec::new();
            if self.sets.len() < MOST_SETS {
                let explored = self.explore(&places, &candidate, threads)?;
                let not = explored.iter().filter(|(_, explored)| explored.standing != Standing::Holds);
                not_confirmed.extend(not.map(|(place, explored)| (*place, explored.standing)));
            }
            self.sets.push(Set { candidate, needs: Vec::new(), not_confirmed });
        }
        Ok(())
    }

    /// Searches the scenarios again that break under a set though they hold under something weaker, with nothing concluded from that.
    /// Says whether there were any.
    fn study_what_broke(&mut self) -> Result<bool, RunError> {
        let mut broken: BTreeMap<usize, Candidate> = BTreeMap::new();
        for set in &self.sets {
            let breaks = set.not_confirmed.iter().filter(|(_, standing)| standing.breaks());
            broken.extend(breaks.map(|(place, _)| (*place, set.candidate.clone())));
        }
        let mut any = false;
        for (place, stronger) in broken {
            let (Some(subject), Some(study)) = (self.scope.subjects.get(place), self.studies.get(place))
            else {
                continue;
            };
            let lattice = &subject.lattice;
            if lattice.size() > MOST_CANDIDATES || study.decided.len() as u64 == lattice.size() {
                continue;
            }
            let weaker = match &study.asks {
                Asks::OneOf(minimal) => {
                    minimal.iter().find(|one| lattice.is_at_most(one, &stronger)).cloned()
                }
                Asks::Nothing | Asks::LostAnyway(_) | Asks::BreaksAtBothEnds(_) | Asks::Unknown => None,
            };
            let exact = study_exactly(subject, (weaker.unwrap_or_else(|| lattice.bottom()), stronger))?;
            self.counts.add(exact.counts);
            if let Some(study) = self.studies.get_mut(place) {
                *study = exact;
            }
            any = true;
        }
        Ok(any)
    }

    /// The scenarios that count, by their places.
    fn counting(&self) -> impl Iterator<Item = usize> + '_ {
        let studies = self.studies.iter().enumerate();
        studies.filter(|(_, study)| study.counts()).map(|(place, _)| place)
    }

    /// Asks for the reasons of each part of a set.
    fn ask_for_reasons(&mut self, place: usize, threads: usize) -> Result<(), RunError> {
        let Some(candidate) = self.sets.get(place).map(|set| set.candidate.clone()) else { return Ok(()) };
        let mut needs = Vec::new();
        for dimension in candidate.present().collect::<Vec<_>>() {
            for instead in self.weaker(&candidate, dimension) {
                needs.push(self.need(&candidate, dimension, instead, threads)?);
            }
        }
        if let Some(set) = self.sets.get_mut(place) {
            set.needs = needs;
        }
        Ok(())
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
        let looks = |place: &usize| {
            self.studies.get(*place).is_some_and(|study| study.looked_at.contains(&dimension))
        };
        Some(self.counting().filter(looks).count())
    }

    /// The scenarios that count and do not hold under a candidate, by their places.
    fn unsatisfied(&self, lattice: &Lattice, candidate: &Candidate) -> Vec<usize> {
        let holds = |place: &usize| {
            let study = self.studies.get(*place);
            study.is_some_and(|study| study.standing(lattice, candidate) == Some(Standing::Holds))
        };
        self.counting().filter(|place| !holds(place)).collect()
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
        let is_directed = |place: usize| self.scope.subjects.get(place).is_some_and(Subject::is_directed);
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
