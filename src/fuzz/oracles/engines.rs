//! The engines agree, where loom or shuttle comes to an end.

use stalemap_explore::Limits;

use super::case::{Answer, Case};
use crate::agree::{Difference, agree};
use crate::run::RunError;

/// They take an execution for each run, where the exhaustive engine takes a state.
const MOST_STATES: u64 = 120;

/// Executions after which they have not finished.
const EXECUTIONS: u64 = 400;

pub(super) fn ask(case: Case<'_>) -> Result<Answer, RunError> {
    let Some(job) = case.drawn.job().ok().filter(|_| case.found.statistics.states <= MOST_STATES) else {
        return Ok(Answer::NotAsked);
    };
    // They know of no bound of preemptions.
    let agreement = agree(&job, EXECUTIONS, &Limits { preemptions: None, ..case.limits.clone() })?;
    Ok(said(&agreement.differences))
}

fn said(differences: &[Difference]) -> Answer {
    let said: Vec<String> =
        differences.iter().map(|found| format!("{} finds {}", found.engine, found.what)).collect();
    if said.is_empty() { Answer::Holds } else { Answer::Broken(said.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told() {
        let what = "no final state that the exhaustive engine reaches".to_owned();
        let difference = Difference { engine: "loom", what, schedule: None };
        assert_eq!(said(&[]), Answer::Holds);
        assert!(matches!(said(&[difference]), Answer::Broken(what) if what.starts_with("loom finds no")));
    }
}
