//! Memory that reorders only adds to what sequentially consistent memory has.

use stalemap_facade::MemoryModel;

use super::case::{Answer, Case};
use super::compared::includes;
use crate::fuzz::trial::job;
use crate::run::RunError;
use crate::scenario::Scenario;

/// It multiplies states.
const MOST_STATES: u64 = 500;

pub(super) fn ask(case: Case<'_>) -> Result<Answer, RunError> {
    if case.found.statistics.states > MOST_STATES {
        return Ok(Answer::NotAsked);
    }
    let scenario = Scenario { memory: MemoryModel::Relaxed, ..case.drawn.scenario.clone() };
    let Ok(job) = job(&scenario, case.drawn.under.name()) else { return Ok(Answer::NotAsked) };
    let relaxed = job.exploration(case.limits)?;
    Ok(if relaxed.is_complete() { includes(&relaxed, case.found) } else { Answer::NotAsked })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::{drawn, limits};

    #[test]
    fn what_is_there_in_order_alone_is_noticed() {
        let limits = limits();
        let asked = (0..100).find_map(|number| {
            let (drawn, found) = drawn(3, number);
            let answer = ask(Case { drawn: &drawn, found: &found, limits: &limits }).expect("a sound model");
            (answer != Answer::NotAsked).then_some((drawn, found, answer))
        });
        let (drawn, mut found, answer) = asked.expect("a small one");
        assert_eq!(answer, Answer::Holds);
        found.outcomes.insert("0-8k=ee".to_owned(), 1);
        let answer = ask(Case { drawn: &drawn, found: &found, limits: &limits }).expect("a sound model");
        assert!(matches!(answer, Answer::Broken(_)), "{answer:?}");
    }
}
