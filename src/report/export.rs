//! Schedules and verdicts in the formats of other tools. Each file is one format; docs/exports.md says how to open it.

pub mod ftrace;
pub mod junit;
pub mod mermaid;
pub mod perfetto;
pub mod sarif;
pub mod shiviz;
pub mod xfstests;

use crate::annotate::AnnotatedSchedule;

/// The first process number of an actor, where a format wants one.
const FIRST_PID: usize = 1001;

/// The process number of an actor.
fn pid(actor: usize) -> usize {
    FIRST_PID + actor
}

/// The processor that an actor runs on: each has one of its own.
fn cpu(schedule: &AnnotatedSchedule, actor: usize) -> usize {
    schedule.movers().iter().position(|mover| *mover == actor).unwrap_or(0)
}

/// The name without what would end a word.
fn word(name: &str) -> String {
    name.chars().map(|character| if character.is_whitespace() { '_' } else { character }).collect()
}
