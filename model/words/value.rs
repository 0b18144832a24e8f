//! What a cell can contain. Contents are symbolic: who wrote it, and to which cell, not which byte.

use std::fmt;
use std::ops::Range;

use super::geometry::Cell;

/// The number of a write in the scenario: setup first, then actor by actor. 0 is the initial contents.
pub type WriteId = u8;

/// The most writes that a scenario may have, so that sets of them fit a word.
pub const MAX_WRITES: usize = 63;

/// The contents of a cell. The lower half says what it is; what was written has in the upper half the cell that it was written to
/// (its origin), since one write has other data for every cell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(u32);

impl Value {
    /// Zeros: what a hole, an unwritten extent and everything beyond end of file reads as.
    pub const ZERO: Value = Value(0);
    /// The contents of a fresh page of memory, before anybody filled it.
    pub const UNINITIALISED: Value = Value(0x4000);

    /// Block pointers of an inode, read as data.
    pub const METADATA: Value = Value(0x5000);

    /// Beside the number of a write: see [`with_other_checksum`](Self::with_other_checksum).
    const OTHER_CHECKSUM: u32 = 0x0100;
    /// What is without an origin.
    const WHAT: u32 = 0xffff;

    /// Written by write number `id` to `cell`. Zeros, which are number 0, are the same wherever they were written.
    pub const fn written(id: WriteId, cell: Cell) -> Self {
        if id == 0 { Value::ZERO } else { Value((cell as u32) << 16 | id as u32) }
    }

    /// What write number `id` has for `cells`.
    pub fn written_to(id: WriteId, cells: Range<Cell>) -> impl Iterator<Item = Self> {
        cells.map(move |cell| Value::written(id, cell))
    }

    /// Puts into `to`, which is `cells` of a file, what write number `id` has for them.
    pub fn fill(to: &mut [Value], id: WriteId, cells: Range<Cell>) {
        to.iter_mut().zip(Value::written_to(id, cells)).for_each(|(to, value)| *to = value);
    }

    /// What physical block `phys` held before it was ever written: somebody's deleted data.
    pub const fn garbage(phys: u16) -> Self {
        Value(0x8000 | phys as u32)
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
        self.0 & Self::WHAT >= 0x4000
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

    /// The cell that it was written to; `None` for zeros and garbage.
    pub fn origin(self) -> Option<Cell> {
        self.write().filter(|id| *id != 0).map(|_| (self.0 >> 16) as Cell)
    }

    /// Whether it is the same but for where it was written.
    pub const fn is_alike(self, other: Self) -> bool {
        self.0 & Self::WHAT == other.0 & Self::WHAT
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
        assert!(
            same(Value::written(1, 0), Value::written(3, 0))
                && !same(Value::written(1, 0), Value::written(2, 0))
        );
        assert!(same(Value::ZERO, Value::written(4, 0)) && !same(Value::ZERO, Value::written(1, 0)));
        assert!(same(Value::garbage(1), Value::garbage(1)) && !same(Value::garbage(1), Value::garbage(2)));
        assert!(!same(Value::garbage(0), Value::ZERO) && !same(Value::ZERO, Value::UNINITIALISED));
        assert!(same(Value::written(1, 0).with_other_checksum(), Value::written(3, 0)));
    }

    #[test]
    fn one_write_has_other_data_for_every_cell() {
        let [first, second] = [0, 1].map(|cell| Value::written(7, cell));
        assert_ne!(first, second);
        assert!(first.is_alike(second) && first.same_bytes(second, &[0; 8]) && first.write() == Some(7));
        assert_eq!([first, second].map(Value::origin), [Some(0), Some(1)]);
        assert_eq!(second.with_other_checksum().origin(), Some(1));
        assert_eq!(second.with_other_checksum().without_checksum(), second);
        assert_eq!(Value::written(0, 1), Value::ZERO);
        assert_eq!([Value::ZERO, Value::garbage(3), Value::METADATA].map(Value::origin), [None; 3]);
        assert_eq!(size_of::<Value>(), 4);
    }
}
