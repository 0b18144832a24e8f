//! JUnit XML, as build servers read it: a scenario is a suite, a design a test case.
//!
//! A verdict that is not as the file expects is a failure, with the counterexample as its text; one that is not decided
//! is skipped and says so, since it neither holds nor violates anything.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::report::check;
use crate::run::Outcome;
use crate::run::is_surprising;
use crate::times::Times;
use crate::verdict::Verdict;

/// The report of `check`; `drawing` draws the counterexample of an outcome.
pub fn report(
    outcomes: &[Outcome],
    times: Times,
    drawing: impl Fn(&Outcome) -> String,
) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("stalemap");
    let mut suites: Vec<(&str, TestSuite)> = Vec::new();
    for outcome in outcomes {
        let case = case(outcome, times, &drawing);
        if let Some((_, suite)) = suites.iter_mut().find(|(name, _)| *name == outcome.scenario) {
            suite.add_test_case(case);
        } else {
            let mut suite = TestSuite::new(outcome.scenario.clone());
            suite.add_test_case(case);
            suites.push((&outcome.scenario, suite));
        }
    }
    report.add_test_suites(suites.into_iter().map(|(_, suite)| suite));
    Ok(as_jenkins_reads_it(&report.to_string()?))
}

/// Without the number of skipped cases of all suites: a suite may have it and the whole may not, in the schema of Jenkins
/// (junit-10.xsd of its plugin xunit).
fn as_jenkins_reads_it(text: &str) -> String {
    let Some((before, tag)) = text.split_once("<testsuites ") else { return text.to_owned() };
    let Some((tag, after)) = tag.split_once('>') else { return text.to_owned() };
    let attributes = tag.split(' ').filter(|attribute| !attribute.starts_with("skipped="));
    format!("{before}<testsuites {}>{after}", attributes.collect::<Vec<_>>().join(" "))
}

fn case(outcome: &Outcome, times: Times, drawing: impl Fn(&Outcome) -> String) -> TestCase {
    let verdict = check::verdict(outcome);
    let said = std::iter::once(verdict.clone()).chain(outcome.judgement.reasons.iter().cloned());
    let message = said.collect::<Vec<_>>().join("; ");
    let status = if is_surprising(outcome) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(outcome.verdict.name()).set_message(message).set_description(drawing(outcome));
        status
    } else if outcome.verdict == Verdict::Incomplete || !outcome.limits_hit.is_empty() {
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("{message}; {}", check::stopped_by(&outcome.limits_hit)));
        status
    } else {
        TestCaseStatus::success()
    };
    let mut case = TestCase::new(outcome.design.clone(), status);
    case.set_classname(outcome.scenario.clone()).set_system_out(verdict);
    if times == Times::Said {
        case.set_time(outcome.elapsed);
    }
    case
}
