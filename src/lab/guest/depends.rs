//! Modules of a kernel with those that they need, in the order in which they can be loaded.

use std::collections::BTreeMap;

use super::error::{LabError, Result};

/// What depmod found: of each module its file, below the folder of the kernel's modules, and the files that it needs.
#[derive(Debug)]
pub(super) struct Depends<'t> {
    files: BTreeMap<String, (&'t str, Vec<&'t str>)>,
    built_in: Vec<String>,
}

impl<'t> Depends<'t> {
    /// Reads modules.dep and modules.builtin.
    pub(super) fn read(dep: &'t str, builtin: &str) -> Self {
        let files = dep.lines().filter_map(|line| {
            let (file, needs) = line.split_once(':')?;
            Some((name(file), (file, needs.split_whitespace().collect())))
        });
        Depends { files: files.collect(), built_in: builtin.lines().map(name).collect() }
    }

    /// The files of modules and of all that they need, each once, needed ones first. What is built into the kernel, and what
    /// this kernel does not have although it is among the `spare`, is left out.
    pub(super) fn in_order(&self, modules: &[&str], spare: &[&str]) -> Result<Vec<&'t str>> {
        let mut order: Vec<&str> = Vec::new();
        for module in modules {
            let Some((file, needs)) = self.files.get(&name(module)) else {
                if self.built_in.contains(&name(module)) || spare.contains(module) {
                    continue;
                }
                return Err(LabError::Other(format!("the kernel has no module {module}")));
            };
            // depmod lists what is needed from near to far.
            for file in needs.iter().rev().chain([file]) {
                if !order.contains(file) {
                    order.push(file);
                }
            }
        }
        Ok(order)
    }
}

/// A module's name: of its file, without what it is compressed with, and with one kind of hyphen.
pub(super) fn name(file: &str) -> String {
    let file = file.rsplit('/').next().unwrap_or(file);
    file.split(".ko").next().unwrap_or(file).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "kernel/fs/xfs/xfs.ko.xz: kernel/lib/libcrc32c.ko.xz kernel/crypto/crc32c_generic.ko.xz\n\
        kernel/lib/libcrc32c.ko.xz: kernel/crypto/crc32c_generic.ko.xz\nkernel/crypto/crc32c_generic.ko.xz:\n\
        kernel/drivers/md/dm-delay.ko.xz: kernel/drivers/md/dm-mod.ko.xz\nkernel/drivers/md/dm-mod.ko.xz:\n";

    #[test]
    fn what_is_needed_comes_first_and_once() {
        let depends = Depends::read(DEP, "kernel/drivers/virtio/virtio_pci.ko\n");
        let order = depends.in_order(&["virtio_pci", "xfs", "libcrc32c", "dm_delay", "zonefs"], &["zonefs"]);
        assert_eq!(
            order.expect("an order"),
            [
                "kernel/crypto/crc32c_generic.ko.xz",
                "kernel/lib/libcrc32c.ko.xz",
                "kernel/fs/xfs/xfs.ko.xz",
                "kernel/drivers/md/dm-mod.ko.xz",
                "kernel/drivers/md/dm-delay.ko.xz"
            ]
        );
    }

    #[test]
    fn a_module_that_is_lacking_is_named() {
        let error = Depends::read(DEP, "").in_order(&["gfs2"], &[]).expect_err("lacking").to_string();
        assert!(error.contains("gfs2"), "{error}");
    }
}
