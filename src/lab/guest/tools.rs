//! The store's root: Debian's packages of the tools, unpacked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::archive::{Archive, NEXT};
use super::error::{LabError, Result};
use super::store::Store;

/// What guests are made of and run in, and what builds modules and programs; each with all that it depends on.
const PACKAGES: [&str; 28] = [
    "base-files",
    "bash",
    "bc",
    "bison",
    "busybox-static",
    "coreutils",
    "dash",
    "diffutils",
    "dmsetup",
    "e2fsprogs",
    "findutils",
    "flex",
    "gcc",
    "gfs2-utils",
    "grep",
    "gzip",
    "kmod",
    "libc6-dev",
    "libelf-dev",
    "make",
    "mawk",
    "perl-base",
    "qemu-system-x86",
    "sed",
    "tar",
    "util-linux",
    "xfsprogs",
    "xz-utils",
];

/// The links that an installed system has beside what is in its packages: name, and what it leads to.
const LINKS: [(&str, &str); 6] = [
    ("bin", "usr/bin"),
    ("sbin", "usr/sbin"),
    ("lib", "usr/lib"),
    ("lib64", "usr/lib64"),
    ("usr/bin/awk", "mawk"),
    ("usr/bin/cc", "gcc"),
];

/// The folders that they need.
const FOLDERS: [&str; 6] = ["usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "tmp", "usr/src"];

/// The list of the packages that the root has; written last.
const LIST: &str = "packages-of-the-lab";

/// Whether the root is there, with all of today's list.
pub(crate) fn are_there(store: &Store) -> bool {
    fs::read_to_string(store.root().join(LIST)).is_ok_and(|list| list == PACKAGES.join("\n"))
}

/// Makes the root.
pub(super) fn fetch(store: &Store, archive: &Archive<'_>, say: &dyn Fn(&str)) -> Result<()> {
    say(
        "fetching the tools: qemu, gcc, mkfs of the file systems, busybox, with all that they need (about 140 MB)",
    );
    let temporary = store.temporary()?;
    let root = temporary.path().join("root");
    prepare(&root)?;
    archive.unpack_closure(&PACKAGES, &root)?;
    let list = root.join(LIST);
    fs::write(&list, PACKAGES.join("\n")).map_err(LabError::file(&list))?;
    let place = store.root();
    if place.exists() {
        fs::remove_dir_all(&place).map_err(LabError::file(&place))?;
    }
    fs::rename(&root, &place).map_err(LabError::file(&place))
}

/// Where tools of Debian's next release are: those that need no newer libraries.
pub(super) const NEWER: &str = "opt/newer";

/// Whether they are there.
pub(super) fn has_newer(store: &Store) -> bool {
    store.root().join(NEWER).is_dir()
}

/// Brings them: an mkfs.xfs that knows zones.
pub(super) fn fetch_newer(store: &Store, archive: &Archive<'_>, say: &dyn Fn(&str)) -> Result<()> {
    say("fetching an mkfs.xfs that knows zones");
    let temporary = store.temporary()?;
    let folder = temporary.path().join("newer");
    archive.unpack(&[format!("xfsprogs/{NEXT}")], &folder)?;
    let place = store.root().join(NEWER);
    let above = place.parent().unwrap_or(&place);
    fs::create_dir_all(above).map_err(LabError::file(above))?;
    fs::rename(&folder, &place).map_err(LabError::file(&place))
}

/// The links and folders that packages do not bring.
fn prepare(root: &Path) -> Result<()> {
    for folder in FOLDERS {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).map_err(LabError::file(&folder))?;
    }
    for (name, to) in LINKS {
        let link = root.join(name);
        symlink(to, &link).map_err(LabError::file(&link))?;
    }
    Ok(())
}
