//! Files that somebody has broken: the shipped ones, with pieces taken out, doubled, moved, and numbers at their
//! borders. Whatever comes of it, each is either refused with its errors or explored; nothing panics, and nothing is a
//! defect of stalemap.

use proptest::prelude::*;
use proptest::sample::Index;
use stalemap::run::{GivenLimits, Job, RunError, run_all};
use stalemap::scenario::{Scenario, catalogue, read};

/// Numbers at the borders of what a field, an offset or a suffix can hold.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "511",
    "512",
    "4095",
    "4096",
    "4097",
    "255",
    "256",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999",
    "7e",
    "8e",
    "1b",
    "1s",
    "0x",
    "010",
    "088",
    "1.5k",
    "64k",
    "2m",
    "inf",
    "",
];

/// Pieces that mean something somewhere.
const PIECES: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    "\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "\\",
    "#",
    ",",
    "é",
    "[actor]",
    "[[setup]]",
    "[[hold]]",
    "[file]",
    "[b] ",
    "@may_fail ",
    "@direct ",
    "@aio ",
    "\"@wait\", ",
    "\"@fail 1\", ",
    "\"@crash\", ",
    "-b 1 ",
    "-S 300 ",
    "-V 3 ",
    "-N ",
    "dio",
    "kworker",
    "name = \"dio\"",
    "\"sync\", ",
    "open = \"-d\"\n",
    "file = \"b\"\n",
    "free_blocks = 0\n",
    "block = \"512\"\n",
    "folio = \"2m\"\n",
];

/// One thing done to a file.
#[derive(Clone, Debug)]
enum Mutation {
    /// Bytes taken out.
    Delete(Index, usize),
    /// Bytes doubled.
    Double(Index, usize),
    /// A piece put in.
    Insert(Index, &'static str),
    /// A number replaced.
    Number(Index, &'static str),
    /// A line moved.
    Move(Index, Index),
    /// A line of another file put in.
    Borrow(Index, Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        1 => (index(), 1..40_usize).prop_map(|(at, length)| Mutation::Delete(at, length)),
        1 => (index(), 1..80_usize).prop_map(|(at, length)| Mutation::Double(at, length)),
        2 => (index(), prop::sample::select(PIECES)).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        4 => (index(), prop::sample::select(NUMBERS)).prop_map(|(at, number)| Mutation::Number(at, number)),
        2 => (index(), index()).prop_map(|(from, to)| Mutation::Move(from, to)),
        3 => (index(), index(), index()).prop_map(|(file, line, to)| Mutation::Borrow(file, line, to)),
    ]
}

/// The place at or before a byte where a character begins.
fn boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
}

fn place(text: &str, at: Index) -> usize {
    boundary(text, at.index(text.len() + 1))
}

fn mutated(text: &str, mutation: &Mutation) -> String {
    let mut text = text.to_owned();
    let mut lines: Vec<&str> = text.lines().collect();
    match mutation {
        Mutation::Delete(at, length) => {
            let at = place(&text, *at);
            let end = boundary(&text, at.saturating_add(*length).min(text.len()));
            text.replace_range(at..end, "");
        }
        Mutation::Double(at, length) => {
            let at = place(&text, *at);
            let end = boundary(&text, at.saturating_add(*length).min(text.len()));
            let twice = text[at..end].to_owned();
            text.insert_str(at, &twice);
        }
        Mutation::Insert(at, piece) => {
            let at = place(&text, *at);
            text.insert_str(at, piece);
        }
        Mutation::Number(which, number) => {
            let digits: Vec<usize> = text
                .char_indices()
                .filter(|(at, c)| {
                    c.is_ascii_digit() && !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric())
                })
                .map(|(at, _)| at)
                .collect();
            if !digits.is_empty() {
                let at = digits[which.index(digits.len())];
                let length = text[at..].find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len() - at);
                text.replace_range(at..at + length, number);
            }
        }
        Mutation::Move(from, to) => {
            if !lines.is_empty() {
                let line = lines.remove(from.index(lines.len()));
                lines.insert(to.index(lines.len() + 1), line);
                text = lines.join("\n");
            }
        }
        Mutation::Borrow(file, line, to) => {
            let all = catalogue::all();
            let other: Vec<&str> = all[file.index(all.len())].1.lines().collect();
            lines.insert(to.index(lines.len() + 1), other[line.index(other.len())]);
            text = lines.join("\n");
        }
    }
    text
}

/// Explores a little of a scenario under the designs that it is about, or under one.
fn explored(scenario: &Scenario) -> Result<(), String> {
    let mut jobs = Job::expected(scenario);
    jobs.truncate(2);
    if jobs.is_empty() {
        let implementation = scenario.implementation("get_folio").expect("a design");
        jobs.push(Job { scenario, implementation, engine: stalemap::engine::Engine::Exhaustive });
    }
    let given =
        GivenLimits { states: Some(300), memory: Some(16 << 20), seconds: Some(2), ..GivenLimits::default() };
    for outcome in run_all(&jobs, given, 1, &|_| ()) {
        match outcome {
            Ok(_) | Err(RunError::Config { .. } | RunError::Setup(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_broken_file_is_refused_or_explored(
        file in any::<Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let all = catalogue::all();
        let (name, source) = &all[file.index(all.len())];
        let text = mutations.iter().fold((*source).to_owned(), |text, mutation| mutated(&text, mutation));
        match read(name, text.as_bytes()) {
            Err(errors) => {
                prop_assert!(!errors.errors().is_empty(), "refused without a reason");
                let shown = errors.render(false);
                prop_assert!(shown.contains("help:"), "{shown}");
            }
            Ok(scenario) => {
                if let Err(defect) = explored(&scenario) {
                    prop_assert!(false, "{defect}\n{text}");
                }
            }
        }
    }
}
