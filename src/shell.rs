//! Words of a command line, as a shell takes them.

use std::borrow::Cow;

/// A word in quotes, if a shell would read it otherwise than it is.
pub(crate) fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:=@%,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_change_is_quoted() {
        for plain in ["xfs/t1", "a-b_c.toml", "linux-6.1"] {
            assert_eq!(quoted(plain), plain);
        }
        assert_eq!(quoted("my f.toml"), "'my f.toml'");
        assert_eq!(quoted("[clone] 4k 4k = 57"), "'[clone] 4k 4k = 57'");
        assert_eq!(quoted("a'b$c"), r"'a'\''b$c'");
        assert_eq!(quoted(""), "''");
    }
}
