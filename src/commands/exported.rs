//! `lab xfstests`: the test that is exported of a schedule, run on a real kernel.

use std::path::Path;

use stalemap_model::words::personality::FsType;

use super::booted::{keep, lacking, release, variant};
use super::replay::{Loaded, load_lean_text};
use super::{Exit, Report, Result, Stop};
use crate::cli::lab::{LabXfstestsArgs, ResultFormat};
use crate::engine::Engine;
use crate::input::{self, Named};
use crate::lab::guest::Store;
use crate::lab::planner::Subject;
use crate::lab::variant::Variant;
use crate::lab::xfstests::{self, Ended, Test};
use crate::report::export::xfstests as exported;
use crate::report::results::xfstests as shown;
use crate::run::{GivenLimits, Job, run_all};
use crate::scenario::{Expectation, Scenario};

pub(super) fn command(args: &LabXfstestsArgs) -> Result<Report> {
    let (release, variant) = (release(&args.kernel)?, variant(args.design.as_deref())?);
    let loaded = given(&args.path)?;
    let (scenario, about) = (&loaded.scenario, &loaded.schedule.about);
    let subject = Subject::new(scenario, release, variant).ok_or_else(|| {
        let (name, kernel) = (&about.scenario, release.kernel());
        Stop::other(format!(
            "{name}: the model has no such file system for {kernel}, so there is nothing to boot"
        ))
    })?;
    let violates = match about.property.map(|property| subject.violates(property)).transpose() {
        Ok(violates) => violates.flatten(),
        Err(error) => return Err(Stop::Defect(error.to_string())),
    };
    let exported::Test { script, is_loop } = loaded.xfstest()?;
    // A loop that has not met the order says nothing.
    let violates = violates.filter(|violates| !(*violates && is_loop));
    if let Some(why) = beforehand(scenario, variant) {
        return Err(Stop::other(format!("{}: {why}", about.scenario)));
    }
    let store = Store::fetched().map_err(|error| lacking(&error))?;
    let kernel = store.kernel(&args.kernel).map_err(|error| lacking(&error))?;
    let test = Test { script: &script, output: &exported::output(), wrong: exported::WRONG };
    let results = xfstests::run(&store, &kernel, variant.design(), test).map_err(|error| lacking(&error))?;
    if let Some(folder) = &args.keep {
        keep(folder, ("NNN", &script), &results.left)?;
    }
    let played = shown::Exported { about, variant, violates };
    let said = match args.format {
        ResultFormat::Text => shown::text(&played, &results),
        ResultFormat::Jsonl => shown::jsonl(&played, &results),
    };
    Ok(Report::of(said, exit_of(&results.ended, violates)))
}

/// Why the test would not run in any guest.
fn beforehand(scenario: &Scenario, variant: Variant) -> Option<&'static str> {
    if scenario.fs.fs_type != FsType::Xfs {
        return Some("the tests are of XFS, whose error tags they need");
    }
    (variant == Variant::Stock).then_some(
        "`--design` is needed: the kernel as it is has no error tags; `iomap_valid` is its own check with them",
    )
}

/// A test fails, by wrong contents, on a kernel that violates the property, and passes on one that does not.
fn exit_of(ended: &Ended, violates: Option<bool>) -> Exit {
    match (ended, violates) {
        (Ended::NotRun(_) | Ended::Broken(_), _) => Exit::Incomplete,
        (Ended::Failed { wrong_contents: true, .. }, Some(true) | None)
        | (Ended::Passed, Some(false) | None) => Exit::Expected,
        (Ended::Failed { .. } | Ended::Passed, _) => Exit::Unexpected,
    }
}

/// The schedule that is named, or a counterexample of the scenario that is.
fn given(path: &Path) -> Result<Loaded> {
    let scenario = match input::either(path)? {
        Named::Scenario(scenario) => scenario,
        Named::Schedule(text) => return load_lean_text(&input::shown(path), &text),
    };
    let schedule = counterexample(&scenario)?;
    load_lean_text(&format!("{} (its counterexample)", scenario.name), &schedule)
}

/// The schedule of a counterexample to what the scenario's file expects to be broken first.
fn counterexample(scenario: &Scenario) -> Result<String> {
    let none = || {
        Stop::other(format!(
            "{}: its file expects nothing to be broken, so there is no test of it; name a schedule, which \
             `stalemap check --save DIR` writes",
            scenario.name
        ))
    };
    let broken = |name: &String| matches!(scenario.expect.get(name), Some(Expectation::Violates(_)));
    let expected = scenario.expected();
    let name = expected.iter().find(|name| broken(name)).ok_or_else(none)?;
    let implementation = scenario.implementation(name).ok_or_else(none)?;
    let job = Job { scenario, implementation, engine: Engine::Exhaustive };
    let mut outcomes = run_all(&[job], GivenLimits::default(), 1, &|_| {});
    let outcome = outcomes.pop().ok_or_else(none)?.map_err(|error| Stop::other(error.to_string()))?;
    let shown = outcome.counterexample.ok_or_else(none)?;
    Ok(shown.schedule.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_as_expected_if_it_agrees_with_the_model() {
        let failed = |wrong_contents| Ended::Failed { wrong_contents, diff: String::new() };
        for (ended, violates, exit) in [
            (Ended::Passed, Some(false), Exit::Expected),
            (Ended::Passed, Some(true), Exit::Unexpected),
            (failed(true), Some(true), Exit::Expected),
            (failed(true), Some(false), Exit::Unexpected),
            (failed(false), Some(true), Exit::Unexpected),
            (failed(false), None, Exit::Unexpected),
            (Ended::NotRun(String::new()), Some(true), Exit::Incomplete),
            (Ended::Broken(String::new()), Some(false), Exit::Incomplete),
        ] {
            assert_eq!(exit_of(&ended, violates), exit, "{ended:?}, {violates:?}");
        }
    }
}
