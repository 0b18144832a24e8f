//! Which scenarios are asked about, by file system.

use std::collections::BTreeSet;

use stalemap_explore::Limits;
use stalemap_model::words::implementation::Implementation;
use stalemap_model::words::kernel_version::TABLE;
use stalemap_model::words::personality::Personality;

use super::lattice::Lattice;
use super::question::Question;
use super::trial::Subject;
use crate::input::InputError;
use crate::scenario::Scenario;

/// Without a kernel, what is not varied is as in this design.
pub const BASE: &str = "iomap_valid";

/// The scenarios of one file system.
#[derive(Debug)]
pub struct Scope<'s> {
    /// The personality's name.
    pub fs: &'static str,
    /// What they run under, before a candidate changes it.
    pub base: String,
    /// What is asked about.
    pub subjects: Vec<Subject<'s>>,
    /// Scenarios whose files are about a file system that has other fields: they say nothing about this one.
    pub others: Vec<&'s Scenario>,
    /// Scenarios that cannot run there.
    pub refused: Vec<&'s Scenario>,
}

/// Whether a scenario is asked about though its file changes the file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Somebody has named it.
    ByName,
    /// It is one of a folder, or of the catalogue.
    AmongOthers,
}

/// Sorts scenarios by file system, in the order of the personalities, of which those without a scenario that can be asked about
/// are left out. `base` is a design or a kernel.
pub fn scopes<'s>(
    scenarios: &'s [Scenario],
    question: &'static Question,
    base: &str,
    wanted: impl Fn(&Scenario) -> Wanted,
    limits: impl Fn(&Scenario) -> Limits,
) -> Vec<Scope<'s>> {
    let of = |fs: &'static str| {
        let mut scope = Scope {
            fs,
            base: base.to_owned(),
            subjects: Vec::new(),
            others: Vec::new(),
            refused: Vec::new(),
        };
        for scenario in scenarios.iter().filter(|scenario| scenario.fs.base == fs) {
            let Some(base) = scenario.implementation(base).filter(|base| scenario.refused_by(base).is_none())
            else {
                scope.refused.push(scenario);
                continue;
            };
            if wanted(scenario) == Wanted::AmongOthers && is_other(scenario, &base) {
                scope.others.push(scenario);
                continue;
            }
            let lattice = Lattice::new(question, &base.fs);
            scope.subjects.push(Subject { scenario, base, lattice, limits: limits(scenario), stop: None });
        }
        scope
    };
    let scopes = Personality::BUILT_IN.iter().map(|fs| of(fs));
    scopes.filter(|scope| !scope.subjects.is_empty()).collect()
}

/// Each scenario by itself. `base` is a design or a kernel, also one of its file.
///
/// # Errors
///
/// If a scenario cannot run under it: which, and why.
pub fn alone<'s>(
    scenarios: &'s [Scenario],
    question: &'static Question,
    base: impl Fn(&Scenario) -> Result<Implementation, InputError>,
    limits: impl Fn(&Scenario) -> Limits,
) -> Result<Vec<Scope<'s>>, Vec<InputError>> {
    let mut scopes = Vec::new();
    let mut errors = Vec::new();
    for scenario in scenarios {
        match base(scenario) {
            Err(error) => errors.push(error),
            Ok(base) => scopes.push(Scope {
                fs: scenario.fs.base,
                base: base.name().to_owned(),
                subjects: vec![Subject {
                    lattice: Lattice::new(question, &base.fs),
                    limits: limits(scenario),
                    stop: None,
                    scenario,
                    base,
                }],
                others: Vec::new(),
                refused: Vec::new(),
            }),
        }
    }
    if errors.is_empty() { Ok(scopes) } else { Err(errors) }
}

/// Whether the file system of a scenario is another one than the built-in one of its name: of a design in a field that a release
/// has a value of, and that is not the counter, which candidates have if they need it; of a kernel never, since it brings its own.
fn is_other(scenario: &Scenario, base: &Implementation) -> bool {
    let Some(fs) = Personality::built_in(scenario.fs.base) else { return true };
    let built_in = Implementation { design: base.design.clone(), fs };
    let file = Implementation { design: base.design.clone(), fs: base.fs.clone() };
    let of_releases: BTreeSet<&str> = TABLE
        .iter()
        .flat_map(|rows| rows.iter())
        .map(|row| row.field)
        .filter(|field| *field != "counter")
        .collect();
    let brings_its_own = base.fs != scenario.fs;
    !brings_its_own && file.differences(&built_in).any(|(field, ..)| of_releases.contains(field))
}
