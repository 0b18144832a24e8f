//! The race for [loom](https://docs.rs/loom): all orders that its dynamic partial-order reduction takes to be different.

use std::sync::Arc;
use std::time::Duration;

use loom as tool;
use loom::model::Builder;

use crate::executions::Found;
use crate::race::{Finals, Race};
use crate::report::Counts;

#[path = "threads.rs"]
mod threads;

/// Explores the race, for so long at most. Also the final states that were met.
pub fn explore(race: Race, most: Duration) -> (Counts, Finals) {
    let found = Arc::new(Found::within(most));
    let mut builder = Builder::new();
    // Its default is meant for less.
    builder.max_branches = 100_000;
    builder.preemption_bound = None;
    builder.max_duration = Some(most);
    // It looks at the time once in so many executions.
    builder.checkpoint_interval = 64;
    let each = Arc::clone(&found);
    builder.check(move || each.add(threads::run(race)));
    found.counts()
}
