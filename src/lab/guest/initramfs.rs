//! What every guest of a kernel begins with: busybox, tools of the file systems, modules, and the first process.
//!
//! It is made once for a kernel and kept; a job adds its own files behind it.

use std::fs;
use std::path::PathBuf;

use super::cpio::Cpio;
use super::depends::{Depends, name};
use super::error::{LabError, Result};
use super::inside::Inside;
use super::programs::with_libraries;
use super::store::{Kernel, Store};

/// The first process.
const INIT: &str = include_str!("../../../lab/guest/init");

/// What is loaded when a guest begins. Of these, some kernels have no module.
const MODULES: [&str; 12] = [
    "virtio_pci",
    "virtio_blk",
    "crc32c_generic",
    "crc32c_intel",
    "libcrc32c",
    "dm_mod",
    "dm_delay",
    "dm_zero",
    "xfs",
    "gfs2",
    "ext4",
    "configfs",
];
const SPARE: [&str; 5] = ["crc32c_generic", "crc32c_intel", "libcrc32c", "configfs", "zonefs"];

/// What is there for a job to load.
const FOR_JOBS: [&str; 2] = ["null_blk", "zonefs"];

/// The tools, where they are in the root, each with its name in the guest.
const TOOLS: [(&str, &str); 8] = [
    ("usr/sbin/mkfs.xfs", "mkfs.xfs"),
    ("opt/newer/usr/sbin/mkfs.xfs", "mkfs.xfs.newer"),
    ("usr/sbin/xfs_io", "xfs_io"),
    ("usr/sbin/xfs_db", "xfs_db"),
    ("usr/sbin/xfs_repair", "xfs_repair"),
    ("usr/sbin/mkfs.gfs2", "mkfs.gfs2"),
    ("usr/sbin/mkfs.ext4", "mkfs.ext4"),
    ("usr/sbin/dmsetup", "dmsetup"),
];

/// The folders of a guest.
const FOLDERS: [&str; 9] = ["bin", "sbin", "etc", "proc", "sys", "dev", "tmp", "mnt", "out"];

/// Where a kernel's initramfs is kept.
pub(super) fn place(kernel: &Kernel) -> PathBuf {
    kernel.made().join("initramfs")
}

/// Whether it is there, and as it would be made now.
pub(super) fn is_there(kernel: &Kernel) -> bool {
    place(kernel).is_file() && fs::read_to_string(stamp_of(kernel)).is_ok_and(|stamp| stamp == made_of())
}

/// Makes it.
pub(super) fn make(store: &Store, kernel: &Kernel) -> Result<()> {
    let inside = Inside::of(store);
    let root = inside.path(&kernel.folder);
    inside.run("depmod", &["depmod", "-b", &root, &kernel.release])?;
    let mut cpio = Cpio::default();
    for folder in FOLDERS {
        cpio.folder(folder);
    }
    cpio.file("init", INIT.as_bytes());
    cpio.file("etc/mtab", b"");
    tools(store, &mut cpio)?;
    modules(&inside, kernel, &mut cpio)?;
    let place = place(kernel);
    fs::write(&place, cpio.finish()).map_err(LabError::file(&place))?;
    let stamp = stamp_of(kernel);
    fs::write(&stamp, made_of()).map_err(LabError::file(&stamp))
}

fn stamp_of(kernel: &Kernel) -> PathBuf {
    kernel.made().join("initramfs-made-of")
}

/// All that may change from one stalemap to the next.
fn made_of() -> String {
    let tools = TOOLS.map(|(tool, _)| tool);
    [&MODULES[..], &FOR_JOBS, &tools, &FOLDERS, &[INIT]].concat().join("\n")
}

/// Busybox, the tools and their libraries.
fn tools(store: &Store, cpio: &mut Cpio) -> Result<()> {
    let busybox = store.root().join("usr/bin/busybox");
    cpio.file("bin/busybox", &fs::read(&busybox).map_err(LabError::file(&busybox))?);
    cpio.link("bin/sh", "busybox");
    let names = TOOLS.map(|(_, name)| format!("sbin/{name}"));
    let tools: Vec<(&str, &str)> =
        TOOLS.iter().zip(&names).map(|((tool, _), name)| (*tool, name.as_str())).collect();
    for (path, contents) in with_libraries(store, &tools)? {
        cpio.file(&path, &contents);
    }
    Ok(())
}

/// The modules, and the order in which they are loaded.
fn modules(inside: &Inside<'_>, kernel: &Kernel, cpio: &mut Cpio) -> Result<()> {
    let read = |name: &str| {
        let path = kernel.modules().join(name);
        fs::read_to_string(&path).map_err(LabError::file(&path))
    };
    let (dep, builtin) = (read("modules.dep")?, read("modules.builtin")?);
    let depends = Depends::read(&dep, &builtin);
    let all = depends.in_order(&[&MODULES[..], &FOR_JOBS].concat(), &SPARE)?;
    let mut order = Vec::new();
    for file in all {
        let name = name(file);
        cpio.file(&format!("mods/{name}.ko"), &module(inside, kernel, file)?);
        if !FOR_JOBS.contains(&name.as_str()) {
            order.push(format!("{name}.ko\n"));
        }
    }
    cpio.file("mods/order", order.concat().as_bytes());
    Ok(())
}

/// A module's contents, which Debian packs compressed or not.
fn module(inside: &Inside<'_>, kernel: &Kernel, file: &str) -> Result<Vec<u8>> {
    let path = kernel.modules().join(file);
    if path.extension().is_some_and(|extension| extension == "xz") {
        return inside.run("unpacking a module", &["xz", "-dc", &inside.path(&path)]);
    }
    fs::read(&path).map_err(LabError::file(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_process_loads_runs_and_ends() {
        assert!(INIT.starts_with("#!/bin/busybox sh\n"));
        for step in ["insmod", "sh /job.sh", "tar -cf /dev/vdb", "poweroff -f"] {
            assert!(INIT.contains(step), "{step}");
        }
    }
}
