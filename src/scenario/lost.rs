//! Where the parser of TOML has lost its way: what it says from there on is about a file that nobody wrote.
//!
//! An array that is not closed goes on over the lines behind it, and each of them is wrong in it. A table that begins on a line
//! of its own is not wrong, so an error on such a line tells that the parser is still in an array.

use std::ops::Range;

use super::diagnostics::Diagnostic;
use super::headers::{Header, line_start};

/// What the parser says of a line break of old Macs,
const CARRIAGE_RETURN: &str = "carriage return must be followed by newline";

/// and of what follows an array that is not closed.
const MISSING_COMMA: &str = "missing comma between array elements";

/// A part of a file that the parser did not read as it is meant.
pub(super) struct Lost {
    /// Where.
    pub(super) part: Range<usize>,
    /// The error that led to it.
    pub(super) why: Diagnostic,
}

/// The parts that the parser did not read as they are meant.
pub(super) fn parts(source: &str, headers: &[Header<'_>], errors: &[Diagnostic]) -> Vec<Lost> {
    let is_wrong =
        |header: &Header<'_>| errors.iter().any(|error| line_start(source, &error.span) == header.line);
    let mut parts = Vec::new();
    let mut begun = None;
    for header in headers {
        match (begun, is_wrong(header)) {
            (None, true) => begun = Some(header.line),
            (Some(from), false) => {
                parts.push(from..header.line);
                begun = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    parts.extend(begun.map(|from| from..usize::MAX));
    parts.into_iter().filter_map(|part| lost(source, part, errors)).collect()
}

/// From where on the parser is lost that is so at the beginning of a table, and why.
fn lost(source: &str, at: Range<usize>, errors: &[Diagnostic]) -> Option<Lost> {
    let open = open_array(source.get(..at.start)?);
    let part = open.as_ref().map_or(at.start, |open| open.start)..at.end;
    let within = errors.iter().filter(|error| part.contains(&error.span.start));
    let first = within.min_by_key(|error| error.span.start)?;
    let line = line_start(source, &first.span);
    let why = match open {
        Some(open) if first.message == MISSING_COMMA && line != line_start(source, &open) => Diagnostic {
            span: open,
            message: "this array is not closed".to_owned(),
            help: "write `]` behind its last element".to_owned(),
        },
        _ => first.clone(),
    };
    Some(Lost { part, why })
}

/// The bracket of the array that is open at the end of a text.
fn open_array(source: &str) -> Option<Range<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        // The brackets of a table are no array.
        let value = if open.is_empty() { line.find('=').map_or(line.len(), |at| at + 1) } else { 0 };
        let mut quote = None;
        let mut escaped = false;
        for (at, c) in line.char_indices().skip_while(|(at, _)| *at < value) {
            match (quote, c) {
                (Some('"'), _) if escaped => escaped = false,
                (Some('"'), '\\') => escaped = true,
                (Some(with), _) if c == with => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '#') => break,
                (None, '[') => open.push(start + at),
                (None, ']') => drop(open.pop()),
                (Some(_) | None, _) => {}
            }
        }
        start += line.len();
    }
    open.first().map(|at| *at..at + 1)
}

/// Of lines that end as on old Macs, the first is enough: to the parser they are one line with everything in it.
pub(super) fn one_of_old_macs(source: &str, errors: &mut Vec<Diagnostic>) {
    let is_of = |error: &Diagnostic| error.message == CARRIAGE_RETURN;
    let Some(first) = errors.iter().find(|error| is_of(error)).cloned() else { return };
    let line = line_start(source, &first.span);
    errors.retain(|error| !is_of(error) && line_start(source, &error.span) != line);
    errors.push(Diagnostic { help: "end each line with a line feed".to_owned(), ..first });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_array_that_is_open_is_found_behind_strings_and_comments() {
        let open = |source: &str| open_array(source).map(|span| source[..span.start].lines().count());
        assert_eq!(open("a = [\"x]\", 'y]'\n"), Some(1));
        assert_eq!(open("a = [1, # ]\n2]\nb = [[1],\n"), Some(3));
        assert_eq!(open("a = [\"\\\"[\"]\n[b]\nc = \"[\"\n"), None);
    }
}
