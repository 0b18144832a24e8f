//! What kernels have left of scenarios, beside what the model can leave.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::lab::conform::{Case, Judged, Seen, Unasked};

/// A scenario: how many rounds, and what came of them.
fn line(case: &Case, seen: &Seen) -> String {
    let rounds: u64 = seen.left.values().sum();
    let of = |judged: Judged| seen.left.iter().filter(move |(left, _)| case.judge(left) == judged);
    let known = seen.left.len() - of(Judged::Impossible).count();
    let mut text = String::new();
    let _ = write!(text, "{}: {rounds} rounds left {known} of {} contents", case.name, case.possible());
    let lost: u64 = of(Judged::Lost).map(|(_, rounds)| rounds).sum();
    if lost > 0 {
        let _ = write!(text, "; something was lost in {lost}");
    }
    text.push('\n');
    for (left, rounds) in of(Judged::Impossible) {
        let _ = writeln!(text, "  no run of the model leaves what {rounds} left: {left}");
    }
    if let Some(broken) = &seen.broken {
        let _ = writeln!(text, "  not to the end: {broken}");
    }
    text
}

/// All of them.
pub fn text(kernel: &str, asked: &[(&Case, Seen)], unasked: &[Unasked]) -> String {
    let mut text: String = asked.iter().map(|(case, seen)| line(case, seen)).collect();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for Unasked(why) in unasked {
        *reasons.entry(why).or_default() += 1;
    }
    for (why, count) in reasons {
        let _ = writeln!(text, "not asked, {count}: {why}");
    }
    let rounds: u64 = asked.iter().flat_map(|(_, seen)| seen.left.values()).sum();
    let count = |is: fn(&Case, &Seen) -> bool| asked.iter().filter(|(case, seen)| is(case, seen)).count();
    let other = count(|case, seen| seen.left.keys().any(|left| case.judge(left) == Judged::Impossible));
    let broken = count(|_, seen| seen.broken.is_some());
    let _ = writeln!(
        text,
        "linux {kernel}: {} scenarios in {rounds} rounds; {other} left what no run of the model leaves, {broken} not to the end",
        asked.len()
    );
    text
}
