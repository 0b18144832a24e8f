//! Which characters what is for people may have: box drawing where the terminal can show it, ASCII elsewhere.

use std::env;

/// What a terminal can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Characters {
    /// All.
    Unicode,
    /// ASCII: a terminal without a character set, or one that is dumb.
    Ascii,
}

impl Characters {
    /// What the locale and the terminal of this process have.
    pub fn of_environment() -> Self {
        Self::of(|name| env::var(name).ok())
    }

    /// The same, of other variables. What `LC_ALL`, else `LC_CTYPE`, else `LANG` says is the locale, as locale(7) has it; who says
    /// nothing is taken to have UTF-8.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        if variable("TERM").as_deref() == Some("dumb") {
            return Self::Ascii;
        }
        let said = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find(said).and_then(&variable);
        locale.map_or(Self::Unicode, |locale| Self::of_locale(&locale))
    }

    /// `C` and `POSIX` have ASCII, and so has what names a character set that is not UTF-8.
    fn of_locale(locale: &str) -> Self {
        let set = locale.split('@').next().and_then(|locale| locale.split_once('.'));
        let is_utf8 = |set: &str| ["utf-8", "utf8"].contains(&set.to_ascii_lowercase().as_str());
        match set {
            Some((_, set)) if is_utf8(set) => Self::Unicode,
            None if locale != "C" && locale != "POSIX" => Self::Unicode,
            Some(_) | None => Self::Ascii,
        }
    }

    /// A message as it can be shown: what stands for words that were left out is written in dots.
    pub fn shown(self, message: String) -> String {
        match self {
            Self::Unicode => message,
            Self::Ascii => message.replace('\u{2026}', "..."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_says_it() {
        let of = |set: &[(&str, &str)]| {
            Characters::of(|name| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        for ascii in [
            &[("LC_ALL", "C")][..],
            &[("LANG", "C")],
            &[("LANG", "POSIX")],
            &[("LC_ALL", ""), ("LC_CTYPE", "C"), ("LANG", "de_DE.UTF-8")],
            &[("LANG", "de_DE.ISO-8859-1")],
            &[("TERM", "dumb"), ("LC_ALL", "C.UTF-8")],
        ] {
            assert_eq!(of(ascii), Characters::Ascii, "{ascii:?}");
        }
        for unicode in [
            &[][..],
            &[("LC_ALL", "C.UTF-8"), ("LANG", "C")],
            &[("LANG", "de_DE.utf8@euro")],
            &[("LANG", "de_DE")],
            &[("TERM", "xterm"), ("LANG", "")],
        ] {
            assert_eq!(of(unicode), Characters::Unicode, "{unicode:?}");
        }
        assert_eq!(Characters::Ascii.shown("a\u{2026}".to_owned()), "a...");
    }
}
