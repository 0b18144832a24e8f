//! Malformed input: scenarios, schedules and traces with things done to them, by the ten thousand.
//!
//! Whatever comes of an input, it is refused with a reason or looked at; nothing panics, goes on for ever, or takes memory without
//! bound. Inputs are made from what is shipped and recorded, by a generator that has a number for each ([`mutate`]), so that a
//! failure is found again by its number. `STALEMAP_MALFORMED` says how many there are, `STALEMAP_MALFORMED_FROM` with which they
//! begin. What has failed once is kept in `kept/` and tried each time.
//!
//! A program of its own, because its allocator counts ([`allocator`]).

mod allocator;
mod corpus;
mod mutate;
mod outcome;
mod trial;

use std::env;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::corpus::{Corpus, Input};
use crate::outcome::{Failure, Tally};

/// How many inputs a run tries if nothing is said.
const USUAL: u64 = 20_000;

/// What takes longer goes on for ever, for all that anybody can tell: most take a thousandth of a second.
const LONGEST: Duration = Duration::from_mins(1);

/// Failures that are shown.
const SHOWN: usize = 10;

/// What a worker is at.
type AtWork = Mutex<Option<(Instant, Input)>>;

fn asked(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not `{value}`")))
}

/// Tries an input; what fails is written where it can be looked at.
fn tried(input: &Input, failures: &Mutex<Vec<String>>, tally: &Tally) {
    let begun = Instant::now();
    let outcome = trial::of(input, tally);
    tally.enter_time(input, begun.elapsed());
    if let Err(failure) = outcome {
        let mut failures = failures.lock().expect("no worker panics");
        if failures.len() < SHOWN {
            failures.push(described(input, &failure));
        }
    }
}

fn described(input: &Input, failure: &Failure) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("malformed-{}", input.file_name()));
    fs::write(&path, &input.bytes).expect("the folder of tests can be written");
    format!("{} (input {}): {failure}", path.display(), input.number)
}

/// Stops everything when a worker is at an input for too long: a thread cannot be made to stop.
fn watch(workers: &[AtWork], left: &AtomicU64) {
    while left.load(Ordering::Relaxed) > 0 {
        thread::sleep(Duration::from_millis(50));
        for worker in workers {
            let at = worker.lock().expect("no worker panics");
            if let Some((since, input)) = at.as_ref().filter(|(since, _)| since.elapsed() > LONGEST) {
                let failure = Failure::TooLong(since.elapsed());
                eprintln!("{}", described(input, &failure));
                std::process::exit(101);
            }
        }
    }
}

#[test]
fn malformed_input_is_refused_or_looked_at() {
    trial::keep_panics_quiet();
    let corpus = Corpus::new();
    let (from, count) =
        (asked("STALEMAP_MALFORMED_FROM").unwrap_or(0), asked("STALEMAP_MALFORMED").unwrap_or(USUAL));
    let (next, tally, failures) = (AtomicU64::new(from), Tally::default(), Mutex::default());
    let workers: Vec<AtWork> =
        (0..thread::available_parallelism().map_or(1, usize::from)).map(|_| Mutex::default()).collect();
    let left = AtomicU64::new(workers.len() as u64);
    thread::scope(|scope| {
        for worker in &workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= from + count {
                        break;
                    }
                    let input = corpus.input(number);
                    *worker.lock().expect("no worker panics") = Some((Instant::now(), input.clone()));
                    tried(&input, &failures, &tally);
                    *worker.lock().expect("no worker panics") = None;
                }
                left.fetch_sub(1, Ordering::Relaxed);
            });
        }
        watch(&workers, &left);
    });
    println!("{tally}");
    let failures = failures.into_inner().expect("no worker panics");
    assert_eq!(failures, [""; 0]);
    tally.assert_all_kinds_were_met(count);
}

#[test]
fn what_failed_once_fails_no_more() {
    trial::keep_panics_quiet();
    let (failures, tally) = (Mutex::default(), Tally::default());
    let kept = corpus::kept();
    assert!(!kept.is_empty());
    for input in &kept {
        tried(input, &failures, &tally);
    }
    let failures = failures.into_inner().expect("no worker panics");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
