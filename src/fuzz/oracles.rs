//! What must hold of any scenario, whatever it loses. Each is a file beneath, and takes its turn: a scenario is asked what its number says.

mod alone;
mod bounded;
mod compared;
mod designs;
mod engines;
mod memory;
mod more;
mod repeat;
mod shifted;
mod symmetry;

use std::collections::BTreeMap;

use stalemap_explore::{Exploration, Limits};

use super::trial::{Drawn, exploration, job, refused, scenario};
use super::under::Under;
use crate::fuzz::recipe::Recipe;
use crate::run::RunError;

/// Scenarios with more states are not asked: what else is explored for an answer may be a multiple of that.
const MOST_STATES: u64 = 4_000;

/// Which scenarios are asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sample {
    /// None.
    Nothing,
    /// Each question of one in so many, by its number.
    #[default]
    Some,
}

/// Something that must hold and does not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// What.
    pub oracle: &'static str,
    /// Whether it is about the engine, and not about the model.
    pub defect: bool,
    /// Of which number.
    pub number: u64,
    /// Under what.
    pub under: &'static str,
    /// In what, in words.
    pub what: String,
    /// The scenario.
    pub source: String,
}

/// What was asked of a scenario, and came out wrong.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// How often each was asked and answered.
    pub times: BTreeMap<&'static str, u64>,
    /// What does not hold.
    pub broken: Vec<Broken>,
}

/// A scenario that was explored completely.
#[derive(Clone, Copy)]
struct Case<'c> {
    drawn: &'c Drawn,
    found: &'c Exploration,
    limits: &'c Limits,
}

/// What an oracle says.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Answer {
    /// It is as it must be.
    Holds,
    /// It is not; in what.
    Broken(String),
    /// It cannot be asked here.
    NotAsked,
}

/// Something to ask.
struct Oracle {
    name: &'static str,
    /// Whether it is about the engine, and not about the model.
    defect: bool,
    /// One in so many scenarios is asked.
    every: u64,
    ask: fn(Case<'_>) -> Result<Answer, RunError>,
}

const ORACLES: [Oracle; 11] = [
    Oracle { name: "a repeat is identical", defect: true, every: 16, ask: repeat::ask },
    Oracle { name: "a bounded run never holds", defect: true, every: 16, ask: bounded::ask },
    Oracle { name: "the order of actors does not matter", defect: true, every: 8, ask: symmetry::order },
    Oracle { name: "the names of actors do not matter", defect: true, every: 16, ask: symmetry::names },
    Oracle { name: "a bystander does not matter", defect: true, every: 8, ask: symmetry::bystander },
    Oracle { name: "a folio further behind is the same", defect: false, every: 8, ask: shifted::ask },
    Oracle { name: "another actor only adds", defect: false, every: 8, ask: more::ask },
    Oracle { name: "weak memory only adds", defect: true, every: 32, ask: memory::ask },
    Oracle { name: "iomap_valid and get_folio leave the same", defect: false, every: 8, ask: designs::ask },
    Oracle { name: "one actor leaves what it wrote", defect: false, every: 4, ask: alone::ask },
    Oracle { name: "engines agree", defect: true, every: 32, ask: engines::ask },
];

/// Asks what this scenario's number is to be asked; what it came to is known.
pub fn ask(drawn: &Drawn, found: &Exploration, limits: &Limits, sample: Sample) -> Result<Asked, RunError> {
    let mut asked = Asked::default();
    if sample == Sample::Nothing || !found.is_complete() || found.statistics.states > MOST_STATES {
        return Ok(asked);
    }
    let case = Case { drawn, found, limits };
    for (place, oracle) in ORACLES.iter().enumerate() {
        // What takes turns among kernels takes turns here, too: their number must not have to do with it.
        if !turn(drawn.number, place as u64, oracle.every) {
            continue;
        }
        let answer = (oracle.ask)(case)?;
        if answer == Answer::NotAsked {
            continue;
        }
        *asked.times.entry(oracle.name).or_default() += 1;
        if let Answer::Broken(what) = answer {
            asked.broken.push(Broken {
                oracle: oracle.name,
                defect: oracle.defect,
                number: drawn.number,
                under: drawn.under.name(),
                what,
                source: drawn.scenario.source.clone(),
            });
        }
    }
    Ok(asked)
}

/// Whether it is the turn of a number: of one in so many, without a pattern.
fn turn(number: u64, place: u64, every: u64) -> bool {
    let mixed = (number ^ (place << 56)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    mixed.is_multiple_of(every)
}

impl Case<'_> {
    /// What another recipe comes to under the same; `None` if it is no scenario, or a limit left runs out.
    fn other(&self, recipe: &Recipe) -> Result<Option<Exploration>, RunError> {
        self.other_under(recipe, self.drawn.under)
    }

    /// The same under something else.
    fn other_under(&self, recipe: &Recipe, under: Under) -> Result<Option<Exploration>, RunError> {
        let Ok(scenario) = scenario(recipe, &self.drawn.scenario.name) else { return Ok(None) };
        let Ok(job) = job(&scenario, under.name()) else { return Ok(None) };
        // Twice as many actors may have many times the states.
        let states = self.limits.states.map(|states| states.saturating_mul(4));
        let limits = Limits { states, ..self.limits.clone() };
        match exploration(&job, &limits) {
            Ok(found) => Ok(Some(found).filter(Exploration::is_complete)),
            Err(error) => refused(error).map(|_| None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far searches go here.
    pub(super) fn limits() -> Limits {
        Limits { states: Some(4_000), ..Limits::default() }
    }

    /// The first scenario from a number on that is explored within these limits, with what it comes to.
    pub(super) fn drawn(seed: u64, number: u64) -> (Drawn, Exploration) {
        let complete = (number..).find_map(|number| {
            let drawn = Drawn::new(seed, number, &[Under::Design("iomap_valid")]).expect("a scenario");
            let found = exploration(&drawn.job().expect("a job"), &limits()).expect("a sound model");
            found.is_complete().then_some((drawn, found))
        });
        complete.expect("most are small")
    }

    #[test]
    fn every_question_is_asked_of_one_in_so_many() {
        for (place, oracle) in ORACLES.iter().enumerate() {
            for turns in [&[0_u64, 6][..], &[3, 6]] {
                let numbers = (turns[0]..24_000).step_by(turns[1] as usize);
                let asked = numbers.filter(|number| turn(*number, place as u64, oracle.every)).count() as u64;
                let due = 4000 / oracle.every;
                assert!(asked > due / 2 && asked < due * 2, "{}: {asked} of {due}", oracle.name);
            }
        }
    }
}
