//! On XFS, the two designs that check after the folio is locked leave the same contents.

use stalemap_explore::Exploration;

use super::case::{Answer, Case};
use super::compared::contents;
use crate::fuzz::under::Under;
use crate::run::RunError;

pub(super) fn ask(case: Case<'_>) -> Result<Answer, RunError> {
    let recipe = &case.drawn.recipe;
    if recipe.personality != "xfs" {
        return Ok(Answer::NotAsked);
    }
    let under = |design| case.other_under(recipe, Under::Design(design));
    let (Some(one), Some(other)) = (under("iomap_valid")?, under("get_folio")?) else {
        return Ok(Answer::NotAsked);
    };
    Ok(leave_the_same(&one, &other))
}

fn leave_the_same(one: &Exploration, other: &Exploration) -> Answer {
    let (ours, theirs) = (contents(one), contents(other));
    let only = ours.symmetric_difference(&theirs).next();
    only.map_or(Answer::Holds, |only| Answer::Broken(format!("one of them alone leaves `{only}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::drawn;

    #[test]
    fn what_one_of_them_leaves_alone_is_noticed() {
        let (_, found) = drawn(1, 6);
        assert_eq!(leave_the_same(&found, &found), Answer::Holds);
        let mut other = found.clone();
        other.outcomes.insert("0-8k=ee".to_owned(), 1);
        assert!(matches!(leave_the_same(&found, &other), Answer::Broken(_)));
    }
}
