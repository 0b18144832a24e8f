//! A run and its repeat are identical, to the last state.

use stalemap_explore::Exploration;

use super::case::{Answer, Case};
use crate::run::RunError;

pub(super) fn ask(case: Case<'_>) -> Result<Answer, RunError> {
    Ok(case.other(&case.drawn.recipe)?.map_or(Answer::NotAsked, |again| identical(case.found, &again)))
}

fn identical(one: &Exploration, again: &Exploration) -> Answer {
    if one == again {
        return Answer::Holds;
    }
    let (first, second) = (one.statistics, again.statistics);
    Answer::Broken(format!(
        "{} states, {} transitions; then {} states, {} transitions",
        first.states, first.transitions, second.states, second.transitions
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::drawn;

    #[test]
    fn another_state_is_noticed() {
        let (_, found) = drawn(1, 2);
        assert_eq!(identical(&found, &found.clone()), Answer::Holds);
        let mut other = found.clone();
        other.final_states.insert(7);
        assert!(matches!(identical(&found, &other), Answer::Broken(_)));
    }
}
