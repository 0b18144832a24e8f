//! Scenario files as tests of one's own crate: [`scenario_tests!`](crate::scenario_tests), and what its tests call.
//!
//! The macro writes tests (`macros/`), so that each has its name, can be run by itself, and stands beside others. What a
//! test does is here: the same that `check` does, with what `check` would print as the message of the failure.

use std::path::Path;

use crate::commands::counterexample;
use crate::engine::Engine;
use crate::input::{InputError, walk};
use crate::paint::Paint;
use crate::report::check;
use crate::report::timeline::Look;
use crate::run::{GivenLimits, Job, run_all};
use crate::scenario::{Scenario, read};

#[doc(hidden)]
pub use stalemap_macros::scenario_tests as expand;

/// Makes a `#[test]` of each scenario file (`*.toml`) in a folder and below it, for each design that its `[expect]` names.
///
/// The path is one from the folder of the calling crate's `Cargo.toml`. Folders and files become modules, and designs tests:
/// `scenarios/xfs/t1.toml` under `iomap_valid` is the test `xfs::t1::iomap_valid`. It passes when all was explored, nothing
/// else is violated than the file expects, and a proof is not vacuous. A failure shows what `stalemap check` prints, with the
/// drawing of the least counterexample; a file with errors fails with them.
///
/// ```
/// // In tests/scenarios.rs of a crate with `stalemap` among its dev-dependencies:
/// stalemap::scenario_tests!("scenarios/");
/// # fn main() {}
/// ```
///
/// A file that is changed or removed is noticed by cargo. So is one that is added, if the crate's `build.rs` names the
/// folder; without that the test `every_scenario_has_its_tests` fails until the tests are compiled again.
///
/// ```no_run
/// // build.rs
/// println!("cargo::rerun-if-changed=scenarios");
/// ```
#[macro_export]
macro_rules! scenario_tests {
    ($($folder:tt)*) => {
        $crate::testing::expand!({ $crate } $($folder)*);
    };
}

/// Panics unless what comes of a scenario under a design is what its file expects. `name` is how the file is called in
/// messages.
#[track_caller]
pub fn assert_as_expected(name: &str, source: &[u8], design: &str) {
    if let Err(failure) = as_expected(name, source, design) {
        panic!("{failure}");
    }
}

/// Panics unless a scenario file is right and expects something of a design.
#[track_caller]
pub fn assert_expects_something(name: &str, source: &[u8]) {
    let scenario = read(name, source).unwrap_or_else(|errors| panic!("{}", errors.render(Paint::Plain)));
    assert!(
        !scenario.expected().is_empty(),
        "{name} expects nothing of any design; `[expect]` with `iomap_valid = \"holds\"` would"
    );
}

/// Panics if the folder `folder` of the crate at `root` has a scenario file that is not `listed`. A folder that is not
/// there any more has none.
#[track_caller]
pub fn assert_complete(root: &str, folder: &str, listed: &[&str]) {
    let root = Path::new(root);
    let files = walk(&root.join(folder)).unwrap_or_default();
    let listed: Vec<_> = listed.iter().map(|name| root.join(name)).collect();
    let added: Vec<String> =
        files.iter().filter(|file| !listed.contains(file)).map(|file| file.display().to_string()).collect();
    assert!(
        added.is_empty(),
        "no tests yet of {}: compile the tests again, or let build.rs do it: \
         println!(\"cargo::rerun-if-changed={folder}\")",
        added.join(", ")
    );
}

fn as_expected(name: &str, source: &[u8], design: &str) -> Result<(), String> {
    let scenario = read(name, source).map_err(|errors| errors.render(Paint::Plain))?;
    let implementation = scenario
        .implementation(design)
        .ok_or_else(|| format!("{name}: there is no design or kernel `{design}`"))?;
    let jobs = [Job { scenario: &scenario, implementation, engine: Engine::Exhaustive }];
    let mut ran = run_all(&jobs, GivenLimits::default(), 1, &|_| ()).into_iter();
    ran.try_for_each(|outcome| {
        let outcome = outcome.map_err(|error| InputError::from(error).to_string())?;
        if outcome.judgement.as_expected == Some(true) && outcome.limits_hit.is_empty() {
            return Ok(());
        }
        let line = check::line(&outcome, (0, 0), None);
        let drawing = counterexample(std::slice::from_ref::<Scenario>(&scenario), &outcome, Look::mail());
        Err(anstream::adapter::strip_str(&format!("{line}\n{drawing}")).to_string())
    })
}
