//! What the commands of the lab share: names of kernels and checks, what is lacking, and files that are kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Result, Stop, unwritable};
use crate::lab::guest::LabError;
use crate::lab::release::Release;
use crate::lab::variant::Variant;

/// What cannot be done in the lab is said, and is no defect of the tool.
pub(super) fn lacking(error: &LabError) -> Stop {
    Stop::other(error.to_string())
}

/// The release that is named.
pub(super) fn release(name: &str) -> Result<Release> {
    Release::from_name(name).ok_or_else(|| {
        let versions: Vec<&str> = Release::ALL.iter().map(|release| release.version()).collect();
        let problem = format!("the lab has no kernel `{name}`; it has {}", versions.join(", "));
        Stop::other(problem)
    })
}

/// What is said to whoever asks for a release by the name that it has in the model, where the lab has its stable series alone.
pub(super) fn stable_series(name: &str) -> Option<String> {
    let series = Release::from_name(name)?.kernel();
    let is_first = series.strip_suffix(".y") == Some(name);
    is_first.then(|| {
        format!(
            "note: `{name}` is the first release in `check` and `kernels`; here it is its stable series, `{series}`, whose \
             verdicts may be others\n"
        )
    })
}

/// The kernel as it is, or with the check of the design that is named.
pub(super) fn variant(design: Option<&str>) -> Result<Variant> {
    let Some(name) = design else { return Ok(Variant::Stock) };
    Variant::of_design(name).ok_or_else(|| {
        let names: Vec<&str> = Variant::ALL.iter().filter_map(|variant| variant.design()).collect();
        let problem = format!("no kernel is made to check like `{name}`; there are {}", names.join(", "));
        Stop::other(problem)
    })
}

/// Writes down what a run was made of, and what it has left.
pub(super) fn keep(folder: &Path, own: (&str, &str), left: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let own = [(own.0, own.1.as_bytes())].into_iter();
    let left = left.iter().map(|(name, bytes)| (name.as_str(), &bytes[..]));
    for (name, bytes) in own.chain(left) {
        // Names come from the guest.
        let Some(name) = Path::new(name).file_name() else { continue };
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}
