//! What stderr says of work that takes long: a bar on a terminal, else lines now and then.
//!
//! Nothing of it is a result: it depends on the machine, and stdout has none of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::When;
use crate::report::characters::Characters;
use crate::report::pace;
use crate::run::in_parallel;
use crate::tally::Tally;

/// What takes less is not worth a word.
const SHORT: Duration = Duration::from_secs(1);

/// From one line to the next where there is no terminal and nothing was said,
const SELDOM: Duration = Duration::from_secs(10);

/// and where lines were asked for.
const OFTEN: Duration = Duration::from_secs(2);

/// Where and how it is shown.
enum Display {
    /// Somebody looks at it.
    Bar(ProgressBar),
    /// It goes to a file or another program, line by line.
    Lines(Lines),
    /// Nobody wants it.
    Nothing,
}

struct Lines {
    interval: Duration,
    /// When the last one was written.
    last: Mutex<Instant>,
    /// They were asked for: an estimate is told, and the end, however short all takes.
    asked_for: bool,
}

pub(super) struct Progress {
    display: Display,
    started: Instant,
    jobs: u64,
    /// Bytes that the searches may take.
    limit: u64,
    /// From parts of how many actors the estimates are made that were told, by the number of the search.
    told: Mutex<BTreeMap<u64, u32>>,
}

impl Progress {
    pub(super) fn new(jobs: u64, limit: u64, when: When, quiet: bool) -> Self {
        let started = Instant::now();
        let lines =
            |interval, asked_for| Display::Lines(Lines { interval, last: Mutex::new(started), asked_for });
        let display = match when {
            When::Never => Display::Nothing,
            When::Auto | When::Always if io::stderr().is_terminal() => Display::Bar(bar(jobs)),
            When::Always => lines(OFTEN, true),
            When::Auto if quiet => Display::Nothing,
            When::Auto => lines(SELDOM, false),
        };
        Progress { display, started, jobs, limit, told: Mutex::default() }
    }

    /// Whether anybody sees it.
    pub(super) fn is_shown(&self) -> bool {
        !matches!(self.display, Display::Nothing)
    }

    pub(super) fn show(&self, tally: &Tally) {
        let elapsed = self.started.elapsed();
        match &self.display {
            Display::Bar(bar) if elapsed >= SHORT => {
                if bar.is_hidden() {
                    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
                }
                self.tell_estimates(tally, SHORT, |line| bar.println(line));
                bar.set_position(tally.jobs.load(Ordering::Relaxed));
                bar.set_message(self.message(tally));
            }
            Display::Lines(lines) => {
                // Who else is writing a line has the same to say.
                let Ok(mut last) = lines.last.try_lock() else { return };
                let patience = if lines.asked_for { Duration::ZERO } else { SHORT };
                self.tell_estimates(tally, patience, |line| write(&format!("{line}\n")));
                if last.elapsed() >= lines.interval {
                    *last = Instant::now();
                    write(&self.lines(elapsed, tally));
                }
            }
            Display::Bar(_) | Display::Nothing => {}
        }
    }

    /// What is estimated of a search is told when it is known and the search has run for so long, and again when it is better.
    fn tell_estimates(&self, tally: &Tally, patience: Duration, tell: impl Fn(String)) {
        let Ok(mut told) = self.told.lock() else { return };
        for (number, running) in tally.running() {
            let runs_long = running.began.elapsed() >= patience;
            let Some(estimate) = running.progress.estimate.filter(|_| runs_long) else { continue };
            if told.insert(number, estimate.actors) != Some(estimate.actors) {
                tell(pace::told(&running, estimate, running.began.elapsed()));
            }
        }
    }

    /// All that is known: what is done in all, and a line for each search that takes long.
    fn lines(&self, elapsed: Duration, tally: &Tally) -> String {
        let finished = tally.jobs.load(Ordering::Relaxed);
        let mut lines = format!("{} s: {finished} of {} done", elapsed.as_secs(), self.jobs);
        let done = self.done(tally);
        if !done.is_empty() {
            lines = lines + ", " + &done;
        }
        lines.push('\n');
        for (_, running) in tally.running() {
            let of_search = running.began.elapsed();
            if of_search >= SHORT {
                // A string takes it.
                let _ = writeln!(lines, "  {}", pace::line(&running, of_search));
            }
        }
        lines
    }

    /// What fits a line: of the searches, the one that runs for longest.
    fn message(&self, tally: &Tally) -> String {
        match tally.running().first() {
            Some((_, running)) => {
                let pace = pace::short(running, running.began.elapsed());
                format!("{pace}; {:.0} % of memory", self.percent(tally))
            }
            None => self.done(tally),
        }
    }

    /// What the searches have done; nothing, where they do not say.
    fn done(&self, tally: &Tally) -> String {
        let transitions = tally.transitions.load(Ordering::Relaxed);
        if transitions == 0 {
            return String::new();
        }
        let millions = transitions as f64 / 1e6;
        format!("{millions:.1} M transitions, {:.0} % of the limit of memory", self.percent(tally))
    }

    /// How much of the memory is taken.
    fn percent(&self, tally: &Tally) -> f64 {
        tally.bytes.load(Ordering::Relaxed) as f64 * 100.0 / self.limit.max(1) as f64
    }

    /// Says a line at once, whether or not anybody wants to see how far the work is.
    pub(super) fn say(&self, line: &str) {
        match &self.display {
            // What is hidden prints nothing.
            Display::Bar(bar) if !bar.is_hidden() => bar.println(line),
            Display::Bar(_) | Display::Lines(_) | Display::Nothing => write(&format!("{line}\n")),
        }
    }

    /// All is done.
    pub(super) fn finish(&self) {
        match &self.display {
            Display::Bar(bar) => bar.finish_and_clear(),
            Display::Lines(lines) if lines.asked_for => {
                let elapsed = self.started.elapsed();
                write(&format!("{:.1} s: all of {} done\n", elapsed.as_secs_f64(), self.jobs));
            }
            Display::Lines(_) | Display::Nothing => {}
        }
    }
}

/// Does something with each job, and shows how many are done.
pub(super) fn counted<J: Sync, R: Send>(
    jobs: &[J],
    threads: usize,
    (when, quiet): (When, bool),
    run: impl Fn(&J) -> R + Sync,
) -> Vec<R> {
    let progress = Progress::new(jobs.len() as u64, 0, when, quiet);
    let tally = Tally::default();
    let done = in_parallel(jobs, threads, |job| {
        let done = run(job);
        tally.jobs.fetch_add(1, Ordering::Relaxed);
        progress.show(&tally);
        done
    });
    progress.finish();
    done
}

fn bar(jobs: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(jobs), ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{bar:20} {pos}/{len} {wide_msg}") {
        bar.set_style(match Characters::of_environment() {
            Characters::Unicode => style,
            Characters::Ascii => style.progress_chars("#>-"),
        });
    }
    bar
}

fn write(text: &str) {
    // Nothing depends on it.
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_what_may_be() {
        let progress = Progress::new(3, 1 << 30, When::Never, false);
        let tally = Tally::default();
        tally.jobs.store(1, Ordering::Relaxed);
        tally.transitions.store(5_340_000, Ordering::Relaxed);
        tally.bytes.store(1 << 28, Ordering::Relaxed);
        let line = progress.lines(Duration::from_millis(20_900), &tally);
        assert_eq!(line, "20 s: 1 of 3 done, 5.3 M transitions, 25 % of the limit of memory\n");
        let counted = Tally::default();
        counted.jobs.store(2, Ordering::Relaxed);
        assert_eq!(progress.lines(Duration::from_secs(10), &counted), "10 s: 2 of 3 done\n");
    }
}
