//! Comparing a verdict with what the scenario file expects of it.

use stalemap_facade::{Branch, Property};
use stalemap_model::judge::properties;
use stalemap_model::words::branches;
use stalemap_model::words::design::Design;

use crate::scenario::{Expectation, Scenario};
use crate::verdict::{Failure, Verdict};

/// How the reasons begin for which a design holds vacuously.
pub(crate) const VACUOUS: &str = "vacuous: ";

/// How a verdict compares with its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// What the file expects of the design; `None` if it says nothing.
    pub expected: Option<Expectation>,
    /// Whether that is what came out; `None` without an expectation, or when it could not be decided.
    pub as_expected: Option<bool>,
    /// The design held without ever meeting what the scenario is about.
    pub vacuous: bool,
    /// Branches that some run reached, and none may, as the file says.
    pub forbidden: Vec<Branch>,
    /// Why not as expected, or why vacuous, in words.
    pub reasons: Vec<String>,
}

impl Judgement {
    /// Whether the file says that a property is violated, or another that it explains. Of a design that it says nothing of, it expects
    /// nothing.
    pub fn expects(&self, property: Property, violated: &[Property]) -> bool {
        match &self.expected {
            None => false,
            Some(expectation) => !unexpected(expectation, violated).any(|other| other == property),
        }
    }
}

/// How much of the system an engine has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// What it can see, but for the limits that were reached.
    All,
    /// Some executions: what was not found may be there.
    Some,
}

/// What the runs of a design met.
#[derive(Clone, Copy, Debug)]
pub struct Met<'a> {
    /// Properties violated.
    pub violated: &'a [Property],
    /// Branches reached.
    pub reached: &'a [Branch],
    /// Commands that failed wherever they were run, and are not meant to.
    pub never_succeeded: &'a [Failure],
}

/// Judges a verdict.
pub fn judge(scenario: &Scenario, design: &Design, verdict: Verdict, met: &Met<'_>, seen: Seen) -> Judgement {
    let Met { violated, reached, never_succeeded } = *met;
    let expected = scenario.expect.get(&design.name).cloned();
    let mut reasons = Vec::new();
    let unreached = unreached(scenario, design, reached);
    let found_nothing = matches!(verdict, Verdict::Holds | Verdict::FoundNone);
    let vacuous = found_nothing && !(unreached.is_empty() && never_succeeded.is_empty());
    for Failure { actor, command, line, error } in never_succeeded {
        let error = error.as_deref().map_or_else(String::new, |error| format!(" ({error})"));
        let vacuous = if found_nothing { VACUOUS } else { "" };
        reasons.push(format!(
            "{vacuous}`{command}` of {actor} in line {line} fails in every run{error}; if that is as it should be, the file says so: \
             `@may_fail` before the command"
        ));
    }
    if found_nothing && !unreached.is_empty() {
        let names: Vec<&str> = unreached.iter().map(|branch| branch.name()).collect();
        reasons.push(format!(
            "{VACUOUS}no run reached {}; if that is as it should be, the file says so: [{}] must = []",
            names.join(", "),
            if scenario.reach_of.contains_key(&design.name) {
                format!("reach.\"{}\"", design.name)
            } else {
                "reach".to_owned()
            }
        ));
    }
    let never = &scenario.reach(&design.name).never;
    let forbidden: Vec<Branch> = reached.iter().copied().filter(|branch| never.contains(branch)).collect();
    for branch in &forbidden {
        reasons.push(format!("some run reached `{branch}`, which the file says none may"));
    }
    let agrees = match &expected {
        None => None,
        Some(expectation) => {
            let surprises =
                surprises(expectation, violated, verdict == Verdict::Incomplete || seen == Seen::Some);
            let agrees = surprises.is_empty();
            reasons.extend(surprises);
            // What was met was met, however little was seen.
            let is_other = !forbidden.is_empty() || unexpected(expectation, violated).next().is_some();
            let expected = match expectation {
                Expectation::Holds => true,
                Expectation::Violates(listed) => listed.iter().all(|property| violated.contains(property)),
            };
            match verdict {
                _ if is_other => Some(false),
                Verdict::Incomplete => None,
                Verdict::Violates if seen == Seen::Some && !expected => None,
                Verdict::Holds | Verdict::Violates | Verdict::FoundNone => Some(agrees),
            }
        }
    };
    let as_expected = agrees.map(|agrees| agrees && !vacuous);
    Judgement { expected, as_expected, vacuous, forbidden, reasons }
}

/// The branches that a design has to reach for its proof to mean something, and did not.
fn unreached(scenario: &Scenario, design: &Design, reached: &[Branch]) -> Vec<Branch> {
    if !design.checks() {
        return Vec::new();
    }
    let by_default = [branches::STALE];
    let reach = scenario.reach(&design.name);
    let must = reach.must.as_deref().unwrap_or(if reach.never.contains(&branches::STALE) {
        &[]
    } else {
        &by_default
    });
    must.iter().copied().filter(|branch| !reached.contains(branch)).collect()
}

/// How the violations differ from the expectation.
fn surprises(expectation: &Expectation, violated: &[Property], unfinished: bool) -> Vec<String> {
    let listed: &[Property] = match expectation {
        Expectation::Holds => &[],
        Expectation::Violates(listed) => listed,
    };
    let missing = listed.iter().filter(|property| !violated.contains(property));
    let missing = missing.map(|property| {
        if unfinished {
            format!("`{property}` is expected and was not found so far")
        } else {
            format!("`{property}` was expected and did not happen")
        }
    });
    let extra = unexpected(expectation, violated).map(not_expected);
    missing.chain(extra).collect()
}

/// What is said of a violation that was not expected.
pub(crate) fn not_expected(property: Property) -> String {
    format!("`{property}` was not expected")
}

/// The violations that an expectation does not have.
fn unexpected(expectation: &Expectation, violated: &[Property]) -> impl Iterator<Item = Property> {
    let listed: &[Property] = match expectation {
        Expectation::Holds => &[],
        Expectation::Violates(listed) => listed,
    };
    // What explains a loss may come with one that is expected, and not alone.
    let excused = |property: &Property| {
        properties::explains(*property) && listed.iter().any(|listed| !properties::explains(*listed))
    };
    violated.iter().copied().filter(move |property| !listed.contains(property) && !excused(property))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_may_come_with_the_loss_and_not_alone() {
        let loss = Expectation::Violates(vec![properties::LOST_WRITE]);
        assert!(surprises(&loss, &[properties::LOST_WRITE, properties::WRONG_ZERO], false).is_empty());
        assert_eq!(surprises(&loss, &[properties::WRONG_ZERO], false).len(), 1);
        assert_eq!(surprises(&Expectation::Holds, &[properties::WRONG_ZERO], false).len(), 1);
        assert_eq!(surprises(&loss, &[properties::LOST_WRITE, properties::DEADLOCK], false).len(), 1);
    }

    /// What was met was met, however little was seen; what was not, may be there.
    #[test]
    fn what_is_violated_or_reached_counts_where_a_limit_stopped_the_search() {
        let file = "title = \"x\"\n[[actor]]\nname = \"a\"\nrun = [\"fsync\"]\n[reach]\nnever = [\"mkwrite\"]\n\
                    [expect]\nnone = [\"deadlock\"]\niomap_valid = \"holds\"\n";
        let scenario = crate::scenario::read("x", file.as_bytes()).expect("a scenario");
        let judged = |design: &str, violated: &[Property], reached: &[Branch], verdict| {
            let design = Design::built_in(design).expect("a design");
            let met = Met { violated, reached, never_succeeded: &[] };
            judge(&scenario, &design, verdict, &met, Seen::Some).as_expected
        };
        assert_eq!(judged("none", &[properties::LOST_WRITE], &[], Verdict::Violates), Some(false));
        assert_eq!(judged("none", &[], &[], Verdict::Incomplete), None);
        assert_eq!(judged("iomap_valid", &[], &[branches::MKWRITE], Verdict::Incomplete), Some(false));
        assert_eq!(judged("iomap_valid", &[], &[], Verdict::Incomplete), None);
    }
}
