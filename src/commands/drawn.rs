//! Counterexamples of several designs, each drawn once: one that is like an earlier one but for the name of the design is not drawn
//! again.

use std::collections::HashMap;

use super::annotated_counterexample;
use crate::report::timeline::{self, Drawing, Look};
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::scenario::implementations::Kind;

/// The drawings so far.
pub(super) struct Drawn {
    look: Look,
    /// By the drawing without what names the design, the first design that it is of.
    first: HashMap<String, String>,
}

impl Drawn {
    /// None so far.
    pub(super) fn with(look: Look) -> Self {
        Drawn { look, first: HashMap::new() }
    }

    /// The drawing of an outcome's counterexample.
    pub(super) fn once(&mut self, scenarios: &[Scenario], outcome: &Outcome) -> Drawing {
        let mut schedule = match annotated_counterexample(scenarios, outcome) {
            Some(Ok(schedule)) => schedule,
            Some(Err(error)) => return Drawing::Drawn(format!("{error}\n")),
            None => return Drawing::Nothing,
        };
        let drawing = timeline::render(&schedule, self.look);
        schedule.about.design = String::new();
        schedule.about.kind = Kind::default();
        schedule.about.replay = None;
        schedule.about.idle = None;
        let nameless = timeline::render(&schedule, self.look);
        if let Some(first) = self.first.get(&nameless) {
            return Drawing::SameAs(first.clone());
        }
        self.first.insert(nameless, outcome.design.clone());
        Drawing::Drawn(drawing)
    }
}
