//! The validity cookie of a mapping.

/// Where the COW fork's counter stands in a validity cookie.
pub const COW_SHIFT: u32 = 32;

/// A validity cookie in words: the counter, or the data fork's and the COW fork's.
pub fn show_cookie(cookie: u64) -> String {
    match cookie >> COW_SHIFT {
        0 => cookie.to_string(),
        cow => format!("{}/{}", cookie & ((1 << COW_SHIFT) - 1), cow >> 1),
    }
}
