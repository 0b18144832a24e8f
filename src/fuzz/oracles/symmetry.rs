//! In which order actors stand in the file, how they are called, and who stands by, does not matter.

use super::case::{Answer, Case};
use super::compared::{Equal, same};
use crate::fuzz::recipe::Recipe;
use crate::run::RunError;

/// The actors the other way round.
pub(super) fn order(case: Case<'_>) -> Result<Answer, RunError> {
    with(case, &case.drawn.recipe.reversed(), Equal::States)
}

/// The actors under other names.
pub(super) fn names(case: Case<'_>) -> Result<Answer, RunError> {
    with(case, &case.drawn.recipe.renamed(), Equal::States)
}

/// An actor that touches nothing.
pub(super) fn bystander(case: Case<'_>) -> Result<Answer, RunError> {
    with(case, &case.drawn.recipe.with_bystander(), Equal::Results)
}

fn with(case: Case<'_>, other: &Recipe, equal: Equal) -> Result<Answer, RunError> {
    Ok(case.other(other)?.map_or(Answer::NotAsked, |other| same(case.found, &other, equal)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::{drawn, limits};

    /// Who does more is no bystander, and not the same under another name.
    #[test]
    fn an_actor_that_does_something_is_noticed() {
        let (drawn, found) = drawn(1, 5);
        let limits = limits();
        let case = Case { drawn: &drawn, found: &found, limits: &limits };
        for ask in [order, names, bystander] {
            assert_eq!(ask(case).expect("a sound model"), Answer::Holds, "{}", drawn.recipe.text());
        }
        let mut other = drawn.recipe.with_bystander();
        let wait = other.players.pop().expect("a bystander");
        let mut busy = drawn.recipe.clone();
        busy.players.push(wait);
        busy.players[0].run.clear();
        busy.players[0].run.push(crate::fuzz::recipe::Call::new(0, "pwrite -S 0xee").on(0, 512));
        assert!(matches!(with(case, &busy, Equal::Results).expect("a sound model"), Answer::Broken(_)));
    }
}
