//! Stdin in place of a file: how it is asked for, and what it is called.

use std::borrow::Cow;
use std::path::Path;

use crate::shell::quoted;

/// What stands for it on a command line.
const ASKED: &str = "-";
/// What it is called in results and messages.
pub(crate) const STDIN: &str = "<stdin>";

/// Whether it is asked for. A file of that name is `./-`.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new(ASKED)
}

/// The word of a command line that names what messages call so.
pub(crate) fn argument(name: &str) -> Cow<'_, str> {
    if name == STDIN { Cow::Borrowed(ASKED) } else { quoted(name) }
}
