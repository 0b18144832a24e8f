//! Taking a value out of an array, with the comments that are about it.
//!
//! A comment belongs to the value behind which it stands on the same line, or else to the one that follows it.

use toml_edit::{Array, RawString};

/// Takes a value out.
pub(super) fn remove(array: &mut Array, at: usize) {
    let of_its_line = before(array, at);
    let next = match array.get(at + 1) {
        Some(_) => before(array, at + 1),
        None => text(array.trailing()),
    };
    // Up to the end of the line it is about what comes before.
    let text = match (of_its_line.split_once('\n'), next.split_once('\n')) {
        (Some((line, _)), Some((_, rest))) => format!("{line}\n{rest}"),
        (None, Some((_, rest))) => format!("\n{rest}"),
        _ if at == 0 => of_its_line,
        _ => next,
    };
    array.remove(at);
    match array.get_mut(at) {
        Some(value) => value.decor_mut().set_prefix(text),
        None => array.set_trailing(text),
    }
}

/// What stands before a value.
fn before(array: &Array, at: usize) -> String {
    let prefix = array.get(at).and_then(|value| value.decor().prefix());
    prefix.map(text).unwrap_or_default()
}

fn text(raw: &RawString) -> String {
    raw.as_str().unwrap_or_default().to_owned()
}
