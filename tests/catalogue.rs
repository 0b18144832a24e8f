//! One test for each shipped scenario and design: the verdict is what the file expects, and not vacuous.
//!
//! Found from the files, so that a scenario that is added is tested without anybody thinking of it.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use stalemap::engine::Engine;
use stalemap::run::{GivenLimits, Job, run_all};
use stalemap::scenario::{Scenario, catalogue, read};
use stalemap_model::words::design::Design;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (name, source) in catalogue::all() {
        match read(&name, source.as_bytes()) {
            Ok(scenario) => {
                let designs = scenario.expected_designs();
                if designs.is_empty() {
                    let failed = format!("{name} expects nothing of any design");
                    trials.push(Trial::test(format!("{name}::expectations"), move || {
                        Err(Failed::from(failed))
                    }));
                }
                for design in designs {
                    let scenario = scenario.clone();
                    trials.push(Trial::test(format!("{name}::{design}"), move || decide(&scenario, &design)));
                }
            }
            Err(diagnostics) => {
                let rendered = diagnostics.render(false);
                trials.push(Trial::test(format!("{name}::reads"), move || Err(Failed::from(rendered))));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn decide(scenario: &Scenario, design: &str) -> Result<(), Failed> {
    let design: Design = scenario.design(design).ok_or("no such design")?;
    let jobs = [Job { scenario, design, engine: Engine::Exhaustive }];
    let outcomes = run_all(&jobs, GivenLimits::default(), 1, &|_| ());
    let outcome = outcomes.into_iter().next().ok_or("no outcome")??;
    if outcome.judgement.as_expected == Some(true) && outcome.limits_hit.is_empty() {
        return Ok(());
    }
    let said = outcome.judgement.reasons.join("; ");
    Err(format!(
        "{} ({:?}): {said}; limits {:?}",
        outcome.verdict.name(),
        outcome.violated,
        outcome.limits_hit
    )
    .into())
}
