//! Which file something concerns: what the model says of one of several starts with its name in brackets,
//! and a column of its state with its name and a colon.

/// The file that a text speaks of, if it names one, and what it says.
pub(crate) fn split(text: &str) -> (Option<&str>, &str) {
    let named = text.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    named.map_or((None, text), |(file, rest)| (Some(file), rest))
}

/// The text, naming a file.
pub(crate) fn named(file: Option<&str>, text: &str) -> String {
    file.map_or_else(|| text.to_owned(), |file| format!("[{file}] {text}"))
}

/// The file that a column of the state belongs to, if it names one, and what it shows.
pub(crate) fn column(name: &str) -> (Option<&str>, &str) {
    name.split_once(':').map_or((None, name), |(file, what)| (Some(file), what))
}

/// The value of a file's column in a state.
pub(crate) fn value_after<'s>(
    state: &'s [(String, String)],
    file: Option<&str>,
    name: &str,
) -> Option<&'s str> {
    state.iter().find(|(other, _)| column(other) == (file, name)).map(|(_, value)| value.as_str())
}

/// Says once what all texts say at their beginning: the file that they speak of.
pub(crate) fn factored(texts: Vec<String>) -> (Option<String>, Vec<String>) {
    let first = texts.first().and_then(|text| split(text).0.map(str::to_owned));
    if first.is_none() || texts.iter().any(|text| split(text).0 != first.as_deref()) {
        return (None, texts);
    }
    (first, texts.iter().map(|text| split(text).1.to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_all_share_is_said_once() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (file, rest) = factored(texts(&["[b] new folio", "[b] copy 0-4k"]));
        assert_eq!((file.as_deref(), rest), (Some("b"), texts(&["new folio", "copy 0-4k"])));
        let mixed = texts(&["[b] new folio", "[a] copy 0-4k"]);
        assert_eq!(factored(mixed.clone()), (None, mixed));
        assert_eq!(factored(texts(&["clean"])), (None, texts(&["clean"])));
        assert_eq!(factored(Vec::new()), (None, Vec::new()));
    }
}
