//! Errors of the TOML parser in our words, and those left out that only follow from another one.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostics::Diagnostic;
use super::headers::{Header, headers, line_start};
use super::lost::{self, Lost};
use super::names::quote;

/// The tables that a file has as many of as it likes: `[[actor]]`, not `[actor]`.
const LISTS: &[&str] = &["actor", "file", "hold"];

/// What the parser reports of a table or a key that is there twice.
const DUPLICATE: &str = "duplicate key";

/// The errors of the parser. What it made of a line that it could not read may be wrong in ways that the author
/// never wrote, so other errors in such lines are left out of `others`.
pub(super) fn errors(
    source: &str,
    found: &[toml::de::Error],
    others: &mut Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    let headers = headers(source);
    let single: BTreeSet<&str> =
        headers.iter().filter(|header| !header.list).map(|header| header.name).collect();
    // Of several of a name, the first: later ones are put in before it.
    let first: BTreeMap<&str, usize> =
        headers.iter().rev().map(|header| (header.name, header.line)).collect();
    let mut lists = BTreeSet::new();
    let found = in_its_way(source, found, &headers, others);
    for error in found {
        if error.message != DUPLICATE {
            errors.push(error);
            continue;
        }
        let at = headers.partition_point(|header| header.line <= error.span.start);
        let Some(header) = at.checked_sub(1).and_then(|at| headers.get(at)) else {
            errors.push(error);
            continue;
        };
        let is_header = line_start(source, &error.span) == header.line;
        if LISTS.contains(&header.name) && single.contains(header.name) {
            // Once for all of them, at the first.
            lists.insert(header.name);
        } else if is_header || first.get(header.name) == Some(&header.line) {
            errors.push(error);
        }
        // Else a key below a table that was there before, which has been said of the table.
    }
    let mut broken: BTreeSet<usize> = errors.iter().map(|error| line_start(source, &error.span)).collect();
    broken.extend(headers.iter().filter(|header| lists.contains(header.name)).map(|header| header.line));
    others.retain(|error| !broken.contains(&line_start(source, &error.span)));
    for name in lists {
        let Some(header) = headers.iter().find(|header| header.name == name && !header.list) else {
            continue;
        };
        errors.push(Diagnostic {
            span: header.span.clone(),
            message: format!("{} for a table of which there are several", quote(&format!("[{name}]"))),
            help: format!("write `[[{name}]]` each time"),
        });
    }
    errors
}

/// What the parser found as long as it had not lost its way, and why it did. Other errors of what it read in a wrong way are left out
/// of `others`.
fn in_its_way(
    source: &str,
    found: &[toml::de::Error],
    headers: &[Header<'_>],
    others: &mut Vec<Diagnostic>,
) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = found.iter().map(|error| diagnostic(source, error)).collect();
    lost::one_of_old_macs(source, &mut found);
    let (doubles, mut errors): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|error| error.message == DUPLICATE);
    let regions = lost::parts(source, headers, &errors);
    errors.extend(doubles);
    for Lost { part, why } in regions {
        errors.retain(|error| !part.contains(&error.span.start));
        others.retain(|error| !part.contains(&error.span.start));
        errors.push(why);
    }
    errors
}

/// An error of the TOML parser in our words.
fn diagnostic(source: &str, error: &toml::de::Error) -> Diagnostic {
    let (message, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), ""));
    let too_deep = "tables or arrays nest too deep";
    let message = match message {
        "recursion limit" | "cannot recurse further; max recursion depth met" => too_deep,
        message => message,
    };
    let help = match (message, expected) {
        (message, _) if message == too_deep => {
            "nothing is deeper than an array in `[design.NAME]`".to_owned()
        }
        (DUPLICATE, _) => "keep one of them".to_owned(),
        ("unexpected leading zero", _) => "a number with a base of its own is a string: `\"010\"`".to_owned(),
        ("string values must be quoted", _) => "write `key = \"text\"`".to_owned(),
        (_, "" | "nothing") => "the file is TOML: tables, and lines of the form `key = value`".to_owned(),
        (_, expected) => format!("expected {expected}"),
    };
    let mut span = error.span().unwrap_or(0..0);
    // Where a value is missing, the parser may point past the line break.
    let broken = source.get(..span.start).is_some_and(|before| before.ends_with('\n'));
    if span.is_empty() && broken && span.start == source.len() {
        span = span.start - 1..span.start - 1;
    }
    Diagnostic { span, message: message.to_owned(), help }
}
