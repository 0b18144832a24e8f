//! What a part writes: which part of which run it is, the scenarios that it needed, and what came of its pairs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::identity::Identity;
use super::partition::Partition;
use super::slice::SliceDocument;

/// The documents that are parts.
pub const SCHEMA: &str = "stalemap.part/1";

/// A scenario, complete: who puts parts together needs no files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub scenario: String,
    /// The text of its file.
    pub source: String,
}

/// A part of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// [`SCHEMA`].
    pub schema: String,
    /// Of which run.
    pub run: Identity,
    /// Which part, from 1.
    pub part: u32,
    /// Of how many.
    pub of: u32,
    /// The scenarios of its pairs; in the first part also those that run under nothing that was asked for.
    pub scenarios: Vec<Source>,
    /// The pairs that it has completely, by their places in the list.
    pub pairs: Vec<usize>,
    /// What came of each of these, as in the document of `check`.
    pub results: Vec<Value>,
    /// What was found in a slice of another pair, by its place in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<(usize, SliceDocument)>,
}

impl Part {
    /// Reads one; the error says what is not as it should be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text)
            .map_err(|error| format!("it is no JSON ({error}); `--partition K/N` writes parts of runs"))?;
        match document["schema"].as_str() {
            Some(SCHEMA) => {}
            Some(schema) => {
                return Err(format!(
                    "its schema is {schema}, not {SCHEMA}; `--partition K/N` writes parts of runs"
                ));
            }
            None => return Err("it has no schema; `--partition K/N` writes parts of runs".to_owned()),
        }
        serde_json::from_value(document).map_err(|error| format!("it is damaged: {error}"))
    }

    /// Which part of how many. `None`: there is no such part.
    pub fn partition(&self) -> Option<Partition> {
        Partition::new(self.part, self.of)
    }
}
