//! Verdicts on the same scenarios side by side: which of them differ, and in what. What is said of that is for the
//! reports.

pub mod class;
pub mod matrix;

use std::collections::BTreeSet;

use self::matrix::Matrix;
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::scenario::implementations::{Kind, built_in_names};

/// How the designs after each patch of the January 2023 series are called.
pub const SERIES: &str = "series-";

/// The outcomes of many scenarios, by what they are compared with: designs with designs, kernels with kernels.
pub struct Comparison<'o> {
    /// The scenarios that something was run of.
    pub scenarios: Vec<&'o Scenario>,
    /// All outcomes, in the order in which they were asked for.
    pub outcomes: &'o [Outcome],
    /// Designs on the file systems of the scenarios.
    pub designs: Matrix<'o>,
    /// The January 2023 series, patch by patch.
    pub series: Matrix<'o>,
    /// Releases, each with its own file systems.
    pub kernels: Matrix<'o>,
    /// What was run under designs and kernels that a file defines for itself, and that nobody named.
    pub own: Vec<&'o Outcome>,
}

impl<'o> Comparison<'o> {
    /// Puts outcomes side by side. What a file defines has a column of its own if it is among `named`, or if there is no other
    /// file.
    pub fn new(scenarios: &'o [Scenario], outcomes: &'o [Outcome], named: &[String]) -> Self {
        let ran: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.scenario.as_str()).collect();
        let scenarios: Vec<&Scenario> =
            scenarios.iter().filter(|scenario| ran.contains(scenario.name.as_str())).collect();
        let alone = scenarios.len() == 1;
        let built_in: Vec<&str> = built_in_names().collect();
        let mut own: Vec<&str> = Vec::new();
        for outcome in outcomes {
            let name = outcome.design.as_str();
            let wanted = alone || named.iter().any(|named| named == name);
            if wanted && !built_in.contains(&name) && !own.contains(&name) {
                own.push(name);
            }
        }
        let kernels = Kind::Kernel.built_in();
        let is_kernel = |name: &&str| {
            kernels.contains(name) || scenarios.iter().any(|scenario| scenario.kernels.contains_key(*name))
        };
        let columns: Vec<&str> = built_in.iter().chain(&own).copied().collect();
        let of = |wanted: &dyn Fn(&&str) -> bool| {
            let columns = columns.iter().copied().filter(|name| wanted(name));
            Matrix::new(&scenarios, outcomes, columns)
        };
        let in_series = |name: &&str| name.starts_with(SERIES) && built_in.contains(name);
        Comparison {
            designs: of(&|name| !is_kernel(name) && !in_series(name)),
            series: of(&in_series),
            kernels: of(&is_kernel),
            own: outcomes.iter().filter(|outcome| !columns.contains(&outcome.design.as_str())).collect(),
            scenarios,
            outcomes,
        }
    }

    /// The three, in the order in which they are told.
    pub fn matrices(&self) -> [&Matrix<'o>; 3] {
        [&self.designs, &self.series, &self.kernels]
    }
}
