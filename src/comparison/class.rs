//! What a verdict comes to where many are compared: whether data are lost, whether something else is wrong, or nothing.

use stalemap_facade::Property;
use stalemap_model::judge::properties;

use crate::run::Outcome;
use crate::verdict::Verdict;

/// What a verdict comes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    /// Data are lost, or exposed.
    Loses,
    /// Something else is violated: a deadlock, a short write, a leak.
    Fails,
    /// Nothing was found, and not everything was explored.
    Undecided,
    /// A library came to its end and found nothing.
    FoundNone,
    /// It holds, and never met what the scenario is about.
    HoldsVacuously,
    /// It holds.
    Holds,
}

impl Class {
    /// What an outcome comes to.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome.verdict {
            Verdict::Violates
                if outcome.violated.iter().any(|property| properties::LOSSES.contains(property)) =>
            {
                Class::Loses
            }
            Verdict::Violates => Class::Fails,
            Verdict::Incomplete => Class::Undecided,
            Verdict::FoundNone => Class::FoundNone,
            Verdict::Holds if outcome.judgement.vacuous => Class::HoldsVacuously,
            Verdict::Holds => Class::Holds,
        }
    }

    /// Its name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Class::Loses => "loses",
            Class::Fails => "fails",
            Class::Undecided => "undecided",
            Class::FoundNone => "found-none",
            Class::HoldsVacuously => "holds-vacuously",
            Class::Holds => "holds",
        }
    }

    /// What so many designs of this class do, as the end of a sentence: `hold`.
    pub const fn verb(self, designs: usize) -> &'static str {
        match (self, designs) {
            (Class::Loses, 1) => "loses data",
            (Class::Loses, _) => "lose data",
            (Class::Fails, 1) => "fails otherwise",
            (Class::Fails, _) => "fail otherwise",
            (Class::Undecided, 1) => "is undecided",
            (Class::Undecided, _) => "are undecided",
            (Class::FoundNone, 1) => "shows nothing, without a proof",
            (Class::FoundNone, _) => "show nothing, without a proof",
            (Class::HoldsVacuously, 1) => "holds vacuously",
            (Class::HoldsVacuously, _) => "hold vacuously",
            (Class::Holds, 1) => "holds",
            (Class::Holds, _) => "hold",
        }
    }

    /// Whether nothing is known for certain.
    pub const fn is_open(self) -> bool {
        matches!(self, Class::Undecided | Class::FoundNone)
    }

    /// Whether something is violated.
    pub const fn is_broken(self) -> bool {
        matches!(self, Class::Loses | Class::Fails)
    }
}

/// What is violated, without what only explains it.
pub fn violations(outcome: &Outcome) -> impl Iterator<Item = Property> {
    outcome.violated.iter().copied().filter(|property| !properties::explains(*property))
}
