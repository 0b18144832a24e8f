//! What stderr says of work that takes long: a bar on a terminal, else a line now and then.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::characters::Characters;
use crate::run::Tally;

/// What takes less is not worth a bar.
const SHORT: Duration = Duration::from_secs(1);

/// From one line to the next where there is no terminal.
const INTERVAL: Duration = Duration::from_secs(10);

/// Where and how it is shown.
enum Display {
    /// Somebody looks at it.
    Bar(ProgressBar),
    /// It goes to a file or another program. When the last line was written.
    Lines(Mutex<Instant>),
    /// Nobody wants it.
    Nothing,
}

pub(super) struct Progress {
    display: Display,
    started: Instant,
    jobs: u64,
    /// Bytes that the searches may take.
    limit: u64,
}

impl Progress {
    pub(super) fn new(jobs: u64, limit: u64, quiet: bool) -> Self {
        let started = Instant::now();
        let display = if io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(jobs), ProgressDrawTarget::hidden());
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
                bar.set_style(match Characters::of_environment() {
                    Characters::Unicode => style,
                    Characters::Ascii => style.progress_chars("#>-"),
                });
            }
            Display::Bar(bar)
        } else if quiet {
            Display::Nothing
        } else {
            Display::Lines(Mutex::new(started))
        };
        Progress { display, started, jobs, limit }
    }

    pub(super) fn show(&self, tally: &Tally) {
        match &self.display {
            Display::Bar(bar) if self.started.elapsed() >= SHORT => {
                if bar.is_hidden() {
                    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
                }
                bar.set_position(tally.jobs.load(Ordering::Relaxed));
                bar.set_message(self.done(tally));
            }
            Display::Lines(last) => {
                // Who else is writing a line has the same to say.
                let Ok(mut last) = last.try_lock() else { return };
                if last.elapsed() >= INTERVAL {
                    *last = Instant::now();
                    let line = self.line(self.started.elapsed(), tally);
                    // Nothing depends on it.
                    let _ = io::stderr().write_all(line.as_bytes());
                }
            }
            Display::Bar(_) | Display::Nothing => {}
        }
    }

    fn line(&self, elapsed: Duration, tally: &Tally) -> String {
        let finished = tally.jobs.load(Ordering::Relaxed);
        format!("{} s: {finished} of {} done, {}\n", elapsed.as_secs(), self.jobs, self.done(tally))
    }

    /// How many states there are is not known before the end; how much of the memory is taken is.
    fn done(&self, tally: &Tally) -> String {
        let millions = tally.transitions.load(Ordering::Relaxed) as f64 / 1e6;
        let percent = tally.bytes.load(Ordering::Relaxed) as f64 * 100.0 / self.limit.max(1) as f64;
        format!("{millions:.1} M transitions, {percent:.0} % of the limit of memory")
    }

    pub(super) fn finish(&self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_what_may_be() {
        let progress =
            Progress { display: Display::Nothing, started: Instant::now(), jobs: 3, limit: 1 << 30 };
        let tally = Tally::default();
        tally.jobs.store(1, Ordering::Relaxed);
        tally.transitions.store(5_340_000, Ordering::Relaxed);
        tally.bytes.store(1 << 28, Ordering::Relaxed);
        let line = progress.line(Duration::from_millis(20_900), &tally);
        assert_eq!(line, "20 s: 1 of 3 done, 5.3 M transitions, 25 % of the limit of memory\n");
    }
}
