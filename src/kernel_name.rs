//! Kernels as people call them: `linux-6.12`, or the version alone.

use stalemap_model::words::kernel_version::KernelVersion;

/// The kernel of a name, or of a version that is one's alone. The error has those that there are, or may be meant.
pub fn kernel(name: &str) -> Result<KernelVersion, String> {
    KernelVersion::from_name(name).or_else(|| of_version(name)).ok_or_else(|| {
        let known = || KernelVersion::ALL.iter().map(|kernel| kernel.name()).collect::<Vec<_>>();
        let hint = meant(name).unwrap_or_else(|| format!("known kernels: `{}`", known().join("`, `")));
        format!("there is no kernel `{name}`; {hint}")
    })
}

/// The kernel that a version alone means: `6.12`, `v6.12`, `6.1.y`, `6.1.192`; none, if it may be two.
pub fn of_version(version: &str) -> Option<KernelVersion> {
    match of_versions(version)[..] {
        [one] => Some(one),
        _ => None,
    }
}

/// What to ask somebody who gives a version alone: 6.1 is the release, or its stable series.
pub fn meant(version: &str) -> Option<String> {
    let named = |kernel: &KernelVersion| format!("`{}` ({})", kernel.name(), kernel.facts().version);
    let all: Vec<String> = of_versions(version).iter().map(named).collect();
    (!all.is_empty()).then(|| format!("did you mean {}?", all.join(" or ")))
}

fn of_versions(said: &str) -> Vec<KernelVersion> {
    let version = said.strip_prefix("linux-").unwrap_or(said);
    let version = version.strip_prefix('v').unwrap_or(version);
    let those = |is_meant: &dyn Fn(&KernelVersion) -> bool| -> Vec<KernelVersion> {
        KernelVersion::ALL.iter().copied().filter(is_meant).collect()
    };
    let named = those(&|kernel| {
        let rest = kernel.name().strip_prefix("linux-").and_then(|name| name.strip_prefix(version));
        rest.is_some_and(|rest| rest.is_empty() || rest == ".y")
    });
    if !named.is_empty() {
        return named;
    }
    // The release that was read of a series, or the series by the name of its stable releases.
    let series = version.strip_suffix(".y").map(|series| format!("linux-{series}"));
    those(&|kernel| kernel.facts().version == version || series.as_deref() == Some(kernel.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_enough_where_it_is_one_kernels() {
        for (name, is) in [
            ("6.12", "linux-6.12"),
            ("6.2", "linux-6.2"),
            ("7.3", "linux-7.3"),
            ("6.1.y", "linux-6.1.y"),
            ("6.1.0", "linux-6.1"),
            ("6.1.192", "linux-6.1.y"),
            ("linux-6.1.192", "linux-6.1.y"),
            ("v6.12", "linux-6.12"),
            ("6.12.y", "linux-6.12"),
            ("linux-6.1", "linux-6.1"),
        ] {
            assert_eq!(kernel(name).map(KernelVersion::name), Ok(is));
        }
        assert_eq!(
            kernel("6.1"),
            Err("there is no kernel `6.1`; did you mean `linux-6.1` (6.1.0) or `linux-6.1.y` (6.1.192)?"
                .into())
        );
        for unknown in ["", "v", "6", "6.11", "linux-6.5", "linux", "12", ".y"] {
            let error = kernel(unknown).expect_err(unknown);
            assert!(error.contains("known kernels: `linux-6.1`, "), "{error}");
        }
    }
}
