//! Whether a verdict is about the check at all.
//!
//! Where no run comes to the place at which a buffered write would validate its mapping, every design that differs in the
//! check alone is the same code, and a `holds` or a loss says nothing for or against the check.

use std::collections::BTreeSet;

use stalemap_model::words::implementation::Implementation;

/// Whether runs come where a write would validate its mapping, under a design that does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckPlace {
    /// Some do.
    OnPath,
    /// None does: all designs that differ in the check alone do the same there.
    OffPath,
    /// There is no check on this file system.
    Absent,
    /// The engine does not say what was performed.
    Unknown,
}

impl CheckPlace {
    /// Where it is, seen from the operations that runs performed.
    pub(crate) fn of(implementation: &Implementation, operations: &BTreeSet<String>) -> Self {
        let asks = |name: &String| name == "copy" || name.starts_with("iomap_valid");
        if operations.is_empty() {
            CheckPlace::Unknown
        } else if !implementation.fs.counter {
            CheckPlace::Absent
        } else if operations.iter().any(asks) {
            CheckPlace::OnPath
        } else {
            CheckPlace::OffPath
        }
    }

    /// Its name in documents.
    pub const fn name(self) -> &'static str {
        match self {
            CheckPlace::OnPath => "on-path",
            CheckPlace::OffPath => "off-path",
            CheckPlace::Absent => "absent",
            CheckPlace::Unknown => "unknown",
        }
    }

    /// The one of a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let all = [CheckPlace::OnPath, CheckPlace::OffPath, CheckPlace::Absent, CheckPlace::Unknown];
        all.into_iter().find(|place| place.name() == name)
    }

    /// What a report says of it, if that is not what one expects.
    pub const fn sentence(self) -> Option<&'static str> {
        match self {
            CheckPlace::OnPath | CheckPlace::Unknown => None,
            CheckPlace::OffPath => {
                Some("the check is not on this path: designs that differ in it alone do the same here")
            }
            CheckPlace::Absent => {
                Some("this file system has no method for the check: what holds, holds by its locks")
            }
        }
    }
}
