//! The words that tables, sentences and documents of a comparison share.

use stalemap_model::words::count::count;

use crate::comparison::SERIES;
use crate::comparison::class::Class;
use crate::run::Outcome;
use crate::verdict::Verdict;

/// Fewer columns than this in a row are named one by one.
const RANGE: usize = 3;

/// What a cell says: the worst violation with its least number of preemptions, or the verdict with the states of the proof.
pub(crate) fn cell(outcome: &Outcome) -> String {
    match outcome.verdict {
        Verdict::Violates => violation(outcome),
        Verdict::FoundNone => format!("found none ({})", outcome.statistics.executions),
        Verdict::Incomplete => format!("incomplete ({})", outcome.statistics.states),
        Verdict::Holds if outcome.judgement.vacuous => {
            format!("holds vacuously ({})", outcome.statistics.states)
        }
        Verdict::Holds => format!("holds ({})", outcome.statistics.states),
    }
}

/// The sign behind what a cell says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    /// `[1]`: the least number of preemptions.
    Least,
    /// `[<=1]`: that among the runs within a limit of the file.
    LeastAmong,
    /// `[?]`: it is not known.
    NotKnown,
    /// `(485)`: how much was explored.
    States,
}

impl Sign {
    /// That of an outcome's cell.
    pub(super) fn of(outcome: &Outcome) -> Self {
        match (outcome.verdict, &outcome.counterexample) {
            (Verdict::Violates, Some(shown)) if shown.counterexample.certified => {
                if shown.among.is_some() {
                    Sign::LeastAmong
                } else {
                    Sign::Least
                }
            }
            (Verdict::Violates, _) => Sign::NotKnown,
            (Verdict::Holds | Verdict::FoundNone | Verdict::Incomplete, _) => Sign::States,
        }
    }
}

/// The worst violation, with the least number of preemptions that it takes.
fn violation(outcome: &Outcome) -> String {
    let worst = outcome.violated.first().map_or("", |property| property.name());
    let least = outcome.counterexample.as_ref().map_or(0, |shown| shown.counterexample.preemptions);
    match Sign::of(outcome) {
        Sign::Least => format!("{worst} [{least}]"),
        Sign::LeastAmong => format!("{worst} [<={least}]"),
        Sign::NotKnown | Sign::States => format!("{worst} [?]"),
    }
}

/// A list of names, of which no more than `most` are said: `a, b and 3 more`.
pub(crate) fn named<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let said: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    match (names.len() - said.len(), said.is_empty()) {
        (0, _) => said.join(", "),
        (more, false) => format!("{} and {more} more", said.join(", ")),
        (more, true) => more.to_string(),
    }
}

/// Columns by name; of releases and of patches, three and more that follow each other in the table are said as the first and the last.
pub(super) fn columns(names: &[&str], all: &[String]) -> String {
    let place = |name: &str| all.iter().position(|other| other == name);
    let of_a_row = |name: &str| ["linux-", SERIES].iter().any(|prefix| name.starts_with(prefix));
    let follows = |one: &&str, other: &&str| {
        of_a_row(one) && of_a_row(other) && place(one).map(|place| place + 1) == place(other)
    };
    let parts = names.chunk_by(follows).map(|run| match run {
        [first, .., last] if run.len() >= RANGE => format!("{first} to {last}"),
        few => few.join(", "),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// What columns come to: `none loses data; iomap_valid, get_folio hold`.
pub(super) fn by_class(by: &[(Class, Vec<&str>)], all: &[String]) -> String {
    let part =
        |(class, names): &(Class, Vec<&str>)| format!("{} {}", columns(names, all), class.verb(names.len()));
    by.iter().map(part).collect::<Vec<_>>().join("; ")
}

/// `1 scenario`, `2 scenarios`.
pub(super) fn scenarios(number: usize) -> String {
    count(number as u64, "scenario")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_cut_and_says_so() {
        assert_eq!(named(&["a", "b"], 2), "a, b");
        assert_eq!(named(&["a", "b", "c"], 1), "a and 2 more");
        assert_eq!(named(&["a", "b"], 0), "2");
    }

    #[test]
    fn three_neighbours_are_a_range() {
        let all = ["linux-1", "linux-2", "linux-3", "a", "b", "c"].map(str::to_owned);
        assert_eq!(columns(&["linux-1", "linux-2", "linux-3", "a"], &all), "linux-1 to linux-3, a");
        assert_eq!(columns(&["linux-1", "linux-3"], &all), "linux-1, linux-3");
        assert_eq!(columns(&["a", "b", "c"], &all), "a, b, c");
    }
}
