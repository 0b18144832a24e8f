//! What drawn scenarios run under: kernels, each with its file systems, or designs on any.

use stalemap_model::words::design::Design;
use stalemap_model::words::kernel_version::KernelVersion;
use stalemap_model::words::personality::{Exchange, Personality};

use super::draw::Has;
use crate::kernel_name;

/// A kernel or a design.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Under {
    /// A release, with its own file systems: what is lost should not be, or is in docs/findings.md.
    Kernel(KernelVersion),
    /// A built-in design, by its name, on file systems as they are built in.
    Design(&'static str),
}

impl Under {
    /// All kernels.
    pub fn kernels() -> Vec<Self> {
        KernelVersion::ALL.iter().copied().map(Under::Kernel).collect()
    }

    /// A kernel by its name; the error has those that there are.
    pub fn kernel(name: &str) -> Result<Self, String> {
        kernel_name::kernel(name).map(Under::Kernel)
    }

    /// A design by its name; the error has those that there are.
    pub fn design(name: &str) -> Result<Self, String> {
        let found = Design::BUILT_IN.iter().find(|known| **known == name);
        let unknown =
            || format!("there is no design `{name}`; known designs: `{}`", Design::BUILT_IN.join("`, `"));
        found.map(|known| Under::Design(known)).ok_or_else(unknown)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Under::Kernel(kernel) => kernel.name(),
            Under::Design(name) => name,
        }
    }
}

impl Has for Under {
    fn has(&self, personality: &str) -> bool {
        match self {
            Under::Kernel(kernel) => kernel.facts().file_systems.contains(&personality),
            Under::Design(_) => true,
        }
    }

    fn exchanges(&self) -> bool {
        let Some(xfs) = Personality::built_in("xfs") else { return false };
        let there = match self {
            Under::Kernel(kernel) => kernel.implementation(&xfs).map(|found| found.fs),
            Under::Design(_) => Some(xfs),
        };
        there.is_some_and(|fs| fs.exchange != Exchange::Absent)
    }
}
