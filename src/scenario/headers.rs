//! The lines of a file that tables begin with, found without the parser of TOML, for what it says of a file that it cannot read.

use std::ops::Range;

/// The line that a table begins with.
pub(super) struct Header<'s> {
    /// Where the line starts.
    pub(super) line: usize,
    /// Where the brackets are.
    pub(super) span: Range<usize>,
    /// What stands in them.
    pub(super) name: &'s str,
    /// Whether there are two on each side.
    pub(super) list: bool,
}

/// The headers of a file, in order.
pub(super) fn headers(source: &str) -> Vec<Header<'_>> {
    let mut headers = Vec::new();
    let mut line_start = 0;
    for line in source.split_inclusive('\n') {
        let text = line.split('#').next().unwrap_or_default();
        let (indented, trimmed) = (text.len() - text.trim_start().len(), text.trim());
        let list = trimmed.starts_with("[[");
        let inner = if list {
            trimmed.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"))
        } else {
            trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        };
        if let Some(name) = inner.map(str::trim).filter(|name| is_key(name)) {
            let start = line_start + indented;
            headers.push(Header { line: line_start, span: start..start + trimmed.len(), name, list });
        }
        line_start += line.len();
    }
    headers
}

/// Whether a text can be the name of a table: bare keys with dots between them.
fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Where the line begins that something is in.
pub(super) fn line_start(source: &str, span: &Range<usize>) -> usize {
    source.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1)
}
