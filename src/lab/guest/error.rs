//! What goes wrong in the laboratory, said so that whoever reads it knows what would be right.

use std::io;
use std::path::Path;

/// Why something of the laboratory cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// Programs of the host are lacking.
    #[error("{}: not found in PATH; the lab takes its kernels from Debian's packages and needs {}", .lacking.join(", "), .needed.join(", "))]
    Lacking {
        /// Those that are not there.
        lacking: Vec<String>,
        /// All that are needed.
        needed: Vec<String>,
    },
    /// What was asked for has not been fetched.
    #[error("{what} is not in the store {store}; `stalemap lab fetch {ask}` brings it")]
    NotFetched {
        /// What it is.
        what: String,
        /// Where it was looked for.
        store: String,
        /// The arguments of `lab fetch`.
        ask: String,
    },
    /// A file or folder of the store.
    #[error("{path}: {error}")]
    File {
        /// Its path.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// A program failed.
    #[error("{what} failed:\n{said}")]
    Failed {
        /// What it was to do.
        what: String,
        /// The end of what it said.
        said: String,
    },
    /// Anything else, said in full.
    #[error("{0}")]
    Other(String),
}

/// What a step of the laboratory comes to.
pub(super) type Result<T> = std::result::Result<T, LabError>;

impl LabError {
    /// An error of a file.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| LabError::File { path, error }
    }

    /// The failure of a program, with the last lines of what it said.
    pub(super) fn failed(what: &str, said: &[u8]) -> Self {
        const LINES: usize = 20;
        let said = String::from_utf8_lossy(said);
        let lines: Vec<&str> = said.lines().collect();
        let said = lines[lines.len().saturating_sub(LINES)..].join("\n");
        LabError::Failed { what: what.to_owned(), said }
    }
}
