//! Whether parts are the parts of one run: all of them, each once.

use std::collections::BTreeMap;

use super::document::{Part, Source};
use super::partition::{Share, Slice};

/// A part, with the name of the file that it was read from.
pub struct Given {
    /// The name.
    pub file: String,
    /// What it says.
    pub part: Part,
}

/// Says what keeps files from being the parts of one run. Empty: nothing; then they come in the order of their numbers.
pub fn fit(parts: &mut [Given]) -> Vec<String> {
    let Some((first, others)) = parts.split_first() else { return vec!["there are no parts".to_owned()] };
    let mut problems: Vec<String> = parts.iter().filter_map(damage).collect();
    for other in others {
        let differences = first.part.run.differences(&other.part.run);
        if !differences.is_empty() {
            let (file, of) = (&other.file, &first.file);
            problems.push(format!("{file} is of another run than {of}: {}", differences.join("; ")));
        } else if other.part.of != first.part.of {
            problems.push(format!(
                "{} is one of {} parts, and {} one of {}: a run that was cut otherwise",
                other.file, other.part.of, first.file, first.part.of
            ));
        }
    }
    if problems.is_empty() {
        problems = twice_or_missing(parts);
        problems.extend(other_texts(parts));
    }
    parts.sort_by_key(|given| given.part.part);
    problems
}

/// In what a part is not what it says it is.
fn damage(given: &Given) -> Option<String> {
    let Given { file, part } = given;
    let Some(partition) = part.partition() else {
        return Some(format!("{file} is damaged: there is no part {}/{}", part.part, part.of));
    };
    let is_right = match partition.share(part.run.pairs) {
        Share::Pairs(pairs) => part.pairs == pairs && part.slice.is_none(),
        Share::Slice(Slice { pair, number, of }) => match &part.slice {
            Some((of_pair, slice)) => {
                part.pairs.is_empty() && (*of_pair, slice.slice, slice.of) == (pair, number + 1, of)
            }
            // It was too small to be cut, and the first has all of it.
            None if number == 0 => part.pairs == [pair],
            None => part.pairs.is_empty(),
        },
    };
    if !is_right || part.results.len() != part.pairs.len() {
        let has = format!("part {partition} of {} pairs has others than it says", part.run.pairs);
        return Some(format!("{file} is damaged: {has}"));
    }
    None
}

/// Scenarios of which parts have different texts. Those of the list have one; this is of who changed a part.
fn other_texts(parts: &[Given]) -> Vec<String> {
    let mut known: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut problems = Vec::new();
    for Given { file, part } in parts {
        for Source { scenario, source } in &part.scenarios {
            let (text, first) = *known.entry(scenario).or_insert((source, file));
            if text != source {
                problems.push(format!("{first} and {file} have different texts of {scenario}"));
            }
        }
    }
    problems
}

fn twice_or_missing(parts: &[Given]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut files: BTreeMap<u32, &str> = BTreeMap::new();
    let of = parts.first().map_or(0, |given| given.part.of);
    for Given { file, part } in parts {
        if let Some(other) = files.insert(part.part, file) {
            problems.push(format!("part {}/{of} is there twice: {other} and {file}", part.part));
        }
    }
    let missing: Vec<u32> = (1..=of).filter(|part| !files.contains_key(part)).collect();
    match &missing[..] {
        [] => {}
        [one] => problems.push(format!("part {one}/{of} is missing")),
        more => problems.push(format!("of {of} parts, {} are missing", ranges(more))),
    }
    problems
}

/// Ascending numbers, in words: `3, 5 to 9 and 12`.
fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let said: Vec<String> = ranges
        .iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        })
        .collect();
    match &said[..] {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        all => all.join(", "),
    }
}

/// The scenarios of all parts, each once, in the order of their first pairs; those that run under nothing last.
pub fn sources(parts: &[Given]) -> Vec<&Source> {
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sources: Vec<(usize, &Source)> = Vec::new();
    for (place, source) in parts.iter().flat_map(|given| places(&given.part)) {
        let at = *known.entry(source.scenario.as_str()).or_insert(sources.len());
        match sources.get_mut(at) {
            Some((first, _)) => *first = place.min(*first),
            None => sources.push((place, source)),
        }
    }
    sources.sort_by_key(|(place, _)| *place);
    sources.into_iter().map(|(_, source)| source).collect()
}

/// The scenarios of a part, each with the place of its first pair.
fn places(part: &Part) -> impl Iterator<Item = (usize, &Source)> {
    let place = |source: &Source| {
        let mut of = part.pairs.iter().zip(&part.results);
        let first = of.find(|(_, result)| result["scenario"] == source.scenario.as_str());
        let slice = part.slice.as_ref().filter(|(_, slice)| slice.scenario == source.scenario);
        first.map(|(pair, _)| *pair).or(slice.map(|(pair, _)| *pair)).unwrap_or(usize::MAX)
    };
    part.scenarios.iter().map(move |source| (place(source), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_ranges() {
        for (numbers, says) in [
            (&[3][..], "3"),
            (&[3, 4], "3, 4"),
            (&[1, 2, 3, 7], "1 to 3 and 7"),
            (&[1, 3, 5, 6, 7, 8], "1, 3 and 5 to 8"),
        ] {
            assert_eq!(ranges(numbers), says);
        }
    }
}
