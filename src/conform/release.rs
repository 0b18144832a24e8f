//! Which modelled kernel a release is.

/// The modelled kernel that is nearest to a release as `uname -r` has it, `6.1.0-56-amd64`; `None` if that is no release. A release
/// between two that are modelled is the one before. Before 6.1 nothing was compared, as in 6.1. Distributions call kernels
/// with all of the stable series 6.1.0, with a number of their own behind that.
pub fn kernel_of(release: &str) -> Option<&'static str> {
    let (numbers, rest) = match release.find(|c: char| !c.is_ascii_digit() && c != '.') {
        Some(end) => release.split_at(end),
        None => (release, ""),
    };
    let mut parts = numbers.split('.').map(str::parse);
    let mut part = || parts.next()?.ok();
    let version: (u32, u32) = (part()?, part()?);
    let stable = part().unwrap_or(0u32) > 0 || rest.strip_prefix('-').is_some_and(starts_with_digit);
    Some(match version {
        (7, 3..) | (8.., _) => "linux-7.3",
        (6, 12..) | (7, _) => "linux-6.12",
        (6, 6..) => "linux-6.6",
        (6, 2..) => "linux-6.2",
        (6, 1) if stable => "linux-6.1.y",
        _ => "linux-6.1",
    })
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::kernel_of;

    #[test]
    fn releases_are_the_modelled_kernel_before_them() {
        for (release, kernel) in [
            ("5.10.0-43-amd64", "linux-6.1"),
            ("5.10.262", "linux-6.1"),
            ("6.1.0", "linux-6.1"),
            ("6.1.0-rc7", "linux-6.1"),
            ("6.1.0-56-amd64", "linux-6.1.y"),
            ("6.1.192", "linux-6.1.y"),
            ("6.5.13+deb12", "linux-6.2"),
            ("6.11.2", "linux-6.6"),
            ("6.12.117", "linux-6.12"),
            ("7.1", "linux-6.12"),
            ("7.3.4", "linux-7.3"),
            ("8.0.1", "linux-7.3"),
        ] {
            assert_eq!(kernel_of(release), Some(kernel), "{release}");
        }
        assert_eq!(kernel_of("none"), None);
        assert_eq!(kernel_of(""), None);
    }
}
