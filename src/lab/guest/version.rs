//! Versions of kernels: what the user asks for, and which of Debian's packages that is.
//!
//! A *version* is what the kernel's developers call it (6.12.118); a *release* is what `uname -r` prints, and what Debian's
//! packages are named after (6.12.118+deb13-amd64, or 6.1.0-57-amd64 for 6.1.192).

use std::fmt;

use super::error::{LabError, Result};

/// A version that is asked for: a series, `6.12`, or one of its versions, `6.12.118`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Version(Vec<u32>);

impl Version {
    /// Reads `6.12`, `6.12.118`, `linux-6.12`, `linux-6.1.y`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let bare = text.strip_prefix("linux-").unwrap_or(text);
        let bare = bare.strip_suffix(".y").unwrap_or(bare);
        let numbers: Option<Vec<u32>> = bare.split('.').map(number).collect();
        match numbers {
            Some(numbers) if (2..=3).contains(&numbers.len()) => Ok(Version(numbers)),
            _ => Err(LabError::Other(format!(
                "`{text}` is no version of the kernel; a series like 6.12 or one of its versions like 6.12.118 is"
            ))),
        }
    }

    /// Whether another version is it, or belongs to it.
    pub(super) fn includes(&self, other: &Version) -> bool {
        other.0.starts_with(&self.0)
    }

    /// Its series, `6.12`.
    pub(super) fn series(&self) -> String {
        Version(self.0[..2].to_vec()).to_string()
    }

    /// The version of a package: `6.12.118` of `6.12.118-1~bpo12+1`.
    fn of_package(text: &str) -> Option<Self> {
        let upstream = text.split(['-', '~', '+']).next()?;
        Version::parse(upstream).ok()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A kernel that can be fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Candidate {
    /// The package that the others hang on, `linux-image-6.12.118+deb13-amd64`.
    pub(super) package: String,
    /// What `uname -r` prints.
    pub(super) release: String,
    /// The version.
    pub(super) version: Version,
    /// The version of the package, `6.12.118-1`.
    pub(super) package_version: String,
}

/// Debian's release that the tools are of. What builds modules of kernels that are built for a later one needs its libraries.
const RELEASE: u32 = 13;

/// The release that a kernel was built for, by its name; older names do not say it.
fn built_for(release: &str) -> u32 {
    let number = release.split_once("+deb").map(|(_, rest)| numbers(rest));
    number.and_then(|numbers| numbers.first().copied()).unwrap_or_default()
}

/// The newest of those that are asked for, from what `apt-cache show` prints.
pub(super) fn newest(shown: &str, asked: &Version) -> Option<Candidate> {
    let all = shown.split("\n\n").filter_map(candidate);
    all.filter(|one| asked.includes(&one.version))
        .max_by_key(|one| (one.version.clone(), numbers(&one.release)))
}

/// The series that there are, in order.
pub(super) fn series(names: &str) -> Vec<String> {
    let releases = names.lines().filter_map(release_of);
    let mut all: Vec<Version> = releases
        .filter_map(Version::of_package)
        .filter_map(|version| Version::parse(&version.series()).ok())
        .collect();
    all.sort();
    all.dedup();
    all.iter().map(ToString::to_string).collect()
}

fn candidate(paragraph: &str) -> Option<Candidate> {
    let field = |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let (package, package_version) = (field("Package:")?, field("Version:")?);
    let release = release_of(package)?;
    Some(Candidate {
        package: package.to_owned(),
        release: release.to_owned(),
        version: Version::of_package(package_version)?,
        package_version: package_version.to_owned(),
    })
}

/// The release that an image is of; none for packages that are something else, for kernels of another flavour (`cloud`,
/// `rt`), and for those that are built for a later Debian.
pub(super) fn release_of(package: &str) -> Option<&str> {
    let release = package.strip_prefix("linux-image-")?;
    let bare = release.strip_suffix("-amd64")?;
    let plain = bare.split('-').all(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    (plain && built_for(bare) <= RELEASE).then_some(release)
}

/// The numbers in a text, for an order of texts that differ in numbers alone.
fn numbers(text: &str) -> Vec<u32> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).expect("a version")
    }

    #[test]
    fn versions_are_asked_for_in_several_ways() {
        assert_eq!(version("6.12"), version("linux-6.12"));
        assert_eq!(version("linux-6.1.y"), version("6.1"));
        assert_eq!(version("6.12.118").series(), "6.12");
        for bad in ["", "6", "6.", "6.12.1.2", "six", "6.-1", "+6.1", "6.1 ", "linux-", "99999999999.1"] {
            let error = Version::parse(bad).expect_err(bad).to_string();
            assert!(error.contains("6.12.118"), "{error}");
        }
    }

    #[test]
    fn a_series_includes_its_versions_alone() {
        assert!(version("6.1").includes(&version("6.1.192")));
        assert!(!version("6.1").includes(&version("6.12.118")));
        assert!(!version("6.12.118").includes(&version("6.12.117")));
    }

    #[test]
    fn images_of_other_flavours_are_left_out() {
        assert_eq!(release_of("linux-image-6.12.118+deb13-amd64"), Some("6.12.118+deb13-amd64"));
        assert_eq!(release_of("linux-image-6.1.0-57-amd64"), Some("6.1.0-57-amd64"));
        for other in [
            "linux-image-7.3.4+deb13-cloud-amd64",
            "linux-image-7.3.4+deb13-rt-amd64",
            "linux-image-7.3.4+deb14-amd64",
            "linux-image-7.3.4+deb13-amd64-dbg",
            "linux-image-amd64",
            "linux-headers-7.3.4+deb13-amd64",
        ] {
            assert_eq!(release_of(other), None, "{other}");
        }
    }

    #[test]
    fn the_newest_is_taken_by_numbers() {
        let shown = "Package: linux-image-6.12.99+deb13-amd64\nVersion: 6.12.99-1\n\n\
            Package: linux-image-6.12.100+deb12-amd64\nVersion: 6.12.100-1~bpo12+1\n\n\
            Package: linux-image-6.12.100+deb13-amd64\nVersion: 6.12.100-1\n\n\
            Package: linux-image-6.1.0-57-amd64\nSource: linux-signed\nVersion: 6.1.192-3\n";
        let release = |asked| newest(shown, &version(asked)).map(|candidate| candidate.release);
        assert_eq!(release("6.12").as_deref(), Some("6.12.100+deb13-amd64"));
        assert_eq!(release("6.12.99").as_deref(), Some("6.12.99+deb13-amd64"));
        assert_eq!(release("6.1.192").as_deref(), Some("6.1.0-57-amd64"));
        assert_eq!(release("7.3"), None);
    }

    #[test]
    fn the_series_are_listed_once_and_in_order() {
        let names = "linux-image-6.12.9+deb13-amd64\nlinux-image-6.1.0-57-amd64\nlinux-image-6.12.10+deb13-amd64\n\
            linux-image-amd64\nlinux-image-7.3.4+deb13-rt-amd64\n";
        assert_eq!(series(names), ["6.1", "6.12"]);
    }
}
