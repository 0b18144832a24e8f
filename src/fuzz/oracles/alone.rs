//! One actor that does all of it, one call after the other, leaves what it would leave in a file of plain bytes, on every file system. What
//! is lost then is judged by other means.

use stalemap_explore::Exploration;
use stalemap_model::words::config::Config;

use super::case::{Answer, Case};
use crate::fuzz::plain::PlainFiles;
use crate::fuzz::recipe::{Call, Player, Recipe, Word};
use crate::fuzz::trial::{job, refused, scenario};
use crate::run::RunError;

/// Calls that do not do what they say, or of which it is open when they do it.
const NOT_PLAIN: [&str; 5] = ["@fail", "@short", "@kill", "@crash", "shutdown"];

pub(super) fn ask(case: Case<'_>) -> Result<Answer, RunError> {
    let recipe = &case.drawn.recipe;
    let text = recipe.text();
    if NOT_PLAIN.iter().any(|word| text.contains(word)) {
        return Ok(Answer::NotAsked);
    }
    let recipe = alone(recipe);
    let Ok(scenario) = scenario(&recipe, &case.drawn.scenario.name) else { return Ok(Answer::NotAsked) };
    let Ok(job) = job(&scenario, case.drawn.under.name()) else { return Ok(Answer::NotAsked) };
    let found = match job.exploration(case.limits) {
        Ok(found) => found,
        Err(error) => return refused(error).map(|_| Answer::NotAsked),
    };
    if !found.is_complete() || found.violated != 0 {
        return Ok(Answer::NotAsked);
    }
    let config = scenario.config_of(job.implementation.clone());
    Ok(left(&config, recipe.observed.1).map_or(Answer::NotAsked, |expected| leaves(&found, &expected)))
}

/// One actor that does what all do, and waits for each of it.
fn alone(recipe: &Recipe) -> Recipe {
    let mut mapped = vec![false; recipe.files.len()];
    let mut run: Vec<Call> = Vec::new();
    for call in recipe.players.iter().flat_map(|player| &player.run) {
        let says =
            |what: &str| matches!(&call.words[..], [Word::Plain(plain), ..] if plain.starts_with(what));
        if says("@wait") || says("mmap") && std::mem::replace(&mut mapped[call.file], true) {
            continue;
        }
        let mut call = call.clone();
        for word in &mut call.words {
            if let Word::Plain(plain) = word {
                *plain = plain.replace("@aio", "@direct");
            }
        }
        run.push(call);
    }
    let fields = recipe.fields.iter().copied().filter(|field| field.starts_with("allocator")).collect();
    let players = vec![Player { name: "alone".to_owned(), run }];
    Recipe { fields, players, ..recipe.clone() }
}

/// What files of plain bytes contain then; `None` where that is open.
fn left(config: &Config, bytes: u64) -> Option<Vec<String>> {
    let geometry = config.geometry().ok()?;
    let files = config.files.len();
    let mut plain = if config.fs.unnoted().base == "zonefs" {
        PlainFiles::fixed(files, config.block, u64::from(geometry.folios()) * geometry.folio_size())
    } else {
        PlainFiles::new(files, config.block)
    };
    let run = config.setup.iter().chain(config.actors.iter().flat_map(|actor| &actor.run));
    run.for_each(|call| plain.run(call));
    if plain.stored_behind() { None } else { plain.show(&geometry, bytes) }
}

fn leaves(found: &Exploration, expected: &[String]) -> Answer {
    for observed in found.outcomes.keys() {
        let values: Vec<&str> = observed
            .split(';')
            .filter_map(|file| file.split_once('='))
            .map(|(_, values)| values.trim())
            .collect();
        if values != expected {
            return Answer::Broken(format!("it leaves {values:?}, and files of bytes {expected:?}"));
        }
    }
    Answer::Holds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::{drawn, limits};

    #[test]
    fn other_contents_are_noticed() {
        let (_, found) = drawn(1, 1);
        let observed = found.outcomes.keys().next().expect("an end");
        let values: Vec<String> = observed
            .split(';')
            .filter_map(|file| file.split_once('='))
            .map(|(_, values)| values.trim().to_owned())
            .collect();
        let mut one = found.clone();
        one.outcomes.retain(|other, _| other == observed);
        assert_eq!(leaves(&one, &values), Answer::Holds);
        one.outcomes.insert("0-8k=ee".to_owned(), 1);
        assert!(matches!(leaves(&one, &values), Answer::Broken(_)));
    }

    #[test]
    fn most_scenarios_can_be_asked() {
        let limits = limits();
        let answers: Vec<Answer> = (0..60)
            .map(|number| {
                let (drawn, found) = drawn(4, number);
                ask(Case { drawn: &drawn, found: &found, limits: &limits }).expect("a sound model")
            })
            .collect();
        let asked = answers.iter().filter(|answer| **answer != Answer::NotAsked).count();
        assert!(asked > 20, "{asked}");
        assert!(answers.iter().all(|answer| !matches!(answer, Answer::Broken(_))), "{answers:?}");
    }
}
