//! Two explorations beside each other.

use std::collections::BTreeSet;

use stalemap_explore::Exploration;
use stalemap_model::judge::properties;

use super::case::Answer;

/// How much must be the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Equal {
    /// What is violated, and what files contain at the end.
    Results,
    /// That, in as many final states, of as many states.
    States,
}

/// Whether two explorations come to the same.
pub(super) fn same(one: &Exploration, other: &Exploration, equal: Equal) -> Answer {
    if one.violated != other.violated {
        return Answer::Broken(format!("{} are violated, and {}", violated(one), violated(other)));
    }
    let (ours, theirs) = (contents(one), contents(other));
    if ours != theirs {
        return Answer::Broken(format!("files contain {}", difference(&ours, &theirs)));
    }
    let numbers = |found: &Exploration| (found.statistics.states, found.statistics.final_states);
    if equal == Equal::States && numbers(one) != numbers(other) {
        let ((states, finals), (other_states, other_finals)) = (numbers(one), numbers(other));
        return Answer::Broken(format!(
            "{states} states, {finals} of them final, and {other_states}, {other_finals} of them final"
        ));
    }
    Answer::Holds
}

/// Whether an exploration finds all that another one finds.
pub(super) fn includes(more: &Exploration, less: &Exploration) -> Answer {
    if less.violated & !more.violated != 0 {
        return Answer::Broken(format!(
            "{} are violated, and only {} with more",
            violated(less),
            violated(more)
        ));
    }
    let (ours, theirs) = (contents(less), contents(more));
    if ours.is_subset(&theirs) {
        Answer::Holds
    } else {
        Answer::Broken(format!("files contain {}", difference(&ours, &theirs)))
    }
}

/// What the files may contain at the end, without where that lies.
pub(super) fn contents(found: &Exploration) -> BTreeSet<String> {
    found.outcomes.keys().map(|observed| values(observed)).collect()
}

/// The values of what was observed: `0-8k=11 --` without the range.
fn values(observed: &str) -> String {
    let of_file = |file: &str| file.split_once('=').map_or(file, |(_, values)| values).trim().to_owned();
    observed.split(';').map(of_file).collect::<Vec<_>>().join("; ")
}

pub(super) fn violated(found: &Exploration) -> String {
    let all = properties::of_bits(found.violated);
    let names: Vec<&str> = all.iter().map(|property| property.name()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn difference(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> String {
    let some =
        |set: BTreeSet<&String>| set.first().map_or_else(|| "nothing".to_owned(), |one| format!("`{one}`"));
    let (only_ours, only_theirs) = (ours.difference(theirs).collect(), theirs.difference(ours).collect());
    format!("{} on the one side alone, {} on the other", some(only_ours), some(only_theirs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::oracles::case::sample::drawn;
    use stalemap_model::judge::properties::LOST_WRITE;

    #[test]
    fn what_is_not_the_same_is_told() {
        let (_, found) = drawn(1, 1);
        assert_eq!(same(&found, &found, Equal::States), Answer::Holds);
        let mut other = found.clone();
        other.statistics.states += 1;
        assert_eq!(same(&found, &other, Equal::Results), Answer::Holds);
        assert!(matches!(same(&found, &other, Equal::States), Answer::Broken(_)));
        let mut other = found.clone();
        other.violated ^= LOST_WRITE.bit();
        assert!(matches!(same(&found, &other, Equal::Results), Answer::Broken(_)));
        let mut other = found.clone();
        other.outcomes.insert("0-8k=ee".to_owned(), 1);
        assert!(matches!(same(&found, &other, Equal::Results), Answer::Broken(_)));
    }

    #[test]
    fn more_may_be_there_and_less_may_not() {
        let (_, found) = drawn(1, 1);
        let mut more = found.clone();
        more.violated |= LOST_WRITE.bit();
        more.outcomes.insert("0-8k=ee".to_owned(), 1);
        assert_eq!(includes(&more, &found), Answer::Holds);
        assert!(matches!(includes(&found, &more), Answer::Broken(_)));
        more.violated = found.violated;
        assert!(matches!(includes(&found, &more), Answer::Broken(_)));
    }

    #[test]
    fn ranges_are_no_part_of_what_files_contain() {
        assert_eq!(values("[a] 0-8k=11 --; [b] 4k-8k=00"), values("[a] 4k-12k=11 --; [b] 8k-12k=00"));
    }
}
