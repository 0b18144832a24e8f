//! Which file something concerns, where there are several: events say it, a text shows it in brackets before what it
//! says, and a column of the state begins with the name and a colon.

/// Something said of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Note {
    /// The file, where there are several.
    pub(crate) file: Option<String>,
    /// What is said.
    pub(crate) text: String,
}

impl Note {
    /// One text, naming the file.
    pub(crate) fn shown(&self) -> String {
        named(self.file.as_deref(), &self.text)
    }
}

/// The text, naming a file.
pub(crate) fn named(file: Option<&str>, text: &str) -> String {
    file.map_or_else(|| text.to_owned(), |file| format!("[{file}] {text}"))
}

/// The file that a column of the state belongs to, if it names one, and what it shows.
pub(crate) fn column(name: &str) -> (Option<&str>, &str) {
    name.split_once(':').map_or((None, name), |(file, what)| (Some(file), what))
}

/// Says once what all notes have in common: the file that they speak of.
pub(crate) fn factored(notes: &[Note]) -> (Option<&str>, Vec<String>) {
    let first = notes.first().and_then(|note| note.file.as_deref());
    if first.is_none() || notes.iter().any(|note| note.file.as_deref() != first) {
        return (None, notes.iter().map(Note::shown).collect());
    }
    (first, notes.iter().map(|note| note.text.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_all_share_is_said_once() {
        let note = |(file, text): &(Option<&str>, &str)| Note {
            file: file.map(str::to_owned),
            text: (*text).to_owned(),
        };
        let notes = |all: &[(Option<&str>, &str)]| all.iter().map(note).collect::<Vec<_>>();
        let both = notes(&[(Some("b"), "new folio"), (Some("b"), "copy 0-4k")]);
        assert_eq!(factored(&both), (Some("b"), vec!["new folio".to_owned(), "copy 0-4k".to_owned()]));
        let mixed = notes(&[(Some("b"), "new folio"), (Some("a"), "copy 0-4k")]);
        assert_eq!(factored(&mixed), (None, vec!["[b] new folio".to_owned(), "[a] copy 0-4k".to_owned()]));
        let looks_like_a_file = notes(&[(None, "[a] clean")]);
        assert_eq!(factored(&looks_like_a_file), (None, vec!["[a] clean".to_owned()]));
        assert_eq!(factored(&[]), (None, Vec::new()));
    }
}
