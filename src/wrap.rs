//! Breaking text so that it fits.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns of a terminal a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Breaks a text into lines of at most `width` columns, all but the first of them indented.
pub(crate) fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let width = width.max(1);
    let indent = indent.min(width / 3);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut word = word;
        loop {
            let start = if lines.is_empty() { 0 } else { indent };
            let gap = usize::from(!line.trim_start().is_empty());
            let used = self::width(&line).max(start);
            if used + gap + self::width(word) <= width {
                line = format!("{line:start$}{}{word}", " ".repeat(gap));
                break;
            }
            if gap == 1 {
                lines.push(std::mem::take(&mut line));
                continue;
            }
            let (fits, rest) = break_word(word, width - start);
            lines.push(format!("{:start$}{fits}", ""));
            if rest.is_empty() {
                break;
            }
            word = rest;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Breaks a text between words into lines of at most `most` columns; all but the first are indented. A word that is longer than
/// a line has a line of its own and is not broken.
pub(crate) fn fill(text: &str, most: usize, indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("{:indent$}{word}", "")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Breaks the lines of a text that are longer than so many columns, if there is such a limit; what belongs to a line is indented two
/// columns further than it.
pub(crate) fn broken(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let one = |line: &str| {
        let (words, end) = line.strip_suffix('\n').map_or((line, ""), |words| (words, "\n"));
        if width(words) <= columns {
            return line.to_owned();
        }
        let indent = words.len() - words.trim_start().len();
        let lines = fill(words, columns.saturating_sub(indent), 2);
        let lines: Vec<String> = lines.iter().map(|line| format!("{:indent$}{line}", "")).collect();
        lines.join("\n") + end
    };
    text.split_inclusive('\n').map(one).collect()
}

/// Fewer columns than these are not enough for a text beside what it is of.
const FEWEST: usize = 24;

/// A text behind what it is of, broken to so many columns: it goes on below its beginning, or where there is no room for that on lines of
/// its own.
pub(crate) fn hung(of: &str, text: &str, columns: Option<usize>) -> String {
    let at = width(of);
    let (first, lines, indent) = match columns {
        None => return format!("{of}{text}\n"),
        Some(columns) if columns < at + FEWEST => {
            (format!("{}\n{:4}", of.trim_end(), ""), fill(text, columns.saturating_sub(4), 0), 4)
        }
        Some(columns) => (of.to_owned(), fill(text, columns - at, 0), at),
    };
    format!("{first}{}\n", lines.join(&format!("\n{:indent$}", "")))
}

/// Splits a word that does not fit, behind an underscore or the like if there is one, and not in the middle
/// of a character.
fn break_word(word: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    let mut end = 0;
    let mut nice = 0;
    for (at, character) in word.char_indices() {
        used += character.width().unwrap_or(0);
        // A character wider than the line is put there all the same.
        if used > width && end > 0 {
            break;
        }
        end = at + character.len_utf8();
        if matches!(character, '_' | ',' | '-' | '/') {
            nice = end;
        }
    }
    word.split_at(if end == word.len() || nice == 0 { end } else { nice })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_behind_underscores() {
        assert_eq!(
            wrap("mapping says unwritten at 4k-8k", 12, 2),
            ["mapping says", "  unwritten", "  at 4k-8k"]
        );
        assert_eq!(wrap("folio_start_writeback 1", 15, 2), ["folio_start_", "  writeback 1"]);
        assert_eq!(wrap("abcdefgh", 3, 0), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3, 0), [""]);
        assert_eq!(wrap("日本語", 4, 0), ["日本", "語"]);
    }

    #[test]
    fn a_filled_text_has_its_words_whole() {
        assert_eq!(fill("ab cd efghij k", 5, 2), ["ab cd", "  efghij", "  k"]);
        assert!(fill("", 5, 2).is_empty());
    }

    #[test]
    fn only_lines_that_are_too_long_are_broken() {
        let text = "one  two\n  three four five\n";
        assert_eq!(broken(text, Some(13)), "one  two\n  three four\n    five\n");
        assert_eq!(broken(text, None), text);
        assert_eq!(broken("\nab", Some(1)), "\nab");
    }

    #[test]
    fn a_text_hangs_beside_what_it_is_of_or_below_it() {
        let hung = |columns| hung("at:   ", "a long text that is broken to fit", columns);
        assert_eq!(hung(None), "at:   a long text that is broken to fit\n");
        assert_eq!(hung(Some(30)), "at:   a long text that is\n      broken to fit\n");
        assert_eq!(hung(Some(29)), "at:\n    a long text that is\n    broken to fit\n");
    }

    #[test]
    fn no_line_is_wider_than_asked_for() {
        let text = "folio_start_writeback 1: a long_word_of_many_parts and 0-4k, 8k-12k, 日本語 at the end";
        for width in 2..60 {
            for line in wrap(text, width, 4) {
                assert!(super::width(&line) <= width, "{width}: {line:?}");
            }
        }
    }
}
