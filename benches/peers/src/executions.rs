//! What is gathered over the executions of a tool that stores no states.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::race::Finals;
use crate::report::Counts;

/// How an execution ended.
pub(crate) struct End {
    /// The final state.
    pub(crate) said: String,
    /// A reader does not find what was stored last.
    pub(crate) lost: bool,
}

/// All that was found since it was made.
pub(crate) struct Found {
    began: Instant,
    most: Duration,
    so_far: Mutex<SoFar>,
}

#[derive(Clone, Default)]
struct SoFar {
    executions: u64,
    lost: bool,
    finals: Finals,
}

impl Found {
    /// Nothing yet. The tool is to stop after so long.
    pub(crate) fn within(most: Duration) -> Self {
        Found { began: Instant::now(), most, so_far: Mutex::default() }
    }

    pub(crate) fn add(&self, end: End) {
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        so_far.executions += 1;
        so_far.lost |= end.lost;
        so_far.finals.insert(end.said);
    }

    /// What there is when the tool has come back. It does not say why it came back; if there was time left, it was done.
    pub(crate) fn counts(&self) -> (Counts, Finals) {
        let finished = self.began.elapsed() < self.most;
        let so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let counts = Counts {
            finished,
            lost: so_far.lost,
            states: None,
            transitions: None,
            executions: Some(so_far.executions),
        };
        (counts, so_far.finals)
    }
}
