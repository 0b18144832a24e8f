//! Bringing a kernel into the store, with all that guests of it need. What is there is not fetched again.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::archive::Archive;
use super::error::{LabError, Result};
use super::inside::need;
use super::store::{Kernel, Store, note};
use super::version::Version;
use super::{boot, design, initramfs, module, tools};

/// Fetches a kernel and makes it ready, with the modules of designs. `say` is told what is being done.
pub fn fetch(store: &Store, version: &str, designs: &[String], say: &dyn Fn(&str)) -> Result<Kernel> {
    let asked = Version::parse(version)?;
    designs.iter().try_for_each(|design| design::check(design))?;
    need(&["unshare", "mount", "chroot", "sh"])?;
    let mut archive = Lazy { store, opened: None, say };
    if !tools::are_there(store) {
        tools::fetch(store, archive.get()?, say)?;
    }
    if !tools::has_newer(store) {
        tools::fetch_newer(store, archive.get()?, say)?;
    }
    let kernel = match store.find(&asked)? {
        Some(kernel) => kernel,
        None => fetch_kernel(store, archive.get()?, &asked, say)?,
    };
    if !module::is_there(&kernel) {
        say(&format!("building hold.ko for {}", kernel.release));
        module::build(store, &kernel)?;
    }
    if !initramfs::is_there(&kernel) {
        say(&format!("making what guests of {} begin with", kernel.release));
        initramfs::make(store, &kernel)?;
    }
    boot::try_kvm(store, &kernel, say)?;
    for design in designs {
        if design::is_there(&kernel, design) {
            continue;
        }
        if !design::has_source(&kernel) {
            say(&format!("fetching the source of {} (about 150 MB)", kernel.full));
            design::fetch_source(store, archive.get()?, &kernel)?;
        }
        say(&format!(
            "building xfs.ko of {} with design {design} (the first one takes some minutes)",
            kernel.full
        ));
        design::build(store, &kernel, design)?;
    }
    Ok(kernel)
}

/// The archive, opened when it is first needed.
struct Lazy<'s> {
    store: &'s Store,
    opened: Option<Archive<'s>>,
    say: &'s dyn Fn(&str),
}

impl<'s> Lazy<'s> {
    fn get(&mut self) -> Result<&Archive<'s>> {
        if self.opened.is_none() {
            self.opened = Some(Archive::open(self.store, self.say)?);
        }
        self.opened.as_ref().ok_or_else(|| LabError::Other("the archive is closed".to_owned()))
    }
}

/// Unpacks a kernel's packages; its folder gets its name when it is complete.
fn fetch_kernel(store: &Store, archive: &Archive<'_>, asked: &Version, say: &dyn Fn(&str)) -> Result<Kernel> {
    let found = archive.kernel(asked)?;
    say(&format!("fetching linux {} ({}, about 110 MB)", found.version, found.release));
    let temporary = store.temporary()?;
    let folder = temporary.path().join("kernel");
    let made = folder.join("lab");
    fs::create_dir_all(&made).map_err(LabError::file(&made))?;
    archive.unpack(&archive.packages_of(&found)?, &folder)?;
    unite(&folder)?;
    note(&folder, &found.version, &found.package_version)?;
    let place = store.kernels().join(&found.release);
    if place.exists() {
        fs::remove_dir_all(&place).map_err(LabError::file(&place))?;
    }
    fs::rename(&folder, &place).map_err(LabError::file(&place))?;
    store.kernel(&found.version.to_string())
}

/// The modules of older packages are in `/lib`, those of newer ones in `/usr/lib`; here, under both names.
fn unite(folder: &Path) -> Result<()> {
    let (lib, usr_lib) = (folder.join("lib"), folder.join("usr/lib"));
    let (modules, place) = (lib.join("modules"), usr_lib.join("modules"));
    if modules.is_dir() {
        fs::rename(&modules, &place).map_err(LabError::file(&place))?;
        fs::remove_dir_all(&lib).map_err(LabError::file(&lib))?;
    }
    symlink("usr/lib", &lib).map_err(LabError::file(&lib))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_found_where_either_kind_of_package_has_them() {
        for place in ["lib/modules/x", "usr/lib/modules/x"] {
            let folder = tempfile::tempdir().expect("a folder");
            for part in [place, "usr/lib/linux-kbuild-1"] {
                fs::create_dir_all(folder.path().join(part)).expect("a folder");
            }
            unite(folder.path()).expect("united");
            for found in ["lib/modules/x", "usr/lib/modules/x", "lib/linux-kbuild-1"] {
                assert!(folder.path().join(found).is_dir(), "{place}: {found}");
            }
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_said_before_anything_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::at(folder.path()).expect("a store");
        let silent = |what: &str| panic!("{what}");
        let error = fetch(&store, "twelve", &[], &silent).expect_err("no version").to_string();
        assert!(error.contains("`twelve` is no version"), "{error}");
        let error =
            fetch(&store, "6.12", &["series-04".to_owned()], &silent).expect_err("no module").to_string();
        assert!(error.contains("`series-04`"), "{error}");
    }
}
