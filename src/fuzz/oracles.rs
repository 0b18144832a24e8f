//! What must hold of any scenario, whatever it loses. Each is a file beneath, and takes its turn: a scenario is asked what its number says.

mod alone;
mod bounded;
mod case;
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

use self::case::{Answer, Case};
use super::trial::Drawn;
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

#[cfg(test)]
mod tests {
    use super::*;

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
