//! Kernels that a guest can boot: those that the distribution has packages of.

use std::fmt;

/// A series of releases, by whose functions a task is held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Release {
    /// 6.1.y: read in 6.1.192.
    V6_1,
    /// 6.12.y: read in 6.12.118.
    V6_12,
    /// 7.3.y: read in 7.3.4.
    V7_3,
}

impl Release {
    /// All, oldest first.
    pub const ALL: [Release; 3] = [Release::V6_1, Release::V6_12, Release::V7_3];

    /// The version, as `stalemap lab fetch` takes it.
    pub const fn version(self) -> &'static str {
        match self {
            Release::V6_1 => "6.1",
            Release::V6_12 => "6.12",
            Release::V7_3 => "7.3",
        }
    }

    /// The kernel of the model that stands for it.
    pub const fn kernel(self) -> &'static str {
        match self {
            Release::V6_1 => "linux-6.1.y",
            Release::V6_12 => "linux-6.12",
            Release::V7_3 => "linux-7.3",
        }
    }

    /// The release that a kernel's name, or a version, means: `linux-6.1.y`, `6.12`, `6.12.118`.
    pub fn from_name(name: &str) -> Option<Self> {
        let version = name.strip_prefix("linux-").unwrap_or(name);
        let is = |release: &Release| {
            let rest = version.strip_prefix(release.version());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        Release::ALL.into_iter().find(is)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_found_by_any_of_its_names() {
        assert_eq!(Release::from_name("linux-6.1.y"), Some(Release::V6_1));
        assert_eq!(Release::from_name("6.12.118"), Some(Release::V6_12));
        assert_eq!(Release::from_name("7.3"), Some(Release::V7_3));
        assert_eq!(Release::from_name("linux-6.2"), None);
        assert_eq!(Release::from_name("6.13"), None);
    }
}
