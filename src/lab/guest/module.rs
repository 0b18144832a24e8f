//! The module that holds tasks (`lab/module/hold.c`), built for a kernel of the store.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use super::error::{LabError, Result};
use super::inside::Inside;
use super::store::{Kernel, Store};

const SOURCE: &str = include_str!("../../../lab/module/hold.c");
const MAKEFILE: &str = include_str!("../../../lab/module/Makefile");

/// The built module.
pub(super) fn place(kernel: &Kernel) -> PathBuf {
    kernel.made().join("hold.ko")
}

/// Whether it is there, and was made of this source.
pub(super) fn is_there(kernel: &Kernel) -> bool {
    let source = fs::read_to_string(kernel.made().join("hold.c"));
    place(kernel).is_file() && source.is_ok_and(|source| source == SOURCE)
}

/// Builds it.
pub(super) fn build(store: &Store, kernel: &Kernel) -> Result<()> {
    let temporary = store.temporary()?;
    let write = |name: &str, text: &str| {
        let path = temporary.path().join(name);
        fs::write(&path, text).map_err(LabError::file(&path))
    };
    write("hold.c", SOURCE)?;
    write("Makefile", MAKEFILE)?;
    make(store, kernel, temporary.path(), &[])?;
    for name in ["hold.ko", "hold.c"] {
        let (from, to) = (temporary.path().join(name), kernel.made().join(name));
        fs::copy(&from, &to).map_err(LabError::file(&from))?;
    }
    Ok(())
}

/// Builds the modules in a folder of the store against the headers of a kernel, with the root's compiler, whichever the
/// kernel was built with. It is seen at one place, whichever it is: so a copy of a folder that was built is not built anew.
pub(super) fn make(store: &Store, kernel: &Kernel, folder: &Path, options: &[String]) -> Result<()> {
    let inside = builder(store, kernel)?.with(folder.to_owned(), "/build".to_owned());
    let headers = format!("/usr/src/linux-headers-{}", kernel.release);
    let jobs = format!("-j{}", thread::available_parallelism().map_or(1, usize::from));
    let mut command = vec!["make", &jobs, "-C", &headers, "M=/build", "CC=gcc", "HOSTCC=gcc"];
    // The type information of the kernel itself would be needed for that of a module.
    command.extend(["CONFIG_DEBUG_INFO_BTF_MODULES="]);
    command.extend(options.iter().map(String::as_str));
    command.push("modules");
    inside.run(&format!("building {} for {}", folder.display(), kernel.release), &command).map(drop)
}

/// The root with the headers of a kernel where they belong.
fn builder<'s>(store: &'s Store, kernel: &Kernel) -> Result<Inside<'s>> {
    let mut inside = Inside::of(store).with(kernel.folder.join("usr/src"), "/usr/src".to_owned());
    let libraries = kernel.folder.join("usr/lib");
    for entry in fs::read_dir(&libraries).map_err(LabError::file(&libraries))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("linux-kbuild-") {
            inside = inside.with(entry.path(), format!("/usr/lib/{name}"));
        }
    }
    Ok(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_says_what_it_understands() {
        for word in [
            "arm SLOT before|after|i_size NTH TIMEOUT_MS COMM SYMBOL",
            "until SLOT MS",
            "returned SLOT MS",
            "go SLOT",
        ] {
            assert!(SOURCE.contains(word), "{word}");
        }
        assert!(SOURCE.starts_with("// SPDX-License-Identifier: GPL-2.0 OR MIT\n"));
        assert!(MAKEFILE.contains("obj-m := hold.o"));
    }
}
