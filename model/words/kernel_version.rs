//! Kernels by name: which values the fields of designs and personalities have in a release, and why.
//!
//! A `holds` is worth something to the maintainer of a kernel only if it is about that kernel: its iomap core *and* its file
//! system. So a release is not another design, but a column of a table whose rows are the fields of both
//! ([`TABLE`], by subject in the files beneath). A row has each value with the releases that have it, and where that was read.
//! What belongs to the environment (how large the device is, what may fail) is in no row and stays as the scenario has it.

mod rows;

use crate::words::design::Design;
use crate::words::implementation::Implementation;
use crate::words::personality::Personality;
use crate::words::settings::Setting;

pub use rows::TABLE;

/// A release, or a stable series as it was read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum KernelVersion {
    /// 6.1.0: the last one without a check.
    V6_1,
    /// The stable series of 6.1, which got the check.
    V6_1Y,
    /// The first with `->iomap_valid`.
    V6_2,
    /// 6.6.0: writeback maps dirty ranges.
    V6_6,
    /// The stable series of 6.12.
    V6_12,
    /// The newest whose source could be had.
    V7_3,
}

/// Another name of the newest release, [`KernelVersion::NEWEST`], as of November 2026: for a file that means whatever is newest.
/// Reports say which one it is.
pub const MODERN: &str = "modern";

/// What is said of a release as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Its name in scenario files and on the command line.
    pub name: &'static str,
    /// Exactly which one it is.
    pub version: &'static str,
    /// When the first of it was released.
    pub released: &'static str,
    /// What was read of it.
    pub source: &'static str,
    /// The personalities whose file systems it has.
    pub file_systems: &'static [&'static str],
}

/// A field of a design or a personality.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name.
    pub field: &'static str,
    /// The personalities that the row is about; the same field has another row for others.
    pub on: &'static [&'static str],
    /// Its values. Each release that has one of these file systems is in one of them.
    pub values: &'static [Value],
}

/// A value of a field.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// As it stands in a file.
    pub is: Setting<'static>,
    /// The releases that have it.
    pub kernels: &'static [KernelVersion],
    /// Where that is to be read: a commit, a function with its file and release.
    pub why: &'static str,
}

/// File systems that every release has.
const OLD: &[&str] = &["xfs", "gfs2", "gfs2-jdata", "zonefs"];

impl KernelVersion {
    /// All, oldest first.
    pub const ALL: &'static [KernelVersion] =
        &[Self::V6_1, Self::V6_1Y, Self::V6_2, Self::V6_6, Self::V6_12, Self::V7_3];

    /// The newest of them.
    pub const NEWEST: Self = Self::V7_3;

    /// What is said of it.
    pub const fn facts(self) -> Facts {
        let (name, version, released, source, file_systems) = match self {
            Self::V6_1 => (
                "linux-6.1",
                "6.1.0",
                "2022-12-11",
                "trees that call themselves 6.1.0-rc7; what changed after that was not read",
                OLD,
            ),
            Self::V6_1Y => {
                ("linux-6.1.y", "6.1.192", "2022-12-11", "Debian's linux-source-6.1, 6.1.192-3", OLD)
            }
            Self::V6_2 => ("linux-6.2", "6.2.0", "2023-02-19", "a tree that calls itself 6.2.0", OLD),
            Self::V6_6 => ("linux-6.6", "6.6.0", "2023-10-29", "a tree that calls itself 6.6.0", OLD),
            Self::V6_12 => {
                ("linux-6.12", "6.12.118", "2024-11-17", "Debian's linux-source-6.12, 6.12.118-1", OLD)
            }
            Self::V7_3 => (
                "linux-7.3",
                "7.3.4",
                "2026-11",
                "Debian's linux-source-7.3, 7.3.4-1~bpo13+1",
                &["xfs", "xfs-zoned", "gfs2", "gfs2-jdata", "zonefs"] as &[_],
            ),
        };
        Facts { name, version, released, source, file_systems }
    }

    /// Its name in scenario files and on the command line.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// A release by its name, or by [`MODERN`].
    pub fn from_name(name: &str) -> Option<Self> {
        if name == MODERN {
            return Some(Self::NEWEST);
        }
        Self::ALL.iter().copied().find(|kernel| kernel.name() == name)
    }

    /// Whether it has the file system of a personality. No file system of those that are here has a valid size.
    pub fn has(self, fs: &Personality) -> bool {
        self.facts().file_systems.contains(&fs.base) && !fs.valid_size
    }

    /// The value of each field that it says something about, on a file system that it has.
    pub fn values(self, fs: &'static str) -> impl Iterator<Item = (&'static str, &'static Value)> {
        let rows = TABLE.iter().flat_map(|rows| rows.iter()).filter(move |row| row.on.contains(&fs));
        rows.filter_map(move |row| {
            Some((row.field, row.values.iter().find(|value| value.kernels.contains(&self))?))
        })
    }

    /// The release with the file system of a personality, of which the environment stays; nothing, if it has none such.
    pub fn implementation(self, fs: &Personality) -> Option<Implementation> {
        if !self.has(fs) {
            return None;
        }
        let design = Design { name: self.name().to_owned(), ..Design::built_in("iomap_valid")? };
        let mut made = Implementation { design, fs: fs.clone() };
        for (field, value) in self.values(fs.base) {
            // A test sets every value of the table.
            made.set(field, value.is).ok()?;
        }
        Some(made)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What a scenario says of the machine and the device; no release has a value of it.
    const ENVIRONMENT: &[&str] = &[
        "free_blocks",
        "zone_blocks",
        "allocator",
        "stuffed",
        "spare_blocks",
        "short_budget",
        "device_cache",
        // Mount options.
        "log_ordered",
        "io_errors",
        "alloc_errors",
        "short_copies",
        "data_checksum",
        // The kernel of another machine.
        "layout_returned",
        "init_on_alloc",
    ];

    #[test]
    fn every_release_has_one_value_of_each_field_on_each_file_system_that_it_has() {
        let environment: BTreeSet<&str> = ENVIRONMENT.iter().copied().collect();
        for kernel in KernelVersion::ALL {
            for fs in kernel.facts().file_systems {
                let given: Vec<&str> = kernel.values(fs).map(|(field, _)| field).collect();
                let set: BTreeSet<&str> = given.iter().copied().collect();
                assert_eq!(given.len(), set.len(), "{} on {fs}: a field has two rows", kernel.name());
                let fields = Design::FIELDS.iter().chain(Personality::FIELDS).copied();
                let expected: BTreeSet<&str> = fields.filter(|field| !environment.contains(field)).collect();
                assert_eq!(set, expected, "{} on {fs}", kernel.name());
                assert!(
                    kernel.implementation(&Personality::built_in(fs).unwrap()).is_some(),
                    "{} on {fs}",
                    kernel.name()
                );
            }
        }
    }

    #[test]
    fn a_row_has_each_release_once_and_no_others_than_have_its_file_systems() {
        for row in TABLE.iter().flat_map(|rows| rows.iter()) {
            let mut kernels: Vec<KernelVersion> =
                row.values.iter().flat_map(|value| value.kernels).copied().collect();
            kernels.sort_unstable();
            let has =
                |kernel: &&KernelVersion| row.on.iter().any(|fs| kernel.facts().file_systems.contains(fs));
            let expected: Vec<KernelVersion> = KernelVersion::ALL.iter().filter(has).copied().collect();
            assert_eq!(kernels, expected, "{}", row.field);
            assert!(row.on.iter().all(|fs| Personality::BUILT_IN.contains(fs)), "{}", row.field);
        }
    }

    #[test]
    fn the_environment_stays_as_the_scenario_has_it() {
        let fs =
            Personality { free_blocks: Some(3), io_errors: true, ..Personality::built_in("xfs").unwrap() };
        for kernel in KernelVersion::ALL {
            let made = kernel.implementation(&fs).unwrap();
            assert_eq!((made.fs.free_blocks, made.fs.io_errors), (Some(3), true));
            assert_eq!(made.name(), kernel.name());
        }
        assert!(KernelVersion::V6_12.implementation(&Personality::built_in("xfs-zoned").unwrap()).is_none());
    }
}
