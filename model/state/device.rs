//! The contents of device blocks.

use crate::words::extent::Phys;
use crate::words::value::Value;

/// The contents of a device block, by the cells of the file block that it belongs to; `None` before it was
/// ever written.
pub type DiskBlock = Option<Vec<Value>>;

/// What a cell of a device block holds.
pub fn contents(block: &DiskBlock, phys: Phys, at: usize) -> Value {
    block.as_ref().map_or(Value::garbage(phys), |cells| cells[at])
}
