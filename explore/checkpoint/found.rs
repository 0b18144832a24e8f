//! What every kind of search keeps: its counts, the ends that it met, and the states visited.

use std::io;

use super::{Reading, Written, damaged, unusable};
use crate::endings::Endings;
use crate::ends::End;
use crate::error::EngineError;
use crate::exploration::Statistics;
use crate::visited::sorted::{Sorted, Unfit};
use crate::visited::{STORED, VisitedSet};

pub(crate) fn write_statistics(to: &mut Written<'_>, statistics: &Statistics) -> io::Result<()> {
    let Statistics { states, transitions, executions, max_depth, final_states } = *statistics;
    [states, transitions, executions, max_depth, final_states]
        .into_iter()
        .try_for_each(|count| to.number(count))
}

pub(crate) fn read_statistics(from: &mut Reading<'_>) -> Result<Statistics, EngineError> {
    Ok(Statistics {
        states: from.number()?,
        transitions: from.number()?,
        executions: from.number()?,
        max_depth: from.number()?,
        final_states: from.number()?,
    })
}

pub(crate) fn write_endings(to: &mut Written<'_>, endings: &Endings) -> io::Result<()> {
    // What final states show is kept for slices alone, which are not.
    let Endings { final_states, deadlocks, ends, outcomes, violating_outcomes, contents: _, bytes } = endings;
    for set in [final_states, deadlocks] {
        to.list(set.iter(), |to, state| to.print(*state))?;
    }
    to.list(ends.iter(), |to, end| {
        let (deadlock, first, second, stuck) = match *end {
            End::Final { memory, after, stuck } => (false, memory, after, stuck),
            End::Deadlock { memory, waiting } => (true, memory, waiting, false),
        };
        to.number(deadlock.into())?;
        to.print(first)?;
        to.print(second)?;
        to.number(stuck.into())
    })?;
    for outcomes in [outcomes, violating_outcomes] {
        to.list(outcomes.iter(), |to, (observed, states)| {
            to.list(observed.bytes(), |to, byte| to.bytes(&[byte]))?;
            to.number(*states)
        })?;
    }
    to.number(*bytes)
}

pub(crate) fn read_endings(from: &mut Reading<'_>) -> Result<Endings, EngineError> {
    let end = |from: &mut Reading<'_>| {
        let deadlock = from.flag()?;
        let (memory, second, stuck) = (from.print()?, from.print()?, from.flag()?);
        Ok(if deadlock {
            End::Deadlock { memory, waiting: second }
        } else {
            End::Final { memory, after: second, stuck }
        })
    };
    let outcome = |from: &mut Reading<'_>| Ok((from.text()?, from.number()?));
    Ok(Endings {
        final_states: from.list(Reading::print)?,
        deadlocks: from.list(Reading::print)?,
        ends: from.list(end)?,
        outcomes: from.list(outcome)?,
        violating_outcomes: from.list(outcome)?,
        contents: None,
        bytes: from.number()?,
    })
}

/// Writes the states, or none if they are not needed any more.
pub(crate) fn write_visited(to: &mut Written<'_>, visited: Option<&VisitedSet>) -> io::Result<()> {
    to.number(visited.map_or(0, VisitedSet::len) as u64)?;
    for (fingerprint, sleep) in visited.into_iter().flat_map(VisitedSet::iter) {
        to.print(fingerprint | u128::from(sleep))?;
    }
    Ok(())
}

pub(crate) fn read_visited(from: &mut Reading<'_>, limit: Option<u64>) -> Result<VisitedSet, EngineError> {
    let mut visited = Sorted::new(limit);
    for _ in 0..from.number()? {
        let place = from.print()?;
        visited.append(place & STORED, (place & !STORED) as u16).map_err(unfit)?;
    }
    visited.finish().map_err(unfit)
}

fn unfit(why: Unfit) -> EngineError {
    match why {
        Unfit::Order => damaged(),
        Unfit::Memory => unusable("its states alone take more than the limit of memory"),
    }
}
