//! Sizes on the command line.

/// Reads a size with the suffixes of scenario files.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.to_ascii_lowercase().chars().last() {
        Some('k') => (&text[..text.len() - 1], 10),
        Some('m') => (&text[..text.len() - 1], 20),
        Some('g') => (&text[..text.len() - 1], 30),
        Some('t') => (&text[..text.len() - 1], 40),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "expected a number of bytes, like 512m or 4g".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that many bytes do not fit 64 bits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_suffixes() {
        assert_eq!(parse_size("512m"), Ok(512 << 20));
        assert_eq!(parse_size("7"), Ok(7));
        assert!(parse_size("g").is_err());
        assert!(parse_size("99999999999g").is_err());
        assert!(parse_size("").is_err());
    }
}
