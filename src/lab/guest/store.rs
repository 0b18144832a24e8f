//! The store: a folder of this user with kernels, the tools that make guests of them, and nothing else.
//!
//! ```text
//! apt/               a configuration of apt, with the lists of packages
//! root/              a root of Debian's packages, unpacked: qemu, compilers, mkfs, busybox
//! kernels/RELEASE/   a kernel's packages, unpacked; what was made of them is in `lab/` in it
//! devices/           images that guests begin with
//! work/              what a command needs as long as it runs
//! ```
//!
//! All of it can be removed; `lab fetch` brings it again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{LabError, Result};
use super::version::Version;

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// A kernel in the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kernel {
    /// What `uname -r` prints, `6.12.118+deb13-amd64`.
    pub release: String,
    /// Its series, `6.12`.
    pub version: String,
    /// Its version in full, `6.12.118`.
    pub full: String,
    /// The version of its packages, `6.12.118-1`.
    pub package: String,
    /// Where its packages are unpacked.
    pub folder: PathBuf,
}

impl Store {
    /// The store of this user: `$STALEMAP_LAB`, or `stalemap/lab` in the cache folder (`$XDG_CACHE_HOME`, `~/.cache`).
    pub fn open() -> Result<Self> {
        Store::at(&Store::place()?)
    }

    fn place() -> Result<PathBuf> {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let folder = variable("STALEMAP_LAB").or_else(|| Some(cache()?.join("stalemap/lab")));
        folder.ok_or_else(|| {
            let problem =
                "there is no place for kernels: neither STALEMAP_LAB nor XDG_CACHE_HOME nor HOME is set";
            LabError::Other(problem.to_owned())
        })
    }

    /// The same, where something has been fetched already: nothing is made.
    pub fn fetched() -> Result<Self> {
        let folder = Store::place()?;
        if !folder.join("kernels").is_dir() {
            let shown = folder.display();
            return Err(LabError::Other(format!(
                "there is no store of kernels at {shown}; `stalemap lab fetch 6.12` makes it (STALEMAP_LAB says where)"
            )));
        }
        Store::at(&folder)
    }

    /// A store in a folder, which is made.
    pub fn at(folder: &Path) -> Result<Self> {
        if folder.exists() && !folder.is_dir() {
            return Err(LabError::Other(format!(
                "{}: not a folder; STALEMAP_LAB says where the store of kernels is",
                folder.display()
            )));
        }
        fs::create_dir_all(folder).map_err(LabError::file(folder))?;
        let folder = fs::canonicalize(folder).map_err(LabError::file(folder))?;
        // The paths of it go into configurations of apt, and to programs that split them.
        let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
        if !folder.to_str().is_some_and(|path| path.chars().all(plain)) {
            let problem =
                "the folder of the lab may have letters, digits and ./_-+ in its path; set STALEMAP_LAB";
            return Err(LabError::Other(format!("{}: {problem}", folder.display())));
        }
        let store = Store { folder };
        for part in [store.apt(), store.kernels(), store.devices(), store.work()] {
            fs::create_dir_all(&part).map_err(LabError::file(&part))?;
        }
        Ok(store)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// apt's configuration and lists.
    pub(super) fn apt(&self) -> PathBuf {
        self.folder.join("apt")
    }

    /// The root with the tools.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// The kernels, by release.
    pub(super) fn kernels(&self) -> PathBuf {
        self.folder.join("kernels")
    }

    /// Images that guests begin with.
    pub(super) fn devices(&self) -> PathBuf {
        self.folder.join("devices")
    }

    /// What is there as long as a command runs.
    pub(super) fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// A folder that is removed when it is dropped; those that a command has left that was killed are, too.
    pub(super) fn temporary(&self) -> Result<tempfile::TempDir> {
        self.remove_left();
        let prefix = format!("{}-", std::process::id());
        let made = tempfile::Builder::new().prefix(&prefix).tempdir_in(self.work());
        made.map_err(LabError::file(&self.work()))
    }

    /// Removes what processes have left that are not there any more.
    fn remove_left(&self) {
        for entry in fs::read_dir(self.work()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let owner = name.to_str().and_then(|name| name.split_once('-')?.0.parse::<u32>().ok());
            if owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists()) {
                // Somebody else may be removing it.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// A kernel that was fetched: the newest of a series, `6.12`, or one version of it, `6.12.118`.
    pub fn kernel(&self, version: &str) -> Result<Kernel> {
        let asked = Version::parse(version)?;
        self.find(&asked)?.ok_or_else(|| LabError::NotFetched {
            what: format!("linux {asked}"),
            store: self.folder.display().to_string(),
            ask: asked.to_string(),
        })
    }

    /// The same, if it is there.
    pub(super) fn find(&self, asked: &Version) -> Result<Option<Kernel>> {
        let folder = self.kernels();
        let entries = fs::read_dir(&folder).map_err(LabError::file(&folder))?;
        let kernels = entries.filter_map(|entry| kernel_in(&entry.ok()?.path()));
        let fit = kernels.filter(|(version, _)| asked.includes(version));
        Ok(fit.max_by_key(|(version, _)| version.clone()).map(|(_, kernel)| kernel))
    }
}

/// The file of a kernel that says what it is: written last, so that a folder without it is incomplete.
const ABOUT: &str = "lab/kernel";

/// Notes what a kernel is.
pub(super) fn note(folder: &Path, version: &Version, package: &str) -> Result<()> {
    let path = folder.join(ABOUT);
    fs::write(&path, format!("{version} {package}\n")).map_err(LabError::file(&path))
}

fn kernel_in(folder: &Path) -> Option<(Version, Kernel)> {
    let about = fs::read_to_string(folder.join(ABOUT)).ok()?;
    let (version, package) = about.trim_end().split_once(' ')?;
    let version = Version::parse(version).ok()?;
    let kernel = Kernel {
        release: folder.file_name()?.to_str()?.to_owned(),
        version: version.series(),
        full: version.to_string(),
        package: package.to_owned(),
        folder: folder.to_owned(),
    };
    Some((version, kernel))
}

impl Kernel {
    /// What was made of its packages.
    pub(super) fn made(&self) -> PathBuf {
        self.folder.join("lab")
    }

    /// Its modules.
    pub(super) fn modules(&self) -> PathBuf {
        self.folder.join("usr/lib/modules").join(&self.release)
    }

    /// Its image; where it is has changed with Debian's packages.
    pub(super) fn image(&self) -> Result<PathBuf> {
        let places = [
            self.folder.join("boot").join(format!("vmlinuz-{}", self.release)),
            self.modules().join("vmlinuz"),
        ];
        places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| {
            LabError::Other(format!("the packages of {} have no image of the kernel", self.release))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_of_a_series_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path()).expect("a store");
        for (release, version) in [("6.12.9-amd64", "6.12.9"), ("6.12.10-amd64", "6.12.10")] {
            let kernel = store.kernels().join(release);
            fs::create_dir_all(kernel.join("lab")).expect("a folder");
            note(&kernel, &Version::parse(version).expect("a version"), "1").expect("a note");
        }
        // Not complete.
        fs::create_dir_all(store.kernels().join("6.12.11-amd64/lab")).expect("a folder");
        let kernel = store.kernel("linux-6.12").expect("a kernel");
        assert_eq!((kernel.release.as_str(), kernel.version.as_str()), ("6.12.10-amd64", "6.12"));
        assert_eq!(store.kernel("6.12.9").expect("a kernel").full, "6.12.9");
        let error = store.kernel("6.1").expect_err("none").to_string();
        assert!(error.contains("`stalemap lab fetch 6.1`"), "{error}");
    }

    #[test]
    fn a_folder_that_apt_would_misread_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Store::at(&folder.path().join("a \"b\"")).expect_err("refused").to_string();
        assert!(error.contains("STALEMAP_LAB"), "{error}");
    }
}
