//! What a run may come to, as a claim's file says it: `holds`, `violates lost-write`, `never reaches stale` and so on.

use std::fmt;

use serde::Deserialize;
use stalemap_facade::{Branch, Property};
use stalemap_model::judge::properties;
use stalemap_model::words::branches;

use crate::run::Outcome;
use crate::verdict::Verdict;

/// The forms of a pattern, for whoever writes a wrong one.
const FORMS: &str = "`holds`, `violates`, `violates PROPERTY`, `reaches BRANCH`, `never reaches BRANCH`, \
                     `may end with TEXT`, `never ends with TEXT`, `same as NAME`, `differs from NAME`";

/// Something that a run may come to.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum Pattern {
    /// Everything was explored, nothing is violated, and the proof is not vacuous.
    Holds,
    /// Something is violated; with a property, that one among others.
    Violates(Option<Property>),
    /// Some run comes to a branch.
    Reaches(Branch),
    /// No run does.
    NeverReaches(Branch),
    /// Some final state has contents, or answers of calls, in which this text occurs.
    MayEndWith(String),
    /// None has.
    NeverEndsWith(String),
    /// The files may have the same contents at the end as under this name, and the same is violated.
    SameAs(String),
    /// One of the two differs.
    DiffersFrom(String),
}

impl Pattern {
    /// The design or kernel that the run is compared with.
    pub fn beside(&self) -> Option<&str> {
        match self {
            Pattern::SameAs(name) | Pattern::DiffersFrom(name) => Some(name),
            Pattern::Holds
            | Pattern::Violates(_)
            | Pattern::Reaches(_)
            | Pattern::NeverReaches(_)
            | Pattern::MayEndWith(_)
            | Pattern::NeverEndsWith(_) => None,
        }
    }

    /// Whether that is what a complete run came to; `beside` is the run that it is compared with. A vacuous proof is
    /// nothing that a claim could rest on.
    pub fn fits(&self, outcome: &Outcome, beside: Option<&Outcome>) -> bool {
        if outcome.judgement.vacuous {
            return false;
        }
        let ends = |text: &String| outcome.outcomes.iter().any(|end| end.observed.contains(text));
        match self {
            Pattern::Holds => outcome.verdict == Verdict::Holds,
            Pattern::Violates(None) => outcome.verdict == Verdict::Violates,
            Pattern::Violates(Some(property)) => outcome.violated.contains(property),
            Pattern::Reaches(branch) => outcome.reached.contains(branch),
            Pattern::NeverReaches(branch) => !outcome.reached.contains(branch),
            Pattern::MayEndWith(text) => ends(text),
            Pattern::NeverEndsWith(text) => !ends(text),
            Pattern::SameAs(_) => beside.is_some_and(|other| same(outcome, other)),
            Pattern::DiffersFrom(_) => {
                beside.is_some_and(|other| !other.judgement.vacuous && !same(outcome, other))
            }
        }
    }
}

/// Whether two runs of a scenario leave the same contents, and violate the same.
fn same(one: &Outcome, other: &Outcome) -> bool {
    let ends = |outcome: &Outcome| -> Vec<String> {
        outcome.outcomes.iter().map(|end| end.observed.clone()).collect()
    };
    !other.judgement.vacuous && one.violated == other.violated && ends(one) == ends(other)
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let property =
            |name: &str| properties::from_name(name).ok_or_else(|| format!("there is no property `{name}`"));
        let branch =
            |name: &str| branches::from_name(name).ok_or_else(|| format!("there is no branch `{name}`"));
        match text.as_str() {
            "holds" => return Ok(Pattern::Holds),
            "violates" => return Ok(Pattern::Violates(None)),
            _ => {}
        }
        if let Some(name) = text.strip_prefix("violates ") {
            property(name).map(|property| Pattern::Violates(Some(property)))
        } else if let Some(name) = text.strip_prefix("reaches ") {
            branch(name).map(Pattern::Reaches)
        } else if let Some(name) = text.strip_prefix("never reaches ") {
            branch(name).map(Pattern::NeverReaches)
        } else if let Some(end) = text.strip_prefix("may end with ") {
            Ok(Pattern::MayEndWith(end.to_owned()))
        } else if let Some(end) = text.strip_prefix("never ends with ") {
            Ok(Pattern::NeverEndsWith(end.to_owned()))
        } else if let Some(name) = text.strip_prefix("same as ") {
            Ok(Pattern::SameAs(name.to_owned()))
        } else if let Some(name) = text.strip_prefix("differs from ") {
            Ok(Pattern::DiffersFrom(name.to_owned()))
        } else {
            Err(format!("`{text}` is nothing that a run can come to; it is one of {FORMS}"))
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Holds => f.write_str("holds"),
            Pattern::Violates(None) => f.write_str("violates"),
            Pattern::Violates(Some(property)) => write!(f, "violates {property}"),
            Pattern::Reaches(branch) => write!(f, "reaches {branch}"),
            Pattern::NeverReaches(branch) => write!(f, "never reaches {branch}"),
            Pattern::MayEndWith(text) => write!(f, "may end with {text}"),
            Pattern::NeverEndsWith(text) => write!(f, "never ends with {text}"),
            Pattern::SameAs(name) => write!(f, "same as {name}"),
            Pattern::DiffersFrom(name) => write!(f, "differs from {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_written_as_it_is_read() {
        for text in [
            "holds",
            "violates",
            "violates lost-write",
            "reaches stale",
            "never reaches stale-use",
            "may end with reader:0=00 42",
            "never ends with 0-4k=00",
            "same as iomap_valid",
            "differs from series-00",
        ] {
            assert_eq!(
                Pattern::try_from(text.to_owned()).map(|pattern| pattern.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn what_no_run_comes_to_is_an_error() {
        for (text, part) in [
            ("hold", "one of `holds`"),
            ("violates lost-writes", "no property `lost-writes`"),
            ("reaches staleness", "no branch `staleness`"),
            ("never reaches staleness", "no branch `staleness`"),
        ] {
            let error = Pattern::try_from(text.to_owned()).expect_err("an error");
            assert!(error.contains(part), "{error}");
        }
    }
}
