//! What the extent map and the device say about a cell.

use stalemap_facade::Backend;

use crate::state::inode::Inode;
use crate::words::extent::Extent;
use crate::words::geometry::Cell;
use crate::words::value::Value;

/// A cell as the extent map and the device give it.
pub fn on_disk<B: Backend>(inode: &Inode<B>, cell: Cell) -> Value {
    let block = inode.sb.geometry.block_of(cell);
    let at = usize::from(cell - inode.sb.geometry.cells_of_block(block).start);
    let mut value = Value::ZERO;
    if let Some(data) = inode.audit_stuffed() {
        return data.get(usize::from(cell)).copied().unwrap_or(value);
    }
    inode.audit_map(|map| {
        if let Extent::Written(phys) = map.get(block)
            && !map.is_beyond_valid(cell)
        {
            value = inode.sb.audit_disk(phys, at);
        }
    });
    value
}
