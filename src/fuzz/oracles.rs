//! What must hold of any scenario, whatever it loses.

use std::collections::BTreeMap;

use stalemap_explore::Limits;

use super::trial::Drawn;
use crate::run::RunError;

/// Which scenarios are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sample {
    /// None.
    Nothing,
    /// Each question of one in so many, by its number.
    #[default]
    Some,
}

/// Something that must hold and does not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// What.
    pub oracle: &'static str,
    /// Of which number.
    pub number: u64,
    /// Under what.
    pub under: &'static str,
    /// In what, in words.
    pub what: String,
    /// The scenario.
    pub source: String,
}

impl Broken {
    /// Whether it is a defect of the engine, and not of the model.
    pub fn is_defect(&self) -> bool {
        false
    }
}

/// What was asked of a scenario, and came out wrong.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// How often each was asked.
    pub times: BTreeMap<&'static str, u64>,
    /// What does not hold.
    pub broken: Vec<Broken>,
}

/// Asks what this scenario's number is to be asked.
pub fn ask(drawn: &Drawn, limits: &Limits, sample: Sample) -> Result<Asked, RunError> {
    let _ = (drawn, limits, sample);
    Ok(Asked::default())
}
