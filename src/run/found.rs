//! What an engine found, whichever it is.

use std::collections::{BTreeMap, BTreeSet};

use stalemap_explore::{Choice, End, Exploration, FewPreemptions, Halted, LimitHit, Runs, Statistics};
use stalemap_facade::{Calls, Property};

use crate::engine::Engine;
use crate::expect::Seen;
use crate::verdict::Verdict;

/// What an engine found, whichever it is.
#[derive(Default)]
pub(super) struct Found {
    pub(super) violated: u64,
    pub(super) reached: u64,
    pub(super) maxima: Vec<u32>,
    pub(super) statistics: Statistics,
    pub(super) limits_hit: BTreeSet<LimitHit>,
    pub(super) few_preemptions: Option<FewPreemptions>,
    pub(super) coverage: Option<u32>,
    pub(super) outcomes: Vec<Contents>,
    pub(super) witnesses: BTreeMap<Property, Vec<Choice>>,
    pub(super) halted: Option<Halted>,
    pub(super) calls: Calls,
    pub(super) operations: BTreeSet<String>,
}

/// What a file contained at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contents {
    /// The contents observed.
    pub observed: String,
    /// In how many final states.
    pub states: u64,
    /// In how many of these something is violated.
    pub violating: u64,
}

impl Found {
    /// The engine does not take that many actors.
    pub(super) fn does_not_fit() -> Self {
        Found { limits_hit: BTreeSet::from([LimitHit::Actors]), ..Found::default() }
    }
}

impl From<Exploration> for Found {
    fn from(mut exploration: Exploration) -> Self {
        Found {
            violated: exploration.violated,
            reached: exploration.reached,
            maxima: std::mem::take(&mut exploration.maxima),
            statistics: exploration.statistics,
            limits_hit: std::mem::take(&mut exploration.limits_hit),
            few_preemptions: exploration.few_preemptions,
            coverage: exploration.coverage,
            witnesses: std::mem::take(&mut exploration.witnesses),
            halted: exploration.halted.take(),
            calls: std::mem::take(&mut exploration.calls),
            operations: std::mem::take(&mut exploration.operations),
            outcomes: contents(exploration),
        }
    }
}

impl From<Runs> for Found {
    fn from(runs: Runs) -> Self {
        let mut outcomes: BTreeMap<String, Contents> = BTreeMap::new();
        for reached in runs.ends.values() {
            let Some(observed) = &reached.observed else { continue };
            let contents = outcomes.entry(observed.clone()).or_insert_with(|| Contents {
                observed: observed.clone(),
                states: 0,
                violating: 0,
            });
            contents.states += 1;
            contents.violating += u64::from(reached.violated != 0);
        }
        let mut limits_hit = runs.limits_hit;
        if !runs.finished && limits_hit.is_empty() {
            // Random schedules have no end of their own.
            limits_hit.insert(LimitHit::Executions);
        }
        Found {
            violated: runs.violated,
            reached: runs.reached,
            maxima: runs.maxima,
            statistics: Statistics {
                states: 0,
                transitions: runs.transitions,
                executions: runs.executions,
                max_depth: runs.max_depth,
                final_states: runs.ends.keys().filter(|end| matches!(end, End::Final { .. })).count() as u64,
            },
            limits_hit,
            few_preemptions: None,
            coverage: None,
            outcomes: outcomes.into_values().collect(),
            witnesses: runs.witnesses,
            halted: None,
            calls: runs.calls,
            // They do not say.
            operations: BTreeSet::new(),
        }
    }
}

fn contents(exploration: Exploration) -> Vec<Contents> {
    let Exploration { outcomes, violating_outcomes, .. } = exploration;
    let contents = outcomes.into_iter().map(|(observed, states)| {
        let violating = violating_outcomes.get(&observed).copied().unwrap_or(0);
        Contents { observed, states, violating }
    });
    contents.collect()
}

/// The verdict, from what an engine found violated and which limits it reached.
pub(super) fn verdict(found: &Found, engine: Engine) -> Verdict {
    match (found.violated == 0, found.limits_hit.is_empty(), engine) {
        (false, _, _) => Verdict::Violates,
        (true, true, Engine::Exhaustive) => Verdict::Holds,
        (true, true, Engine::Loom(_) | Engine::Shuttle(_)) => Verdict::FoundNone,
        (true, false, _) => Verdict::Incomplete,
    }
}

/// How much of the system an engine has seen: a bound of the system itself leaves out what the file leaves out.
pub(super) fn seen(engine: Engine, found: &Found) -> Seen {
    let all = match engine {
        Engine::Exhaustive => found.limits_hit.iter().all(|limit| limit.is_of_the_system()),
        Engine::Loom(_) | Engine::Shuttle(_) => found.limits_hit.is_empty(),
    };
    if all { Seen::All } else { Seen::Some }
}
