//! The minimal candidates under which one scenario holds.
//!
//! The strongest candidate is explored, and the weakest. If the scenario holds under the weakest, it asks for nothing. In between, a
//! candidate that holds is made weaker as long as it holds, one dimension after the other: that is a minimal one. What is left is
//! looked through from above: the largest candidates that are not at least as strong as one of those that are known. If each
//! breaks, all are known; one that holds is made weaker in its turn.
//!
//! Three things save explorations. A run that broke another candidate is played first: if it still does, this one breaks, too. Where no run of
//! a candidate that was explored looks at a dimension, leaving that out changes no run. And what is weaker than something that
//! breaks, breaks; what is stronger than something that holds, holds. The first two are exact. The third is an assumption, and is
//! tested: whatever was found without it is compared pair by pair, with each value alone explored beside. If a pair says otherwise,
//! it is reported, and the scenario is searched again without the third, unless there are too many candidates ([`MOST_CANDIDATES`]).
//! Where the strongest candidate breaks, nothing is concluded from that (`exact.rs`).

mod exact;

use std::collections::{BTreeMap, BTreeSet};

use stalemap_explore::{LimitHit, Step};
use stalemap_facade::Property;

use super::lattice::Candidate;
use super::trial::{Explored, Standing, Subject};
use crate::run::RunError;

/// Candidates up to which each can be decided without a conclusion from what is weaker or stronger.
pub const MOST_CANDIDATES: u64 = 20_000;

/// Candidates up to which each is decided of a scenario that breaks under the strongest, with nothing known that holds.
pub const FEW_CANDIDATES: u64 = 500;

/// What may save an exploration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Saves {
    /// Runs that are known, runs that are the same, and what is weaker or stronger.
    Everything,
    /// Runs that are known, and runs that are the same.
    WhatIsExact,
    /// Nothing: every candidate is explored. To test the others.
    Nothing,
}

/// How something is known of a candidate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It was explored.
    Explored,
    /// A run that broke another one breaks it.
    Replayed,
    /// Its runs are those of one that was explored.
    SameRuns,
    /// One that is stronger breaks, or one that is weaker holds.
    Follows,
}

/// How many candidates were decided in which way.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Candidates that something was asked about.
    pub tried: u64,
    /// Of these explored.
    pub explored: u64,
    /// Rejected by a run that broke another one.
    pub replayed: u64,
    /// With the same runs as one that was explored.
    pub same_runs: u64,
    /// Decided by what is weaker or stronger.
    pub follows: u64,
    /// States of the explorations.
    pub states: u64,
}

impl Counts {
    /// Adds others.
    pub fn add(&mut self, other: Counts) {
        self.tried += other.tried;
        self.explored += other.explored;
        self.replayed += other.replayed;
        self.same_runs += other.same_runs;
        self.follows += other.follows;
        self.states += other.states;
    }

    fn count(&mut self, how: How) {
        self.tried += 1;
        match how {
            How::Explored => self.explored += 1,
            How::Replayed => self.replayed += 1,
            How::SameRuns => self.same_runs += 1,
            How::Follows => self.follows += 1,
        }
    }
}

/// What a scenario asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asks {
    /// It breaks under every candidate: it is not about what is asked. With what the strongest breaks.
    LostAnyway(Property),
    /// It breaks under the strongest candidate and under the weakest, and under each value alone; there are too many in between to decide
    /// each. With what the strongest breaks.
    BreaksAtBothEnds(Property),
    /// A limit was reached before a candidate was found that holds.
    Unknown,
    /// Nothing: it holds under the weakest.
    Nothing,
    /// One of these: the minimal candidates under which it holds.
    OneOf(Vec<Candidate>),
}

/// What was found about a scenario.
#[derive(Clone, Debug)]
pub struct Study {
    /// What it asks for.
    pub asks: Asks,
    /// Candidates of which a limit left open whether they hold.
    pub undecided: Vec<Candidate>,
    /// The limits that left them open.
    pub limits_hit: BTreeSet<LimitHit>,
    /// Pairs of which the weaker candidate holds and the stronger one breaks.
    pub not_monotone: Vec<(Candidate, Candidate)>,
    /// Whether nothing was concluded from what is weaker or stronger where such pairs say that it cannot be.
    pub is_exact: bool,
    /// The dimensions that runs look at under the strongest candidate, by their places; of those that show it by an operation.
    pub looked_at: Vec<usize>,
    /// What is known of each candidate that something was asked about.
    pub decided: BTreeMap<Candidate, Fact>,
    /// How many were decided in which way.
    pub counts: Counts,
}

/// Looks for the minimal candidates under which a scenario holds.
///
/// # Errors
///
/// If a candidate cannot be run, or an engine fails.
pub fn study(subject: &Subject<'_>, saves: Saves) -> Result<Study, RunError> {
    let search = Search::new(subject, saves);
    match saves {
        Saves::Everything => search.with_conclusions(),
        Saves::WhatIsExact | Saves::Nothing => search.exactly(Vec::new()),
    }
}

/// The same of a scenario of which a pair is known whose weaker candidate holds and whose stronger one breaks: nothing is concluded
/// from what is weaker or stronger.
///
/// # Errors
///
/// If a candidate cannot be run, or an engine fails.
pub fn study_exactly(subject: &Subject<'_>, pair: (Candidate, Candidate)) -> Result<Study, RunError> {
    Search::new(subject, Saves::WhatIsExact).exactly(vec![pair])
}

/// What is known of a candidate.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// What can be said.
    pub standing: Standing,
    /// How that is known.
    pub how: How,
}

/// Whether what was concluded from what is weaker or stronger can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trust {
    /// Nothing was concluded, or no pair says otherwise.
    Sound,
    /// A pair says otherwise.
    Refuted,
}

struct Search<'a> {
    subject: &'a Subject<'a>,
    saves: Saves,
    facts: BTreeMap<Candidate, Fact>,
    explored: BTreeMap<Candidate, Explored>,
    /// Runs that broke a candidate.
    runs: Vec<Vec<Step>>,
}

impl Study {
    /// Whether the minimal candidates are all known: no limit left any open, and no conclusion was drawn that was found to be wrong.
    pub fn all_known(&self) -> bool {
        let open = matches!(self.asks, Asks::Unknown | Asks::BreaksAtBothEnds(_));
        self.is_exact && self.undecided.is_empty() && !open
    }
}

impl<'a> Search<'a> {
    fn new(subject: &'a Subject<'a>, saves: Saves) -> Self {
        let (facts, explored) = (BTreeMap::new(), BTreeMap::new());
        Search { subject, saves, facts, explored, runs: Vec::new() }
    }

    fn with_conclusions(mut self) -> Result<Study, RunError> {
        let lattice = &self.subject.lattice;
        let few = lattice.size() <= MOST_CANDIDATES;
        let top = lattice.top();
        match self.decide_by_itself(&top)? {
            Standing::Undecided => return Ok(self.study(Asks::Unknown, Vec::new(), Trust::Sound)),
            Standing::Breaks(_) if lattice.size() <= FEW_CANDIDATES => return self.exactly(Vec::new()),
            Standing::Breaks(property) => return self.between_both_ends(property),
            Standing::Holds => {}
        }
        let asks = self.downwards(top)?;
        self.alone(&asks)?;
        let pairs = self.not_monotone();
        match (pairs.is_empty(), few) {
            (true, _) => Ok(self.study(asks, pairs, Trust::Sound)),
            (false, true) => self.exactly(pairs),
            (false, false) => Ok(self.study(asks, pairs, Trust::Refuted)),
        }
    }

    fn study(self, asks: Asks, not_monotone: Vec<(Candidate, Candidate)>, trust: Trust) -> Study {
        let undecided = self.facts.iter().filter(|(_, fact)| fact.standing == Standing::Undecided);
        let undecided = undecided.map(|(candidate, _)| candidate.clone()).collect();
        let states = self.explored.values().map(|explored| explored.states).sum();
        let mut counts = Counts { states, ..Counts::default() };
        for fact in self.facts.values() {
            counts.count(fact.how);
        }
        let is_exact = trust == Trust::Sound;
        let looked_at = self.looked_at();
        let open = self.explored.values().filter(|explored| explored.standing == Standing::Undecided);
        let limits_hit = open.flat_map(|explored| explored.limits_hit.iter().copied()).collect();
        Study { asks, undecided, limits_hit, not_monotone, is_exact, looked_at, decided: self.facts, counts }
    }

    fn looked_at(&self) -> Vec<usize> {
        let lattice = &self.subject.lattice;
        let Some(top) = self.explored.get(&lattice.top()) else { return Vec::new() };
        let looked_at = |place: &usize| {
            let operation =
                lattice.dimensions.get(*place).and_then(|dimension| dimension.operation(&self.subject.base));
            operation.is_some_and(|name| top.operations.contains(name))
        };
        (0..lattice.dimensions.len()).filter(looked_at).collect()
    }

    /// What a scenario asks for that holds under the strongest candidate.
    fn downwards(&mut self, top: Candidate) -> Result<Asks, RunError> {
        let lattice = &self.subject.lattice;
        let bottom = lattice.bottom();
        if self.decide_by_itself(&bottom)? == Standing::Holds {
            return Ok(Asks::Nothing);
        }
        let mut minimal = vec![self.weakened(top.clone())?];
        let mut largest = vec![top];
        let mut cut = 0;
        loop {
            for known in minimal.get(cut..).unwrap_or_default() {
                let below = largest.iter().flat_map(|bound| lattice.largest_without(bound, known));
                largest = lattice.maximal(&below.collect::<Vec<_>>());
            }
            cut = minimal.len();
            let mut found = None;
            for candidate in &largest {
                if self.decide(candidate)? == Standing::Holds {
                    found = Some(candidate.clone());
                    break;
                }
            }
            match found {
                Some(candidate) => minimal.push(self.weakened(candidate)?),
                None => return Ok(Asks::OneOf(lattice.minimal(&minimal))),
            }
        }
    }

    /// The weakest that a candidate that holds can be made: what can be left out together is, and of the rest one dimension is made
    /// weaker after the other.
    fn weakened(&mut self, candidate: Candidate) -> Result<Candidate, RunError> {
        let present: Vec<usize> = candidate.present().collect();
        let mut candidate = self.without(candidate, &present)?;
        for place in candidate.present().collect::<Vec<_>>() {
            candidate = self.weaker_in(candidate, place)?;
        }
        Ok(candidate)
    }

    /// A candidate that holds without as many of some dimensions as can be left out: all at once, or else each half in turn.
    fn without(&mut self, candidate: Candidate, places: &[usize]) -> Result<Candidate, RunError> {
        let less = places.iter().fold(candidate.clone(), |candidate, place| candidate.with(*place, 0));
        if self.decide(&less)? == Standing::Holds {
            return Ok(less);
        }
        if places.len() < 2 {
            return Ok(candidate);
        }
        let (first, second) = places.split_at(places.len() / 2);
        let candidate = self.without(candidate, first)?;
        self.without(candidate, second)
    }

    /// A candidate that holds with the weakest value of a dimension with which it still does.
    fn weaker_in(&mut self, candidate: Candidate, place: usize) -> Result<Candidate, RunError> {
        let Some(dimension) = self.subject.lattice.dimensions.get(place) else { return Ok(candidate) };
        let rank = |value: usize| dimension.values.get(value).map_or(&[][..], |value| value.weaker);
        let mut weaker = rank(candidate.at(place)).to_vec();
        weaker.sort_by_key(|value| rank(*value).len());
        for value in weaker {
            let less = candidate.with(place, value);
            if self.decide(&less)? == Standing::Holds {
                return Ok(less);
            }
        }
        Ok(candidate)
    }

    /// Explores values alone, so that there is something to compare with: of a scenario that asks for something each that its runs
    /// look at, of another one the strongest of each dimension.
    fn alone(&mut self, asks: &Asks) -> Result<(), RunError> {
        let lattice = &self.subject.lattice;
        for (place, dimension) in lattice.dimensions.iter().enumerate() {
            let operation = dimension.operation(&self.subject.base);
            let seen = |name: &str| self.explored.values().any(|explored| explored.operations.contains(name));
            let values = match (asks, operation) {
                (Asks::OneOf(_), None) => 1..dimension.values.len(),
                (Asks::OneOf(_), Some(name)) if seen(name) => 1..dimension.values.len(),
                (_, Some(name)) if seen(name) => dimension.strongest()..dimension.values.len(),
                (_, _) => continue,
            };
            for value in values {
                self.decide_by_itself(&lattice.bottom().with(place, value))?;
            }
        }
        Ok(())
    }

    /// What is known of a candidate, or is found out.
    fn decide(&mut self, candidate: &Candidate) -> Result<Standing, RunError> {
        if let Some(fact) = self.facts.get(candidate) {
            return Ok(fact.standing);
        }
        let follows = if self.saves == Saves::Everything { self.follows(candidate) } else { None };
        match follows {
            Some(standing) => Ok(self.learn(candidate, standing, How::Follows)),
            None => self.decide_by_itself(candidate),
        }
    }

    /// The same, without a conclusion from what is weaker or stronger.
    fn decide_by_itself(&mut self, candidate: &Candidate) -> Result<Standing, RunError> {
        match self.facts.get(candidate) {
            Some(fact) if fact.how != How::Follows => return Ok(fact.standing),
            Some(_) | None => {}
        }
        if self.saves != Saves::Nothing {
            if let Some(standing) = self.same_runs(candidate) {
                return Ok(self.learn(candidate, standing, How::SameRuns));
            }
            for run in &self.runs {
                if let Some(property) = self.subject.replay(candidate, run)? {
                    return Ok(self.learn(candidate, Standing::Breaks(property), How::Replayed));
                }
            }
        }
        let explored = self.subject.explore(candidate)?;
        let standing = explored.standing;
        self.runs.extend(explored.run.clone());
        self.explored.insert(candidate.clone(), explored);
        Ok(self.learn(candidate, standing, How::Explored))
    }

    fn learn(&mut self, candidate: &Candidate, standing: Standing, how: How) -> Standing {
        self.facts.insert(candidate.clone(), Fact { standing, how });
        standing
    }

    fn follows(&self, candidate: &Candidate) -> Option<Standing> {
        let lattice = &self.subject.lattice;
        self.facts.iter().find_map(|(known, fact)| match fact.standing {
            Standing::Holds if lattice.is_at_most(known, candidate) => Some(fact.standing),
            Standing::Breaks(_) if lattice.is_at_most(candidate, known) => Some(fact.standing),
            Standing::Holds | Standing::Breaks(_) | Standing::Undecided => None,
        })
    }

    /// What is known of a candidate all of whose runs were explored and end, and which differs from this one only in dimensions that none of
    /// its runs looks at and that are absent here.
    fn same_runs(&self, candidate: &Candidate) -> Option<Standing> {
        let (subject, dimensions) = (self.subject, self.subject.lattice.dimensions.iter().enumerate());
        let same = |(known, explored): (&Candidate, &Explored)| {
            let unseen = |(place, dimension): (usize, &&super::dimension::Dimension)| {
                let (here, there) = (candidate.at(place), known.at(place));
                let operation = dimension.operation(&subject.base);
                here == there
                    || here == 0 && operation.is_some_and(|name| !explored.operations.contains(name))
            };
            (explored.all_end && dimensions.clone().all(unseen)).then_some(explored.standing)
        };
        self.explored.iter().find_map(same)
    }

    /// The pairs of which the weaker one holds and the stronger one breaks, of what was not concluded from others.
    fn not_monotone(&self) -> Vec<(Candidate, Candidate)> {
        let lattice = &self.subject.lattice;
        let own = || self.facts.iter().filter(|(_, fact)| fact.how != How::Follows);
        let pairs = own().filter(|(_, fact)| fact.standing == Standing::Holds).flat_map(|(weaker, _)| {
            let breaks = own().filter(|(_, fact)| fact.standing.breaks());
            let stronger = breaks.filter(|(stronger, _)| lattice.is_at_most(weaker, stronger));
            stronger.map(|(stronger, _)| (weaker.clone(), stronger.clone()))
        });
        pairs.collect()
    }
}
