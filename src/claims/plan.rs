//! The runs that claims need: each scenario under each name once, whatever number of claims asks for it.

use std::collections::BTreeSet;

use stalemap_model::words::command::FileId;
use stalemap_model::words::config::FileRange;
use stalemap_model::words::design::Design;

use super::file::{Claim, ClaimError, Run};
use crate::engine::Engine;
use crate::run::Job;
use crate::scenario::{Scenario, catalogue, read};

/// The scenarios that claims are decided by.
pub struct Plan {
    scenarios: Vec<Scenario>,
    /// Scenario and what it runs under.
    pairs: BTreeSet<(String, String)>,
}

impl Plan {
    /// What these claims need.
    ///
    /// # Errors
    ///
    /// If one names a scenario, a design or a kernel that there is not, or that do not fit.
    pub fn of(claims: &[&Claim]) -> Result<Self, ClaimError> {
        let mut pairs = BTreeSet::new();
        let mut compared = BTreeSet::new();
        let mut scenarios: Vec<Scenario> = Vec::new();
        for claim in claims {
            for run in &claim.runs {
                for name in &run.scenarios {
                    if scenarios.iter().all(|known| known.name != *name) {
                        scenarios.push(scenario(claim, name)?);
                    }
                    compared.extend(run.beside().map(|_| name.clone()));
                    pairs.extend(names(run).map(|under| (name.clone(), under.to_owned())));
                }
            }
        }
        for scenario in scenarios.iter_mut().filter(|scenario| compared.contains(&scenario.name)) {
            observe_everything(scenario);
        }
        let plan = Plan { scenarios, pairs };
        for claim in claims {
            plan.check(claim)?;
        }
        Ok(plan)
    }

    /// The jobs, in the order of their names.
    pub fn jobs(&self) -> Vec<Job<'_>> {
        let job = |(name, under): &(String, String)| {
            let scenario = self.scenario(name)?;
            let implementation = scenario.implementation(under)?;
            Some(Job { scenario, implementation, engine: Engine::Exhaustive })
        };
        self.pairs.iter().filter_map(job).collect()
    }

    /// One of its scenarios.
    pub fn scenario(&self, name: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.name == name)
    }

    /// Whether everything that a claim names can run.
    fn check(&self, claim: &Claim) -> Result<(), ClaimError> {
        for run in &claim.runs {
            let scenarios = run.scenarios.iter().filter_map(|name| self.scenario(name));
            for (scenario, under) in
                scenarios.flat_map(|scenario| names(run).map(move |name| (scenario, name)))
            {
                let problem = match scenario.implementation(under) {
                    None => Some(format!("there is no design or kernel `{under}`")),
                    Some(found) => scenario.refused_by(&found).map(|why| format!("{under} {why}")),
                };
                if let Some(problem) = problem {
                    return Err(error(claim, &format!("{}: {problem}", scenario.name)));
                }
            }
        }
        Ok(())
    }
}

/// What a run is under, and what that is compared with.
fn names(run: &Run) -> impl Iterator<Item = &str> {
    run.under.iter().map(String::as_str).chain(run.beside())
}

fn scenario(claim: &Claim, name: &str) -> Result<Scenario, ClaimError> {
    let (name, source) = catalogue::find(name).map_err(|unknown| error(claim, &unknown.to_string()))?;
    read(&name, source.as_bytes()).map_err(|errors| error(claim, &errors.to_string()))
}

/// What two runs leave is compared in all of all files, whatever the scenario's file asks for.
fn observe_everything(scenario: &mut Scenario) {
    let Some(design) = Design::BUILT_IN.first().and_then(|name| Design::built_in(name)) else { return };
    let Ok(geometry) = scenario.config(design).geometry() else { return };
    let end = u64::from(geometry.folios()) * geometry.folio_size();
    let whole = |file| FileRange { file: file as FileId, range: 0..end };
    scenario.observe.extend((0..scenario.files.len()).map(whole));
}

fn error(claim: &Claim, problem: &str) -> ClaimError {
    ClaimError { file: format!("{:02}", claim.number), problem: problem.to_owned() }
}
