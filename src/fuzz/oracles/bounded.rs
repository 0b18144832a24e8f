//! A run that a limit stopped never holds, and finds nothing that all runs do not have.

use stalemap_explore::{Exploration, Limits};

use super::case::{Answer, Case};
use crate::fuzz::trial::verdict;
use crate::run::RunError;
use crate::verdict::Verdict;

/// Fewer states cannot be halved.
const LEAST_STATES: u64 = 4;

pub(super) fn ask(case: Case<'_>) -> Result<Answer, RunError> {
    let states = case.found.statistics.states;
    let Some(job) = case.drawn.job().ok().filter(|_| states >= LEAST_STATES) else {
        return Ok(Answer::NotAsked);
    };
    let limits = Limits { states: Some(states / 2), ..case.limits.clone() };
    Ok(honest(&job.exploration(&limits)?, case.found))
}

fn honest(bounded: &Exploration, all: &Exploration) -> Answer {
    if bounded.is_complete() || verdict(bounded) == Verdict::Holds {
        return Answer::Broken("it says that all was explored".to_owned());
    }
    if bounded.violated & !all.violated != 0 {
        return Answer::Broken("it violates what all runs do not".to_owned());
    }
    Answer::Holds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::drawn;
    use stalemap_explore::LimitHit;
    use stalemap_model::judge::properties::LOST_WRITE;

    #[test]
    fn who_says_more_than_was_explored_is_noticed() {
        let (_, found) = drawn(1, 3);
        assert!(matches!(honest(&found, &found), Answer::Broken(_)), "nothing bit");
        let mut bounded = found.clone();
        bounded.limits_hit.insert(LimitHit::States);
        assert_eq!(honest(&bounded, &found), Answer::Holds);
        bounded.violated = !found.violated & LOST_WRITE.bit();
        assert!(matches!(honest(&bounded, &found), Answer::Broken(_)));
    }
}
