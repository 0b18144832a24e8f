//! What is enough for several scenarios: the minimal candidates under which each holds, or the scenarios that have none in common.

use super::lattice::{Candidate, Lattice};
use super::search::{Asks, MOST_CANDIDATES, Study};
use super::trial::Standing;

impl Study {
    /// Whether the scenario counts: some candidate is known under which it holds.
    pub fn counts(&self) -> bool {
        matches!(self.asks, Asks::Nothing | Asks::OneOf(_))
    }

    /// What can be said of the scenario under a candidate: that it breaks, if that is known of the candidate itself; or else that it
    /// holds, if the candidate is at least as strong as one that the scenario asks for.
    pub fn standing(&self, lattice: &Lattice, candidate: &Candidate) -> Option<Standing> {
        let has_what_is_asked = match &self.asks {
            Asks::Nothing => true,
            Asks::OneOf(minimal) => minimal.iter().any(|one| lattice.is_at_most(one, candidate)),
            Asks::LostAnyway(_) | Asks::BreaksAtBothEnds(_) | Asks::Unknown => false,
        };
        let known = self.decided.get(candidate).map(|fact| fact.standing);
        let holds = has_what_is_asked.then_some(Standing::Holds);
        known.filter(|standing| standing.breaks()).or(holds).or(known)
    }

    fn holds(&self, lattice: &Lattice, candidate: &Candidate) -> bool {
        self.standing(lattice, candidate) == Some(Standing::Holds)
    }
}

/// The minimal candidates under which each of the scenarios that count holds; none, if there is no such candidate, or none counts.
///
/// They are joined from one of each scenario. Where one of these is known to break a scenario, since more does harm there, all
/// candidates are looked through, unless there are too many ([`MOST_CANDIDATES`]).
pub fn enough(lattice: &Lattice, studies: &[&Study]) -> Vec<Candidate> {
    let counting: Vec<&&Study> = studies.iter().filter(|study| study.counts()).collect();
    if counting.is_empty() {
        return Vec::new();
    }
    let mut sets = vec![lattice.bottom()];
    for study in &counting {
        if let Asks::OneOf(minimal) = &study.asks {
            let joined = sets.iter().flat_map(|set| minimal.iter().map(|one| lattice.join(set, one)));
            sets = lattice.minimal(&joined.collect::<Vec<_>>());
        }
    }
    let all_hold = |set: &Candidate| counting.iter().all(|study| study.holds(lattice, set));
    if sets.iter().all(all_hold) || lattice.size() > MOST_CANDIDATES {
        return sets;
    }
    let enough: Vec<Candidate> = lattice.all().into_iter().filter(all_hold).collect();
    lattice.minimal(&enough)
}

/// Scenarios that have no candidate in common under which they hold, by their places, without any that can be left out of them;
/// none, if all that count have one.
pub fn conflict(lattice: &Lattice, studies: &[Study]) -> Vec<usize> {
    let of =
        |places: &[usize]| -> Vec<&Study> { places.iter().filter_map(|place| studies.get(*place)).collect() };
    let counting = studies.iter().enumerate().filter(|(_, study)| study.counts());
    let mut places: Vec<usize> = counting.map(|(place, _)| place).collect();
    if places.is_empty() || !enough(lattice, &of(&places)).is_empty() {
        return Vec::new();
    }
    for place in places.clone() {
        let without: Vec<usize> = places.iter().copied().filter(|other| *other != place).collect();
        if !without.is_empty() && enough(lattice, &of(&without)).is_empty() {
            places = without;
        }
    }
    places
}
