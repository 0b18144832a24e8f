//! Finding and reading what the user names: scenario files, folders, names in the catalogue, schedules.
//!
//! Only regular files are read, and stdin where it is asked for (`-`), and of these no more than one can have: a FIFO would be
//! waited for without end, and `/dev/zero` read without end. In a folder, symbolic links to files are followed and those to folders are not, so
//! that a link that leads back up does no harm; and each file is read once.

mod quotation;

use std::collections::BTreeSet;
use std::fs::{self, File, FileType, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::scenario::{Diagnostics, Scenario, catalogue, read};
use crate::stdin::{STDIN, argument, is_stdin};

/// The most bytes of a schedule: its scenario, and some hundred thousand operations.
const MAX_SCHEDULE_BYTES: u64 = 16 << 20;

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
    /// Neither a regular file nor a folder.
    #[error("error: {path} is {kind}; only regular files and folders are read, and stdin, whose name is `-`")]
    NotRegular {
        /// The path given, or found in a folder.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A folder where one file is needed.
    #[error("error: {path} is a folder; name one file")]
    Folder {
        /// The path given.
        path: String,
    },
    /// A folder of the catalogue where one scenario is needed.
    #[error("error: {path} is a folder of the catalogue; name one scenario, like {first}")]
    ShippedFolder {
        /// The path given.
        path: String,
        /// The first scenario in it.
        first: String,
    },
    /// A scenario of the catalogue where a schedule is needed.
    #[error(
        "error: {path} is a scenario, not a schedule; `stalemap check {path} --save DIR` writes its schedules"
    )]
    NoSchedule {
        /// The path given.
        path: String,
    },
    /// A schedule that is too long to be one.
    #[error("error: {path} has more than {MAX_SCHEDULE_BYTES} bytes, 16 MiB; no schedule is as long as that")]
    TooLong {
        /// The path given.
        path: String,
    },
    /// A folder without scenarios, which has not the name of one of the catalogue either.
    #[error(
        "error: {path} is a folder without a scenario (*.toml), and no folder of the catalogue is called {path:?}"
    )]
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

/// Reads every scenario named, once; all errors are collected.
pub fn scenarios(paths: &[PathBuf]) -> Result<Vec<Scenario>, Vec<InputError>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    if paths.is_empty() {
        for (name, source) in catalogue::all() {
            collect(read(name, source.as_bytes()).map_err(InputError::Scenario), &mut found, &mut errors);
        }
    }
    let mut taken = BTreeSet::new();
    for path in paths {
        match files(path) {
            Ok(files) => {
                for file in files {
                    if taken.insert(fs::canonicalize(&file).unwrap_or_else(|_| file.clone())) {
                        collect(load(&file), &mut found, &mut errors);
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// The files that are named, each with the name of the scenario in it. What is compiled in is no file: the error says so.
pub fn files_of(paths: &[PathBuf]) -> Result<Vec<(PathBuf, String)>, Vec<InputError>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        if is_stdin(path) {
            errors.push(InputError::Other(format!("{STDIN} cannot be changed; name a file")));
            continue;
        }
        match files(path) {
            Ok(files) => {
                for file in files {
                    let is_there = file.is_file();
                    match load(&file) {
                        Ok(scenario) if is_there => found.push((file, scenario.name)),
                        Ok(scenario) => errors.push(InputError::Other(format!(
                            "{} is compiled in, and there is no such file here; name a file",
                            scenario.name
                        ))),
                        Err(error) => errors.push(error),
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

fn collect(read: Result<Scenario, InputError>, found: &mut Vec<Scenario>, errors: &mut Vec<InputError>) {
    match read {
        // A shipped scenario has one name, wherever it is read from.
        Ok(scenario) if found.iter().any(|other| other.name == scenario.name) => {}
        Ok(scenario) => found.push(scenario),
        Err(error) => errors.push(error),
    }
}

/// What the file system says of a path; `None` if there is nothing.
fn look_up(path: &Path) -> Result<Option<Metadata>, InputError> {
    let shown = || shown(path);
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            if fs::symlink_metadata(path).is_ok_and(|link| link.is_symlink()) {
                return Err(InputError::Other(format!("{} is a symbolic link to nothing", shown())));
            }
            Ok(None)
        }
        Err(error) => Err(InputError::Unreadable { path: shown(), error }),
    }
}

/// The files that a path stands for, in order; a name in the catalogue stands for itself. What is there comes first, unless it is a
/// folder that holds no scenario.
fn files(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    // A folder of the catalogue stands for all that is in it.
    let shipped = || -> Vec<PathBuf> { shipped_in(path).map(PathBuf::from).collect() };
    if is_stdin(path) {
        return Ok(vec![path.to_owned()]);
    }
    let Some(metadata) = look_up(path)? else {
        let inside = shipped();
        return Ok(if inside.is_empty() { vec![path.to_owned()] } else { inside });
    };
    if !metadata.is_dir() || is_shipped(path) {
        return Ok(vec![path.to_owned()]);
    }
    let files = walk(path)?;
    let files = if files.is_empty() { shipped() } else { files };
    if files.is_empty() { Err(InputError::EmptyFolder { path: shown(path) }) } else { Ok(files) }
}

/// Whether the catalogue has a scenario of exactly this name.
fn is_shipped(path: &Path) -> bool {
    path.to_str().is_some_and(|name| catalogue::all().iter().any(|(known, _)| known == name))
}

/// Whether a name is that of a scenario file, of a scenario of the catalogue, or of one of its folders.
pub(crate) fn is_scenario(name: &str) -> bool {
    let path = Path::new(name);
    path.is_file() || is_shipped(path) || shipped_in(path).next().is_some()
}

/// The names of the catalogue in one of its folders.
fn shipped_in(folder: &Path) -> impl Iterator<Item = &'static str> {
    let inside = move |name: &&str| Path::new(name) != folder && Path::new(name).starts_with(folder);
    catalogue::all().iter().map(|(name, _)| name.as_str()).filter(inside)
}

/// Whatever is called `*.toml` under a folder, sorted. Symbolic links to folders are not followed, as find(1) does not
/// either. A file that several names lead to is there once, under a name that is no link if there is one.
pub(crate) fn walk(root: &Path) -> Result<Vec<PathBuf>, InputError> {
    let (mut files, mut links) = (Vec::new(), Vec::new());
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let unreadable = |error| InputError::Unreadable { path: shown(&folder), error };
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let (kind, path) = (entry.file_type().map_err(unreadable)?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") && !path.is_dir() {
                if kind.is_symlink() { &mut links } else { &mut files }.push(path);
            }
        }
    }
    // In one order on every machine.
    links.sort();
    let mut seen: BTreeSet<PathBuf> = files.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    // A link to nothing is kept: whoever reads it says so.
    files.extend(
        links.into_iter().filter(|link| fs::canonicalize(link).map_or(true, |real| seen.insert(real))),
    );
    files.sort();
    Ok(files)
}

/// A scenario, or a schedule with one in it.
pub enum Named {
    /// A scenario.
    Scenario(Box<Scenario>),
    /// The text of a schedule.
    Schedule(String),
}

/// Reads one scenario, from a file, from stdin or from the catalogue.
pub fn load(path: &Path) -> Result<Scenario, InputError> {
    match either(path)? {
        Named::Scenario(scenario) => Ok(*scenario),
        Named::Schedule(_) => {
            let name = shown(path);
            let again = argument(&name);
            let problem = format!("{name} is a schedule, not a scenario; `stalemap replay {again}` plays it");
            Err(InputError::Other(problem))
        }
    }
}

/// Reads a scenario or a schedule, whichever it is.
pub fn either(path: &Path) -> Result<Named, InputError> {
    let Some(bytes) = bytes_of(path, MAX_SCHEDULE_BYTES)? else { return of_catalogue(path) };
    if quotation::is_schedule(&bytes) {
        return schedule_of(path, bytes).map(Named::Schedule);
    }
    let name = shipped_name(path, &bytes).unwrap_or_else(|| shown(path));
    let scenario = read(&name, &bytes).map_err(InputError::Scenario)?;
    Ok(Named::Scenario(Box::new(scenario)))
}

/// Reads a scenario of the catalogue.
fn of_catalogue(path: &Path) -> Result<Named, InputError> {
    let name = shown(path);
    if let Some(first) = shipped_in(path).next().map(str::to_owned) {
        return Err(InputError::ShippedFolder { path: name, first });
    }
    let (name, source) = catalogue::find(&name)
        .map_err(|unknown| InputError::NotFound { path: name, reason: unknown.to_string() })?;
    let scenario = read(&name, source.as_bytes()).map_err(InputError::Scenario)?;
    Ok(Named::Scenario(Box::new(scenario)))
}

/// Reads a schedule, from a file or from stdin. One that was quoted in a mail is as it was before.
pub fn schedule(path: &Path) -> Result<String, InputError> {
    let Some(bytes) = bytes_of(path, MAX_SCHEDULE_BYTES)? else {
        let shown = shown(path);
        if catalogue::find(&shown).is_ok() {
            return Err(InputError::NoSchedule { path: shown });
        }
        let error = fs::metadata(path).err().unwrap_or_else(|| io::Error::from(ErrorKind::NotFound));
        return Err(InputError::Unreadable { path: shown, error });
    };
    schedule_of(path, bytes)
}

/// The text of a schedule.
fn schedule_of(path: &Path, bytes: Vec<u8>) -> Result<String, InputError> {
    let shown = shown(path);
    if bytes.len() as u64 > MAX_SCHEDULE_BYTES {
        return Err(InputError::TooLong { path: shown });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        InputError::Other(format!("{shown}: not UTF-8 from byte {at} on"))
    })?;
    quotation::taken_off(text).map_err(|problem| InputError::Other(format!("{shown}: {problem}")))
}

/// What is in a file, or comes from stdin, at most one byte more than it may have. None: there is no such file, or a folder that has the
/// name of a scenario of the catalogue, which is meant.
fn bytes_of(path: &Path, most: u64) -> Result<Option<Vec<u8>>, InputError> {
    if is_stdin(path) {
        return at_most(io::stdin().lock(), path, most).map(Some);
    }
    let found = look_up(path)?.filter(|metadata| !(metadata.is_dir() && is_shipped(path)));
    found.map(|metadata| contents(path, &metadata, most)).transpose()
}

/// The bytes of a regular file, at most one more than it may have.
fn contents(path: &Path, metadata: &Metadata, most: u64) -> Result<Vec<u8>, InputError> {
    let shown = || shown(path);
    if metadata.is_dir() {
        return Err(InputError::Folder { path: shown() });
    }
    if !metadata.is_file() {
        return Err(InputError::NotRegular { path: shown(), kind: kind(metadata.file_type()) });
    }
    let file = File::open(path).map_err(|error| InputError::Unreadable { path: shown(), error })?;
    at_most(file, path, most)
}

/// What is to be read, at most one byte more than it may have.
fn at_most(from: impl Read, path: &Path, most: u64) -> Result<Vec<u8>, InputError> {
    let mut bytes = Vec::new();
    match from.take(most + 1).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(InputError::Unreadable { path: shown(path), error }),
    }
}

/// What something is that is not a regular file.
fn kind(of: FileType) -> &'static str {
    if of.is_fifo() {
        "a FIFO"
    } else if of.is_socket() {
        "a socket"
    } else if of.is_block_device() || of.is_char_device() {
        "a device"
    } else {
        "no file"
    }
}

/// The catalogue's name of a file that is the shipped one, unchanged: it is called the same wherever it is
/// read from. What comes from stdin has no other name.
fn shipped_name(path: &Path, bytes: &[u8]) -> Option<String> {
    let stem = path.with_extension("");
    let named = |name: &str| is_stdin(path) || stem.ends_with(Path::new(name));
    let same = |(name, source): &&(String, &str)| source.as_bytes() == bytes && named(name);
    catalogue::all().iter().find(same).map(|(name, _)| name.clone())
}

/// A path in a line of text, which it does not end, and on a terminal, which it does not turn round.
pub(crate) fn shown(path: &Path) -> String {
    if is_stdin(path) {
        return STDIN.to_owned();
    }
    let path = path.display().to_string();
    path.chars().fold(String::new(), |mut shown, character| {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        shown
    })
}
