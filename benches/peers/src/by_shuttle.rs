//! The race for [shuttle](https://docs.rs/shuttle): its depth-first search takes every order in turn, and remembers nothing.

use std::sync::Arc;
use std::time::Duration;

use shuttle as tool;
use shuttle::scheduler::DfsScheduler;
use shuttle::{Config, FailurePersistence, Runner};

use crate::executions::Found;
use crate::race::{Finals, Race};
use crate::report::Counts;

#[path = "threads.rs"]
mod threads;

/// Explores the race, for so long at most. Also the final states that were met.
pub fn explore(race: Race, most: Duration) -> (Counts, Finals) {
    let found = Arc::new(Found::within(most));
    let mut config = Config::new();
    config.max_time = Some(most);
    config.failure_persistence = FailurePersistence::None;
    let each = Arc::clone(&found);
    Runner::new(DfsScheduler::new(None, false), config).run(move || each.add(threads::run(race)));
    found.counts()
}
