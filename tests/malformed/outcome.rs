//! What comes of inputs.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::corpus::{Input, Kind};

/// Why an input has failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something panicked; what it said, and where.
    Panic(String),
    /// More bytes than anything may take.
    Memory(usize),
    /// It had not ended after this time.
    TooLong(Duration),
    /// It was refused without a reason that helps, or stalemap says that it is broken.
    Wrong(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Panic(said) => write!(f, "a panic: {said}"),
            Failure::Memory(bytes) => write!(f, "{bytes} bytes of memory"),
            Failure::TooLong(time) => write!(f, "no end after {} s", time.as_secs()),
            Failure::Wrong(why) => write!(f, "{why}"),
        }
    }
}

/// What can be done with an input that does not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Met {
    /// It is not one.
    Refused,
    /// It was run.
    Taken,
}

/// How many inputs of each kind were refused and taken, and what the largest cost.
#[derive(Default)]
pub(crate) struct Tally {
    counts: [[AtomicU64; 2]; Kind::ALL.len()],
    commands: AtomicU64,
    most: AtomicU64,
    slowest: Mutex<(Duration, String)>,
}

impl Tally {
    pub(crate) fn enter(&self, kind: Kind, met: Met, bytes: usize) {
        self.counts[kind as usize][met as usize].fetch_add(1, Ordering::Relaxed);
        self.most.fetch_max(bytes as u64, Ordering::Relaxed);
    }

    /// How long one took.
    pub(crate) fn enter_time(&self, input: &Input, time: Duration) {
        let mut slowest = self.slowest.lock().expect("no worker panics");
        if time > slowest.0 {
            *slowest = (time, input.file_name());
        }
    }

    pub(crate) fn enter_command(&self) {
        self.commands.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self, kind: Kind, met: Met) -> u64 {
        self.counts[kind as usize][met as usize].load(Ordering::Relaxed)
    }

    /// That the test tests something: of each kind a part is refused, and a good part is run.
    pub(crate) fn assert_all_kinds_were_met(&self, inputs: u64) {
        for kind in Kind::ALL {
            assert!(self.count(kind, Met::Taken) * 50 > inputs, "{kind:?}: {self}");
            // A trace is refused only if nothing in it is understood.
            assert!(self.count(kind, Met::Refused) * 2000 > inputs, "{kind:?}: {self}");
        }
        assert!(self.commands.load(Ordering::Relaxed) * 100 > inputs, "{self}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in Kind::ALL {
            let (refused, taken) = (self.count(kind, Met::Refused), self.count(kind, Met::Taken));
            write!(f, "{}: {refused} refused, {taken} taken; ", kind.extension())?;
        }
        let (commands, most) = (self.commands.load(Ordering::Relaxed), self.most.load(Ordering::Relaxed));
        let slowest = self.slowest.lock().expect("no worker panics");
        let (time, name) = (slowest.0.as_millis(), &slowest.1);
        write!(f, "{commands} through a command; at most {most} bytes, and {time} ms ({name})")
    }
}
