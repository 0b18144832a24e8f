//! The scenario files of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

/// A scenario file.
pub(crate) struct File {
    /// What it is called in messages: the path from the folder of the crate that has it.
    pub(crate) name: String,
    /// Where it is, from the root.
    pub(crate) path: String,
    /// The folders below the given one that it is in.
    pub(crate) folders: Vec<String>,
    /// Its name without `.toml`.
    pub(crate) stem: String,
    /// The designs that `[expect]` names; none if it is not to be found.
    pub(crate) designs: Vec<String>,
}

/// The files called `*.toml` in a folder of a crate and below it, sorted. Links to folders are not followed.
pub(crate) fn scenarios(root: &Path, folder: &str) -> Result<Vec<File>, String> {
    let at = root.join(folder);
    if !at.is_dir() {
        return Err(format!("there is no folder {}; the path is one from Cargo.toml", at.display()));
    }
    let mut paths = Vec::new();
    collect(&at, &mut paths)?;
    paths.sort();
    if paths.is_empty() {
        return Err(format!("{} contains no scenario (*.toml)", at.display()));
    }
    paths.iter().map(|path| file(path, &at, folder)).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), String> {
    let unreadable = |error| format!("cannot read {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        if entry.file_type().map_err(unreadable)?.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") && !path.is_dir() {
            paths.push(path);
        }
    }
    Ok(())
}

fn file(path: &Path, at: &Path, folder: &str) -> Result<File, String> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| format!("{} is not UTF-8", path.display()))
    };
    let below = path.strip_prefix(at).unwrap_or(path);
    let parts = below.with_extension("");
    let mut folders: Vec<String> = text(&parts)?.split('/').map(str::to_owned).collect();
    let stem = folders.pop().unwrap_or_default();
    let bytes = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let name = text(&Path::new(folder).join(below))?;
    Ok(File { name, path: text(path)?, folders, stem, designs: designs(&bytes) })
}

/// The keys of `[expect]`.
fn designs(bytes: &[u8]) -> Vec<String> {
    let Ok(source) = str::from_utf8(bytes) else { return Vec::new() };
    let Ok(table) = DeTable::parse(source) else { return Vec::new() };
    let expect = table.get_ref().iter().find(|(key, _)| key.get_ref() == "expect");
    let designs =
        expect.and_then(|(_, value)| value.get_ref().as_table()).into_iter().flat_map(|table| table.keys());
    designs.map(|design| design.get_ref().to_string()).collect()
}
