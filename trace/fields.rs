//! The text of an event: names with values.
//!
//! Tracepoints print `name value`, kprobes `name=value`. A value is the word behind its name, and may be empty
//! (`state  cur …`). Numbers are decimal, or hexadecimal with or without `0x`, as each event's format in the kernel has it.

/// A field is missing, or is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) &'static str);

/// The text of one event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'t>(&'t str);

impl<'t> Fields<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Fields(text.trim_start())
    }

    /// All of it.
    pub(crate) fn text(self) -> &'t str {
        self.0
    }

    /// The word behind a name, if the name is there.
    pub(crate) fn find(self, name: &str) -> Option<&'t str> {
        let mut words = self.0.split(' ');
        while let Some(word) = words.next() {
            if word == name {
                return words.next();
            }
            if let Some(value) = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn word(self, name: &'static str) -> Result<&'t str, Missing> {
        self.find(name).ok_or(Missing(name))
    }

    /// The value under the first of several names: kernels have renamed some.
    fn either(self, names: &[&'static str]) -> Result<&'t str, Missing> {
        names.iter().find_map(|name| self.find(name)).ok_or(Missing(names[0]))
    }

    /// A number, under the first of several names that is there.
    pub(crate) fn number_of(self, names: &[&'static str]) -> Result<u64, Missing> {
        number(self.either(names)?).ok_or(Missing(names[0]))
    }

    pub(crate) fn number(self, name: &'static str) -> Result<u64, Missing> {
        self.number_of(&[name])
    }

    /// A number that may be less than zero.
    pub(crate) fn signed(self, name: &'static str) -> Result<i64, Missing> {
        let word = self.word(name)?;
        word.parse().ok().or_else(|| number(word).map(u64::cast_signed)).ok_or(Missing(name))
    }

    /// A number that is hexadecimal whether or not it says so.
    pub(crate) fn hexadecimal(self, name: &'static str) -> Result<u64, Missing> {
        let word = self.word(name)?;
        u64::from_str_radix(word.strip_prefix("0x").unwrap_or(word), 16).map_err(|_| Missing(name))
    }
}

/// Hexadecimal behind `0x`, decimal otherwise; -1 is the greatest.
pub(crate) fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok().or_else(|| word.parse().ok().map(i64::cast_unsigned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_behind_names() {
        let fields = Fields::new("  dev 254:0 ino 0x83 state  cur 00ff/1 flag 1 caller f+0x1/0x2 [xfs]");
        assert_eq!(fields.word("dev"), Ok("254:0"));
        assert_eq!(fields.number("ino"), Ok(0x83));
        assert_eq!(fields.word("state"), Ok(""));
        assert_eq!(fields.word("cur"), Ok("00ff/1"));
        assert_eq!(fields.number("flag"), Ok(1));
        assert_eq!(fields.number("len"), Err(Missing("len")));
        assert_eq!(fields.number("dev"), Err(Missing("dev")));
        let fields = Fields::new("(f+0x0/0x50 [xfs]) ino=0x43 off=0x0 valid=1 idx=8 ret=-14");
        assert_eq!((fields.number("off"), fields.number("valid")), (Ok(0), Ok(1)));
        assert_eq!(fields.signed("ret"), Ok(-14));
        assert_eq!(fields.number_of(&["pos", "off"]), Ok(0));
    }

    #[test]
    fn numbers_have_lost_their_base() {
        assert_eq!(number("0x10"), Some(16));
        assert_eq!(number("16"), Some(16));
        assert_eq!(number("-1"), Some(u64::MAX));
        assert_eq!(number("0xffffffffffffffff"), Some(u64::MAX));
        assert_eq!(
            (number(""), number("0x"), number("x"), number("0x10000000000000000")),
            (None, None, None, None)
        );
        assert_eq!(Fields::new("offset 8000 ino 83").hexadecimal("offset"), Ok(0x8000));
    }
}
