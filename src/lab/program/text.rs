//! Texts in C: comments and strings that what stands in them cannot end, and numbers.

/// A text for a comment of one line: nothing in it ends the comment, begins another one or goes on in the next line.
pub(super) fn comment_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("*/", "* /").replace("/*", "/ *").replace('\\', "/").replace("??", "? ?")
}

/// A string literal that is a JSON string without escapes, too: what either would need an escape for is left out.
pub(super) fn literal(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\'));
    format!("\"{}\"", plain.collect::<String>().replace("??", "? ?"))
}

/// A number of bytes.
pub(super) fn number(bytes: u64) -> String {
    if i32::try_from(bytes).is_ok() { bytes.to_string() } else { format!("{bytes}ULL") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_comment_or_a_string() {
        assert_eq!(comment_line("a */ int b; /* c\nd \\"), "a * / int b; / * c d /");
        assert!(!comment_line("/*/*/*/").contains("*/"));
        assert_eq!(literal("say \"no\"\\\n"), "\"say no\"");
        assert_eq!([number(4096), number(1 << 40)], ["4096", "1099511627776ULL"]);
    }
}
