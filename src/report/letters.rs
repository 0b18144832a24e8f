//! What the letters of the shared state mean, as far as they occur: one list for every report.

use stalemap_explore::Replay;

use crate::annotate::{AnnotatedSchedule, files};
use crate::report::cause::{self, Ending};

/// The letters of the columns, by the column's name.
const MEANINGS: [(&str, &[(char, &str)]); 5] = [
    (
        "ext",
        &[
            ('H', "hole"),
            ('D', "delalloc"),
            ('U', "unwritten"),
            ('W', "written"),
            ('I', "inline"),
            ('/', "then the COW fork"),
            ('-', "nothing in the COW fork"),
        ],
    ),
    (
        "folios",
        &[
            ('-', "absent"),
            ('C', "clean"),
            ('D', "dirty"),
            ('W', "writeback"),
            ('l', "locked"),
            ('?', "not all valid"),
        ],
    ),
    ("pte", &[('-', "not mapped"), ('r', "for loads"), ('w', "for stores as well")]),
    ("blocks", &[('-', "no per-block state"), ('?', "not valid"), ('C', "valid"), ('D', "dirty")]),
    ("zones", &[('-', "empty"), ('o', "open (blocks written/given to I/O/in all)"), ('F', "full")]),
];

/// What a column of numbers shows, by its name.
const NUMBERS: [(&str, &str); 3] = [
    ("valid", "valid: the valid size, behind which the file should read as zeros"),
    ("i_size", "i_size: the size in memory"),
    ("disk", "disk: the size on disk"),
];

/// The meanings of the letters that occur, one list for each kind of column; the first of a list names the kind.
/// `occurs` says whether a letter does in columns of a name.
pub(super) fn meanings(occurs: impl Fn(&str, char) -> bool) -> Vec<Vec<String>> {
    let explain = |(name, meanings): (&str, &[(char, &str)])| {
        let used = meanings.iter().filter(|(letter, _)| occurs(name, *letter));
        let mut items: Vec<String> = used.map(|(letter, meaning)| format!("{letter} {meaning}")).collect();
        if let Some(first) = items.first_mut() {
            first.insert_str(0, &format!("{name}: "));
        }
        items
    };
    let numbers = NUMBERS.iter().filter(|(name, _)| ('0'..='9').any(|digit| occurs(name, digit)));
    let numbers = numbers.map(|(_, meaning)| vec![(*meaning).to_owned()]);
    numbers.chain(MEANINGS.into_iter().map(explain).filter(|items| !items.is_empty())).collect()
}

/// The same for a schedule, a line for each kind of column and each kind of sign in texts, for reports that show values as
/// they are.
pub(super) fn of_schedule(schedule: &AnnotatedSchedule) -> Vec<String> {
    let signs = signs(schedule).into_iter().filter(|items| !items.is_empty()).map(|items| items.join(", "));
    of_replay(&schedule.replay).into_iter().chain(signs).collect()
}

fn of_replay(replay: &Replay) -> Vec<String> {
    let states = || std::iter::once(&replay.initial).chain(replay.played.iter().map(|played| &played.gutter));
    let occurs = |name: &str, letter: char| {
        let mut values = states().flatten().filter(|(column, _)| files::column(column).1 == name);
        values.any(|(_, value)| value.contains(letter))
    };
    let say = |items: Vec<String>| {
        let each = match items[0].split(':').next() {
            Some("ext") => "; one letter a block",
            Some("folios") => "; one group of letters a folio",
            _ => "",
        };
        let example = example(&longest(replay, items[0].split(':').next().unwrap_or_default()));
        format!("{}{each}{example}", items.join(", "))
    };
    meanings(occurs).into_iter().map(say).collect()
}

/// The longest group of letters in columns of a name.
fn longest(replay: &Replay, name: &str) -> String {
    let states = std::iter::once(&replay.initial).chain(replay.played.iter().map(|played| &played.gutter));
    let values = states.flatten().filter(|(column, _)| files::column(column).1 == name);
    let groups = values.flat_map(|(_, value)| value.split(' '));
    // Of those that are as long, the first.
    let longest = groups.reduce(|longest, group| if group.len() > longest.len() { group } else { longest });
    longest.unwrap_or_default().to_owned()
}

/// What a group of letters of a folio means in words.
fn example(group: &str) -> String {
    let folios =
        MEANINGS.iter().find(|(name, _)| *name == "folios").map_or(&[][..], |(_, meanings)| *meanings);
    let words: Vec<&str> = group
        .chars()
        .filter_map(|letter| folios.iter().find(|(known, _)| *known == letter).map(|(_, meaning)| *meaning))
        .collect();
    if words.len() < 2 || words.len() != group.chars().count() || !group.starts_with(['C', 'D']) {
        return String::new();
    }
    format!(": {group} is {}", words.join(", "))
}

/// What signs in texts mean, as far as they occur, one list for each kind.
pub(super) fn signs(schedule: &AnnotatedSchedule) -> [Vec<String>; 3] {
    let list = |sign: Option<String>| sign.into_iter().collect();
    let observed = schedule.replay.epilogue.as_ref().and_then(|epilogue| epilogue.observed.as_deref());
    [list(garbage(schedule)), list(counters(schedule)), cells(observed.unwrap_or_default())]
}

/// What `--` and `~~` mean, if what is observed says them: cells without a pattern.
pub(super) fn cells(observed: &str) -> Vec<String> {
    let meanings = [("--", "behind the end of the file"), ("~~", "what no command has written")];
    let occur = meanings.into_iter().filter(|(sign, _)| observed.contains(sign));
    occur.map(|(sign, meaning)| format!("{sign} {meaning}")).collect()
}

/// What `~2` means, if a violation says it.
fn garbage(schedule: &AnnotatedSchedule) -> Option<String> {
    let mut violations = schedule.steps.iter().flat_map(|step| &step.violations);
    let at_the_end = |ending: &Ending| match ending {
        Ending::Said(text) | Ending::Violated(text) => names_garbage(text),
    };
    let found = violations.any(|text| names_garbage(text)) || cause::ending(schedule).iter().any(at_the_end);
    found.then(|| "~N: what device block N had before, which nobody wrote to this file".to_owned())
}

/// What `seq 3/1` means, if a step says it.
fn counters(schedule: &AnnotatedSchedule) -> Option<String> {
    let mut notes = schedule.steps.iter().flat_map(|step| &step.notes);
    let found = notes.find_map(|text| both_counters(text))?;
    Some(format!("seq {found}: the counter of the data fork, that of the COW fork"))
}

/// The first `3/1` behind `seq`.
fn both_counters(text: &str) -> Option<&str> {
    let number = |text: &str| !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit());
    text.split("seq ").skip(1).find_map(|rest| {
        let seq = rest.split([' ', ',', ';']).next()?;
        seq.split_once('/').filter(|(data, cow)| number(data) && number(cow)).map(|_| seq)
    })
}

fn names_garbage(text: &str) -> bool {
    text.split('~').skip(1).any(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_occurs_is_explained() {
        let occurs = |name: &str, letter: char| {
            (name, letter) == ("ext", 'U') || name == "folios" && "Cl".contains(letter)
        };
        assert_eq!(meanings(occurs), [vec!["ext: U unwritten"], vec!["folios: C clean", "l locked"]]);
        assert!(meanings(|_, _| false).is_empty());
        let valid = meanings(|name, letter| name == "valid" && "4k".contains(letter));
        assert_eq!(valid, [["valid: the valid size, behind which the file should read as zeros"]]);
        assert!(names_garbage("stale exposure: 0-4k is ~2"));
        assert!(!names_garbage("stale exposure: 0-4k is uninitialised, ~"));
        let forks = meanings(|name, letter| name == "ext" && "W/-".contains(letter));
        assert_eq!(forks, [["ext: W written", "/ then the COW fork", "- nothing in the COW fork"]]);
        assert_eq!(both_counters("unwritten SHARED 0-8k, seq 3/1"), Some("3/1"));
        assert_eq!(both_counters("stale: sampled at seq 2, now 3; seq 1/2, for ever"), Some("1/2"));
        assert_eq!(both_counters("written 0-4k, seq 3"), None);
        assert!(cells("0-8k=11 00; reader:0=nothing;").is_empty());
        assert_eq!(cells("0-8k=11 --;"), ["-- behind the end of the file"]);
        assert_eq!(cells("reader:0=~~ ~~;"), ["~~ what no command has written"]);
    }
}
