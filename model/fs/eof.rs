//! The block that end of file lies in the middle of.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::state::inode::Inode;
use crate::words::geometry::Cell;

/// The cells of the block that end of file lies in the middle of, from there to `target` at most: what has to be
/// zeroed before the file grows, where the file system does that. Further blocks behind end of file have no data: they
/// are holes, or preallocated.
pub fn eof_tail<B: Backend>(inode: &Inode<B>, size: Cell, target: Cell) -> Option<Range<Cell>> {
    if target <= size || size == 0 || !inode.sb.config.fs.zero_eof {
        return None;
    }
    let block_end = inode.sb.geometry.cells_of_block(inode.sb.geometry.block_of(size - 1)).end;
    (size < block_end).then(|| size..block_end.min(target))
}

/// The cells of the block that a position lies in the middle of, from there to its end.
pub(super) fn rest_of_block<B: Backend>(inode: &Inode<B>, position: Cell) -> Option<Range<Cell>> {
    if position == inode.sb.geometry.cells() {
        return None;
    }
    let block = inode.sb.geometry.cells_of_block(inode.sb.geometry.block_of(position));
    (position > block.start).then_some(position..block.end)
}
