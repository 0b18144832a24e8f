//! Numbers as xfs_io reads them: C's bases (`0x10`, `010` is octal) and one suffix (`4k`, `8s`, `1b`).

/// The greatest offset or size of a file, as in the kernel: `loff_t` is signed.
pub(super) const MAX_OFFSET: u64 = i64::MAX as u64;

/// Why a text is not a size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NumberError {
    /// It does not start with a digit.
    NotANumber,
    /// It starts with a minus sign.
    Negative,
    /// A leading 0 means octal, and an 8 or 9 follows.
    NotOctal,
    /// It has a decimal point.
    NotWhole,
    /// What follows the digits is no suffix.
    Suffix,
    /// It is greater than [`MAX_OFFSET`].
    TooLarge,
}

impl NumberError {
    /// What is wrong, of the text in quotes.
    pub(super) fn message(self, quoted: &str) -> String {
        match self {
            NumberError::NotANumber => format!("{quoted} is not a number"),
            NumberError::Negative => format!("{quoted} is negative"),
            NumberError::NotOctal => format!("{quoted} is not an octal number"),
            NumberError::NotWhole => format!("{quoted} is not a whole number"),
            NumberError::Suffix => format!("{quoted} has an unknown suffix"),
            NumberError::TooLarge => format!("{quoted} is too large"),
        }
    }

    /// What would be right.
    pub(super) fn help(self) -> &'static str {
        match self {
            NumberError::NotANumber => "numbers are written like `4096`, `0x1000`, `4k`, `8s` or `1b`",
            NumberError::Negative => "numbers start at 0",
            NumberError::NotOctal => "as in C, a leading 0 means octal: drop it for a decimal number",
            NumberError::NotWhole => "write a smaller unit, for example `1536` for 1.5k",
            NumberError::Suffix => {
                "one of `k`, `m`, `g`, `t`, `p`, `e`, `s` (512 bytes) and `b` (a block of the file system) may follow"
            }
            NumberError::TooLarge => "numbers are below `8e`, 2^63",
        }
    }
}

/// A size or offset. `b` counts blocks of `block` bytes.
pub(super) fn size(text: &str, block: u64) -> Result<u64, NumberError> {
    let Leading { number, rest } = leading_number(text)?;
    let mut suffix = rest.chars();
    let unit = match (suffix.next().map(|c| c.to_ascii_lowercase()), suffix.next()) {
        (None, _) => 1,
        (Some('s'), None) => 512,
        (Some('b'), None) => block,
        (Some('k'), None) => 1 << 10,
        (Some('m'), None) => 1 << 20,
        (Some('g'), None) => 1 << 30,
        (Some('t'), None) => 1 << 40,
        (Some('p'), None) => 1 << 50,
        (Some('e'), None) => 1 << 60,
        (Some('8' | '9'), _) => return Err(NumberError::NotOctal),
        (Some('.'), _) => return Err(NumberError::NotWhole),
        _ => return Err(NumberError::Suffix),
    };
    number
        .and_then(|number| number.checked_mul(unit))
        .filter(|size| *size <= MAX_OFFSET)
        .ok_or(NumberError::TooLarge)
}

/// A pattern (`-S`), of which xfs_io keeps the low byte: of what `strtoul` makes of it, which is the greatest number
/// for all that do not fit, with a sign or without. It reads up to the first character that is no digit of the base,
/// so `088` is 0; anything else that follows is refused here.
pub(super) fn pattern(text: &str) -> Result<u8, NumberError> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let Ok(Leading { number, rest }) = leading_number(digits) else { return Err(NumberError::NotANumber) };
    if !rest.chars().all(|c| c.is_ascii_digit()) {
        return Err(NumberError::NotANumber);
    }
    let Some(number) = number else { return Ok(u64::MAX as u8) };
    let byte = number as u8;
    Ok(if negative { byte.wrapping_neg() } else { byte })
}

/// What `strtoull` with base 0 finds at the start of a text.
struct Leading<'t> {
    /// The number; `None` if it has more than 64 bits.
    number: Option<u64>,
    /// What follows it.
    rest: &'t str,
}

fn leading_number(text: &str) -> Result<Leading<'_>, NumberError> {
    if text.starts_with('-') {
        return Err(NumberError::Negative);
    }
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (radix, digits) = match hexadecimal.filter(|rest| rest.starts_with(|c: char| c.is_ascii_hexdigit())) {
        Some(digits) => (16, digits),
        None if text.starts_with('0') => (8, text),
        None => (10, text),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if digits.is_empty() {
        return Err(NumberError::NotANumber);
    }
    // Digits of the right base only, so the one thing that can fail is the range.
    Ok(Leading { number: u64::from_str_radix(digits, radix).ok(), rest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_those_of_c() {
        assert_eq!(size("10", 4096), Ok(10));
        assert_eq!(size("010", 4096), Ok(8));
        assert_eq!(size("0x10", 4096), Ok(16));
        assert_eq!(size("0X1f", 4096), Ok(31));
        assert_eq!(size("0", 4096), Ok(0));
        assert_eq!(size("08", 4096), Err(NumberError::NotOctal));
        // In hexadecimal `b` and `e` are digits.
        assert_eq!(size("0x1b", 4096), Ok(27));
        assert_eq!(size("0x", 4096), Err(NumberError::Suffix));
    }

    #[test]
    fn suffixes_are_those_of_xfs_io() {
        assert_eq!(size("1b", 1024), Ok(1024));
        assert_eq!(size("1s", 1024), Ok(512));
        assert_eq!(size("2K", 4096), Ok(2048));
        assert_eq!(size("3m", 4096), Ok(3 << 20));
        assert_eq!(size("010k", 4096), Ok(8192));
        assert_eq!(size("0x10k", 4096), Ok(16384));
        assert_eq!(size("7e", 4096), Ok(7 << 60));
        assert_eq!(size("4q", 4096), Err(NumberError::Suffix));
        assert_eq!(size("4kb", 4096), Err(NumberError::Suffix));
        assert_eq!(size("1.5k", 4096), Err(NumberError::NotWhole));
        assert_eq!(size("4ķ", 4096), Err(NumberError::Suffix));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert_eq!(size("", 4096), Err(NumberError::NotANumber));
        assert_eq!(size("k", 4096), Err(NumberError::NotANumber));
        assert_eq!(size("-4k", 4096), Err(NumberError::Negative));
        assert_eq!(size("ß", 4096), Err(NumberError::NotANumber));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(size("9223372036854775807", 4096), Ok(MAX_OFFSET));
        assert_eq!(size("9223372036854775808", 4096), Err(NumberError::TooLarge));
        assert_eq!(size("99999999999999999999999", 4096), Err(NumberError::TooLarge));
        assert_eq!(size("16e", 4096), Err(NumberError::TooLarge));
        assert_eq!(size("0xffffffffffffffffk", 4096), Err(NumberError::TooLarge));
        assert_eq!(size("8e", 4096), Err(NumberError::TooLarge));
    }

    #[test]
    fn patterns_keep_their_low_byte() {
        assert_eq!(pattern("0x57"), Ok(0x57));
        assert_eq!(pattern("300"), Ok(0x2c));
        assert_eq!(pattern("0x1ff"), Ok(0xff));
        assert_eq!(pattern("088"), Ok(0));
        assert_eq!(pattern("010"), Ok(8));
        assert_eq!(pattern("-1"), Ok(0xff));
        assert_eq!(pattern("0xffffffffffffff00"), Ok(0));
        // 2^64 and more: strtoul gives its greatest number.
        assert_eq!(pattern("0x10000000000000000"), Ok(0xff));
        assert_eq!(pattern("99999999999999999999"), Ok(0xff));
        assert_eq!(pattern("-99999999999999999999"), Ok(0xff));
        assert_eq!(pattern("--5"), Err(NumberError::NotANumber));
        assert_eq!(pattern("4k"), Err(NumberError::NotANumber));
        assert_eq!(pattern("X"), Err(NumberError::NotANumber));
    }
}
