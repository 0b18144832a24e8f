//! What an earlier run found, so that only what is new fails.

use std::collections::BTreeSet;

use serde_json::Value;
use stalemap_facade::Property;

use crate::expect::not_expected;
use crate::run::{Outcome, is_surprising};
use crate::verdict::Verdict;

/// The documents that can be one.
const SCHEMA: &str = "stalemap.check/1";

/// Something that is not as expected.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Finding {
    /// The scenario's name.
    pub scenario: String,
    /// The design's or kernel's.
    pub design: String,
    /// The memory that it ran on.
    memory: String,
    /// The property that is violated, or in what else the verdict is not as expected.
    pub what: String,
}

/// What an earlier run came to.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// What was violated, expected or not, and what else was not as expected.
    found: BTreeSet<Finding>,
    /// Of these, what was not as expected.
    unexpected: BTreeSet<Finding>,
    /// What was incomplete, by scenario, design and memory.
    incomplete: BTreeSet<[String; 3]>,
}

/// What a run came to beside an earlier one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Against {
    /// Not as expected, and nothing of it in the earlier run.
    pub new: Vec<Finding>,
    /// How much else is not as expected, as it was.
    pub known: usize,
    /// How much of what was not as expected is so now, among what ran both times.
    pub gone: usize,
    /// Incomplete, by scenario and design, and not so in the earlier run.
    pub incomplete: Vec<[String; 2]>,
}

impl Baseline {
    /// Reads the document of `check` or `compare`; the error says what is not as it should be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: Value = serde_json::from_str(text)
            .map_err(|error| format!("it is no JSON ({error}); write it with `--format json`"))?;
        let schema = document["schema"].as_str().unwrap_or("none");
        if schema != SCHEMA {
            return Err(format!(
                "its schema is {schema}, not {SCHEMA}; write it with `stalemap check --format json`"
            ));
        }
        let results = document["results"].as_array().ok_or("it has no `results`")?;
        let mut baseline = Baseline::default();
        for (at, result) in results.iter().enumerate() {
            baseline.take(result).ok_or_else(|| {
                format!("result {} has not all of `scenario`, `design`, `memory`, `verdict`, `violated` and `reasons`", at + 1)
            })?;
        }
        Ok(baseline)
    }

    fn take(&mut self, result: &Value) -> Option<()> {
        let text = |key: &str| result[key].as_str().map(str::to_owned);
        let texts = |key: &str| -> Option<Vec<String>> {
            result[key].as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let [scenario, design, memory, verdict] =
            [text("scenario")?, text("design")?, text("memory")?, text("verdict")?];
        let finding = |what: String| Finding {
            scenario: scenario.clone(),
            design: design.clone(),
            memory: memory.clone(),
            what,
        };
        let (violated, reasons) = (texts("violated")?, texts("reasons")?);
        let surprising = match result["as_expected"].as_bool() {
            Some(as_expected) => !as_expected,
            None => result["expected"].is_null() && verdict == Verdict::Violates.name(),
        };
        if surprising {
            let said = |what: &String| {
                result["expected"].is_null() || reasons.contains(&format!("`{what}` was not expected"))
            };
            self.unexpected.extend(violated.iter().filter(|what| said(what)).cloned().map(finding));
            self.unexpected
                .extend(reasons.iter().filter(|reason| !is_of_a_violation(reason)).cloned().map(finding));
        }
        self.found.extend(violated.into_iter().chain(reasons).map(finding));
        let limits = result["limits_hit"].as_array().is_some_and(|limits| !limits.is_empty());
        if limits || verdict == Verdict::Incomplete.name() {
            self.incomplete.insert([scenario, design, memory]);
        }
        Some(())
    }

    /// Whether an outcome is not as expected, and all of that was found then.
    pub fn knows(&self, outcome: &Outcome) -> bool {
        let findings = findings(outcome);
        !findings.is_empty() && findings.iter().all(|finding| self.found.contains(finding))
    }

    /// What outcomes are beside it.
    pub fn against(&self, outcomes: &[Outcome]) -> Against {
        let now: BTreeSet<Finding> = outcomes.iter().flat_map(findings).collect();
        let is_known = |finding: &&Finding| self.found.contains(*finding);
        let ran = |finding: &&Finding| {
            outcomes.iter().filter(|outcome| outcome.limits_hit.is_empty()).any(|outcome| {
                (&outcome.scenario, &outcome.design, outcome.memory.name())
                    == (&finding.scenario, &finding.design, finding.memory.as_str())
            })
        };
        let incomplete = outcomes.iter().filter(|outcome| {
            let key = [outcome.scenario.clone(), outcome.design.clone(), outcome.memory.name().to_owned()];
            !outcome.limits_hit.is_empty() && !self.incomplete.contains(&key)
        });
        Against {
            known: now.iter().filter(is_known).count(),
            gone: self.unexpected.iter().filter(ran).filter(|finding| !now.contains(*finding)).count(),
            incomplete: incomplete
                .map(|outcome| [outcome.scenario.clone(), outcome.design.clone()])
                .collect(),
            new: now.into_iter().filter(|finding| !self.found.contains(finding)).collect(),
        }
    }
}

fn is_of_a_violation(reason: &str) -> bool {
    reason.ends_with("was not expected")
}

/// What is not as expected of an outcome.
fn findings(outcome: &Outcome) -> Vec<Finding> {
    if !is_surprising(outcome) {
        return Vec::new();
    }
    let finding = |what: String| Finding {
        scenario: outcome.scenario.clone(),
        design: outcome.design.clone(),
        memory: outcome.memory.name().to_owned(),
        what,
    };
    let unexpected = |property: &&Property| !outcome.judgement.expects(**property, &outcome.violated);
    let properties: Vec<Property> = outcome.violated.iter().filter(unexpected).copied().collect();
    let of_these: Vec<String> = properties.iter().map(|property| not_expected(*property)).collect();
    let others = outcome.judgement.reasons.iter().filter(|reason| !of_these.contains(reason)).cloned();
    properties.iter().map(|property| property.name().to_owned()).chain(others).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_document_of_check_is_refused_with_what_would_be_right() {
        for (text, says) in [
            ("", "no JSON"),
            ("[]", "not stalemap.check/1"),
            ("{\"schema\": \"stalemap.list/1\"}", "its schema is stalemap.list/1"),
            ("{\"schema\": \"stalemap.check/1\"}", "no `results`"),
            ("{\"schema\": \"stalemap.check/1\", \"results\": [{}]}", "result 1 has not all of"),
        ] {
            let problem = Baseline::parse(text).expect_err(text);
            assert!(problem.contains(says), "{problem}");
        }
    }
}
