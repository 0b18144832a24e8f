//! From what the runs of a claim came to, to its verdict.
//!
//! One run against a claim is enough: then it is false. Without one it is true, under conditions if some run says so.
//! What no rule of the claim foresees, a limit that was reached, and nothing that speaks for it leave it undecided.

use std::collections::BTreeSet;

use super::file::{Claim, Run};
use crate::run::Outcome;
use crate::verdict::Verdict;

/// The verdict on a claim.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ruling {
    /// Every run speaks for it.
    True,
    /// None speaks against it, and some name a condition.
    Conditional,
    /// Some run speaks against it.
    False,
    /// Not decided by what was run.
    Undecided,
}

impl Ruling {
    /// All, in the order of reports.
    pub const ALL: [Ruling; 4] = [Ruling::True, Ruling::Conditional, Ruling::False, Ruling::Undecided];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Ruling::True => "true",
            Ruling::Conditional => "true with conditions",
            Ruling::False => "false",
            Ruling::Undecided => "undecided here",
        }
    }
}

/// What one run says about a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Says {
    /// It speaks for it.
    Supports,
    /// It speaks against it.
    Refutes,
    /// It says under which condition it is so.
    Limits,
    /// Nothing: a limit was reached.
    Incomplete(String),
    /// Nothing: it came out in a way that the claim's file says nothing of.
    Unforeseen(String),
}

impl Says {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Says::Supports => "supports",
            Says::Refutes => "refutes",
            Says::Limits => "limits",
            Says::Incomplete(_) => "incomplete",
            Says::Unforeseen(_) => "unforeseen",
        }
    }

    /// Why it says nothing.
    pub fn why(&self) -> Option<&str> {
        match self {
            Says::Supports | Says::Refutes | Says::Limits => None,
            Says::Incomplete(why) | Says::Unforeseen(why) => Some(why),
        }
    }
}

/// One run of a claim.
#[derive(Debug)]
pub struct Piece<'a> {
    /// Of which of the claim's runs.
    pub run: &'a Run,
    /// What it came to.
    pub outcome: &'a Outcome,
    /// What it is compared with came to.
    pub beside: Option<&'a Outcome>,
    /// What it says.
    pub says: Says,
}

/// A claim with its verdict.
#[derive(Debug)]
pub struct Decision<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// The verdict.
    pub ruling: Ruling,
    /// The runs, in the order of the file.
    pub pieces: Vec<Piece<'a>>,
}

impl<'a> Decision<'a> {
    /// Decides a claim by what all runs came to.
    pub fn of(claim: &'a Claim, outcomes: &'a [Outcome]) -> Self {
        let pieces: Vec<Piece<'a>> = claim.runs.iter().flat_map(|run| pieces(run, outcomes)).collect();
        let says: Vec<&Says> = pieces.iter().map(|piece| &piece.says).collect();
        Decision { claim, ruling: ruling(&says), pieces }
    }

    /// The conditions that runs name, each once.
    pub fn conditions(&self) -> Vec<&'a str> {
        let mut conditions = Vec::new();
        for piece in self.pieces.iter().filter(|piece| piece.says == Says::Limits) {
            if let Some(condition) = piece.run.condition.as_deref().filter(|it| !conditions.contains(it)) {
                conditions.push(condition);
            }
        }
        conditions
    }

    /// Why it is undecided: the claim's own reason, or what its runs lack.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts: Vec<String> = self.claim.undecidable.iter().cloned().collect();
        for piece in &self.pieces {
            let run = format!("{} under {}", piece.outcome.scenario, piece.outcome.design);
            doubts.extend(piece.says.why().map(|why| format!("{run}: {why}")));
        }
        if doubts.is_empty() && self.ruling == Ruling::Undecided {
            doubts.push("no run speaks for it, and none against it".to_owned());
        }
        doubts
    }

    /// The different explorations that it rests on, and their states together; what runs are compared with counts.
    pub fn explored(&self) -> (usize, u64) {
        let all = self.pieces.iter().flat_map(|piece| [Some(piece.outcome), piece.beside]).flatten();
        let runs: BTreeSet<(&str, &str, u64)> =
            all.map(|run| (run.scenario.as_str(), run.design.as_str(), run.statistics.states)).collect();
        (runs.len(), runs.iter().map(|(_, _, states)| states).sum())
    }
}

/// The verdict, from what the runs say.
fn ruling(says: &[&Says]) -> Ruling {
    let any = |what: &Says| says.contains(&what);
    if says.iter().any(|says| says.why().is_some()) {
        Ruling::Undecided
    } else if any(&Says::Refutes) {
        Ruling::False
    } else if !any(&Says::Supports) {
        Ruling::Undecided
    } else if any(&Says::Limits) {
        Ruling::Conditional
    } else {
        Ruling::True
    }
}

fn pieces<'a>(run: &'a Run, outcomes: &'a [Outcome]) -> Vec<Piece<'a>> {
    let find = |scenario: &str, name: &str| {
        outcomes.iter().find(|outcome| outcome.scenario == scenario && outcome.design == name)
    };
    let all = run.scenarios.iter().flat_map(|scenario| run.under.iter().map(move |under| (scenario, under)));
    all.filter_map(|(scenario, under)| {
        let outcome = find(scenario, under)?;
        let beside = run.beside().and_then(|name| find(scenario, name));
        Some(Piece { run, outcome, beside, says: says(run, outcome, beside) })
    })
    .collect()
}

/// What a run says, which is what exactly one of its patterns fits.
fn says(run: &Run, outcome: &Outcome, beside: Option<&Outcome>) -> Says {
    for run in [Some(outcome), beside].into_iter().flatten() {
        if run.verdict == Verdict::Incomplete || !run.limits_hit.is_empty() {
            let limits: Vec<&str> = run.limits_hit.iter().map(|limit| limit.name()).collect();
            return Says::Incomplete(format!("a limit was reached ({})", limits.join(", ")));
        }
    }
    let meanings =
        [(Says::Supports, &run.supports), (Says::Refutes, &run.refutes), (Says::Limits, &run.limits)];
    let fits = |(_, pattern): &(Says, &Option<_>)| {
        pattern.as_ref().is_some_and(|pattern: &super::pattern::Pattern| pattern.fits(outcome, beside))
    };
    let mut fitting: Vec<Says> = meanings.into_iter().filter(fits).map(|(says, _)| says).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(says), true) => says,
        (Some(_), false) => Says::Unforeseen("more than one rule of the claim fits what came out".to_owned()),
        (None, _) => {
            let vacuous = if outcome.judgement.vacuous { " vacuously" } else { "" };
            let verdict = outcome.verdict.name();
            Says::Unforeseen(format!("it {verdict}{vacuous}, which no rule of the claim foresees"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_against_a_claim_is_enough_and_none_may_be_left_open() {
        let incomplete = Says::Incomplete(String::new());
        let unforeseen = Says::Unforeseen(String::new());
        for (says, expected) in [
            (&[Says::Supports, Says::Supports][..], Ruling::True),
            (&[Says::Supports, Says::Limits], Ruling::Conditional),
            (&[Says::Supports, Says::Limits, Says::Refutes], Ruling::False),
            (&[Says::Refutes], Ruling::False),
            (&[Says::Limits], Ruling::Undecided),
            (&[], Ruling::Undecided),
            (&[Says::Supports, incomplete.clone()], Ruling::Undecided),
            (&[Says::Refutes, incomplete], Ruling::Undecided),
            (&[Says::Supports, unforeseen], Ruling::Undecided),
        ] {
            assert_eq!(ruling(&says.iter().collect::<Vec<_>>()), expected, "{says:?}");
        }
    }
}
