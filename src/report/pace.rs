//! How far a search is, in words: states, and of how many; how many in a second; what is before it.

use std::time::Duration;

use stalemap_explore::{Estimate, Progress};

use crate::tally::Running;

/// What is estimated of a search, on a line of its own.
pub fn told(running: &Running, estimate: Estimate, elapsed: Duration) -> String {
    let Running { scenario, design, .. } = running;
    let (least, most) = estimate.range;
    format!(
        "{scenario} under {design} takes long: about {} states ({} to {}), from every {} of its actors alone{}{}",
        number(estimate.about),
        number(least),
        number(most),
        estimate.actors,
        memory(running, estimate).map_or_else(String::new, |bytes| format!(", {bytes}B of memory")),
        left(running, elapsed).map_or_else(String::new, |left| format!(", {left}")),
    )
}

/// How far a search is, on a line of its own.
pub fn line(running: &Running, elapsed: Duration) -> String {
    let Running { scenario, design, progress, .. } = running;
    let frontier = progress.frontier;
    format!(
        "{scenario} under {design}: {}; {} deep, {} untried",
        short(running, elapsed),
        frontier.depth,
        frontier.untried
    )
}

/// How far a search is, as shortly as can be.
pub fn short(running: &Running, elapsed: Duration) -> String {
    let states = running.progress.statistics.states;
    let of = match running.progress.estimate {
        None => String::new(),
        Some(Estimate { about, .. }) if states < about => format!(" of about {}", number(about)),
        Some(Estimate { about, range: (_, most), .. }) if states < most => {
            format!(", more than about {}, at most {}", number(about), number(most))
        }
        Some(Estimate { range: (_, most), .. }) => format!(", more than the {} expected", number(most)),
    };
    let rate = running.rate(elapsed).map_or_else(String::new, |rate| format!(", {}/s", number(rate)));
    let left = left(running, elapsed).map_or_else(String::new, |left| format!(", {left}"));
    format!("{} states{of}{rate}{left}", number(states))
}

/// What all states take, if each takes as much as those that are known; or the table that they all lie in.
fn memory(running: &Running, estimate: Estimate) -> Option<String> {
    if let Some(table) = running.table {
        return Some(number(table));
    }
    let Progress { statistics, bytes, .. } = running.progress;
    let all = (u128::from(bytes) * u128::from(estimate.about)).checked_div(statistics.states.into())?;
    Some(number(u64::try_from(all).unwrap_or(u64::MAX)))
}

/// The time that is left at this pace, if the estimate is right.
fn left(running: &Running, elapsed: Duration) -> Option<String> {
    let rate = running.rate(elapsed)?;
    let more = running.progress.estimate?.about.checked_sub(running.progress.statistics.states)?;
    Some(format!("{} left", time(more / rate)))
}

/// A number with two digits or so: what is estimated has no more.
pub fn number(number: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G"), (1_000_000_000_000, "T")];
    match UNITS.iter().rev().find(|(unit, _)| number >= *unit) {
        None => number.to_string(),
        Some((unit, _)) if number / unit >= 10_000 => format!("{:.0e}", number as f64),
        Some((unit, name)) if number / unit >= 10 => format!("{} {name}", (number + unit / 2) / unit),
        Some((unit, name)) => format!("{:.1} {name}", number as f64 / *unit as f64),
    }
}

/// A time with two digits or so.
fn time(seconds: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "days"), (3_600, "h"), (60, "min")];
    match UNITS.iter().find(|(unit, _)| seconds >= 2 * unit) {
        None => format!("about {seconds} s"),
        Some((unit, _)) if seconds / unit >= 10_000 => "more than 10000 days".to_owned(),
        Some((unit, name)) => format!("about {} {name}", (seconds + unit / 2) / unit),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use stalemap_explore::{Frontier, Statistics};

    use super::*;
    use crate::tally::Tally;

    fn running(states: u64, about: Option<u64>) -> Running {
        let tally = Tally::default();
        let mut search = tally.follow("wall-2.toml", "none");
        let estimate =
            about.map(|about| Estimate { about, range: (about / 5, about.saturating_mul(5)), actors: 2 });
        let made = |states| Progress {
            statistics: Statistics { states, transitions: 2 * states, ..Statistics::default() },
            bytes: 30 * states,
            frontier: Frontier { depth: 61, untried: 40 },
            estimate,
        };
        search.enter(&made(0));
        search.enter(&made(states));
        tally.running()[0].1.clone()
    }

    fn said(states: u64, about: Option<u64>) -> String {
        short(&running(states, about), Duration::from_secs(2))
    }

    #[test]
    fn states_are_said_beside_the_estimate() {
        assert_eq!(said(500_000, None), "500 k states, 250 k/s");
        assert_eq!(said(500_000, Some(1_600_000)), "500 k states of about 1.6 M, 250 k/s, about 4 s left");
        assert_eq!(said(0, Some(1_600_000)), "0 states of about 1.6 M");
        assert_eq!(
            said(2_000_000, Some(1_600_000)),
            "2.0 M states, more than about 1.6 M, at most 8.0 M, 1.0 M/s"
        );
        assert_eq!(said(20_000_000, Some(1_600_000)), "20 M states, more than the 8.0 M expected, 10 M/s");
        assert_eq!(said(40, Some(u64::MAX)), "40 states of about 2e19, 20/s, more than 10000 days left");
    }

    #[test]
    fn a_line_has_the_frontier_and_an_estimate_its_range() {
        let running = running(500_000, Some(1_600_000));
        let elapsed = Duration::from_secs(2);
        assert_eq!(
            line(&running, elapsed),
            "wall-2.toml under none: 500 k states of about 1.6 M, 250 k/s, about 4 s left; 61 deep, 40 untried"
        );
        assert_eq!(
            told(&running, running.progress.estimate.expect("an estimate"), elapsed),
            "wall-2.toml under none takes long: about 1.6 M states (320 k to 8.0 M), from every 2 of its actors \
             alone, 48 MB of memory, about 4 s left"
        );
        assert!(running.began <= Instant::now());
    }

    #[test]
    fn numbers_and_times_have_two_digits_or_so() {
        let numbers =
            [0, 999, 1000, 9_960, 12_345, 999_999, 1_590_000, 43_103_680, 10_567_503_382_734, u64::MAX];
        assert_eq!(
            numbers.map(number),
            ["0", "999", "1.0 k", "10.0 k", "12 k", "1000 k", "1.6 M", "43 M", "11 T", "2e19"]
        );
        let times = [0, 119, 120, 7_300, 200_000, 1_000_000_000_000].map(time);
        assert_eq!(
            times,
            ["about 0 s", "about 119 s", "about 2 min", "about 2 h", "about 2 days", "more than 10000 days"]
        );
    }
}
