//! Which losses are known: those that a scenario of the catalogue shows under a kernel, as its file expects, also without the actors and
//! commands that they do not need. docs/findings.md has each of these scenarios.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use stalemap_facade::Property;
use stalemap_model::words::kernel_version::KernelVersion;

use super::class::Class;
use super::loss::{Loss, losses};
use crate::engine::Engine;
use crate::run::{Job, RunError, in_parallel};
use crate::scenario::draft::{Draft, Part, Whose};
use crate::scenario::{Expectation, Scenario, catalogue, read};
use crate::smaller::{self, Question};
use stalemap_explore::Limits;

/// The classes that are known under one kernel, each with a scenario that shows it.
#[derive(Clone, Debug, Default)]
pub struct Known(BTreeMap<Class, String>);

impl Known {
    /// Explores the scenarios of the catalogue whose files expect a release to lose something, so many at a time. `tick` is told after
    /// each of them; none is begun any more once it says that it is to stop.
    pub fn of(
        kernel: KernelVersion,
        threads: usize,
        tick: &(dyn Fn() -> ControlFlow<()> + Sync),
    ) -> Result<Self, RunError> {
        let all = catalogue::all();
        let shown = in_parallel(all, threads, |(name, source)| match tick() {
            ControlFlow::Continue(()) => shown_by(name, source, kernel),
            ControlFlow::Break(()) => Ok(Vec::new()),
        });
        let mut known = Known::default();
        for ((name, _), classes) in all.iter().zip(shown) {
            for class in classes? {
                known.take_in(class, name);
            }
        }
        Ok(known)
    }

    fn take_in(&mut self, class: Class, name: &str) {
        self.0.entry(class).or_insert_with(|| name.to_owned());
    }

    /// The scenario that shows a loss of this class.
    pub fn explains(&self, class: &Class) -> Option<&str> {
        self.0.iter().find(|(known, _)| class.is_explained_by(known)).map(|(_, name)| name.as_str())
    }

    /// The classes, each with its scenario.
    pub fn iter(&self) -> impl Iterator<Item = (&Class, &str)> {
        self.0.iter().map(|(class, name)| (class, name.as_str()))
    }
}

/// The classes that a scenario of the catalogue shows under a release that its file expects to lose something.
fn shown_by(name: &str, source: &str, kernel: KernelVersion) -> Result<Vec<Class>, RunError> {
    // The catalogue is tested: each of its files can be read.
    let Ok(scenario) = read(name, source.as_bytes()) else { return Ok(Vec::new()) };
    let Some(expected) = expected(&scenario, kernel) else { return Ok(Vec::new()) };
    let Some(implementation) = scenario.implementation(kernel.name()) else { return Ok(Vec::new()) };
    if !scenario.overruled(&implementation).is_empty() {
        return Ok(Vec::new());
    }
    let job = Job { scenario: &scenario, implementation, engine: Engine::Exhaustive };
    let mut classes = Vec::new();
    for loss in losses(&job, &expected, &Limits::default())? {
        // What is found is made smaller before it is compared.
        if let Some(smaller) = needed(&job, &loss)? {
            let job = Job { scenario: &smaller, ..job.clone() };
            let found = losses(&job, &[loss.class.property], &Limits::default())?;
            classes.extend(found.into_iter().map(|loss| loss.class));
        }
        classes.push(loss.class);
    }
    Ok(classes)
}

/// The scenario of a loss without actors and commands that the steps of its least counterexample can do without. `None`: there are none.
fn needed(job: &Job<'_>, loss: &Loss) -> Result<Option<Scenario>, RunError> {
    let (scenario, under, property) = (job.scenario, job.implementation.name(), loss.class.property);
    let Ok(whole) = Draft::new(&scenario.source, scenario.block) else { return Ok(None) };
    let question = Question { scenario, under, property, limits: Limits::default(), stop: None };
    let mut draft = whole.expecting(under, &[property.name()]);
    let (mut steps, mut at, mut any) = (loss.shown.schedule.steps.clone(), 0, false);
    let whole = |part: &Part| matches!(part, Part::Actor(_) | Part::Command(Whose::Actor(_), _));
    while let Some(part) = draft.parts().into_iter().filter(whole).nth(at) {
        let smaller = draft.without(&part);
        let followed = question.follow(&smaller.to_string(), &steps);
        match followed.map_err(|error| job.broken(error))? {
            Some(left) => (draft, steps, any) = (smaller, left, true),
            None => at += 1,
        }
    }
    Ok(any.then(|| smaller::scenario(scenario, &draft.to_string())).flatten())
}

/// What a file expects a release to violate.
fn expected(scenario: &Scenario, kernel: KernelVersion) -> Option<Vec<Property>> {
    match scenario.expect.get(kernel.name())? {
        Expectation::Holds => None,
        Expectation::Violates(listed) => Some(listed.clone()),
    }
}
