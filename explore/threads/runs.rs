//! What is gathered over the executions of an engine.

use std::collections::{BTreeMap, BTreeSet};

use stalemap_facade::{Calls, Counter, Property};

use super::execution::{Ended, Report};
use crate::ends::End;
use crate::limits::LimitHit;
use crate::schedule::Choice;

/// How an end was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// In how many executions.
    pub executions: u64,
    /// The shortest way met.
    pub schedule: Vec<Choice>,
    /// What an observer sees there.
    pub observed: Option<String>,
    /// The properties violated there, as a set of [`Property::bit`].
    pub violated: u64,
}

/// What the executions of an engine found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// Executions, those given up because somebody was let go on who could not, not included.
    pub executions: u64,
    /// Executions that were begun only to find that the one who was to move could not. They are no behaviour
    /// of the system, and the price of a library that cannot be told who may move.
    pub abandoned: u64,
    /// Transitions, over all executions.
    pub transitions: u64,
    /// Transitions of the longest execution.
    pub max_depth: u64,
    /// The ends, each with how it was reached.
    pub ends: BTreeMap<End, Reached>,
    /// Properties violated in some execution, as a set of [`Property::bit`].
    pub violated: u64,
    /// In how many executions each was violated.
    pub violating: BTreeMap<Property, u64>,
    /// The number, from 1, of the first of them.
    pub first: BTreeMap<Property, u64>,
    /// For each property the shortest way met.
    pub witnesses: BTreeMap<Property, Vec<Choice>>,
    /// Branches reached, as a set of `Branch::bit`.
    pub reached: u64,
    /// Greatest counter values, by `Counter`.
    pub maxima: Vec<u32>,
    /// What calls returned, those of setup and epilogue included.
    pub calls: Calls,
    /// The limits that were reached.
    pub limits_hit: BTreeSet<LimitHit>,
    /// Whether the engine came to its own end, and that means that it tried everything.
    pub finished: bool,
}

impl Runs {
    pub(super) fn new() -> Self {
        Runs { maxima: vec![0; Counter::MOST], ..Runs::default() }
    }

    /// Whether the engine tried everything that there is.
    pub fn is_complete(&self) -> bool {
        self.finished && self.limits_hit.is_empty()
    }

    /// Whether no execution is missing, but for those that a bound of the modelled system gave up.
    pub fn tried_everything(&self) -> bool {
        self.finished && self.limits_hit.iter().all(|limit| matches!(limit, LimitHit::Bound(_)))
    }

    pub(super) fn add(&mut self, report: Report) {
        self.executions += 1;
        self.transitions += report.schedule.len() as u64;
        self.max_depth = self.max_depth.max(report.schedule.len() as u64);
        self.reached |= report.reached;
        self.calls.extend(&report.calls);
        for (greatest, value) in self.maxima.iter_mut().zip(&report.maxima) {
            *greatest = (*greatest).max(*value);
        }
        for (property, operations) in &report.violated {
            self.violated |= property.bit();
            *self.violating.entry(*property).or_default() += 1;
            self.first.entry(*property).or_insert(self.executions);
            let known = self.witnesses.get(property).map(Vec::len);
            if known.is_none_or(|known| *operations < known) {
                self.witnesses.insert(*property, report.schedule[..*operations].to_vec());
            }
        }
        let observed = match report.ended {
            Ended::At { observed, .. } => observed,
            Ended::Cut(bound) => {
                self.limits_hit.insert(LimitHit::Bound(bound));
                None
            }
            Ended::TooLong => {
                self.limits_hit.insert(LimitHit::Operations);
                None
            }
        };
        let Some(end) = report.end else { return };
        let violated = report.violated.iter().fold(0, |set, (property, _)| set | property.bit());
        match self.ends.get_mut(&end) {
            None => {
                let reached = Reached { executions: 1, schedule: report.schedule, observed, violated };
                self.ends.insert(end, reached);
            }
            Some(reached) => {
                reached.executions += 1;
                if report.schedule.len() < reached.schedule.len() {
                    reached.schedule = report.schedule;
                }
            }
        }
    }
}
