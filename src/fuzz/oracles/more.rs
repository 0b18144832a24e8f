//! Who writes back and reclaims beside the others only adds: it may do so when all is over, and then everything is as it was without.

use super::case::{Answer, Case};
use super::compared::includes;
use crate::fuzz::recipe::{Call, Player, Recipe};
use crate::run::RunError;

pub(super) fn ask(case: Case<'_>) -> Result<Answer, RunError> {
    let recipe = &case.drawn.recipe;
    // Power is lost, too, when this one has written something back.
    if recipe.text().contains("@crash") {
        return Ok(Answer::NotAsked);
    }
    let more = case.other(&with_cleaner(recipe))?;
    Ok(more.map_or(Answer::NotAsked, |more| includes(&more, case.found)))
}

fn with_cleaner(recipe: &Recipe) -> Recipe {
    let mut more = recipe.clone();
    let reach = recipe.reach().next_multiple_of(recipe.folio);
    let run = vec![Call::new(0, "sync_range -w").on(0, reach), Call::new(0, "@reclaim").on(0, reach)];
    more.players.push(Player { name: "cleaner".to_owned(), run });
    more
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::{drawn, limits};

    #[test]
    fn what_is_there_without_alone_is_noticed() {
        let (drawn, mut found) = drawn(1, 4);
        let limits = limits();
        let holds = ask(Case { drawn: &drawn, found: &found, limits: &limits }).expect("a sound model");
        assert_eq!(holds, Answer::Holds);
        found.outcomes.insert("0-8k=ee".to_owned(), 1);
        let answer = ask(Case { drawn: &drawn, found: &found, limits: &limits }).expect("a sound model");
        assert!(matches!(answer, Answer::Broken(_)), "{answer:?}");
    }
}
