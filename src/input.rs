//! Finding and reading what the user names: scenario files, folders, names in the catalogue.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::scenario::{Diagnostics, Scenario, catalogue, read};

/// What is wrong with the user's input.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file cannot be read.
    #[error("error: cannot read {path}: {error}")]
    Unreadable {
        /// The path given.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// Neither a file, nor a folder, nor a name in the catalogue.
    #[error("error: {path} is neither a file nor a folder, and {reason}")]
    NotFound {
        /// What was given.
        path: String,
        /// What the catalogue says.
        reason: String,
    },
    /// A folder without scenarios.
    #[error("error: {path} contains no scenario (*.toml)")]
    EmptyFolder {
        /// The path given.
        path: String,
    },
    /// A scenario file with errors.
    #[error("{0}")]
    Scenario(Diagnostics),
    /// Anything else, said in full.
    #[error("error: {0}")]
    Other(String),
}

/// Reads every scenario named; all errors are collected.
pub fn scenarios(paths: &[PathBuf]) -> Result<Vec<Scenario>, Vec<InputError>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    if paths.is_empty() {
        for (name, source) in catalogue::all() {
            collect(read(&name, source.as_bytes()), &mut found, &mut errors);
        }
    }
    for path in paths {
        match files(path) {
            Ok(files) => {
                for file in files {
                    match load(&file) {
                        Ok(scenario) => found.push(scenario),
                        Err(error) => errors.push(error),
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn collect(read: Result<Scenario, Diagnostics>, found: &mut Vec<Scenario>, errors: &mut Vec<InputError>) {
    match read {
        Ok(scenario) => found.push(scenario),
        Err(diagnostics) => errors.push(InputError::Scenario(diagnostics)),
    }
}

/// The files that a path stands for, in order; a name in the catalogue stands for itself.
fn files(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    if !path.exists() {
        // A folder of the catalogue stands for all that is in it.
        let shipped = catalogue::all().into_iter().map(|(name, _)| PathBuf::from(name));
        let inside: Vec<PathBuf> = shipped.filter(|name| name != path && name.starts_with(path)).collect();
        return Ok(if inside.is_empty() { vec![path.to_owned()] } else { inside });
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    walk(path, &mut files)
        .map_err(|error| InputError::Unreadable { path: path.display().to_string(), error })?;
    files.sort();
    if files.is_empty() {
        Err(InputError::EmptyFolder { path: path.display().to_string() })
    } else {
        Ok(files)
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads one scenario, from a file or from the catalogue.
pub fn load(path: &Path) -> Result<Scenario, InputError> {
    let name = path.display().to_string();
    if !path.exists() {
        let (name, source) = catalogue::find(&name)
            .map_err(|unknown| InputError::NotFound { path: name, reason: unknown.to_string() })?;
        return read(&name, source.as_bytes()).map_err(InputError::Scenario);
    }
    let bytes = fs::read(path).map_err(|error| InputError::Unreadable { path: name.clone(), error })?;
    if bytes.starts_with(b"stalemap schedule") {
        let problem = format!("{name} is a schedule, not a scenario; `stalemap replay {name}` plays it");
        return Err(InputError::Other(problem));
    }
    let name = shipped_name(path, &bytes).unwrap_or(name);
    read(&name, &bytes).map_err(InputError::Scenario)
}

/// The catalogue's name of a file that is the shipped one, unchanged: it is called the same wherever it is
/// read from.
fn shipped_name(path: &Path, bytes: &[u8]) -> Option<String> {
    let path = path.with_extension("");
    let same =
        |(name, source): &(String, &str)| path.ends_with(Path::new(name)) && source.as_bytes() == bytes;
    catalogue::all().into_iter().find(same).map(|(name, _)| name)
}
