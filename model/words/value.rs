//! What a cell can contain. Contents are symbolic: who wrote it, not which byte.

use std::fmt;

/// The number of a write in the scenario: setup first, then actor by actor. 0 is the initial contents.
pub type WriteId = u8;

/// The most writes that a scenario may have, so that sets of them fit a word.
pub const MAX_WRITES: usize = 63;

/// The contents of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(u16);

impl Value {
    /// Zeros: what a hole, an unwritten extent and everything beyond end of file reads as.
    pub const ZERO: Value = Value(0);
    /// The contents of a fresh page of memory, before anybody filled it.
    pub const UNINITIALISED: Value = Value(0x4000);

    /// Block pointers of an inode, read as data.
    pub const METADATA: Value = Value(0x5000);

    /// Beside the number of a write: see [`with_other_checksum`](Self::with_other_checksum).
    const OTHER_CHECKSUM: u16 = 0x0100;

    /// Written by write number `id`.
    pub const fn written(id: WriteId) -> Self {
        Value(id as u16)
    }

    /// What physical block `phys` held before it was ever written: somebody's deleted data.
    pub const fn garbage(phys: u16) -> Self {
        Value(0x8000 | phys)
    }

    /// The same on the device, where the checksum of it was calculated from something else.
    #[must_use]
    pub const fn with_other_checksum(self) -> Self {
        Value(self.0 | Self::OTHER_CHECKSUM)
    }

    /// Whether it is on the device with a checksum of something else.
    pub const fn has_other_checksum(self) -> bool {
        !self.is_garbage() && self.0 & Self::OTHER_CHECKSUM != 0
    }

    /// What it is in memory, where nothing has a checksum.
    #[must_use]
    pub const fn without_checksum(self) -> Self {
        if self.has_other_checksum() { Value(self.0 & !Self::OTHER_CHECKSUM) } else { self }
    }

    /// Whether nobody may ever see this.
    pub const fn is_garbage(self) -> bool {
        self.0 >= 0x4000
    }

    /// Whether it is the same bytes as `other`, whoever wrote either: by the patterns of the writes.
    pub fn same_bytes(self, other: Self, patterns: &[u8]) -> bool {
        match (self.write(), other.write()) {
            (Some(one), Some(other)) => patterns.get(usize::from(one)) == patterns.get(usize::from(other)),
            _ => self == other,
        }
    }

    /// The contents in the words of a scenario: the pattern that the write was given.
    pub fn show(self, patterns: &[u8]) -> String {
        match self.write() {
            None => format!("{self:?}"),
            Some(0) => "0".to_owned(),
            Some(id) => {
                patterns.get(usize::from(id)).map_or_else(String::new, |byte| format!("0x{byte:02x}"))
            }
        }
    }

    /// The write that put it there; 0 for zeros, `None` for garbage.
    pub const fn write(self) -> Option<WriteId> {
        if self.is_garbage() { None } else { Some(self.0 as WriteId) }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.write()) {
            (_, Some(0)) => f.write_str("0"),
            (_, Some(id)) => write!(f, "w{id}"),
            (Value::UNINITIALISED, None) => f.write_str("uninitialised"),
            (Value::METADATA, None) => f.write_str("metadata"),
            (_, None) => write!(f, "~{}", self.0 & 0x3fff),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_same_whoever_wrote_them() {
        let patterns = [0, 0x57, 0x58, 0x57, 0];
        let same = |one: Value, other: Value| one.same_bytes(other, &patterns);
        assert!(same(Value::written(1), Value::written(3)) && !same(Value::written(1), Value::written(2)));
        assert!(same(Value::ZERO, Value::written(4)) && !same(Value::ZERO, Value::written(1)));
        assert!(same(Value::garbage(1), Value::garbage(1)) && !same(Value::garbage(1), Value::garbage(2)));
        assert!(!same(Value::garbage(0), Value::ZERO) && !same(Value::ZERO, Value::UNINITIALISED));
        assert!(same(Value::written(1).with_other_checksum(), Value::written(3)));
    }
}
