//! Strings of the file that remember where each of their characters stands, so that an error inside a command
//! can underline one word of it.

use std::ops::Range;

/// A string of the file.
#[derive(Clone)]
pub(super) struct Text<'s> {
    /// Its value.
    pub(super) value: &'s str,
    /// Where it stands, with its quotes.
    pub(super) span: Range<usize>,
    /// Where its first character stands, if the value stands in the file as it is.
    start: Option<usize>,
}

impl<'s> Text<'s> {
    /// A string with the given value that stands at `span` of `source`.
    pub(super) fn new(source: &str, value: &'s str, span: Range<usize>) -> Self {
        let raw = source.get(span.clone()).unwrap_or_default();
        // The quotes: three of them, perhaps with a line break that does not count, or one.
        let opening = ["\"\"\"\r\n", "'''\r\n", "\"\"\"\n", "'''\n", "\"\"\"", "'''", "\"", "'"];
        let quotes = opening.iter().find(|quotes| raw.starts_with(**quotes)).map_or(0, |quotes| quotes.len());
        // A string with escapes differs from its value.
        let verbatim = raw.get(quotes..).is_some_and(|inner| inner.starts_with(value));
        let start = verbatim.then_some(span.start + quotes);
        Text { value, span, start }
    }

    /// Where a part of the value stands; the whole string, if escapes make that unknown.
    pub(super) fn part(&self, part: &Range<usize>) -> Range<usize> {
        match self.start {
            Some(start) => start + part.start..start + part.end,
            None => self.span.clone(),
        }
    }

    /// The words of the string.
    pub(super) fn words(&self) -> Vec<Word<'s>> {
        let mut words = Vec::new();
        let mut from = 0;
        for piece in self.value.split_ascii_whitespace() {
            // `piece` is the next occurrence of itself that is not inside a word already taken.
            let at = self.value[from..].find(piece).map_or(from, |at| from + at);
            from = at + piece.len();
            words.push(Word { text: piece, span: self.part(&(at..from)), at });
        }
        words
    }
}

/// A word of a string.
#[derive(Clone)]
pub(super) struct Word<'s> {
    /// The word.
    pub(super) text: &'s str,
    /// Where it stands in the file.
    pub(super) span: Range<usize>,
    /// Where it stands in the string.
    pub(super) at: usize,
}

impl<'s> Word<'s> {
    /// The word from a byte of it on.
    pub(super) fn tail(&self, text: &Text<'s>, from: usize) -> Word<'s> {
        let end = self.at + self.text.len();
        Word { text: &self.text[from..], span: text.part(&(self.at + from..end)), at: self.at + from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(source: &str, value: &str) -> Vec<String> {
        let text = Text::new(source, value, 0..source.len());
        text.words().into_iter().map(|word| source[word.span].to_owned()).collect()
    }

    #[test]
    fn words_know_their_places() {
        assert_eq!(places("\"pwrite  0 10\"", "pwrite  0 10"), ["pwrite", "0", "10"]);
        assert_eq!(places("'pwrite 0 10'", "pwrite 0 10"), ["pwrite", "0", "10"]);
        assert_eq!(places("\"\"\"\nfsync\"\"\"", "fsync"), ["fsync"]);
        assert_eq!(places("\"ä 1 11\"", "ä 1 11"), ["ä", "1", "11"]);
    }

    #[test]
    fn escapes_fall_back_to_the_whole_string() {
        assert_eq!(places(r#""fsync\t1""#, "fsync\t1"), [r#""fsync\t1""#, r#""fsync\t1""#]);
    }

    #[test]
    fn a_mark_that_repeats_is_found_in_order() {
        assert_eq!(places("\"10 0 0\"", "10 0 0"), ["10", "0", "0"]);
    }
}
