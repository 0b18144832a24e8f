//! XFS with shared blocks: what a write to them maps, and how copies take their place (fs/xfs/xfs_reflink.c).
//!
//! Like [`super::xfs`], each function runs inside one ILOCK section of its caller.

use std::ops::Range;

use stalemap_facade::Backend;

use crate::state::inode::Inode;
use crate::state::map_change::MapSection;
use crate::state::mapping::Iomap;
use crate::words::branches;
use crate::words::extent::{Enospc, Extent, ExtentMap, Fork};
use crate::words::geometry::FileBlock;

/// The part of `xfs_buffered_write_iomap_begin` for files with the reflink flag: an extent of the COW fork wins,
/// shared blocks are reserved there as far as the request goes, and other extents are reported no further
/// than blocks are alike. `None`: the data fork has no block here that could be shared.
pub(super) fn cow_begin<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    block: FileBlock,
    limit: FileBlock,
) -> Result<Option<Iomap>, Enospc> {
    if map.cow.get(block) != Extent::Hole {
        return Ok(Some(found_cow(inode, map, map.cow.extent_around(block), block, false)));
    }
    let source = map.extent_around(block);
    let Extent::Written(first) = map.get(block) else { return Ok(None) };
    // xfs_reflink_trim_around_shared
    let shared = inode.sb.is_shared(first);
    let alike = |next: &FileBlock| inode.sb.is_shared(first + (*next - block)) == shared;
    let mut end = (block..source.end.min(limit)).take_while(alike).last().unwrap_or(block) + 1;
    if !shared {
        return Ok(Some(map.map_part(block..end, &inode.data_sequence())));
    }
    end = end.min(map.cow.next_after(block));
    let reserved = round_out(inode, map, &(block..end));
    map.reserve(Fork::Cow, &reserved)?;
    inode.sb.backend.reach(branches::COW_RESERVE);
    let new = inode.sb.config.design.cow_new;
    Ok(Some(found_cow(inode, map, block..end, block, new)))
}

/// What a direct write finds where it begins.
pub enum Source {
    /// These blocks are shared, or copies of them are in the making.
    Copied(Range<FileBlock>),
    /// These are the file's own.
    Own(Range<FileBlock>),
}

/// `xfs_find_trim_cow_extent`: the first of `blocks`, which are of one extent of the data fork, and those after it that
/// are alike.
pub fn xfs_reflink_trim<B: Backend>(inode: &Inode<B>, map: &ExtentMap, blocks: &Range<FileBlock>) -> Source {
    let start = blocks.start;
    if map.cow.get(start) != Extent::Hole {
        return Source::Copied(start..map.cow.extent_around(start).end.min(blocks.end));
    }
    let end = blocks.end.min(map.cow.next_after(start));
    let Extent::Written(first) = map.get(start) else { return Source::Own(start..end) };
    let shared = inode.sb.is_shared(first);
    let alike = |next: &FileBlock| inode.sb.is_shared(first + (*next - start)) == shared;
    let end = (start..end).take_while(alike).last().unwrap_or(start) + 1;
    if shared { Source::Copied(start..end) } else { Source::Own(start..end) }
}

/// `xfs_reflink_allocate_cow` for a direct write: copies of `blocks` are allocated, unless they are there, and
/// real at once, since the write is submitted with the mapping that is returned.
pub fn xfs_reflink_allocate_cow<B: Backend>(
    inode: &Inode<B>,
    map: &mut MapSection<'_, B>,
    blocks: &Range<FileBlock>,
) -> Result<Iomap, Enospc> {
    match map.cow.get(blocks.start) {
        Extent::Hole => {
            let wanted = round_out(inode, map, blocks);
            map.allocate(Fork::Cow, &wanted)?;
            inode.sb.backend.reach(branches::COW_RESERVE);
        }
        Extent::Delalloc => drop(map.allocate_delayed(Fork::Cow, blocks.start)),
        Extent::Unwritten(_) | Extent::Written(_) => {}
    }
    // The allocator may not have kept them together.
    let end = map.cow.extent_around(blocks.start).end.min(blocks.end);
    let blocks = blocks.start..end;
    // xfs_reflink_convert_cow
    map.submit_copies(&blocks);
    let (copy, source) = (map.cow.get(blocks.start), map.get(blocks.start));
    Ok(Iomap::of_cow(copy, blocks, false, &inode.shared_sequence(), source))
}

/// A mapping of `blocks` of the COW fork around `block`, as far as one extent of the data fork has their present
/// contents (`iomap_length` goes by the shorter of the two).
fn found_cow<B: Backend>(
    inode: &Inode<B>,
    map: &ExtentMap,
    blocks: Range<FileBlock>,
    block: FileBlock,
    new: bool,
) -> Iomap {
    let source = map.extent_around(block);
    let blocks = blocks.start.max(source.start)..blocks.end.min(source.end);
    let first = map.cow.get(blocks.start);
    Iomap::of_cow(first, blocks.clone(), new, &inode.shared_sequence(), map.get(blocks.start))
}

/// `xfs_bmap_extsize_align`: blocks rounded out to the hint, as far as the COW fork is empty around them.
fn round_out<B: Backend>(inode: &Inode<B>, map: &ExtentMap, blocks: &Range<FileBlock>) -> Range<FileBlock> {
    let hint = map.cow_extent_size.max(1);
    let start = blocks.start - blocks.start % hint;
    let end = blocks.end.div_ceil(hint).saturating_mul(hint).min(inode.sb.geometry.blocks());
    let empty = |block: &FileBlock| map.cow.get(*block) == Extent::Hole;
    let start = (start..blocks.start).rev().take_while(empty).last().unwrap_or(blocks.start);
    let end = (blocks.end..end).take_while(empty).last().map_or(blocks.end, |last| last + 1);
    start..end
}
