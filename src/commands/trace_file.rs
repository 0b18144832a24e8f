//! The file of a trace.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Result;
use crate::input::{InputError, shown};
use crate::stdin::is_stdin;

/// What is wrong with a trace.
pub(super) fn other(path: &Path, problem: &str) -> InputError {
    InputError::Other(format!("{}: {problem}", shown(path)))
}

/// Whether blocks may be of a size that a trace says; `--block` takes no other.
pub(super) fn block_is_one(path: &Path, bytes: u64) -> Result<()> {
    if stalemap_trace::is_block_size(bytes) {
        return Ok(());
    }
    let problem = format!("`wl meta` says bsize={bytes}: expected a power of two from 512 to 64k");
    Err(other(path, &problem).into())
}

/// A trace may be as long as it likes, and may come from a pipe.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let unreadable = |error| InputError::Unreadable { path: shown(path), error };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(InputError::Folder { path: shown(path) }.into());
    }
    Ok(Box::new(file))
}
