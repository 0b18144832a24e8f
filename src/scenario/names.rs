//! Names in messages: the nearest known one to what was written, lists, quotes.

/// The most characters of the user's text that a message repeats; the rest stands underlined below it.
const QUOTED: usize = 40;

/// The known name that was probably meant, if one is near enough.
pub fn nearest<'k>(written: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Longer than any known name: nothing is near, and the comparison is quadratic.
    if written.len() > 4 * QUOTED {
        return None;
    }
    let fold = |name: &str| name.to_ascii_lowercase().replace('_', "-");
    let wanted = fold(written);
    let allowed = wanted.chars().count().max(3) / 3;
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
        None => format!("known are {}", list(known)),
    }
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
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
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
    fn quotes_are_short_and_harmless() {
        assert_eq!(quote("say \"a\u{1b}[1m\""), "`say \"a\\u{1b}[1m\"`");
        assert_eq!(quote(&"x".repeat(50)), format!("`{}…`", "x".repeat(40)));
    }
}
