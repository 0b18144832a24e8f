//! How far the jobs of a command are, for a display: what has been done in all, and what each search that runs is at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use stalemap_explore::Progress;

/// What the jobs have done so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Jobs finished.
    pub jobs: AtomicU64,
    /// Transitions executed, by the jobs that have reported.
    pub transitions: AtomicU64,
    /// Bytes that the searches take at the moment.
    pub bytes: AtomicU64,
    begun: AtomicU64,
    running: Mutex<BTreeMap<u64, Running>>,
}

/// A search that runs.
#[derive(Clone, Debug)]
pub struct Running {
    /// The scenario's name.
    pub scenario: String,
    /// The name of the design or kernel.
    pub design: String,
    /// When it first said how far it is: reading what was kept of it is no search.
    pub began: Instant,
    /// How far it was then: not at its beginning, if it was kept before.
    first: Progress,
    /// Bytes of a table that never grows, if it keeps its states in one.
    pub table: Option<u64>,
    /// How far it is.
    pub progress: Progress,
}

impl Running {
    /// States in a second since it began, which is so long ago. None: too little has been done to say.
    pub fn rate(&self, elapsed: Duration) -> Option<u64> {
        let states = self.progress.statistics.states.saturating_sub(self.first.statistics.states);
        let states = u128::from(states);
        let rate = (states * 1000).checked_div(elapsed.as_millis())?;
        u64::try_from(rate).ok().filter(|rate| *rate > 0)
    }
}

impl Tally {
    /// The searches that run, in the order in which they began, each with its number.
    pub fn running(&self) -> Vec<(u64, Running)> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().map(|(number, running)| (*number, running.clone())).collect()
    }

    /// Follows a search until what comes back is dropped.
    pub(crate) fn follow<'t>(&'t self, scenario: &'t str, design: &'t str) -> Followed<'t> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        Followed { tally: self, number, scenario, design, table: None, transitions: 0, bytes: 0 }
    }
}

/// A search that is followed.
pub(crate) struct Followed<'t> {
    tally: &'t Tally,
    number: u64,
    scenario: &'t str,
    design: &'t str,
    table: Option<u64>,
    /// What of the sums is its.
    transitions: u64,
    bytes: u64,
}

impl<'t> Followed<'t> {
    /// One that keeps its states in a table of so many bytes, if that never grows.
    pub(crate) fn in_table(self, table: Option<u64>) -> Self {
        Followed { table, ..self }
    }

    /// Where it is entered.
    pub(crate) fn tally(&self) -> &'t Tally {
        self.tally
    }

    /// Enters how far it is.
    pub(crate) fn enter(&mut self, progress: &Progress) {
        let Followed { tally, number, scenario, design, table, .. } = *self;
        let transitions = progress.statistics.transitions;
        // A search that begins again, breadth first, has made fewer for a while.
        let more = transitions.saturating_sub(self.transitions);
        tally.transitions.fetch_add(more, Ordering::Relaxed);
        self.transitions += more;
        self.take(progress.bytes);
        let mut running = tally.running.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = || Running {
            scenario: scenario.to_owned(),
            design: design.to_owned(),
            began: Instant::now(),
            first: *progress,
            table,
            progress: *progress,
        };
        running.entry(number).or_insert_with(begun).progress = *progress;
    }

    /// Enters how much it takes now.
    fn take(&mut self, bytes: u64) {
        self.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tally.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Followed<'_> {
    fn drop(&mut self) {
        self.take(0);
        self.tally.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use stalemap_explore::{Frontier, Statistics};

    use super::*;

    fn progress(states: u64, bytes: u64) -> Progress {
        let statistics = Statistics { states, transitions: 2 * states, ..Statistics::default() };
        Progress { statistics, bytes, frontier: Frontier::default(), estimate: None }
    }

    #[test]
    fn the_sums_are_those_of_what_runs_and_what_has_run() {
        let tally = Tally::default();
        let mut one = tally.follow("one", "none");
        let mut two = tally.follow("two", "none");
        one.enter(&progress(10, 100));
        two.enter(&progress(3, 30));
        one.enter(&progress(15, 90));
        let sums = || [&tally.transitions, &tally.bytes].map(|sum| sum.load(Ordering::Relaxed));
        assert_eq!(sums(), [36, 120]);
        let names = || tally.running().into_iter().map(|(_, running)| running.scenario).collect::<Vec<_>>();
        assert_eq!(names(), ["one", "two"]);
        drop(one);
        assert_eq!(sums(), [36, 30]);
        assert_eq!(names(), ["two"]);
    }

    #[test]
    fn a_search_that_goes_on_has_the_rate_of_what_is_new() {
        let tally = Tally::default();
        let mut search = tally.follow("one", "none");
        let followed = Instant::now();
        let rate = |seconds| tally.running()[0].1.rate(Duration::from_secs(seconds));
        search.enter(&progress(1000, 1));
        assert_eq!(rate(5), None);
        assert!(tally.running()[0].1.began >= followed, "what was before its first word is not searching");
        search.enter(&progress(1500, 1));
        assert_eq!(rate(5), Some(100));
        assert_eq!(rate(0), None);
    }
}
