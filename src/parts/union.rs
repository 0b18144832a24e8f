//! The slices of a state space, read from the files of parts and put together.

use std::path::{Path, PathBuf};

use stalemap_explore::{Union, count_union};

use super::fit::Given;
use super::slice::SliceDocument;
use super::states::States;
use crate::engine::Engine;
use crate::run::slices::united;
use crate::run::{GivenLimits, Job, Outcome, RunError};
use crate::scenario::Scenario;

/// A slice, with the file that its document was read from.
#[derive(Clone, Copy)]
pub struct From<'g> {
    /// The name of the file.
    pub file: &'g str,
    /// What it says of the slice.
    pub slice: &'g SliceDocument,
}

/// The slices among parts, those of each pair together, by the places of the pairs.
pub fn slices(parts: &[Given]) -> Vec<(usize, Vec<From<'_>>)> {
    let mut found: Vec<(usize, Vec<From<'_>>)> = Vec::new();
    for Given { file, part } in parts {
        let Some((pair, slice)) = &part.slice else { continue };
        let from = From { file, slice };
        match found.iter_mut().find(|(known, _)| known == pair) {
            Some((_, slices)) => slices.push(from),
            None => found.push((*pair, vec![from])),
        }
    }
    found
}

/// What the slices of a pair come to; the outer error says what is wrong with the files.
pub fn outcome(
    slices: &[From<'_>],
    scenario: &Scenario,
    given: GivenLimits,
) -> Result<Result<Outcome, RunError>, String> {
    let Some(first) = slices.first() else { return Err("there are no slices".to_owned()) };
    let design = &first.slice.design;
    let implementation = scenario
        .implementation(design)
        .ok_or_else(|| format!("{}: there is no design or kernel `{design}`", first.file))?;
    let job = Job { scenario, implementation, engine: Engine::Exhaustive };
    let kernel = job.kernel().map_err(|error| error.to_string())?;
    let (mut union, mut lists, mut elapsed) = (Union::default(), Vec::new(), 0);
    for From { file, slice } in slices {
        if slice.cut != first.slice.cut {
            return Err(format!(
                "{file} and {} were cut in different places, so they are not of the same build of stalemap",
                first.file
            ));
        }
        let mut states = states(file, slice)?;
        let found = slice.found.exploration(&kernel).map_err(|problem| format!("{file}: {problem}"))?;
        union.add(found, std::mem::take(&mut states.contents));
        let name = slice.states_file.clone();
        lists.push(states.map(move |state| state.map_err(|problem| format!("{name}: {problem}"))));
        elapsed += slice.elapsed_ms.unwrap_or(0);
    }
    let states = count_union(lists)?;
    let cycle_met = slices.iter().any(|from| from.slice.found.cycle_met);
    let outcome = united(&job, union, (states, cycle_met), given, 1);
    Ok(outcome.map(|outcome| {
        let elapsed = outcome.elapsed + std::time::Duration::from_millis(elapsed);
        Outcome { elapsed, ..outcome }
    }))
}

/// The states of a slice: beside its document, or where they were written.
fn states(file: &str, slice: &SliceDocument) -> Result<States, String> {
    let as_named = PathBuf::from(&slice.states_file);
    let beside = as_named.file_name().map(|name| Path::new(file).with_file_name(name));
    let path = beside.filter(|path| path.exists()).unwrap_or(as_named);
    let sum = u128::from_str_radix(&slice.states_sum, 16)
        .map_err(|_| format!("{file} is damaged: `states_sum` is no sum"))?;
    States::open(&path, sum).map_err(|problem| {
        format!("{}, the states of {file}: {problem}; it must lie beside {file}", path.display())
    })
}
