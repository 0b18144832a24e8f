//! What truncate and fallocate do to the extents, each in one ILOCK section, by each file system's names: xfs_bmap_util.c
//! and `xfs_itruncate_extents`, `ext4_ext_remove_space` and `ext4_ext_shift_extents`, gfs2's `punch_hole`.
//!
//! XFS takes one or two extents a transaction; nobody looks at the rest in between, whose page cache is gone.

use std::ops::Range;

use stalemap_facade::{Backend, Op};

use crate::fs::stuffed;
use crate::state::inode::Inode;
use crate::words::geometry::{Cell, FileBlock};

/// The size that the log has of the file, in cells, for a change of the size that may have to write data back first.
pub(crate) async fn logged_size<B: Backend>(inode: &Inode<B>) -> Cell {
    inode.lock_map(Op::new(inode.sb.config.fs.names.setattr_size)).await.disk_size
}

/// Frees what lies beyond the new size, and logs that.
pub(crate) async fn truncate_extents<B: Backend>(inode: &Inode<B>, size: Cell) {
    let beyond = inode.sb.geometry.blocks_touched(&(0..size)).end..inode.sb.geometry.blocks();
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names.truncate_extents)).await;
    map.log_size(size);
    map.unmap(&beyond);
    if size == 0 {
        stuffed::restuff(inode);
    }
    map.end();
}

/// Frees blocks.
pub(crate) async fn remove_extents<B: Backend>(inode: &Inode<B>, blocks: &Range<FileBlock>) {
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names.remove_extents)).await;
    map.unmap(blocks);
    map.end();
}

/// Moves what lies behind a hole down onto it.
pub(crate) async fn collapse_extents<B: Backend>(inode: &Inode<B>, blocks: &Range<FileBlock>) {
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names.collapse_extents)).await;
    map.collapse(blocks);
    // What a crash may leave is rearranged before the transaction that does it is judged.
    inode.oracle.collapse(&inode.sb.geometry, &inode.sb.geometry.cells_of_blocks(blocks));
    map.end();
}

/// Moves what lies from a range on up behind it.
pub(crate) async fn insert_extents<B: Backend>(inode: &Inode<B>, blocks: &Range<FileBlock>) {
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names.insert_extents)).await;
    map.insert(blocks);
    inode.oracle.insert(&inode.sb.geometry, &inode.sb.geometry.cells_of_blocks(blocks));
    map.end();
}
