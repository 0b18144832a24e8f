//! The contents of a cell as reports name them: which byte was written, or what it is that nobody may see.

use super::value::Value;

/// What is in a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CellContents {
    /// Nothing that is valid.
    Nothing,
    /// Zeros.
    Zeros,
    /// What a command wrote: the byte, as `0x57`.
    Written(String),
    /// What nobody may see.
    Garbage(Garbage),
}

/// What nobody may see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Garbage {
    /// What a block of the device had before it was the file's: somebody's deleted data.
    Device,
    /// What a page of memory had before.
    Memory,
    /// Block pointers of an inode.
    Metadata,
}

impl CellContents {
    /// The contents of a cell that is valid, by the patterns of the writes.
    pub fn of(value: Value, patterns: &[u8]) -> Self {
        match value {
            Value::ZERO => CellContents::Zeros,
            Value::UNINITIALISED => CellContents::Garbage(Garbage::Memory),
            Value::METADATA => CellContents::Garbage(Garbage::Metadata),
            value if value.is_garbage() => CellContents::Garbage(Garbage::Device),
            value => CellContents::Written(value.show(patterns)),
        }
    }
}
