//! A program run several times, of which the least counts: what disturbs a run only makes it longer. One run of what takes long.

use std::io;

use crate::measure::{Limits, Run, run};
use crate::report::Counts;

/// Runs at least, but of one that takes longer than so many seconds.
const LEAST: usize = 3;
const LONG: f64 = 30.0;
/// Short ones are run until they have taken so many seconds together, or so often.
const SECONDS: f64 = 1.0;
const MOST: usize = 15;

/// What is left of the rounds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Least {
    /// Seconds of processors.
    pub processor: f64,
    /// Seconds that passed.
    pub elapsed: f64,
    /// The most memory, in KiB.
    pub memory: u64,
    /// What was found; `None` if the program had to be stopped and could say nothing.
    pub counts: Option<Counts>,
}

impl Least {
    /// Whether the race was decided.
    pub fn is_decided(&self) -> bool {
        self.counts.is_some_and(|counts| counts.finished)
    }
}

/// Runs a program, and reads what it prints.
pub fn least(
    command: &[String],
    limits: Limits,
    read: impl Fn(&str) -> io::Result<Counts>,
) -> io::Result<Least> {
    let mut least = of_run(&run(command, limits)?, &read)?;
    let mut seconds = least.elapsed;
    let mut rounds = 1;
    while least.is_decided() && (rounds < LEAST && seconds < LONG || seconds < SECONDS && rounds < MOST) {
        let this = of_run(&run(command, limits)?, &read)?;
        seconds += this.elapsed;
        rounds += 1;
        if !this.is_decided() {
            // So close to the limit that it was luck before.
            break;
        }
        if least.counts != this.counts {
            return Err(io::Error::other(format!("{} counts otherwise every time", command.join(" "))));
        }
        least.processor = least.processor.min(this.processor);
        least.elapsed = least.elapsed.min(this.elapsed);
        least.memory = least.memory.min(this.memory);
    }
    Ok(least)
}

fn of_run(run: &Run, read: impl Fn(&str) -> io::Result<Counts>) -> io::Result<Least> {
    let counts = if run.ended { Some(read(&run.printed)?) } else { None };
    Ok(Least { processor: run.processor, elapsed: run.elapsed, memory: run.memory, counts })
}
