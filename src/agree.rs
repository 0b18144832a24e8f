//! Whether the engines agree: the same scenario under each, and what they found compared.
//!
//! Compared are the sets of ends (final states before and after the epilogue, deadlocks), the properties
//! violated and the bounds of the model that were reached. An engine that tried everything must have found the
//! same; one that did not finish must have found nothing else.

use std::collections::BTreeSet;

use stalemap_checker::{run_loom, run_shuttle, way_to_end};
use stalemap_explore::{
    Budget, Choice, End, EngineError, Exploration, LimitHit, Limits, Loom, Runs, Schedule, Shuttle, Strategy,
};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use stalemap_model::words::count::count;

use crate::run::{Job, RunError};

/// What became of one engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Took {
    /// It tried everything, in so many executions.
    Finished(u64),
    /// It was stopped after so many.
    Stopped(u64),
    /// It does not take so many actors.
    TooManyActors,
}

impl Took {
    /// In the words of a report.
    pub fn words(&self) -> String {
        match self {
            Took::Finished(executions) => count(*executions, "execution"),
            Took::Stopped(executions) => format!("not finished in {executions}"),
            Took::TooManyActors => "too many actors".to_owned(),
        }
    }
}

/// A way in which an engine differs from the exhaustive one.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Which engine.
    pub engine: &'static str,
    /// In what, in words.
    pub what: String,
    /// The shortest way there, if it is a state or a violation.
    pub schedule: Option<Schedule>,
}

/// How a scenario under a design went.
#[derive(Clone, Debug)]
pub struct Agreement {
    /// The scenario's name.
    pub scenario: String,
    /// The design's name.
    pub design: String,
    /// States of the exhaustive engine.
    pub states: u64,
    /// Final states and deadlocks, as they are compared.
    pub ends: u64,
    /// What stopped the exhaustive engine. Then nothing was compared.
    pub stopped_by: Vec<LimitHit>,
    /// How shuttle's depth-first search and loom did.
    pub engines: Vec<(&'static str, Took)>,
    /// Where they differ.
    pub differences: Vec<Difference>,
}

impl Agreement {
    /// Whether at least one engine beside the exhaustive one tried everything.
    pub fn is_checked(&self) -> bool {
        self.engines.iter().any(|(_, took)| matches!(took, Took::Finished(_)))
    }
}

/// Runs a scenario under all engines.
pub fn agree(job: &Job<'_>, executions: u64, limits: &Limits) -> Result<Agreement, RunError> {
    let kernel = job.kernel()?;
    let truth = job.exploration_of(&kernel, limits)?;
    let agreement = |engines, differences| Agreement {
        scenario: job.scenario.name.clone(),
        design: job.implementation.name().to_owned(),
        states: truth.statistics.states,
        ends: truth.ends.len() as u64,
        stopped_by: truth.limits_hit.iter().copied().filter(|limit| limit.is_of_the_search()).collect(),
        engines,
        differences,
    };
    // A setup runs alone; where it does not come to its end, no engine has anything to run. And what others find is
    // compared with all that there is.
    if truth.halted.is_some() || truth.is_stopped() {
        return Ok(agreement(Vec::new(), Vec::new()));
    }
    let budget = Budget { executions: Some(executions), time: None };
    let shuttle = Shuttle { strategy: Strategy::Dfs, budget };
    let runs = [
        ("shuttle", run_shuttle(&kernel, &shuttle)),
        ("loom", run_loom(&kernel, &Loom { preemptions: None, budget })),
    ];
    let mut engines = Vec::new();
    let mut differences = Vec::new();
    for (engine, runs) in runs {
        let runs = match runs {
            Err(EngineError::DoesNotFit { .. }) => {
                engines.push((engine, Took::TooManyActors));
                continue;
            }
            other => other.map_err(|error| job.broken(error))?,
        };
        let finished = runs.tried_everything();
        engines.push((
            engine,
            if finished { Took::Finished(runs.executions) } else { Took::Stopped(runs.executions) },
        ));
        let different = compare(job, &kernel, engine, &runs, &truth);
        differences.extend(different.map_err(|error| job.broken(error))?);
    }
    Ok(agreement(engines, differences))
}

/// How an engine differs from the exhaustive one.
fn compare(
    job: &Job<'_>,
    kernel: &Kernel,
    engine: &'static str,
    runs: &Runs,
    truth: &Exploration,
) -> Result<Option<Difference>, EngineError> {
    let mut found: Vec<(String, Option<Vec<Choice>>)> = Vec::new();
    for (end, reached) in &runs.ends {
        if !truth.ends.contains(end) {
            let what = format!("a {} that the exhaustive engine does not reach", end.name());
            found.push((what, Some(reached.schedule.clone())));
        }
    }
    for property in properties::of_bits(runs.violated & !truth.violated) {
        let way = runs.witnesses.get(&property).cloned();
        found.push((format!("`{property}`, which the exhaustive engine does not find"), way));
    }
    let invented =
        |limit: &&LimitHit| matches!(limit, LimitHit::Bound(_)) && !truth.limits_hit.contains(limit);
    for bound in runs.limits_hit.iter().filter(invented) {
        found.push((format!("the limit of {bound}, which the exhaustive engine does not reach"), None));
    }
    if runs.tried_everything() {
        for end in truth.ends.iter().filter(|end| !runs.ends.contains_key(end)) {
            found.push((format!("no {} that the exhaustive engine reaches", end.name()), way(kernel, end)?));
        }
        for property in properties::of_bits(truth.violated & !runs.violated) {
            let way = truth.witnesses.get(&property).cloned();
            found.push((format!("no `{property}`, which the exhaustive engine finds"), way));
        }
        let bounds =
            |limits: &BTreeSet<LimitHit>| -> Vec<&str> { limits.iter().map(|limit| limit.name()).collect() };
        if runs.limits_hit != truth.limits_hit {
            let (theirs, ours) = (bounds(&runs.limits_hit).join(", "), bounds(&truth.limits_hit).join(", "));
            found.push((format!("limits [{theirs}] where the exhaustive engine has [{ours}]"), None));
        }
    }
    let number = found.len();
    // The shortest way of all; what has none comes last.
    let shortest = found.into_iter().min_by_key(|(_, way)| way.as_ref().map_or(usize::MAX, Vec::len));
    Ok(shortest.map(|(what, way)| {
        let more =
            if number > 1 { format!(" ({number} differences; this is the shortest)") } else { String::new() };
        let headers = vec![("difference".to_owned(), format!("{engine} finds {what}"))];
        let schedule = way.map(|way| job.schedule(kernel, headers, &way));
        Difference { engine, what: what + &more, schedule }
    }))
}

fn way(kernel: &Kernel, end: &End) -> Result<Option<Vec<Choice>>, EngineError> {
    way_to_end(kernel, end, &Limits { states: Some(2_000_000), ..Limits::default() })
}

#[cfg(test)]
mod tests {
    use stalemap_checker::explore;
    use stalemap_explore::Options;

    use super::*;
    use crate::engine::Engine;
    use crate::scenario::{Scenario, catalogue, read};

    fn scenario() -> Scenario {
        let (name, source) = catalogue::find("ext4/t11").expect("a shipped scenario");
        read(&name, source.as_bytes()).expect("a good scenario")
    }

    /// What shuttle finds, changed as a defect would.
    fn differs(damage: impl FnOnce(&mut Runs)) -> Option<Difference> {
        let scenario = scenario();
        let implementation = scenario.implementation("none").expect("a built-in design");
        let job = Job { scenario: &scenario, implementation, engine: Engine::Exhaustive };
        let kernel = job.kernel().expect("a scenario that fits");
        let truth = explore(&kernel, &Options::default(), &mut |_| ()).expect("a sound model");
        let shuttle = Shuttle { strategy: Strategy::Dfs, budget: Budget::default() };
        let mut runs = run_shuttle(&kernel, &shuttle).expect("a sound model");
        damage(&mut runs);
        compare(&job, &kernel, "shuttle", &runs, &truth).expect("a sound model")
    }

    #[test]
    fn what_is_the_same_does_not_differ() {
        assert!(differs(|_| ()).is_none());
    }

    #[test]
    fn an_end_that_is_missed_is_a_difference_with_a_way_to_it() {
        let difference = differs(|runs| {
            let end = *runs.ends.keys().next().expect("an end");
            runs.ends.remove(&end);
        });
        let difference = difference.expect("a difference");
        assert!(difference.what.starts_with("no final state"), "{}", difference.what);
        let schedule = difference.schedule.expect("a way");
        let scenario = scenario();
        let kernel =
            Kernel::new(scenario.config(scenario.design("none").expect("a design"))).expect("it fits");
        let replay = stalemap_checker::replay(&kernel, &schedule.steps).expect("it replays");
        assert!(replay.epilogue.is_some(), "it ends in a final state");
    }

    #[test]
    fn an_end_that_is_invented_is_a_difference() {
        let difference = differs(|runs| {
            let (_, reached) = runs.ends.pop_first().expect("an end");
            runs.ends.insert(End::Deadlock { memory: 1, waiting: 2 }, reached);
        });
        let difference = difference.expect("a difference");
        assert!(difference.what.contains("2 differences"), "{}", difference.what);
        assert!(difference.schedule.is_some());
    }

    #[test]
    fn a_violation_that_is_missed_or_invented_is_a_difference() {
        assert!(differs(|runs| runs.violated ^= properties::LOST_WRITE.bit()).is_some());
    }

    #[test]
    fn of_an_engine_that_did_not_finish_only_inventions_count() {
        assert!(
            differs(|runs| {
                runs.finished = false;
                runs.ends.pop_first();
            })
            .is_none()
        );
    }
}
