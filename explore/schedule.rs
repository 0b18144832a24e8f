//! Schedules as text: who did which operation, one line each, with everything needed to replay them.
//!
//! A schedule names operations by what they do (`writer iomap_begin`), not by the number of a choice, so it
//! can be read, mailed and diffed, and survives edits of the scenario that do not concern it. Setup and
//! epilogue run in a fixed order and are not part of it.
//!
//! In relaxed memory, `older` says what the operation met where there were several messages: how far behind the
//! latest one it read, or stored, for each access in turn. Without it, the latest.
//!
//! ```text
//! stalemap schedule 1
//! scenario = xfs/t1
//! design = none
//!
//! writer: down_write i_rwsem
//! flusher: folio_lock 1
//! device: complete = 1
//! writer: iomap_valid older 1
//!
//! scenario file:
//! title = "…"
//! ```

use std::fmt::{self, Write as _};

use stalemap_facade::{ActorId, ActorSpec, Op};

use crate::memory::{Outcome, Pending, digits, of_digits};

/// One transition of a schedule inside the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// Who moves.
    pub actor: ActorId,
    /// With which operation.
    pub op: Op,
    /// With which outcome, where the model chooses.
    pub outcome: Option<u32>,
    /// What it met in relaxed memory.
    picks: u32,
}

impl Choice {
    #[inline]
    pub(crate) fn of(pending: Option<&Pending>, actor: ActorId, outcome: Outcome) -> Self {
        let op = pending.map_or(Op::new("(finished)"), |pending| pending.op);
        let chosen = pending.is_some_and(Pending::is_choice).then_some(outcome.choice());
        Choice { actor, op, outcome: chosen, picks: outcome.picks() }
    }

    /// A choice in sequentially consistent memory, where there is nothing else to pick.
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    pub(crate) fn sequential(actor: ActorId, op: Op, outcome: Option<u32>) -> Self {
        Choice { actor, op, outcome, picks: 0 }
    }

    /// What the actor's operation is performed with.
    pub(crate) fn to_outcome(self) -> Outcome {
        Outcome::new(self.outcome.unwrap_or(0), self.picks)
    }

    /// The line of a schedule that says this.
    pub fn to_step(self, specs: &[ActorSpec]) -> Step {
        let actor = specs.get(self.actor).map_or_else(String::new, |spec| spec.name.clone());
        let older = digits(self.picks);
        Step { line: None, actor, op: self.op.to_string(), outcome: self.outcome, older }
    }
}

/// One transition of a schedule as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its line in the file that it was read from, from 1.
    pub line: Option<usize>,
    /// The actor's name.
    pub actor: String,
    /// The operation, with its target.
    pub op: String,
    /// The outcome, where the model chooses.
    pub outcome: Option<u32>,
    /// In relaxed memory, how far behind the latest message each access that had several to choose from went.
    pub older: Vec<u32>,
}

impl Step {
    /// What the engine is to try. `None`: no transition meets that much.
    pub(crate) fn to_outcome(&self) -> Option<Outcome> {
        Some(Outcome::new(self.outcome.unwrap_or(0), of_digits(&self.older)?))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.actor, self.op)?;
        if let Some(outcome) = self.outcome {
            write!(f, " = {outcome}")?;
        }
        if !self.older.is_empty() {
            f.write_str(" older")?;
        }
        self.older.iter().try_for_each(|older| write!(f, " {older}"))
    }
}

/// A schedule file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Schedule {
    /// `key = value` lines, in order.
    pub headers: Vec<(String, String)>,
    /// The transitions.
    pub steps: Vec<Step>,
    /// The scenario file, verbatim.
    pub scenario: String,
}

/// What is wrong with a schedule file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ScheduleError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub problem: String,
}

const FIRST_LINE: &str = "stalemap schedule 1";
const SCENARIO_LINE: &str = "scenario file:";

impl Schedule {
    /// The value of a header.
    pub fn header(&self, key: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Reads a schedule file.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let error = |line: usize, problem: String| ScheduleError { line, problem };
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        match lines.next() {
            Some((_, FIRST_LINE)) => {}
            Some((line, other)) if other.starts_with("stalemap schedule ") => {
                let problem = format!("this is `{other}`, and only version 1 is understood");
                return Err(error(line, problem));
            }
            _ => return Err(error(1, format!("not a schedule: the first line must be `{FIRST_LINE}`"))),
        }
        let mut schedule = Schedule::default();
        let mut in_headers = true;
        for (number, line) in lines.by_ref() {
            let line = line.trim_end();
            if line == SCENARIO_LINE {
                let offset: usize = text.split_inclusive('\n').take(number).map(str::len).sum();
                text[offset..].clone_into(&mut schedule.scenario);
                return Ok(schedule);
            }
            if line.is_empty() {
                in_headers = false;
                continue;
            }
            if line.starts_with('#') {
                continue;
            }
            if in_headers {
                let (key, value) = line.split_once('=').ok_or_else(|| {
                    error(number, format!("expected `key = value` or an empty line, found `{line}`"))
                })?;
                schedule.headers.push((key.trim().to_owned(), value.trim().to_owned()));
            } else {
                schedule.steps.push(parse_step(number, line)?);
            }
        }
        let last = text.lines().count();
        Err(error(
            last,
            format!("the schedule ends without `{SCENARIO_LINE}` and the scenario it belongs to"),
        ))
    }
}

fn parse_step(number: usize, line: &str) -> Result<Step, ScheduleError> {
    let error = |problem: String| ScheduleError { line: number, problem };
    let (actor, rest) =
        line.split_once(": ").ok_or_else(|| error(format!("expected `actor: operation`, found `{line}`")))?;
    let (rest, older) = match rest.split_once(" older ") {
        None => (rest, Vec::new()),
        Some((rest, older)) => {
            let read = |word: &str| {
                word.parse().map_err(|_| {
                    error(format!("`{word}` does not say how far behind the latest message (0, 1, 2, …)"))
                })
            };
            (rest, older.split_whitespace().map(read).collect::<Result<_, _>>()?)
        }
    };
    let (op, outcome) = match rest.split_once(" = ") {
        None => (rest, None),
        Some((op, outcome)) => {
            let outcome = outcome.trim().parse().map_err(|_| {
                error(format!("`{}` is not the number of an outcome (0, 1, 2, …)", outcome.trim()))
            })?;
            (op, Some(outcome))
        }
    };
    if actor.trim().is_empty() || op.trim().is_empty() {
        return Err(error(format!("expected `actor: operation`, found `{line}`")));
    }
    Ok(Step { line: Some(number), actor: actor.trim().to_owned(), op: op.trim().to_owned(), outcome, older })
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{FIRST_LINE}\n");
        for (key, value) in &self.headers {
            writeln!(text, "{key} = {value}")?;
        }
        text.push('\n');
        for step in &self.steps {
            writeln!(text, "{step}")?;
        }
        write!(f, "{text}\n{SCENARIO_LINE}\n{}", self.scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let step = |line, actor: &str, op: &str, outcome| Step {
            line: Some(line),
            actor: actor.to_owned(),
            op: op.to_owned(),
            outcome,
            older: Vec::new(),
        };
        let relaxed =
            |line, outcome| Step { older: vec![0, 2], ..step(line, "writer", "iomap_valid", outcome) };
        let schedule = Schedule {
            headers: vec![("design".into(), "none".into())],
            steps: vec![
                step(4, "writer", "folio_lock 1", None),
                step(5, "device", "complete", Some(2)),
                relaxed(6, None),
                relaxed(7, Some(1)),
            ],
            scenario: "title = \"x\"\n\n[geometry]\n".into(),
        };
        assert_eq!(Schedule::parse(&schedule.to_string()), Ok(schedule));
    }

    #[test]
    fn a_schedule_needs_no_headers() {
        let (actor, op) = ("device".into(), "complete".into());
        let step = Step { line: Some(3), actor, op, outcome: Some(2), older: Vec::new() };
        let schedule = Schedule { headers: Vec::new(), steps: vec![step], scenario: String::new() };
        assert_eq!(Schedule::parse(&schedule.to_string()), Ok(schedule));
    }
}
