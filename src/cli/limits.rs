//! How much is explored at a time, and when a search is given up: what most commands take.

use clap::Args;
use stalemap_explore::LEAST_BITSTATE;

/// How much at a time, and when it is enough.
#[derive(Clone, Copy, Debug, Args)]
pub struct LimitsArgs {
    /// Work on this many scenario-design pairs at a time [default: as many as there are processors].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,

    /// When it is enough.
    #[command(flatten)]
    pub search: SearchLimitsArgs,
}

/// When a search is given up.
#[derive(Clone, Copy, Debug, Args)]
pub struct SearchLimitsArgs {
    /// Give a search up at this many states.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit_states: Option<u64>,

    /// Let the whole process take this much memory, in equal shares for what runs at a time (`512m`, `4g`) [default:
    /// half of the machine's].
    #[arg(long, value_name = "SIZE", value_parser = parse_memory)]
    pub limit_memory: Option<u64>,

    /// Give a search up after this many seconds.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit_seconds: Option<u64>,
}

/// Reads the size of a table of bits: one line of it at least.
pub(crate) fn parse_bits(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        bytes if bytes < LEAST_BITSTATE => Err(format!("a table has {LEAST_BITSTATE} bytes at least")),
        bytes => Ok(bytes),
    }
}

/// Reads a limit of memory: some.
pub(crate) fn parse_memory(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("no memory at all; for example 512m".to_owned()),
        bytes => Ok(bytes),
    }
}

/// A size as it may be given: with the largest suffix that loses nothing.
pub(crate) fn in_words(bytes: u64) -> String {
    let suffixes = [(40, "t"), (30, "g"), (20, "m"), (10, "k")];
    let fits = |(shift, _): &(u32, &str)| bytes >= 1 << shift && bytes.trailing_zeros() >= *shift;
    match suffixes.into_iter().find(fits) {
        Some((shift, suffix)) => format!("{}{suffix}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// A size in words that need not be exact: no more than it is, in the largest suffix of which it is several.
pub(crate) fn roughly(bytes: u64) -> String {
    let shift = [40, 30, 20, 10].into_iter().find(|shift| bytes >> shift > 1).unwrap_or(0);
    in_words(bytes >> shift << shift)
}

/// Reads a size with the suffixes of scenario files.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
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
        assert!(parse_memory("0").is_err() && parse_memory("0g").is_err());
    }

    #[test]
    fn a_size_is_written_as_it_is_read() {
        assert_eq!(
            (roughly((12 << 30) + 7), roughly((1 << 30) - 7), roughly(9)),
            ("12g".into(), "1023m".into(), "9".into())
        );
        for (bytes, text) in
            [(0, "0"), (7, "7"), (1536, "1536"), (3 << 10, "3k"), (64 << 30, "64g"), (2 << 40, "2t")]
        {
            assert_eq!((in_words(bytes), parse_size(text)), (text.to_owned(), Ok(bytes)));
        }
    }
}
