//! Searches that conclude nothing from what is weaker or stronger: of scenarios that a stronger candidate breaks though a weaker one keeps
//! them, and of those that the strongest breaks, of which anything weaker may hold.

use stalemap_facade::Property;

use super::{Asks, Candidate, How, MOST_CANDIDATES, Saves, Search, Study, Trust};
use crate::run::RunError;
use crate::synthesis::trial::Standing;

impl Search<'_> {
    /// Decides each candidate. `pairs` are those that are known of which the weaker candidate holds and the stronger one breaks; if
    /// there are none, the least ones are looked for.
    pub(super) fn exactly(mut self, pairs: Vec<(Candidate, Candidate)>) -> Result<Study, RunError> {
        self.conclude_no_more();
        let lattice = &self.subject.lattice;
        let top = match self.decide_by_itself(&lattice.top())? {
            Standing::Undecided => return Ok(self.study(Asks::Unknown, pairs, Trust::Sound)),
            top => top,
        };
        // The strongest first: the runs of what looks at nothing are those of all that is weaker.
        for candidate in lattice.all().iter().rev() {
            self.decide_by_itself(candidate)?;
        }
        let minimal = self.minimal();
        let open = self.facts.values().any(|fact| fact.standing == Standing::Undecided);
        let asks = match top {
            _ if minimal.iter().any(Candidate::is_bottom) => Asks::Nothing,
            Standing::Breaks(property) if minimal.is_empty() && !open => Asks::LostAnyway(property),
            _ if minimal.is_empty() => Asks::Unknown,
            _ => Asks::OneOf(minimal),
        };
        let pairs = if pairs.is_empty() { self.least_pairs() } else { pairs };
        Ok(self.study(asks, pairs, Trust::Sound))
    }

    /// What can be said of a scenario that breaks under the strongest of too many candidates: the weakest is explored, and each value
    /// alone. If one of these holds, each candidate is decided, unless there are too many.
    pub(super) fn between_both_ends(mut self, property: Property) -> Result<Study, RunError> {
        self.conclude_no_more();
        let bottom = self.decide_by_itself(&self.subject.lattice.bottom())?;
        self.alone(&Asks::OneOf(Vec::new()))?;
        let minimal = self.minimal();
        let open = self.facts.values().any(|fact| fact.standing == Standing::Undecided);
        let asks = match bottom {
            Standing::Holds => Asks::Nothing,
            _ if !minimal.is_empty() => Asks::OneOf(minimal),
            _ if open => Asks::Unknown,
            _ => Asks::BreaksAtBothEnds(property),
        };
        let pairs = self.least_pairs();
        if !pairs.is_empty() && self.subject.lattice.size() <= MOST_CANDIDATES {
            return self.exactly(pairs);
        }
        let trust = if pairs.is_empty() { Trust::Sound } else { Trust::Refuted };
        Ok(self.study(asks, pairs, trust))
    }

    fn conclude_no_more(&mut self) {
        if self.saves == Saves::Everything {
            self.saves = Saves::WhatIsExact;
        }
        self.facts.retain(|_, fact| fact.how != How::Follows);
    }

    /// The minimal ones of the candidates that are known to hold.
    fn minimal(&self) -> Vec<Candidate> {
        let hold = self.facts.iter().filter(|(_, fact)| fact.standing == Standing::Holds);
        self.subject.lattice.minimal(&hold.map(|(candidate, _)| candidate.clone()).collect::<Vec<_>>())
    }

    /// Each minimal candidate that holds with a stronger one that breaks and than which no weaker one of these is known to.
    fn least_pairs(&self) -> Vec<(Candidate, Candidate)> {
        let lattice = &self.subject.lattice;
        let pairs = self.minimal().into_iter().filter_map(|weaker| {
            let breaks = self.facts.iter().filter(|(_, fact)| fact.standing.breaks());
            let stronger = breaks.filter(|(stronger, _)| lattice.is_at_most(&weaker, stronger));
            let least =
                stronger.map(|(stronger, _)| stronger).min_by_key(|stronger| lattice.rank(stronger))?;
            Some((weaker, least.clone()))
        });
        pairs.collect()
    }
}
