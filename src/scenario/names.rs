//! Names in messages: the nearest known one to what was written, lists, quotes.

use stalemap_model::words::design::Design;
use stalemap_model::words::personality::Personality;

/// The most characters of the user's text that a message repeats; the rest stands underlined below it.
const QUOTED: usize = 40;

/// What is said of fields in the wrong table.
const FS: &str = "file systems: `[fs]`";
const DESIGNS: &str = "designs: `[design.NAME]`, with `based_on`";

/// Keys beside them, each with its table.
const STANDS_IN: [(&str, &str); 4] = [
    ("personality", "[fs]"),
    ("based_on", "[design.NAME]"),
    ("block", "[geometry]"),
    ("folio", "[geometry]"),
];

/// The known name that was probably meant, if one is near enough.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Longer than any known name: nothing is near, and the comparison is quadratic.
    if written.len() > 4 * QUOTED {
        return None;
    }
    let fold = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let wanted = fold(written);
    let length = wanted.chars().count();
    // Something of it must be left: one letter is not like another.
    let allowed = (length.max(3) / 3).min(length.saturating_sub(1));
    let distances = known.into_iter().map(|name| (strsim::damerau_levenshtein(&wanted, &fold(name)), name));
    // The first of equally near names, so that the order of the caller's list decides.
    distances
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, n)| n)
}

/// What to say about an unknown name: the nearest one, or all of them.
pub(super) fn suggest<'k>(
    written: &str,
    known: impl IntoIterator<Item = &'k str, IntoIter: Clone>,
    what: &str,
) -> String {
    let known = known.into_iter();
    match nearest(written, known.clone()) {
        Some(name) => format!("a {what} with a similar name exists: `{name}`").replace("a actor", "an actor"),
        None => format!("known are {}", list(once_each(known))),
    }
}

/// A file may define what is built in, which is an error of its own.
fn once_each<'k>(names: impl Iterator<Item = &'k str>) -> Vec<&'k str> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// More known keys than that are not listed, only those that are nearest.
const LISTED: usize = 20;
/// So many of them.
const NEAREST: usize = 4;

/// What to say about an unknown key: the nearest one of its table, the table of designs or of the file system if it is a field
/// there, or the keys that there are.
pub(super) fn suggest_key(written: &str, known: &[&str]) -> String {
    if let Some((_, table)) = STANDS_IN.iter().find(|(key, _)| *key == written) {
        return format!("it stands in `{table}`");
    }
    let places = [(Personality::FIELDS, FS), (Design::FIELDS, DESIGNS)];
    if let Some((_, place)) = places.iter().find(|(fields, _)| fields.contains(&written)) {
        return format!("it is a field of {place}");
    }
    if nearest(written, known.iter().copied()).is_some() || known.is_empty() {
        return suggest(written, known.iter().copied(), "key");
    }
    let elsewhere = places.iter().filter(|(fields, _)| !fields.iter().all(|field| known.contains(field)));
    let near = |(fields, place): &(&[&'static str], &str)| {
        Some(format!("`{}` is a field of {place}", nearest(written, fields.iter().copied())?))
    };
    if let Some(text) = elsewhere.into_iter().find_map(near) {
        return text;
    }
    if known.len() <= LISTED {
        return format!("known are {}", list(known.iter().copied()));
    }
    format!("these are nearest: {}; docs/scenarios.md has all", list(least_distant(written, known)))
}

/// The names that have a word in common with what was written, or the beginning of one; if there are none, those that are
/// least far from it.
fn least_distant<'k>(written: &str, known: &[&'k str]) -> Vec<&'k str> {
    let short: String = written.to_ascii_lowercase().chars().take(QUOTED).collect();
    let words = |name: &'_ str| name.split(['_', '-']).map(str::to_owned).collect::<Vec<_>>();
    let wanted = words(&short);
    let akin = |one: &String, other: &String| {
        let common = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
        common > 3 || one == other && common > 2
    };
    let has_common =
        |name: &&str| words(name).iter().any(|word| wanted.iter().any(|other| akin(word, other)));
    let mut names: Vec<&str> = known.iter().copied().filter(has_common).collect();
    if names.is_empty() {
        names = known.to_vec();
    }
    names.sort_by_key(|name| strsim::damerau_levenshtein(&short, name));
    names.truncate(NEAREST);
    names
}

/// Names as an enumeration.
pub(super) fn list<'k>(names: impl IntoIterator<Item = &'k str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The user's text in a message: in back-ticks, without control characters, and not too long.
pub(super) fn quote(text: &str) -> String {
    if text.is_empty() {
        return "the empty string".to_owned();
    }
    let short: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    let dots = if text.chars().nth(QUOTED).is_some() { "…" } else { "" };
    // `escape_debug` guards quotes as well, which need no guard between back-ticks.
    format!("`{}{dots}`", short.replace("\\\"", "\"").replace("\\'", "'"))
}

/// A count with its noun.
pub(super) fn count(number: usize, noun: &str) -> String {
    stalemap_model::words::count::count(number as u64, noun)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_name() {
        let known = ["pwrite", "pread", "mwrite", "iomap_valid"];
        assert_eq!(nearest("pwirte", known), Some("pwrite"));
        assert_eq!(nearest("PREAD", known), Some("pread"));
        assert_eq!(nearest("iomap-valid", known), Some("iomap_valid"));
        assert_eq!(nearest("unlink", known), None);
        assert_eq!(nearest(&"pwrite".repeat(1000), known), None);
    }

    #[test]
    fn a_key_in_the_wrong_table_finds_its_own() {
        let all = [Design::FIELDS, Personality::FIELDS].concat();
        let geometry = ["block", "folio"];
        let cases: [(&str, &[&str], &str); 13] = [
            ("block_drity", Personality::FIELDS, "a key with a similar name exists: `block_dirty`"),
            ("check", Personality::FIELDS, "it is a field of designs: `[design.NAME]`, with `based_on`"),
            ("chek", Personality::FIELDS, "`check` is a field of designs: `[design.NAME]`, with `based_on`"),
            ("free_blocks", &geometry, "it is a field of file systems: `[fs]`"),
            ("freeblocks", &geometry, "`free_blocks` is a field of file systems: `[fs]`"),
            ("unlike", &geometry, "known are `block`, `folio`"),
            ("chek", &all, "a key with a similar name exists: `check`"),
            (
                "zones",
                &all,
                "these are nearest: `zone_blocks`, `zoned_write_error`; docs/scenarios.md has all",
            ),
            ("x", &["one"], "known are `one`"),
            ("z", &["w", "r"], "known are `w`, `r`"),
            ("personality", &all, "it stands in `[fs]`"),
            ("based_on", Personality::FIELDS, "it stands in `[design.NAME]`"),
            ("folio", Personality::FIELDS, "it stands in `[geometry]`"),
        ];
        for (written, known, text) in cases {
            assert_eq!(suggest_key(written, known), text, "{written}");
        }
        let long = suggest_key(&"x".repeat(100_000), &all);
        assert!(long.starts_with("these are nearest: "), "{long}");
    }

    #[test]
    fn quotes_are_short_and_harmless() {
        assert_eq!(quote("say \"a\u{1b}[1m\""), "`say \"a\\u{1b}[1m\"`");
        assert_eq!(quote(&"x".repeat(50)), format!("`{}…`", "x".repeat(40)));
    }
}
