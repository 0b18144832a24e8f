//! A folio further behind everything is the same, with a hole in front.

use std::collections::BTreeSet;

use stalemap_explore::Exploration;
use stalemap_model::words::geometry::Geometry;

use super::case::{Answer, Case};
use super::compared::violated;
use crate::fuzz::recipe::Recipe;
use crate::fuzz::trial::{job, scenario};
use crate::run::RunError;

/// File systems on which a hole in front is nothing: elsewhere files have a fixed size.
const WITH_HOLES: [&str; 5] = ["xfs", "xfs-zoned", "gfs2", "gfs2-jdata", "ext4-iomap"];

/// What names the file as a whole, or what lies in front of it. Copies that may end wherever the file is cut: the hole in front is made by a
/// truncate, with which all blocks are cut alike. And I/O that fails piece by piece: which blocks lie in one piece depends on where they are.
const OF_THE_WHOLE: [&str; 5] = ["seek", "@copy_sparse", "fcollapse", "short_copies", "io_errors"];

pub(super) fn ask(case: Case<'_>) -> Result<Answer, RunError> {
    let recipe = &case.drawn.recipe;
    let text = recipe.text();
    let whole = OF_THE_WHOLE.iter().any(|word| text.contains(word));
    // Copies are allocated by a hint that counts from the beginning of the file.
    if !WITH_HOLES.contains(&recipe.personality) || recipe.files.len() > 1 || whole {
        return Ok(Answer::NotAsked);
    }
    let shifted = recipe.shifted(recipe.folio);
    let Some(found) = case.other(&shifted)? else { return Ok(Answer::NotAsked) };
    if found.violated != case.found.violated {
        let (here, there) = (violated(case.found), violated(&found));
        return Ok(Answer::Broken(format!("{here} are violated, and {there} behind")));
    }
    let under = case.drawn.under.name();
    let (Some(here), Some(there)) = (contents(recipe, under, case.found), contents(&shifted, under, &found))
    else {
        return Ok(Answer::NotAsked);
    };
    let only = here.symmetric_difference(&there).next();
    Ok(only.map_or(Answer::Holds, |only| {
        Answer::Broken(format!("in one of the places alone files contain `{only}`"))
    }))
}

/// What the file may contain, so many bytes of each value: the two are not cut alike.
fn contents(recipe: &Recipe, under: &str, found: &Exploration) -> Option<BTreeSet<String>> {
    let scenario = scenario(recipe, "cut").ok()?;
    let implementation = job(&scenario, under).ok()?.implementation;
    let geometry = scenario.config_of(implementation).geometry().ok()?;
    found.outcomes.keys().map(|observed| by_bytes(observed, recipe.observed.0, &geometry)).collect()
}

fn by_bytes(observed: &str, start: u64, geometry: &Geometry) -> Option<String> {
    let (_, values) = observed.trim_end_matches([';', ' ']).split_once('=')?;
    let mut runs: Vec<(u64, &str)> = Vec::new();
    for (cell, value) in (geometry.cell_at(start)..geometry.cells()).zip(values.split_whitespace()) {
        let bytes = geometry.byte_at(cell + 1) - geometry.byte_at(cell);
        match runs.last_mut().filter(|(_, last)| *last == value) {
            Some((before, _)) => *before += bytes,
            None => runs.push((bytes, value)),
        }
    }
    let said: Vec<String> = runs.iter().map(|(bytes, value)| format!("{bytes} of {value}")).collect();
    Some(said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::{drawn, limits};
    use stalemap_model::judge::properties::LOST_WRITE;

    #[test]
    fn what_is_lost_in_one_place_alone_is_noticed() {
        let asked = (0..100).find_map(|number| {
            let (drawn, found) = drawn(2, number);
            let limits = limits();
            let answer = ask(Case { drawn: &drawn, found: &found, limits: &limits }).expect("a sound model");
            (answer != Answer::NotAsked).then_some((drawn, found, answer))
        });
        let (drawn, mut found, answer) = asked.expect("one that can be asked");
        assert_eq!(answer, Answer::Holds);
        found.violated ^= LOST_WRITE.bit();
        let limits = limits();
        let answer = ask(Case { drawn: &drawn, found: &found, limits: &limits }).expect("a sound model");
        assert!(matches!(answer, Answer::Broken(_)), "{answer:?}");
    }
}
