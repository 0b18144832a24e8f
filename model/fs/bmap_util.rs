//! What truncate and fallocate do to the extents, by each file system's names: xfs_bmap_util.c and `xfs_itruncate_extents`,
//! `ext4_ext_remove_space` and `ext4_ext_shift_extents`, gfs2's `punch_hole`.
//!
//! Each is one ILOCK section but the punch of XFS. A truncate and a shift of XFS roll from one transaction to the next with the
//! ILOCK held: only a crash can come between. (So does ext4's shift here, whose own transactions are left out.)

use std::ops::Range;

use stalemap_facade::{Backend, Lock, Op};

use crate::fs::stuffed;
use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::words::extent::{Enospc, Extent, ExtentMap, Fork};
use crate::words::geometry::{Cell, FileBlock};
use crate::words::map_design::{AllocRecheck, UnmapCow};
use crate::words::personality::UnshareCancels;

/// The size that the log has of the file, in cells, for a change of the size that may have to write data back first.
pub(crate) async fn logged_size<B: Backend>(inode: &Inode<B>) -> Cell {
    inode.lock_map(Op::new(inode.sb.config.fs.names().setattr_size)).await.disk_size
}

/// Logs the size that the file has grown to.
pub(crate) async fn log_size<B: Backend>(inode: &Inode<B>, size: Cell) {
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().setattr_size)).await;
    map.log_size(size);
    map.end();
}

/// Frees what lies beyond the new size, and logs that: first, so that no crash leaves a size with nothing below it. XFS frees two
/// extents in a transaction, the last ones first (`xfs_bunmapi_range`); where nothing is left in either fork, nobody is to look for
/// copies any more.
pub(crate) async fn truncate_extents<B: Backend>(inode: &Inode<B>, size: Cell) {
    let beyond = inode.sb.geometry.blocks_touched(&(0..size)).end..inode.sb.geometry.blocks();
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().truncate_extents)).await;
    map.log_size(size);
    map.cut_valid_size(size);
    let mut rest = beyond.clone();
    while inode.sb.config.fs.is_xfs()
        && let Some(start) = last_two(&map, &rest)
    {
        map.unmap(&(start..rest.end));
        map.roll();
        rest.end = start;
    }
    map.unmap(&rest);
    // xfs_reflink_cancel_cow_blocks
    map.cancel_copies(beyond);
    // xfs_itruncate_clear_reflink_flags
    if inode.sb.config.fs.is_xfs() && !map.has_data() && !map.cow.has_data() {
        map.clear_reflink();
    }
    if size == 0 {
        stuffed::restuff(inode);
    }
    map.end();
}

/// Frees blocks. XFS frees two extents in a transaction, the last ones first, and lets the ILOCK go between two
/// (`xfs_unmap_extent`, `xfs_bunmapi`). What lies in the COW fork is left there: of what was dirty nothing can be, since it was
/// written back, but a hint makes copies that nobody has asked for.
pub(crate) async fn remove_extents<B: Backend>(inode: &Inode<B>, blocks: &Range<FileBlock>) {
    let op = Op::new(inode.sb.config.fs.names().remove_extents);
    let mut map = inode.lock_map(op).await;
    if inode.sb.config.fs.is_xfs() {
        let mut rest = blocks.clone();
        while let Some(start) = last_two(&map, &rest) {
            map.unmap(&(start..rest.end));
            rest.end = start;
            map = map.cycle(op).await;
        }
        map.unmap(&rest);
    } else {
        map.unmap(blocks);
    }
    if inode.sb.config.design.unmap_cow() == UnmapCow::Cancelled {
        map.cancel_copies(blocks.clone());
    }
    map.end();
}

/// `xfs_alloc_file_space`: blocks for whatever has none. XFS gives them to one extent in a transaction, and lets the ILOCK go between
/// two; of what has blocks already nobody can tell that it has a transaction, too. Left out: a hole that the allocator fills in
/// several pieces is one extent here.
pub(crate) async fn alloc_extents<'i, B: Backend>(
    inode: &'i Inode<B>,
    op: Op,
    blocks: &Range<FileBlock>,
) -> (MapSection<'i, B>, Result<(), Enospc>) {
    let mut map = inode.lock_map(op).await;
    if inode.sb.config.fs.valid_size() {
        let result = map.fill_holes(blocks);
        return (map, result);
    }
    let mut found = match inode.sb.config.design.alloc_recheck() {
        AllocRecheck::DataFork => Vec::new(),
        AllocRecheck::Nothing => blocks.clone().filter(|block| map.get(*block).phys().is_none()).collect(),
    };
    let mut rest = blocks.clone();
    while inode.sb.config.fs.is_xfs()
        && let Some(end) = first_without(&map, &rest)
    {
        if let Err(error) = map.preallocate(&(rest.start..end)) {
            return (map, Err(error));
        }
        rest.start = end;
        map = map.cycle(op).await;
        found = allocate_found(&mut map, &found, end);
    }
    let result = map.preallocate(&rest);
    (map, result)
}

/// Blocks from `end` on that had no place at the first look get a new one if they have one by now (a mutant). Returns those that have
/// none.
fn allocate_found<B: Backend>(
    map: &mut MapSection<'_, B>,
    found: &[FileBlock],
    end: FileBlock,
) -> Vec<FileBlock> {
    let rest = found.iter().copied().filter(|block| *block >= end);
    let (taken, left): (Vec<_>, Vec<_>) = rest.partition(|block| map.get(*block).phys().is_some());
    for block in taken {
        if map.allocate_again(Fork::Data, &(block..block + 1)).is_err() {
            break;
        }
    }
    left
}

/// Where the first extent of some blocks ends that has no place, if there is another one behind it.
fn first_without(map: &ExtentMap, blocks: &Range<FileBlock>) -> Option<FileBlock> {
    let without = |block: &FileBlock| map.get(*block).phys().is_none();
    let first = blocks.clone().find(without)?;
    let end = map.extent_around(first).end;
    (end..blocks.end).any(|block| without(&block)).then_some(end)
}

/// Where the last two extents of some blocks begin, if there are more.
fn last_two(map: &ExtentMap, blocks: &Range<FileBlock>) -> Option<FileBlock> {
    let mut end = blocks.end;
    let mut found = 0;
    while end > blocks.start && found < 2 {
        let extent = map.extent_around(end - 1);
        end = extent.start.max(blocks.start);
        found += u16::from(map.get(end) != Extent::Hole);
    }
    let more = (blocks.start..end).any(|block| map.get(block) != Extent::Hole);
    more.then_some(end)
}

/// `xfs_reflink_cancel_cow_range`: gives up the copies in a range, in a transaction of its own.
pub(crate) async fn cancel_cow<B: Backend>(inode: &Inode<B>, blocks: Range<FileBlock>) {
    let mut map = inode.lock_map(Op::new("xfs_reflink_cancel_cow_range")).await;
    if map.cow.has_data() {
        map.cancel_copies(blocks);
    }
}

/// `xfs_can_free_cowblocks`, for callers that keep all but devices from dirtying a page, and have waited for direct I/O: whether nothing
/// of the file is dirty or under way. In the kernel the ILOCK is held; what is found stays so without it.
async fn can_free_cowblocks<B: Backend>(inode: &Inode<B>) -> bool {
    for index in 0..inode.sb.geometry.folios() {
        let slot = inode.page(index).lock(Op::on("mapping_tagged", u32::from(index))).await;
        if slot.current().is_some_and(|(_, folio)| folio.tagged || folio.writeback) {
            return false;
        }
    }
    !inode.has_dirty_pages_flag().await
}

/// `xfs_reflink_clear_inode_flag`: where nothing is shared any more, nobody is to look for copies. Whether something is dirty over them,
/// or under way to the device, is asked from 6.12 on.
pub(crate) async fn clear_reflink<B: Backend>(inode: &Inode<B>) {
    if inode.sb.config.fs.unshare_cancels() == UnshareCancels::IfIdle && !can_free_cowblocks(inode).await {
        return;
    }
    let mut map = inode.lock_map(Op::new("xfs_reflink_clear_inode_flag")).await;
    let is_shared = |extent: Extent| matches!(extent, Extent::Written(phys) if inode.sb.is_shared(phys));
    if (0..inode.sb.geometry.blocks()).any(|block| is_shared(map.get(block))) {
        return;
    }
    map.cancel_copies(0..inode.sb.geometry.blocks());
    map.clear_reflink();
    map.end();
}

/// Moves what lies behind a hole down onto it.
pub(crate) async fn collapse_extents<B: Backend>(inode: &Inode<B>, blocks: &Range<FileBlock>) {
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().collapse_extents)).await;
    map.collapse(blocks);
    // What a crash may leave is rearranged before the transaction that does it is judged.
    inode.oracle.collapse(&inode.sb.geometry, &inode.sb.geometry.cells_of_blocks(blocks));
    map.end();
}

/// Moves what lies from a range on up behind it.
pub(crate) async fn insert_extents<B: Backend>(inode: &Inode<B>, blocks: &Range<FileBlock>) {
    let mut map = inode.lock_map(Op::new(inode.sb.config.fs.names().insert_extents)).await;
    map.insert(blocks);
    inode.oracle.insert(&inode.sb.geometry, &inode.sb.geometry.cells_of_blocks(blocks));
    map.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_freed_two_at_a_time_from_the_end() {
        let mut map = ExtentMap::new(6);
        for (block, place) in [(0, 10), (1, 20), (3, 40), (4, 50)] {
            map.allocate(&(block..block + 1), &[place]);
        }
        assert_eq!(map.letters(), "UUHUUH");
        assert_eq!(last_two(&map, &(0..6)), Some(3), "the holes between and behind are no extents");
        map.unmap(3..6);
        assert_eq!(last_two(&map, &(0..3)), None, "these are the last two");
        assert_eq!(last_two(&map, &(3..6)), None, "there is nothing");
    }

    #[test]
    fn extents_get_blocks_one_at_a_time_from_the_start() {
        let mut map = ExtentMap::new(6);
        map.allocate(&(1..2), &[10]);
        map.reserve(&(3..4));
        assert_eq!(map.letters(), "HUHDHH");
        assert_eq!(first_without(&map, &(0..6)), Some(1));
        assert_eq!(first_without(&map, &(1..6)), Some(3), "what has blocks is passed over");
        assert_eq!(first_without(&map, &(3..6)), Some(4));
        assert_eq!(first_without(&map, &(4..6)), None, "it is the last one");
        assert_eq!(first_without(&map, &(0..0)), None);
    }
}
