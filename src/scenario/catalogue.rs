//! The scenarios that come with the program, compiled in, so that it works from any folder.

use std::fmt;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use super::names::nearest;

static SCENARIOS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// There is no scenario of that name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownScenario {
    /// What was asked for.
    pub name: String,
    /// Those of which one was probably meant.
    pub near: Vec<String>,
}

impl fmt::Display for UnknownScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no shipped scenario is called {:?}", self.name)?;
        let near: Vec<String> = self.near.iter().map(|name| format!("{name:?}")).collect();
        match &near[..] {
            [] => Ok(()),
            [one] => write!(f, "; a similar name is {one}"),
            several => write!(f, "; similar names are {}", several.join(", ")),
        }
    }
}

impl std::error::Error for UnknownScenario {}

/// All shipped scenarios by name (`xfs/real-unwritten`), each with its file.
pub fn all() -> &'static [(String, &'static str)] {
    static ALL: LazyLock<Vec<(String, &'static str)>> = LazyLock::new(|| {
        let mut found = Vec::new();
        collect(&SCENARIOS, &mut found);
        found.sort_unstable();
        found
    });
    &ALL
}

/// A shipped scenario by name.
pub fn find(name: &str) -> Result<(String, &'static str), UnknownScenario> {
    let all = all();
    if let Some(found) = all.iter().find(|(known, _)| known == name) {
        return Ok(found.clone());
    }
    let name = name.strip_prefix("./").unwrap_or(name);
    let plain = name.strip_suffix(".toml").unwrap_or(name);
    if let Some((near, _)) = all.iter().find(|(known, _)| known == plain) {
        return Err(UnknownScenario { name: name.to_owned(), near: vec![near.clone()] });
    }
    // Whoever leaves the folder out is near as well.
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let same_file: Vec<&(String, &'static str)> =
        all.iter().filter(|(known, _)| last(known) == last(plain)).collect();
    if let ([found], false) = (&same_file[..], name.contains('/')) {
        return Ok((*found).clone());
    }
    let mut near: Vec<String> = same_file.into_iter().map(|(known, _)| known.clone()).collect();
    if near.is_empty() {
        near.extend(nearest(name, all.iter().map(|(known, _)| known.as_str())).map(str::to_owned));
    }
    Err(UnknownScenario { name: name.to_owned(), near })
}

fn collect(dir: &Dir<'static>, found: &mut Vec<(String, &'static str)>) {
    for file in dir.files().filter(|file| file.path().extension().is_some_and(|ext| ext == "toml")) {
        let path = file.path().with_extension("");
        let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        found.extend(file.contents_utf8().map(|source| (parts.join("/"), source)));
    }
    for inner in dir.dirs() {
        collect(inner, found);
    }
}
